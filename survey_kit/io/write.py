"""What all writers share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import OutputError, listed


def check_frame(path: Path, codes: pd.DataFrame) -> None:
    """OutputError for column names that are not texts, or that occur twice."""
    odd = [repr(c) for c in codes.columns if not isinstance(c, str)]
    if odd:
        raise OutputError(f"{path.name}: column names must be text; these are not: {listed(odd)}. Rename them.")
    twice = codes.columns[codes.columns.duplicated()]
    if len(twice):
        raise OutputError(f"{path.name}: the column name '{twice[0]}' occurs more than once. Rename one of them.")


def complete(codebook: Codebook, codes: pd.DataFrame) -> Codebook:
    """The codebook of these columns: in their order, bare variables added for columns that it does not know."""
    bare = {name: Variable(name) for name in codes.columns if name not in codebook}
    return replace(codebook, variables={**codebook.variables, **bare}).only(codes.columns)


def is_text(column: pd.Series) -> bool:
    """True for text columns."""
    return isinstance(column.dtype, pd.StringDtype) or pd.api.types.is_object_dtype(column.dtype)


def check_mixed(path: Path, column: pd.Series) -> None:
    """OutputError for a column that holds text and other things."""
    if not pd.api.types.is_object_dtype(column.dtype):
        return
    kinds = sorted({type(v).__name__ for v in column.dropna()})
    if kinds not in ([], ["str"]):
        raise OutputError(
            f"{path.name}: column '{column.name}' mixes values of type {', '.join(kinds)}. "
            "Convert it to numbers, text or dates first."
        )
