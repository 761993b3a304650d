"""What an Estimates holds stays reachable: influence by unit, replicates, effective n, cv, frames that join, parts, stacks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.results.combine import only_answer, only_nets, stacked, with_nets

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "contrasts.json").read_text(encoding="utf-8"))
TARGETS = {"sex": {"male": 480.0, "female": 520.0}, "vote": {"red": 300.0, "green": 300.0, "none": 400.0}}


def _poll(**design) -> sk.Survey:
    stated = {"weight": "w", "strata": "stratum", "psu": "area", **design}
    return sk.from_frame(pd.DataFrame(R["sample"])).with_design(**stated)


def _from_influence(z: pd.DataFrame) -> np.ndarray:
    """sum over strata of n / (n - 1) sum (z - mean)(z - mean)'."""
    parts = []
    for _, rows in z.groupby("stratum"):
        centred = rows.to_numpy() - rows.to_numpy().mean(axis=0)
        parts.append(len(rows) / (len(rows) - 1) * centred.T @ centred)
    return np.sum(parts, axis=0)


@pytest.mark.parametrize("raked", [False, True])
def test_influence_by_unit_gives_the_covariance(raked):
    poll = _poll().rake(TARGETS) if raked else _poll()
    made = sk.mean(poll, ["hours", "income"], by="sex")
    z = made.influence()
    assert z.index.names == ["stratum", "unit"] and z.columns.tolist() == made.names.tolist()
    assert z.shape == (30, 4)
    np.testing.assert_allclose(_from_influence(z), made.vcov(), rtol=1e-10)
    difference = made.difference(sex=("male", "female"))
    np.testing.assert_allclose(_from_influence(difference.influence()), difference.vcov(), rtol=1e-10)


def test_influence_of_a_mean_is_the_weighted_residual():
    poll, frame = _poll(), pd.DataFrame(R["sample"])
    made = sk.mean(poll, "income")
    residual = frame["w"] * (frame["income"] - made.theta[0]) / frame["w"].sum()
    by_area = residual.groupby(poll.bound.stages[0].unit).sum()
    np.testing.assert_allclose(made.influence().iloc[:, 0], by_area, rtol=1e-9, atol=1e-14)


def test_influence_after_calibration_of_a_raked_margin_is_zero():
    z = sk.proportion(_poll().rake(TARGETS), "sex").influence()
    assert np.abs(z.to_numpy()).max() < 1e-10


def test_influence_under_the_rule_adjust_squares_to_the_variance():
    frame = pd.DataFrame(R["sample"])
    frame = frame[~((frame["stratum"] == "c") & (frame["area"] > 21))]
    poll = sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="area", lonely_psu="adjust")
    made = sk.mean(poll, "income")
    z = made.influence()
    assert z.index.names == ["unit"]
    np.testing.assert_allclose(z.to_numpy().T @ z.to_numpy(), made.vcov(), rtol=1e-10)


def test_replicates_give_the_covariance():
    made = sk.proportion(_poll().replicate("JKn"), "vote")
    thetas = made.replicates()
    assert thetas.shape == (30, 3) and thetas.index.name == "replicate"
    assert thetas.columns.tolist() == ["green", "none", "red"]
    centred = thetas.to_numpy() - thetas.to_numpy().mean(axis=0)
    np.testing.assert_allclose(0.9 * centred.T @ centred, made.vcov(), rtol=1e-10)
    np.testing.assert_allclose(made.contrast("red / green").replicates().iloc[:, 0], thetas["red"] / thetas["green"])


def test_each_design_names_the_other_door():
    with pytest.raises(UnsupportedOption) as caught:
        sk.mean(_poll(), "income").replicates()
    assert str(caught.value) == (
        "Linearised estimates have no replicates. influence() gives their sums by sampling unit; poll.replicate(...) makes "
        "replicate weights."
    )
    with pytest.raises(UnsupportedOption) as caught:
        sk.mean(_poll().replicate("JKn"), "income").influence()
    assert str(caught.value) == (
        "Estimates under replicate weights have no influence values. replicates() gives them under each weight."
    )


def test_effective_n_and_cv():
    poll = sk.from_frame(pd.DataFrame(R["sample"]).assign(w=lambda d: 100 * d["w"])).with_design(weight="w", psu="area")
    made = sk.mean(poll, "income", by="sex", deff=True)
    np.testing.assert_allclose(made.n_eff, made.n / made.deff)
    np.testing.assert_allclose(made.cv, made.se / made.theta)
    assert np.isnan(sk.mean(poll, "income", by="sex").n_eff).all()
    zero = made.contrast({"nothing": "male - male", "minus": "-male"})
    assert np.isnan(zero.cv[0]) and zero.cv[1] == pytest.approx(made.cv[made.names.get_loc("male")])
    assert np.isnan(zero.n_eff).all()


def test_frames_of_two_verbs_join_on_their_keys():
    poll = _poll()
    means, totals = (verb(poll, "income", by=["sex", "vote"]).frame() for verb in (sk.mean, sk.total))
    keys = ["variable", "sex", "vote", "answer"]
    both = means.merge(totals, on=keys, suffixes=("_mean", "_total"), validate="one_to_one")
    assert len(both) == len(means) == 6
    np.testing.assert_allclose(both["estimate_mean"] * both["n_weighted_total"], both["estimate_total"], rtol=1e-12)


