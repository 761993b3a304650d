"""Dots: one share or mean for each group, with its interval and base, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from survey_kit import schema
from survey_kit.charts.axis import Axis, linear_axis
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Box, Dot, Line, Text
from survey_kit.charts.letters import width
from survey_kit.charts.page import AXIS, EDGE, VALUE, Frame, Page
from survey_kit.charts.palette import ACCENT, FAINT, INK, MUTED, WHITE
from survey_kit.charts.rows import GAP, Row, column, column_room, draw_guides, draw_labels, set_rows
from survey_kit.charts.source import Source, is_number, refuse_empty
from survey_kit.errors import ArgumentError, listed, unknown
from survey_kit.results.display import number, percent, points, signed
from survey_kit.results.letters import clean
from survey_kit.results.statistics import PAIRS, PERCENT_DRAWN, PLACES
from survey_kit.results.units import DIFFERENCE, NUMBER, POINTS, SHARE, UNIT

HEIGHT = 18.0
BLOCK, GROUP = "grouping", "group"


def dots(sources: Sequence[Source], frame: Frame, answer: str | None = None, overall: float | None = None) -> Chart:
    """One row for each group. `answer`: which answer is drawn; needed where there are several. `overall`: a reference
    line, such as the value of everybody."""
    data = pd.concat([_block(source, answer) for source in sources], ignore_index=True)
    refuse_empty(data, "dots")
    kinds = set(data[UNIT])
    unit = kinds.pop() if len(kinds) == 1 else NUMBER
    few = (data[schema.N] < schema.LOW_BASE).tolist()
    if any(few):
        frame = frame.explained(f"Hollow: fewer than {schema.LOW_BASE} respondents.")
    page = Page(frame)
    page.head()
    page.y += AXIS + 8
    rows, left, indent = _rows(page, data)
    alone = data[UNIT].nunique() == 1
    digits = [PERCENT_DRAWN if u in (SHARE, POINTS) else int(p) for u, p in zip(data[UNIT], data[PLACES], strict=True)]
    drawn = zip(data[schema.ESTIMATE], data[UNIT], digits, strict=True)
    texts = [_written(value, u, d, alone) for value, u, d in drawn]
    bases = {i: number(v) for i, v in enumerate(data[schema.N])}
    edge = EDGE + frame.inner
    values = data[[schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH]].to_numpy(dtype=float).ravel()
    room = column_room(list(bases.values()), "n") + 8 + max(width(t, VALUE, True) for t in texts) + 6
    around = unit in (POINTS, DIFFERENCE) or set(data[schema.STATISTIC]) <= PAIRS
    axis = linear_axis(values, left + GAP + 4, edge - room, zero=unit == SHARE or around)
    draw_labels(page, rows, indent)
    finest = axis.decimals(100 if unit in (SHARE, POINTS) else 1)
    ticks = [_written(t, unit, finest, alone) for t in axis.ticks]
    draw_guides(page, axis, rows[0].y, page.y, ticks, 0.0 if around else None)
    _reference(page, axis, overall, rows[0].y, lambda value: _written(value, unit, max(digits), alone))
    for row in rows:
        if row.place is not None:
            draw_dot(page, axis, row, data.iloc[row.place], texts[row.place], ACCENT, few[row.place])
    column(page, rows, bases, edge, "n", rows[0].y)
    return Chart("dots", frame.title, frame.subtitle, data, frame.caption, _alt(data, texts), page.foot())


def draw_dot(page: Page, axis: Axis, row: Row, values: pd.Series, text: str, colour: str, hollow: bool = False) -> None:
    """A dot with its whisker and, to the right of both, its value."""
    estimate, low, high = (float(values[c]) for c in (schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH))
    if estimate != estimate:
        page.marks.append(Text(axis.left, row.middle + VALUE * 0.35, text, VALUE, MUTED))
        return
    x, end = axis.at(estimate), axis.at(estimate) + 4
    if low == low and high == high and high > low:
        page.marks.append(Line(axis.at(low), row.middle, axis.at(high), row.middle, colour, 1.4))
        end = max(end, axis.at(high))
    page.marks.append(Dot(x, row.middle, 3.6, colour, hollow))
    page.marks.append(Box(end + 3, row.middle - VALUE * 0.6, width(text, VALUE, True) + 4, VALUE * 1.2, WHITE))
    page.marks.append(Text(end + 5, row.middle + VALUE * 0.35, text, VALUE, INK, bold=True))


def _block(source: Source, answer: str | None) -> pd.DataFrame:
    """Rows of a result with `grouping` and `group` columns, one answer for each."""
    frame = source.frame
    if {BLOCK, GROUP} <= set(frame.columns):
        return frame
    answers = list(dict.fromkeys(frame[schema.ANSWER].astype(str)))
    if answer is not None:
        if answer not in answers:
            raise unknown("answer", answer, answers)
        frame = frame[frame[schema.ANSWER].astype(str) == answer]
    elif len(answers) > 1 and not _groups(source, frame):
        return _with_groups(replace(source, by=(*source.by, schema.ANSWER)), frame)
    elif len(answers) > 1 and source.by:
        raise ArgumentError(f'Which answer? Say answer="{answers[0]}", or another of: {", ".join(answers)}.')
    return _with_groups(source, frame)


def _groups(source: Source, frame: pd.DataFrame) -> list[str]:
    """Group columns that tell rows apart; a difference between two groups leaves a single one. All, where there are none."""
    return [name for name in source.by if frame[name].nunique() > 1] if source.by else [schema.VARIABLE]


def _with_groups(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    if not source.by:
        return frame.assign(**_without_groups(source, frame))
    if len(source.variables) > 1:
        raise ArgumentError(
            f"Groups are drawn for one variable; the result holds {listed(source.variables)}. Make one chart for each."
        )
    *outer, inner = sorted(source.by, key=lambda name: frame[name].nunique() > 1)  # what all share stands above
    plain = "" if inner == schema.STATISTIC else source.title(inner)
    block = frame[outer].astype(str).agg(", ".join, axis=1) if outer else plain
    return frame.assign(**{BLOCK: block, GROUP: frame[inner].astype(str)})


def _without_groups(source: Source, frame: pd.DataFrame) -> dict[str, list[str]]:
    """Blocks and labels of rows without groups: answers, variables, or answers under their variables."""
    titles = [source.title(str(v)) for v in frame[schema.VARIABLE]]
    answers = frame[schema.ANSWER].astype(str).tolist()
    if len(set(titles)) == 1:
        return {BLOCK: [""] * len(titles), GROUP: [a or t for a, t in zip(answers, titles, strict=True)]}
    if len(set(titles)) == len(titles):
        pairs = set(frame[schema.STATISTIC]) <= PAIRS
        return {
            BLOCK: [""] * len(titles),
            GROUP: [f"{t} with {a}" if pairs else t for t, a in zip(titles, answers, strict=True)],
        }
    return {BLOCK: titles, GROUP: answers}


def _written(value: float, unit: str, digits: int, alone: bool) -> str:
    """A number in its unit, which is said where it is not `alone`."""
    if unit == SHARE:
        return percent(value, digits)
    if unit == POINTS:
        return points(value, digits) + ("" if alone else " pts")
    return (signed if unit == DIFFERENCE else number)(value, digits)


def _rows(page: Page, data: pd.DataFrame) -> tuple[list[Row], float, float]:
    labels: list[tuple[str, int | None]] = []
    blocks = data[BLOCK].astype(str).tolist()
    headed = any(blocks)
    for place, (block, group) in enumerate(zip(blocks, data[GROUP].astype(str), strict=True)):
        if headed and (place == 0 or block != blocks[place - 1]):
            labels.append((block, None))
        labels.append((group, place))
    indent = 10.0 if headed else 0.0
    rows, left = set_rows(page, labels, 0.36, HEIGHT, indent)
    return rows, left, indent


def _reference(page: Page, axis: Axis, overall: float | None, top: float, write: Callable[[float], str]) -> None:
    if overall is None:
        return
    if not is_number(overall) or not axis.holds(overall):
        raise ArgumentError(
            f"overall={overall!r} lies outside the values drawn. Give it in the units of the estimates."
        )
    x = axis.at(overall)
    page.marks.append(Line(x, top, x, page.y, FAINT, 1.0, dashed=True))
    text = f"all {write(overall)}"
    page.y += AXIS + 4
    half = width(text, AXIS) / 2
    x = min(max(x, EDGE + half), EDGE + page.frame.inner - half)
    page.marks.append(Text(x, page.y - 2, text, AXIS, MUTED, align="center"))


def _alt(data: pd.DataFrame, texts: list[str]) -> str:
    parts = [
        f"{clean(b)}, {clean(g)}: {t}" if b else f"{clean(g)}: {t}"
        for b, g, t in zip(data[BLOCK].astype(str), data[GROUP].astype(str), texts, strict=True)
    ]
    return f"Dot plot with intervals of {len(data)} groups. {'; '.join(parts)}."
