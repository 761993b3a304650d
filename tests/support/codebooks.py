"""Random surveys for round trips: codes with a codebook, as hypothesis strategies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable

ROWS = 6
NAMES = ("q1", "Возраст", "q_2", "long_name_of_a_variable_in_a_file", "w", "v@6", "x7", "бек")
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\u2028\x85")
TEXT = st.text(LETTERS, max_size=12).map(str.strip)
LABEL = TEXT | st.sampled_from(
    ["=1+1", "<b>", "a'\nb", "я" * 90, "ж" * 300, "')", "$x", "a: b - c", "1", "yes", "null"]
)
NUMBER = st.integers(-99, 999).map(float) | st.sampled_from([0.5, -2.25, 1e15, 1e-7])
MEASURES = ("nominal", "ordinal", "scale", "unknown")


@st.composite
def number_variable(draw: Any, name: str) -> tuple[pd.Series, Variable]:
    """Numbers with labels, a missing rule that SPSS can hold, and all texts."""
    labels = draw(st.dictionaries(NUMBER, LABEL.filter(bool), max_size=4))
    values = draw(st.lists(NUMBER | st.just(math.nan), min_size=ROWS, max_size=ROWS))
    return pd.Series(values, dtype=float), _variable(draw, name, labels, draw(missing_rules()))


@st.composite
def text_variable(draw: Any, name: str) -> tuple[pd.Series, Variable]:
    """Texts, none of them blank; None is missing."""
    texts = TEXT.filter(bool)
    values = draw(st.lists(texts | st.none(), min_size=ROWS, max_size=ROWS))
    short = texts.filter(lambda t: len(t.encode()) <= 8)
    labels = draw(st.dictionaries(short, LABEL.filter(bool), max_size=3))
    rule = draw(st.none() | st.lists(short, min_size=1, max_size=3, unique=True).map(lambda v: MissingRule(tuple(v))))
    return pd.Series(values, dtype="str"), _variable(draw, name, labels, rule)


@st.composite
def date_variable(draw: Any, name: str) -> tuple[pd.Series, Variable]:
    """Days from 1583 to 9999."""
    days = st.dates(min_value=pd.Timestamp("1583-01-01").date()) | st.none()
    values = pd.to_datetime(pd.Series(draw(st.lists(days, min_size=ROWS, max_size=ROWS)), dtype=object))
    return values.astype("datetime64[us]"), _variable(draw, name, {}, None, form="EDATE10")


@st.composite
def missing_rules(draw: Any) -> MissingRule | None:
    """None, up to three values, or a range with at most one value."""
    if draw(st.booleans()):
        return None
    if draw(st.booleans()):
        return MissingRule(tuple(draw(st.lists(NUMBER, min_size=1, max_size=3, unique=True))))
    low, high = sorted(
        draw(st.lists(NUMBER | st.sampled_from([-math.inf, math.inf]), min_size=2, max_size=2, unique=True))
    )
    value = draw(st.lists(NUMBER.filter(lambda v: not low <= v <= high), max_size=1))
    return MissingRule(tuple(value), ((low, high),))


def _variable(draw: Any, name: str, labels: dict[Any, str], missing: MissingRule | None, form: str = "") -> Variable:
    return Variable(
        name,
        label=draw(LABEL),
        labels=dict(sorted(labels.items())),
        missing=missing,
        question=draw(LABEL),
        measure=draw(st.sampled_from(MEASURES)),
        format=form,
        width=draw(st.integers(1, 40)),
        filter=draw(TEXT),
        alignment=draw(st.sampled_from(["left", "right", "center"])),
        attributes=draw(st.dictionaries(st.sampled_from(["$@Role", "source"]), LABEL.filter(bool), max_size=2)),
        origin=draw(TEXT),
    )


@st.composite
def surveys(draw: Any) -> tuple[pd.DataFrame, Codebook]:
    """Codes and their codebook, with sets of both kinds where columns allow."""
    kinds = st.sampled_from([number_variable, number_variable, text_variable, date_variable])
    columns, variables = {}, {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)):
        columns[name], variables[name] = draw(draw(kinds)(name))
    frame = pd.DataFrame(columns)
    numeric = [n for n in frame if frame[n].dtype == np.float64]
    sets = {}
    if len(numeric) > 1 and draw(st.booleans()):
        counted = draw(st.none() | st.integers(0, 99).map(float))
        sets["media"] = MultipleResponse("media", tuple(numeric), counted, draw(TEXT), draw(TEXT))
    weight = numeric[0] if numeric and draw(st.booleans()) else None
    title = draw(TEXT | st.just("Опрос " * 20).map(str.strip))
    notes = tuple(draw(st.lists(TEXT.filter(bool).filter(lambda t: len(t.encode()) <= 80), max_size=2)))
    attributes = draw(st.dictionaries(st.just("fieldwork"), LABEL.filter(bool), max_size=1))
    return frame, Codebook(variables, sets, title, notes, weight, "utf-8", attributes)
