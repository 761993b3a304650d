"""Distances of calibration: the factor g that each makes of the linear predictor u, and its slope g'.

With G(g) the distance of a weight from its base weight, G(1) = G'(1) = 0, calibration has w = w0 g(u), u = q x'lambda,
where g is the inverse of G' (Deville and Sarndal 1992, table 1):

    linear   G = (g - 1)^2 / 2                     g = 1 + u
    raking   G = g log g - g + 1                   g = exp(u)
    logit    the logistic between L < 1 < U        g = L + (U - L) expit(A u + log((1 - L) / (U - 1))),
                                                   A = (U - L) / ((1 - L) (U - 1))
    sinh     G' = sinh(g - 1 / g) / 2              g = (p + sqrt(p^2 + 4)) / 2,  p = asinh(2 u)

linear, raking and sinh are kept within [L, U] by cutting g off there, which is the solution of the bounded problem.
Bounds broadcast: a number, or one for each row. All functions: u (n, R), bounds () or (n, 1) or (n, R) -> g, g' (n, R).

Checked against R survey: cal.linear, cal.raking, cal.logit, cal.sinh (alpha = 1).
Source: Deville and Sarndal (1992), JASA 87, 376.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from survey_kit.kernels.groups import FloatArray

Bound = float | FloatArray
Factor = Callable[[FloatArray, Bound, Bound], tuple[FloatArray, FloatArray]]

_FARTHEST = 300.0  # u of raking beyond which exp(u) is held, to stay within double precision


def linear(u: FloatArray, low: Bound, high: Bound) -> tuple[FloatArray, FloatArray]:
    """g = 1 + u, cut off at the bounds."""
    return _cut(1 + u, np.ones_like(u), low, high)


def raking(u: FloatArray, low: Bound, high: Bound) -> tuple[FloatArray, FloatArray]:
    """g = exp(u), cut off at the bounds."""
    g = np.exp(np.minimum(u, _FARTHEST))
    return _cut(g, g, low, high)


def logit(u: FloatArray, low: Bound, high: Bound) -> tuple[FloatArray, FloatArray]:
    """The logistic curve through g(0) = 1 between finite bounds, low < 1 < high."""
    rate = (high - low) / ((1 - low) * (high - 1))
    x = rate * u + np.log((1 - low) / (high - 1))
    small = np.exp(-np.abs(x))
    near, far = 1 / (1 + small), small / (1 + small)
    g = low + (high - low) * np.where(x >= 0, near, far)
    return g, (high - low) * rate * near * far


def sinh(u: FloatArray, low: Bound, high: Bound) -> tuple[FloatArray, FloatArray]:
    """g with sinh(g - 1 / g) = 2 u, cut off at the bounds."""
    p = np.arcsinh(2 * u)
    root = np.sqrt(p * p + 4)
    # the two forms are equal; each is without cancellation on its side
    g = np.where(p >= 0, (p + root) / 2, 2 / (root + np.abs(p)))
    return _cut(g, 2 * g / (root * np.sqrt(1 + 4 * u * u)), low, high)


DISTANCES: dict[str, Factor] = {"linear": linear, "raking": raking, "logit": logit, "sinh": sinh}


def _cut(g: FloatArray, slope: FloatArray, low: Bound, high: Bound) -> tuple[FloatArray, FloatArray]:
    """The factor kept within its bounds, with slope zero where it is held."""
    if np.ndim(low) == 0 and np.ndim(high) == 0 and low == -np.inf and high == np.inf:
        return g, slope
    return np.clip(g, low, high), np.where((g > low) & (g < high), slope, 0.0)
