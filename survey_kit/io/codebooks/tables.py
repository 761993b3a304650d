"""A codebook as tables that a person reads and edits (a sheet or a CSV file each), and back without loss. No files here.

    variables   name, label, question, type, measure, format, width, alignment, filter, missing, origin, attributes
    values      variable, code, label
    sets        name, columns, counted, label, question
    file        key, value: title, note (one row each), weight, encoding, attribute NAME

A table is a list of rows, the first holds the field names. `missing` is written "98; 99; -9 to -1; LO to 0", "none"
where the file states that no code is missing, and empty where it states nothing. `codebooks/codes.py` says how codes are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable, format_code
from survey_kit.errors import FileFormatError, did_you_mean
from survey_kit.io.codebooks.codes import (
    cell_text,
    code_cell,
    is_blank,
    join_texts,
    parse_code,
    parse_missing,
    split_texts,
    write_missing,
)
from survey_kit.io.codebooks.csv_cells import missing_rule

Table = list[list[Any]]

VARIABLE_FIELDS = (
    "name",
    "label",
    "question",
    "type",
    "measure",
    "format",
    "width",
    "alignment",
    "filter",
    "missing",
    "origin",
    "attributes",
)
VALUE_FIELDS = ("variable", "code", "label")
SET_FIELDS = ("name", "columns", "counted", "label", "question")
FILE_FIELDS = ("key", "value")
_FIELDS = {"variables": VARIABLE_FIELDS, "values": VALUE_FIELDS, "sets": SET_FIELDS, "file": FILE_FIELDS}
_NEEDED = {"variables": ("name",), "values": VALUE_FIELDS, "sets": ("name", "columns"), "file": FILE_FIELDS}
TYPES = ("number", "integer", "text", "date")
_MEASURES = ("nominal", "ordinal", "scale", "unknown")
_ATTRIBUTE = "attribute "
_SINGLE = ("title", "weight", "encoding")
WRITER_KEYS = ("layout", "empty text", "empty row")  # rows of "file" about the cells of a workbook, not the codebook


def to_tables(
    codebook: Codebook, numeric: Mapping[str, bool], types: Mapping[str, str] | None = None
) -> dict[str, Table]:
    """The codebook as four tables: "variables", "values", "sets", "file". Equal codebooks give equal tables.

    Args:
        codebook: any codebook.
        numeric: whether a column holds numbers; a column that is not named has an empty type.
        types: the words of `TYPES` for columns where more than that is known ("integer", "date").

    Cells are text, and int or float for plain numeric codes and widths; a caller that needs text writes `str(cell)`.

    >>> book = Codebook({"q1": Variable("q1", labels={1: "Yes", 9: "Refused"}, missing=MissingRule((9,)))})
    >>> tables = to_tables(book, {"q1": True})
    >>> tables["values"]
    [['variable', 'code', 'label'], ['q1', 1, 'Yes'], ['q1', 9, 'Refused']]
    >>> from_tables(tables) == book
    True
    """
    kinds = {name: "number" if is_number else "text" for name, is_number in numeric.items()} | dict(types or {})
    variables: Table = [list(VARIABLE_FIELDS)]
    values: Table = [list(VALUE_FIELDS)]
    for variable in codebook.variables.values():
        kind = kinds.get(variable.name, "")
        variables.append(_variable_row(variable, kind))
        values += [[variable.name, code_cell(code, kind), label] for code, label in variable.labels.items()]
    sets = [list(SET_FIELDS), *(_set_row(group, kinds) for group in codebook.sets.values())]
    return {"variables": variables, "values": values, "sets": sets, "file": _file_rows(codebook)}


def from_tables(tables: Mapping[str, Sequence[Sequence[Any]]]) -> Codebook:
    """The codebook of tables as `to_tables` makes them; "values", "sets", "file" and most fields may be left out.

    Fields may stand in any order. Empty cells (None, "" or NaN) mean the default. Raises FileFormatError that names
    table, row (from 1, the field names are row 1) and field; it does not know the file, callers put its name before.

    >>> from_tables({"variables": [["name", "label"], ["age", "Age in years"]]})["age"].label
    'Age in years'
    >>> from_tables({"variables": [["name", "lable"], ["age", "Age"]]})
    Traceback (most recent call last):
    survey_kit.errors.FileFormatError: Table 'variables', row 1: there is no field 'lable'. Did you mean 'label'?
    """
    for name in tables:
        if name not in _FIELDS:
            raise FileFormatError(f"There is no table {name!r} in a codebook.{did_you_mean(name, _FIELDS)}")
    if "variables" not in tables:
        raise FileFormatError("A codebook needs a table 'variables' with a field 'name'.")
    kinds = table_types(tables)
    labels = _labels(tables, kinds)
    variables = {}
    for row in _rows(tables, "variables"):
        name = row.text("name")
        variables[name] = _variable(row, kinds[name], labels.get(name, {}))
    return _codebook(tables, variables, _sets(tables, kinds))


def table_types(tables: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, str]:
    """The type of every variable ("number", "integer", "text", "date" or ""). Raises FileFormatError as `from_tables`."""
    kinds: dict[str, str] = {}
    for row in _rows(tables, "variables"):
        name = row.text("name")
        if not name:
            raise row.error("name", "is empty. Name the variable, or delete the row")
        if name in kinds:
            raise row.error("name", f"{name!r} is there already. Delete one of the rows")
        kinds[name] = row.word("type", TYPES)
    return kinds


def writer_cells(tables: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, str]:
    """What the table "file" says of the cells of a workbook: the rows with a key of `WRITER_KEYS`."""
    return {r.text("key"): r.text("value") for r in _rows(tables, "file") if r.text("key") in WRITER_KEYS}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of a table, its cells by field."""

    table: str
    number: int
    cells: Mapping[str, Any]

    def text(self, name: str) -> str:
        return cell_text(self.cells.get(name))

    def word(self, name: str, allowed: Sequence[str]) -> str:
        value = self.text(name)
        if value and value not in allowed:
            raise self.error(name, f"{value!r} is not available.{did_you_mean(value, allowed)}", end="")
        return value

    def error(self, name: str, problem: str, end: str = ".") -> FileFormatError:
        return FileFormatError(f"Table '{self.table}', row {self.number}, field '{name}': {problem}{end}")


