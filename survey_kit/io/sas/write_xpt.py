"""SAS transport files (.xpt, version 8), written by pyreadstat; special missing values and a fixed date are put in after."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.dates import STATA_EPOCH, sas_unit
from survey_kit.io.extended_missing import SPECIAL, letter_code
from survey_kit.io.sas.xport import LINE, read_xpt_layout
from survey_kit.io.stat_limits import check_columns, lost_notice, meaning_lost, refuse_twins, sets_lost
from survey_kit.io.surrogates import refuse_surrogates
from survey_kit.io.text import cut
from survey_kit.io.write import complete, is_text
from survey_kit.schema import Notice

KIND = "SAS transport"
_LABEL, _TITLE, _TEXT = 256, 40, 32_767  # bytes
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_RESERVED = frozenset(("_N_", "_ERROR_", "_NUMERIC_", "_CHARACTER_", "_ALL_"))
_SMALLEST, _LARGEST = 2.0**-256, 7.237005577332262e75  # of IBM's numbers, in which a double keeps all its digits
_FORM = re.compile(r"\$?[A-Za-z_][A-Za-z_0-9]*?\d*(\.\d*)?")
_SPSS_ONLY = re.compile(
    r"(A|AHEX|N|PCT|DOT|CC[A-E]|P|PK|PIBHEX|RBHEX|[AEJS]DATE|DTIME|WKDAY|MOYR|QYR|WKYR|MTIME|YMDHMS)\d+.*"
)
_LOST = ("question", "filter", "origin", "measure", "width", "alignment", "attributes")
_STAMP = b"01JAN00:00:00:00"
_STAMPS = ((1, 64), (2, 0), (5, 64), (6, 0))  # (line, column) of the dates of writing


def write_xpt(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write a transport file of version 8 in UTF-8: names of 32, labels of 256 bytes. Equal data give equal bytes.

    The codes -1000001 to -1000027, where declared missing, become .A to .Z and ._; dates become DATE9, or DATETIME20
    where they hold a time of day. Numbers are IBM doubles, which hold every digit of a double between 1e-77 and 7e75.
    The format holds no value labels, missing rules or notes; a notice lists what is lost. Equivalent: R
    `haven::write_xpt`. Raises OutputError, naming the variable.
    """
    book = complete(codebook, codes)
    _check(path, codes, book)
    frame = pd.DataFrame({n: _storable(codes[n], book[n]) for n in codes.columns}, index=pd.RangeIndex(len(codes)))
    labels: dict[str, str | None] = {n: cut(v.label, _LABEL)[0] for n, v in book.variables.items() if v.label}
    with atomic_path(path) as temporary:
        try:
            pyreadstat.write_xport(
                frame,
                temporary,
                file_label=cut(book.title, _TITLE)[0],
                column_labels=labels,
                table_name="DATA",
                file_format_version=8,
                variable_format={n: f for n, v in book.variables.items() if (f := _form(v, codes[n]))},
            )
        except pyreadstat.ReadstatError as error:
            raise OutputError(f"{path} cannot be written: {error}. What was there is unchanged.") from error
        _finish(temporary, path, codes, book)
    return tuple(_notices(codes, codebook, book))


