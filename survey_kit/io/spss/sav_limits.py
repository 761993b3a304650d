"""What SAV can hold, checked before a byte is written. Every refusal names the variable and the limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import OutputError
from survey_kit.io.write import check_frame, check_mixed, is_text

_EXACT_INTEGER = 2**53  # doubles hold every integer up to here
NAME_BYTES, TEXT_BYTES, SHORT_TEXT, NOTE_BYTES = 64, 32_767, 8, 80
_LETTERS = (-1_000_027, -1_000_001)  # the codes of .z and ._ to .a
_RESERVED = frozenset(("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"))
_NAME = re.compile(r"[^\W\d_][\w.@#$]*|[@#][\w.@#$]+")


def cut(text: str, most: int) -> tuple[str, bool]:
    """The text in at most `most` bytes of UTF-8, never inside a character, and whether it was cut.

    >>> cut("жжж", 5)
    ('жж', True)
    """
    raw = text.encode()
    return (text, False) if len(raw) <= most else (raw[:most].decode(errors="ignore"), True)


def check_limits(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    """OutputError for the first thing that SAV cannot hold."""
    check_frame(path, codes)
    if not len(codes.columns):
        raise OutputError(f"{path.name}: there are no columns to write.")
    _check_case_twins(path, codes)
    for name in codes.columns:
        for check in _CHECKS:
            for problem in check(name, codes[name], book[name]):
                raise OutputError(f"{path.name}: variable '{name}' {problem}")
    for group in book.sets.values():
        _check_set(path, codes, group)
    if book.weight and is_text(codes[book.weight]):
        raise OutputError(f"{path.name}: the weight variable '{book.weight}' is text. Name a numeric one.")


def _check_set(path: Path, codes: pd.DataFrame, group: MultipleResponse) -> None:
    problem = ""
    kinds = {is_text(codes[c]) for c in group.columns}
    if not group.columns or not re.fullmatch(r"[^\s=$()']+", group.name):
        problem = "needs columns, and a name without blanks and quotes"
    elif len(kinds) > 1:
        problem = "mixes text and numeric columns"
    elif group.counted is not None and {isinstance(group.counted, str)} != kinds:
        problem = f"counts {group.counted!r}, which its columns cannot hold"
    if problem:
        raise OutputError(f"{path.name}: the multiple-response set '{group.name}' {problem}. Correct the codebook.")


def _check_case_twins(path: Path, codes: pd.DataFrame) -> None:
    seen: dict[str, str] = {}
    for name in codes.columns:
        other = seen.setdefault(name.upper(), name)
        if other != name:
            raise OutputError(
                f"{path.name}: variables '{other}' and '{name}' differ only in case, which SAV does not hold. "
                "Rename one of them."
            )


Problems = Iterator[str]


def _name_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    size = len(name.encode())
    if size > NAME_BYTES:
        yield f"has a name of {size} bytes; SAV holds {NAME_BYTES}. Rename it."
    if not _NAME.fullmatch(name) or name.endswith(".") or name.upper() in _RESERVED:
        yield "has a name that SPSS does not allow: a letter first, then letters, digits and ._@#$; no reserved word."


def _type_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        yield "holds categories; write the codes and put the labels into the codebook."
    elif isinstance(kind, pd.DatetimeTZDtype):
        yield "holds dates with a time zone, which SAV does not hold. Use .dt.tz_localize(None) first."
    elif pd.api.types.is_object_dtype(kind):
        try:
            check_mixed(Path(name), column)
        except OutputError:
            yield "mixes text with other values. Convert it to numbers, text or dates first."
    elif not (is_text(column) or pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_dtype(column)):
        yield f"has type {kind}, which SAV does not hold. Convert it to numbers, text or dates first."


def _number_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    if is_text(column) or not pd.api.types.is_numeric_dtype(column.dtype):
        return
    if pd.api.types.is_complex_dtype(column.dtype):
        yield "holds complex numbers, which SAV does not hold."
        return
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    rows = np.flatnonzero(np.isinf(numbers)) + 1
    if len(rows):
        yield f"holds an infinite value in row {rows[0]}. Make it missing or correct it."
    if not pd.api.types.is_integer_dtype(column.dtype):
        return
    beyond = (column > _EXACT_INTEGER) | (column < -_EXACT_INTEGER)
    rows = np.flatnonzero(beyond.to_numpy(dtype=bool, na_value=False)) + 1
    if len(rows):
        yield f"holds an integer beyond 2^53 in row {rows[0]}, which SAV would round. Make it text."


def _text_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    if not is_text(column):
        return
    sizes = column.astype("str").fillna("").map(lambda t: len(t.encode())).to_numpy()
    if len(sizes) and sizes.max() > TEXT_BYTES:
        row = int(sizes.argmax()) + 1
        yield f"holds a text of {sizes.max():,} bytes in row {row}; SAV holds {TEXT_BYTES:,}. Shorten it."
    rows = np.flatnonzero(column.astype("str").str.contains("\0", regex=False).fillna(False).to_numpy(dtype=bool)) + 1
    if len(rows):
        yield f"holds a NUL character in row {rows[0]}, where SAV would cut the text. Remove it."


def _label_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    text = is_text(column)
    wrong = [c for c in variable.labels if isinstance(c, str) != text]
    if wrong:
        yield f"is {'text' if text else 'numeric'}, but its label code {wrong[0]!r} is not. Correct the codebook."


def _missing_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    rule = variable.missing
    if rule is None:
        return
    text = is_text(column)
    if any(isinstance(v, str) != text for v in rule.values) or (text and rule.ranges):
        yield f"is {'text' if text else 'numeric'}, but its missing values are not. Correct the codebook."
    if not _fits(rule):
        yield (
            f"has {len(rule.values)} discrete missing values and {len(rule.ranges)} ranges; SAV holds three values, "
            "or one range and one value. Write .parquet, or recode some."
        )
    if any(len(v.encode()) > SHORT_TEXT for v in rule.values if isinstance(v, str)):
        yield f"has a missing value of more than {SHORT_TEXT} bytes, which SAV does not hold. Recode it."


def as_range(rule: MissingRule) -> tuple[float, float] | None:
    """The range that stands for more than three extended missing values of Stata or SAS (.a to .z), else None."""
    values = [v for v in rule.values if not isinstance(v, str) and _LETTERS[0] <= v <= _LETTERS[1]]
    if len(values) <= 3 or len(values) < len(rule.values) or rule.ranges:
        return None
    return float(min(values)), float(max(values))


def _fits(rule: MissingRule) -> bool:
    if as_range(rule) is not None:
        return True
    return len(rule.values) <= (1 if rule.ranges else 3) and len(rule.ranges) <= 1


_CHECKS: tuple[Callable[[str, pd.Series, Variable], Problems], ...] = (
    _name_problems,
    _type_problems,
    _number_problems,
    _text_problems,
    _label_problems,
    _missing_problems,
)
