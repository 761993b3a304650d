"""SAS data sets (.sas7bdat, with a catalogue of formats) and transport files (.xpt), read by pyreadstat."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from survey_kit.codebook import Code, Codebook, MissingRule, Variable
from survey_kit.errors import (
    ArgumentError,
    DamagedFileError,
    EncodingError,
    FileFormatError,
    TruncatedFileError,
    unknown,
)
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.dates import STATA_EPOCH, convert_dates, sas_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.extended_missing import SPECIAL, letter_code
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.readstat import BYTES, FAILURES, asked, call_reader
from survey_kit.io.sas.meaning import (
    bare,
    find_catalogue,
    format_notices,
    is_own,
    read_catalogue,
    special_notice,
)
from survey_kit.io.sas.xport import XptLayout, read_xpt_layout, special_missing
from survey_kit.io.text import codec_name, decodes, doubtful_notices, guessed_notice, preview, rank_encodings
from survey_kit.io.write import is_text
from survey_kit.schema import Notice

_LEAST_ROW = 12  # bytes that a row takes at least, however well it is compressed
Labels = Mapping[str, Mapping[Code, str]]
Reader = Callable[..., tuple[pd.DataFrame, Any]]


@dataclass(frozen=True)
class _Raw:
    """What pyreadstat tells of a file: column -> label, format, storage type; the encoding of its texts."""

    frame: pd.DataFrame
    title: str
    labels: Mapping[str, str]
    forms: Mapping[str, str]
    kinds: Mapping[str, str]
    encoding: str


def read_sas7bdat(path: Path, options: ReadOptions) -> FileContents:
    """Read a SAS data set. Numbers are float64, date and datetime formats datetime64[us]; times stay seconds.

    Value labels are those of the catalogue: `catalog=`, or a .sas7bcat of the same name or "formats.sas7bcat" beside the
    file, which a notice tells. The missing values .A to .Z and ._ become the codes -1000001 to -1000027, declared
    user-missing. Equivalent: R `haven::read_sas`. Raises as `read_file`.
    """
    catalogue, notices = find_catalogue(path, options.catalog)
    stated = codec_name(options.encoding) if options.encoding else None
    labels = read_catalogue(catalogue, stated) if catalogue else {}
    try:
        whole = _call(pyreadstat.read_sas7bdat, path, path, ReadOptions(rows=0), stated)[1]
        _check_size(path, whole, options)
        frame, meta = _call(pyreadstat.read_sas7bdat, path, path, options, stated, user_missing=True)
    except UnicodeError:
        raise _encoding_error(path, options, stated) from None
    raw = _raw(frame, meta, stated or _codec(meta.file_encoding))
    _check_rows(path, len(frame), whole.number_rows, options)
    letters = {n: _letters(frame[n]) for n in frame.columns if meta.missing_user_values.get(n)}
    notices += _doubtful_encoding(path, raw) if stated is None else []
    advice = "give the catalogue that holds them with catalog=, as in catalog='formats.sas7bcat'"
    return _contents(
        path,
        raw,
        letters,
        labels,
        catalogue,
        advice,
        notices,
        partial_notice(options.rows, len(frame), whole.number_rows),
    )


def read_xpt(path: Path, options: ReadOptions) -> FileContents:
    """Read a SAS transport file, version 5, 8 or 9; of several data sets the first, with a notice.

    The format states no encoding: it is guessed, with a notice, unless `encoding=` is given. Otherwise as
    `read_sas7bdat`; transport files hold no value labels. Equivalent: R `haven::read_xpt`. Raises as `read_file`.
    """
    content = path.read_bytes()
    layout = read_xpt_layout(path.name, content)
    every, meta = _call(pyreadstat.read_xport, path, io.BytesIO(content[: layout.end]), ReadOptions(rows=0), BYTES)
    names = list(every.columns)
    if len(names) != len(layout.columns):
        raise DamagedFileError(f"{path.name} is damaged: its variables cannot be told apart. Fetch it again.")
    rows = layout.rows if options.rows is None else min(options.rows, layout.rows)
    refuse_beyond_memory(path.name, rows * len(names) * 8)  # all are read, for the encoding of the texts
    frame, meta = _call(
        pyreadstat.read_xport, path, io.BytesIO(content[: layout.end]), ReadOptions(rows=options.rows), BYTES
    )
    raw = _raw(_whole(path, frame, rows), meta, BYTES)
    letters = _marked(content, layout, rows, names)
    encoding, notices = _choice(path, raw, options)
    raw, letters = _decoded(raw, encoding), {_told(n, encoding): v for n, v in letters.items()}
    for name in options.columns or ():
        if name not in raw.frame.columns:
            raise unknown("column", name, raw.frame.columns)
    if options.columns is not None:
        raw = _Raw(raw.frame[list(options.columns)], raw.title, raw.labels, raw.forms, raw.kinds, raw.encoding)
    if layout.more:
        text = f"{path.name} holds {layout.more + 1} data sets; the first ('{meta.table_name}') was read."
        notices.append(Notice("partial", text, layout.more))
    advice = "a transport file holds none; lay a codebook over it with codebook="
    return _contents(path, raw, letters, {}, None, advice, notices, partial_notice(options.rows, rows, layout.rows))


def _call(
    reader: Reader, path: Path, source: Path | io.BytesIO, options: ReadOptions, encoding: str | None, **more: Any
) -> tuple[pd.DataFrame, Any]:
    """The raw frame. UnicodeError for text that is not valid in the encoding; None is that of the file."""
    columns = None if options.columns is None else list(options.columns)
    if columns:
        names = _call(reader, path, source, ReadOptions(rows=0), encoding)[1].column_names
        missing = next((n for n in columns if n not in names), None)
        if missing is not None:
            raise unknown("column", missing, names)
    try:
        frame, meta = call_reader(
            path,
            reader,
            source,
            encoding=encoding,
            **asked(options),
            **more,
        )
    except FileFormatError:
        raise
    except FAILURES as error:
        if encoding != BYTES and (isinstance(error, UnicodeError) or "encoding" in str(error)):
            raise UnicodeError(str(error)) from error
        raise DamagedFileError(f"{path.name} is truncated or damaged: {error}. Fetch it again.") from error
    return (frame if columns is None else frame[columns]), meta


def _codec(stated: str | None) -> str:
    """Python's name of the encoding that a file states, or that name as it is where Python has none."""
    try:
        return codec_name(stated or "utf-8")
    except ArgumentError:
        return str(stated).lower()


