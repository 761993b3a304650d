"""Design effects of weights, and those that estimators report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, InvalidWeightError, NoValidData
from survey_kit.estimation.ratio import ratio
from survey_kit.weighting.design_effect import design_effect

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "moments.json").read_text(encoding="utf-8"))
seeds = st.integers(0, 10_000)


def _poll(replicated: bool = False) -> sk.Survey:
    poll = sk.from_frame(pd.DataFrame(R["sample"]))
    if replicated:
        return poll.with_design(weight="w", strata="stratum", psu="area").replicate("JKn")
    return poll.with_design(weight="w", strata="stratum", psu="area", fpc="areas")


def _numbers(seed: int, n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 5, n)
    return pd.DataFrame({"w": rng.uniform(0.5, 4, n), "x": x, "y": 3 + 2 * x + rng.normal(0, 1, n)})


# --- R -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linearized", "replicated"])
def test_estimators_against_r(name):
    poll, expected = _poll(name == "replicated"), R["effects"][name]
    np.testing.assert_allclose(sk.mean(poll, ["income", "rent"], deff=True).deff, expected["mean"], rtol=1e-8)
    np.testing.assert_allclose(sk.mean(poll, "income", deff="replace").deff, expected["mean_replace"], rtol=1e-8)
    np.testing.assert_allclose(sk.total(poll, "income", deff=True).deff, expected["total"], rtol=1e-8)
    np.testing.assert_allclose(sk.total(poll, "income", deff="replace").deff, expected["total_replace"], rtol=1e-8)


# --- deff= of estimators -------------------------------------------------------------------------------------------


def test_kish_as_deff_is_that_of_the_weights_of_each_group():
    poll = _poll()
    frame = poll.codes.assign(region=poll.data["region"].astype(str))
    expected = [design_effect(g["w"]).deff for _, g in frame.groupby("region")]
    for verb, names in ((sk.mean, "income"), (sk.total, "income")):
        np.testing.assert_allclose(verb(poll, names, by="region", deff="kish").deff, expected, rtol=1e-12)
    np.testing.assert_allclose(ratio(poll, "income", "rent", by="region", deff="kish").deff, expected, rtol=1e-12)
    whole = sk.proportion(poll, "answer", deff="kish")
    np.testing.assert_allclose(whole.deff, design_effect(frame["w"]).deff, rtol=1e-12)
    used = frame[frame["hours"].notna()]
    np.testing.assert_allclose(sk.mean(poll, "hours", deff="kish").deff, design_effect(used["w"]).deff, rtol=1e-12)


def test_no_deff_is_a_number_with_one_row():
    frame = pd.DataFrame({"x": [1.0, 2, 4], "g": ["a", "b", "b"], "w": [10.0, 20, 30]})
    poll = sk.from_frame(frame).with_design(weight="w")
    found = sk.mean(poll, "x", by="g", deff=True)
    assert np.isnan(found.deff[0]) and found.deff[1] > 0
    assert sk.mean(poll, "x", by="g", deff="kish").deff[0] == 1


def test_unknown_words_are_refused():
    for verb in (sk.mean, sk.total):
        with pytest.raises(ArgumentError, match=r"deff='kisch' is not available\. Did you mean 'kish'\?"):
            verb(_poll(), "income", deff="kisch")
    with pytest.raises(ArgumentError, match="deff='x' is not available. There are: replace, kish"):
        ratio(_poll(), "income", "rent", deff="x")


# --- design_effect -------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 1e3))
def test_the_scale_of_weights_and_their_order_do_not_matter(seed, factor):
    d = _numbers(seed)
    again = d.sample(frac=1, random_state=seed)
    for method, extra in (("kish", []), ("pew", []), ("henry", ["y", "x"]), ("spencer", ["y"])):
        one = design_effect(d["w"], method, **{k: d[k] for k in extra}).deff
        other = design_effect(again["w"] * factor, method, **{k: again[k] for k in extra}).deff
        assert other == pytest.approx(one, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_kish_is_one_plus_cv_squared_and_pew_a_little_more(seed):
    w = _numbers(seed)["w"]
    n, cv2 = len(w), (w.std(ddof=0) / w.mean()) ** 2
    assert design_effect(w).deff == pytest.approx(1 + cv2, rel=1e-12)
    assert design_effect(w, "pew").deff == pytest.approx(1 + cv2 * n / (n - 1), rel=1e-12)
    assert design_effect(w).n_eff == pytest.approx(n / (1 + cv2), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.01, 100))
def test_the_published_formulas_do_not_depend_on_the_unit(seed, unit):
    d = _numbers(seed)
    for method, extra in (("henry", {"x": d["x"]}), ("spencer", {"p": d["x"]})):
        one = design_effect(d["w"], method, y=d["y"], published=True, **extra).deff
        other = design_effect(d["w"], method, y=unit * d["y"], published=True, **extra).deff
        assert other == pytest.approx(one, rel=1e-8)


def test_the_published_formulas_differ_from_practools():
    d = _numbers(1)
    for method, extra in (("henry", {"x": d["x"]}), ("spencer", {})):
        assert design_effect(d["w"], method, y=d["y"], **extra).deff != pytest.approx(
            design_effect(d["w"], method, y=d["y"], published=True, **extra).deff, rel=1e-6
        )


def test_published_spencer_by_hand():
    """Written out from the paper on five rows."""
    w, y, p = (np.array(v) for v in ([1.0, 2, 2, 4, 5], [3.0, 1, 2, 2, 5], [5.0, 4, 3, 2, 1]))
    n, N = 5, w.sum()
    slope, intercept = np.polyfit(p, y, 1, w=np.sqrt(w))
    e = y - intercept - slope * p
    mean = lambda v: (w * v).sum() / N  # noqa: E731
    s2 = lambda v: n / (n - 1) * mean((v - mean(v)) ** 2)  # noqa: E731
    cov = lambda a, b: mean((a - mean(a)) * (b - mean(b)))  # noqa: E731
    kish = n * (w @ w) / N**2
    expected = intercept**2 * (kish - 1) / s2(y) + kish * (1 - cov(y, p) ** 2 / (s2(y) * s2(p)))
    expected += n * cov(e**2, w) / (N * s2(y)) + 2 * n * intercept * cov(e, w) / (N * s2(y))
    assert design_effect(w, "spencer", y=y, p=p, published=True).deff == pytest.approx(expected, rel=1e-12)


def test_equal_weights_cost_nothing():
    y = [3.0, 1, 2, 2, 5]
    assert design_effect([2.0] * 5).deff == 1
    assert design_effect([2.0] * 5, "pew").deff == 1
    assert design_effect([2.0] * 5, "spencer", y=y).deff == pytest.approx(1)
    assert design_effect([2.0] * 5, "henry", y=y, x=[1.0, 1, 1, 1, 1]).deff == pytest.approx(1)


def test_margin_is_that_of_a_share_of_a_half():
    found = design_effect([1.0, 1, 2, 4], level=0.9)
    assert found.margin == pytest.approx(1.6448536269514722 * np.sqrt(0.25 / found.n_eff), rel=1e-12)
    assert design_effect([1.0, 1, 2, 4]).margin > found.margin
    assert found.level == 0.9 and found.method == "kish"


def test_what_is_left_out_is_counted():
    found = design_effect([1.0, 2, 0, 3, 4], "spencer", y=[1.0, 2, 3, np.nan, 9])
    assert (found.n, found.dropped) == (3, 2)
    by = design_effect([1.0, 2, 0, 3], by=["a", "a", "b", None])
    assert by["group"].tolist() == ["a", "b"] and by["n"].tolist() == [2, 0] and by["dropped"].tolist() == [0, 1]
    assert np.isnan(by["deff"][1]) and np.isnan(by["n_eff"][1])


def test_no_number_where_there_is_none():
    assert np.isnan(design_effect([2.0], "pew").deff)
    assert np.isnan(design_effect([2.0], "spencer", y=[1.0]).deff)
    assert np.isnan(design_effect([1.0, 2, 3], "spencer", y=[0.1, 0.1, 0.1]).deff)
    assert np.isnan(
        design_effect([1.0, 2, 3, 4], "henry", y=[1.0, 2, 3, 5], x=np.array([[1, 2], [2, 4], [3, 6], [4, 8.0]])).deff
    )


def test_a_result_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        design_effect([1.0, 2]).deff = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "options, text",
    [
        ({"method": "kisch"}, r"^method='kisch' is not available\. Did you mean 'kish'\?$"),
        ({"y": [1.0, 2, 3]}, r"^method='kish' takes no y\.$"),
        ({"method": "henry", "y": [1.0, 2, 3]}, r"^method='henry' needs x: calibration variables\.$"),
        ({"method": "spencer"}, r"^method='spencer' needs y: values\.$"),
        ({"method": "henry", "y": [1.0, 2, 3], "x": [1.0, 2, 3], "p": [1.0, 1, 1]}, r"^method='henry' takes no p\.$"),
        ({"method": "spencer", "y": [1.0, 2]}, r"^y has 2 rows for 3 weights\.$"),
        (
            {"method": "spencer", "y": ["a", "b", "c"]},
            r"^y holds what is not a number\. Give numbers of shape \(3,\)\.$",
        ),
        ({"method": "spencer", "y": [1.0, np.inf, 2]}, r"^y is infinite in row 2\.$"),
        ({"method": "spencer", "y": [1.0, 3, 2], "p": [0.1, 0, 1]}, r"^p is not above 0 in row 2\.$"),
        ({"method": "spencer", "y": np.ones((3, 2))}, r"^y has 2 columns; give one\.$"),
        ({"by": ["a", "b"]}, r"^by has 2 rows for 3 weights\.$"),
        ({"by": np.ones((3, 2))}, r"^by has several columns; give one group for each row\.$"),
        ({"published": True}, r'^published=True belongs to method="henry" and "spencer"; \'kish\' has one formula\.$'),
        ({"level": 95}, r"^level=95 is not a confidence level\. Give a number between 0 and 1, such as 0\.95\.$"),
    ],
)
def test_what_is_refused(options, text):
    with pytest.raises(ArgumentError, match=text):
        design_effect([1.0, 2, 3], **options)


def test_weights_that_cannot_be_used():
    with pytest.raises(InvalidWeightError, match="is negative in 1 of 2 rows"):
        design_effect([1.0, -1])
    with pytest.raises(InvalidWeightError, match="is zero in all 2 rows"):
        design_effect([0.0, 0])
    with pytest.raises(NoValidData, match="by has no value in 2 rows"):
        design_effect([1.0, 2], by=[None, None])
    w = pd.Series([1.0, 2, 3])
    with pytest.raises(
        ArgumentError, match="y has another index than the weights. Take both from one frame, or give arrays."
    ):
        design_effect(w, "spencer", y=pd.Series([1.0, 2, 3], index=[2, 1, 0]))
