"""SPSS .sav and .zsav files. Raw codes from pyreadstat (`sav_frame`); the records it leaves out from `sav_records`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from survey_kit.codebook import Codebook, Measure, MissingRule, MultipleResponse, Variable
from survey_kit.errors import DuplicateNameError, TruncatedFileError, listed
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.dates import SPSS_EPOCH, convert_dates, spss_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.spss.sav_attributes import file_attributes, own_words, restored, variable_attributes
from survey_kit.io.spss.sav_cases import check_cases, check_size, count_cases
from survey_kit.io.spss.sav_encoding import encoding_notices
from survey_kit.io.spss.sav_frame import SavFrame, read_frame
from survey_kit.io.spss.sav_records import Buffer, SavDictionary, open_bytes, read_dictionary
from survey_kit.io.spss.sav_sets import read_sets
from survey_kit.schema import Notice

_HIGHEST = 1.79e308  # LO and HI are stored as the extreme doubles
_IS_TEXT = re.compile(r"A(HEX)?\d", re.IGNORECASE)
_MEASURES = ("nominal", "ordinal", "scale")
_ALIGNMENTS = ("left", "right", "center")


def read_sav(path: Path, options: ReadOptions) -> FileContents:
    """Read an SPSS system file: codes as stored, blank text as missing unless the file labels or declares it.

    Numbers are float64, as SPSS stores doubles. Date formats become datetime64[us]; durations (TIME, DTIME) stay
    seconds. Raises as `read_file`.
    """
    content = open_bytes(path)
    found = read_dictionary(path.name, content)
    cases, notices = _cases(found, content, options)
    _refuse_twins(found)
    raw = read_frame(path, found, cases, options)
    wanted = 0 if options.rows == 0 else cases if options.rows is None else min(options.rows, _most(found, cases))
    if wanted is not None and wanted != len(raw.frame):
        raise TruncatedFileError(
            f"{path.name} holds {wanted:,} cases, {len(raw.frame):,} could be read. Fetch it again."
        )
    codebook, more = _codebook(raw, found)
    codes, dates = _codes(raw.frame, codebook)
    notices += [*raw.notices, *encoding_notices(found, raw.choice, raw.frame), *more, *dates]
    notices += partial_notice(options.rows, len(codes), found.declared) + doubts(codes, codebook)
    return FileContents(codes, codebook, tuple(notices), path.suffix.lower().lstrip("."))


def _cases(found: SavDictionary, content: Buffer, options: ReadOptions) -> tuple[int | None, list[Notice]]:
    """How many cases to read in place of the declared number, None to leave it to the header; and what is lost."""
    check_size(found, content, options.allow_truncated)
    cut = False
    if options.allow_truncated:
        cases, cut = count_cases(found, content)
    else:
        _refuse_too_large(found, found.declared, options)
        if options.rows is not None and not 0 <= found.declared <= options.rows:
            return None, []  # fewer rows than the header declares: what follows them is not looked at
        cases = check_cases(found, content)
    _refuse_too_large(found, cases, options)
    if not cut and (found.declared < 0 or found.declared == cases):
        return cases, []
    declared = f"declares {found.declared:,} cases" if found.declared >= 0 else "ends inside a case"
    text = f"{found.name} is not whole: it {declared}, {cases:,} were found and read."
    return cases, [Notice("truncated", text, max(found.declared - cases, 0))]


def _refuse_too_large(found: SavDictionary, cases: int, options: ReadOptions) -> None:
    """ResourceLimitError where the cells that are asked for would not fit in memory."""
    share = 1.0 if options.columns is None else len(options.columns) / max(len(found.real_variables()), 1)
    rows = cases if options.rows is None else min(cases, options.rows)
    refuse_beyond_memory(found.name, rows * found.elements * 8 * share)


def _most(found: SavDictionary, cases: int | None) -> int:
    """An upper bound of the number of cases; the declared one where they were not counted."""
    if cases is not None:
        return cases
    return found.declared if found.declared >= 0 else 1 << 62


def _refuse_twins(found: SavDictionary) -> None:
    """DuplicateNameError for a name that two variables have."""
    raw = found.raw_names()
    twice = next((n for n, count in Counter(raw).items() if count > 1), None)
    if twice is not None:
        places = [i for i, n in enumerate(raw, 1) if n == twice]
        raise DuplicateNameError(
            f"{found.name} has the variable name '{twice.decode(errors='replace')}' at positions "
            f"{' and '.join(map(str, places))}. Rename one of them in SPSS."
        )


def _codebook(raw: SavFrame, found: SavDictionary) -> tuple[Codebook, list[Notice]]:
    encoding = raw.choice.encoding
    sets, notices = read_sets(found, encoding)
    said = variable_attributes(found, encoding)
    variables = {name: _variable(name, raw, said.get(name, {})) for name in raw.frame.columns}
    whole = file_attributes(found, encoding)
    title = raw.label
    if whole.get("long_title", "").startswith(title):
        title = whole.get("long_title", title)
    weight = found.weight(encoding)
    if found.weight_index and weight is None:
        notices.append(
            Notice("weight", f"The header names a weight variable at position {found.weight_index}; none is there.")
        )
    empty = [n for n, labels in raw.values.items() if any(code != code for code in labels)]
    if empty:
        text = f"Labels of system-missing were left out: {listed(empty)}. An empty cell has no code."
        notices.append(Notice("labels", text, len(empty)))
    return Codebook(
        variables=variables,
        sets=_kept_sets(sets, whole, variables),
        title=title,
        notes=raw.notes,
        weight=weight if weight in variables else None,
        encoding=encoding,
        attributes={k: v for k, v in whole.items() if k not in ("long_title", *(f"question_{s}" for s in sets))},
    ), notices


def _kept_sets(
    sets: Mapping[str, MultipleResponse], said: Mapping[str, str], variables: Mapping[str, Variable]
) -> dict[str, MultipleResponse]:
    """The sets whose columns are read, with their wording."""
    kept = {k: s for k, s in sets.items() if variables.keys() >= set(s.columns)}
    return {k: replace(s, question=said.get(f"question_{k}", "")) for k, s in kept.items()}


def _variable(name: str, raw: SavFrame, said: Mapping[str, str]) -> Variable:
    measure, alignment = raw.measure.get(name, "unknown"), raw.alignment.get(name, "")
    words, attributes = own_words(said)
    labels = {code: text for code, text in raw.values.get(name, {}).items() if code == code}
    variable = Variable(
        name=name,
        label=raw.labels.get(name, ""),
        labels=dict(sorted(labels.items())),
        missing=_missing_rule(raw.missing.get(name, ())),
        measure=cast(Measure, measure) if measure in _MEASURES else "unknown",
        format=raw.form.get(name) or "",
        width=raw.width.get(name),
        alignment=alignment if alignment in _ALIGNMENTS else "",
        attributes=attributes,
        **words,
    )
    return restored(variable, said)


def _missing_rule(parts: Iterable[Mapping[str, Any]]) -> MissingRule | None:
    """The rule; what it says of system-missing (NaN) says nothing."""
    parts = [p for p in parts if p["lo"] == p["lo"] and p["hi"] == p["hi"]]
    values = [p["lo"] for p in parts if p["lo"] == p["hi"]]
    ranges = [(_edge(p["lo"]), _edge(p["hi"])) for p in parts if p["lo"] != p["hi"]]
    return MissingRule(tuple(values), tuple(ranges)) if values or ranges else None


def _edge(value: float) -> float:
    if abs(value) >= _HIGHEST:
        return float("inf") if value > 0 else float("-inf")
    return value


def _codes(frame: pd.DataFrame, codebook: Codebook) -> tuple[pd.DataFrame, list[Notice]]:
    """The frame with dates, blank text and doubles as they should be; columns that are so already are not copied."""
    columns: dict[str, pd.Series] = {}
    notices = []
    for variable in codebook.variables.values():
        column, unit = frame[variable.name], spss_unit(variable.format)
        if _IS_TEXT.match(variable.format) or not pd.api.types.is_numeric_dtype(column):
            columns[variable.name] = _text(column, variable)
        elif unit is not None:
            columns[variable.name], notice = convert_dates(column.astype("float64"), variable, unit, SPSS_EPOCH)
            notices += [notice] if notice else []
        elif column.dtype != "float64":
            columns[variable.name] = column.astype("float64")
    return frame.assign(**columns), notices


def _text(column: pd.Series, variable: Variable) -> pd.Series:
    """Text as `str`; blank is missing unless it is a code of the variable."""
    text = column.astype("str")
    is_code = "" in variable.labels or (variable.missing is not None and "" in variable.missing.values)
    return text if is_code else text.where(text != "")
