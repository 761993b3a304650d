"""Stata .dta files, read by pyreadstat with the extended missing values .a to .z kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from survey_kit.codebook import Code, Codebook, MissingRule, Variable
from survey_kit.errors import EncodingError, FileFormatError, listed, unknown
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.io.dates import STATA_EPOCH, convert_dates, stata_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.text import codec_name
from survey_kit.schema import Notice

_OPENING, _CLOSING = b"<stata_dta>", b"</stata_dta>"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FIRST_LETTER_CODE = -1_000_001  # .a is -1000001, .b is -1000002 ... .z is -1000026


def letter_code(letter: str) -> int:
    """The user-missing code that stands for an extended missing value.

    >>> letter_code("a"), letter_code("c")
    (-1000001, -1000003)
    """
    return FIRST_LETTER_CODE - LETTERS.index(letter)


def read_dta(path: Path, options: ReadOptions) -> FileContents:
    """Read a Stata file. Integers become int64 (float64 where values are missing), floats float64, text `str`.

    Stata has one missing value without meaning (".", here NaN) and 26 with (".a" to ".z"). The latter become the codes
    -1000001 to -1000026, declared user-missing and labelled as in the file; a notice lists them. Other variables state
    no missing rule: codes such as -1 "don't know" are ordinary values in Stata. %td, %tc dates become datetime64[us].
    Raises as `read_file`.
    """
    frame, meta = _read(path, options)
    columns: dict[str, pd.Series] = {}
    variables: dict[str, Variable] = {}
    notices: list[Notice] = []
    letters: dict[str, list[str]] = {}
    for name in frame.columns:
        used = list(meta.missing_user_values.get(name, ()))
        variables[name] = _variable(name, meta, used)
        columns[name], notice = _column(frame[name], variables[name], meta, used)
        notices += [notice] if notice else []
        if used:
            letters[name] = used
    codes = pd.DataFrame(columns, index=frame.index)
    notices += _letter_notice(letters)
    codebook = Codebook(
        variables,
        title=meta.file_label or "",
        notes=tuple(meta.notes or ()),
        encoding=codec_name(options.encoding or meta.file_encoding or "utf-8"),
    )
    return FileContents(codes, codebook, tuple(notices + doubts(codes, codebook)), "dta")


def _read(path: Path, options: ReadOptions) -> tuple[pd.DataFrame, Any]:
    _check_end(path)
    encoding = codec_name(options.encoding).upper() if options.encoding else None
    try:
        frame, meta = pyreadstat.read_dta(path, user_missing=True, disable_datetime_conversion=True, encoding=encoding)
    except UnicodeDecodeError as error:
        raise EncodingError(_encoding_sentence(path, encoding)) from error
    except (pyreadstat.ReadstatError, ValueError, IndexError, OverflowError, MemoryError) as error:
        if "encoding" in str(error):
            raise EncodingError(_encoding_sentence(path, encoding)) from error
        raise FileFormatError(
            f"{path.name} is truncated or damaged, or an unknown Stata version: {error}. Fetch it again."
        ) from error
    if meta.number_rows is not None and meta.number_rows != len(frame):
        raise FileFormatError(f"{path.name} declares {meta.number_rows:,} rows, {len(frame):,} can be read.")
    for name in options.columns or ():
        if name not in frame.columns:
            raise unknown("column", name, frame.columns)
    return (frame if options.columns is None else frame[list(options.columns)]), meta


def _check_end(path: Path) -> None:
    """FileFormatError for a file of format 117 or later without its closing tag: readers would drop labels silently."""
    with path.open("rb") as file:
        head = file.read(len(_OPENING))
        file.seek(-min(64, path.stat().st_size), 2)
        tail = file.read()
    if head == _OPENING and not tail.rstrip().endswith(_CLOSING):
        raise FileFormatError(f"{path.name} is truncated or damaged: its closing tag is missing. Fetch it again.")


def _encoding_sentence(path: Path, encoding: str | None) -> str:
    stated = f"encoding {encoding.lower()}" if encoding else "the encoding of its version"
    return f'{path.name}: text is not valid in {stated}. Name another, such as encoding="cp1251" or "cp1252".'


def _variable(name: str, meta: Any, used: list[str]) -> Variable:
    labels: Mapping[Code, str] = meta.variable_value_labels.get(name, {})
    plain = {c: t for c, t in labels.items() if not isinstance(c, str)}
    marked: dict[Code, str] = {letter_code(c): t for c, t in labels.items() if isinstance(c, str) and c in LETTERS}
    rule = tuple(sorted({*marked, *map(letter_code, used)}, reverse=True))
    text = meta.readstat_variable_types.get(name) == "string"
    return Variable(
        name=name,
        label=meta.column_names_to_labels.get(name) or "",
        labels={**dict(sorted(plain.items())), **marked},
        missing=MissingRule(rule) if rule else None,
        measure="nominal" if text else "unknown",
        format=meta.original_variable_types.get(name) or "",
    )


def _column(column: pd.Series, variable: Variable, meta: Any, used: list[str]) -> tuple[pd.Series, Notice | None]:
    kind = meta.readstat_variable_types.get(variable.name)
    if kind == "string":
        text = column.astype("str")
        return text.where(text != ""), None
    numbers = _numbers(column, used)
    unit = stata_unit(variable.format)
    if unit is not None:
        return convert_dates(numbers.astype("float64"), variable, unit, STATA_EPOCH)
    whole = str(kind).startswith("int") and not numbers.isna().any()
    return numbers.astype("int64" if whole else "float64"), None


def _numbers(column: pd.Series, used: list[str]) -> pd.Series:
    """Numbers with letters replaced by their codes."""
    if not used:
        return pd.to_numeric(column)
    codes = {letter: letter_code(letter) for letter in used}
    values = np.array([codes.get(v, v) if isinstance(v, str) else v for v in column.tolist()], dtype=float)
    return pd.Series(values, index=column.index, name=column.name)


def _letter_notice(letters: Mapping[str, list[str]]) -> list[Notice]:
    if not letters:
        return []
    every = sorted({letter for used in letters.values() for letter in used})
    pairs = listed([f".{letter} is {letter_code(letter)}" for letter in every], most=26)
    text = f"Extended missing values are kept as user-missing codes ({pairs}) in {listed(letters)}."
    return [Notice("extended_missing", text, len(letters))]
