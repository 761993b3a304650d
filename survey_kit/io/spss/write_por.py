"""SPSS portable files (.por), written record by record: labels, missing values, weight and documents included."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, MissingRule, Variable, format_code
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.dates import spss_unit, to_seconds
from survey_kit.io.spss.por_numbers import format_number
from survey_kit.io.spss.por_records import BEYOND, FORMATS, LINE, PRINTABLE, SIGNATURE, TABLE
from survey_kit.io.spss.sav_limits import as_range
from survey_kit.io.stat_limits import check_columns, lost_notice, meaning_lost, sets_lost
from survey_kit.io.surrogates import refuse_surrogates
from survey_kit.io.text import cut, lines_within
from survey_kit.io.write import complete, is_text
from survey_kit.schema import Notice

KIND = "SPSS portable"
_TEXT, _NOTE, _TITLE = 255, 80, 20  # bytes
_NAME = re.compile(r"[A-Z@][A-Z0-9_.$#@]{0,7}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FORM = re.compile(r"([A-Z]+)(\d{1,3})(?:\.(\d{1,2}))?")
_NUMBERS = {name: number for number, name in FORMATS.items()}
_LOST = ("question", "filter", "origin", "measure", "width", "alignment", "attributes")
HIGHEST = sys.float_info.max
_STAMP = ("20000101", "000000")  # date and time of writing: the same for all, so that equal data give equal bytes


def write_por(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write a portable file: UTF-8, lines of 80 bytes, every double exactly. Equal data give equal bytes.

    Names must have at most 8 characters, A to Z, digits and @ # $ _ . (small letters become capitals, and a notice says
    so); texts at most 255 bytes. Labels over 255 bytes
    and a title over 20 are cut at a character. One notice lists what was cut, one what the format does not hold.
    Equivalent: SPSS `EXPORT`. Raises OutputError, naming the variable.
    """
    refuse_surrogates(path, codes, codebook)
    codes, codebook, capitals = _in_capitals(codes, codebook)
    book = complete(codebook, codes)
    _check(path, codes, book)
    notes = list(_note_lines(book.notes))
    pieces = [*_opening(book), *_dictionary(codes, book), *_documents(notes), "F", *_cases(codes, book), "Z"]
    raw = _header(book) + "".join(pieces).encode()
    raw += b"Z" * (-len(raw) % LINE)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for at in range(0, len(raw), LINE):
            file.write(raw[at : at + LINE] + b"\r\n")
    return (*capitals, *_notices(codes, codebook, book, notes, raw))


def _in_capitals(codes: pd.DataFrame, codebook: Codebook) -> tuple[pd.DataFrame, Codebook, list[Notice]]:
    """The survey under capital names, where all of them fit the format so and stay different; and what is said of it."""
    new = {n: n.upper() for n in codes.columns if isinstance(n, str) and n != n.upper()}
    after = [new.get(n, n) for n in codes.columns]
    if not new or len(set(after)) < len(after) or not all(isinstance(n, str) and _NAME.fullmatch(n) for n in after):
        return codes, codebook, []
    book = complete(codebook, codes)
    variables = [replace(v, name=new.get(n, n)) for n, v in book.variables.items()]
    sets = {k: replace(s, columns=tuple(new.get(c, c) for c in s.columns)) for k, s in book.sets.items()}
    weight = None if book.weight is None else new.get(book.weight, book.weight)
    book = replace(book, variables={v.name: v for v in variables}, sets=sets, weight=weight)
    text = f"{KIND} files have names in capitals only: {listed(f'{old} is {name}' for old, name in new.items())}."
    return codes.set_axis(pd.Index(after), axis="columns"), book, [Notice("renamed", text, len(new))]


