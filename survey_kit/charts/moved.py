"""Margins moved: the share of each category before and after weighting, with its target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from survey_kit.charts.axis import Axis, linear_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Box, Dot, Line, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import AXIS, EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import ACCENT, FAINT, INK, MUTED, WHITE
from survey_kit.charts.rows import GAP, Row, column, column_room, draw_guides, draw_labels
from survey_kit.charts.weight_rows import Margins, cost, draw_key, margin_rows, margins_of, notices_of
from survey_kit.errors import ArgumentError
from survey_kit.results.display import percent
from survey_kit.results.weights import Weights
from survey_kit.results.weights_summary import margin_text

HEIGHT = 19.0
WORDING = "Share of each category before and after weighting"
_CLEAR = 6.0  # points between a mark and its number


def moved(weights: Weights, frame: Frame, titles: dict[str, str] | None = None) -> Chart:
    """One row for each category: from a hollow dot (share under the base weights) to a filled one (under the weights), a
    tick at the target. Means and totals are written. `titles`: titles of the variables."""
    margins = margins_of(weights, titles)
    data = margins.data
    if data["number"].all():
        raise ArgumentError('The targets are means and totals, which have no shares to move. Say kind="love".')
    frame = replace(frame, caption=(*frame.caption[:1], *margins.told, *frame.caption[1:]))
    page = Page(frame)
    page.head()
    draw_key(page, target=True)
    page.y += AXIS + 8
    rows, left = margin_rows(page, margins, HEIGHT)
    texts = [_texts(row) for row in data.to_dict("records")]
    targets = {i: t[2] for i, t in enumerate(texts)} if _apart(margins, texts) else {}
    axis = _axis(
        margins,
        texts,
        left + GAP,
        EDGE + frame.inner - (column_room(list(targets.values()), "target") + 10) * bool(targets),
    )
    draw_labels(page, rows, 10.0)
    draw_guides(page, axis, rows[0].y, page.y, [percent(t, axis.decimals(100)) for t in axis.ticks], 0.0)
    for row in rows:
        if row.place is not None:
            _draw(page, axis, row, margins, texts[row.place])
    if targets:
        column(page, rows, targets, EDGE + frame.inner, "target", rows[0].y)
    return Chart("moved", frame.title, frame.subtitle, data, frame.caption, _alt(margins, texts), page.foot())


def moved_facts(weights: Weights) -> tuple[str, ...]:
    """Footer of such a chart."""
    return (cost(weights), *notices_of(weights))


Texts = tuple[str, str, str]


def _texts(row: dict[str, object]) -> Texts:
    """Before, after and target as text."""
    return margin_text(row, "before"), margin_text(row, "after"), margin_text(row, "target")


def _apart(margins: Margins, texts: list[Texts]) -> bool:
    """Whether the targets need a column: where one is not met, or is a number."""
    return bool(margins.data["number"].any()) or any(after != target for _, after, target in texts)


def _axis(margins: Margins, texts: list[Texts], left: float, right: float) -> Axis:
    """From 0 to the largest share, with room for the numbers beside the outermost dots."""
    drawn = np.flatnonzero(~margins.data["number"].to_numpy(dtype=bool))
    shares = margins.data[["shown_before", "shown_after", "shown_target"]].to_numpy(dtype=float)[drawn]
    high = float(np.nanmax(shares, initial=1e-3))
    room = max(width(text, VALUE, True) for i in drawn for text in texts[i][:2]) + _CLEAR + 2
    least = np.nanmin(np.where(np.isfinite(shares), shares, high), axis=1).min(initial=high) / high
    start = left + max(room - least * (right - left - 2 * room), 0.0)
    ticks = linear_axis(np.array([0.0, high]), start, right - room, zero=True).ticks
    return Axis(0.0, high, start, right - room, tuple(t for t in ticks if t <= high * (1 + 1e-9)))


def _draw(page: Page, axis: Axis, row: Row, margins: Margins, texts: Texts) -> None:
    assert row.place is not None
    values = margins.data.iloc[row.place]
    before, after, target = (float(values[f"shown_{name}"]) for name in ("before", "after", "target"))
    if values["number"] or not np.isfinite([before, after]).all():
        _write(page, axis.left, None, row.middle, " \N{RIGHTWARDS ARROW} ".join(texts[:2]), INK, right=True)
        return
    x0, x1 = axis.at(before), axis.at(after)
    tick = axis.at(target) if np.isfinite(target) else None
    page.marks.append(Line(x0, row.middle, x1, row.middle, ACCENT, 1.4))
    if tick is not None:
        page.marks.append(Line(tick, row.middle - 6.5, tick, row.middle + 6.5, INK, 1.2))
    page.marks.append(Dot(x0, row.middle, 3.2, FAINT, hollow=True))
    page.marks.append(Dot(x1, row.middle, 3.6, ACCENT))
    ahead = x1 >= x0
    _write(page, x1, tick, row.middle, texts[1], ACCENT, ahead)
    if texts[0] != texts[1]:
        _write(page, x0, tick, row.middle, texts[0], MUTED, not ahead)


def _write(page: Page, x: float, tick: float | None, middle: float, text: str, colour: str, right: bool) -> None:
    """A number to the right or the left of a dot, beyond the tick where that stands in its way; no guide goes through it."""
    bold = colour == ACCENT
    wide = width(text, VALUE, bold)
    reach = (tick - x if right else x - tick) if tick is not None else -1.0
    away = (max(reach, 0.0) if reach < wide + 2 * _CLEAR else 0.0) + _CLEAR
    start = x + away if right else x - away - wide
    page.marks.append(Box(start - 1, middle - VALUE * 0.6, wide + 2, VALUE * 1.2, WHITE))
    page.marks.append(Text(start, middle + VALUE * 0.35, text, VALUE, colour, bold))


def _alt(margins: Margins, texts: list[Texts]) -> str:
    parts, above = [], None
    for heading, label, (before, after, target) in zip(margins.headings, margins.labels, texts, strict=True):
        parts.append(f"{f'{heading}, ' if heading != above else ''}{label}: {before} to {after}, target {target}")
        above = heading
    return f"Dot plot of {len(parts)} categories before and after weighting. {'; '.join(parts)}."
