"""Raking repeated in every replicate, all replicates in one pass over the cells."""

from __future__ import annotations

import numpy as np

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import NotConvergedError, listed
from survey_kit.kernels.groups import FloatArray, combine
from survey_kit.kernels.rake import rake_cells
from survey_kit.weighting.targets import TargetSet


def rake_replicates(survey: SurveyLike, wanted: TargetSet, tol: float, max_iter: int) -> FloatArray | None:
    """The survey's replicate weights raked to the same targets, shape (n, R); None without replicate weights.

    R: survey::rake on a svyrep.design.
    """
    constants = survey.bound.replicates
    if constants is None:
        return None
    from survey_kit.engine.memory import replicate_totals  # scipy is loaded only for replicates
    from survey_kit.kernels.sums import Contributions, Entries

    cell, first = combine([m.codes for m in wanted.margins])
    in_cells = Contributions((Entries(None, cell, None, (len(cell), len(first))),))
    held = replicate_totals(survey.bound, in_cells).T
    codes = [m.codes[first] for m in wanted.margins]
    raked = rake_cells(held, codes, [m.shares * wanted.total for m in wanted.margins], tol=tol, max_iter=max_iter)
    short = np.flatnonzero(~(raked.gap <= tol))
    if len(short):
        raise NotConvergedError(
            f"Raking did not converge in {len(short)} of {len(raked.gap)} replicates (replicate {listed(short + 1)}): "
            "with their units left out, the targets cannot be met. Merge small categories."
        )
    weights = raked.g[cell]
    weights *= constants.weights
    return weights
