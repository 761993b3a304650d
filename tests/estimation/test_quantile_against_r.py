"""Quantiles against R survey 4.1-1 on a stratified cluster sample made by formula (tests/reference/quantiles.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.estimation.quantile import quantile

FILE = Path(__file__).resolve().parents[1] / "reference" / "quantiles.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
PROBS = R["probs"]
DESIGNS = {
    "weights": {"weight": "w"},
    "stratified": {"weight": "w", "strata": "stratum"},
    "clustered": {"weight": "w", "strata": "stratum", "psu": "area"},
    "fpc": {"weight": "w", "strata": "stratum", "psu": "area", "fpc": "areas"},
    "zeros": {"weight": "some", "strata": "stratum", "psu": "area"},
}
TARGETS = {
    "sex": {"male": 48_000, "female": 52_000},
    "region": {"north": 25_000, "south": 40_000, "west": 35_000},
}


def _poll(name: str = "clustered") -> sk.Survey:
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(**DESIGNS[name])


def _table(expected: dict) -> np.ndarray:
    """Columns quantile, low, high, se of each variable and share. Shape (V * P, 4)."""
    rows = [row for variable in expected.values() for row in variable]
    return np.array([[np.nan if v in (None, "NaN") else float(v) for v in row] for row in rows])


def _ours(found) -> np.ndarray:
    return np.column_stack([found.theta, *found.confidence_interval(), found.se])


def _same(found, expected):
    np.testing.assert_allclose(_ours(found), _table(expected), rtol=1e-8, atol=1e-12)


BOTH = ["income", "hours"]


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design(name):
    _same(quantile(_poll(name), BOTH, PROBS), R["basic"][name])


@pytest.mark.parametrize("rule", R["rules"])
def test_every_rule(rule):
    _same(quantile(_poll(), BOTH, PROBS, rule=rule), R["rules"][rule])


@pytest.mark.parametrize("interval", R["intervals"])
def test_every_interval(interval):
    _same(quantile(_poll(), "income", PROBS, interval=interval), R["intervals"][interval])


def test_options():
    poll, expected = _poll(), R["options"]
    _same(quantile(poll, "income", PROBS, level=0.9), expected["level"])
    _same(quantile(poll, "income", PROBS, df=7), expected["df"])
    _same(quantile(poll, "income", PROBS, df=np.inf), expected["normal"])
    _same(quantile(poll, "hours", PROBS, where="sex == 'male' and hours > 4"), expected["domain"])


CASES = [("region", "region", "mean"), ("part", "part", "mean"), ("beta", "part", "beta"), ("score", "part", "score")]


@pytest.mark.parametrize(("key", "by", "interval"), CASES)
def test_groups_have_their_own_degrees_of_freedom(key, by, interval):
    found = quantile(_poll(), BOTH, PROBS, by=by, interval=interval)
    for group, expected in R["by"][key].items():
        rows = (found.keys[by] == group).to_numpy()
        np.testing.assert_allclose(_ours(found)[rows], _table(expected), rtol=1e-8, atol=1e-12, err_msg=group)


def test_groups_are_domains():
    whole = quantile(_poll(), "income", PROBS, by="part")
    for part in ("others", "thirds"):
        alone = quantile(_poll(), "income", PROBS, where=f"part == '{part}'")
        rows = (whole.keys["part"] == part).to_numpy()
        np.testing.assert_allclose(_ours(whole)[rows], _ours(alone), rtol=1e-10)


def test_after_raking():
    _same(quantile(_poll().rake(TARGETS), BOTH, PROBS), R["raked"])


@pytest.mark.parametrize("interval", ["mean", "quantile"])
def test_jackknife(interval):
    _same(quantile(_poll().replicate("JKn"), "income", PROBS, interval=interval), R["jkn"][interval])
