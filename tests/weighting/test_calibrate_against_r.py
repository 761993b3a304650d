"""Weights and standard errors of calibration against R survey (tests/reference/calibrate.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.weighting import calibrate

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "calibrate.json").read_text(encoding="utf-8"))
PEOPLE = 900
BOTH = {
    "sex": {"male": 400, "female": 500},
    "age": {"18-29": 350, "30-49": 400, "50+": 150},
    "income": PEOPLE * 187,
}
HOURS = {"(Intercept)": PEOPLE, "hours": 13500}
NUMBERS = {"hours": 13500, "income": 168000}
MEAN = PEOPLE / 240  # lower and upper are multiples of the mean weight

CASES = {
    "linear": (BOTH, {}),
    "raking": (BOTH, {"distance": "raking"}),
    "logit": (BOTH, {"distance": "logit", "bounds": (0.5, 1.8)}),
    "sinh": (BOTH, {"distance": "sinh", "bounds": (0.1, 9)}),
    "linear_bounded": (BOTH, {"bounds": (0.6, 1.7)}),
    "raking_bounded": (BOTH, {"distance": "raking", "bounds": (0.6, 1.7)}),
    "no_people": (NUMBERS, {}),
    "no_people_raking": (NUMBERS, {"distance": "raking"}),
    "variance": ({"sex": BOTH["sex"], "hours": 13500}, {"variance": "v"}),
    "limits": (BOTH, {"lower": 2 / MEAN, "upper": 6 / MEAN}),
    "clusters": (HOURS, {"aggregate": "area"}),
    "clusters_raking": (HOURS, {"aggregate": "area", "distance": "raking"}),
}


def frame() -> pd.DataFrame:
    i = np.arange(1, 241)
    return pd.DataFrame(
        {
            "stratum": np.array(["a", "b", "c"])[(i - 1) // 80],
            "area": 1 + (i - 1) // 8,
            "id": i,
            "w": 2 + ((i - 1) // 8 * 5) % 7 / 2,
            "v": 1.5 + (i * 5) % 11 / 2.5,
            "sex": np.array(["male", "female"])[(i * 7 + i // 11) % 5 // 3],
            "age": np.array(["18-29", "30-49", "50+"])[(i * i + i // 9) % 7 // 3],
            "hours": 2 + (i * 17) % 24 + (i // 10) % 5,
            "income": 100 + (i * 37) % 91 + 3 * ((i - 1) // 8),
            "vote": np.array(["red", "green", "none"])[(i * i + i // 7) % 5 // 2],
        }
    )


def surveys() -> dict[str, sk.Survey]:
    poll = sk.from_frame(frame())
    areas = poll.with_design(weight="w", strata="stratum", psu="area")
    return {"areas": areas, "plain": poll.with_design(weight="v"), "jackknife": areas.replicate(method="JKn")}


@pytest.mark.parametrize(("design", "case"), [(d, c) for d in ("areas", "plain", "jackknife") for c in R[d]])
def test_estimates_after_calibration_are_those_of_r(design, case):
    totals, options = CASES[case]
    poll, expected = calibrate(surveys()[design], totals, **options), R[design][case]
    weights = poll.weight.to_numpy()
    np.testing.assert_allclose(weights[:60], expected["weights"], rtol=1e-8)
    assert (weights**2).sum() == pytest.approx(expected["sumsq"], rel=1e-8)
    mean, share = sk.mean(poll, ["hours", "income"]), sk.proportion(poll, "vote")
    np.testing.assert_allclose(mean.theta, expected["mean"], rtol=1e-8)
    np.testing.assert_allclose(np.asarray(mean.vcov()), expected["mean_vcov"], rtol=1e-8, atol=1e-10)
    order = [list(share.frame()["answer"]).index(a) for a in ("green", "none", "red")]
    np.testing.assert_allclose(share.theta[order], expected["share"], rtol=1e-8)
    np.testing.assert_allclose(np.asarray(share.vcov())[np.ix_(order, order)], expected["share_vcov"], rtol=1e-8)
    total, counts = sk.total(poll, "hours"), sk.total(poll, "vote")
    theta, se = np.append(total.theta, counts.theta[order]), np.append(total.se, counts.se[order])
    np.testing.assert_allclose(theta, expected["total"], rtol=1e-8)
    np.testing.assert_allclose(se, expected["total_se"], rtol=1e-8, atol=1e-6)
