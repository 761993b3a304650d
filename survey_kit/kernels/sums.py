"""What rows add to totals, and its sums by integer keys: the first half of every estimator (reduce, then finish)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts

Scalar = TypeVar("Scalar", bound=np.generic)

_DENSE = 20_000_000  # matrix entries up to which sums by key are held dense
_ENTRIES = 65_536  # entries that are summed at a time
_ROWS = 8192  # rows of replicate weights that are worked on at a time, few enough to stay in the cache
_CHUNK = 125_000  # rows for one thread; a fixed number, so that sums are the same on every machine


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
    def size(self) -> int:
        """How many entries there are."""
        return self.shape[0] if self.row is None else len(self.row)

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

    @property
    def numbers(self) -> FloatArray:
        """Value of each entry, written out."""
        return np.ones(self.size) if self.value is None else self.value

    def of(self, by_row: NDArray[Scalar]) -> NDArray[Scalar]:
        """What belongs to the row of each entry. Shapes (n,) -> (m,)."""
        return by_row if self.row is None else by_row[self.row]

    def weighted(self, weight: FloatArray) -> FloatArray:
        """weight_row * value of each entry. Shape (m,)."""
        w = self.of(weight)
        return w if self.value is None else w * self.value

    def totals(self, weight: FloatArray | None) -> FloatArray:
        """Weighted column totals; for weight None unweighted ones. Shape (J,)."""
        return self._added(None, 1, weight)[0]

    def sum_by(self, key: IntArray, size: int, weight: FloatArray) -> sp.csr_array | FloatArray:
        """Weighted sums of the rows by key, shape (size, J): dense where it is small, sparse otherwise."""
        columns, entries = self.shape[1], self.size
        if columns == 1 or size * columns <= min(max(_DENSE // 10, 2 * entries), _DENSE):
            return self._added(key, size, weight)
        where = self.of(key)
        return sp.csr_array(sp.coo_array((self.weighted(weight), (where, self.columns)), shape=(size, columns)))

    def _added(self, key: IntArray | None, size: int, weight: FloatArray | None) -> FloatArray:
        """Weighted sums by key (all rows as one for None), a block of entries at a time. Shape (size, J)."""
        columns = self.shape[1]
        out = np.zeros(size * columns)
        step = max(_ENTRIES, len(out))
        for start in range(0, self.size, step):
            block = slice(start, start + step)
            rows = block if self.row is None else self.row[block]
            what = _product(None if weight is None else weight[rows], None if self.value is None else self.value[block])
            at = None if key is None else key[rows]
            if self.column is not None:
                at = self.column[block] if at is None else at * columns + self.column[block]
            elif at is not None and columns > 1:
                at = at * columns
            if at is None:
                out[0] += min(step, self.size - start) if what is None else what.sum()
            else:
                out += np.bincount(at, weights=what, minlength=len(out))
        return out.reshape(size, columns)

    def within(self, rows: BoolArray) -> Entries:
        """The entries of some of the rows; the others become empty."""
        keep = self.of(rows)
        if keep.all():
            return self
        row = np.flatnonzero(keep) if self.row is None else self.row[keep]
        column = None if self.column is None else self.column[keep]
        return Entries(row, column, None if self.value is None else self.value[keep], self.shape)

    def matrix(self) -> sp.csr_array:
        """The same as a sparse matrix. Shape (n, J)."""
        row = self.rows
        return sp.csr_array(sp.coo_array((self.numbers, (row, self.columns)), shape=self.shape))

    def by_row(self, weight: FloatArray | None = None) -> RowLists:
        """The entries, times the weight of their row, as lists for each row."""
        value = self.numbers if weight is None else self.numbers * self.of(weight)
        n, columns = self.shape
        if self.row is None:
            return RowLists(np.arange(n + 1), self.columns, value, columns)
        start = np.concatenate([[0], np.cumsum(np.bincount(self.row, minlength=n))])
        if (np.diff(self.row) >= 0).all():
            return RowLists(start, self.columns, value, columns)
        order = np.argsort(self.row, kind="stable")
        return RowLists(start, self.columns[order], value[order], columns)


def _product(one: FloatArray | None, other: FloatArray | None) -> FloatArray | None:
    """The product of two arrays, None being ones."""
    if one is None or other is None:
        return other if one is None else one
    return one * other


@dataclass(frozen=True, eq=False)
class RowLists:
    """A sparse matrix of n rows and J columns, row after row: row i has the entries start_i to start_{i+1}."""

    start: IntArray
    column: IntArray
    value: FloatArray
    columns: int

    def transposed(self, first: int, last: int) -> sp.csc_array:
        """Rows first..last as the columns of a matrix. Shape (J, last - first)."""
        low, high = self.start[first], self.start[last]
        lists = (self.value[low:high], self.column[low:high], self.start[first : last + 1] - low)
        return sp.csc_array(lists, shape=(self.columns, last - first))


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

    def totals_of_each(self, weights: FloatArray, base: FloatArray | None = None) -> FloatArray:
        """Column totals under each of R weights, or of R factors on a base weight.

        T[r, j] = sum_i base_i W[i, r] x_ij. One pass over W in blocks of rows: the column totals of a row's entries stay
        in the cache while the R weights of the row, side by side in memory, are added to them.

        Args:
            weights: shape (n, R), in C order (another order costs a copy of each block).
            base: shape (n,), or None for ones.

        Returns:
            shape (R, J).
        """
        parts = [part.by_row(base) for part in self.parts]
        n, length = len(weights), max(_CHUNK, 4 * self.shape[1])
        edges = [(start, min(start + length, n)) for start in range(0, n, length)] or [(0, 0)]
        if len(edges) == 1:
            return _sums_of_rows(parts, weights, 0, n).T
        with ThreadPoolExecutor(min(len(edges), os.cpu_count() or 1)) as pool:
            found = list(pool.map(lambda edge: _sums_of_rows(parts, weights, *edge), edges))
        return np.sum(found, axis=0).T

    def sum_by(self, key: IntArray, size: int, weight: FloatArray) -> sp.csr_array | FloatArray:
        """Weighted sums of the rows by key, shape (size, J)."""
        sums = [part.sum_by(key, size, weight) for part in self.parts]
        if any(sp.issparse(s) for s in sums):
            return sp.csr_array(sp.hstack([sp.csr_array(s) for s in sums]))
        return np.hstack(sums)


def _sums_of_rows(parts: Sequence[RowLists], weights: FloatArray, first: int, last: int) -> FloatArray:
    """Column totals of rows first..last under each replicate weight, the parts one below the other. Shape (J, R)."""
    sums = [np.zeros((part.columns, weights.shape[1])) for part in parts]
    step = max(_ROWS, max(part.columns for part in parts))
    for start in range(first, last, step):
        stop = min(start + step, last)
        block = np.ascontiguousarray(weights[start:stop])
        for part, out in zip(parts, sums, strict=True):
            out += part.transposed(start, stop) @ block
    return np.concatenate(sums)


def joined(parts: Sequence[Entries]) -> Entries:
    """Matrices of the same rows, one beside the other, as one list of entries."""
    offsets = np.cumsum([0, *(part.shape[1] for part in parts)])
    values = None
    if any(part.value is not None for part in parts):
        values = np.concatenate([p.numbers for p in parts])
    columns = [part.columns + offset for part, offset in zip(parts, offsets, strict=False)]
    shape = (parts[0].shape[0], int(offsets[-1]))
    return Entries(np.concatenate([part.rows for part in parts]), np.concatenate(columns), values, shape)


def sum_rows(values: FloatArray, key: IntArray, size: int, weight: FloatArray) -> FloatArray:
    """Weighted sums by key of the rows of a dense matrix (n, J). Shape (size, J)."""
    if values.shape[1] <= 32:
        columns = [weighted_counts(key, weight * values[:, j], size) for j in range(values.shape[1])]
        return np.column_stack(columns) if columns else np.zeros((size, 0))
    return selector(key, size, weight) @ values


def selector(key: IntArray, size: int, weight: FloatArray | None = None) -> sp.csr_array:
    """The matrix G with G[key_i, i] = weight_i (1 when None). Shape (size, n)."""
    return crossed(key, size, np.arange(len(key)), len(key), weight)


def crossed(key: IntArray, size: int, cell: IntArray, cells: int, weight: FloatArray | None = None) -> sp.csr_array:
    """Sum of the weights (1 when None) of each key in each cell. Shape (size, cells), sparse."""
    data = np.ones(len(key)) if weight is None else weight
    return sp.csr_array(sp.coo_array((data, (key, cell)), shape=(size, cells)))
