"""Reliability of a scale from a weighted covariance matrix of its items."""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray


def weighted_covariance(items: FloatArray, weight: FloatArray) -> FloatArray:
    """sum w (x - xbar)(x - xbar)' / sum w * n / (n - 1). Shape of `items`: (n, k). R: svyvar."""
    centred = items - np.average(items, axis=0, weights=weight)
    n = np.count_nonzero(weight)
    return (centred * (weight / weight.sum())[:, None]).T @ centred * n / (n - 1)


def cronbach_alpha(covariance: FloatArray) -> float:
    """k / (k - 1) (1 - sum of item variances / variance of the sum). Cronbach (1951). R: survey::svycralpha."""
    k = len(covariance)
    total = covariance.sum()
    return float(k / (k - 1) * (1 - np.trace(covariance) / total)) if total > 0 else float("nan")


def item_rest_correlations(covariance: FloatArray) -> FloatArray:
    """Correlation of each item with the sum of the others. Shape (k,)."""
    variances = np.diag(covariance)
    with_sum = covariance.sum(axis=1)
    rest = covariance.sum() - 2 * with_sum + variances
    with np.errstate(divide="ignore", invalid="ignore"):
        return (with_sum - variances) / np.sqrt(variances * rest)


def alpha_if_dropped(covariance: FloatArray) -> FloatArray:
    """Alpha of the scale without each item; NaN for a scale of two. Shape (k,)."""
    k = len(covariance)
    if k < 3:
        return np.full(k, np.nan)
    kept = [np.delete(np.arange(k), i) for i in range(k)]
    return np.array([cronbach_alpha(covariance[np.ix_(rows, rows)]) for rows in kept])
