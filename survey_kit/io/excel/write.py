"""Workbooks: codes in the sheet "data", their meaning in sheets that a person can read and edit, and back without loss."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException
from xlsxwriter.utility import xl_rowcol_to_cell

from survey_kit.codebook import Codebook
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.tables import Table, to_tables
from survey_kit.io.excel.book import EMPTY_ROW_KEY, EMPTY_TEXT_KEY, LAYOUT, LAYOUT_KEY
from survey_kit.io.excel.cells import put_text
from survey_kit.io.write import check_frame, check_mixed, complete, is_text
from survey_kit.schema import Notice

MOST_COLUMNS, MOST_ROWS, MOST_CHARACTERS = 16_384, 1_048_576, 32_767
_CREATED = datetime(2000, 1, 1)
_SETTINGS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_FIRST_DAY, _AFTER = np.datetime64("1900-03-01", "us"), np.datetime64("10000-01-01", "us")
_SECOND, _DAY = np.timedelta64(1, "s"), np.timedelta64(1, "D")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXACT = 2**53
_NARROW, _WIDE = 8, 50
_SAMPLE = 200  # rows that decide how wide a column is
_WIDTHS = {
    "variables": (16, 40, 40, 10, 10, 10, 8, 10, 16, 20, 20, 20),
    "values": (16, 12, 50),
    "sets": (16, 40, 10, 40, 40),
    "file": (20, 80),
}


class _Exact(float):
    """A number that is written with every digit: xlsxwriter formats numbers with 16 digits, doubles need 17."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self)


