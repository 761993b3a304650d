"""The mean squared error of weighted means under trimmed weights.

Of an outcome y with mean theta under the weights as they are and theta_c under weights trimmed at cut-off c, the untrimmed
one being without bias:

    MSE(c) = (theta_c - theta)^2 + v(theta_c)

Outcomes are averaged after each is divided by its MSE without trimming, v(theta). Without a design, v is that of sampling
rows with replacement,

    v = n / (n - 1) sum z_i^2,    z_i = w_i (y_i - theta_c) / sum w,     over the n rows with a weight and a value.

Source: Potter (1988), Survey of procedures to control extreme sampling weights, Proc. Survey Research Methods, ASA, 453;
Potter (1990), A study of procedures to identify and trim extreme sampling weights, ibid. 225. His (1990) estimate of the
squared bias takes away the variance of theta_c - theta; it may be negative and is not used.
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray


def weighted_means(weights: FloatArray, y: FloatArray) -> FloatArray:
    """Means of outcomes (n, q), NaN where a value is missing, under weights (n,). Shape (q,)."""
    w = np.where(np.isnan(y), 0.0, weights[:, None])
    return (w * np.nan_to_num(y)).sum(axis=0) / w.sum(axis=0)


def influence(weights: FloatArray, y: FloatArray, theta: FloatArray) -> FloatArray:
    """(y_i - theta) / sum w, 0 where a value is missing. Shape (n, q)."""
    valid = ~np.isnan(y)
    total = (weights[:, None] * valid).sum(axis=0)
    return np.where(valid, np.nan_to_num(y) - theta, 0.0) / total


def with_replacement_variance(weights: FloatArray, y: FloatArray, theta: FloatArray) -> FloatArray:
    """v of weighted means when rows were drawn with replacement. Shape (q,).

    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> with_replacement_variance(np.ones(3), y, np.array([2.0]))
    array([0.33333333])
    """
    z = weights[:, None] * influence(weights, y, theta)
    n = ((weights > 0)[:, None] & ~np.isnan(y)).sum(axis=0)
    return n / (n - 1) * (z**2).sum(axis=0)
