"""A codebook as JSON and back, without loss: codes keep their type, open ranges are null."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import FileFormatError
from survey_kit.io.codebooks.sound import unsound

VERSION = 1


def codebook_to_json(codebook: Codebook) -> str:
    """One JSON object; equal codebooks give equal text.

    Example:
        >>> book = Codebook({"q1": Variable("q1", labels={1: "Yes", 2.0: "No"}, missing=MissingRule((9,)))})
        >>> codebook_from_json(codebook_to_json(book)) == book
        True
    """
    content = {
        "version": VERSION,
        "title": codebook.title,
        "notes": list(codebook.notes),
        "weight": codebook.weight,
        "encoding": codebook.encoding,
        "attributes": dict(codebook.attributes),
        "variables": [_variable_out(v) for v in codebook.variables.values()],
        "sets": [_set_out(s) for s in codebook.sets.values()],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def codebook_from_json(text: str) -> Codebook:
    """The codebook of `codebook_to_json`. Raises FileFormatError for other text."""
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise FileFormatError(f"The codebook has version {content['version']}; this release reads {VERSION}.")
        variables = [_variable_in(v) for v in content["variables"]]
        sets = [_set_in(s) for s in content["sets"]]
        book = Codebook(
            variables={v.name: v for v in variables},
            sets={s.name: s for s in sets},
            title=content["title"],
            notes=tuple(content["notes"]),
            weight=content["weight"],
            encoding=content["encoding"],
            attributes=content.get("attributes", {}),
        )
    except (KeyError, TypeError, AttributeError, RecursionError, json.JSONDecodeError) as error:
        raise FileFormatError(f"This is not a codebook in JSON ({error}). Write it with codebook_to_json.") from error
    if problem := unsound(book):
        raise FileFormatError(f"The codebook cannot be used: {problem}.")
    return book


def _code(code: Code) -> Any:
    """numpy scalars as Python's, so that JSON keeps int and float apart."""
    return code.item() if isinstance(code, np.generic) else code


def _variable_out(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "labels": [[_code(c), t] for c, t in variable.labels.items()],
        "missing": _rule_out(variable.missing),
        "question": variable.question,
        "measure": variable.measure,
        "format": variable.format,
        "width": variable.width,
        "filter": variable.filter,
        "alignment": variable.alignment,
        "attributes": dict(variable.attributes),
        "origin": variable.origin,
    }


def _variable_in(content: dict[str, Any]) -> Variable:
    rule, labels = content.pop("missing"), content.pop("labels")
    return Variable(**content, labels=dict(map(tuple, labels)), missing=_rule_in(rule))


def _rule_out(rule: MissingRule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    ranges = [[None if math.isinf(edge) else _code(edge) for edge in pair] for pair in rule.ranges]
    return {"values": [_code(v) for v in rule.values], "ranges": ranges}


def _rule_in(content: dict[str, Any] | None) -> MissingRule | None:
    if content is None:
        return None
    ranges = [
        (-math.inf if low is None else low, math.inf if high is None else high) for low, high in content["ranges"]
    ]
    return MissingRule(tuple(content["values"]), tuple(ranges))


def _set_out(group: MultipleResponse) -> dict[str, Any]:
    return {
        "name": group.name,
        "columns": list(group.columns),
        "counted": None if group.counted is None else _code(group.counted),
        "label": group.label,
        "question": group.question,
    }


def _set_in(content: dict[str, Any]) -> MultipleResponse:
    return MultipleResponse(**{**content, "columns": tuple(content["columns"])})
