"""The codebook of the synthetic Kazakhstan file, read from the packaged questionnaire."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable

SEPARATOR = " | "


def questionnaire() -> dict[str, Any]:
    """The packaged questionnaire: title, notes, scales, variables, groups, sets."""
    text = files("survey_kit.datasets").joinpath("kazakhstan_questionnaire.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def build_codebook() -> Codebook:
    """Every variable of the file in column order, with labels as "English | Русский"."""
    form = questionnaire()
    variables = {name: _variable(name, form) for name in form["variables"]}
    sets = {name: _set(name, entry, form) for name, entry in form["sets"].items()}
    return Codebook(
        variables=variables,
        sets=sets,
        title=form["title"],
        notes=tuple(form["notes"]),
        weight=form["weight"],
        encoding="UTF-8",
    )


def _variable(name: str, form: dict[str, Any]) -> Variable:
    shared: dict[str, Any] = next((g for prefix, g in form["groups"].items() if name.startswith(prefix)), {})
    entry = shared | form["variables"][name]
    scale = form["scales"].get(entry.get("scale"), {})
    labels: dict[Code, str] = {int(code): text for code, text in scale.items()}
    declared = tuple(code for code in form["missing"] if code in labels)
    return Variable(
        name=name,
        label=entry["label"],
        labels=labels,
        missing=MissingRule(declared) if declared else None,
        question=entry.get("question") or _with_stem(entry),
        measure=entry["measure"],
        format=entry.get("format", "F8.0"),
        filter=entry.get("filter", ""),
    )


def _with_stem(entry: dict[str, Any]) -> str:
    """Stem and item in each language: "Stem: item | Stem: item"; "" where the label is the wording."""
    if "stem" not in entry:
        return ""
    pairs = zip(entry["stem"].split(SEPARATOR), entry["label"].split(SEPARATOR), strict=True)
    return SEPARATOR.join(f"{stem} {item}" for stem, item in pairs)


def _set(name: str, entry: dict[str, str], form: dict[str, Any]) -> MultipleResponse:
    columns = tuple(v for v in form["variables"] if v.startswith(entry["columns"]))
    question = form["groups"][entry["columns"]]["question"]
    return MultipleResponse(name, columns, counted=1, label=entry["label"], question=question)
