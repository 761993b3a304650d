"""Intervals of a proportion against R svyciprop (survey 4.5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import assert_close, entries, needs_shared, survey_for

import survey_kit as sk
from survey_kit.codebook import Variable
from survey_kit.recode import evaluate

pytestmark = needs_shared

CASES = [
    e for e in entries("ciprop") if "by" not in e["args"] and e["args"].get("df") is None and not e.get("advisory")
]
METHOD = {"mean": "wald"}


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_interval(entry):
    args = entry["args"]
    poll = survey_for(entry)
    text = args["formula"].lstrip("~").removeprefix("I(").removesuffix(")").replace("&", " and ")
    text = text if any(sign in text for sign in "=<>") else f"{text} == 1"
    happened = evaluate(text, poll.codes, poll.codebook)
    known = happened | evaluate(f"not ({text})", poll.codes, poll.codebook)
    values = pd.Series(happened.astype(float)).where(known)
    poll = poll.with_column(values, Variable("event", labels={0.0: "no", 1.0: "yes"}, measure="nominal"))
    method = METHOD.get(args["method"], args["method"])
    estimates = sk.proportion(poll, "event", interval=method, level=args["level"])
    at = int(np.flatnonzero(estimates.keys["answer"] == "yes")[0])
    # R's likelihood limits are interpolated (see kernels/intervals.py: likelihood); ours solve the equation
    tolerance = 5e-3 if method == "likelihood" else 1e-7 if method == "logit" else 1e-8  # logit: R fits by IRLS
    low, high = estimates.confidence_interval()
    assert_close([estimates.theta[at]], [entry["result"]["estimate"]], max(tolerance, 1e-7), "estimate")
    assert_close([estimates.se[at] ** 2], [entry["result"]["var"]], 1e-7, "variance")
    assert_close([low[at], high[at]], entry["result"]["ci"], tolerance, "interval")
