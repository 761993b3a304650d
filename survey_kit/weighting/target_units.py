"""In which unit targets are written: shares, percentages or counts. Mixed or incomplete margins are refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from survey_kit.schema import Notice

Unit = Literal["share", "percent", "count"]

ROUNDING = 0.005  # how far published shares of one margin may be from 1
_EXACT = 1e-9
_WORDS = {"share": "shares", "percent": "percentages", "count": "counts"}


@dataclass(frozen=True, slots=True)
class UnitVerdict:
    """The common unit, the total of counts, what is wrong, and what was normalised."""

    unit: Unit
    total: float
    faults: tuple[str, ...]
    notices: tuple[Notice, ...]


def judge_units(margins: Mapping[str, Sequence[float]], rows: int, base_total: float) -> UnitVerdict:
    """The unit of all margins from their sums.

    A margin is in shares if it sums to 1 within 0.005, in percentages if it sums to 100 within 0.5, else in counts. A
    sum near 1 or 100 that is neither is refused, unless it is the number of rows or the total of the base weights.
    """
    sums = {name: float(np.sum(values)) for name, values in margins.items()}
    largest = {name: max(values) for name, values in margins.items()}
    units = {name: _unit(total, largest[name], rows, base_total) for name, total in sums.items()}
    faults = [_incomplete(name, sums[name], unit) for name, unit in units.items() if unit.startswith("near")]
    clear = {name: unit for name, unit in units.items() if not unit.startswith("near")}
    kinds = dict.fromkeys(clear.values())
    if len(kinds) > 1:
        faults.append(_mixed(clear, sums))
    elif "count" in kinds:
        faults += _different_totals({name: sums[name] for name in clear})
    unit = cast(Unit, next(iter(kinds), "share"))
    total = next((sums[name] for name in clear), 1.0)
    return UnitVerdict(unit, total, tuple(faults), tuple(_normalised(clear, sums)))


def _unit(total: float, largest: float, rows: int, base_total: float) -> str:
    if abs(total - 1) <= ROUNDING + _EXACT:
        return "share"
    if abs(total - 100) <= 100 * ROUNDING + _EXACT:
        return "percent"
    if largest <= 1 and total < 1.5:
        return "near share"
    known_total = any(abs(total - t) <= 1e-6 * t for t in (rows, base_total))
    return "near percent" if 90 <= total <= 110 and not known_total else "count"


def _incomplete(name: str, total: float, unit: str) -> str:
    goal, within = ("1", ROUNDING) if unit == "near share" else ("100", 100 * ROUNDING)
    kind = "shares" if unit == "near share" else "percentages"
    return f"{name!r}: the targets sum to {total:.6g}; {kind} must sum to {goal} (within {within}). Correct them."


def _mixed(units: Mapping[str, str], sums: Mapping[str, float]) -> str:
    each = ", ".join(f"{name!r} is in {_WORDS[unit]} (sum {sums[name]:.6g})" for name, unit in units.items())
    return f"The units differ: {each}. Give all margins in one unit."


def _different_totals(sums: Mapping[str, float]) -> list[str]:
    (first, total), *others = sums.items()
    return [
        f"The counts have different totals: {first!r} sums to {total:.10g}, {name!r} to {other:.10g}. Scale one."
        for name, other in others
        if abs(other - total) > _EXACT * total
    ]


def _normalised(units: Mapping[str, str], sums: Mapping[str, float]) -> list[Notice]:
    goals = {"share": 1.0, "percent": 100.0}
    return [
        Notice("normalised", f"The {_WORDS[unit]} of {name!r} sum to {sums[name]:.6g}; they were divided by their sum.")
        for name, unit in units.items()
        if unit in goals and abs(sums[name] / goals[unit] - 1) > _EXACT
    ]
