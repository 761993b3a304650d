"""Cells of a Triple-S file to columns: codes, numbers, text, dates. What does not fit its type stays text, and is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from survey_kit.errors import DamagedFileError, TruncatedFileError, listed
from survey_kit.io.formula_guard import GUARDED
from survey_kit.io.triples.columns import Column, code_of
from survey_kit.io.triples.metadata import Field, is_integer, is_number
from survey_kit.io.triples.notes import Note
from survey_kit.schema import Notice

CANONICAL = r"^-?(0|[1-9]\d*)(\.\d+)?$"
_BLANKS = " \t"
_INTEGER = r"^[+-]?\d+$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_EXACT = 2**53


@dataclass
class Findings:
    """Collects what is said about columns, to be said once each."""

    file: str
    outside: dict[str, int] = field(default_factory=dict)
    mixed: dict[str, list[int]] = field(default_factory=dict)
    large: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)

    def notices(self) -> list[Notice]:
        """One notice of each kind."""
        found = [
            Notice(
                "mixed", f"'{name}' is kept as text: not of its type in row{'s' * (len(r) > 1)} {listed(r)}.", len(r)
            )
            for name, r in self.mixed.items()
        ]
        if self.outside:
            shown = listed([f"{name} ({n} row{'s' * (n > 1)})" for name, n in self.outside.items()])
            text = f"Values outside the stated ones are kept: {shown}."
            found.append(Notice("outside", text, sum(self.outside.values())))
        if self.large:
            text = f"Kept as text, since a number could not hold every digit: {listed(self.large)}."
            found.append(Notice("text", text, len(self.large)))
        if self.times:
            found.append(Notice("time", f"Times are seconds since midnight: {listed(self.times)}.", len(self.times)))
        return found


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a field, checked once for all its columns. Length n.

    Attributes:
        values: as they stand; of a multiple question without blanks at the end, null where nothing was recorded.
        sizes: the length of each cell of marks, as it stands; null where nothing was recorded.
        shortest: the least of `sizes`.
    """

    values: pa.Array
    sizes: pa.Array | None = None
    shortest: int = 0


def checked(field: Field, cells: pa.Array, file: str) -> Cells:
    """The cells of a field, ready for `typed`. DamagedFileError for marks and subfields that cannot be."""
    if field.kind != "multiple":
        return Cells(cells)
    whole = pc.utf8_rtrim(cells, _BLANKS)
    if field.subfields:
        _check_subfields(field, whole, file)
        return Cells(whole)
    odd = pc.invert(pc.match_substring_regex(whole, r"^[01 ]*$"))
    if _any(odd):
        raise DamagedFileError(
            f"{file}: row {_rows(odd)[0]} has another sign than 0, 1 and blank in '{field.name}', whose answers "
            "are marked by position. Was it spread over subfields?"
        )
    marks = _blank_to_null(whole)
    sizes = pc.if_else(pc.is_valid(marks), pc.binary_length(cells), None)
    return Cells(marks.cast(pa.large_binary()), sizes, pc.min(sizes).as_py() or 0)


def _check_subfields(field: Field, whole: pa.Array, file: str) -> None:
    width = _width(field)
    torn = pc.greater(pc.utf8_length(whole), width * field.subfields)
    if _any(torn):
        raise DamagedFileError(
            f"{file}: row {_rows(torn)[0]} has more than {field.subfields} subfields of {width} characters in "
            f"'{field.name}'. Export the survey again."
        )


def _width(field: Field) -> int:
    """Characters of one subfield."""
    return field.width or max(map(len, (*field.values, *(edge for span in field.spans for edge in span))), default=1)


def typed(column: Column, whole: Cells, found: Findings) -> pd.Series:
    """The codes of one column. Shape (n,). Raises TruncatedFileError for marks that are not there."""
    cells = whole.values
    kind, hint = column.field.kind, column.note.get("dtype")
    if kind == "multiple":
        part = _subfield(column, cells) if column.field.subfields else _mark(column, whole, found.file)
        return _as_noted(_codes(column, part, found), column.note)
    if hint == "datetime64[us]" and kind == "character":
        return _moments(column, cells, found)
    if kind == "character":
        return _text(cells, column.note)
    if kind == "date":
        return _dates(column, cells, found)
    if kind == "time":
        return _times(column, cells, found)
    return _as_noted(_codes(column, cells, found), column.note)


