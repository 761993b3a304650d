"""Sheets of a workbook as tables of texts, for questionnaires and codebooks."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from survey_kit.errors import FileFormatError, ResourceLimitError, WrongFormatError, listed
from survey_kit.io.excel.facts import address
from survey_kit.io.excel.open import Workbook

_MOST_CELLS = 5_000_000  # of a sheet; a questionnaire has some thousands

Row = tuple[int, dict[str, str]]


def read_sheets(path: Path, wanted: Collection[str]) -> dict[str, list[list[str]]]:
    """{name of a sheet in lower case: its rows as texts}, of the wanted sheets that there are. Blank cells are "".

    A number without decimals is "1", truth values are "TRUE" and "FALSE". Formulas give the value that was saved.
    Raises DamagedFileError, ResourceLimitError, WrongFormatError where two sheets share a name, and FileFormatError for
    formulas that were never calculated or are an error.
    """
    found: dict[str, list[list[str]]] = {}
    with _opened(path) as book:
        for sheet in book.sheets:
            name = _plain(sheet.name)
            if name not in wanted:
                continue
            if name in found:
                raise WrongFormatError(f"{path.name} has two sheets called {name!r}. Rename one.")
            facts = book.facts(sheet.name)
            if facts.rows * facts.columns > _MOST_CELLS:
                raise ResourceLimitError(
                    f"{path.name}: the sheet '{sheet.name}' spans {facts.rows * facts.columns:,} cells; "
                    f"{_MOST_CELLS:,} are read at most. Delete what lies far from the rest."
                )
            odd = [*facts.uncached, *facts.errors]
            if odd:
                raise FileFormatError(
                    f"{path.name}, sheet '{sheet.name}': formulas without a value in {listed(map(address, odd))}. "
                    "Calculate them in Excel and save, or delete them."
                )
            rows, _ = book.values(sheet.name)
            found[name] = [[cell_text(cell) for cell in row] for row in rows]
    return found


def sheet_names(path: Path) -> list[str]:
    """Names of the sheets in lower case, as `read_sheets` has them."""
    with _opened(path) as book:
        return [_plain(sheet.name) for sheet in book.sheets]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Workbook]:
    book = Workbook(path)
    try:
        yield book
    finally:
        book.close()


def _plain(name: str) -> str:
    return name.strip().casefold()


def cell_text(value: object) -> str:
    """A cell as text.

    >>> cell_text(1.0), cell_text(True), cell_text(None), cell_text(" a ")
    ('1', 'TRUE', '', ' a ')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet below its header: `header` in order, `rows` as (row number, {header: text}) without blank cells."""

    header: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def table(path: Path, name: str, rows: list[list[str]]) -> Table:
    """The rows of a sheet below its header, blanks around texts taken off.

    Headers are in lower case up to "::", with "_" for blanks. Raises WrongFormatError for a header that occurs twice.
    """
    start = next((i for i, cells in enumerate(rows) if any(cell.strip() for cell in cells)), len(rows))
    header = [_header(cell) for cell in rows[start]] if start < len(rows) else []
    twice = next((h for h in header if h and header.count(h) > 1), None)
    if twice is not None:
        raise WrongFormatError(f"{path.name}, sheet '{name}': two columns are called {twice!r}. Remove one.")
    found = []
    for number, cells in enumerate(rows[start + 1 :], start + 2):
        row = {h: cell.strip() for h, cell in zip(header, cells, strict=False) if h and cell.strip()}
        if row:
            found.append((number, row))
    return Table(tuple(header), tuple(found))


def _header(cell: str) -> str:
    """ "label::English (en)" is kept apart as "label::English (en)"; "List name" becomes "list_name"."""
    field, colons, language = cell.strip().partition("::")
    if not colons:
        field, colons, language = cell.strip().partition(":")
    word = "_".join(field.split()).casefold()
    return f"{word}::{' '.join(language.split())}" if colons and language.strip() else word
