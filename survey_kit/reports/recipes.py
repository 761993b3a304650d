"""From the recode steps of a study file to recipes. YAML has text keys only; here they become codes again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from survey_kit import recode
from survey_kit.codebook import Code
from survey_kit.recode import Recipe
from survey_kit.reports.study_base import Part
from survey_kit.reports.study_data import Bands, Collapse, Cross, Mapping, MultipleResponseSet, Net, Reverse
from survey_kit.survey import Survey


def recipe_of(survey: Survey, step: Part) -> Recipe:
    """The recipe of a step, for the survey that it will be applied to."""
    return _RECIPES[type(step)](survey, step)


def _mapping(survey: Survey, step: Mapping) -> Recipe:
    old = {_old_answer(survey, step.mapping, key): new for key, new in step.codes.items()}
    targets = [*step.codes.values(), step.other if step.other not in ("keep", "missing") else None]
    text = any(isinstance(target, str) for target in targets)
    labels = {key if text else number_of(key): label for key, label in step.labels.items()}
    return recode.mapping(step.mapping, old, labels, step.missing, step.other, step.label)


def _old_answer(survey: Survey, column: str, key: str) -> Code:
    """A key as a label where it is one, as a number in a column of numbers, else as text."""
    if column not in survey.codes:
        return key
    if column in survey.codebook and key in survey.codebook[column].labels.values():
        return key
    return key if survey.codes[column].dtype.kind not in "iufb" else number_of(key)


def number_of(text: str) -> Code:
    """The number that a text says, or the text.

    >>> number_of("1"), number_of("-2.5"), number_of("one")
    (1, -2.5, 'one')
    """
    if not re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        return text
    return float(text) if "." in text else int(text)


_RECIPES: dict[type[Part], Callable[[Survey, Any], Recipe]] = {
    Bands: lambda _, r: recode.bands(r.bands, r.breaks, r.labels, r.label),
    Collapse: lambda _, r: recode.collapse(r.collapse, r.groups, r.other, r.label),
    Net: lambda _, r: recode.net(r.net, r.answers, r.missing, r.labels, r.label),
    Reverse: lambda _, r: recode.reverse(r.reverse, r.low, r.high, r.label),
    Mapping: _mapping,
    Cross: lambda _, r: recode.cross(*r.cross, label=r.label),
    MultipleResponseSet: lambda _, r: recode.multiple_response(r.multiple_response, r.counted, r.label, r.question),
}
