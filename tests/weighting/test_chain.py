"""Chains of weighting steps and the standard errors after them, against R survey (tests/reference/chains.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "chains.json").read_text(encoding="utf-8"))
SEX = {"male": 290, "female": 310}
AGE = {"18-29": 150, "30-49": 260, "50+": 190}
TOWN = {"city": 320, "town": 140, "village": 140}

CHAINS = {
    "poststratify": lambda p: p.poststratify({"sex": SEX}),
    "poststratify_rake": lambda p: p.poststratify({"sex": SEX}).rake({"age": AGE, "town": TOWN}),
    "rake_rake": lambda p: p.rake({"age": AGE, "town": TOWN}).rake({"sex": SEX, "town": TOWN}),
    "rake_poststratify": lambda p: p.rake({"age": AGE, "town": TOWN}).poststratify({"sex": SEX}),
    "calibrate_rake": lambda p: p.calibrate({"sex": SEX, "hours": 8300}).rake({"age": AGE, "town": TOWN}),
    "poststratify_calibrate": lambda p: p.poststratify({"age": AGE}).calibrate(
        {"sex": SEX, "income": 113000}, distance="raking"
    ),
    "rake_trim": lambda p: sk.trim(
        p.rake({"sex": SEX, "age": AGE, "town": TOWN}), lower=0.9, upper=3.2, strict=False, unit="weight"
    ),
}


def frame() -> pd.DataFrame:
    i = np.arange(1, 301)
    return pd.DataFrame(
        {
            "stratum": np.array(["a", "b", "c"])[(i - 1) // 100],
            "area": 1 + (i - 1) // 10,
            "w": 1 + (i * (13 % 17)) % 7 / 4,
            "n1": np.array([40, 60, 80])[(i - 1) // 100],
            "n2": 40,
            "id": i,
            "sex": np.array(["male", "female"])[(i * 7 + i // 11) % 5 // 3],
            "age": np.array(["18-29", "30-49", "50+"])[(i * i + i // 9) % 7 // 3],
            "town": np.array(["city", "town", "village", "city"])[(i * 11 + i // 5) % 4],
            "vote": np.array(["red", "green", "none"])[(i * i + i // 7) % 5 // 2],
            "hours": 2 + (i * (17 % 23)) % 24 + (i // 10) % 5,
            "income": 100 + (i * 37) % 91 + 3 * ((i - 1) // 10),
        }
    )


def surveys() -> dict[str, sk.Survey]:
    poll = sk.from_frame(frame())
    clusters = poll.with_design(weight="w", strata="stratum", psu="area")
    return {
        "clusters": clusters,
        "stages": poll.with_design(strata="stratum", psu=("area", "id"), fpc=("n1", "n2")),
        "plain": poll.with_design(weight="w"),
        "jackknife": clusters.replicate(method="JKn"),
    }


@pytest.mark.parametrize("design", ["clusters", "stages", "plain", "jackknife"])
@pytest.mark.parametrize("chain", CHAINS)
def test_estimates_after_a_chain_are_those_of_r(design, chain):
    if chain not in R[design]:
        pytest.skip("R's trimWeights of replicate weights leaves the full-sample weights untrimmed")
    poll, expected = CHAINS[chain](surveys()[design]), R[design][chain]
    weights = poll.weight.to_numpy()
    np.testing.assert_allclose(weights[:40], expected["weights"], rtol=1e-8)
    assert (weights**2).sum() == pytest.approx(expected["sumsq"], rel=1e-8)
    mean, share = sk.mean(poll, ["hours", "income"]), sk.proportion(poll, "vote")
    np.testing.assert_allclose(mean.theta, expected["mean"], rtol=1e-8)
    np.testing.assert_allclose(np.asarray(mean.vcov()), expected["mean_vcov"], rtol=1e-7, atol=1e-9)
    order = [list(share.frame()["answer"]).index(a) for a in ("green", "none", "red")]
    np.testing.assert_allclose(share.theta[order], expected["share"], rtol=1e-8)
    np.testing.assert_allclose(
        np.asarray(share.vcov())[np.ix_(order, order)], expected["share_vcov"], rtol=1e-7, atol=1e-12
    )
    total = sk.total(poll, "income")
    assert total.theta[0] == pytest.approx(expected["total"][0], rel=1e-8)
    assert total.se[0] == pytest.approx(expected["total_se"][0], rel=1e-8, abs=1e-6)
    by = sk.mean(poll, "hours", by="sex")
    order = [list(by.frame()["sex"]).index(a) for a in ("female", "male")]
    np.testing.assert_allclose(by.theta[order], expected["by"], rtol=1e-8)
    np.testing.assert_allclose(by.se[order], expected["by_se"], rtol=1e-8)


def test_a_scale_changes_no_standard_error():
    poll = surveys()["clusters"].rake({"age": AGE, "town": TOWN})
    scaled = sk.normalize(poll)
    assert scaled.weight.sum() == pytest.approx(300)
    assert sk.mean(scaled, "hours").se[0] == pytest.approx(sk.mean(poll, "hours").se[0], rel=1e-12)


def test_a_chain_on_a_frame_is_the_chain_on_the_survey():
    data, poll = frame(), surveys()["clusters"]
    first = sk.poststratify(data, {"sex": SEX}, base="w")
    second = sk.rake(data, {"age": AGE, "town": TOWN}, base=first)
    assert [step.method for step in second.steps] == ["poststratify", "rake"]
    assert len(second.adjustments) == 2
    attached = poll.reweighted(second)
    chained = CHAINS["poststratify_rake"](poll)
    np.testing.assert_allclose(attached.weight, chained.weight, rtol=1e-12)
    np.testing.assert_allclose(sk.mean(attached, "hours").se, sk.mean(chained, "hours").se, rtol=1e-12)
    assert [step.method for step in chained.weights.steps] == ["poststratify", "rake"]


def test_weights_of_other_rows_are_refused():
    data, poll = frame(), surveys()["clusters"]
    part = sk.rake(data.iloc[:200], {"sex": SEX})
    with pytest.raises(sk.errors.DesignError, match=r"of 200 rows with another index than the survey's 300"):
        poll.reweighted(part)


def influence(data: pd.DataFrame, weigh, outcome: str) -> np.ndarray:
    """w_i d(mean) / d(w_i) of every row by central differences, the whole chain repeated."""
    values = data[outcome].to_numpy()

    def mean(base: np.ndarray) -> float:
        weights = weigh(data, base).values.to_numpy()
        return float(weights @ values / weights.sum())

    base = data["w"].to_numpy()
    step = 1e-4 * base
    moved = [(mean(base + step[i] * e), mean(base - step[i] * e)) for i, e in enumerate(np.eye(len(base)))]
    return base * np.array([(up - down) / (2 * s) for (up, down), s in zip(moved, step, strict=True)])


STEPS = {
    "nonresponse, then calibration": lambda d, w: sk.calibrate(
        d,
        {"sex": SEX, "hours": 8300},
        base=sk.adjust_nonresponse(d, "answered", by="town", base=w),
    ),
    "propensity of response, then post-stratification": lambda d, w: sk.poststratify(
        d, {"age": AGE}, base=sk.adjust_nonresponse(d, "answered", model=["sex", "income"], base=w)
    ),
    "calibration, then nonresponse": lambda d, w: sk.adjust_nonresponse(
        d, "answered", by="sex", base=sk.calibrate(d, {"age": AGE}, base=w)
    ),
}


@pytest.mark.parametrize("steps", STEPS)
def test_standard_errors_after_a_chain_are_those_of_its_derivative(steps):
    data = frame().iloc[::3].reset_index(drop=True)
    data["answered"] = np.arange(len(data)) % 5 > 0
    z = influence(data, STEPS[steps], "income")
    se = np.sqrt(len(z) / (len(z) - 1) * ((z - z.mean()) ** 2).sum())
    poll = sk.from_frame(data).with_design(weight="w").reweighted(STEPS[steps](data, data["w"]))
    assert sk.mean(poll, "income").se[0] == pytest.approx(se, rel=1e-5)


def test_a_base_that_is_not_the_weight_of_a_weighted_survey_is_refused():
    raked = surveys()["clusters"].rake({"sex": SEX})
    with pytest.raises(sk.errors.UnsupportedOption, match=r"base= is not available with a survey that was weighted"):
        raked.rake({"age": AGE}, base="w")
    again = raked.rake({"age": AGE}, base=raked.weight)
    assert len(again.design.adjustments) == 2


def test_weights_of_a_frame_as_the_base_of_a_survey_keep_their_steps():
    poll = surveys()["clusters"]
    chained = poll.rake({"age": AGE, "town": TOWN}, base=sk.poststratify(frame(), {"sex": SEX}, base="w"))
    expected = CHAINS["poststratify_rake"](poll)
    np.testing.assert_allclose(sk.mean(chained, "hours").se, sk.mean(expected, "hours").se, rtol=1e-12)


def test_a_step_on_the_record_of_a_survey_is_not_counted_twice():
    raked = surveys()["clusters"].rake({"sex": SEX, "age": AGE})
    attached = raked.reweighted(sk.trim(raked.weights, upper=1.5))
    assert len(attached.design.adjustments) == 1
    np.testing.assert_allclose(sk.mean(attached, "hours").se, sk.mean(sk.trim(raked, upper=1.5), "hours").se)


def test_weights_that_start_elsewhere_than_a_weighted_survey_are_refused():
    raked = surveys()["clusters"].rake({"sex": SEX})
    with pytest.raises(sk.errors.DesignError, match=r"do not start from the weight of the survey"):
        raked.reweighted(sk.rake(frame(), {"age": AGE}, base="w"))


def test_nonrespondents_need_no_answers_in_later_steps():
    data = frame()
    data["answered"] = np.arange(len(data)) % 4 > 0
    silent = data.assign(**{c: data[c].where(data["answered"]) for c in ("sex", "age", "hours", "income")})
    for poll in (sk.from_frame(d).with_design(weight="w", psu="area") for d in (data, silent)):
        first = poll.adjust_nonresponse("answered", by="town")
        for step in (
            first.rake({"sex": SEX, "age": AGE}),
            first.poststratify({"age": AGE}),
            first.calibrate({"sex": SEX, "hours": 8300}),
        ):
            found = sk.mean(step, "income", where="answered == 1")
            assert not [n for n in sk.mean(step, "income").notices if n.kind == "missing"]
            assert (step.weight[~data["answered"]] == 0).all()
            assert step.weights.targets["unweighted_n"].max() <= data["answered"].sum()
            expected = sk.mean(_again(step, data), "income", where="answered == 1")
            np.testing.assert_allclose(found.se, expected.se, rtol=1e-9)


def _again(step: sk.Survey, data: pd.DataFrame) -> sk.Survey:
    """The last step on complete data."""
    whole = sk.from_frame(data).with_design(weight="w", psu="area").adjust_nonresponse("answered", by="town")
    method = step.weights.method
    if method == "rake":
        return whole.rake({"sex": SEX, "age": AGE})
    return (
        whole.poststratify({"age": AGE}) if method == "poststratify" else whole.calibrate({"sex": SEX, "hours": 8300})
    )


def test_bounds_of_weights_hold_in_replicates_alike_for_both_verbs():
    poll = surveys()["jackknife"]
    raked = poll.rake({"sex": SEX, "age": AGE, "town": TOWN}, lower=0.4, upper=3)
    calibrated = poll.calibrate({"sex": SEX, "age": AGE, "town": TOWN}, distance="raking", lower=0.4, upper=3)
    assert raked.weights.at_upper > 0
    np.testing.assert_allclose(raked.weight, calibrated.weight, rtol=1e-9)
    np.testing.assert_allclose(raked.bound.replicates.weights, calibrated.bound.replicates.weights, rtol=1e-8)
