"""Classes within which weight moves from some rows to others: crossed categories, small ones merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError, listed
from survey_kit.kernels.collapse_cells import Limits, collapse_cells
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine, weighted_counts
from survey_kit.schema import Notice
from survey_kit.weighting.rows.columns import By, columns_of
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.category_order import in_order
from survey_kit.weighting.targets.collapse import SmallCells, collapsed_notice, collapsed_table, joined_names


@dataclass(frozen=True, eq=False)
class Classes:
    """Classes of rows.

    Attributes:
        code: class of each row, 0..C-1. Shape (n,).
        names: how each class is shown. C of them.
        place: position of each class on the axis of each variable. Shape (C, m).
        variable: the variables, as "sex:age4".
        collapsed, notices: what was merged.
    """

    code: IntArray
    names: tuple[str, ...]
    place: IntArray
    variable: str
    collapsed: pd.DataFrame | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def size(self) -> int:
        """C."""
        return len(self.names)


def classes_of(subject: Subject, by: By) -> Classes:
    """Classes by the crossing of the variables of `by`; everybody in one class without them.

    Raises:
        UnknownNameError: no such column. ArgumentError: missing values; a column that is named or there twice.
    """
    names = columns_of(by, subject.frame.columns)
    if not names:
        return Classes(np.zeros(subject.n, dtype=np.int64), ("all",), np.zeros((1, 1), dtype=np.int64), "all")
    parts = [in_order(subject, name) for name in names]
    for name, part in zip(names, parts, strict=True):
        if part.missing:
            rows = np.flatnonzero(part.codes < 0) + 1
            raise ArgumentError(
                f"{str(name)!r} has no value in {part.missing} of {subject.n} rows (row {listed(rows)}). Make the missing a "
                "category, impute them, or leave the variable out of by."
            )
    code, first = combine([part.codes for part in parts])
    place = np.array([part.codes[first] for part in parts], dtype=np.int64).T
    shown = tuple(":".join(part.names[i] for part, i in zip(parts, row, strict=True)) for row in place)
    return Classes(code, shown, place, ":".join(map(str, names)))


def merged(
    classes: Classes, base: FloatArray, gives: BoolArray, receives: BoolArray, rule: SmallCells | None
) -> Classes:
    """Classes with too few receiving rows, or too large a factor, merged with their neighbours.

    Raises:
        ArgumentError: a class in which weight is given and nobody receives, without a rule; a rule that cannot be met.
    """
    rows, held, given = (
        weighted_counts(classes.code, np.where(which, what, 0.0), classes.size)
        for which, what in ((receives, np.ones(len(base))), (receives, base), (gives, base))
    )
    if rule is None:
        _refuse_stranded(classes, held, given)
        return classes
    most = np.inf if rule.max_factor is None else float(rule.max_factor)
    limits = Limits(max(rule.min_n or 1, 1), most)
    cells = collapse_cells(classes.place, rows, held, held + given, limits)
    if not cells.settled:
        average = (held + given).sum() / held.sum() if held.sum() else np.inf
        raise ArgumentError(
            f"Even all classes of {classes.variable!r} together have {int(rows.sum())} rows that receive weight and a factor of "
            f"{average:.3g}: {rule} cannot be met. Loosen it."
        )
    into, joined = joined_names(cells.into, classes.place, classes.names)
    table = collapsed_table(classes.variable, classes.names, rows, cells, into, joined, rule)
    if table is None:
        return classes
    place = np.array([classes.place[into == g].min(axis=0) for g in range(len(joined))])
    return Classes(into[classes.code], joined, place, classes.variable, table, (collapsed_notice(table),))


def _refuse_stranded(classes: Classes, held: FloatArray, given: FloatArray) -> None:
    stranded = np.flatnonzero((held <= 0) & (given > 0))
    if len(stranded):
        shown = listed(repr(classes.names[c]) for c in stranded)
        raise ArgumentError(
            f"Classes of {classes.variable!r} in which nobody can receive the weight: {shown}. Merge small classes with "
            "min_n=20, or use fewer variables in by."
        )
