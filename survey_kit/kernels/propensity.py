"""Who is in a sample: logistic models of participation, fitted against a reference sample of the population.

Sample A has rows x_i with base weights b_i (ones where there are none), the reference B rows x_i with weights d_i that sum
to the population. eta = x'beta and p = 1 / (1 + exp(-eta)). Every law solves

    sum_A b s(eta) x - sum_B d t(eta) x - shift = 0        and weights A by        w = b g(eta)

    law                 s            t    g            where it is from
    pseudo-likelihood   1            p    1 / p        Chen, Li & Wu (2020), JASA 115, 2011
    odds                1 - p        p    (1 - p) / p  stacked logistic regression: Elliott & Valliant (2017), Statistical
                                                       Science 32, 249; Wang, Valliant & Li (2021), Stat. Med. 40, 5237
    balance             1 / p        1    1 / p        Imai & Ratkovic (2014), JRSS B 76, 243 (just identified);
                                                       Kim & Riddles (2012), Survey Methodology 38, 157
    balance odds        (1 - p) / p  1    (1 - p) / p  the same for odds; Hainmueller (2012), Political Analysis 20, 25

Each is the gradient of a convex function of beta, which Newton's method with halved steps takes to its minimum, in columns
made orthonormal. The last two weight A to the totals of B exactly. `shift` is zero, but for replicates that carry the error
of the reference's totals.

Shapes: sample (n, p), base (n,), reference (m, p), weight (m,).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.logistic import expit

TOL = 1e-10  # largest part of a total that a fit may miss
MAX_ITER = 100
_FLAT = 1e-13  # a score below this part of its total is rounding
_FAR = 300.0  # exp(-eta) beyond this has no meaning

Curve = Callable[[FloatArray], FloatArray]


def _softplus(eta: FloatArray) -> FloatArray:
    """log(1 + exp(eta)) without overflow."""
    return np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta)))


def _inverse_odds(eta: FloatArray) -> FloatArray:
    return np.exp(-np.clip(eta, -_FAR, _FAR))


def _spread(eta: FloatArray) -> FloatArray:
    return expit(eta) * expit(-eta)


@dataclass(frozen=True, eq=False)
class Law:
    """One way to estimate participation, as functions of eta.

    Attributes:
        sample, sample_score, sample_slope: f, s = -f' and -s' of a row of the sample.
        reference, reference_score, reference_slope: h, t = h' and t' of a row of the reference.
        factor: g, weight over base weight. reads: -g' / g.
    """

    sample: Curve
    sample_score: Curve
    sample_slope: Curve
    reference: Curve
    reference_score: Curve
    reference_slope: Curve
    factor: Curve
    reads: Curve


def _inverse(eta: FloatArray) -> FloatArray:
    return 1.0 + _inverse_odds(eta)


def _staying(eta: FloatArray) -> FloatArray:
    return expit(-eta)


LAWS = {
    "pseudo-likelihood": Law(
        np.negative, np.ones_like, np.zeros_like, _softplus, expit, _spread, factor=_inverse, reads=_staying
    ),
    "odds": Law(
        lambda eta: _softplus(-eta),
        _staying,
        _spread,
        *(_softplus, expit, _spread),
        factor=_inverse_odds,
        reads=np.ones_like,
    ),
    "balance": Law(
        lambda eta: _inverse_odds(eta) - eta,
        _inverse,
        _inverse_odds,
        *(np.positive, np.ones_like, np.zeros_like),
        factor=_inverse,
        reads=_staying,
    ),
    "balance odds": Law(
        _inverse_odds,
        _inverse_odds,
        _inverse_odds,
        *(np.positive, np.ones_like, np.zeros_like),
        factor=_inverse_odds,
        reads=np.ones_like,
    ),
}


@dataclass(frozen=True, eq=False)
class Participation:
    """A fitted law.

    Attributes:
        beta: coefficients. Shape (p,).
        eta, eta_reference: linear predictors of the sample (n,) and of the reference (m,).
        weight: b g(eta). Shape (n,).
        reads, takes, inverse: what a variance needs, as in residualize.py: -g'/g, b s, and the inverse of
            H = -d score / d beta. Shapes (n,), (n,), (p, p).
        reference_score: t(eta) of the reference: its rows add d t x to the score. Shape (m,).
        gap: what is left of the score, as a part of sum_A |b s x| + sum_B |d t x|. Shape (p,).
        iterations, history: Newton steps, and the largest gap after each.
        converged: whether the largest gap is within 1e-10 and H can be inverted.
    """

    beta: FloatArray
    eta: FloatArray
    eta_reference: FloatArray
    weight: FloatArray
    reads: FloatArray
    takes: FloatArray
    inverse: FloatArray
    reference_score: FloatArray
    gap: FloatArray
    iterations: int
    history: tuple[float, ...]
    converged: bool

    @property
    def p(self) -> FloatArray:
        """Propensities of the sample. Shape (n,)."""
        return expit(self.eta)


@dataclass(frozen=True, eq=False)
class _Problem:
    """The rows of both samples in orthonormal columns: x = q @ root."""

    law: Law
    sample: FloatArray
    base: FloatArray
    reference: FloatArray
    weight: FloatArray
    root: FloatArray
    shift: FloatArray

    def value(self, beta: FloatArray) -> float:
        """What is minimised, up to a constant."""
        with np.errstate(over="ignore", invalid="ignore"):
            own = self.base @ self.law.sample(self.sample @ beta)
            return float(own + self.weight @ self.law.reference(self.reference @ beta) + self.shift @ beta)

    def score(self, beta: FloatArray) -> FloatArray:
        """Shape (p,)."""
        own = self.base * self.law.sample_score(self.sample @ beta)
        other = self.weight * self.law.reference_score(self.reference @ beta)
        return own @ self.sample - other @ self.reference - self.shift

    def hessian(self, beta: FloatArray) -> FloatArray:
        """H = -d score / d beta. Shape (p, p)."""
        own = self.base * self.law.sample_slope(self.sample @ beta)
        other = self.weight * self.law.reference_slope(self.reference @ beta)
        return (self.sample.T * own) @ self.sample + (self.reference.T * other) @ self.reference

    def gap(self, beta: FloatArray) -> FloatArray:
        """The score in the columns as they were given, as a part of what it is made of. Shape (p,)."""
        own = self.base * self.law.sample_score(self.sample @ beta)
        other = self.weight * self.law.reference_score(self.reference @ beta)
        left = (own @ self.sample - other @ self.reference - self.shift) @ self.root
        size = own @ np.abs(self.sample @ self.root) + other @ np.abs(self.reference @ self.root)
        return np.abs(left) / np.where(size > 0, size, 1.0)


def fit_participation(
    law: str,
    sample: FloatArray,
    base: FloatArray,
    reference: FloatArray,
    weight: FloatArray,
    start: FloatArray | None = None,
    max_iter: int = MAX_ITER,
    shift: FloatArray | None = None,
) -> Participation:
    """Fit one of LAWS. Whether it is good enough is for the caller to judge: `converged`.

    Args:
        law: a key of LAWS. sample, base: x and b, shapes (n, p), (n,). reference, weight: x and d, shapes (m, p), (m,).
        start: coefficients to start from; zeros with the intercept that gives everybody the same weight when None.
        shift: added to the totals of the reference. Shape (p,); None for zeros.
    """
    shift = np.zeros(sample.shape[1]) if shift is None else shift
    problem = _problem(LAWS[law], sample, base, reference, weight, shift)
    gamma = _start(problem, reference) if start is None else problem.root @ start
    gamma, history = _newton(problem, gamma, max_iter)
    back = np.asarray(np.linalg.inv(problem.root), dtype=np.float64)
    gap = problem.gap(gamma)
    inverse, sound = _inverted(problem.hessian(gamma), back)
    eta = problem.sample @ gamma
    away = np.abs(eta).max(initial=0.0) > _FAR / 10
    return Participation(
        beta=back @ gamma,
        eta=eta,
        eta_reference=problem.reference @ gamma,
        weight=base * problem.law.factor(eta),
        reads=problem.law.reads(eta),
        takes=base * problem.law.sample_score(eta),
        inverse=inverse,
        reference_score=problem.law.reference_score(problem.reference @ gamma),
        gap=gap,
        iterations=len(history),
        history=tuple(history),
        converged=bool(gap.max(initial=0.0) <= TOL and sound and not away),
    )


def _problem(
    law: Law, sample: FloatArray, base: FloatArray, reference: FloatArray, weight: FloatArray, shift: FloatArray
) -> _Problem:
    """Columns made orthonormal under weights that give both samples the same say."""
    pairs = ((sample, base), (reference, weight))
    parts = [x * np.sqrt(np.maximum(w, 0.0) / w.sum())[:, None] for x, w in pairs]
    root = np.asarray(np.linalg.qr(np.vstack(parts), mode="r"), dtype=np.float64)
    back = np.linalg.inv(root)
    return _Problem(law, sample @ back, base, reference @ back, weight, root, back.T @ shift)


def _start(problem: _Problem, reference: FloatArray) -> FloatArray:
    """Everybody the same propensity, where the columns can say so; shape (p,)."""
    constant = np.asarray(np.linalg.lstsq(problem.reference, np.ones(len(reference)), rcond=None)[0], dtype=np.float64)
    ratio = problem.base.sum() / problem.weight.sum()
    return constant * float(np.log(ratio / (1 - ratio))) if 0 < ratio < 0.5 else constant * 0.0


def _newton(problem: _Problem, beta: FloatArray, max_iter: int) -> tuple[FloatArray, list[float]]:
    """Newton steps, each halved until the value falls, until the score is rounding or no longer shrinks."""
    history: list[float] = []
    value, best = problem.value(beta), np.inf
    for _ in range(max_iter):
        move = _step(problem.hessian(beta), problem.score(beta))
        if move is None:
            break
        tried, new = _walk(problem, beta, move, value)
        gap = float(problem.gap(tried).max(initial=0.0))
        if gap >= best and best <= TOL:
            break
        beta, value, best = tried, new, gap
        history.append(gap)
        if gap <= _FLAT:
            break
    return beta, history


def _step(hessian: FloatArray, score: FloatArray) -> FloatArray | None:
    try:
        move = np.asarray(np.linalg.solve(hessian, score), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return move if np.isfinite(move).all() else None


def _walk(problem: _Problem, beta: FloatArray, move: FloatArray, value: float) -> tuple[FloatArray, float]:
    """The step, halved while the value grows or is not a number."""
    tried, new = beta, value
    for halving in range(40):
        tried = beta + move / 2**halving
        new = problem.value(tried)
        if np.isfinite(new) and new <= value + 1e-12 * abs(value):
            break
    return tried, new


def _inverted(hessian: FloatArray, back: FloatArray) -> tuple[FloatArray, bool]:
    """H^-1 in the columns as they were given, and whether there is one. Shape (p, p)."""
    values = np.linalg.eigvalsh(hessian) if np.isfinite(hessian).all() else np.zeros(len(hessian))
    if not values[0] > 1e-12 * values[-1] > 0:
        return np.full_like(hessian, np.nan), False
    return back @ np.linalg.inv(hessian) @ back.T, True


def outside_range(eta: FloatArray, eta_reference: FloatArray, weight: FloatArray) -> float:
    """Part of the reference, weighted, whose eta lies outside the range of the sample's: no common support there."""
    slack = 1e-9 * max(1.0, float(np.abs(eta).max(initial=0.0)))
    out = (eta_reference < eta.min() - slack) | (eta_reference > eta.max() + slack)
    return float(weight[out].sum() / weight.sum())
