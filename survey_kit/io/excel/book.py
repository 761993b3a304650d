"""The codebook in a workbook that `write_excel` made: sheets "variables", "values", "sets" and "file" beside "data"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import FileFormatError, listed
from survey_kit.io.codebooks.tables import from_tables, table_types, writer_cells
from survey_kit.io.excel.grid import Column, Grid
from survey_kit.io.excel.open import Workbook
from survey_kit.io.excel.types import Typed, dates, texts, type_columns, without_na
from survey_kit.schema import Notice

LAYOUT = "survey_kit 1"
LAYOUT_KEY, EMPTY_TEXT_KEY, EMPTY_ROW_KEY = "layout", "empty text", "empty row"
CODEBOOK_SHEETS = ("variables", "values", "sets", "file")
_FLOAT = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|inf)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class OwnBook:
    """What the codebook sheets of a workbook say.

    Attributes:
        codebook: of the sheet "data".
        types: "number", "integer", "text", "date" or "" by variable.
        empty_text: what stands in a cell of an empty text, "" where none does.
        empty_row: what stands in the first cell of a row without any value.
    """

    codebook: Codebook
    types: Mapping[str, str]
    empty_text: str
    empty_row: str


def read_own_book(workbook: Workbook) -> OwnBook | None:
    """The codebook of a workbook of ours, None for any other. Raises FileFormatError that names sheet, row and field."""
    names = {s.name for s in workbook.sheets}
    if not {"variables", "file"} <= names:
        return None
    file = _table(workbook, "file")
    if not any(row[:2] == [LAYOUT_KEY, LAYOUT] for row in file):
        return None
    tables = {name: file if name == "file" else _table(workbook, name) for name in CODEBOOK_SHEETS if name in names}
    try:
        cells = writer_cells(tables)
        return OwnBook(
            from_tables(tables), table_types(tables), cells.get(EMPTY_TEXT_KEY, ""), cells.get(EMPTY_ROW_KEY, "")
        )
    except FileFormatError as error:
        raise FileFormatError(f"{workbook.path.name}: {error}") from None


def _table(workbook: Workbook, name: str) -> list[list[Any]]:
    workbook.facts(name)
    return workbook.values(name)[0]


def type_own_columns(
    grid: Grid, columns: Sequence[Column], own: OwnBook, decimal: str | None, na: tuple[str, ...]
) -> Typed:
    """Columns with the types that the sheet "variables" states; columns that it does not know, as in any workbook."""
    first = grid.columns[0].number if grid.columns else 0
    stated: list[Column] = []
    other: list[Column] = []
    for column in columns:
        cells: Sequence[Any] = column.cells
        if column.number == first and own.empty_row:
            cells = ["" if c == own.empty_row else c for c in cells]
        column = without_na(Column(column.name, column.number, cells, column.rows), na)
        (stated if own.types.get(column.name) in _READERS else other).append(column)
    typed = type_columns(other, decimal, na, len(grid.rows))
    for column in stated:
        kind = own.types[column.name]
        _READERS[kind](column, own, typed)
    if other:
        text = f"Columns that the sheet 'variables' does not describe: {listed(c.name for c in other)}."
        typed.notices.append(Notice("codebook", text, len(other)))
    return typed


def own_codebook(
    typed: Typed, own: OwnBook, names: Sequence[str], everything: Sequence[str]
) -> tuple[Codebook, list[Notice]]:
    """The codebook of the columns that were read, and a notice on variables that the data do not have."""
    added = {n: typed.variables[n] for n in names if n not in own.codebook and n in typed.variables}
    book = replace(own.codebook, variables={**own.codebook.variables, **added})
    here = set(everything)
    lost = [name for name in own.codebook if name not in here]
    notices = []
    if lost:
        text = f"Described in the sheet 'variables' but not in the data: {listed(lost)}."
        notices.append(Notice("codebook", text, len(lost)))
    book = book.only([name for name in names if name in book])
    if book.weight and not pd.api.types.is_numeric_dtype(typed.codes.get(book.weight, pd.Series(dtype=float))):
        typed.problems.append(f"The sheet 'file' names '{book.weight}' as the weight, which is no number. Correct it.")
    return book, notices


def _read_text(column: Column, own: OwnBook, typed: Typed) -> None:
    series = texts(column.cells)
    if own.empty_text:
        series = series.where(series != own.empty_text, "").where(series.notna())
    typed.put(column.name, series)


def _read_number(column: Column, _: OwnBook, typed: Typed) -> None:
    found = _parsed(column, typed, _FLOAT, float)
    if found is not None:
        typed.put(column.name, pd.Series(np.array([np.nan if v is None else v for v in found], dtype=float)))


def _read_integer(column: Column, _: OwnBook, typed: Typed) -> None:
    found = _parsed(column, typed, _INTEGER, int)
    if found is None:
        return
    if any(v is None or v != int(v) or not -(2**63) <= v < 2**63 for v in found):
        values = np.array([np.nan if v is None else v for v in found], dtype=float)
        typed.put(column.name, pd.Series(values))
    else:
        typed.put(column.name, pd.Series(np.array([int(v) for v in found], dtype=np.int64)))


def _parsed(column: Column, typed: Typed, pattern: re.Pattern[str], parse: Callable[[str], Any]) -> list[Any] | None:
    """The numbers of a column, None for empty cells; a problem for cells that hold none."""
    found: list[Any] = []
    odd = []
    for i, cell in enumerate(column.cells):
        if cell == "":
            found.append(None)
        elif isinstance(cell, (bool, int, float)):
            found.append(cell if not isinstance(cell, bool) else int(cell))
        elif isinstance(cell, str) and pattern.fullmatch(cell):
            found.append(parse(cell))
        else:
            odd.append(column.place(i))
    if odd:
        typed.problems.append(
            f"Column '{column.name}' is a number in the sheet 'variables', but there is none in {listed(odd)}. "
            "Correct these cells; texts that mean no value can be named with na=."
        )
    return None if odd else found


def _read_date(column: Column, _: OwnBook, typed: Typed) -> None:
    cells: list[Any] = []
    odd = []
    for i, cell in enumerate(column.cells):
        try:
            cells.append(np.datetime64(cell, "us") if isinstance(cell, str) and cell else _no_number(cell))
        except (ValueError, TypeError):
            odd.append(column.place(i))
    if odd:
        typed.problems.append(
            f"Column '{column.name}' is a date in the sheet 'variables', but there is none in {listed(odd)}. "
            "Correct these cells."
        )
    else:
        typed.put(column.name, dates(cells))


def _no_number(cell: Any) -> Any:
    if isinstance(cell, (bool, int, float)) or not (cell == "" or hasattr(cell, "year")):
        raise TypeError
    return cell


_READERS = {"text": _read_text, "number": _read_number, "integer": _read_integer, "date": _read_date}
