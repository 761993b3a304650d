"""Quantiles against R survey 4.5 (see the shared reference)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import DATA, assert_close, entries, needs_shared, survey_for, terms

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable
from survey_kit.estimation.quantile import median, quantile

pytestmark = needs_shared

REL_TOL = 1e-8
ALL = [*entries("quantile"), *(e for e in entries("zero_weights") if e["estimator"] == "svyquantile")]
PLAIN = [e for e in ALL if e["estimator"] == "svyquantile"]
BY = [e for e in ALL if e["estimator"] == "svyby(svyquantile)"]


def _survey(entry: dict) -> sk.Survey:
    """Replicate factors by stratum and unit are merged to the rows first."""
    design = entry["design"]
    if not design.get("repweights_merge_on"):
        return survey_for(entry)
    rows = design.get("row_filter_python") or design.get("row_filter_before_design")
    none = {"ids": None, "strata": None, "fpc": None, "lonely_psu": "fail"}
    plain = {**design, **none, "kind": "taylor", "row_filter_python": rows}
    poll = survey_for({**entry, "design": plain})
    factors = pd.read_csv(DATA / design["repweights_file"])
    on = design["repweights_merge_on"]
    columns = [c for c in factors.columns if c not in on]
    merged = poll.codes[on].merge(factors, on=on, how="left")[columns]
    assert merged.notna().all(axis=None)
    book = poll.codebook
    for column in columns:
        book = book.with_variable(Variable(column, measure="scale", missing=MissingRule()))
    codes = pd.concat([poll.codes, merged], axis=1)
    return sk.from_frame(codes, book).with_replicates(
        weights=columns, method=design["rep_type"], weight=design["weights"], combined=design["combined_weights"]
    )


def _probs(args: dict) -> list[float]:
    return list(np.atleast_1d(args["quantiles"]))


def _options(args: dict) -> dict:
    out = {"interval": args.get("interval.type", "mean"), "rule": args.get("qrule", "math")}
    if "alpha" in args:
        out["level"] = 1 - args["alpha"]
    if "df" in args:
        out["df"] = float(args["df"])
    return out


@pytest.mark.parametrize("entry", PLAIN, ids=lambda e: e["id"])
def test_quantiles(entry):
    poll, args = _survey(entry), entry["args"]
    found = quantile(poll, terms(args["formula"]), _probs(args), **_options(args))
    low, high = found.confidence_interval()
    ours = np.column_stack([found.theta, low, high, found.se])
    expected = np.vstack([[[_number(v) for v in row] for row in part["values"]] for part in entry["result"].values()])
    for column, name in enumerate(["quantile", "low", "high", "se"][: expected.shape[1]]):
        assert_close(ours[:, column], expected[:, column], REL_TOL, name)


def _number(value) -> float:
    return float("nan") if value is None else float(value)


@pytest.mark.parametrize("entry", BY, ids=lambda e: e["id"])
def test_quantiles_by_group(entry):
    poll, args, result = survey_for(entry), entry["args"], entry["result"]
    found = quantile(poll, terms(args["formula"]), _probs(args), by=terms(args["by"]))
    assert_close(found.theta, result["estimate"], REL_TOL, "estimate")
    assert_close(found.se, result["se"], REL_TOL, "se")
    assert found.df == result["df"]


@pytest.mark.parametrize("entry", [e for e in entries("srvyr") if "quantile" in e["id"]], ids=lambda e: e["id"])
def test_srvyr_quantiles(entry):
    poll, rows = survey_for(entry), pd.DataFrame(entry["result"]["rows"])
    found = quantile(poll, "api00", [0.25, 0.5], by="stype")
    frame = found.frame().set_index(["stype", "statistic"])
    for name, code in (("quantile 0.25", "q25"), ("median", "q50")):
        part = frame.xs(name, level="statistic").loc[rows["stype"]]
        assert_close(part["estimate"], rows[f"q_{code}"], REL_TOL, code)
        assert_close(part["ci_low"], rows[f"q_{code}_low"], REL_TOL, f"low {code}")
        assert_close(part["ci_high"], rows[f"q_{code}_upp"], REL_TOL, f"high {code}")
    middle = median(poll, "meals", by="stype").frame().set_index("stype").loc[rows["stype"]]
    assert_close(middle["estimate"], rows["md"], REL_TOL, "median")
    assert_close(middle["se"], rows["md_se"], REL_TOL, "se of the median")


@pytest.mark.parametrize(
    "entry", [e for e in entries("replicate") if e["id"] == "withrep_median"], ids=lambda e: e["id"]
)
def test_median_of_replicates(entry):
    found = median(survey_for(entry), "api00", interval="quantile")
    result = entry["result"]
    assert_close(found.theta, result["estimate"], REL_TOL, "estimate")
    assert_close(found.se, result["se"], REL_TOL, "se")
    assert_close(found.vcov(), result["vcov"], REL_TOL, "vcov")
    assert_close(np.column_stack(found.confidence_interval()), result["ci95_t"], REL_TOL, "interval")
    assert found.df == result["df"]


@pytest.mark.parametrize("entry", entries("quantile_old"), ids=lambda e: e["id"])
def test_quantiles_before_survey_4_1_are_those_of_rule_hf4(entry):
    found = quantile(survey_for(entry), "api00", entry["args"]["quantiles"], rule="hf4")
    assert_close(found.theta, entry["result"]["quantiles"], REL_TOL, "estimate")
