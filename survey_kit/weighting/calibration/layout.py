"""The columns of a calibration, on as few units as they allow: cells of equal rows, clusters, or the rows themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.kernels.calibrate import Features
from survey_kit.kernels.calibration_columns import Dummies
from survey_kit.kernels.cross_tables import Indicators
from survey_kit.kernels.groups import FloatArray, IntArray, combine, weighted_counts
from survey_kit.weighting.targets.shares import Margin
from survey_kit.weighting.targets.totals import Totals

_FEW = 4  # rows per cell from which cells are worth making
_WRITTEN = 2_000_000  # numbers up to which dummies are written out
_LOOK = 10_000  # rows that tell whether a number has few values


@dataclass(frozen=True, eq=False)
class Column:
    """One column: the variable and category that it stands for, its total in weights, and what one share of it is."""

    variable: str
    category: str
    total: float
    size: float


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns over units.

    Attributes:
        features: the columns of each unit.
        columns: what they stand for. p of them, in the order of the features.
        unit: unit of each row, shape (n,); None when every row is its own.
        q: how freely the weight of a unit moves; None when all do alike. Shape (units,).
        low, high: bounds of the factor, numbers or shape (units,).
        clustered: whether units are clusters.
    """

    features: Features
    columns: tuple[Column, ...]
    unit: IntArray | None
    q: FloatArray | None
    low: float | FloatArray
    high: float | FloatArray
    clustered: bool = False

    @property
    def totals(self) -> FloatArray:
        """T, shape (p,)."""
        return np.array([c.total for c in self.columns])

    @property
    def size(self) -> int:
        """Units."""
        return len(self.features.cells if self.features.code is None else self.features.code)

    def of_units(self, w: FloatArray) -> FloatArray:
        """Base weights of rows (n,) as those of units."""
        return w if self.unit is None else weighted_counts(self.unit, w, self.size)

    def of_rows(self, g: FloatArray) -> FloatArray:
        """Factors of units as those of rows."""
        return g if self.unit is None else g[self.unit]


@dataclass(frozen=True, eq=False)
class Moves:
    """How far each row's weight may move: bounds of its factor and q, numbers or shape (n,)."""

    low: float | FloatArray
    high: float | FloatArray
    q: FloatArray | None


def layout_of(totals: Totals, base: FloatArray, moves: Moves) -> Layout:
    """Columns over cells of rows that agree in every column, where such cells are few; else over rows.

    Rows of a cell must share bounds and q too.
    """
    keys = [m.codes + 1 for m in (totals.margins.margins if totals.margins else ())]
    cell, first = combine([np.zeros(len(base), dtype=np.int64), *keys])
    merged: list[bool] = []
    own = [x for x in (moves.low, moves.high, moves.q) if isinstance(x, np.ndarray)]
    for values in (*(t.values for t in totals.numbers), *own):
        finer = _finer(cell, values)
        merged.append(finer is not None)
        cell, first = (cell, first) if finer is None else finer
    apart = [i for i in range(len(totals.numbers)) if not merged[i]]
    columns = _columns(totals, base, apart)
    dummies = _dummies(totals, first)
    cells, rows = _values(totals, first, apart, dummies is None)
    if all(merged) and len(first) < len(base):
        q, low, high = (x[first] if isinstance(x, np.ndarray) else x for x in (moves.q, moves.low, moves.high))
        return Layout(Features(cells, dummies=dummies), columns, cell, q, low, high)  # type: ignore[arg-type]
    return Layout(Features(cells, cell, rows, dummies), columns, None, moves.q, moves.low, moves.high)


def _dummies(totals: Totals, first: IntArray) -> Dummies | None:
    """The categories of all margins over cells that are too many to write columns out; else None."""
    margins = totals.margins.margins if totals.margins else ()
    sizes = tuple(len(m.categories) for m in margins)
    if not margins or sum(sizes) * len(first) <= _WRITTEN or any(m.relative for m in margins):
        return None
    codes = tuple(np.where(m.codes[first] < 0, len(m.categories), m.codes[first]) for m in margins)
    return Dummies(Indicators(codes, sizes), np.ones(sum(sizes)))


