"""Average marginal effects and predictive margins with their derivatives by the coefficients.

Effect of a number v:   sum w mu'(eta) (dx beta + do) / sum w,       dx = d x / d v, do = d offset / d v
  gradient:             sum w [mu''(eta) (dx beta + do) x + mu'(eta) dx] / sum w
Prediction at a level:  sum w mu(x beta + offset) / sum w,           x with the level set for everybody
  gradient:             sum w mu'(eta) x / sum w

Weights and covariates are taken as fixed, as in R marginaleffects (svypredmeans adds the sampling variance of the
covariates). Delta method: var = G V G'.
"""

from __future__ import annotations

from collections.abc import Callable

from survey_kit.kernels.groups import FloatArray

Curve = Callable[[FloatArray], FloatArray]


def average_slope(
    x: FloatArray,
    dx: FloatArray,
    doffset: FloatArray | float,
    beta: FloatArray,
    offset: FloatArray,
    weight: FloatArray,
    slope: Curve,
    curvature: Curve,
) -> tuple[float, FloatArray]:
    """The average derivative and its gradient. `slope` is mu', `curvature` mu''. Returns (float, (p,))."""
    eta = x @ beta + offset
    change = dx @ beta + doffset
    share = weight / weight.sum()
    first = slope(eta)
    gradient = (share * curvature(eta) * change) @ x + (share * first) @ dx
    return float(share @ (first * change)), gradient


def average_prediction(
    x: FloatArray, beta: FloatArray, offset: FloatArray, weight: FloatArray, mean: Curve, slope: Curve
) -> tuple[float, FloatArray]:
    """The average prediction and its gradient. `mean` is mu, `slope` mu'. Returns (float, (p,))."""
    eta = x @ beta + offset
    share = weight / weight.sum()
    return float(share @ mean(eta)), (share * slope(eta)) @ x
