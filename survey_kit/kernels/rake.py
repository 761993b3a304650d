"""Raking: the weights nearest to the base weights that meet every margin, with or without bounds.

Minimise   sum_c w_c log(w_c / b_c) - w_c + b_c     subject to   sum of w over category k of margin m = t_mk.
The solution is w_c = b_c exp(sum_m lambda_m[k_m(c)]); with bounds it is clip(b_c exp(...), low_c, high_c).

Rows that agree in every margin share one factor g = w / b, so all work is on C cells, never on n rows.
Two solvers walk the same dual: iterative proportional fitting (Deming and Stephan 1940), which is a sweep over the
margins, and Newton's method on all lambdas at once (Deville, Sarndal and Sautory 1993), which takes over where sweeps
shrink the gap too slowly. With bounds both work on the clipped weights, so that cap and margins are met together.

Margins that no weights can meet are proved contradictory (`rake_proof.py`).

Checked against R survey::rake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.rake_dual import G_RANGE, Problem, State, evaluate, margin_sums, newton
from survey_kit.kernels.rake_proof import contradiction

__all__ = ["RakedCells", "Solver", "rake_cells", "rake_cells_within"]

Solver = Literal["auto", "ipf", "newton"]

_SETTLE = 1e-3  # iterate on to this part of tol, so that weights, not only margins, are settled to about tol
_PATIENCE = 12  # more sweeps than this still to come: Newton is cheaper
_BOUT = 60  # Newton steps, or sweeps, before the other has its turn
_NEWTON_SIZE = 1500  # categories of all margins together; beyond it a dense Hessian costs more than sweeps


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
    tol: float = 1e-10,
    max_iter: int = 1000,
    solver: Solver = "auto",
) -> RakedCells:
    """Rake the base weights of cells to margins, for several columns of base weights at once.

    Args:
        cell_weights: total base weight of each cell, >= 0; shape (C,) or (C, R). Zero stays zero.
        codes: category 0..k_m-1 of each cell, one array of shape (C,) for each of M margins.
        targets: total wanted in each category, > 0, all margins with the same sum; M arrays of shape (k_m,).
        tol: largest |reached - target| / total that counts as met. Iteration goes on to a thousandth of it.
        max_iter: sweeps plus Newton steps.
        solver: "auto" sweeps and lets Newton finish where sweeps are slow; "ipf" and "newton" do one of the two.

    Whether the margins are met is for the caller to judge: `gap <= tol`.

    Source: Deville, Sarndal and Sautory (1993), JASA 88, 1013, section 2; Ireland and Kullback (1968), Biometrika 55.
    """
    return _solve(_problem(cell_weights, codes, targets), tol, max_iter, solver)


def rake_cells_within(
    cell_weights: FloatArray,
    codes: Sequence[IntArray],
    targets: Sequence[FloatArray],
    low: FloatArray,
    high: FloatArray,
    *,
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
    problem = _problem(cell_weights, codes, targets)
    held = problem.base[:, :1] > 0
    low2, high2 = np.where(held, low[:, None], 0.0), np.where(held, high[:, None], 0.0)
    return _solve(replace(problem, low=low2, high=high2), tol, max_iter, solver)


def _problem(cell_weights: FloatArray, codes: Sequence[IntArray], targets: Sequence[FloatArray]) -> Problem:
    base = np.asarray(cell_weights, dtype=np.float64)
    base = base[:, None] if base.ndim == 1 else base
    goals = tuple(np.asarray(t, dtype=np.float64) for t in targets)
    return Problem(base, tuple(codes), goals, float(goals[0].sum()))


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


def _solve(p: Problem, tol: float, max_iter: int, solver: Solver) -> RakedCells:
    small = sum(map(len, p.targets)) <= _NEWTON_SIZE
    patience = None if solver == "ipf" or not small else 0 if solver == "newton" else _PATIENCE
    plan = _Plan(tol * _SETTLE, tol, max_iter, patience)
    state, swept = _sweeps(p, _start(p), plan)
    state, stepped, impossible = _finish_columns(p, state, plan, len(swept))
    worst = int(np.argmax(state.gap))
    if not impossible and state.gap[worst] > tol:
        impossible = contradiction(p.column(worst), state.column(worst).lam)
    used = "+".join(name for name, gaps in (("ipf", swept), ("newton", stepped)) if gaps)
    g = np.divide(state.weights, p.base, out=state.g.copy(), where=p.base > 0)
    history = np.array(swept + stepped)
    return RakedCells(state.weights, g, state.gap, len(history), history, used or "none", impossible)


def _finish_columns(p: Problem, state: State, plan: _Plan, done: int) -> tuple[State, list[float], tuple[int, ...]]:
    """Newton for each column that the sweeps left short; the longest history; the margins that cannot be met."""
    longest: list[float] = []
    impossible: tuple[int, ...] = ()
    if plan.patience is None:
        return state, longest, ()
    for r in np.flatnonzero(state.gap > plan.goal):
        one, gaps, found = _finish(p.column(int(r)), state.column(int(r)), replace(plan, budget=plan.budget - done))
        state = _with_column(state, int(r), one)
        longest = max(longest, gaps, key=len)
        impossible = impossible or found
    return state, longest, impossible


def _finish(p: Problem, state: State, plan: _Plan) -> tuple[State, list[float], tuple[int, ...]]:
    """Newton for one column; where it sticks, sweeps again, unless the margins are proved contradictory."""
    gaps: list[float] = []
    while state.gap[0] > plan.goal and len(gaps) < plan.budget:
        made = len(gaps)
        state, directions, steps = newton(p, state, plan.goal, plan.left(made, _BOUT).budget)
        gaps += steps
        if state.gap[0] <= plan.tol:
            break
        stuck = state
        state, steps = _sweeps(p, state, plan.left(len(gaps), _BOUT))
        gaps += steps
        drift = tuple(a - b for a, b in zip(state.lam, stuck.lam, strict=True))
        impossible = next(filter(None, (contradiction(p, v) for v in (*directions, drift, state.lam))), ())
        if impossible or len(gaps) == made:
            return state, gaps, impossible
    return state, gaps, ()


def _start(p: Problem) -> State:
    """The base weights brought to the targets' total by one factor for every cell."""
    sums = p.base.sum(axis=0)
    scale = np.where(sums > 0, p.total / np.where(sums > 0, sums, 1.0), 1.0)
    lam = [np.zeros((len(t), p.base.shape[1])) for t in p.targets]
    lam[0] = lam[0] + np.log(scale)
    return evaluate(p, np.broadcast_to(scale, p.base.shape).copy(), tuple(lam))


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
    """One pass over the margins: each category's factors are multiplied by target / sum."""
    g, weights, lam = state.g, state.weights, []
    for codes, target, logs in zip(p.codes, p.targets, state.lam, strict=True):
        sums = margin_sums(codes, weights, len(target))
        factor = np.divide(target[:, None], sums, out=np.ones_like(sums), where=sums > 0)
        g = g * factor[codes]
        weights = p.weights(g)
        lam.append(logs + np.log(factor))
    return evaluate(p, np.clip(g, *G_RANGE), tuple(lam))


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


def _with_column(state: State, r: int, one: State) -> State:
    """The state with column r replaced."""

    def put(whole: FloatArray, part: FloatArray) -> FloatArray:
        changed = whole.copy()
        changed[..., r] = part[..., 0]
        return changed

    lam = tuple(put(a, b) for a, b in zip(state.lam, one.lam, strict=True))
    return State(put(state.g, one.g), lam, put(state.weights, one.weights), put(state.gap, one.gap))
