"""Small cells merged with their neighbours until each is large enough, or its factor small enough.

Cells lie on a grid: `place` (C, m) is the position of each cell on each of m axes. Two cells are neighbours along an axis
when they agree on the other axes and no cell lies between them. As long as some group of merged cells is small, the group
with the fewest rows is merged with its neighbour along the last axis, the neighbour of fewer rows first and the one before
in a tie; where it has none along that axis, along the axis before, and where it has none at all (cells that are sparse), the
cell that comes next in the order of the grid. So the result does not depend on the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts


@dataclass(frozen=True, eq=False)
class Limits:
    """When a group of cells is too small: fewer than `min_n` rows, or wanted > most * held."""

    min_n: float
    most: float

    def small(self, rows: FloatArray, held: FloatArray, wanted: FloatArray) -> BoolArray:
        """Which groups are. Shapes (G,)."""
        few = rows < self.min_n
        return few if np.isinf(self.most) else few | (wanted > self.most * held * (1 + 1e-12))


@dataclass(frozen=True, eq=False)
class CollapsedCells:
    """Which cells were merged.

    Attributes:
        into: group of each cell, 0..G-1 in the order of their first cells. Shape (C,).
        few, heavy: cells that were merged because their group had too few rows, or too large a factor. Shape (C,).
        settled: whether no group is small in the end (False: a single group is left, and small).
    """

    into: IntArray
    few: BoolArray
    heavy: BoolArray
    settled: bool


def collapse_cells(
    place: IntArray, rows: FloatArray, held: FloatArray, wanted: FloatArray, limits: Limits
) -> CollapsedCells:
    """Merge small cells.

    Args:
        place: position of each cell on each axis, the axis that is merged first being the last. Shape (C, m).
        rows, held, wanted: rows of each cell, their weight, and the weight that they are to have. Shape (C,).
        limits: when a group is too small.
    """
    order = np.lexsort(place.T[::-1])
    axes = [_neighbours(place, axis) for axis in reversed(range(place.shape[1]))] + [(order[:-1], order[1:])]
    group = np.empty(len(place), dtype=np.int64)
    group[order] = np.arange(len(place))
    few, heavy = np.zeros(len(place), dtype=bool), np.zeros(len(place), dtype=bool)
    while True:
        n, has, wants = (weighted_counts(group, v, len(place)) for v in (rows, held, wanted))
        alive = np.bincount(group, minlength=len(place)) > 0
        small = alive & limits.small(n, has, wants)
        merged = _merge_one(group, axes, n, small)
        if merged is None:
            into = np.unique(group, return_inverse=True)[1].astype(np.int64)
            return CollapsedCells(into, few, heavy, not small.any())
        one, other = merged
        part = group == one
        few |= part & (n[one] < limits.min_n)
        heavy |= part & (n[one] >= limits.min_n)
        group[part | (group == other)] = min(one, other)


def _merge_one(
    group: IntArray, axes: list[tuple[IntArray, IntArray]], n: FloatArray, small: BoolArray
) -> tuple[int, int] | None:
    """The small group with the fewest rows, and its neighbour; None where none is small, or all cells are one group."""
    candidates = np.flatnonzero(small)
    if not len(candidates):
        return None
    one = candidates[
        n[candidates].argmin()
    ]  # the last axis, the order of the grid, leaves no group without a neighbour
    for left, right in axes:
        a, b = group[left], group[right]
        beside = np.unique(np.concatenate([b[(a == one) & (b != one)], a[(b == one) & (a != one)]]))
        if len(beside):
            return int(one), int(min(beside, key=lambda g: (n[g], g)))
    return None


def _neighbours(place: IntArray, axis: int) -> tuple[IntArray, IntArray]:
    """Pairs of cells next to each other along an axis, the first one before the second. Shapes (P,)."""
    others = np.delete(place, axis, axis=1)
    order = np.lexsort((place[:, axis], *others.T[::-1]))
    same = np.all(others[order[1:]] == others[order[:-1]], axis=1)
    return order[:-1][same], order[1:][same]
