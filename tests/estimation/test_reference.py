"""Every estimator against R survey 4.5: one matrix over the entries of the shared reference (see its README).

`support.r_answers` says what ours is to every field of every result. Numbers agree to 1e-8 of themselves, but for two
intervals of svyciprop, where R's own numbers are iterated: "likelihood" is interpolated between points of a profile that R
stops at a tolerance (1e-7), and the "logit" of a share of 0.2 percent comes from a fit that stops early (1e-7).
"""

from __future__ import annotations

import pytest
from support.r_answers import ANSWERS, LEFT_OUT, PASSED_OVER, answers, fields_of, passed_over
from support.reference import assert_same, entries, needs_shared

from survey_kit.errors import LonelyPsuError

pytestmark = needs_shared

FAMILIES = (
    *("mean_total", "svyby", "ratio", "quantile", "quantile_old", "variance", "ciprop", "contrast", "domain", "degf"),
    *("deff", "kish", "lonely_psu", "pps", "replicate", "rep_conversion", "zero_weights", "table", "srvyr"),
    *("distribution", "nets", "twophase"),
)
EVERY = [entry for family in FAMILIES for entry in entries(family)]
ASKED = [entry for entry in EVERY if entry["id"] not in LEFT_OUT]
ITERATED = 1e-7


def named(entry: dict) -> str:
    return entry["id"]


def tolerance(entry: dict) -> float:
    """How close the numbers of an entry are."""
    likelihood = entry["estimator"] == "svyciprop" and entry["args"]["method"] == "likelihood"
    return ITERATED if likelihood or entry["id"] == "ciprop_rare_l" else 1e-8


@pytest.mark.parametrize("entry", ASKED, ids=named)
def test_r_gives_the_same(entry):
    if "error" in entry["result"]:
        with pytest.raises(LonelyPsuError, match="have a single sampling unit"):
            answers(entry)
        return
    compared = set()
    for what, ours, theirs in answers(entry):
        assert_same(ours, theirs, tolerance(entry), what)
        compared.add(what.split(":")[0])
    assert fields_of(entry) - compared <= passed_over(entry), "fields of R's result that nobody asked for"


def test_every_family_is_there():
    assert all(entries(family) for family in FAMILIES)
    assert len({entry["id"] for entry in EVERY}) == len(EVERY)


def test_no_entry_is_unanswered():
    assert [entry["id"] for entry in ASKED if entry["estimator"] not in ANSWERS] == []


def test_what_is_left_out_is_there():
    """The entries that are left out exist, are marked by the reference, and so do the fields that are passed over."""
    out = {entry["id"]: entry for entry in EVERY if entry["id"] in LEFT_OUT}
    assert set(out) == set(LEFT_OUT) and all(entry.get("advisory") for entry in out.values())
    known = EVERY + entries("svyglm")
    for key, fields in PASSED_OVER.items():
        of_key = [fields_of(entry) for entry in known if key in (entry["id"], entry["estimator"])]
        assert of_key and set(fields) <= set.union(*of_key), key
