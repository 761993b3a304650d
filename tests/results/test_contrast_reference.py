"""Contrasts against R survey 4.5: weighted sums, functions, replicates with and without return.replicates, models."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support.reference import assert_close, entries, needs_shared, survey_for, terms

import survey_kit as sk

ENTRIES = {entry["id"]: entry for entry in entries("contrast")}


def _estimates(entry: dict):
    """The estimates that an entry contrasts."""
    poll, call = survey_for(entry), entry["args"]["statistic"]
    found = re.match(r"(\w+)\((~?[^,]+),(?:(~[^,]+),)?des", call)
    assert found is not None
    kind, formula, by = found.groups()
    if kind == "svyglm":
        return sk.glm(poll, formula).coef
    if kind == "svyby":
        group = by.lstrip("~")
        return sk.mean(poll, formula.lstrip("~"), by=group)
    names = terms(formula)
    if poll.codebook[names[0]].labels:
        return sk.proportion(poll, names[0])
    return (sk.total if kind == "svytotal" else sk.mean)(poll, names)


def _asked(entry: dict):
    """R's contrasts as this package takes them: quote(...) is text, c(a=1) a mapping, c(1, -1) a row."""
    text = entry["args"]["contrasts"]
    text = re.sub(r"VotedPres2020_selection|\bq1", "", text)  # R puts the variable before its levels
    if text.startswith("quote("):
        return text[6:-1]
    inside = re.sub(r"^list\((.*)\)$", r"\1", text)
    parts = re.findall(r"(?:(\w+)=)?(c|quote)\(((?:[^()]|\([^()]*\))*)\)", inside)
    made = {name: _one(kind, body) for name, kind, body in parts}
    return made if "" not in made else [_one(kind, body) for _, kind, body in parts]


def _one(kind: str, body: str):
    if kind == "quote":
        return body
    pairs = [p.split("=") for p in body.split(",")]
    return {p[0]: float(p[1]) for p in pairs} if len(pairs[0]) == 2 else [float(p[0]) for p in pairs]


@needs_shared
@pytest.mark.parametrize("name", ENTRIES)
def test_contrasts_agree_with_r(name):
    entry = ENTRIES[name]
    method = "delta" if name == "contrast_rep_delta" else None
    made = _estimates(entry).contrast(_asked(entry), method=method)
    expected = entry["result"]
    assert_close(made.theta, expected["estimate"], 1e-8, f"{name} estimate")
    assert_close(made.se, expected["se"], 1e-8, f"{name} se")
    assert_close(made.vcov().to_numpy(), expected["vcov"], 1e-8, f"{name} vcov")
    assert_close(made.cv, expected["cv"], 1e-8, f"{name} cv")
    if "glm" not in name:
        assert made.df == expected["df"]
        assert_close(np.column_stack(made.confidence_interval()), expected["ci95_t"], 1e-8, f"{name} interval")
    if expected["names"] not in ([], ["contrast"]):
        assert made.keys["variable"].tolist() == expected["names"]


@needs_shared
def test_the_family_is_whole():
    assert len(ENTRIES) == 16
