"""What an Estimates refuses, keeps from being changed, and leaves behind when others are made of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.kernels.intervals import interval
from survey_kit.kernels.quadratic import QuadraticScheme
from survey_kit.results.contrast import contrast_of

RNG = np.random.default_rng(3)
N = 200
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(20, 5, N),
        "z": RNG.normal(20, 5, N),
        "g": RNG.choice(["a", "b", "c"], N),
        "h": RNG.choice(["u", "v"], N),
        "w": RNG.uniform(0.5, 2, N),
    }
)
FRAME["w"] /= FRAME["w"].mean()  # scaled to the sample, so that design effects come with a notice


def _poll(frame: pd.DataFrame = FRAME) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w")


# --- levels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [95, 0, -0.5, 1, 1.5, float("nan"), "0.9", True])
@pytest.mark.parametrize("own", [False, True])
def test_a_level_lies_between_0_and_1(level, own):
    made = sk.mean(_poll(), "x", by="g")
    made = replace(made, limits=(made.theta - 1, made.theta + 1)) if own else made
    with pytest.raises(ArgumentError) as caught:
        made.confidence_interval(level)
    assert str(caught.value) == (
        f"level={level!r} is not a confidence level. Give a number between 0 and 1, such as 0.95."
    )


def test_another_level_moves_the_limits_and_none_is_the_own():
    made = sk.mean(_poll(), "x", level=0.9)
    np.testing.assert_array_equal(made.confidence_interval(), made.confidence_interval(0.9))
    assert made.confidence_interval(0.99)[0] < made.confidence_interval()[0]


# --- degrees of freedom by group -----------------------------------------------------------------------------------


def test_degrees_of_freedom_by_group_are_in_the_frame_the_limits_and_the_note():
    made = sk.mean(_poll(), "x", by="g")
    by_group = replace(made, dfs=np.array([2.0, 9.5, 28.0]))
    assert by_group.frame()["df"].tolist() == [2.0, 9.5, 28.0] and by_group.df == made.df
    variance = made.carrier.variance()
    for i, df in enumerate((2.0, 9.5, 28.0)):
        low, high = interval("wald", made.theta, variance, variance, 0.95, df, made.n)
        assert (by_group.confidence_interval()[0][i], by_group.confidence_interval()[1][i]) == (low[i], high[i])
    assert "; degrees of freedom by group: 2 to 28; 95% intervals: t." in repr(by_group).replace("\n", " ")
    assert "degrees of freedom by group: 2 to 28" in by_group._repr_html_()
    alike = replace(made, dfs=np.full(3, 28.0))
    assert "; 28 degrees of freedom;" in repr(alike).replace("\n", " ")
    part = replace(made, dfs=np.array([math.nan, 9.5, 28.0]))
    assert "degrees of freedom by group: 9.5 to 28" in repr(part).replace("\n", " ")


def test_parts_keep_their_degrees_of_freedom_and_contrasts_have_those_of_the_design():
    made = replace(sk.mean(_poll(), "x", by="g"), dfs=np.array([2.0, 9.0, 28.0]))
    assert made.take(np.array([2, 0])).frame()["df"].tolist() == [28.0, 2.0]
    for of in (made.difference(g=("a", "b")), made.ratio(g=("a", "b")), made.contrast("a - b")):
        assert of.dfs is None and of.frame()["df"].tolist() == [float(made.df)]


# --- nothing can be changed behind a result's back ----------------------------------------------------------------------


@pytest.mark.parametrize("replicated", [False, True])
def test_arrays_of_a_result_are_read_only(replicated):
    poll = _poll().replicate("JK1") if replicated else _poll()
    made = sk.mean(poll, "x", by="g", deff="kish")
    own = np.array([1.0, 2.0, 3.0])
    made = replace(made, limits=(own, made.theta + 1), dfs=own)
    before = made.frame()
    arrays = [made.theta, made.n, made.n_weighted, made.deff, made.dfs, made.carrier.variance(), *made.limits]
    arrays += made.confidence_interval()
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array *= 4
    pd.testing.assert_frame_equal(made.frame(), before)
    matrix, frame = made.vcov(), made.frame()
    matrix.iloc[0, 0] = 7.0
    frame.loc[0, ["estimate", "df", "deff"]] = 7.0
    pd.testing.assert_frame_equal(made.frame(), before)
    assert made.vcov().iloc[0, 0] == pytest.approx(made.se[0] ** 2)
    own[0] = 1.5  # what was handed over stays the caller's


def test_what_is_computed_anew_may_be_changed():
    made = sk.mean(_poll(), "x", by="g")
    se = made.se
    se *= 2
    low, _ = made.confidence_interval()
    low[0] = 0.0
    assert made.se[0] == se[0] / 2 and made.confidence_interval()[0][0] != 0


# --- notices ---------------------------------------------------------------------------------------------------------


def test_notices_on_design_effects_and_intervals_stay_behind():
    made = sk.mean(_poll(), "x", by="g", deff=True)
    assert [n.kind for n in made.notices] == ["deff"]
    for of in (made.difference(g=("a", "b")), made.ratio(g=("a", "b")), made.contrast("a - b")):
        assert of.notices == () and of.deff is None
        assert "design effects" not in repr(of)


def test_notices_on_the_data_are_passed_on_before_those_on_pairs():
    frame = FRAME.assign(x=FRAME["x"].where(FRAME.index > 4))
    frame = frame[~((frame["g"] == "b") & (frame["h"] == "v"))]
    made = sk.mean(_poll(frame), "x", by=["g", "h"], deff=True)
    for of in (made.difference(g=("a", "b")), made.ratio(g=("a", "b"))):
        assert [n.kind for n in of.notices] == ["missing", "unpaired"]
        assert of.notices[1].text == "1 estimates of g 'a' or 'b' have no counterpart and are left out."


# --- contrasts and pairs ----------------------------------------------------------------------------------------------


def test_a_coefficient_of_zero_plays_no_part_but_its_name_is_checked():
    frame = FRAME.assign(x=FRAME["x"].where(FRAME["g"] != "b"), w=FRAME["w"].where(FRAME["g"] != "c", 0.0))
    made = sk.mean(_poll(frame), "x", by="g")
    assert np.isnan(made.theta[made.names.get_loc("c")])
    for weights in ({"a": 1, "c": 0}, {"only a": {"a": 1.0, "c": 0.0}}, np.eye(len(made))[0]):
        of = made.contrast(weights)
        assert (of.theta[0], of.n[0]) == (made.theta[0], made.n[0])
        assert of.se[0] == pytest.approx(made.se[0])
    with pytest.raises(UnknownNameError) as caught:
        made.contrast({"a": 1, "d": 0})
    assert str(caught.value).startswith("No estimate 'd'.")
    assert contrast_of({"a": 0, "c": 0}, made.names).uses.nnz == 0


@pytest.mark.parametrize("name", ["_p", "_n", "key", "first", "second"])
def test_groups_may_have_any_name(name):
    plain = sk.mean(_poll(), "x", by=["g", "h"])
    made = sk.mean(_poll(FRAME.rename(columns={"g": name})), "x", by=[name, "h"])
    for pair, of in (({name: ("a", "b")}, {"g": ("a", "b")}), ({"h": ("u", "v")}, {"h": ("u", "v")})):
        for verb in ("difference", "ratio"):
            found, wanted = getattr(made, verb)(**pair), getattr(plain, verb)(**of)
            pd.testing.assert_frame_equal(found.frame().rename(columns={name: "g"}), wanted.frame())


def test_pairs_stand_in_the_order_of_the_first_group_whatever_the_order_of_the_second():
    made = sk.mean(_poll(), "x", by=["g", "h"])
    turned = made.take(np.array([1, 0, 2, 3]))
    found = turned.difference(g=("a", "b"))
    assert found.keys["h"].tolist() == ["v", "u"]
    np.testing.assert_allclose(found.theta, [made.theta[1] - made.theta[3], made.theta[0] - made.theta[2]])
    assert found.keys.columns.tolist() == made.keys.columns.tolist()


# --- empty results ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replicated", [False, True])
def test_an_empty_result_has_empty_answers(replicated):
    poll = _poll().replicate("JK1") if replicated else _poll()
    none = sk.mean(poll, "x", by="g").take(np.array([], dtype=int))
    assert none.names.tolist() == [] and none.vcov().shape == (0, 0)
    assert len(none.frame()) == len(none.se) == len(none.cv) == len(none.confidence_interval()[0]) == 0
    assert (none.replicates() if replicated else none.influence()).shape == (N, 0)
    assert "No estimates." in repr(none)
    for weights in ("a - b", {"a": 1}, [], np.zeros((1, 0))):
        with pytest.raises(ArgumentError) as caught:
            none.contrast(weights)
        assert str(caught.value) == "The result holds no estimates, so there is nothing to contrast."
    with pytest.raises(UnknownNameError, match="No g 'a' among the estimates"):
        none.difference(g=("a", "b"))


# --- negative variances ------------------------------------------------------------------------------------------------


def test_negative_variances_are_counted_without_the_whole_covariance(monkeypatch):
    asked = []
    covariance = QuadraticScheme.covariance

    def told(self, sums, diagonal=False):
        asked.append(diagonal)
        return covariance(self, sums, diagonal)

    monkeypatch.setattr(QuadraticScheme, "covariance", told)
    frame = pd.DataFrame({"y": [1.0, 1.0], "z": [1.0, -1.0], "p": [0.5, 0.5]})
    pairs = np.array([[0.5, 0.1], [0.1, 0.5]])
    poll = sk.from_frame(frame).with_design(fpc="p", pps=sk.PPS("joint", pairs))
    made = sk.total(poll, ["y", "z"])
    (notice,) = [n for n in made.notices if n.kind == "negative_variance"]
    assert notice.count == 1 and notice.text.startswith("1 of 2 variance estimates are negative, ")
    assert np.isnan(made.se).tolist() == [True, False]
    assert asked == [True]
    np.testing.assert_array_equal(made.carrier.diagonal, np.diag(made.vcov()))
