"""Whether a codebook that came out of a file has the types it must have: JSON may hold anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from survey_kit.codebook import Codebook, Measure, MissingRule, MultipleResponse, Variable

_TEXTS = ("name", "label", "question", "format", "filter", "alignment", "origin")


def unsound(book: Codebook) -> str:
    """What is of a wrong type, as the end of a sentence; "" where every field has its type.

    >>> unsound(Codebook({"q": Variable("q")}))
    ''
    >>> unsound(Codebook({"q": Variable("q", label=5)}))
    "the label of 'q' is no text; put quotes around it"
    """
    try:
        return next(_problems(book), "")
    except TypeError:  # something that cannot be gone through
        return "a list or mapping of it is something else"


def _problems(book: Codebook) -> Iterator[str]:
    if not _are((book.title, book.encoding, *book.notes), str):
        yield "its title, encoding or notes are no text; put quotes around them"
    if not (book.weight is None or isinstance(book.weight, str)) or not _pairs(book.attributes):
        yield "its weight or attributes are no text; put quotes around them"
    for variable in book.variables.values():
        yield from _of_variable(variable)
    for group in book.sets.values():
        yield from _of_set(group)


def _of_variable(variable: Variable) -> Iterator[str]:
    name, rule = variable.name, variable.missing or MissingRule()
    for key in _TEXTS:
        if not isinstance(getattr(variable, key), str):
            yield f"the {key} of {str(name)!r} is no text; put quotes around it"
    if not _are(variable.labels.values(), str) or not _pairs(variable.attributes):
        yield f"a value label or attribute of {name!r} is no text; put quotes around it"
    if not _codes((*variable.labels, *rule.values)):
        yield f"a code of {name!r} is neither a number nor a text; correct it"
    if not all(_are(pair, (int, float)) and pair[0] <= pair[1] for pair in rule.ranges):
        yield f"a missing range of {name!r} is no pair of rising numbers; correct it"
    if variable.measure not in get_args(Measure):
        yield f"{variable.measure!r} is no measure ({name!r}); write 'nominal', 'ordinal' or 'scale'"
    if not (variable.width is None or _are([variable.width], int)):
        yield f"the width of {name!r} is no whole number; correct it"


def _of_set(group: MultipleResponse) -> Iterator[str]:
    if not _are((group.name, group.label, group.question, *group.columns), str):
        yield f"a text of the set {str(group.name)!r} is none; put quotes around it"
    if group.counted is not None and not _codes([group.counted]):
        yield f"the counted code of the set {group.name!r} is neither a number nor a text; correct it"


def _are(values: Iterable[Any], kind: Any) -> bool:
    return all(isinstance(v, kind) and not isinstance(v, bool) for v in values)


def _pairs(attributes: Mapping[Any, Any]) -> bool:
    return _are(attributes, str) and _are(attributes.values(), str)


def _codes(values: Iterable[Any]) -> bool:
    return all(isinstance(v, (str, int, float)) and not isinstance(v, bool) and v == v for v in values)
