"""Raking: the weights nearest to the base weights that meet every margin, with or without bounds.

Minimise   sum_c w_c log(w_c / b_c) - w_c + b_c     subject to   sum of w over category k of margin m = t_mk.
The solution is w_c = b_c exp(sum_m lambda_m[k_m(c)]); with bounds it is clip(b_c exp(...), low_c, high_c). A margin may leave
cells out (code -1), which it then does not touch; a relative margin states shares of what its cells weigh together.

Rows that agree in every margin share one factor g = w / b, so all work is on C cells, never on n rows.
Two solvers walk the same dual: iterative proportional fitting (Deming and Stephan 1940), which is a sweep over the
margins, and Newton's method on all lambdas at once (Deville, Sarndal and Sautory 1993), which takes over where sweeps
shrink the gap too slowly. With bounds both work on the clipped weights, so that cap and margins are met together.
Many columns of base weights, as those of replicates, take every sweep and every Newton step together.

Margins that no weights can meet are proved contradictory (`rake_proof.py`).

Checked against R survey::rake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal, TypeAlias

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.rake_compromise import largest_gap, nearest
from survey_kit.kernels.rake_dual import newton, pseudo_directions, ridge_directions
from survey_kit.kernels.rake_margins import Margin, deal, read_margins
from survey_kit.kernels.rake_problem import (
    G_RANGE,
    Problem,
    State,
    both_weights,
    problem,
    side_weights,
    start,
    state_of,
    tabled,
)
from survey_kit.kernels.rake_proof import contradiction

__all__ = ["RakedCells", "Solver", "rake_cells", "rake_cells_within"]

Solver = Literal["auto", "ipf", "newton"]
_Bounds: TypeAlias = tuple[FloatArray, FloatArray]

_SETTLE = 1e-3  # iterate on to this part of tol, so that weights, not only margins, are settled to about tol
# more sweeps than this still to come: Newton is cheaper
_PATIENCE = 25  # (or a third of the categories; twice as many for columns together, whose sweeps are cheaper by far)
_PATIENCE_WITHIN = 12  # with bounds, where a sweep reads the cells for every margin
_BOUT = 15  # Newton steps, or sweeps, of one column before the other has its turn; longer each time
_STEPS = 20  # Newton steps of all columns together; one that needs more is looked at alone
_NEWTON_SIZE = 1500  # categories of all margins together; beyond it a dense Hessian costs more than sweeps
_TABLES = 4_000_000  # numbers in the arrays of as many columns as are raked together
_CELLS = 100_000  # the same where cells are gone through one by one, best in the cache


@dataclass(frozen=True, eq=False)
class RakedCells:
    """What raking reached for C cells and R columns of base weights.

    Attributes:
        weights: total raked weight of each cell. Shape (C, R).
        g: factor on the base weight, after bounds. Shape (C, R).
        gap: largest |reached - target| / total over all margins. Shape (R,).
        iterations: sweeps plus Newton steps (of the slowest column).
        history: largest gap of all columns after each sweep or step. Shape (iterations,).
        solver: "ipf", "newton", or "ipf+newton".
        contradiction: margins (by position) that no allowed weights meet together; empty when none was proved.
    """

    weights: FloatArray
    g: FloatArray
    gap: FloatArray
    iterations: int
    history: FloatArray
    solver: str
    contradiction: tuple[int, ...]


def rake_cells(
    cell_weights: FloatArray,
    codes: Sequence[IntArray],
    targets: Sequence[FloatArray],
    *,
    relative: Sequence[bool] = (),
    tol: float = 1e-10,
    max_iter: int = 1000,
    solver: Solver = "auto",
) -> RakedCells:
    """Rake the base weights of cells to margins, for several columns of base weights at once.

    Args:
        cell_weights: total base weight of each cell, >= 0; shape (C,) or (C, R). Zero stays zero.
        codes: category 0..k_m-1 of each cell, one array of shape (C,) for each of M margins; -1 for cells that the margin
            does not cover.
        targets: total wanted in each category, > 0; M arrays of shape (k_m,). Margins that cover every cell must have the
            same sum; where there is none, the total of all weights is left free.
        relative: for each margin, whether its targets are shares (sum 1) of whatever its covered cells weigh together.
            Empty: none is.
        tol: largest |reached - target| / total that counts as met (relative: |reached - share x covered| / total).
            Iteration goes on to a thousandth of it. A free total counts as the larger of the base weights' sum and the
            largest sum of targets.
        max_iter: sweeps plus Newton steps.
        solver: "auto" sweeps and lets Newton finish where sweeps are slow; "ipf" and "newton" do one of the two.

    Whether the margins are met is for the caller to judge: `gap <= tol`.

    Source: Deville, Sarndal and Sautory (1993), JASA 88, 1013, section 2; Ireland and Kullback (1968), Biometrika 55.
    """
    return _rake(cell_weights, read_margins(codes, targets, relative), None, _plan(targets, tol, max_iter, solver))


def rake_cells_within(
    cell_weights: FloatArray,
    codes: Sequence[IntArray],
    targets: Sequence[FloatArray],
    low: FloatArray,
    high: FloatArray,
    *,
    relative: Sequence[bool] = (),
    tol: float = 1e-10,
    max_iter: int = 1000,
    solver: Solver = "auto",
) -> RakedCells:
    """Rake with every cell's total kept in [low, high]: w_c = clip(b_c exp(lambda), low_c, high_c).

    `low` and `high` have shape (C,); `high` may be inf. Rows of a cell must share one base weight for the bounds to
    hold row by row. Other arguments as for `rake_cells`. A cell of base weight zero stays zero whatever its bounds.

    This is the one nearest to the base weights of all weights that meet margins and bounds. Clipping and raking in turn
    (anesrake, ipfraking) settles near it, at a point that depends on the order of the steps.
    """
    margins = read_margins(codes, targets, relative)
    return _rake(cell_weights, margins, (low, high), _plan(targets, tol, max_iter, solver))


@dataclass(frozen=True, slots=True)
class _Plan:
    """When to stop. `patience` None: never leave the sweeps to Newton; 0: at once."""

    goal: float
    tol: float
    budget: int
    patience: int | None

    def left(self, done: int, most: int | None = None) -> _Plan:
        """The plan for what is left of the budget, by sweeps alone."""
        budget = self.budget - done
        return replace(self, budget=budget if most is None else min(budget, most), patience=None)


def _plan(targets: Sequence[FloatArray], tol: float, max_iter: int, solver: Solver) -> _Plan:
    small = sum(map(len, targets)) <= _NEWTON_SIZE
    patience = {"ipf": None, "newton": 0, "auto": _PATIENCE_WITHIN if small else None}[solver]
    return _Plan(tol * _SETTLE, tol, max_iter, patience)


@dataclass(frozen=True, eq=False)
class _Reached:
    """What some columns reached: weights and g (C, r), gap (r,), the gaps after sweeps and steps, the contradiction."""

    weights: FloatArray
    g: FloatArray
    gap: FloatArray
    swept: list[float]
    stepped: list[float]
    impossible: tuple[int, ...]


def _rake(base: FloatArray, margins: tuple[Margin, ...], bounds: _Bounds | None, plan: _Plan) -> RakedCells:
    columns = np.asarray(base, dtype=np.float64)
    columns = columns[:, None] if columns.ndim == 1 else columns
    sides, categories = deal(margins), sum(len(m.target) for m in margins)
    by_table = bounds is None and tabled(sides, len(columns))
    width = max(1, (_TABLES if by_table else _CELLS) // max(len(columns), categories**2))
    if plan.patience and bounds is None:
        plan = replace(plan, patience=max(_PATIENCE, categories // 3) * (1 + (columns.shape[1] > 1)))
    starts = range(0, columns.shape[1], width)
    blocks = [_solve(problem(columns[:, at : at + width], margins, sides, bounds), plan) for at in starts]
    swept, stepped = _merge([b.swept for b in blocks]), _merge([b.stepped for b in blocks])
    used = "+".join(name for name, gaps in (("ipf", swept), ("newton", stepped)) if gaps)
    return RakedCells(
        _beside([b.weights for b in blocks]),
        _beside([b.g for b in blocks]),
        np.concatenate([b.gap for b in blocks]),
        len(swept) + len(stepped),
        np.array(swept + stepped),
        used or "none",
        next((b.impossible for b in blocks if b.impossible), ()),
    )


def _merge(histories: list[list[float]]) -> list[float]:
    """The largest gap of all blocks at each step; a block that is done keeps its last one."""
    return [max(gaps) for gaps in zip_longest(*histories, fillvalue=0.0)]


def _beside(blocks: list[FloatArray]) -> FloatArray:
    return blocks[0] if len(blocks) == 1 else np.hstack(blocks)


def _solve(p: Problem, plan: _Plan) -> _Reached:
    first = start(p)
    state, swept = _sweeps(p, first, plan)
    passed, stepped = state, list[float]()
    impossible: tuple[int, ...] = ()
    if plan.patience is not None:
        state, stepped = newton(p, state, plan.goal, plan.left(len(swept), _STEPS).budget, ridge_directions)
        state, more, impossible = _finish_columns(p, state, plan.left(len(swept) + len(stepped)))
        stepped += more
    worst = np.array([np.argmax(state.gap)])
    if not impossible and state.gap[worst[0]] > plan.tol:
        impossible = contradiction(p.columns(worst), state.columns(worst).lam[0])
    if state.gap[worst[0]] > plan.tol and len(p.base) == 1:
        done = len(swept) + len(stepped)
        soft = bool(impossible) or done < plan.budget or done >= _STEPS
        return _Reached(*_best(p, [state, passed, first], soft), swept, stepped, impossible)
    if state.gap[worst[0]] > plan.tol:
        state = state.or_nearer(passed, first)
    return _Reached(*_cells(p, state), state.gap, swept, stepped, impossible)


def _best(p: Problem, reached: list[State], soft: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights, g and gap that are handed back of a column that missed its targets: a dual without a solution runs away."""
    w = nearest(p, [_cells(p, state)[0][:, 0] for state in reached], soft)
    g = np.divide(w, p.base[0], out=np.zeros_like(w), where=p.base[0] > 0)
    return w[:, None], g[:, None], np.array([largest_gap(p, w)])


