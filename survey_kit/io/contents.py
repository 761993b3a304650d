"""What a reader hands back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.schema import Notice


@dataclass(frozen=True)
class FileContents:
    """A file's codes with their meaning.

    Attributes:
        codes: the codes as the file has them, user-missing codes included; system-missing is NaN. Shape (n, columns).
        codebook: what the codes mean, in column order.
        notices: what a reader of the file must know: guessed encodings, text among numbers, dates left as numbers.
        format: the file's ending without the dot: "sav", "dta", "csv" ...
    """

    codes: pd.DataFrame
    codebook: Codebook
    notices: tuple[Notice, ...]
    format: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The options of `read_file` that readers see; None, empty or False where the caller stated nothing.

    Attributes:
        encoding: of the texts; overrides what the file states.
        columns: which columns, in which order.
        rows: how many rows from the first; 0 reads the codebook alone.
        errors: "strict" or "replace": what becomes of text that the encoding cannot decode.
        allow_truncated: whole cases of a file that ends too early are read, and a notice says so.
        catalog: the SAS catalogue that holds the value labels.
        sheet: name of a worksheet.
        header: the row of a worksheet, from 1, that holds the column names.
        delimiter: of text files; decimal, na: of text files and workbooks.
    """

    encoding: str | None = None
    columns: tuple[str, ...] | None = None
    rows: int | None = None
    errors: str = "strict"
    allow_truncated: bool = False
    catalog: Path | None = None
    sheet: str | None = None
    header: int | None = None
    delimiter: str | None = None
    decimal: str | None = None
    na: tuple[str, ...] = ()


def partial_notice(asked: int | None, rows: int, whole: int | None = None) -> list[Notice]:
    """What is said of a file of which only the first rows were read. `whole` is its number of rows, where known."""
    if not asked or rows < asked or whole == rows:
        return []
    return [Notice("partial", f"Only the first {rows:,} rows were read.", rows)]
