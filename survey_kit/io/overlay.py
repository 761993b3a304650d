"""A codebook from the questionnaire side, laid over data that have no labels, or not enough."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, MissingRule, MultipleResponse, Variable, format_code
from survey_kit.errors import EncodingError, FileFormatError, ResourceLimitError, WrongFormatError, listed
from survey_kit.io.contents import FileContents
from survey_kit.io.doubts import doubts
from survey_kit.io.registry import Format, find_format
from survey_kit.io.sniff import check_content, check_exists
from survey_kit.io.write import is_text
from survey_kit.io.xlsform.columns import Placed, place
from survey_kit.schema import Notice

_IO = "survey_kit.io."
_WORKBOOK = Format(_IO + "overlay:read_codebook_workbook")
CODEBOOKS = {
    ".yml": Format(_IO + "codebooks.yaml_form:read_codebook_yaml"),
    ".yaml": Format(_IO + "codebooks.yaml_form:read_codebook_yaml"),
    ".csv": Format(_IO + "codebooks.csv_form:read_codebook_csv"),
    ".tsv": Format(_IO + "codebooks.csv_form:read_codebook_csv"),
    ".json": Format(_IO + "overlay:read_codebook_json"),
    ".xlsx": _WORKBOOK,
    ".xlsm": _WORKBOOK,
    ".xls": _WORKBOOK,
    ".ods": _WORKBOOK,
}
_MOST_JSON = 64_000_000  # bytes
_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]+)?")
_SHOWN = 8


def load_codebook(path: str | os.PathLike[str]) -> Codebook:
    """Read a codebook: .yml or .yaml, .csv or .tsv, .json, or a workbook (.xlsx, .xls, .ods) that is an XLSForm.

    Labels of an XLSForm in several languages are joined by " | "; `codebook.in_language(0)` picks one. R equivalents:
    `labelled::set_variable_labels` and its kin, `robotoolbox` for KoboToolbox.

    Raises:
        MissingFileError, EmptyFileError, EncodingError, ResourceLimitError, DamagedFileError: as `read_file`.
        WrongFormatError: another kind of file.
        FileFormatError: a codebook with mistakes; all are listed with their lines or rows.
    """
    path = Path(path)
    door = find_format(path, CODEBOOKS, "read as a codebook")
    check_exists(path)
    check_content(path)
    book: Codebook = door.load()(path)
    return book


def read_codebook_json(path: Path) -> Codebook:
    """The codebook of `save_codebook` or `codebook_to_json` in a .json file."""
    from survey_kit.io.codebooks.json_form import codebook_from_json

    if path.stat().st_size > _MOST_JSON:
        raise ResourceLimitError(f"{path.name} has {path.stat().st_size:,} bytes; a codebook may have {_MOST_JSON:,}.")
    try:
        return codebook_from_json(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise EncodingError(f"{path.name}: the text is not UTF-8. Save the file as UTF-8.") from None
    except (FileFormatError, ValueError) as error:
        raise FileFormatError(f"{path.name} is no codebook in JSON: {error}") from error


def read_codebook_workbook(path: Path) -> Codebook:
    """An XLSForm, or a workbook with our sheets "variables" and "values"."""
    from survey_kit.io.xlsform.sheets import sheet_names

    names = sheet_names(path)
    if "survey" in names:
        from survey_kit.io.xlsform.form import read_xlsform

        return read_xlsform(path)
    if "variables" in names:
        return _read_tables(path)
    raise WrongFormatError(
        f"{path.name} is no codebook: it has the sheets {listed(map(repr, names))}. An XLSForm has a sheet 'survey', "
        "a workbook of ours 'variables' and 'values'."
    )


def _read_tables(path: Path) -> Codebook:
    from survey_kit.io.codebooks.tables import from_tables
    from survey_kit.io.xlsform.sheets import read_sheets

    try:
        return from_tables(read_sheets(path, ("variables", "values", "sets", "file")))
    except FileFormatError as error:
        text = str(error)
        raise type(error)(text if text.startswith(path.name) else f"{path.name}: {text}") from error


@dataclass
class _Said:
    """Collects what is said about columns, to be said once each."""

    to_number: list[str] = field(default_factory=list)
    to_text: list[str] = field(default_factory=list)
    text_codes: list[str] = field(default_factory=list)
    as_text: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def notices(self) -> list[Notice]:
        texts = (
            ("codes", self.to_number, "Text was read as numbers, as the codes of the codebook are: {}."),
            ("codes", self.to_text, "Numbers were made text, since the codebook has codes that are none: {}."),
            ("codes", self.text_codes, "Numbers were made text, as the codes of the codebook are: {}."),
            ("codes", self.as_text, "Codes of the codebook were made text, since the columns hold other texts: {}."),
            ("codes", self.ranges, "Ranges of missing values were left out, since the columns hold text: {}."),
            ("no_match", self.strangers, "No value is a code of the codebook: {}. Was the export made with labels?"),
        )
        return [Notice(kind, text.format(listed(names)), len(names)) for kind, names, text in texts if names]


def lay_over(contents: FileContents, codebook: Codebook, *, some_columns: bool = False) -> FileContents:
    """The contents with a codebook laid over. What it states wins over the file; what it does not state stays.

    Columns are matched by their exact names; the questions of an XLSForm also with their groups ("group/q"), and its
    `select_multiple` with the columns of their options, which are made where the data have one text ("a c"). Text is read
    as numbers where the codebook has numeric codes and every value of the column is a number; numbers become text where
    all codes of the codebook are texts and the file has no codes of its own; codes follow the column otherwise. Labels
    are laid over code by code. Nothing is removed: labels of codes that do not occur stay, codes without a label too.
    Notices list what did not match.

    Args:
        some_columns: only some columns of the file were read; variables without a column are no news then.

    Example:
        >>> from survey_kit.codebook import Variable
        >>> codes = pd.DataFrame({"q1": [1, 2]})
        >>> contents = FileContents(codes, Codebook({"q1": Variable("q1")}), (), "csv")
        >>> laid = lay_over(contents, Codebook({"q1": Variable("q1", "Vote", {1: "Yes", 2: "No"})}))
        >>> laid.codebook["q1"].label
        'Vote'
    """
    placed = place(contents.codes, codebook)
    said = _Said()
    counted = {c: s.counted for s in placed.sets.values() if s.counted is not None for c in s.columns}
    columns: dict[str, pd.Series] = {}
    variables: dict[str, Variable] = {}
    for name, column in placed.columns.items():
        old = contents.codebook.variables.get(name, Variable(name))
        columns[name], variables[name] = column, old
        if name in placed.variables:
            columns[name], variables[name] = _laid(column, old, placed.variables[name], counted.get(name), said)
    codes = pd.DataFrame(columns, index=contents.codes.index)
    absent = [] if some_columns else _absent(variables, placed.variables, placed.excused, codebook.weight)
    extra = [name for name in contents.codes.columns if name not in placed.variables]
    kept = {k: s for k, s in placed.sets.items() if s.columns and all(c in variables for c in s.columns)}
    weight, odd = _weight(codebook.weight, codes)
    book = _whole(contents.codebook, replace(codebook, weight=weight), variables, kept)
    stale = doubts(contents.codes, contents.codebook)
    notices = [notice for notice in contents.notices if notice not in stale]
    notices += [
        *placed.notices(),
        *said.notices(),
        *absent,
        *_extra(extra),
        *odd,
        *_lost_sets(placed, kept, some_columns),
    ]
    return FileContents(codes, book, tuple(notices + doubts(codes, book)), contents.format)


def _weight(name: str | None, codes: pd.DataFrame) -> tuple[str | None, list[Notice]]:
    """The weight that a codebook names, where its column holds numbers."""
    if name is None or name not in codes:
        return None, []
    if pd.api.types.is_numeric_dtype(codes[name].dtype):
        return name, []
    text = f"The codebook names '{name}' as the weight, but it holds no numbers; it is not taken as the weight."
    return None, [Notice("weight", text)]


def _whole(old: Codebook, new: Codebook, variables: dict[str, Variable], sets: dict[str, MultipleResponse]) -> Codebook:
    """What belongs to the file as a whole."""
    return Codebook(
        variables,
        {**old.sets, **sets},
        title=new.title or old.title,
        notes=tuple(dict.fromkeys((*old.notes, *new.notes))),
        weight=new.weight or old.weight,
        encoding=old.encoding or new.encoding,
        attributes={**old.attributes, **new.attributes},
    )


def _laid(
    column: pd.Series, old: Variable, new: Variable, counted: Code | None, said: _Said
) -> tuple[pd.Series, Variable]:
    """A column and its variable after the overlay."""
    rule = new.missing or MissingRule()
    stated = [*new.labels, *rule.values, *(() if counted is None else (counted,)), *(e for r in rule.ranges for e in r)]
    if stated and not pd.api.types.is_datetime64_any_dtype(column):
        bare = not old.labels and old.missing in (None, MissingRule())
        column, numeric = _fitted(column, stated, bare, said)
        said.ranges += [new.name] if rule.ranges and not numeric else []
        old, new = _typed(old, numeric), _typed(new, numeric)
    merged = _merged(old, new)
    if new.labels and column.notna().any() and not column.isin(list(merged.labels)).any():
        said.strangers.append(new.name)
    bare = old == Variable(old.name, measure=old.measure)
    if bare and new.measure == "unknown" and (new.labels or rule != MissingRule()):
        merged = replace(merged, measure=_guess(column, merged))
    return column, merged


def _guess(column: pd.Series, variable: Variable) -> Measure:
    """The measure, where the file had only guessed one: numbers that labels do not cover are a scale."""
    valid = column[~variable.is_missing(column)]
    return "nominal" if is_text(column) or bool(valid.isin(list(variable.labels)).all()) else "scale"


def _fitted(column: pd.Series, stated: list[Code], bare: bool, said: _Said) -> tuple[pd.Series, bool]:
    """(column, whether it is numeric): text becomes numbers, or numbers text, where the codes ask for it.

    `bare`: the file has no codes of its own for the column.
    """
    name = str(column.name)
    readable = all(not isinstance(code, str) or _NUMBER.fullmatch(code) for code in stated)
    if not is_text(column):
        turned = bare and all(map(_is_written_number, stated))
        if readable and not turned:
            return column, True
        if column.notna().any():
            (said.text_codes if turned else said.to_text).append(name)
        return _as_text(column), False
    if all(isinstance(code, str) for code in stated):
        return column, False
    numbers = _as_numbers(column) if readable else None
    if numbers is None:
        said.as_text.append(name)
        return column, False
    if column.notna().any():
        said.to_number.append(name)
    return numbers, True


def _is_written_number(code: Code) -> bool:
    """A text code that a number in a file would be written as: "1", not "01"."""
    return isinstance(code, str) and _NUMBER.fullmatch(code) is not None and format_code(float(code)) == code


def _as_text(column: pd.Series) -> pd.Series:
    texts = [None if pd.isna(value) else format_code(value) for value in column.tolist()]
    return pd.Series(texts, index=column.index, name=column.name, dtype="str")


def _as_numbers(column: pd.Series) -> pd.Series | None:
    """int64 or float64, or None where a text is no number or two texts would become one."""
    position, texts = pd.factorize(column)
    plain = {text: str(text).strip() for text in texts}
    if not all(_NUMBER.fullmatch(text) for text in plain.values()):
        return None
    numbers = np.array([float(text) for text in plain.values()] + [np.nan])
    if len(set(numbers[:-1])) < len(set(plain.values())):
        return None
    values = numbers[position]
    whole = bool(np.all(values == np.floor(values)))
    return pd.Series(values.astype("int64") if whole else values, index=column.index, name=column.name)


def _typed(variable: Variable, numeric: bool) -> Variable:
    """The variable with its codes as numbers, or as texts; texts that are no numbers stay."""

    def code(value: Code) -> Code:
        if numeric and isinstance(value, str) and _NUMBER.fullmatch(value):
            number = float(value)
            return int(number) if number.is_integer() else number
        return value if numeric else format_code(value)

    rule = variable.missing
    if rule is not None:
        ranges = rule.ranges if numeric else ()
        rule = MissingRule(tuple(dict.fromkeys(map(code, rule.values))), ranges)
    labels: dict[Code, str] = {}
    for key, text in variable.labels.items():
        labels.setdefault(code(key), text)
    return replace(variable, labels=labels, missing=rule)


def _merged(old: Variable, new: Variable) -> Variable:
    """Fields that the new one states, else those of the old one."""
    labels = new.labels if set(old.labels) <= set(new.labels) else {**old.labels, **new.labels}
    return Variable(
        old.name,
        label=new.label or old.label,
        labels=labels,
        missing=old.missing if new.missing is None else new.missing,
        question=new.question or old.question,
        measure=old.measure if new.measure == "unknown" else new.measure,
        format=new.format or old.format,
        width=old.width if new.width is None else new.width,
        filter=new.filter or old.filter,
        alignment=new.alignment or old.alignment,
        attributes={**old.attributes, **new.attributes},
        origin=new.origin or old.origin,
    )


def _absent(
    there: Mapping[str, Variable], stated: Mapping[str, Variable], excused: set[str], weight: str | None
) -> list[Notice]:
    """What the codebook describes and the data do not have, with columns of nearly that name."""
    names = [name for name in stated if name not in there and name not in excused]
    names += [weight] if weight and weight not in there and weight not in names else []
    if not names:
        return []
    spare = [name for name in there if name not in stated]
    shown = [name + _near(name, spare) for name in names[:_SHOWN]] + names[_SHOWN:]
    text = f"Variables of the codebook that the data do not have: {listed(shown, _SHOWN)}."
    return [Notice("not_in_data", text, len(names))]


def _near(name: str, spare: list[str]) -> str:
    lowered = {other.casefold(): other for other in reversed(spare)}
    close = get_close_matches(name.casefold(), list(lowered), n=1, cutoff=0.8)
    return f" (the data have '{lowered[close[0]]}')" if close else ""


def _extra(names: Iterable[str]) -> list[Notice]:
    names = list(names)
    if not names:
        return []
    text = f"Columns of the data that the codebook does not know, left as they are: {listed(names)}."
    return [Notice("not_in_codebook", text, len(names))]


def _lost_sets(placed: Placed, kept: Mapping[str, object], some_columns: bool) -> list[Notice]:
    """Sets without their columns, unless it was said of the question already."""
    lost = [name for name, s in placed.sets.items() if name not in kept and not placed.excused.issuperset(s.columns)]
    if not lost or some_columns:
        return []
    text = f"Multiple-response sets of the codebook whose columns are not all in the data: {listed(lost)}."
    return [Notice("multiple_response", text, len(lost))]
