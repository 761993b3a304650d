"""Raking repeated in every replicate, all replicates in one pass over the cells."""

from __future__ import annotations

import numpy as np

from survey_kit.errors import ConvergenceError, listed
from survey_kit.kernels.groups import FloatArray, combine
from survey_kit.kernels.rake import rake_cells
from survey_kit.weighting.made import ReplicateBase
from survey_kit.weighting.targets import TargetSet


def rake_replicates(base: ReplicateBase, wanted: TargetSet, tol: float, max_iter: int) -> FloatArray:
    """Replicate weights raked to the same targets, shape (n, R). R: survey::rake on a svyrep.design."""
    cell, first = combine([m.codes for m in wanted.margins])
    held = base.cell_totals(cell, len(first))
    codes = [m.codes[first] for m in wanted.margins]
    raked = rake_cells(held, codes, [m.shares * wanted.total for m in wanted.margins], tol=tol, max_iter=max_iter)
    short = np.flatnonzero(~(raked.gap <= tol))
    if len(short):
        raise ConvergenceError(
            f"Raking did not converge in {len(short)} of {len(raked.gap)} replicates (replicate {listed(short + 1)}): "
            "with their units left out, the targets cannot be met. Merge small categories."
        )
    weights = base.weights
    weights *= raked.g[cell]
    return weights
