"""Variances, standard deviations, covariances and correlations: R, identities, edge cases, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, NoValidData, UndeclaredMissingError, UnknownNameError
from survey_kit.estimation.correlation import correlation, covariance
from survey_kit.estimation.variance import sd, variance
from survey_kit.kernels.moments import Correlations, Covariances, Deviations

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "moments.json").read_text(encoding="utf-8"))
seeds = st.integers(0, 10_000)


def _designs() -> dict[str, sk.Survey]:
    poll = sk.from_frame(pd.DataFrame(R["sample"]))
    return {
        "linearized": poll.with_design(weight="w", strata="stratum", psu="area", fpc="areas"),
        "replicated": poll.with_design(weight="w", strata="stratum", psu="area").replicate("JKn"),
    }


def _sample(seed: int, n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(10, 3, n)
    return pd.DataFrame(
        {
            "stratum": rng.integers(0, 3, n),
            "psu": rng.integers(0, 6, n),
            "w": rng.uniform(0.2, 5, n),
            "x": x,
            "y": 0.5 * x + rng.normal(0, 2, n),
            "group": rng.choice(["g", "h"], n),
        }
    )


def _poll(frame: pd.DataFrame) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="psu", lonely_psu="adjust")


def _same(estimates, expected, rtol=1e-9):
    np.testing.assert_allclose(estimates.theta, np.atleast_1d(expected["estimate"]), rtol=rtol)
    np.testing.assert_allclose(estimates.se, np.atleast_1d(expected["se"]), rtol=1e-8)


# --- R -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linearized", "replicated"])
def test_against_r(name):
    poll, expected = _designs()[name], R["moments"][name]
    _same(variance(poll, "hours"), expected["variance"])
    _same(variance(poll, "income", by="region"), expected["by"])
    _same(variance(poll, "income", where="sex == 'male'"), expected["domain"])
    upper = [0, 1, 3]  # R writes the matrix out, column by column
    found = covariance(poll, ["income", "rent"])
    _same(found, {k: np.array(v)[upper] for k, v in expected["covariance"].items()})
    assert list(found.names) == ["income:income", "income:rent", "rent:rent"]


def test_correlation_against_the_delta_method_of_r():
    _same(correlation(_designs()["linearized"], ["income", "rent"]), R["correlation"])


# --- identities ----------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(-1e9, 1e9), st.floats(0.01, 100))
def test_a_shift_changes_nothing_and_a_scale_its_square(seed, shift, scale):
    frame = _sample(seed)
    frame["x"] = frame["x"].round(6)
    one, other = variance(_poll(frame), "x"), variance(_poll(frame.assign(x=frame["x"] * scale)), "x")
    np.testing.assert_allclose(other.theta, one.theta * scale**2, rtol=1e-9)
    np.testing.assert_allclose(other.se, one.se * scale**2, rtol=1e-9)
    moved = _poll(frame.assign(x=frame["x"] + shift, near=(frame["x"] + shift) - shift))
    np.testing.assert_allclose(variance(moved, "x").theta, variance(moved, "near").theta, rtol=1e-9)
    np.testing.assert_allclose(variance(moved, "x").se, variance(moved, "near").se, rtol=1e-9)


@pytest.mark.parametrize("replicate", [False, True])
def test_numbers_far_from_zero_lose_no_digits(replicate):
    frame = _sample(3)
    frame["x"] = np.arange(len(frame)) % 7
    poll, far = (sk.from_frame(f).with_design(weight="w", psu="psu") for f in (frame, frame.assign(x=frame["x"] + 1e9)))
    if replicate:
        poll, far = poll.replicate("JK1"), far.replicate("JK1")
    np.testing.assert_allclose(variance(far, "x").theta, variance(poll, "x").theta, rtol=1e-13)
    np.testing.assert_allclose(variance(far, "x").se, variance(poll, "x").se, rtol=1e-12)
    np.testing.assert_allclose(correlation(far, ["x", "y"]).se, correlation(poll, ["x", "y"]).se, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([-3.0, -0.5, 0.25, 7.0]), st.floats(-100, 100))
def test_a_linear_function_correlates_perfectly(seed, slope, intercept):
    frame = _sample(seed)
    poll = _poll(frame.assign(z=slope * frame["x"] + intercept))
    found = correlation(poll, ["x", "z"])
    np.testing.assert_allclose(found.theta, np.sign(slope), rtol=1e-12)
    assert found.se[0] < 1e-10


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 1e6))
def test_weights_scale_and_the_order_of_rows_and_variables_do_not_matter(seed, factor):
    frame = _sample(seed)
    one = correlation(_poll(frame), ["x", "y"], by="group")
    again = frame.assign(w=frame["w"] * factor).sample(frac=1, random_state=seed)
    other = correlation(_poll(again), ["y", "x"], by="group")
    np.testing.assert_allclose(other.theta, one.theta, rtol=1e-10)
    np.testing.assert_allclose(other.vcov(), one.vcov(), rtol=1e-8, atol=1e-15)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_equal_weights_give_the_textbook(seed):
    frame = _sample(seed)
    poll = sk.from_frame(frame[["x", "y"]])
    np.testing.assert_allclose(
        covariance(poll, ["x", "y"]).theta[[0, 1, 2]], frame[["x", "y"]].cov().to_numpy().ravel()[[0, 1, 3]]
    )
    np.testing.assert_allclose(sd(poll, "x").theta, frame["x"].std(), rtol=1e-12)
    np.testing.assert_allclose(correlation(poll, ["x", "y"]).theta, frame["x"].corr(frame["y"]), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_sd_is_the_root_and_correlation_the_standardised_covariance(seed):
    poll = _poll(_sample(seed))
    s2, s = variance(poll, ["x", "y"]), sd(poll, ["x", "y"])
    np.testing.assert_allclose(s.theta**2, s2.theta, rtol=1e-12)
    np.testing.assert_allclose(s.se, s2.se / (2 * s.theta), rtol=1e-9)
    both = covariance(poll, ["x", "y"])
    r = both.theta[1] / np.sqrt(both.theta[0] * both.theta[2])
    slope = np.array([-r / (2 * both.theta[0]), 1 / np.sqrt(both.theta[0] * both.theta[2]), -r / (2 * both.theta[2])])
    found = correlation(poll, ["x", "y"])
    np.testing.assert_allclose(found.theta, r, rtol=1e-12)
    np.testing.assert_allclose(found.se**2, slope @ both.vcov().to_numpy() @ slope, rtol=1e-8)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_jackknife_is_close_to_linearisation(seed):
    frame = _sample(seed, 600).assign(psu=np.arange(600) // 3, stratum=1)
    poll = sk.from_frame(frame).with_design(weight="w", psu="psu")
    for verb, names in ((variance, "x"), (sd, "x"), (covariance, ["x", "y"]), (correlation, ["x", "y"])):
        np.testing.assert_allclose(verb(poll.replicate("JK1"), names).se, verb(poll, names).se, rtol=0.05)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_a_group_is_its_domain_and_groups_of_one_psu_covary(seed):
    frame = _sample(seed)
    poll = _poll(frame)
    by, domain = variance(poll, "x", by="group"), variance(poll, "x", where="group == 'g'")
    np.testing.assert_allclose(by.theta[0], domain.theta[0], rtol=1e-12)
    np.testing.assert_allclose(by.se[0], domain.se[0], rtol=1e-9)
    assert by.vcov().to_numpy()[0, 1] != 0


@pytest.mark.parametrize("kind", ["covariances", "deviations", "correlations"])
def test_derivatives_hold_for_any_centre(kind):
    """Totals of values that were not centred: the derivative by finite differences, and the values by hand."""
    totals = np.array([6.0, 9.0, 20.0, 13.0, 40.0, 4.0])  # T_a, T_b, T_aa, T_ab, T_bb, W
    columns = {"first": [0, 0, 1], "second": [0, 1, 1], "product": [2, 3, 4], "base": [5, 5, 5]}
    moments = Covariances(**{k: np.array(v) for k, v in columns.items()}, factor=np.full(3, 4 / 3))
    variances = Covariances(*(np.array(v)[[0, 2]] for v in columns.values()), factor=np.full(2, 4 / 3))
    law = {
        "covariances": moments,
        "deviations": Deviations(variances),
        "correlations": Correlations(moments, np.array([1]), np.array([0]), np.array([2])),
    }[kind]
    np.testing.assert_allclose(moments.value(totals), 4 / 3 * np.array([2.75, -0.125, 4.9375]))
    step = 1e-6 * np.eye(6)
    slopes = [(law.value(totals + s) - law.value(totals - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(law.jacobian(totals).toarray(), np.column_stack(slopes), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(law.value(np.vstack([totals, totals])), np.vstack([law.value(totals)] * 2))


# --- intervals -----------------------------------------------------------------------------------------------------


def test_fisher_limits_are_those_of_atanh_and_stay_within_one():
    poll = _designs()["linearized"]
    wald, fisher = (correlation(poll, ["income", "rent"], interval=i) for i in ("wald", "fisher"))
    low, high = fisher.confidence_interval()
    r, se = wald.theta[0], wald.se[0]
    half = (np.arctanh(high[0]) - np.arctanh(low[0])) / 2
    assert np.tanh((np.arctanh(low[0]) + np.arctanh(high[0])) / 2) == pytest.approx(r, rel=1e-12)
    t = (wald.confidence_interval()[1][0] - r) / se
    assert half == pytest.approx(t * se / (1 - r**2), rel=1e-10)
    assert (low != wald.confidence_interval()[0]).all()


def test_a_wald_interval_beyond_one_is_told():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 9], "y": [2.0, 1, 3, 5, 4, 9]})
    poll = sk.from_frame(frame)
    found = correlation(poll, ["x", "y"])
    assert found.confidence_interval()[1][0] > 1
    told = [n.text for n in found.notices if n.kind == "interval"]
    assert told == ['1 of 1 intervals leave -1 to 1, where correlations end; interval="fisher" keeps within.']
    fisher = correlation(poll, ["x", "y"], interval="fisher")
    assert fisher.confidence_interval()[1][0] < 1 and not [n for n in fisher.notices if n.kind == "interval"]


# --- edges and refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replicate", [False, True])
def test_what_does_not_vary(replicate):
    frame = pd.DataFrame({"same": [0.1] * 6, "x": [1.0, 2, 3, 4, 5, 9], "w": [1.0, 3, 0.7, 2, 1, 1]})
    poll = sk.from_frame(frame).with_design(weight="w")
    poll = poll.replicate("JK1") if replicate else poll
    assert (variance(poll, "same").theta[0], variance(poll, "same").se[0]) == (0, 0)
    assert sd(poll, "same").theta[0] == 0
    assert np.isnan(correlation(poll, ["same", "x"]).theta[0]) and np.isnan(correlation(poll, ["same", "x"]).se[0])
    assert covariance(poll, ["same", "x"]).theta[1] == 0


def test_linearisation_has_no_error_for_a_deviation_of_zero():
    assert np.isnan(sd(sk.from_frame(pd.DataFrame({"same": [0.1] * 6})), "same").se[0])


def test_one_row_or_no_weight_is_no_variance():
    frame = pd.DataFrame({"x": [1.0, 2, 3, 4, 5], "g": ["a", "b", "b", "c", "c"], "w": [1.0, 1, 2, 0, 0]})
    found = variance(sk.from_frame(frame).with_design(weight="w"), "x", by="g")
    assert list(np.isnan(found.theta)) == [True, False, True]
    assert list(found.n) == [1, 2, 0]
    assert np.isnan(found.se[[0, 2]]).all() and found.se[1] >= 0


def test_rows_of_weight_zero_are_not_counted_in_n():
    frame = pd.DataFrame({"x": [1.0, 2, 4, 8, 99], "w": [1.0, 1, 1, 1, 0]})
    whole = variance(sk.from_frame(frame).with_design(weight="w"), "x")
    np.testing.assert_allclose(whole.theta, frame["x"][:4].var(), rtol=1e-12)
    assert whole.n[0] == 4


def test_missing_answers_are_left_out_casewise_and_counted():
    frame = pd.DataFrame({"x": [1.0, 2, 4, np.nan], "y": [3.0, np.nan, 4, 8]})
    found = covariance(sk.from_frame(frame), ["x", "y"])
    assert (found.n == 2).all()
    assert "2 of 4 rows have no valid answer to x, y" in str(found.notices[0])


def test_keys_and_statistics():
    frame = _sample(1).assign(z=lambda d: d["x"] ** 2)
    found = correlation(_poll(frame), ["x", "y", "z"], by="group")
    assert found.frame().columns[:4].tolist() == ["variable", "group", "answer", "statistic"]
    assert found.names.tolist() == ["x:g:y", "x:h:y", "x:g:z", "x:h:z", "y:g:z", "y:h:z"]
    assert set(found.keys["statistic"]) == {"correlation"}
    assert set(variance(_poll(frame), "x").keys["statistic"]) == {"variance"}
    assert set(sd(_poll(frame), "x").keys["statistic"]) == {"sd"}
    assert set(covariance(_poll(frame), ["x", "y"]).keys["statistic"]) == {"covariance"}
    assert found.difference(group=("g", "h")).theta[0] == pytest.approx(found.theta[0] - found.theta[1])


def test_options_change_the_answer_or_are_refused():
    poll = _poll(_sample(1))
    for verb, names in ((variance, "x"), (sd, "x"), (covariance, ["x", "y"]), (correlation, ["x", "y"])):
        narrow, wide = verb(poll, names, level=0.8), verb(poll, names, level=0.99)
        assert narrow.confidence_interval()[1][0] < wide.confidence_interval()[1][0]
        assert verb(poll, names, where="group == 'g'").theta[0] != verb(poll, names).theta[0]
        with pytest.raises(ArgumentError, match="level=95 is not a confidence level"):
            verb(poll, names, level=95)
    with pytest.raises(ArgumentError, match=r"interval='fishr' is not available\. Did you mean 'fisher'\?"):
        correlation(poll, ["x", "y"], interval="fishr")
    with pytest.raises(ArgumentError, match=r"^variables names 'x' alone; name two columns or more\.$"):
        correlation(poll, "x")
    with pytest.raises(ArgumentError, match="variables names a column twice: x, x"):
        covariance(poll, ["x", "x"])
    with pytest.raises(UnknownNameError, match="No column 'z'"):
        variance(poll, "z")
    with pytest.raises(ArgumentError, match="'group' holds str values, not numbers"):
        variance(poll, "group")
    with pytest.raises(NoValidData, match="No valid answer to x where x > 99"):
        variance(poll, "x", where="x > 99")


def test_undeclared_dont_know_never_enters():
    book = sk.Codebook({"q": sk.Variable("q", labels={1: "Low", 2: "High", 9: "Don't know"})})
    with pytest.raises(UndeclaredMissingError, match="declare_missing"):
        variance(sk.from_frame(pd.DataFrame({"q": [1, 2, 9]}), book), "q")


def test_raking_lowers_the_error_of_a_variance_that_it_fixes():
    """The share of a 0/1 column is a raked margin, so that its variance p (1 - p) is known, too."""
    frame = _sample(2).assign(male=lambda d: (d["x"] > 10).astype(float), sex=lambda d: np.where(d["x"] > 10, "m", "w"))
    raked = _poll(frame).rake({"sex": {"m": 0.4, "w": 0.6}})
    found = variance(raked, "male")
    np.testing.assert_allclose(found.theta, 0.24 * len(frame) / (len(frame) - 1), rtol=1e-9)
    assert found.se[0] < 1e-9 < variance(_poll(frame), "male").se[0]
