"""Second moments as smooth functions of weighted totals: covariances, standard deviations, correlations.

With d = x - c for a constant c near the mean of the group, T_a = sum w d_a, T_ab = sum w d_a d_b and W = sum w,

    s_ab = n / (n - 1) (T_ab / W - T_a T_b / W^2)

is the covariance whatever c is, so c costs no accuracy and each replicate has its own mean. n is the number of rows with
a weight, the same in every replicate. R: survey::svyvar; Sarndal, Swensson & Wretman (1992), section 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.intervals import Bounds, wald


def deviations(values: FloatArray, group: IntArray, weight: FloatArray, groups: int) -> FloatArray:
    """x - c, with c the weighted mean of the group of the row; exactly 0 where all values of a group are the same.

    Shapes: values, group (0..groups-1) and weight (m,) -> (m,). A group without weight is measured from its first value.
    """
    first = np.zeros(groups)
    first[group[::-1]] = values[::-1]
    away = values - first[group]
    base = weighted_counts(group, weight, groups)
    mean = weighted_counts(group, weight * away, groups) / np.where(base == 0, 1.0, base)
    return away - mean[group]


@dataclass(frozen=True, eq=False)
class Covariances:
    """s_ab of K pairs of variables; a variance where both are the same.

    Attributes:
        first, second: columns of T_a and T_b. product: columns of T_ab. base: columns of W. Shapes (K,).
        factor: n / (n - 1), NaN for n < 2. Shape (K,).
    """

    first: IntArray
    second: IntArray
    product: IntArray
    base: IntArray
    factor: FloatArray

    def _means(self, totals: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """T_a / W, T_b / W, T_ab / W and W; NaN for an empty base. Shapes (..., K)."""
        base = np.where(totals[..., self.base] == 0, np.nan, totals[..., self.base])
        return totals[..., self.first] / base, totals[..., self.second] / base, totals[..., self.product] / base, base

    def value(self, totals: FloatArray) -> FloatArray:
        """Shape (..., J) -> (..., K). A variance is never below 0 by rounding."""
        a, b, product, _ = self._means(totals)
        found = self.factor * (product - a * b)
        return np.where(self.first == self.second, np.maximum(found, 0.0), found)

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d s / d T = n / (n - 1) / W (-b, -a, 1, 2ab - p) by (T_a, T_b, T_ab, W). Shape (K, J)."""
        a, b, product, base = self._means(totals)
        slope = self.factor / base
        values = np.concatenate([-b * slope, -a * slope, slope, (2 * a * b - product) * slope])
        rows = np.tile(np.arange(len(slope)), 4)
        columns = np.concatenate([self.first, self.second, self.product, self.base])
        return sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(len(slope), len(totals))))


@dataclass(frozen=True, eq=False)
class Deviations:
    """Standard deviations sqrt(s_aa) of K variances, with derivative 1 / (2 s_a) by the variance."""

    variances: Covariances

    def value(self, totals: FloatArray) -> FloatArray:
        """Shape (..., J) -> (..., K)."""
        return np.sqrt(self.variances.value(totals))

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d s / d T; NaN for a variance of 0, whose root has no derivative. Shape (K, J)."""
        sd = self.value(totals)
        slope = 0.5 / np.where(sd == 0, np.nan, sd)
        return sp.csr_array(sp.diags_array(slope) @ self.variances.jacobian(totals))


@dataclass(frozen=True, eq=False)
class Correlations:
    """Pearson's r = s_ab / (s_a s_b) of M pairs, NaN where a variable does not vary.

    Attributes:
        covariances: K covariances and variances.
        both, first, second: which of the K are s_ab, s_aa and s_bb of each pair. Shapes (M,).
    """

    covariances: Covariances
    both: IntArray
    first: IntArray
    second: IntArray

    def value(self, totals: FloatArray) -> FloatArray:
        """Shape (..., J) -> (..., M), never beyond -1 and 1 by rounding."""
        return self._of(self.covariances.value(totals))

    def _of(self, moments: FloatArray) -> FloatArray:
        sd = np.sqrt(np.where(moments == 0, np.nan, np.abs(moments)))
        return np.clip(moments[..., self.both] / sd[..., self.first] / sd[..., self.second], -1.0, 1.0)

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d r / d T through d r = d s_ab / (s_a s_b) - r / 2 (d s_aa / s_aa + d s_bb / s_bb). Shape (M, J)."""
        moments = self.covariances.value(totals)
        r, m = self._of(moments), len(self.both)
        variances = np.where(moments == 0, np.nan, moments)
        a, b = variances[self.first], variances[self.second]
        values = np.concatenate([1 / np.sqrt(a) / np.sqrt(b), -r / (2 * a), -r / (2 * b)])
        rows, columns = np.tile(np.arange(m), 3), np.concatenate([self.both, self.first, self.second])
        outer = sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(m, len(moments))))
        return sp.csr_array(outer @ self.covariances.jacobian(totals))


def fisher(r: FloatArray, z_variance: FloatArray, level: float, df: float) -> Bounds:
    """Wald's limits of z = atanh(r), mapped back by tanh; none (NaN) for r of -1 or 1. Shapes (M,). Fisher (1921)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wald(np.arctanh(r), z_variance, level, df)
    certain = np.abs(r) == 1
    return np.where(certain, np.nan, np.tanh(low)), np.where(certain, np.nan, np.tanh(high))
