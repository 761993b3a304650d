"""Stata .dta files of format 118 (Stata 14 and later), written section by section. Equal data give equal bytes.

Layout: Stata manual, "help dta". pyreadstat writes no smaller integers, no notes and no characteristics, and pandas no
extended missing values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, MissingRule, Variable, format_code
from survey_kit.errors import listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.dates import STATA_EPOCH, stata_unit
from survey_kit.io.extended_missing import FIRST, LAST
from survey_kit.io.stat_limits import lost_notice, meaning_lost, sets_lost, text_bytes
from survey_kit.io.stata.limits import KIND, LABEL, VALUE_LABEL, check_limits, letters, storage
from survey_kit.io.stata.meaning import DOUBLE, INTEGER, LONGEST, STATA_WEIGHT, characteristics, fits
from survey_kit.io.text import cut
from survey_kit.io.write import complete, is_text
from survey_kit.schema import Notice

_NAME_BYTES, _FORMAT_BYTES, _LABEL_BYTES, _TEXT_BYTES = 129, 57, 321, 2045
_LONG_TEXT = 32_768
_DAY = 86_400_000_000  # microseconds
# storage -> (type code, numpy type, missing "." as stored, step to the next letter, default format)
_NUMBERS: dict[str, tuple[int, str, int, int, str]] = {
    "byte": (65_530, "<i1", 101, 1, "%8.0g"),
    "int": (65_529, "<i2", 32_741, 1, "%8.0g"),
    "long": (65_528, "<i4", 2_147_483_621, 1, "%12.0g"),
    "float": (65_527, "<u4", 0x7F00_0000, 0x800, "%9.0g"),
    "double": (65_526, "<u8", 0x7FE0_0000_0000_0000, 0x100_0000_0000, "%10.0g"),
}
_INTEGERS = tuple(_NUMBERS[kind][0] for kind in ("byte", "int", "long"))


@dataclass(frozen=True)
class _Column:
    """A column as stored. `texts` are those of a strL column, whose values say where they are."""

    code: int
    values: np.ndarray
    form: str
    texts: tuple[bytes, ...] = ()


def write_dta(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes, labels, formats and notes; numbers in the smallest type that holds them exactly.

    The codes -1000001 to -1000026, where declared missing, become .a to .z; dates become %td, or %tc where they hold a
    time of day; texts over 2,045 bytes become strL. Stata has no other missing rules, wording, levels or sets: they are
    kept in characteristics, where `read_file` finds them and Stata passes them on, and a notice lists them. Labels over
    80 characters are cut for Stata and kept whole there too. Equivalents: Stata `save`, R `haven::write_dta`. Raises
    OutputError, naming the variable.
    """
    book = complete(codebook, codes)
    check_limits(path, codes, book)
    columns = {name: _column(codes[name], book[name], i) for i, name in enumerate(codes.columns, 1)}
    said, too_long = characteristics(book)
    said |= {(n, DOUBLE): "1" for n, c in columns.items() if _reads_as_integer(codes[n], c)}
    said |= {(n, INTEGER): "1" for n, c in columns.items() if _reads_as_double(codes[n], c)}
    with atomic_path(path) as temporary:
        temporary.write_bytes(_file(columns, book, said, len(codes)))
    return tuple(_notices(codes, codebook, book, too_long))


def _column(column: pd.Series, variable: Variable, number: int) -> _Column:
    if is_text(column):
        return _text_column(column, variable, number)
    if pd.api.types.is_datetime64_dtype(column):
        return _dates(column, variable)
    return _numbers(column.to_numpy(dtype=float, na_value=np.nan), variable)


def _numbers(numbers: np.ndarray, variable: Variable) -> _Column:
    marks = letters(numbers, variable)
    plain = np.where(marks > 0, np.nan, numbers)
    kind = storage(plain)
    code, stored, missing, step, form = _NUMBERS[kind]
    empty = np.isnan(plain)
    filled = np.where(empty, 0, plain)
    if kind in ("float", "double"):
        values = filled.astype(stored.replace("u", "f")).view(stored)
    else:
        values = filled.astype(stored)
    values = values.copy()
    values[empty] = (missing + marks[empty] * step).astype(stored)
    usable = variable.format.startswith("%") and not variable.format.endswith(("s", "S"))
    return _Column(code, values, variable.format if usable else form)


def _reads_as_integer(column: pd.Series, stored: _Column) -> bool:
    """Whether doubles were stored as integers and would be read as such."""
    return stored.code in _INTEGERS and pd.api.types.is_float_dtype(column.dtype) and not column.isna().any()


