"""Text in columns: cleaned of what a terminal or a page would obey, measured in cells, shortened and wrapped."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_LONGEST = 2_000  # characters of a text that are looked at


def clean(text: object, most: int | None = None) -> str:
    """One line of text: no line breaks, no control, invisible or direction-override characters, no half characters.

    >>> clean("a\\nb\\u202ec\\x00"), clean("\\x1b[31mred")
    ('a bc', '[31mred')
    """
    raw = str(text) if most is None else str(text)[:most]
    return " ".join("".join(_kept(c) for c in unicodedata.normalize("NFC", raw)).split())


def cells(text: str) -> int:
    """Columns of a terminal that a text takes: two for wide East Asian characters, none for combining marks.

    >>> cells("Да"), cells("投票"), cells("e\\u0301")
    (2, 4, 1)
    """
    return len(text) if text.isascii() else sum(_cells(c) for c in text)


def shortened(text: str, room: int) -> str:
    """The text in at most `room` cells, with an ellipsis where it was cut.

    >>> shortened("Strongly agree", 9), shortened("投票意向", 5)
    ('Strongly…', '投票…')
    """
    if cells(text) <= room:
        return text
    return f"{_fitting(text, max(room - 1, 0)).rstrip()}{ELLIPSIS}" if room > 0 else ""


def padded(text: str, room: int, right: bool = False) -> str:
    """The text filled with blanks to `room` cells."""
    blanks = " " * max(room - cells(text), 0)
    return f"{blanks}{text}" if right else f"{text}{blanks}"


def wrapped(text: str, room: int, most: int = 4) -> list[str]:
    """Lines of at most `room` cells; an ellipsis after `most` lines.

    >>> wrapped("one two three", 7)
    ['one two', 'three']
    """
    lines: list[str] = []
    line = ""
    for word in _words(text, room):
        tried = f"{line} {word}" if line else word
        if cells(tried) > room:
            lines.append(line)
            tried = word
        line = tried
    lines += [line] if line else []
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{_fitting(lines[most - 1], room - 1).rstrip()}{ELLIPSIS}"]


def _words(text: str, room: int) -> Iterator[str]:
    """Words of a text, those that are too long in pieces."""
    for word in text[:_LONGEST].split():
        while cells(word) > room:
            piece = _fitting(word, room) or word[0]
            yield piece
            word = word[len(piece) :]
        if word:
            yield word


def _fitting(text: str, room: int) -> str:
    """The longest beginning of a text that fits, with the marks that belong to its last character."""
    used = 0
    for at, character in enumerate(text):
        used += _cells(character)
        if used > room:
            return text[:at]
    return text


def _cells(character: str) -> int:
    """Marks, invisible characters and skin tones stand on the character before them."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or "\U0001f3fb" <= character <= "\U0001f3ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cs", "Co") or ord(character) & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    if category in ("Cc", "Zl", "Zp"):
        return " " if character.isspace() else ""
    return "" if category == "Cf" else character
