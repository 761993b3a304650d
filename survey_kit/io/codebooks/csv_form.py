"""A codebook as CSV: one row a code ("long") or one row a variable ("wide", as `codebook.frame()` gives it).

A column is recognised by its header in any case: variable (or name, column ...), code (value ...), label, question ...
In long files `label` is a code's label, unless another column (value_label, text ...) holds those; in wide files it is
the variable's, and `values` holds "1 = Yes; 2 = No". Codes of a variable are numbers when all of them are written as
numbers without leading zeros, else texts; the column code_type ("number", "text") overrules that.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EncodingError,
    FileFormatError,
    ResourceLimitError,
    did_you_mean,
    listed,
)
from survey_kit.io.codebooks.csv_cells import missing_rule, natural, text_of_cell
from survey_kit.io.codebooks.yaml_form import Problems, yaml_code
from survey_kit.io.text import has_high_bytes, preview, rank_encodings

MOST_BYTES = 64_000_000
_MEASURES = ("nominal", "ordinal", "scale", "unknown")
_SYNONYMS = {
    "kind": ("kind",),
    "variable": ("variable", "name", "var", "variable name", "varname", "column", "column name", "field", "переменная"),
    "code": ("code", "value", "answer code", "value code", "option code", "код", "значение"),
    "value_label": ("value label", "code label", "answer", "answer label", "option", "text", "category", "метка"),
    "label": ("label",),
    "variable_label": ("variable label", "var label", "varlabel", "description", "метка переменной"),
    "values": ("values", "labels", "value labels", "categories", "codes", "answers", "options"),
    "code_type": ("code type",),
    "missing": ("missing", "is missing", "user missing", "пропуск"),
    "missing_values": ("missing values", "missing codes"),
    "question": ("question", "wording", "question text", "вопрос"),
    "measure": ("measure", "level", "measurement", "measurement level"),
    "filter": ("filter", "asked if", "ask if", "base", "universe", "фильтр"),
    "format": ("format",),
    "width": ("width",),
    "alignment": ("alignment",),
    "origin": ("origin",),
    "member": ("member",),
}
_KNOWN = {word: name for name, words in _SYNONYMS.items() for word in words}
_OWN = ("variable_label", "question", "measure", "filter", "missing_values", "format", "width", "alignment", "origin")
_ATTRIBUTE = "attribute:"
_KINDS = ("", "variable", "title", "note", "weight", "encoding", "attribute", "set")
_YES = ("yes", "y", "true", "x", "1", "+", "missing", "да")
_NO = ("", "no", "n", "false", "0", "-", "нет")
_PIECE = re.compile(r"[;|\n](?=[^;|\n=]{1,60}=)")

Row = tuple[int, dict[str, str]]


@dataclass(slots=True)
class _Draft:
    """What the rows say of one variable or set, each with its line."""

    line: int
    stated: dict[str, tuple[str, int]] = field(default_factory=dict)
    codes: list[tuple[str, str, str | None, bool, int]] = field(
        default_factory=list
    )  # cell, type, label, missing, line
    members: list[str] = field(default_factory=list)


def read_codebook_csv(path: Path) -> Codebook:
    """The codebook in a CSV file: comma, semicolon or tab; UTF-8 or, with a byte order mark, UTF-16.

    Raises:
        EncodingError: other encodings; names the likely one.
        DuplicateNameError: two columns for one thing.
        FileFormatError: unknown columns, and rows that contradict each other, with their lines. All at once.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "book.csv")
        ...     _ = file.write_text("variable;code;label;missing\\nq1;1;Yes;\\nq1;98;Don't know;x\\n", encoding="utf-8")
        ...     read_codebook_csv(file)["q1"].missing
        MissingRule(values=(98,), ranges=())
    """
    problems = Problems(path)
    rows = _rows(path, _decode(path), problems)
    problems.raise_any()
    book = _codebook(rows, problems)
    problems.raise_any()
    return book


def _decode(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ResourceLimitError(f"{path.name} has {path.stat().st_size:,} bytes; a codebook may have {MOST_BYTES:,}.")
    data = path.read_bytes()
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        lines = [line for line in data.splitlines()[:2000] if has_high_bytes(line)]
        likely = [f"{e} (“{preview(lines[:1], e)}”)" for e in rank_encodings(lines)[:2]]
        line = data[: error.start].count(b"\n") + 1
        hint = f" It looks like {' or '.join(likely)}." if likely else ""
        raise EncodingError(f"{path.name}, line {line}: the text is not UTF-8.{hint} Save it as UTF-8.") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DamagedFileError(f"{path.name}, line {line}: a NUL character. Save the file as text again.")
    return text


def _rows(path: Path, text: str, problems: Problems) -> list[Row]:
    """(line, {field: text}) of every row that is not blank."""
    delimiter = max(",;\t", key=lambda d: _recognised(text, d))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    try:
        header = next(reader, [])
        columns = _columns(path, header, problems)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells[len(columns) :]):
                problems.add(line, "", f"The row has {len(cells)} cells, the header {len(columns)}. Quote its texts.")
            found = {
                name: text_of_cell(cell) for name, cell in zip(columns, cells, strict=False) if name and cell != ""
            }
            if any(value.strip() for value in found.values()):
                rows.append((line, found))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileFormatError(
            f"{path.name}: quotes around line {reader.line_num} do not match ({error}). Double a quote inside quotes."
        ) from error
    return rows


def _recognised(text: str, delimiter: str) -> int:
    """How many cells of the first line are known headers."""
    cells = text[:10_000].partition("\n")[0].split(delimiter)
    return sum(_word(cell) in _KNOWN or cell.lstrip().lower().startswith(_ATTRIBUTE) for cell in cells)


def _word(header: str) -> str:
    return " ".join(re.split(r"[\s_\-.]+", header.strip().strip("\"'").casefold())).strip()


def _columns(path: Path, header: list[str], problems: Problems) -> list[str]:
    """The field of each column; columns of attributes keep their prefix, nameless ones are ""."""
    names = []
    for cell in header:
        plain = text_of_cell(cell)
        if plain.lstrip().lower().startswith(_ATTRIBUTE):
            names.append(_ATTRIBUTE + plain.lstrip()[len(_ATTRIBUTE) :])
            continue
        names.append(_KNOWN.get(_word(cell), ""))
        if cell.strip() and not names[-1]:
            hint = did_you_mean(_word(cell), _KNOWN) if cell.strip() else ""
            text = f"There is no column {cell.strip()!r} in a codebook.{hint} Remove it, or call it 'attribute:{cell.strip()}'."
            problems.add(1, "", text)
    if "variable" not in names:
        raise FileFormatError(
            f"{path.name} is no codebook: no column holds the variable. Its header is {listed(map(repr, header))}; "
            "name one 'variable'."
        )
    names = _settle(names)
    for name in {n for n in names if n and names.count(n) > 1}:
        both = listed([f"'{h.strip()}'" for h, n in zip(header, names, strict=True) if n == name])
        raise DuplicateNameError(f"{path.name}: the columns {both} both hold the {name.replace('_', ' ')}. Remove one.")
    return names


def _settle(names: list[str]) -> list[str]:
    """What a column called only "label" holds."""
    long = "code" in names and "values" not in names
    meaning = "value_label" if long and "value_label" not in names else "variable_label"
    return [meaning if name == "label" else name for name in names]


def _codebook(rows: list[Row], problems: Problems) -> Codebook:
    drafts: dict[str, _Draft] = {}
    sets: dict[str, _Draft] = {}
    whole: dict[str, tuple[str, int]] = {}
    notes, attributes, last = [], {}, ""
    for line, row in rows:
        kind = row.get("kind", "").strip().casefold()
        name = row.get("variable", "").strip()
        if kind not in _KINDS:
            problems.add(line, "", f"{kind!r} is no kind of row.{did_you_mean(kind, _KINDS[1:])}")
        elif kind == "note":
            notes.append(_text(row))
        elif kind == "attribute":
            attributes[name] = _text(row)
        elif kind == "weight":
            _state(whole, kind, name, line, problems, "")
        elif kind in ("title", "encoding"):
            _state(whole, kind, _text(row), line, problems, "")
        elif kind == "set":
            _gather(sets.setdefault(name, _Draft(line)), f"set {name}", row, line, problems)
        elif not (name or last):
            problems.add(line, "", "The row names no variable. Fill in its first column.")
        else:
            last = name or last
            _gather(drafts.setdefault(last, _Draft(line)), last, row, line, problems)
    stated = {key: text for key, (text, _) in whole.items()}
    return Codebook(
        {name: _variable(name, draft, problems) for name, draft in drafts.items()},
        {name: _set(name, draft, problems) for name, draft in sets.items()},
        title=stated.get("title", ""),
        notes=tuple(notes),
        weight=stated.get("weight") or None,
        encoding=stated.get("encoding", ""),
        attributes=attributes,
    )


def _text(row: dict[str, str]) -> str:
    """The text of a row that has one: its label, whichever column that is."""
    return row.get("value_label", row.get("variable_label", ""))


def _gather(draft: _Draft, name: str, row: dict[str, str], line: int, problems: Problems) -> None:
    for key in row:
        if key in _OWN or key == "values" or key.startswith(_ATTRIBUTE):
            _state(draft.stated, key, row[key], line, problems, name)
    if "member" in row:
        draft.members.append(row["member"])
    flag = row.get("missing", "").strip().casefold()
    cell, kind = row.get("code", ""), row.get("code_type", "").strip().casefold()
    has_code = bool(cell.strip() or kind)
    if has_code:
        draft.codes.append((cell, kind, row.get("value_label"), flag in _YES, line))
    elif "value_label" in row:
        _state(draft.stated, "variable_label", row["value_label"], line, problems, name)
    if flag not in _NO and not (has_code and flag in _YES):
        _state(draft.stated, "missing_values", row["missing"], line, problems, name)


def _state(stated: dict[str, tuple[str, int]], key: str, text: str, line: int, problems: Problems, where: str) -> None:
    known = stated.setdefault(key, (text, line))
    if known[0] != text:
        said = f"The {key.replace('_', ' ')} differs from the one on line {known[1]}. Keep one of them."
        problems.add(line, where, said)


def _variable(name: str, draft: _Draft, problems: Problems) -> Variable:
    def text(key: str) -> str:
        return draft.stated.get(key, ("", 0))[0]

    labels, flagged = _labels(name, draft, problems)
    line = draft.line
    attributes = {k.removeprefix(_ATTRIBUTE): t for k, (t, _) in draft.stated.items() if k.startswith(_ATTRIBUTE)}
    return Variable(
        name=name,
        label=text("variable_label"),
        labels=labels,
        missing=_rule(name, draft, flagged, problems),
        question=text("question"),
        measure=_measure(text("measure"), name, line, problems),
        format=text("format"),
        width=_width(text("width"), name, line, problems),
        filter=text("filter"),
        alignment=text("alignment"),
        attributes=attributes,
        origin=text("origin"),
    )


def _labels(name: str, draft: _Draft, problems: Problems) -> tuple[dict[Code, str], list[Code]]:
    """(labels, codes flagged as missing)"""
    if "values" in draft.stated:
        _cut_values(name, draft, problems)
    labels: dict[Code, str] = {}
    lines: dict[Code, int] = {}
    flagged = []
    for code, (_, _, label, missing, line) in zip(_typed(name, draft, problems), draft.codes, strict=True):
        if missing:
            flagged.append(code)
        if label is None:
            continue
        if code in labels and labels[code] != label:
            problems.add(line, name, f"Code {code} has another label on line {lines[code]}. Keep one of them.")
        labels.setdefault(code, label)
        lines.setdefault(code, line)
    return labels, flagged


def _cut_values(name: str, draft: _Draft, problems: Problems) -> None:
    """ "1 = Yes; 2 = No" as codes."""
    text, line = draft.stated["values"]
    for piece in _PIECE.split(text.strip().rstrip(";|")):
        code, equals, label = piece.partition("=")
        if equals:
            draft.codes.append((code.strip(), "", label.strip(), False, line))
        elif piece.strip():
            problems.add(line, name, "Its values cannot be read. Write '1 = Yes; 2 = No'.")


def _typed(name: str, draft: _Draft, problems: Problems) -> list[Code]:
    free = [cell for cell, kind, *_ in draft.codes if not kind]
    codes = natural(free)
    known = iter(codes)
    found: list[Code] = []
    for cell, kind, _, _, line in draft.codes:
        number = yaml_code(cell.strip().replace("inf", ".inf"))
        if not kind:
            found.append(next(known))
        elif kind == "number" and not isinstance(number, str):
            found.append(number)
        else:
            found.append(cell)
            if kind not in ("text", "category"):
                problems.add(
                    line, name, f"The code type {kind!r} does not fit the code {cell!r}. Write 'number' or 'text'."
                )
    return found


def _rule(name: str, draft: _Draft, flagged: list[Code], problems: Problems) -> MissingRule | None:
    text, line = draft.stated.get("missing_values", ("", draft.line))
    if not text.strip():
        return MissingRule(tuple(flagged)) if flagged else None
    if text.strip().casefold() == "none":
        return MissingRule(tuple(flagged))
    rule = missing_rule(text)
    if any(low > high for low, high in rule.ranges):
        problems.add(line, name, "A range of its missing values has its lower edge second. Write '-9 to -1'.")
    return MissingRule((*flagged, *(v for v in rule.values if v not in flagged)), rule.ranges)


def _measure(text: str, name: str, line: int, problems: Problems) -> Any:
    word = text.strip().casefold()
    if word and word not in _MEASURES:
        problems.add(line, name, f"{text!r} is no measure.{did_you_mean(word, _MEASURES)}")
        return "unknown"
    return word or "unknown"


def _width(text: str, name: str, line: int, problems: Problems) -> int | None:
    width = yaml_code(text.strip())
    if text.strip() and not isinstance(width, int):
        problems.add(line, name, f"Its width {text!r} is no whole number.")
    return width if isinstance(width, int) else None


def _set(name: str, draft: _Draft, problems: Problems) -> MultipleResponse:
    label = draft.stated.get("variable_label", ("", 0))[0]
    counted: Code | None = 1
    for code, (_, kind, text, _, _) in zip(_typed(name, draft, problems), draft.codes, strict=True):
        counted = None if kind == "category" else code
        label = label or text or ""
    return MultipleResponse(name, tuple(draft.members), counted, label, draft.stated.get("question", ("", 0))[0])
