"""Estimates as smooth functions of weighted totals, with their derivatives.

A total is its own value; a mean, a proportion and a ratio are one total over another. The influence value of row i is
the derivative applied to what the row adds to each total: z_i = J (w_i x_i). Woodruff (1971); Demnati & Rao (2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Ratios:
    """theta_k = origin_k + T[numerator_k] / T[denominator_k].

    For a domain mean T[numerator] = sum w (x - origin) and T[denominator] = sum w; z = w (x - theta) / T[denominator]. An
    origin near the mean keeps digits that sums of large numbers would lose; None for 0.
    """

    numerator: IntArray
    denominator: IntArray
    origin: FloatArray | None = None

    def value(self, totals: FloatArray) -> FloatArray:
        """Shape (..., J) -> (..., K); an empty denominator gives NaN."""
        below = totals[..., self.denominator]
        ratio = totals[..., self.numerator] / np.where(below == 0, np.nan, below)
        return ratio if self.origin is None else self.origin + ratio

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d theta / d T. Shape (K, J)."""
        k = len(self.numerator)
        below = np.where(totals[self.denominator] == 0, np.nan, totals[self.denominator])
        ratio = totals[self.numerator] / below
        rows = np.concatenate([np.arange(k), np.arange(k)])
        columns = np.concatenate([self.numerator, self.denominator])
        values = np.concatenate([1 / below, -ratio / below])
        return sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(k, len(totals))))


@dataclass(frozen=True, eq=False)
class Totals:
    """theta_k = T[column_k]."""

    column: IntArray

    def value(self, totals: FloatArray) -> FloatArray:
        """Shape (..., J) -> (..., K)."""
        return totals[..., self.column]

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d theta / d T. Shape (K, J)."""
        k = len(self.column)
        return sp.csr_array(sp.coo_array((np.ones(k), (np.arange(k), self.column)), shape=(k, len(totals))))
