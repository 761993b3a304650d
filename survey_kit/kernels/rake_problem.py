"""The problem that raking solves, and what one set of log factors gives. See `rake.py` for the formulas.

A factor is g_c = gA[a(c)] gB[b(c)]: the margins are dealt to two sides (`rake_margins.py`). Where the combinations of the
sides make a table that is not much larger than the cells are many, and no bounds hold, the sums of a side are one product
with that table,

    w_a = gA_a sum_b T_ab gB_b ,        w_b = gB_b sum_a gA_a T_ab ,

so that a sweep over any number of margins reads the cells twice, and all other work is on the combinations of one side.
Columns of base weights are the first axis here: shapes (R, C), (R, K), (R, A, B).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from survey_kit.kernels.cross_tables import Indicators
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.rake_margins import Margin, Side, sums_by

_LOG_RANGE = 230.0  # of one side's factor
G_RANGE = (float(np.exp(-_LOG_RANGE)), float(np.exp(_LOG_RANGE)))
_TABLE = 4_096  # a table of the two sides may always be this large
_SPARSE = 16  # and otherwise this many times the number of cells


@dataclass(frozen=True, eq=False)
class Problem:
    """Base weights of C cells in R columns, and the margins.

    Attributes:
        base: shape (R, C).
        margins: M margins over the cells, K categories together.
        sides: the same margins dealt to two sides.
        table: base weights by the combinations of both sides; None where it would be mostly zeros, or with bounds.
            Shape (R, A, B).
        targets: totals of ordinary margins, 0 for relative ones, whose residual is s_k S - S_k. Shape (K,).
        at: where each margin lies among the K categories.
        relative: where relative margins lie among the K categories, and their shares.
        total: what gaps are parts of: the total that the margins fix, else the larger of the base weights' sum and the
            largest sum of a margin. Shape (R,).
        fixed: position of the first margin that fixes the total; None where the total is free.
        low, high: bounds on the cell totals, or None. Shapes (R, C), (C,).
        indicators: the categories of the cells as columns.
    """

    base: FloatArray
    margins: tuple[Margin, ...]
    sides: tuple[Side, Side]
    table: FloatArray | None
    targets: FloatArray
    at: tuple[slice, ...]
    relative: tuple[tuple[slice, FloatArray], ...]
    total: FloatArray
    fixed: int | None
    low: FloatArray | None = None
    high: FloatArray | None = None
    indicators: Indicators = field(default=Indicators((), ()))

    @property
    def bounded(self) -> bool:
        """Whether bounds hold."""
        return self.low is not None

    def columns(self, chosen: IntArray) -> Problem:
        """The problem of some of the columns."""
        table = None if self.table is None else self.table[chosen]
        low = None if self.low is None else self.low[chosen]
        return replace(self, base=self.base[chosen], table=table, low=low, total=self.total[chosen])

    def residual(self, reached: FloatArray) -> FloatArray:
        """What each category lacks. Shapes (R, K) -> (R, K)."""
        lacks: FloatArray = self.targets - reached
        for at, shares in self.relative:
            lacks[:, at] -= shares * lacks[:, at].sum(axis=1, keepdims=True)
        return lacks

    def centred(self, lam: FloatArray) -> FloatArray:
        """Log factors with those of relative margins centred on their shares. Shapes (R, K) -> (R, K)."""
        lam = lam.copy()
        for at, shares in self.relative:
            lam[:, at] -= (lam[:, at] @ shares)[:, None]
        return lam


@dataclass(frozen=True, eq=False)
class State:
    """Where the dual stands.

    Attributes:
        lam: log factors of all categories. Shape (R, K).
        g: factors of the combinations of each side, before bounds. Shapes (R, A), (R, B).
        w: weights of the combinations of each side. Shapes (R, A), (R, B).
        lacks: target less reached. Shape (R, K).
        gap: largest |lacks| / total. Shape (R,).
    """

    lam: FloatArray
    g: tuple[FloatArray, FloatArray]
    w: tuple[FloatArray, FloatArray]
    lacks: FloatArray
    gap: FloatArray

    def columns(self, chosen: IntArray) -> State:
        """The state of some of the columns."""
        g, w = (self.g[0][chosen], self.g[1][chosen]), (self.w[0][chosen], self.w[1][chosen])
        return State(self.lam[chosen], g, w, self.lacks[chosen], self.gap[chosen])

    def or_nearer(self, *others: State) -> State:
        """For each column this state, or another that is nearer to the targets."""
        nearest = self
        for other in others:
            better = np.flatnonzero(other.gap < nearest.gap)
            nearest = nearest.with_columns(better, other.columns(better)) if len(better) else nearest
        return nearest

    def with_columns(self, chosen: IntArray, part: State) -> State:
        """The state with some of the columns replaced."""

        def put(whole: FloatArray, some: FloatArray) -> FloatArray:
            changed = whole.copy()
            changed[chosen] = some
            return changed

        g = put(self.g[0], part.g[0]), put(self.g[1], part.g[1])
        w = put(self.w[0], part.w[0]), put(self.w[1], part.w[1])
        return State(put(self.lam, part.lam), g, w, put(self.lacks, part.lacks), put(self.gap, part.gap))


def tabled(sides: tuple[Side, Side], cells: int) -> bool:
    """Whether the combinations of both sides make a table that is not mostly empty."""
    return sides[0].size * sides[1].size <= max(_TABLE, _SPARSE * cells)


def problem(
    base: FloatArray,
    margins: tuple[Margin, ...],
    sides: tuple[Side, Side],
    bounds: tuple[FloatArray, FloatArray] | None = None,
) -> Problem:
    """Base weights (C, R) and margins made ready; the bounds (C,) are on the cells' totals."""
    table = _table(base, sides) if bounds is None and tabled(sides, len(base)) else None
    rows = base.T if table is not None else np.ascontiguousarray(base.T)
    fixed = next((i for i, m in enumerate(margins) if m.fixes_total), None)
    at = _places(margins)
    return Problem(
        rows,
        margins,
        sides,
        table,
        np.concatenate([np.zeros_like(m.target) if m.relative else m.target for m in margins]),
        at,
        tuple((place, m.target) for place, m in zip(at, margins, strict=True) if m.relative),
        _total(rows, margins, fixed),
        fixed,
        None if bounds is None else np.where(rows > 0, bounds[0], 0.0),
        None if bounds is None else np.asarray(bounds[1], dtype=np.float64),
        indicators=Indicators(tuple(m.codes for m in margins), tuple(len(m.target) for m in margins)),
    )


