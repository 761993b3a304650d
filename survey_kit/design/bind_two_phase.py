"""From a two-phase design to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundStage, Counted
from survey_kit.design.levels import Level, levels_of
from survey_kit.design.second_phase import SecondPhase
from survey_kit.design.stages import fractions_of, stage_list
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import DesignError, LonelyPsuError, UnsupportedOption, listed
from survey_kit.kernels.groups import FloatArray, IntArray, combine
from survey_kit.kernels.two_phase import DrawnStage, first_phase_scheme, two_phase_scheme


@dataclass(frozen=True, eq=False)
class Phase:
    """One phase of sampling, for the rows that it was drawn from or that it took.

    Attributes:
        levels: its stages. fractions: sampling fraction of each row at each stage with fpc. Shapes (n,).
        weight: inverse probability of each row under this phase. Shape (n,).
        stated: whether the weight was stated, not implied by fractions.
    """

    levels: Sequence[Level]
    fractions: Sequence[FloatArray]
    weight: FloatArray
    stated: bool


def bind_two_phase(
    second: SecondPhase, codes: pd.DataFrame, one: Phase, lonely_psu: str
) -> tuple[FloatArray, tuple[BoundStage, ...], Counted]:
    """The weight of both phases, the stages of the variance, and what degrees of freedom count.

    Args:
        one: phase one, all rows.

    Raises:
        DesignError, LonelyPsuError, UnsupportedOption.
    """
    rows = np.flatnonzero(second.rows)
    two = _phase_two(second, codes, rows)
    both = np.zeros(len(codes))
    both[rows] = one.weight[rows] * two.weight
    outer = two.levels[0]
    counted = Counted(_spread(outer.unit, rows, len(codes)), outer.of_unit)
    if second.method == "full":
        return both, (_full(rows, one, two, lonely_psu),), counted
    return both, _approx(second, codes, rows, one, two, lonely_psu), counted


def _phase_two(second: SecondPhase, codes: pd.DataFrame, rows: IntArray) -> Phase:
    """Phase two, the rows that it took."""
    drawn = codes.iloc[rows]
    levels = levels_of(second.strata, second.psu, drawn)
    shares = fractions_of(second.fpc, drawn, levels) if second.fpc else _counted(second, codes, rows, levels)
    if second.weight is not None:
        return Phase(levels, shares, check_weights(drawn[second.weight], second.weight), stated=True)
    return Phase(levels, shares, np.prod([1 / share for share in shares], axis=0), stated=False)


def _spread(key: IntArray, rows: IntArray, n: int) -> IntArray:
    """Keys of some rows as keys of all; other rows have weight 0 and stand in the first."""
    out = np.zeros(n, dtype=np.int64)
    out[rows] = key
    return out


def _counted(second: SecondPhase, codes: pd.DataFrame, rows: IntArray, below: Sequence[Level]) -> list[FloatArray]:
    """Share of phase one's units that phase two took, in each of its strata and stages. Shapes (n2,)."""
    out = []
    for depth, (level, found) in enumerate(zip(levels_of(second.strata, second.psu, codes), below, strict=True)):
        empty = np.bincount(level.stratum[rows], minlength=len(level.lead)) == 0
        if empty.any() and depth == 0:
            at = listed(int(r) + 1 for r in level.lead[empty])
            raise DesignError(
                f"{int(empty.sum())} of {len(empty)} strata of the second phase ({', '.join(second.strata)}) hold nobody of "
                f"it (see row {at}). Their people are not represented: merge strata."
            )
        out.append(found.size[found.stratum] / level.size[level.stratum[rows]])
    return out


def _full(rows: IntArray, one: Phase, two: Phase, lonely_psu: str) -> BoundStage:
    """Both phases as one scheme on the finest units: where the last stages of the phases meet."""
    fine, first = combine([one.levels[-1].unit[rows], two.levels[-1].unit])
    if one.fractions:
        above = _drawn(one.levels, _ruled(one, lonely_psu, "first"), rows[first], fixed=True)
    else:
        above = _drawn(one.levels, [_independent(one)], rows[first], fixed=False)
    under = _drawn(two.levels, _ruled(two, lonely_psu, "second"), first, fixed=True)
    return BoundStage(_spread(fine, rows, len(one.weight)), two_phase_scheme(above, under, len(first)))


def _independent(one: Phase) -> FloatArray:
    """Without fpc, phase one's probabilities: inverse weights, or 0 where there are none. Shape (n,)."""
    weight, level = one.weight, one.levels[0]
    if not one.stated:
        return np.zeros(len(weight))
    if len(one.levels) > 1:
        raise UnsupportedOption(
            'method="full" needs the fpc of every stage of the first phase. State it, or use method="approx" with one stage.'
        )
    inside = weight > 0
    low = np.flatnonzero(inside & (weight < 1))
    if len(low):
        raise DesignError(
            f'The weight of the first phase is {weight[low[0]]:g} in row {int(low[0]) + 1}. method="full" takes weights as '
            'inverse probabilities, which are at least 1: give such a weight or fpc, or use method="approx".'
        )
    varies = np.flatnonzero(weight != weight[level.first][level.unit])
    if len(varies):
        raise DesignError(
            f"The weight of the first phase varies within a sampling unit (row {int(varies[0]) + 1}), so it is not the inverse "
            'probability of the unit. method="full" needs that, or fpc.'
        )
    return np.where(inside, 1 / np.where(inside, weight, 1.0), 0.0)


