"""Searching a codebook, and equality between codebooks that know the data and those that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MultipleResponse, Variable
from survey_kit.codebook_view import SurveyCodebook
from survey_kit.design.design import Design
from survey_kit.errors import ArgumentError

BOOK = Codebook(
    {
        "q1": Variable("q1", label="Attitude to MIGRATION", labels={1: "Für", 2: "Gegen die Straße"}),
        "q2": Variable("q2", label="Доверие", question="Доверяете ли Вы Правительству?"),
        "q3_1": Variable("q3_1", label="Television"),
        "q3_2": Variable("q3_2", label="Internet"),
        "age": Variable("age", label="Age"),
    },
    sets={"news": MultipleResponse("news", ("q3_1", "q3_2"), label="Sources of information")},
    weight="age",
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("migra", ["q1"]),
        ("MIGRA attit", ["q1"]),
        ("migra age", []),
        ("strasse", ["q1"]),
        ("правительств доверие", ["q2"]),
        ("Q3_", ["q3_1", "q3_2"]),
        ("sources of", ["q3_1", "q3_2"]),
        ("news internet", ["q3_2"]),
        ("age", ["age"]),
        ("", ["q1", "q2", "q3_1", "q3_2", "age"]),
        ("no such thing", []),
    ],
)
def test_every_word_must_be_mentioned(text: str, names: list[str]) -> None:
    assert list(BOOK.find(text)) == names
    assert list(SurveyCodebook.of(BOOK, pd.DataFrame()).find(text)) == names


def test_sets_stay_when_all_their_columns_do() -> None:
    assert list(BOOK.find("sources").sets) == ["news"]
    assert list(BOOK.find("television").sets) == []


def test_find_takes_words_only() -> None:
    with pytest.raises(ArgumentError, match="find takes words to look for; there was 3"):
        BOOK.find(3)  # type: ignore[arg-type]


def test_base_frame_needs_no_data() -> None:
    frame = BOOK.frame()
    assert list(frame.columns) == ["name", "label", "question", "measure", "values", "missing", "filter"]
    assert frame.loc[0, "values"] == "1 = Für; 2 = Gegen die Straße"
    assert list(BOOK.find("nothing").frame().columns) == list(frame.columns)


def test_equality_holds_both_ways() -> None:
    told = SurveyCodebook.of(BOOK, pd.DataFrame({"age": [1, 2]}), Design(weight="age"), np.array([True, False]))
    assert told == BOOK
    assert BOOK.__eq__(told) is True
    assert BOOK in [told]
    assert told == SurveyCodebook.of(BOOK, pd.DataFrame())
    changed = told.with_changes("q1", label="Other")
    assert changed != BOOK
    assert BOOK not in [changed]
    assert BOOK != "a text"


def test_changes_keep_what_the_codebook_knows() -> None:
    codes = pd.DataFrame({"q1": [1, 2, 2], "w": [1.0, 1.0, 2.0]})
    book = Codebook({"q1": Variable("q1", labels={1: "Yes", 2: "No"}), "w": Variable("w")})
    told = SurveyCodebook.of(book, codes, Design(weight="w"), np.array([False, True, True]))
    for changed in (
        told.with_changes("q1", label="A"),
        told.with_variable(Variable("new")),
        told.only(["q1"]),
        told.find("yes"),
        told.in_language(0),
    ):
        assert isinstance(changed, SurveyCodebook)
        assert changed.codes is codes
        assert changed.categories("q1")["n"].tolist() == [0, 2]


def test_text_form_is_short() -> None:
    book = Codebook({f"q{i}": Variable(f"q{i}", label=f"Question {i}") for i in range(2000)}, title="Poll")
    text = repr(SurveyCodebook.of(book, pd.DataFrame({"q0": [1, 2]})))
    assert text.splitlines()[0] == "Codebook('Poll'): 2,000 variables, 2 rows, unweighted"
    assert text.splitlines()[-1] == "  ... and 1,988 more"
