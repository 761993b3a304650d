"""What a reader hands back."""

from __future__ import annotations

from dataclasses import dataclass

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
        format: "sav", "zsav", "dta", "csv" or "parquet".
    """

    codes: pd.DataFrame
    codebook: Codebook
    notices: tuple[Notice, ...]
    format: str


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The options of `read_file`; None or empty where the caller stated nothing."""

    encoding: str | None = None
    columns: tuple[str, ...] | None = None
    delimiter: str | None = None
    decimal: str | None = None
    na: tuple[str, ...] = ()
