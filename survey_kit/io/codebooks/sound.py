"""Whether a codebook that came out of a file has the types it must have: JSON may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from survey_kit.codebook import Codebook, Measure, MissingRule, MultipleResponse, Variable

_TEXTS = ("name", "label", "question", "format", "filter", "alignment", "origin")


def is_sound(book: Codebook) -> bool:
    """True where every field has its type.

    >>> is_sound(Codebook({"q": Variable("q")})), is_sound(Codebook({"q": Variable("q", label=5)}))
    (True, False)
    """
    try:
        return (
            _are((book.title, book.encoding, *book.notes), str)
            and (book.weight is None or isinstance(book.weight, str))
            and _pairs(book.attributes)
            and all(_variable(v) for v in book.variables.values())
            and all(_set(s) for s in book.sets.values())
        )
    except TypeError:  # something that cannot be gone through
        return False


def _are(values: Iterable[Any], kind: Any) -> bool:
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)


def _pairs(attributes: Mapping[Any, Any]) -> bool:
    return _are(attributes, str) and _are(attributes.values(), str)


def _codes(values: Iterable[Any]) -> bool:
    return all(isinstance(v, (str, int, float)) and not isinstance(v, bool) and v == v for v in values)


def _variable(variable: Variable) -> bool:
    rule = variable.missing or MissingRule()
    return (
        _are((getattr(variable, key) for key in _TEXTS), str)
        and variable.measure in get_args(Measure)
        and (variable.width is None or _are([variable.width], int))
        and _codes(variable.labels)
        and _are(variable.labels.values(), str)
        and _pairs(variable.attributes)
        and _codes(rule.values)
        and all(_are(pair, (int, float)) and pair[0] <= pair[1] for pair in rule.ranges)
    )


def _set(group: MultipleResponse) -> bool:
    counted = () if group.counted is None else (group.counted,)
    return _are((group.name, group.label, group.question, *group.columns), str) and _codes(counted)
