"""The raw frame and dictionary of an SPSS file through pyreadstat, with every text in the right encoding."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat

from survey_kit.errors import DamagedFileError, EncodingError, FileFormatError, unknown
from survey_kit.io.contents import ReadOptions
from survey_kit.io.readstat import BYTES, FAILURES, asked, call_reader, decoded_deep, replaced_notice, rows_text
from survey_kit.io.spss.sav_encoding import Choice, check_data, check_texts, choose_encoding, decodes_piece, text_pieces
from survey_kit.io.spss.sav_records import CASES_AT, SavDictionary
from survey_kit.schema import Notice


@dataclass(frozen=True)
class SavFrame:
    """What pyreadstat tells of a file.

    Attributes:
        frame: raw values, text columns as text. Shape (n, columns).
        label: the file label; notes: its documents.
        labels, values, missing, measure, form, width, alignment: column -> what the dictionary says.
        choice: the encoding that was used.
        notices: what was replaced.
    """

    frame: pd.DataFrame
    label: str
    notes: tuple[str, ...]
    labels: Mapping[str, str]
    values: Mapping[str, Mapping[Any, str]]
    missing: Mapping[str, Any]
    measure: Mapping[str, str]
    form: Mapping[str, str]
    width: Mapping[str, int]
    alignment: Mapping[str, str]
    choice: Choice
    notices: tuple[Notice, ...] = ()


def read_frame(path: Path, found: SavDictionary, cases: int | None, options: ReadOptions) -> SavFrame:
    """The file's frame. `cases`, where given, is the number of cases to read in place of the one it declares.

    A guessed encoding that fails on the data is guessed again with the data; any other failure is an EncodingError.
    """
    choice = choose_encoding(found, options.encoding)
    source = path if cases in (None, found.declared) else _declaring(path, found, int(cases or 0))
    if options.errors == "replace":
        _refuse_unknown(found, choice, options)
        return _replaced(source, found, choice, options)
    check_texts(found, choice)
    _refuse_unknown(found, choice, options)
    try:
        return _through_pyreadstat(source, found, choice, options)
    except EncodingError:
        raw = _through_pyreadstat(source, found, Choice(BYTES, "guess"), replace(options, columns=None)).frame
        if choice.source != "guess":
            raise check_data(found, choice, raw) from None
    choice = choose_encoding(found, None, text_pieces(raw, "latin-1"))
    try:
        return _through_pyreadstat(source, found, choice, options)
    except EncodingError:
        raise check_data(found, choice, raw) from None


def _refuse_unknown(found: SavDictionary, choice: Choice, options: ReadOptions) -> None:
    names = found.names(choice.encoding)
    known = set(names)
    for name in options.columns or ():
        if name not in known:
            raise unknown("column", name, names)


def _declaring(path: Path, found: SavDictionary, cases: int) -> io.BytesIO:
    """The file with another number of cases in its header."""
    data = bytearray(path.read_bytes())
    struct.pack_into(found.order + "i", data, CASES_AT, cases)
    return io.BytesIO(data)


def _through_pyreadstat(
    source: Path | io.BytesIO, found: SavDictionary, choice: Choice, options: ReadOptions
) -> SavFrame:
    if isinstance(source, io.BytesIO):
        source.seek(0)
    columns = None if options.columns is None else list(options.columns)
    encoding = None if choice.source == "file" else choice.encoding.upper().replace("MAC-CYRILLIC", "MACCYRILLIC")
    try:
        frame, meta = call_reader(
            Path(found.name),
            pyreadstat.read_sav,
            source,
            user_missing=True,
            encoding=encoding,
            **asked(options),
        )
    except FileFormatError:
        raise
    except FAILURES as error:
        if isinstance(error, UnicodeDecodeError) or "encoding" in str(error):
            raise EncodingError(str(error)) from error
        raise DamagedFileError(f"{found.name} is damaged and cannot be read: {error}. Fetch it again.") from error
    return SavFrame(
        frame=frame if columns is None else frame[columns],
        label=meta.file_label or "",
        notes=tuple(meta.notes or ()),
        labels={k: v or "" for k, v in meta.column_names_to_labels.items()},
        values=meta.variable_value_labels,
        missing=meta.missing_ranges,
        measure=meta.variable_measure,
        form={k: v or "" for k, v in meta.original_variable_types.items()},
        width=meta.variable_display_width,
        alignment=meta.variable_alignment,
        choice=choice,
    )


def _replaced(source: Path | io.BytesIO, found: SavDictionary, choice: Choice, options: ReadOptions) -> SavFrame:
    """The frame read as bytes, each text decoded with U+FFFD for what the encoding does not hold."""

    def decoded(text: str) -> str:
        return text.encode("latin-1").decode(choice.encoding, "replace")

    columns = options.columns
    if columns is not None:
        columns = tuple(c.encode(choice.encoding, "ignore").decode("latin-1") for c in columns)
    raw = _through_pyreadstat(source, found, Choice(BYTES, "guess"), replace(options, columns=columns))
    fields = {
        n: decoded_deep(getattr(raw, n), decoded) for n in SavFrame.__dataclass_fields__ if n not in ("frame", "choice")
    }
    frame = raw.frame.copy()
    bad = [f"{t.what} at byte {t.offset}" for t in found.texts if not decodes_piece(t.raw, choice.encoding)]
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype) or pd.api.types.is_object_dtype(frame[name].dtype):
            texts = {t: decoded(t) for t in frame[name].dropna().unique().tolist() if isinstance(t, str)}
            wrong = [t for t in texts if not decodes_piece(t.encode("latin-1"), choice.encoding)]
            rows = int(frame[name].isin(wrong).sum())
            bad += [rows_text(decoded(str(name)), rows)] if rows else []
            frame[name] = frame[name].map(texts).astype("str")
    frame.columns = pd.Index([decoded(str(n)) for n in frame.columns])
    return SavFrame(
        **{**fields, "frame": frame, "choice": choice, "notices": tuple(replaced_notice(choice.encoding, bad))}
    )
