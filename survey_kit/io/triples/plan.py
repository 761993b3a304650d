"""Which Triple-S field holds which columns, and the cells it writes: the nearest type of the standard that loses nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, MultipleResponse, Variable, format_code
from survey_kit.io.formula_guard import guarded, runs
from survey_kit.io.triples.notes import Note
from survey_kit.io.triples.values import CANONICAL
from survey_kit.io.write import is_text

_MOST_CODE, _MOST_MARKS, _LONGEST = 10**9, 999, 17
_YEARS = (np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31T23:59:59.999999", "us"))
_DAY, _EXACT = 86_400, 2**53


@dataclass(frozen=True)
class Plan:
    """One <variable> to be written.

    Attributes:
        name: unique in the file; `kind`, `literal`: its type.
        columns: those it holds, in order; `labels`: code as written -> label.
        span: the range of its values; `size`: of text; `subfields`, `width`: of a spread.
        cells: one a row, quoted as CSV wants it; `notes`: of each column.
        label, question: of the variable; `weight`: it is the file's weight.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    cells: list[str]
    label: str = ""
    question: str = ""
    literal: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    span: tuple[str, str] | None = None
    size: int = 0
    subfields: int = 0
    width: int = 0
    notes: tuple[Note, ...] = ()
    weight: bool = False


def plan_fields(codes: pd.DataFrame, book: Codebook) -> Iterator[Plan]:
    """The fields in the order of the columns; a set stands where its first column does."""
    names = _Names(codes.columns)
    groups = {c: g for g in _whole_sets(codes, book) for c in g.columns}
    done: set[str] = set()
    for column in codes.columns:
        group = groups.get(column)
        if group is None:
            yield _single_field(names.of(column), codes[column], book[column], book.weight == column)
        elif group.name not in done:
            done.add(group.name)
            make = _spread if group.counted is None else _marks
            yield make(names.of(group.name), group, codes[list(group.columns)], book)


class _Names:
    """Names that XML can hold, each once. A column keeps its own; a set of the name of a column gets another."""

    def __init__(self, columns: pd.Index) -> None:
        self.waiting = {str(c) for c in columns}
        self.taken: set[str] = set()

    def of(self, wanted: str) -> str:
        name = base = " ".join(re.sub(r"[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", " ", wanted).split()) or "V"
        number = 1
        while name in self.taken or (name in self.waiting and name != wanted):
            number += 1
            name = f"{base}_{number}"
        self.waiting.discard(wanted)
        self.taken.add(name)
        return name


def _whole_sets(codes: pd.DataFrame, book: Codebook) -> Iterator[MultipleResponse]:
    """Sets that one `multiple` holds without loss; the columns of others are fields of their own."""
    used: set[str] = {book.weight} if book.weight else set()
    for group in book.sets.values():
        columns = set(group.columns)
        if not columns or len(columns) < len(group.columns) or columns & used or len(columns) > _MOST_MARKS:
            continue
        members = codes[list(group.columns)]
        if any(is_text(members[c]) or not _is_number(members[c]) for c in members):
            continue
        fits = _fits_spread if group.counted is None else _fits_marks
        if fits(members, group, book):
            used |= columns
            yield group


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)


def _fits_marks(members: pd.DataFrame, group: MultipleResponse, book: Codebook) -> bool:
    """0 and 1 alone, and a row is recorded for all answers or for none."""
    if group.counted != 1:
        return False
    empty = members.isna().to_numpy()
    zero_or_one = members.isin((0, 1)).to_numpy() | empty
    return bool(zero_or_one.all() and (empty.all(axis=1) | ~empty.any(axis=1)).all())


def _fits_spread(members: pd.DataFrame, group: MultipleResponse, book: Codebook) -> bool:
    """Whole codes from 1, labelled alike."""
    labels = [dict(book[c].labels) for c in group.columns]
    if not labels[0] or any(other != labels[0] for other in labels[1:]):
        return False
    numbers = members.to_numpy(dtype=float, na_value=np.nan)
    codes = [*_numeric(labels[0]), *numbers[~np.isnan(numbers)]]
    return len(_numeric(labels[0])) == len(labels[0]) and all(1 <= c < _MOST_CODE and c == int(c) for c in codes)


def _numeric(labels: Mapping[Code, str]) -> list[float]:
    return [float(c) for c in labels if not isinstance(c, (str, bool)) and np.isfinite(c)]


