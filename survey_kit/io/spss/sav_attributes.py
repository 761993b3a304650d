"""Custom attributes of an SPSS file (extension records 17 of the file, 18 of its variables), read and written.

Grammar: `name:attribute('value'\\n'more'\\n)other('value'\\n)/name:...`; the values of an attribute are the lines of a
text here. Besides the attributes of others, five are ours: `question`, `filter`, `origin`, `more_attributes`, for
attributes whose names SPSS does not take, and `survey_kit`, in JSON: labels that are too long for SPSS, the order of value
labels where it is not that of the codes, and that a variable states that every code is an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from survey_kit.codebook import Code, MissingRule, Variable
from survey_kit.io.spss.sav_records import SavDictionary
from survey_kit.io.text import longer

OURS, MORE = "survey_kit", "more_attributes"
_KEY = re.compile(r"[A-Za-z$@][\w.$@#]{0,63}", re.ASCII)  # what SPSS takes as the name of an attribute
_WORDS = ("question", "filter", "origin")
_END = "'\n)"


def variable_attributes(found: SavDictionary, encoding: str) -> dict[str, dict[str, str]]:
    """Column -> attribute -> text (record 18)."""
    parts = (part.partition(":") for part in re.split(r"(?<=\n\))/", _decoded(found, 18, encoding)))
    return {name: _unpacked(_attributes(body)) for name, _, body in parts}


def file_attributes(found: SavDictionary, encoding: str) -> dict[str, str]:
    """Attribute -> text of the file as a whole (record 17)."""
    return _unpacked(_attributes(_decoded(found, 17, encoding)))


def own_words(said: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(fields of a Variable that are stored as attributes, attributes of others)."""
    words = {key: said[key] for key in _WORDS if key in said}
    return words, {key: text for key, text in said.items() if key not in (*_WORDS, OURS)}


def restored(variable: Variable, said: Mapping[str, str]) -> Variable:
    """The variable as it was before SPSS's limits, in what nobody has changed since."""
    try:
        ours = json.loads(said[OURS])
        whole, pairs, order = ours.get("label", ""), dict(map(tuple, ours.get("values", []))), ours.get("order", [])
        labels = {code: longer(text, str(pairs.get(code, ""))) for code, text in variable.labels.items()}
        if set(order) == set(labels):
            labels = {code: labels[code] for code in order}
        answers = variable.missing is None and ours.get("answers") is True
    except (KeyError, ValueError, TypeError, AttributeError):
        return variable
    missing = MissingRule() if answers else variable.missing
    return replace(variable, label=longer(variable.label, str(whole)), labels=labels, missing=missing)


def attributes_of(variable: Variable, label: str, labels: Mapping[Code, str]) -> dict[str, str]:
    """The attributes to write for a variable whose labels were fitted to SPSS as `label` and `labels`."""
    said = {key: text for key in _WORDS if (text := getattr(variable, key))}
    ours: dict[str, Any] = {"label": variable.label} if variable.label != label else {}
    pairs = [[c, t] for c, t in variable.labels.items() if labels.get(c, t) != t]
    ours |= {"values": pairs} if pairs else {}
    codes = list(variable.labels)
    ours |= {"order": codes} if codes != sorted(codes, key=lambda c: (isinstance(c, str), c)) else {}
    ours |= {"answers": True} if variable.missing == MissingRule() else {}
    return {**variable.attributes, **said, **({OURS: json.dumps(ours, ensure_ascii=False)} if ours else {})}


def attribute_record(attributes: Mapping[str, Mapping[str, str]]) -> bytes:
    """The payload of extension record 18 in UTF-8."""
    return "/".join(f"{name}:{_written(_packed(pairs))}" for name, pairs in attributes.items() if pairs).encode()


def file_record(attributes: Mapping[str, str]) -> bytes:
    """The payload of extension record 17 in UTF-8."""
    return _written(_packed(attributes)).encode()


def _packed(pairs: Mapping[str, str]) -> dict[str, str]:
    """Attributes under names that SPSS takes; the others together in one."""
    odd = {key: text for key, text in pairs.items() if not _KEY.fullmatch(key)}
    plain = {key: text for key, text in pairs.items() if key not in odd}
    return {**plain, **({MORE: json.dumps(odd, ensure_ascii=False)} if odd else {})}


def _unpacked(said: Mapping[str, str]) -> dict[str, str]:
    try:
        more = json.loads(said[MORE])
        odd = {key: text for key, text in more.items() if isinstance(text, str)}
    except (KeyError, ValueError, AttributeError):
        return dict(said)
    return {**{key: text for key, text in said.items() if key != MORE}, **odd}


def _written(pairs: Mapping[str, str]) -> str:
    lines = {key: "".join(f"'{line}'\n" for line in text.split("\n")) for key, text in pairs.items()}
    return "".join(f"{key}({body})" for key, body in lines.items())


def _decoded(found: SavDictionary, subtype: int, encoding: str) -> str:
    return found.extensions.get(subtype, b"").decode(encoding, "replace").strip("\0")


def _attributes(body: str) -> dict[str, str]:
    """Attribute -> text, read from left to right."""
    found, at = {}, 0
    while (opening := body.find("(", at)) >= 0 and (closing := body.find(_END, opening)) >= 0:
        values = body[opening + 1 : closing].removeprefix("'").split("'\n'")
        found[body[at:opening]] = "\n".join(values)
        at = closing + len(_END)
    return found
