"""Who mentioned one of some answers in a multiple-response set: the logical OR over its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, UnknownNameError, did_you_mean
from survey_kit.recode.answers import answer_code, display_texts
from survey_kit.recode.recoded import Source, check_declared, source_of


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What rows say to some answers of a set.

    Attributes:
        given: one of the answers was mentioned. Shape (n,).
        base: a column holds a valid code, or the answer is given. Shape (n,).
        silent: outside the base, with a user-missing code. Shape (n,).
        has_missing: one of the columns has user-missing codes, labelled or present.
        texts: the answers in words.
        wording: label, question and filter that a variable made from the set inherits.
    """

    given: np.ndarray
    base: np.ndarray
    silent: np.ndarray
    has_missing: bool
    texts: list[str]
    wording: Variable


def said_in_set(
    codes: pd.DataFrame, codebook: Codebook, question: MultipleResponse, answers: Sequence[Code], strict: bool
) -> Said:
    """Who mentioned one of the answers. `strict`: codes that read like "don't know" must be declared missing.

    Raises UnknownNameError for an answer that the set does not have, UndeclaredMissingError.
    """
    members = [source_of(codes, codebook, column) for column in question.columns]
    valid = np.logical_or.reduce([~m.variable.is_missing(m.series) for m in members])
    if question.counted is None:
        chosen, texts = _category_answers(members, answers)
        given = np.logical_or.reduce([m.series.isin(chosen).to_numpy(dtype=bool) for m in members])
        named: list[Code] = chosen
    else:
        places = [_member(question.name, members, answer) for answer in answers]
        texts = [member_texts([m.variable for m in members])[place] for place in places]
        said = [(members[p].series == question.counted).to_numpy(dtype=bool, na_value=False) for p in places]
        given, named = np.logical_or.reduce(said), [question.counted]
    for member in members if strict else ():
        check_declared(member, named)
    held = np.logical_or.reduce([m.series.notna().to_numpy() for m in members])
    base = valid | given
    return Said(given, base, held & ~base, any(m.lost for m in members), list(texts), _wording(question, members))


def _category_answers(members: list[Source], answers: Sequence[Code]) -> tuple[list[Code], list[str]]:
    """Codes of the answers in columns that share their labels, and the answers in words."""
    variable = members[0].variable
    present = dict.fromkeys(code for member in members for code in member.present)
    chosen = list(dict.fromkeys(answer_code(variable, answer, present) for answer in answers))
    return chosen, display_texts(variable, chosen)


def _member(name: str, members: list[Source], answer: Any) -> int:
    """Place of the column that stands for an answer: by column name, label, or what the label adds to the stem."""
    variables = [m.variable for m in members]
    texts = member_texts(variables)
    for known in ([v.name for v in variables], [v.title for v in variables], texts):
        if known.count(answer) > 1:
            raise ArgumentError(f"{answer!r} stands for several columns of the set {name!r}. Write a column name.")
        if answer in known:
            return known.index(answer)
    raise UnknownNameError(f"The set {name!r} has no answer {str(answer)!r}.{did_you_mean(answer, texts)}")


def member_texts(members: Sequence[Variable]) -> tuple[str, ...]:
    """What each column of a set says beyond the stem that all of them repeat.

    >>> member_texts([Variable("a", "Reasons: rents"), Variable("b", "Reasons: jobs")])
    ('Rents', 'Jobs')
    """
    titles = [v.title for v in members]
    first, last = min(titles), max(titles)
    shortest = min(len(first), len(last))
    stem = first[: next((i for i in range(shortest) if first[i] != last[i]), shortest)]
    cut = max((stem.rfind(mark) + len(mark) for mark in (": ", " - ") if mark in stem), default=0)
    if len(titles) < 2 or any(len(t) == cut for t in titles):
        return tuple(titles)
    return tuple(t[cut : cut + 1].upper() + t[cut + 1 :] if cut else t for t in titles)


def _wording(question: MultipleResponse, members: list[Source]) -> Variable:
    filters = {m.variable.filter for m in members}
    return Variable(
        question.name,
        label=question.label,
        question=question.question,
        filter=filters.pop() if len(filters) == 1 else "",
    )