def _marks(name: str, group: MultipleResponse, members: pd.DataFrame, book: Codebook) -> Plan:
    places = _answer_codes(group)
    grid = np.full((len(members), max(places)), "0")
    empty = members.isna().to_numpy().any(axis=1)
    for place, column in zip(places, group.columns, strict=True):
        grid[:, place - 1] = np.where((members[column] == 1).to_numpy(dtype=bool, na_value=False), "1", "0")
    cells = ["" if gap else f'"{"".join(row)}"' for row, gap in zip(grid, empty, strict=True)]
    return Plan(
        name,
        "multiple",
        group.columns,
        cells,
        label=group.label,
        question=group.question,
        labels={str(p): book[c].label or c for p, c in zip(places, group.columns, strict=True)},
        notes=tuple(_type_note(members[c]) for c in group.columns),
    )


def _answer_codes(group: MultipleResponse) -> list[int]:
    """The numbers at the ends of the columns' names (q5_1, q5_97), else 1, 2, 3 ..."""
    head = f"{group.name}_"
    tails = [c.removeprefix(head) if c.startswith(head) else "" for c in group.columns]
    if all(re.fullmatch(r"[1-9]\d{0,2}", tail) for tail in tails):
        return [int(tail) for tail in tails]
    return list(range(1, len(tails) + 1))


def _spread(name: str, group: MultipleResponse, members: pd.DataFrame, book: Codebook) -> Plan:
    labels = {format_code(c): t for c, t in book[group.columns[0]].labels.items()}
    numbers = members.to_numpy(dtype=float, na_value=np.nan)
    whole = np.nan_to_num(numbers).astype(np.int64)
    top = max(int(whole.max(initial=0)), *map(int, labels))
    width = len(str(top))
    empty = np.isnan(numbers).all(axis=1)
    cells = [
        "" if gap else f'"{"".join(str(n).zfill(width) for n in row)}"'
        for row, gap in zip(whole.tolist(), empty, strict=True)
    ]
    known = {int(c) for c in labels}
    loose = sorted({n for n in whole.ravel().tolist() if n and n not in known})
    return Plan(
        name,
        "multiple",
        group.columns,
        cells,
        label=group.label,
        question=group.question,
        labels=labels,
        span=(str(loose[0]), str(loose[-1])) if loose else None,
        subfields=len(group.columns),
        width=width,
        notes=tuple(_type_note(members[c]) for c in group.columns),
    )


def _type_note(column: pd.Series) -> Note:
    """The type of a column of numbers, where its cells alone would give another."""
    gaps, kind = bool(column.isna().any()), column.dtype
    if pd.api.types.is_bool_dtype(kind):
        return {} if gaps else {"dtype": "bool"}
    if pd.api.types.is_float_dtype(kind) and (not gaps or bool((column.abs() >= _EXACT).any())):
        return {"dtype": "float64"}
    return {}


def _single_field(name: str, column: pd.Series, variable: Variable, weight: bool) -> Plan:
    if pd.api.types.is_datetime64_dtype(column):
        plan = _date_field(name, column)
    elif is_text(column):
        plan = _text_field(name, column, variable)
    elif pd.api.types.is_bool_dtype(column.dtype):
        cells = ["" if v is pd.NA else str(int(v)) for v in column.tolist()]
        plan = Plan(name, "logical", (str(column.name),), cells, notes=(_type_note(column),))
    else:
        plan = _number_field(name, column, variable)
    return replace(plan, label=variable.label, question=variable.question, weight=weight)


def _date_field(name: str, column: pd.Series) -> Plan:
    stamps = column.to_numpy().astype("datetime64[us]")
    there = stamps[~np.isnat(stamps)]
    whole = bool((there == there.astype("datetime64[D]")).all()) and bool(
        ((there >= _YEARS[0]) & (there <= _YEARS[1])).all()
    )
    texts = ["" if np.isnat(t) else str(t) for t in stamps.astype("datetime64[D]" if whole else "datetime64[us]")]
    if whole:
        return Plan(name, "date", (str(column.name),), [t.replace("-", "") for t in texts], size=8)
    cells = [f'"{t}"' if t else "" for t in texts]
    note = {"dtype": "datetime64[us]"}
    return Plan(name, "character", (str(column.name),), cells, size=26, notes=(note,))


