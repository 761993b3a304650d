"""What all writers share, and CSV."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.schema import Notice

_RUNS = r"(?s)^'*[=+\-@\t\r]."  # what a spreadsheet would run, also when it is guarded already
_NUMBER = r"^-?\d+([.,]\d+)?$"


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
    for name in codes.columns:
        if name not in codebook:
            codebook = codebook.with_variable(Variable(name))
    return codebook.only(codes.columns)


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


def write_csv(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    r"""Write the codes: UTF-8, commas, "\n", empty cells for missing values. CSV holds no codebook; a notice says so.

    Text that a spreadsheet would run as a formula ("=...", "+...", "@...") gets a leading quote, which `read_file`
    takes off again. Numbers stay numbers. Raises OutputError.
    """
    check_frame(path, codes)
    guarded: dict[str, pd.Series] = {}
    count = 0
    for name in codes.columns:
        column = codes[name]
        check_mixed(path, column)
        if is_text(column):
            _check_nul(path, column)
            runs = _runs(column)
            count += int(runs.sum())
            guarded[name] = ("'" + column.astype("str")).where(runs, column) if runs.any() else column
    with atomic_path(path) as temporary:
        codes.assign(**guarded).to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    return _csv_notices(codes, codebook, count)


def _runs(column: pd.Series) -> pd.Series:
    text = column.astype("str")
    found = text.str.match(_RUNS) & ~text.str.match(_NUMBER)
    return found.fillna(False).astype(bool)


def _check_nul(path: Path, column: pd.Series) -> None:
    rows = [i for i, v in enumerate(column.astype("str").str.contains("\0", regex=False).fillna(False), 1) if v]
    if rows:
        raise OutputError(f"{path.name}: text in column '{column.name}' holds a NUL character in row {rows[0]}.")


def _csv_notices(codes: pd.DataFrame, codebook: Codebook, guarded: int) -> tuple[Notice, ...]:
    notices = []
    lost = [n for n in codes.columns if n in codebook and (codebook[n].labels or codebook[n].label)]
    if lost:
        text = (
            f"CSV holds no labels; those of {len(lost)} columns are not in the file. Write .sav or .parquet for them."
        )
        notices.append(Notice("labels", text, len(lost)))
    if guarded:
        text = f"{guarded} texts that a spreadsheet would run as a formula were given a leading quote."
        notices.append(Notice("guard", text, guarded))
    return tuple(notices)
