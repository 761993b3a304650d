"""SPSS .sav and .zsav files: refused before a byte is written when SAV cannot hold something, written whole or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import OutputError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.dates import spss_unit, to_seconds
from survey_kit.io.sav_cases import check_cases
from survey_kit.io.sav_limits import NOTE_BYTES, check_limits, cut
from survey_kit.io.sav_patch import patch_file
from survey_kit.io.sav_records import SavDictionary, open_bytes, read_dictionary
from survey_kit.io.sav_sets import attribute_record, set_record
from survey_kit.io.write import complete, is_text
from survey_kit.schema import Notice

_LABEL, _VALUE_LABEL, _TITLE = 256, 120, 64  # bytes
_DATE_FORMAT = "DATETIME20"


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
    wording and filters are stored as custom attributes. Labels over SAV's limits are cut at a character, and a notice
    lists them. Raises OutputError, naming the variable, for what SAV cannot hold.
    """
    book = complete(codebook, codes)
    check_limits(path, codes, book)
    labels = _fitted(book)
    notes = _note_lines(book.notes)
    with atomic_path(path) as temporary:
        _write(temporary, path, codes, book, labels, notes)
        _finish(temporary, path, book, len(codes))
    return _notices(codebook, book, labels, notes)


def _write(temporary: Path, path: Path, codes: pd.DataFrame, book: Codebook, labels: _Labels, notes: list[str]) -> None:
    frame = pd.DataFrame({n: _storable(codes[n]) for n in codes.columns}, index=pd.RangeIndex(len(codes)))
    variables = book.variables
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


def _storable(column: pd.Series) -> pd.Series:
    """A column as pyreadstat stores it without a guess of its own: doubles or text."""
    if pd.api.types.is_datetime64_dtype(column):
        return pd.Series(to_seconds(column))
    if is_text(column):
        return column.astype("str").fillna("").reset_index(drop=True)
    return pd.Series(column.to_numpy(dtype=float, na_value=np.nan))


def _format(variable: Variable, column: pd.Series) -> str:
    """The SPSS format to write: the variable's own where it is one of SPSS's and fits, else a default."""
    form = variable.format
    if pd.api.types.is_datetime64_dtype(column):
        return form if spss_unit(form) else _DATE_FORMAT
    if is_text(column) or not form or form.startswith("%") or form[0].upper() == "A":
        return ""
    return form


def _ranges(rule: MissingRule) -> list[Any]:
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
            lost += [f"the label of '{name}' = {code}" for code, (_, shorter) in fitted.items() if shorter]
            values[name] = {c if isinstance(c, str) else float(c): text for c, (text, _) in fitted.items()}
    title, shorter = cut(book.title, _TITLE)
    lost += ["the file's title"] if shorter else []
    return _Labels({n: t for n, t in columns.items() if t}, values, title, tuple(lost))


def _note_lines(notes: tuple[str, ...]) -> list[str]:
    """Notes in lines that fit."""
    lines: list[str] = []
    for note in notes:
        for line in note.splitlines() or [""]:
            rest = line
            while True:
                head, shorter = cut(rest, NOTE_BYTES)
                lines.append(head)
                rest = rest[len(head) :]
                if not shorter:
                    break
    return lines


def _finish(temporary: Path, path: Path, book: Codebook, rows: int) -> None:
    """Add what pyreadstat cannot write, and read the file's records back."""
    found = _records(temporary, path.name)
    if found.declared != rows:
        raise OutputError(f"{path} cannot be written: {found.declared} of {rows} rows arrived. Is the disk full?")
    shorts = {name.decode(): short for short, name in found.long_names().items()}
    positions = {v.short.upper(): v.position for v in found.variables}
    weight = positions[shorts[book.weight].upper()] if book.weight else 0
    patch_file(temporary, found, _extensions(book, shorts), weight)
    _records(temporary, path.name)


def _records(file: Path, name: str) -> SavDictionary:
    content = open_bytes(file)
    found = read_dictionary(name, content)
    check_cases(found, content)
    return found


def _extensions(book: Codebook, shorts: Mapping[str, bytes]) -> dict[int, bytes]:
    attributes = {
        name: pairs
        for name, v in book.variables.items()
        if (pairs := {k: t for k, t in (("question", v.question), ("filter", v.filter)) if t})
    }
    sets = attribute_sets(book)
    return {7: set_record(book.sets.values(), shorts), 17: sets, 18: attribute_record(attributes)}


def attribute_sets(book: Codebook) -> bytes:
    """The payload of extension record 17 (attributes of the file): the wording of multiple-response sets."""
    wording = {f"question_{s.name}": s.question for s in book.sets.values() if s.question}
    return attribute_record({"": wording}).removeprefix(b":") if wording else b""


def _notices(codebook: Codebook, book: Codebook, labels: _Labels, notes: list[str]) -> tuple[Notice, ...]:
    notices = []
    if labels.cut:
        text = f"Too long for SAV and cut: {listed(labels.cut)}. Write .parquet to keep them whole."
        notices.append(Notice("cut", text, len(labels.cut)))
    if notes != list(book.notes):
        notices.append(Notice("notes", f"Notes were broken into lines of at most {NOTE_BYTES} bytes."))
    lost = [s for s in codebook.sets if s not in book.sets]
    if lost:
        text = f"Multiple-response sets whose columns are not in the data were left out: {listed(lost)}."
        notices.append(Notice("multiple_response", text, len(lost)))
    return tuple(notices)
