"""Calibration: the weights nearest to the base weights that have known totals, for many columns of base weights at once.

Minimise   sum_i (w0_i / q_i) G(w_i / w0_i) + 1/2 sum_j (X_j'w - T_j)^2 / rho_j     subject to   X_j'w = T_j where rho_j = 0.
The solution is w_i = w0_i g(q_i x_i'lambda), with g from `distances` and lambda at the root of

    r(lambda) = T - X'w - rho lambda,        -r' = X' diag(w0 q g') X + diag(rho).

r is the gradient of a concave function, so Newton's method with a search along its step that only asks for r finds the
root; steps are taken in a whitened basis (`calibration_columns`), where redundant columns are gone. Linear distance without
bounds is solved by the first step, and the second one polishes it.

Shapes: n rows (or cells), p columns, R columns of base weights.

Sources: Deville and Sarndal (1992), JASA 87, 376; Deville, Sarndal and Sautory (1993), JASA 88, 1013; with rho the ridge
calibration of Bardsley and Chambers (1984), Applied Statistics 33, 290. Checked against R survey::calibrate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.calibration_columns import Basis, Features, basis_of
from survey_kit.kernels.distances import DISTANCES, Bound, Factor
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray

__all__ = ["Calibrated", "Features", "calibrate_columns"]

_SETTLE = 1e-4  # iterate on to this part of tol, so that weights, not only totals, are settled to about tol
_LONGEST = 3.0  # the largest change of log g in one step of raking
_OVERSHOT = 0.5  # a step may leave this part of the ascent's slope with the other sign
_TRIALS = 40
_PATIENCE = 20  # steps without a tenth of progress after which a column is given up
_CHUNK = 4_000_000  # numbers of one (n, R) array


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What calibration reached for n rows and R columns of base weights.

    Attributes:
        g: factor on the base weight, within bounds. Shape (n, R).
        gap: |X_j'w - T_j| / max(|T_j|, sum w |x_j|) of each exact total; of a soft one, how far its optimum is. Shape (p, R).
        iterations: Newton steps (of the slowest column).
        history: largest gap of all columns after each step.
        conflict: the same measure of how far a total contradicts totals that imply it, before any work. Shape (p,).
        impossible: whether bounds are proved to keep a single column of weights from its totals.
        basis: standardised columns, for variance estimation.
    """

    g: FloatArray
    gap: FloatArray
    iterations: int
    history: FloatArray
    conflict: FloatArray
    impossible: bool
    basis: Basis


