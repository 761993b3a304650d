"""The rank of a long matrix of replicate weights, without a copy of it."""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray

TOLERANCE = 1e-5  # what is left of a column, relative to its length, to count: R's qr(tol = 1e-5) in survey::degf
_CLEAR = 1e-3  # columns that are this far from dependent on some rows stay independent when others join them
_FIRST = 4096  # rows looked at first
_BLOCK = 16384


def column_rank(matrix: FloatArray, rows: BoolArray | None = None) -> int:
    """Rank of matrix[rows] by columns, shape (n, R): how many keep more than 1e-5 of their length beside those before.

    Columns are scaled to length one and orthogonalised in order through their products G = W' W, so that memory is R x R.
    Where the first rows already show all columns to be independent the others are not read.
    """
    columns = matrix.shape[1]
    products = np.zeros((columns, columns))
    seen, step = 0, _FIRST
    while seen < len(matrix):
        stop = min(seen + step, len(matrix))
        block = matrix[seen:stop] if rows is None else matrix[seen:stop][rows[seen:stop]]
        products += block.T @ block
        if seen == 0 and len(block) >= columns and _rank(products, _CLEAR) == columns:
            return columns
        seen, step = stop, _BLOCK
    return _rank(products, TOLERANCE)


def _rank(products: FloatArray, tolerance: float) -> int:
    """Rank from the products of the columns, by Cholesky steps that pass over dependent columns."""
    length = np.sqrt(np.diag(products))
    used = length > 0
    left = products[np.ix_(used, used)] / np.outer(length[used], length[used])
    rank = 0
    for j in range(len(left)):
        if left[j, j] > tolerance**2:
            rank += 1
            row = left[j, j:] / np.sqrt(left[j, j])
            left[j:, j:] -= np.outer(row, row)
    return rank
