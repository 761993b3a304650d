"""What the charts of margins share: the categories that are drawn, their rows, the key, the footer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.charts.drawing import Dot, Line, Mark, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import AXIS, EDGE, VALUE, Page
from survey_kit.charts.palette import ACCENT, FAINT, INK, MUTED
from survey_kit.charts.rows import Row, set_rows
from survey_kit.results.display import number
from survey_kit.results.letters import clean
from survey_kit.results.weights import Weights
from survey_kit.results.weights_summary import furthest, heading_of, in_own_units, label_of

MOST = 60  # categories in one chart
BEFORE = "before"


@dataclass(frozen=True, eq=False)
class Margins:
    """The targets that are drawn.

    Attributes:
        data: rows of `in_own_units` with `before` (base_share - target_share).
        headings, labels: of each row. left: categories that are not drawn.
    """

    data: pd.DataFrame
    headings: tuple[str, ...]
    labels: tuple[str, ...]
    left: int

    @property
    def told(self) -> tuple[str, ...]:
        """A line of the footer on what is not drawn."""
        if not self.left:
            return ()
        drawn = len(self.data)
        return (f"The {drawn} of {number(drawn + self.left)} categories that were furthest from their targets.",)


def margins_of(weights: Weights, titles: Mapping[str, str] | None, numbers: str = "") -> Margins:
    """At most 60 categories, those furthest from their targets. `numbers`: what the heading over numbers adds."""
    table = in_own_units(weights.targets)
    table = table.assign(**{BEFORE: table["base_share"] - table["target_share"]})
    data = table.iloc[furthest(table, MOST)].reset_index(drop=True)
    records = data.to_dict("records")
    headings = [heading_of(weights, row, titles) + (numbers if row["number"] else "") for row in records]
    labels = [label_of(weights, row, titles) for row in records]
    return Margins(data, tuple(headings), tuple(labels), len(table) - len(data))


def margin_rows(page: Page, margins: Margins, height: float) -> tuple[list[Row], float]:
    """A row for each category under the heading of its variable."""
    labels: list[tuple[str, int | None]] = []
    variables = margins.data["variable"].astype(str).where(~margins.data["number"].astype(bool), "")
    before = None
    for place, (variable, heading, label) in enumerate(zip(variables, margins.headings, margins.labels, strict=True)):
        if variable != before:
            labels.append((heading, None))
        labels.append((label, place))
        before = variable
    return set_rows(page, labels, 0.36, height, 10.0)


def draw_key(page: Page, target: bool = False) -> None:
    """What the dots stand for, and the tick of the target."""
    x, y = EDGE, page.y + AXIS
    entries: Sequence[tuple[str, Mark, str]] = [
        ("before weighting", Dot(4, -3, 3.3, FAINT, True), MUTED),
        ("after weighting", Dot(4, -3, 3.3, ACCENT, False), INK),
        *([("target", Line(4, -8.5, 4, 2.5, INK, 1.2), INK)] if target else []),
    ]
    for text, mark, colour in entries:
        page.marks.append(_moved(mark, x, y))
        page.marks.append(Text(x + 12, y, text, AXIS, colour))
        x += 12 + width(text, VALUE) + 14
    page.y = y + 4


def _moved(mark: Mark, x: float, y: float) -> Mark:
    if isinstance(mark, Dot):
        return Dot(mark.x + x, y + mark.y, mark.radius, mark.colour, mark.hollow)
    assert isinstance(mark, Line)
    return Line(mark.x1 + x, y + mark.y1, mark.x2 + x, y + mark.y2, mark.colour, mark.width)


def cost(weights: Weights) -> str:
    """Bases and design effect: "n = 1,000, effective n = 705; design effect of weighting 1.42."."""
    n = int(np.count_nonzero(weights.values.to_numpy() > 0))
    return (
        f"n = {number(n)}, effective n = {number(weights.n_eff)}; design effect of weighting {number(weights.deff, 2)}."
    )


def notices_of(weights: Weights, without: Collection[str] = ()) -> tuple[str, ...]:
    """A line of the footer with what the weights say of themselves, `without` some kinds of notices."""
    text = " ".join(dict.fromkeys(clean(notice.text) for notice in weights.notices if notice.kind not in without))
    return (text,) if text else ()
