"""A codebook as a file of its own that people can edit: .yml, .csv or .json. `load_codebook` reads it back unchanged."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import OutputError, WrongFormatError, listed
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.csv_cells import cell_of_text, missing_words, natural, plain_code, same
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json

_PLAIN = re.compile(r"[^\W\d_]([\w /()%.'-]*[\w).%])?")  # needs no quotes in YAML
_NAME = re.compile(r"[^\W\d]\w*")
_WORDS = frozenset(("null", "true", "false"))
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_COLUMNS = (
    *("kind", "variable", "code", "label", "code_type", "missing", "variable_label", "question", "measure", "filter"),
    *("missing_values", "format", "width", "alignment", "origin", "member"),
)
_LONGEST_CELL = 131_072  # what Python's csv module reads
_LONGEST_KEY = 500  # a key of more characters needs the form "? key"


def save_codebook(path: str | os.PathLike[str], codebook: Codebook) -> None:
    """Write a codebook for people to edit; an old file is replaced only when the new one is complete.

    The form follows the extension: .yml or .yaml, .csv (one row a code), .json. `load_codebook` gives the same codebook
    back: codes keep their type, labels their order. Equal codebooks give equal bytes. R equivalent:
    `labelled::generate_dictionary`, which cannot be read back.

    Raises:
        WrongFormatError: another extension.
        OutputError: something that the form cannot hold (names it), or a folder that cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> book = Codebook({"q1": Variable("q1", "Vote", {1: "Yes", 98: "Don't know"}, MissingRule((98,)))})
        >>> with TemporaryDirectory() as folder:
        ...     save_codebook(Path(folder, "book.yml"), book)
        ...     print(Path(folder, "book.yml").read_text(encoding="utf-8"))
        variables:
          q1:
            label: Vote
            labels:
              1: Yes
              98: Don't know
            missing: [98]
    """
    path = Path(path)
    _refuse_nan(path, codebook)
    write = _FORMS.get(path.suffix.lower())
    if write is None:
        raise WrongFormatError(f"{path.name}: a codebook is written as {listed(_FORMS)}. Choose one of them.")
    try:
        content = write(path, codebook).encode("utf-8")
    except UnicodeEncodeError as error:
        bad = ord(error.object[error.start])
        raise OutputError(
            f"{path.name}: a text holds U+{bad:04X}, half a character. Correct the label first."
        ) from None
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _refuse_nan(path: Path, codebook: Codebook) -> None:
    for variable in codebook.variables.values():
        rule = variable.missing or MissingRule()
        edges = [edge for pair in rule.ranges for edge in pair]
        if any(code != code for code in (*variable.labels, *rule.values, *edges)):
            raise OutputError(f"{path.name}: '{variable.name}' has the code NaN, which is missing already. Remove it.")


def _json(path: Path, codebook: Codebook) -> str:
    try:
        text = codebook_to_json(codebook)
        same_book = codebook_from_json(text) == codebook
    except (ValueError, TypeError) as error:
        raise OutputError(f"{path.name}: JSON cannot hold the codebook ({error}). Write .yml instead.") from error
    if not same_book:
        raise OutputError(f"{path.name}: JSON cannot hold the codebook (an infinite code). Write .yml instead.")
    content = json.loads(text)
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _yaml(path: Path, codebook: Codebook) -> str:
    return "".join(line + "\n" for line in _lines(codebook)) or "variables: {}\n"


def _lines(book: Codebook) -> Iterator[str]:
    yield from _texts("", (("title", book.title),))
    if book.notes:
        yield f"notes: [{', '.join(map(_quoted, book.notes))}]"
    yield from _texts("", (("weight", book.weight or ""), ("encoding", book.encoding)))
    yield from _attributes("", book.attributes)
    for name, entries in (
        ("variables", {n: _variable(v) for n, v in book.variables.items()}),
        ("sets", {n: _set(s) for n, s in book.sets.items()}),
    ):
        if entries:
            yield f"{name}:"
        for key, lines in entries.items():
            yield _key("  ", _name(key))
            yield from lines


def _variable(variable: Variable) -> Iterator[str]:
    pad = "    "
    yield from _texts(pad, (("label", variable.label), ("question", variable.question)))
    if variable.labels:
        yield f"{pad}labels:"
    for code, text in variable.labels.items():
        yield f"{_key('      ', yaml_text(code))} {_text(text)}"
    if variable.missing is not None:
        yield f"{pad}missing: {_rule(variable.missing)}"
    yield from _texts(pad, (("measure", variable.measure.replace("unknown", "")), ("filter", variable.filter)))
    yield from _texts(pad, (("format", variable.format),))
    if variable.width is not None:
        yield f"{pad}width: {int(variable.width)}"
    yield from _texts(pad, (("alignment", variable.alignment), ("origin", variable.origin)))
    yield from _attributes(pad, variable.attributes)


def _set(group: MultipleResponse) -> Iterator[str]:
    yield f"    columns: [{', '.join(map(_name, group.columns))}]"
    yield f"    counted: {'null' if group.counted is None else yaml_text(group.counted)}"
    yield from _texts("    ", (("label", group.label), ("question", group.question)))


def _texts(pad: str, pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for key, text in pairs:
        if text:
            yield f"{pad}{key}: {_text(text)}"


def _attributes(pad: str, attributes: Mapping[str, str]) -> Iterator[str]:
    if attributes:
        yield f"{pad}attributes:"
    for key, text in attributes.items():
        yield f"{_key(pad + '  ', _name(key))} {_text(text)}"


def _key(pad: str, key: str) -> str:
    """The key and its colon; a long one in the form that YAML asks for."""
    return f"{pad}{key}:" if len(key) <= _LONGEST_KEY else f"{pad}? {key}\n{pad}:"


def _rule(rule: MissingRule) -> str:
    values = f"[{', '.join(map(yaml_text, rule.values))}]"
    if not rule.ranges:
        return values
    ranges = ", ".join(f"[{yaml_text(low)}, {yaml_text(high)}]" for low, high in rule.ranges)
    return f"{{codes: {values}, ranges: [{ranges}]}}" if rule.values else f"{{ranges: [{ranges}]}}"


def yaml_text(code: Code) -> str:
    """A code as YAML writes it: texts in quotes, numbers without.

    >>> yaml_text(1), yaml_text(1.0), yaml_text("1"), yaml_text(float("-inf"))
    ('1', '1.0', '"1"', '-.inf')
    """
    if isinstance(code, str):
        return _quoted(code)
    number = code.item() if isinstance(code, np.generic) else code
    if isinstance(number, float):
        return repr(number).replace("inf", ".inf")
    return str(int(number))


def _text(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def _name(text: str) -> str:
    return text if _NAME.fullmatch(text) and text.lower() not in _WORDS else _quoted(text)


def _quoted(text: str) -> str:
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(str(text), ensure_ascii=False))


def _csv(path: Path, codebook: Codebook) -> str:
    """One row a code; what belongs to a variable stands in its first row. Columns that nothing fills are left out."""
    weight = [codebook.weight or "-"]
    for kind, names in (
        ("variable", [*codebook.variables]),
        ("set", [*codebook.sets]),
        ("weight", weight),
        ("attribute", [*codebook.attributes]),
    ):
        odd = next((n for n in names if n != n.strip() or not n), None)
        if odd is not None:
            raise OutputError(
                f"{path.name}: CSV would lose the blanks around the {kind} name {odd!r}. Write .yml instead."
            )
    rows = [row for v in codebook.variables.values() for row in _csv_variable(v)]
    rows = [
        {key: cell_of_text(text) for key, text in row.items()}
        for row in (*_csv_whole(codebook), *rows, *_csv_sets(codebook))
    ]
    used = {key for row in rows for key in row}
    extra = dict.fromkeys(key for row in rows for key in row if key not in _COLUMNS)
    columns = [c for c in (*_COLUMNS, *extra) if c in used or c in ("variable", "code", "label")]
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    if any(len(cell) > _LONGEST_CELL or "\0" in cell for cells in lines for cell in cells):
        raise OutputError(
            f"{path.name}: CSV cannot hold a text with NUL or over {_LONGEST_CELL:,} characters. Write .yml."
        )
    return "".join(",".join(map(_cell, cells)) + "\n" for cells in lines)


def _cell(text: str) -> str:
    """A cell in quotes where it needs them."""
    if not re.search(r'[,;"\r\n\t]', text) and text == text.strip():
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _csv_whole(book: Codebook) -> list[dict[str, str]]:
    rows = [{"kind": k, "label": t} for k, t in (("title", book.title), ("encoding", book.encoding)) if t]
    rows += [{"kind": "note", "label": note} for note in book.notes]
    rows += [{"kind": "weight", "variable": book.weight}] if book.weight else []
    return rows + [{"kind": "attribute", "variable": key, "label": text} for key, text in book.attributes.items()]


def _csv_variable(variable: Variable) -> list[dict[str, str]]:
    cells = [_csv_code(code) for code in variable.labels]
    free = _read_alike(cells, variable.labels)
    flagged = _flagged(variable)
    rows = []
    for cell, (code, label) in zip(cells, variable.labels.items(), strict=True):
        row = {"code": cell, "label": label}
        if not free:
            row["code_type"] = "text" if isinstance(code, str) else "number"
        if flagged and variable.missing is not None and code in variable.missing.values:
            row["missing"] = "yes"
        rows.append({"variable": variable.name, **row})
    rows = rows or [{"variable": variable.name}]
    rows[0] |= _csv_fields(variable, flagged)
    return rows


def _flagged(variable: Variable) -> bool:
    """True when marks on the rows of codes say all that the missing rule does."""
    rule = variable.missing
    if rule is None or rule.ranges or not rule.values:
        return False
    marked = [code for code in variable.labels if code in rule.values]
    return len(marked) == len(rule.values) and all(
        same(plain_code(a), plain_code(b)) for a, b in zip(marked, rule.values, strict=True)
    )


def _csv_fields(variable: Variable, flagged: bool) -> dict[str, str]:
    rule = variable.missing
    fields = {
        "variable_label": variable.label,
        "question": variable.question,
        "measure": variable.measure.replace("unknown", ""),
        "filter": variable.filter,
        "missing_values": "" if rule is None or flagged else missing_words(rule),
        "format": variable.format,
        "width": "" if variable.width is None else str(int(variable.width)),
        "alignment": variable.alignment,
        "origin": variable.origin,
    }
    attributes = {f"attribute:{key}": text for key, text in variable.attributes.items()}
    return {key: text for key, text in fields.items() if text} | attributes


def _csv_sets(book: Codebook) -> Iterator[dict[str, str]]:
    for group in book.sets.values():
        row = {key: text for key, text in (("label", group.label), ("question", group.question)) if text}
        if group.counted is None:
            row["code_type"] = "category"
        else:
            row["code"] = _csv_code(group.counted)
            if not _read_alike([row["code"]], [group.counted]):
                row["code_type"] = "text" if isinstance(group.counted, str) else "number"
        for first, member in zip((row, *[{}] * len(group.columns)), group.columns or ("",), strict=False):
            yield {"kind": "set", "variable": group.name, **first} | ({"member": member} if group.columns else {})


def _read_alike(cells: list[str], codes: Iterable[Code]) -> bool:
    """True when a person, and the reader, would take these cells for these codes."""
    return all(cell.strip() for cell in cells) and all(map(same, natural(cells), map(plain_code, codes)))


def _csv_code(code: Code) -> str:
    plain = plain_code(code)
    return plain if isinstance(plain, str) else repr(plain)


_FORMS: dict[str, Callable[[Path, Codebook], str]] = {
    ".yml": _yaml,
    ".yaml": _yaml,
    ".csv": _csv,
    ".json": _json,
}
