"""Stata .dta files: raw codes from pyreadstat (`dta_frame`), with the extended missing values .a to .z kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, MissingRule, Variable
from survey_kit.errors import TruncatedFileError, listed
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.dates import STATA_EPOCH, convert_dates, leap_seconds_notice, stata_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.extended_missing import LETTERS, letter_code
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.stat_limits import EXACT
from survey_kit.io.stata.frame import LONG_TEXT, TEXT, DtaFrame, read_frame
from survey_kit.io.stata.layout import read_layout
from survey_kit.io.stata.meaning import DOUBLE, FILE, INTEGER, STATA_WEIGHT, attributes, restored
from survey_kit.schema import Notice


def read_dta(path: Path, options: ReadOptions) -> FileContents:
    """Read a Stata file. Integers become int64 (float64 where values are missing), floats float64, text `str`.

    Stata has one missing value without meaning (".", here NaN) and 26 with (".a" to ".z"). The latter become the codes
    -1000001 to -1000026, declared user-missing and labelled as in the file; a notice lists them. Other variables state
    no missing rule: codes such as -1 "don't know" are ordinary values in Stata. %td, %tc dates become datetime64[us];
    %tC, which counts leap seconds, stays a number. Characteristics become attributes; the variable that `svyset` named
    becomes the file's weight. Where rows are left out, a letter that neither they nor the labels hold is not declared.
    Raises as `read_file`.
    """
    layout = read_layout(path)
    wanted = layout.rows if options.rows is None else min(options.rows, layout.rows)
    width = layout.variables if options.columns is None else len(options.columns)
    refuse_beyond_memory(path.name, wanted * width * 8)
    raw = read_frame(path, layout, options)
    if len(raw.frame) != wanted and len(raw.frame.columns):
        raise TruncatedFileError(f"{path.name} declares {layout.rows:,} rows, {len(raw.frame):,} can be read.")
    codebook = restored(_codebook(raw), raw.said)
    columns: dict[str, pd.Series] = {}
    notices = list(raw.notices)
    for name, variable in codebook.variables.items():
        columns[name], notice = _column(raw.frame[name], variable, raw)
        notices += [notice] if notice else []
    codes = pd.DataFrame(columns, index=raw.frame.index)
    notices += _letter_notice({n: raw.letters[n] for n in codes if raw.letters.get(n)}) + _unlabelled(raw, codebook)
    notices += partial_notice(options.rows, len(codes), layout.rows) + doubts(codes, codebook)
    return FileContents(codes, codebook, tuple(notices), "dta")


def _codebook(raw: DtaFrame) -> Codebook:
    said = attributes(raw.said)
    variables = {n: _variable(n, raw, said.get(n, {})) for n in map(str, raw.frame.columns)}
    weight = raw.said.get((FILE, STATA_WEIGHT), "")
    return Codebook(
        variables,
        title=raw.title,
        notes=raw.notes,
        weight=weight if weight in variables else None,
        encoding=raw.encoding,
        attributes=said.get(FILE, {}),
    )


def _variable(name: str, raw: DtaFrame, said: Mapping[str, str]) -> Variable:
    labels: Mapping[Any, str] = raw.values.get(name, {})
    plain: dict[Code, str] = {c: t for c, t in labels.items() if not isinstance(c, str)}
    marked: dict[Code, str] = {letter_code(c): t for c, t in labels.items() if isinstance(c, str) and c in LETTERS}
    rule = tuple(sorted({*marked, *map(letter_code, raw.letters.get(name, ()))}, reverse=True))
    return Variable(
        name=name,
        label=raw.labels.get(name, ""),
        labels={**dict(sorted(plain.items())), **marked},
        missing=MissingRule(rule) if rule else None,
        measure="nominal" if raw.kinds.get(name) in (TEXT, LONG_TEXT) else "unknown",
        format=raw.forms.get(name) or "",
        attributes=said,
    )


def _column(column: pd.Series, variable: Variable, raw: DtaFrame) -> tuple[pd.Series, Notice | None]:
    kind = raw.kinds.get(variable.name)
    if kind in (TEXT, LONG_TEXT):
        text = column.astype("str")
        return text.where(text != ""), None
    numbers = _numbers(column, raw.letters.get(variable.name, []))
    unit = stata_unit(variable.format)
    if unit is not None:
        return convert_dates(numbers.astype("float64"), variable, unit, STATA_EPOCH)
    stored = str(kind).startswith("int") and (variable.name, DOUBLE) not in raw.said and not numbers.isna().any()
    whole = stored or ((variable.name, INTEGER) in raw.said and _are_whole(numbers))
    return numbers.astype("int64" if whole else "float64"), leap_seconds_notice(variable)


def _are_whole(numbers: pd.Series) -> bool:
    """Whether every number is an integer that a double holds exactly; false for NaN."""
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    return bool(((np.abs(values) <= EXACT) & (values == np.floor(values))).all())


def _numbers(column: pd.Series, used: list[str]) -> pd.Series:
    """Numbers with letters replaced by their codes."""
    if not used:
        return pd.to_numeric(column)
    codes = {letter: letter_code(letter) for letter in used}
    values = np.array([codes.get(v, v) if isinstance(v, str) else v for v in column.tolist()], dtype=float)
    return pd.Series(values, index=column.index, name=column.name)


def _letter_notice(letters: Mapping[str, list[str]]) -> list[Notice]:
    if not letters:
        return []
    every = sorted({letter for used in letters.values() for letter in used})
    pairs = listed([f".{letter} is {letter_code(letter)}" for letter in every], most=26)
    text = f"Extended missing values are kept as user-missing codes ({pairs}) in {listed(letters)}."
    return [Notice("extended_missing", text, len(letters))]


def _unlabelled(raw: DtaFrame, codebook: Codebook) -> list[Notice]:
    """Of variables whose value labels are named but not in the file: dropped in Stata, or cut off."""
    names = [n for n in raw.unlabelled if n in codebook]
    if not names:
        return []
    text = (
        f"The value labels of {listed(names)} are not in the file: dropped in Stata, or the end of the file is missing."
    )
    return [Notice("labels", text, len(names))]