def _as_noted(codes: pd.Series, note: Note) -> pd.Series:
    """The column in the type it had when it was written, where its values allow that."""
    wanted = note.get("dtype")
    if wanted == "float64" and codes.dtype == np.int64:  # times
        return codes.astype("float64")
    if wanted == "bool" and codes.dtype == np.int64 and codes.isin((0, 1)).all():
        return codes.astype("bool")
    return codes


def _trimmed(cells: pa.Array) -> pa.Array:
    return _blank_to_null(pc.utf8_trim(cells, _BLANKS))


def _blank_to_null(cells: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)


def _series(cells: pa.Array) -> pd.Series:
    return pd.Series(cells.to_pandas(), dtype="str")


def _text(cells: pa.Array, note: Note) -> pd.Series:
    """Blanks at the end are padding, and a blank field is missing, unless survey_kit noted that they are text."""
    if not note.get("exact"):
        cells = _blank_to_null(pc.utf8_rtrim(cells, _BLANKS))
    if note.get("guarded"):
        guarded = pc.match_substring_regex(cells, GUARDED)
        cells = pc.if_else(guarded, pc.utf8_slice_codeunits(cells, 1), cells)
    return _series(cells)


def _codes(column: Column, cells: pa.Array, found: Findings) -> pd.Series:
    """Numbers where every cell and code is one; else text, leading zeros kept."""
    field, values = column.field, _trimmed(cells)
    if _codes_are_text(column, values):
        codes = _series(values)
        if field.values and not field.spans:
            _outside(column, ~codes.isin(list(field.values)) & codes.notna(), found)
        return codes
    fits = pc.match_substring_regex(values, _NUMBER)
    if not _all(fits):
        found.mixed[column.name] = _rows(pc.invert(fits))
        return _series(values)
    stated = any("." in edge for span in field.spans for edge in span)
    numbers = _numbers(values, decimals=stated or column.note.get("dtype") == "float64")
    if numbers is None:
        found.large.append(column.name)
        return _series(values)
    if _states_values(column):
        _outside(column, ~_within(column, numbers) & numbers.notna(), found)
    return numbers


def _codes_are_text(column: Column, values: pa.Array) -> bool:
    field, hint = column.field, column.note.get("dtype")
    if field.kind != "single" and not field.subfields:
        return False
    if hint:
        return hint == "str"
    literal = field.literal or not all(map(is_integer, field.values))
    if not literal:
        return False
    codes = pa.array(list(field.values), pa.large_string())
    return not all(_all(pc.match_substring_regex(v, CANONICAL)) for v in (codes, values))


