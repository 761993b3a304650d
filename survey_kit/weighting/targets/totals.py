"""Totals to calibrate to, as people write them, matched with the data: margins, totals and means of numbers, people."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

import numpy as np
import pandas as pd

from survey_kit.errors import TargetError, UnknownNameError, did_you_mean, listed
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice
from survey_kit.weighting.rows.missing_answers import Missing, check_missing
from survey_kit.weighting.rows.numbers import numbers_of
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.read import Targets
from survey_kit.weighting.targets.target_file import LONG, read_csv, with_plain_names
from survey_kit.weighting.targets.target_set import TargetSet, target_set
from survey_kit.weighting.targets.uncertain import SE

Kind = Literal["total", "mean"]
Total: TypeAlias = float | Mapping[Hashable, float]
TotalsLike: TypeAlias = Mapping[Hashable, Total] | Targets

PEOPLE = ("(Intercept)", "Intercept")
_AGREE = 1e-9


@dataclass(frozen=True, eq=False)
class NumericTotal:
    """The total or mean of a numeric variable, or (variable "(Intercept)") the number of people.

    Attributes:
        name: the variable.
        kind: "total" or "mean".
        target: as it was given.
        values: of each row. Shape (n,).
        present: rows with a value of their own.
        extra: columns that came with the targets.
        error: standard error of the target, in its own unit.
    """

    name: str
    kind: Kind
    target: float
    values: FloatArray
    present: int
    extra: Mapping[str, object] = field(default_factory=dict)
    error: float = 0.0

    def total(self, population: float | None) -> float:
        """The target as a total of weights."""
        return self.target * self.unit(population)

    def unit(self, population: float | None) -> float:
        """How many weights one of the target's unit is."""
        return 1.0 if self.kind == "total" else cast(float, population)


@dataclass(frozen=True, eq=False)
class Totals:
    """What weights are calibrated to.

    Attributes:
        margins: categorical margins; None without.
        numbers: numeric totals and means, and the number of people where it was given or must be held.
        population: what the weights sum to; None where nothing says so.
        held: whether the number of people is among `numbers` without having been given.
    """

    margins: TargetSet | None
    numbers: tuple[NumericTotal, ...]
    population: float | None
    held: bool
    notices: tuple[Notice, ...] = ()

    def holding(self, n: int) -> Totals:
        """The same with the number of people held by a constraint of its own, where it is known."""
        if self.population is None or any(t.name in PEOPLE for t in self.numbers):
            return self
        return replace(self, numbers=(_people(self.population, n), *self.numbers), held=True)


@dataclass(frozen=True, slots=True)
class _Written:
    """A numeric total as written."""

    name: Hashable
    kind: Kind
    value: object
    extra: Mapping[str, object] = field(default_factory=dict)


def read_totals(
    subject: Subject, totals: TotalsLike, hold: bool = False, missing: Missing = "error", seed: int = 0
) -> Totals:
    """Totals matched with the rows to be weighted.

    Args:
        subject: the rows.
        totals: {variable: {category: share or count}} for margins, {variable: number} for the total of a numeric variable,
            {variable: {"mean": number}} for its mean, {"(Intercept)": number} for the number of people; or a table or CSV
            with variable, category, target, where a category that is empty, "total" or "mean" means a number.
        hold: whether the total of the weights is held even where nothing else says so.
        missing, seed: rows without a value, as in `target_set`. A number is imputed by its mean; it cannot be ignored or be
            a category of its own.

    Raises:
        UnknownNameError, TargetMismatchError, TargetError: totals that do not fit.
    """
    check_missing(missing, seed)
    columns = list(subject.frame.columns)
    margins, written = _split(totals)
    people = [w for w in written if w.name in PEOPLE and w.name not in columns]
    others = [w for w in written if w not in people]
    _refuse_faults(people, others, subject, columns, missing)
    found = None if margins is None else target_set(subject, cast(Targets, margins), missing, seed)
    if found is None and not written:
        raise TargetError("totals is empty. Give at least one: {variable: number} or {variable: {category: share}}.")
    found, population = _population(found, people)
    needs = hold or any(w.kind == "mean" for w in others)
    held = needs and population is None
    population = subject.total if held else population
    given = [_numeric(subject, w) for w in others]
    numbers = [n for n, _ in given]
    if people:
        numbers.insert(0, replace(_people(cast(float, population), subject.n), error=_error_of(people[0])))
    notices = tuple(note for _, note in given if note is not None)
    read = Totals(found, tuple(numbers), population, False, notices)
    return read if _implied(found) else read.holding(subject.n)


