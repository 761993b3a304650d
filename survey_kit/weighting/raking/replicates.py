"""Raking repeated in every replicate, all replicates in one pass over the cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.errors import ConvergenceError, TargetError, listed
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake import RakedCells, Solver, rake_cells, rake_cells_within
from survey_kit.weighting.raking.cells import Goals, RakingCells, goals_of
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.targets.shares import Margin
from survey_kit.weighting.targets.target_set import TargetSet


@dataclass(frozen=True, slots=True)
class RakingRule:
    """How raking is done: bounds on the weight of a row (None: none), when margins are met, sweeps and steps, solver."""

    bounds: tuple[float, float] | None
    tol: float
    max_iter: int
    solver: Solver

    def run(self, held: FloatArray, goals: Goals, each: FloatArray | None) -> RakedCells:
        """Rake cells that hold these weights, shape (C,) or (C, R).

        Bounds (then R = 1) are those of a row of the cell times held / each: a row that counts for two may weigh twice as
        much. `each`: base weight of a row of the cell. Shape (C,).
        """
        options = {"relative": goals.relative, "tol": self.tol, "max_iter": self.max_iter, "solver": self.solver}
        if self.bounds is None:
            return rake_cells(held, goals.codes, goals.targets, **options)  # type: ignore[arg-type]
        assert each is not None
        units = np.divide(held, each, out=np.zeros_like(held), where=each > 0)
        low, high = self.bounds[0] * units, np.full(len(units), np.inf)
        if self.bounds[1] < np.inf:
            high = self.bounds[1] * units
        return rake_cells_within(held, goals.codes, goals.targets, low, high, **options)  # type: ignore[arg-type]


def rake_replicates(base: ReplicateBase, wanted: TargetSet, cells: RakingCells, rule: RakingRule) -> FloatArray:
    """Replicate weights raked to the same targets, shape (n, R). R: survey::rake on a svyrep.design.

    Bounds hold for what a row weighs in the full sample: where a replicate counts it twice, it may weigh twice as much.
    Targets known with error are moved in replicates of their own (see ReplicateBase).
    Targets of rows without a value (missing="own") are taken from each replicate.
    """
    base = base.with_errors(wanted.root)
    held = base.cell_totals(cells.code, cells.size)
    root = np.zeros((sum(len(m.shares) for m in wanted.margins), 0)) if wanted.root is None else wanted.root
    moves = base.moves(root)
    alone = moves.any(axis=0) | (rule.bounds is not None) | any(m.own is not None for m in wanted.margins)
    g, gap = np.ones_like(held), np.zeros(held.shape[1])
    together = np.flatnonzero(~alone)
    if len(together):
        raked = rule.run(held[:, together], goals_of(wanted, cells), None)
        g[:, together], gap[together] = raked.g, raked.gap
    for r in np.flatnonzero(alone):
        goals = goals_of(_in_replicate(wanted, cells, held[:, r], moves[:, r]), cells)
        raked = rule.run(held[:, r], goals, cells.each)
        g[:, r], gap[r] = raked.g[:, 0], raked.gap[0]
    _refuse_unmet(gap, rule)
    weights = base.weights
    weights *= g[cells.code]
    return weights


def _refuse_unmet(gap: FloatArray, rule: RakingRule) -> None:
    short = np.flatnonzero(~(gap <= rule.tol))
    if len(short):
        bounds = " within the bounds" if rule.bounds is not None else ""
        raise ConvergenceError(
            f"Raking did not converge in {len(short)} of {len(gap)} replicates (replicate {listed(short + 1)}): "
            f"with their units left out, the targets cannot be met{bounds}. Merge small categories"
            f"{', or widen the bounds' if bounds else ''}."
        )


def _in_replicate(wanted: TargetSet, cells: RakingCells, held: FloatArray, move: FloatArray) -> TargetSet:
    """The targets of one replicate: own categories from what it holds, then moved."""
    margins, start = [], 0
    for margin, code in zip(wanted.margins, cells.margins, strict=True):
        end = start + len(margin.shares)
        shares = _own_shares(margin, held[code == margin.own].sum() / held.sum()) + move[start:end]
        if (shares[: len(shares) - (margin.own is not None)] <= 0).any():
            worst = margin.categories[int(shares.argmin())]
            raise TargetError(
                f"{margin.name!r}: the error of {worst!r} takes its target below 0 in a replicate. Merge small categories, "
                "or use more replicates."
            )
        margins.append(replace(margin, shares=shares))
        start = end
    return replace(wanted, margins=tuple(margins))


def _own_shares(margin: Margin, held: float) -> FloatArray:
    """The shares where rows without a value hold this part of the base weights. Shape (k,)."""
    if margin.own is None:
        return margin.shares
    scaled = margin.shares * (1 - held) / (1 - margin.shares[margin.own])
    scaled[margin.own] = held
    return scaled
