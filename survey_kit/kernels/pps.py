"""Sampling with unequal probabilities and without replacement: what squares and products of z count.

    Horvitz-Thompson   V = sum_i sum_j D_ij z_i z_j              D_ij = (p_ij - p_i p_j) / p_ij,  D_ii = 1 - p_i
    Yates-Grundy       V = -1/2 sum_i sum_j D_ij (z_i - z_j)^2 = HT - sum_i (sum_j D_ij) z_i^2

z_i: weighted influence values by unit; p_i, p_ij: probabilities that a unit, or both of two units, are drawn. The
approximations of p_ij use p_i alone, stratum by stratum of n units:

    Overton (1985)           D_ij = 1 - (n - (p_i + p_j) / 2) / (n - 1)
    Hartley & Rao (1962)     D_ij = 1 - (n - (p_i + p_j) + sum p^2 / n) / (n - 1)

Both are D_ij = a_i + a_j off the diagonal, so that no n x n matrix is needed. Yates & Grundy (1953); Berger (2004);
R survey::svydesign(pps=), ppsmat, HR. R sets D_ij to zero where p_i + p_j happens to be exactly 1 (Hartley-Rao); here
the formula holds there, too.
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.quadratic import Pairs, QuadraticScheme


def poisson(p: FloatArray) -> QuadraticScheme:
    """Independent draws: D_ij = 0. Shape of `p`: (U,)."""
    return QuadraticScheme(1 - p)


def overton(p: FloatArray, stratum: IntArray, yates_grundy: bool = False) -> QuadraticScheme:
    """Overton's approximation. Shapes (U,), (U,)."""
    others = np.bincount(stratum)[stratum] - 1
    return _pairwise(p, stratum, (p - 1) / 2 / np.maximum(others, 1), yates_grundy)


def hartley_rao(p: FloatArray, stratum: IntArray, squares: FloatArray, yates_grundy: bool = False) -> QuadraticScheme:
    """The truncated approximation of Hartley and Rao. `squares`: sum of p^2 / n over each stratum's population, (H,)."""
    others = np.bincount(stratum)[stratum] - 1
    return _pairwise(p, stratum, (p - (1 + squares[stratum]) / 2) / np.maximum(others, 1), yates_grundy)


def mean_probability(p: FloatArray, stratum: IntArray) -> FloatArray:
    """The sample's estimate of sum p^2 / n: the mean of p in each stratum. Shape (H,)."""
    return np.bincount(stratum, weights=p) / np.bincount(stratum)


def _pairwise(p: FloatArray, stratum: IntArray, a: FloatArray, yates_grundy: bool) -> QuadraticScheme:
    """D_ij = a_i + a_j within strata."""
    size = np.bincount(stratum)[stratum]
    a = np.where(size > 1, a, 0.0)
    diagonal = 1 - p - 2 * a
    if yates_grundy:
        diagonal -= (1 - p) + (size - 2) * a + np.bincount(stratum, weights=a)[stratum]
    return QuadraticScheme(diagonal, pairs=Pairs(stratum, a))


def joint(probabilities: FloatArray, tolerance: float, yates_grundy: bool = False) -> QuadraticScheme:
    """Given joint probabilities, shape (U, U), p_i on the diagonal. |D_ij| < tolerance counts as 0, as in R's ppsmat."""
    p = np.diag(probabilities)
    d = (probabilities - np.outer(p, p)) / probabilities
    d[np.abs(d) < tolerance] = 0.0
    return QuadraticScheme(-d.sum(axis=1) if yates_grundy else np.zeros(len(p)), matrix=d)
