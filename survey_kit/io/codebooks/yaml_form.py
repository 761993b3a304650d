"""A codebook written by hand as YAML 1.2. Read event by event, so that no file can run code, loop or exhaust memory.

Plain subset: mappings, lists, scalars. Anchors, aliases, merge keys, tags, several documents, double keys, more than 50
levels and more than 16 MB are refused. `no`, `null` and `2024` are texts where a text belongs. A code is a number when
it is written as one without quotes or a leading zero; `"1"`, `01` and `a` are text codes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import EncodingError, FileFormatError, ResourceLimitError, did_you_mean

MOST_BYTES = 16_000_000  # about half a minute
MOST_LEVELS = 50
_SHOWN = 20  # problems in one message
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,399})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf}
_NOTHING = ("", "~")
_BAD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MEASURES = ("nominal", "ordinal", "scale", "unknown")

_TOP = ("title", "notes", "weight", "encoding", "attributes", "variables", "sets")
_VARIABLE = (
    *("label", "question", "labels", "missing", "measure", "filter"),
    *("format", "width", "alignment", "attributes", "origin"),
)
_SET = ("columns", "counted", "label", "question")


@dataclass(slots=True)
class _Node:
    """A value and the line where it stands. `kind` is "scalar", "mapping" or "sequence"."""

    line: int
    kind: str = "scalar"
    text: str = ""
    quoted: bool = False
    pairs: list[tuple[_Node, _Node]] = field(default_factory=list)
    items: list[_Node] = field(default_factory=list)
    key: _Node | None = None  # of a mapping: read, its value still to come

    @property
    def empty(self) -> bool:
        return self.kind == "scalar" and not self.quoted and self.text in _NOTHING


class Problems:
    """Collects what is wrong in one file, to be said at once."""

    def __init__(self, path: Path, unit: str = "line") -> None:
        self.path, self.unit = path, unit
        self.found: list[tuple[int, str]] = []

    def add(self, line: int, where: str, text: str) -> None:
        self.found.append((line, f"{self.path.name}, {self.unit} {line}{f', {where}' if where else ''}: {text}"))

    def raise_any(self) -> None:
        texts = [text for _, text in sorted(self.found, key=lambda pair: pair[0])]
        more = [f"... and {len(texts) - _SHOWN} more problems."] if len(texts) > _SHOWN else []
        if texts:
            raise FileFormatError("\n".join([*texts[:_SHOWN], *more]))


def read_codebook_yaml(path: Path) -> Codebook:
    """The codebook in a YAML file. All problems are listed in one error, each with its line.

    Raises:
        EncodingError: text that is not UTF-8.
        ResourceLimitError: more than 16 MB or 50 levels.
        FileFormatError: no YAML, or unknown keys, double keys and values of the wrong kind.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "book.yml")
        ...     _ = file.write_text("variables:\\n  q1:\\n    labels: {1: Yes, 2: No}\\n", encoding="utf-8")
        ...     dict(read_codebook_yaml(file)["q1"].labels)
        {1: 'Yes', 2: 'No'}
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ResourceLimitError(
            f"{path.name} has {size:,} bytes; a codebook in YAML may have {MOST_BYTES:,}. Write it as .json."
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise EncodingError(f"{path.name}, line {line}: the text is not UTF-8. Save the file as UTF-8.") from None
    problems = Problems(path)
    book = _codebook(_parse(text, path), problems)
    problems.raise_any()
    return book


def _parse(text: str, path: Path) -> _Node:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    bad = _BAD.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise _failure(path, line, f"The character U+{ord(bad[0]):04X} is not allowed. Remove it.")
    try:
        return _build(YAML(typ="safe", pure=True).parse(text), path)
    except FileFormatError:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem or error.context or "cannot be read").strip().rstrip(".").replace("\n", " ")
        sentence = f"{said[:1].upper()}{said[1:]}. Correct the YAML here or on the line before."
        raise _failure(path, mark.line + 1 if mark else 1, sentence) from None
    except YAMLError as error:
        raise FileFormatError(f"{path.name} is no YAML: {str(error).splitlines()[0]}. Correct it.") from None
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise FileFormatError(f"{path.name} is no sound YAML ({error}). Check its quotes and escapes.") from None


def _failure(path: Path, line: int, text: str, kind: type[FileFormatError] = FileFormatError) -> FileFormatError:
    return kind(f"{path.name}, line {line}: {text}")


def _build(events: Iterable[Any], path: Path) -> _Node:
    """The tree of the only document, from parser events; `way` holds the way down to the present node."""
    way = [_Node(1, "sequence")]
    for event in events:
        kind = type(event).__name__.removesuffix("Event")
        line = event.start_mark.line + 1
        if kind == "DocumentStart" and way[0].items:
            raise _failure(path, line, "The file holds a second document ('---'). Keep one.")
        if kind in ("MappingEnd", "SequenceEnd"):
            way.pop()
        if kind not in ("MappingStart", "SequenceStart", "Scalar", "Alias"):
            continue
        _refuse(event, kind, line, path)
        node = _node(event, kind, line)
        _hang(node, way[-1], path)
        if node.kind != "scalar":
            way.append(node)
            if len(way) > MOST_LEVELS + 1:
                text = f"The file nests more than {MOST_LEVELS} levels. A codebook needs 5."
                raise _failure(path, line, text, ResourceLimitError)
    return way[0].items[0] if way[0].items else _Node(1)


