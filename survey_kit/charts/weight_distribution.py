"""Distribution of the weights: a histogram in multiples of their mean, with the mean and the limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.charts.axis import Axis, linear_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Box, Line, Text
from survey_kit.charts.letters import LEADING, width
from survey_kit.charts.page import AXIS, EDGE, Frame, Page
from survey_kit.charts.palette import ACCENT, ACCENT_SOFT, FAINT, GUIDE, INK, MUTED, RULE, WARNING
from survey_kit.charts.weight_rows import cost, notices_of
from survey_kit.errors import ArgumentError
from survey_kit.kernels.groups import FloatArray
from survey_kit.results.display import NOTHING, number, percent
from survey_kit.results.weights import Weights
from survey_kit.results.weights_summary import amount

HEIGHT = 150.0
_BAR = 9.0  # points of a bar, at least
_FAR = 6.0  # largest weight over the median beyond which the axis is logarithmic
_LEAST = 1e-6  # of the largest weight; smaller ones stand at the left end of a logarithmic axis
_TICK = 34.0  # points between two ticks of a logarithmic axis


@dataclass(frozen=True, eq=False)
class Multiples:
    """Weights as multiples of the mean of the positive ones.

    Attributes:
        values: the weights that are not zero. mean: in weights.
        lower, upper: limits, None without; at_lower, at_upper: rows at them.
        low, median, high: of the positive ones; log: whether their axis is logarithmic.
    """

    values: FloatArray
    mean: float
    lower: float | None
    upper: float | None
    at_lower: int
    at_upper: int
    low: float
    median: float
    high: float

    @property
    def log(self) -> bool:
        return bool(self.high > _FAR * self.median) and not self.below

    @property
    def below(self) -> int:
        """Negative weights."""
        return int((self.values < 0).sum())

    @property
    def equal(self) -> bool:
        return bool(np.ptp(self.values) <= 1e-9 * abs(self.high))


def distribution(weights: Weights, frame: Frame) -> Chart:
    """A bar for each range of weights; rows at a limit are darker, negative weights in a colour of their own."""
    found = multiples_of(weights)
    page = Page(frame)
    page.head()
    left, right = EDGE + _count_room(len(found.values)), EDGE + frame.inner - 6
    axis, edges = _axis(found, left, right)
    data = _bins(found, edges)
    top, down = _labels(page, found, axis)
    bottom = top + HEIGHT
    page.marks += _counts(data, left, right, top, bottom)
    page.marks += _bars(data, axis, top, bottom)
    page.marks += down
    page.y = bottom
    _ticks(page, axis)
    return Chart("weights", frame.title, frame.subtitle, data, frame.caption, _alt(weights, found, data), page.foot())


def multiples_of(weights: Weights) -> Multiples:
    """The weights in multiples of their mean."""
    values = weights.values.to_numpy(dtype=float)
    positive = values[values > 0]
    if not len(positive):
        raise ArgumentError("There is nothing to draw: no weight is above zero.")
    mean = float(positive.mean())
    lower, upper = (None if limit is None else limit / mean for limit in (weights.lower, weights.upper))
    low, median, high = (float(v) / mean for v in (positive.min(), np.median(positive), positive.max()))
    return Multiples(
        values[values != 0] / mean, mean, lower, upper, weights.at_lower, weights.at_upper, low, median, high
    )


def distribution_facts(weights: Weights) -> tuple[str, ...]:
    """Footer of a histogram of weights."""
    found, facts = multiples_of(weights), weights.summary()
    text = (
        f"{cost(weights)} Weights from {amount(found.low)} to {amount(found.high)} times the mean, median "
        f"{amount(found.median)}; one respondent holds at most {percent(facts['largest_share'], 2)} of the total weight."
    )
    zero = int((weights.values == 0).sum())
    parts = [f"rows of weight zero: {number(zero)}"] * bool(zero)
    parts += [f"rows of negative weight: {number(found.below)}"] * bool(found.below)
    outside = (f"Not in these figures, {' and '.join(parts)}.",) if parts else ()
    return (text, *outside, *_held_back(found), *notices_of(weights, ("zero_base", "negative_weights")))


def distribution_wording(weights: Weights) -> str:
    """What is drawn."""
    found = multiples_of(weights)
    mean = f" ({amount(found.mean)})" if abs(found.mean - 1) > 5e-4 else ""
    return (
        f"Respondents by weight, in multiples of the mean weight{mean}{', on a logarithmic axis' if found.log else ''}"
    )


def _held_back(found: Multiples) -> tuple[str, ...]:
    least = _LEAST * found.high
    n = int((found.values < least).sum()) if found.log else 0
    return (f"Weights below {amount(least)} times the mean stand at the left end: {number(n)}.",) if n else ()


# --- axis and bins -----------------------------------------------------------------------------------------------------


def _axis(found: Multiples, left: float, right: float) -> tuple[Axis, FloatArray]:
    """The axis and the edges of its bars: parts of the distance of two ticks, or equal on a logarithmic axis."""
    limits = [limit for limit in (found.lower, found.upper) if limit is not None and np.isfinite(limit)]
    most = max(4, int((right - left) / _BAR))
    if found.log:
        low = min([max(found.low, _LEAST * found.high), 1.0, *(x for x in limits if x > 0)]) * 0.9
        high = max([found.high, 1.0, *limits]) * 1.1
        axis = Axis(low, high, left, right, _log_ticks(low, high, int((right - left) / _TICK)), log=True)
        return axis, np.geomspace(low, high, min(most, 48) + 1)
    ends = np.array([0.0, 2.0 if found.equal else 1.05, found.values.min(), found.high, *limits])
    whole = linear_axis(ends, left, right, zero=True)
    step = whole.ticks[1] - whole.ticks[0]
    bar = step / max((k for k in (1, 2, 4, 5, 10, 20) if k * np.ptp(ends) / step <= most), default=1)
    first, last = math.floor(ends.min() / bar + 1e-9), math.ceil(ends.max() / bar - 1e-9)
    edges = np.round((np.arange(first, last + 1 + found.equal) - 0.5 * found.equal) * bar, 10)
    ticks = tuple(t for t in whole.ticks if edges[0] <= t <= edges[-1])
    return Axis(float(edges[0]), float(edges[-1]), left, right, ticks), edges


def _log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """1, 2, 5, or 1, 3, or powers of ten, or every so many of them: as many as have room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    powers = range(first, last + 1)
    for leading in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**k for k in powers for m in leading if low <= m * 10.0**k <= high]
        if len(ticks) <= most:
            return tuple(ticks)
    step = math.ceil(len(ticks) / max(most, 1))
    return tuple(10.0**k for k in powers if k % step == 0 and low <= 10.0**k <= high)


