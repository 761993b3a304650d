"""Two-phase designs: what they refuse and in which words, what every option does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.design.second_phase import phase_rows
from survey_kit.errors import (
    ArgumentError,
    DesignError,
    LonelyPsuError,
    NoValidData,
    UnknownNameError,
    UnsupportedOption,
)
from tests.support.designs import FRAME, ROWS


def _poll(**design) -> sk.Survey:
    return sk.from_frame(FRAME).with_design(**design)


# --- two phases -------------------------------------------------------------------------------------------------------

BAD_SECOND = [
    ({"subset": "never"}, NoValidData, "No row is in the second phase: never == 1 holds for none of 24 rows"),
    ({"subset": "y > 100"}, NoValidData, "No row is in the second phase: y > 100 holds for none"),
    ({"subset": "code"}, ArgumentError, "Column 'code' does not say .* row 3 is neither 0 nor 1.* \"code == 1\""),
    ({"subset": "asked", "method": "ful"}, ArgumentError, "method='ful' is not available. Did you mean 'full'"),
    ({"subset": "asked", "strata": "sen"}, UnknownNameError, "No column 'sen'. Did you mean 'seen'"),
    ({"subset": "asked", "strata": ("seen", "region")}, ArgumentError, "strata of the second phase names 2 stages but"),
    (
        {"subset": "asked", "fpc": ("N", "N")},
        ArgumentError,
        "fpc of the second phase names 2 stages but its psu names 0",
    ),
    ({"subset": "area > 0", "strata": "area"}, DesignError, "1 of 6 strata of the second phase .area. hold nobody"),
    ({"subset": "asked", "strata": "home"}, DesignError, "hold nobody of it"),
    (
        {"subset": "code == 1", "strata": "area"},
        LonelyPsuError,
        "strata of the second phase have a single sampling unit out",
    ),
]


@pytest.mark.parametrize(("second", "error", "text"), BAD_SECOND)
def test_second_phases_that_cannot_be(second, error, text):
    with pytest.raises(error, match=text):
        _poll(fpc="N").with_second_phase(**second)


BAD_FIRST = [
    (
        {"weight": "small"},
        {},
        DesignError,
        'weight of the first phase is 0.5 in row 1. method="full" takes weights as inv',
    ),
    (
        {"weight": "y", "psu": "area"},
        {},
        DesignError,
        "varies within a sampling unit .row 2., so it is not the inverse",
    ),
    ({"weight": "w", "psu": ("area", "home")}, {}, UnsupportedOption, 'method="full" needs the fpc of every stage'),
    (
        {"fpc": ("N", "N"), "psu": ("area", "home")},
        {"method": "approx"},
        UnsupportedOption,
        "method='approx' is for a first phase of one stage; this one has 2. Use method=\"full\"",
    ),
    (
        {"fpc": "p", "pps": "brewer"},
        {},
        UnsupportedOption,
        "second phase of a sample with pps is not available. State the first phase by its weight, one over",
    ),
    (
        {"lonely_psu": "adjust", "lonely_domain": True},
        {},
        UnsupportedOption,
        "lonely_domain=True is not available with a second phase",
    ),
]


@pytest.mark.parametrize(("first", "second", "error", "text"), BAD_FIRST)
def test_first_phases_that_cannot_be_followed(first, second, error, text):
    with pytest.raises(error, match=text):
        _poll(**first).with_second_phase("asked", strata="seen", **second)


def test_fpc_of_some_stages_of_the_second_phase_implies_no_weights():
    how = {"strata": "region", "psu": ("home", "y"), "fpc": "N"}
    with pytest.raises(DesignError) as caught:
        _poll(fpc="N").with_second_phase("asked", **how)
    assert str(caught.value) == (
        "fpc of the second phase is stated for 1 of 2 stages, so it does not imply weights. Give weight=, or fpc of every "
        "stage."
    )
    stated = _poll(fpc="N").with_second_phase("asked", **how, weight="w")
    inside = FRAME["asked"] == 1
    np.testing.assert_allclose(stated.bound.weight[inside], 90 / 24 * FRAME["w"][inside])


@pytest.mark.parametrize("column", [[True, None, False], [1.0, np.nan, 0.0], ["a", "b", "c"], [1, 2, 0]])
def test_a_column_that_is_no_mark_names_its_row(column):
    values = pd.Series(column, dtype="boolean" if column[0] is True else None)
    row = 1 if column[0] == "a" else 2
    with pytest.raises(ArgumentError, match=f"Column 'mark' does not say .* row {row} is neither 0 nor 1"):
        phase_rows(values, "mark")


def test_one_unit_of_a_first_stratum_in_the_second_phase_is_refused():
    frame = FRAME.assign(some=[1] + [0] * 11 + [1] * 12)
    first = sk.from_frame(frame).with_design(strata="region", lonely_psu="remove")
    with pytest.raises(
        LonelyPsuError, match='has a single sampling unit of 1 strata of the first phase.*method="full"'
    ):
        first.with_second_phase("some", method="approx")
    assert sk.mean(first.with_second_phase("some"), "y").se[0] > 0


def test_what_a_two_phase_survey_refuses():
    poll = _poll(fpc="N").with_second_phase("asked", strata="seen")
    with pytest.raises(
        DesignError, match="This survey is of a second phase. State the design on the survey of the first"
    ):
        poll.with_design(weight="w")
    with pytest.raises(
        UnsupportedOption,
        match="A third phase is not available. State the first two as one design, under the product of their weights, and",
    ):
        poll.with_second_phase("asked")
    with pytest.raises(UnsupportedOption, match="Replicate weights for a two-phase design are not available"):
        poll.design.refuse_replicates()
    with pytest.raises(UnsupportedOption, match="Weighting a two-phase design is not available"):
        poll.design.reweighted("w", None)
    with pytest.raises(
        UnsupportedOption, match="unequal probabilities .Brewer. are not available. State the design without"
    ):
        _poll(fpc="p", pps="brewer").design.refuse_replicates()
    raked = _poll().rake({"region": {"north": 0.4, "south": 0.6}})
    with pytest.raises(UnsupportedOption, match="A second phase of a sample with calibrated weights is not available"):
        raked.with_second_phase("asked")


def test_the_second_phase_is_a_domain_of_its_rows():
    frame = FRAME.assign(y=FRAME["y"].where(FRAME["asked"] == 1), asked=FRAME["asked"] == 1)
    poll = sk.from_frame(frame).with_design(fpc="N").with_second_phase("asked", strata="seen")
    assert len(poll) == 12
    assert poll.weight[FRAME["asked"] == 0].eq(0).all()
    np.testing.assert_allclose(poll.weight.sum(), 90)
    estimate = sk.mean(poll, "y")
    assert estimate.n[0] == 12
    assert estimate.df == 10
    assert not [n for n in estimate.notices if n.kind == "missing"]
    assert sk.mean(poll.where("region == 'north'"), "y").n[0] == 6
    assert poll.where("region == 'north'").condition == "(asked == 1) and (region == 'north')"


def test_every_option_of_the_second_phase_changes_the_error():
    first = _poll(fpc="N")
    how = [
        {"subset": "asked"},
        {"subset": "asked", "strata": "seen"},
        {"subset": "asked", "strata": "seen", "method": "approx"},
        {"subset": "asked", "psu": "home"},
        {"subset": "asked", "fpc": "N"},
        {"subset": "asked", "weight": "y"},
        {"subset": "area in [0, 2, 3]", "psu": "area"},
    ]
    found = [sk.total(first.with_second_phase(**h), "y").se[0] for h in how]
    assert len({round(f, 9) for f in found}) == len(how)
    simple = sk.total(first.with_second_phase("asked", strata="seen", method="simple"), "y").se[0]
    np.testing.assert_allclose(simple, found[2])


@pytest.mark.parametrize(("rule", "second"), [("remove", 1.0), ("certainty", 1.0), ("adjust", 0.5)])
def test_lonely_strata_of_the_second_phase_by_rule(rule, second):
    """One of two was drawn; a rule other than "adjust" leaves the second phase of that stratum out."""
    frame = FRAME.assign(some=(ROWS % 2 == 0).astype(int), seen=np.where(ROWS < 2, 9, ROWS // 6))
    poll = sk.from_frame(frame).with_design(fpc="N", lonely_psu=rule).with_second_phase("some", strata="seen")
    z, first = FRAME["y"][0] / (24 / 90 * 0.5), 24 / 90
    np.testing.assert_allclose(sk.total(poll, "y", where="seen == 9").se, z * np.sqrt(1 - first * second))


def test_strata_without_fpc_are_said_to_save_nothing():
    poll = _poll(strata="region").with_second_phase("asked", strata="seen")
    assert [n.text for n in poll.notices if n.kind == "two_phase"] == [
        'The first phase has strata but no fpc: method="full" takes its units as drawn independently, so that these strata '
        'save no variance. State fpc, or use method="approx".'
    ]
    again = _poll(strata="region", fpc="N").with_second_phase("asked", strata="seen")
    assert not [n for n in again.notices if n.kind == "two_phase"]
