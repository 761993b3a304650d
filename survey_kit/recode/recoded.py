"""What a recode returns, and what recodes share: sources, names, missing codes carried into the new variable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, MissingRule, Variable, format_code
from survey_kit.errors import ArgumentError, listed
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import column_of, present_codes, undeclared
from survey_kit.schema import Notice


@dataclass(frozen=True, slots=True, eq=False)
class Recoded:
    """A new variable. Unpacks as `values, variable = recipe.make(...)`.

    Attributes:
        values: codes on the index of the source, float64 or text (NaN is system-missing). Shape (n,).
        variable: name, labels, missing rule and origin of the new variable.
        notices: what was dropped, counted otherwise, or renumbered.
    """

    values: pd.Series
    variable: Variable
    notices: tuple[Notice, ...] = ()

    def __iter__(self) -> Iterator[pd.Series | Variable]:
        return iter((self.values, self.variable))


@dataclass(frozen=True, slots=True)
class Source:
    """The column that is recoded.

    Attributes:
        series: its codes. Shape (n,).
        present: different codes there are, sorted.
        lost: user-missing codes, labelled or present.
    """

    series: pd.Series
    variable: Variable
    present: tuple[Code, ...]
    lost: tuple[Code, ...]

    @property
    def known(self) -> list[Code]:
        """Labelled codes in codebook order, then present ones without a label."""
        return list(dict.fromkeys((*self.variable.labels, *self.present)))


def source_of(codes: pd.DataFrame, codebook: Codebook, column: str) -> Source:
    """The column with its meaning. Raises UnknownNameError; ArgumentError for text and numbers in one column."""
    series = column_of(codes, column)
    if pd.api.types.is_bool_dtype(series.dtype):
        series = series.astype("Int64" if series.hasnans else "int64")  # codes 0 and 1, as people write them
    variable = codebook[column] if column in codebook else Variable(column)
    present = tuple(present_codes(series))
    rule = variable.missing
    known = dict.fromkeys((*variable.labels, *present))
    lost = () if rule is None else tuple(code for code in known if code in rule)
    return Source(series, variable, present, lost)


def check_name(name: str) -> None:
    """Raise ArgumentError unless the name of the new variable is text."""
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError(f"The name of the new variable must be text; there was {name!r}.")


def check_declared(source: Source, named: Iterable[Code] = (), everywhere: bool = False) -> None:
    """Raise UndeclaredMissingError when codes that read like "don't know" are in the data and nobody named them.

    `everywhere`: also when they are labelled but not in the data.
    """
    known, named = source.known if everywhere else source.present, set(named)
    doubtful = [c for c in looks_like_nonresponse(source.variable) if c in known and c not in named]
    if doubtful:
        raise undeclared(source.variable, doubtful)


def carry_missing(source: Source, lost: Iterable[Code], taken: int) -> tuple[dict[Code, float], Variable, list[Notice]]:
    """User-missing codes in a new variable whose answers have the codes 0 to `taken`.

    They keep their numbers and their rule where these are free; else they get the next free numbers.

    Returns:
        old code -> new code; a Variable that holds their labels and rule only; notices.
    """
    lost, rule = list(lost), source.variable.missing
    clash = any(isinstance(c, str) or 0 <= c <= taken for c in lost) or _reaches(rule, taken)
    start = max([taken, *(int(c) for c in lost if not isinstance(c, str) and np.isfinite(c))]) + 1
    new: dict[Code, float] = {}
    for code in lost:
        if isinstance(code, str) or 0 <= code <= taken:
            new[code] = start + sum(v >= start for v in new.values())
        else:
            new[code] = code
    labels: dict[Code, str] = {new[c]: source.variable.labels.get(c, format_code(c)) for c in lost}
    if rule is not None and (clash or len(lost) < len(source.lost)):
        rule = MissingRule(tuple(new.values()))
    moved = [f"{format_code(c)} is {format_code(v)}" for c, v in new.items() if c != v]
    notices = [Notice("recode", f"Missing codes of {source.variable.name!r} got other numbers: {listed(moved)}.")]
    return new, Variable(source.variable.name, labels=labels, missing=rule), notices if moved else []


def _reaches(rule: MissingRule | None, taken: int) -> bool:
    """True where a missing rule would cover one of the codes 0 to `taken`."""
    return rule is not None and any(code in rule for code in range(taken + 1))


def translate(series: pd.Series, mapping: Mapping[Code, float], name: str) -> pd.Series:
    """Codes through a mapping; codes that it does not hold, and missing values, become NaN. Float64, shape (n,)."""
    return series.map(dict(mapping)).astype(float).rename(name)


def count(mask: np.ndarray, kind: str, text: str) -> list[Notice]:
    """A notice "3 rows <text>", or none where no row is concerned."""
    rows = int(mask.sum())
    return [Notice(kind, f"{rows} row{'s' * (rows != 1)} {text}", rows)] if rows else []


def new_variable(
    name: str, label: str, labels: Mapping[Code, str], rest: Variable, old: Variable, measure: Measure, origin: str
) -> Variable:
    """The new variable: its own labels, then those of the missing codes in `rest`; wording and filter of the old one."""
    return Variable(
        name,
        label=label or old.label,
        labels={**labels, **rest.labels},
        missing=rest.missing,
        question=old.question,
        measure=measure,
        filter=old.filter,
        origin=origin,
    )


def either(texts: Iterable[str], word: str = "or") -> str:
    """'a, b or c'.

    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    *first, last = texts
    return f"{', '.join(first)} {word} {last}" if first else last