def _refuse(event: Any, kind: str, line: int, path: Path) -> None:
    if kind == "Alias" or getattr(event, "anchor", None):
        mark = "*" if kind == "Alias" else "&"
        raise _failure(path, line, f"The anchor '{mark}{event.anchor}' is not available. Write the value out.")
    tag = getattr(event, "tag", None)
    if tag is not None and str(tag) != "!":
        raise _failure(path, line, f"The tag {str(tag)!r} is not available. Write a plain value.")


def _node(event: Any, kind: str, line: int) -> _Node:
    if kind != "Scalar":
        return _Node(line, "mapping" if kind == "MappingStart" else "sequence")
    return _Node(line, "scalar", str(event.value), bool(event.style))


def _hang(node: _Node, parent: _Node, path: Path) -> None:
    if parent.kind == "sequence":
        parent.items.append(node)
    elif parent.key is not None:
        parent.pairs.append((parent.key, node))
        parent.key = None
    elif node.kind != "scalar":
        raise _failure(path, node.line, "A key must be a word or a number, not a list or a mapping.")
    elif node.text == "<<" and not node.quoted:
        raise _failure(path, node.line, "The merge key '<<' is not available. Write the values out.")
    else:
        parent.key = node


def yaml_code(text: str, quoted: bool = False) -> Code:
    """A scalar as a code.

    >>> yaml_code("1"), yaml_code("1", quoted=True), yaml_code("01"), yaml_code("1.0"), yaml_code("-.inf")
    (1, '1', '01', 1.0, -inf)
    """
    if quoted:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if text in _INFINITE:
        return _INFINITE[text]
    return float(text) if _FLOAT.fullmatch(text) else text


def _codebook(node: _Node, problems: Problems) -> Codebook:
    fields = _fields(node, _TOP, "", problems, "A codebook begins with 'variables:' and their names below it.")
    variables = {
        key.text: _variable(key.text, value, problems)
        for key, value in _entries(fields.get("variables"), "variables", problems)
    }
    sets = {key.text: _set(key.text, value, problems) for key, value in _entries(fields.get("sets"), "sets", problems)}
    return Codebook(
        variables,
        sets,
        title=_text(fields.get("title"), "title", problems),
        notes=_texts(fields.get("notes"), "notes", problems),
        weight=_text(fields.get("weight"), "weight", problems) or None,
        encoding=_text(fields.get("encoding"), "encoding", problems),
        attributes=_attributes(fields.get("attributes"), "attributes", problems),
    )


def _variable(name: str, node: _Node, problems: Problems) -> Variable:
    fields = _fields(node, _VARIABLE, name, problems, "Write its fields below it, such as 'label:' and 'labels:'.")

    def text(key: str) -> str:
        return _text(fields.get(key), f"{name}.{key}", problems)

    return Variable(
        name=name,
        label=text("label"),
        labels=_labels(fields.get("labels"), f"{name}.labels", problems),
        missing=_missing(fields.get("missing"), f"{name}.missing", problems),
        question=text("question"),
        measure=_measure(fields.get("measure"), f"{name}.measure", problems),
        format=text("format"),
        width=_width(fields.get("width"), f"{name}.width", problems),
        filter=text("filter"),
        alignment=text("alignment"),
        attributes=_attributes(fields.get("attributes"), f"{name}.attributes", problems),
        origin=text("origin"),
    )


def _set(name: str, node: _Node, problems: Problems) -> MultipleResponse:
    where = f"sets.{name}"
    fields = _fields(node, _SET, where, problems, "Write 'columns: [...]' below it.")
    if "columns" not in fields:
        problems.add(node.line, where, "A set needs its columns. Write 'columns: [m1, m2]'.")
    counted: Code | None = 1
    if (stated := fields.get("counted")) is not None:
        empty = stated.empty or (not stated.quoted and stated.text.lower() == "null")
        counted = None if empty else _code(stated, f"{where}.counted", problems)
    return MultipleResponse(
        name,
        _texts(fields.get("columns"), f"{where}.columns", problems),
        counted,
        _text(fields.get("label"), f"{where}.label", problems),
        _text(fields.get("question"), f"{where}.question", problems),
    )


def _fields(node: _Node, allowed: tuple[str, ...], where: str, problems: Problems, advice: str) -> Mapping[str, _Node]:
    """The fields of a mapping by name; unknown ones are listed as problems."""
    found = {}
    for key, value in _entries(node, where, problems, advice):
        if key.text in allowed:
            found[key.text] = value
        else:
            text = f"There is no key {key.text!r} here.{did_you_mean(key.text, allowed)}"
            problems.add(key.line, where, text)
    return found


