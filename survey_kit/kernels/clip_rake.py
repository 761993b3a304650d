"""Raking with the weights clipped in the loop: what anesrake and ipfraking do.

One cycle over cells c of n_c rows that share one weight w_c:

    for each margin m:   w_c <- w_c  share_m[k] W / sum of n w over category k      (k the category of c, W = sum of n w,
                                                                                     over cells with a value in m)
    then clip:           "level"    w_c <- min(s w_c, high), s so that sum n w = W as before
                         "rounds"   w_c <- min(w_c, high), w <- w W / sum n w, again while max w > high + slack
                         "only"     w_c <- min(max(w_c, low), high), whatever becomes of the sum

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

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts

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

    Attributes:
        rows: rows of each cell. Shape (C,).
        codes: category of each cell, -1 without a value. M x (C,).
        shares: target shares. M x (k_m,).
        clip: what follows the margins.
        total: W where the clip does not keep it; None: what the weights sum to.
        long: sums in long double, as R takes them: the last digits decide where the cycles stand still.
    """

    rows: FloatArray
    codes: Sequence[IntArray]
    shares: Sequence[FloatArray]
    clip: Clip
    total: float | None = None
    long: bool = False

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
        if not self.long:
            return weighted_counts(code + 1, self.rows * w, size + 1)
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


def clip_to_level(rows: FloatArray, cap: float) -> Clip:
    """min(s w, cap) with the s that keeps the sum.

    Every round caps what the factor of the round before put above the cap, so that s grows to its end.

    >>> clip_to_level(np.ones(4), 4.0)(np.array([1.0, 1.0, 2.0, 8.0]))
    array([2., 2., 4., 4.])
    """

    def clip(w: FloatArray) -> FloatArray:
        total, s, over = float(rows @ w), 1.0, w > cap
        known = 0
        while (count := int(np.count_nonzero(over))) > known:
            free = float((rows * w)[~over].sum())
            s = (total - cap * float(rows[over].sum())) / free if free > 0 else s
            known, over = count, s * w > cap
        return np.minimum(s * w, cap) if known else w

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
