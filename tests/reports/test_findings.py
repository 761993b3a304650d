"""Titles claim what the intervals allow, and no more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

sk = pytest.importorskip("survey_kit")

from survey_kit.reports.findings import (  # noqa: E402
    between_items,
    gap_in_words,
    largest_gap,
    most_frequent,
    strongest_effects,
    strongest_terms,
)


def _poll(n: int, yes_town: float, yes_country: float) -> sk.Survey:
    half = n // 2
    answers = np.r_[np.arange(half) < yes_town * half, np.arange(half) < yes_country * half]
    frame = pd.DataFrame({"area": ["Town"] * half + ["Country"] * half, "vote": np.where(answers, "Yes", "No")})
    return sk.from_frame(frame)


def test_the_most_frequent_answer_is_said_with_its_share() -> None:
    clear = sk.proportion(_poll(1000, 0.7, 0.7), "vote")
    assert most_frequent(clear) == "70% answer “Yes”, more than any other answer"
    close = sk.proportion(_poll(1000, 0.51, 0.51), "vote")
    assert most_frequent(close) == "51% answer “Yes”, 49% “No”; no clear difference"


def test_a_difference_is_claimed_only_when_it_is_significant() -> None:
    def shares(n: int, town: float, country: float) -> object:
        estimates = sk.proportion(_poll(n, town, country), "vote", by="area")
        return _only(estimates, "Yes")

    large = largest_gap([shares(1000, 0.45, 0.60)], "Yes")
    assert large == "Country are 15 points more likely than Town to answer “Yes”"
    assert largest_gap([shares(200, 0.45, 0.50)], "Yes") == "No clear difference between the groups in answering “Yes”"
    small_groups = largest_gap([shares(40, 0.1, 0.9)], "Yes")
    assert small_groups.startswith("No clear difference"), "groups below 30 respondents are not compared"


def test_many_comparisons_need_more_evidence() -> None:
    one = _only(sk.proportion(_poll(1000, 0.50, 0.565), "vote", by="area"), "Yes")
    assert "points more likely" in largest_gap([one], "Yes")
    assert largest_gap([one] * 20, "Yes").startswith("No clear difference")


def _only(estimates, answer):
    from survey_kit.results.combine import only_answer

    return only_answer(estimates, answer)


def test_model_terms_and_batteries() -> None:
    frame = pd.DataFrame({"estimate": [0.9, -0.4, 0.1], "ci_low": [0.6, -0.7, -0.2], "ci_high": [1.2, -0.1, 0.4]})
    assert strongest_terms(frame, ["Costs", "Age", "Sex"]) == (
        "“Costs” goes with higher odds; “Age” goes with lower odds, others held equal"
    )
    assert strongest_terms(frame.iloc[2:], ["Sex"]).startswith("None of the characteristics")
    effects = frame / 10
    assert strongest_effects(effects, ["Costs", "Age", "Sex"]) == (
        "Average effects on the share: “Costs” +9 points, “Age” −4 points"
    )
    assert strongest_effects(effects.iloc[2:], ["Sex"]).startswith("No average effect")
    assert [gap_in_words(x) for x in (0.004, 0.01, -0.15)] == ["less than 1 point", "1 point", "15 points"]


def test_items_of_a_battery_are_ranked_only_when_they_differ() -> None:
    rng = np.arange(600)
    frame = pd.DataFrame(
        {"rents": np.where(rng % 10 < 6, "agree", "no"), "wages": np.where(rng % 7 < 2, "agree", "no")}
    )
    poll = sk.from_frame(frame.assign(same=frame["rents"].to_numpy()[::-1]))
    apart = _only(sk.proportion(poll, ["rents", "wages"]), "agree")
    assert between_items(apart, "agree") == "“agree”, most often: rents (60%); least often: wages (29%)"
    alike = _only(sk.proportion(poll, ["rents", "same"]), "agree")
    assert between_items(alike, "agree").startswith("No clear difference between the items: 60% to 60%")
