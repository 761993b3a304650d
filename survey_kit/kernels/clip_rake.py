"""Raking with the weights clipped in the loop: what anesrake and ipfraking do.

One cycle over cells c of n_c rows that share one weight w_c:

    for each margin m:   w_c <- w_c  share_m[k] W / sum of n w over category k      (k the category of c, W = sum of n w,
                                                                                     over cells with a value in m)
    then clip:           "level"    w_c <- min(max(s w_c, low_c), high_c), s so that sum n w = W
                         "rounds"   w_c <- min(w_c, high), w <- w W / sum n w, again while max w > high + slack
                         "only"     w_c <- min(max(w_c, low_c), high_c), whatever becomes of the sum

"rounds" is R anesrake; "level" is where its rounds lead, in one step; "only" is Stata ipfraking. A margin leaves cells
without a value in it (category -1) as they are when its turn comes.

Margins of all cells and the clip are projections onto convex sets in the information distance, so the cycles lead to weights
that hold margins and limits together wherever such weights exist (Bregman 1967). Which of them depends on the order of the
margins; those nearest to the base weights are found by `rake_cells_within`. Where none exist, the cycles come to rest all the
same, with margins that are off: that the weights stand still proves nothing.

Sources: Pasek (2018), R package anesrake 0.80 (rakelist); DeBell & Krosnick (2009), ANES Technical Report nes012427;
Kolenikov (2014), Stata J. 14, 22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray

Clip: TypeAlias = Callable[[FloatArray], FloatArray]

SETTLED = 1e-3  # total change of all weights of mean 1 in a cycle, below which anesrake speaks of complete convergence
SLACK = 1e-4  # by which anesrake lets weights of mean 1 pass its cap
_STEADY = 200  # cycles without progress after which no more is hoped for


@dataclass(frozen=True, eq=False)
class ClippedRake:
    """Where the cycles ended.

    Attributes:
        weights: weight of each row of a cell. Shape (C,).
        gap: largest |share reached - share| over all categories.
        change: sum over rows of |w - w of the cycle before|.
        history: the gap after each cycle.
    """

    weights: FloatArray
    gap: float
    change: float
    history: tuple[float, ...]

    @property
    def iterations(self) -> int:
        """Cycles."""
        return len(self.history)


@dataclass(frozen=True, eq=False)
class Cycles:
    """Margins over cells and the clip.

    Sums are taken in long double as R takes them, since the last digits decide where the cycles stand still.

    Attributes:
        rows: rows of each cell. Shape (C,).
        codes: category of each cell, -1 without a value. M x (C,).
        shares: target shares. M x (k_m,).
        clip: what follows the margins.
        total: W where the clip does not keep it; None: what the weights sum to.
    """

    rows: FloatArray
    codes: Sequence[IntArray]
    shares: Sequence[FloatArray]
    clip: Clip
    total: float | None = None

    def cycle(self, w: FloatArray) -> FloatArray:
        """The weights after one pass over the margins and the clip."""
        for code, share in zip(self.codes, self.shares, strict=True):
            held = self._held(code, w, len(share))
            wanted = _wanted(share, held[0], _sum(self.rows * w) if self.total is None else self.total)
            factor = np.ones(len(share) + 1)  # the last one is for cells without a value
            np.divide(wanted, held[1:], out=factor[:-1], where=held[1:] > 0)
            w = w * factor[code]
        return self.clip(w)

    def _held(self, code: IntArray, w: FloatArray, size: int) -> FloatArray:
        """What each category holds, the cells without a value first. Shape (1 + size,)."""
        held = np.zeros(size + 1, dtype=np.longdouble)
        np.add.at(held, code + 1, (self.rows * w).astype(np.longdouble))
        return held.astype(np.float64)

    def gap(self, w: FloatArray) -> float:
        """Largest |share reached - share|, of the total where the clip does not keep it."""
        return max(self._gap(code, share, w) for code, share in zip(self.codes, self.shares, strict=True))

    def _gap(self, code: IntArray, share: FloatArray, w: FloatArray) -> float:
        held = self._held(code, w, len(share))
        whole = float(held[1:].sum()) if self.total is None or (code < 0).any() else self.total
        return float(np.abs(held[1:] / whole - share).max())

    def change(self, w: FloatArray, old: FloatArray) -> float:
        """Sum over rows of |w - old|."""
        return _sum(self.rows * np.abs(w - old))


def cycle_to_goal(cycles: Cycles, weights: FloatArray, tol: float, max_iter: int) -> ClippedRake:
    """Cycles until every margin is within tol after the clip, or max_iter, or no progress for long."""
    history: list[float] = []
    w, change, best, since = weights, 0.0, np.inf, 0
    while len(history) < max_iter and since < _STEADY:
        new = cycles.cycle(w)
        change, w = cycles.change(new, w), new
        history.append(cycles.gap(w))
        best, since = (history[-1], 0) if history[-1] < 0.999 * best else (best, since + 1)
        if history[-1] <= tol:
            break
    return ClippedRake(w, history[-1], change, tuple(history))


def cycle_to_standstill(cycles: Cycles, weights: FloatArray, improvement: float, max_iter: int) -> ClippedRake:
    """Cycles until one changes the weights by no less than (1 - improvement) of what the one before changed: R anesrake.

    At most max_iter + 1 cycles, as there.
    """
    history: list[float] = []
    w, change, before = weights, 9999999.0, 99999999999.0
    while change < (1 - improvement) * before and len(history) <= max_iter:
        new = cycles.cycle(w)
        before, change, w = change, cycles.change(new, w), new
        history.append(cycles.gap(w))
    return ClippedRake(w, history[-1], change, tuple(history))


def clip_to_level(rows: FloatArray, low: FloatArray, high: FloatArray, total: float) -> Clip:
    """min(max(s w, low), high) with the s that keeps the total. Limits (C,); high may be infinite.

    >>> clip_to_level(np.ones(3), np.zeros(3), np.full(3, 4.0), 8.0)(np.array([1.0, 1.0, 6.0]))
    array([2., 2., 4.])
    """

    def clip(w: FloatArray) -> FloatArray:
        if (w >= low).all() and (w <= high).all() and abs(float(rows @ w) - total) <= 1e-15 * total:
            return w
        return np.clip(_level(w, rows, low, high, total) * w, low, high)

    return clip


def clip_in_rounds(rows: FloatArray, cap: float, slack: float = SLACK) -> Clip:
    """Cap and divide by the mean until no weight is above cap + slack."""

    def clip(w: FloatArray) -> FloatArray:
        while w.max() > cap + slack:
            w = np.minimum(w, cap)
            w = w / _mean(w, rows)
        return w

    return clip


def clip_only(low: FloatArray | float, high: FloatArray | float) -> Clip:
    """Nothing but the limits."""
    return lambda w: np.clip(w, low, high)


def _wanted(share: FloatArray, without: float, total: float) -> FloatArray:
    """What each category shall hold, so that cells without a value keep what they have."""
    wanted = share * total
    return wanted * ((total - without) / _sum(wanted)) if without else wanted


def _sum(values: FloatArray) -> float:
    return float(values.sum(dtype=np.longdouble))


def _mean(w: FloatArray, rows: FloatArray) -> float:
    """The mean over rows, corrected once for rounding as R's mean() is."""
    n, values = _sum(rows), w.astype(np.longdouble)
    first = (rows * values).sum() / n
    return float(first + (rows * (values - first)).sum() / n)


def _level(w: FloatArray, rows: FloatArray, low: FloatArray, high: FloatArray, total: float) -> float:
    """The s at which f(s) = sum n clip(s w, low, high) is the total: f is piecewise linear between the sorted kinks."""
    held = w > 0
    n, v = rows[held], (rows * w)[held]
    kinks = np.concatenate([low[held] / w[held], high[held] / w[held]])
    turns = np.concatenate([v, -v])
    order = np.argsort(kinks, kind="stable")
    order = order[np.isfinite(kinks[order])]
    at, slope = kinks[order], np.cumsum(turns[order])
    reached = float(n @ low[held]) + np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(at))])
    piece = max(int(np.searchsorted(reached, total, side="right")) - 1, 0)
    return float(at[piece] + (total - reached[piece]) / slope[piece]) if slope[piece] > 0 else float(at[piece])
