"""What stands on the sides of a comparison: a column, a constant, or arithmetic on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Variable
from survey_kit.errors import ArgumentError
from survey_kit.recode.answers import column_of, label_code, no_label

Kind = Literal["number", "text", "date"]


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison.

    Attributes:
        kind: "number", "text" or "date".
        values: array of shape (n,), filled where missing; a plain value for a constant.
        missing: True where a value is system- or user-missing, shape (n,); None for a constant.
        variable: the variable of a column; None for constants and arithmetic.
    """

    kind: Kind
    values: Any
    missing: np.ndarray | None = None
    variable: Variable | None = None

    @property
    def is_constant(self) -> bool:
        return self.missing is None


def column_operand(codes: pd.DataFrame, codebook: Codebook, name: str) -> Operand:
    """A column as an operand. Raises UnknownNameError, or ArgumentError for a column of no usable type."""
    series = column_of(codes, name)
    variable = codebook[name] if name in codebook else Variable(name)
    kind, values = _values_of(series)
    return Operand(kind, values, variable.is_missing(series), variable)


def _values_of(series: pd.Series) -> tuple[Kind, np.ndarray]:
    """Kind and values of a column; missing values are filled with 0, "" or 1970."""
    dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_integer_dtype(dtype):
        whole = np.uint64 if str(dtype).lower().startswith("uint64") else np.int64
        return "number", series.fillna(0).to_numpy(dtype=whole)
    if pd.api.types.is_float_dtype(dtype):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        return "number", np.where(np.isnan(numbers), 0.0, numbers)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date", series.fillna(pd.Timestamp(0, tz=getattr(dtype, "tz", None))).array
    if isinstance(dtype, pd.StringDtype) or pd.api.types.is_object_dtype(dtype):
        return "text", _text_values(series)
    raise ArgumentError(
        f"Column {str(series.name)!r} has type {dtype}; a condition compares numbers, text and dates. "
        "Turn the frame into codes with from_frame_codebook first."
    )


def _text_values(series: pd.Series) -> np.ndarray:
    values = series.astype(object).where(series.notna(), "").to_numpy()
    for row, value in enumerate(values if series.dtype == object else (), start=1):
        if not isinstance(value, str):
            raise ArgumentError(
                f"Column {str(series.name)!r} holds text and a {type(value).__name__} (row {row}). "
                "Make it all text or all numbers first."
            )
    return values


def constant_for(column: Operand, value: Code, ordered: bool = False) -> Any:
    """A constant in the terms of the other side: the code of a label, a number, a text, a date.

    Raises:
        UnknownNameError: a text that is no label of a labelled variable.
        ArgumentError: text against numbers, numbers against text, < or > on text.
    """
    variable = column.variable
    if variable is None:
        return _plain(column.kind, value, "the result of arithmetic")
    if isinstance(value, str) and (code := label_code(variable, value)) is not None:
        value = code
    elif isinstance(value, str) and not _is_text_code(column, variable, value):
        raise no_label(variable, value)
    if ordered and column.kind == "text":
        raise ArgumentError(
            f"Column {variable.name!r} holds text; < and > compare numbers. Use == or in, or recode it to numbers."
        )
    return _plain(column.kind, value, f"column {variable.name!r}")


def _is_text_code(column: Operand, variable: Variable, value: str) -> bool:
    """True for a text that a column can hold: any, unless its answers are labelled; then one that is there."""
    if column.kind == "date":
        return True
    return column.kind == "text" and (not variable.valid_labels() or value in variable.labels or value in column.values)


def _plain(kind: Kind, value: Code, what: str) -> Any:
    if kind == "date" and isinstance(value, str):
        return _date(value, what)
    if (kind == "text") == isinstance(value, str) and kind != "date":
        return value
    raise _wrong_kind(what[0].upper() + what[1:], kind, value)


def _wrong_kind(what: str, kind: Kind, value: Code) -> ArgumentError:
    example = {
        "number": "a number without quotes",
        "text": f"{str(value)!r} in quotes",
        "date": "a date as '2025-12-31'",
    }
    held = {"number": "numbers", "text": "text", "date": "dates"}[kind]
    return ArgumentError(f"{what} holds {held}; {value!r} cannot be compared with it. Write {example[kind]}.")


def _date(value: str, what: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(datetime.fromisoformat(value))
    except ValueError:
        raise ArgumentError(f"{value!r} is no date for {what}. Write year-month-day, as in '2025-12-31'.") from None
