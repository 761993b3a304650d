"""The same number by different roads: domain mean, ratio and regression; linearisation and jackknife."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Variable

DESIGNS = {
    "weights": {"weight": "w"},
    "stratified": {"weight": "w", "strata": "stratum"},
    "clustered": {"weight": "w", "strata": "stratum", "psu": "area"},
    "two_stage": {"weight": "w", "strata": "stratum", "psu": ("area", "home"), "fpc": ("areas", "homes")},
}


def _poll(design: str) -> sk.Survey:
    rng = np.random.default_rng(3)
    area = np.repeat(np.arange(24), 12)
    frame = pd.DataFrame(
        {
            "stratum": area // 8,
            "area": area,
            "home": np.arange(len(area)) // 3,
            "areas": 40,
            "homes": 9,
            "w": rng.uniform(0.5, 3, len(area)),
            "sex": np.where(rng.random(len(area)) < 0.4, "women", "men"),
            "hours": 20 + area % 5 + rng.normal(0, 6, len(area)),
        }
    )
    frame["inside"] = (frame["sex"] == "women").astype(float)
    frame["hours_inside"] = frame["hours"] * frame["inside"]
    return sk.from_frame(frame).with_design(**DESIGNS[design])


@pytest.mark.parametrize("design", DESIGNS)
def test_a_domain_mean_is_a_ratio_and_a_regression(design):
    poll = _poll(design)
    domain = sk.mean(poll, "hours", where="sex == 'women'")
    by = sk.mean(poll, "hours", by="sex")
    ratio = sk.ratio(poll, "hours_inside", "inside")
    model = sk.glm(poll, "hours ~ 0 + C(sex)")
    at = list(by.keys["sex"]).index("women")
    row = next(i for i, name in enumerate(model.coef.names) if "women" in name)
    for theta, se in (
        (by.theta[at], by.se[at]),
        (ratio.theta[0], ratio.se[0]),
        (model.coef.theta[row], model.coef.se[row]),
    ):
        assert theta == pytest.approx(domain.theta[0], rel=1e-11)
        assert se == pytest.approx(domain.se[0], rel=1e-10)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_gap_between_domains_is_a_regression_coefficient(design):
    poll = _poll(design)
    gap = sk.mean(poll, "hours", by="sex").difference(sex=("women", "men"))
    model = sk.glm(poll, "hours ~ C(sex, ref='men')")
    assert model.coef.theta[1] == pytest.approx(gap.theta[0], rel=1e-10)
    assert model.coef.se[1] == pytest.approx(gap.se[0], rel=1e-10)


def test_a_share_is_the_mean_of_its_indicator_and_a_total_is_a_mean_times_the_population():
    poll = _poll("two_stage")
    share, mean = sk.proportion(poll, "sex"), sk.mean(poll, "inside")
    at = list(share.keys["answer"]).index("women")
    assert share.theta[at] == pytest.approx(mean.theta[0], rel=1e-12)
    assert share.se[at] == pytest.approx(mean.se[0], rel=1e-12)
    people = poll.with_column(pd.Series(np.ones(len(poll))), Variable("one", measure="scale"))
    ratio = sk.ratio(people, "hours", "one")
    assert ratio.theta[0] == pytest.approx(sk.mean(poll, "hours").theta[0], rel=1e-12)
    assert ratio.se[0] == pytest.approx(sk.mean(poll, "hours").se[0], rel=1e-12)


def test_the_jackknife_is_close_to_linearisation():
    poll = _poll("clustered")
    jackknife = poll.replicate("JKn")
    for ask in (
        lambda p: sk.mean(p, "hours", by="sex"),
        lambda p: sk.proportion(p, "sex"),
        lambda p: sk.ratio(p, "hours_inside", "inside"),
    ):
        assert ask(jackknife).se == pytest.approx(ask(poll).se, rel=0.03)
    assert sk.total(jackknife, "hours").se == pytest.approx(sk.total(poll, "hours").se, rel=1e-11)


def test_shares_sum_to_one_without_error():
    shares = sk.proportion(_poll("two_stage"), "sex", by="stratum")
    for stratum in shares.keys["stratum"].unique():
        rows = (shares.keys["stratum"] == stratum).to_numpy().astype(float)
        whole = shares.contrast(rows)
        assert whole.theta[0] == pytest.approx(1, abs=1e-12)
        assert whole.se[0] < 1e-12


@pytest.mark.parametrize("design", ["clustered", "two_stage"])
@pytest.mark.parametrize("replicated", [False, True])
def test_numbers_far_from_zero_keep_their_digits(design, replicated):
    """A mean of interview times in seconds has the standard error of the same times counted from another day.

    Replicate estimates are numbers of their own, and 1.7e9 is stored to 2e-7: their deviations have seven digits.
    """
    poll = _poll(design).replicate("JKn") if replicated and design == "clustered" else _poll(design)
    near = poll.codes["hours"]
    far = poll.with_column(near + 1.7e9, Variable("stamp", measure="scale"))
    near_again = far.with_column(far.codes["stamp"] - 1.7e9, Variable("hours", measure="scale"))
    moved, still = (
        sk.mean(far, "stamp", by="sex", deff="replace"),
        sk.mean(near_again, "hours", by="sex", deff="replace"),
    )
    digits = 1e-6 if far.bound.replicates is not None else 1e-10
    np.testing.assert_allclose(moved.se, still.se, rtol=digits)
    np.testing.assert_allclose(moved.deff, still.deff, rtol=digits)
    np.testing.assert_allclose(moved.theta, still.theta + 1.7e9, rtol=1e-15)
