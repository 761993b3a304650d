"""Where targets come from: a population as a table, a census frame, or another weighted survey with its own error."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, NoValidData, TargetError, UnsupportedOption, listed
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine, weighted_counts
from survey_kit.schema import Notice
from survey_kit.weighting.rows.arguments import check_flag
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.rows.subject import Base, Subject, tabulated_of
from survey_kit.weighting.targets.category_order import in_order

MarginNames: TypeAlias = Sequence[Hashable | tuple[Hashable, ...]]

COUNTS = ("count", "n", "freq", "frequency", "pop", "population", "total", "people")
PARTS = ("share", "proportion", "percent")
NUMBERS = ("target", *COUNTS, *PARTS, "weight")  # names of the column with the numbers of a population, in any case


@dataclass(frozen=True, eq=False)
class TargetTable:
    """Targets in the long form, perhaps with their covariance. Every weighting verb takes it.

    Attributes:
        table: one row for each category: variable, category, target, then columns that are kept (source, date ...).
        covariance: of the targets, row by row of the table, in their unit squared (shares of 1, percent or counts). The
            error of targets joins every later standard error. None for targets without error. Shape (K, K).
        notices: what was left out or assumed when it was made.
        counts: whether targets are counts, whatever they sum to. False: judged by their sums.
    """

    table: pd.DataFrame
    covariance: FloatArray | None = None
    notices: tuple[Notice, ...] = field(default=(), repr=False)
    counts: bool = False

    def __post_init__(self) -> None:
        absent = [c for c in ("variable", "category", "target") if c not in self.table.columns]
        if absent:
            raise TargetError(f"The table of targets has no column {absent[0]!r}.")
        if self.covariance is not None:
            _check_covariance(np.asarray(self.covariance, dtype=np.float64), len(self.table))


def _check_covariance(matrix: FloatArray, k: int) -> None:
    if matrix.shape != (k, k):
        raise TargetError(f"The covariance has shape {matrix.shape}; the table has {k} targets, so give ({k}, {k}).")
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12 * np.abs(matrix).max()):
        raise TargetError("The covariance is not a symmetric matrix of finite numbers. Correct it.")
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -1e-8 * max(values[-1], 0.0):
        raise TargetError("The covariance has a negative eigenvalue: no covariance has. Correct it.")


def targets_from(
    reference: pd.DataFrame | SurveyLike,
    margins: MarginNames,
    weight: Base = None,
    *,
    counts: bool = False,
    errors: bool = False,
    source: str = "",
    date: str = "",
) -> TargetTable:
    """Targets tabulated from a census frame or another weighted survey.

    Args:
        reference: a DataFrame of people (or of cells, with their numbers as `weight`), or a survey (a domain too): its
            categories are then written as labels. Categories stand in the order of the codebook or of a Categorical,
            numbers by size, other texts by the alphabet.
        margins: variables; a tuple of variables is a crossed margin, as in ["sex", ("age4", "region")].
        weight: a column, a Series or an array. None: each row counts 1, in a survey its weight in force. A DataFrame
            that looks like cells (a column called n, count, weight ...; or numbers beside rows that all differ) is refused
            without one.
        counts: give weighted counts. False: shares of the rows with a value.
        errors: whether the targets carry the design-based covariance of the survey, so that weights brought to them
            account for its error.
        source, date: kept as columns of the table, and on the result of weighting.

    Raises:
        UnknownNameError, ArgumentError, InvalidWeightError, NoValidData: what cannot be tabulated.
        UnsupportedOption: errors of a DataFrame, or under another weight than the survey's own.

    R: svymean(~sex, design) with vcov(); svrep::calibrate_to_sample for the errors. Stata: svy: proportion.

    Example:
        >>> import pandas as pd
        >>> census = pd.DataFrame({"sex": ["m", "f"], "people": [48, 52]})
        >>> targets_from(census, ["sex"], weight="people").table[["category", "target"]].to_numpy().tolist()
        [['f', 0.52], ['m', 0.48]]
    """
    check_flag("counts", counts)
    check_flag("errors", errors)
    subject, inside = tabulated_of(reference, weight)
    if errors and (subject.survey is None or weight is not None):
        raise UnsupportedOption(
            "errors=True needs a survey under its own weight: its design says how certain its shares are."
        )
    names = [_names(m) for m in _checked(margins)]
    if subject.survey is None and weight is None:
        _refuse_cells(subject.frame, list(dict.fromkeys(v for m in names for v in m)))
    found = [_margin(subject, inside, m, counts) for m in names]
    table = pd.concat([m.rows(source, date) for m in found], ignore_index=True)
    left = [m for m in found if m.left_out]
    notices = tuple(
        Notice("no_answer", f"{m.name!r}: rows of the reference without a value, left out: {m.left_out}.", m.left_out)
        for m in left
    )
    return TargetTable(table, _covariance(subject, found, counts) if errors else None, notices, counts)


def _checked(margins: MarginNames) -> MarginNames:
    if isinstance(margins, (str, bytes)) or not isinstance(margins, Sequence) or not margins:
        raise ArgumentError(f'margins={margins!r} is no list. Give variables, as in ["sex", ("age4", "region")].')
    sets = [frozenset(_names(m)) for m in margins]
    twice = [m for at, m in enumerate(margins) if sets[at] in sets[:at] or len(sets[at]) < len(_names(m))]
    if twice:
        raise ArgumentError(
            f"margins={margins!r} has {twice[0]!r} twice. Name each margin, and each variable in it, once."
        )
    return margins


def numeric(frame: pd.DataFrame, column: Hashable) -> bool:
    """Whether a column (each of this name) holds numbers."""
    kinds = frame.loc[:, frame.columns == column].dtypes
    return all(pd.api.types.is_numeric_dtype(d) and not pd.api.types.is_bool_dtype(d) for d in kinds)


def _refuse_cells(reference: pd.DataFrame, names: list[Hashable]) -> None:
    """Refuse cells with their numbers, or people with weights, that would be tabulated as one person each."""
    for name in names:
        check_column(name, reference.columns)
    others = [str(c) for c in reference.columns if c not in names and numeric(reference, c)]
    named = [c for c in others if c.strip().lower() in NUMBERS]
    if named or (others and _are_cells(reference, names)):
        what = (
            f"has a column {named[0]!r}" if named else "has no two rows with the same categories, as a table of cells"
        )
        shown = listed(map(repr, named or others))
        raise ArgumentError(
            f"The reference {what}. Which column holds the numbers of its rows ({shown})? Give it, as in "
            f"weight={(named or others)[0]!r}; where each row is one person, leave these columns out."
        )


def _are_cells(reference: pd.DataFrame, names: list[Hashable]) -> bool:
    """Whether no two rows agree in the margins, or in all columns of categories (a column without repeats is a name)."""
    keys = reference.loc[:, [not numeric(reference, c) for c in reference.columns]]
    keys = keys.loc[:, [keys.iloc[:, i].duplicated().any() for i in range(keys.shape[1])]]
    tables = [reference[names], *([keys] if keys.shape[1] else [])]
    return not all(table.duplicated().any() for table in tables)


def _names(margin: Hashable) -> tuple[Hashable, ...]:
    return margin if isinstance(margin, tuple) else (margin,)


@dataclass(frozen=True, eq=False)
class _Margin:
    """One margin of the reference: category of each row (-1: none), rows and target of each category."""

    name: str
    variables: tuple[Hashable, ...]
    categories: tuple[tuple[str, ...], ...]
    code: IntArray
    n: IntArray
    target: FloatArray
    left_out: int

    def rows(self, source: str, date: str) -> pd.DataFrame:
        """The margin in the long form."""
        plain = not any(":" in part for key in self.categories for part in key) or len(self.variables) == 1
        table = pd.DataFrame({"variable": pd.Series([self.variable] * len(self.n), dtype=object)})
        table["category"] = pd.Series([":".join(k) if plain else k for k in self.categories], dtype=object)
        table["target"], table["reference_n"] = self.target, self.n
        stated = {name: value for name, value in (("source", source), ("date", date)) if value}
        return table.assign(**stated)

    @property
    def variable(self) -> Hashable:
        """As it is written in a table: names that hold a colon would not be read back as text."""
        if len(self.variables) == 1:
            return self.variables[0]
        return self.variables if any(":" in str(v) for v in self.variables) else self.name


def _margin(subject: Subject, inside: BoolArray, variables: tuple[Hashable, ...], counts: bool) -> _Margin:
    name = ":".join(str(v) for v in variables)
    for variable in variables:
        check_column(variable, subject.frame.columns)
    parts = [in_order(subject, v) for v in variables]
    valid = np.all([p.codes >= 0 for p in parts], axis=0) & inside
    if not subject.base[valid].any():
        raise NoValidData(f"{name!r}: no row of the reference has a value and a weight.")
    cell, first = combine([p.codes[valid] for p in parts])
    held = weighted_counts(cell, subject.base[valid], len(first))
    code = np.full(subject.n, -1, dtype=np.int64)
    code[valid] = cell
    keys = [[p.names[c] for c in p.codes[valid][first]] for p in parts]
    return _Margin(
        name=name,
        variables=variables,
        categories=tuple(zip(*keys, strict=True)),
        code=code,
        n=np.bincount(cell, minlength=len(first)),
        target=held if counts else held / held.sum(),
        left_out=int((inside & ~valid).sum()),
    )


def _covariance(subject: Subject, margins: Sequence[_Margin], counts: bool) -> FloatArray:
    """Design-based covariance of all targets together. Shape (K, K)."""
    from survey_kit.engine.memory import replicate_totals, totals  # scipy is loaded only for errors
    from survey_kit.kernels.linearize import Ratios, Totals
    from survey_kit.results.carriers import linearized, replicated

    values, numerator, denominator = _contributions(margins)
    bound = cast(SurveyLike, subject.survey).bound
    sums = totals(bound, values)
    law = Totals(numerator) if counts else Ratios(numerator, denominator)
    if bound.replicates is not None:
        return replicated(bound, law.value(sums), law.value(replicate_totals(bound, values)), np.inf).vcov()
    return linearized(bound, values, np.inf, law.jacobian(sums)).vcov()


def _contributions(margins: Sequence[_Margin]):  # type: ignore[no-untyped-def]
    """What rows add to the totals: their categories, then their margins; and where each target's two totals stand."""
    from survey_kit.kernels.sums import Contributions, Entries

    n, ends = len(margins[0].code), np.cumsum([0, *(len(m.n) for m in margins)])
    row = [np.flatnonzero(m.code >= 0) for m in margins]
    column = [m.code[r] + start for m, r, start in zip(margins, row, ends, strict=False)]
    hits = Entries(np.concatenate(row), np.concatenate(column), None, (n, int(ends[-1])))
    margin = np.repeat(np.arange(len(margins)), [len(r) for r in row])
    bases = Entries(np.concatenate(row), margin, None, (n, len(margins)))
    below = ends[-1] + np.repeat(np.arange(len(margins)), [len(m.n) for m in margins])
    return Contributions((hits, bases)), np.arange(ends[-1]), below
