"""Sampling stages in numbers: fractions from fpc, the weights they imply, and what a stratum with one unit counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundStage
from survey_kit.design.levels import Level, number_column
from survey_kit.errors import DesignError, LonelyPsuError, listed
from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.kernels.lonely import factor_under
from survey_kit.kernels.variance import LonelyRule, StageScheme

CERTAIN = 1e-7  # 1 - f below which a stratum was taken whole, as in R
_SIZES = "Give population sizes (> 1) or sampling fractions (<= 1)."


def fractions_of(fpc: Sequence[str], codes: pd.DataFrame, levels: Sequence[Level]) -> list[FloatArray]:
    """Sampling fraction of each row's stratum, for each stage with an fpc column. Shapes (n,).

    Raises:
        DesignError: fpc smaller than the sample, mixed, or not constant within a stratum.
    """
    return [_fraction(name, codes, level) for name, level in zip(fpc, levels, strict=False)]


def _fraction(name: str, codes: pd.DataFrame, level: Level) -> FloatArray:
    values = number_column(codes, name, "fpc", _SIZES)
    of_stratum = values[level.lead]
    varies = np.flatnonzero(np.abs(values - of_stratum[level.stratum]) > 1e-12 * values)
    if len(varies):
        raise DesignError(
            f"Column {name!r} (fpc) varies within a stratum (row {int(varies[0]) + 1}). One stratum has one population size."
        )
    if (of_stratum <= 1).all():
        return values
    if (of_stratum < 1).any():
        raise DesignError(f"Column {name!r} (fpc) mixes sampling fractions and population sizes. Use one or the other.")
    small = np.flatnonzero(of_stratum < level.size)
    if len(small):
        row = int(level.lead[small].min())
        raise DesignError(
            f"Column {name!r} (fpc) says {values[row]:g} units in the population at row {row + 1}, but "
            f"{level.size[level.stratum[row]]} were sampled there. Give the number of units in the population of the "
            "stratum, at the stage it belongs to."
        )
    return (level.size / of_stratum)[level.stratum]


def probabilities_of(fpc: Sequence[str], codes: pd.DataFrame, levels: Sequence[Level]) -> list[FloatArray]:
    """Probability that each row's unit was drawn, for each stage. Shapes (n,).

    Raises:
        DesignError: counts instead of probabilities, or a probability that varies within a unit.
    """
    return [_probability(name, codes, level) for name, level in zip(fpc, levels, strict=False)]


def _probability(name: str, codes: pd.DataFrame, level: Level) -> FloatArray:
    values = number_column(codes, name, "fpc", "With pps it holds inclusion probabilities, above 0 and at most 1.")
    high = np.flatnonzero(values > 1)
    if len(high):
        raise DesignError(
            f"Column {name!r} (fpc) is {values[high[0]]:g} in row {int(high[0]) + 1}. With pps it holds the inclusion "
            "probability of each unit, above 0 and at most 1, not a population size."
        )
    varies = np.flatnonzero(np.abs(values - values[level.first][level.unit]) > 1e-12)
    if len(varies):
        raise DesignError(
            f"Column {name!r} (fpc) varies within a sampling unit (row {int(varies[0]) + 1}). One unit has one "
            "inclusion probability."
        )
    return values


def stage_list(
    levels: Sequence[Level],
    fractions: Sequence[FloatArray],
    strata: Sequence[str],
    lonely_psu: str,
    lonely_domain: bool = False,
    unequal: bool = False,
) -> tuple[BoundStage, ...]:
    """The stages that count, outermost first: the first, and those below it while fractions are known.

    Args:
        fractions: of each row at each stage; with replacement where there are none.
        strata: names of the strata columns. unequal: fractions are those of units, not of strata (Brewer).

    Raises:
        LonelyPsuError: a stratum with one unit under lonely_psu="fail".
    """
    n = len(levels[0].stratum)
    out: list[BoundStage] = []
    above, parent = np.ones(n), np.zeros(n, dtype=np.int64)
    for depth, level in enumerate(levels):
        fraction = fractions[depth] if depth < len(fractions) else np.zeros(n)
        factor, alone, scale = _factors(level, fraction, above, unequal)
        within = parent[level.lead]
        if alone.any():
            where = strata[depth] if depth < len(strata) else "the whole sample"
            _check_lonely(lonely_psu, level, alone, depth, where)
        scheme = StageScheme(
            stratum=level.of_unit,
            factor=factor_under(lonely_psu, factor, alone, within) if alone.any() else factor,
            centre=~(alone & (lonely_psu == "adjust")),
            parent=within,
            scale=scale,
            lonely=_rule(lonely_psu, lonely_domain, alone, factor),
            fraction=None if unequal else fraction[level.lead],
        )
        out.append(BoundStage(level.unit, scheme))
        if depth + 1 < len(levels):
            above, parent = above * fraction, level.unit
            if not above.any():
                break
    return tuple(out)


def _factors(
    level: Level, fraction: FloatArray, above: FloatArray, unequal: bool
) -> tuple[FloatArray, BoolArray, FloatArray | None]:
    """F (1 - f) n / (n - 1) of each stratum, which of them have one unit of several, and 1 - p of each unit (Brewer)."""
    size = level.size
    if unequal:
        scale = 1 - fraction[level.first]
        open_part = np.ones(len(level.lead))
        certain = np.bincount(level.of_unit, weights=scale > CERTAIN, minlength=len(size)) == 0
    else:
        scale = None
        open_part = 1 - fraction[level.lead]
        certain = open_part < CERTAIN
    over = above[level.lead]
    alone = (size == 1) & ~certain & (over > 0)
    return over * np.where(certain, 0.0, open_part) * size / np.maximum(size - 1, 1), alone, scale


def _rule(lonely_psu: str, domains: bool, alone: BoolArray, factor: FloatArray) -> LonelyRule | None:
    if lonely_psu not in ("adjust", "average") or not (domains or alone.any()):
        return None
    return LonelyRule(lonely_psu, alone, factor, domains)


def _check_lonely(rule: str, level: Level, alone: BoolArray, depth: int, where: str) -> None:
    """Refuse lonely units without a rule, and rules that leave no stratum of the first stage to go by."""
    gone = rule in ("remove", "average") or (rule == "adjust" and len(alone) == 1)
    if depth == 0 and alone.all() and gone:
        text = "the whole sample is one sampling unit" if len(alone) == 1 else "every stratum has one sampling unit"
        raise LonelyPsuError(
            f"Variance cannot be estimated: {text} (lonely_psu={rule!r}). Merge strata, or name the units that were sampled."
        )
    if rule != "fail":
        return
    rows = listed(int(r) + 1 for r in level.lead[alone])
    raise LonelyPsuError(
        f"{int(alone.sum())} of {len(alone)} strata at stage {depth + 1} ({where}) have a single sampling unit "
        f"(see row {rows}), so their variance cannot be estimated. Merge strata, or state a rule: "
        'lonely_psu="remove", "certainty", "adjust" or "average".'
    )