def _implied(margins: TargetSet | None) -> bool:
    """Whether the targets of some margin sum to the number of people."""
    return margins is not None and any(m.covers_all and not m.relative for m in margins.margins)


def _people(total: float, n: int) -> NumericTotal:
    return NumericTotal(PEOPLE[0], "total", total, np.ones(n), n)


def has_numbers(totals: TotalsLike) -> bool:
    """Whether there are totals or means of numbers among targets."""
    return bool(_split(totals)[1])


# --- written -----------------------------------------------------------------------------------------------------


def _split(totals: TotalsLike) -> tuple[object | None, list[_Written]]:
    """The part that `rake` would take, None when there is none, and the numbers."""
    if isinstance(totals, Mapping):
        kinds = {key: _kind(value) for key, value in totals.items()}
        margins = {key: value for key, value in totals.items() if kinds[key] is None}
        numbers = [
            _Written(key, kind, value[kind] if isinstance(value, Mapping) else value)
            for key, value in totals.items()
            if (kind := kinds[key]) is not None
        ]
        return margins or None, numbers
    table = read_csv(Path(totals)) if isinstance(totals, (str, os.PathLike)) else totals
    table = with_plain_names(table) if isinstance(table, pd.DataFrame) else table
    if not isinstance(table, pd.DataFrame) or not set(LONG) <= set(table.columns):
        return totals, []
    return _split_table(totals, table)


