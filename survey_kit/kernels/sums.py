"""What rows add to totals, and its sums by integer keys: the first half of every estimator (reduce, then finish)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts

_DENSE = 20_000_000  # matrix entries up to which sums by key are held dense


@dataclass(frozen=True, eq=False)
class Entries:
    """A sparse matrix of n rows and J columns as a list of its entries.

    Attributes:
        row: row of each entry, shape (m,); None when there is one entry for every row, in order.
        column: column of each entry, shape (m,); None when all stand in column 0.
        value: the entries, shape (m,); None when all are one.
        shape: (n, J).
    """

    row: IntArray | None
    column: IntArray | None
    value: FloatArray | None
    shape: tuple[int, int]

    @property
    def rows(self) -> IntArray:
        """Row of each entry, written out."""
        return np.arange(self.shape[0]) if self.row is None else self.row

    @property
    def columns(self) -> IntArray:
        """Column of each entry, written out."""
        if self.column is not None:
            return self.column
        return np.zeros(self.shape[0] if self.row is None else len(self.row), dtype=np.int64)

    def of(self, by_row: FloatArray) -> FloatArray:
        """What belongs to the row of each entry. Shapes (n,) -> (m,)."""
        return by_row if self.row is None else by_row[self.row]

    def weighted(self, weight: FloatArray) -> FloatArray:
        """weight_row * value of each entry. Shape (m,)."""
        w = self.of(weight)
        return w if self.value is None else w * self.value

    def totals(self, weight: FloatArray) -> FloatArray:
        """Weighted column totals. Shape (J,)."""
        if self.column is None:
            return np.append(self.weighted(weight).sum(), np.zeros(self.shape[1] - 1))
        return weighted_counts(self.column, self.weighted(weight), self.shape[1])

    def sum_by(self, key: IntArray, size: int, weight: FloatArray) -> sp.csr_array | FloatArray:
        """Weighted sums of the rows by key, shape (size, J): dense where it is small, sparse otherwise."""
        columns = self.shape[1]
        where = key if self.row is None else key[self.row]
        what = self.weighted(weight)
        if columns == 1:
            return weighted_counts(where, what, size)[:, None]
        if size * columns <= max(_DENSE // 10, 2 * len(what)) and size * columns <= _DENSE:
            return weighted_counts(where * columns + self.columns, what, size * columns).reshape(size, columns)
        return sp.csr_array(sp.coo_array((what, (where, self.columns)), shape=(size, columns)))

    def within(self, rows: BoolArray) -> Entries:
        """The entries of some of the rows; the others become empty."""
        keep = rows if self.row is None else rows[self.row]
        if keep.all():
            return self
        row = np.flatnonzero(keep) if self.row is None else self.row[keep]
        column = None if self.column is None else self.column[keep]
        return Entries(row, column, None if self.value is None else self.value[keep], self.shape)

    def matrix(self) -> sp.csr_array:
        """The same as a sparse matrix. Shape (n, J)."""
        row = self.rows
        value = np.ones(len(row)) if self.value is None else self.value
        return sp.csr_array(sp.coo_array((value, (row, self.columns)), shape=self.shape))


@dataclass(frozen=True, eq=False)
class Contributions:
    """Matrices of the same n rows, one beside the other: what each row adds to each of J totals."""

    parts: tuple[Entries, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape[0], sum(part.shape[1] for part in self.parts)

    def totals(self, weight: FloatArray) -> FloatArray:
        """Weighted column totals. Shape (J,)."""
        return np.concatenate([part.totals(weight) for part in self.parts])

    def totals_of_each(self, weights: FloatArray) -> FloatArray:
        """Column totals under each of R weights. Shapes (n, R) -> (R, J)."""
        return np.concatenate([np.asarray((part.matrix().T @ weights).T) for part in self.parts], axis=1)

    def sum_by(self, key: IntArray, size: int, weight: FloatArray) -> sp.csr_array | FloatArray:
        """Weighted sums of the rows by key, shape (size, J)."""
        sums = [part.sum_by(key, size, weight) for part in self.parts]
        if any(sp.issparse(s) for s in sums):
            return sp.csr_array(sp.hstack([sp.csr_array(s) for s in sums]))
        return np.hstack(sums)


def joined(parts: Sequence[Entries]) -> Entries:
    """Matrices of the same rows, one beside the other, as one list of entries."""
    offsets = np.cumsum([0, *(part.shape[1] for part in parts)])
    values = None
    if any(part.value is not None for part in parts):
        values = np.concatenate([np.ones(len(p.columns)) if p.value is None else p.value for p in parts])
    columns = [part.columns + offset for part, offset in zip(parts, offsets, strict=False)]
    shape = (parts[0].shape[0], int(offsets[-1]))
    return Entries(np.concatenate([part.rows for part in parts]), np.concatenate(columns), values, shape)


def sum_rows(values: FloatArray, key: IntArray, size: int, weight: FloatArray) -> FloatArray:
    """Weighted sums by key of the rows of a dense matrix (n, J). Shape (size, J)."""
    if values.shape[1] <= 32:
        columns = [weighted_counts(key, weight * values[:, j], size) for j in range(values.shape[1])]
        return np.column_stack(columns) if columns else np.zeros((size, 0))
    return _selector(key, size, weight) @ values


def _selector(key: IntArray, size: int, weight: FloatArray) -> sp.csr_array:
    """The matrix G with G[key_i, i] = weight_i. Shape (size, n)."""
    n = len(key)
    return sp.csr_array(sp.coo_array((weight, (key, np.arange(n))), shape=(size, n)))
