"""Models against R survey 4.1-1 on a stratified cluster sample made by formula (tests/reference/glm.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

FILE = Path(__file__).resolve().parents[1] / "reference" / "glm.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
FACTORS = {"sex": ["male", "female"], "region": ["north", "south", "west"]}
MODELS = {
    "gaussian": ("income ~ age + I(age**2) + region", "gaussian", None),
    "gaussian_missing": ("income ~ hours * sex", "gaussian", None),
    "gaussian_years": ("income ~ year + I(year**2)", "gaussian", None),
    "logit": ("oppose ~ age + sex + region", "binomial", None),
    "logit_weights": ("oppose ~ age * sex + region", "binomial", None),
    "logit_domain": ("oppose ~ age + region", "binomial", None),
    "logit_jackknife": ("oppose ~ age + region", "binomial", None),
    "probit": ("oppose ~ age + region", "binomial", "probit"),
    "cloglog": ("oppose ~ age + region", "binomial", "cloglog"),
    "poisson": ("visits ~ age + region + offset(log(exposure))", "poisson", None),
    "gamma_inverse": ("income ~ age + sex", "gamma", None),
    "gamma_log": ("income ~ age + sex", "gamma", "log"),
    "no_intercept": ("income ~ region - 1", "gaussian", None),
}
# year beside its square is nearly collinear: half of the digits are lost, here as in R
LOOSE = {"gaussian_years": 1e-5}


def _poll(name: str) -> sk.Survey:
    sample = pd.DataFrame(R["sample"])
    for column, levels in FACTORS.items():
        sample[column] = pd.Categorical(sample[column], levels)
    poll = sk.from_frame(sample)
    if name == "logit_weights":
        return poll.with_design(weight="w")
    if name == "logit_jackknife":
        return poll.with_design(weight="w", strata="stratum", psu="area").replicate("JKn")
    return poll.with_design(weight="w", strata="stratum", psu="area", fpc="areas")


def _fit(name: str):
    formula, family, link = MODELS[name]
    where = "sex == 'female'" if name == "logit_domain" else None
    return sk.glm(_poll(name), formula, family=family, link=link, where=where)


@pytest.mark.parametrize("name", MODELS)
def test_coefficients_errors_and_tests(name):
    fit, expected = _fit(name), R["models"][name]
    rtol = LOOSE.get(name, 1e-8)
    # R stops on the deviance: an estimate near zero is off by up to 1e-8 of its standard error
    size = np.maximum(np.abs(expected["estimate"]), expected["se"])
    assert (np.abs(fit.coef.theta - expected["estimate"]) / size).max() < rtol
    np.testing.assert_allclose(fit.coef.se, expected["se"], rtol=rtol)
    assert fit.df_resid == expected["df_resid"]
    assert fit.n == expected["n"]
    frame = fit.frame()
    spread = np.abs(expected["estimate"]) + np.array(expected["se"])
    limits = np.array(expected["ci"])
    assert (np.abs(frame[["ci_low", "ci_high"]].to_numpy() - limits) / spread[:, None]).max() < 10 * rtol
    np.testing.assert_allclose(frame["p_value"], expected["p"], rtol=100 * rtol, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_covariances_and_deviance(name):
    fit, expected = _fit(name), R["models"][name]
    scale = np.outer(expected["se"], expected["se"])
    np.testing.assert_allclose(fit.vcov().to_numpy() / scale, np.array(expected["vcov"]) / scale, atol=1e-8)
    np.testing.assert_allclose(fit.deviance, expected["deviance"], rtol=1e-9)
    np.testing.assert_allclose(fit.null_deviance, expected["null_deviance"], rtol=1e-9)


def test_wald_test_of_a_term():
    test, expected = _fit("logit").wald("region"), R["wald"]["region"]
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-8)
    np.testing.assert_allclose(test.p_value, expected["p"], rtol=1e-8)
    assert (test.df, test.df_resid) == (expected["df"], expected["ddf"])


def test_wald_test_of_several_terms():
    test, expected = _fit("logit").wald(["age", "region"]), R["wald"]["two"]
    np.testing.assert_allclose(test.statistic, expected["statistic"], rtol=1e-8)
    assert test.df == expected["df"]


def test_predictions():
    new = pd.DataFrame(
        {"age": [20, 45, 70], "sex": ["male", "female", "male"], "region": ["west", "north", "south"]}, index=[5, 3, 9]
    )
    fit = _fit("logit")
    predicted = fit.predict(new)
    np.testing.assert_allclose(predicted["estimate"], R["response"]["estimate"], rtol=1e-9)
    np.testing.assert_allclose(predicted["se"], R["response"]["se"], rtol=1e-8)
    assert predicted.index.tolist() == [5, 3, 9]
    eta, se = (np.array(R["link"][k]) for k in ("estimate", "se"))
    t = (fit.frame()["ci_high"] - fit.coef.theta)[0] / fit.coef.se[0]
    np.testing.assert_allclose(predicted["ci_low"], 1 / (1 + np.exp(-(eta - t * se))), rtol=1e-8)


def test_marginal_effects_and_predictive_margins():
    fit, expected = _fit("logit"), R["margins"]
    effects = sk.margins(fit).frame().set_index(["variable", "answer"])
    for key, name in ((("age", ""), "age"), (("region", "south"), "south")):
        np.testing.assert_allclose(effects.loc[key, "estimate"], expected[name]["estimate"], rtol=1e-8)
        np.testing.assert_allclose(effects.loc[key, "se"], expected[name]["se"], rtol=1e-7)
    predicted = sk.margins(fit, "region", kind="prediction").frame().set_index("answer")
    np.testing.assert_allclose(predicted.loc["west", "estimate"], expected["at_west"]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(predicted.loc["west", "se"], expected["at_west"]["se"], rtol=1e-7)
