"""A chart of numbers says which: medians, Gini coefficients and counts are not told from their values."""

from __future__ import annotations

import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, Variable

FRAME = pd.DataFrame({"age": [20.0, 30, 41, 52, 63, 77], "sex": ["m", "w"] * 3, "vote": ["a", "b", "a", "a", "b", "b"]})


def _poll() -> sk.Survey:
    book = Codebook(
        {
            "age": Variable("age", label="Age", measure="scale"),
            "sex": Variable("sex", label="Sex"),
            "vote": Variable("vote", label="Vote"),
        }
    )
    return sk.from_frame(FRAME, book)


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda p: sk.mean(p, "age", by="sex"), "Age"),
        (lambda p: sk.median(p, "age", by="sex"), "Age: median"),
        (lambda p: sk.quantile(p, "age", 0.25, by="sex"), "Age: quantile 0.25"),
        (lambda p: sk.gini(p, "age", by="sex"), "Age: Gini"),
        (lambda p: sk.sd(p, "age", by="sex"), "Age: SD"),
        (lambda p: sk.count(p, "vote"), "Vote: count"),
        (lambda p: sk.proportion(p, "vote"), "Vote"),
        (lambda p: sk.proportion(p, "vote", by="sex").difference(sex=("m", "w")), "Vote"),
        (lambda p: sk.cdf(p, "age", at=[30, 60]), "Age"),
    ],
)
def test_the_subtitle_names_the_statistic(ask, expected):
    assert sk.chart(ask(_poll())).subtitle == expected


def test_a_subtitle_of_ones_own_stays():
    assert sk.chart(sk.median(_poll(), "age", by="sex"), subtitle="Half are older").subtitle == "Half are older"
