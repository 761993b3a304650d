"""Sampling designs against R survey 4.1-1, on samples made by formula (tests/reference/designs.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.design.pps import PPS

FILE = Path(__file__).resolve().parents[1] / "reference" / "designs.json"
R = json.loads(FILE.read_text(encoding="utf-8"))


def _frame(name: str) -> pd.DataFrame:
    return pd.DataFrame({k: v for k, v in R[name].items()})


def _numbers(values) -> np.ndarray:
    return np.array([np.nan if v in ("NaN", None) else v for v in np.atleast_1d(values).tolist()], dtype=float)


def _same(estimates, expected, df=True):
    np.testing.assert_allclose(estimates.theta, _numbers(expected["estimate"]), rtol=1e-9)
    np.testing.assert_allclose(estimates.se, _numbers(expected["se"]), rtol=1e-8, atol=1e-12)
    if df and "df" in expected:
        assert estimates.df == expected["df"]


# --- several stages ---------------------------------------------------------------------------------------------------

STAGES = {
    "two": {"strata": "stratum", "psu": ("area", "home"), "fpc": ("areas", "homes_all")},
    "three": {"strata": "stratum", "psu": ("area", "home", "person"), "fpc": ("areas", "homes_all", "people")},
    "substrata": {"strata": ("stratum", "quarter"), "psu": ("area", "home"), "fpc": ("areas", "homes")},
}


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_with_its_fpc(name):
    """Stratum c was taken whole: it contributes by its second stage alone."""
    poll, expected = sk.from_frame(_frame("many")).with_design(**STAGES[name]), R["stages"][name]
    _same(sk.total(poll, "income"), expected["total"])
    _same(sk.mean(poll, "hours"), expected["mean"])
    shares = sk.proportion(poll, "answer")
    order = [list(shares.keys["answer"]).index(a) for a in ("no", "unsure", "yes")]
    np.testing.assert_allclose(shares.theta[order], expected["share"]["estimate"], rtol=1e-9)
    np.testing.assert_allclose(shares.vcov().to_numpy()[np.ix_(order, order)], expected["share_vcov"], rtol=1e-8)
    _same(sk.ratio(poll, "income", "hours"), expected["ratio"])
    _same(sk.mean(poll, "income", by="sex"), expected["by"])
    _same(sk.total(poll, "income", by="sex"), expected["by_total"])
    _same(sk.total(poll, "hours", where="sex == 'male' and income > 150"), expected["domain"])


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_with_its_fpc_in_a_model(name):
    poll, expected = sk.from_frame(_frame("many")).with_design(**STAGES[name]), R["stages"][name]
    fit = sk.glm(poll, "oppose ~ hours + C(sex, ref='female')", family="binomial")
    np.testing.assert_allclose(fit.coef.theta, expected["glm"]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(fit.coef.se, expected["glm"]["se"], rtol=1e-8)
    linear = sk.glm(poll, "income ~ hours + C(sex, ref='female')")
    np.testing.assert_allclose(linear.coef.se, expected["linear"]["se"], rtol=1e-8)


# --- unequal probabilities --------------------------------------------------------------------------------------------

JOINT = np.array(R["joint"])
GIVEN = dict(zip((1, 2, 3), R["given"], strict=True))
UNEQUAL = {
    "brewer": {"fpc": "p", "pps": "brewer"},
    "brewer_strata": {"strata": "stratum", "fpc": "p", "pps": "brewer"},
    "brewer_stages": {"psu": ("area", "home"), "fpc": ("pa", "ph"), "pps": "brewer"},
    "overton": {"fpc": "p", "pps": "overton"},
    "overton_strata": {"strata": "stratum", "fpc": "p", "pps": "overton"},
    "overton_clusters": {"psu": "area", "fpc": "pa", "pps": "overton"},
    "overton_yg": {"strata": "stratum", "fpc": "p", "pps": PPS("overton", variance="YG")},
    "hr": {"strata": "stratum", "fpc": "p", "pps": "hartley-rao"},
    "hr_given": {"strata": "stratum", "fpc": "p", "pps": PPS("hartley-rao", sum_of_squares=GIVEN)},
    "hr_number": {"fpc": "p", "pps": PPS("hartley-rao", sum_of_squares=0.3)},
    "hr_yg": {"strata": "stratum", "fpc": "p", "pps": PPS("hartley-rao", variance="YG")},
    "poisson": {"fpc": "p", "pps": "poisson"},
    "joint": {"fpc": "p", "pps": PPS("joint", JOINT)},
    "joint_yg": {"strata": "stratum", "fpc": "p", "pps": PPS("joint", pd.DataFrame(JOINT), variance="YG")},
}


@pytest.mark.parametrize("name", UNEQUAL)
def test_unequal_probabilities(name):
    poll, expected = sk.from_frame(_frame("unequal")).with_design(**UNEQUAL[name]), R["pps"][name]
    totals = sk.total(poll, ["y", "x"])
    _same(totals, expected["total"])
    np.testing.assert_allclose(totals.vcov(), np.array(expected["vcov"], dtype=float), rtol=1e-8)
    _same(sk.mean(poll, "y"), expected["mean"])
    _same(sk.proportion(poll, "sex"), expected["share"])
    _same(sk.ratio(poll, "y", "x"), expected["ratio"])
    _same(sk.total(poll, "y", where="sex == 'male'"), expected["domain"])


@pytest.mark.parametrize(("name", "formula"), [("brewer", "y ~ x"), ("brewer_stages", "y ~ x + C(sex, ref='female')")])
def test_brewer_in_a_model(name, formula):
    poll, expected = sk.from_frame(_frame("unequal")).with_design(**UNEQUAL[name]), R["pps"][name]["glm"]
    _same(sk.glm(poll, formula).coef, expected, df=False)


# --- two phases -------------------------------------------------------------------------------------------------------

ASKED = {"subset": "asked", "strata": "seen"}
PHASES = {
    "plain_full": ({}, ASKED),
    "plain_approx": ({}, {**ASKED, "method": "approx"}),
    "srs_full": ({"fpc": "N"}, ASKED),
    "srs_approx": ({"fpc": "N"}, {**ASKED, "method": "simple"}),
    "srs_simple_phase2": ({"fpc": "N"}, {"subset": "asked", "method": "approx"}),
    "probs_full": ({"weight": "w1"}, ASKED),
    "weights_approx": ({"weight": "w1"}, {**ASKED, "method": "approx"}),
    "strata_full": ({"strata": "region", "fpc": "N_region"}, ASKED),
    "strata_approx": ({"strata": "region", "fpc": "N_region"}, {**ASKED, "method": "approx"}),
    "uneven_full": ({"strata": "uneven", "fpc": "N_uneven"}, ASKED),
    "uneven_approx": ({"strata": "uneven", "fpc": "N_uneven"}, {**ASKED, "method": "approx"}),
    "clusters_full": ({"psu": "area", "fpc": "areas"}, ASKED),
    "stages_full": ({"psu": ("area", "block"), "fpc": ("areas", "blocks")}, ASKED),
    "areas_full": ({"psu": "area", "fpc": "areas"}, {"subset": "asked_area == 1", "psu": "area"}),
    "areas_approx": ({"psu": "area", "fpc": "areas"}, {"subset": "asked_area", "psu": "area", "method": "approx"}),
}


@pytest.mark.parametrize("name", PHASES)
def test_two_phases(name):
    first, second = PHASES[name]
    poll, expected = sk.from_frame(_frame("phase")).with_design(**first).with_second_phase(**second), R["phases"][name]
    totals = sk.total(poll, ["y", "x"])
    _same(totals, expected["total"])
    np.testing.assert_allclose(totals.vcov(), np.array(expected["vcov"], dtype=float), rtol=1e-8)
    _same(sk.mean(poll, "y"), expected["mean"])
    if "share" in expected:
        _same(sk.proportion(poll, "sex"), expected["share"])
        _same(sk.ratio(poll, "y", "x"), expected["ratio"])
        assert sk.mean(poll.where("sex == 'male'"), "y").df == expected["df_male"]
    if "domain" in expected:
        _same(sk.total(poll, "y", where="sex == 'male'"), expected["domain"])


@pytest.mark.parametrize("name", [n for n in PHASES if "by" in R["phases"][n]])
def test_two_phases_by_group(name):
    first, second = PHASES[name]
    poll = sk.from_frame(_frame("phase")).with_design(**first).with_second_phase(**second)
    expected = R["phases"][name]["by"]
    at = [0, 1] if len(expected["estimate"]) == 2 else [0, 3]  # R: both ratios of both numerators
    assert_by = {k: np.asarray(expected[k])[at] for k in ("estimate", "se")}
    _same(sk.mean(poll, "y", by="sex"), assert_by)


# --- strata of which a domain leaves one unit -------------------------------------------------------------------------


@pytest.mark.parametrize("domains", ["default", "domains"])
@pytest.mark.parametrize("rule", ["adjust", "average"])
def test_strata_that_a_domain_leaves_one_unit(rule, domains):
    frame, expected = _frame("thin"), R["thin_results"][rule][domains]
    how = {"strata": "stratum", "psu": "area", "weight": "w", "lonely_psu": rule, "lonely_domain": domains == "domains"}
    poll = sk.from_frame(frame).with_design(**how)
    _same(sk.mean(poll.where("group == 'h'"), "income"), expected["mean"])
    _same(sk.mean(poll, "income", by="group"), expected["by"])
    _same(sk.ratio(poll, "income", "hours", where="group == 'g'"), expected["ratio"])
    _same(sk.mean(sk.from_frame(frame).with_design(**how, fpc="areas"), "income", by="group"), expected["fpc"])
    _same(sk.glm(poll, "income ~ hours", where="group != 'k'").coef, expected["glm"], df=False)
    if "total" in expected:
        _same(sk.total(poll, "income", by="group"), expected["total"])
    shares = sk.proportion(poll, "answer", by="group")
    answers = sorted(set(shares.keys["answer"]))
    order = [
        int(np.flatnonzero((shares.keys["answer"] == a) & (shares.keys["group"] == g))[0])
        for a in answers
        for g in "ghk"
    ]
    np.testing.assert_allclose(shares.se[order], np.ravel(expected["share"]["se"]), rtol=1e-8)
    vcov = sk.proportion(poll, "answer", where="group == 'h'").vcov().loc[answers, answers]
    np.testing.assert_allclose(vcov, np.array(expected["vcov"], dtype=float), rtol=1e-8)
