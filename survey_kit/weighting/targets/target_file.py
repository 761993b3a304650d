"""Targets in a CSV file as spreadsheets write it: other case, empty rows, "48%", "480 000", UTF-16."""

from __future__ import annotations

import codecs
import re
from io import StringIO
from pathlib import Path

import pandas as pd

from survey_kit.errors import MissingFileError, TargetError

LONG = ("variable", "category", "target")
_NUMBERS = ("target", "se")
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_SPACES = " \u00a0\u2009\u202f'\u2019"  # between thousands
_SPACED = re.compile(rf"[+-]?\d{{1,3}}([{_SPACES}]\d{{3}})+([.,]\d+)?")
_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DOTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV of text cells with its targets as numbers where they read as numbers; nothing is taken for missing."""
    if not path.is_file():
        raise MissingFileError(f"No targets file {str(path)!r}. Check the path, or give a dict or a DataFrame.")
    text = _text_of(path)
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    try:
        table = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise TargetError(f"Targets file {path.name!r} cannot be read as CSV: {str(error).strip()}.") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise TargetError(f"Targets file {path.name!r} has rows with more cells than its header has names.")
    table = with_plain_names(_without_empty(table))
    for name in {*_NUMBERS} & set(table.columns):
        table = table.assign(**{name: pd.Series(_numbers(list(table[name]), separator), table.index, dtype=object)})
    return table


def with_plain_names(table: pd.DataFrame) -> pd.DataFrame:
    """The table with "Variable" and the like renamed to the names that are asked for."""
    plain = [str(c).strip().lower() for c in table.columns]
    names = {
        table.columns[plain.index(name)]: name
        for name in (*LONG, *_NUMBERS)
        if name not in table.columns and plain.count(name) == 1
    }
    return table.rename(columns=names) if names else table


def _text_of(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 where its first bytes say so."""
    raw = path.read_bytes()
    if path.suffix.lower() in _WORKBOOKS or raw.startswith(b"PK\x03\x04"):
        raise TargetError(
            f"Targets file {path.name!r} is a workbook. Save its sheet as CSV (UTF-8), or hand in the table as a DataFrame."
        )
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in raw[:1000]:
        raise TargetError(
            f"Targets file {path.name!r} is not UTF-8 text (it looks like UTF-16): save it as CSV in UTF-8."
        )
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise TargetError(
            f"Targets file {path.name!r} is not UTF-8 text{_likely(raw)}: save it as CSV in UTF-8."
        ) from error


def _likely(raw: bytes) -> str:
    from survey_kit.io.text import preview, rank_encodings  # loaded for such files only

    pieces = [line for line in raw.splitlines() if any(byte > 127 for byte in line)]
    found = rank_encodings(pieces)
    return f" (it looks like {found[0]}: {preview(pieces, found[0])})" if found else ""


def _without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """The table without rows that are empty, and columns that have neither a name nor a value."""
    blank = table.apply(lambda column: column.str.strip() == "")
    nameless = [str(c).startswith("Unnamed:") or not str(c).strip() for c in table.columns]
    empty = [no_name and bool(blank[c].all()) for c, no_name in zip(table.columns, nameless, strict=True)]
    return table.loc[~blank.all(axis=1), [not e for e in empty]].reset_index(drop=True)


def _numbers(cells: list[str], separator: str) -> list[object]:
    """Cells of one column as numbers, those that are none as they are."""
    percent = all(cell.strip().endswith("%") for cell in cells if cell.strip().lower() not in ("", "free"))
    plain = [cell.strip().removesuffix("%").rstrip(_SPACES) if percent else cell.strip() for cell in cells]
    plain = [re.sub(f"[{_SPACES}]", "", cell) if _SPACED.fullmatch(cell) else cell for cell in plain]
    commas = [cell for cell in plain if "," in cell]
    if separator != ";" and all(map(_COMMAS.fullmatch, commas)):
        return [_number(cell.replace(",", "") if "," in cell else cell, cell) for cell in plain]
    if separator == ",":
        return [_number(cell, cell) for cell in plain]
    grouped = any(cell.count(".") > 1 or ("." in cell and "," in cell) for cell in plain)
    plain = [cell.replace(".", "") if grouped and _DOTS.fullmatch(cell) else cell for cell in plain]
    return [_number(cell.replace(",", "."), cell) for cell in plain]


def _number(text: str, cell: str) -> object:
    try:
        return float(text)
    except ValueError:
        return cell
