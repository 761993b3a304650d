"""Why steps stopped short of the targets: what the text says is the reason that it was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.errors import ArgumentError, ConvergenceError
from survey_kit.weighting import anesrake, calibrate, cbps, propensity, rake
from survey_kit.weighting.rows.arguments import rounding_stops

FRAME = pd.DataFrame({"a": list("xxyy") * 25, "b": list("uvvv") * 25, "z": np.arange(100.0)})
TARGETS = {"a": {"x": 0.4, "y": 0.6}, "b": {"u": 0.3, "v": 0.7}}


@pytest.mark.parametrize("verb", [rake, calibrate, anesrake])
@pytest.mark.parametrize("tol", [1e-30, 2e-16])
def test_no_tolerance_is_below_what_rounding_leaves(verb, tol):
    with pytest.raises(ArgumentError, match="less than rounding leaves of a total.*Give 1e-15 or more"):
        verb(FRAME, TARGETS, tol=tol)


@pytest.mark.parametrize("verb", [rake, calibrate])
def test_no_tolerance_at_all_is_refused(verb):
    for targets in (TARGETS, {**TARGETS, "z": {"mean": 50.0}}):
        with pytest.raises(ArgumentError, match="tol=None must be above 0 and below 1"):
            verb(FRAME, targets, tol=None)


def test_rounding_is_named_where_nothing_else_is_left():
    assert rounding_stops(3e-14, 1e-14) == "Rounding stops at 3e-14: allow a larger tol (now 1e-14)."
    assert rounding_stops(3e-9, 1e-10) == ""
    assert rounding_stops(3e-14, 1e-10) == ""


@pytest.mark.parametrize("solver", ["auto", "ipf", "newton"])
def test_targets_on_the_boundary_are_told_by_every_solver(solver):
    targets = {"a": {"x": 0.3, "y": 0.7}, "b": {"u": 0.3, "v": 0.7}}
    with pytest.raises(ConvergenceError, match=r"met only with weight 0 for some rows \(n=25\)"):
        rake(FRAME, targets, solver=solver)


def test_sweeps_that_were_too_few_are_told_as_such():
    with pytest.raises(ConvergenceError, match=r"Raise max_iter \(now 2\)"):
        rake(FRAME, TARGETS, solver="ipf", max_iter=2)


@pytest.mark.parametrize("verb", [propensity, cbps])
def test_steps_that_were_limited_do_not_accuse_the_data(verb):
    people = pd.DataFrame({"a": list("xyyy") * 100, "d": 5.0})
    with pytest.raises(ConvergenceError) as caught:
        verb(FRAME, people, ["a"], reference_weight="d", max_iter=1)
    assert "after 1 step:" in str(caught.value)
    assert "max_iter=1 stopped the steps; raise it" in str(caught.value)
    assert "No finite coefficients" not in str(caught.value)
