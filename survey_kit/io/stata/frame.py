"""The raw frame and dictionary of a Stata file through pyreadstat, with every text in the right encoding.

Formats before 118 state no encoding, so their texts are read as bytes (Latin-1, in which every byte is a character) and
decoded here; so are texts that are not valid UTF-8, to say where they stand or to replace what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat

from survey_kit.errors import DamagedFileError, EncodingError, FileFormatError, unknown
from survey_kit.io.contents import ReadOptions
from survey_kit.io.readstat import BYTES, FAILURES, asked, call_reader, decoded_deep, replaced_notice, rows_text
from survey_kit.io.stata.layout import UNICODE, DtaLayout
from survey_kit.io.text import codec_name, decodes, guessed_notice, preview, rank_encodings
from survey_kit.schema import Notice

TEXT, LONG_TEXT = "string", "strL"
Texts = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class DtaFrame:
    """What a file holds.

    Attributes:
        frame: raw values; letters stand for extended missing values. Shape (n, columns).
        title, notes: of the file.
        labels, values, forms, kinds, letters: column -> label, value labels, format, storage type, letters in use.
        unlabelled: columns whose value labels are not in the file.
        said: characteristics, (variable or "_dta", name) -> text.
        encoding: of the texts.
        notices: what was guessed or replaced.
    """

    frame: pd.DataFrame
    title: str
    notes: tuple[str, ...]
    labels: Mapping[str, str]
    values: Mapping[str, Mapping[Any, str]]
    forms: Mapping[str, str]
    kinds: Mapping[str, str]
    letters: Mapping[str, list[str]]
    unlabelled: tuple[str, ...]
    said: Texts
    encoding: str
    notices: tuple[Notice, ...] = ()


def read_frame(path: Path, layout: DtaLayout, options: ReadOptions) -> DtaFrame:
    """The file's frame. EncodingError names the first text that is not valid, and the likely encoding."""
    if layout.version >= UNICODE and options.encoding is None and options.errors == "strict":
        try:
            return _through_pyreadstat(path, layout, options, None)
        except UnicodeError:
            pass  # read once more as bytes, to say which text it is
    raw = _as_bytes(path, layout, options)
    encoding, notices = _choice(path, layout, options, list(dict.fromkeys(t.raw for t in _texts(raw))))
    bad = [t for t in _texts(raw) if not decodes(t.raw, encoding)]
    if bad and options.errors == "strict":
        raise EncodingError(_sentence(path, layout, options, raw, encoding, bad))
    return _decoded(raw, encoding, [*notices, *_replacements(raw, encoding, bad)])


def _as_bytes(path: Path, layout: DtaLayout, options: ReadOptions) -> DtaFrame:
    """The frame with undecoded texts; columns are picked by their undecoded names."""
    if options.columns is not None:
        encodings = [codec_name(options.encoding)] if options.encoding else ["utf-8", "cp1251", "cp1252", "cp866"]
        every = _through_pyreadstat(path, layout, replace(options, columns=None, rows=0), BYTES)
        known = {_told(n, e): n for e in reversed(encodings) for n in every.frame.columns}
        missing = next((n for n in options.columns if n not in known), None)
        if missing is not None:
            raise unknown("column", missing, [_told(n, encodings[0]) for n in every.frame.columns])
        options = replace(options, columns=tuple(known[n] for n in options.columns))
    return _through_pyreadstat(path, layout, options, BYTES)


def _told(text: str, encoding: str) -> str:
    return text.encode(BYTES).decode(encoding, "replace")


def _through_pyreadstat(path: Path, layout: DtaLayout, options: ReadOptions, encoding: str | None) -> DtaFrame:
    """UnicodeError for text that is not valid in the encoding; None is that of the format."""
    columns = None if options.columns is None else list(options.columns)
    if columns:
        names = _call(path, metadataonly=True, encoding=encoding)[1].column_names
        missing = next((n for n in columns if n not in names), None)
        if missing is not None:
            raise unknown("column", missing, names)
    frame, meta = _call(
        path,
        user_missing=True,
        encoding=encoding,
        **asked(options),
    )
    if meta.missing_user_values and options.rows != 0:
        frame = _without_garbage(path, frame, list(meta.missing_user_values), options, encoding)
    codec = encoding or "utf-8"
    used = meta.variable_to_label
    return DtaFrame(
        frame=frame if columns is None else frame[columns],
        title=meta.file_label or "",
        notes=tuple(meta.notes or ()),
        labels={k: v or "" for k, v in meta.column_names_to_labels.items()},
        values=meta.variable_value_labels,
        forms=meta.original_variable_types,
        kinds={n: _kind(meta, n) for n in meta.column_names},
        letters=meta.missing_user_values,
        unlabelled=tuple(n for n, name in used.items() if name and name not in meta.value_labels),
        said={(o.decode(codec), n.decode(codec)): t.decode(codec) for (o, n), t in layout.characteristics.items()},
        encoding="utf-8",
    )