def _rows(tables: Mapping[str, Sequence[Sequence[Any]]], table: str) -> Iterator[_Row]:
    """The rows of a table that hold anything, with their numbers from 1."""
    content = tables.get(table) or [[]]
    header = ["" if is_blank(name) else str(name).strip() for name in content[0]]
    _check_header(table, header, bool(tables.get(table)))
    for number, cells in enumerate(content[1:], 2):
        if all(is_blank(cell) for cell in cells):
            continue
        beyond = [c for c in cells[len(header) :] if not is_blank(c)]
        if beyond or any(not is_blank(c) and not h for c, h in zip(cells, header, strict=False)):
            raise FileFormatError(f"Table '{table}', row {number}: a cell stands under no field name. Delete it.")
        yield _Row(table, number, dict(zip(header, cells, strict=False)))


def _check_header(table: str, header: list[str], present: bool) -> None:
    known = _FIELDS[table]
    where = f"Table '{table}', row 1:"
    for name in filter(None, header):
        if name not in known:
            raise FileFormatError(f"{where} there is no field {name!r}.{did_you_mean(name, known)}")
        if header.count(name) > 1:
            raise FileFormatError(f"{where} the field '{name}' is there twice. Delete one of the columns.")
    lacking = [name for name in _NEEDED[table] if name not in header]
    if present and lacking:
        raise FileFormatError(f"{where} the field '{lacking[0]}' is missing. The fields are: {', '.join(known)}.")


def _variable_row(variable: Variable, kind: str) -> list[Any]:
    return [
        variable.name,
        variable.label,
        variable.question,
        kind,
        variable.measure,
        variable.format,
        "" if variable.width is None else int(variable.width),
        variable.alignment,
        variable.filter,
        write_missing(variable.missing, kind),
        variable.origin,
        json.dumps(dict(variable.attributes), ensure_ascii=False) if variable.attributes else "",
    ]


def _variable(row: _Row, kind: str, labels: Mapping[Code, str]) -> Variable:
    return Variable(
        name=row.text("name"),
        label=row.text("label"),
        labels=labels,
        missing=_missing(row, kind),
        question=row.text("question"),
        measure=row.word("measure", _MEASURES) or "unknown",  # type: ignore[arg-type]
        format=row.text("format"),
        width=_width(row),
        filter=row.text("filter"),
        alignment=row.text("alignment"),
        attributes=_attributes(row),
        origin=row.text("origin"),
    )


def _missing(row: _Row, kind: str) -> MissingRule | None:
    """The rule as we write it, or as a codebook in CSV may have it ("98, 99", "-inf to -1", "90..99") when it is of numbers."""
    text = row.text("missing")
    try:
        return parse_missing(text, kind)
    except ValueError as error:
        rule = missing_rule(text)
        if kind == "text" or any(isinstance(value, str) for value in rule.values):
            raise row.error("missing", str(error)) from None
        return rule


