"""The Gini coefficient: against R, its derivative, and what has no coefficient."""

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
from survey_kit.errors import ArgumentError
from survey_kit.estimation.gini import gini
from survey_kit.kernels.gini import gini as coefficients
from survey_kit.kernels.gini import gini_of_each
from survey_kit.kernels.quantile import sort_within

FILE = Path(__file__).resolve().parents[1] / "reference" / "quantiles.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
seeds = st.integers(0, 10_000)


def _sample(seed: int, n: int = 120) -> pd.DataFrame:
    """Incomes with many ties and some zeros, in strata, units and groups."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": rng.lognormal(1, 1, n).round(0),
            "w": rng.uniform(0.2, 5, n),
            "stratum": rng.integers(0, 2, n),
            "psu": rng.integers(0, 8, n),
            "group": rng.choice(["a", "b"], n),
        }
    )


def _poll(frame: pd.DataFrame, **design) -> sk.Survey:
    chosen = design or {"weight": "w", "strata": "stratum", "psu": "psu"}
    poll = sk.from_frame(frame).with_column(frame["income"], Variable("income", measure="scale", missing=MissingRule()))
    return poll.with_design(**chosen)


def _plain(x, w) -> float:
    """The definition, value by value."""
    order = np.argsort(x, kind="stable")
    x, w = np.asarray(x, float)[order], np.asarray(w, float)[order] / np.sum(w)
    lorenz = np.cumsum(w * x) / np.sum(w * x)
    return 1 - np.sum(w * (lorenz + np.concatenate([[0], lorenz[:-1]])))


def test_jackknife_against_r():
    poll = (
        sk.from_frame(pd.DataFrame(R["sample"])).with_design(weight="w", strata="stratum", psu="area").replicate("JKn")
    )
    for found, expected in (
        (gini(poll, "income"), R["jkn"]["gini"]),
        (gini(poll, "income", where="region == 'north'"), R["jkn"]["gini_north"]),
    ):
        np.testing.assert_allclose([found.theta[0], found.se[0]], [expected["estimate"], expected["se"]], rtol=1e-9)
    by = gini(poll, "income", by="region")
    north = (by.keys["region"] == "north").to_numpy()
    np.testing.assert_allclose(by.se[north], R["jkn"]["gini_north"]["se"], rtol=1e-9)
    assert set(by.keys["statistic"]) == {"gini"}


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_the_influence_is_the_derivative_by_each_weight(seed):
    frame = _sample(seed, 24)
    x, w = frame["income"].to_numpy(), frame["w"].to_numpy()
    group = (frame["group"] == "b").to_numpy().astype(np.int64)
    values = sort_within(x, group, 2)
    found, slope = coefficients(values, w)
    step = 1e-5
    for k in range(len(x)):
        up, down = w.copy(), w.copy()
        up[k] += step
        down[k] -= step
        change = gini_of_each(values, np.column_stack([up, down]))[:, group[k]]
        np.testing.assert_allclose(slope[k], (change[0] - change[1]) / (2 * step), rtol=1e-5, atol=1e-9)
    for g in range(2):
        np.testing.assert_allclose(found[g], _plain(x[group == g], w[group == g]), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(np.sum(w * slope, where=group == g), 0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_linearised_is_close_to_delete_one_jackknife(seed):
    frame = _sample(seed, 240)
    poll = _poll(frame.assign(income=(frame["income"] + 1) ** 0.6), weight="w", strata="stratum")
    linear, jackknife = gini(poll, "income", by="group"), gini(poll.replicate("JKn"), "income", by="group")
    np.testing.assert_allclose(linear.theta, jackknife.theta, rtol=1e-12)
    np.testing.assert_allclose(linear.se, jackknife.se, rtol=0.1)
    assert (linear.se != jackknife.se).all()


def test_linearisation_and_jackknife_meet_as_the_sample_grows():
    gap = {}
    for n in (100, 400, 1600):
        rng = np.random.default_rng(n)
        x, w = rng.lognormal(1, 0.6, n), rng.uniform(0.2, 5, n)
        values = sort_within(x, np.zeros(n, np.int64), 1)
        z = w * coefficients(values, w)[1]
        left_out = np.where(np.eye(n, dtype=bool), 0.0, w[:, None] * n / (n - 1))
        again = gini_of_each(values, left_out)[:, 0]
        linear, jackknife = n / (n - 1) * np.sum((z - z.mean()) ** 2), (n - 1) / n * np.sum((again - again.mean()) ** 2)
        gap[n] = abs(np.sqrt(jackknife / linear) - 1)
        assert gap[n] < 20 / n
    assert gap[1600] < 0.01


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 1e6))
def test_units_weights_and_order_of_rows_do_not_matter(seed, factor):
    frame = _sample(seed)
    base = gini(_poll(frame), "income", by="group")
    for other in (
        frame.assign(w=frame["w"] * factor),
        frame.assign(income=frame["income"] * factor),
        frame.sample(frac=1, random_state=seed),
    ):
        found = gini(_poll(other), "income", by="group")
        np.testing.assert_allclose(found.theta, base.theta, rtol=1e-10)
        np.testing.assert_allclose(found.vcov(), base.vcov(), rtol=1e-8, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_weight_of_three_is_three_rows(seed):
    frame = _sample(seed, 40)
    frame["w"] = np.random.default_rng(seed).integers(0, 4, len(frame))
    frame.loc[0, ["w", "income"]] = 1
    many = frame.loc[frame.index.repeat(frame["w"])]
    one = gini(_poll(frame, weight="w"), "income").theta
    np.testing.assert_allclose(one, gini(_poll(many.assign(w=1.0), weight="w"), "income").theta, rtol=1e-10, atol=1e-14)
    assert 0 <= one[0] < 1


def test_known_values():
    even = pd.DataFrame({"income": [7.0] * 6, "w": 1.0})
    found = gini(_poll(even, weight="w"), "income")
    np.testing.assert_allclose([found.theta[0], found.se[0]], 0, atol=1e-15)
    one_has_all = pd.DataFrame({"income": [0.0] * 9 + [5.0], "w": 1.0})
    np.testing.assert_allclose(gini(_poll(one_has_all, weight="w"), "income").theta, 0.9, rtol=1e-12)


def test_a_group_without_income_has_no_coefficient_and_spoils_no_other():
    frame = _sample(3)
    zero = frame.assign(income=frame["income"].where(frame["group"] == "b", 0.0))
    found = gini(_poll(zero), "income", by="group")
    alone = gini(_poll(zero), "income", where="group == 'b'")
    assert np.isnan(found.theta[0]) and np.isnan(found.se[0])
    np.testing.assert_allclose([found.theta[1], found.se[1]], [alone.theta[0], alone.se[0]], rtol=1e-12)
    weightless = _poll(frame.assign(w=frame["w"].where(frame["group"] == "b", 0.0)))
    none = gini(weightless, "income", by="group")
    assert np.isnan(none.theta[0]) and np.isnan(none.se[0]) and not np.isnan(none.se[1])
    lost = gini(weightless.replicate("JKn"), "income", by="group")
    assert np.isnan(lost.theta[0]) and not np.isnan(lost.se[1])


def test_missing_incomes_are_outside_the_base():
    frame = _sample(5)
    frame.loc[:9, "income"] = np.nan
    found = gini(_poll(frame), "income")
    kept = frame.dropna()
    np.testing.assert_allclose(found.theta, _plain(kept["income"], kept["w"]), rtol=1e-12)
    assert found.n[0] == len(kept) and any(n.kind == "missing" and n.count == 10 for n in found.notices)


def test_options_and_refusals():
    poll = _poll(_sample(1))
    wide, narrow = gini(poll, "income", level=0.99), gini(poll, "income", level=0.8)
    assert narrow.confidence_interval()[0][0] > wide.confidence_interval()[0][0]
    frame = _sample(1)
    frame.loc[[3, 8], "income"] = -4.0
    text = (
        r"^'income' is below zero in 2 of 120 rows \(row 4, 9\), where the Gini coefficient is no share between 0 and 1\. "
        r'Leave them out: where="income >= 0", or recode them\.$'
    )
    with pytest.raises(ArgumentError, match=text):
        gini(_poll(frame), "income")
    assert gini(_poll(frame), "income", where="income >= 0").n[0] == 118
    with pytest.raises(ArgumentError, match="missing='show' is not available"):
        gini(poll, "income", missing="show")
    with pytest.raises(ArgumentError, match="not numbers"):
        gini(poll, "group")
