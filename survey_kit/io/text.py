"""Which encoding do these bytes have? Scores candidates by how much their words look like words.

A wrong encoding shows: letters of two scripts in one word, capitals inside words, words made of accented letters only.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from survey_kit.errors import ArgumentError
from survey_kit.schema import Notice

CANDIDATES = ("utf-8", "cp1251", "cp1252", "cp866", "koi8-r")
_NO_CHARSETS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape")  # no alphabets
_WORD = re.compile(r"[^\W\d_]+")
_HIGH = re.compile(rb"[^\x00-\x7f]")
_COMMON_CYRILLIC = frozenset("оеаинтсрвлкмдпуыя" + "іўәғқңөұүһ")
_BAD_CASE = re.compile(r"[^\W\d_]*[a-zа-яё][A-ZА-ЯЁ]")


def codec_name(encoding: str) -> str:
    """Python's name of an encoding, else ArgumentError."""
    found = _charset(encoding)
    if found is None:
        raise ArgumentError(
            f"encoding={encoding!r} is not an encoding. Try 'utf-8', 'cp1251', 'cp1252', 'cp866' or 'koi8-r'."
        )
    return found


def _charset(encoding: object) -> str | None:
    """Python's name of an encoding of text; None for another codec ("zlib", "rot13", "punycode"), and for no codec."""
    if not isinstance(encoding, str):
        return None
    try:
        name = codecs.lookup(encoding).name
        "a".encode(name)  # refused by codecs of something else than text
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "_") in _NO_CHARSETS else name


def cut(text: str, most: int) -> tuple[str, bool]:
    """The text in at most `most` bytes of UTF-8, never inside a character, and whether it was cut.

    >>> cut("жжж", 5)
    ('жж', True)
    """
    raw = text.encode()
    return (text, False) if len(raw) <= most else (raw[:most].decode(errors="ignore"), True)


def lines_within(text: str, most: int) -> list[str]:
    """The lines of a text, those of more than `most` bytes of UTF-8 broken.

    >>> lines_within("abc\\nde", 2)
    ['ab', 'c', 'de']
    """
    lines = []
    for line in text.splitlines() or [""]:
        head, shorter = cut(line, most)
        lines.append(head)
        while shorter:
            line = line[len(head) :]
            head, shorter = cut(line, most)
            lines.append(head)
    return lines


def longer(shown: str, whole: str) -> str:
    """The whole text, where it begins as the one that was cut."""
    return whole if shown and whole.startswith(shown) else shown


def has_high_bytes(sample: bytes) -> bool:
    """True when the bytes are more than plain ASCII."""
    return _HIGH.search(sample) is not None


def decodes(sample: bytes, encoding: str) -> bool:
    """True when every byte is valid in the encoding."""
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def mostly_valid(pieces: Iterable[bytes], encoding: str) -> bool:
    """True where more than half of the bytes beyond ASCII are valid UTF-8: some are damaged, not all of them wrong.

    In an encoding of single bytes nearly every byte is valid, which says nothing.
    """
    if encoding != "utf-8":
        return False
    high = [p for p in pieces if has_high_bytes(p)]
    kept = sum(len(_HIGH.findall(p.decode(encoding, "ignore").encode(encoding))) for p in high)
    return 2 * kept > sum(len(_HIGH.findall(p)) for p in high)


def rank_encodings(pieces: Iterable[bytes]) -> list[str]:
    """Candidate encodings that decode every piece, the likeliest first. Pieces are texts such as labels."""
    sample = b"\n".join(pieces)
    able = [e for e in CANDIDATES if decodes(sample, e)]
    scores = {e: _plausibility(sample.decode(e)) for e in able}
    if "utf-8" in able and has_high_bytes(sample):  # valid multi-byte sequences are no accident
        scores["utf-8"] += 1.0
    return sorted(able, key=lambda e: -scores[e])


def suspicion(pieces: Iterable[bytes], stated: str) -> str | None:
    """The encoding that fits clearly better than the stated single-byte one, or None."""
    sample = b"\n".join(p for p in pieces if has_high_bytes(p))
    if not sample or stated == "utf-8" or not decodes(sample, stated):
        return None
    if _is_utf8(sample):
        return "utf-8"
    best = rank_encodings([sample])[0]
    if best == stated or sample.decode(best) == sample.decode(stated):
        return None
    margin = _plausibility(sample.decode(best)) - _plausibility(sample.decode(stated))
    return best if margin > 0.35 else None


def _is_utf8(sample: bytes) -> bool:
    """Valid UTF-8 with sequences of several bytes, which no text of a single-byte encoding is by accident."""
    if not decodes(sample, "utf-8"):
        return False
    text = sample.decode("utf-8")
    return len(sample) - len(text) >= 2


def preview(pieces: Iterable[bytes], encoding: str, width: int = 40) -> str:
    """The first piece beyond ASCII, decoded, cut to `width` characters."""
    for piece in pieces:
        if has_high_bytes(piece):
            text = " ".join(piece.decode(encoding, errors="replace").split())
            return text if len(text) <= width else text[: width - 1] + "…"
    return ""


def _plausibility(text: str) -> float:
    """Mean plausibility, 0 to 1, of the words that hold letters beyond ASCII; symbols among letters count against."""
    words = [w for w in _WORD.findall(text) if not w.isascii()]
    letters = sum(len(w) for w in words)
    odd = sum(1 for c in text if ord(c) > 127 and not c.isalpha() and c not in "«»“”„\u2013—…№\u2019°\u00a0")
    if not letters:
        return 0.0
    return sum(_word_score(w) * len(w) for w in words) / (letters + odd)


def _word_score(word: str) -> float:
    cyrillic = sum("\u0400" <= c <= "\u052f" for c in word)
    high = sum(c > "\x7f" for c in word)
    if cyrillic and cyrillic < len(word):
        return 0.0
    if _BAD_CASE.match(word):
        return 0.1
    if cyrillic:
        common = sum(c in _COMMON_CYRILLIC for c in word.lower()) / len(word)
        return min(1.0, 0.4 + 0.8 * common)
    return 0.9 if high <= max(1, len(word) // 2) else 0.2


def guessed_notice(name: str, encoding: str, pieces: Iterable[bytes]) -> Notice:
    """What is said of a file that states no encoding."""
    shown = preview(pieces, encoding)
    text = f"{name} states no encoding; read as {encoding} (“{shown}”). If that is wrong, say encoding=."
    return Notice("encoding", text)


def doubtful_notices(name: str, stated: str, pieces: list[bytes]) -> list[Notice]:
    """What is said of a stated encoding that gives texts of which another makes more sense."""
    better = suspicion(pieces, stated)
    if better is None:
        return []
    wrong, right = preview(pieces, stated), preview(pieces, better)
    text = (
        f"{name} states encoding {stated}, which gives “{wrong}”; in {better} it is “{right}”. "
        f'If that is right, read it with encoding="{better}".'
    )
    return [Notice("encoding", text)]
