"""Counts, shares of a grand total and ratios: R, identities, edge cases, refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable
from survey_kit.errors import ArgumentError, NoValidData
from survey_kit.estimation.correlation import correlation
from survey_kit.estimation.count import count
from survey_kit.estimation.ratio import ratio
from survey_kit.estimation.share import share

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "moments.json").read_text(encoding="utf-8"))
seeds = st.integers(0, 10_000)


def _r_poll() -> sk.Survey:
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(weight="w", strata="stratum", psu="area", fpc="areas")


def _sample(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "psu": rng.integers(0, 12, n),
            "w": rng.uniform(0.2, 5, n),
            "x": rng.uniform(1, 9, n),
            "answer": rng.choice(["a", "b", "c"], n),
            "group": rng.choice(["g", "h"], n),
        }
    )


def _poll(frame: pd.DataFrame) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w", psu="psu")


def _in_r_order(estimates, first: str, second: str = "answer"):
    """R's crossed tables: the first factor fastest."""
    return estimates.keys.sort_values([second, first], kind="stable").index.to_numpy()


# --- R: the project's own numbers --------------------------------------------------------------------------------------


def test_crossed_counts_and_joint_shares_against_r():
    poll, expected = _r_poll(), R["tables"]
    found = count(poll, "answer", by="region")
    order = _in_r_order(found, "region")
    np.testing.assert_allclose(found.theta[order], expected["counts"], rtol=1e-12)
    np.testing.assert_allclose(found.se[order], expected["total"]["se"], rtol=1e-9)
    joint = share(poll, "answer", by="region")
    np.testing.assert_allclose(joint.theta[order], expected["joint"]["estimate"], rtol=1e-12)
    np.testing.assert_allclose(
        joint.vcov().to_numpy()[np.ix_(order, order)], expected["joint_vcov"], rtol=1e-8, atol=1e-16
    )
    thousand = count(poll, "answer", by="region", population=1000)
    np.testing.assert_allclose(thousand.theta[order], expected["thousand"], rtol=1e-12)
    np.testing.assert_allclose(thousand.se, 1000 * joint.se, rtol=1e-12)