def _raw(frame: pd.DataFrame, meta: Any, encoding: str) -> _Raw:
    labels = {k: v or "" for k, v in meta.column_names_to_labels.items()}
    forms = {k: v or "" for k, v in meta.original_variable_types.items()}
    return _Raw(frame, meta.file_label or "", labels, forms, meta.readstat_variable_types, encoding)


def _check_size(path: Path, meta: Any, options: ReadOptions) -> None:
    """Refuse a number of rows that the file cannot hold, for pyreadstat makes room for as many as are declared."""
    rows, columns = meta.number_rows or 0, meta.number_columns if options.columns is None else len(options.columns)
    width = sum(meta.variable_storage_width.values())
    if rows * min(max(width, 1), _LEAST_ROW) > path.stat().st_size:
        raise TruncatedFileError(f"{path.name} declares {rows:,} rows, more than its size can hold. Fetch it again.")
    size = (rows if options.rows is None else min(rows, options.rows)) * max(columns, 1) * 8
    refuse_beyond_memory(path.name, size)


def _check_rows(path: Path, found: int, declared: int | None, options: ReadOptions) -> None:
    wanted = found if declared is None else declared if options.rows is None else min(options.rows, declared)
    if found != wanted and options.columns != ():
        raise TruncatedFileError(f"{path.name} declares {declared:,} rows, {found:,} can be read. Fetch it again.")


