"""Coefficients: ratios on a log axis, or effects around zero, by variable, the reference levels shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.charts.axis import linear_axis, log_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.dots import draw_dot
from survey_kit.charts.drawing import Dot, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import AXIS, EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import ACCENT, FAINT, MUTED
from survey_kit.charts.rows import GAP, Row, draw_guides, draw_labels, set_rows
from survey_kit.charts.source import Source, refuse_empty
from survey_kit.results.display import number, points, signed
from survey_kit.results.fit import ModelFit
from survey_kit.results.letters import clean
from survey_kit.results.statistics import EFFECT, PERCENT_DRAWN, PLACES, RATIOS, places
from survey_kit.results.units import NUMBER, UNIT

HEIGHT = 18.0
REFERENCE = "reference"


def fit_source(fit: ModelFit, exponentiate: bool | None) -> Source:
    """The coefficients of a model with its reference levels, without the intercept."""
    ratios = fit.link in RATIOS if exponentiate is None else exponentiate
    frame = fit.frame(exponentiate=ratios, reference=True)
    frame = frame.assign(**{UNIT: NUMBER, PLACES: places(frame)})
    frame = frame[frame[schema.VARIABLE] != "Intercept"].reset_index(drop=True)
    notices = tuple(notice.text for notice in fit.notices)
    return Source(frame, (), fit.coef.level, fit.coef.titles, {}, {**fit.coef.context, "n": fit.n}, notices)


def effect_source(source: Source) -> Source:
    """Average marginal effects with a row for each reference level."""
    reference: dict[str, str] = dict(source.context.get(REFERENCE, {}))
    parts: list[pd.DataFrame] = []
    for variable, rows in source.frame.groupby(schema.VARIABLE, sort=False):
        if str(variable) in reference and rows[schema.ANSWER].astype(str).ne("").all():
            first = rows.iloc[[0]].copy()
            first[[schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH]] = 0.0
            first[schema.SE] = np.nan
            first[schema.ANSWER], first[schema.FLAG] = reference[str(variable)], REFERENCE
            parts.append(first)
        parts.append(rows)
    frame = pd.concat(parts, ignore_index=True)
    return replace(source, frame=frame)


def coefficients(source: Source, frame: Frame) -> Chart:
    """One row for each coefficient; filled where its interval excludes no effect."""
    data = source.frame
    refuse_empty(data, "coefficients")
    kind = str(data[schema.STATISTIC].iloc[0])
    ratios, effects = kind in RATIOS.values(), kind == EFFECT
    null = 1.0 if ratios else 0.0
    page = Page(_explained(frame, data, null))
    frame = page.frame
    page.head()
    page.y += AXIS + 8
    rows, left = _rows(page, source)
    in_points = effects and _share(source)
    write = points if in_points else signed if effects else number
    drawn = zip(data[schema.ESTIMATE], data[PLACES], strict=True)
    texts = [write(value, PERCENT_DRAWN if in_points else int(digits)) for value, digits in drawn]
    values = data[[schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH]].to_numpy(dtype=float).ravel()
    right = EDGE + frame.inner - max(width(t, VALUE, True) for t in texts) - 8
    start = left + GAP + 4
    axis = log_axis(values, start, right) if ratios else linear_axis(values, start, right, zero=True)
    draw_labels(page, rows, 10.0, muted=_references(data))
    finest = axis.decimals(100 if in_points else 1)
    ticks = [f"{t:g}" if ratios else write(t, finest) for t in axis.ticks]
    draw_guides(page, axis, rows[0].y, page.y, ticks, null)
    for row in rows:
        if row.place is None:
            continue
        values_of = data.iloc[row.place]
        if values_of[schema.FLAG] == REFERENCE:
            page.marks.append(Dot(axis.at(null), row.middle, 2.6, FAINT))
            page.marks.append(Text(axis.at(null) + 8, row.middle + 3, "reference", AXIS, MUTED))
            continue
        clear = bool(values_of[schema.CI_LOW] > null or values_of[schema.CI_HIGH] < null)
        draw_dot(page, axis, row, values_of, texts[row.place], ACCENT if clear else FAINT, hollow=not clear)
    alt = _alt(source, texts, kind)
    return Chart("coefficients", frame.title, frame.subtitle, data, frame.caption, alt, page.foot())


def _explained(frame: Frame, data: pd.DataFrame, null: float) -> Frame:
    """The footer says what a hollow dot means, where there is one."""
    hollow = (data[schema.CI_LOW] <= null) & (data[schema.CI_HIGH] >= null) & (data[schema.FLAG] != REFERENCE)
    return frame.explained(f"Hollow: the interval holds {null:g}, no difference.") if hollow.any() else frame


def _share(source: Source) -> bool:
    """Effects are in percentage points where the outcome is a probability."""
    return source.context.get("family", "binomial") == "binomial"


def _rows(page: Page, source: Source) -> tuple[list[Row], float]:
    labels: list[tuple[str, int | None]] = []
    before = ""
    for place, (variable, answer) in enumerate(source.frame[[schema.VARIABLE, schema.ANSWER]].astype(str).to_numpy()):
        title = " by ".join(source.title(v) for v in variable.split(":"))
        if not answer:
            labels.append((title, place))
        else:
            if variable != before:
                labels.append((title, None))
            labels.append((clean(answer.replace(":", ", ")), place))
        before = variable
    return set_rows(page, labels, 0.4, HEIGHT, 10.0)


def _references(data: pd.DataFrame) -> list[int]:
    return [i for i, flag in enumerate(data[schema.FLAG]) if flag == REFERENCE]


def _alt(source: Source, texts: list[str], kind: str) -> str:
    parts = []
    for (variable, answer), text in zip(
        source.frame[[schema.VARIABLE, schema.ANSWER]].astype(str).to_numpy(), texts, strict=True
    ):
        parts.append(f"{source.title(variable)}{f' {clean(answer)}' if answer else ''}: {text}")
    return f"Dot plot of {kind}s with intervals. {'; '.join(parts)}."
