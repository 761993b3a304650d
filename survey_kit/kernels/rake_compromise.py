"""What is handed back of margins that no weights meet: the nearest of the weights that were reached, with the total held.

A compromise lets every category give way by least squares (the ridge of Bardsley and Chambers 1984):

    minimise   sum_c w_c log(w_c / b_c) - w_c + b_c  +  1/2 sum_k (t_k - S_k)^2 / rho     subject to   sum_c w_c = total,

within the bounds, with rho = d^2 total: a gap of d in one category costs as much as a change of all weights by a factor of
e. It exists whatever the targets. Its weights are clip(b exp(u + mu)), u = X lambda, lambda = (t - S) / rho; Newton's method
finds lambda and mu, on cells and not on the two sides of `rake_problem.py`: lambdas are large there and cancel within cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake_problem import Problem

_GIVE = (0.03, 0.003)  # d: the second one is nearer to the targets, and further from the base weights
_STEPS = 25
_PRECISE = 1e-6  # of the total; a compromise is none to the last digit
_LONGEST = 3.0  # the largest change of a cell's log factor in one step
_FARTHEST = 300.0
_TRIALS = 30
_OVERSHOT = 0.5  # a step may leave this part of the ascent's slope with the other sign
_HALVINGS = 100


def nearest(p: Problem, tried: list[FloatArray], soft: bool) -> FloatArray:
    """Of cell weights (C,) those with the smallest largest gap once the total holds; `soft`: compromises are tried too."""
    candidates = [levelled(p, w) for w in [*tried, *(_compromises(p) if soft else [])]]
    return min(candidates, key=lambda w: largest_gap(p, w))


def largest_gap(p: Problem, w: FloatArray) -> float:
    """Largest |lacks| / total of cell weights (C,)."""
    gap = float(np.abs(p.residual(p.indicators.sums(w)[None, :])).max() / p.total[0])
    return gap if np.isfinite(gap) else np.inf


def levelled(p: Problem, w: FloatArray) -> FloatArray:
    """Cell weights (C,) times one factor, within the bounds, so that they sum to the total where margins fix one."""
    if p.fixed is None:
        return w
    if p.low is None or p.high is None:
        return w * (p.total[0] / w.sum())
    return level(w, p.low[0], p.high, float(p.total[0]))


def level(w: FloatArray, low: FloatArray | float, high: FloatArray | float, total: float) -> FloatArray:
    """clip(s w, low, high) with the s > 0 that makes the sum `total`; the nearest where the bounds leave none.

    >>> level(np.array([1.0, 2.0, 6.0]), 0.0, 4.0, 9.0).round(6)
    array([1.666667, 3.333333, 4.      ])
    """
    below, above, log = -1.0, 1.0, 0.0
    made = np.clip(w, low, high)

    def beyond(s: float) -> float:
        return float(np.clip(np.exp(s) * w, low, high).sum()) - total

    while beyond(below) > 0 and below > -_FARTHEST:
        below *= 2
    while beyond(above) < 0 and above < _FARTHEST:
        above *= 2
    for _ in range(_HALVINGS):
        over = float(made.sum()) - total
        if abs(over) <= 1e-14 * total or above - below < 1e-15:
            break
        below, above = (below, log) if over > 0 else (log, above)
        log = (below + above) / 2
        made = np.clip(np.exp(log) * w, low, high)
    return made


@dataclass(frozen=True, eq=False)
class _Soft:
    """Margins that give way. `slack`: rho of the K categories, then 0 of the total where it is held."""

    p: Problem
    slack: FloatArray

    @property
    def size(self) -> int:
        """K."""
        return len(self.p.targets)

    @property
    def held(self) -> bool:
        """Whether the total is."""
        return self.p.fixed is not None

    def spread(self, lam: FloatArray) -> FloatArray:
        """Log factors of the cells. Shapes (K + held,) -> (C,)."""
        u = self.p.indicators.spread(self.p.centred(lam[None, : self.size])[0])
        return u + lam[-1] if self.held else u

    def weights(self, u: FloatArray) -> FloatArray:
        """Shape (C,)."""
        raw = self.p.base[0] * np.exp(np.clip(u, -_FARTHEST, _FARTHEST))
        return raw if self.p.low is None or self.p.high is None else np.clip(raw, self.p.low[0], self.p.high)

    def lacks(self, lam: FloatArray, w: FloatArray) -> FloatArray:
        """Gradient of the dual. Shape (K + held,)."""
        lacks = self.p.residual(self.p.indicators.sums(w)[None, :])[0]
        lacks = np.append(lacks, self.p.total[0] - w.sum()) if self.held else lacks
        return lacks - self.slack * lam

    def curvature(self, w: FloatArray) -> FloatArray:
        """X' diag(free weights) X + diag(rho). Shape (K + held, K + held)."""
        if self.p.low is not None and self.p.high is not None:
            w = np.where((w > self.p.low[0]) & (w < self.p.high), w, 0.0)
        sums = self.p.indicators.sums(w)
        top = self.p.indicators.cross(w)
        for at, shares in self.p.relative:
            whole = sums[at].sum()
            top[at] -= shares[:, None] * top[at].sum(axis=0)
            top[:, at] -= top[:, at].sum(axis=1, keepdims=True) * shares
            sums[at] -= shares * whole
        full = np.block([[top, sums[:, None]], [sums[None, :], np.array([[w.sum()]])]]) if self.held else top
        full[np.diag_indices(len(full))] += self.slack + 1e-12 * self.p.total[0]
        return full


def _compromises(p: Problem) -> list[FloatArray]:
    """Weights of the margins softened more and less. Shape (C,) each."""
    held = p.fixed is not None
    lam = np.zeros(len(p.targets) + held)
    if held:
        lam[-1] = np.log(p.total[0] / p.base[0].sum())
    found: list[FloatArray] = []
    for give in _GIVE:
        slack = np.append(np.full(len(p.targets), give**2 * p.total[0]), np.zeros(int(held)))
        lam, w = _solve(_Soft(p, slack), lam)
        found.append(w)
    return found


def _solve(soft: _Soft, lam: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps to the optimum: lambda and the weights of the cells."""
    u = soft.spread(lam)
    w = soft.weights(u)
    lacks = soft.lacks(lam, w)
    for _ in range(_STEPS):
        if np.abs(lacks).max() <= _PRECISE * soft.p.total[0]:
            break
        move = np.asarray(np.linalg.solve(soft.curvature(w), lacks), dtype=np.float64)
        du = soft.spread(move)
        step = _LONGEST / max(float(np.abs(du[soft.p.base[0] > 0]).max(initial=0.0)), _LONGEST)
        slope = float(move @ lacks)
        for _ in range(_TRIALS):
            w = soft.weights(u + step * du)
            after = soft.lacks(lam + step * move, w)
            if move @ after >= -_OVERSHOT * slope:
                break
            step /= 2
        lam, u, lacks = lam + step * move, u + step * du, after
    return lam, w