def test_a_part_of_a_total_against_r():
    found, expected = share(_r_poll(), "income", by="region", deff=True), R["tables"]
    np.testing.assert_allclose(found.theta[0], expected["part"]["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found.se[0], expected["part"]["se"], rtol=1e-9)
    np.testing.assert_allclose(found.deff[0], expected["part_deff"], rtol=1e-8)


def test_ratios_of_several_against_r():
    poll, expected = _r_poll(), R["ratios"]
    found = ratio(poll, ["income", "hours"], ["rent", "w"])
    assert list(found.names) == ["income / rent", "hours / rent", "income / w", "hours / w"]
    np.testing.assert_allclose(found.theta, expected["several"]["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found.vcov(), expected["vcov"], rtol=1e-8)
    np.testing.assert_allclose(ratio(poll, "income", "rent", deff=True).deff, expected["deff"], rtol=1e-8)
    np.testing.assert_allclose(ratio(poll, "income", "rent", deff="replace").deff, expected["deff_replace"], rtol=1e-8)
    predicted = ratio(poll, "income", "rent").contrast([1e6])
    np.testing.assert_allclose(predicted.theta, expected["predicted"]["total"], rtol=1e-12)
    np.testing.assert_allclose(predicted.se, expected["predicted"]["se"], rtol=1e-9)


# --- identities --------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_shares_sum_to_one_without_error(seed):
    poll = _poll(_sample(seed))
    for found in (share(poll, "answer", by="group"), share(poll, "x", by=["group", "answer"])):
        np.testing.assert_allclose(found.theta.sum(), 1, rtol=1e-12)
        np.testing.assert_allclose(found.vcov().to_numpy().sum(axis=1), 0, atol=1e-14)
        assert found.contrast([1.0] * len(found)).se[0] < 1e-7


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["logit", "wald", "wilson", "beta", "asin", "xlogit", "likelihood"]))
def test_a_share_without_groups_is_a_proportion(seed, interval):
    poll = _poll(_sample(seed))
    one, other = (
        share(poll, "answer", interval=interval, deff="replace"),
        sk.proportion(poll, "answer", interval=interval, deff="replace"),
    )
    drop = ["statistic"]
    pd.testing.assert_frame_equal(one.frame().drop(columns=drop), other.frame().drop(columns=drop))


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from(["logit", "beta", "likelihood"]))
def test_a_joint_share_is_the_proportion_of_a_crossed_question(seed, interval):
    poll = _poll(_sample(seed)).recode(both=sk.cross("group", "answer"))
    options = {"interval": interval, "deff": "replace"}
    one, other = share(poll, "answer", by="group", **options), sk.proportion(poll, "both", **options)
    for column in ("estimate", "se", "ci_low", "ci_high", "deff", "n", "n_weighted"):
        np.testing.assert_allclose(one.frame()[column], other.frame()[column], rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_share_of_a_column_of_ones_is_the_share_of_people(seed):
    poll = _poll(_sample(seed).assign(one=1.0))
    people, ones = share(poll, "group", deff="replace"), share(poll, "one", by="group", deff="replace")
    for column in ("estimate", "se", "ci_low", "ci_high", "deff"):
        np.testing.assert_allclose(ones.frame()[column], people.frame()[column], rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.5, 1e7))
def test_counts_with_a_population_are_scaled_shares(seed, size):
    poll = _poll(_sample(seed))
    found, shares = count(poll, "answer", by="group", population=size), share(poll, "answer", by="group")
    np.testing.assert_allclose(found.theta.sum(), size, rtol=1e-12)
    np.testing.assert_allclose(found.theta, size * shares.theta, rtol=1e-12)
    np.testing.assert_allclose(found.vcov(), size**2 * shares.vcov().to_numpy(), rtol=1e-12)
    plain = count(poll, "answer", by="group")
    np.testing.assert_allclose(found.theta / size, plain.theta / plain.theta.sum(), rtol=1e-12)
    assert (plain.se != found.se).all()


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 1e6))
def test_weights_scale_and_the_order_of_rows_do_not_matter(seed, factor):
    frame = _sample(seed)
    again = frame.assign(w=frame["w"] * factor).sample(frac=1, random_state=seed)
    for verb in (share, lambda p, *a, **k: count(p, *a, **k, population=100)):
        one, other = verb(_poll(frame), "answer", by="group"), verb(_poll(again), "answer", by="group")
        np.testing.assert_allclose(other.theta, one.theta, rtol=1e-10)
        np.testing.assert_allclose(other.vcov(), one.vcov(), rtol=1e-8, atol=1e-14)
    grown = count(_poll(again), "answer", by="group")
    np.testing.assert_allclose(grown.theta, factor * count(_poll(frame), "answer", by="group").theta, rtol=1e-10)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_a_count_is_the_total_of_an_answer(seed):
    poll = _poll(_sample(seed))
    one, other = count(poll, "answer", by="group", deff="replace"), sk.total(poll, "answer", by="group", deff="replace")
    pd.testing.assert_frame_equal(one.frame().drop(columns="statistic"), other.frame().drop(columns="statistic"))


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_replicate_weights_carry_shares_and_ratios(seed):
    frame = _sample(seed, 300).assign(psu=lambda d: np.arange(len(d)) // 3)
    linear, jackknife = _poll(frame), _poll(frame).replicate("JK1")
    for verb in (
        lambda p: share(p, "answer", by="group"),
        lambda p: share(p, "x", by="group"),
        lambda p: ratio(p, "x", "w"),
    ):
        np.testing.assert_allclose(verb(jackknife).theta, verb(linear).theta, rtol=1e-12)
        np.testing.assert_allclose(verb(jackknife).se, verb(linear).se, rtol=0.05)
    total = share(jackknife, "x", by="group")
    np.testing.assert_allclose(total.vcov().to_numpy().sum(axis=1), 0, atol=1e-14)


def test_several_ratios_are_the_ratios_one_by_one():
    poll = _poll(_sample(5).assign(y=lambda d: d["x"] ** 2, z=lambda d: d["x"] + 1))
    found = ratio(poll, ["x", "y"], ["z", "w"], by="group", deff="replace")
    pairs = [("x", "z"), ("y", "z"), ("x", "w"), ("y", "w")]
    one_by_one = pd.concat([ratio(poll, a, b, by="group", deff="replace").frame() for a, b in pairs], ignore_index=True)
    pd.testing.assert_frame_equal(found.frame(), one_by_one)


def test_deff_of_a_ratio_to_ones_is_that_of_a_mean():
    poll = _poll(_sample(6).assign(one=1.0))
    for deff in ("replace", "kish", True):
        quotient, mean = ratio(poll, "x", "one", by="group", deff=deff), sk.mean(poll, "x", by="group", deff=deff)
        np.testing.assert_allclose(quotient.deff, mean.deff, rtol=1e-9)
    assert ratio(poll, "x", "one").deff is None


# --- what is counted, edges, refusals ----------------------------------------------------------------------------------


def test_unweighted_counts_of_cells_come_from_equal_weights():
    frame = _sample(7)
    found = count(_poll(frame).with_design(), "answer", by="group").frame()
    expected = frame.groupby(["group", "answer"]).size()
    assert found["estimate"].tolist() == expected.tolist()


def test_bases_of_shares_are_of_the_whole_table():
    frame = _sample(8)
    found = share(_poll(frame), "answer", by="group")
    assert set(found.n) == {len(frame)} and np.allclose(found.n_weighted, frame["w"].sum())
    assert set(count(_poll(frame), "answer", by="group").n) == set(frame["group"].value_counts())
    assert set(count(_poll(frame), "answer", by="group", population=1).n) == {len(frame)}
    assert set(share(_poll(frame), "x", by="group").n) == {len(frame)}


def test_missing_answers_are_shown_or_left_out():
    book = sk.Codebook(
        {
            "q": Variable("q", labels={1: "Yes", 2: "No", 9: "Refused"}, missing=MissingRule(values=(9,))),
            "g": Variable("g", measure="nominal"),
        }
    )
    poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 9, 1], "g": ["a", "a", "b", "b"]}), book)
    assert count(poll, "q").theta.tolist() == [2, 1]
    assert count(poll, "q", missing="show").theta.tolist() == [2, 1, 1]
    assert count(poll, "q", missing="show", population=100).theta.tolist() == [50, 25, 25]
    assert share(poll, "q", by="g").theta.sum() == pytest.approx(1)
    assert share(poll, "q", by="g", missing="show").n[0] == 4
    assert "1 of 4 rows have no valid answer to q" in str(share(poll, "q").notices[0])


