"""The cells of an estimate: number, interval and bases, as the statistic wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from survey_kit import schema
from survey_kit.results.display import NOTHING, interval, number, percent, points, signed
from survey_kit.tables.cells import Cell
from survey_kit.tables.look import Look, blank, known, limits

MARK = "†"
EFFECT, PREDICTION = "average marginal effect", "predictive margin"  # statistics of margins()
HEADINGS = {
    "proportion": "%",
    "difference": "Difference",
    "contrast": "Contrast",
    "total": "Total",
    "mean": "Mean",
    "ratio": "Ratio",
    EFFECT: "Effect",
    PREDICTION: "Prediction",
}
DIGITS = {"mean": 2, "total": 0, "ratio": 3, "difference": 2, "contrast": 3, EFFECT: 3, PREDICTION: 3}


@dataclass(frozen=True, slots=True)
class Figures:
    """How the numbers of one statistic are written. `in_percent`: they are shares."""

    statistic: str
    in_percent: bool
    look: Look

    @property
    def heading(self) -> str:
        """Heading of the column of estimates."""
        if self.in_percent:
            return "Points" if self.is_signed else "%"
        return HEADINGS.get(self.statistic, self.statistic.capitalize())

    @property
    def is_signed(self) -> bool:
        """Whether numbers carry a plus sign."""
        return self.statistic in ("difference", "contrast", EFFECT)

    @property
    def digits(self) -> int:
        """Decimals."""
        return self.look.places(1 if self.in_percent else DIGITS.get(self.statistic, 2))

    def estimate(self, value: float) -> Cell:
        """The estimate; the heading says that it is a percentage, so the cell does not."""
        if self.in_percent:
            text = points(value, self.digits) if self.is_signed else percent(value, self.digits).removesuffix("%")
        else:
            text = signed(value, self.digits) if self.is_signed else number(value, self.digits)
        return known(text, value)

    def limits(self, low: float, high: float) -> Cell:
        """The confidence interval."""
        if not self.in_percent:
            return limits(low, high, self.digits)
        text = interval(low, high, self.digits).replace("%", "")
        return Cell(text, None, None if text == NOTHING else (float(low), float(high)))

    def cells(self, row: Any) -> tuple[Cell, ...]:
        """Estimate and, where it is shown, its interval, of a row of a result frame; blank where there is no row."""
        if row is None:
            return (Cell(NOTHING), *[Cell(NOTHING)] * self.look.interval)
        estimate = self.estimate(row[schema.ESTIMATE])
        return (estimate, self.limits(row[schema.CI_LOW], row[schema.CI_HIGH])) if self.look.interval else (estimate,)

    def base_label(self, weighted: bool) -> str:
        """Label of a row or column of bases."""
        smaller = "Smaller " if self.is_signed else ""
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
