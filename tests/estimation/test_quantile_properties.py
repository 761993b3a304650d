"""Identities of quantiles, and their kernels against numpy and R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable
from survey_kit.estimation.cdf import cdf
from survey_kit.estimation.quantile import median, quantile
from survey_kit.estimation.request import prepare
from survey_kit.estimation.woodruff import degrees_by_group
from survey_kit.kernels.quantile import RULES, bands, quantiles, sort_within, weigh
from survey_kit.kernels.zeroin import roots

FILE = Path(__file__).resolve().parents[1] / "reference" / "quantiles.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
NUMPY = {
    "math": "inverted_cdf",
    "hf1": "inverted_cdf",
    "school": "averaged_inverted_cdf",
    "hf2": "averaged_inverted_cdf",
    "hf4": "interpolated_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}
seeds = st.integers(0, 10_000)
DISCRETE = ["math", "hf3"]


def _one(x, w, p, rule="math") -> np.ndarray:
    """Quantiles of one group."""
    x, p = np.asarray(x, float), np.atleast_1d(np.asarray(p, float))
    data = weigh(sort_within(x, np.zeros(len(x), np.int64), 1), np.asarray(w, float))
    return quantiles(data, rule, np.zeros(len(p), np.int64), p)


def _sample(seed: int, n: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(10, 3, n),
            "tied": rng.integers(0, 9, n).astype(float),
            "w": rng.uniform(0.2, 5, n),
            "stratum": rng.integers(0, 2, n),
            "psu": rng.integers(0, 9, n),
            "g": rng.choice(["a", "b", "c"], n),
        }
    )


def _poll(frame: pd.DataFrame) -> sk.Survey:
    poll = sk.from_frame(frame)
    for name in ("x", "tied"):
        poll = poll.with_column(frame[name], Variable(name, measure="scale", missing=MissingRule()))
    return poll.with_design(weight="w", strata="stratum", psu="psu", lonely_psu="adjust")


@pytest.mark.parametrize("rule", NUMPY)
@settings(max_examples=40, deadline=None)
@given(seed=seeds, n=st.integers(2, 40), p=st.floats(0.001, 0.999))
def test_equal_weights_give_the_rules_of_numpy(rule, seed, n, p):
    x = np.random.default_rng(seed).normal(size=n)
    if rule == "hf4" and p < 1 / n:
        return  # R goes on below the smallest value in a straight line, numpy stops there
    if rule in ("school", "hf2") and p < 1 / n:
        return  # R takes the mean of the two smallest
    if abs(n * p - round(n * p)) < 1e-9:
        return  # ties of shares are tried below, on whole numbers
    np.testing.assert_allclose(
        _one(x, np.ones(n), p, rule)[0], np.quantile(x, p, method=NUMPY[rule]), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("rule", [r for r in NUMPY if r not in ("hf4",)])
def test_shares_that_are_met_exactly(rule):
    x = np.array([3.0, 1, 4, 1.5, 9, 2.6, 5, 3.5])
    for p in (0.125, 0.25, 0.5, 0.75, 0.875):
        np.testing.assert_allclose(_one(x, np.ones(8), p, rule)[0], np.quantile(x, p, method=NUMPY[rule]), rtol=1e-12)


def test_rule_three_is_that_of_r():
    """The next value up, but at an even place met exactly the value itself; Hyndman & Fan take the nearest place."""
    x = np.arange(1.0, 9)
    assert _one(x, np.ones(8), [0.25, 0.375, 0.3], "hf3").tolist() == [2, 4, 3]
    assert np.quantile(x, 0.3, method="closest_observation") == 2


def test_below_the_smallest_share():
    x, w = [1.0, 2, 3], [2.0, 1, 1]
    assert _one(x, w, 0.1, "math")[0] == 1
    assert _one(x, w, 0.1, "hf3")[0] == 2
    assert _one(x, w, 0.1, "school")[0] == 1.5
    assert _one(x, w, 0.1, "hf4")[0] < 1
    assert all(_one(x, w, 0.01, rule)[0] == 1 for rule in ("hf5", "hf6", "hf8", "hf9", "shahvaish"))


@pytest.mark.parametrize("rule", RULES)
def test_one_row_a_constant_and_nothing(rule):
    if rule != "hf4":  # 0/0 at the only place there is
        assert _one([4.0], [2.0], 0.3, rule)[0] == 4
    np.testing.assert_allclose(_one([4.0] * 5, [1, 2, 3, 4, 5.0], [0.05, 0.3, 0.9], rule), 4, rtol=1e-15)
    assert np.isnan(_one([4.0, 5], [0.0, 0], 0.3, rule)[0])
    assert np.isnan(_one([4.0, 5], [1.0, 1], np.nan, rule)[0])


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_weight_zero_is_no_row_and_groups_are_apart(rule, seed):
    frame = _sample(seed)
    w = np.where(np.arange(len(frame)) % 4 == 0, 0.0, frame["w"])
    group = frame["g"].map({"a": 0, "b": 2, "c": 3}).to_numpy()  # group 1 is empty
    p = np.array([0.1, 0.4, 0.5, 0.9])
    for name in ("x", "tied"):
        data = weigh(sort_within(frame[name].to_numpy(), group, 4), w)
        found = quantiles(data, rule, np.repeat(np.arange(4), 4), np.tile(p, 4)).reshape(4, 4)
        assert np.isnan(found[1]).all()
        for g in (0, 2, 3):
            here = (group == g) & (w > 0)
            np.testing.assert_allclose(found[g], _one(frame[name][here], w[here], p, rule), rtol=1e-12)


@pytest.mark.parametrize("rule", [r for r in RULES if r != "shahvaish"])  # its weights are not scaled
@settings(max_examples=15, deadline=None)
@given(seed=seeds, factor=st.floats(1e-3, 1e6))
def test_scale_of_weights_and_order_of_rows(rule, seed, factor):
    frame = _sample(seed)
    p = [0.11, 0.5, 0.83]
    base = quantile(_poll(frame), ["x"], p, rule=rule)
    for other in (frame.assign(w=frame["w"] * factor), frame.sample(frac=1, random_state=seed)):
        found = quantile(_poll(other), ["x"], p, rule=rule)
        np.testing.assert_allclose(found.theta, base.theta, rtol=1e-9)
        np.testing.assert_allclose(found.confidence_interval(), base.confidence_interval(), rtol=1e-7)
        np.testing.assert_allclose(found.se, base.se, rtol=1e-7)


@pytest.mark.parametrize("rule", DISCRETE)
@settings(max_examples=15, deadline=None)
@given(seed=seeds)
def test_a_rising_transformation_moves_quantiles_with_it(rule, seed):
    frame = _sample(seed)
    turned = frame.assign(x=np.exp(frame["x"] / 4) + 3)
    p = [0.2, 0.5, 0.7]
    one, other = (quantile(_poll(f), "x", p, by="g", rule=rule) for f in (frame, turned))
    np.testing.assert_allclose(np.exp(one.theta / 4) + 3, other.theta, rtol=1e-12)
    for end, moved in zip(one.confidence_interval(), other.confidence_interval(), strict=True):
        np.testing.assert_allclose(np.exp(end / 4) + 3, moved, rtol=1e-12)


@pytest.mark.parametrize("rule", ["math", "school"])
@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_a_weight_of_three_is_three_rows(rule, seed):
    rng = np.random.default_rng(seed)
    x, w = rng.integers(0, 20, 30).astype(float), rng.integers(1, 5, 30)
    p = [0.1, 0.25, 0.5, 0.75, 0.9]
    many = np.repeat(x, w)
    inside = np.array(p) * len(many) >= w.max()
    np.testing.assert_allclose(_one(x, w, p, rule)[inside], _one(many, np.ones(len(many)), p, rule)[inside], rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_share_up_to_a_quantile_is_at_least_p(seed):
    frame = _sample(seed)
    for p in (0.05, 0.35, 0.5, 0.95):
        for name in ("x", "tied"):
            q = quantile(_poll(frame), name, p).theta[0]
            assert frame.loc[frame[name] <= q, "w"].sum() / frame["w"].sum() >= p - 1e-12
            assert frame.loc[frame[name] < q, "w"].sum() / frame["w"].sum() < p + 1e-12


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_group_is_the_domain(seed):
    poll = _poll(_sample(seed))
    by = median(poll, ["x", "tied"], by="g")
    for g in ("a", "b", "c"):
        alone = median(poll, ["x", "tied"], where=f"g == '{g}'")
        rows = (by.keys["g"] == g).to_numpy()
        np.testing.assert_array_equal(by.theta[rows], alone.theta)
        np.testing.assert_allclose(by.confidence_interval(), by.limits)
        for ours, theirs in zip(by.limits, alone.limits, strict=True):
            np.testing.assert_array_equal(ours[rows], theirs)
        np.testing.assert_allclose(by.se[rows], alone.se, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_degrees_of_freedom_of_all_groups_at_once(seed):
    frame = _sample(seed)
    frame.loc[frame.index % 7 == 0, "w"] = 0.0
    frame.loc[frame.index % 11 == 0, "x"] = np.nan
    poll = _poll(frame)
    for survey in (poll, poll.with_design(weight="w"), poll.with_design(weight="w", strata="stratum")):
        request = prepare(survey, "x", "g", None, "exclude", 0.95, numeric=True)
        found = degrees_by_group(request)
        for g, df in enumerate(found):
            assert df == survey.bound.degrees_of_freedom(request.group == g)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_covariances_are_those_of_the_shares_scaled(seed):
    frame = _sample(seed)
    poll = _poll(frame)
    found = quantile(poll, "x", [0.3, 0.6])
    shares = cdf(poll, "x", found.theta)
    scale = found.se / shares.se
    np.testing.assert_allclose(found.vcov(), shares.vcov() * np.outer(scale, scale), rtol=1e-9, atol=1e-14)
    by = median(poll, "x", by="g")
    v = by.vcov().to_numpy()
    np.testing.assert_allclose(np.sqrt(np.diag(v)), by.se, rtol=1e-12)
    gap = by.difference(g=("a", "b"))
    np.testing.assert_allclose(gap.theta[0], by.theta[0] - by.theta[1], rtol=1e-12)
    np.testing.assert_allclose(gap.se[0] ** 2, v[0, 0] + v[1, 1] - 2 * v[0, 1], rtol=1e-8, atol=1e-14)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_covariances_under_replicate_weights(seed):
    frame = _sample(seed, 150)
    frame["psu"], frame["stratum"] = np.arange(150) // 5 % 15, np.arange(150) // 75
    poll = _poll(frame).replicate("JKn")
    found = quantile(poll, "x", [0.3, 0.6])
    shares = cdf(poll, "x", found.theta)
    scale = found.se / shares.se
    np.testing.assert_allclose(found.vcov(), shares.vcov() * np.outer(scale, scale), rtol=1e-8, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_bands_hold_the_values_up_to_each_cut(seed):
    rng = np.random.default_rng(seed)
    x, group = rng.integers(0, 8, 50).astype(float), rng.integers(0, 3, 50)
    cut = rng.integers(-1, 9, (3, 4)).astype(float)  # in no order
    column, rank = bands(sort_within(x, group, 3), cut)
    np.testing.assert_array_equal(column // 5, group)
    for g in range(3):
        for q in range(4):
            inside = (group == g) & (column % 5 <= rank[g, q])
            np.testing.assert_array_equal(inside, (group == g) & (x <= cut[g, q]))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_whole_numbers_are_sorted_like_others(seed):
    rng = np.random.default_rng(seed)
    x, group = rng.integers(-300, 300, 200).astype(float), rng.integers(0, 3, 200)
    short, long = sort_within(x, group, 3), sort_within(x + 0.25, group, 3)
    np.testing.assert_array_equal(short.entry, long.entry)
    np.testing.assert_array_equal(short.entry, np.lexsort((np.arange(200), x, group)))
    assert short.x.dtype == np.float64


FUNCTIONS = {
    "cubic": lambda x: x**3 - x - 1,
    "power": lambda x: 3**x - 5,
    "step": lambda x: np.floor(x / 3) - 1.5,
    "flat": lambda x: (x - 1.3) ** 5,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_roots_are_those_of_uniroot_at_its_tolerance(name):
    """A loose tolerance tells one method from another: the iterates must be R's."""
    tol = np.array([0.5, 0.01, 1e-4])
    found = roots(FUNCTIONS[name], np.full(3, -1.0), np.full(3, 11.0), tol)
    np.testing.assert_allclose(found, R["roots"][name], rtol=1e-12)


def test_roots_that_are_not_there():
    low, high = np.array([1.0, 0, -1, 0]), np.array([2.0, 0, 1, 3])

    def functions(x):
        with np.errstate(divide="ignore"):
            return np.array([x[0], x[1], x[2], np.divide(1, x[3] - 1)])

    found = roots(functions, low, high, np.full(4, 1e-6))
    assert np.isnan(found[[0, 1]]).all()
    assert found[2] == 0
    np.testing.assert_allclose(found[3], 1, atol=1e-5)


def test_intervals_cover_the_median():
    rng = np.random.default_rng(20)
    hits, low_hits, runs, n = 0, 0, 500, 250
    for _ in range(runs):
        area = rng.normal(0, 0.5, 50)
        x = np.exp(np.repeat(area, 5) + rng.normal(0, 1, n))
        frame = pd.DataFrame({"x": x, "psu": np.repeat(np.arange(50), 5), "w": 1.0})
        poll = sk.from_frame(frame).with_design(weight="w", psu="psu")
        low, high = median(poll, "x").confidence_interval()
        hits += low[0] <= 1 <= high[0]
        low_hits += low[0] <= 1
    assert 0.93 <= hits / runs <= 0.97
    assert low_hits / runs >= 0.955