def _bins(found: Multiples, edges: FloatArray) -> pd.DataFrame:
    """One row for each bar: low, high (multiples of the mean), n, at_limit. Rows at the upper limit stand left of it."""
    values = np.clip(found.values, edges[0], edges[-1])
    at_upper, at_lower = (_at(values, limit) for limit in (found.upper, found.lower))
    nudged = np.where(at_upper, values * (1 - 1e-8), np.where(at_lower, values * (1 + 1e-8), values * (1 + 1e-12)))
    n, limit = (np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for v in (nudged, nudged[at_upper | at_lower]))
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n, "at_limit": limit})


def _at(values: FloatArray, limit: float | None) -> np.ndarray:
    if limit is None:
        return np.zeros(len(values), dtype=bool)
    return np.isclose(values, limit, rtol=1e-9, atol=0.0) & (values > 0)


# --- marks -------------------------------------------------------------------------------------------------------------


def _count_room(n: int) -> float:
    return width(number(n), AXIS) + 8


def _counts(data: pd.DataFrame, left: float, right: float, top: float, bottom: float) -> list[Line | Text]:
    """Horizontal guides with numbers of respondents."""
    most = _most(data)
    step = next(s for s in _steps() if most / s <= 4)
    out: list[Line | Text] = []
    for count in range(0, most + 1, step):
        y = bottom - count / most * (bottom - top)
        out.append(Line(left, y, right, y, RULE if count == 0 else GUIDE, 1.0 if count == 0 else 0.8))
        out.append(Text(left - 5, y + AXIS * 0.35, number(count), AXIS, MUTED, align="right"))
    return out


def _steps() -> list[int]:
    return [m * 10**k for k in range(9) for m in (1, 2, 5)]