def _kind(value: object) -> Kind | None:
    """Whether a value of the mapping is the total or the mean of a number; None for a margin."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return "total"
    if isinstance(value, Mapping) and set(value) in ({"mean"}, {"total"}):
        return cast(Kind, next(iter(value)))
    return None


def _split_table(totals: object, table: pd.DataFrame) -> tuple[object | None, list[_Written]]:
    kinds = [_kind_of_category(c) for c in table["category"]]
    alone = table["variable"].map(table["variable"].value_counts()).eq(1).to_numpy(dtype=bool)
    single = np.array([kind is not None for kind in kinds], dtype=bool) & alone
    if not single.any():
        return totals, []
    extra = [c for c in table.columns if c not in LONG]
    numbers = [
        _Written(row["variable"], cast(Kind, kinds[i]), row["target"], {str(c): row[c] for c in extra})
        for i, row in enumerate(table.to_dict("records"))
        if single[i]
    ]
    return (None if single.all() else table[~single]), numbers


def _kind_of_category(category: object) -> Kind | None:
    if isinstance(category, str):
        text = category.strip().lower()
        return {"": "total", "total": "total", "mean": "mean"}.get(text)  # type: ignore[return-value]
    return "total" if category is None or category is pd.NA or category != category else None


# --- judged ------------------------------------------------------------------------------------------------------


def _refuse_faults(
    people: list[_Written], others: list[_Written], subject: Subject, columns: list[Hashable], missing: str
) -> None:
    """Every fault of the numbers in one error."""
    faults = [text for w in (*people, *others) for text in _bad_number(w)]
    if len(people) > 1:
        faults.append(f"{PEOPLE[0]!r} is given {len(people)} times. Keep one.")
    faults += [f"{PEOPLE[0]!r} must be above 0." for w in people if not faults and float(w.value) <= 0]  # type: ignore[arg-type]
    names = [w.name for w in others]
    faults += [
        f"{name!r}: is given {names.count(name)} times. Keep one."
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    absent = [w.name for w in others if columns.count(w.name) == 0]
    for w in others:
        faults += _bad_column(w, subject, columns, missing)
    if faults:
        head = f"{len(faults)} faults in the totals:\n- " if len(faults) > 1 else ""
        kind = UnknownNameError if len(absent) == len(faults) else TargetError
        raise kind(head + "\n- ".join(faults))


def _bad_number(w: _Written) -> Iterable[str]:
    value = w.value
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        yield f"{str(w.name)!r}: its {w.kind} is {value!r}. Give a number."
    elif not np.isfinite(value):
        yield f"{str(w.name)!r}: its {w.kind} is {'missing (NaN)' if np.isnan(value) else 'infinite'}. Give a number."
    if not _sound_error(w):
        yield f"{str(w.name)!r}: its standard error is {w.extra.get(SE)!r}. Give a number of at least 0, or none."


def _sound_error(w: _Written) -> bool:
    try:
        return 0 <= _error_of(w) < np.inf
    except (TypeError, ValueError):
        return False


def _bad_column(w: _Written, subject: Subject, columns: list[Hashable], missing: str) -> Iterable[str]:
    """What keeps a column from having a total."""
    name = str(w.name)
    if columns.count(w.name) != 1:
        count = columns.count(w.name)
        yield (
            f"{name!r}: the data have {count} columns of this name. Rename them."
            if count
            else (f"No column {name!r}.{did_you_mean(name, columns)}")
        )
        return
    column = subject.frame[w.name]
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        yield f"{name!r}: a {w.kind} was given, but the column is not numeric. Give {{category: share or count}}."
        return
    values = _values_of(subject, w.name)
    gone = np.flatnonzero(np.isnan(values))
    if len(gone) == len(values):
        yield f"{name!r}: no row has a value."
    elif len(gone) and missing != "impute":
        yield (
            f"{name!r}: no value in {len(gone)} of {len(values)} rows (row {listed(gone + 1)}). Impute it "
            '(missing="impute" takes the mean), or leave these rows out before weighting.'
        )
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        yield f"{name!r}: not a finite number in row {listed(infinite + 1)}. Correct these values."


def _values_of(subject: Subject, name: Hashable) -> FloatArray:
    """A column as numbers, NaN where it has no valid value (0 in rows of base weight zero). Shape (n,)."""
    values, valid = numbers_of(subject, name)
    return np.where(valid, values, np.where(subject.base == 0, 0.0, np.nan))


def _numeric(subject: Subject, w: _Written) -> tuple[NumericTotal, Notice | None]:
    values = _values_of(subject, w.name)
    valid = ~np.isnan(values)
    present, note = int((valid & (subject.base > 0)).sum()), None
    if not valid.all():
        weight = subject.base[valid] if subject.base[valid].any() else np.ones(int(valid.sum()))
        mean = float(np.average(values[valid], weights=weight))
        values = np.where(valid, values, mean)
        gone = int((~valid).sum())
        note = Notice(
            "imputed", f"{str(w.name)!r}: the mean ({mean:.6g}) stands in rows without a value: {gone}.", gone
        )
    target = float(w.value)  # type: ignore[arg-type]
    return NumericTotal(str(w.name), w.kind, target, values, present, w.extra, _error_of(w)), note


def _error_of(w: _Written) -> float:
    """The standard error beside a number; 0 without."""
    error = w.extra.get(SE)
    if isinstance(error, str):
        error = float(error) if error.strip() else None
    return 0.0 if error is None or error != error else float(error)  # type: ignore[arg-type]


def _population(margins: TargetSet | None, people: list[_Written]) -> tuple[TargetSet | None, float | None]:
    """The margins for the number of people that was given, and that number."""
    if not people:
        return margins, margins.total if margins is not None and margins.keeps_total else None
    total = float(people[0].value)  # type: ignore[arg-type]
    if margins is None:
        return None, total
    if margins.unit == "count" and margins.keeps_total and abs(margins.total - total) > _AGREE * total:
        raise TargetError(
            f"The counts of {margins.margins[0].name!r} sum to {margins.total:.10g}, but {PEOPLE[0]!r} is {total:.10g}. "
            "Scale one of them."
        )
    if not margins.keeps_total:  # its shares are counts over the total of the base weights
        return margins, total
    return replace(margins, total=total), total
