"""Newton's method on the dual of raking, for one column of base weights or many at once. See `rake.py` for the problem.

With X the indicators of the categories (for a relative margin X_k - s_k X_covered), the dual to be minimised over lambda is
D = sum_c w_c - t'lambda, its gradient X'w - t, its Hessian H = X' diag(w of the cells that no bound holds) X.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.kernels.rake_problem import Problem, State, cell_weights, evaluate, factors

_LONGEST_MOVE = 4.0  # of a log factor in one Newton step
_HALVINGS = 25
_RIDGE = 1e-12  # of the unit diagonal: settles the directions that redundant margins leave open
_DENSE = 2_000_000  # entries of a side's indicators up to which the Hessian is products with them

Directions: TypeAlias = Callable[[FloatArray, FloatArray], FloatArray]


def newton(p: Problem, state: State, goal: float, budget: int, direct: Directions) -> tuple[State, list[float]]:
    """Newton steps of all columns until each has met the goal or gains no more; the largest gap after each step."""
    gaps: list[float] = []
    stuck = np.zeros(len(state.gap), dtype=bool)
    while len(gaps) < budget:
        at_work = np.flatnonzero((state.gap > goal) & ~stuck)
        if not len(at_work):
            break
        everyone = len(at_work) == len(state.gap)
        part, before = (p, state) if everyone else (p.columns(at_work), state.columns(at_work))
        after, gained = _step(part, before, direct)
        stuck[at_work[~gained]] = True
        if not gained.any():
            break
        state = after if everyone else state.with_columns(at_work, after)
        gaps.append(float(state.gap.max()))
    return state, gaps


def ridge_directions(hessian: FloatArray, residual: FloatArray) -> FloatArray:
    """(H + ridge)^-1 r for many columns at once. Shapes (R, K, K), (R, K) -> (R, K)."""
    scaled, size = _scaled(hessian)
    k = np.arange(residual.shape[1])
    scaled[:, k, k] += _RIDGE
    return np.linalg.solve(scaled, (residual / size)[:, :, None])[:, :, 0] / size


def pseudo_directions(rests: list[FloatArray]) -> Directions:
    """H^+ r of one column; the move, and the part of r that redundant margins leave unreachable, are kept in `rests`."""

    def direct(hessian: FloatArray, residual: FloatArray) -> FloatArray:
        scaled, size = _scaled(hessian)
        values, vectors = np.linalg.eigh(scaled[0])
        seen = values > 1e-12 * max(values[-1], 1e-300)
        along = vectors.T @ (residual / size)[0]
        move = vectors[:, seen] @ (along[seen] / values[seen]) / size[0]
        rests[:] = [move, vectors[:, ~seen] @ along[~seen] / size[0]]
        return move[None, :]

    return direct


def _scaled(hessian: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The Hessian with a unit diagonal, and what it was divided by. Shapes (R, K, K), (R, K)."""
    diagonal = np.diagonal(hessian, axis1=1, axis2=2)
    size = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    return hessian / (size[:, :, None] * size[:, None, :]), size


def _step(p: Problem, state: State, direct: Directions) -> tuple[State, BoolArray]:
    """One step of every column; which columns gained. The others stay where they were."""
    move = p.centred(direct(_hessian(p, state), state.lacks))
    longest = _longest_move(p, move)
    able = np.isfinite(longest) & (longest > 0)
    move = np.where(able[:, None], move, 0.0)
    step = np.minimum(1.0, _LONGEST_MOVE / np.where(able, longest, 1.0))
    before, gained = dual(p, state), np.zeros(len(step), dtype=bool)
    for _ in range(_HALVINGS):
        trial = evaluate(p, state.lam + step[:, None] * move)
        closer = trial.gap < (1 - 0.25 * step) * state.gap
        if not closer.all():
            closer |= dual(p, trial) < before - 1e-9 * step * p.total
        gained = able & closer
        if gained.all() or not (able & ~closer).any():
            break
        step = np.where(closer, step, step / 2)
    return trial if gained.all() else state.with_columns(np.flatnonzero(gained), trial.columns(gained)), gained


def _longest_move(p: Problem, move: FloatArray) -> FloatArray:
    """At least the largest change of a cell's log factor. Shape (R,)."""
    parts = [s.log_factors(move) for s in p.sides]
    up, down = sum(x.max(axis=1) for x in parts), sum(x.min(axis=1) for x in parts)
    return np.maximum(np.abs(up), np.abs(down))


def dual(p: Problem, state: State) -> FloatArray:
    """sum_c w_c (1 + log(raw_c / w_c)) - t'lambda; raw is w before bounds. Shape (R,)."""
    linear = state.lam @ p.targets
    if not p.bounded:
        return state.w[0].sum(axis=1) - linear
    w, raw = cell_weights(p, state.g), p.base * factors(p, state.g)
    apart = np.log(np.divide(raw, w, out=np.ones_like(w), where=w > 0))
    return (w * (1.0 + apart)).sum(axis=1) - linear


def _hessian(p: Problem, state: State) -> FloatArray:
    """X' diag(free weights) X for every column. Shape (R, K, K)."""
    width = max(s.size for s in p.sides) * len(p.targets)
    tables = _pair_tables(p, state) if p.table is None or width > _DENSE else _products(p, state)
    for at, shares in p.relative:
        tables[:, at, :] -= shares[:, None] * tables[:, at, :].sum(axis=1, keepdims=True)
        tables[:, :, at] -= tables[:, :, at].sum(axis=2, keepdims=True) * shares
    return tables


def _products(p: Problem, state: State) -> FloatArray:
    """Cross-tables of every pair of margins as products of the table of both sides with indicators."""
    assert p.table is not None
    x = [side.indicators() for side in p.sides]
    places = [np.r_[(*side.at, slice(0))].astype(int) for side in p.sides]
    first, second = (
        np.ascontiguousarray((g[:, :, None] * x).transpose(0, 2, 1)) for g, x in zip(state.g, x, strict=True)
    )
    tables = np.zeros((len(state.gap), len(p.targets), len(p.targets)))
    for at, w, x_side in zip(places, state.w, x, strict=True):
        tables[:, at[:, None], at] = x_side.T @ (w[:, :, None] * x_side)
    across = (first @ p.table) @ second.transpose(0, 2, 1)
    tables[:, places[0][:, None], places[1]] = across
    tables[:, places[1][:, None], places[0]] = across.transpose(0, 2, 1)
    return tables


def _pair_tables(p: Problem, state: State) -> FloatArray:
    """The same cell by cell: w of the cells that no bound holds, cross-tabulated by each pair of margins."""
    w = cell_weights(p, state.g)
    if p.low is not None and p.high is not None:
        w = np.where((w > p.low) & (w < p.high), w, 0.0)
    return np.stack([p.indicators.cross(row) for row in w])
