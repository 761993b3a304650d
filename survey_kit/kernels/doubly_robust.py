"""Means from a nonprobability sample A beside a reference B: by weights, by imputation, and by both (doubly robust).

    by weights     sum_A w y / N_A                                                N_A = sum_A w
    by imputation  sum_B d m / N_B                                                N_B = sum_B d, m = m(x; gamma)
    doubly robust  sum_B d m / N_B + sum_A w (y - m) / N_A

gamma solves sum_A v x (y - m) = 0, m = x'gamma or its logistic function; v are the base weights, or the weights w. Influence
values come from all equations at once, those of the propensity's beta (propensity.py), of gamma and of the means, so that
the error of every estimated coefficient is counted. Chen, Li & Wu (2020), JASA 115, 2011, section 3 (theirs leave gamma
out, which the mean does not feel where the propensities hold); Kim & Haziza (2014), Statistica Sinica 24, 375.

Shapes: sample (n,), reference (m,); x has its own columns in the two models, (n, p) and (n, q).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.propensity import Participation, expit, fit_participation


@dataclass(frozen=True, eq=False)
class OutcomeFit:
    """An outcome regression fitted on the sample.

    Attributes:
        gamma: coefficients. Shape (q,).
        sample, reference: m of both. slope, reference_slope: dm / d(x'gamma).
        weight: v. x, reference_x: its columns.
        residual: y - m. Shape (n,).
        inverse: (sum v m' x x')^-1. Shape (q, q).
        converged: whether sum v x (y - m) is zero.
    """

    gamma: FloatArray
    sample: FloatArray
    reference: FloatArray
    slope: FloatArray
    reference_slope: FloatArray
    weight: FloatArray
    x: FloatArray
    reference_x: FloatArray
    residual: FloatArray
    inverse: FloatArray
    converged: bool


def fit_outcome(family: str, y: FloatArray, x: FloatArray, weight: FloatArray, reference_x: FloatArray) -> OutcomeFit:
    """Least squares ("gaussian") or logistic regression of 0 and 1 ("binomial"), weighted."""
    converged = True
    if family == "gaussian":
        root = np.sqrt(weight)
        gamma = np.asarray(np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0], dtype=np.float64)
        sample, reference = x @ gamma, reference_x @ gamma
        slope, reference_slope = np.ones(len(x)), np.ones(len(reference_x))
    else:
        yes = y == 1
        fit = fit_participation("odds", x[yes], weight[yes], x[~yes], weight[~yes])
        gamma, converged = fit.beta, fit.converged
        sample, reference = expit(x @ gamma), expit(reference_x @ gamma)
        slope, reference_slope = sample * (1 - sample), reference * (1 - reference)
    inverse = np.asarray(np.linalg.pinv((x.T * (weight * slope)) @ x, hermitian=True), dtype=np.float64)
    return OutcomeFit(
        gamma=gamma,
        sample=sample,
        reference=reference,
        slope=slope,
        reference_slope=reference_slope,
        weight=weight,
        x=x,
        reference_x=reference_x,
        residual=y - sample,
        inverse=inverse,
        converged=converged,
    )


@dataclass(frozen=True, eq=False)
class MeanFit:
    """An estimated mean and what each row adds to its error: influence values z, weights included. Shapes (n,), (m,)."""

    theta: float
    sample: FloatArray
    reference: FloatArray


def mean_by_weights(fit: Participation, x: FloatArray, rows: FloatArray, d: FloatArray, y: FloatArray) -> MeanFit:
    """sum w y / sum w under estimated propensities. x and rows: columns of the propensities in sample and reference."""
    total = fit.weight.sum()
    theta = float(fit.weight @ y / total)
    plain = fit.weight * (y - theta) / total
    moved = -(plain * fit.reads) @ x
    own, other = _through_propensity(fit, x, rows, d, moved)
    return MeanFit(theta, plain + own, other)


def mean_by_imputation(outcome: OutcomeFit, d: FloatArray) -> MeanFit:
    """sum d m / sum d."""
    theta = float(d @ outcome.reference / d.sum())
    plain = d * (outcome.reference - theta) / d.sum()
    moved = (d * outcome.reference_slope) @ outcome.reference_x / d.sum()
    return MeanFit(theta, _through_outcome(outcome, moved), plain)


def doubly_robust_mean(
    fit: Participation, x: FloatArray, rows: FloatArray, d: FloatArray, outcome: OutcomeFit, follows: bool
) -> MeanFit:
    """sum d m / sum d + sum w (y - m) / sum w. `follows`: whether gamma was fitted under the weights w."""
    w, left, total, below = fit.weight, outcome.residual, fit.weight.sum(), d.sum()
    imputed, added = float(d @ outcome.reference / below), float(w @ left / total)
    own = w * (left - added) / total
    by_gamma = (d * outcome.reference_slope) @ outcome.reference_x / below - (w * outcome.slope) @ outcome.x / total
    by_beta = -(own * fit.reads) @ x
    if follows:
        by_beta = by_beta - ((outcome.x @ (outcome.inverse @ by_gamma)) * w * fit.reads * left) @ x
    through, other = _through_propensity(fit, x, rows, d, by_beta)
    sample = own + through + _through_outcome(outcome, by_gamma)
    return MeanFit(imputed + added, sample, d * (outcome.reference - imputed) / below + other)


def _through_propensity(
    fit: Participation, x: FloatArray, rows: FloatArray, d: FloatArray, moved: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What the error of beta adds, `moved` being the derivative of the mean by beta. Shapes (n,), (m,)."""
    direction = fit.inverse @ moved
    return fit.takes * (x @ direction), -d * fit.reference_score * (rows @ direction)


def _through_outcome(outcome: OutcomeFit, moved: FloatArray) -> FloatArray:
    """The same for gamma. Shape (n,)."""
    return outcome.weight * outcome.residual * (outcome.x @ (outcome.inverse @ moved))
