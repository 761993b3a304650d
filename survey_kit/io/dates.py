"""Seconds, days and milliseconds of statistical files to datetime64 and back, without losing a cell."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from survey_kit.codebook import Variable, format_code
from survey_kit.errors import listed
from survey_kit.schema import Notice

SPSS_EPOCH = np.datetime64("1582-10-14", "us")
STATA_EPOCH = np.datetime64("1960-01-01", "us")  # and that of SAS
_FIRST, _AFTER = np.datetime64("1582-10-14", "us"), np.datetime64("10000-01-01", "us")
_SPSS_DATE = re.compile(r"(DATE|ADATE|EDATE|JDATE|SDATE|QYR|MOYR|WKYR|DATETIME|YMDHMS)\d", re.IGNORECASE)
_SAS_DATE = re.compile(
    r"((DATE|WEEKDATE|WEEKDATX|WORDDATE|WORDDATX|JULIAN|MONYY)\d*|(DDMMYY|MMDDYY|YYMMDD|MMYY|YYMM|YYQ)[BCDNPS]?\d*"
    r"|YYMON\d*|(E8601|B8601|IS8601)DA\d*|NLDATE(?!M)[A-Z]*\d*|EUR(DFDD|DFDE|DFDN|DFWDX|DFWKX)\d*)(\.\d*)?",
    re.IGNORECASE,
)
_SAS_MOMENT = re.compile(
    r"(DATETIME|DATEAMPM|MDYAMPM|DT(DATE|MONYY|WKDATX)|(E8601|B8601|IS8601)D[TZNX]|NLDATM[A-Z]*)\d*(\.\d*)?",
    re.IGNORECASE,
)
_STATA_UNITS = {"d": 86_400_000_000, "c": 1_000}


def spss_unit(form: str) -> int | None:
    """Microseconds in one unit of an SPSS date format, None for other formats."""
    return 1_000_000 if _SPSS_DATE.match(form) else None


def stata_unit(form: str) -> int | None:
    """Microseconds in one unit of %td, %tc and %d formats; None for others (weeks, months, quarters stay numbers).

    >>> stata_unit("%td"), stata_unit("%tcCCYY"), stata_unit("%tC"), stata_unit("%tm")
    (86400000000, 1000, None, None)
    """
    match = re.match(r"%-?t?(d|(?<=t)c)", form)
    return _STATA_UNITS[match.group(1)] if match else None


def leap_seconds_notice(variable: Variable) -> Notice | None:
    """Why the dates of a Stata variable with format %tC stay numbers: they count leap seconds, datetime64 does not."""
    if not re.match(r"%-?tC", variable.format):
        return None
    text = (
        f"Dates of '{variable.name}' stay numbers ({variable.format}): they count leap seconds. Convert them with cofC() in "
        "Stata, and give them the format %tc."
    )
    return Notice("date", text)


def sas_unit(form: str) -> int | None:
    """Microseconds in one unit of SAS date formats (days) and datetime formats (seconds); None for others, and for times.

    >>> sas_unit("DATE9"), sas_unit("DATETIME20"), sas_unit("TIME8"), sas_unit("YESNO")
    (86400000000, 1000000, None, None)
    """
    if _SAS_DATE.fullmatch(form):
        return 86_400_000_000
    return 1_000_000 if _SAS_MOMENT.fullmatch(form) else None


def from_numbers(numbers: np.ndarray, unit: int, epoch: np.datetime64) -> np.ndarray:
    """Numbers since an epoch to datetime64[us]; NaN is NaT. Shape (n,). Split so that no digit is lost."""
    empty = np.isnan(numbers)
    safe = np.where(empty, 0.0, numbers)
    whole = np.floor(safe)
    micros = whole.astype(np.int64) * unit + np.rint((safe - whole) * unit).astype(np.int64)
    dates = epoch + micros.astype("timedelta64[us]")
    dates[empty] = np.datetime64("NaT", "us")
    return dates


def to_seconds(dates: pd.Series) -> np.ndarray:
    """datetime64 to seconds since 14 October 1582; NaT is NaN. Shape (n,)."""
    stamps = dates.to_numpy().astype("datetime64[us]")
    micros = (stamps - SPSS_EPOCH).astype(np.int64)
    return np.where(np.isnat(stamps), np.nan, micros // 1_000_000 + micros % 1_000_000 / 1e6)


def convert_dates(
    column: pd.Series, variable: Variable, unit: int, epoch: np.datetime64
) -> tuple[pd.Series, Notice | None]:
    """A column of numbers as dates. It stays numbers, with a notice, when a value is no date or a labelled code."""
    coded = column.isin(list(variable.labels)).to_numpy() | variable.is_missing(column.fillna(0))
    if coded.any():
        text = f"Dates of '{variable.name}' stay numbers ({variable.format}): labelled or missing codes are among them."
        return column, Notice("date", text, int(coded.sum()))
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    low, high = ((edge - epoch).astype(np.int64) / unit for edge in (_FIRST, _AFTER))
    rows = np.flatnonzero((numbers < low) | (numbers >= high)) + 1
    if len(rows):
        raw = listed([f"row {r}: {format_code(numbers[r - 1])}" for r in rows])
        text = f"Dates of '{variable.name}' stay numbers ({variable.format}): outside 1582 to 9999 in {raw}."
        return column, Notice("date", text, len(rows))
    return pd.Series(from_numbers(numbers, unit, epoch), index=column.index, name=column.name), None
