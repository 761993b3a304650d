"""Looking up the model's own description: which fields a place has, and what a field is for."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from survey_kit.reports.study import Study
from survey_kit.reports.study_data import RECODES

Place = tuple[str | int, ...]


def known_fields(place: Place) -> list[str]:
    """Names of the fields of the part at a place."""
    return [name for model in _models_at(place) for name in model.model_fields]


def describe_field(place: Place) -> str:
    """The description of a field in one sentence, or ""."""
    while place and isinstance(place[-1], int):
        place = place[:-1]
    for model in _models_at(place[:-1]) if place else []:
        info = model.model_fields.get(str(place[-1]))
        if info is not None and info.description:
            return f"It says: {first_sentence(info.description)}"
    return ""


def first_sentence(text: str) -> str:
    """The first sentence, on one line.

    >>> first_sentence("Who paid.  And why.")
    'Who paid.'
    """
    joined = " ".join(text.split())
    end = joined.find(". ")
    return joined if end < 0 else joined[: end + 1]


def parts_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation, such as those of a tuple, a mapping or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for inner in typing.get_args(annotation):
            yield from parts_of(inner)


def _models_at(place: Place) -> list[type[BaseModel]]:
    models: list[type[BaseModel]] = [Study]
    for step in place:
        if step in RECODES and len(models) > 1:
            models = [RECODES[step]]  # type: ignore[index, list-item]
            continue
        fields = [m.model_fields[str(step)].annotation for m in models if str(step) in m.model_fields]
        if fields:
            models = [inner for annotation in fields for inner in parts_of(annotation)]
    return models


def type_text(annotation: Any) -> str:
    """An annotation in plain words: "text", "list of text", "mapping to Missing"."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_text(args[0])
    if origin is typing.Literal:
        return " or ".join(f'"{a}"' if isinstance(a, str) else str(a).lower() for a in args)
    if origin in (types.UnionType, typing.Union):
        shown = dict.fromkeys(type_text(a) for a in args if a is not type(None))
        return " or ".join(shown)
    if origin is tuple:
        inner = [a for a in args if a is not Ellipsis]
        return f"list of {type_text(inner[0])}" if Ellipsis in args else f"pair of {type_text(inner[0])}"
    if origin is dict:
        return f"mapping to {type_text(args[1])}"
    names: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))
