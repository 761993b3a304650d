"""What readers through pyreadstat share: how it fails, and texts read as bytes that are decoded here."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat

from survey_kit.errors import DamagedFileError, DuplicateNameError, listed
from survey_kit.io.contents import ReadOptions
from survey_kit.schema import Notice

FAILURES = (  # of a damaged file
    pyreadstat.ReadstatError,
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    MemoryError,
)
BYTES = "iso8859-1"  # in which every byte is a character, so that texts can be decoded once more


def asked(options: ReadOptions) -> dict[str, Any]:
    """What readers of pyreadstat are told of columns and rows; dates stay numbers, since one bad date fails a file there."""
    return {
        "disable_datetime_conversion": True,
        "usecols": list(options.columns or ()) or None,
        "row_limit": options.rows or 0,
        "metadataonly": options.rows == 0,
    }


def call_reader(
    path: Path, reader: Callable[..., tuple[pd.DataFrame, Any]], *args: Any, **options: Any
) -> tuple[pd.DataFrame, Any]:
    """Call a reader of pyreadstat. DuplicateNameError where it would warn and rename, DamagedFileError without a name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            frame, meta = reader(*args, **options)
    except UserWarning as warning:
        name = re.search(r"column '(.*)' is duplicated", str(warning))
        if name is None:
            raise DamagedFileError(f"{path.name} cannot be read: {warning}.") from warning
        raise DuplicateNameError(
            f"{path.name} has two variables of the name '{name[1]}'. Rename one of them where it was made."
        ) from warning
    if not all(isinstance(n, str) and n for n in meta.column_names):
        raise DamagedFileError(f"{path.name} is truncated or damaged: a variable has no name. Fetch it again.")
    return frame, meta


def decoded_deep(value: Any, decoded: Callable[[str], str]) -> Any:
    """A value of lists, tuples and mappings with every text in it decoded."""
    if isinstance(value, str):
        return decoded(value)
    if isinstance(value, Mapping):
        return {decoded_deep(k, decoded): decoded_deep(v, decoded) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(decoded_deep(v, decoded) for v in value)
    return value


def rows_text(name: str, rows: int) -> str:
    """ "'city' in 3 rows"."""
    return f"'{name}' in {rows} row{'s' * (rows != 1)}"


def replaced_notice(encoding: str, places: list[str]) -> list[Notice]:
    """The notice that lists where U+FFFD stands for text that is not valid."""
    if not places:
        return []
    text = f"Text that is not valid {encoding} holds the sign U+FFFD in its place: {listed(places, most=50)}."
    return [Notice("replaced", text, len(places))]
