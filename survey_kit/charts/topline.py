"""Topline: bars of the answers to one question, with their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.charts.axis import Axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Box, Line, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import ACCENT, INK, MUTED, NEUTRAL, RULE, WHITE
from survey_kit.charts.rows import GAP, draw_labels, set_rows
from survey_kit.charts.source import Source, is_nonresponse, refuse_empty
from survey_kit.errors import ArgumentError
from survey_kit.results.display import percent

HEIGHT, BAR = 21.0, 13.0


def topline(source: Source, frame: Frame, sort: bool | None = None) -> Chart:
    """One bar for each answer. `sort`: by value; by default only where several answers could be given. Answers such as
    "don't know" come last, in grey."""
    if len(source.variables) > 1 or source.by:
        raise ArgumentError('kind="topline" draws one question without groups. Use "likert" or "dots".')
    data = _ordered(source.frame, sort)
    refuse_empty(data, "topline")
    labels = data[schema.ANSWER].astype(str).tolist()
    page = Page(frame)
    page.head()
    rows, left = set_rows(page, [(t, i) for i, t in enumerate(labels)], 0.42, HEIGHT)
    texts = [percent(v) for v in data[schema.ESTIMATE]]
    left += GAP
    right = EDGE + frame.inner - max(width(t, VALUE, True) for t in texts) - 8
    high = float(np.nanmax(data[[schema.ESTIMATE, schema.CI_HIGH]].to_numpy()))
    axis = Axis(0.0, max(high, 1e-6), left, right, ())
    page.marks.append(Line(left, rows[0].y, left, page.y, RULE, 1.0))
    grey = [i for i, t in enumerate(labels) if is_nonresponse(t)]
    draw_labels(page, rows, muted=grey)
    for row, (_, values) in zip(rows, data.iterrows(), strict=True):
        _bar(page, axis, row.middle, values, NEUTRAL if row.place in grey else ACCENT, texts[row.place or 0])
    alt = "; ".join(f"{label} {text}" for label, text in zip(labels, texts, strict=True))
    return Chart("topline", frame.title, frame.subtitle, data, frame.caption, f"Bar chart. {alt}.", page.foot())


def _bar(page: Page, axis: Axis, middle: float, values: pd.Series, colour: str, text: str) -> None:
    estimate, low, high = (float(values[c]) for c in (schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH))
    if not np.isfinite(estimate):
        page.marks.append(Text(axis.left + 4, middle + VALUE * 0.35, text, VALUE, INK))
        return
    end = axis.at(estimate)
    page.marks.append(Box(axis.left, middle - BAR / 2, end - axis.left, BAR, colour))
    if np.isfinite(low) and np.isfinite(high) and high > low:
        page.marks.append(Line(axis.at(low), middle, end, middle, WHITE, 0.9))
        page.marks.append(Line(end, middle, axis.at(high), middle, MUTED, 0.9))
        end = max(end, axis.at(high))
    page.marks.append(Text(end + 5, middle + VALUE * 0.35, text, VALUE, INK, bold=True))


def _ordered(frame: pd.DataFrame, sort: bool | None) -> pd.DataFrame:
    """Answers in their order, or by value; nonresponse last."""
    several = float(frame[schema.ESTIMATE].sum()) > 1 + 1e-6
    last = frame[schema.ANSWER].astype(str).map(is_nonresponse).astype(int)
    by_value = -frame[schema.ESTIMATE] if (several if sort is None else sort) else pd.Series(0.0, index=frame.index)
    order = pd.DataFrame({"last": last, "value": by_value}).sort_values(["last", "value"], kind="stable").index
    return frame.loc[order].reset_index(drop=True)
