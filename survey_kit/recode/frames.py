"""Any DataFrame becomes codes and a codebook."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, Variable, format_code
from survey_kit.errors import ArgumentError, listed

_EXACT = 2**53  # whole numbers beyond it are not exact as float64


def from_frame_codebook(df: pd.DataFrame) -> tuple[pd.DataFrame, Codebook]:
    """Codes and codebook of a DataFrame; the frame itself is not changed.

    - Categorical: codes 1..k in category order with their labels; "ordinal" if ordered, else "nominal".
    - bool: 0 "No" and 1 "Yes", "nominal".
    - text: stays text, "nominal". Dates and times: kept, "scale".
    - numbers: stay as they are, "scale"; small types widen to int64 and float64, so that squares do not overflow.
    - column names that are not text become text; `Codebook.notes` says so.

    Missing values are NaN in the codes; columns of whole numbers with missing values become float64.

    Raises:
        ArgumentError: several columns of one name; numbers and text in one column (names the column and the row,
            counted from 1); whole numbers too large to be kept exactly; a type with no equivalent.

    >>> codes, book = from_frame_codebook(pd.DataFrame({"sex": pd.Categorical(["f", "m", "f"])}))
    >>> codes["sex"].tolist(), dict(book["sex"].labels)
    ([1, 2, 1], {1: 'f', 2: 'm'})
    """
    if not isinstance(df, pd.DataFrame):
        raise ArgumentError(f"A pandas DataFrame is needed; there was a {type(df).__name__}.")
    names, notes = _names(df)
    codes: dict[str, pd.Series] = {}
    variables: dict[str, Variable] = {}
    for position, name in enumerate(names):
        codes[name], variables[name] = _column(df.iloc[:, position].rename(name), name)
    return pd.DataFrame(codes, index=df.index, columns=names), Codebook(variables, notes=notes)


def _names(df: pd.DataFrame) -> tuple[list[str], tuple[str, ...]]:
    if df.columns.nlevels > 1:
        raise ArgumentError(f"The columns have {df.columns.nlevels} levels; give each column one name first.")
    names = [name if isinstance(name, str) else format_code(name) for name in df.columns]
    repeated = pd.Index(names)[pd.Index(names).duplicated()].unique()
    if len(repeated):
        places = [f"{n!r} (columns {listed(i + 1 for i, m in enumerate(names) if m == n)})" for n in repeated]
        raise ArgumentError(f"Several columns are named {listed(places)}. Rename them, so that names differ.")
    changed = [name for name, old in zip(names, df.columns, strict=True) if not isinstance(old, str)]
    if not changed:
        return names, ()
    return names, (f"Names of {len(changed)} columns were not text and are text now: {listed(changed)}.",)


def _column(series: pd.Series, name: str) -> tuple[pd.Series, Variable]:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(series, name)
    if pd.api.types.is_object_dtype(dtype):
        series = _from_objects(series)
        dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return _whole(series.astype("Int64")), Variable(name, labels={0: "No", 1: "Yes"}, measure="nominal")
    if pd.api.types.is_integer_dtype(dtype):
        return _whole(series), Variable(name, measure="scale")
    if pd.api.types.is_float_dtype(dtype):
        numbers = series.to_numpy(dtype=float, na_value=np.nan)
        return _like(series, numbers), Variable(name, measure="scale")
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return series, Variable(name, measure="scale")
    if isinstance(dtype, pd.StringDtype) or pd.api.types.is_string_dtype(dtype):
        return series.astype("str"), Variable(name, measure="nominal")
    raise ArgumentError(
        f"Column {name!r} has type {dtype}, which has no equivalent in a survey file. Convert it first."
    )


def _like(series: pd.Series, values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=series.index, name=series.name)


def _categorical(series: pd.Series, name: str) -> tuple[pd.Series, Variable]:
    places = series.cat.codes.to_numpy().astype(np.int64)
    codes = np.where(places < 0, np.nan, places + 1.0) if (places < 0).any() else places + 1
    labels: dict[Code, str] = {
        i: format_code(category) for i, category in enumerate(series.cat.categories.tolist(), start=1)
    }
    measure: Measure = "ordinal" if series.cat.ordered else "nominal"
    return _like(series, codes), Variable(name, labels=labels, measure=measure)


def _whole(series: pd.Series) -> pd.Series:
    """Whole numbers as int64, or as float64 where values are missing."""
    if not series.isna().any():
        if len(series) and int(series.max()) >= 2**63:
            raise _too_large(series, 2**63 - 1)
        return _like(series, series.to_numpy(dtype=np.int64))
    known = series.dropna()
    if len(known) and max(abs(int(known.max())), abs(int(known.min()))) > _EXACT:
        raise _too_large(series, _EXACT)
    return _like(series, series.to_numpy(dtype=float, na_value=np.nan))


def _too_large(series: pd.Series, most: int) -> ArgumentError:
    return ArgumentError(
        f"Column {str(series.name)!r} holds whole numbers beyond {most}, which would lose digits. Make it text."
    )


def _from_objects(series: pd.Series) -> pd.Series:
    """A column of Python objects as a column of one type."""
    known = series.dropna()
    kinds = [_kind(value) for value in known]
    if not kinds:
        return series.astype(float)
    for row, kind in zip(np.flatnonzero(series.notna().to_numpy()) + 1, kinds, strict=True):
        if kind != kinds[0]:
            raise ArgumentError(
                f"Column {str(series.name)!r} holds {kinds[0]} and, in row {row}, {kind}. "
                f"Make it all {kinds[0]} or all text first."
            )
    return _of_one_kind(series, kinds[0])


def _kind(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true or false"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return "numbers"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (datetime, date, np.datetime64)):
        return "dates"
    return f"objects of type {type(value).__name__}"


def _of_one_kind(series: pd.Series, kind: str) -> pd.Series:
    try:
        match kind:
            case "text":
                return series.astype("str")
            case "true or false":
                return series.astype("boolean")
            case "numbers":
                return pd.to_numeric(series)
            case "dates":
                return pd.to_datetime(series)
    except (ValueError, TypeError, OverflowError):
        raise ArgumentError(f"Column {str(series.name)!r} cannot be read as {kind}. Convert it first.") from None
    raise ArgumentError(f"Column {str(series.name)!r} holds {kind}, which have no equivalent in a survey file.")
