"""Weighting targets as people write them (dict, table, CSV, population) brought to one shape. Nothing is judged here."""

from __future__ import annotations

import os
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, TargetError, did_you_mean
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice
from survey_kit.weighting.rows.subject import category_text, has_all
from survey_kit.weighting.targets.population import from_population
from survey_kit.weighting.targets.sources import TargetTable
from survey_kit.weighting.targets.target_file import LONG, read_csv, with_plain_names

Targets: TypeAlias = (
    Mapping[Hashable, Mapping[Hashable, float | None]] | pd.DataFrame | TargetTable | str | os.PathLike[str]
)

_LONG_FORM = (
    "Give the long form (one row per category; columns variable, category, target) or {variable: {category: share}}."
)

NUMBERS_ELSEWHERE = "Totals and means of numbers are for rake and calibrate; give {category: share or count} here"


class _Free:
    """The target of a category that has none, on purpose: None in a dict, the word "free" in a table."""

    def __repr__(self) -> str:
        return "free"


FREE = _Free()


@dataclass(frozen=True, slots=True)
class Wish:
    """One category of one margin as written.

    Attributes:
        key: its parts as text, one for each variable.
        value: the target, unchecked; FREE for a category that has none.
        written: the category as it was written.
        extra: what else the table says of it.
        row: its row in the table that it came from.
    """

    key: tuple[str, ...]
    value: object
    written: object
    extra: Mapping[str, object] = field(default_factory=dict)
    row: int = -1

    @property
    def free(self) -> bool:
        """Whether the category has no target, on purpose."""
        return self.value is FREE

    @property
    def shown(self) -> str:
        """The category as text, parts of a crossed margin joined by ":"."""
        return ":".join(self.key)


@dataclass(frozen=True, slots=True)
class WrittenMargin:
    """One margin as written: the variables it crosses (mostly one), its wishes, and what is wrong with its shape."""

    variables: tuple[Hashable, ...]
    wishes: tuple[Wish, ...]
    fault: str = ""

    @property
    def name(self) -> str:
        """The variable, or "sex:age4" for a crossed margin."""
        return ":".join(str(v) for v in self.variables)

    @property
    def free(self) -> bool:
        """Whether some category has no target, on purpose."""
        return any(w.free for w in self.wishes)


@dataclass(frozen=True, eq=False)
class WrittenTargets:
    """Margins as written.

    Attributes:
        margins: in the order written.
        covariance: of the targets by `Wish.row`; None without.
        notices: what was assumed.
        counts: whether the targets are known to be counts.
    """

    margins: tuple[WrittenMargin, ...]
    covariance: FloatArray | None = None
    notices: tuple[Notice, ...] = ()
    counts: bool = False


def read_targets(targets: Targets, columns: Collection[Hashable]) -> list[WrittenMargin]:
    """Margins in the order written. See `read_written`."""
    return list(read_written(targets, columns).margins)


def read_written(targets: Targets, columns: Collection[Hashable]) -> WrittenTargets:
    """Margins in the order written, with their errors.

    Args:
        targets: {variable: {category: target}}, a long DataFrame, the path of a CSV file in the long form (comma, or
            semicolon with decimal commas; UTF-8, or UTF-16 that says so), a `TargetTable`, or a population as a DataFrame.
            A crossed margin has a tuple of variables as its key, or "sex:age4" where no column has that name; its
            categories are tuples, or "male:18-29".
        columns: columns of the data.

    Raises:
        MissingFileError, TargetError: a file that does not exist, or has no such columns.
        ArgumentError: something else.
    """
    if isinstance(targets, (str, os.PathLike)):
        return WrittenTargets(_from_long(read_csv(Path(targets)), columns, f"Targets file {Path(targets).name!r}"))
    if isinstance(targets, pd.DataFrame):
        if is_population(targets):
            return _from_table(from_population(targets, columns), columns)
        return WrittenTargets(_from_long(with_plain_names(targets), columns, "The table of targets"))
    if isinstance(targets, TargetTable):
        return _from_table(targets, columns)
    if isinstance(targets, Mapping):
        return WrittenTargets(tuple(_margin(key, wishes, columns) for key, wishes in targets.items()))
    if has_all(targets, ("codes", "codebook", "design")):
        raise ArgumentError(
            "targets is a survey: say which of its variables are the margins, as in targets_from(survey, "
            '["sex", ("age4", "region")]), and hand that in.'
        )
    raise ArgumentError(f"targets is of type {type(targets).__name__}. {_LONG_FORM}")


