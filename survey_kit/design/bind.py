"""From column names to integer codes: a Design and a frame become a BoundDesign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_kit.design.bind_pps import bind_pps
from survey_kit.design.bind_replicates import bind_replicates
from survey_kit.design.bind_two_phase import Phase, bind_two_phase
from survey_kit.design.bound import BoundDesign, BoundStage, Counted
from survey_kit.design.design import Design
from survey_kit.design.levels import Level, levels_of
from survey_kit.design.stages import fractions_of, probabilities_of, stage_list
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.residualize import in_turn


def bind(design: Design, codes: pd.DataFrame) -> BoundDesign:
    """Check the design against the data and turn it into arrays.

    Raises:
        UnknownNameError: a design column does not exist.
        InvalidWeightError: negative, infinite, missing or all-zero weights.
        DesignError: missing strata or units, fpc that is smaller than the sample, probabilities that cannot be.
        LonelyPsuError: a stratum with one unit under lonely_psu="fail".
    """
    for name in design.columns:
        if name not in codes:
            raise unknown("column", name, codes.columns)
    levels = levels_of(design.strata, design.psu, codes)
    drawn = probabilities_of if design.pps is not None else fractions_of
    fractions = drawn(design.fpc, codes, levels)
    weight = _weights(design, codes, fractions)
    counted: Counted | None = None
    if design.second is not None:
        first = Phase(levels, fractions, weight, stated=design.weight is not None)
        weight, stages, counted = bind_two_phase(design.second, codes, first, design.lonely_psu)
    elif design.pps is not None and design.pps.method != "brewer":
        names = (design.fpc[0], design.strata[0] if design.strata else "")
        stage, counted = bind_pps(design.pps, levels[0], fractions[0], design.lonely_psu, names, codes)
        stages = (stage,)
    else:
        stages = _stages(design, levels, fractions)
    return BoundDesign(
        weight=weight,
        stages=stages,
        adjustments=in_turn(design.adjustments),
        replicates=None if design.replicates is None else bind_replicates(design.replicates, codes, weight),
        counted=counted,
    )


def _stages(design: Design, levels: Sequence[Level], fractions: Sequence[FloatArray]) -> tuple[BoundStage, ...]:
    unequal = design.pps is not None
    return stage_list(levels, fractions, design.strata, design.lonely_psu, design.lonely_domain, unequal)


def _weights(design: Design, codes: pd.DataFrame, fractions: Sequence[FloatArray]) -> FloatArray:
    """The stated weight, or one over the product of the sampling fractions."""
    if design.weight is not None:
        return check_weights(codes[design.weight], design.weight)
    weight = np.ones(len(codes))
    for fraction in fractions:
        weight = weight / fraction
    return weight
