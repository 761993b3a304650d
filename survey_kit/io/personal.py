"""Columns that may tell who somebody is: e-mail addresses, telephone numbers, network addresses, places on a map."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from survey_kit.errors import listed
from survey_kit.schema import Notice

_PATTERNS = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "telephone numbers": re.compile(r"\+\d[\d ()-]{8,16}|8[ (-]*\d{3}[ )-]*\d{3}[ -]?\d{2}[ -]?\d{2}"),
    "network addresses": re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
}
_NAMES = {
    "telephone numbers": re.compile(r"(?i)(.*_)?(tele?phone|phone|mobile|msisdn|телефон)(_.*|\d*)"),
    "places on a map": re.compile(r"(?i)(.*_)?(gps|latitude|longitude|lat|lon|lng)(_.*)?"),
    "names of people": re.compile(r"(?i)(first|last|full|sur|respondent_?)name|фио|фамилия"),
}
_SAMPLE = 200  # values that are looked at


def personal_data(codes: pd.DataFrame) -> Notice | None:
    """A notice that names columns with personal data, or None. Values are never quoted."""
    found = [f"{name} ({kind})" for name in codes.columns if (kind := _kind(codes[name]))]
    if not found:
        return None
    text = f"May hold personal data: {listed(found)}. Drop these columns before the file is passed on."
    return Notice("personal_data", text, len(found))


def _kind(column: pd.Series) -> str:
    """What personal data a column may hold, or ""."""
    by_name = next((kind for kind, pattern in _NAMES.items() if pattern.fullmatch(str(column.name))), "")
    if isinstance(column.dtype, pd.StringDtype):
        values = column.iloc[: 20 * _SAMPLE].dropna().unique()[:_SAMPLE]
        for kind, pattern in _PATTERNS.items():
            if len(values) and sum(pattern.fullmatch(v.strip()) is not None for v in values) > len(values) / 2:
                return kind
        return by_name if len(values) else ""
    if by_name and pd.api.types.is_numeric_dtype(column.dtype):
        return by_name if _telling(column, by_name) else ""
    return ""


def _telling(column: pd.Series, kind: str) -> bool:
    """Numbers as long as a telephone number, or with the decimals of a coordinate; not the codes of an answer."""
    values = column.dropna().to_numpy(dtype=float)
    if kind == "telephone numbers":
        return bool((np.abs(values) >= 1e8).any())
    return kind == "places on a map" and bool((values != np.rint(values)).any())
