"""From a design with unequal probabilities to arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundStage, Counted
from survey_kit.design.levels import Level
from survey_kit.design.pps import PPS, check_diagonal
from survey_kit.errors import ArgumentError, LonelyPsuError, UnsupportedOption, listed, unknown
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.pps import hartley_rao, joint, mean_probability, overton, poisson
from survey_kit.kernels.quadratic import QuadraticScheme

_TOLERANCE = 1e-4  # R's ppsmat


def bind_pps(
    pps: PPS, level: Level, probability: FloatArray, lonely_psu: str, names: tuple[str, str], codes: pd.DataFrame
) -> tuple[BoundStage, Counted]:
    """The one stage of Overton's, Hartley and Rao's, Poisson's or a given design.

    Args:
        level: units and strata. probability: of each row's unit, shape (n,).
        names: columns of the probabilities and of the strata ("" without). codes: the data.

    Raises:
        DesignError, LonelyPsuError, UnsupportedOption, ArgumentError.
    """
    p = probability[level.first]
    unit, of_unit = level.unit, level.of_unit
    if pps.method == "joint":
        order = np.argsort(level.first, kind="stable")
        check_diagonal(pps.joint, p[order], names[0])
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        scheme = joint(pps.joint, _TOLERANCE if pps.tolerance is None else pps.tolerance, pps.variance == "YG")
        return BoundStage(place[unit], scheme), Counted(place[unit], of_unit[order])
    if pps.method == "poisson":
        return BoundStage(unit, poisson(p)), Counted(unit, of_unit)
    kept = _lonely(level, p, lonely_psu)
    scheme = _approximation(pps, kept, of_unit, names[1], level, codes)
    return BoundStage(unit, scheme), Counted(unit, of_unit)


def _approximation(
    pps: PPS, p: FloatArray, stratum: IntArray, column: str, level: Level, codes: pd.DataFrame
) -> QuadraticScheme:
    if pps.method == "overton":
        return overton(p, stratum, pps.variance == "YG")
    squares = mean_probability(p, stratum) if pps.sum_of_squares is None else _squares(pps, column, level, codes)
    return hartley_rao(p, stratum, squares, pps.variance == "YG")


def _squares(pps: PPS, column: str, level: Level, codes: pd.DataFrame) -> FloatArray:
    """The stated sum of p^2 / n of each stratum. Shape (H,)."""
    given, strata = pps.sum_of_squares, len(level.lead)
    if not isinstance(given, Mapping):
        if strata > 1:
            raise ArgumentError(
                f"sum_of_squares is one number, but there are {strata} strata. Give one for each: {{stratum: number}}."
            )
        return np.array([float(given or 0.0)])
    names = codes[column].iloc[level.lead].tolist() if column else []
    stray = [name for name in given if name not in names]
    if stray and column:
        raise unknown(f"stratum of {column!r}", stray[0], names)
    lacking = [name for name in names if name not in given]
    if lacking or not column:
        raise ArgumentError(
            f"sum_of_squares has no number for stratum {listed(lacking)}."
            if column
            else "sum_of_squares is by stratum, but no strata are stated. Give one number."
        )
    return np.array([float(given[name]) for name in names])


def _lonely(level: Level, p: FloatArray, rule: str) -> FloatArray:
    """Probabilities, 1 for lonely units that a rule leaves out. Raises LonelyPsuError, UnsupportedOption."""
    alone = (level.size[level.of_unit] == 1) & (p < 1)
    if not alone.any():
        return p
    rows = listed(int(r) + 1 for r in level.first[alone])
    if rule == "fail":
        raise LonelyPsuError(
            f"{int(alone.sum())} of {len(level.lead)} strata have a single sampling unit (see row {rows}), so their variance "
            'cannot be estimated. Merge strata, or state a rule: lonely_psu="remove" or "certainty".'
        )
    if rule not in ("remove", "certainty"):
        raise UnsupportedOption(
            f'lonely_psu={rule!r} is not available with pps (a single sampling unit in row {rows}). Use "remove" or '
            '"certainty", or merge strata.'
        )
    return np.where(alone, 1.0, p)
