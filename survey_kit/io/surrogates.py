"""Texts that hold half a character (a lone surrogate): no file in UTF-8 can hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import OutputError
from survey_kit.io.write import is_text


def refuse_surrogates(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    """OutputError for the first variable, or part of the codebook, that UTF-8 cannot hold."""
    for place, texts, is_column in _places(codes, book):
        bad = next((row for row, text in enumerate(texts, 1) if not _encodable(text)), None)
        if bad is not None:
            where = f" in row {bad}" if is_column else ""
            raise OutputError(
                f"{path.name}: {place} holds half a character (a lone surrogate){where}, which no file can hold. "
                "Correct the text."
            )


def _places(codes: pd.DataFrame, book: Codebook) -> Iterator[tuple[str, Iterator[Any], bool]]:
    """(what, its texts, whether they are the rows of a column)."""
    for name, variable in book.only([n for n in codes.columns if n in book]).variables.items():
        yield f"the codebook of variable {_shown(name)}", _texts(variable), False
    yield "the codebook", _texts([getattr(book, f.name) for f in fields(book) if f.name != "variables"]), False
    for position, name in enumerate(codes.columns):
        column = codes.iloc[:, position]
        if is_text(column) and getattr(column.dtype, "storage", "") != "pyarrow":
            yield f"variable {_shown(name)}", iter(column.tolist()), True


def _shown(name: object) -> str:
    return ascii(name) if not _encodable(name) else f"'{name}'"


def _encodable(text: object) -> bool:
    try:
        str(text).encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of dataclasses, mappings and sequences."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts([*value.keys(), *value.values()])
    elif is_dataclass(value):
        yield from _texts([getattr(value, f.name) for f in fields(value)])
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