def _width(row: _Row) -> int | None:
    text = row.text("width")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise row.error("width", f"{text!r} is no whole number") from None


def _attributes(row: _Row) -> dict[str, str]:
    text = row.text("attributes")
    try:
        found = json.loads(text) if text else {}
    except (json.JSONDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise row.error("attributes", 'is not of the form {"name": "text"}')
    return found


def _labels(tables: Mapping[str, Sequence[Sequence[Any]]], kinds: Mapping[str, str]) -> dict[str, dict[Code, str]]:
    labels: dict[str, dict[Code, str]] = {}
    for row in _rows(tables, "values"):
        name = row.text("variable")
        if name not in kinds:
            raise row.error(
                "variable", f"no variable {name!r} in table 'variables'.{did_you_mean(name, kinds)}", end=""
            )
        code = _code(row, "code", kinds[name])
        if code is None:
            raise row.error("code", 'is empty. Write the code, or "" (two quotes) for the empty text')
        if code in labels.setdefault(name, {}):
            raise row.error("code", f"{format_code(code)} of '{name}' is labelled twice. Delete one of the rows")
        labels[name][code] = row.text("label")
    return labels


def _code(row: _Row, name: str, kind: str) -> Code | None:
    try:
        return parse_code(row.cells.get(name), kind)
    except ValueError as error:
        raise row.error(name, str(error)) from None


def _set_row(group: MultipleResponse, kinds: Mapping[str, str]) -> list[Any]:
    counted = "" if group.counted is None else code_cell(group.counted, _set_kind(group.columns, kinds))
    return [group.name, join_texts(group.columns), counted, group.label, group.question]


def _set_kind(columns: Sequence[str], kinds: Mapping[str, str]) -> str:
    return kinds.get(columns[0], "") if columns else ""


def _sets(tables: Mapping[str, Sequence[Sequence[Any]]], kinds: Mapping[str, str]) -> dict[str, MultipleResponse]:
    sets: dict[str, MultipleResponse] = {}
    for row in _rows(tables, "sets"):
        name = row.text("name")
        if name in sets:
            raise row.error("name", f"{name!r} is there already. Delete one of the rows")
        try:
            columns = split_texts(row.text("columns"))
        except ValueError as error:
            raise row.error("columns", str(error)) from None
        lost = next((c for c in columns if c not in kinds), None)
        if lost is not None:
            raise row.error("columns", f"no variable {lost!r} in table 'variables'.{did_you_mean(lost, kinds)}", end="")
        counted = _code(row, "counted", _set_kind(columns, kinds))
        sets[name] = MultipleResponse(name, columns, counted, row.text("label"), row.text("question"))
    return sets


def _file_rows(codebook: Codebook) -> Table:
    rows: Table = [list(FILE_FIELDS)]
    rows += [["title", codebook.title]] if codebook.title else []
    rows += [["note", note] for note in codebook.notes]
    rows += [["weight", codebook.weight]] if codebook.weight is not None else []
    rows += [["encoding", codebook.encoding]] if codebook.encoding else []
    return rows + [[_ATTRIBUTE + name, text] for name, text in codebook.attributes.items()]


def _codebook(
    tables: Mapping[str, Sequence[Sequence[Any]]], variables: dict[str, Variable], sets: dict[str, MultipleResponse]
) -> Codebook:
    single: dict[str, str] = {}
    notes: list[str] = []
    attributes: dict[str, str] = {}
    for row in _rows(tables, "file"):
        key, value = row.text("key"), row.text("value")
        if key == "note":
            notes.append(value)
        elif key.startswith(_ATTRIBUTE):
            attributes[key.removeprefix(_ATTRIBUTE)] = value
        elif key not in (*_SINGLE, *WRITER_KEYS):
            raise row.error("key", f"there is no key {key!r}.{did_you_mean(key, (*_SINGLE, 'note'))}", end="")
        elif key in single:
            raise row.error("key", f"'{key}' is there already. Delete one of the rows")
        else:
            single[key] = value
    weight = single.get("weight")
    if weight and weight not in variables:
        raise FileFormatError(f"Table 'file': no variable {weight!r} for the weight.{did_you_mean(weight, variables)}")
    return Codebook(
        variables, sets, single.get("title", ""), tuple(notes), weight, single.get("encoding", ""), attributes
    )
