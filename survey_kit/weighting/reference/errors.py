"""The sampling error of a reference sample, by its own design."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import FloatArray
from survey_kit.weighting.reference.sample import Reference

if TYPE_CHECKING:
    from survey_kit.design.bound import BoundDesign


def reference_errors(reference: Reference, values: FloatArray) -> FloatArray:
    """Covariance of the weighted totals of some columns under the reference's own design. Shapes (m, q) -> (q, q).

    Rows of a DataFrame are taken as drawn with replacement.
    """
    from survey_kit.kernels.variance import replicate_covariance  # scipy is loaded only here
    from survey_kit.results.carriers import linearized

    bound = bound_of(reference)
    inside = values * (reference.scale * (reference.weight > 0))[:, None]
    if bound.replicates is None:
        return linearized(bound, inside, np.inf).vcov()
    held = bound.replicates
    thetas = np.array([weight @ inside for weight in held.each_of(np.arange(len(inside)))])
    return replicate_covariance(thetas, bound.weight @ inside, held.scale, held.rscales, held.mse)


def bound_of(reference: Reference) -> BoundDesign:
    """The reference's design; for a DataFrame one of rows drawn with replacement."""
    if reference.survey is not None:
        return reference.survey.bound
    return rows_as_units(reference.rows.base)


def rows_as_units(weight: FloatArray) -> BoundDesign:
    """A design of rows drawn with replacement, under given weights."""
    from survey_kit.design.bind import bind
    from survey_kit.design.design import Design

    return replace(bind(Design(), pd.DataFrame(index=range(len(weight)))), weight=weight)
