"""Estimates after raking, with their standard errors, against R survey 4.5 (see the shared reference)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.reference import DATA, assert_close, entries, needs_shared, survey_for

import survey_kit as sk

pytestmark = needs_shared

CASES = [e for e in entries("rake") if not e.get("advisory")]


def _targets(entry: dict) -> dict:
    args = entry["args"]
    names = [[t.strip() for t in m.lstrip("~").split("+")] for m in args["sample_margins"]]
    if "population_margins" in args:
        margins = args["population_margins"]
    else:
        frame = pd.read_csv(DATA / "acs_2017_excerpt.csv")
        total = float(re.search(r"scaled to (\d+)", args["population"])[1])
        margins = []
        for variables in names:
            sums = frame.groupby(variables)["weight"].sum()
            margins.append((sums * total / sums.sum()).rename("Freq").reset_index().to_dict("records"))
    out = {}
    for variables, rows in zip(names, margins, strict=True):
        key = variables[0] if len(variables) == 1 else tuple(variables)
        out[key] = {
            (str(r[variables[0]]) if len(variables) == 1 else tuple(str(r[v]) for v in variables)): r["Freq"]
            for r in rows
        }
    return out


def _estimate(poll: sk.Survey, code: str):
    """The survey_kit call for one line of R, or None where it needs more than this test knows."""
    by = re.fullmatch(r"svyby\(~(\w+),\s*~(\w+),\s*new,\s*svymean.*\)", code)
    plain = re.fullmatch(r"svy(mean|total)\(~([\w+]+),\s*new.*\)", code)
    if by:
        variable, groups = by.groups()
        return None if poll.codebook[variable].labels else sk.mean(poll, variable, by=groups)
    if not plain:
        return None
    names = plain[2].split("+")
    factors = {bool(poll.codebook[n].labels) for n in names}
    if len(factors) > 1:
        return None
    if plain[1] == "total":
        return sk.total(poll, names)
    return sk.proportion(poll, names) if factors == {True} else sk.mean(poll, names)


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_estimates_after_raking(entry):
    poll = survey_for(entry).rake(_targets(entry))
    weights, result = poll.weight.to_numpy(), entry["result"]
    assert_close(weights[: len(result["weights"])], result["weights"], 1e-8, "weights")
    checked = 0
    for expected in result.get("estimates", []):
        estimates = _estimate(poll, expected["r_code"])
        if estimates is None:
            continue
        checked += 1
        assert_close(estimates.theta, expected["estimate"], 1e-8, expected["r_code"])
        # an estimate of a raked margin has no error; R leaves rounding
        small = np.array(expected["se"]) < 1e-9 * np.abs(expected["estimate"])
        assert_close(estimates.se[~small], np.array(expected["se"])[~small], 1e-8, f"se of {expected['r_code']}")
        assert (estimates.se[small] < 1e-8 * np.abs(estimates.theta[small])).all()
        assert estimates.df == expected["df"]
    assert checked or not result.get("estimates"), [e["r_code"] for e in result["estimates"]]
