"""What a set of weights costs and how it is spread. Arrays in, numbers out.

Rows of weight zero are outside the sample (not in scope, or dropped by an adjustment): they count in no statistic here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray

__all__ = [
    "WeightRange",
    "effective_n",
    "henry_deff",
    "kish_deff",
    "median",
    "pew_deff",
    "spencer_deff",
    "top_share",
    "weight_quantiles",
    "weight_range",
]

_MANY = 100_000  # values from which the median is looked for among some of them


def kish_deff(weights: FloatArray) -> float:
    """Design effect of unequal weighting: n sum(w^2) / (sum w)^2 = 1 + cv(w)^2 with the population variance.

    `weights` has shape (n,). Source: Kish (1965), Survey Sampling, 11.7; Kish (1992), J. Official Statistics 8, 183.

    >>> kish_deff(np.array([1.0, 1.0, 2.0, 0.0]))
    1.125
    """
    n, effective = _counted(weights).size, effective_n(weights)
    return n / effective if n else float("nan")


def effective_n(weights: FloatArray) -> float:
    """Kish's effective sample size (sum w)^2 / sum(w^2); 0 when all weights are zero.

    >>> effective_n(np.array([1.0, 1.0, 2.0]))
    2.6666666666666665
    """
    w = _counted(weights)
    if w.size == 0:
        return 0.0
    scaled = w if 1e-100 < w.max() < 1e100 else w / w.max()  # squares must not overflow
    return float(scaled.sum() ** 2 / np.square(scaled).sum())


def median(values: FloatArray) -> float:
    """The median, exactly: of many values only those near it are sorted. NaN for none.

    >>> median(np.array([3.0, 1.0, 2.0]))
    2.0
    """
    n = values.size
    if n < _MANY:
        return float(np.median(values)) if n else float("nan")
    some = np.sort(values[:: n // 4096])
    low, high = some[int(0.45 * some.size)], some[int(0.55 * some.size)]
    near = values[(values >= low) & (values <= high)]
    first, last = (np.array([n - 1, n]) // 2 - np.count_nonzero(values < low)).tolist()
    if first < 0 or last >= near.size:
        return float(np.median(values))
    near.partition([first, last])
    return float(near[[first, last]].mean())


def pew_deff(weights: FloatArray) -> float:
    """1 + (s / wbar)^2 with the sample variance s^2 (divisor n - 1): a little above Kish's; NaN for fewer than two weights.

    R: pewmethods::calculate_deff.

    >>> pew_deff(np.array([1.0, 1.0, 2.0, 0.0]))
    1.1875
    """
    w = _counted(weights)
    return 1.0 + float(w.var(ddof=1)) / float(w.mean()) ** 2 if w.size > 1 else float("nan")


def henry_deff(weights: FloatArray, y: FloatArray, x: FloatArray, published: bool = False) -> float:
    """Design effect of a total of y under weights calibrated to x, for a single-stage sample.

    With the weighted regression y = A + x B + e and u = A + e,

        deff = K s_u^2 / s_y^2 + n s_w / (N s_y^2) (r(u^2, w) s_{u^2} - 2 A r(u, w) s_u),   K = n sum(w^2) / N^2, N = sum w,

    s and r being weighted standard deviations (n / (n - 1)) and correlations (1). Without `published`, s_u stands in the
    place of s_{u^2}, as in R PracTools::deffH: then the number depends on the unit of y.

    Shapes: weights and y (n,), x (n, k); rows of weight zero must be left out. NaN where y does not vary or x is collinear.
    Source: Henry & Valliant (2015), Survey Methodology 41, 315.
    """
    w, n, total = weights, weights.size, float(weights.sum())
    a, e = _regression(w, y, x)
    u = a + e
    if y.min() == y.max():
        return float("nan")
    s_w, s_u, spread = _sd(w, w), _sd(u, w), _sd(y, w) ** 2
    first = _correlation(u**2, w, w) * (_sd(u**2, w) if published else s_u)
    second = 2 * a * _correlation(u, w, w) * s_u
    return n * float(w @ w) / total**2 * s_u**2 / spread + n * s_w / (total * spread) * (first - second)


def spencer_deff(weights: FloatArray, y: FloatArray, p: FloatArray, published: bool = False) -> float:
    """Design effect of a total of y in sampling with probabilities p in one draw, where y may depend on p.

    With the weighted regression y = A + B p + e,

        deff = A^2 (K - 1) / s_y^2 + K (1 - r(y, p)^2) + n r(e^2, w) s_{e^2} s_w / (N s_y^2) + 2 A n r(e, w) s_e s_w / (N s_y^2)

    in the symbols of `henry_deff`. Without `published` the last term is left out, as R PracTools::deffS does. Shapes (n,).
    The scale of p does not matter. Source: Spencer (2000), Survey Methodology 26, 137; Park & Lee (2004).
    """
    w, n, total = weights, weights.size, float(weights.sum())
    a, e = _regression(w, y, p[:, None])
    if y.min() == y.max():
        return float("nan")
    s_w, spread, kish = _sd(w, w), _sd(y, w) ** 2, n * float(w @ w) / total**2
    scale = n * s_w / (total * spread)
    found = a**2 * (kish - 1) / spread + kish * (1 - _correlation(y, p, w) ** 2)
    found += scale * _correlation(e**2, w, w) * _sd(e**2, w)
    return found + (2 * a * scale * _correlation(e, w, w) * _sd(e, w) if published else 0.0)


def _regression(w: FloatArray, y: FloatArray, x: FloatArray) -> tuple[float, FloatArray]:
    """Intercept and residuals of the weighted regression of y on the columns of x that vary; NaN where they are collinear.

    Shapes: w and y (n,), x (n, k).
    """
    root = np.sqrt(w)
    design = np.column_stack([np.ones(len(y)), x[:, x.min(axis=0) < x.max(axis=0)]])
    scale = np.sqrt(np.einsum("ij,ij->j", design * root[:, None], design * root[:, None]))
    scaled = design / scale
    coefficients, _, rank, _ = np.linalg.lstsq(scaled * root[:, None], y * root, rcond=None)
    if rank < design.shape[1]:
        return float("nan"), np.full(len(y), np.nan)
    return float(coefficients[0] / scale[0]), y - scaled @ coefficients


def _mean(values: FloatArray, w: FloatArray) -> float:
    return float(w @ values) / float(w.sum())


def _sd(values: FloatArray, w: FloatArray) -> float:
    """Weighted standard deviation with n / (n - 1)."""
    n = len(w)
    return float(np.sqrt(n / (n - 1) * _mean((values - _mean(values, w)) ** 2, w))) if n > 1 else float("nan")


def _correlation(a: FloatArray, b: FloatArray, w: FloatArray) -> float:
    """Weighted covariance with divisor sum w over the deviations of `_sd`, as PracTools has it; 0 without spread."""
    spread = _sd(a, w) * _sd(b, w)
    return _mean((a - _mean(a, w)) * (b - _mean(b, w)), w) / spread if spread > 0 else 0.0


def top_share(weights: FloatArray, share: float = 0.01) -> float:
    """Part of the total weight that the heaviest `share` of the rows holds (at least one row).

    >>> top_share(np.array([1.0] * 99 + [101.0]))
    0.505
    """
    w = _counted(weights)
    if w.size == 0:
        return 0.0
    heaviest = max(1, round(share * w.size))
    return float(np.partition(w, w.size - heaviest)[w.size - heaviest :].sum() / w.sum())


def weight_quantiles(weights: FloatArray, shares: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of the weights that are not zero, each row counting once (linear interpolation, R type 7); NaN without any.

    >>> weight_quantiles(np.array([1.0, 2.0, 3.0, 0.0]), (0.25, 0.5))
    (1.5, 2.0)
    """
    w = _counted(weights)
    return tuple(np.quantile(w, shares).tolist()) if w.size else (float("nan"),) * len(shares)


@dataclass(frozen=True, slots=True)
class WeightRange:
    """How far weights spread. `ratio` is max / min; `cv` the coefficient of variation (population variance)."""

    n: int
    total: float
    low: float
    high: float
    median: float
    ratio: float
    cv: float


def weight_range(weights: FloatArray) -> WeightRange:
    """The spread of the weights that are not zero; NaN where there are none; no ratio where some are negative.

    >>> weight_range(np.array([1.0, 1.0, 2.0, 0.0])).ratio
    2.0
    """
    w = _counted(weights)
    if w.size == 0:
        return WeightRange(0, 0.0, np.nan, np.nan, np.nan, np.nan, np.nan)
    low, high = float(w.min()), float(w.max())
    cv = float(np.sqrt(max(kish_deff(w) - 1.0, 0.0)))
    return WeightRange(w.size, float(w.sum()), low, high, median(w), high / low if low > 0 else np.nan, cv)


def _counted(weights: FloatArray) -> FloatArray:
    w = np.asarray(weights, dtype=np.float64)
    return w if w.min(initial=1.0) > 0 else w[w != 0]
