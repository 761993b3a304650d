"""The dual of raking: what one set of log factors gives, and Newton's method on it. See `rake.py` for the problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts

_LONGEST_MOVE = 4.0  # of a log factor in one Newton step
G_RANGE = (1e-200, 1e200)


@dataclass(frozen=True, eq=False)
class Problem:
    """base (C, R); codes: M arrays (C,); targets: M arrays (k_m,); low and high (C, 1) or None without bounds."""

    base: FloatArray
    codes: tuple[IntArray, ...]
    targets: tuple[FloatArray, ...]
    total: float
    low: FloatArray | None = None
    high: FloatArray | None = None

    def weights(self, g: FloatArray) -> FloatArray:
        raw = self.base * g
        return raw if self.low is None else np.clip(raw, self.low, self.high)

    def column(self, r: int) -> Problem:
        return replace(self, base=self.base[:, [r]])


@dataclass(frozen=True, eq=False)
class State:
    """Where the dual stands: g (C, R) before bounds, its logs by category M x (k_m, R), weights (C, R), gap (R,)."""

    g: FloatArray
    lam: tuple[FloatArray, ...]
    weights: FloatArray
    gap: FloatArray

    def column(self, r: int) -> State:
        return State(self.g[:, [r]], tuple(a[:, [r]] for a in self.lam), self.weights[:, [r]], self.gap[[r]])


def margin_sums(codes: IntArray, weights: FloatArray, size: int) -> FloatArray:
    """Sum of weights by category. Shapes (C,), (C, R) -> (size, R)."""
    columns = weights.shape[1]
    if columns == 1:
        return weighted_counts(codes, weights[:, 0], size)[:, None]
    flat = codes[:, None] * columns + np.arange(columns)
    return weighted_counts(flat.ravel(), weights.ravel(), size * columns).reshape(size, columns)


def evaluate(p: Problem, g: FloatArray, lam: tuple[FloatArray, ...]) -> State:
    weights = p.weights(g)
    off = [np.abs(r - t[:, None]).max(axis=0) for r, t in zip(reached(p, weights), p.targets, strict=True)]
    return State(g, lam, weights, np.max(off, axis=0) / p.total)


def reached(p: Problem, weights: FloatArray) -> list[FloatArray]:
    """What each category holds. M arrays of shape (k_m, R)."""
    return [margin_sums(c, weights, len(t)) for c, t in zip(p.codes, p.targets, strict=True)]


def cell_scores(p: Problem, v: Sequence[FloatArray]) -> FloatArray:
    """X v: the sum of each cell's category scores. Shape (C,)."""
    return np.sum([part[:, 0][c] for part, c in zip(v, p.codes, strict=True)], axis=0)


def newton(
    p: Problem, state: State, goal: float, budget: int
) -> tuple[State, list[tuple[FloatArray, ...]], list[float]]:
    """Newton steps of one column until the goal or no gain; also the last direction and the unreachable rest."""
    gaps: list[float] = []
    directions: list[tuple[FloatArray, ...]] = []
    while state.gap[0] > goal and len(gaps) < budget:
        move, rest = _direction(p, state)
        directions = [_by_margin(p, move), _by_margin(p, rest)]
        trial = _line_search(p, state, directions[0])
        if trial is None:
            break
        state = trial
        gaps.append(float(state.gap[0]))
    return state, directions, gaps


def _direction(p: Problem, state: State) -> tuple[FloatArray, FloatArray]:
    """Newton direction H^+ r, and the part of r that redundant margins leave unreachable. Shapes (K,), (K,).

    r = targets - sums; H = X' diag(w of unclipped cells) X, scaled to a unit diagonal before its null space is cut off.
    """
    free = _free_weights(p, state)
    hessian = _hessian(p, free)
    residual = np.concatenate(p.targets) - np.concatenate(reached(p, state.weights))[:, 0]
    size = np.sqrt(np.where(np.diag(hessian) > 0, np.diag(hessian), 1.0))
    values, vectors = np.linalg.eigh(hessian / np.outer(size, size))
    seen = values > 1e-12 * max(values[-1], 1e-300)
    along = vectors.T @ (residual / size)
    move = vectors[:, seen] @ (along[seen] / values[seen]) / size
    return move, vectors[:, ~seen] @ along[~seen] / size


def _free_weights(p: Problem, state: State) -> FloatArray:
    """Weights of the cells that no bound holds. Shape (C,)."""
    w = state.weights[:, 0]
    if p.low is None:
        return w
    return np.where((w > p.low[:, 0]) & (w < p.high[:, 0]), w, 0.0)  # type: ignore[index]


def _hessian(p: Problem, free: FloatArray) -> FloatArray:
    """Weighted cross-tables of every pair of margins. Shape (K, K), K = sum of k_m."""
    sizes = [len(t) for t in p.targets]
    rows = []
    for a, size_a in zip(p.codes, sizes, strict=True):
        tables = [
            np.bincount(a * size_b + b, weights=free, minlength=size_a * size_b).reshape(size_a, size_b)
            for b, size_b in zip(p.codes, sizes, strict=True)
        ]
        rows.append(np.hstack(tables))
    return np.vstack(rows)


def _by_margin(p: Problem, flat: FloatArray) -> tuple[FloatArray, ...]:
    ends = np.cumsum([len(t) for t in p.targets])[:-1]
    return tuple(part[:, None] for part in np.split(flat, ends))


def _line_search(p: Problem, state: State, direction: tuple[FloatArray, ...]) -> State | None:
    """The longest of the halved steps that closes the gap or lowers the dual; None when none does."""
    move = cell_scores(p, direction)
    longest = float(np.abs(move).max(initial=0.0))
    if longest == 0 or not np.isfinite(longest):
        return None
    step, dual = min(1.0, _LONGEST_MOVE / longest), _dual(p, state)
    for _ in range(25):
        g = np.clip(state.g * np.exp(step * move)[:, None], *G_RANGE)
        trial = evaluate(p, g, tuple(a + step * d for a, d in zip(state.lam, direction, strict=True)))
        if trial.gap[0] < (1 - 0.25 * step) * state.gap[0] or _dual(p, trial) < dual - 1e-9 * step * p.total:
            return trial
        step /= 2
    return None


def _dual(p: Problem, state: State) -> float:
    """sum_c w_c (1 + log(raw_c / w_c)) - sum t lambda, which raking minimises over lambda; raw is w before bounds."""
    w = state.weights[:, 0]
    if p.low is None:
        value = w.sum()
    else:
        kept = w > 0
        value = (w[kept] * (1.0 + np.log((p.base * state.g)[kept, 0] / w[kept]))).sum()
    return float(value - sum(float(t @ a[:, 0]) for t, a in zip(p.targets, state.lam, strict=True)))
