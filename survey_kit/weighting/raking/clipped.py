"""Raking with clipped weights, run on rows or cells: which margins, in which manner, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError
from survey_kit.kernels.clip_rake import (
    SETTLED,
    SLACK,
    Clip,
    ClippedRake,
    Cycles,
    clip_in_rounds,
    clip_only,
    clip_to_level,
    cycle_to_goal,
    cycle_to_standstill,
)
from survey_kit.kernels.groups import FloatArray, IntArray, combine
from survey_kit.kernels.rake import rake_cells_within
from survey_kit.kernels.rake_compromise import level
from survey_kit.weighting.raking.choice import Choice, measure_table
from survey_kit.weighting.rows.arguments import check_stop
from survey_kit.weighting.targets.target_set import Margin

_TOL = 1e-10
_TOL_OF_STANDSTILL = 1e-5


@dataclass(frozen=True, slots=True)
class Manner:
    """Limits as multiples of the mean weight, and when to stop. `improvement` None: at the goal.

    `cut`: the clip cuts, and the next cycle makes up for it (ipfraking); otherwise it keeps the sum (anesrake).
    """

    low: float
    high: float
    cut: bool
    improvement: float | None
    tol: float
    max_iter: int

    def __str__(self) -> str:
        shown = [f"floor={self.low:g}"] * (self.low > 0) + [f"cap={self.high:g}"] * (self.high < np.inf)
        return " and ".join(shown) or "no cap"

    @property
    def slack(self) -> float:
        """By which weights of mean 1 may pass the limits."""
        return 0.0 if self.improvement is None else SLACK

    def clip(self, rows: FloatArray) -> Clip:
        """The clip of weights of mean 1 in cells of so many rows."""
        if self.cut:
            return clip_only(self.low, self.high)
        if self.improvement is not None:
            return clip_in_rounds(rows, self.high)
        return clip_to_level(rows, self.high)


def manner_of(
    cap: float | None, floor: float | None, improvement: float | None, tol: float | None, max_iter: int
) -> Manner:
    """The checked manner.

    Raises:
        ArgumentError.
    """
    if cap is not None and not (is_number(cap) and 1 < cap < np.inf):
        raise ArgumentError(f"cap={cap!r} must be a number above 1: it is a multiple of the mean weight. None: no cap.")
    if floor is not None and not (is_number(floor) and 0 <= floor < 1):
        raise ArgumentError(f"floor={floor!r} must be at least 0 and below 1: it is a multiple of the mean weight.")
    if floor is not None and improvement is not None:
        raise ArgumentError("improvement stops as R anesrake does, which has no floor. Leave one of them out.")
    if improvement is not None and not (is_number(improvement) and 0 < improvement < 1):
        raise ArgumentError(f"improvement={improvement!r} must be above 0 and below 1, such as 0.01.")
    enough = (_TOL if improvement is None else _TOL_OF_STANDSTILL) if tol is None else tol
    check_stop(enough, max_iter)
    return Manner(
        low=0.0 if floor is None else float(floor),
        cut=floor is not None,
        high=np.inf if cap is None else float(cap),
        improvement=None if improvement is None else float(improvement),
        tol=float(enough),
        max_iter=int(max_iter),
    )


@dataclass(frozen=True, eq=False)
class ChosenRake:
    """Weights of mean 1 (n,), the margins that they were raked to (positions, in the order of raking), and the cycles."""

    weights: FloatArray
    chosen: tuple[int, ...]
    end: ClippedRake
    manner: Manner

    @property
    def met(self) -> bool:
        """Whether margins and limits hold."""
        w = self.weights[self.weights > 0]
        slack = self.manner.slack + 1e-12
        settled = self.manner.improvement is None or self.end.change <= SETTLED
        within = w.max() <= self.manner.high + slack and w.min() >= self.manner.low - slack
        return bool(self.end.gap <= self.manner.tol and settled and within)


def choose_and_rake(
    base: FloatArray, margins: Sequence[Margin], choice: Choice, manner: Manner, again_by: str | None
) -> ChosenRake:
    """Rake to the margins that are chosen; those left out that are off afterwards join, and raking starts again.

    again_by: the measure that judges them; None: nobody joins.

    Raises:
        ArgumentError: no margin is off by the limit.
    """
    sizes = measure_table(margins, base)[choice.measure].to_numpy()
    chosen, over = choice.first(sizes), choice.over(sizes)
    if not chosen:
        raise ArgumentError(
            f"No margin is off by {choice.limit:g} or more ({choice.measure}; the largest is {sizes.max():.4g}): there is no "
            "need to weight, or limit should be smaller."
        )
    raked = rake_clipped(base, margins, chosen, manner)
    done = choice.settled(len(over))
    while again_by is not None and not done:
        now = choice.over(measure_table(margins, raked.weights)[again_by].to_numpy())
        joining = [i for i in now if i not in chosen]
        if not joining:
            break
        chosen = [*chosen, *joining]
        if choice.at_most is not None and len(chosen) > choice.at_most:
            chosen, done = choice.furthest(sizes, choice.at_most), True
        raked = rake_clipped(base, margins, chosen, manner)
    return raked


def rake_clipped(base: FloatArray, margins: Sequence[Margin], chosen: Sequence[int], manner: Manner) -> ChosenRake:
    """Rake base weights (n,) to some of the margins; weights of zero stay zero."""
    held = base > 0
    w = base[held] / base[held].mean()
    codes = [margins[i].codes[held] for i in chosen]
    shares = [margins[i].shares for i in chosen]
    cell, first = _cells(w, codes) if manner.improvement is None else (np.arange(len(w)), np.arange(len(w)))
    rows = np.bincount(cell, minlength=len(first)).astype(np.float64)
    total = float(rows.sum()) if manner.cut else None
    cycles = Cycles(
        rows, [c[first] for c in codes], shares, manner.clip(rows), total, long=manner.improvement is not None
    )
    end = _run(cycles, w[first], manner)
    out = np.zeros(len(base))
    out[held] = end.weights[cell]
    return ChosenRake(out, tuple(chosen), end, manner)


def _run(cycles: Cycles, start: FloatArray, manner: Manner) -> ClippedRake:
    if manner.improvement is None:
        return cycle_to_goal(cycles, start, manner.tol, manner.max_iter)
    return cycle_to_standstill(cycles, start, manner.improvement, manner.max_iter)


def _cells(w: FloatArray, codes: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    """Rows that share all categories and the base weight: cell of each row, first row of each cell."""
    return combine([*(c + 1 for c in codes), np.unique(w, return_inverse=True)[1].astype(np.int64)])


@dataclass(frozen=True, eq=False)
class Verdict:
    """What raking to limits and margins together says of cycles that missed them.

    Attributes:
        exists: whether weights exist that hold limits and margins.
        against: margins that are proved to contradict the limits.
        weights: the nearest that were reached, of mean 1. Shape (n,).
    """

    exists: bool
    against: tuple[str, ...]
    weights: FloatArray


def verdict_on(base: FloatArray, margins: Sequence[Margin], raked: ChosenRake) -> Verdict:
    """Whether weights exist that hold limits and margins, and what is nearest to them of all that was reached.

    Cycles that stop by improvement hand back their own weights, which are those of R.
    """
    held, manner = base > 0, raked.manner
    w = base[held] / base[held].mean()
    chosen = [margins[i] for i in raked.chosen]
    codes, shares = [m.codes[held] for m in chosen], [m.shares for m in chosen]
    cell, first = _cells(w, codes)
    rows = np.bincount(cell, minlength=len(first)).astype(np.float64)
    found = rake_cells_within(
        rows * w[first],
        [c[first] for c in codes],
        [m.shares * (1.0 if m.relative else float(rows.sum())) for m in chosen],
        manner.low * rows,
        manner.high * rows,
        relative=[m.relative for m in chosen],
    )
    exists = bool(found.gap.max() <= 1e-8)
    against = tuple(chosen[m].name for m in found.contradiction if m < len(chosen))
    if manner.improvement is not None:
        return Verdict(exists, against, raked.weights)
    tried = [raked.weights[held][first], w[first], *([] if exists else [found.weights[:, 0] / rows])]
    goals = Cycles(rows, [c[first] for c in codes], shares, manner.clip(rows))
    total = float(rows.sum())
    made = [level(rows * v, manner.low * rows, manner.high * rows, total) / rows for v in tried]
    out = np.zeros(len(base))
    out[held] = min(made, key=goals.gap)[cell]
    return Verdict(exists, against, out)
