"""Cells of a sheet become columns of one type each. What does not fit is named by the address of its cell.

A column of numbers with other cells among them is a problem, and so is one of dates or of TRUE and FALSE; texts named in
`na=` are missing, and texts that are plain numbers count as numbers. A column of texts with a few numbers among them
(an open answer "2019") is text. A column of nothing but texts is typed as in a CSV file, by `column_types`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from survey_kit.codebook import Variable
from survey_kit.errors import listed
from survey_kit.io.codebooks.codes import cell_text
from survey_kit.io.delimited.types import TOKENS, column_types, plain_numbers
from survey_kit.io.excel.grid import Column
from survey_kit.schema import Notice

_NUMBER, _TEXT, _BOOL, _DATE, _TIME = "numbers", "text", "TRUE or FALSE", "dates", "times"
_KINDS = {int: _NUMBER, float: _NUMBER, bool: _BOOL, str: _TEXT, date: _DATE, datetime: _DATE}
_KINDS |= {time: _TIME, timedelta: _TIME}
_ALMOST = re.compile(r"[+-]?[\d\s.,'\u00a0\u202f]*\d[\d\s.,\u00a0\u202f]*%?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_EXACT = 2.0**53
_KEPT = " is kept as text:"  # how `column_types` begins to speak of a column of texts and numbers
_NO_COMMA = ";"  # for `column_types`: a delimiter that leaves the decimal comma possible


@dataclass(slots=True)
class Typed:
    """What has become of the columns so far."""

    decimal: str | None
    na: tuple[str, ...]
    codes: dict[str, pd.Series] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    texts: dict[str, Column] = field(default_factory=dict)  # to be typed as in a CSV file
    converted: list[str] = field(default_factory=list)  # cells with numbers stored as text
    timed: list[str] = field(default_factory=list)

    def put(self, name: str, series: pd.Series, **meaning: Any) -> None:
        """A finished column."""
        self.codes[name] = series
        self.variables[name] = Variable(name, **meaning)

    def fill(self, names: Sequence[str]) -> None:
        """Columns that stay without values, as one of `problems` says: texts."""
        for name in names:
            if name not in self.codes:
                self.put(name, pd.Series([], dtype="str"), measure="nominal")

    def frame(self, names: Sequence[str], rows: int) -> pd.DataFrame:
        """The columns in order."""
        return pd.DataFrame({n: self.codes[n] for n in names}, index=pd.RangeIndex(rows), columns=pd.Index(names))


def type_columns(columns: Iterable[Column], decimal: str | None, na: tuple[str, ...], rows: int) -> Typed:
    """Every column with one type, or problems that name cells. `rows` is the length where there is no column."""
    typed = Typed(decimal, na)
    for column in columns:
        _type_column(column, typed)
    _type_texts(typed, rows)
    if typed.converted:
        text = f"Numbers stored as text were read as numbers: {listed(typed.converted)}."
        typed.notices.append(Notice("text_number", text, len(typed.converted)))
    if typed.timed:
        text = f"Times of day and durations are seconds: {listed(typed.timed)}."
        typed.notices.append(Notice("time", text, len(typed.timed)))
    return typed


def without_na(column: Column, na: tuple[str, ...]) -> Column:
    """The column with the cells that read like one of `na` empty."""
    if not na:
        return column
    missing = frozenset(na)
    cells = ["" if c != "" and _written(c) in missing else c for c in column.cells]
    return Column(column.name, column.number, cells, column.rows)


def _type_column(column: Column, typed: Typed) -> None:
    column = without_na(column, typed.na)
    kinds = _kinds(column.cells)
    name = column.name
    if not kinds:
        empty = pd.Series(np.full(len(column.cells), np.nan)) if len(column.cells) else pd.Series([], dtype="str")
        typed.put(name, empty, measure="scale" if len(column.cells) else "nominal")
    elif len(kinds) > 1:
        _type_mixed(column, kinds, typed)
    elif kinds == {_NUMBER}:
        typed.put(name, numbers(column.cells), measure="scale")
    elif kinds == {_BOOL}:
        whole = numbers([c if c == "" else int(c) for c in column.cells])
        typed.put(name, whole, labels={0: "No", 1: "Yes"}, measure="nominal")
    elif kinds == {_DATE}:
        typed.put(name, dates(column.cells), measure="scale")
    elif kinds == {_TIME}:
        typed.put(name, numbers([c if c == "" else _seconds(c) for c in column.cells]), measure="scale", format="TIME8")
        typed.timed.append(name)
    elif any(c.startswith("'") for c in column.cells):  # a quote that a CSV file would have as a guard belongs here
        typed.put(name, texts(column.cells), measure="nominal")
    else:
        typed.texts[name] = column


def _kinds(cells: Sequence[Any]) -> set[str]:
    """The kinds of the cells that are not empty."""
    kinds = {_KINDS.get(kind, _TEXT) for kind in set(map(type, cells))}
    if _TEXT in kinds and not any(isinstance(c, str) and c for c in cells):
        kinds.discard(_TEXT)
    return kinds


def numbers(cells: Sequence[Any]) -> pd.Series:
    """int64 where every cell holds a whole number, else float64 with NaN for empty cells."""
    if all(type(c) is int for c in cells) and len(cells):
        try:
            return pd.Series(np.array(cells, dtype=np.int64))
        except OverflowError:
            pass
    values = np.array([math.nan if c == "" else c for c in cells], dtype=float)
    whole = len(values) and (np.floor(values) == values).all() and (np.abs(values) < _EXACT).all()
    return pd.Series(values.astype(np.int64) if whole else values)


def dates(cells: Sequence[Any]) -> pd.Series:
    """datetime64[us], NaT for empty cells."""
    return pd.Series(np.array([None if c == "" else c for c in cells], dtype="datetime64[us]"))


def texts(cells: Sequence[Any]) -> pd.Series:
    """`str`, missing for empty cells; other cells as a person sees them."""
    return pd.Series([None if c == "" else _written(c) for c in cells], dtype="str")


def _written(cell: Any) -> str:
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell_text(cell)


def _seconds(cell: time | timedelta) -> float:
    if isinstance(cell, timedelta):
        return cell / timedelta(seconds=1)
    return cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6


def _type_mixed(column: Column, kinds: set[str], typed: Typed) -> None:
    """A column of several kinds: numbers with numbers stored as text, text with a few others, or a problem."""
    cells = column.cells
    words = list({c: None for c in cells if isinstance(c, str) and c})
    plain = plain_numbers(words, typed.decimal or ".") if _NUMBER in kinds else {}
    if kinds == {_NUMBER, _TEXT} and len(plain) == len(words):
        typed.put(column.name, numbers([plain.get(c, c) if isinstance(c, str) else c for c in cells]), measure="scale")
        typed.converted += [column.place(i) for i, c in enumerate(cells) if isinstance(c, str) and c]
        return
    found = [(i, _kind(c, plain)) for i, c in enumerate(cells) if c != ""]
    prose = sum(kind == _TEXT and not _ALMOST.fullmatch(cells[i]) for i, kind in found)
    if prose * 2 > len(found) and _BOOL not in kinds:
        others = [column.place(i) for i, _ in found if not isinstance(cells[i], str)]
        what = " and ".join(sorted(kinds - {_TEXT}))
        text = f"'{column.name}' is kept as text; {what} in {listed(others)} are text now."
        typed.notices.append(Notice("mixed", text, len(others)))
        typed.put(column.name, texts(cells), measure="nominal")
        return
    typed.problems.append(_mixed_sentence(column, found, typed.decimal))


def _kind(cell: Any, plain: dict[str, float]) -> str:
    return _NUMBER if isinstance(cell, str) and cell in plain else _KINDS.get(type(cell), _TEXT)


def _mixed_sentence(column: Column, found: list[tuple[int, str]], decimal: str | None) -> str:
    """Column 'w' holds numbers, and text in B2, B4."""
    counts = Counter(kind for _, kind in found)
    others = [kind for kind in (_NUMBER, _DATE, _BOOL, _TIME) if counts[kind]]
    main = max(others, key=lambda kind: counts[kind])
    parts = []
    for kind in (_TEXT, *others):
        places = [column.place(i) for i, k in found if k == kind]
        if places and kind != main:
            parts.append(f"{kind} in {listed(places)}")
    odd = {column.cells[i] for i, kind in found if kind == _TEXT}
    return f"Column '{column.name}' holds {main}, and {' and '.join(parts)}.{_hint(odd, decimal)}"


def _hint(odd: set[str], decimal: str | None) -> str:
    """The way out for texts among numbers."""
    if odd and odd <= set(TOKENS):
        return f" If {listed(map(repr, sorted(odd)))} means no value, read with na={sorted(odd)!r}."
    if decimal != "," and any(_COMMA.fullmatch(t) for t in odd):
        return ' If the comma is the decimal mark, read with decimal=",".'
    return " Correct these cells; texts that mean no value can be named with na=." if odd else " Correct these cells."


def _type_texts(typed: Typed, rows: int) -> None:
    """Columns of texts as in a CSV file; its notices name cells."""
    table = pa.table({n: pa.array([v or None for v in c.cells], pa.large_string()) for n, c in typed.texts.items()})
    codes, notices = column_types(table, typed.decimal, _NO_COMMA, rows)
    mark = "," if any(n.kind == "decimal" for n in notices) else typed.decimal
    for name in typed.texts:
        series = codes[name]
        number = pd.api.types.is_numeric_dtype(series)
        typed.put(name, series, measure="scale" if number else "nominal")
        typed.converted += [f"column '{name}'"] if number else []
    by_beginning = {f"'{name}'{_KEPT}": column for name, column in typed.texts.items()}
    for notice in notices:
        mixed = by_beginning.get(notice.text.partition(_KEPT)[0] + _KEPT)
        typed.notices.append(_by_cell(mixed, mark) if mixed else notice)


def _by_cell(column: Column, decimal: str | None) -> Notice:
    """A column of texts that are mostly numbers: which cells are none."""
    plain = plain_numbers(list({c: None for c in column.cells if c}), decimal or ".")
    odd = [i for i, c in enumerate(column.cells) if c and c not in plain]
    places = listed(column.place(i) for i in odd)
    hint = _hint({column.cells[i] for i in odd}, decimal)
    return Notice("mixed", f"'{column.name}'{_KEPT} no plain number in {places}.{hint}", len(odd))
