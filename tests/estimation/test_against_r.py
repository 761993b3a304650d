"""Estimates against R survey 4.1-1 on a two-stage sample made by formula (tests/reference/estimation.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

FILE = Path(__file__).resolve().parents[1] / "reference" / "estimation.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
DESIGNS = {
    "weights": {"weight": "w"},
    "stratified": {"weight": "w", "strata": "stratum"},
    "clustered": {"weight": "w", "strata": "stratum", "psu": "area"},
    "two_stage": {"weight": "w", "strata": "stratum", "psu": ("area", "home"), "fpc": ("areas", "homes")},
    "implied": {"strata": "stratum", "psu": ("area", "home"), "fpc": ("areas", "homes")},
}
TARGETS = {
    "sex": {"male": 48_000, "female": 52_000},
    "region": {"north": 25_000, "south": 40_000, "west": 35_000},
}


def _poll(name: str = "clustered") -> sk.Survey:
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(**DESIGNS[name])


def _same(estimates, expected, df=True):
    np.testing.assert_allclose(estimates.theta, np.atleast_1d(expected["estimate"]), rtol=1e-9)
    np.testing.assert_allclose(estimates.se, np.atleast_1d(expected["se"]), rtol=1e-8, atol=1e-10)
    if df:
        assert estimates.df == expected["df"]


@pytest.mark.parametrize("name", DESIGNS)
def test_every_estimator_on_every_design(name):
    poll, expected = _poll(name), R["basic"][name]
    hours = sk.mean(poll, "hours", deff="replace")
    _same(hours, expected["mean"])
    np.testing.assert_allclose(hours.deff, expected["mean_deff"], rtol=1e-8)
    share = sk.proportion(poll, "answer")
    _same(share, expected["share"])
    np.testing.assert_allclose(share.vcov(), expected["vcov"], rtol=1e-8, atol=1e-16)
    _same(sk.total(poll, "income"), expected["total"])
    _same(sk.ratio(poll, "income", "home"), expected["ratio"])


@pytest.mark.parametrize("name", DESIGNS)
def test_domains_keep_the_design(name):
    poll, expected = _poll(name), R["basic"][name]
    by = sk.mean(poll, "income", by="region")
    _same(by, expected["by"])
    np.testing.assert_allclose(by.vcov(), expected["by_vcov"], rtol=1e-8, atol=1e-14)
    _same(sk.mean(poll, "income", where="sex == 'male'"), expected["domain"])
    _same(sk.mean(poll.where("sex == 'male'"), "income"), expected["domain"])
    _same(sk.total(poll, "income", where="sex == 'male' and hours > 10"), expected["domain_total"])


@pytest.mark.parametrize("method", ["logit", "asin", "beta", "mean", "xlogit"])
def test_intervals_of_a_proportion(method):
    estimates = sk.proportion(_poll(), "answer", interval="wald" if method == "mean" else method)
    low, high = estimates.confidence_interval()
    at = list(estimates.keys["answer"]).index("yes")
    np.testing.assert_allclose([low[at], high[at]], R["intervals"][method], rtol=1e-7)


@pytest.mark.parametrize("rule", ["remove", "certainty", "average"])
def test_lonely_psu_rules(rule):
    frame = pd.DataFrame(R["sample"])
    frame = frame[~((frame["stratum"] == "c") & (frame["area"] > 17))]
    poll = sk.from_frame(frame).with_design(**DESIGNS["clustered"], lonely_psu=rule)
    _same(sk.mean(poll, "income"), R["lonely"][rule])


def test_lonely_psu_adjust_centres_a_mean_on_zero():
    """Influence values of a mean sum to zero, so the centre of survey 4.5 (all PSUs) and that of 4.1 (zero) agree."""
    frame = pd.DataFrame(R["sample"])
    frame = frame[~((frame["stratum"] == "c") & (frame["area"] > 17))]
    poll = sk.from_frame(frame).with_design(**DESIGNS["clustered"], lonely_psu="adjust")
    _same(sk.mean(poll, "income"), R["lonely"]["adjust"])


@pytest.mark.parametrize("name", ["weights", "clustered", "two_stage"])
def test_standard_errors_after_raking(name):
    poll, expected = _poll(name).rake(TARGETS), R["raked"][name]
    _same(sk.mean(poll, "income"), expected["mean"])
    share = sk.proportion(poll, "answer")
    _same(share, expected["share"])
    np.testing.assert_allclose(share.vcov(), expected["vcov"], rtol=1e-8, atol=1e-16)
    _same(sk.total(poll, "hours"), expected["total"])
    _same(sk.mean(poll, "income", by="region"), expected["by"])


@pytest.mark.parametrize("name", ["weights", "clustered", "two_stage"])
def test_a_raked_margin_has_no_sampling_error(name):
    share = sk.proportion(_poll(name).rake(TARGETS), "sex")
    np.testing.assert_allclose(share.theta, [0.52, 0.48], rtol=1e-9)
    assert share.se.max() < 1e-10


def test_jackknife_replicates():
    poll = _poll().replicate("JKn")
    _same(sk.mean(poll, "hours"), R["jkn"]["mean"])
    _same(sk.proportion(poll, "answer"), R["jkn"]["share"])
    _same(sk.mean(poll, "income", by="region"), R["jkn"]["by"])


def test_raking_is_repeated_in_every_replicate():
    poll = _poll().replicate("JKn").rake(TARGETS)
    _same(sk.mean(poll, "income"), R["jkn_raked"]["mean"], df=False)
    _same(sk.proportion(poll, "answer"), R["jkn_raked"]["share"], df=False)
