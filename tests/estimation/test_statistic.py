"""Any statistic by replication: R, identities, what a function may return and may not do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, NoValidData, UnsupportedOption
from survey_kit.estimation.ratio import ratio
from survey_kit.estimation.statistic import statistic

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "moments.json").read_text(encoding="utf-8"))


def _r_poll() -> sk.Survey:
    return (
        sk.from_frame(pd.DataFrame(R["sample"])).with_design(weight="w", strata="stratum", psu="area").replicate("JKn")
    )


def _poll(method: str = "JKn") -> sk.Survey:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "stratum": np.arange(48) // 16,
            "psu": np.arange(48) // 4,
            "w": rng.uniform(0.5, 3, 48),
            "x": rng.normal(10, 3, 48),
            "g": rng.choice(["a", "b"], 48),
        }
    )
    options = {"replicates": 40, "seed": 3} if method == "bootstrap" else {}
    return sk.from_frame(frame).with_design(weight="w", strata="stratum", psu="psu").replicate(method, **options)


def _mean(w, data):
    return np.average(data["x"], weights=w)


def _gini(w, x):
    order = np.argsort(x, kind="stable")
    w, x = w[order], np.asarray(x)[order]
    lorenz = np.cumsum(w * x) / (w * x).sum()
    return 1 - (w / w.sum() * (lorenz + np.append(0, lorenz[:-1]))).sum()


def _line(w, y, *xs):
    design = np.column_stack([np.ones(len(y)), *xs])
    return np.linalg.solve(design.T @ (w[:, None] * design), design.T @ (w * np.asarray(y)))


def test_against_the_own_reference():
    poll, expected = _r_poll(), R["statistics"]
    gini = statistic(poll, lambda w, d: _gini(w, d["income"]), name="gini")
    np.testing.assert_allclose(
        [gini.theta[0], gini.se[0]], [expected["gini"]["estimate"], expected["gini"]["se"]], rtol=1e-9
    )
    line = statistic(poll, lambda w, d: _line(w, d["income"], d["rent"]), name="line")
    np.testing.assert_allclose(line.theta, expected["coefficients"]["estimate"], rtol=1e-9)
    np.testing.assert_allclose(line.se, expected["coefficients"]["se"], rtol=1e-8)


# --- identities ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["JKn", "bootstrap"])
def test_a_mean_written_by_hand_is_the_mean(method):
    poll = _poll(method)
    for options in ({}, {"by": "g"}, {"where": "x > 9"}, {"by": "g", "where": "x > 9"}):
        found, mean = statistic(poll, _mean, **options), sk.mean(poll, "x", **options)
        np.testing.assert_allclose(found.theta, mean.theta, rtol=1e-12)
        np.testing.assert_allclose(found.vcov(), mean.vcov(), rtol=1e-9)
        assert found.df == mean.df
        assert found.n.tolist() == mean.n.tolist()
        np.testing.assert_allclose(found.n_weighted, mean.n_weighted)
    inside = poll.where("g == 'a'")
    np.testing.assert_allclose(statistic(inside, _mean).se, sk.mean(inside, "x").se, rtol=1e-9)


def test_given_replicate_weights_and_factors():
    poll = _poll()
    matrix = np.column_stack([poll.bound.replicates.weights[:, r] for r in range(12)])
    frame = poll.codes.assign(**{f"r{i}": matrix[:, i] for i in range(12)})
    given = sk.from_frame(frame).with_replicates([f"r{i}" for i in range(12)], "JKn", weight="w", rscales=0.75)
    np.testing.assert_allclose(statistic(given, _mean).se, sk.mean(given, "x").se, rtol=1e-9)
    factors = sk.from_frame(frame.assign(**{f"r{i}": matrix[:, i] / frame["w"] for i in range(12)}))
    factors = factors.with_replicates([f"r{i}" for i in range(12)], "JKn", weight="w", rscales=0.75, combined=False)
    np.testing.assert_allclose(statistic(factors, _mean).se, statistic(given, _mean).se, rtol=1e-9)


def test_a_ratio_written_by_hand_is_the_ratio():
    found = statistic(_poll(), lambda w, d: w @ d["x"] / (w @ d["w"]))
    quotient = ratio(_poll(), "x", "w")
    np.testing.assert_allclose([found.theta[0], found.se[0]], [quotient.theta[0], quotient.se[0]], rtol=1e-9)


# --- what a function may return ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function, answers",
    [
        (_mean, [""]),
        (lambda w, d: [1.0, w.sum()], ["1", "2"]),
        (lambda w, d: np.array([1, 2]), ["1", "2"]),
        (lambda w, d: {"mean": _mean(w, d), "sum": w.sum()}, ["mean", "sum"]),
        (lambda w, d: pd.Series({"mean": _mean(w, d), "sum": w.sum()}), ["mean", "sum"]),
        (lambda w, d: np.int64(3), [""]),
    ],
)
def test_numbers_and_their_names(function, answers):
    found = statistic(_poll(), function, name="mine")
    assert found.keys["answer"].tolist() == answers
    assert set(found.keys["statistic"]) == {"mine"} and set(found.keys["variable"]) == {"mine"}
    assert found.frame().columns[:3].tolist() == ["variable", "answer", "statistic"]


def test_groups_have_rows_of_their_own():
    found = statistic(_poll(), lambda w, d: {"n": len(d), "levels": d["g"].nunique()}, by="g")
    assert found.keys[["g", "answer"]].to_numpy().tolist() == [["a", "n"], ["a", "levels"], ["b", "n"], ["b", "levels"]]
    assert found.theta[[0, 2]].sum() == 48 and found.theta[[1, 3]].tolist() == [1, 1]
    assert found.difference(g=("a", "b")).theta[1] == 0


def test_the_data_are_the_labelled_view():
    book = sk.Codebook(
        {"q": sk.Variable("q", labels={1: "Yes", 2: "No", 9: "Refused"}, missing=sk.MissingRule(values=(9,)))}
    )
    poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 9, 1]}), book).replicate("JK1")
    seen = []
    statistic(poll.where("q != 2"), lambda w, d: seen.append(d) or 1.0)
    assert seen[0]["q"].tolist()[0] == "Yes" and seen[0]["q"].dtype == poll.data["q"].dtype
    pd.testing.assert_frame_equal(seen[0], poll.where("q != 2").data)


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda w, d: None, "a NoneType"),
        (lambda w, d: "12", "a str"),
        (lambda w, d: 1j, "a complex"),
        (lambda w, d: [], "a list"),
        (lambda w, d: {}, "a dict"),
        (lambda w, d: [1, None], "a list"),
        (lambda w, d: [[1, 2], [3]], "a list"),
        (lambda w, d: d[["x", "w"]], r"a DataFrame of shape \(48, 2\)"),
        (lambda w, d: np.ones((2, 2)), r"a ndarray of shape \(2, 2\)"),
        (lambda w, d: pd.Series(["a"]), r"a Series of shape \(1,\)"),
    ],
)
def test_what_is_no_number_is_refused(function, said):
    text = (
        f"^mine: the function returned {said} under the full-sample weights. It must return a number, a sequence of "
        "numbers, or a mapping or Series of names to numbers.$"
    )
    with pytest.raises(ArgumentError, match=text):
        statistic(_poll(), function, name="mine")


def test_names_that_change_or_repeat_are_refused():
    full = _poll().bound.weight

    def changing(w, data):
        return [1.0] if np.array_equal(w, full) else [1.0, 2.0]

    with pytest.raises(
        ArgumentError,
        match=r"^statistic: the function returned 2 numbers \(1, 2\) under replicate 1 of 12, and 1 \(1\) under the "
        r"full-sample weights\. They must be the same ones\.$",
    ):
        statistic(_poll(), changing)
    with pytest.raises(ArgumentError, match=r"^statistic: the function returned one name twice under .*: a, a\.$"):
        statistic(_poll(), lambda w, d: pd.Series([1.0, 2.0], index=["a", "a"]))


# --- failures, gaps, mutation --------------------------------------------------------------------------------------


def test_a_failure_says_where_and_keeps_its_cause():
    calls = []

    def failing(w, data):
        calls.append(1)
        if len(calls) == 4:
            raise ZeroDivisionError("division by zero")
        return w.sum()

    with pytest.raises(
        ArgumentError, match=r"^mine: the function failed under replicate 3 of 12: ZeroDivisionError: division by zero$"
    ) as caught:
        statistic(_poll(), failing, name="mine")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(ArgumentError, match="failed under the full-sample weights: KeyError: 'absent'"):
        statistic(_poll(), lambda w, d: d["absent"].sum())


def test_a_replicate_without_a_number_is_left_out_and_told():
    full = _poll().bound.weight

    def gappy(w, data):
        return {"fine": w.sum(), "gaps": np.nan if (w == 0).any() and w[0] == 0 else 1.0, "none": np.inf}

    found = statistic(_poll(), gappy)
    assert full[0] > 0
    assert found.theta[0] > 0 and found.se[0] > 0
    assert found.theta[1] == 1 and found.se[1] == 0
    assert np.isnan(found.theta[2]) and np.isnan(found.se[2])
    told = [n for n in found.notices if n.kind == "replicates"]
    assert [n.count for n in told] == [1]
    assert (
        str(told[0])
        == "1 of 12 replicates gave no number for some estimates (replicate 1) and are left out of their standard errors."
    )


def test_changing_the_data_spoils_no_replicate():
    poll = _poll()
    before = poll.data.copy()

    def careless(w, data):
        data["x"] = data["x"] - data["x"].mean() + 5
        data.loc[data.index[0], "x"] = 100.0
        del data["g"]
        w *= 2
        return np.average(data["x"], weights=w)

    def careful(w, data):
        x = (data["x"] - data["x"].mean() + 5).to_numpy().copy()
        x[0] = 100.0
        return np.average(x, weights=w)

    one, other = statistic(poll, careless), statistic(poll, careful)
    np.testing.assert_allclose([one.theta[0], one.se[0]], [other.theta[0], other.se[0]], rtol=1e-12)
    pd.testing.assert_frame_equal(poll.data, before)
    np.testing.assert_array_equal(poll.bound.weight, _poll().bound.weight)


def test_changing_the_arrays_underneath_is_refused():
    poll = _poll()
    before = poll.codes.copy()

    def destructive(w, data):
        data["x"].array[0] = -1.0
        return 1.0

    with pytest.raises(
        ArgumentError,
        match=r"^statistic: the function changed the data it was handed\. Let it work on a copy: data\.copy\(\)\.$",
    ):
        statistic(poll, destructive)
    pd.testing.assert_frame_equal(poll.codes, before)
    with pytest.raises(ArgumentError, match="failed under the full-sample weights: ValueError"):
        statistic(poll, lambda w, d: d["x"].to_numpy().sort())


# --- refusals ------------------------------------------------------------------------------------------------------


def test_what_is_refused():
    poll = _poll()
    linear = sk.from_frame(poll.codes)
    with pytest.raises(
        UnsupportedOption,
        match=r"^statistic\(\) repeats the function under replicate weights, and this design has none\. Build them with "
        r'poll\.replicate\("JKn"\), or state those of the file with poll\.with_replicates\(\.\.\.\)\.$',
    ):
        statistic(linear, _mean)
    with pytest.raises(ArgumentError, match=r"^function is a float; give a function of weights and data\.$"):
        statistic(poll, 3.0)
    with pytest.raises(ArgumentError, match=r"^name='' is not a name\."):
        statistic(poll, _mean, name="")
    with pytest.raises(ArgumentError, match="level=95 is not a confidence level"):
        statistic(poll, _mean, level=95)
    with pytest.raises(NoValidData, match=r"^None of 48 rows is left where x > 99\.$"):
        statistic(poll, _mean, where="x > 99")
    with pytest.raises(ArgumentError, match="Got a DataFrame"):
        statistic(poll.codes, _mean)


def test_levels_and_degrees_of_freedom():
    poll = _poll()
    narrow, wide = statistic(poll, _mean, level=0.8), statistic(poll, _mean, level=0.99)
    assert narrow.confidence_interval()[1][0] < wide.confidence_interval()[1][0]
    assert statistic(poll, _mean, df=2).confidence_interval()[1][0] > statistic(poll, _mean).confidence_interval()[1][0]


def test_rows_without_a_group_are_counted():
    frame = _poll().codes
    frame.loc[0, "g"] = None
    poll = sk.from_frame(frame).with_design(weight="w", psu="psu").replicate("JK1")
    found = statistic(poll, _mean, by="g")
    assert [str(n) for n in found.notices if n.kind == "missing_by"] == ["1 of 48 rows have no valid value of g."]
    assert found.n.sum() == 47
