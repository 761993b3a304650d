"""Integer keys of rows: combining, renumbering, counting. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_BLOCK = 131_072  # rows worked on at once


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


@dataclass(frozen=True, eq=False)
class Crossing:
    """Rows collapsed to the combinations of several keys that occur.

    Attributes:
        code: the combination of each row, 0..G-1 in lexical order of the keys. Shape (n,).
        keys: value of each key in each combination, one array of shape (G,) for each key.
        rows: rows in each combination. Shape (G,).
    """

    code: IntArray
    keys: tuple[IntArray, ...]
    rows: IntArray


def cross(keys: Sequence[IntArray], sizes: Sequence[int]) -> Crossing:
    """Collapse rows to the combinations of several keys that occur: no sort, and no search for first rows.

    Args:
        keys: m arrays of shape (n,), each in -1..size-1; -1 (no value) is a level of its own, before the others.
        sizes: levels of each key, -1 not counted.

    Raises:
        ValueError: a key outside its levels.
    """
    gaps = [False] * len(keys)
    most = 8 * len(keys[0]) + 1000
    found = _table(keys, sizes, gaps) if prod(sizes) <= most else None
    if found is None:
        gaps = [_has_gaps(key, size) for key, size in zip(keys, sizes, strict=True)]
    levels = [size + gap for size, gap in zip(sizes, gaps, strict=True)]
    if prod(levels) > most:
        return _cross_by_sorting(keys, gaps)
    flat, rows = found or _table(keys, levels, gaps)  # type: ignore[misc]
    there = np.flatnonzero(rows)
    values = tuple(v - gap for v, gap in zip(np.unravel_index(there, levels), gaps, strict=True))
    if len(there) == len(rows):
        return Crossing(flat, values, rows)
    number = np.empty(len(rows), dtype=np.int64)
    number[there] = np.arange(len(there))
    return Crossing(number[flat], values, rows[there])


def _table(keys: Sequence[IntArray], levels: Sequence[int], gaps: Sequence[bool]) -> tuple[IntArray, IntArray] | None:
    """Keys as one number in mixed radix (n,), and rows of each number; None where a key lies outside its levels."""
    size = prod(levels)
    flat, rows = np.empty(len(keys[0]), dtype=np.int64), np.zeros(size, dtype=np.int64)
    for at in range(0, len(flat), max(_BLOCK, size)):  # blocks of rows stay in the cache
        block = slice(at, at + max(_BLOCK, size))
        number = _mixed_radix([key[block] for key in keys], levels, gaps)
        if number is None:
            return None
        flat[block] = number
        rows += np.bincount(flat[block], minlength=size)
    return flat, rows


def _mixed_radix(keys: Sequence[IntArray], levels: Sequence[int], gaps: Sequence[bool]) -> NDArray | None:
    narrow = np.int16 if prod(levels) <= np.iinfo(np.int16).max else np.int64
    number: NDArray = np.zeros((), dtype=narrow)
    for key, level, gap in zip(keys, levels, gaps, strict=True):
        value = key + 1 if gap else key
        if value.view(f"u{value.itemsize}").max(initial=0) >= level:  # read as unsigned, a negative number is large
            return None
        number = number * narrow(level)
        number = np.add(number, value.astype(narrow, copy=False), out=number if number.ndim else None)
    return number


def _cross_by_sorting(keys: Sequence[IntArray], gaps: Sequence[bool]) -> Crossing:
    """The same for combinations too many to have a table of."""
    code, first = combine([key + 1 if gap else key for key, gap in zip(keys, gaps, strict=True)])
    return Crossing(code, tuple(key[first] for key in keys), np.bincount(code, minlength=len(first)))


def _has_gaps(key: IntArray, size: int) -> bool:
    """Whether a key has -1 among its levels."""
    least = int(key.min(initial=0))
    if least < -1 or key.max(initial=-1) >= size:
        raise ValueError(f"a key lies outside -1..{size - 1}")
    return least < 0


def weighted_counts(key: IntArray, weight: FloatArray | None, size: int) -> FloatArray:
    """Sum of weights per key, or (None) how often each occurs. Shape (size,)."""
    return np.bincount(key, weights=weight, minlength=size).astype(np.float64, copy=False)


def present(key: IntArray, size: int) -> BoolArray:
    """Which of the keys 0..size-1 occur. Shape (size,)."""
    found = np.zeros(size, dtype=bool)
    found[key] = True
    return found


def levels_of(values: IntArray) -> tuple[IntArray, IntArray]:
    """Integers as positions among the distinct ones, in rising order: (codes (n,), levels (G,)). No sort where they are near."""
    if not len(values):
        return np.zeros(0, dtype=np.int64), values
    low, high = int(values.min()), int(values.max())
    if high - low > len(values) + 1000:
        levels, code = np.unique(values, return_inverse=True)
        return code.astype(np.int64, copy=False), levels
    code = values.astype(np.int64) - low
    found = present(code, high - low + 1)
    levels = np.flatnonzero(found)
    if len(levels) < len(found):
        code = (np.cumsum(found) - 1)[code]
    return code, (levels + low).astype(values.dtype)


def densify(code: IntArray) -> tuple[IntArray, int]:
    """Renumber codes as 0..G-1 in their order; returns (codes, G)."""
    levels, dense = np.unique(code, return_inverse=True)
    return dense.astype(np.int64, copy=False), len(levels)