def _cells(p: Problem, state: State) -> tuple[FloatArray, FloatArray]:
    """Weights and factors of the cells. Shapes (C, r)."""
    base = p.base.T
    g, second = (np.ascontiguousarray(f.T)[side.code] for f, side in zip(state.g, p.sides, strict=True))
    g *= second
    weights = np.multiply(base, g, out=second)
    if p.low is None or p.high is None:
        return weights, g
    weights = np.clip(weights, p.low.T, p.high[:, None])
    return weights, np.divide(weights, base, out=g, where=base > 0)


def _finish_columns(p: Problem, state: State, plan: _Plan) -> tuple[State, list[float], tuple[int, ...]]:
    """Each column that Newton left short, with care; the longest history; the margins that cannot be met."""
    longest: list[float] = []
    impossible: tuple[int, ...] = ()
    for r in np.flatnonzero(state.gap > plan.tol):
        one = np.array([r])
        part, gaps, found = _finish(p.columns(one), state.columns(one), plan)
        state = state.with_columns(one, part)
        longest = max(longest, gaps, key=len)
        impossible = impossible or found
    return state, longest, impossible


def _finish(p: Problem, state: State, plan: _Plan) -> tuple[State, list[float], tuple[int, ...]]:
    """Newton for one column; where it sticks, sweeps again, unless the margins are proved contradictory."""
    gaps: list[float] = []
    impossible: tuple[int, ...] = ()
    bout, nearest = _BOUT, state
    while state.gap[0] > plan.tol and len(gaps) < plan.budget and not impossible:
        made, directions = len(gaps), list[FloatArray]()
        state, steps = newton(p, state, plan.goal, plan.left(made, bout).budget, pseudo_directions(directions))
        gaps += steps
        impossible = _first_proof(p, [*directions, state.lam[0]])
        if state.gap[0] <= plan.tol or impossible:
            break
        stuck = state
        state, steps = _sweeps(p, state, plan.left(len(gaps), bout))
        gaps += steps
        impossible = _first_proof(p, [(state.lam - stuck.lam)[0], state.lam[0]])
        nearest = nearest.or_nearer(stuck, state)
        if len(gaps) == made:
            break
        bout *= 2
    return state.or_nearer(nearest), gaps, impossible