def _finer(cell: IntArray, values: FloatArray) -> tuple[IntArray, IntArray] | None:
    """Cells that also agree in a number; None when they would be too many."""
    most = max(len(values) // _FEW, 1)
    if len(np.unique(values[:_LOOK])) > min(most, _LOOK // 2):
        return None
    codes = pd.factorize(values)[0].astype(np.int64)
    code, first = combine([cell, codes])
    return (code, first) if len(first) <= most else None


def _columns(totals: Totals, base: FloatArray, apart: Sequence[int]) -> tuple[Column, ...]:
    """What the columns stand for."""
    columns: list[Column] = []
    for margin in totals.margins.margins if totals.margins else ():
        goal = totals.margins.total  # type: ignore[union-attr]
        columns += [
            Column(margin.name, c, 0.0 if margin.relative else share * goal, goal)
            for c, share in zip(margin.categories, margin.shares, strict=True)
        ]
    for i in (*_inside(totals, apart), *apart):
        number = totals.numbers[i]
        goal = number.total(totals.population)
        columns.append(Column(number.name, number.kind, goal, abs(goal) or float(base @ np.abs(number.values)) or 1.0))
    return tuple(columns)


def _inside(totals: Totals, apart: Sequence[int]) -> list[int]:
    """Numbers that are constant within cells."""
    return [i for i in range(len(totals.numbers)) if i not in apart]


def _values(
    totals: Totals, first: IntArray, apart: Sequence[int], margins: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Values of the columns in cells (C, p1), with those of `margins` or without, and of numbers set apart, in rows (n, k)."""
    wanted = totals.margins.margins if totals.margins and margins else ()
    blocks = [_indicators(m, m.codes[first], np.arange(len(m.categories))) for m in wanted]
    blocks += [totals.numbers[i].values[first][:, None] for i in _inside(totals, apart)]
    cells = np.hstack(blocks) if blocks else np.zeros((len(first), 0))
    return cells, np.stack([totals.numbers[i].values for i in apart], axis=1) if apart else None


def _indicators(margin: Margin, codes: IntArray, categories: IntArray) -> FloatArray:
    """1 for rows of each category; less its share of the rows with a category where shares hold among them."""
    x = (codes[:, None] == categories).astype(np.float64)
    return x - margin.shares[categories] * (codes >= 0)[:, None] if margin.relative else x


def clustered_layout(totals: Totals, base: FloatArray, moves: Moves, cluster: IntArray) -> Layout:
    """Columns over clusters: means of the columns under the base weights, so that one factor serves the whole cluster.

    R takes unweighted means, which is the same where base weights are equal within clusters; otherwise its weights miss
    the totals.
    """
    count = int(cluster.max()) + 1
    held, rows = weighted_counts(cluster, base, count), np.bincount(cluster, minlength=count)
    weight = np.where(held[cluster] > 0, base, 1.0)
    divisor = np.where(held > 0, held, rows)

    def mean(values: FloatArray) -> FloatArray:
        return weighted_counts(cluster, weight * values, count) / divisor

    columns = _columns(totals, base, [])
    means = np.stack([mean(values) for values in _row_columns(totals)], axis=1)
    low = _tightest(moves.low, cluster, np.full(count, -np.inf), np.maximum)
    high = _tightest(moves.high, cluster, np.full(count, np.inf), np.minimum)
    q = None if moves.q is None else 1 / mean(1 / moves.q)
    return Layout(Features(means), columns, cluster, q, low, high, clustered=True)


def _row_columns(totals: Totals) -> Iterator[FloatArray]:
    """The columns one by one, over rows. Shape (n,)."""
    for margin in totals.margins.margins if totals.margins else ():
        for k in range(len(margin.categories)):
            yield _indicators(margin, margin.codes, np.array([k]))[:, 0]
    for number in totals.numbers:
        yield number.values


def _tightest(bound: float | FloatArray, cluster: IntArray, start: FloatArray, pick: np.ufunc) -> float | FloatArray:
    """The bound that holds for every row of a cluster."""
    if not isinstance(bound, np.ndarray):
        return bound
    pick.at(start, cluster, bound)
    return start
