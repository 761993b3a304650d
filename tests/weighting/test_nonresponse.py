"""Adjustment for nonresponse: factors, the error that it adds or takes away, replicates, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, ConvergenceError, NoValidData, UnknownNameError, UnsupportedOption
from survey_kit.weighting.nonresponse import adjust_nonresponse
from survey_kit.weighting.poststratify import poststratify

# d: sex, age, y, w, h and cl as in test_poststratify, r <- c(1,1,0,1,1,1,0,1,1,0,1,1)
DF = pd.DataFrame(
    {
        "age": list("yoyoooyyooyy"),
        "h": np.repeat([1, 2, 3], 4),
        "cl": np.repeat(range(1, 7), 2),
        "w": [2, 2, 3, 3, 1, 1, 4, 4, 2, 2, 5, 5.0],
        "y": [3, 7, 1, 9, 4, 6, 2, 8, 5, 7, 3, 6.0],
        "r": [1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1],
    }
)


def sample(seed: int, n: int = 240, clusters: int = 30) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    cl = random.integers(0, clusters, n)
    a, x = random.integers(0, 3, n), random.normal(0, 1, n)
    p = 1 / (1 + np.exp(-(0.3 + 0.5 * (a - 1) - 0.4 * x)))
    return pd.DataFrame(
        {
            "cl": cl,
            "a": a,
            "b": random.integers(0, 2, n),
            "x": x,
            "w": random.exponential(1, n) + 0.5,
            "r": random.random(n) < p,
            "y": 3 + a + x + random.normal(0, 1, n) + 0.5 * (cl % 5),
        }
    )


def test_weighting_classes():
    # tapply(d$w, d$h, sum) / tapply(d$w * d$r, d$h, sum): 1.42857142857143 1.66666666666667 1.16666666666667
    weights = adjust_nonresponse(DF, "r", by="h", base="w")
    assert weights.factors.to_dict("list") == {
        "class": ["1", "2", "3"],
        "n": [4, 4, 4],
        "responded": [3, 3, 3],
        "response_rate": [0.75] * 3,
        "weighted_response_rate": pytest.approx([0.7, 0.6, 12 / 14]),
        "factor": pytest.approx([1.42857142857143, 1.66666666666667, 1.16666666666667]),
    }
    assert (weights.values[DF["r"] == 0] == 0).all() and len(weights.values) == 12
    assert weights.method == "nonresponse" and weights.label == "Weight after adjustment for nonresponse"
    assert {k: weights.details[k] for k in ("n", "responded", "response_rate")} == {
        "n": 12,
        "responded": 9,
        "response_rate": 0.75,
    }
    assert weights.details["weighted_response_rate"] == pytest.approx(25 / 34)


def test_propensities():
    # p <- fitted(glm(r ~ age + y, data = d, family = binomial)); unweighted, then svyglm
    plain = adjust_nonresponse(DF, "r", model=["age", "y"], base="w", weighted=False)
    np.testing.assert_allclose(
        plain.details["propensity"][:3], [0.634973400730797, 0.902879248539507, 0.362278296366261], rtol=1e-11
    )
    np.testing.assert_allclose(plain.values[0], 2 / 0.634973400730797, rtol=1e-11)
    weighted = adjust_nonresponse(DF, "r", model="age + y", base="w")
    np.testing.assert_allclose(
        weighted.details["propensity"][:3], [0.672521278416737, 0.914329309456356, 0.228363225864668], rtol=1e-11
    )
    assert list(weighted.details["coefficients"].index) == ["Intercept", "age[y]", "y"]
    assert weighted.solver == "newton" and weighted.iterations > 0


def test_propensity_classes():
    # cl <- cut(p, quantile(p, 0:3/3), include.lowest = TRUE); tapply(d$w, cl, sum) / tapply(d$w * d$r, cl, sum)
    weights = adjust_nonresponse(DF, "r", model=["age", "y"], base="w", weighted=False, classes=3)
    assert weights.factors["n"].tolist() == [5, 4, 3]
    assert weights.factors["factor"].tolist() == pytest.approx([1.875, 1.4, 1.0])
    assert weights.factors["class"].str.startswith("propensity ").all()


def test_a_model_of_all_cells_gives_weighting_classes():
    frame = sample(1)
    classes = adjust_nonresponse(frame, "r", by=["a", "b"], base="w")
    model = adjust_nonresponse(frame, "r", model="C(a)*C(b)", base="w")
    np.testing.assert_allclose(model.values, classes.values, rtol=1e-9)
    errors = []
    for weights in (classes, model):
        poll = sk.from_frame(frame).with_design(weight="w", psu="cl").reweighted(weights)
        errors.append([*sk.mean(poll, "y").se, *sk.total(poll, "y").se])
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-8)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_totals_of_classes_stay_and_no_order_matters(seed):
    frame = sample(seed, n=120)
    weights = adjust_nonresponse(frame, "r", by=["a", "b"], base="w", min_n=3)
    into = (
        dict(zip(weights.collapsed["category"], weights.collapsed["into"], strict=True))
        if weights.collapsed is not None
        else {}
    )
    label = (frame["a"].astype(str) + ":" + frame["b"].astype(str)).map(lambda c: into.get(c, c))
    np.testing.assert_allclose(weights.values.groupby(label).sum(), frame["w"].groupby(label).sum())
    assert (weights.factors["responded"] >= 3).all() or len(weights.factors) == 1
    turned = frame.sample(frac=1, random_state=2)
    again = adjust_nonresponse(turned, "r", by=["a", "b"], base="w", min_n=3)
    np.testing.assert_allclose(again.values.sort_index(), weights.values, rtol=1e-12)
    pd.testing.assert_frame_equal(again.factors, weights.factors)
    model = adjust_nonresponse(frame, "r", model="C(a) + x", base="w")
    np.testing.assert_allclose(
        adjust_nonresponse(turned, "r", model="C(a) + x", base="w").values.sort_index(), model.values, rtol=1e-8
    )
    # estimating equations of the constant: expected respondents are respondents
    p = model.details["propensity"]
    np.testing.assert_allclose((frame["w"] * p).sum(), (frame["w"] * frame["r"]).sum(), rtol=1e-9)


HOW = {
    "classes": {"by": ["a", "b"]},
    "propensity": {"model": "C(a) + x"},
    "unweighted": {"model": "C(a) + x", "weighted": False},
}


@pytest.mark.parametrize("how", ["classes", "propensity"])
def test_linearised_errors_are_those_of_the_estimator(how):
    """z_i = w_i d(total) / d(w_i), by changing one base weight after the other: var = n / (n - 1) sum (z - mean z)^2."""
    frame = sample(5, n=80)

    def total(base: np.ndarray) -> float:
        return float((adjust_nonresponse(frame, "r", base=base, **HOW[how]).values * frame["y"]).sum())

    w, z = frame["w"].to_numpy(), []
    for i in range(len(frame)):
        step = np.zeros(len(frame))
        step[i] = 1e-4 * w[i]
        z.append((total(w + step) - total(w - step)) / 2e-4)
    n = len(z)
    expected = np.sqrt(n / (n - 1) * ((z - np.mean(z)) ** 2).sum())
    poll = adjust_nonresponse(sk.from_frame(frame).with_design(weight="w"), "r", **HOW[how])
    np.testing.assert_allclose(sk.total(poll, "y").se, expected, rtol=1e-6)


@pytest.mark.parametrize("how", HOW)
def test_linearised_errors_are_near_those_of_the_jackknife(how):
    frame = sample(7, n=3000, clusters=150)
    poll = sk.from_frame(frame).with_design(weight="w", psu="cl")
    linear = adjust_nonresponse(poll, "r", **HOW[how])
    repeated = adjust_nonresponse(poll.replicate("JK1"), "r", **HOW[how])
    for estimate in (sk.mean, sk.total):
        a, b = estimate(linear, "y"), estimate(repeated, "y")
        np.testing.assert_allclose(a.theta, b.theta, rtol=1e-12)
        np.testing.assert_allclose(a.se, b.se, rtol=0.02)
    as_given = sk.from_frame(frame.assign(v=linear.weight)).with_design(weight="v", psu="cl")
    assert sk.total(linear, "y").se[0] < 0.85 * sk.total(as_given, "y").se[0]


def test_propensity_classes_are_made_anew_in_replicates():
    frame = sample(8, n=2000, clusters=100)
    poll = sk.from_frame(frame).with_design(weight="w", psu="cl")
    how = {"model": "C(a) + x", "classes": 5}
    linear, repeated = (adjust_nonresponse(p, "r", **how) for p in (poll, poll.replicate("JK1")))
    np.testing.assert_allclose(sk.mean(linear, "y").se, sk.mean(repeated, "y").se, rtol=0.15)
    first = repeated.weights.replicates[:, 0]
    inside = poll.replicate("JK1").bound.replicates.weights[:, 0]
    np.testing.assert_allclose(first.sum(), inside.sum())


def test_steps_after_it_know_of_it():
    frame = sample(9, n=1500, clusters=75)
    poll = sk.from_frame(frame).with_design(weight="w", psu="cl")
    goals = {"0": 0.5, "1": 0.5}
    chained, repeated = (
        poststratify(adjust_nonresponse(p, "r", by="a"), goals, by="b") for p in (poll, poll.replicate("JK1"))
    )
    assert len(chained.design.adjustments) == 2
    np.testing.assert_allclose(sk.mean(chained, "y").se, sk.mean(repeated, "y").se, rtol=0.03)


def test_who_is_not_eligible_keeps_the_weight():
    frame = DF.assign(ok=[False, *[True] * 11], r=[0, *DF["r"][1:]])
    weights = adjust_nonresponse(frame, "r", by="h", base="w", eligible="ok")
    assert weights.values[0] == 2.0
    np.testing.assert_allclose(weights.factors["factor"][0], (2 + 3 + 3) / (2 + 3))
    model = adjust_nonresponse(frame, "r", model=["age"], base="w", eligible=frame["ok"])
    assert model.values[0] == 2.0 and model.details["n"] == 11
    with pytest.raises(ArgumentError) as caught:
        adjust_nonresponse(DF, "r", by="h", eligible=frame["ok"])
    assert (
        str(caught.value) == "1 rows responded and are not eligible. A respondent is eligible: correct one of the two."
    )


def test_a_survey_takes_a_condition_in_words():
    poll = sk.from_frame(DF).with_design(weight="w", strata="h", psu="cl")
    named, said = adjust_nonresponse(poll, "r", by="age"), adjust_nonresponse(poll, "r == 1", by="age")
    np.testing.assert_array_equal(named.weight, said.weight)
    assert sk.mean(named, "y").df == 3
    with pytest.raises(ArgumentError, match=r'it has 2, 3. Give a condition: responded="h == 1"\.'):
        adjust_nonresponse(poll, "h", by="age")


def test_small_classes():
    frame = pd.DataFrame({"a": list("xxxyyyzzzz"), "r": [1, 1, 1, 0, 0, 0, 1, 1, 1, 1]})
    with pytest.raises(ArgumentError) as caught:
        adjust_nonresponse(frame, "r", by="a")
    assert str(caught.value) == (
        "Classes of 'a' in which nobody can receive the weight: 'y'. Merge small classes with min_n=20, or use fewer "
        "variables in by."
    )
    weights = adjust_nonresponse(frame, "r", by="a", min_n=2)
    assert weights.collapsed["into"].tolist() == ["x + y", "x + y"]
    assert weights.collapsed["why"].tolist() == ["its neighbour was small", "no rows"]
    assert weights.factors["factor"].tolist() == [2.0, 1.0]
    by_factor = adjust_nonresponse(frame, "r", by="a", max_factor=1.8)
    assert by_factor.factors["class"].tolist() == ["x + y + z"]
    with pytest.raises(
        ArgumentError, match=r"have 7 rows that receive weight and a factor of 1.43: max_factor=1.2 cannot be met"
    ):
        adjust_nonresponse(frame, "r", by="a", max_factor=1.2)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"responded": "rr"}, UnknownNameError, "No column 'rr'."),
        ({"responded": "r", "by": "hh"}, UnknownNameError, "No column 'hh'."),
        (
            {"responded": "r", "by": "h", "model": "age"},
            ArgumentError,
            "Give weighting classes (by) or a model of who responds, not both.",
        ),
        (
            {"responded": "r", "by": "h", "classes": 5},
            ArgumentError,
            "classes=5 are classes of propensity: they need a model.",
        ),
        (
            {"responded": "r", "model": "age", "classes": 1},
            ArgumentError,
            "classes=1 is not a number of classes of at least 2.",
        ),
        (
            {"responded": "r", "by": "h", "weighted": False},
            ArgumentError,
            "weighted=False is about the fit of a model.",
        ),
        (
            {"responded": "r", "model": "age", "min_n": 5},
            UnsupportedOption,
            "min_n=5 is about classes. With a model, add classes=5.",
        ),
        (
            {"responded": "y"},
            ArgumentError,
            "responded='y' must hold True and False, or 1 and 0; it has 3.0, 7.0, 9.0, 4.0 and 4 more.",
        ),
        (
            {"responded": [True, None] * 6},
            ArgumentError,
            "responded has no value in 6 of 12 rows (row 2, 4, 6, 8, 10, 12).",
        ),
        ({"responded": [True]}, ArgumentError, "responded has shape (1,); the data have 12 rows, so give (12,)."),
        ({"responded": [False] * 12}, NoValidData, "Nobody of 12 responded with a base weight above 0"),
        (
            {"responded": pd.Series([True] * 12, index=range(1, 13))},
            ArgumentError,
            "responded is a Series whose index is not that",
        ),
    ],
)
def test_errors(arguments, error, text):
    with pytest.raises(error) as caught:
        adjust_nonresponse(DF, **arguments)
    assert text in str(caught.value)


def test_missing_values_in_classes():
    with pytest.raises(ArgumentError) as caught:
        adjust_nonresponse(DF.assign(h=[np.nan, *DF["h"][1:]]), "r", by="h")
    assert str(caught.value) == (
        "'h' has no value in 1 of 12 rows (row 1). Make the missing a category, impute them, or leave the variable out of by."
    )


def test_separation_is_refused():
    with pytest.raises(ConvergenceError) as caught:
        adjust_nonresponse(DF.assign(z=DF["r"] * 2 + DF["y"] / 100), "r", model="z")
    assert str(caught.value) == (
        "The model tells without error whether some rows responded (separation): z has no finite coefficient. Merge categories, "
        "or leave the variable out."
    )


def test_small_propensities_are_told():
    random = np.random.default_rng(1)
    x = random.normal(0, 3, 2000)
    frame = pd.DataFrame({"x": x, "r": random.random(2000) < 1 / (1 + np.exp(1 - x))})
    weights = adjust_nonresponse(frame, "r", model="x")
    assert any(n.kind == "small_propensity" and "Their factors are above 20" in n.text for n in weights.notices)


def test_data_are_not_changed():
    before = DF.copy()
    adjust_nonresponse(DF, "r", by="h", base="w", min_n=2)
    adjust_nonresponse(DF, "r", model=["age"], base="w")
    pd.testing.assert_frame_equal(DF, before)


@pytest.mark.parametrize("how", [{"by": "half"}, {"model": "x"}, {"model": "x", "classes": 5, "weighted": False}])
def test_rows_of_weight_zero_are_in_no_class_rate_or_fit(how):
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"x": random.normal(0, 1, 600)})
    frame["half"] = np.where(frame["x"] > 0, "up", "down")
    live = random.random(600) < 1 / (1 + np.exp(frame["x"]))
    frame["answered"] = live & (random.random(600) < 1 / (1 + np.exp(-frame["x"])))
    base = np.where(live, 2.0, 0.0)
    whole = adjust_nonresponse(frame, "answered", base=base, **how)
    part = adjust_nonresponse(frame[live], "answered", base=base[live], **how)
    np.testing.assert_allclose(whole.values[live], part.values, rtol=1e-9)
    assert (whole.values[~live] == 0).all()
    pd.testing.assert_frame_equal(whole.factors, part.factors)
    assert whole.details["response_rate"] == part.details["response_rate"]
