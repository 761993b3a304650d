"""SPSS .sav and .zsav files. Raw codes from pyreadstat; the records it leaves out from `sav_records`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import EncodingError, FileFormatError, unknown
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.io.dates import SPSS_EPOCH, convert_dates, spss_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.sav_cases import check_cases
from survey_kit.io.sav_encoding import Choice, check_data, check_texts, choose_encoding, encoding_notices, text_pieces
from survey_kit.io.sav_records import SavDictionary, open_bytes, read_dictionary
from survey_kit.io.sav_sets import read_attributes, read_sets
from survey_kit.schema import Notice

_HIGHEST = 1.79e308  # LO and HI are stored as the extreme doubles
_FAILURES = (pyreadstat.ReadstatError, ValueError, IndexError, OverflowError, MemoryError)  # of a damaged file
_MEASURES = ("nominal", "ordinal", "scale")


def read_sav(path: Path, options: ReadOptions) -> FileContents:
    """Read an SPSS system file: codes as stored, blank text as missing unless the file labels or declares it.

    Numbers are float64, as SPSS stores doubles. Date formats become datetime64[us]; durations (TIME, DTIME) stay
    seconds. Raises as `read_file`.
    """
    found, cases = _dictionary(path)
    choice = choose_encoding(found, options.encoding)
    check_texts(found, choice)
    _check_names(found, choice, options)
    frame, meta, choice = _read_frame(path, found, choice, options)
    if len(frame) != cases:
        raise FileFormatError(f"{path.name} holds {cases:,} cases, {len(frame):,} could be read. Fetch it again.")
    codebook, notices = _codebook(frame, meta, found, choice)
    codes, more = _codes(frame, codebook)
    notices = encoding_notices(found, choice, frame) + notices + more + doubts(codes, codebook)
    return FileContents(codes, codebook, tuple(notices), path.suffix.lower().lstrip("."))


def _dictionary(path: Path) -> tuple[SavDictionary, int]:
    content = open_bytes(path)
    found = read_dictionary(path.name, content)
    return found, check_cases(found, content)


def _check_names(found: SavDictionary, choice: Choice, options: ReadOptions) -> None:
    names = found.names(choice.encoding)
    twice = next((n for n, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        places = [i for i, n in enumerate(names, 1) if n == twice]
        raise FileFormatError(
            f"{found.name} has the variable name '{twice}' at positions {' and '.join(map(str, places))}. "
            "Rename one of them in SPSS."
        )
    for name in options.columns or ():
        if name not in names:
            raise unknown("column", name, names)


def _read_frame(
    path: Path, found: SavDictionary, choice: Choice, options: ReadOptions
) -> tuple[pd.DataFrame, Any, Choice]:
    """The raw frame. A guess that fails on the data is made again with the data; anything else is an error."""
    columns = list(options.columns) if options.columns is not None else None
    try:
        return *_pyreadstat(path, choice, columns), choice
    except EncodingError:
        raw, _ = _pyreadstat(path, Choice("iso8859-1", "guess"), None)
        if choice.source != "guess":
            raise check_data(found, choice, raw) from None
    choice = choose_encoding(found, None, text_pieces(raw, "latin-1"))
    try:
        return *_pyreadstat(path, choice, columns), choice
    except EncodingError:
        raise check_data(found, choice, raw) from None


def _pyreadstat(path: Path, choice: Choice, columns: list[str] | None) -> tuple[pd.DataFrame, Any]:
    encoding = None if choice.source == "file" else choice.encoding.upper().replace("MAC-CYRILLIC", "MACCYRILLIC")
    if columns == []:
        frame, meta = _pyreadstat(path, choice, None)
        return frame[[]], meta
    try:
        frame, meta = pyreadstat.read_sav(
            path, user_missing=True, disable_datetime_conversion=True, encoding=encoding, usecols=columns
        )
    except _FAILURES as error:
        if isinstance(error, UnicodeDecodeError) or "encoding" in str(error):
            raise EncodingError(str(error)) from error
        raise FileFormatError(f"{path.name} is damaged and cannot be read: {error}. Fetch it again.") from error
    return (frame if columns is None else frame[columns]), meta


def _codebook(frame: pd.DataFrame, meta: Any, found: SavDictionary, choice: Choice) -> tuple[Codebook, list[Notice]]:
    sets, notices = read_sets(found, choice.encoding)
    attributes = read_attributes(found, choice.encoding)
    variables = {name: _variable(name, meta, attributes.get(name, {})) for name in frame.columns}
    everything = Codebook(
        variables=variables,
        title=meta.file_label or "",
        notes=tuple(meta.notes or ()),
        weight=found.weight(choice.encoding),
        encoding=choice.encoding,
    )
    kept = {k: s for k, s in sets.items() if set(s.columns) <= set(variables)}
    weight = everything.weight if everything.weight in variables else None
    return Codebook(variables, kept, everything.title, everything.notes, weight, choice.encoding), notices


def _variable(name: str, meta: Any, attributes: Mapping[str, str]) -> Variable:
    labels = meta.variable_value_labels.get(name, {})
    measure = meta.variable_measure.get(name, "unknown")
    return Variable(
        name=name,
        label=meta.column_names_to_labels.get(name) or "",
        labels=dict(sorted(labels.items())),
        missing=_missing_rule(meta.missing_ranges.get(name, ())),
        question=attributes.get("question", ""),
        measure=measure if measure in _MEASURES else "unknown",
        format=meta.original_variable_types.get(name) or "",
        width=meta.variable_display_width.get(name),
        filter=attributes.get("filter", ""),
    )


def _missing_rule(parts: Iterable[Mapping[str, Any]]) -> MissingRule | None:
    values = [p["lo"] for p in parts if p["lo"] == p["hi"]]
    ranges = [(_edge(p["lo"]), _edge(p["hi"])) for p in parts if p["lo"] != p["hi"]]
    return MissingRule(tuple(values), tuple(ranges)) if values or ranges else None


def _edge(value: float) -> float:
    if abs(value) >= _HIGHEST:
        return float("inf") if value > 0 else float("-inf")
    return value


def _codes(frame: pd.DataFrame, codebook: Codebook) -> tuple[pd.DataFrame, list[Notice]]:
    columns: dict[str, pd.Series] = {}
    notices = []
    for variable in codebook.variables.values():
        column, unit = frame[variable.name], spss_unit(variable.format)
        if not pd.api.types.is_numeric_dtype(column):
            column = _text(column, variable)
        elif unit is not None:
            column, notice = convert_dates(column.astype("float64"), variable, unit, SPSS_EPOCH)
            notices += [notice] if notice else []
        else:
            column = column.astype("float64")
        columns[variable.name] = column
    return pd.DataFrame(columns, index=frame.index), notices


def _text(column: pd.Series, variable: Variable) -> pd.Series:
    """Text as `str`; blank is missing unless it is a code of the variable."""
    text = column.astype("str")
    is_code = "" in variable.labels or (variable.missing is not None and "" in variable.missing.values)
    return text if is_code else text.where(text != "")
