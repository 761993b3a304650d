"""Names that look equal and are not: Cyrillic "м" against Latin "m", a trailing space, another dash."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import zip_longest

_CYRILLIC_AND_GREEK = "авекмнорстухіјѕґһүαβεηικμνορτυχ"
_LATIN = "abekmhopctyxijsghyabenikmvoptux"
_DASHES = "‐‑‒–—−"
_TWINS = str.maketrans(_CYRILLIC_AND_GREEK + _DASHES, _LATIN + "-" * len(_DASHES))


def look_alike(name: str, others: Iterable[str]) -> str | None:
    r"""The first other name that looks like `name`, or None.

    >>> look_alike("18\N{EN DASH}29", ["18-29", "30+"])
    '18-29'
    """
    shape = _shape(name)
    return next((other for other in others if other != name and _shape(other) == shape), None)


def difference(left: str, right: str) -> str:
    """The first characters in which two names differ, as code points.

    >>> difference("m", "м")  # Latin, Cyrillic
    'U+006D and U+043C'
    """
    for a, b in zip_longest(left, right):
        if a != b:
            return f"{_code_point(a)} and {_code_point(b)}"
    return "the same characters"


def _shape(name: str) -> str:
    """What is left of a name when look-alike letters, case, dashes, spaces and signs without width are made one."""
    plain = unicodedata.normalize("NFKC", name).casefold().translate(_TWINS)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) != "Cf")


def _code_point(character: str | None) -> str:
    return "nothing" if character is None else f"U+{ord(character):04X}"
