"""Scales: values, reversal, gaps, reliability against pingouin and by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, NoValidData, UndeclaredMissingError, UnknownNameError

ITEMS = ["q1", "q2", "q3", "q4"]
LABELS = {1: "Fully disagree", 2: "Disagree", 3: "Neither", 4: "Agree", 5: "Fully agree", 9: "Don't know"}
DECLARED = MissingRule((9,))


def _frame():
    random = np.random.default_rng(20221201)
    base = random.normal(size=200)
    items = {q: np.clip(np.round(3 + base + random.normal(size=200)), 1, 5) for q in ITEMS}
    frame = pd.DataFrame(
        {**items, "turned": 6 - items["q1"], "w": random.uniform(1, 3, 200), "sex": np.arange(200) % 2}
    )
    frame.loc[:20, "q2"] = 9
    frame.loc[:10, "q3"] = 9
    frame.loc[:5, ["q1", "q4"]] = np.nan
    return frame


def _survey(frame=None, missing=DECLARED):
    frame = _frame() if frame is None else frame
    items = {q: Variable(q, f"Item {q}", LABELS, missing, measure="ordinal") for q in [*ITEMS, "turned"]}
    rest = {n: Variable(n, measure="scale") for n in ("w", "sex")}
    return sk.from_frame(frame, Codebook({**items, **rest})).with_design(weight="w")


@pytest.fixture(scope="module")
def poll():
    return _survey()


def _answers():
    return _frame()[ITEMS].mask(_frame()[ITEMS] == 9)


def test_values_are_means_of_what_was_answered(poll):
    made, answers = sk.scale(poll, ITEMS, "index"), _answers()
    expected = answers.mean(axis=1).where(answers.notna().sum(axis=1) >= 2)
    np.testing.assert_allclose(made.values, expected)
    assert made.n == int(expected.notna().sum())
    assert made.n_complete == int(answers.notna().all(axis=1).sum())


@pytest.mark.parametrize("least", [1, 3, 4])
def test_min_answered(poll, least):
    made = sk.scale(poll, ITEMS, "index", min_answered=least)
    assert made.n == int((_answers().notna().sum(axis=1) >= least).sum())


def test_sum_is_the_mean_times_the_items(poll):
    total, mean = (sk.scale(poll, ITEMS, "index", kind=kind).values for kind in ("sum", "mean"))
    np.testing.assert_allclose(total, 4 * mean)


def test_reverse_turns_by_the_labelled_ends(poll):
    """q1 of nobody need be 1 or 5: lowest + highest code of the labels, the missing code 9 aside."""
    made = sk.scale(poll, ["q1", "turned"], "index", reverse=["turned"])
    np.testing.assert_allclose(
        made.values.dropna(), _frame().loc[made.values.notna(), "q1"].fillna(_frame()["turned"].rsub(6))
    )
    assert made.alpha == pytest.approx(1.0)
    assert made.ends == (1.0, 5.0)
    assert made.items["reversed"].tolist() == [False, True]


def test_an_item_against_the_others_is_said(poll):
    (notice,) = [n for n in sk.scale(poll, ["q2", "q4", "turned"], "index").notices if n.kind == "reverse"]
    assert "turned" in notice.text
    assert "negative item-rest correlation; should it be reversed?" in notice.text


def test_unweighted_alpha_is_that_of_pingouin(poll):
    made = sk.scale(poll, ITEMS, "index", level=0.9)
    alpha, limits = pingouin.cronbach_alpha(data=_answers().dropna(), ci=0.9)
    np.testing.assert_allclose(made.alpha_unweighted, [alpha, *limits])


def test_alpha_with_equal_weights_is_the_unweighted_one(poll):
    made = sk.scale(poll.with_design(), ITEMS, "index")
    np.testing.assert_allclose(made.alpha, made.alpha_unweighted[0], rtol=1e-12)


def test_weighted_alpha_and_item_statistics_by_hand(poll):
    made, answers = sk.scale(poll, ITEMS, "index"), _answers()
    full = answers.notna().all(axis=1)
    x, w = answers[full].to_numpy(), _frame()["w"][full].to_numpy()

    def spread(values):
        return np.average((values - np.average(values, weights=w)) ** 2, weights=w)

    alpha = 4 / 3 * (1 - sum(spread(c) for c in x.T) / spread(x.sum(axis=1)))
    np.testing.assert_allclose(made.alpha, alpha, rtol=1e-12)
    rest = x.sum(axis=1) - x[:, 0]
    cov = np.cov(np.vstack([x[:, 0], rest]), aweights=w)
    np.testing.assert_allclose(made.items["item_rest"][0], cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), rtol=1e-12)
    without = sk.scale(poll.where("valid(q1)"), ITEMS[1:], "index")
    assert np.isfinite(without.alpha)
    assert made.items["n"].tolist() == _answers().notna().sum().tolist()


def test_repeating_rows_is_weighting_them():
    frame = _frame().assign(w=np.where(np.arange(200) % 3 == 0, 2.0, 1.0))
    twice = frame.loc[frame.index.repeat(frame["w"].astype(int))].reset_index(drop=True).assign(w=1.0)
    first, second = (sk.scale(_survey(f), ITEMS, "index").alpha for f in (frame, twice))
    np.testing.assert_allclose(first, second, rtol=1e-12)


def test_the_index_is_a_column_of_the_survey(poll):
    made = sk.scale(poll, ITEMS, "trust_index", label="Index of trust")
    variable = made.survey.codebook["trust_index"]
    assert (variable.label, variable.measure) == ("Index of trust", "scale")
    np.testing.assert_array_equal(made.survey.codes["trust_index"], made.values)
    assert "trust_index" not in poll.codes
    assert np.isfinite(sk.mean(made.survey, "trust_index").se).all()


def test_describe(poll):
    text = sk.scale(poll, ["q1", "q2", "turned"], "index", reverse=["turned"], label="Index of trust").describe()
    assert text.startswith(
        "Index of trust is the mean of 3 items (q1, q2, turned), each coded 1 to 5, with turned reversed."
    )
    assert "at least 2 answered items" in text
    assert "Cronbach's alpha is" in text


@pytest.mark.parametrize(
    ("items", "options", "error", "sentence"),
    [
        (["q1"], {}, ArgumentError, r"A scale needs at least two items, got 1"),
        ("q1", {}, ArgumentError, r"items and reverse are lists of columns"),
        (["q1", "q1"], {}, ArgumentError, r"names a column twice"),
        (["q1", "q8"], {}, UnknownNameError, r"No column 'q8'"),
        (["q1", "q2"], {"reverse": ["q3"]}, UnknownNameError, r"No item to reverse 'q3'"),
        (["q1", "sex"], {}, ArgumentError, r"Items of a scale have the same codes"),
        (["q1", "q2"], {"kind": "median"}, ArgumentError, r"kind='median' is not available"),
        (
            ["q1", "q2"],
            {"min_answered": 0},
            ArgumentError,
            r"min_answered=0 must be a whole number from 1 to the number of items, 2",
        ),
        (["q1", "q2"], {"level": 2}, ArgumentError, r"level=2 is not a confidence level"),
    ],
)
def test_refusals(poll, items, options, error, sentence):
    with pytest.raises(error, match=sentence):
        sk.scale(poll, items, "index", **options)


def test_undeclared_nonresponse_does_not_enter():
    with pytest.raises(UndeclaredMissingError, match=r"9 \(Don't know\)"):
        sk.scale(_survey(missing=None), ITEMS, "index")


def test_nobody_answered():
    with pytest.raises(NoValidData, match="'q1' has no valid answer"):
        sk.scale(_survey(_frame().assign(q1=9.0)), ITEMS, "index")


@pytest.mark.parametrize("name", ["w", "q1", ""])
def test_the_name_is_its_own(poll, name):
    with pytest.raises(ArgumentError):
        sk.scale(poll, ITEMS, name)


def test_a_domain_limits_the_reliability(poll):
    inside = sk.scale(poll.where("sex == 1"), ITEMS, "index")
    alone = sk.scale(_survey(_frame()[_frame()["sex"] == 1].reset_index(drop=True)), ITEMS, "index")
    np.testing.assert_allclose(inside.alpha, alone.alpha, rtol=1e-12)


def test_a_code_beyond_the_labels_is_refused():
    frame = _frame()
    frame.loc[100, ITEMS] = 98
    with pytest.raises(ArgumentError):
        sk.scale(_survey(frame), ITEMS, "index", reverse=["q1"])


def test_items_without_labels_may_lack_an_extreme_answer():
    """Nobody chose 5 in the second item; the example in the docstring of scale() is such a case."""
    made = sk.scale(
        sk.from_frame(pd.DataFrame({"a": [1, 2, 3, 5], "b": [1, 2, 4, 4]})), ["a", "b"], "index", reverse=["b"]
    )
    assert made.values.tolist() == [3.0, 3.0, 2.5, 3.5]


def test_a_scale_with_labelled_ends_only_goes_with_a_labelled_one():
    poll = _survey().relabel("q1", labels={1: "No", 5: "Yes"})
    assert sk.scale(poll, ITEMS, "index").alpha == sk.scale(_survey(), ITEMS, "index").alpha


def test_the_variable_says_how_it_was_made(poll):
    made = sk.scale(poll, [*ITEMS, "turned"], "index", reverse=["turned"], min_answered=3).survey
    assert made["index"].origin == "Mean of q1, q2, q3, q4, turned (turned reversed), where 3 or more are answered."
