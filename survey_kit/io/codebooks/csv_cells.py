"""Cells of a codebook in CSV: codes, missing rules and texts as people write them, and back without loss."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from survey_kit.codebook import Code, MissingRule
from survey_kit.io.codebooks.yaml_form import yaml_code
from survey_kit.io.formula_guard import guarded, unguarded

_EMPTY = re.compile(r'"{2,}')
_QUOTES = re.compile(r'("{2,})?')
_ITEM = re.compile(r'(?:"[^"]*"|[^;"])+')
_RANGE = re.compile(r"(\S+?)\s*(?:\bto\b|\bthru\b|\.\.|:|–)\s*(\S+)|(\d+)-(\d+)", re.IGNORECASE)
_EDGES = {"lo": float("-inf"), "hi": float("inf"), "-inf": float("-inf"), "inf": float("inf")}
_LONGEST_RANGE = 100


def text_of_cell(cell: str) -> str:
    """The text in a cell: without the quote that guards it from spreadsheets; two quotes are a text without characters.

    >>> text_of_cell("'=1+1"), text_of_cell('""'), text_of_cell("'90s")
    ('=1+1', '', "'90s")
    """
    plain = unguarded(cell)
    return plain[2:] if _EMPTY.fullmatch(plain) else plain


def cell_of_text(text: str) -> str:
    """The inverse of `text_of_cell`."""
    return guarded('""' + text if _QUOTES.fullmatch(text) else text)


def natural(cells: Sequence[str]) -> list[Code]:
    """Codes as a person reads them: numbers when all are, else texts without blanks around them.

    >>> natural(["1", "2.5"]), natural(["1", "a"]), natural(["01", "02"])
    ([1, 2.5], ['1', 'a'], ['01', '02'])
    """
    numbers = [yaml_code(cell.strip()) for cell in cells]
    return [cell.strip() for cell in cells] if any(isinstance(n, str) for n in numbers) else numbers


def same(one: Code | None, other: Code | None) -> bool:
    """Equal, and of one kind: 1 is not 1.0."""
    return type(one) is type(other) and one == other


def plain_code(code: Code) -> Code:
    """numpy scalars and booleans as Python's numbers."""
    found = code.item() if isinstance(code, np.generic) else code
    return int(found) if isinstance(found, bool) else found


def missing_rule(text: str) -> MissingRule:
    """A rule from words; texts may stand in quotes.

    >>> missing_rule('98; 99; -inf to -1; "DK"')
    MissingRule(values=(98, 99, 'DK'), ranges=((-inf, -1),))
    """
    values: list[Code] = []
    ranges: list[tuple[float, float]] = []
    plain = text if ";" in text or '"' in text else text.replace(",", ";")
    for item in (part.strip() for part in _ITEM.findall(plain)):
        if item.startswith('"') and len(item) > 1:
            values.append(item[1:-1].replace('""', '"'))
        elif (pair := _pair(item)) is not None:
            ranges.append(pair)
        elif item:
            values.append(_EDGES.get(item.casefold(), yaml_code(item)))
    return MissingRule(tuple(values), tuple(ranges))


def _pair(item: str) -> tuple[float, float] | None:
    match = _RANGE.fullmatch(item) if len(item) <= _LONGEST_RANGE else None
    if match is None:
        return None
    low, high = (_EDGES.get(edge.casefold(), yaml_code(edge)) for edge in match.groups() if edge is not None)
    return None if isinstance(low, str) or isinstance(high, str) else (low, high)


def missing_words(rule: MissingRule) -> str:
    """The inverse of `missing_rule`; a rule without codes is "none"."""
    values = [_item(plain_code(value)) for value in rule.values]
    ranges = [f"{plain_code(low)!r} to {plain_code(high)!r}" for low, high in rule.ranges]
    return "; ".join(values + ranges) or "none"


def _item(code: Code) -> str:
    if not isinstance(code, str):
        return repr(code)
    quoted = code.replace('"', '""')
    return f'"{quoted}"'
