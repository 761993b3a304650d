"""Generalised linear models."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd

import survey_kit as sk
from support.r_answers.common import Pairs
from support.r_formula import family, r_name, translate, with_rule
from support.reference import survey_for
from survey_kit.results.fit import ModelFit


def fit_of(entry: dict) -> ModelFit:
    """The fitted model of an entry of svyglm."""
    poll, formula = translate(with_rule(survey_for(entry)), entry["args"]["formula"])
    name, link = family(entry["args"].get("family", "gaussian()"))
    return sk.glm(poll, formula, family=name, link=link)


def first_rows(entry: dict) -> pd.DataFrame:
    """The first rows that R fits: with weight zero or not, but complete and in the domain."""
    inside = survey_for(entry).data
    used = [name for name in dict.fromkeys(re.findall(r"[\w.]+", entry["args"]["formula"])) if name in inside]
    return inside[inside[used].notna().all(axis=1)].head()


def models(entry: dict) -> Pairs:
    """svyglm."""
    fit, result = fit_of(entry), entry["result"]
    names, expected = [r_name(t) for t in fit.coef.keys["term"]], [n.replace(" ", "") for n in result["names"]]
    yield "names", sorted(names), sorted(expected)
    order = [names.index(n) for n in expected]
    yield from _coefficients(fit, result, order)
    yield "df_resid", fit.df_resid, result["df_resid"]
    yield "degf_design", fit.df_design, result["degf_design"]
    yield "fitted_first5", fit.predict(first_rows(entry))["estimate"], result["fitted_first5"]
    if survey_for(entry).bound.weight.all():  # R counts rows of weight zero
        yield "n_used", fit.n, result["n_used"]
    if "rescale" in entry["args"]:  # R's deviances are then under the weights as they are, ours always under mean 1
        return
    yield "deviance", fit.deviance, result["deviance"]
    yield "null_deviance", fit.null_deviance, result["null_deviance"]
    yield "dispersion", fit.dispersion, result["dispersion"]


def _coefficients(fit: ModelFit, result: dict, order: list[int]) -> Pairs:
    """Covariances are compared as parts of the standard errors: one that is almost nothing is noise beside them."""
    frame = fit.frame().iloc[order]
    se = np.array(result["se"])
    spread = np.outer(se, se)
    yield "estimate", frame["estimate"], result["estimate"]
    yield "se", frame["se"], se
    yield "vcov", fit.vcov().to_numpy()[np.ix_(order, order)] / spread + 1, np.array(result["vcov"]) / spread + 1
    yield "t", frame["t"], result["t"]
    yield "p", frame["p_value"], result["p"]
    yield "ci95", frame[["ci_low", "ci_high"]], result["ci95"]
    normal = fit.with_df(math.inf).frame().iloc[order]
    yield "ci95_normal", normal[["ci_low", "ci_high"]], result["ci95_normal"]
