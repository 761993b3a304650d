"""Rows collapsed to the cells that raking works on, what the margins ask of them, and what a variance needs afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, cross, weighted_counts
from survey_kit.kernels.raking_rounds import OwnCategory, RakingRounds, uncertain_cells
from survey_kit.kernels.residualize import Adjustment, raking_step
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.shares import Margin
from survey_kit.weighting.targets.target_set import TargetSet


@dataclass(frozen=True, eq=False)
class RakingCells:
    """C cells of rows that agree in every margin (and, under bounds, in their base weight).

    Attributes:
        code: cell of each row. Shape (n,).
        rows: rows of each cell. Shape (C,).
        margins: category of each cell in each margin (-1: none), M arrays of shape (C,).
        each: base weight of a row of the cell; None where cells are not split by it. Shape (C,).
    """

    code: IntArray
    rows: IntArray
    margins: tuple[IntArray, ...]
    each: FloatArray | None = None

    @property
    def size(self) -> int:
        """C."""
        return len(self.rows)

    def held(self, weights: FloatArray) -> FloatArray:
        """Sum of the weights of each cell. Shapes (n,) -> (C,)."""
        return weighted_counts(self.code, weights, self.size)


def cells_of(wanted: TargetSet) -> RakingCells:
    """Rows collapsed by the margins."""
    crossed = cross([m.codes for m in wanted.margins], [len(m.categories) for m in wanted.margins])
    return RakingCells(crossed.code, crossed.rows, crossed.keys)


def split_by_base(cells: RakingCells, base: FloatArray) -> RakingCells:
    """The same cells split further, so that every row of a cell has the same base weight."""
    values, key = np.unique(base, return_inverse=True)
    crossed = cross([cells.code, key.astype(np.int64)], [cells.size, len(values)])
    of_cell, of_value = crossed.keys
    return RakingCells(crossed.code, crossed.rows, tuple(m[of_cell] for m in cells.margins), values[of_value])


@dataclass(frozen=True, eq=False)
class Goals:
    """What the kernel is asked for: codes and targets of each margin, and which of them are relative."""

    codes: tuple[IntArray, ...]
    targets: tuple[FloatArray, ...]
    relative: tuple[bool, ...]


def goals_of(wanted: TargetSet, cells: RakingCells) -> Goals:
    """Targets in weights; with a margin of one category that holds the total where no other margin does."""
    targets = tuple(m.shares if m.relative else m.shares * wanted.total for m in wanted.margins)
    goals = Goals(cells.margins, targets, tuple(m.relative for m in wanted.margins))
    fixed = any(not m.relative and bool((c >= 0).all()) for m, c in zip(wanted.margins, cells.margins, strict=True))
    if fixed or not wanted.keeps_total:
        return goals
    everyone = np.zeros(cells.size, dtype=np.int64)
    return Goals((*goals.codes, everyone), (*goals.targets, np.array([wanted.total])), (*goals.relative, False))


def adjustment_of(
    wanted: TargetSet, cells: RakingCells, goals: Goals, subject: Subject, weights: FloatArray
) -> Adjustment:
    """The step of raking as a variance needs it; as R's rake where all margins are of all rows and known.

    Args:
        cells, goals: not split by base weight.
        weights: after raking. Shape (n,).
    """
    step, own = raking_step(cells.code, goals.codes, weights), list[OwnCategory | None]()
    if any(m.relative or m.own is not None for m in wanted.margins):
        counts = cells.held((weights > 0).astype(float))
        held, after = cells.held(subject.base), cells.held(weights)
        own = [_own(m, c, held, after) for m, c in zip(wanted.margins, cells.margins, strict=True)]
        own += [None] * (len(goals.codes) - len(own))
        shares = tuple(t if r else None for t, r in zip(goals.targets, goals.relative, strict=True))
        step = replace(step, law=RakingRounds(goals.codes, counts, shares, tuple(own)))
    if wanted.root is None:
        return step
    wholes = wanted.wholes(weights)
    root = np.zeros((sum(len(t) for t in goals.targets), wanted.root.shape[1]))
    root[: len(wholes)] = wanted.root * wholes[:, None]
    return replace(step, uncertain=uncertain_cells(goals.codes, root, tuple(own)))


def _own(margin: Margin, code: IntArray, held: FloatArray, after: FloatArray) -> OwnCategory | None:
    if margin.own is None:
        return None
    total, share = after.sum() / held.sum(), margin.shares[margin.own]
    ratio = np.divide(held, after, out=np.zeros_like(held), where=after > 0)
    p = np.delete(margin.shares, margin.own) / (1 - share)
    return OwnCategory(margin.own, p, total * ((code == margin.own) - share) * ratio)
