"""Which encoding an SPSS file is read in: stated by the caller, by the file, or guessed and said so."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from survey_kit.errors import EncodingError
from survey_kit.io.spss.sav_records import SavDictionary, Text
from survey_kit.io.text import (
    codec_name,
    doubtful_notices,
    guessed_notice,
    has_high_bytes,
    mostly_valid,
    preview,
    rank_encodings,
)
from survey_kit.schema import Notice

_MOST_PIECES = 2000


@dataclass(frozen=True, slots=True)
class Choice:
    """The encoding to read in. `source` is "caller", "file" or "guess"."""

    encoding: str
    source: str


def choose_encoding(found: SavDictionary, stated_by_caller: str | None, more: Iterable[bytes] = ()) -> Choice:
    """The encoding of a file. `more` are texts of its data, when the labels alone do not tell."""
    if stated_by_caller:
        return Choice(codec_name(stated_by_caller), "caller")
    if found.stated_encoding:
        return Choice(found.stated_encoding, "file")
    pieces = [t.raw for t in found.texts] + list(more)
    return Choice((rank_encodings(pieces) or ["utf-8"])[0], "guess")


def check_texts(found: SavDictionary, choice: Choice) -> None:
    """EncodingError when a label or name cannot be decoded; names the first one and the likely encoding."""
    bad = [t for t in found.texts if not decodes_piece(t.raw, choice.encoding)]
    if bad:
        raise EncodingError(_sentence(found.name, choice, _place(bad[0], len(bad)), [t.raw for t in found.texts]))


def check_data(found: SavDictionary, choice: Choice, raw: pd.DataFrame) -> EncodingError:
    """The error for text in the data that cannot be decoded. `raw` holds the bytes as Latin-1 text."""
    for name in raw.columns[[isinstance(d, pd.StringDtype) or pd.api.types.is_object_dtype(d) for d in raw.dtypes]]:
        for row, text in enumerate(raw[name].tolist(), 1):
            if isinstance(text, str) and not decodes_piece(text.encode("latin-1"), choice.encoding):
                shown = name.encode("latin-1").decode(choice.encoding, "replace")
                place = f"variable '{shown}' in row {row}"
                return EncodingError(_sentence(found.name, choice, place, text_pieces(raw, "latin-1")))
    return EncodingError(_sentence(found.name, choice, "some text", [t.raw for t in found.texts]))


def text_pieces(frame: pd.DataFrame, encoding: str) -> list[bytes]:
    """Distinct texts beyond ASCII of a frame, as bytes of `encoding`, at most a few thousand."""
    pieces: list[bytes] = []
    for name in frame.columns[[isinstance(d, pd.StringDtype) for d in frame.dtypes]]:
        texts = frame[name].dropna().unique().tolist()[:_MOST_PIECES]
        pieces += [t.encode(encoding, "ignore") for t in texts if not t.isascii()]
        if len(pieces) > _MOST_PIECES:
            break
    return pieces


def encoding_notices(found: SavDictionary, choice: Choice, frame: pd.DataFrame) -> list[Notice]:
    """A guessed encoding, or a stated one that does not look right."""
    pieces = [t.raw for t in found.texts] + text_pieces(frame, choice.encoding)
    if choice.source == "guess" and any(has_high_bytes(p) for p in pieces):
        return [guessed_notice(found.name, choice.encoding, pieces)]
    return doubtful_notices(found.name, choice.encoding, pieces) if choice.source == "file" else []


def _sentence(name: str, choice: Choice, place: str, pieces: list[bytes]) -> str:
    likely = [e for e in rank_encodings(p for p in pieces if has_high_bytes(p)) if e != choice.encoding]
    stated = {"caller": "encoding", "file": "stated encoding", "guess": "guessed encoding"}[choice.source]
    advice = 'Ask for a sound copy, or read it with errors="replace".'
    if mostly_valid(pieces, choice.encoding):
        advice = 'The rest of its text is valid: read it with errors="replace", and a notice lists what was replaced.'
    elif likely:
        shown = preview([p for p in pieces if not decodes_piece(p, choice.encoding)], likely[0])
        advice = f'Try encoding="{likely[0]}", which gives “{shown}”.'
    return f"{name}: {place} is not valid in its {stated} {choice.encoding}. {advice}"


def _place(bad: Text, count: int) -> str:
    others = f" (and {count - 1} other label{'s' if count > 2 else ''})" if count > 1 else ""
    return f"{bad.what} at byte {bad.offset}{others}"


def decodes_piece(raw: bytes, encoding: str) -> bool:
    """Whether a text is valid in an encoding; a character cut off at the end is let pass: old writers cut at a byte."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return False
    return True
