"""Love plot: how far each category's share is from its target before and after weighting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from survey_kit.charts.axis import Axis, linear_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Dot, Line
from survey_kit.charts.page import AXIS, EDGE, Frame, Page
from survey_kit.charts.palette import ACCENT, FAINT
from survey_kit.charts.rows import GAP, Row, column, column_room, draw_guides, draw_labels
from survey_kit.charts.weight_rows import (
    BEFORE,
    Margins,
    cost,
    draw_key,
    margin_rows,
    margins_of,
    notices_of,
)
from survey_kit.results.display import number, points
from survey_kit.results.letters import clean
from survey_kit.results.weights import Weights
from survey_kit.results.weights_summary import OWN_UNITS, margin_text

HEIGHT = 17.0
WORDING = "Share of each category minus its population target, in percentage points"


def love(weights: Weights, frame: Frame, titles: dict[str, str] | None = None) -> Chart:
    """One row for each category: a hollow dot for the base-weighted share, a filled one for the weighted share, both as
    points from the target; means and totals in percent of the target. `titles`: titles of the variables."""
    margins = margins_of(weights, titles, ", % from the target")
    data = margins.data
    frame = replace(frame, caption=(*frame.caption[:1], *margins.told, *frame.caption[1:]))
    page = Page(frame)
    page.head()
    draw_key(page)
    page.y += AXIS + 8
    rows, left = margin_rows(page, margins, HEIGHT)
    edge = EDGE + frame.inner
    shares = {i: margin_text(row, "target") for i, row in enumerate(data.to_dict("records"))}
    room = column_room(list(shares.values()), "target") + 22
    values = np.concatenate([data[BEFORE], data["gap"], [-0.01, 0.01]]).astype(float)
    axis = linear_axis(values, left + GAP + 4, edge - room, zero=True)
    draw_labels(page, rows, 10.0)
    draw_guides(page, axis, rows[0].y, page.y, [points(t, axis.decimals(100)) for t in axis.ticks], 0.0)
    for row in rows:
        if row.place is not None:
            _draw(page, axis, row, data.iloc[row.place])
    column(page, rows, shares, edge, "target", rows[0].y)
    numbers = data.drop(columns=list(OWN_UNITS))
    return Chart("love", frame.title, frame.subtitle, numbers, frame.caption, _alt(margins), page.foot())


def _draw(page: Page, axis: Axis, row: Row, values: pd.Series) -> None:
    """The two dots and the way between them; a share that does not exist has no dot."""
    before, after = (float(values[c]) for c in (BEFORE, "gap"))
    if np.isfinite(before) and np.isfinite(after):
        page.marks.append(Line(axis.at(before), row.middle, axis.at(after), row.middle, FAINT, 1.0))
    if np.isfinite(before):
        page.marks.append(Dot(axis.at(before), row.middle, 3.2, FAINT, hollow=True))
    if np.isfinite(after):
        page.marks.append(Dot(axis.at(after), row.middle, 3.4, ACCENT))


def love_facts(weights: Weights) -> tuple[str, ...]:
    """Footer of a love plot."""
    text = (
        f"{cost(weights)} Percentage points from the target; the largest distance after weighting is "
        f"{number(100 * weights.max_gap, 3)}."
    )
    return (text, *notices_of(weights))


def _alt(margins: Margins) -> str:
    data = margins.data
    at = int(data[BEFORE].astype(float).abs().fillna(0.0).to_numpy().argmax())
    worst = data.iloc[at]
    where = margins.labels[at] if worst["number"] else f"{clean(worst['variable'])} {clean(worst['category'])}"
    unit = " percent" if worst["number"] else " points"
    return (
        f"Dot plot of the distance from the target for {len(data)} categories before and after weighting. Furthest before: "
        f"{where}, {points(float(worst[BEFORE]), 1)}{unit}; after weighting "
        f"at most {number(100 * float(data['gap'].abs().max()), 3)} points."
    )
