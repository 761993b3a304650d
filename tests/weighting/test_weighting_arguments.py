"""Arguments that many weighting verbs take are refused in the same words, and none is taken for something else."""

from __future__ import annotations

import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, TargetMismatchError
from survey_kit.weighting import (
    adjust_nonresponse,
    anesrake,
    base_weights,
    calibrate,
    design_effect,
    dual_frame,
    poststratify,
    propensity,
    rake,
    redistribute_unknown,
    targets_from,
    trim_mse,
)

DATA = pd.DataFrame({"sex": ["m", "m", "f", "f"], "yes": [True, False, True, True], "status": ["I", "I", "UH", "NE"]})
HALVES = {"sex": {"m": 0.5, "f": 0.5}}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda v: adjust_nonresponse(DATA, "yes", model=["sex"], weighted=v), "weighted"),
        (lambda v: redistribute_unknown(DATA, "status", drop_ineligible=v), "drop_ineligible"),
        (lambda v: poststratify(DATA, HALVES, partial=v), "partial"),
        (lambda v: targets_from(DATA, ["sex"], counts=v), "counts"),
        (lambda v: targets_from(DATA, ["sex"], errors=v), "errors"),
        (lambda v: design_effect([1.0, 2.0], published=v), "published"),
    ],
)
@pytest.mark.parametrize("value", ["no", 1, None])
def test_what_is_neither_yes_nor_no_is_refused(call, name, value):
    with pytest.raises(ArgumentError, match=f"^{name}={value!r} must be True or False"):
        call(value)


@pytest.mark.parametrize("verb", [rake, calibrate, anesrake])
@pytest.mark.parametrize("tol", [0, 1, "small", float("nan"), True])
def test_tolerances_are_parts_of_the_total(verb, tol):
    with pytest.raises(ArgumentError, match=f"^tol={tol!r} must be above 0 and below 1: it is a part of the total.$"):
        verb(DATA, HALVES, tol=tol)


@pytest.mark.parametrize("steps", [0, 2.0, True, "many"])
def test_steps_are_whole_numbers(steps):
    text = f"^max_iter={steps!r} must be a whole number of at least 1.$"
    for verb in (rake, calibrate, anesrake):
        with pytest.raises(ArgumentError, match=text):
            verb(DATA, HALVES, max_iter=steps)
    with pytest.raises(ArgumentError, match=text):
        propensity(DATA, DATA, ["sex"], population=100, max_iter=steps)


def test_rows_without_a_value_that_were_decided_on_are_no_fault_beside_an_empty_cell():
    gaps = pd.DataFrame({"sex": ["m", "m", "f", "f", None]})
    targets = {"sex": {"m": 0.4, "f": 0.4, "x": 0.2, "y": None}}
    with pytest.raises(TargetMismatchError) as caught:
        poststratify(gaps, targets, partial=True, missing="own")
    assert "no value in" not in str(caught.value)


def test_relaxed_categories_are_named_as_targets_are():
    data = pd.DataFrame({"kids": [0.0, 1.0, 1.0, 2.0]})
    targets = {"kids": {0: 0.3, 1: 0.4, 2: 0.3}}
    found = calibrate(data, targets, relax={"kids": {1.0: 0.1}})
    assert found.values.equals(calibrate(data, targets, relax={"kids": {"1": 0.1}}).values)


TWINS = DATA.assign(other=1.0).set_axis(["sex", "yes", "status", "sex"], axis=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: adjust_nonresponse(TWINS, "yes", by="sex"),
        lambda: adjust_nonresponse(TWINS, "yes", model=["sex"]),
        lambda: adjust_nonresponse(TWINS, "sex"),
        lambda: redistribute_unknown(TWINS, "sex"),
        lambda: redistribute_unknown(TWINS, "status", by="sex"),
        lambda: poststratify(TWINS, {"m": 0.5, "f": 0.5}, by="sex"),
        lambda: rake(TWINS, {"status": {"I": 0.5, "UH": 0.25, "NE": 0.25}}, base="sex"),
        lambda: base_weights(TWINS, "sex"),
        lambda: dual_frame(TWINS, "sex", "yes"),
        lambda: targets_from(TWINS, ["sex"]),
        lambda: trim_mse(TWINS, "sex", base=[1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_a_column_that_is_there_twice_is_said_to_be(call):
    with pytest.raises(ArgumentError, match="^'sex': the data have 2 columns of this name. Rename them.$"):
        call()


def test_by_names_each_column_once():
    for call in (
        lambda: poststratify(DATA, {("m", "m"): 1.0}, by=["sex", "sex"]),
        lambda: adjust_nonresponse(DATA, "yes", by=["sex", "sex"]),
    ):
        with pytest.raises(ArgumentError, match=r"^by=\['sex', 'sex'\] must name each column once.$"):
            call()


def test_a_column_with_a_tuple_for_its_name_is_one_variable():
    plain = adjust_nonresponse(DATA, "yes", by="sex")
    named = DATA.set_axis([("a", "b"), "yes", "status"], axis=1)
    assert adjust_nonresponse(named, "yes", by=("a", "b")).values.equals(plain.values)


def test_user_missing_codes_are_neither_clusters_nor_variances():
    codes = pd.DataFrame({"area": [1, 1, 2, 99] * 5, "sex": [1, 2, 1, 2] * 5})
    poll = sk.from_frame(codes).declare_missing("area", [99])
    targets = {"sex": {"1": 0.4, "2": 0.6}}
    with pytest.raises(ArgumentError, match=r"^aggregate='area' has no cluster in 5 rows \(row 4, "):
        sk.calibrate(poll, targets, aggregate="area")
    with pytest.raises(ArgumentError, match=r"^variance='area' must be a number above 0 in every row; it is not in 5 "):
        sk.calibrate(poll, targets, variance="area")
