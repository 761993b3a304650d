"""The cells of an estimate: number, interval and bases, as the statistic wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from survey_kit import schema
from survey_kit.results.display import NOTHING, interval, number, percent, points, signed
from survey_kit.results.statistics import EFFECT, OF_SEVERAL, PERCENT, PLACES
from survey_kit.results.units import DIFFERENCE, NUMBER, POINTS, SHARE, UNIT, column_heading
from survey_kit.tables.cells import Cell
from survey_kit.tables.look import Look, blank, known, limits

MARK = "†"
_IN_PERCENT = {NUMBER: SHARE, DIFFERENCE: POINTS}
_AS_NUMBERS = {unit: number for number, unit in _IN_PERCENT.items()}


@dataclass(frozen=True, slots=True)
class Figures:
    """How the numbers of one statistic are written.

    Attributes:
        statistic: its name. units: those of the rows. look: what was asked for.
    """

    statistic: str
    units: frozenset[str]
    look: Look

    @property
    def heading(self) -> str:
        """Heading of the column of estimates."""
        return column_heading([self.statistic], self.units)

    @property
    def in_percent(self) -> bool:
        """Whether the heading says that all are percentages or points, so that the cells need not."""
        return self.units in ({SHARE}, {POINTS})

    @property
    def compares(self) -> bool:
        """Whether an estimate is about several groups or levels."""
        return self.statistic in (*OF_SEVERAL, EFFECT)

    def digits(self, row: Any) -> int:
        """Decimals: those asked for, or those of the statistic."""
        return self.look.places(PERCENT if row[UNIT] in (SHARE, POINTS) else row[PLACES])

    def estimate(self, value: float, unit: str, digits: int) -> Cell:
        """The estimate, with its unit where the heading does not say it."""
        if unit == SHARE:
            text = percent(value, digits)
            text = text.removesuffix("%") if self.in_percent else text
        elif unit == POINTS:
            text = points(value, digits)
            text = text if self.in_percent or text == NOTHING else f"{text} pts"
        else:
            text = (signed if unit == DIFFERENCE else number)(value, digits)
        return known(text, value)

    def limits(self, low: float, high: float, unit: str, digits: int) -> Cell:
        """The confidence interval."""
        if unit not in (SHARE, POINTS):
            return limits(low, high, digits)
        text = interval(low, high, digits)
        text = text if unit == SHARE and not self.in_percent else text.replace("%", "")
        return Cell(text, None, None if text == NOTHING else (float(low), float(high)))

    def cells(self, row: Any) -> tuple[Cell, ...]:
        """Estimate and, where it is shown, its interval, of a row of a result frame; blank where there is no row."""
        if row is None:
            return (Cell(NOTHING), *[Cell(NOTHING)] * self.look.interval)
        unit, digits = row[UNIT], self.digits(row)
        estimate = self.estimate(row[schema.ESTIMATE], unit, digits)
        if not self.look.interval:
            return (estimate,)
        return estimate, self.limits(row[schema.CI_LOW], row[schema.CI_HIGH], unit, digits)

    def base_label(self, weighted: bool) -> str:
        """Label of a row or column of bases."""
        smaller = "Smaller " if self.compares else ""
        text = "weighted base" if weighted else "unweighted base (n)"
        return f"{smaller}{text}" if smaller else text.capitalize()


def base(values: Sequence[float], marked: bool) -> Cell:
    """A number of respondents, marked where it is small; the range where it varies from answer to answer."""
    low, high = min(values, default=float("nan")), max(values, default=float("nan"))
    sign = f" {MARK}" if marked and low < schema.LOW_BASE else ""
    if low == high:
        return Cell(f"{number(low)}{sign}", float(low))
    if not low < high:
        return blank()
    return Cell(f"{number(low)} to {number(high)}{sign}", None, (float(low), float(high)))


def shown_units(units: Any, percent_asked: bool | None) -> Any:
    """Units as they are shown: `percent` turns numbers into percentages and differences into points, or back."""
    turned = {True: _IN_PERCENT, False: _AS_NUMBERS, None: {}}[percent_asked]
    return [turned.get(unit, unit) for unit in units]
