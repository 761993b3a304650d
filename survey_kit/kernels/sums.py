"""What rows add to totals, and its sums by integer keys: the first half of every estimator (reduce, then finish)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts

_DENSE = 20_000_000  # matrix entries up to which sums by key are held dense


@dataclass(frozen=True, eq=False)
class Contributions:
    """A sparse matrix of n rows and J columns as a list of its entries.

    Attributes:
        row, column: where each entry stands. Shape (m,).
        value: the entries; None when all are one. Shape (m,).
        shape: (n, J).
    """

    row: IntArray
    column: IntArray
    value: FloatArray | None
    shape: tuple[int, int]

    def weighted(self, weight: FloatArray) -> FloatArray:
        """weight_row * value of each entry. Shape (m,)."""
        w = weight[self.row]
        return w if self.value is None else w * self.value

    def totals(self, weight: FloatArray) -> FloatArray:
        """Weighted column totals. Shape (J,)."""
        return weighted_counts(self.column, self.weighted(weight), self.shape[1])

    def totals_of_each(self, weights: FloatArray) -> FloatArray:
        """Column totals under each of R weights. Shapes (n, R) -> (R, J)."""
        return np.asarray((self.matrix().T @ weights).T)

    def sum_by(self, key: IntArray, size: int, weight: FloatArray) -> sp.csr_array | FloatArray:
        """Weighted sums of the rows by key, shape (size, J): dense where it is small, sparse otherwise."""
        columns = self.shape[1]
        where, what = key[self.row], self.weighted(weight)
        if size * columns <= max(_DENSE // 10, 2 * len(what)) and size * columns <= _DENSE:
            return np.bincount(where * columns + self.column, weights=what, minlength=size * columns).reshape(
                size, columns
            )
        return sp.csr_array(sp.coo_array((what, (where, self.column)), shape=(size, columns)))

    def within(self, rows: BoolArray) -> Contributions:
        """The entries of some of the rows; the others become empty."""
        keep = rows[self.row]
        if keep.all():
            return self
        value = None if self.value is None else self.value[keep]
        return Contributions(self.row[keep], self.column[keep], value, self.shape)

    def matrix(self) -> sp.csr_array:
        """The same as a sparse matrix. Shape (n, J)."""
        value = np.ones(len(self.row)) if self.value is None else self.value
        return sp.csr_array(sp.coo_array((value, (self.row, self.column)), shape=self.shape))


def side_by_side(parts: list[Contributions]) -> Contributions:
    """Matrices of the same rows, one beside the other."""
    offsets = np.cumsum([0, *(part.shape[1] for part in parts)])
    values = None
    if any(part.value is not None for part in parts):
        values = np.concatenate([np.ones(len(p.row)) if p.value is None else p.value for p in parts])
    return Contributions(
        np.concatenate([part.row for part in parts]),
        np.concatenate([part.column + offset for part, offset in zip(parts, offsets, strict=False)]),
        values,
        (parts[0].shape[0], int(offsets[-1])),
    )


def sum_rows(values: FloatArray, key: IntArray, size: int, weight: FloatArray) -> FloatArray:
    """Weighted sums by key of the rows of a dense matrix (n, J). Shape (size, J)."""
    if values.shape[1] <= 32:
        columns = [np.bincount(key, weights=weight * values[:, j], minlength=size) for j in range(values.shape[1])]
        return np.column_stack(columns) if columns else np.zeros((size, 0))
    return _selector(key, size, weight) @ values


def _selector(key: IntArray, size: int, weight: FloatArray) -> sp.csr_array:
    """The matrix G with G[key_i, i] = weight_i. Shape (size, n)."""
    n = len(key)
    return sp.csr_array(sp.coo_array((weight, (key, np.arange(n))), shape=(size, n)))
