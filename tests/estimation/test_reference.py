"""Means, totals, proportions, domains and groups against R survey 4.5 (see the shared reference)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import assert_close, entries, needs_shared, survey_for, terms, with_expressions

import survey_kit as sk

pytestmark = needs_shared

REL_TOL = 1e-8
MEAN_CASES = entries("mean_total") + entries("domain")
BY_CASES = [e for e in entries("svyby") if "by" in e["args"]]


def _is_factor(poll: sk.Survey, name: str) -> bool:
    return bool(poll.codebook[name].labels) or not pd.api.types.is_numeric_dtype(poll.codes[name])


def _estimate(poll: sk.Survey, names: list[str], estimator: str, **options):
    """R's formula means: factors by level, numbers as they are; casewise over the formula. Parts in formula order."""
    valid = " and ".join(f"valid({n})" for n in names)
    parts = []
    for name in names:
        if "total" in estimator:
            parts.append(sk.total(poll, name, where=valid, **options))
        elif _is_factor(poll, name):
            parts.append(sk.proportion(poll, name, where=valid, **options))
        else:
            parts.append(sk.mean(poll, name, where=valid, **options))
    return parts


@pytest.mark.parametrize("entry", MEAN_CASES, ids=lambda e: e["id"])
def test_mean_and_total(entry):
    poll, names = with_expressions(survey_for(entry), terms(entry["args"]["formula"]))
    result = entry["result"]
    expected = pd.DataFrame({k: result[k] for k in ("estimate", "se")})
    if entry["id"] == "mean_expr_api_clus1":  # the logical term has two rows in R, FALSE and TRUE
        expected = expected.iloc[[0, 2]]
    deff = entry["args"].get("deff", False)
    parts = _estimate(poll, names, entry["estimator"], deff=deff)
    assert_close(np.concatenate([p.theta for p in parts]), expected["estimate"], REL_TOL, "estimate")
    assert_close(np.concatenate([p.se for p in parts]), expected["se"], REL_TOL, "se")
    if deff and "deff" in result and "deff" not in entry.get("advisory_fields", {}):
        _check_deff(parts, result["deff"], deff)


def _check_deff(parts, expected, deff):
    ours = np.concatenate([p.deff for p in parts])
    normalised = any(n.kind == "deff" for p in parts for n in p.notices)
    if not normalised:
        assert_close(ours, expected, REL_TOL, "deff")


@pytest.mark.parametrize("entry", MEAN_CASES, ids=lambda e: e["id"])
def test_vcov_df_and_t_interval(entry):
    """Several variables in one call: one covariance matrix, t intervals with the design's degrees of freedom."""
    poll, names = with_expressions(survey_for(entry), terms(entry["args"]["formula"]))
    kinds = {_is_factor(poll, n) for n in names}
    if len(kinds) > 1 or entry["id"] == "mean_expr_api_clus1":
        pytest.skip("numbers and factors in one formula are two calls here")
    if "total" in entry["estimator"]:
        estimates = sk.total(poll, names)
    elif kinds == {True}:
        estimates = sk.proportion(poll, names, interval="wald")
    else:
        estimates = sk.mean(poll, names)
    result = entry["result"]
    assert_close(estimates.vcov(), result["vcov"], REL_TOL, "vcov")
    assert estimates.df == result["df"]
    assert_close(np.column_stack(estimates.confidence_interval()), result["ci95_t"], REL_TOL, "t interval")


@pytest.mark.parametrize("entry", BY_CASES, ids=lambda e: e["id"])
def test_by(entry):
    poll, names = with_expressions(survey_for(entry), terms(entry["args"]["formula"]))
    by = terms(entry["args"]["by"])
    result = entry["result"]
    groups = pd.DataFrame(result["groups"])
    deff = entry["args"].get("deff", False)
    verb = sk.total if "total" in entry["estimator"] else sk.proportion if _is_factor(poll, names[0]) else sk.mean
    estimates = verb(poll, names, by=by, deff=deff)
    frame = estimates.frame().assign(row=range(len(estimates)))
    variables = frame["variable"].unique()
    ours = []  # R: statistic by statistic, groups fastest
    for variable in variables:
        part = frame[frame["variable"] == variable]
        for answer in part["answer"].unique():
            rows = groups.astype(str).merge(part[part["answer"] == answer], on=by, how="left")
            ours.append(rows["row"].to_numpy())
    order = np.concatenate(ours)
    keep = ~np.isnan(order)
    expected = {k: np.asarray(v, dtype=float)[keep] for k, v in result.items() if k in ("estimate", "se", "deff")}
    order = order[keep].astype(int)
    assert_close(estimates.theta[order], expected["estimate"], REL_TOL, "estimate")
    assert_close(estimates.se[order], expected["se"], REL_TOL, "se")
    assert estimates.df == result["df"]
    if entry["args"].get("covmat"):
        vcov = estimates.vcov().to_numpy()[np.ix_(order, order)]
        assert_close(vcov, np.asarray(result["vcov"])[np.ix_(keep, keep)], REL_TOL, "vcov")
    if deff and entry["design"]["kind"] == "taylor" and not any(n.kind == "deff" for n in estimates.notices):
        assert_close(estimates.deff[order], expected["deff"], REL_TOL, "deff")


def test_several_one_way_tables():
    (entry,) = [e for e in entries("svyby") if "bys" in e["args"]]
    poll = survey_for(entry)
    for by, expected in zip(terms(entry["args"]["bys"]), entry["result"], strict=True):
        estimates = sk.mean(poll, terms(entry["args"]["formula"]), by=by)
        order = [list(estimates.keys[by]).index(g) for g in expected["rows"]]
        assert_close(estimates.theta[order], expected["estimate"], REL_TOL, "estimate")
        assert_close(estimates.se[order], expected["se"], REL_TOL, "se")