def _places(margins: Sequence[Margin]) -> tuple[slice, ...]:
    ends = np.cumsum([0, *(len(m.target) for m in margins)]).tolist()
    return tuple(slice(a, b) for a, b in pairwise(ends))


def _table(base: FloatArray, sides: tuple[Side, Side]) -> FloatArray:
    """Base weights (C, R) by the combinations of both sides."""
    first, second = sides
    size = first.size * second.size
    place = first.code * second.size + second.code
    if np.bincount(place, minlength=size).max(initial=0) > 1:
        flat = sums_by(place, base.T, size)
    else:
        whole = np.zeros((size, base.shape[1]))
        whole[place] = base
        flat = np.ascontiguousarray(whole.T)
    return flat.reshape(-1, first.size, second.size)


def _total(base: FloatArray, margins: Sequence[Margin], fixed: int | None) -> FloatArray:
    if fixed is not None:
        return np.full(len(base), margins[fixed].target.sum())
    largest = max((float(m.target.sum()) for m in margins if not m.relative), default=0.0)
    return np.maximum(base.sum(axis=1), largest)


def factors(p: Problem, g: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Factor of each cell, before bounds. Shape (R, C)."""
    made = g[0].take(p.sides[0].code, axis=1)
    made *= g[1].take(p.sides[1].code, axis=1)
    return made


def cell_weights(p: Problem, g: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Weight of each cell, within its bounds. Shape (R, C)."""
    raw = p.base * factors(p, g)
    return raw if p.low is None else np.clip(raw, p.low, p.high)


def side_weights(p: Problem, g: tuple[FloatArray, FloatArray], side: int) -> FloatArray:
    """Weight of each combination of one side. Shape (R, A) or (R, B)."""
    if p.table is None:
        return sums_by(p.sides[side].code, cell_weights(p, g), p.sides[side].size)
    if side == 0:
        return g[0] * (p.table @ g[1][:, :, None])[:, :, 0]
    return g[1] * (g[0][:, None, :] @ p.table)[:, 0]


def both_weights(p: Problem, g: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Weights of the combinations of both sides."""
    if p.table is not None:
        return side_weights(p, g, 0), side_weights(p, g, 1)
    w = cell_weights(p, g)
    return sums_by(p.sides[0].code, w, p.sides[0].size), sums_by(p.sides[1].code, w, p.sides[1].size)


def state_of(p: Problem, lam: FloatArray, g: tuple[FloatArray, FloatArray], w: tuple[FloatArray, FloatArray]) -> State:
    """The state with its residuals."""
    reached = np.empty(lam.shape)
    for side, weights in zip(p.sides, w, strict=True):
        side.sums(weights, reached)
    lacks = p.residual(reached)
    return State(lam, g, w, lacks, np.abs(lacks).max(axis=1) / p.total)


def evaluate(p: Problem, lam: FloatArray) -> State:
    """The state at log factors of shape (R, K)."""
    first, second = (np.exp(np.clip(s.log_factors(lam), -_LOG_RANGE, _LOG_RANGE)) for s in p.sides)
    return state_of(p, lam, (first, second), both_weights(p, (first, second)))


def start(p: Problem) -> State:
    """The base weights, brought to the total by one factor for every cell where the margins fix a total."""
    lam = np.zeros((len(p.base), len(p.targets)))
    if p.fixed is not None:
        sums = p.base.sum(axis=1)
        scale = np.divide(p.total, sums, out=np.ones_like(sums), where=sums > 0)
        lam[:, p.at[p.fixed]] = np.log(scale)[:, None]
    return evaluate(p, lam)


def cell_scores(p: Problem, v: FloatArray) -> FloatArray:
    """The sum of each cell's category scores, for one column of scores (K,). Shape (C,)."""
    first, second = (s.log_factors(v[None, :])[0][s.code] for s in p.sides)
    return first + second
