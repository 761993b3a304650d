"""Codes and missing rules as the short texts of a codebook table, and back without loss.

Numbers are written plainly (1, -9, 2.5), texts too. A text is put in double quotes ("" inside for one) where it could be
taken for something else: a number in a column that is not text; in a list also a range, LO, HI, none, blanks at its edges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from survey_kit.codebook import Code, MissingRule

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)  # no leading zeros: a text code may have them
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_WRAPPED = re.compile(r"number\((.*)\)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_TOKEN = re.compile(r'"(?:[^"]|"")*"|[;"]|[^;"]+')
_RESERVED = ("lo", "hi", "none")
_BETWEEN = ("to", "thru")
_NUMERIC = ("number", "integer")
_EXACT = 2**53  # a spreadsheet keeps numbers as doubles
_ENDS = {"lo": -math.inf, "hi": math.inf}


def is_blank(cell: object) -> bool:
    """True for None, "" and NaN."""
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))


def cell_text(cell: object) -> str:
    """The text of a cell that should hold a text, as a person sees it: 1.0 is "1", an empty cell "".

    >>> cell_text(2019.0), cell_text(True), cell_text(None)
    ('2019', 'TRUE', '')
    """
    if isinstance(cell, str) or is_blank(cell):
        return cell if isinstance(cell, str) else ""
    if isinstance(cell, (bool, np.bool_)):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float, np.number)):
        return _number_text(cell)
    return str(cell)


def code_cell(code: Code, kind: str) -> Code:
    """A code as the cell of a table: int or float where a cell can hold it exactly, else the text of `write_code`.

    >>> code_cell(1.0, "number"), code_cell("1", "text"), code_cell(2**60, "integer")
    (1, '1', '1152921504606846976')
    """
    text = write_code(code, kind)
    if isinstance(code, str) or kind == "text" or not _NUMBER.fullmatch(text):
        return text
    number = _parse_number(text)
    return number if isinstance(number, float) or abs(number) <= _EXACT else text


def write_code(code: Code, kind: str) -> str:
    """A code as the text of a cell. `kind` is the type of its variable: "number", "integer", "text", "date" or "".

    >>> write_code(1.0, "number"), write_code("01", "text"), write_code("01", "number"), write_code("", "text")
    ('1', '01', '"01"', '""')
    """
    if not isinstance(code, str):
        number = _number_text(code)
        return f"number({number})" if kind == "text" or not _NUMBER.fullmatch(number) else number
    odd = not code or code.startswith('"') or kind in _NUMERIC or _WRAPPED.fullmatch(code)
    return _quote(code) if odd or (kind != "text" and _PLAIN.fullmatch(code.strip())) else code


def parse_code(cell: object, kind: str) -> Code | None:
    """The code of a cell, None for an empty one. ValueError with a sentence for a text that is no code of this kind.

    >>> parse_code("1", "number"), parse_code("1", "text"), parse_code('"1"', "number")
    (1, '1', '1')
    """
    if is_blank(cell):
        return None
    if isinstance(cell, str):
        return _parse(cell, kind)
    text = cell_text(cell)
    return text if kind == "text" or not _NUMBER.fullmatch(text) else _parse_number(text)


def write_missing(rule: MissingRule | None, kind: str) -> str:
    """A missing rule as text: "" for None, "none" for a rule without codes.

    >>> write_missing(MissingRule((98, 99), ((-9, -1), (-math.inf, 0))), "number")
    '98; 99; -9 to -1; LO to 0'
    """
    if rule is None:
        return ""
    ranges = [f"{_edge(low)} to {_edge(high)}" for low, high in rule.ranges]
    return "; ".join([*(_listed_code(v, kind) for v in rule.values), *ranges]) or "none"


def parse_missing(text: str, kind: str) -> MissingRule | None:
    """The missing rule of a text. ValueError with a sentence for what is no rule.

    >>> parse_missing("98; 99; -9 to -1; LO to 0", "number")
    MissingRule(values=(98, 99), ranges=((-9, -1), (-inf, 0)))
    """
    if not text.strip():
        return None
    if text.strip().lower() == "none":
        return MissingRule()
    values: list[Code] = []
    ranges: list[tuple[float, float]] = []
    for piece in _pieces(text):
        if _is_range(piece):
            low, _, high = piece.split()
            ranges.append((_parse_edge(low), _parse_edge(high)))
        else:
            values.append(_parse(piece, kind))
    return MissingRule(tuple(values), tuple(ranges))


def join_texts(texts: Sequence[str]) -> str:
    """Texts in one cell.

    >>> join_texts(["q1", "q2; other"])
    'q1; "q2; other"'
    """
    return "; ".join(_listed_code(text, "text") for text in texts)


def split_texts(text: str) -> tuple[str, ...]:
    """The texts of one cell, as `join_texts` puts them. ValueError where quotes do not match."""
    return tuple(str(_parse(piece, "text")) for piece in _pieces(text)) if text else ()


def _listed_code(code: Code, kind: str) -> str:
    """A code in a list, quoted also where it would be taken for a part of the list's grammar."""
    text = write_code(code, kind)
    if not isinstance(code, str) or text != code:
        return text
    odd = any(mark in code for mark in '";') or code != code.strip() or code.lower() in _RESERVED or _is_range(code)
    return _quote(code) if odd else code


