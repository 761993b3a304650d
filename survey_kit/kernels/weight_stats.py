"""What a set of weights costs and how it is spread. Arrays in, numbers out.

Rows of weight zero are outside the sample (not in scope, or dropped by an adjustment): they count in no statistic here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

__all__ = ["WeightRange", "effective_n", "kish_deff", "top_share", "weight_range"]


def kish_deff(weights: FloatArray) -> float:
    """Design effect of unequal weighting: n sum(w^2) / (sum w)^2 = 1 + cv(w)^2 with the population variance.

    `weights` has shape (n,). Source: Kish (1965), Survey Sampling, 11.7; Kish (1992), J. Official Statistics 8, 183.

    >>> kish_deff(np.array([1.0, 1.0, 2.0, 0.0]))
    1.125
    """
    return _positive(weights).size / effective_n(weights)


def effective_n(weights: FloatArray) -> float:
    """Kish's effective sample size (sum w)^2 / sum(w^2); 0 when no weight is positive.

    >>> effective_n(np.array([1.0, 1.0, 2.0]))
    2.6666666666666665
    """
    w = _positive(weights)
    if w.size == 0:
        return 0.0
    scaled = w / w.max()
    return float(scaled.sum() ** 2 / (scaled @ scaled))


def top_share(weights: FloatArray, share: float = 0.01) -> float:
    """Part of the total weight that the heaviest `share` of the rows holds (at least one row).

    >>> top_share(np.array([1.0] * 99 + [101.0]))
    0.505
    """
    w = _positive(weights)
    if w.size == 0:
        return 0.0
    heaviest = max(1, round(share * w.size))
    return float(np.partition(w, w.size - heaviest)[w.size - heaviest :].sum() / w.sum())


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
    """The spread of the positive weights; NaN where there are none.

    >>> weight_range(np.array([1.0, 1.0, 2.0, 0.0])).ratio
    2.0
    """
    w = _positive(weights)
    if w.size == 0:
        return WeightRange(0, 0.0, np.nan, np.nan, np.nan, np.nan, np.nan)
    low, high = float(w.min()), float(w.max())
    cv = float(np.sqrt(max(kish_deff(w) - 1.0, 0.0)))
    return WeightRange(w.size, float(w.sum()), low, high, float(np.median(w)), high / low, cv)


def _positive(weights: FloatArray) -> FloatArray:
    w = np.asarray(weights, dtype=np.float64)
    return w[w > 0]
