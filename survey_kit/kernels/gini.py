"""The Gini coefficient of weighted values within groups, and its derivative by each weight.

With values x_1 <= ... <= x_m, weights w_i, N = sum w, Y = sum w x, and the Lorenz curve L_i = (w_1 x_1 + ... + w_i x_i) / Y:

    G = 1 - sum_i (w_i / N) (L_i + L_{i-1}) = 1 - A / (N Y),   A = sum_ij w_i w_j min(x_i, x_j)

    d G / d w_k = (1 - G) (1 / N + x_k / Y) - 2 (C_k + x_k (N - S_k)) / (N Y)

where S_k and C_k are the sums of w and of w x up to x_k. Equal values may stand in any order. Sums are taken of w / N and
w x / Y, so that groups of different size keep their digits. Langel & Tille (2013), JRSS A 176, 521; Deville (1999).
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.quantile import Sorted


def gini(values: Sorted, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """G of each group, shape (G,), and d G / d w of each value in the order before sorting, shape (m,).

    `weight`: in the order before sorting, shape (m,). A group without weight, or whose values are all zero, is NaN.
    """
    w = weight[values.entry][None, :]
    total = _known(_by_group(w, values))
    mean = _known(_by_group(w * values.x, values) / total)
    relative = values.x / _in_rows(mean, values)
    share = w / _in_rows(total, values)
    income = share * relative
    coefficient = _coefficient(share, income, values)
    up_to = _running(income, values) + relative * (1 - _running(share, values))
    slope = ((1 - _in_rows(coefficient, values)) * (1 + relative) - 2 * up_to) / _in_rows(total, values)
    out = np.empty(len(weight))
    out[values.entry] = slope[0]
    return coefficient[0], out


def gini_of_each(values: Sorted, weights: FloatArray) -> FloatArray:
    """G of each group under each of R weights, given in the order before sorting. Shapes (m, R) -> (R, G)."""
    w = np.ascontiguousarray(weights[values.entry].T)
    total, income = _known(_by_group(w, values)), _known(_by_group(w * values.x, values))
    return _coefficient(w / _in_rows(total, values), w * values.x / _in_rows(income, values), values)


def _known(sums: FloatArray) -> FloatArray:
    """Sums to divide by: NaN where they are zero, and nothing can be said."""
    return np.where(sums == 0, np.nan, sums)


def _coefficient(share: FloatArray, income: FloatArray, values: Sorted) -> FloatArray:
    """1 - sum (w / N) (L_i + L_{i-1}). Shapes (r, m) -> (r, G)."""
    return 1 - _by_group(share * (2 * _running(income, values) - income), values)


def _in_rows(by_group: FloatArray, values: Sorted) -> FloatArray:
    """Numbers of the groups, for each value. Shapes (r, G) -> (r, m)."""
    return np.repeat(by_group, values.sizes, axis=1)


def _by_group(numbers: FloatArray, values: Sorted) -> FloatArray:
    """Sums over each group; NaN for an empty one. Shapes (r, m) -> (r, G)."""
    out = np.full((len(numbers), len(values.sizes)), np.nan)
    filled = values.sizes > 0
    if filled.any():
        out[:, filled] = np.add.reduceat(numbers, values.start[:-1][filled], axis=1)
    return out


def _running(numbers: FloatArray, values: Sorted) -> FloatArray:
    """Cumulative sums that begin again at each group. Shape (r, m)."""
    if len(values.start) == 2:
        return np.cumsum(numbers, axis=1)
    running = np.cumsum(np.nan_to_num(numbers), axis=1)  # a group without an answer must not spoil those after it
    before = np.concatenate([np.zeros((len(numbers), 1)), running], axis=1)[:, values.start[:-1]]
    return running - _in_rows(before, values)
