"""Generalised linear models against R svyglm (survey 4.5), see the shared reference."""

from __future__ import annotations

import numpy as np
import pytest
from support.r_formula import family, r_name, translate
from support.reference import assert_close, entries, needs_shared, survey_for

import survey_kit as sk
from survey_kit.errors import ArgumentError, NotConvergedError

pytestmark = needs_shared

CASES = [e for e in entries("svyglm") if e["estimator"] == "svyglm" and not e.get("advisory")]


def _fit(entry: dict) -> sk.models.glm:
    poll, formula = translate(survey_for(entry), entry["args"]["formula"])
    name, link = family(entry["args"].get("family", "gaussian()"))
    return sk.glm(poll, formula, family=name, link=link)


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_svyglm(entry):
    fit, result = _fit(entry), entry["result"]
    names = [r_name(t) for t in fit.coef.keys["term"]]
    expected = [n.replace(" ", "") for n in result["names"]]
    assert sorted(names) == sorted(expected)
    order = [names.index(n) for n in expected]
    # R stops on the deviance and takes the weights of its covariance from the last but one step, so that iterated fits
    # agree to the entry's rel_tol; that ours are at the maximum is the next test
    tolerance = 1e-8 if "gaussian" in entry["args"].get("family", "gaussian") else entry["rel_tol"]
    assert_close(fit.coef.theta[order], result["estimate"], tolerance, "estimate")
    assert_close(fit.coef.se[order], result["se"], tolerance, "se")
    spread = np.outer(result["se"], result["se"])
    assert_close(
        fit.vcov().to_numpy()[np.ix_(order, order)] / spread + 1, result["vcov"] / spread + 1, tolerance, "vcov"
    )
    assert fit.df_resid == result["df_resid"]
    if entry["design"]["kind"] == "taylor":
        assert_close(fit.frame()["t"].to_numpy()[order], result["t"], tolerance, "t")
        assert_close(fit.frame()[["ci_low", "ci_high"]].to_numpy()[order], result["ci95"], tolerance, "interval")
        assert fit.n == result["n_used"]
    if "rescale" not in entry["args"]:
        assert_close([fit.deviance], [result["deviance"]], 1e-8, "deviance")
        assert_close([fit.null_deviance], [result["null_deviance"]], 1e-8, "null deviance")
        if entry["design"]["kind"] == "taylor":
            assert_close([fit.dispersion], [result["dispersion"]], 1e-8, "dispersion")


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_the_score_is_zero_at_the_coefficients(entry):
    """Influence values of every coefficient sum to zero: nothing is left to gain."""
    fit = _fit(entry)
    inner = fit.inner
    eta = inner.frame.x @ fit.coef.theta + inner.frame.offset
    mu = inner.mean(eta)
    name, _ = family(entry["args"].get("family", "gaussian()"))
    variance = {
        "gaussian": np.ones_like,
        "binomial": lambda m: m * (1 - m),
        "poisson": lambda m: m,
        "gamma": np.square,
    }[name](mu)
    score = inner.weight * (inner.frame.y - mu) * inner.slope(eta) / variance
    scale = np.abs(inner.frame.x).T @ np.abs(score)
    assert np.abs(inner.frame.x.T @ score / scale).max() < 1e-12


def test_separation_is_said():
    """R gives -26 without a warning."""
    (entry,) = [e for e in entries("svyglm") if e["id"] == "glm_separation"]
    with pytest.raises(NotConvergedError, match="separation"):
        _fit(entry)


def _other(name: str) -> tuple[sk.results.fit.ModelFit, np.ndarray]:
    (entry,) = [e for e in entries("svyglm") if e["id"] == name]
    return _fit({**entry, "args": {"family": "gaussian()", **entry["args"]}}), np.array(entry["result"]["values"])


def test_normal_intervals():
    fit, expected = _other("glm_ci_ddfinf")
    frame = fit.with_df(np.inf).with_level(0.9).frame()
    assert_close(frame[["ci_low", "ci_high"]], expected, 1e-8, "interval")


def test_stated_degrees_of_freedom():
    fit, expected = _other("glm_summary_dfresid")
    frame = fit.with_df(fit.df_design).frame()
    assert_close(frame[["estimate", "se", "t"]], expected[:, :3], 1e-8, "coefficients")
    np.testing.assert_allclose(frame["p_value"], expected[:, 3], rtol=1e-7)
    with pytest.raises(ArgumentError, match="must be above 0"):
        fit.with_df(0)
