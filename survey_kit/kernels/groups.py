"""Integer keys of rows: combining, renumbering, counting. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def combine(keys: list[IntArray]) -> tuple[IntArray, IntArray]:
    """Number the distinct combinations of several integer keys.

    Args:
        keys: m arrays of shape (n,), each >= 0.

    Returns:
        (code, first): the combination of each row as 0..G-1 in lexical order of the keys, shape (n,), and the first row
        of each combination, shape (G,).
    """
    if not keys:
        raise ValueError("combine needs at least one key")
    code = np.zeros(len(keys[0]), dtype=np.int64)
    size = 1
    for key in keys:
        levels = int(key.max(initial=-1)) + 1
        if size * max(levels, 1) > 2**62:
            code, size = densify(code)
        code = code * levels + key
        size *= max(levels, 1)
    if size <= 4 * len(code) + 1000:
        return _combine_by_table(code, size)
    _, first, dense = np.unique(code, return_index=True, return_inverse=True)
    return dense.astype(np.int64, copy=False), first.astype(np.int64, copy=False)


def _combine_by_table(code: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """The same without a sort, where codes are few."""
    first = np.full(size, -1, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)
    present = first >= 0
    return (np.cumsum(present) - 1)[code], first[present]


def weighted_counts(key: IntArray, weight: FloatArray, size: int) -> FloatArray:
    """Sum of weights per key. Shape (size,)."""
    return np.bincount(key, weights=weight, minlength=size).astype(np.float64, copy=False)


def present(key: IntArray, size: int) -> BoolArray:
    """Which of the keys 0..size-1 occur. Shape (size,)."""
    found = np.zeros(size, dtype=bool)
    found[key] = True
    return found


def densify(code: IntArray) -> tuple[IntArray, int]:
    """Renumber codes as 0..G-1 in their order; returns (codes, G)."""
    levels, dense = np.unique(code, return_inverse=True)
    return dense.astype(np.int64, copy=False), len(levels)
