"""Text on charts: cleaned, measured and wrapped by its real width. Sizes and widths in points."""

from __future__ import annotations

import unicodedata

from survey_kit.charts.fonts import advances, fallback_advances
from survey_kit.results.letters import clean

_UNKNOWN = 0.6  # em, for a character that no font has
_LONGEST = 1_000  # characters of a text that are set at all
LEADING = 1.28  # line height in em


def width(text: str, size: float, bold: bool = False) -> float:
    """Width of a text set in a size."""
    table = advances(bold)
    return size * sum(table[ord(c)] if ord(c) in table else _advance_elsewhere(c, bold) for c in text)


def wrap(text: object, size: float, room: float, bold: bool = False, most: int = 6) -> list[str]:
    """Lines no wider than `room`; a word too long is cut; after `most` lines an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in _words(clean(text)[:_LONGEST], size, room, bold):
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


def boxed_characters(text: str) -> set[str]:
    """Characters that the fallback font lacks as well: they come out as boxes."""
    return {c for c in unknown_characters(text) if ord(c) not in fallback_advances(False)}


def _advance_elsewhere(character: str, bold: bool) -> float:
    if unicodedata.combining(character):
        return 0.0
    return fallback_advances(bold).get(ord(character), _UNKNOWN)


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
    while low < len(word) and unicodedata.combining(word[low]):
        low += 1
    return low
