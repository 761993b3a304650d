"""Love plot: how far each category's share is from its target before and after weighting."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.charts.axis import linear_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Dot, Line, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import AXIS, EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import ACCENT, FAINT, INK, MUTED
from survey_kit.charts.rows import GAP, Row, column, column_room, draw_guides, draw_labels, set_rows
from survey_kit.results.display import number, percent, points
from survey_kit.results.letters import clean
from survey_kit.results.weights import Weights

HEIGHT = 17.0
BEFORE = "before"


def love(weights: Weights, frame: Frame, titles: dict[str, str] | None = None) -> Chart:
    """One row for each category: a hollow dot for the base-weighted share, a filled one for the weighted share, both as
    points from the target. `titles`: titles of the variables."""
    data = _data(weights)
    page = Page(frame)
    page.head()
    _key(page)
    page.y += AXIS + 8
    rows, left = _rows(page, data, {**weights.titles, **(titles or {})})
    edge = EDGE + frame.inner
    shares = {i: percent(v, 1) for i, v in enumerate(data["target_share"])}
    room = column_room(list(shares.values()), "target") + 22
    values = np.concatenate([data[BEFORE], data["gap"], [-0.01, 0.01]])
    axis = linear_axis(values, left + GAP + 4, edge - room, zero=True)
    draw_labels(page, rows, 10.0)
    draw_guides(page, axis, rows[0].y, page.y, [points(t, axis.decimals(100)) for t in axis.ticks], 0.0)
    for row in rows:
        if row.place is not None:
            before, after = (axis.at(float(data[c].iloc[row.place])) for c in (BEFORE, "gap"))
            page.marks.append(Line(before, row.middle, after, row.middle, FAINT, 1.0))
            page.marks.append(Dot(before, row.middle, 3.2, FAINT, hollow=True))
            page.marks.append(Dot(after, row.middle, 3.4, ACCENT))
    column(page, rows, shares, edge, "target", rows[0].y)
    return Chart("love", frame.title, frame.subtitle, data, frame.caption, _alt(data), page.foot())


def weight_facts(weights: Weights) -> tuple[str, ...]:
    """Footer of a weighting chart."""
    text = (
        f"n = {number(len(weights.values))}, effective n = {number(weights.n_eff)}; design effect of weighting "
        f"{number(weights.deff, 2)}. Percentage points from the target; the largest distance after weighting is "
        f"{number(100 * weights.max_gap, 3)}."
    )
    notices = " ".join(dict.fromkeys(clean(notice.text) for notice in weights.notices))
    return (text, notices) if notices else (text,)


def _data(weights: Weights) -> pd.DataFrame:
    table = weights.targets.reset_index(drop=True)
    return table.assign(**{BEFORE: table["base_share"] - table["target_share"]})


def _rows(page: Page, data: pd.DataFrame, titles: dict[str, str]) -> tuple[list[Row], float]:
    labels: list[tuple[str, int | None]] = []
    before = None
    for place, (variable, category) in enumerate(data[[schema.VARIABLE, "category"]].astype(str).to_numpy()):
        if variable != before:
            labels.append((clean(titles.get(variable, variable)), None))
        labels.append((clean(category), place))
        before = variable
    return set_rows(page, labels, 0.36, HEIGHT, 10.0)


def _key(page: Page) -> None:
    x, y = EDGE, page.y + AXIS
    for text, colour, hollow in (("before weighting", FAINT, True), ("after weighting", ACCENT, False)):
        page.marks.append(Dot(x + 4, y - 3, 3.3, colour, hollow))
        page.marks.append(Text(x + 12, y, text, AXIS, MUTED if hollow else INK))
        x += 12 + width(text, VALUE) + 14
    page.y = y + 4


def _alt(data: pd.DataFrame) -> str:
    worst = data.iloc[int(data[BEFORE].abs().to_numpy().argmax())]
    return (
        f"Dot plot of the distance from the target for {len(data)} categories before and after weighting. Furthest before: "
        f"{clean(worst[schema.VARIABLE])} {clean(worst['category'])}, {points(float(worst[BEFORE]), 1)} points; after weighting "
        f"at most {number(100 * float(data['gap'].abs().max()), 3)} points."
    )
