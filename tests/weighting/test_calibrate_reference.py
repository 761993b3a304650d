"""Weights and estimates after calibration against R survey 4.5, every entry of the shared reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.r_answers.common import is_factor, limits, of_formula
from support.reference import DATA, assert_close, entries, needs_shared, survey_for, terms

import survey_kit as sk
from survey_kit.results.combine import only_answer
from survey_kit.weighting import calibrate

pytestmark = needs_shared

ENTRIES = {e["id"]: e for e in entries("calibrate")}
CASES = [e for e in ENTRIES.values() if "weights" in e["result"]]
TOLERANCE = 1e-8


def _totals(entry: dict, poll: sk.Survey) -> dict:
    """R's population vector, or list of margins, as totals: margins have all their categories, numbers their total."""
    args, population = entry["args"], entry["args"]["population"]
    if args["formula"].startswith("list"):
        names = [next(k for k in rows[0] if k != "Freq") for rows in population]
        return {n: {r[n]: r["Freq"] for r in rows} for n, rows in zip(names, population, strict=True)}
    if isinstance(population, list):
        return {"api_stu": population[0]}
    people, totals = population["(Intercept)"], {}
    for name in terms(args["formula"]):
        if not is_factor(poll, name):
            totals[name] = population[name]
            continue
        first, *others = poll.codebook[name].labels.values()
        counts = {level: population[name + level] for level in others}
        totals[name] = {first: people - sum(counts.values()), **counts}
    return totals if any(isinstance(v, dict) for v in totals.values()) else {"(Intercept)": people, **totals}


def _options(args: dict) -> dict[str, Any]:
    options: dict[str, Any] = {"distance": args["calfun"]}
    if args.get("bounds_const"):
        mean = args["population"]["(Intercept)"] / 183
        return {**options, "lower": args["bounds"]["lower"] / mean, "upper": args["bounds"]["upper"] / mean}
    if "bounds" in args:
        options["bounds"] = tuple(args["bounds"])
    if "variance" in args:
        options["variance"] = "api_stu"  # R: proportional to the model matrix, whose only column this is
    if "aggregate_stage" in args:
        options["aggregate"] = "dnum"
    return options


def _calibrated(entry: dict) -> sk.Survey:
    poll = survey_for(entry)
    return calibrate(poll, _totals(entry, poll), **_options(entry["args"]))


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_weights(entry):
    record, expected = _calibrated(entry).weights, entry["result"]
    w = record.values.to_numpy()
    assert len(w) == expected["n"]
    assert_close(w[: len(expected["weights"])], expected["weights"], TOLERANCE, "weights")
    figures = [
        w.sum(),
        w @ w,
        w @ np.arange(1, len(w) + 1),
        w.min(),
        w.max(),
        record.deff,
        record.g.min(),
        record.g.max(),
    ]
    names = ("sum", "sumsq", "sum_index_times_w", "min", "max", "kish_deff")
    assert_close(figures, [*(expected[n] for n in names), *expected["g_range"]], TOLERANCE, "figures")
    assert record.converged and record.max_gap < 1e-12


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_estimates(entry):
    new = _calibrated(entry)
    for expected in entry["result"]["estimates"]:
        for what, ours, r in _compared(new, expected):
            if what in ("se", "vcov", "ci"):
                # an estimate that calibration makes certain has no error; R and we leave rounding
                scale = np.abs(expected["estimate"]).max() ** (2 if what == "vcov" else 1)
                np.testing.assert_allclose(ours, r, rtol=TOLERANCE, atol=1e-10 * scale, err_msg=expected["r_code"])
            else:
                assert_close(ours, r, TOLERANCE, f"{what} of {expected['r_code']}")


def _compared(new: sk.Survey, expected: dict) -> Iterator[tuple[str, Any, Any]]:
    """(what, ours, R's) for one estimate of the reference."""
    code = expected["r_code"]
    if code.startswith("svyglm"):
        yield from _model(new, code, expected)
    elif code.startswith("svyquantile"):
        found = sk.quantile(new, "api00", [0.25, 0.5])
        yield "quantiles", np.column_stack([found.theta, limits(found), found.se]), expected["api00"]["values"]
    elif code.startswith("svyciprop"):
        found = only_answer(sk.proportion(new, "comp_imp", interval="logit"), "Yes")
        ours = [found.theta[0], found.se[0] ** 2, *limits(found)[0]]
        yield "share", ours, [expected["estimate"], expected["var"], *expected["ci"]]
    else:
        found = _estimates(new, code)
        yield "estimate", found.theta, expected["estimate"]
        yield "se", found.se, expected["se"]
        if "subset(" in code:
            return  # degf() of the subset is 13, as ours; the reference has that of the whole design, 14
        yield "df", found.df, expected["df"]
        if "vcov" in expected:
            covariance = found.vcov().to_numpy()
            # svyby without covmat=TRUE leaves covariances out
            yield "vcov", np.diag(np.diag(covariance)) if "svyby" in code else covariance, expected["vcov"]
            yield "ci", limits(found), expected["ci95_t"]


def _model(new: sk.Survey, code: str, expected: dict) -> Iterator[tuple[str, Any, Any]]:
    formula = re.fullmatch(r"svyglm\((.+),new\)", code)[1].replace("~", " ~ ")
    fit = sk.glm(new, formula)
    yield "estimate", fit.coef.theta, expected["estimate"]
    yield "se", fit.coef.se, expected["se"]
    yield "df", fit.df_resid, expected["df_resid"]


def _estimates(new: sk.Survey, code: str) -> sk.Estimates:
    text = code.replace(",na.rm=TRUE", "")
    if 'subset(new,comp_imp=="Yes")' in text:
        new, text = new.where('comp_imp == "Yes"'), text.replace('subset(new,comp_imp=="Yes")', "new")
    by = re.fullmatch(r"svyby\(~(\w+),~(\w+),new,svymean\)", text)
    if by:
        return sk.mean(new, by[1], by=by[2])
    ratio = re.fullmatch(r"svyratio\(~(\w+),~(\w+),new\)", text)
    if ratio:
        return sk.ratio(new, ratio[1], ratio[2])
    kind, names = re.fullmatch(r"svy(mean|total)\(~([\w+]+),new\)", text).groups()
    return of_formula(new, terms(names), kind == "total")


def test_weights_of_icarus_and_sas_calmar():
    data = pd.read_csv(DATA / "icarus_employees.csv")
    calmar = pd.read_csv(DATA / "icarus_employees_calmar_weights.csv")
    totals = {
        "category": {1: 80, 2: 90, 3: 60},
        "sex": {1: 140, 2: 90},
        "department": {1: 100, 2: 130},
        "salary": 470000,
    }
    result = ENTRIES["cal_icarus_emp"]["result"]
    ways = {
        "lin": ({}, "wLinear"),
        "rak": ({"distance": "raking"}, "wRaking"),
        "logit": ({"distance": "logit", "bounds": (0.4, 2.2)}, "wLogit"),
    }
    for name, (options, column) in ways.items():
        ours = calibrate(data, totals, "weight", **options).values
        assert_close(ours, result[name], TOLERANCE, name)
        np.testing.assert_allclose(ours, calmar[column], atol=6e-5)
