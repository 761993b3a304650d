"""Tables on paper: column widths from the type itself, type size and orientation, and what is split over sheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from survey_kit.tables.cells import Column
from survey_kit.tables.table import Table

PORTRAIT, LANDSCAPE = 481.0, 728.0  # pt: A4 less margins of 20 mm
# type size in pt, landscape, whether row labels may be broken; the first that fits
SETTINGS = (
    *((8.5, False, False), (7.5, False, False), (8.5, False, True), (7.5, False, True)),
    *((8.5, True, False), (7.5, True, False), (7.5, True, True)),
)
SPLIT = 8.0  # pt, type size of a table that is split over sheets
_INSET = 6.5  # pt left and right of a cell
_STUB = (7.0, 24.0)  # em: the least and the most that row labels ask for
_BROKEN = 13.0  # em: the least that broken row labels are given

Measure = Callable[[str, bool], float]  # width of a text in em, regular or bold


@dataclass(frozen=True, slots=True)
class Sheet:
    """Part of a table that fits one page in width. `columns`: positions; `widths`: in pt, of the same length."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]
    size: float
    landscape: bool


def plan(table: Table, measure: Measure) -> tuple[Sheet, ...]:
    """One sheet where some setting fits; else several in portrait, row labels repeated, groups kept together."""
    needs = [_need(table, at, measure) for at in range(len(table.columns))]
    needs = _room_for_groups(table, needs, measure)
    stub = min(max(_longest(table, 0, measure), _STUB[0]), _STUB[1])
    everything = tuple(range(len(needs)))
    for size, landscape, broken in SETTINGS:
        left = (_room(landscape) - _width(needs[1:], size) - 2 * _INSET) / size
        if left >= stub or (broken and left >= _BROKEN):
            return (_sheet(everything, min(stub, left), needs, size, landscape),)
    stub = min(stub, 0.35 * PORTRAIT / SPLIT)
    parts = _even(table, needs, PORTRAIT - _width([stub], SPLIT))
    return tuple(_sheet((0, *part), stub, needs, SPLIT, False) for part in parts)


def head(table: Table, sheet: Sheet) -> list[list[dict[str, Any]]]:
    """Heading rows of a sheet: cells with text, colspan, rowspan, align and whether a rule is below."""
    columns = [table.columns[at] for at in sheet.columns]
    if not any(column.group for column in columns):
        return [[_head_cell(column.label, column.align) for column in columns]]
    above: list[dict[str, Any]] = []
    for group, members in _runs(columns):
        if group:
            above.append(_head_cell(group, "center", colspan=len(members), rule=True))
        else:
            above += [_head_cell(column.label, column.align, rowspan=2) for column in members]
    return [above, [_head_cell(column.label, column.align) for column in columns if column.group]]


def body(table: Table, sheet: Sheet) -> Iterator[dict[str, Any]]:
    """Rows of a sheet; `first` marks the first row of bases after other rows."""
    before = ""
    for row in table.rows:
        cells = [row.cells[at].text for at in sheet.columns]
        yield {"kind": row.kind, "cells": cells, "first": row.kind == "base" and before not in ("", "base", "group")}
        before = row.kind


def _need(table: Table, at: int, measure: Measure) -> float:
    """Width of a column in em: its longest number, and the longest word of its heading."""
    column = table.columns[at]
    heading = max((measure(word, True) for word in column.label.split()), default=0.0)
    longest = _longest(table, at, measure)
    return max(heading, longest if column.align == "right" else min(longest, _STUB[1]))


def _longest(table: Table, at: int, measure: Measure) -> float:
    texts = [row.cells[at].text for row in table.rows if row.kind != "group"]
    return max((measure(text, False) for text in texts), default=0.0)


def _room_for_groups(table: Table, needs: Sequence[float], measure: Measure) -> list[float]:
    """Widen the columns under a heading until its longest word fits."""
    out, at = list(needs), 0
    for group, columns in table.spans():
        members = range(at, at + len(columns))
        at += len(columns)
        wanted = max((measure(word, True) for word in group.split()), default=0.0)
        lacking = wanted - sum(out[m] for m in members)
        for member in members:
            out[member] += max(lacking, 0.0) / len(members)
    return out


def _even(table: Table, needs: Sequence[float], room: float) -> tuple[tuple[int, ...], ...]:
    """As few parts as fit `room` pt each, of about the same width."""
    parts = tuple(_parts(table, needs, room))
    share = _width(needs[1:], SPLIT) / len(parts)
    for narrower in (share + step * (room - share) / 8 for step in range(8)):
        tried = tuple(_parts(table, needs, narrower))
        if len(tried) == len(parts):
            return tried
    return parts


def _parts(table: Table, needs: Sequence[float], room: float) -> Iterator[tuple[int, ...]]:
    """Columns packed into parts of `room` pt; a group that fits one is not broken."""
    taken: list[int] = []
    for unit in _units(table, needs, room):
        if taken and _width([needs[at] for at in (*taken, *unit)], SPLIT) > room:
            yield tuple(taken)
            taken = []
        taken += unit
    if taken:
        yield tuple(taken)


def _units(table: Table, needs: Sequence[float], room: float) -> Iterator[list[int]]:
    at = 0
    for group, columns in table.spans():
        members = [m for m in range(at, at + len(columns)) if m > 0]
        at += len(columns)
        together = group and _width([needs[m] for m in members], SPLIT) <= room
        yield from [members] if together else [[m] for m in members]


def _sheet(columns: tuple[int, ...], stub: float, needs: Sequence[float], size: float, landscape: bool) -> Sheet:
    wanted = [stub if at == 0 else needs[at] for at in columns]
    widths = tuple(round(width * size + 2 * _INSET, 2) for width in wanted)
    return Sheet(columns, widths, size, landscape)


def _width(needs: Sequence[float], size: float) -> float:
    return sum(need * size + 2 * _INSET for need in needs)


def _room(landscape: bool) -> float:
    return LANDSCAPE if landscape else PORTRAIT


def _runs(columns: Sequence[Column]) -> tuple[tuple[str, tuple[Column, ...]], ...]:
    return Table("", "", tuple(columns), ()).spans()


def _head_cell(text: str, align: str, colspan: int = 1, rowspan: int = 1, rule: bool = False) -> dict[str, Any]:
    return {"text": text, "align": align, "colspan": colspan, "rowspan": rowspan, "rule": rule}