def test_a_multiple_response_set_is_counted_over_everybody_asked():
    frame = pd.DataFrame({"m1": [1, 0, 1, 0], "m2": [1, 1, 0, 0], "g": ["a", "a", "b", "b"]})
    poll = sk.from_frame(frame)
    both = sk.Codebook(poll.codebook.variables, sets={"m": sk.MultipleResponse("m", ("m1", "m2"), counted=1)})
    poll = poll.with_codebook(both)
    assert count(poll, "m").theta.tolist() == [2, 2]
    assert count(poll, "m", population=100).theta.tolist() == [50, 50]
    assert share(poll, "m", by="g").theta.tolist() == [0.25, 0.5, 0.25, 0]


def test_a_group_of_weight_zero_has_no_share():
    frame = pd.DataFrame({"x": [1.0, 2, 3], "q": ["a", "b", "a"], "g": ["a", "b", "b"], "w": [0.0, 1, 2]})
    poll = sk.from_frame(frame).with_design(weight="w")
    assert share(poll, "x", by="g").theta.tolist() == [0, 1]
    assert share(poll, "q", by="g").theta[0] == 0
    assert np.isnan(ratio(poll.with_column(frame["x"] ** 2, Variable("x2")), "x", "x2", by="g").theta[0])


def test_options_change_the_answer_or_are_refused():
    poll = _poll(_sample(9).assign(low=lambda d: d["x"] - 5))
    for verb, names in (
        (share, "answer"),
        (share, "x"),
        (count, "answer"),
        (lambda *a, **k: ratio(a[0], a[1], "w", **k), "x"),
    ):
        by = {"by": "group"}
        narrow, wide = verb(poll, names, level=0.8, **by), verb(poll, names, level=0.99, **by)
        assert narrow.confidence_interval()[1][0] < wide.confidence_interval()[1][0]
        assert (
            verb(poll, names, df=math.inf, **by).confidence_interval()[1][0]
            < verb(poll, names, **by).confidence_interval()[1][0]
        )
        assert verb(poll, names, where="x > 5", **by).theta[0] != verb(poll, names, **by).theta[0]
        assert len({float(verb(poll, names, deff=d, **by).deff[0]) for d in ("replace", "kish")}) == 2
    ends = {i: share(poll, "x", by="group", interval=i).confidence_interval()[0][0] for i in ("logit", "wald", "asin")}
    assert len(set(ends.values())) == 3
    with pytest.raises(
        ArgumentError,
        match=r"^interval of a numeric column='beta' is not available\. There are: logit, wald, asin, xlogit\.$",
    ):
        share(poll, "x", by="group", interval="beta")
    with pytest.raises(ArgumentError, match="interval='wlad' is not available. Did you mean 'wald'"):
        share(poll, "answer", interval="wlad")
    with pytest.raises(ArgumentError, match=r"^'low' has values below 0, so that a part .*Use interval=\"wald\"\.$"):
        share(poll, "low", by="group")
    assert share(poll, "low", by="group", interval="wald").theta.sum() == pytest.approx(1)
    with pytest.raises(ArgumentError, match="missing='show' is not available"):
        share(poll, "x", missing="show")
    with pytest.raises(NoValidData, match="No valid answer to answer where x > 99"):
        count(poll, "answer", where="x > 99")