def _reads_as_double(column: pd.Series, stored: _Column) -> bool:
    """Whether integers were stored as doubles and would be read as such."""
    return pd.api.types.is_integer_dtype(column.dtype) and stored.code not in _INTEGERS and not column.isna().any()


def _dates(column: pd.Series, variable: Variable) -> _Column:
    """%td where every value is a midnight and the format does not ask for more, else %tc."""
    micros = (column.to_numpy().astype("datetime64[us]") - STATA_EPOCH).astype(np.int64)
    empty = column.isna().to_numpy()
    unit = stata_unit(variable.format)
    days = (micros[~empty] % _DAY == 0).all() and unit in (None, _DAY)
    size = _DAY if days else 1000
    form = variable.format if unit == size else "%td" if days else "%tc"
    numbers = np.where(empty, np.nan, micros / size)
    return _numbers(numbers, Variable(variable.name, format=form))


def _text_column(column: pd.Series, variable: Variable, number: int) -> _Column:
    texts = [t.encode() for t in column.astype("str").fillna("").tolist()]
    width = max(1, int(text_bytes(column).max())) if len(texts) else 1
    form = variable.format if variable.format.startswith("%") and variable.format.endswith("s") else ""
    if width <= _TEXT_BYTES:
        return _Column(width, np.array(texts, dtype=f"S{width}"), form or f"%{width}s")
    first: dict[bytes, int] = {}
    rows = [first.setdefault(t, row) if t else 0 for row, t in enumerate(texts, 1)]
    places = np.array([number + (row << 16) if row else 0 for row in rows], dtype="<u8")
    return _Column(
        _LONG_TEXT, places, form or "%9s", tuple(t if first.get(t) == r else b"" for r, t in enumerate(texts, 1))
    )


def _file(columns: dict[str, _Column], book: Codebook, said: dict[tuple[str, str], str], rows: int) -> bytes:
    sets = _label_sets(columns, book)
    sections = [
        ("variable_types", b"".join(struct.pack("<H", c.code) for c in columns.values())),
        ("varnames", _fields(columns, _NAME_BYTES)),
        ("sortlist", bytes(2 * (len(columns) + 1))),
        ("formats", _fields((c.form for c in columns.values()), _FORMAT_BYTES)),
        ("value_label_names", _fields((sets.get(n, "") for n in columns), _NAME_BYTES)),
        ("variable_labels", _fields((book[n].label[:LABEL] for n in columns), _LABEL_BYTES)),
        ("characteristics", b"".join(_characteristics(book, said))),
        ("data", _rows(columns, rows)),
        ("strls", b"".join(_long_texts(columns))),
        ("value_labels", b"".join(_label_tables(book, sets))),
    ]
    pieces, places = [_header(book, len(columns), rows), b""], [0]
    at = len(pieces[0])
    places.append(at)
    at += len("<map></map>") + 14 * 8
    for tag, content in sections:
        places.append(at)
        pieces.append(f"<{tag}>".encode() + content + f"</{tag}>".encode())
        at += len(pieces[-1])
    places += [at, at + len("</stata_dta>")]
    pieces[1] = b"<map>" + struct.pack("<14Q", *places) + b"</map>"
    return b"".join([*pieces, b"</stata_dta>"])


def _header(book: Codebook, columns: int, rows: int) -> bytes:
    """Without a time stamp, so that equal data give equal bytes."""
    title = book.title[:LABEL].encode()
    parts = (
        b"<stata_dta><header><release>118</release><byteorder>LSF</byteorder><K>",
        struct.pack("<H", columns),
        b"</K><N>",
        struct.pack("<Q", rows),
        b"</N><label>" + struct.pack("<H", len(title)) + title,
        b"</label><timestamp>\0</timestamp></header>",
    )
    return b"".join(parts)


def _fields(texts: Iterable[str], size: int) -> bytes:
    return b"".join(t.encode().ljust(size, b"\0") for t in texts)


def _rows(columns: dict[str, _Column], rows: int) -> bytes:
    """The cases: one record of all columns after the other."""
    kinds = [(f"c{i}", c.values.dtype) for i, c in enumerate(columns.values())]
    table = np.zeros(rows, dtype=kinds)
    for (field, _), column in zip(kinds, columns.values(), strict=True):
        table[field] = column.values
    return table.tobytes()


def _long_texts(columns: dict[str, _Column]) -> Iterable[bytes]:
    for number, column in enumerate(columns.values(), 1):
        for row, text in enumerate(column.texts, 1):
            if text:
                yield b"GSO" + struct.pack("<IQBI", number, row, 130, len(text) + 1) + text + b"\0"


