"""rake(): solvers, bounds repeated in replicates, totals of numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, ConvergenceError, UnsupportedOption
from survey_kit.weighting import calibrate, rake

REFERENCE = json.loads((Path(__file__).resolve().parents[1] / "reference" / "rake.json").read_text())

SEX = {"male": 0.47, "female": 0.53}
AGE = {"18-29": 0.21, "30-44": 0.29, "45-59": 0.27, "60+": 0.23}
REGION = {"north": 0.2, "south": 0.45, "west": 0.35}


@pytest.fixture
def sample() -> pd.DataFrame:
    return pd.DataFrame(REFERENCE["sample"])


def poll_of(sample: pd.DataFrame) -> sk.Survey:
    return sk.from_frame(sample).with_design(weight="w").replicate("JK1", mse=True)


@pytest.mark.parametrize("solver", ["ipf", "newton"])
def test_solvers_agree(sample, solver):
    targets = {"sex": SEX, "age4": AGE, "region": REGION}
    one, other = rake(sample, targets, base="w"), rake(sample, targets, base="w", solver=solver)
    assert other.solver == solver
    np.testing.assert_allclose(other.values, one.values, rtol=1e-9)
    with pytest.raises(ArgumentError, match="solver='newtn' is not available. Did you mean 'newton'"):
        rake(sample, targets, solver="newtn")


def test_bounds_are_repeated_in_replicates(sample):
    targets = {"sex": SEX, "age4": AGE, "region": REGION}
    poll, plain = poll_of(sample), sk.from_frame(sample).with_design(weight="w")
    held = rake(poll, targets, lower=0.2, upper=3.0)
    np.testing.assert_allclose(held.weight, rake(plain, targets, lower=0.2, upper=3.0).weight, rtol=1e-12)
    again, before = held.weights.replicates, poll.bound.replicates.weights
    assert again.shape == (240, 240)
    times = np.divide(before, sample["w"].to_numpy()[:, None])  # how often a replicate counts a row
    mean = sample["w"].sum() / 240
    kept = times > 0
    assert (again <= 3.0 * mean * times * (1 + 1e-9)).all()
    assert (again[kept] >= (0.2 * mean * times * (1 - 1e-9))[kept]).all()
    for variable, shares in targets.items():
        for category, share in shares.items():
            reached = again[(sample[variable] == category).to_numpy()].sum(axis=0) / again.sum(axis=0)
            np.testing.assert_allclose(reached, share, atol=1e-9)
    free = rake(poll, targets)
    wide = rake(poll, targets, lower=1e-6, upper=100)
    np.testing.assert_allclose(wide.weights.replicates, free.weights.replicates, rtol=1e-7)


def test_replicates_belong_to_the_surveys_own_weight(sample):
    with pytest.raises(UnsupportedOption, match="base= is not available with replicate weights"):
        rake(poll_of(sample), {"sex": SEX}, base=np.ones(240))
    rake(poll_of(sample), {"sex": SEX}, base="w")


def test_bounds_that_some_replicate_cannot_hold():
    frame = pd.DataFrame({"a": list("xxyyyyyyyy"), "w": 1.0})
    rake(poll_of(frame), {"a": {"x": 0.25, "y": 0.75}}, upper=2.5)
    with pytest.raises(ConvergenceError, match="the targets cannot be met within the bounds"):
        rake(poll_of(frame), {"a": {"x": 0.25, "y": 0.75}}, upper=1.3)


def test_totals_of_numbers_are_raked_with_the_margins(sample):
    frame = sample.assign(x=np.arange(240) % 7)
    made = rake(frame, {"sex": SEX, "x": {"mean": 3.1}}, base="w")
    assert made.method == "rake"
    assert np.average(frame["x"], weights=made.values) == pytest.approx(3.1)
    assert made.values[frame["sex"] == "male"].sum() / made.values.sum() == pytest.approx(0.47)
    np.testing.assert_allclose(made.values, calibrate(frame, {"sex": SEX, "x": {"mean": 3.1}}, "w", "raking").values)
    poll = rake(sk.from_frame(frame).with_design(weight="w"), {"sex": SEX, "x": {"mean": 3.1}})
    assert poll.weights.method == "rake"
    np.testing.assert_allclose(np.sqrt(sk.mean(poll, "x").carrier.variance()), 0, atol=1e-9)
    with pytest.raises(UnsupportedOption, match='solver="ipf" is for margins'):
        rake(frame, {"x": {"mean": 3.1}}, solver="ipf")


def test_what_is_handed_back_of_impossible_margins_is_the_nearest_that_was_reached():
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"sex": random.choice(["m", "f"], 400), "age": random.choice(list("abcd"), 400)})
    targets = {"sex": {"m": 0.9, "f": 0.1}, "age": {"a": 0.97, "b": 0.01, "c": 0.01, "d": 0.01}}
    with pytest.raises(ConvergenceError, match="With upper=1.5 no weights can meet") as caught:
        rake(frame, targets, upper=1.5)
    reached = caught.value.unfinished
    before = (reached.targets["base_share"] - reached.targets["target_share"]).abs().max()
    assert reached.max_gap <= before
    assert reached.values.max() <= 1.5 * (1 + 1e-12)
    assert reached.values.sum() == pytest.approx(400, rel=0.5)
