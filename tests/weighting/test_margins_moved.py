"""What later steps say of targets that a calibration met: told without a survey, categories and numbers alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.weighting import calibrate, normalize, rake, trim

TARGETS = {"a": {"x": 0.4, "y": 0.6}, "b": {"u": 0.3, "v": 0.7}}
NUMBERS = {**TARGETS, "z": {"mean": 51.0}}


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": list("xxyy") * 25, "b": list("uvvv") * 25, "z": np.arange(100.0)})


def with_gaps() -> pd.DataFrame:
    data = frame()
    data.loc[3:7, "a"] = None
    return data


@pytest.mark.parametrize("targets", [TARGETS, NUMBERS])
def test_scaling_moves_no_share(targets):
    weights = calibrate(frame(), targets, distance="raking")
    scaled = normalize(weights, to=1000)
    pd.testing.assert_frame_equal(
        scaled.targets.drop(columns="target"), weights.targets.drop(columns=["target", "achieved"])
    )
    assert not [n for n in scaled.notices if n.kind.startswith("margins")]


@pytest.mark.parametrize("missing", ["error", "own", "ignore"])
def test_trimming_is_told_after_calibration_as_after_raking(missing):
    data = frame() if missing == "error" else with_gaps()
    raked, calibrated = (
        rake(data, TARGETS, missing=missing),
        calibrate(data, TARGETS, distance="raking", missing=missing),
    )
    upper = float(raked.values.max() / raked.values.mean()) * 0.9
    after, again = trim(raked, upper=upper), trim(calibrated, upper=upper)
    np.testing.assert_allclose(again.targets["achieved_share"], after.targets["achieved_share"], rtol=1e-8)
    assert [n.kind for n in again.notices] == [n.kind for n in after.notices]
    assert "margins_moved" in [n.kind for n in again.notices]


@pytest.mark.parametrize("kind", [{"mean": 51.0}, 5100.0])
def test_numbers_are_told_too_and_through_a_chain(kind):
    weights = calibrate(frame(), {**TARGETS, "z": kind}, distance="raking")
    moved = trim(normalize(weights), upper=1.2)
    values = moved.values.to_numpy()
    row = moved.targets.set_index("variable").loc["z"]
    assert row["achieved_share"] == pytest.approx(float(values @ np.arange(100.0)) / values.sum() / 51.0, rel=1e-9)
    assert "margins_unknown" not in [n.kind for n in moved.notices]