def _drawn(levels: Sequence[Level], fractions: Sequence[FloatArray], at: IntArray, *, fixed: bool) -> list[DrawnStage]:
    """The stages of one phase for the finest units, `at` being a row of each. `fixed`: sample sizes are."""
    out: list[DrawnStage] = []
    above = np.ones(len(at))
    for level, fraction in zip(levels, fractions, strict=False):
        p, others = fraction[at], (level.size - 1)[level.stratum[at]]
        spread = (1 - p) / np.maximum(others, 1) * (others > 0) * fixed
        out.append(DrawnStage(level.stratum[at], level.unit[at], p, spread, above))
        above = above * p
    return out


def _ruled(drawn: Phase, rule: str, phase: str) -> list[FloatArray]:
    """Fractions with 1 where a rule leaves a stratum with one unit out; "adjust" keeps its square, as R does. Shapes (n,).

    Raises:
        LonelyPsuError: a stratum with one unit of several, without a rule that can be followed here.
    """
    out = []
    for level, fraction in zip(drawn.levels, drawn.fractions, strict=False):
        alone = (level.size == 1) & (fraction[level.lead] < 1)
        if alone.any() and rule not in ("remove", "certainty", "adjust"):
            offer = "state a rule" if rule == "fail" else f"use another rule than {rule!r}"
            raise LonelyPsuError(
                f"{int(alone.sum())} of {len(alone)} strata of the {phase} phase have a single sampling unit out of several. "
                f'Merge strata, or {offer}: lonely_psu="remove", "certainty" or "adjust".'
            )
        out.append(np.where(alone[level.stratum] & (rule != "adjust"), 1.0, fraction))
    return out


def _approx(
    second: SecondPhase, codes: pd.DataFrame, rows: IntArray, one: Phase, two: Phase, lonely_psu: str
) -> tuple[BoundStage, ...]:
    """Phase one on the units that phase two took, then the stages of phase two."""
    if len(one.levels) > 1:
        raise UnsupportedOption(
            f'method={second.method!r} is for a first phase of one stage; this one has {len(one.levels)}. Use method="full".'
        )
    n, level, weight = len(codes), one.levels[0], one.weight
    unit, first = combine([level.unit[rows]])
    stratum, lead = combine([level.stratum[rows[first]]])
    drawn = level.size[level.stratum[rows[first[lead]]]]
    open_part = 1 - one.fractions[0][rows[first[lead]]] if one.fractions else np.ones(len(lead))
    open_part = _thinned(stratum, drawn, open_part, lonely_psu)
    q = _probability_of_unit(second, codes, rows, level)[first]
    factor = open_part * drawn / np.maximum(drawn - 1, 1)
    outer = BoundStage(_spread(unit, rows, n), first_phase_scheme(stratum, q, factor, drawn))
    scale = None if _apart(level, two.levels[0], rows) else _inverse_root(weight)
    below = stage_list(two.levels, two.fractions, second.strata, lonely_psu)
    return (outer, *(BoundStage(_spread(s.unit, rows, n), s.scheme, scale) for s in below))


def _apart(above: Level, below: Level, rows: IntArray) -> bool:
    """Whether no two sampling units of phase two lie in one of phase one."""
    return len(np.unique(above.unit[rows[below.first]])) == len(below.first)


def _inverse_root(weight: FloatArray) -> FloatArray:
    """1 / sqrt(weight), 0 where there is none: phase two then counts with the root of phase one's weight, as in R."""
    return np.where(weight > 0, 1 / np.sqrt(np.where(weight > 0, weight, 1.0)), 0.0)


def _thinned(stratum: IntArray, drawn: IntArray, open_part: FloatArray, rule: str) -> FloatArray:
    """1 - f of phase one's strata, 0 where a rule leaves out a stratum of one unit. Raises LonelyPsuError.

    One unit of several that came into phase two says nothing of their spread, whatever the rule.
    """
    alone = (np.bincount(stratum) == 1) & (open_part > 0)
    if (alone & ((drawn > 1) | (rule not in ("remove", "certainty")))).any():
        raise LonelyPsuError(
            f"The second phase has a single sampling unit of {int(alone.sum())} strata of the first phase. Merge strata of "
            'the first phase, or use method="full".'
        )
    return np.where(alone, 0.0, open_part)


def _probability_of_unit(second: SecondPhase, codes: pd.DataFrame, rows: IntArray, level: Level) -> FloatArray:
    """Share of phase one's units that are met in phase two, by phase-two stratum, else by phase-one stratum. Shape (n2,)."""
    stratum = levels_of(second.strata[:1], (), codes)[0].stratum if second.strata else level.stratum
    there = _distinct(stratum, level.unit)
    taken = _distinct(stratum[rows], level.unit[rows], len(there))
    return taken[stratum[rows]] / there[stratum[rows]]


def _distinct(stratum: IntArray, unit: IntArray, strata: int = 0) -> IntArray:
    """Different units in each stratum."""
    _, first = combine([stratum, unit])
    return np.bincount(stratum[first], minlength=strata)