def _text_field(name: str, column: pd.Series, variable: Variable) -> Plan:
    texts = [None if t is None or t is pd.NA or t != t else str(t) for t in column.tolist()]
    there = [t for t in texts if t is not None]
    labels = {c: t for c, t in variable.labels.items() if isinstance(c, str)}
    if labels and len(labels) == len(variable.labels) and set(there) <= set(labels) and all(map(_is_code, labels)):
        cells = ["" if t is None else _quoted(t) for t in texts]
        note = {"dtype": "str"}
        return Plan(name, "single", (str(column.name),), cells, literal=True, labels=labels, notes=(note,))
    guard = any(map(runs, there))
    marks: dict[str, object] = {"exact": 1} if any(t != t.rstrip(" \t") or not t for t in there) else {}
    marks |= {"guarded": 1} if guard else {}
    cells = ["" if t is None else _quoted(guarded(t)) for t in texts]
    return Plan(
        name, "character", (str(column.name),), cells, size=max(map(len, there), default=1) or 1, notes=(marks,)
    )


def _is_code(text: str) -> bool:
    """A text that XML and CSV hold as a code, and that no spreadsheet runs."""
    return bool(text) and text == text.strip() and text.isprintable() and not runs(text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _number_field(name: str, column: pd.Series, variable: Variable) -> Plan:
    cells = number_texts(column)
    there = sorted({float(t) for t in cells if t})
    labels = {format_code(c): t for c, t in variable.labels.items() if not isinstance(c, (str, bool))}
    columns, note = (str(column.name),), (_type_note(column),)
    if _is_time(variable, there, labels):
        clock = [
            f"{int(t) // 3600:02d}{int(t) // 60 % 60:02d}{int(t) % 60:02d}" if t else "" for t in map(_whole, cells)
        ]
        return Plan(name, "time", columns, clock, size=6, notes=note)
    if labels and _whole_codes([*there, *_numeric(variable.labels)]) and len(labels) == len(variable.labels):
        loose = [n for n in there if format_code(n) not in labels]
        span = (format_code(loose[0]), format_code(loose[-1])) if loose else None
        cells = [_whole(t) for t in cells]
        return Plan(name, "single", columns, cells, labels=labels, span=span, notes=note)
    full = labels and len(labels) == len(variable.labels) and {format_code(n) for n in there} <= set(labels)
    if full and all(re.match(CANONICAL, code) for code in labels):
        cells = [format_code(float(t)) if t else "" for t in cells]
        kind = "float64" if pd.api.types.is_float_dtype(column.dtype) else "int64"
        return Plan(name, "single", columns, cells, literal=True, labels=labels, notes=({"dtype": kind},))
    span = _span(column, there)
    kept = {c: t for c, t in labels.items() if re.match(CANONICAL, c)}
    return Plan(name, "quantity", columns, cells, labels=kept, span=span, notes=note)


def _span(column: pd.Series, there: list[float]) -> tuple[str, str]:
    if not there:
        return "0", "0"
    if pd.api.types.is_integer_dtype(column.dtype):
        return str(int(column.min())), str(int(column.max()))
    return number_text(there[0]), number_text(there[-1])


def _whole(text: str) -> str:
    return format_code(float(text)) if "." in text or "-0" in text else text


def _whole_codes(numbers: list[float]) -> bool:
    return all(np.isfinite(n) and 0 <= n < _MOST_CODE and n == int(n) for n in numbers)


def _is_time(variable: Variable, there: list[float], labels: dict[str, str]) -> bool:
    form = variable.format.upper().startswith("TIME")
    return form and not variable.labels and all(0 <= n < _DAY and n == int(n) for n in there)


def number_texts(column: pd.Series) -> list[str]:
    """Numbers as shortest texts that give them back, "" for missing."""
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        known: dict[float, str] = {}
        return ["" if v != v else known.get(v) or known.setdefault(v, number_text(v)) for v in values.tolist()]
    return ["" if v is pd.NA else str(int(v)) for v in column.tolist()]


def number_text(value: float) -> str:
    """A number without an exponent, where that is not absurdly long.

    >>> number_text(0.1), number_text(1e21), number_text(2.0)
    ('0.1', '1e+21', '2')
    """
    if value and not 10**-_LONGEST < abs(value) < 10**_LONGEST:
        return repr(float(value))
    return np.format_float_positional(value, unique=True, trim="-")
