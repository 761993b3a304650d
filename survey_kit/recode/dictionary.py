"""Changes of meaning without a change of codes: missing rules, labels, names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from survey_kit.codebook import Code, Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, listed, unknown
from survey_kit.recode.answers import answer_code


def declare_missing(
    codebook: Codebook,
    column: str,
    values: Iterable[Code],
    ranges: Iterable[tuple[float, float]] = (),
    *,
    replace_rule: bool = False,
) -> Codebook:
    """A codebook in which codes of a variable count as user-missing. Codes in the data stay as they are.

    Equivalents: SPSS `MISSING VALUES` (with `replace_rule=True`), Stata `mvdecode`, R `labelled::na_values<-`.

    Args:
        values: codes or labels.
        ranges: closed ranges (low, high); `-math.inf` and `math.inf` are LO and HI.
        replace_rule: False adds to the rule that the variable has; True puts the new rule in its place.
            `declare_missing(book, name, [], replace_rule=True)` states that no code is missing.

    Raises:
        UnknownNameError: no such column or label.
        ArgumentError: a range that is no pair low <= high, or one text in place of a list.

    >>> book = Codebook({"q": Variable("q", labels={1: "Yes", 98: "Don't know"})})
    >>> declare_missing(book, "q", ["Don't know", 99])["q"].missing
    MissingRule(values=(98, 99), ranges=())
    """
    variable = codebook[column]
    if isinstance(values, (str, int, float)):
        raise ArgumentError(f"values={values!r} is one value; give a list, as in [{values!r}].")
    old = MissingRule() if replace_rule or variable.missing is None else variable.missing
    found = tuple(answer_code(variable, value) for value in values)
    for value in found:
        if isinstance(value, float) and math.isnan(value):
            raise ArgumentError(f"NaN is missing already; leave it out of the missing values of {column!r}.")
    rule = MissingRule(
        tuple(dict.fromkeys((*old.values, *found))),
        tuple(dict.fromkeys((*old.ranges, *(_range(column, pair) for pair in ranges)))),
    )
    return codebook.with_changes(column, missing=rule)


def _range(column: str, pair: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(x, (int, float)) for x in pair):
        raise ArgumentError(f"A missing range of {column!r} is a pair (low, high) of numbers; there was {pair!r}.")
    low, high = pair
    if not low <= high:
        raise ArgumentError(f"The missing range {low} to {high} of {column!r} is empty; write the lower number first.")
    return low, high


def relabel(
    codebook: Codebook,
    column: str,
    labels: Mapping[Code, str] | None = None,
    *,
    label: str | None = None,
    question: str | None = None,
) -> Codebook:
    """A codebook with other labels of codes, another short label, or another wording of one variable.

    Args:
        labels: code (or the present label) -> new label. Codes that are not named keep theirs; new codes come last.
        label: short label of the variable.
        question: verbatim wording.

    Raises:
        UnknownNameError: no such column or label.
        ArgumentError: nothing to change, one code named twice, or a label that is not text.

    >>> book = Codebook({"q": Variable("q", labels={1: "Yes", 2: "No"})})
    >>> dict(relabel(book, "q", {"Yes": "In favour"})["q"].labels)
    {1: 'In favour', 2: 'No'}
    """
    variable = codebook[column]
    if labels is None and label is None and question is None:
        raise ArgumentError(f"Nothing to change in {column!r}: give labels, label or question.")
    changed = replace(
        variable,
        labels={**variable.labels, **_new_labels(variable, labels or {})},
        label=variable.label if label is None else label,
        question=variable.question if question is None else question,
    )
    return codebook.with_variable(changed)


def _new_labels(variable: Variable, labels: Mapping[Code, str]) -> dict[Code, str]:
    new: dict[Code, str] = {}
    for answer, text in labels.items():
        code = answer_code(variable, answer)
        if code in new:
            raise ArgumentError(f"Code {code} of {variable.name!r} is given two labels: {new[code]!r} and {text!r}.")
        if not isinstance(text, str):
            raise ArgumentError(f"The label of code {code} of {variable.name!r} must be text; there was {text!r}.")
        new[code] = text
    return new


def rename(codes: pd.DataFrame, codebook: Codebook, names: Mapping[str, str]) -> tuple[pd.DataFrame, Codebook]:
    """Codes and codebook with other column names; order, multiple-response sets and the weight follow.

    Filters in words (`Variable.filter`) are text of the questionnaire and stay as they are.

    Args:
        names: old name -> new name; two names may change places.

    Raises:
        UnknownNameError: no such column.
        ArgumentError: a new name that another column has or gets, or that is not text.
    """
    for old, new in names.items():
        if old not in codes.columns:
            raise unknown("column", old, codes.columns)
        if not isinstance(new, str) or not new:
            raise ArgumentError(f"The new name of {old!r} must be text; there was {new!r}.")
    after = pd.Index([names.get(c, c) for c in codes.columns])
    if not after.is_unique:
        twice = [f"{n!r}" for n in after[after.duplicated()].unique()]
        raise ArgumentError(f"Two columns would be named {listed(twice)}. Choose names that differ.")
    variables = {names.get(k, k): replace(v, name=names.get(k, k)) for k, v in codebook.variables.items()}
    if len(variables) != len(codebook):
        raise ArgumentError("A new name is that of another variable of the codebook. Choose names that differ.")
    sets = {k: _renamed_set(s, names) for k, s in codebook.sets.items()}
    weight = None if codebook.weight is None else names.get(codebook.weight, codebook.weight)
    renamed = codes.set_axis(after, axis="columns")
    return renamed, replace(codebook, variables=variables, sets=sets, weight=weight)


def _renamed_set(answers: MultipleResponse, names: Mapping[str, str]) -> MultipleResponse:
    return replace(answers, columns=tuple(names.get(c, c) for c in answers.columns))