def calibrate_columns(
    features: Features,
    base: FloatArray,
    totals: FloatArray,
    *,
    distance: str = "linear",
    low: Bound = -np.inf,
    high: Bound = np.inf,
    q: FloatArray | None = None,
    slack: FloatArray | None = None,
    population: float | None = None,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> Calibrated:
    """Calibrate several columns of base weights to the same totals.

    Args:
        features: columns of n rows or cells.
        base: base weights, >= 0; shape (n,) or (n, R). Zero stays zero.
        totals: what X'w must be; shape (p,), or (p, R) where it differs.
        distance: "linear", "raking", "logit" (finite low < 1 < high), "sinh".
        low, high: bounds of g; numbers or shape (n,).
        q: how freely a row's weight moves, 1 / sigma^2; None: 1. Shape (n,).
        slack: rho, 0 where a total is exact. Shape (p,).
        population: what the weights must sum to, where exact totals imply it; columns are then centred.
        tol: gap that counts as met. Iteration goes on to a part of it.
        max_iter: Newton steps.

    Whether totals are met is for the caller to judge: `gap <= tol`.
    """
    w0 = base[:, None] if base.ndim == 1 else base
    w0 = w0 if features.code is None else np.asfortranarray(w0)  # sums by cell go down the columns
    typical = w0.mean(axis=1)
    loose = np.zeros(features.width) if slack is None else slack
    goals = totals[:, None] if totals.ndim == 1 else totals
    basis = basis_of(features, goals[:, 0], loose, typical, typical if q is None else typical * q, population)
    free = distance == "linear" and bool(np.isneginf(low).all() and np.isposinf(high).all())
    importance = None if q is None else q[:, None]
    goals = np.broadcast_to(basis.standard(goals), (features.width, w0.shape[1]))
    problem = _Problem(basis, goals, w0, DISTANCES[distance], _tall(low), _tall(high), importance, distance, free)
    plan = _Plan(tol, tol * _SETTLE, max_iter)
    many = max(int(_CHUNK // max(len(w0), 1)), 1)
    start = _start(problem, typical, plan)
    parts = [_solve(problem.take(slice(r, r + many)), plan, start) for r in range(0, w0.shape[1], many)]
    return _together(problem, parts, tol)


def _tall(bound: Bound) -> Bound:
    """A bound of each row as a column, so that it goes with (n, R)."""
    return bound if np.ndim(bound) == 0 else np.asarray(bound, dtype=np.float64)[:, None]


@dataclass(frozen=True, slots=True)
class _Plan:
    tol: float
    goal: float
    max_iter: int


@dataclass(frozen=True, eq=False)
class _Problem:
    """Base weights (n, R) to be calibrated to standardised totals (p, R); bounds and q broadcast to the weights."""

    basis: Basis
    totals: FloatArray
    base: FloatArray
    factor: Factor
    low: Bound
    high: Bound
    q: FloatArray | None
    distance: str
    free: bool

    def take(self, columns: slice | IntArray) -> _Problem:
        return replace(self, base=self.base[:, columns], totals=self.totals[:, columns])

    def predictor(self, lam: FloatArray) -> FloatArray:
        """u = q X lambda. Shape (n, R)."""
        u = self.basis.features.times(lam)
        return u if self.q is None else u * self.q


@dataclass(frozen=True, eq=False)
class _State:
    """A point on the way: lambda (p, R), u, g and g' (n, R), residual r (p, R), the largest gap of each column (R,)."""

    lam: FloatArray
    u: FloatArray
    g: FloatArray
    slope: FloatArray
    residual: FloatArray
    gap: FloatArray

    def take(self, columns: IntArray) -> _State:
        return _State(*(getattr(self, name)[..., columns] for name in self.__dataclass_fields__))

    def put(self, columns: IntArray, part: _State) -> None:
        for name in self.__dataclass_fields__:
            getattr(self, name)[..., columns] = getattr(part, name)


def _at(p: _Problem, lam: FloatArray, u: FloatArray) -> _State:
    basis = p.basis
    g, slope = p.factor(u, p.low, p.high)
    residual = p.totals - basis.features.sums(p.base * g) - basis.slack[:, None] * lam
    gap = (np.abs(residual) * basis.share[:, None]).max(axis=0, initial=0.0)
    return _State(lam, u, g, slope, residual, np.where(np.isnan(gap), np.inf, gap))


def _start(p: _Problem, typical: FloatArray, plan: _Plan) -> FloatArray:
    """Lambda to start from: that of the mean column, which saves many columns half of their steps. Shape (p, 1)."""
    zero = np.zeros((len(p.totals), 1))
    if p.base.shape[1] == 1 or p.free:
        return zero
    mean = replace(p, base=typical[:, None], totals=p.totals.mean(axis=1, keepdims=True))
    found = _solve(mean, plan, zero).best
    return found.lam if found.gap[0] <= plan.tol else zero


def _solve(p: _Problem, plan: _Plan, start: FloatArray) -> _Solved:
    """Newton steps of every column until it is met, settled or given up."""
    count = p.base.shape[1]
    lam = np.repeat(start, count, axis=1)
    state = _at(p, lam, p.predictor(lam) if start.any() else np.zeros_like(p.base))
    best, progress = state.take(np.arange(count)), _Progress(state.gap)
    live = np.flatnonzero(state.gap > plan.goal)
    end, history = state.lam[:, :1], list[float]()
    state = state if len(live) == count else state.take(live)
    while len(live) and len(history) < plan.max_iter:
        whole = len(live) == count
        state = _step(p if whole else p.take(live), state)
        end = state.lam[:, :1]
        better = state.gap < best.gap[live]
        if whole and better.all():
            best = state
        else:
            best.put(live[better], state if better.all() else state.take(np.flatnonzero(better)))
        history.append(float(best.gap.max()))
        left = np.flatnonzero(~progress.done(live, state.gap, plan))
        if len(left) < len(live):
            live, state = live[left], state.take(left)
    return _Solved(best, end, history)


@dataclass(frozen=True, eq=False)
class _Solved:
    """The best point of each column, lambda (p, 1) where the last walk ended, and the largest gap after each step."""

    best: _State
    end: FloatArray
    history: list[float]


class _Progress:
    """The gaps of each column so far: whether it is met, settled, or given up."""

    def __init__(self, gap: FloatArray) -> None:
        self.last = gap.copy()
        self.lowest = gap.copy()
        self.idle = np.zeros(len(gap), dtype=np.int64)

    def done(self, live: IntArray, gap: FloatArray, plan: _Plan) -> BoolArray:
        """Which of the live columns need no more steps, given their gaps after this one."""
        settled = (gap <= plan.tol) & (gap >= 0.5 * self.last[live])
        moved = gap < 0.9 * self.lowest[live]
        self.idle[live] = np.where(moved, 0, self.idle[live] + 1)
        self.lowest[live] = np.where(moved, gap, self.lowest[live])
        self.last[live] = gap
        return np.asarray((gap <= plan.goal) | settled | (self.idle[live] >= _PATIENCE))


def _step(p: _Problem, state: _State) -> _State:
    """One Newton step of every column, shortened where it goes too far."""
    whiten = p.basis.whiten
    gradient = whiten.T @ state.residual
    d = np.linalg.solve(_curvature(p, state), gradient.T[:, :, None])[:, :, 0].T
    along = whiten @ d
    du = p.predictor(along)
    length = np.ones(d.shape[1])
    if p.distance == "raking":
        length = np.minimum(1.0, _LONGEST / np.maximum(np.abs(du).max(axis=0, initial=0.0), _LONGEST))
    new = _at(p, state.lam + length * along, state.u + length * du)
    return new if p.free else _search(p, state, new, along, du, length)


def _curvature(p: _Problem, state: _State) -> FloatArray:
    """-r' in the whitened basis, lifted a little where held rows leave it flat. Shape (R, r, r)."""
    weight = p.base * state.slope
    gram = p.basis.features.gram(weight if p.q is None else weight * p.q)
    p_size = np.arange(len(p.basis.slack))
    gram[:, p_size, p_size] += p.basis.slack
    whiten = p.basis.whiten
    curvature = whiten.T @ gram @ whiten
    size = np.trace(curvature, axis1=1, axis2=2) / max(whiten.shape[1], 1)
    lift = 1e-14 * size + (0.0 if p.free else 1e-4 * np.minimum(state.gap, 1.0) * size + 1e-12)
    r_size = np.arange(whiten.shape[1])
    curvature[:, r_size, r_size] += lift[:, None]
    return curvature


def _search(p: _Problem, old: _State, new: _State, along: FloatArray, du: FloatArray, length: FloatArray) -> _State:
    """Shorten the step of columns where the ascent has turned into a steep descent.

    The slope of the ascent falls along the step, since the function is concave: its root lies between 0 and the step, and is
    bracketed until no more than a part of the first slope is left. Columns that never overshoot are left alone.
    """
    start = (along * old.residual).sum(axis=0)
    near, at_near, far = np.zeros_like(length), start, length
    at_far = _slope(along, new)
    open_ = at_far < -_OVERSHOT * start
    for _ in range(_TRIALS):
        if not open_.any():
            break
        span = far - near
        part = np.clip(at_near / np.where(open_, at_near - np.maximum(at_far, -1e9 * start), 1.0), 0.05, 0.5)
        length = np.where(open_, near + span * part, length)
        new = _at(p, old.lam + length * along, old.u + length * du)
        slope = _slope(along, new)
        past = slope < 0
        far, at_far = np.where(open_ & past, length, far), np.where(open_ & past, slope, at_far)
        near, at_near = np.where(open_ & ~past, length, near), np.where(open_ & ~past, slope, at_near)
        open_ = open_ & ~(np.abs(slope) <= _OVERSHOT * start)
    return new


def _slope(along: FloatArray, state: _State) -> FloatArray:
    """Slope of the ascent along a step; where g was too large for numbers, it has turned around. Shape (R,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        slope = (along * state.residual).sum(axis=0)
    return np.where(np.isfinite(slope), slope, -np.inf)


def _together(p: _Problem, parts: list[_Solved], tol: float) -> Calibrated:
    """The parts as one result."""
    g = np.concatenate([part.best.g for part in parts], axis=1)
    residual = np.concatenate([part.best.residual for part in parts], axis=1)
    longest = max(len(part.history) for part in parts)
    history = np.zeros(longest)
    for part in parts:
        last = part.history[-1:] or [0.0]
        history = np.maximum(history, part.history + last * (longest - len(part.history)))
    gap = np.abs(residual) * p.basis.share[:, None]
    conflict = p.basis.conflict()
    short = g.shape[1] == 1 and bool((gap > tol).any() and (conflict <= tol).all())
    best = parts[0].best.lam[:, 0]
    impossible = short and any(_proves(p, v) for v in (parts[0].end[:, 0], best, parts[0].end[:, 0] - best))
    return Calibrated(g, gap, longest, history, conflict, impossible, p.basis)


def _proves(p: _Problem, direction: FloatArray) -> bool:
    """Whether a direction of lambda shows that no factors within the bounds reach the totals.

    For every v: T'v = sum w0 g x'v <= sum w0 (U max(x'v, 0) + L min(x'v, 0)) if some g in [L, U] meets all totals.
    """
    if not (np.isfinite(p.low).all() and np.isfinite(p.high).all()):
        return False
    v = np.where(p.basis.slack > 0, 0.0, direction)
    xv = p.basis.features.times(v[:, None])
    parts = p.base[:, :1] * np.where(xv > 0, p.high * xv, p.low * xv)
    most, wanted = float(parts.sum()), float(p.basis.totals @ v)
    return wanted - most > 1e-9 * float(np.abs(parts).sum())
