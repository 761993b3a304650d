"""Which text columns are numbers? Only those whose every non-empty value is a plain number; ids stay text.

A plain number has no leading zero and no plus sign; an exponent needs a sign (1e-05 is a number, 1E5 an id). Blanks beside
numbers and dates do not count; texts keep theirs. With a decimal comma, groups of three may be separated by spaces.
Columns of ISO dates (2022-12-31, 2022-12-31 18:05:00) become datetime64[us]. Columns are tested as wholes with RE2, not
cell by cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from survey_kit.errors import ArgumentError, listed
from survey_kit.io.formula_guard import GUARDED
from survey_kit.schema import Notice

_INTEGER = r"^-?(0|[1-9]\d*)$"
_PLAIN = r"(0|[1-9]\d*)"
_GROUPS = r"([1-9]\d{0,2}([\x{00a0}\x{202f}\x{2009}]\d{3})+)"  # thousands set apart by non-breaking spaces
_SPACED = r"([1-9]\d{0,2}( \d{3})+)"  # a common space groups only before a decimal mark: "12 345" may be two codes
_ISO = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$"  # the one way of writing a date with one meaning
_ZEROS = r"^-?0\d+$"
TOKENS = ("NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "None", ".", "-", "#N/A")
_ALMOST = r"^(?i:[+-]?(\d+\.?\d*(e\d+)?|\d*\.?\d+e\+\d{3,}|\d*,\d+|\d{1,3}([ ,]\d{3})+(\.\d+)?|inf|infinity))$"
_FEW = 0.5  # a column with more numbers than this among its values was probably meant as numbers
_EXACT = 2**53
_INT64 = 2.0**63


def _number(mark: str) -> str:
    """Pattern of a number with decimal mark "." or ","."""
    m = r"\." if mark == "." else ","
    return rf"^-?((({_PLAIN}|{_GROUPS})({m}\d*)?|{_SPACED}{m}\d+|{m}\d+)|{_PLAIN}({m}\d*)?[eE][+-]\d+)$"


_NUMBER = {mark: _number(mark) for mark in ".,"}
_AMBIGUOUS = r"^-?[1-9]\d{0,2},\d{3}$"  # 1,234: a decimal comma or a thousands comma


def column_types(table: pa.Table, decimal: str | None, delimiter: str, rows: int) -> tuple[pd.DataFrame, list[Notice]]:
    """Codes and notices from a table of text columns. `rows` is the length where no column was asked for."""
    _check_decimal(decimal)
    columns = {name: _combined(table[name]) for name in table.column_names}
    mark = decimal or _decimal_mark(columns, delimiter)
    codes: dict[str, pd.Series] = {}
    notes = _Notes()
    for name, values in columns.items():
        codes[name] = _typed(name, values, mark, notes)
    frame = pd.DataFrame(codes, index=pd.RangeIndex(rows))
    return frame, notes.notices(mark)


def _check_decimal(decimal: str | None) -> None:
    if decimal not in (None, ".", ","):
        raise ArgumentError(f"decimal={decimal!r} is not available. There are: '.', ','.")


class _Notes:
    """Collects what is said about columns, to be said once each."""

    def __init__(self) -> None:
        self.zeros: list[str] = []
        self.mixed: list[Notice] = []
        self.blank: list[str] = []
        self.large: list[str] = []
        self.guarded: list[str] = []

    def notices(self, mark: str) -> list[Notice]:
        found = list(self.mixed)
        if mark == ",":
            found.append(Notice("decimal", "Numbers have a decimal comma."))
        if self.blank:
            text = f"Blanks beside numbers or dates do not count: {listed(self.blank)}."
            found.append(Notice("blank", text, len(self.blank)))
        if self.zeros:
            text = f"Kept as text, since leading zeros would be lost (0012 is not 12): {listed(self.zeros)}."
            found.append(Notice("text", text, len(self.zeros)))
        if self.large:
            text = f"Kept as text, since a number could not hold every digit: {listed(self.large)}."
            found.append(Notice("text", text, len(self.large)))
        if self.guarded:
            text = (
                f"The quote that guards text from spreadsheets (before = + - @) was taken off: {listed(self.guarded)}."
            )
            found.append(Notice("guard", text, len(self.guarded)))
        return found


def _combined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _decimal_mark(columns: dict[str, pa.Array], delimiter: str) -> str:
    """ "," when a column of numbers with a decimal comma proves it; "1,234" alone proves nothing."""
    if delimiter == ",":
        return "."
    for column in columns.values():
        if not _any(column, ","):
            continue
        values = _trimmed(column)
        fits = _matches(values, _NUMBER[","])
        commas = pc.match_substring(values, ",")
        if pc.all(fits).as_py() and pc.any(pc.and_(commas, pc.invert(_matches(values, _AMBIGUOUS)))).as_py():
            return ","
    return "."


def _any(values: pa.Array, text: str) -> bool:
    return bool(pc.any(pc.match_substring(values, text)).as_py())


def _matches(values: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(values, pattern)


def _typed(name: str, values: pa.Array, mark: str, notes: _Notes) -> pd.Series:
    """One column as numbers when all its values are, else as text."""
    if values.null_count == len(values):
        return pd.Series(np.full(len(values), np.nan)) if len(values) else pd.Series([], dtype="str")
    plain = _trimmed(values)
    if plain.null_count == len(plain):
        return _unguarded(name, values, notes)
    fits = _matches(plain, _NUMBER[mark])
    found = _no_text(name, plain, fits, mark, notes)
    if found is None:
        return _as_text(name, values, plain, _finite(plain, fits, mark), mark, notes)
    if not plain.equals(values):
        notes.blank.append(name)
    return found


def _trimmed(values: pa.Array) -> pa.Array:
    """The values without blanks around them, null where nothing is left."""
    plain = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(plain, ""), pa.scalar(None, plain.type), plain)


def _no_text(name: str, plain: pa.Array, fits: pa.Array, mark: str, notes: _Notes) -> pd.Series | None:
    """The column as integers, numbers or dates, None where it is none of them."""
    if pc.all(_matches(plain, _INTEGER)).as_py():
        return _integers(name, plain, notes)
    if pc.all(fits).as_py():
        numbers = _floats(plain, mark)
        return None if np.isinf(numbers).any() else pd.Series(numbers)
    return _dates(name, plain, notes) if pc.all(_matches(plain, _ISO)).as_py() else None


def _finite(plain: pa.Array, fits: pa.Array, mark: str) -> pa.Array:
    """`fits` without the numbers that are too large for a double."""
    if not pc.all(fits).as_py():
        return fits
    numbers = _floats(plain, mark)
    return pa.array(np.isfinite(numbers), mask=np.isnan(numbers))


def _dates(name: str, values: pa.Array, notes: _Notes) -> pd.Series | None:
    """datetime64[us], or None when one of the days does not exist."""
    texts = _text(values)
    try:
        return pd.to_datetime(texts, format="ISO8601").dt.as_unit("us")
    except ValueError:
        pass
    bad = pd.to_datetime(texts, format="ISO8601", errors="coerce").isna() & texts.notna()
    rows = (np.flatnonzero(bad.to_numpy()) + 1).tolist()
    text = f"'{name}' is kept as text: no such day or time in row{'s' * (len(rows) != 1)} {listed(rows)}."
    notes.mixed.append(Notice("date", text, len(rows)))
    return None


def _integers(name: str, values: pa.Array, notes: _Notes) -> pd.Series | None:
    """int64, float64 with NaN where cells are empty, None where digits would be lost."""
    try:
        numbers = values.cast(pa.int64())
    except pa.ArrowInvalid:
        notes.large.append(name)
        return None
    if not numbers.null_count:
        return pd.Series(numbers.to_numpy())
    largest = max(abs(pc.max(numbers).as_py()), abs(pc.min(numbers).as_py()))
    if largest >= _EXACT:
        notes.large.append(name)
        return None
    return pd.Series(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False))


def plain_numbers(words: Sequence[str], mark: str) -> dict[str, float]:
    """Those texts that are plain numbers with this decimal mark, with their values.

    >>> plain_numbers(["1", "0.5 ", "01", "x"], ".")
    {'1': 1.0, '0.5 ': 0.5}
    """
    _check_decimal(mark)
    values = pa.array(words, pa.large_string())
    plain = _trimmed(values)
    fits = _matches(plain, _NUMBER[mark]).fill_null(False)
    numbers = _floats(plain.filter(fits), mark).tolist()
    found = zip(values.filter(fits).to_pylist(), numbers, strict=True)
    return {t: n for t, n in found if abs(n) < _INT64 or (math.isfinite(n) and "e" in t.lower())}


def _floats(values: pa.Array, mark: str) -> np.ndarray:
    plain = pc.replace_substring_regex(values, r"[\x{00a0}\x{202f}\x{2009} ]", "")
    if mark == ",":
        plain = pc.replace_substring(plain, ",", ".")
    return pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)


def _as_text(name: str, values: pa.Array, plain: pa.Array, fits: pa.Array, mark: str, notes: _Notes) -> pd.Series:
    """Text as it stands; `plain` and `fits`: trimmed, and whether that is a number."""
    if name in notes.large:
        return _text(values)
    zeros = _matches(plain, _ZEROS)
    likely = pc.or_(fits, _matches(plain, _ALMOST))
    share = pc.mean(pc.cast(pc.or_(likely, pc.is_in(plain, pa.array(TOKENS, plain.type))), pa.float64())).as_py()
    if pc.any(zeros).as_py():
        notes.zeros.append(name)
    elif share > _FEW and pc.any(likely).as_py():
        notes.mixed.append(_mixed_notice(name, values, _rows(pc.invert(fits)), mark))
    return _unguarded(name, values, notes)


def _mixed_notice(name: str, values: pa.Array, odd: list[int], mark: str) -> Notice:
    tokens = sorted({values[r - 1].as_py() for r in odd[:1000]})
    hint = ""
    if all(t.strip() in TOKENS for t in tokens):
        hint = f" They are {listed(map(repr, tokens))}; if that means no value, read with na={tokens!r}."
    elif mark == "." and any("," in t for t in tokens):
        hint = ' Some have a comma: if it is the decimal mark, read with decimal=",".'
    rows = f"row{'s' if len(odd) > 1 else ''} {listed(odd)}"
    text = f"'{name}' is kept as text: no plain number in {rows}.{hint}"
    return Notice("mixed", text, len(odd))


def _rows(where: pa.Array) -> list[int]:
    return (np.flatnonzero(where.fill_null(False).to_numpy(zero_copy_only=False)) + 1).tolist()


def _unguarded(name: str, values: pa.Array, notes: _Notes) -> pd.Series:
    """Take off the quote that `write_csv` puts before text that a spreadsheet would run."""
    guarded = _matches(values, GUARDED)
    if not pc.any(guarded).as_py():
        return _text(values)
    notes.guarded.append(name)
    return _text(pc.if_else(guarded, pc.utf8_slice_codeunits(values, 1), values))


def _text(values: pa.Array) -> pd.Series:
    return pd.Series(values.to_pandas(), dtype="str")
