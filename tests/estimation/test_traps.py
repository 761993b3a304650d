"""Population sizes and replicate degrees of freedom where they are easily forgotten, against R survey 4.1-1 (traps.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.chi_square import rao_scott

import survey_kit as sk
from survey_kit.codebook import Variable

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "traps.json").read_text(encoding="utf-8"))
DESIGNS = {
    "two_stage": {"psu": ("area", "home"), "fpc": ("areas", "homes")},
    "three_stage": {"psu": ("area", "home", "person"), "fpc": ("areas", "homes", "people")},
    "one_stage": {"psu": "area", "fpc": "areas"},
    "no_fpc": {"psu": "area", "weight": "w"},
}


def _poll(design: str) -> sk.Survey:
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(**DESIGNS[design])


@pytest.mark.parametrize("design", DESIGNS)
def test_population_sizes_of_every_stage_are_in_the_errors_of_models(design):
    poll, expected = _poll(design), R["model"][design]
    gaussian = sk.glm(poll, "hours ~ income + sex").coef.se
    logit = sk.glm(poll, "answer == 'yes' ~ income + sex", family="binomial").coef.se
    # R's first level of sex is female as well
    np.testing.assert_allclose(gaussian, expected["gaussian"], rtol=1e-8)
    np.testing.assert_allclose(logit, expected["logit"], rtol=1e-8)


@pytest.mark.parametrize("design", DESIGNS)
def test_population_sizes_of_every_stage_are_in_the_covariances_of_a_chi_square_test(design):
    statistic, ndf, ddf = rao_scott(_poll(design), "answer", "sex")
    expected = R["tests"][design]
    np.testing.assert_allclose([statistic, ndf, ddf], [expected["F"], expected["ndf"], expected["ddf"]], rtol=1e-8)


@pytest.mark.parametrize("design", DESIGNS)
def test_population_sizes_are_in_the_error_of_a_rank_test(design):
    poll = _poll(design)
    w, y = poll.weight.to_numpy(), poll.codes["hours"].to_numpy()
    order = np.argsort(y, kind="stable")
    middle = pd.Series(np.cumsum(w[order]) - w[order] / 2).groupby(y[order]).transform("mean").to_numpy()
    score = np.empty(len(y))
    score[order] = middle / w.sum()
    ranked = poll.with_column(pd.Series(score), Variable("rank", measure="scale"))
    gap = sk.mean(ranked, "rank", by="sex").difference(sex=("male", "female"))
    np.testing.assert_allclose(gap.theta[0] / gap.se[0], R["tests"][design]["rank"], rtol=1e-8)


@pytest.mark.parametrize("design", ["one_stage", "no_fpc"])
def test_population_sizes_are_in_the_jackknife(design):
    poll, expected = _poll(design).replicate("JK1"), R["jackknife"][design]
    income = sk.mean(poll, "income")
    np.testing.assert_allclose([income.theta[0], income.se[0]], [expected["mean"], expected["se"]], rtol=1e-10)
    np.testing.assert_allclose(sk.ratio(poll, "hours", "income").se[0], expected["ratio"], rtol=1e-10)


def test_replicates_have_the_degrees_of_freedom_of_the_design():
    """15 sampling units with 500 bootstrap replicates have 14 degrees of freedom, not 499; in a domain those of its units."""
    poll = _poll("no_fpc").replicate("bootstrap", replicates=500, seed=1)
    assert sk.mean(poll, "income").df == 14
    assert sk.mean(poll, "income", where="area <= 9").df == 8
    assert sk.glm(poll, "hours ~ income").coef.df == 13  # 14 + 1 - 2
    linearised = sk.mean(_poll("no_fpc"), "income", where="area <= 9")
    assert linearised.df == 8
