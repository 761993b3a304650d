"""Missing rules, labels and names change; codes do not."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.recode import declare_missing, looks_like_nonresponse, relabel, rename

BOOK = Codebook(
    {
        "q": Variable("q", labels={1: "Yes", 2: "No", 98: "Don't know", 99: "Refused"}, missing=MissingRule((99,))),
        "a": Variable("a"),
        "w": Variable("w"),
        "town": Variable("town", labels={"x": "Almaty"}),
    },
    sets={"m": MultipleResponse("m", ("q", "a"))},
    weight="w",
)
CODES = pd.DataFrame({"q": [1, 99], "a": [0, 1], "w": [1.0, 2.0], "town": ["x", "y"]})


def test_declare_missing_adds() -> None:
    book = declare_missing(BOOK, "q", ["Don't know", 99, -1], [(-9, -5)])
    assert book["q"].missing == MissingRule((99, 98, -1), ((-9, -5),))
    assert BOOK["q"].missing == MissingRule((99,))
    assert book["q"].labels == BOOK["q"].labels


def test_declare_missing_in_place_of_the_old_rule() -> None:
    assert declare_missing(BOOK, "q", [98], replace_rule=True)["q"].missing == MissingRule((98,))
    assert declare_missing(BOOK, "q", [], replace_rule=True)["q"].missing == MissingRule()


def test_an_empty_rule_is_a_statement() -> None:
    variable = Variable("q", labels={1: "Yes", 98: "Don't know"})
    assert looks_like_nonresponse(variable) == [98]
    stated = declare_missing(Codebook({"q": variable}), "q", [])["q"]
    assert stated.missing == MissingRule()
    assert looks_like_nonresponse(stated) == []


def test_declare_missing_open_ranges_and_text() -> None:
    assert declare_missing(BOOK, "a", [], [(97, math.inf)])["a"].missing == MissingRule((), ((97, math.inf),))
    assert declare_missing(BOOK, "town", ["zz", "Almaty"])["town"].missing == MissingRule(("zz", "x"))


@pytest.mark.parametrize(
    ("values", "ranges", "sentence"),
    [
        ([], [(5, 1)], "The missing range 5 to 1 of 'q' is empty; write the lower number first."),
        ([], [(1, math.nan)], "is empty"),
        ([], [(1,)], r"is a pair \(low, high\) of numbers; there was \(1,\)"),
        ([], ["ab"], "is a pair"),
        ("Refused", [], r"values='Refused' is one value; give a list, as in \['Refused'\]"),
        (98, [], "is one value"),
        ([math.nan], [], "NaN is missing already"),
        ([None], [], "None is no answer to 'q'"),
    ],
)
def test_declare_missing_refuses(values: list, ranges: list, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        declare_missing(BOOK, "q", values, ranges)


def test_declare_missing_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match=r"No column 'towm'. Did you mean 'town'\?"):
        declare_missing(BOOK, "towm", [1])
    with pytest.raises(UnknownNameError, match=r"No label 'Refusd' in 'q'. Did you mean 'Refused'"):
        declare_missing(BOOK, "q", ["Refusd"])


def test_relabel() -> None:
    book = relabel(BOOK, "q", {"Yes": "In favour", 3: "Neither"}, label="Vote", question="How?")
    assert dict(book["q"].labels) == {1: "In favour", 2: "No", 98: "Don't know", 99: "Refused", 3: "Neither"}
    assert (book["q"].label, book["q"].question) == ("Vote", "How?")
    assert relabel(book, "q", label="")["q"].label == ""
    assert dict(BOOK["q"].labels)[1] == "Yes"


def test_relabel_refuses() -> None:
    with pytest.raises(ArgumentError, match="Nothing to change in 'q': give labels, label or question"):
        relabel(BOOK, "q")
    with pytest.raises(ArgumentError, match="Code 1 of 'q' is given two labels: 'a' and 'b'"):
        relabel(BOOK, "q", {"Yes": "a", 1: "b"})
    with pytest.raises(ArgumentError, match="The label of code 1 of 'q' must be text; there was 5"):
        relabel(BOOK, "q", {1: 5})  # type: ignore[dict-item]
    with pytest.raises(UnknownNameError, match="No label 'Yep' in 'q'"):
        relabel(BOOK, "q", {"Yep": "x"})


def test_rename_carries_sets_weight_and_order() -> None:
    codes, book = rename(CODES, BOOK, {"q": "vote", "w": "weight"})
    assert list(codes) == list(book) == ["vote", "a", "weight", "town"]
    assert book["vote"].name == "vote" and book.sets["m"].columns == ("vote", "a") and book.weight == "weight"
    assert list(CODES) == ["q", "a", "w", "town"] and list(BOOK) == ["q", "a", "w", "town"]


def test_rename_may_swap() -> None:
    codes, book = rename(CODES, BOOK, {"q": "a", "a": "q"})
    assert codes["a"].tolist() == [1, 99] and book["a"].labels[1] == "Yes"


def test_rename_refuses() -> None:
    with pytest.raises(ArgumentError, match="Two columns would be named 'a'"):
        rename(CODES, BOOK, {"q": "a"})
    with pytest.raises(UnknownNameError, match="No column 'qq'"):
        rename(CODES, BOOK, {"qq": "a"})
    with pytest.raises(ArgumentError, match="The new name of 'q' must be text; there was ''"):
        rename(CODES, BOOK, {"q": ""})
    with pytest.raises(ArgumentError, match="that of another variable of the codebook"):
        rename(CODES[["q"]], BOOK, {"q": "a"})
