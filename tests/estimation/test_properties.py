"""Identities that hold for every sample, tried on random ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk

seeds = st.integers(0, 10_000)


def _sample(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "stratum": rng.integers(0, 3, n),
            "psu": rng.integers(0, 4, n),
            "w": rng.uniform(0.2, 5, n),
            "x": rng.normal(10, 3, n),
            "answer": rng.choice(["a", "b", "c"], n),
            "group": rng.choice(["g", "h"], n),
        }
    )


def _poll(frame: pd.DataFrame) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="psu", lonely_psu="adjust")


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 1e6))
def test_scaling_weights_changes_no_mean_and_no_error(seed, factor):
    frame = _sample(seed)
    one, other = _poll(frame), _poll(frame.assign(w=frame["w"] * factor))
    np.testing.assert_allclose(sk.mean(one, "x").se, sk.mean(other, "x").se, rtol=1e-9)
    np.testing.assert_allclose(sk.proportion(one, "answer").se, sk.proportion(other, "answer").se, rtol=1e-9)
    np.testing.assert_allclose(sk.total(one, "x").se * factor, sk.total(other, "x").se, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_order_of_rows_and_names_of_units_do_not_matter(seed):
    frame = _sample(seed)
    shuffled = frame.sample(frac=1, random_state=seed)
    renamed = shuffled.assign(stratum=shuffled["stratum"].map({0: "z", 1: "y", 2: "x"}), psu=10 - shuffled["psu"])
    np.testing.assert_allclose(
        sk.proportion(_poll(frame), "answer", by="group").vcov(),
        sk.proportion(_poll(renamed), "answer", by="group").vcov(),
        rtol=1e-9,
        atol=1e-16,
    )


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_domain_is_the_sample_with_zero_weight_outside(seed):
    frame = _sample(seed)
    inside = frame["group"] == "g"
    whole = _poll(frame.assign(w=frame["w"].where(inside, 0)))
    domain = sk.mean(_poll(frame), "x", where="group == 'g'")
    np.testing.assert_allclose(domain.theta, sk.mean(whole, "x").theta, rtol=1e-12)
    np.testing.assert_allclose(domain.se, sk.mean(whole, "x").se, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_shares_sum_to_one_and_their_covariances_to_zero(seed):
    share = sk.proportion(_poll(_sample(seed)), "answer")
    np.testing.assert_allclose(share.theta.sum(), 1)
    np.testing.assert_allclose(share.vcov().to_numpy().sum(axis=1), 0, atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_equal_weights_and_rows_as_units_give_the_textbook(seed):
    x = _sample(seed)["x"]
    estimate = sk.mean(sk.from_frame(x.to_frame()), "x")
    np.testing.assert_allclose(estimate.se, x.std(ddof=1) / np.sqrt(len(x)), rtol=1e-10)
    assert estimate.df == len(x) - 1


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_difference_is_the_contrast_of_its_groups(seed):
    by = sk.mean(_poll(_sample(seed)), "x", by="group")
    difference = by.difference(group=("g", "h"))
    v = by.vcov().to_numpy()
    np.testing.assert_allclose(difference.theta[0], by.theta[0] - by.theta[1], rtol=1e-12)
    np.testing.assert_allclose(difference.se[0] ** 2, v[0, 0] + v[1, 1] - 2 * v[0, 1], rtol=1e-9)
    np.testing.assert_allclose(by.contrast({"g": 1, "h": -1}).se, difference.se, rtol=1e-12)
    np.testing.assert_allclose(by.contrast([[1, -1]]).se, difference.se, rtol=1e-12)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_jackknife_of_a_total_is_its_linearisation(seed):
    frame = _sample(seed, 80)
    poll = sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="psu")
    replicated = poll.replicate("JKn")
    np.testing.assert_allclose(sk.total(poll, "x").se, sk.total(replicated, "x").se, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_a_multiple_response_set_agrees_with_its_columns(seed):
    frame = _sample(seed)
    rng = np.random.default_rng(seed)
    for name in ("m1", "m2"):
        frame[name] = rng.integers(0, 2, len(frame))
    poll = _poll(frame)
    book = poll.codebook
    both = sk.Codebook(book.variables, sets={"m": sk.MultipleResponse("m", ("m1", "m2"), counted=1)})
    share = sk.proportion(poll.with_codebook(both), "m")
    single = sk.mean(poll, ["m1", "m2"])
    np.testing.assert_allclose(share.theta, single.theta, rtol=1e-12)
    np.testing.assert_allclose(share.vcov(), single.vcov(), rtol=1e-9, atol=1e-16)
