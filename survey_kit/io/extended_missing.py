"""Missing values with a letter, .a to .z of Stata and .A to .Z and ._ of SAS, as codes that are declared user-missing."""

from __future__ import annotations

FIRST, LAST, UNDERSCORE = -1_000_001, -1_000_026, -1_000_027  # .a, .z and ._
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPECIAL = LETTERS.upper() + "_"


def letter_code(letter: str) -> int:
    """The user-missing code that stands for a letter, small or capital, or for SAS's underscore.

    >>> letter_code("a"), letter_code("Z"), letter_code("_")
    (-1000001, -1000026, -1000027)
    """
    return FIRST - SPECIAL.index(letter.upper())