def _numbers(values: pa.Array, decimals: bool) -> pd.Series | None:
    """int64, or float64 where there are decimals or gaps; None where digits would be lost."""
    if decimals or not _all(pc.match_substring_regex(values, _INTEGER)):
        return pd.Series(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
    try:
        numbers = pc.replace_substring_regex(values, r"^\+", "").cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    if not numbers.null_count:
        return pd.Series(numbers.to_numpy(zero_copy_only=False))
    low, high = pc.min(numbers).as_py() or 0, pc.max(numbers).as_py() or 0
    if max(-low, high) >= _EXACT:
        return None
    return pd.Series(numbers.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _states_values(column: Column) -> bool:
    field = column.field
    if field.kind == "quantity":
        return bool(field.spans)
    return field.kind == "logical" or bool(field.values or field.spans)


def _within(column: Column, numbers: pd.Series) -> pd.Series:
    field = column.field
    if field.kind == "logical" or (field.kind == "multiple" and not field.subfields):
        return numbers.isin((0, 1))
    inside = numbers.isin([code_of(code, text=False) for code in field.values])
    for low, high in field.spans:
        if is_number(low) and is_number(high):
            inside |= numbers.between(float(low), float(high))
    return inside


def _outside(column: Column, where: pd.Series, found: Findings) -> None:
    count = int(where.sum())
    if count:
        found.outside[column.name] = count


def _mark(column: Column, cells: Cells, file: str) -> pa.Array:
    """The 0/1 marks of one answer; blank where nothing was recorded for the question."""
    place = column.place
    if place > cells.shortest and _any(short := pc.less(cells.sizes, place)):
        raise TruncatedFileError(
            f"{file}: row {_rows(short)[0]} has no mark for answer {place} of '{column.field.name}'. "
            "Did a spreadsheet take its leading zeros away? Export the survey again."
        )
    at = pc.binary_slice(cells.values, place - 1, place).cast(pa.large_string())
    return pc.if_else(pc.is_in(at, pa.array([" ", ""], at.type)), pa.scalar("0", at.type), at)


def _subfield(column: Column, whole: pa.Array) -> pa.Array:
    """One subfield of a spread; 0 and blank mean that it is not used."""
    field, width = column.field, _width(column.field)
    part = pc.utf8_trim(pc.utf8_slice_codeunits(whole, (column.place - 1) * width, column.place * width), _BLANKS)
    unused = pc.match_substring_regex(part, r"^0*$")
    if field.literal and any(code.strip("0") == "" for code in field.values):
        unused = pc.equal(part, "")
    return pc.if_else(unused, pa.scalar(None, part.type), part)


def _dates(column: Column, cells: pa.Array, found: Findings) -> pd.Series:
    """YYYYMMDD as datetime64[us]."""
    values = _trimmed(cells)
    plain = pc.replace_substring_regex(values, r"^(\d{4})-(\d\d)-(\d\d)$", r"\1\2\3")
    eight = pc.match_substring_regex(plain, r"^\d{8}$")
    dates = pd.to_datetime(_series(pc.if_else(eight, plain, None)), format="%Y%m%d", errors="coerce")
    bad = dates.isna().to_numpy() & ~_isnull(values)
    if bad.any():
        found.mixed[column.name] = (np.flatnonzero(bad) + 1).tolist()
        return _series(values)
    days = dates.astype("datetime64[us]")
    spans = [(_day(low), _day(high)) for low, high in column.field.spans]
    if spans and all(low and high for low, high in spans):
        inside = [days.between(pd.Timestamp(low), pd.Timestamp(high)) for low, high in spans if low and high]
        _outside(column, ~np.logical_or.reduce(inside) & days.notna(), found)
    return days


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:])) if len(text) == 8 else None
    except ValueError:
        return None


def _times(column: Column, cells: pa.Array, found: Findings) -> pd.Series:
    """HHMMSS as seconds since midnight."""
    values = _trimmed(cells)
    digits = pc.replace_substring(values, ":", "")
    if column.field.size == 4:
        digits = pc.utf8_rpad(pc.utf8_lpad(digits, 4, "0"), 6, "0")
    padded = pc.utf8_lpad(digits, 6, "0")
    fits = pc.match_substring_regex(padded, r"^([01]\d|2[0-3])[0-5]\d[0-5]\d$")
    if not _all(fits):
        found.mixed[column.name] = _rows(pc.invert(fits))
        return _series(values)
    parts = [_numbers(pc.utf8_slice_codeunits(padded, at, at + 2), decimals=False) for at in (0, 2, 4)]
    hours, minutes, seconds = (pd.Series(dtype="int64") if part is None else part for part in parts)
    found.times.append(column.name)
    return _as_noted(hours * 3600 + minutes * 60 + seconds, column.note)


def _moments(column: Column, cells: pa.Array, found: Findings) -> pd.Series:
    """Dates with times, which Triple-S holds only as text."""
    values = _trimmed(cells)
    moments = pd.to_datetime(_series(values), format="ISO8601", errors="coerce")
    bad = moments.isna().to_numpy() & ~_isnull(values)
    if bad.any():
        found.mixed[column.name] = (np.flatnonzero(bad) + 1).tolist()
        return _series(values)
    return moments.astype("datetime64[us]")


def _isnull(values: pa.Array) -> np.ndarray:
    return pc.is_null(values).to_numpy(zero_copy_only=False)


def _all(fits: pa.Array) -> bool:
    return pc.all(fits).as_py() is not False


def _any(where: pa.Array) -> bool:
    return pc.any(where).as_py() is True


def _rows(where: pa.Array) -> list[int]:
    return (np.flatnonzero(where.fill_null(False).to_numpy(zero_copy_only=False)) + 1).tolist()
