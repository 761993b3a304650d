"""Generalised linear models by weighted pseudo-likelihood: iteratively reweighted least squares, and influence values.

The score of row i is w_i x_i (y_i - mu_i) mu'_i / V(mu_i), with mu' = d mu / d eta, and
A = sum w_i x_i x_i' mu'_i^2 / V(mu_i). beta solves sum score = 0; the influence of row i on beta is A^-1 score_i.
Binder (1983), ISR 51, 279; R survey::svyglm.

Arrays: y (n,), x (n, p), weight (n,), offset (n,). A family supplies its link (inverse, inverse_deriv), variance,
deviance and a starting mean; statsmodels' families do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from survey_kit.kernels.groups import FloatArray

MAX_ITER = 200
TOL = 1e-12
_WELL_CONDITIONED = 1e-6  # smallest eigenvalue of the scaled normal equations


class Family(Protocol):
    """What fitting needs to know of a family and its link."""

    link: Any

    def variance(self, mu: FloatArray) -> FloatArray: ...

    def deviance(self, endog: FloatArray, mu: FloatArray, var_weights: FloatArray) -> float: ...

    def starting_mu(self, y: FloatArray) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class GlmFit:
    """A fit.

    Attributes:
        beta: coefficients. Shape (p,).
        eta, mu: linear predictor (offset included) and mean. Shape (n,).
        deviance: under weights of mean one.
        iterations, step: Newton steps taken, and the last one relative to the coefficients.
        converged: whether the last step was negligible.
    """

    beta: FloatArray
    eta: FloatArray
    mu: FloatArray
    deviance: float
    iterations: int
    step: float
    converged: bool


def fit_glm(
    y: FloatArray,
    x: FloatArray,
    weight: FloatArray,
    family: Family,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
    max_iter: int = MAX_ITER,
) -> GlmFit:
    """Fit by Fisher scoring until a step changes no coefficient by more than 1e-12 of its size; steps are halved while
    the deviance grows. Whether the fit is good enough is for the caller to judge: `converged`."""
    w = weight / weight.mean()
    shift = np.zeros(len(y)) if offset is None else offset
    if start is None:
        eta = family.link(family.starting_mu(y))
        beta = _solve(x, w, eta - shift, *_working(y, eta, family))
    else:
        beta = start
    eta = x @ beta + shift
    deviance, step, steps = _deviance(y, eta, w, family), np.inf, 0
    while steps < max_iter and step > TOL:
        steps += 1
        move = _solve(x, w, np.zeros(len(y)), *_working(y, eta, family))
        before = deviance
        beta, eta, deviance = _walk(beta, move, y, x, w, shift, family, before)
        step = float(np.max(np.abs(move) / (np.abs(beta) + 1e-3 * np.abs(beta).max() + 1e-8), initial=0.0))
    with np.errstate(all="ignore"):
        mu = family.link.inverse(eta)
    return GlmFit(beta, eta, mu, deviance, steps, step, step <= 1e-8)


def _working(y: FloatArray, eta: FloatArray, family: Family) -> tuple[FloatArray, FloatArray]:
    """Working weights mu'^2 / V and working residuals (y - mu) / mu'. Shapes (n,), (n,)."""
    with np.errstate(all="ignore"):
        mu = family.link.inverse(eta)
        slope = family.link.inverse_deriv(eta)
        weight = slope**2 / family.variance(mu)
        residual = (y - mu) / slope
    usable = np.isfinite(weight) & np.isfinite(residual) & (weight > 0)
    return np.where(usable, weight, 0.0), np.where(usable, residual, 0.0)


def _solve(x: FloatArray, w: FloatArray, base: FloatArray, working: FloatArray, residual: FloatArray) -> FloatArray:
    """Weighted least squares of base + residual on x. Shape (p,).

    By the normal equations of scaled columns where these are well conditioned, else on the rows themselves, which keeps
    twice as many digits (a year beside its square).
    """
    weighted = x * (w * working)[:, None]
    gram = x.T @ weighted
    scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))
    scaled = gram / np.outer(scale, scale)
    least = np.linalg.eigvalsh(scaled)[0]
    if least > _WELL_CONDITIONED:
        return np.linalg.solve(scaled, (weighted.T @ (base + residual)) / scale) / scale
    root = np.sqrt(w * working)
    return np.linalg.lstsq(x * (root[:, None] / scale), root * (base + residual), rcond=1e-15)[0] / scale


def _walk(
    beta: FloatArray,
    move: FloatArray,
    y: FloatArray,
    x: FloatArray,
    w: FloatArray,
    shift: FloatArray,
    family: Family,
    before: float,
) -> tuple[FloatArray, FloatArray, float]:
    """The step, halved while the deviance grows or is not a number."""
    for halving in range(30):
        tried = beta + move / 2**halving
        eta = x @ tried + shift
        deviance = _deviance(y, eta, w, family)
        if np.isfinite(deviance) and deviance <= before + 1e-9 * (abs(before) + 0.1):
            break
    return tried, eta, deviance


def _deviance(y: FloatArray, eta: FloatArray, w: FloatArray, family: Family) -> float:
    with np.errstate(all="ignore"):
        return float(family.deviance(y, family.link.inverse(eta), var_weights=w))


def influence_values(y: FloatArray, x: FloatArray, weight: FloatArray, eta: FloatArray, family: Family) -> FloatArray:
    """Unweighted influence of each row, A^-1 x_i (y_i - mu_i) mu'_i / V_i; times w_i it is z_i. Shape (n, p).

    A comes from the triangular factor of the weighted design, which loses fewer digits than its square.
    """
    working, residual = _working(y, eta, family)
    triangle = np.linalg.qr(x * np.sqrt(weight * working)[:, None], mode="r")
    root = np.linalg.inv(triangle)
    return (x @ root * (working * residual)[:, None]) @ root.T


def information_left(x: FloatArray, weight: FloatArray, eta: FloatArray, y: FloatArray, family: Family) -> FloatArray:
    """How much of what x could tell is left at the fit, and in which direction least: share, then the direction.

    The smallest eigenvalue of x'W x against that of x'x, both with columns scaled by x'x. It vanishes where the outcome
    is separated: coefficients run away and the rows that hold them lose their weight. Shape (1 + p,).
    """
    w = weight / weight.mean()
    plain = (x * w[:, None]).T @ x
    scale = np.sqrt(np.diag(plain))
    working, _ = _working(y, eta, family)
    informed = (x * (w * working)[:, None]).T @ x
    values, vectors = np.linalg.eigh(informed / np.outer(scale, scale))
    whole = np.linalg.eigvalsh(plain / np.outer(scale, scale))[0]
    return np.concatenate([[values[0] / max(whole, 1e-300)], vectors[:, 0]])


def dispersion(y: FloatArray, mu: FloatArray, weight: FloatArray, family: Family, replicated: bool = False) -> float:
    """The design-weighted variance of Pearson residuals; under replicate weights their mean square, sum w r^2 / sum w.

    R: summary.svyglm, summary.svrepglm.
    """
    pearson = (y - mu) / np.sqrt(family.variance(mu))
    if replicated:
        return float(np.average(pearson**2, weights=weight))
    centred = pearson - np.average(pearson, weights=weight)
    n = np.count_nonzero(weight)
    return float(np.average(centred**2, weights=weight) * n / (n - 1))