def _label_sets(columns: dict[str, _Column], book: Codebook) -> dict[str, str]:
    """Column -> name of its set of value labels: that of the first column with the same labels."""
    names: dict[tuple[tuple[int, str], ...], str] = {}
    found = {}
    for name in columns:
        labels = tuple(_stata_labels(book[name]).items())
        if labels:
            found[name] = names.setdefault(labels, name)
    return found


def _stata_labels(variable: Variable) -> dict[int, str]:
    """Codes as Stata stores them -> labels that fit, in order of code; .a to .z last."""
    rule, found = variable.missing or MissingRule(), {}
    for code, text in variable.labels.items():
        if isinstance(code, str) or not fits(code):
            continue
        letter = LAST <= code <= FIRST and code in rule.values
        found[2_147_483_621 + FIRST + 1 - int(code) if letter else int(code)] = cut(text, VALUE_LABEL)[0]
    return {code: found[code] for code in sorted(found)}


def _label_tables(book: Codebook, sets: dict[str, str]) -> Iterable[bytes]:
    for name in dict.fromkeys(sets.values()):
        labels = _stata_labels(book[name])
        texts = [t.encode() + b"\0" for t in labels.values()]
        offsets = np.cumsum([0, *map(len, texts)])[:-1].astype("<i4").tobytes()
        codes = np.array(list(labels), dtype="<i4").tobytes()
        body = struct.pack("<II", len(labels), sum(map(len, texts))) + offsets + codes + b"".join(texts)
        yield b"<lbl>" + struct.pack("<I", len(body)) + _fields([name], _NAME_BYTES) + b"\0\0\0" + body + b"</lbl>"


def _characteristics(book: Codebook, said: dict[tuple[str, str], str]) -> Iterable[bytes]:
    notes = [cut(note, LONGEST - 1)[0] for note in book.notes]
    numbered = {("_dta", f"note{i}"): text for i, text in enumerate([str(len(notes)), *notes])} if notes else {}
    for (owner, name), text in {**numbered, **said}.items():
        body = _fields([owner, name], _NAME_BYTES) + text.encode() + b"\0"
        yield b"<ch>" + struct.pack("<I", len(body)) + body + b"</ch>"


def _notices(codes: pd.DataFrame, given: Codebook, book: Codebook, too_long: dict[str, list[str]]) -> list[Notice]:
    notices = []
    shorter = list(_cut_labels(book))
    if shorter:
        text = f"Too long for {KIND} and cut there: {listed(shorter)}. Stata shows the beginning; survey_kit reads them whole."
        notices.append(Notice("cut", text, len(shorter)))
    lost = _without_place(codes, book) | meaning_lost(book, codes, ("question", "filter", "measure"))
    lost |= {k: v for k, v in sets_lost(book).items() if "sets" in k}
    lost |= {"the weight": [book.weight]} if book.weight and book.attributes.get(STATA_WEIGHT) != book.weight else {}
    notices += lost_notice(
        KIND, lost, "survey_kit reads them back from the file's characteristics; Stata does not apply them."
    )
    gone = too_long | {k: [n for n in v if n not in book.sets] for k, v in sets_lost(given).items() if "sets" in k}
    blank = [n for n in codes.columns if is_text(codes[n]) and (codes[n] == "").any()]
    gone |= {"the difference between an empty text and none in": blank}
    gone |= {
        "the display formats of": [n for n, v in book.variables.items() if v.format and not v.format.startswith("%")]
    }
    return notices + lost_notice(f"A {KIND} file", {k: v for k, v in gone.items() if v}, "Write .parquet to keep them.")


def _without_place(codes: pd.DataFrame, book: Codebook) -> dict[str, list[str]]:
    """Missing rules other than .a to .z, and labels of texts or fractions."""
    rules, labels = [], []
    for name, variable in book.variables.items():
        rule = variable.missing or MissingRule()
        others = [v for v in rule.values if isinstance(v, str) or not LAST <= v <= FIRST]
        rules += [name] if others or rule.ranges else []
        labels += [name] if any(not fits(c) for c in variable.labels) else []
    found = {"missing rules of": rules, "value labels of texts and fractions of": labels}
    return {what: names for what, names in found.items() if names}


def _cut_labels(book: Codebook) -> Iterable[str]:
    if len(book.title) > LABEL:
        yield "the file's title"
    for name, variable in book.variables.items():
        if len(variable.label) > LABEL:
            yield f"the label of '{name}'"
        for code, text in variable.labels.items():
            if fits(code) and len(text.encode()) > VALUE_LABEL:
                yield f"the label of '{name}' = {format_code(code)}"
    yield from ("a note" for note in book.notes if len(note.encode()) > LONGEST - 1)
