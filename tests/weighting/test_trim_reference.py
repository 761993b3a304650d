"""Trimming against R survey 4.5 and pewmethods (see the shared reference)."""

from __future__ import annotations

import numpy as np
import pytest
from support.reference import assert_close, dataset, entries, labelled, needs_shared, survey_for

import survey_kit as sk
from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.rake import rake
from survey_kit.weighting.trim import trim

pytestmark = needs_shared

TRIM = [e for e in entries("trim") if not e.get("advisory")]
PEW = [e for e in entries("pew") if e["estimator"] == "trim_weights"]
API = {"stype": {"E": 6194 - 755 - 1018, "H": 755, "M": 1018}, "api99": 3914069}
VARIABLES = {
    "svymean(~biden,new,na.rm=TRUE)": (sk.mean, "biden"),
    "svymean(~api00,new)": (sk.mean, "api00"),
    "svytotal(~enroll,new,na.rm=TRUE)": (sk.total, "enroll"),
    "svymean(~approve,new)": (sk.mean, "approve"),
    "svymean(~sport01+heures_tv,new,na.rm=TRUE)": (sk.mean, ["sport01", "heures_tv"]),
}


def before(entry: dict, poll: sk.Survey) -> sk.Survey:
    """The survey that is trimmed: raked, calibrated, or as it is."""
    method = entry["args"]["method"]
    if method.startswith("calibrate"):
        return calibrate(poll, API)
    if method.startswith("rake"):
        args = next(e for e in entries("rake") if e["id"] == "rake_anes5_one")["args"]
        names = [m.lstrip("~") for m in args["sample_margins"]]
        margins = zip(names, args["population_margins"], strict=True)
        return rake(poll, {v: {str(r[v]): r["Freq"] for r in rows} for v, rows in margins})
    assert method == "trimWeights"
    return poll


@pytest.mark.parametrize("entry", TRIM, ids=lambda e: e["id"])
def test_trim_weights(entry):
    args, result = entry["args"], entry["result"]
    poll = before(entry, survey_for(entry))
    lower = None if args["lower"] == "-Inf" else args["lower"]
    trimmed = trim(poll, lower, args["upper"], args["strict"], unit="weight")
    w = trimmed.weight.to_numpy()
    assert len(w) == result["n"]
    assert_close(w[: len(result["weights"])], result["weights"], 1e-8, "weights")
    found = [w.sum(), w @ w, np.arange(1, len(w) + 1) @ w, w.min(), w.max(), trimmed.weights.deff]
    expected = [result[k] for k in ("sum", "sumsq", "sum_index_times_w", "min", "max", "kish_deff")]
    assert_close(found, expected, 1e-8, "moments")
    for estimate in result["estimates"]:
        verb, variables = VARIABLES[estimate["r_code"]]
        estimates = verb(trimmed, variables)
        assert_close(estimates.theta, estimate["estimate"], 1e-8, estimate["r_code"])
        assert_close(estimates.se, estimate["se"], 1e-8, f"se of {estimate['r_code']}")
        assert estimates.df == estimate["df"]


@pytest.mark.parametrize("entry", PEW, ids=lambda e: e["id"])
def test_pewmethods_trim_weights(entry):
    args, result = entry["args"], entry["result"]
    frame = labelled(*dataset(entry["dataset"][0]))
    found = trim(frame["weight"], args["lower_quantile"], args["upper_quantile"], args["strict"], unit="quantile")
    w = found.values.to_numpy()
    assert_close(w[: len(result["weights"])], result["weights"], 1e-8, "weights")
    assert_close([w.sum(), w.min(), w.max()], [result[k] for k in ("sum", "min", "max")], 1e-8)


def test_replicates_where_r_goes_wrong():
    """R 4.5 leaves the full-sample weights untrimmed and lifts replicate weights of zero to the lower limit."""
    entry = next(e for e in entries("trim") if e["id"] == "trim_jk")
    poll = calibrate(survey_for(entry), API)
    full, held = poll.weight.to_numpy(), poll.bound.replicates.weights
    assert_close(full, entry["result"]["weights"], 1e-8, "R's untrimmed weights")
    trimmed = trim(poll, 25, 40, strict=False, unit="weight")

    def by_hand(w: np.ndarray) -> np.ndarray:
        outside = (w > 0) & ((w < 25) | (w > 40))
        new = np.where(outside, np.clip(w, 25, 40), w)
        free = (w > 0) & ~outside
        return new + free * (w - new).sum() / free.sum()

    np.testing.assert_allclose(trimmed.weight, by_hand(full), rtol=1e-12)
    after = trimmed.bound.replicates.weights
    np.testing.assert_allclose(after, np.column_stack([by_hand(w) for w in held.T]), rtol=1e-12)
    np.testing.assert_array_equal(after == 0, held == 0)
