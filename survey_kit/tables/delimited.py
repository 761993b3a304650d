"""A table as CSV text: raw numbers for programs, display texts for people, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from survey_kit.tables.cells import Cell, Column, Row

if TYPE_CHECKING:
    from survey_kit.tables.table import Table

_NUMBER = re.compile(r"[+-]?[\d.,\s]*%?")


def delimited(table: Table) -> str:
    """CSV text, lines ending in "\\n".

    A column of numbers becomes `name` (full precision; shares stay shares) and `name_text` (as printed); a column of
    intervals becomes `name_low`, `name_high` and `name_text`. Group rows become a first column `group`, and `row` tells
    body, total and base rows apart where there is more than one kind.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    grouped = any(row.kind == "group" for row in table.rows)
    kinds = len({row.kind for row in table.rows} - {"group"}) > 1
    traits = [_traits(table, at) for at in range(len(table.columns))]
    head = [name for column, trait in zip(table.columns, traits, strict=True) for name in _names(column, trait)]
    writer.writerow([*["group"] * grouped, *["row"] * kinds, *map(harmless, head)])
    for group, row in _body(table):
        fields = [field for cell, trait in zip(row.cells, traits, strict=True) for field in _fields(cell, trait)]
        writer.writerow([*[harmless(group)] * grouped, *[row.kind] * kinds, *fields])
    return out.getvalue()


def harmless(text: str) -> str:
    """The text, led by an apostrophe where a spreadsheet would read a formula; plain numbers stay as they are.

    Carriage returns become line feeds, so that a cell never ends a line.

    >>> harmless("=HYPERLINK(1)"), harmless("+3.2"), harmless("Yes")
    ("'=HYPERLINK(1)", '+3.2', 'Yes')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    risky = text[:1] in ("\t", "\n") or text.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠")
    return f"'{text}" if risky and not _NUMBER.fullmatch(text) else text


def _body(table: Table) -> Iterator[tuple[str, Row]]:
    for head, rows in table.sections():
        for row in rows:
            yield ("" if head is None else head.cells[0].text), row


def _traits(table: Table, at: int) -> tuple[bool, bool]:
    """Whether a column holds numbers, and whether it holds intervals."""
    cells = [row.cells[at] for row in table.rows if row.kind != "group"]
    return any(_is_number(cell.value) for cell in cells), any(cell.limits is not None for cell in cells)


def _names(column: Column, trait: tuple[bool, bool]) -> list[str]:
    number, interval = trait
    raw = [column.name] * number + [f"{column.name}_low", f"{column.name}_high"] * interval
    return [*raw, f"{column.name}_text"] if raw else [column.name]


def _fields(cell: Cell, trait: tuple[bool, bool]) -> list[str]:
    number, interval = trait
    raw = [_raw(cell.value)] * number
    if interval:
        raw += ["", ""] if cell.limits is None else [_raw(limit) for limit in cell.limits]
    return [*raw, harmless(cell.text)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _raw(value: float | str | None) -> str:
    """A number so that reading it back gives the same number; empty where there is none."""
    if not isinstance(value, (int, float)) or math.isnan(value):
        return ""
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def frame_text(frame: pd.DataFrame) -> str:
    """A data frame as CSV text: numbers at full precision, texts harmless to spreadsheets, lines ending in "\\n"."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([harmless(str(name)) for name in frame.columns])
    for row in frame.itertuples(index=False, name=None):
        writer.writerow([_field(value) for value in row])
    return out.getvalue()


def _field(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))
    return _raw(float(value)) if number else harmless(str(value))
