"""Degrees of freedom, estimates under replicate weights, and conversion against R survey 4.5 (see the shared reference)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.r_formula import family, r_name, translate, with_rule
from support.reference import assert_close, entries, needs_shared, survey_for, terms

import survey_kit as sk
from survey_kit.kernels.variance import replicate_covariance

pytestmark = needs_shared

REL_TOL = 1e-8
REPLICATE = [e for e in entries("replicate") if e["estimator"] != "withReplicates"]
BY_ESTIMATOR = {
    kind: [e for e in REPLICATE if e["estimator"] == kind]
    for kind in ("svymean", "svytotal", "svyratio", "svyby(svymean)", "svyglm", "svrVar")
}


def named(e: dict) -> str:
    return e["id"]


def test_every_entry_has_a_test():
    assert sum(map(len, BY_ESTIMATOR.values())) == len(REPLICATE)


@pytest.mark.parametrize("entry", entries("degf"), ids=named)
def test_degrees_of_freedom(entry):
    poll = survey_for(entry)
    assert poll.bound.degrees_of_freedom(poll.domain) == entry["result"]["value"]


def _parts(poll: sk.Survey, formula: str, total: bool, deff: bool | str) -> list:
    """One estimate for each term, all on rows that are valid for every term."""
    names = terms(formula)
    valid = " and ".join(f"valid({n})" for n in names) if len(names) > 1 else None
    out = []
    for name in names:
        factor = bool(poll.codebook[name].labels) or not pd.api.types.is_numeric_dtype(poll.codes[name])
        verb = sk.total if total else sk.proportion if factor else sk.mean
        out.append(verb(poll, name, where=valid, deff=deff))
    return out


@pytest.mark.parametrize("entry", BY_ESTIMATOR["svymean"] + BY_ESTIMATOR["svytotal"], ids=named)
def test_means_and_totals(entry):
    total, result = entry["estimator"] == "svytotal", entry["result"]
    deff = entry["args"].get("deff", False)
    parts = _parts(survey_for(entry), entry["args"]["formula"], total, deff)
    theta, se = np.concatenate([p.theta for p in parts]), np.concatenate([p.se for p in parts])
    assert_close(theta, result["estimate"], REL_TOL, "estimate")
    assert_close(se, result["se"], REL_TOL, "se")
    if deff:
        assert_close(np.concatenate([p.deff for p in parts]), result["deff"], REL_TOL, "deff")
    if len(parts) == 1:
        assert_close(parts[0].vcov(), result["vcov"], REL_TOL, "vcov")
        if total or result["names"] == terms(entry["args"]["formula"]):
            assert_close(np.column_stack(parts[0].confidence_interval()), result["ci95_t"], REL_TOL, "interval")
    whole = survey_for(entry)
    assert whole.bound.degrees_of_freedom(whole.domain) == result["df"]


@pytest.mark.parametrize("entry", BY_ESTIMATOR["svyratio"], ids=named)
def test_ratios(entry):
    above, below = terms(entry["args"]["formula"])[0], terms(entry["args"]["denominator"])[0]
    ratio, result = sk.ratio(survey_for(entry), above, below), entry["result"]
    assert_close(ratio.theta, result["estimate"], REL_TOL, "estimate")
    assert_close(ratio.se, result["se"], REL_TOL, "se")
    assert_close(np.column_stack(ratio.confidence_interval()), result["ci95_t"], REL_TOL, "interval")
    assert ratio.df == result["df"]


@pytest.mark.parametrize("entry", BY_ESTIMATOR["svyby(svymean)"], ids=named)
def test_means_by_group(entry):
    args, result = entry["args"], entry["result"]
    by = terms(args["by"])[0]
    means = sk.mean(survey_for(entry), terms(args["formula"]), by=by)
    order = [list(means.keys[by]).index(group[by]) for group in result["groups"]]
    assert_close(means.theta[order], result["estimate"], REL_TOL, "estimate")
    assert_close(means.vcov().to_numpy()[np.ix_(order, order)], result["vcov"], REL_TOL, "vcov")
    assert_close(np.column_stack(means.confidence_interval())[order], result["ci95_t"], REL_TOL, "interval")
    assert means.df == result["df"]


@pytest.mark.parametrize("entry", BY_ESTIMATOR["svyglm"], ids=named)
def test_models(entry):
    """R's own iterations leave noise in its binomial fits, to which the entries' tolerances belong."""
    args, result = entry["args"], entry["result"]
    name, link = family(args["family"])
    poll, formula = translate(with_rule(survey_for(entry)), args["formula"])
    fit = sk.glm(poll, formula, family=name, link=link)
    order = [[r_name(t) for t in fit.coef.keys["term"]].index(n) for n in result["names"]]
    assert_close(fit.coef.theta[order], result["estimate"], entry["rel_tol"], "estimate")
    assert_close(fit.coef.se[order], result["se"], entry["rel_tol"], "se")
    assert fit.coef.df == result["df_resid"]


@pytest.mark.parametrize("entry", BY_ESTIMATOR["svrVar"], ids=named)
def test_variance_of_replicates(entry):
    args = entry["args"]
    thetas = np.array(args["thetas"], dtype=float)
    theta = np.array(args.get("coef", thetas.mean(axis=0)), dtype=float)
    made = replicate_covariance(thetas, theta, args["scale"], np.array(args["rscales"], dtype=float), args["mse"])
    assert_close(made, entry["result"]["vcov"], REL_TOL, "vcov")


@pytest.mark.parametrize("entry", entries("rep_conversion"), ids=named)
def test_conversion(entry):
    poll, result = survey_for(entry), entry["result"]
    made, weights = poll.bound.replicates, poll.bound.replicates.weights
    assert poll.design.replicates.method == result["type"] and weights.shape[1] == result["n_reps"]
    assert_close(made.scale, result["scale"], REL_TOL, "scale")
    assert_close(np.sort(made.rscales), np.sort(result["rscales"]), REL_TOL, "rscales")
    assert_close(poll.bound.weight[:10], result["full_weights_first10"], REL_TOL, "weights")
    assert_close(np.sort(weights.sum(axis=0)), np.sort(result["rep_weight_colsums"]), REL_TOL, "sums")
    assert_close(np.sort(weights[0]), np.sort(result["rep_weights_row1"]), REL_TOL, "first row")
    indexed = np.sort(np.arange(1, len(weights) + 1) @ weights)
    assert_close(indexed, np.sort(result["replicate_totals_sorted_of_row_index"]), REL_TOL, "totals of the row index")
    assert poll.bound.degrees_of_freedom() == result["df"]