def _check(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    odd = [str(n) for n in codes.columns if not isinstance(n, str) or not _NAME.fullmatch(n)]
    odd = [n for n in odd if not _NAME.fullmatch(n.upper())] or odd  # those that capitals alone do not help
    if odd:
        raise OutputError(
            f"{path.name}: names in {KIND} files have at most 8 characters, A to Z, 0 to 9 and @#$_., a letter first; "
            f"these do not fit: {listed(odd)}. Rename them, or write .sav."
        )
    check_columns(path, codes, KIND, _TEXT)
    for name, variable in book.variables.items():
        for problem in _problems(codes[name], variable):
            raise OutputError(f"{path.name}: variable '{name}' {problem}")
    if book.weight and is_text(codes[book.weight]):
        raise OutputError(f"{path.name}: the weight variable '{book.weight}' is text. Name a numeric one.")


def _problems(column: pd.Series, variable: Variable) -> Iterable[str]:
    text, rule = is_text(column), variable.missing or MissingRule()
    kind = "text" if text else "numeric"
    wrong = [c for c in (*variable.labels, *rule.values) if isinstance(c, str) != text]
    if wrong or (text and rule.ranges):
        yield f"is {kind}, but a code of its labels or missing values is not. Correct the codebook."
    elif not all(math.isfinite(c) for c in (*variable.labels, *rule.values) if not isinstance(c, str)):
        yield "has a label or missing value for a code that is not finite. Correct the codebook."
    if as_range(rule) is None and (len(rule.values) > (1 if rule.ranges else 3) or len(rule.ranges) > 1):
        yield (
            f"has {len(rule.values)} discrete missing values and {len(rule.ranges)} ranges; {KIND} holds three values, "
            "or one range and one value. Write .parquet, or recode some."
        )
    if text:
        rows = np.flatnonzero(column.astype("str").str.contains(_CONTROL).fillna(False).to_numpy(dtype=bool)) + 1
        if len(rows):
            yield f"holds a line end, tab or other control character in row {rows[0]}. Remove it, or write .sav."


def _header(book: Codebook) -> bytes:
    """Five lines of 40 bytes for people, and the table of characters."""
    table = bytearray(b"0" * TABLE)
    for position, sign in (dict(enumerate(PRINTABLE, 64)) | BEYOND).items():
        table[position] = ord(sign)
    title = _clean(cut(book.title, _TITLE)[0]).encode().ljust(_TITLE)
    return b"0" * 40 + b"ASCII SPSS PORT FILE" + title + b"0" * 120 + bytes(table)


def _opening(book: Codebook) -> list[str]:
    opening = [SIGNATURE, "A", *map(_text, _STAMP), "1", _text("survey_kit"), "4", _number(len(book)), "5", _number(13)]
    return [*opening, "6", _text(book.weight)] if book.weight else opening


def _number(value: float) -> str:
    return "*." if math.isnan(value) else format_number(float(value)) + "/"


def _text(text: str) -> str:
    """A text with its length in bytes before it."""
    text = text or " "  # a length of 0 is not allowed
    return _number(len(text.encode())) + text


def _clean(text: str) -> str:
    """A label without line ends and other control characters."""
    return _CONTROL.sub(" ", text)


def _label(text: str) -> str:
    return _text(cut(_clean(text), _TEXT)[0])


def _dictionary(codes: pd.DataFrame, book: Codebook) -> Iterable[str]:
    for name, variable in book.variables.items():
        yield from _variable(codes[name], variable)
    for name, variable in book.variables.items():
        if variable.labels:
            width = _width(codes[name], variable)
            yield from ("D", _number(1), _text(name), _number(len(variable.labels)))
            for code, text in variable.labels.items():
                yield from (_code(code, width), _label(text))


def _code(code: float | str, width: int) -> str:
    return _padded(code, width) if isinstance(code, str) else _number(code)


def _padded(text: str, width: int) -> str:
    """A text filled up with blanks, as PSPP 1.6 needs it."""
    return _text(text + " " * (width - len(text.encode())))


def _variable(column: pd.Series, variable: Variable) -> Iterable[str]:
    width, form = _width(column, variable), _form(column, variable)
    yield from ("7", _number(width), _text(variable.name))
    for part in (form or (_NUMBERS["A"], width, 0)) * 2:
        yield _number(part)
    rule = variable.missing or MissingRule()
    span = as_range(rule)
    for low, high in [span] if span else rule.ranges:
        if math.isinf(low):
            yield from ("9", _number(min(high, HIGHEST)))
        else:
            yield from ("A", _number(low)) if math.isinf(high) else ("B", _number(low), _number(high))
    for code in () if span else rule.values:
        yield from ("8", _code(code, width))
    if variable.label:
        yield from ("C", _label(variable.label))


def _width(column: pd.Series, variable: Variable) -> int:
    """Bytes of a text variable, 0 for numbers: as the format says, or as the longest text needs."""
    if not is_text(column):
        return 0
    texts = [t for t in dict.fromkeys(column.tolist()) if isinstance(t, str)]
    rule = variable.missing or MissingRule()
    texts += [c for c in (*variable.labels, *rule.values) if isinstance(c, str)]
    known = _FORM.fullmatch(variable.format)
    declared = min(int(known[2]), _TEXT) if known and known[1] == "A" else 1
    return max([declared, *(len(t.encode()) for t in texts)])


def _form(column: pd.Series, variable: Variable) -> tuple[int, int, int] | None:
    """(type, width, decimals) of a numeric variable: its own format where it is one of SPSS's, else a default."""
    if is_text(column):
        return None
    known = _FORM.fullmatch(variable.format)
    dated = pd.api.types.is_datetime64_dtype(column)
    if known and known[1] in _NUMBERS and known[1] not in ("A", "AHEX") and (spss_unit(variable.format) or not dated):
        return _NUMBERS[known[1]], int(known[2]), int(known[3] or 0)
    return (_NUMBERS["DATETIME"], 20, 0) if dated else (_NUMBERS["F"], 8, 2)


def _cases(codes: pd.DataFrame, book: Codebook) -> Iterable[str]:
    columns = [_tokens(codes[name], book[name]) for name in codes.columns]
    return ("".join(row) for row in zip(*columns, strict=True))


def _tokens(column: pd.Series, variable: Variable) -> list[str]:
    """Every cell as it stands in the file."""
    if is_text(column):
        texts = column.astype("str").fillna("").tolist()
        width = _width(column, variable)
        written = {t: _padded(t, width) for t in dict.fromkeys(texts)}
        return [written[t] for t in texts]
    if pd.api.types.is_datetime64_dtype(column):
        numbers = to_seconds(column)
    else:
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
    distinct, places = np.unique(numbers, return_inverse=True)
    found = [_number(v) for v in distinct.tolist()]
    return [found[i] for i in places.tolist()]


def _note_lines(notes: Iterable[str]) -> Iterable[str]:
    """Notes in lines that fit."""
    for note in notes:
        for line in note.splitlines() or [""]:
            yield from lines_within(_clean(line), _NOTE)


def _documents(notes: list[str]) -> list[str]:
    return ["E", _number(len(notes)), *map(_text, notes)] if notes else []


def _notices(codes: pd.DataFrame, given: Codebook, book: Codebook, notes: list[str], raw: bytes) -> list[Notice]:
    notices = []
    shorter = list(_cut_labels(book))
    if shorter:
        text = f"Too long for {KIND}, or with line ends, and cut or made blank: {listed(shorter)}. Write .parquet to keep them."
        notices.append(Notice("cut", text, len(shorter)))
    if notes != list(book.notes):
        notices.append(Notice("notes", f"Notes were broken into lines of at most {_NOTE} bytes."))
    if not raw.isascii():
        text = (
            f"Text beyond ASCII is written in UTF-8, which an {KIND} file cannot say: tell its reader, or write .sav."
        )
        notices.append(Notice("encoding", text))
    lost = meaning_lost(book, codes, _LOST) | sets_lost(given)
    trailing = [n for n in codes.columns if is_text(codes[n]) and codes[n].astype("str").str.endswith(" ").any()]
    lost |= {"blanks at the end of text of": trailing} if trailing else {}
    wide = [n for n, v in book.variables.items() if v.missing and as_range(v.missing)]
    lost |= {"single missing codes, which became one range, of": wide} if wide else {}
    return notices + lost_notice(KIND, lost, "Write .parquet to keep them, or .sav for most of them.")


def _cut_labels(book: Codebook) -> Iterable[str]:
    if cut(_clean(book.title), _TITLE)[0] != book.title:
        yield "the file's title"
    for name, variable in book.variables.items():
        if cut(_clean(variable.label), _TEXT)[0] != variable.label:
            yield f"the label of '{name}'"
        for code, text in variable.labels.items():
            if cut(_clean(text), _TEXT)[0] != text:
                yield f"the label of '{name}' = {format_code(code)}"