def _first_proof(p: Problem, tried: list[FloatArray]) -> tuple[int, ...]:
    return next(filter(None, (contradiction(p, v) for v in tried)), ())


def _sweeps(p: Problem, state: State, plan: _Plan) -> tuple[State, list[float]]:
    """Sweep until the goal, the budget, or (with patience) until too many more sweeps would be needed."""
    gaps = [float(state.gap.max())]
    while (
        gaps[-1] > plan.goal and len(gaps) <= plan.budget and not _too_slow(gaps, plan) and not _settled(gaps, plan.tol)
    ):
        state = _sweep(p, state)
        gaps.append(float(state.gap.max()))
    return state, gaps[1:]


def _sweep(p: Problem, state: State) -> State:
    """One pass over the margins, side by side: each category's factors are multiplied by target / sum."""
    moved, g, w = np.empty_like(state.lam), [*state.g], [*state.w]
    for i, side in enumerate(p.sides):
        for j, (margin, at) in enumerate(zip(side.margins, side.at, strict=True)):
            if (i and not j) or (p.bounded and (i or j)):
                w[i] = side_weights(p, (g[0], g[1]), i)
            moved[:, at] = margin.factors(margin.sums(w[i]))
            by = margin.spread(moved[:, at], 1.0)
            g[i], w[i] = g[i] * by, w[i] * by
        g[i] = np.clip(g[i], *G_RANGE)
    both = g[0], g[1]
    reached = both_weights(p, both) if p.bounded or not p.sides[1].margins else (side_weights(p, both, 0), w[1])
    return state_of(p, state.lam + np.log(moved), both, reached)


def _too_slow(gaps: list[float], plan: _Plan) -> bool:
    """Whether the contraction seen in the last three sweeps leaves more than `patience` sweeps to go."""
    if not plan.patience:
        return plan.patience == 0
    if len(gaps) < 6:
        return False
    rate = (gaps[-1] / gaps[-4]) ** (1 / 3)
    return rate >= 1 or bool(np.log(plan.goal / gaps[-1]) / np.log(rate) > plan.patience)


def _settled(gaps: list[float], tol: float) -> bool:
    """Whether the gap is met and has stopped falling: only rounding is left."""
    return len(gaps) > 2 and gaps[-1] <= tol and gaps[-1] >= gaps[-2]