@pytest.mark.parametrize("size", [0, -5, math.inf, math.nan, "1000", True])
def test_a_population_is_a_size(size):
    with pytest.raises(
        ArgumentError, match=r"^population=.* is not a size\. Give a number above 0, or None for the sum of weights\.$"
    ):
        count(_poll(_sample(1)), "answer", population=size)


def test_totals_of_zero_have_no_parts_and_no_ratio():
    poll = sk.from_frame(pd.DataFrame({"x": [1.0, 2, 3], "zero": [0.0, 0, 0], "g": ["a", "b", "b"]}))
    with pytest.raises(ArgumentError, match=r"^The total of 'zero' is zero, so it has no parts\. Use total\(\)\.$"):
        share(poll, "zero", by="g")
    with pytest.raises(
        ArgumentError,
        match=r"^The total of 'zero' is zero, so the ratio does not exist\. Choose another denominator\.$",
    ):
        ratio(poll, ["x"], ["x", "zero"][1:])
    with pytest.raises(ArgumentError, match="numerator and denominator names a column twice: x, x"):
        ratio(poll, "x", "x")
    assert np.isnan(
        ratio(
            poll.with_column(pd.Series([0.0, 1, 1]), Variable("d", measure="scale", missing=MissingRule())),
            "x",
            "d",
            by="g",
        ).theta[0]
    )


def test_results_say_what_they_are():
    poll = _poll(_sample(2).assign(y=lambda d: d["x"] ** 2))
    assert set(share(poll, "answer").keys["statistic"]) == {"share"}
    assert set(share(poll, "x", by="group").keys["statistic"]) == {"share"}
    assert set(count(poll, "answer", population=5).keys["statistic"]) == {"count"}
    assert set(correlation(poll, ["x", "y"]).keys["statistic"]) == {"correlation"}
    assert share(poll, "x", by="group").difference(group=("g", "h")).se[0] > 0