def _without_garbage(
    path: Path, frame: pd.DataFrame, names: list[str], options: ReadOptions, encoding: str | None
) -> pd.DataFrame:
    """The frame with NaN for "." in columns that hold letters too, where pyreadstat leaves what is in memory.

    Read once more without letters, every missing value of these columns is NaN; those that are no letter are ".".
    """
    names = [n for n in names if n in frame.columns]
    if not names:
        return frame
    plain, _ = _call(
        path, disable_datetime_conversion=True, encoding=encoding, usecols=names, row_limit=options.rows or 0
    )
    cleaned = {}
    for name in names:
        letter = frame[name].map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
        cleaned[name] = frame[name].astype(object).mask(plain[name].isna().to_numpy() & ~letter, float("nan"))
    return frame.assign(**cleaned)


def _kind(meta: Any, name: str) -> str:
    """The storage type. pyreadstat takes the texts of strL as UTF-8, whatever encoding it is told."""
    kind = str(meta.readstat_variable_types[name])
    return LONG_TEXT if kind == "string" and meta.variable_storage_width.get(name) == 0 else kind


def _call(path: Path, **options: Any) -> tuple[pd.DataFrame, Any]:
    try:
        return call_reader(path, pyreadstat.read_dta, path, **options)
    except FileFormatError:
        raise
    except FAILURES as error:
        if isinstance(error, UnicodeError) or "encoding" in str(error):
            if options.get("encoding") != BYTES:
                raise UnicodeError(str(error)) from error
            raise EncodingError(
                f"{path.name}: a text longer than 2,045 bytes (strL) is not valid UTF-8, and cannot be read in another encoding. "
                "Use `unicode translate` in Stata first."
            ) from error
        raise DamagedFileError(f"{path.name} is truncated or damaged: {error}. Fetch it again.") from error


def _choice(path: Path, layout: DtaLayout, options: ReadOptions, pieces: list[bytes]) -> tuple[str, list[Notice]]:
    """The encoding to decode with: stated by the caller, by the format, or guessed with a notice."""
    if options.encoding:
        return codec_name(options.encoding), []
    if layout.version >= UNICODE or not pieces:
        return "utf-8", []
    encoding = (rank_encodings(pieces) or ["cp1252"])[0]
    return encoding, [guessed_notice(path.name, encoding, pieces)]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text with its place: in the dictionary ("the label of 'q1'"), or in a column of the data."""

    place: str
    text: str
    column: str = ""

    @property
    def raw(self) -> bytes:
        return self.text.encode(BYTES)


def _texts(raw: DtaFrame) -> Iterator[_Text]:
    """Every text of the file that is more than ASCII; the texts of a column once each."""
    return (t for t in _all_texts(raw) if not t.text.isascii())


def _all_texts(raw: DtaFrame) -> Iterator[_Text]:
    yield _Text("the file's label", raw.title)
    yield from (_Text("a note", n) for n in raw.notes)
    yield from (_Text(f"a characteristic of '{owner}'", text) for (owner, _), text in raw.said.items())
    for name in map(str, raw.frame.columns):
        yield _Text("a name", name)
        yield _Text(f"the label of '{name}'", raw.labels.get(name, ""))
        yield from (_Text(f"the label of '{name}' = {c}", t) for c, t in raw.values.get(name, {}).items())
        if raw.kinds.get(name) == TEXT:
            for text in raw.frame[name].dropna().unique().tolist():
                yield _Text(f"'{name}'", str(text), name)


def _sentence(
    path: Path, layout: DtaLayout, options: ReadOptions, raw: DtaFrame, encoding: str, bad: list[_Text]
) -> str:
    high = [t.raw for t in bad]
    likely = [e for e in rank_encodings(high) if e != encoding]
    advice = (
        f'Try encoding="{likely[0]}", which gives “{preview(high, likely[0])}”' if likely else "Name another encoding"
    )
    stated = "encoding" if options.encoding else "stated encoding" if layout.version >= UNICODE else "guessed encoding"
    first = bad[0]
    row = int((raw.frame[first.column] == first.text).to_numpy().argmax()) + 1 if first.column else 0
    place = (f"variable '{first.column}' in row {row}" if row else first.place) + (
        f" (and {len(bad) - 1} other text{'s' * (len(bad) > 2)})" if len(bad) > 1 else ""
    )
    return (
        f'{path.name}: {place} is not valid in its {stated} {encoding}. {advice}; or say errors="replace", which puts '
        "U+FFFD for what is wrong."
    )


def _replacements(raw: DtaFrame, encoding: str, bad: list[_Text]) -> list[Notice]:
    places = [t.place for t in bad if not t.column]
    for name in dict.fromkeys(t.column for t in bad if t.column):
        rows = int(raw.frame[name].isin([t.text for t in bad if t.column == name]).sum())
        places.append(rows_text(name, rows))
    return replaced_notice(encoding, places)


def _decoded(raw: DtaFrame, encoding: str, notices: list[Notice]) -> DtaFrame:
    """The frame with every text decoded; what is not valid becomes U+FFFD."""

    def decoded(text: str) -> str:
        return text if text.isascii() else _told(text, encoding)

    frame = raw.frame.copy()
    for name in frame.columns:
        if raw.kinds.get(str(name)) == TEXT:
            frame[name] = frame[name].astype("str").map(decoded, na_action="ignore").astype("str")
    frame.columns = pd.Index([decoded(str(n)) for n in frame.columns])
    fields = ("title", "notes", "labels", "values", "forms", "kinds", "letters", "unlabelled", "said")
    changed = {key: decoded_deep(getattr(raw, key), decoded) for key in fields}
    return replace(raw, frame=frame, encoding=encoding, notices=tuple(notices), **changed)
