"""`missing="show"` on multiple-response sets, and "don't know" that nobody declared in conditions and recodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import UndeclaredMissingError

RULE = MissingRule((98.0, 99.0))
LABELS = {1.0: "TV", 2.0: "Web", 98.0: "Don't know", 99.0: "Refused"}


@pytest.fixture
def poll():
    codes = pd.DataFrame(
        {
            "a": [1.0, 98, 98, np.nan, 2, 99],
            "b": [2.0, np.nan, 98, np.nan, 98, np.nan],
            "m1": [1.0, 0, 98, np.nan, 1, 99],
            "m2": [0.0, 0, 98, np.nan, 98, 1],
        }
    )
    variables = {n: Variable(n, labels=LABELS, missing=RULE) for n in ("a", "b")}
    variables |= {
        n: Variable(n, n.upper(), {0.0: "No", 1.0: "Yes", **dict(list(LABELS.items())[2:])}, RULE) for n in ("m1", "m2")
    }
    sets = {"cat": MultipleResponse("cat", ("a", "b"), None), "dich": MultipleResponse("dich", ("m1", "m2"), 1.0)}
    return sk.from_frame(codes, Codebook(variables, sets))


def shares(estimates):
    frame = estimates.frame()
    return dict(zip(frame["answer"], frame["estimate"].round(6), strict=True)), int(frame["n"].iloc[0])


def test_reasons_of_a_category_set(poll):
    assert shares(sk.proportion(poll, "cat")) == ({"TV": 0.5, "Web": 1.0}, 2)
    assert shares(sk.proportion(poll, "cat", missing="show")) == (
        {"TV": 0.2, "Web": 0.4, "Don't know": 0.4, "Refused": 0.2},
        5,
    )


def test_reasons_of_dichotomies(poll):
    assert shares(sk.proportion(poll, "dich")) == ({"M1": 0.5, "M2": 0.25}, 4)
    assert shares(sk.proportion(poll, "dich", missing="show")) == ({"M1": 0.4, "M2": 0.2, "Don't know": 0.2}, 5)


class TestUndeclared:
    @pytest.fixture
    def poll(self):
        book = Codebook({"q": Variable("q", labels={1.0: "Low", 4.0: "High", 98.0: "Don't know"})})
        return sk.from_frame(pd.DataFrame({"q": [1.0, 4.0, 98.0]}), book)

    @pytest.mark.parametrize("condition", ["q >= 4", "q < 4", "3 < q", "1 <= q <= 4", "not (q < 2)"])
    def test_it_is_neither_more_nor_less(self, poll, condition):
        with pytest.raises(UndeclaredMissingError, match=r"98 \(\"Don't know\"\)"):
            poll.where(condition)
        assert len(poll.declare_missing("q", [98]).where(condition)) <= 2
        assert len(poll.declare_missing("q").where("q >= 4")) == 2

    def test_naming_it_is_fine(self, poll):
        assert len(poll.where("q == 98")) == 1
        assert len(poll.where("q in [1, 4]")) == 2

    def test_it_is_not_swept_into_other_answers(self, poll):
        with pytest.raises(UndeclaredMissingError, match="98"):
            poll.recode(high=sk.collapse("q", {"low": [1]}, other="high"))
        named = poll.recode(high=sk.collapse("q", {"low": [1], "unsure": ["Don't know"]}, other="high"))
        assert named.codes["high"].tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    "label",
    [
        "Don´t know",
        "Жауаптан бас тарту",
        "Decline to answer",
        "Respondent refused",
        "Refused to state",
        "Не могу ответить",
        "н/о",
        "D.K.",
        "IAP",
        "VOL: Don't know",
        "Don't know - do not read",
        "Refused (do not read out)",
    ],
)
def test_wordings_that_are_no_answer(label):
    assert sk.from_frame(
        pd.DataFrame({"q": [1.0]}), Codebook({"q": Variable("q", labels={1.0: "Yes", 8.0: label})})
    ).undeclared() == {"q": [8.0]}
