"""Text on charts: cleaned, measured and wrapped by its real width. Sizes and widths in points."""

from __future__ import annotations

import unicodedata

from survey_kit.charts.fonts import advances

_UNKNOWN = 0.6  # em, for a character that no font of ours has
_BIDI = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"}
LEADING = 1.28  # line height in em


def clean(text: object) -> str:
    """One line of text: no line breaks, control or direction-override characters.

    >>> clean("a\\nb\\u202ec")
    'a bc'
    """
    kept = (" " if c in "\n\r\t\v\f\u2028\u2029" else c for c in str(text) if c not in _BIDI)
    return " ".join("".join(c for c in kept if unicodedata.category(c) != "Cc").split())


def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text set in a size."""
    table = advances(bold)
    return size * sum(table.get(ord(c), _UNKNOWN) for c in text)


def wrap(text: object, size: float, room: float, bold: bool = False, most: int = 6) -> list[str]:
    """Lines no wider than `room`; a word too long is cut; after `most` lines an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in _words(clean(text), size, room, bold):
        tried = f"{line} {word}".strip()
        if width(tried, size, bold) <= room or not line:
            line = tried
        else:
            lines.append(line)
            line = word
    lines = [*lines, line] if line else lines
    if len(lines) <= most:
        return lines or [""]
    last = lines[most - 1]
    while last and width(f"{last}\N{HORIZONTAL ELLIPSIS}", size, bold) > room:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}\N{HORIZONTAL ELLIPSIS}"]


def unknown_characters(text: str) -> set[str]:
    """Characters that no bundled font has (they come from a fallback font, or as boxes)."""
    table = advances(False)
    return {c for c in text if ord(c) not in table and not c.isspace()}


def _words(text: str, size: float, room: float, bold: bool) -> list[str]:
    out: list[str] = []
    for word in text.split(" "):
        while width(word, size, bold) > room and len(word) > 1:
            cut = max(1, _fitting(word, size, room, bold))
            out.append(word[:cut])
            word = word[cut:]
        out.append(word)
    return out


def _fitting(word: str, size: float, room: float, bold: bool) -> int:
    """How many characters of a word fit."""
    low, high = 1, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(word[:middle], size, bold) <= room else (low, middle - 1)
    return low
