"""The cumulative distribution: against R, as shares, and what it refuses."""

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
from survey_kit.errors import ArgumentError, UndeclaredMissingError
from survey_kit.estimation.cdf import cdf
from survey_kit.estimation.quantile import quantile

FILE = Path(__file__).resolve().parents[1] / "reference" / "quantiles.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
AT = R["cdf"]["at"]
CLUSTERED = {"weight": "w", "strata": "stratum", "psu": "area"}
TARGETS = {
    "sex": {"male": 48_000, "female": 52_000},
    "region": {"north": 25_000, "south": 40_000, "west": 35_000},
}
seeds = st.integers(0, 10_000)


def _poll() -> sk.Survey:
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(**CLUSTERED)


def _same(found, expected):
    np.testing.assert_allclose(found.theta, [e["estimate"] for e in expected], rtol=1e-9)
    np.testing.assert_allclose(found.se, [e["se"] for e in expected], rtol=1e-8)


def test_r_has_the_same_shares_and_errors():
    poll = _poll()
    found = cdf(poll, "income", AT)
    np.testing.assert_allclose(found.theta, R["cdf"]["svycdf"], rtol=1e-12)
    _same(found, R["cdf"]["clustered"])
    _same(cdf(poll.rake(TARGETS), "income", AT), R["cdf"]["raked"])
    _same(cdf(poll, "income", AT, where="region == 'north'"), R["cdf"]["north"])
    by = cdf(poll, "income", AT, by="region")
    north = (by.keys["region"] == "north").to_numpy()
    np.testing.assert_allclose(by.theta[north], [e["estimate"] for e in R["cdf"]["north"]], rtol=1e-9)
    np.testing.assert_allclose(by.se[north], [e["se"] for e in R["cdf"]["north"]], rtol=1e-8)


def test_it_is_the_mean_of_an_indicator():
    poll = _poll()
    frame = poll.codes.assign(low=(poll.codes["income"] <= 150).astype(float))
    mean = sk.mean(sk.from_frame(frame).with_design(**CLUSTERED), "low", deff="replace")
    found = cdf(poll, "income", 150, deff="replace", interval="wald")
    for name in ("theta", "se", "deff", "n"):
        np.testing.assert_allclose(getattr(found, name), getattr(mean, name), rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(found.confidence_interval(), mean.confidence_interval(), rtol=1e-10)


def test_every_option_changes_the_answer():
    poll = _poll()
    base = cdf(poll, "income", AT)
    narrow = cdf(poll, "income", AT, level=0.8)
    assert (narrow.confidence_interval()[0] > base.confidence_interval()[0]).all()
    wald = cdf(poll, "income", AT, interval="wald")
    assert (wald.confidence_interval()[0] != base.confidence_interval()[0]).all()
    assert list(base.keys["answer"]) == ["<= 120", "<= 150", "<= 180", "<= 210"]
    assert set(base.keys["statistic"]) == {"cdf"}


def test_without_at_every_value_is_read():
    found = cdf(_poll(), "hours")
    hours = pd.DataFrame(R["sample"])["hours"].dropna()
    assert list(found.keys["answer"]) == [f"<= {v:g}" for v in sorted(hours.unique())]
    assert (np.diff(found.theta) > 0).all() and found.theta[-1] == 1
    assert any("10" in str(n) or "12" in str(n) for n in found.notices)


def test_what_is_refused():
    poll = _poll()
    with pytest.raises(
        ArgumentError, match=r"'income' has \d+ distinct values\. Say where to read .* at=\[\d+, \d+, \d+\]"
    ):
        cdf(poll, "income")
    with pytest.raises(ArgumentError, match="at names 120 twice"):
        cdf(poll, "income", [120, 120])
    with pytest.raises(ArgumentError, match="at must hold finite numbers"):
        cdf(poll, "income", [120, np.nan])
    with pytest.raises(ArgumentError, match="at must hold finite numbers"):
        cdf(poll, "income", [])
    with pytest.raises(ArgumentError, match="at='high' is not a number"):
        cdf(poll, "income", "high")
    with pytest.raises(ArgumentError, match="cdf takes one variable"):
        cdf(poll, ["income", "hours"], 3)
    with pytest.raises(ArgumentError, match="interval='score' is not available"):
        cdf(poll, "income", 3, interval="score")
    with pytest.raises(ArgumentError, match="deff='x' is not available"):
        cdf(poll, "income", 3, deff="x")
    with pytest.raises(ArgumentError, match="not numbers"):
        cdf(poll, "sex", 3)


def test_undeclared_dont_know_is_no_number():
    codes = pd.Series([1, 2, 3, 98] * 20, name="trust")
    variable = Variable("trust", labels={1: "Low", 2: "Middle", 3: "High", 98: "Don't know"}, measure="scale")
    poll = sk.from_frame(pd.DataFrame({"x": range(80)})).with_column(codes, variable)
    with pytest.raises(UndeclaredMissingError, match="declare_missing"):
        cdf(poll, "trust")
    assert cdf(poll.declare_missing("trust", [98]), "trust").n[0] == 60


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_it_is_a_distribution_and_meets_its_quantiles(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.integers(0, 12, 80).astype(float), "w": rng.uniform(0.1, 5, 80), "g": rng.choice(["a", "b"], 80)}
    )
    book = {"x": Variable("x", measure="scale", missing=MissingRule())}
    poll = sk.from_frame(frame, sk.Codebook(book | {"w": Variable("w"), "g": Variable("g", measure="nominal")}))
    poll = poll.with_design(weight="w")
    found = cdf(poll, "x", by="g")
    for g in ("a", "b"):
        share = found.theta[(found.keys["g"] == g).to_numpy()]
        assert (np.diff(share) >= -1e-15).all() and abs(share[-1] - 1) < 1e-12
    for p in (0.1, 0.5, 0.8):
        q = quantile(poll, "x", p).theta[0]
        assert cdf(poll, "x", q).theta[0] >= p - 1e-12
        below = frame.loc[frame["x"] < q, "w"].sum() / frame["w"].sum()
        assert below < p + 1e-12
