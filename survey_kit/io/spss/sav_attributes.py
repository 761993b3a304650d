"""Custom attributes of an SPSS file (extension records 17 of the file, 18 of its variables), read and written.

Grammar: `name:attribute('value'\\n'more'\\n)other('value'\\n)/name:...`; the values of an attribute are the lines of a
text here. Besides the attributes of others, four are ours: `question`, `filter`, `origin`, and `long_labels`, which
keeps labels whole that are too long for SPSS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from survey_kit.codebook import Code, Variable
from survey_kit.io.spss.sav_records import SavDictionary

LONG = "long_labels"
_WORDS = ("question", "filter", "origin")
_ATTRIBUTE = re.compile(r"([^(]+)\((.*?)'\n\)", re.DOTALL)


def variable_attributes(found: SavDictionary, encoding: str) -> dict[str, dict[str, str]]:
    """Column -> attribute -> text (record 18)."""
    parts = (part.partition(":") for part in re.split(r"(?<=\n\))/", _decoded(found, 18, encoding)))
    return {name: _attributes(body) for name, _, body in parts}


def file_attributes(found: SavDictionary, encoding: str) -> dict[str, str]:
    """Attribute -> text of the file as a whole (record 17)."""
    return _attributes(_decoded(found, 17, encoding))


def own_words(said: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(fields of a Variable that are stored as attributes, attributes of others)."""
    words = {key: said[key] for key in _WORDS if key in said}
    return words, {key: text for key, text in said.items() if key not in (*_WORDS, LONG)}


def restored_labels(label: str, labels: Mapping[Code, str], said: Mapping[str, str]) -> tuple[str, dict[Code, str]]:
    """Labels as they were before they were cut for SPSS, unless somebody has changed them since."""
    try:
        long = json.loads(said[LONG])
        whole, pairs = long.get("label", ""), dict(map(tuple, long.get("values", [])))
    except (KeyError, ValueError, TypeError, AttributeError):
        return label, dict(labels)
    restored = {code: _longer(text, pairs.get(code, "")) for code, text in labels.items()}
    return _longer(label, whole), restored


def _longer(cut: str, whole: Any) -> str:
    return whole if cut and isinstance(whole, str) and whole.startswith(cut) else cut


def attributes_of(variable: Variable, label: str, labels: Mapping[Code, str]) -> dict[str, str]:
    """The attributes to write for a variable whose labels were fitted to SPSS as `label` and `labels`."""
    said = {key: text for key in _WORDS if (text := getattr(variable, key))}
    long: dict[str, Any] = {"label": variable.label} if variable.label != label else {}
    pairs = [[c, t] for c, t in variable.labels.items() if labels.get(c, t) != t]
    if pairs:
        long["values"] = pairs
    return {**variable.attributes, **said, **({LONG: json.dumps(long, ensure_ascii=False)} if long else {})}


def attribute_record(attributes: Mapping[str, Mapping[str, str]]) -> bytes:
    """The payload of extension record 18 in UTF-8."""
    return "/".join(f"{name}:{_written(pairs)}" for name, pairs in attributes.items() if pairs).encode()


def file_record(attributes: Mapping[str, str]) -> bytes:
    """The payload of extension record 17 in UTF-8."""
    return _written(attributes).encode()


def _written(pairs: Mapping[str, str]) -> str:
    lines = {key: "".join(f"'{line}'\n" for line in text.split("\n")) for key, text in pairs.items()}
    return "".join(f"{key}({body})" for key, body in lines.items())


def _decoded(found: SavDictionary, subtype: int, encoding: str) -> str:
    return found.extensions.get(subtype, b"").decode(encoding, "replace").strip("\0")


def _attributes(body: str) -> dict[str, str]:
    return {key: "\n".join(value.removeprefix("'").split("'\n'")) for key, value in _ATTRIBUTE.findall(body)}
