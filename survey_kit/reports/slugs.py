"""File names that every system accepts: short, small letters, no reserved word, no two alike."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 120  # bytes; file systems allow 255, paths and endings need room
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))})


def slug(text: str, longest: int = LONGEST) -> str:
    """A file name without an ending: letters and digits of any script in lower case, the rest as hyphens.

    A text that is too long keeps its beginning and ends in eight characters of its SHA-256. Reserved names of Windows
    get a leading underscore; a text without letters or digits becomes "item".

    >>> slug("Who opposes?  A/B"), slug("con"), slug("...")
    ('who-opposes-a-b', '_con', 'item')
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold())
    name = re.sub(r"[^\w]+|_+", "-", folded).strip("-") or "item"
    if len(name.encode()) > longest:
        mark = hashlib.sha256(text.encode()).hexdigest()[:8]
        name = f"{name.encode()[: longest - 9].decode(errors='ignore').rstrip('-')}-{mark}"
    return f"_{name}" if name in RESERVED else name


def slugs(texts: Iterable[str], longest: int = LONGEST) -> tuple[str, ...]:
    """One slug for each text, numbered where two would be alike.

    >>> slugs(["Q1", "q1", "q2"])
    ('q1', 'q1-2', 'q2')
    """
    taken: set[str] = set()
    out = []
    for text in texts:
        base = slug(text, longest - 5)
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name)
        out.append(name)
    return tuple(out)
