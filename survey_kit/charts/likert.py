"""Likert: a battery of items with one answer scale, diverging from the middle; neutral and nonresponse stand apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Box, Line, Text
from survey_kit.charts.letters import LEADING, width, wrap
from survey_kit.charts.page import AXIS, EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import FAINT, INK, MUTED, NEUTRAL, diverging, ink_on
from survey_kit.charts.rows import GAP, Row, draw_labels, set_rows, set_rows_above
from survey_kit.charts.source import Source, is_nonresponse, refuse_empty
from survey_kit.errors import ArgumentError, listed
from survey_kit.results.display import percent
from survey_kit.results.letters import clean

HEIGHT, BAR, SMALL = 26.0, 16.0, 8.0
_STACKED = 4.8 * 72  # points: narrower pages have the labels above the bars
_MOST = 11  # answers: five colours on each side, and a middle
_ROOM, _WIDEST = 58.0, 92.0  # of a column of neutral answers or of nonresponse


@dataclass(frozen=True, slots=True)
class _Scale:
    """Answers by side, each from the outer end inwards, with their colours."""

    negative: tuple[str, ...]
    positive: tuple[str, ...]
    neutral: tuple[str, ...]
    silent: tuple[str, ...]
    colours: dict[str, str]

    @property
    def room(self) -> float:
        """Width of a column beside the axis, so that the words above it stay whole."""
        words = [word for answers in (self.neutral, self.silent) if answers for word in _named(answers).split()]
        return min(max([_ROOM, *(width(word, AXIS - 0.5) + 12 for word in words)]), _WIDEST)


def likert(source: Source, frame: Frame, sort: bool | None = None, reverse: bool = False) -> Chart:
    """One row for each item: shares of the first half of the answers to the left of the middle line, of the second half
    to the right; a middle answer and nonresponse in columns of their own. `sort` (default): by the right side.
    `reverse`: the answers run from agreement to disagreement, so that the first half belongs to the right."""
    if source.by:
        raise ArgumentError('kind="likert" draws items without groups. Estimate the items without by=.')
    table = _table(source)
    scale = _scale(list(table.columns)[::-1] if reverse else list(table.columns))
    refuse_empty(source.frame, "likert")
    right_side = table[list(scale.positive)].sum(axis=1)
    if sort or sort is None:
        table = table.loc[right_side.sort_values(ascending=False, kind="stable").index]
    page = Page(frame)
    page.head()
    _legend(page, scale)
    apart = [_heading(answers, scale.room) for answers in (scale.neutral, scale.silent) if answers]
    page.y += (AXIS - 0.5) * LEADING * max(map(len, apart), default=0) + 4
    top = page.y
    labels = [source.title(v) for v in table.index]
    if page.frame.width < _STACKED:
        rows, left = set_rows_above(page, labels, HEIGHT)
    else:
        rows, left = set_rows(page, [(t, i) for i, t in enumerate(labels)], 0.36, HEIGHT)
        left += GAP
    draw_labels(page, rows)
    places = _places(page, table, scale, left)
    _columns(page, rows, table, scale, places, top)
    for row in rows:
        _row(page, row, table.iloc[row.place or 0], scale, places)
    x = places["middle"]
    if rows[0].above:
        page.marks += [Line(x, row.y + row.above + 2, x, row.y + row.height - 2, FAINT, 0.9) for row in rows]
    else:
        page.marks.append(Line(x, top - 2, x, page.y, FAINT, 0.9))
    alt = _alt(labels, table, scale)
    data = source.frame.reset_index(drop=True)
    return Chart("likert", frame.title, frame.subtitle, data, frame.caption, alt, page.foot())


def _table(source: Source) -> pd.DataFrame:
    """Shares by item and answer, in order."""
    frame = source.frame
    twice = frame.duplicated([schema.VARIABLE, schema.ANSWER])
    if twice.any():
        variable, answer = frame.loc[twice, [schema.VARIABLE, schema.ANSWER]].iloc[0]
        raise ArgumentError(f"Two rows of the result are about {variable}, {answer}. Keep one of them.")
    answers = list(dict.fromkeys(frame[schema.ANSWER].astype(str)))
    table = frame.pivot(index=schema.VARIABLE, columns=schema.ANSWER, values=schema.ESTIMATE)
    table = table.loc[source.variables, answers]
    if table.isna().any(axis=None):
        variable = table.index[table.isna().any(axis=1)][0]
        lacking = [a for a in answers if table.loc[variable].isna()[a]]
        raise ArgumentError(
            f"Items of one battery have the same answers; {variable} has no share of {listed(lacking)}. Draw the items "
            "that share a scale."
        )
    return table


def _scale(answers: list[str]) -> _Scale:
    silent = tuple(a for a in answers if is_nonresponse(a))
    said = [a for a in answers if a not in silent]
    if not 2 <= len(said) <= _MOST:
        raise ArgumentError(
            f'kind="likert" needs 2 to {_MOST} answers besides nonresponse; there are {len(said)}. Merge answers, or use '
            'kind="dots" with one answer.'
        )
    half = len(said) // 2
    negative, positive = said[:half], said[::-1][:half]
    neutral = tuple(said[half : len(said) - half])
    left, right = diverging(len(negative), len(positive))
    colours = dict(zip([*negative, *positive], [*left, *right], strict=True))
    return _Scale(tuple(negative), tuple(positive), neutral, silent, colours)


def _legend(page: Page, scale: _Scale) -> None:
    """Answers with their colours, in questionnaire order, on as many lines as they need."""
    x, y = EDGE, page.y + AXIS
    for answer in (*scale.negative, *reversed(scale.positive)):
        text = clean(answer)
        wide = SMALL + 4 + width(text, AXIS) + 14
        if x > EDGE and x + wide - 14 > EDGE + page.frame.inner:
            x, y = EDGE, y + AXIS * LEADING + 3
        page.marks.append(Box(x, y - SMALL + 1, SMALL, SMALL, scale.colours[answer]))
        page.marks.append(Text(x + SMALL + 4, y, text, AXIS, MUTED))
        x += wide
    page.y = y + 8


def _places(page: Page, table: pd.DataFrame, scale: _Scale, left: float) -> dict[str, float]:
    """Where the middle line, the columns and a point of percent stand."""
    apart = [name for name, answers in (("neutral", scale.neutral), ("silent", scale.silent)) if answers]
    right = EDGE + page.frame.inner - scale.room * len(apart)
    ends = width("100%", VALUE, True) + 5
    low = float(table[list(scale.negative)].sum(axis=1).max())
    high = float(table[list(scale.positive)].sum(axis=1).max())
    unit = max(right - left - 2 * ends, 10.0) / max(low + high, 1e-9)
    places = {"middle": left + ends + low * unit, "unit": unit}
    for number, name in enumerate(apart):
        places[name] = right + number * scale.room + 10
    return places


def _columns(
    page: Page, rows: list[Row], table: pd.DataFrame, scale: _Scale, places: dict[str, float], top: float
) -> None:
    """Neutral and nonresponse as small bars with their shares."""
    for name, answers in (("neutral", scale.neutral), ("silent", scale.silent)):
        if not answers:
            continue
        lines = _heading(answers, scale.room)
        for number, line in enumerate(reversed(lines)):
            y = top - 4 - number * (AXIS - 0.5) * LEADING
            page.marks.append(Text(places[name], y, line, AXIS - 0.5, MUTED))
        for row in rows:
            share = float(table.iloc[row.place or 0][list(answers)].sum())
            long = 18.0 * min(share / 0.5, 1.0)
            page.marks.append(Box(places[name], row.middle - 5, long, 10.0, NEUTRAL))
            page.marks.append(Text(places[name] + long + 3, row.middle + 3, percent(share), VALUE - 0.5, MUTED))


def _named(answers: tuple[str, ...]) -> str:
    """What a column holds: its answer, or "No answer" where there are several of them."""
    return clean(answers[0]) if len(answers) == 1 else "No answer"


def _heading(answers: tuple[str, ...], room: float) -> list[str]:
    return wrap(_named(answers), AXIS - 0.5, room - 10.0, most=3)


def _row(page: Page, row: Row, shares: pd.Series, scale: _Scale, places: dict[str, float]) -> None:
    for answers, sign in ((scale.negative, -1), (scale.positive, 1)):
        x = places["middle"]
        for answer in reversed(answers):  # from the middle outwards
            long = float(shares[answer]) * places["unit"]
            start = x if sign > 0 else x - long
            page.marks.append(Box(start, row.middle - BAR / 2, long, BAR, scale.colours[answer]))
            text = percent(shares[answer])
            if width(text, VALUE - 1) + 4 <= long:
                ink = ink_on(scale.colours[answer])
                page.marks.append(Text(start + long / 2, row.middle + 2.8, text, VALUE - 1, ink, align="center"))
            x += sign * long
        total = percent(float(shares[list(answers)].sum()))
        align = "left" if sign > 0 else "right"
        page.marks.append(Text(x + sign * 4, row.middle + 3.1, total, VALUE, INK, True, align))


def _alt(labels: list[str], table: pd.DataFrame, scale: _Scale) -> str:
    parts = []
    for label, (_, shares) in zip(labels, table.iterrows(), strict=True):
        left = percent(float(np.sum(shares[list(scale.negative)])))
        right = percent(float(np.sum(shares[list(scale.positive)])))
        parts.append(
            f"{label}: {left} {clean(scale.negative[0]).lower()} side, {right} {clean(scale.positive[0]).lower()} side"
        )
    return f"Diverging bar chart of {len(labels)} items. {'; '.join(parts)}."
