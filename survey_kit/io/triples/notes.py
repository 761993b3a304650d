"""What Triple-S has no place for, noted in <?survey_kit ...?> instructions that every other reader passes over.

A note holds only what differs from what the standard's own elements say, so that labels corrected in the file hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import DamagedFileError, SurveyKitError
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json

Note = dict[str, Any]
_UNSAFE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|(?<=\\?)>")
_WORDS = ("name", "label", "question", "format", "filter", "alignment", "origin")
_BOOK = ("title", "notes", "weight", "attributes", "sets")


def dump_notes(notes: Mapping[str, Any]) -> str:
    """The instruction that holds the notes; "" for none.

    >>> dump_notes({"dtype": "str", "label": "what?>"})
    '<?survey_kit {"dtype": "str", "label": "what?\\\\u003e"}?>'
    """
    if not notes:
        return ""
    text = json.dumps(notes, ensure_ascii=False, allow_nan=False)
    return f"<?survey_kit {_UNSAFE.sub(_escaped, text)}?>"


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _units(match[0]))


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


def load_notes(place: str, element: Element | None, what: str) -> Note:
    """The notes of an instruction; {} where there is none. Raises DamagedFileError."""
    if element is None:
        return {}
    try:
        found = json.loads(element.text or "")
    except (ValueError, RecursionError) as error:
        raise damaged_notes(place, what) from error
    if not isinstance(found, dict):
        raise damaged_notes(place, what)
    return found


def damaged_notes(place: str, what: str) -> DamagedFileError:
    """The error for notes that cannot be."""
    return DamagedFileError(
        f"{place}: what survey_kit noted of {what} is damaged. Take the <?survey_kit ...?> lines out to read the rest."
    )


def variable_note(read: Variable, meant: Variable) -> Note:
    """The fields of `meant` that `read`, made from the standard's elements, does not have."""
    said, wanted = _variable(read), _variable(meant)
    return {key: value for key, value in wanted.items() if value != said[key]}


def with_variable_note(place: str, read: Variable, note: object) -> Variable:
    """The variable that was meant. Raises DamagedFileError for a note that no variable can have."""
    if not note:
        return read
    if not isinstance(note, dict) or not _is_variable(note):
        raise damaged_notes(place, f"'{read.name}'")
    try:
        merged = {"version": 1, "title": "", "notes": [], "weight": None, "encoding": "", "sets": []}
        book = codebook_from_json(json.dumps({**merged, "variables": [{**_variable(read), **note}]}))
        return next(iter(book.variables.values()))
    except (SurveyKitError, ValueError, TypeError) as error:
        raise damaged_notes(place, f"'{read.name}'") from error


def book_note(read: Codebook, meant: Codebook) -> Note:
    """What belongs to the file as a whole, and differs."""
    said, wanted = json.loads(codebook_to_json(read)), json.loads(codebook_to_json(meant))
    return {key: wanted[key] for key in _BOOK if wanted[key] != said[key]}


def with_book_note(place: str, read: Codebook, note: object) -> Codebook:
    """The codebook that was meant, in which sets and weight name columns that there are."""
    if not note:
        return read
    if not isinstance(note, dict) or not note.keys() <= set(_BOOK) or not _is_book(note, read):
        raise damaged_notes(place, "the survey")
    try:
        return codebook_from_json(json.dumps({**json.loads(codebook_to_json(read)), **note}))
    except (SurveyKitError, ValueError, TypeError) as error:
        raise damaged_notes(place, "the survey") from error


def _variable(variable: Variable) -> Note:
    return json.loads(codebook_to_json(Codebook({variable.name: variable})))["variables"][0]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_code(value: object) -> bool:
    return isinstance(value, (int, float, str))


def _is_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(p, list) and len(p) == 2 and _is_code(p[0]) and _is_text(p[1]) for p in value
    )


def _is_texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_rule(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or not all(isinstance(value.get(k), list) for k in ("values", "ranges")):
        return False
    edges = all(isinstance(p, list) and len(p) == 2 and all(map(_is_edge, p)) for p in value["ranges"])
    return edges and all(map(_is_code, value["values"]))


def _is_edge(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _is_width(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _is_measure(value: object) -> bool:
    return value in ("nominal", "ordinal", "scale", "unknown")


_CHECKS = {
    **dict.fromkeys(_WORDS, _is_text),
    "labels": _is_pairs,
    "missing": _is_rule,
    "measure": _is_measure,
    "width": _is_width,
    "attributes": _is_texts,
}


def _is_variable(note: Note) -> bool:
    return all(key in _CHECKS and _CHECKS[key](value) for key, value in note.items())


def _is_book(note: Note, read: Codebook) -> bool:
    names = set(read.variables)
    notes = note.get("notes", [])
    return (
        _is_text(note.get("title", ""))
        and isinstance(notes, list)
        and all(map(_is_text, notes))
        and (note.get("weight") is None or note["weight"] in names)
        and _is_texts(note.get("attributes", {}))
        and isinstance(note.get("sets", []), list)
        and all(_is_set(group, names) for group in note.get("sets", []))
    )


def _is_set(group: object, names: set[str]) -> bool:
    if not isinstance(group, dict) or group.keys() != {"name", "columns", "counted", "label", "question"}:
        return False
    columns, counted = group["columns"], group["counted"]
    return (
        all(map(_is_text, (group["name"], group["label"], group["question"])))
        and isinstance(columns, list)
        and all(isinstance(c, str) and c in names for c in columns)
        and (counted is None or _is_code(counted))
    )
