"""SPSS .sav and .zsav files: refused before a byte is written when SAV cannot hold something, written whole or not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from survey_kit.codebook import Codebook, MissingRule, Variable, format_code
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.dates import SPSS_EPOCH, from_numbers, spss_unit, to_seconds
from survey_kit.io.spss.sav_attributes import attribute_record, attributes_of, file_record
from survey_kit.io.spss.sav_cases import check_cases
from survey_kit.io.spss.sav_limits import NOTE_BYTES, TEXT_BYTES, as_range, check_limits
from survey_kit.io.spss.sav_patch import Patch, patch_file
from survey_kit.io.spss.sav_records import SavDictionary, open_bytes, read_dictionary
from survey_kit.io.spss.sav_sets import set_record
from survey_kit.io.text import cut, lines_within
from survey_kit.io.write import complete, is_text
from survey_kit.schema import Notice

_LABEL, _VALUE_LABEL, _TITLE = 256, 120, 64  # bytes
_WIDTH = re.compile(r"A(\d{1,5})", re.IGNORECASE)
_DATE_FORMAT = "DATETIME20"
_ALIGNMENTS = {"left": 0, "right": 1, "center": 2}


@dataclass(frozen=True)
class _Labels:
    """Labels as they fit, and the names of what was cut."""

    columns: dict[str, str]
    values: dict[str, dict[Any, str]]
    title: str
    cut: tuple[str, ...]


def write_sav(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes, labels, missing rules, measures, sets and the weight variable in UTF-8. Equal data, equal bytes.

    Numbers and booleans become doubles, NaN system-missing; missing text becomes blank; dates become seconds. Question
    wording, filters and origins are stored as custom attributes, and so are labels over SAV's limits, which SPSS shows cut
    at a character. One notice lists what is lost. Raises OutputError, naming the variable, for what SAV cannot hold.
    """
    book = complete(codebook, codes)
    check_limits(path, codes, book)
    labels = _fitted(book)
    notes = [line for note in book.notes for line in lines_within(note, NOTE_BYTES)]
    with atomic_path(path) as temporary:
        _write(temporary, path, codes, book, labels, notes)
        _finish(temporary, path, book, labels, len(codes))
    return _notices(codes, codebook, book, labels, notes)


def _write(temporary: Path, path: Path, codes: pd.DataFrame, book: Codebook, labels: _Labels, notes: list[str]) -> None:
    variables = book.variables
    columns = {n: _storable(codes[n], variables[n]) for n in codes.columns}
    frame = pd.DataFrame(columns, index=pd.RangeIndex(len(codes)))
    try:
        pyreadstat.write_sav(
            frame,
            temporary,
            file_label=labels.title,
            column_labels=dict(labels.columns),
            compress=path.suffix.lower() == ".zsav",
            row_compress=path.suffix.lower() != ".zsav",
            note=notes or None,
            variable_value_labels=labels.values,
            missing_ranges={n: _ranges(v.missing) for n, v in variables.items() if v.missing and _ranges(v.missing)},
            variable_display_width={n: v.width for n, v in variables.items() if v.width},
            variable_measure={n: v.measure for n, v in variables.items()},
            variable_format={n: f for n, v in variables.items() if (f := _format(v, codes[n]))},
        )
    except OSError:
        raise
    except Exception as error:  # pyreadstat raises its own error, and bare Exception, for disk and content alike
        raise OutputError(f"{path} cannot be written: {error}. What was there is unchanged.") from error


def _storable(column: pd.Series, variable: Variable) -> pd.Series:
    """A column as pyreadstat stores it without a guess of its own: doubles or text."""
    if pd.api.types.is_datetime64_dtype(column):
        return pd.Series(to_seconds(column))
    if is_text(column):
        return _as_wide(column.astype("str").fillna("").reset_index(drop=True), variable)
    return pd.Series(column.to_numpy(dtype=float, na_value=np.nan))


def _as_wide(texts: pd.Series, variable: Variable) -> pd.Series:
    """Texts that take the width of the variable's format (A40): SPSS pads with blanks, so blanks after one text do it."""
    stated = _WIDTH.fullmatch(variable.format)
    width = min(int(stated[1]), TEXT_BYTES) if stated else 0
    if len(texts) and width > max(len(t.encode()) for t in texts):
        first = str(texts.iloc[0])
        texts = texts.copy()
        texts.iloc[0] = first + " " * (width - len(first.encode()))
    return texts


def _format(variable: Variable, column: pd.Series) -> str:
    """The SPSS format to write: the variable's own where it is one of SPSS's and fits, else a default."""
    form = variable.format
    if pd.api.types.is_datetime64_dtype(column):
        return form if spss_unit(form) else _DATE_FORMAT
    if is_text(column) or not form or form.startswith("%") or form[0].upper() == "A":
        return ""
    return form


def _ranges(rule: MissingRule) -> list[Any]:
    span = as_range(rule)
    if span is not None:
        return [{"lo": span[0], "hi": span[1]}]
    ranges = [{"lo": low, "hi": high} for low, high in rule.ranges]
    return [*ranges, *(v if isinstance(v, str) else float(v) for v in rule.values)]


