"""YAML 1.2 as data with line numbers, read event by event so that no file can run code, loop or exhaust memory.

Plain subset: mappings with text keys, lists, scalars. Anchors, aliases, merge keys, tags and several documents in one
file are refused, and so are tabs in the indentation, NUL, double keys, more than 50 levels and more than 1 MB.
Keys are always text: `no:`, `012:` and `1e3:` are "no", "012" and "1e3".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from survey_kit.errors import ConfigError, MissingFileError, did_you_mean

MOST_BYTES = 1_000_000
MOST_LEVELS = 50
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}


@dataclass(slots=True)
class YamlNode:
    """A value and the line where it stands; `children` by key or position."""

    line: int
    value: Any = None
    children: dict[str | int, YamlNode] = field(default_factory=dict)
    kind: str = "scalar"

    def plain(self) -> Any:
        """The value as dict, list, text, number, bool or None."""
        if self.kind == "mapping":
            return {str(key): child.plain() for key, child in self.children.items()}
        if self.kind == "sequence":
            return [child.plain() for child in self.children.values()]
        return self.value


def read_yaml(path: Path) -> YamlNode:
    """The content of a YAML file.

    Raises:
        MissingFileError: no such file.
        ConfigError: a file that cannot be read; names file, line and column.
    """
    if not path.is_file():
        there = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise MissingFileError(f"No study file {str(path)!r}.{did_you_mean(path.name, there)}")
    if path.stat().st_size > MOST_BYTES:
        raise problem(
            path, None, "", f"The file has {path.stat().st_size:,} bytes; a study file may have {MOST_BYTES:,}."
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise problem(path, line, "", "The text is not UTF-8. Save the file as UTF-8.") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> YamlNode:
    """As `read_yaml`, from text; `path` is named in errors."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    _check_characters(text, path)
    try:
        return _build(YAML(typ="safe", pure=True).parse(text), path)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"column {mark.column + 1}: " if mark else ""
        raise problem(path, mark.line + 1 if mark else None, "", f"{where}{_sentence(error)}") from None
    except YAMLError as error:
        raise problem(path, None, "", f"This is not YAML: {str(error).splitlines()[0]}.") from None


def problem(path: Path, line: int | None, name: str, text: str) -> ConfigError:
    """A ConfigError with one problem."""
    return problems(path, [(line, name, text)])


def problems(path: Path, found: list[tuple[int | None, str, str]]) -> ConfigError:
    """A ConfigError that lists every (line, field, text), one to a line of the message."""
    parts = [
        ", ".join([path.name, *([f"line {line}"] if line else []), *([name] if name else [])]) + f": {text}"
        for line, name, text in found
    ]
    return ConfigError("\n".join(parts), [(path.name, line, name, text) for line, name, text in found])


def _sentence(error: Any) -> str:
    said = str(error.problem or error.context or "cannot be read").strip().rstrip(".")
    return f"{said[:1].upper()}{said[1:]}. Correct the YAML here or on the line before."


def _check_characters(text: str, path: Path) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        bad = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", line)
        if bad:
            shown = f"column {bad.start() + 1}: The character U+{ord(bad[0]):04X} is not allowed. Remove it."
            raise problem(path, number, "", shown)
        tab = re.match(r" *\t", line)
        if tab and line.strip():
            raise problem(path, number, "", f"column {tab.end()}: A tab stands in the indentation. Use spaces.")


def _build(events: Iterator[Any], path: Path) -> YamlNode:
    """The tree of the first document, from parser events; `open_nodes` holds the way down to the present node."""
    open_nodes: list[YamlNode] = [YamlNode(1, kind="document")]
    keys: list[str | None] = [None]
    for event in events:
        kind = type(event).__name__.removesuffix("Event")
        line = event.start_mark.line + 1
        if kind == "DocumentStart" and open_nodes[0].children:
            raise problem(path, line, "", "The file holds a second document ('---'). Keep one.")
        if kind in ("MappingEnd", "SequenceEnd"):
            open_nodes.pop()
            keys.pop()
            continue
        if kind not in ("MappingStart", "SequenceStart", "Scalar", "Alias"):
            continue
        _refuse(event, kind, line, path)
        if open_nodes[-1].kind == "mapping" and keys[-1] is None:
            keys[-1] = _key(event, kind, open_nodes[-1], line, path)
            continue
        node = _node(event, kind, line, path)
        _hang(node, open_nodes[-1], keys)
        if node.kind != "scalar":
            open_nodes.append(node)
            keys.append(None)
            if len(open_nodes) > MOST_LEVELS + 1:
                raise problem(path, line, "", f"The file nests more than {MOST_LEVELS} levels. A study file needs 5.")
    return open_nodes[0].children.get(0, YamlNode(1))


def _hang(node: YamlNode, parent: YamlNode, keys: list[str | None]) -> None:
    if parent.kind == "mapping":
        parent.children[str(keys[-1])] = node
        keys[-1] = None
    else:
        parent.children[len(parent.children)] = node


def _refuse(event: Any, kind: str, line: int, path: Path) -> None:
    if kind == "Alias" or getattr(event, "anchor", None):
        mark = "*" if kind == "Alias" else "&"
        raise problem(path, line, "", f"The anchor '{mark}{event.anchor}' is not available. Write the value out.")
    tag = getattr(event, "tag", None)
    if tag is not None and str(tag) != "!":
        raise problem(path, line, "", f"The tag {str(tag)!r} is not available. Write a plain value.")


def _key(event: Any, kind: str, parent: YamlNode, line: int, path: Path) -> str:
    if kind != "Scalar":
        raise problem(path, line, "", "A key must be a word, not a list or a mapping. Put quotes around it.")
    if event.value == "<<":
        raise problem(path, line, "", "The merge key '<<' is not available. Write the values out.")
    if event.value in parent.children:
        first = parent.children[event.value].line
        raise problem(path, line, str(event.value), f"This key was given on line {first} already. Keep one of them.")
    return str(event.value)


def _node(event: Any, kind: str, line: int, path: Path) -> YamlNode:
    if kind == "MappingStart":
        return YamlNode(line, kind="mapping")
    if kind == "SequenceStart":
        return YamlNode(line, kind="sequence")
    if "\0" in event.value:
        raise problem(path, line, "", "The character U+0000 is not allowed. Remove it.")
    return YamlNode(line, _scalar(str(event.value), event.style))


def _scalar(text: str, style: str | None) -> Any:
    """YAML 1.2 core schema for plain scalars; numbers with leading zeros stay text, and so do .inf and .nan."""
    if style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < 19:
        return int(text)
    leading_zero = re.match(r"[-+]?0[0-9]", text)
    return float(text) if _FLOAT.fullmatch(text) and not leading_zero and not _INTEGER.fullmatch(text) else text
