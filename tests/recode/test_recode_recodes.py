"""Bands, groups, nets, crossings: codes, labels, missing rules and the notices that go with them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, UndeclaredMissingError, UnknownNameError
from survey_kit.recode import bands, category_order, collapse, cross, labelled_view, net

NAN = math.nan
CODES = pd.DataFrame(
    {
        "age": [17.0, 18, 29, 30, 44.0, 60, 99, NAN],
        "q": [1.0, 2, 3, 4, 5, 9, 8, NAN],
        "sex": [1, 2, 1, 2, 1, 2, 1, 2],
        "town": ["x", "y", "x", "zz", None, "y", "x", "y"],
        "raw": [1, 2, 98, 1, 2, 98, 1, 2],
    },
    index=list("abcdefgh"),
)
SCALE = {
    1: "Support",
    2: "Rather support",
    3: "Neither",
    4: "Rather oppose",
    5: "Oppose",
    8: "Refused",
    9: "Don't know",
}
BOOK = Codebook(
    {
        "age": Variable("age", label="Age", missing=MissingRule((99,)), labels={99: "Refused"}),
        "q": Variable(
            "q", "Attitude", SCALE, MissingRule((), ((8, 9),)), question="Do you?", measure="ordinal", filter="ASK ALL"
        ),
        "sex": Variable("sex", labels={1: "Male", 2: "Female"}),
        "town": Variable("town", missing=MissingRule(("zz",))),
        "raw": Variable("raw", labels={1: "Yes", 2: "No", 98: "Don't know"}),
    }
)


def same(found: pd.Series, expected: list[float]) -> None:
    assert found.dtype == np.float64
    assert found.index.tolist() == CODES.index.tolist()
    np.testing.assert_array_equal(found.to_numpy(), np.array(expected))


# bands


def test_bands() -> None:
    result = bands("age", [18, 30, 45, 60]).make(CODES, BOOK, "age4")
    same(result.values, [NAN, 1, 1, 2, 2, 4, 99, NAN])
    assert dict(result.variable.labels) == {1: "18-29", 2: "30-44", 3: "45-59", 4: "60+", 99: "Refused"}
    assert result.variable.missing == MissingRule((99,))
    assert (result.variable.name, result.variable.label, result.variable.measure) == ("age4", "Age", "ordinal")
    assert result.values.name == "age4"
    (notice,) = result.notices
    assert (notice.count, notice.text) == (1, "1 row of 'age' below 18 or not finite: now missing.")


def test_bands_unpacks() -> None:
    values, variable = bands("age", [0], labels=["All"], label="Everybody").make(CODES, BOOK, "one")
    same(values, [1, 1, 1, 1, 1, 1, 99, NAN])
    assert (variable.label, variable.labels[1]) == ("Everybody", "All")
    assert bands("age", [0]).make(CODES, BOOK, "one").notices == ()


@pytest.mark.parametrize(
    ("values", "breaks", "labels"),
    [
        ([1, 2, 3], [1, 2, 4], ["1", "2-3", "4+"]),
        ([0.5, 2, 3], [0, 1, 2], ["0 to under 1", "1 to under 2", "2+"]),
        ([1, 2], [0.5, 1.5], ["0.5 to under 1.5", "1.5+"]),
        ([-4, 2], [-5, 0], ["-5 to -1", "0+"]),
    ],
)
def test_bands_labels(values: list[float], breaks: list[float], labels: list[str]) -> None:
    frame = pd.DataFrame({"x": values})
    assert list(bands("x", breaks).make(frame, Codebook(), "b").variable.labels.values()) == labels


def test_bands_moves_missing_codes_that_are_in_the_way() -> None:
    frame = pd.DataFrame({"x": [20.0, 40, 2, -1]})
    book = Codebook({"x": Variable("x", labels={2: "Refused"}, missing=MissingRule((2,), ((-math.inf, -1),)))})
    result = bands("x", [18, 30]).make(frame, book, "b")
    assert result.values.tolist() == [1, 2, 3, -1]
    assert result.variable.missing == MissingRule((3, -1))
    assert dict(result.variable.labels) == {1: "18-29", 2: "30+", 3: "Refused", -1: "-1"}
    assert [n.text for n in result.notices] == ["Missing codes of 'x' got other numbers: 2 is 3."]
    assert result.variable.is_missing(result.values).tolist() == [False, False, True, True]


def test_bands_keeps_open_ranges() -> None:
    frame = pd.DataFrame({"x": [20.0, 997, math.inf]})
    book = Codebook({"x": Variable("x", missing=MissingRule((), ((97, math.inf),)))})
    result = bands("x", [18]).make(frame, book, "b")
    assert result.values.tolist() == [1, 997, math.inf]
    assert result.variable.missing == MissingRule((), ((97, math.inf),))


def test_infinite_values_are_in_no_band() -> None:
    result = bands("x", [0]).make(pd.DataFrame({"x": [1.0, math.inf]}), Codebook(), "b")
    assert result.values.isna().tolist() == [False, True]
    assert result.notices[0].count == 1


@pytest.mark.parametrize(
    ("breaks", "labels", "sentence"),
    [
        ([30, 18], None, r"Breaks for 'age' must be rising numbers, as in \[18, 30, 45\]; there was \[30, 18\]."),
        ([], None, "must be rising numbers"),
        ([18, 18], None, "must be rising numbers"),
        ([18, NAN], None, "must be rising numbers"),
        ("18", None, "must be rising numbers"),
        ([18, "30"], None, "must be rising numbers"),
        ([18, 30], ["a"], "2 breaks make 2 bands; there are 1 labels."),
    ],
)
def test_bands_refuses(breaks: list[float], labels: list[str] | None, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        bands("age", breaks, labels=labels).make(CODES, BOOK, "b")


def test_bands_refuses_text_and_undeclared_missing() -> None:
    with pytest.raises(ArgumentError, match=r"Column 'town' holds text; bands need numbers. Use collapse"):
        bands("town", [1]).make(CODES, BOOK, "b")
    with pytest.raises(UndeclaredMissingError, match=r"'raw' read like non-response .* 98 \(\"Don't know\"\)"):
        bands("raw", [1]).make(CODES, BOOK, "b")
    with pytest.raises(UnknownNameError, match=r"No column 'ag'. Did you mean 'age'?"):
        bands("ag", [1]).make(CODES, BOOK, "b")
    with pytest.raises(ArgumentError, match="The name of the new variable must be text; there was ''"):
        bands("age", [1]).make(CODES, BOOK, "")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-50, 120) | st.none(), max_size=20),
    st.lists(st.integers(-20, 100), min_size=1, max_size=6, unique=True).map(sorted),
)
def test_bands_agrees_with_counting(values: list[float | None], breaks: list[int]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=float)})
    result = bands("x", breaks).make(frame, Codebook(), "b")
    expected = [NAN if v is None or v < breaks[0] else float(sum(v >= b for b in breaks)) for v in values]
    np.testing.assert_array_equal(result.values.to_numpy(), np.array(expected, dtype=float))


# collapse


def test_collapse_by_labels_and_codes() -> None:
    groups = {"Oppose": ["Rather oppose", 5], "Support": [1, 2], "Middle": "Neither"}
    result = collapse("q", groups).make(CODES, BOOK, "q3")
    same(result.values, [2, 2, 3, 1, 1, 9, 8, NAN])
    assert dict(result.variable.labels) == {
        1: "Oppose", 2: "Support", 3: "Middle", 8: "Refused", 9: "Don't know"
    }  # fmt: skip
    assert result.variable.missing == MissingRule((), ((8, 9),))
    assert (result.variable.question, result.variable.measure) == ("Do you?", "ordinal")
    assert result.variable.filter == "ASK ALL"


def test_collapse_other_and_a_named_missing_code() -> None:
    result = collapse("q", {"Don't know": [9], "For": [1, 2]}, other="Else").make(CODES, BOOK, "q3")
    same(result.values, [2, 2, 3, 3, 3, 1, 8, NAN])
    assert result.variable.missing == MissingRule((8,))
    assert result.variable.measure == "nominal"
    assert result.variable.is_missing(result.values).tolist() == [False] * 6 + [True] * 2


def test_collapse_text() -> None:
    result = collapse("town", {"One": ["x"], "Two": ["y"]}).make(CODES, BOOK, "t2")
    same(result.values, [1, 2, 1, 3, NAN, 2, 1, 2])
    assert dict(result.variable.labels) == {1: "One", 2: "Two", 3: "zz"}
    assert result.variable.missing == MissingRule((3,))
    assert result.notices[0].text == "Missing codes of 'town' got other numbers: zz is 3."


@pytest.mark.parametrize(
    ("groups", "other", "sentence"),
    [
        ({"A": [1, 2], "B": ["Rather support", 3]}, None, "Code 2 of 'q' is in two groups, 'A' and 'B'."),
        ({"A": [1, 2, 3]}, None, r"No group holds these answers of 'q': 4 \('Rather oppose'\), 5 \('Oppose'\)."),
        ({"A": []}, "B", "'A' of 'q' needs a label in text and at least one answer."),
        ({"": [1]}, "B", "needs a label in text"),
        ({}, "B", "No groups for 'q'"),
        ({"A": [1]}, "A", "other='A' must be a label that no group has."),
        ({"A": [1]}, "", "other='' must be a label"),
        ({"A": [True]}, "B", "True is no answer to 'q'"),
        ({"A": [[1]]}, "B", r"\[1\] is no answer to 'q'"),
    ],
)
def test_collapse_refuses(groups: dict, other: str | None, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        collapse("q", groups, other=other).make(CODES, BOOK, "q3")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("Opose", "No label 'Opose' in 'q'. Did you mean 'Oppose'?"),
        (7, "No code '7' in 'q'."),
    ],
)
def test_collapse_unknown_answers(answer: object, sentence: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        collapse("q", {"A": [answer]}, other="B").make(CODES, BOOK, "q3")  # type: ignore[list-item]
    assert sentence in str(caught.value)


def test_the_same_answer_twice_in_one_group_is_no_contradiction() -> None:
    assert collapse("sex", {"All": [1, "Male", "Female"]}).make(CODES, BOOK, "s").values.tolist() == [1] * 8


# net


def test_net_excludes_missing() -> None:
    result = net("q", ["Support", 2]).make(CODES, BOOK, "for")
    same(result.values, [1, 1, 0, 0, 0, 9, 8, NAN])
    assert dict(result.variable.labels) == {0: "No", 1: "Yes", 8: "Refused", 9: "Don't know"}
    assert result.variable.missing == MissingRule((), ((8, 9),))
    assert result.notices == ()


def test_net_counts_missing_as_zero() -> None:
    result = net("q", ["Support", 2], missing="zero", labels=("Not for", "For")).make(CODES, BOOK, "for")
    same(result.values, [1, 1, 0, 0, 0, 0, 0, NAN])
    assert dict(result.variable.labels) == {0: "Not for", 1: "For"}
    assert [(n.count, n.text) for n in result.notices] == [
        (2, "2 rows of 'q' without an answer: counted as 'Not for'.")
    ]


def test_net_of_a_missing_code_and_of_text() -> None:
    same(net("q", "Don't know").make(CODES, BOOK, "dk").values, [0, 0, 0, 0, 0, 1, 8, NAN])
    same(net("town", ["x"], missing="zero").make(CODES, BOOK, "x").values, [1, 0, 1, 0, NAN, 0, 1, 0])


def test_net_moves_a_missing_zero() -> None:
    frame = pd.DataFrame({"x": [0.0, 1, 2]})
    book = Codebook({"x": Variable("x", labels={0: "NA"}, missing=MissingRule((0,)))})
    result = net("x", [2]).make(frame, book, "two")
    assert result.values.tolist() == [2, 0, 1]
    assert dict(result.variable.labels) == {0: "No", 1: "Yes", 2: "NA"}
    assert result.variable.missing == MissingRule((2,))


def test_net_refuses() -> None:
    with pytest.raises(ArgumentError, match=r"missing='drop' is not available. There are: exclude, zero."):
        net("q", [1], missing="drop").make(CODES, BOOK, "x")
    with pytest.raises(ArgumentError, match="must be two different labels, of 0 and of 1"):
        net("q", [1], labels=("a", "a")).make(CODES, BOOK, "x")
    with pytest.raises(ArgumentError, match="'answers' of 'q' needs a label in text and at least one answer"):
        net("q", []).make(CODES, BOOK, "x")
    with pytest.raises(
        UndeclaredMissingError, match=r"Or state that every code is an answer: poll.declare_missing\('raw'\)."
    ):
        net("raw", ["Yes"]).make(CODES, BOOK, "x")


def test_net_of_undeclared_missing_where_it_does_no_harm() -> None:
    same(net("raw", ["Don't know"]).make(CODES, BOOK, "x").values, [0, 0, 1, 0, 0, 1, 0, 0])
    same(net("raw", ["Yes"], missing="zero").make(CODES, BOOK, "x").values, [1, 0, 0, 1, 0, 0, 1, 0])
    stated = BOOK.with_changes("raw", missing=MissingRule())
    same(net("raw", ["Yes"]).make(CODES, stated, "x").values, [1, 0, 0, 1, 0, 0, 1, 0])


# cross


def test_cross() -> None:
    banded = bands("age", [18, 30, 45]).make(CODES, BOOK, "age3")
    codes = CODES.assign(age3=banded.values)
    result = cross("sex", "age3", separator=" / ").make(codes, BOOK.with_variable(banded.variable), "cell")
    assert dict(result.variable.labels) == {
        1: "Male / 18-29", 2: "Male / 30-44", 3: "Female / 18-29", 4: "Female / 30-44", 5: "Female / 45+"
    }  # fmt: skip
    same(result.values, [NAN, 3, 1, 4, 2, 5, NAN, NAN])
    (notice,) = result.notices
    assert (notice.count, notice.text) == (3, "3 rows missing in one of sex, age3: no combination.")


def test_cross_keeps_codes_with_one_label_apart() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["m", "m"]})
    book = Codebook({"a": Variable("a", labels={1: "Yes", 2: "Yes"})})
    assert list(cross("a", "b").make(frame, book, "c").variable.labels.values()) == ["Yes [1] x m", "Yes [2] x m"]


def test_cross_of_nothing_valid() -> None:
    frame = pd.DataFrame({"a": [NAN], "b": [1.0]})
    result = cross("a", "b").make(frame, Codebook(), "c")
    assert result.values.isna().all() and not result.variable.labels


@pytest.mark.parametrize("columns", [["sex"], ["sex", "sex"], [["sex", "q"]], []])
def test_cross_refuses(columns: list) -> None:
    with pytest.raises(ArgumentError, match="A crossing needs two or more different columns"):
        cross(*columns).make(CODES, BOOK, "c")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.sampled_from([None, 1, 2, 3])] * 3), min_size=1, max_size=25))
def test_cross_agrees_with_sorted_tuples(rows: list[tuple[int | None, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"], dtype=float)
    result = cross("a", "b", "c").make(frame, Codebook(), "z")
    whole = sorted({r for r in rows if None not in r})  # type: ignore[type-var]
    expected = [NAN if None in r else whole.index(r) + 1.0 for r in rows]
    np.testing.assert_array_equal(result.values.to_numpy(), np.array(expected, dtype=float))
    assert list(result.variable.labels.values()) == [" x ".join(map(str, r)) for r in whole]


def test_recodes_change_nothing_and_fit_the_labelled_view() -> None:
    before = CODES.copy(deep=True)
    result = collapse("q", {"Against": [4, 5], "For": [1, 2]}, other="Else").make(CODES, BOOK, "q2")
    pd.testing.assert_frame_equal(CODES, before)
    view = labelled_view(CODES.assign(q2=result.values), BOOK.with_variable(result.variable), ["q2"])
    assert view["q2"].cat.categories.tolist() == ["Against", "For", "Else"]
    assert category_order(result.values, result.variable, missing=True) == [1, 2, 3, 8, 9]