def _check(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    refuse_surrogates(path, codes, book)
    check_columns(path, codes, KIND, _TEXT)
    refuse_twins(path, codes, KIND)
    odd = [n for n in codes.columns if not _NAME.fullmatch(n) or n.upper() in _RESERVED]
    if odd:
        raise OutputError(
            f"{path.name}: names in {KIND} files have at most 32 letters A to Z, digits and _, no digit first; these do not "
            f"fit: {listed(odd)}. Rename them."
        )
    for name, variable in book.variables.items():
        column = codes[name]
        if any(isinstance(c, str) != is_text(column) for c in (variable.missing or MissingRule()).values):
            raise OutputError(
                f"{path.name}: variable '{name}' has missing values of another type. Correct the codebook."
            )
        if pd.api.types.is_float_dtype(column.dtype):
            size = np.abs(column.to_numpy(dtype=float, na_value=np.nan))
            rows = np.flatnonzero((size > _LARGEST) | ((size > 0) & (size < _SMALLEST))) + 1
            if len(rows):
                raise OutputError(
                    f"{path.name}: variable '{name}' holds a number in row {rows[0]} outside 1e-77 to 7e75, which {KIND} does "
                    "not hold. Correct it, or write .sav."
                )


def _letters(column: pd.Series, variable: Variable) -> np.ndarray:
    """The byte that stands for a declared special missing value, 0 elsewhere. Shape (n,)."""
    rule = variable.missing or MissingRule()
    if is_text(column) or pd.api.types.is_datetime64_dtype(column):
        return np.zeros(len(column), dtype=np.uint8)
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    declared = [s for s in SPECIAL if letter_code(s) in rule.values]
    found = [np.where(numbers == letter_code(s), ord(s), 0) for s in declared]
    return np.sum(found, axis=0).astype(np.uint8) if found else np.zeros(len(column), dtype=np.uint8)


def _storable(column: pd.Series, variable: Variable) -> pd.Series:
    """A column as pyreadstat stores it without a guess of its own: doubles or text."""
    if is_text(column):
        return column.astype("str").fillna("").reset_index(drop=True)
    if pd.api.types.is_datetime64_dtype(column):
        micros = (column.to_numpy().astype("datetime64[us]") - STATA_EPOCH).astype(np.int64)
        unit = sas_unit(_form(variable, column)) or 1
        return pd.Series(np.where(column.isna().to_numpy(), np.nan, micros // unit + micros % unit / unit))
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    return pd.Series(np.where(_letters(column, variable) > 0, np.nan, numbers))


def _form(variable: Variable, column: pd.Series) -> str:
    """The SAS format to write: the variable's own where it can be one of SAS's and fits, else a default for dates."""
    form = variable.format
    if pd.api.types.is_datetime64_dtype(column):
        stamps = column.dropna().to_numpy().astype("datetime64[us]").astype(np.int64)
        unit, days = sas_unit(form), bool((stamps % 86_400_000_000 == 0).all())
        if unit is not None and (days or unit == 1_000_000):
            return form
        return "DATE9" if days else "DATETIME20"
    if not _FORM.fullmatch(form) or _SPSS_ONLY.fullmatch(form.upper()) or form.startswith("$") != is_text(column):
        return ""
    return "" if sas_unit(form) and not pd.api.types.is_float_dtype(column.dtype) else form


def _finish(temporary: Path, path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    """Put in the fixed dates and the special missing values, and check that all rows are there."""
    content = bytearray(temporary.read_bytes())
    layout = read_xpt_layout(path.name, bytes(content))
    if layout.rows != len(codes) and len(codes):
        raise OutputError(f"{path} cannot be written: {layout.rows} of {len(codes)} rows arrived. Is the disk full?")
    for line, column in _STAMPS:
        at = line * LINE + column
        content[at : at + len(_STAMP)] = _STAMP
    rows = np.frombuffer(content, np.uint8, layout.width * layout.rows, layout.data).reshape(-1, layout.width)
    for name, (start, _, _) in zip(codes.columns, layout.columns, strict=True):
        marks = _letters(codes[name], book[name])
        rows[marks > 0, start] = marks[marks > 0]
    temporary.write_bytes(content)


def _notices(codes: pd.DataFrame, given: Codebook, book: Codebook) -> list[Notice]:
    notices = []
    shorter = [f"the label of '{n}'" for n, v in book.variables.items() if len(v.label.encode()) > _LABEL]
    shorter += ["the file's title"] if len(book.title.encode()) > _TITLE else []
    if shorter:
        text = f"Too long for {KIND} and cut: {listed(shorter)}. Write .parquet to keep them."
        notices.append(Notice("cut", text, len(shorter)))
    if not all(t.isascii() for t in _texts(codes, book)):
        text = f"Text beyond ASCII is written in UTF-8, which a {KIND} file cannot say: tell its reader, or write .sav."
        notices.append(Notice("encoding", text))
    lost = {"value labels of": [n for n, v in book.variables.items() if v.labels], "missing rules of": _rules(book)}
    lost |= meaning_lost(book, codes, _LOST) | sets_lost(given)
    lost |= {"the weight": [book.weight] if book.weight else [], "the notes": ["of the file"] if book.notes else []}
    lost |= {"blanks at the end of text of": [n for n in codes if _trailing(codes[n])]}
    return notices + lost_notice(
        KIND, {k: v for k, v in lost.items() if v}, "Write .parquet to keep them, or .sav for most."
    )


def _texts(codes: pd.DataFrame, book: Codebook) -> Iterable[str]:
    yield from (book.title, *(v.label for v in book.variables.values()))
    for name in codes.columns:
        if is_text(codes[name]):
            yield from (t for t in codes[name].dropna().unique().tolist())


def _trailing(column: pd.Series) -> bool:
    return is_text(column) and bool(column.astype("str").str.endswith(" ").any())


def _rules(book: Codebook) -> list[str]:
    """Variables with missing rules other than special missing values."""
    special = {letter_code(s) for s in SPECIAL}
    rules = {n: v.missing for n, v in book.variables.items() if v.missing is not None}
    return [n for n, rule in rules.items() if rule.ranges or any(v not in special for v in rule.values)]