def _fitted(book: Codebook) -> _Labels:
    """Labels cut at a character boundary where they are too long for SAV."""
    columns, values, lost = {}, {}, []
    for name, variable in book.variables.items():
        columns[name], shorter = cut(variable.label, _LABEL)
        lost += [f"the label of '{name}'"] if shorter else []
        if variable.labels:
            fitted = {c: cut(t, _VALUE_LABEL) for c, t in variable.labels.items()}
            lost += [f"the label of '{name}' = {format_code(code)}" for code, (_, shorter) in fitted.items() if shorter]
            values[name] = {c if isinstance(c, str) else float(c): text for c, (text, _) in fitted.items()}
    title, shorter = cut(book.title, _TITLE)
    lost += ["the file's title"] if shorter else []
    return _Labels({n: t for n, t in columns.items() if t}, values, title, tuple(lost))


def _finish(temporary: Path, path: Path, book: Codebook, labels: _Labels, rows: int) -> None:
    """Add what pyreadstat cannot write, and read the file's records back."""
    found = _records(temporary, path.name)
    if found.declared != rows:
        raise OutputError(f"{path} cannot be written: {found.declared} of {rows} rows arrived. Is the disk full?")
    shorts = {name.decode(): short for short, name in found.long_names.items()}
    positions = {v.short.upper(): v.position for v in found.variables}
    weight = positions[shorts[book.weight].upper()] if book.weight else 0
    chosen = {shorts[n].upper(): _ALIGNMENTS.get(v.alignment) for n, v in book.variables.items()}
    alignments = [chosen.get(v.short.upper()) for v in found.variables]
    patch_file(temporary, found, Patch(_extensions(book, labels, shorts), weight, alignments))
    _records(temporary, path.name)


def _records(file: Path, name: str) -> SavDictionary:
    content = open_bytes(file)
    found = read_dictionary(name, content)
    check_cases(found, content)
    return found


def _extensions(book: Codebook, labels: _Labels, shorts: Mapping[str, bytes]) -> dict[int, bytes]:
    said = {
        name: attributes_of(v, labels.columns.get(name, ""), labels.values.get(name, {}))
        for name, v in book.variables.items()
    }
    wording = {f"question_{s.name}": s.question for s in book.sets.values() if s.question}
    title = {"long_title": book.title} if labels.title != book.title else {}
    return {
        7: set_record(book.sets.values(), shorts),
        17: file_record({**book.attributes, **wording, **title}),
        18: attribute_record(said),
    }


def _notices(
    codes: pd.DataFrame, codebook: Codebook, book: Codebook, labels: _Labels, notes: list[str]
) -> tuple[Notice, ...]:
    """One notice for all that SPSS will not show as it was."""
    lost = []
    if labels.cut:
        lost.append(f"labels over their limits, which SPSS shows cut and survey_kit reads whole: {listed(labels.cut)}")
    if notes != list(book.notes):
        lost.append(f"notes in lines of more than {NOTE_BYTES} bytes, which were broken")
    sets = [s for s in codebook.sets if s not in book.sets]
    if sets:
        lost.append(f"multiple-response sets whose columns are not in the data: {listed(sets)}")
    ranges = [n for n, v in book.variables.items() if v.missing and as_range(v.missing) is not None]
    if ranges:
        lost.append(f"more than three missing values of a variable, which are stored as a range: {listed(ranges)}")
    blank = [n for n in codes.columns if is_text(codes[n]) and (codes[n] == "").any() and codes[n].isna().any()]
    if blank:
        lost.append(f"the difference between an empty text and none: {listed(blank)}")
    rounded = [n for n in codes.columns if pd.api.types.is_datetime64_dtype(codes[n]) and _rounds(codes[n])]
    if rounded:
        lost.append(f"microseconds of dates, which are stored as seconds: {listed(rounded)}")
    trailing = [n for n, v in book.variables.items() if _ends_blank(codes[n], v)]
    if trailing:
        lost.append(f"blanks at the end of texts and labels: {listed(trailing)}")
    if not lost:
        return ()
    return (Notice("lost", f"SPSS files do not hold {'; '.join(lost)}. Write .parquet to keep everything.", len(lost)),)


def _rounds(dates: pd.Series) -> bool:
    """Whether a date comes back as another: seconds since 1582 leave about two microseconds to a double."""
    stamps = dates.to_numpy().astype("datetime64[us]")
    again = from_numbers(to_seconds(dates), 1_000_000, SPSS_EPOCH)
    return bool((again[~np.isnat(stamps)] != stamps[~np.isnat(stamps)]).any())


def _ends_blank(column: pd.Series, variable: Variable) -> bool:
    """Whether a text or a label ends with a blank, which SPSS files pad with and readers take off."""
    if any(text.endswith(" ") for text in (variable.label, *variable.labels.values())):
        return True
    return is_text(column) and bool(column.astype("str").str.endswith(" ").fillna(False).any())
