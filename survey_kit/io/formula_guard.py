"""Text that a spreadsheet would run as a formula gets a leading quote in text files, and loses it when they are read.

The patterns serve Python's `re`, pandas and Arrow's RE2 alike.
"""

from __future__ import annotations

import re

RUNS = r"(?s)^'*[=+\-@\t\r]."  # what a spreadsheet would run, also when it is guarded already
GUARDED = r"(?s)^'+[=+\-@\t\r]."
NUMBER = r"^-?\d+([.,]\d+)?$"  # a number stays one

_RUNS, _GUARDED, _NUMBER = re.compile(RUNS), re.compile(GUARDED), re.compile(NUMBER)


def runs(text: str) -> bool:
    """Whether a spreadsheet would run a text.

    >>> runs("=1+1"), runs("-5"), runs("@x"), runs("yes")
    (True, False, True, False)
    """
    return _RUNS.match(text) is not None and _NUMBER.fullmatch(text) is None


def guarded(text: str) -> str:
    """The text with a leading quote where a spreadsheet would run it."""
    return f"'{text}" if runs(text) else text


def unguarded(text: str) -> str:
    """The text without the quote that `guarded` put before it.

    >>> unguarded(guarded("=1+1")), unguarded("'yes'")
    ('=1+1', "'yes'")
    """
    return text[1:] if _GUARDED.match(text) else text