def _entries(
    node: _Node | None, where: str, problems: Problems, advice: str = "Write 'name: value' lines below it."
) -> Iterator[tuple[_Node, _Node]]:
    """(key, value) of a mapping whose keys are texts; double keys are listed as problems."""
    if node is None or node.empty:
        return
    if node.kind != "mapping":
        problems.add(node.line, where, f"This is {_named(node)}, not a mapping. {advice}")
        return
    yield from _once(node, lambda key: key.text, where, problems)


def _once(
    node: _Node, name: Callable[[_Node], object], where: str, problems: Problems
) -> Iterator[tuple[_Node, _Node]]:
    lines: dict[object, int] = {}
    for key, value in node.pairs:
        known = name(key)
        if known in lines:
            text = f"{key.text!r} was given on line {lines[known]} already. Keep one of them."
            problems.add(key.line, where, text)
            continue
        lines[known] = key.line
        yield key, value


def _named(node: _Node) -> str:
    return {"mapping": "a mapping", "sequence": "a list"}.get(node.kind, f"the text {node.text[:40]!r}")


def _text(node: _Node | None, where: str, problems: Problems) -> str:
    if node is None or node.empty:
        return ""
    if node.kind != "scalar":
        problems.add(node.line, where, f"This is {_named(node)}, not a text. Put quotes around a text with ': ' in it.")
    return node.text


def _texts(node: _Node | None, where: str, problems: Problems) -> tuple[str, ...]:
    if node is None or node.empty:
        return ()
    if node.kind == "mapping":
        problems.add(node.line, where, "This is a mapping, not a list. Write [one, two].")
        return ()
    return tuple(_text(item, where, problems) for item in (node.items if node.kind == "sequence" else [node]))


def _attributes(node: _Node | None, where: str, problems: Problems) -> dict[str, str]:
    return {key.text: _text(value, f"{where}.{key.text}", problems) for key, value in _entries(node, where, problems)}


def _labels(node: _Node | None, where: str, problems: Problems) -> dict[Code, str]:
    if node is None or node.empty:
        return {}
    if node.kind != "mapping":
        problems.add(node.line, where, f"This is {_named(node)}, not a mapping. Write {{1: Yes, 2: No}}.")
        return {}
    pairs = _once(node, lambda key: yaml_code(key.text, key.quoted), where, problems)
    return {yaml_code(key.text, key.quoted): _text(value, f"{where}.{key.text}", problems) for key, value in pairs}


def _code(node: _Node, where: str, problems: Problems) -> Code:
    if node.kind != "scalar":
        problems.add(node.line, where, f"This is {_named(node)}, not a code.")
    return yaml_code(node.text, node.quoted)


def _missing(node: _Node | None, where: str, problems: Problems) -> MissingRule | None:
    if node is None or node.empty:
        return None
    if node.kind != "mapping":
        return MissingRule(_codes(node, where, problems))
    advice = "Write [98, 99] or {codes: [98], ranges: [[-.inf, -1]]}."
    fields = _fields(node, ("codes", "ranges"), where, problems, advice)
    values = _codes(fields["codes"], where, problems) if "codes" in fields else ()
    ranges = [_range(pair, where, problems) for pair in _items(fields.get("ranges"), where, problems)]
    return MissingRule(values, tuple(pair for pair in ranges if pair is not None))


def _codes(node: _Node, where: str, problems: Problems) -> tuple[Code, ...]:
    items = node.items if node.kind == "sequence" else [node]
    return tuple(_code(item, where, problems) for item in items if not item.empty)


def _items(node: _Node | None, where: str, problems: Problems) -> list[_Node]:
    if node is None or node.empty:
        return []
    if node.kind != "sequence":
        problems.add(node.line, where, f"This is {_named(node)}, not a list of ranges. Write [[-.inf, -1], [97, 99]].")
    return node.items


def _range(node: _Node, where: str, problems: Problems) -> tuple[float, float] | None:
    edges = [yaml_code(item.text, item.quoted) for item in node.items]
    low, high = edges if len(edges) == 2 else ("", "")
    if isinstance(low, str) or isinstance(high, str) or low > high:
        problems.add(node.line, where, "A range is two numbers, the lower first: [-9, -1]. -.inf and .inf are allowed.")
        return None
    return low, high


def _measure(node: _Node | None, where: str, problems: Problems) -> Any:
    text = _text(node, where, problems)
    if node is None or text in ("", *_MEASURES):
        return text or "unknown"
    problems.add(node.line, where, f"{text!r} is no measure.{did_you_mean(text, _MEASURES)}")
    return "unknown"


def _width(node: _Node | None, where: str, problems: Problems) -> int | None:
    if node is None or node.empty:
        return None
    width = yaml_code(node.text, node.quoted)
    if isinstance(width, int):
        return width
    problems.add(node.line, where, f"{node.text[:40]!r} is no whole number.")
    return None
