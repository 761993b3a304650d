"""What the writers of .sav, .por, .dta and .xpt refuse, and the one sentence on what their format has no place for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import OutputError, listed
from survey_kit.io.write import check_frame, check_mixed, is_text
from survey_kit.schema import Notice

EXACT = 2**53  # doubles hold every integer up to here
_WORDS = {
    "question": "the wording of",
    "filter": "the filter of",
    "origin": "the origin of",
    "measure": "the measurement level of",
    "width": "the display width of",
    "alignment": "the alignment of",
    "attributes": "the attributes of",
}


def check_columns(path: Path, codes: pd.DataFrame, kind: str, most_bytes: int | None = None) -> None:
    """OutputError for the first column that no statistical format holds, or that holds too long a text.

    `kind` is the format's name in sentences; `most_bytes` what one text may have in UTF-8.
    """
    check_frame(path, codes)
    if not len(codes.columns):
        raise OutputError(f"{path.name}: there are no columns to write.")
    for name in codes.columns:
        for problem in _problems(codes[name], kind, most_bytes):
            raise OutputError(f"{path.name}: variable '{name}' {problem}")


def refuse_twins(path: Path, codes: pd.DataFrame, kind: str) -> None:
    """OutputError for two names that differ in nothing but case."""
    seen: dict[str, str] = {}
    for name in codes.columns:
        other = seen.setdefault(name.upper(), name)
        if other != name:
            raise OutputError(
                f"{path.name}: variables '{other}' and '{name}' differ only in case, which {kind} does not hold. "
                "Rename one of them."
            )


def _problems(column: pd.Series, kind: str, most_bytes: int | None) -> Iterator[str]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        yield "holds categories; write the codes and put the labels into the codebook."
    elif isinstance(column.dtype, pd.DatetimeTZDtype):
        yield f"holds dates with a time zone, which {kind} does not hold. Use .dt.tz_localize(None) first."
    elif is_text(column):
        yield from _text_problems(column, kind, most_bytes)
    elif pd.api.types.is_complex_dtype(column.dtype):
        yield f"holds complex numbers, which {kind} does not hold."
    elif pd.api.types.is_numeric_dtype(column.dtype):
        yield from _number_problems(column, kind)
    elif not pd.api.types.is_datetime64_dtype(column):
        yield f"has type {column.dtype}, which {kind} does not hold. Convert it to numbers, text or dates first."


def _text_problems(column: pd.Series, kind: str, most_bytes: int | None) -> Iterator[str]:
    try:
        check_mixed(Path(str(column.name)), column)
    except OutputError:
        yield "mixes text with other values. Convert it to numbers, text or dates first."
        return
    sizes = text_bytes(column)
    if most_bytes is not None and len(sizes) and sizes.max() > most_bytes:
        row = int(sizes.argmax()) + 1
        yield (
            f"holds a text of {sizes.max():,} bytes in row {row}; {kind} holds {most_bytes:,}. "
            "Shorten it, or write .parquet."
        )
    found = column.astype("str").str.contains("\0", regex=False).fillna(False).to_numpy(dtype=bool)
    if found.any():
        yield f"holds a NUL character in row {int(found.argmax()) + 1}, where {kind} would cut the text. Remove it."


def text_bytes(column: pd.Series) -> np.ndarray:
    """Bytes of each text in UTF-8, 0 where it is missing. Shape (n,)."""
    return column.astype("str").fillna("").map(lambda t: len(t.encode())).to_numpy(dtype=np.int64)


def _number_problems(column: pd.Series, kind: str) -> Iterator[str]:
    infinite = np.isinf(column.to_numpy(dtype=float, na_value=np.nan))
    if infinite.any():
        yield f"holds an infinite value in row {int(infinite.argmax()) + 1}. Make it missing or correct it."
    if pd.api.types.is_integer_dtype(column.dtype):
        beyond = ((column > EXACT) | (column < -EXACT)).to_numpy(dtype=bool, na_value=False)
        if beyond.any():
            row = int(beyond.argmax()) + 1
            yield f"holds an integer beyond 2^53 in row {row}, which {kind} would round. Make it text."


def meaning_lost(book: Codebook, codes: pd.DataFrame, fields: Iterable[str]) -> dict[str, list[str]]:
    """What is lost -> the variables that lose it, for fields of `Variable` that a format has no place for.

    That text is nominal is no news to a reader, so it is not counted as lost.
    """
    found: dict[str, list[str]] = {}
    for key in fields:
        names = [n for n, v in book.variables.items() if _says(v, key, codes[n])]
        if names:
            found[_WORDS[key]] = names
    return found


def _says(variable: Variable, key: str, column: pd.Series) -> bool:
    value = getattr(variable, key)
    if key == "measure":
        return value != "unknown" and not (value == "nominal" and is_text(column))
    return bool(value)


def sets_lost(book: Codebook) -> dict[str, list[str]]:
    """The same for multiple-response sets and the attributes of the file."""
    found = {"the multiple-response sets": list(book.sets)} if book.sets else {}
    return found | ({"the file's attributes": list(book.attributes)} if book.attributes else {})


def lost_notice(kind: str, lost: Mapping[str, Iterable[str]], advice: str) -> list[Notice]:
    """One notice: "SPSS portable does not hold the wording of q1, q2; the weight w. Write .sav to keep them."."""
    parts = {what: list(names) for what, names in lost.items()}
    if not parts:
        return []
    shown = "; ".join(f"{what} {listed(names)}" for what, names in parts.items())
    return [Notice("lost", f"{kind} does not hold {shown}. {advice}", sum(map(len, parts.values())))]