def _whole(path: Path, frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """The frame with the blank rows at its end, which ReadStat leaves out of files that hold nothing but text."""
    if len(frame) < rows and all(is_text(frame[n]) for n in frame):
        return frame.reindex(pd.RangeIndex(rows))
    if len(frame) != rows:
        raise TruncatedFileError(f"{path.name} holds {rows:,} rows, {len(frame):,} can be read. Fetch it again.")
    return frame


def _letters(column: pd.Series) -> np.ndarray:
    """The special missing values of a column as codes, NaN elsewhere. Shape (n,)."""
    return np.array([letter_code(v) if isinstance(v, str) else np.nan for v in column.tolist()], dtype=float)


def _marked(content: bytes, layout: XptLayout, rows: int, names: list[str]) -> dict[str, np.ndarray]:
    found = special_missing(content, layout, rows)
    codes = np.vectorize(lambda letter: letter_code(letter) if letter else np.nan, otypes=[float])
    return {names[position]: codes(letters) for position, letters in found.items()}


def _contents(
    path: Path,
    raw: _Raw,
    letters: Mapping[str, np.ndarray],
    labels: Labels,
    catalogue: Path | None,
    advice: str,
    notices: list[Notice],
    partial: list[Notice],
) -> FileContents:
    """Codes and codebook from raw values, with a notice for all that is not as a reader may think."""
    known = {n: _labels(raw.forms.get(n, ""), labels) for n in raw.frame.columns}
    codebook = Codebook(
        {n: _variable(n, raw, known[n], letters.get(n)) for n in raw.frame.columns},
        title=raw.title,
        encoding=raw.encoding,
    )
    columns: dict[str, pd.Series] = {}
    for name, variable in codebook.variables.items():
        columns[name], more = _column(raw.frame[name], variable, raw.kinds.get(name) == "string", letters.get(name))
        notices += more
    codes = pd.DataFrame(columns, index=raw.frame.index)
    without = [n for n in codes if is_own(raw.forms.get(n, "")) and not known[n]]
    used = {n: _used(letters[n]) for n in codes if n in letters}
    notices += [*format_notices(path.name, without, catalogue, advice), *special_notice(used), *partial]
    return FileContents(codes, codebook, tuple(notices + doubts(codes, codebook)), path.suffix.lower().lstrip("."))


def _used(codes: np.ndarray) -> list[str]:
    return [s for s in SPECIAL if (codes == letter_code(s)).any()]


def _labels(form: str, labels: Labels) -> Mapping[Code, str]:
    """The labels of a format, with or without its width."""
    return labels.get(form.upper().rstrip("."), labels.get(bare(form), {}))


def _variable(name: str, raw: _Raw, labels: Mapping[Code, str], letters: np.ndarray | None) -> Variable:
    text = raw.kinds.get(name) == "string"
    fitting = {c: t for c, t in labels.items() if isinstance(c, str) == text}
    found = () if letters is None else np.unique(letters[~np.isnan(letters)]).astype(int).tolist()
    special = [c for c in fitting if not isinstance(c, str) and -1_000_027 <= c <= -1_000_001]
    rule = tuple(sorted({*map(int, special), *found}, reverse=True))
    return Variable(
        name=name,
        label=raw.labels.get(name, ""),
        labels=fitting,
        missing=MissingRule(rule) if rule else None,
        measure="nominal" if text else "unknown",
        format=raw.forms.get(name, ""),
    )


def _column(
    column: pd.Series, variable: Variable, is_text: bool, letters: np.ndarray | None
) -> tuple[pd.Series, list[Notice]]:
    if is_text:
        text = column.astype("str")
        return text.where(text != ""), []
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    if letters is not None:
        numbers = numbers.where(np.isnan(letters), letters)
    unit = sas_unit(variable.format)
    if unit is None:
        return numbers, []
    dates, notice = convert_dates(numbers, variable, unit, STATA_EPOCH)
    return dates, [notice] if notice else []


def _texts(raw: _Raw) -> Iterator[str]:
    """Every text of a file beyond ASCII; the texts of a column once each."""
    every: Iterable[str] = [raw.title, *map(str, raw.frame.columns), *raw.labels.values()]
    yield from (t for t in every if not t.isascii())
    for name in raw.frame.columns:
        if raw.kinds.get(name) == "string":
            yield from (t for t in raw.frame[name].dropna().unique().tolist() if not t.isascii())


def _choice(path: Path, raw: _Raw, options: ReadOptions) -> tuple[str, list[Notice]]:
    """The encoding of a transport file, stated or guessed. EncodingError where a text is not valid in it."""
    pieces = [t.encode(BYTES) for t in _texts(raw)]
    likely = rank_encodings(pieces) or ["utf-8"]
    encoding = codec_name(options.encoding) if options.encoding else likely[0] if pieces else "utf-8"
    if not all(decodes(p, encoding) for p in pieces):
        raise EncodingError(_sentence(path, pieces, encoding))
    if options.encoding or not pieces:
        return encoding, []
    return encoding, [guessed_notice(path.name, encoding, pieces)]


def _sentence(path: Path, pieces: list[bytes], encoding: str) -> str:
    others = [e for e in rank_encodings(pieces) if e != encoding]
    advice = f'Try encoding="{others[0]}", which gives “{preview(pieces, others[0])}”.' if others else "Name another."
    return f"{path.name}: a text is not valid in encoding {encoding}. {advice}"


def _encoding_error(path: Path, options: ReadOptions, stated: str | None) -> EncodingError:
    """The error for a data set, with the encoding that its bytes suggest."""
    frame, meta = _call(pyreadstat.read_sas7bdat, path, path, ReadOptions(rows=options.rows), BYTES)
    pieces = [t.encode(BYTES) for t in _texts(_raw(frame, meta, BYTES))]
    return EncodingError(_sentence(path, pieces, stated or str(meta.file_encoding or "of the file").lower()))


def _doubtful_encoding(path: Path, raw: _Raw) -> list[Notice]:
    """A notice where the stated encoding gives texts that another makes more sense of."""
    try:
        pieces = [t.encode(raw.encoding, "ignore") for t in _texts(raw)]
    except LookupError:  # an encoding that Python does not know
        return []
    return doubtful_notices(path.name, raw.encoding, pieces)


def _told(text: str, encoding: str) -> str:
    return text.encode(BYTES).decode(encoding)


def _decoded(raw: _Raw, encoding: str) -> _Raw:
    """The same with every text decoded."""
    frame = raw.frame.copy()
    for name in frame.columns:
        if raw.kinds.get(name) == "string":
            frame[name] = frame[name].astype("str").map(lambda t: _told(t, encoding), na_action="ignore").astype("str")
    frame.columns = pd.Index([_told(str(n), encoding) for n in frame.columns])
    labels, forms, kinds = (
        {_told(k, encoding): _told(v, encoding) for k, v in m.items()} for m in (raw.labels, raw.forms, raw.kinds)
    )
    return _Raw(frame, _told(raw.title, encoding), labels, forms, kinds, encoding)