def _is_range(piece: str) -> bool:
    words = piece.split() if not piece.startswith('"') else []
    return len(words) == 3 and words[1].lower() in _BETWEEN


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _number_text(number: Any) -> str:
    """The shortest text of a number; whole numbers without a point."""
    value = number.item() if isinstance(number, np.generic) else number
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= _EXACT else repr(value)
    return str(int(value))


def _parse_number(text: str) -> int | float:
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _parse(piece: str, kind: str) -> Code:
    """A code in a text, quoted or not."""
    if piece.startswith('"'):
        match = _QUOTED.fullmatch(piece)
        if match is None:
            raise ValueError(f"the quotes of {piece} do not match. Double a quote inside quotes")
        return match[1].replace('""', '"')
    wrapped = _WRAPPED.fullmatch(piece)
    if wrapped:
        return _wrapped_number(wrapped[1])
    pattern = _NUMBER if kind in _NUMERIC else _PLAIN
    if kind != "text" and pattern.fullmatch(piece.strip()):
        return _parse_number(piece.strip())
    if kind in _NUMERIC:
        raise ValueError(f"{piece!r} is no number, but the variable is numeric. A text code needs double quotes")
    return piece


def _wrapped_number(text: str) -> int | float:
    try:
        return _parse_number(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _pieces(text: str) -> Iterator[str]:
    """The parts of a list that are set apart by semicolons outside quotes."""
    tokens: list[str] = []
    for match in _TOKEN.finditer(text + ";"):
        if match[0] != ";":
            tokens.append(match[0])
            continue
        quoted = [t for t in tokens if t.startswith('"')]
        rest = "".join(t for t in tokens if not t.startswith('"')).strip()
        if len(quoted) + bool(rest) > 1 or quoted == ['"']:
            raise ValueError(f"the quotes of {''.join(tokens).strip()} do not match. Double a quote inside quotes")
        if not quoted and not rest:
            raise ValueError("a code beside a semicolon is empty. Delete the semicolon")
        yield quoted[0] if quoted else rest
        tokens = []


def _edge(number: float) -> str:
    if math.isinf(number):
        return "HI" if number > 0 else "LO"
    text = _number_text(number)
    return text if _NUMBER.fullmatch(text) else f"number({text})"


def _parse_edge(word: str) -> float:
    if word.lower() in _ENDS:
        return _ENDS[word.lower()]
    wrapped = _WRAPPED.fullmatch(word)
    if wrapped:
        return _wrapped_number(wrapped[1])
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{word!r} is no end of a range. Write a number, LO or HI; a text code needs double quotes")
    return _parse_number(word)
