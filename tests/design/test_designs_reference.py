"""Unequal probabilities, lonely PSUs, two phases and degrees of freedom against R survey 4.5 (see the shared reference)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.reference import DATA, assert_close, dataset, entries, labelled, needs_shared, survey_for, terms

import survey_kit as sk
from survey_kit.codebook import Variable
from survey_kit.design.pps import PPS
from survey_kit.errors import LonelyPsuError

pytestmark = needs_shared

PPS_CASES = entries("pps")
LONELY_CASES = entries("lonely_psu")
DEGF_CASES = [e for e in entries("degf") if e["design"]["kind"] == "taylor"]


def _unequal(design: dict) -> sk.Survey:
    if design["kind"] != "pps":
        return survey_for({"design": design})
    codes, book = dataset("election_pps")
    joint = pd.read_csv(DATA / design["joint_file"]) if design.get("joint_file") else None
    squares = None
    if design.get("sum_p2_over_n"):
        squares = float((dataset("election_pop")[0]["p"] ** 2).sum() / 40)
    method = {"HR": "hartley-rao"}.get(design["pps"], design["pps"])
    how = PPS(method, joint, design.get("variance") or "HT", squares)
    return sk.from_frame(codes, book).with_design(fpc=design["inclusion_probability"], pps=how)


@pytest.mark.parametrize("entry", PPS_CASES, ids=lambda e: e["id"])
def test_unequal_probabilities(entry):
    poll, result = _unequal(entry["design"]), entry["result"]
    if entry["estimator"] == "svyglm":
        found = sk.glm(poll, entry["args"]["formula"].replace("~", " ~ ")).coef
    elif "by" in entry["args"]:
        large = (poll.codes["votes"] > 100_000).map({False: "FALSE", True: "TRUE"})
        found = sk.total(
            poll.with_column(large.rename("large"), Variable("large", measure="nominal")), "Bush", by="large"
        )
    else:
        verb = sk.total if "total" in entry["estimator"] else sk.mean
        found = verb(poll, terms(entry["args"]["formula"]))
        assert found.df == result["df"]
    assert_close(found.theta, result["estimate"], 1e-8, "estimate")
    assert_close(found.se, result["se"], 1e-8, "se")
    if result.get("vcov") and "by" not in entry["args"]:
        assert_close(found.vcov(), result["vcov"], 1e-8, "vcov")


def _lonely(design: dict) -> sk.Survey:
    """As survey_for, with R's option survey.adjust.domain.lonely."""
    codes, book = dataset(design["dataset"])
    if design.get("row_filter_python"):
        codes = codes[labelled(codes, book).eval(design["row_filter_python"], engine="python")].reset_index(drop=True)
    poll = sk.from_frame(codes, book).with_design(
        weight=design["weights"],
        strata=design["strata"],
        psu=tuple(design["ids"]),
        fpc=tuple(design["fpc"]) if design["fpc"] else None,
        lonely_psu=design["lonely_psu"],
        lonely_domain=design["adjust_domain_lonely"],
    )
    return poll.where('RaceEth == "AI/AN"') if design.get("subset_python") else poll


@pytest.mark.parametrize("entry", LONELY_CASES, ids=lambda e: e["id"])
def test_lonely_units(entry):
    result = entry["result"]
    if "error" in result:
        with pytest.raises(LonelyPsuError, match="have a single sampling unit"):
            _lonely(entry["design"])
        return
    poll, formula = _lonely(entry["design"]), entry["args"]["formula"]
    if entry["estimator"] == "svyglm":
        found = sk.glm(poll, re.sub("Gender", "C(Gender)", formula), family="binomial").coef
    else:
        found = (sk.total if "total" in entry["estimator"] else sk.mean)(poll, terms(formula))
        assert found.df == result["df"]
        assert_close(found.vcov(), result["vcov"], 1e-8, "vcov")
    assert_close(found.theta, result["estimate"], 1e-8, "estimate")
    assert_close(found.se, result["se"], 1e-8, "se")


@pytest.mark.parametrize("entry", entries("twophase"), ids=lambda e: e["id"])
def test_two_phases(entry):
    codes, book = dataset("nwtco_full")
    args, result = entry["args"], entry["result"]
    poll = sk.from_frame(codes, book).with_second_phase(args["subset"], strata=args["strata"][1], method=args["method"])
    shares, age = sk.proportion(poll, "hist"), sk.mean(poll, "age_y")
    assert_close([*shares.theta, *age.theta], result["estimate"], 1e-8, "estimate")
    assert_close([*shares.se, *age.se], result["se"], 1e-8, "se")


@pytest.mark.parametrize("entry", DEGF_CASES, ids=lambda e: e["id"])
def test_degrees_of_freedom(entry):
    poll = survey_for(entry)
    inside = None if poll.domain is None else poll.domain
    expected = entry["result"]
    value = expected if not isinstance(expected, dict) else next(iter(expected.values()))
    assert poll.bound.degrees_of_freedom(inside) == float(np.ravel(value)[0])