def _most(data: pd.DataFrame) -> int:
    """The count at the top of the plot: a round one above the highest bar."""
    highest = max(int(data["n"].max()), 1)
    step = next(s for s in _steps() if highest / s <= 4)
    return max(math.ceil(highest / step) * step, 1)


def _bars(data: pd.DataFrame, axis: Axis, top: float, bottom: float) -> list[Box]:
    out = []
    scale = (bottom - top) / _most(data)
    for low, high, n, held in data.itertuples(index=False):
        x = axis.at(low) + 0.5
        wide, tall = max(axis.at(high) - 0.5 - x, 0.5), n * scale
        if n:
            colour = WARNING if high <= 1e-12 else ACCENT_SOFT
            out.append(Box(x, bottom - tall, wide, tall, colour))
        if held:
            out.append(Box(x, bottom - held * scale, wide, held * scale, ACCENT))
    return out


def _words(found: Multiples) -> list[tuple[float, str, str]]:
    """(place, text, colour) of the mean and the limits, from left to right."""
    sides = [(found.lower, found.at_lower), (found.upper, found.at_upper)]
    limits = [(x, f"limit {amount(x)}: n = {number(n)}", ACCENT) for x, n in sides if x is not None]
    return sorted([(1.0, "all weights are equal" if found.equal else "mean", INK), *limits])


def _labels(page: Page, found: Multiples, axis: Axis) -> tuple[float, list[Line]]:
    """Labels of the mean and the limits above the plot, on as many lines as they need; the top of the plot, and the
    lines that go down from them."""
    words = _words(found)
    placed = _placed([(axis.at(x), text) for x, text, _ in words], page.frame.inner)
    tall = AXIS * LEADING
    top = page.y + (1 + max(line for line, _, _ in placed)) * tall + 8
    down = []
    for (value, text, colour), (line, centre, _) in zip(words, placed, strict=True):
        y, x = page.y + (line + 1) * tall, axis.at(value)
        crossed = any(at > line and abs(x - middle) < wide + 2 for at, middle, wide in placed)
        page.marks.append(Text(centre, y, text, AXIS, colour, align="center"))
        down.append(Line(x, top - 3 if crossed else y + 3, x, top + HEIGHT, colour, 1.1, dashed=colour == INK))
    return top, down


def _placed(words: Sequence[tuple[float, str]], room: float) -> list[tuple[int, float, float]]:
    """(line, centre, half its width) of each: on the first line, from the top, where nothing stands in its way."""
    ends: list[float] = []
    out: list[tuple[int, float, float]] = []
    for x, text in words:
        half = width(text, AXIS) / 2
        centre = min(max(x, EDGE + half), EDGE + room - half)
        line = next((i for i, end in enumerate(ends) if centre - half > end + 6), len(ends))
        ends[line : line + 1] = [centre + half]
        out.append((line, centre, half))
    return out


def _ticks(page: Page, axis: Axis) -> None:
    """Values of the axis below the plot."""
    y = page.y + AXIS * LEADING + 2
    for tick in axis.ticks:
        x = axis.at(tick)
        text = number(tick, max(0, -math.floor(math.log10(tick))) if axis.log else axis.decimals())
        half = width(text, AXIS) / 2
        page.marks.append(Line(x, page.y, x, page.y + 3, FAINT, 0.8))
        centre = min(max(x, EDGE + half), EDGE + page.frame.inner - half)
        page.marks.append(Text(centre, y, text, AXIS, MUTED, align="center"))
    page.y = y + 3


def _alt(weights: Weights, found: Multiples, data: pd.DataFrame) -> str:
    peak = data.iloc[int(data["n"].to_numpy().argmax())]
    limits = "".join(f"; {text}" for _, text, colour in _words(found) if colour == ACCENT)
    below = f"; {number(found.below)} negative" if found.below else ""
    mode = (
        "all are equal"
        if found.equal
        else f"most ({number(peak['n'])}) between {amount(peak['low'])} and {amount(peak['high'])}"
    )
    median = NOTHING if not np.isfinite(found.median) else amount(found.median)
    return (
        f"Histogram of {number(len(found.values))} weights in multiples of the mean, from {amount(float(found.values.min()))} "
        f"to {amount(found.high)}, median {median}: {mode}{limits}{below}. Design effect {number(weights.deff, 2)}, effective "
        f"n {number(weights.n_eff)}."
    )