@pytest.mark.parametrize("verb", ["mean", "total", "proportion", "contrast", "ratio", "difference"])
def test_columns_have_the_same_types_whatever_was_estimated(verb):
    poll = _poll()
    by = sk.mean(poll, "income", by="sex")
    made = {
        "contrast": lambda: by.contrast("male / female"),
        "ratio": lambda: by.ratio(sex=("male", "female")),
        "difference": lambda: by.difference(sex=("male", "female")),
        "proportion": lambda: sk.proportion(poll, "vote"),
    }.get(verb, lambda: getattr(sk, verb)(poll, "income"))()
    frame = made.frame()
    assert frame["n"].dtype == np.int64
    assert all(frame[c].dtype == "str" for c in ("variable", "answer", "statistic", "flag")), frame.dtypes
    numbers = ["estimate", "se", "ci_low", "ci_high", "df", "deff", "n_weighted"]
    assert all(frame[c].dtype == np.float64 for c in numbers)
    assert frame.columns.tolist()[-11:] == ["answer", "statistic", *numbers[:-1], "n", "n_weighted", "flag"]


def test_limits_of_an_estimator_flow_through():
    made = sk.mean(_poll(), "income", by="sex")
    own = replace(made, limits=(made.theta - 1, made.theta + 2))
    frame = own.frame()
    np.testing.assert_array_equal(frame["ci_low"], made.theta - 1)
    np.testing.assert_array_equal(frame["ci_high"], made.theta + 2)
    assert sk.table(own).rows[0].cells[2].limits == (made.theta[0] - 1, made.theta[0] + 2)
    assert own.difference(sex=("male", "female")).limits is None
    with pytest.raises(
        ArgumentError, match=r"These limits were made at level 0\.95; ask the estimator for level=0\.9\."
    ):
        own.confidence_interval(0.9)
    part = own.take(np.array([1]))
    assert part.confidence_interval()[1][0] == made.theta[1] + 2
    assert "95% intervals." in repr(own).replace("\n", " ")


def test_some_estimates_are_those_of_the_whole():
    for poll in (_poll(), _poll().replicate("JKn")):
        made = sk.proportion(poll, "vote", by="sex", deff="replace")
        rows = np.array([4, 0, 0])
        part = made.take(rows)
        pd.testing.assert_frame_equal(part.frame(), made.frame().iloc[rows].reset_index(drop=True))
        np.testing.assert_allclose(part.vcov(), made.vcov().to_numpy()[np.ix_(rows, rows)], rtol=1e-12)
    assert len(made.take(np.array([], dtype=int)).frame()) == 0


# --- parts and stacks --------------------------------------------------------------------------------------------------


def test_parts_keep_what_belongs_to_them():
    shares = sk.proportion(_poll(), "vote", by="sex", interval="beta", deff="replace")
    reds = only_answer(shares, "red")
    rows = np.flatnonzero(shares.keys["answer"] == "red")
    pd.testing.assert_frame_equal(reds.frame(), shares.frame().iloc[rows].reset_index(drop=True))
    points = shares.difference(sex=("male", "female"))
    assert only_answer(points, "red").units.tolist() == ["points"]


def test_nets_are_sums_with_limits_of_their_own():
    nets = {"coloured": ["red", "green"]}
    for interval in ("logit", "likelihood"):
        shares = sk.proportion(_poll(), "vote", interval=interval)
        made = with_nets(shares, nets)
        assert made.theta[3] == pytest.approx(shares.theta[0] + shares.theta[2])
        low, high = made.confidence_interval()
        np.testing.assert_array_equal(low[:3], shares.confidence_interval()[0])
        assert low[3] < made.theta[3] < high[3]
        alone = only_nets(shares, nets)
        np.testing.assert_allclose([alone.theta[0], alone.se[0]], [made.theta[3], made.se[3]])
        assert alone.units.tolist() == ["share"]


def test_stacks_keep_the_intervals_of_each():
    poll = _poll()
    shares, means = sk.proportion(poll, "vote"), sk.mean(poll, "income", deff="replace")
    both = stacked([shares, means])
    for at, of in ((0, shares), (1, means)):
        rows = slice(0, 3) if at == 0 else slice(3, 4)
        for side in (0, 1):
            np.testing.assert_allclose(both.confidence_interval()[side][rows], of.confidence_interval()[side])
    assert both.units.tolist() == ["share"] * 3 + ["number"]
    assert np.isnan(both.deff).tolist() == [True] * 3 + [False]
    np.testing.assert_allclose(both.vcov().to_numpy()[:3, :3], shares.vcov(), rtol=1e-12)
    assert "95% intervals." in repr(both).replace("\n", " ")
    product = both.contrast("`vote:red:proportion` * `income:mean`")
    assert product.theta[0] == pytest.approx(shares.theta[2] * means.theta[0]) and product.se[0] > 0
    with pytest.raises(UnsupportedOption) as caught:
        stacked([shares, sk.mean(poll, "income", level=0.9)])
    assert str(caught.value) == (
        "The results have intervals of different levels (0.9, 0.95). Estimate them with one level=."
    )


@pytest.mark.parametrize("replicated", [False, True])
def test_stacks_have_the_covariances_of_one_call(replicated):
    poll = _poll().replicate("JKn") if replicated else _poll()
    one = sk.mean(poll, ["hours", "income"], where="valid(hours)")
    both = stacked([sk.mean(poll, "hours", where="valid(hours)"), sk.mean(poll, "income", where="valid(hours)")])
    np.testing.assert_allclose(both.vcov(), one.vcov(), rtol=1e-10)
    with pytest.raises(UnsupportedOption, match="Only results of one design can be put together"):
        stacked([sk.mean(_poll(), "hours"), sk.mean(_poll().replicate("JKn"), "hours")])