def is_population(table: pd.DataFrame) -> bool:
    """Whether a table is a population: neither "variable" nor "category" is among its columns."""
    plain = with_plain_names(table).columns
    return not any(c in table.columns for c in LONG[:2]) and not all(c in plain for c in LONG)


def _from_table(targets: TargetTable, columns: Collection[Hashable]) -> WrittenTargets:
    margins = _from_long(targets.table, columns, "The table of targets")
    return WrittenTargets(margins, targets.covariance, targets.notices, targets.counts)


def _margin(key: Hashable, wishes: object, columns: Collection[Hashable]) -> WrittenMargin:
    variables = _variables(key, columns)
    if not variables:
        return WrittenMargin((), (), "it names no variable")
    if isinstance(wishes, pd.Series):
        wishes = dict(zip(wishes.index, wishes.tolist(), strict=True))
    if not isinstance(wishes, Mapping):
        if is_number(wishes):
            return WrittenMargin(variables, (), f"{wishes!r} is a number. {NUMBERS_ELSEWHERE}")
        kind = type(wishes).__name__
        return WrittenMargin(variables, (), f"its targets are a {kind}; give {{category: share or count}}")
    entries = [Wish((), FREE if _is_free(v, None) else v, c) for c, v in wishes.items()]
    return _written(variables, entries)


def _is_free(value: object, *also: object) -> bool:
    """Whether a target is the word "free", or one of the other signs."""
    return (isinstance(value, str) and value.strip().lower() == "free") or any(value is other for other in also)


def _variables(key: Hashable, columns: Collection[Hashable]) -> tuple[Hashable, ...]:
    if isinstance(key, tuple):
        return key
    if isinstance(key, str) and ":" in key and key not in columns:
        return tuple(key.split(":"))
    return (key,)


def _written(variables: tuple[Hashable, ...], entries: list[Wish]) -> WrittenMargin:
    wishes = tuple(replace(w, key=_parts(w.written, len(variables))) for w in entries)
    odd = [w.shown for w in wishes if len(w.key) != len(variables)]
    if odd:
        example = ":".join(f"<{v}>" for v in variables)
        return WrittenMargin(
            variables, wishes, f"category {odd[0]!r} is not one of {len(variables)} variables; write {example}"
        )
    return WrittenMargin(variables, wishes, "" if wishes else "it has no categories")


def _parts(category: object, width: int) -> tuple[str, ...]:
    if isinstance(category, tuple):
        return tuple(category_text(part) for part in category)
    text = category_text(category)
    return tuple(text.split(":")) if width > 1 else (text,)


def _from_long(table: pd.DataFrame, columns: Collection[Hashable], what: str) -> tuple[WrittenMargin, ...]:
    absent = [c for c in LONG if c not in table.columns]
    if absent:
        raise TargetError(f"{what} has no column {absent[0]!r}.{did_you_mean(absent[0], table.columns)} {_LONG_FORM}")
    return tuple(_groups(table, columns))


def _groups(table: pd.DataFrame, columns: Collection[Hashable]) -> Iterator[WrittenMargin]:
    """A margin for each variable. Variables may be tuples, which pandas would take for several keys."""
    extra = [c for c in table.columns if c not in LONG]
    groups: dict[object, list[Wish]] = {}
    for at, row in enumerate(table.to_dict("records")):
        value = FREE if _is_free(row["target"]) else row["target"]
        wish = Wish((), value, row["category"], {str(c): row[c] for c in extra}, at)
        groups.setdefault(row["variable"], []).append(wish)
    for name, wishes in groups.items():
        yield _written(_variables(name, columns), wishes)
