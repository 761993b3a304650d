"""Rows of a plot: labels on the left, a plot area, columns on the right. Heights come from the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from survey_kit.charts.axis import Axis
from survey_kit.charts.drawing import Line, Text
from survey_kit.charts.letters import LEADING, width, wrap
from survey_kit.charts.page import AXIS, EDGE, LABEL, VALUE, Page, label_room
from survey_kit.charts.palette import FAINT, GUIDE, INK, MUTED

GAP = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its label, its height, and its place among the data; a block heading has no place."""

    label: str
    place: int | None
    lines: tuple[str, ...]
    height: float
    y: float = 0.0
    above: float = 0.0

    @property
    def middle(self) -> float:
        """The middle of what is drawn."""
        return self.y + self.above + (self.height - self.above) / 2

    @property
    def label_middle(self) -> float:
        """The middle of the label: beside what is drawn, or above it."""
        return self.y + self.above / 2 if self.above else self.middle


def set_rows(
    page: Page, labels: Sequence[tuple[str, int | None]], share: float, least: float, indent: float = 0.0
) -> tuple[list[Row], float]:
    """Lay out rows under each other from where the page stands.

    Args:
        labels: (text, place among the data, or None for a block heading).
        share: most of the width that labels may take.
        least: height of a row with one line.
        indent: of rows under a heading.

    Returns:
        (rows with their heights, right edge of the labels).
    """
    room = share * page.frame.inner
    plain = [t for t, place in labels if place is not None]
    headings = [t for t, place in labels if place is None]
    wide = max(label_room(plain, LABEL, room - indent) + indent, min(label_room(headings, LABEL, room, True), room))
    rows, y = [], page.y
    for text, place in labels:
        bold = place is None
        lines = tuple(wrap(text, LABEL, wide - (0 if bold else indent), bold, most=3))
        height = max(least, len(lines) * LABEL * LEADING + 4) + (4 if bold and y > page.y else 0)
        rows.append(Row(text, place, lines, height, y))
        y += height
    page.y = y
    return rows, EDGE + wide


def set_rows_above(page: Page, labels: Sequence[str], least: float) -> tuple[list[Row], float]:
    """Rows whose labels stand above what is drawn, for pages too narrow to have them beside it."""
    rows, y = [], page.y
    for place, text in enumerate(labels):
        lines = tuple(wrap(text, LABEL, page.frame.inner, most=3))
        above = len(lines) * LABEL * LEADING
        rows.append(Row(text, place, lines, above + least, y, above))
        y += above + least
    page.y = y
    return rows, EDGE


def draw_labels(page: Page, rows: Sequence[Row], indent: float = 0.0, muted: Sequence[int] = ()) -> None:
    """Write the labels of rows, headings in bold."""
    for row in rows:
        heading = row.place is None
        colour = MUTED if row.place in muted else INK
        middle = row.label_middle + (2 if heading else 0)
        page.lines(row.lines, EDGE + (0 if heading else indent), middle, LABEL, colour, heading)


def draw_guides(page: Page, axis: Axis, top: float, bottom: float, texts: Sequence[str], strong: float | None) -> None:
    """Vertical guides with their values above; the value `strong` gets a firmer line."""
    last = -1e9
    for tick, text in zip(axis.ticks, texts, strict=True):
        x = axis.at(tick)
        firm = strong is not None and abs(tick - strong) < 1e-9
        page.marks.append(Line(x, top, x, bottom, FAINT if firm else GUIDE, 0.9 if firm else 0.8))
        half = width(text, AXIS) / 2
        if x - half > last + 4:
            page.marks.append(Text(x, top - 4, text, AXIS, MUTED, align="center"))
            last = x + half


def column(page: Page, rows: Sequence[Row], texts: dict[int, str], right: float, heading: str, top: float) -> None:
    """A right-aligned column of numbers beside the rows, such as n."""
    if heading:
        page.marks.append(Text(right, top - 4, heading, AXIS, MUTED, align="right"))
    for row in rows:
        if row.place is not None and row.place in texts:
            page.lines([texts[row.place]], right, row.middle, VALUE - 0.5, MUTED, align="right")


def column_room(texts: Sequence[str], heading: str = "") -> float:
    """Width of such a column."""
    return max([width(t, VALUE - 0.5) for t in texts] + [width(heading, AXIS)], default=0.0)
