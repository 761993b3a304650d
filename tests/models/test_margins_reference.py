"""Average marginal effects, predictive margins and alpha against R (see the shared reference)."""

from __future__ import annotations

import pytest
from support.r_formula import family, translate
from support.reference import assert_close, entries, needs_shared, survey_for

import survey_kit as sk

pytestmark = needs_shared

AME = [e for e in entries("marginal_effects") if e["estimator"] == "average marginal effects"]
ALPHA = [e for e in entries("agreement") if e["estimator"] == "svycralpha"]


@pytest.mark.parametrize("entry", AME, ids=lambda e: e["id"])
def test_average_marginal_effects(entry):
    args, result = entry["args"], entry["result"]
    poll, formula = translate(survey_for(entry), args["formula"])
    name, link = family(args["family"])
    fit = sk.glm(poll, formula, family=name, link=link)
    effects = sk.margins(fit, [*args["continuous"], *args["factor"]])
    assert_close(effects.theta, result["estimate"], 1e-7, "effect")
    assert_close(effects.se, result["se"], 1e-6, "se")
    for factor, levels in zip(args["factor"], result.get("average_predictions") or [], strict=True):
        predicted = sk.margins(fit, factor, kind="prediction")
        assert_close(predicted.theta, [level["estimate"] for level in levels], 1e-7, "prediction")
        assert_close(predicted.se, [level["se"] for level in levels], 1e-6, "se of prediction")


@pytest.mark.parametrize("entry", ALPHA, ids=lambda e: e["id"])
def test_alpha(entry):
    items = [t.strip() for t in entry["args"]["formula"].lstrip("~").split("+")]
    poll = survey_for(entry)
    codes = [c for i in items for c in (poll.codes[i].min(), poll.codes[i].max())]
    for item in items:  # alpha of columns with different codes: R does not mind
        poll = poll.relabel(item, labels={min(codes): "lowest", max(codes): "highest"}, measure="scale")
    made = sk.scale(poll, items, "index")
    assert_close([made.alpha], [entry["result"]["value"][0]], 1e-8, "alpha")
