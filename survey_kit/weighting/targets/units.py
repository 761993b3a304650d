"""In which unit targets are written: shares, percentages or counts. Mixed or incomplete margins are refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from survey_kit.schema import Notice

Unit = Literal["share", "percent", "count"]

ROUNDING = 0.005  # how far published shares of one margin may be from 1
_EXACT = 1e-9
_WORDS = {"share": "shares", "percent": "percentages", "count": "counts"}


@dataclass(frozen=True, slots=True)
class UnitVerdict:
    """The common unit, the total of counts, what is wrong, and what was normalised.

    `open`: counts of which no margin gives all categories, so that nobody says what all weights sum to.
    """

    unit: Unit
    total: float
    faults: tuple[str, ...]
    notices: tuple[Notice, ...]
    open: bool = False


def judge_units(
    margins: Mapping[str, Sequence[float]],
    rows: int,
    base_total: float,
    free: Mapping[str, str] | None = None,
    stated: Unit | None = None,
) -> UnitVerdict:
    """The unit of all margins from their sums.

    Args:
        margins: the targets of each margin.
        rows, base_total: number of rows, sum of the base weights.
        free: margins of which some categories have no target, and how those are shown.
        stated: the unit where it is known, whatever the sums.

    A margin is in shares if it sums to 1 within 0.005, in percentages if it sums to 100 within 0.5, else in counts. A
    sum near 1 or 100 that is neither is refused, unless it is the number of rows or the total of the base weights.

    A margin with free categories has the unit of the others; where there are none, targets that sum to less than 1 are
    shares, to more than 100 counts.
    """
    free = free or {}
    full = _judge_full({m: v for m, v in margins.items() if m not in free}, rows, base_total, stated)
    open_ = {name: values for name, values in margins.items() if name in free}
    if not open_:
        return full
    if len(open_) == len(margins):
        return _judge_open(open_, free)
    scale = {"share": 1.0, "percent": 100.0, "count": full.total}[full.unit]
    faults = [text for m, v in open_.items() if (text := _no_room(m, v, free[m], full.unit, scale))]
    return replace(full, faults=(*full.faults, *faults))


def _judge_open(margins: Mapping[str, Sequence[float]], free: Mapping[str, str]) -> UnitVerdict:
    """The unit where every margin has free categories."""
    sums = {name: float(np.sum(values)) for name, values in margins.items()}
    if all(total < 1 for total in sums.values()):
        return UnitVerdict("share", 1.0, (), ())
    if all(total > 100 * (1 + ROUNDING) for total in sums.values()):
        return UnitVerdict("count", 1.0, (), (), open=True)
    full = [
        text
        for m, v in margins.items()
        if 1 <= sums[m] <= 1 + ROUNDING and (text := _no_room(m, v, free[m], "share", 1.0))
    ]
    faults = full or (
        f"{name!r}: a sum of {total:.6g} with categories left free can be percentages or counts. Write shares that sum to "
        "less than 1, or give another margin in full."
        for name, total in sums.items()
        if total >= 1
    )
    return UnitVerdict("share", 1.0, tuple(faults), ())


def _no_room(name: str, values: Sequence[float], free: str, unit: Unit, scale: float) -> str:
    """What is wrong with a margin that has free categories, given the unit of the others; "" where nothing is."""
    total = float(np.sum(values))
    if unit != "share" and 0 < total < 1:
        return (
            f"The units differ: {name!r} is in shares (sum {total:.6g}), other margins are in {_WORDS[unit]}. Give all "
            "margins in one unit."
        )
    if total >= scale * (1 - _EXACT):
        return (
            f"{name!r}: the targets sum to {total:.6g} of {scale:.10g} ({_WORDS[unit]}), which leaves nothing for what has "
            f"no target: {free}. Correct them, or leave these categories out of the data."
        )
    return ""


def _judge_full(
    margins: Mapping[str, Sequence[float]], rows: int, base_total: float, stated: Unit | None
) -> UnitVerdict:
    sums = {name: float(np.sum(values)) for name, values in margins.items()}
    largest = {name: max(values) for name, values in margins.items()}
    units = {name: stated or _unit(total, largest[name], rows, base_total) for name, total in sums.items()}
    faults = [_incomplete(name, sums[name], unit) for name, unit in units.items() if unit.startswith("near")]
    clear = {name: unit for name, unit in units.items() if not unit.startswith("near")}
    kinds = dict.fromkeys(clear.values())
    if len(kinds) > 1:
        faults.append(_mixed(clear, sums))
    elif "count" in kinds:
        faults += _different_totals({name: sums[name] for name in clear})
    unit = cast(Unit, next(iter(kinds), "share"))
    total = next((sums[name] for name in clear), 1.0)
    return UnitVerdict(unit, total, tuple(faults), tuple(_normalised(clear, sums, margins)))


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


def _normalised(
    units: Mapping[str, str], sums: Mapping[str, float], margins: Mapping[str, Sequence[float]]
) -> list[Notice]:
    goals = {"share": 1.0, "percent": 100.0}
    return [
        Notice("normalised", f"The {_WORDS[unit]} of {name!r} sum to {sums[name]:.6g}; they were divided by their sum.")
        for name, unit in units.items()
        if unit in goals and abs(sums[name] / goals[unit] - 1) > _rounding(margins[name])
    ]


def _rounding(values: Sequence[float]) -> float:
    """What sums of shares may be off by for the precision of their numbers: single precision has 24 bits."""
    single = np.array_equal(np.asarray(values, dtype=np.float32), np.asarray(values, dtype=np.float64))
    return len(values) * 2.0**-24 if single else _EXACT