def write_excel(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write an .xlsx workbook that `read_excel` gives back as it was.

    Sheet "data" has the codes under their names; "variables", "values", "sets" and "file" have the codebook, laid out
    by `codebook_tables`. Missing values are empty cells. Whole numbers beyond 2^53, infinite numbers and dates with
    fractions of a second or outside 1900 to 9999 are written as text and read back by their type. Text is never a
    formula. Equal data give equal bytes. Equivalent: R `writexl::write_xlsx`, which keeps no codebook.

    Raises OutputError, with variable and row, for what a sheet cannot hold: 16,384 columns, 1,048,575 rows, 32,767
    characters in a cell, control characters, columns of types without an equivalent.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from survey_kit.codebook import Variable
        >>> from survey_kit.io.contents import ReadOptions
        >>> from survey_kit.io.excel.read import read_excel
        >>> book = Codebook({"vote": Variable("vote", "Vote", {1: "Yes", 2: "No"})})
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "poll.xlsx")
        ...     _ = write_excel(file, pd.DataFrame({"vote": [1, 2, 1]}), book)
        ...     contents = read_excel(file, ReadOptions())
        >>> contents.codebook == book, contents.codes["vote"].tolist()
        (True, [1, 2, 1])
    """
    check_frame(path, codes)
    _check_size(path, codes)
    book = complete(codebook, codes)
    columns = [_prepare(path, codes[name]) for name in codes.columns]
    marks = {EMPTY_TEXT_KEY: _free_text(columns, '""', '"'), EMPTY_ROW_KEY: _free_text(columns[:1], "(no data)", "-")}
    used = _mark(columns, codes, marks)
    kinds = {c.name: c.kind for c in columns}
    if book.weight and kinds[book.weight] not in ("integer", "number"):
        raise OutputError(f"{path.name}: the weight variable '{book.weight}' is no number. Name a numeric one.")
    tables = to_tables(book, {}, kinds)
    tables["file"][1:1] = [[LAYOUT_KEY, LAYOUT], *([key, marks[key]] for key in used)]
    _check_tables(path, tables)
    with atomic_path(path) as temporary, TemporaryDirectory() as scratch:
        workbook = xlsxwriter.Workbook(str(temporary), {**_SETTINGS, "tmpdir": scratch})
        workbook.set_properties({"created": _CREATED})
        _write_data(workbook, columns, len(codes))
        for name, table in tables.items():
            _write_table(workbook, name, table)
        try:
            workbook.close()
        except XlsxWriterException as error:
            raise OutputError(f"{path} cannot be written: {error}. What was there is unchanged.") from error
    return _lost(codebook, book)


@dataclass(frozen=True, slots=True)
class _Cells:
    """A column ready to be written: None for an empty cell, else a number, a text or a date."""

    name: str
    kind: str
    values: list[Any]
    form: str = ""  # number format


def _check_size(path: Path, codes: pd.DataFrame) -> None:
    rows, columns = codes.shape
    if not columns:
        raise OutputError(f"{path.name}: there are no columns to write.")
    if columns > MOST_COLUMNS:
        raise OutputError(f"{path.name}: {columns:,} columns; a sheet holds {MOST_COLUMNS:,}. Write .parquet or .csv.")
    if rows > MOST_ROWS - 1:
        raise OutputError(f"{path.name}: {rows:,} rows; a sheet holds {MOST_ROWS - 1:,}. Write .parquet or .csv.")
    if "" in codes.columns:
        raise OutputError(f"{path.name}: column {list(codes.columns).index('') + 1} has an empty name. Name it.")


def _prepare(path: Path, column: pd.Series) -> _Cells:
    name = str(column.name)
    if is_text(column):
        check_mixed(path, column)
        values = [None if missing else v for v, missing in zip(column.tolist(), column.isna(), strict=True)]
        _check_texts(path, name, values)
        return _Cells(name, "text", values, "@")
    if pd.api.types.is_integer_dtype(column.dtype):
        return _Cells(name, "integer", _integers(path, column))
    if pd.api.types.is_float_dtype(column.dtype):
        return _Cells(name, "number", _numbers(column.to_numpy(dtype=float, na_value=np.nan)))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return _dates(path, column)
    raise OutputError(
        f"{path.name}: column '{name}' has type {column.dtype}, which a sheet cannot give back. "
        "Convert it to numbers, text or dates first."
    )


def _check_texts(path: Path, name: str, values: list[str | None]) -> None:
    for row, text in enumerate(values, 1):
        problem = _problem(text) if text else ""
        if problem:
            raise OutputError(f"{path.name}: the text of '{name}' in row {row} {problem}")


def _problem(text: str) -> str:
    """Why a cell cannot hold a text, "" where it can."""
    bad = _ILLEGAL.search(text)
    if bad:
        return f"has the character U+{ord(bad[0]):04X}, which no workbook can hold. Remove it, or write .parquet."
    if len(text) > MOST_CHARACTERS // 2 and len(text.encode("utf-16-le")) // 2 > MOST_CHARACTERS:
        return f"has {len(text):,} characters; a cell holds {MOST_CHARACTERS:,}. Shorten it, or write .parquet."
    return ""


def _integers(path: Path, column: pd.Series) -> list[Any]:
    values = [None if pd.isna(v) else int(v) for v in column.tolist()]
    known = [v for v in values if v is not None]
    large = bool(known) and max(abs(min(known)), abs(max(known))) > _EXACT
    if large and (len(known) < len(values) or max(known) >= 2**63):
        raise OutputError(
            f"{path.name}: column '{column.name}' holds whole numbers beyond 2^53 with missing values among them, or "
            "beyond 2^63; they would lose digits when read. Make it text."
        )
    return [str(v) if v is not None and abs(v) > _EXACT else v for v in values]


def _numbers(values: np.ndarray) -> list[Any]:
    """Numbers that are written with every digit; infinite ones as text."""
    numbers = values.tolist()
    if np.isfinite(values).all() and (np.floor(values) == values).all() and (np.abs(values) < 1e15).all():
        return numbers
    return [_number(v) for v in numbers]


def _number(value: float) -> Any:
    if value != value:
        return None
    if value in (math.inf, -math.inf):
        return str(value)
    return value if float(f"{value:.16G}") == value else _Exact(value)


def _dates(path: Path, column: pd.Series) -> _Cells:
    exact = column.to_numpy()
    stamps = exact.astype("datetime64[us]")
    empty = np.isnat(stamps)
    if not ((stamps == exact) | empty).all():
        raise OutputError(
            f"{path.name}: column '{column.name}' holds dates that are finer than microseconds. Round them first."
        )
    plain = (stamps >= _FIRST_DAY) & (stamps < _AFTER) & (stamps.astype("datetime64[s]") == stamps)
    values: list[Any] = stamps.astype(object).tolist()
    for i in np.flatnonzero(~plain):
        values[i] = None if empty[i] else str(np.datetime_as_string(stamps[i]))
    days = (stamps[plain].astype("datetime64[D]") == stamps[plain]).all()
    return _Cells(str(column.name), "date", values, "yyyy-mm-dd" if days else "yyyy-mm-dd hh:mm:ss")


def _free_text(columns: Sequence[_Cells], text: str, more: str) -> str:
    """A text that no cell holds."""
    taken = {v for c in columns if c.kind == "text" for v in c.values if v and v.startswith(text)}
    while text in taken:
        text += more
    return text


def _mark(columns: list[_Cells], codes: pd.DataFrame, marks: Mapping[str, str]) -> list[str]:
    """Puts marks where an empty cell would be misread: empty texts, rows without any value. The marks that are used."""
    used = []
    for column in columns:
        if column.kind == "text" and "" in column.values:
            column.values[:] = [marks[EMPTY_TEXT_KEY] if v == "" else v for v in column.values]
            used = [EMPTY_TEXT_KEY]
    rows = np.flatnonzero(codes.isna().all(axis=1).to_numpy())
    for row in rows:
        columns[0].values[row] = marks[EMPTY_ROW_KEY]
    return [*used, EMPTY_ROW_KEY] if len(rows) else used


def _check_tables(path: Path, tables: Mapping[str, Table]) -> None:
    for name, table in tables.items():
        if len(table) > MOST_ROWS:
            raise OutputError(
                f"{path.name}: {len(table):,} rows of {name}; a sheet holds {MOST_ROWS:,}. Write .parquet."
            )
        for row in table[1:]:
            for what, cell in zip(table[0], row, strict=True):
                problem = _problem(cell) if isinstance(cell, str) else ""
                if problem:
                    raise OutputError(f"{path.name}: the {what} of {row[0]!a} in '{name}' {problem}")


def _write_data(workbook: xlsxwriter.Workbook, columns: Sequence[_Cells], rows: int) -> None:
    sheet = workbook.add_worksheet("data")
    bold = workbook.add_format({"bold": True})
    plain = workbook.add_format()
    forms = {form: workbook.add_format({"num_format": form}) for form in sorted({c.form for c in columns} - {""})}
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": f"A1:{xl_rowcol_to_cell(rows, len(columns) - 1)}"})
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _width(column), forms.get(column.form))
        put_text(sheet, 0, at, column.name, bold)
    ready = [(at, c.values, forms.get(c.form)) for at, c in enumerate(columns)]
    for row in range(rows):
        for at, values, form in ready:
            value = values[row]
            if value is None:
                continue
            if isinstance(value, str):
                put_text(sheet, row + 1, at, value, form or plain)
            elif isinstance(value, datetime):
                sheet.write_datetime(row + 1, at, value, form)
            else:
                sheet.write_number(row + 1, at, value)


def _width(column: _Cells) -> int:
    sample = [v for v in column.values[:_SAMPLE] if v is not None]
    longest = max([len(column.name), *(len(v) if isinstance(v, str) else len(f"{v:.6g}") for v in sample)])
    return min(max(longest + 2, _NARROW), _WIDE)


def _write_table(workbook: xlsxwriter.Workbook, name: str, table: Table) -> None:
    sheet = workbook.add_worksheet(name)
    bold = workbook.add_format({"bold": True})
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    for at, width in enumerate(_WIDTHS[name]):
        sheet.set_column(at, at, width, wrapped)
    for row, cells in enumerate(table):
        for at, cell in enumerate(cells):
            if cell == "":
                continue
            if isinstance(cell, str):
                put_text(sheet, row, at, cell, wrapped if row else bold)
            else:
                sheet.write_number(row, at, _number(float(cell)), wrapped)


def _lost(codebook: Codebook, book: Codebook) -> tuple[Notice, ...]:
    """What the codebook says of columns that are not there; no format holds that."""
    lost = [f"the variable '{name}'" for name in codebook if name not in book]
    lost += [f"the set '{name}'" for name in codebook.sets if name not in book.sets]
    lost += [f"the weight '{codebook.weight}'"] if codebook.weight != book.weight else []
    if not lost:
        return ()
    text = f"Left out of the workbook, since their columns are not in the data: {listed(lost)}."
    return (Notice("lost", text, len(lost)),)
