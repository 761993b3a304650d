"""Marginal effects: analytic truths, derivatives by finite differences, at=, by=, kind=, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, InputError, UnknownNameError


@pytest.fixture(scope="module")
def poll():
    random = np.random.default_rng(20221201)
    n = 240
    frame = pd.DataFrame(
        {
            "y": random.integers(0, 2, n).astype(float),
            "count": random.poisson(3, n).astype(float),
            "x": random.normal(size=n),
            "z": random.uniform(1, 9, n),
            "exposure": random.uniform(1, 50, n),
            "g": pd.Categorical(random.choice(list("abc"), n)),
            "w": random.uniform(1, 3, n),
            "area": np.arange(n) // 12,
        }
    )
    return sk.from_frame(frame).with_design(weight="w", psu="area")


def _mean(poll, values):
    return np.average(values, weights=poll.weight)


def _changed(fit, theta):
    """The same model at other coefficients."""
    from dataclasses import replace

    return replace(fit, coef=replace(fit.coef, theta=theta))


CALLS = {
    "slope": ("x", {}),
    "slope in an interaction": ("z", {}),
    "slope at values": ("x", {"at": {"z": 4.0, "g": "b"}}),
    "slope by group": ("x", {"by": "g"}),
    "difference": ("g", {}),
    "difference at values": ("g", {"at": {"x": [-1.0, 2.0]}}),
    "prediction": ("g", {"kind": "prediction"}),
    "prediction at values": ("g", {"kind": "prediction", "at": {"x": [0.0, 1.0]}}),
}
LINKS = [
    ("binomial", "logit"),
    ("binomial", "probit"),
    ("binomial", "cloglog"),
    ("poisson", "log"),
    ("gaussian", "identity"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("family", "link"), LINKS)
def test_standard_errors_are_the_delta_method(poll, family, link, call):
    """The gradient by five-point differences of the margins themselves, at moved coefficients."""
    outcome = "y" if family == "binomial" else "count"
    fit = sk.glm(poll, f"{outcome} ~ x * g + z + x:z", family=family, link=link)
    variable, options = CALLS[call]
    margins = sk.margins(fit, variable, **options)
    beta, columns = fit.coef.theta, []
    for j in range(len(beta)):
        h = 1e-4 * max(abs(beta[j]), 0.1)
        moved = [
            sk.margins(_changed(fit, beta + k * h * np.eye(len(beta))[j]), variable, **options).theta
            for k in (-2, -1, 1, 2)
        ]
        columns.append((moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * h))
    gradient = np.column_stack(columns)
    np.testing.assert_allclose(margins.vcov(), gradient @ fit.vcov().to_numpy() @ gradient.T, rtol=1e-6, atol=1e-14)


def test_effects_of_linear_models_are_their_coefficients(poll):
    fit = sk.glm(poll, "count ~ x + z + g")
    frame, coef = sk.margins(fit).frame(), fit.frame()
    np.testing.assert_allclose(frame["estimate"], coef["estimate"][1:], rtol=1e-10)
    assert frame["variable"].tolist() == ["x", "z", "g", "g"]
    assert frame["answer"].tolist() == ["", "", "b", "c"]
    assert set(frame["statistic"]) == {"average marginal effect"}


def test_interaction_and_logarithm(poll):
    fit = sk.glm(poll, "count ~ z * x + log(exposure)")
    b = dict(zip(fit.coef.keys["term"], fit.coef.theta, strict=True))
    np.testing.assert_allclose(sk.margins(fit, "z").theta, b["z"] + b["z:x"] * _mean(poll, poll.codes["x"]), rtol=1e-8)
    effect = b["log(exposure)"] * _mean(poll, 1 / poll.codes["exposure"])
    np.testing.assert_allclose(sk.margins(fit, "exposure").theta, effect, rtol=1e-5)


def test_predictive_margins_average_the_outcome(poll):
    """For a canonical link, predictions at the groups people are in average to the weighted mean of the outcome."""
    fit = sk.glm(poll, "y ~ x + g", family="binomial")
    np.testing.assert_allclose(_mean(poll, fit.predict()["estimate"]), _mean(poll, poll.codes["y"]), rtol=1e-10)
    only = sk.glm(poll, "y ~ g", family="binomial")
    predicted = sk.margins(only, "g", kind="prediction").theta
    np.testing.assert_allclose(predicted, sk.mean(poll, "y", by="g").theta, rtol=1e-9)


def test_by_is_at_for_a_variable_without_company(poll):
    fit = sk.glm(poll, "y ~ x * g", family="binomial")
    frame = sk.margins(fit, "x", by="g").frame()
    assert frame["g"].tolist() == ["a", "b", "c"]
    assert frame["n"].sum() == 240
    np.testing.assert_allclose(frame["n_weighted"].sum(), poll.weight.sum())


def test_keys_of_at(poll):
    fit = sk.glm(poll, "y ~ x * g + z", family="binomial")
    frame = sk.margins(fit, "g", at={"x": [0, 1], "z": 3}, kind="prediction").frame()
    assert list(frame.columns[:5]) == ["variable", "at x", "at z", "answer", "statistic"]
    assert frame["at x"].tolist() == [0, 0, 0, 1, 1, 1]
    assert set(frame["statistic"]) == {"predictive margin"}


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"variables": "xx"}, UnknownNameError, r"No variable of the model 'xx'\. Did you mean 'x'\?"),
        ({"at": {"g": "q"}}, UnknownNameError, r"No category of g 'q'"),
        ({"at": {"q": 1}}, UnknownNameError, r"No variable of the model 'q'"),
        ({"at": {"x": "high"}}, ArgumentError, r"'x' is a number"),
        ({"by": "x"}, UnknownNameError, r"No categorical variable of the model 'x'\. There are: g"),
        ({"kind": "effects"}, ArgumentError, r"kind='effects' is not available\. Did you mean 'effect'\?"),
        ({"variables": "x", "kind": "prediction"}, ArgumentError, r"'x' is a number\. Say where to predict"),
    ],
)
def test_refusals(poll, arguments, error, sentence):
    fit = sk.glm(poll, "y ~ x + g", family="binomial")
    with pytest.raises(error, match=sentence):
        sk.margins(fit, **arguments)


def test_effect_of_a_square(poll):
    fit = sk.glm(poll, "count ~ z + I(z**2)")
    b = fit.coef.theta
    np.testing.assert_allclose(sk.margins(fit, "z").theta, b[1] + 2 * b[2] * _mean(poll, poll.codes["z"]), rtol=1e-8)


def test_effects_reach_into_the_offset(poll):
    fit = sk.glm(poll, "count ~ x + offset(log(exposure))", family="poisson")
    rate = fit.predict()["estimate"].to_numpy() / poll.codes["exposure"].to_numpy()
    np.testing.assert_allclose(sk.margins(fit, "exposure").theta, _mean(poll, rate), rtol=1e-7)
    low, high = sk.margins(fit, "x", at={"exposure": [1, 100]}).theta
    np.testing.assert_allclose(high, 100 * low, rtol=1e-9)


def test_logarithm_of_small_values():
    i = np.arange(1.0, 81)
    poll = sk.from_frame(pd.DataFrame({"y": i % 7, "z": np.exp((i % 20) - 12)}))
    fit = sk.glm(poll, "y ~ log(z)")
    np.testing.assert_allclose(sk.margins(fit, "z").theta, fit.coef.theta[1] * np.mean(1 / poll.codes["z"]), rtol=1e-8)


@pytest.mark.parametrize(
    ("formula", "arguments"),
    [
        ("y ~ I(z > 5) + x", {"variables": "z"}),
        ("y ~ x * g", {"variables": "x", "by": "g", "at": {"g": "a"}}),
        ("y ~ x + z", {"variables": "x", "at": {"z": float("nan")}}),
    ],
)
def test_questions_without_an_answer_are_refused(poll, formula, arguments):
    fit = sk.glm(poll, formula, family="binomial")
    with pytest.raises(InputError):
        sk.margins(fit, **arguments)


def test_not_a_model(poll):
    with pytest.raises(ArgumentError):
        sk.margins(poll, "x")
