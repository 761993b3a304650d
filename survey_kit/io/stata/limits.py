"""What Stata can hold, checked before a byte is written; and which storage type holds a column exactly."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import OutputError, listed
from survey_kit.io.extended_missing import FIRST, LAST
from survey_kit.io.stat_limits import check_columns
from survey_kit.io.surrogates import refuse_surrogates
from survey_kit.io.write import is_text

KIND = "Stata"
LABEL, VALUE_LABEL = 80, 32_000  # characters of a label, bytes of a value label
_COLUMNS, _NAME = 32_767, 32
_RESERVED = frozenset(("_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long")).union(
    ("_n", "_N", "_pi", "_pred", "_rc", "_skip", "strL", "using", "with")
)
_WORD = re.compile(r"[^\W\d]\w*")
_LARGEST = 8.988465674311579e307
_LARGEST_FLOAT = 1.7014117331926443e38
INTEGERS = (("byte", -127, 100), ("int", -32_767, 32_740), ("long", -2_147_483_647, 2_147_483_620))


def check_limits(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    """OutputError for the first thing that a .dta file cannot hold."""
    refuse_surrogates(path, codes, book)
    check_columns(path, codes, KIND)
    if len(codes.columns) > _COLUMNS:
        raise OutputError(f"{path.name}: {len(codes.columns):,} columns; {KIND} holds {_COLUMNS:,}. Write .parquet.")
    odd = [n for n in codes.columns if not _is_name(n)]
    if odd:
        raise OutputError(
            f"{path.name}: names in {KIND} have at most {_NAME} letters, digits and _, no digit first, and are no reserved "
            f"word; these do not fit: {listed(odd)}. Rename them."
        )
    for name in codes.columns:
        problem = _problem(codes[name], book[name])
        if problem:
            raise OutputError(f"{path.name}: variable '{name}' {problem}")


def _is_name(name: str) -> bool:
    return (
        len(name) <= _NAME
        and bool(_WORD.fullmatch(name))
        and name not in _RESERVED
        and not re.fullmatch(r"str\d+", name)
    )


def _problem(column: pd.Series, variable: Variable) -> str:
    """What is wrong with a column, or ""."""
    rule = variable.missing or MissingRule()
    kind = "text" if is_text(column) else "numeric"
    coded = (*variable.labels, *rule.values)
    if any(isinstance(c, str) != is_text(column) for c in coded):
        return f"is {kind}, but a code of its labels or missing values is not. Correct the codebook."
    if not all(math.isfinite(c) for c in coded if not isinstance(c, str)):
        return "has a label or missing value for a code that is not finite. Correct the codebook."
    if pd.api.types.is_datetime64_dtype(column):
        micros = column.to_numpy().astype("datetime64[us]").astype(np.int64)
        rows = np.flatnonzero(~column.isna().to_numpy() & (micros % 1000 != 0)) + 1
        return (
            f"holds microseconds in row {rows[0]}; {KIND} holds milliseconds. Use .dt.round('ms')." if len(rows) else ""
        )
    if is_text(column):
        return ""
    numbers = np.abs(column.to_numpy(dtype=float, na_value=np.nan))
    rows = np.flatnonzero(numbers >= _LARGEST) + 1
    return (
        f"holds a number in row {rows[0]} that is missing in {KIND}: the limit is 9e307. Correct it."
        if len(rows)
        else ""
    )


def letters(numbers: np.ndarray, variable: Variable) -> np.ndarray:
    """1 where a number is the code of .a, 2 for .b ... 26 for .z, and declared missing; else 0. Shape (n,)."""
    rule = variable.missing or MissingRule()
    declared = [v for v in rule.values if not isinstance(v, str) and LAST <= v <= FIRST and float(v).is_integer()]
    found = np.isin(numbers, declared)
    return np.where(found, FIRST + 1 - np.where(found, numbers, 0), 0).astype(np.int64)


def storage(numbers: np.ndarray) -> str:
    """The smallest type that holds every number exactly: byte, int, long, float or double. NaN is missing."""
    valid = numbers[~np.isnan(numbers)]
    if bool((valid == np.floor(valid)).all()):
        low, high = (valid.min(), valid.max()) if len(valid) else (0, 0)
        fitting = next((kind for kind, least, most in INTEGERS if least <= low and high <= most), None)
        if fitting is not None:
            return fitting
    with np.errstate(over="ignore"):
        exact = (valid.astype(np.float32).astype(float) == valid).all() and (np.abs(valid) <= _LARGEST_FLOAT).all()
    return "float" if exact else "double"
