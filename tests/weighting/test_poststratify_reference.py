"""Post-stratification, nonresponse, redistribution and dual frames against R survey 4.5 and svrep (the shared reference)."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from support.chi_square import rao_scott
from support.reference import DATA, assert_close, dataset, entries, needs_shared, survey_for

import survey_kit as sk
from survey_kit.codebook import Variable
from survey_kit.weighting.dual_frame import dual_frame
from survey_kit.weighting.nonresponse import adjust_nonresponse
from survey_kit.weighting.poststratify import poststratify

pytestmark = needs_shared

POSTSTRATIFY = entries("poststratify")
NONRESPONSE = {e["id"]: e for e in entries("nonresponse")}


def _population(entry: dict) -> pd.DataFrame:
    return pd.DataFrame(entry["args"]["population"])


def _estimate(poll: sk.Survey, code: str):
    by = re.fullmatch(r"svyby\(~(\w+),\s*~(\w+),\s*new,\s*svymean\)", code)
    if by:
        return sk.mean(poll, by[1], by=by[2])
    kind, terms = re.fullmatch(r"svy(mean|total)\(~([\w+]+),\s*new.*\)", code).groups()
    names = terms.split("+")
    if poll.codebook[names[0]].labels and kind == "mean":
        return sk.proportion(poll, names)
    return sk.total(poll, names) if kind == "total" else sk.mean(poll, names)


@pytest.mark.parametrize("entry", POSTSTRATIFY, ids=lambda e: e["id"])
def test_poststratification(entry):
    by = entry["args"]["strata"].lstrip("~").split("+")
    poll = poststratify(survey_for(entry), _population(entry), by=by, partial=bool(entry["args"].get("partial")))
    weights, result = poll.weight.to_numpy(), entry["result"]
    assert_close(weights[: len(result["weights"])], result["weights"], 1e-8, "weights")
    assert_close(
        [weights.sum(), (weights**2).sum(), weights.min(), weights.max()],
        [result[k] for k in ("sum", "sumsq", "min", "max")],
        1e-8,
    )
    assert_close((weights * np.arange(1, len(weights) + 1)).sum(), result["sum_index_times_w"], 1e-8)
    assert_close(poll.weights.deff, result["kish_deff"], 1e-8)
    assert_close([poll.weights.g.min(), poll.weights.g.max()], result["g_range"], 1e-8)
    for expected in result["estimates"]:
        estimates = _estimate(poll, expected["r_code"])
        assert_close(estimates.theta, expected["estimate"], 1e-8, expected["r_code"])
        # an estimate of a cell has no error; R leaves rounding
        small = np.array(expected["se"]) < 1e-9 * np.abs(expected["estimate"])
        assert_close(estimates.se[~small], np.array(expected["se"])[~small], 1e-8, f"se of {expected['r_code']}")
        assert (estimates.se[small] < 1e-8 * np.abs(estimates.theta[small])).all()
        assert estimates.df == expected["df"]


def _nhis() -> pd.DataFrame:
    codes, _ = dataset("nhis")
    return codes.assign(
        race_f=codes["race"].astype(int).astype(str), marital_f=codes["marital"].astype(int).astype(str)
    )


MODEL = ["age", "race_f", "marital_f"]


def _respondents_only(frame: pd.DataFrame, weights: np.ndarray, **design) -> sk.Survey:
    """What the reference does: a new survey of respondents, the weights taken as given."""
    kept = frame.assign(w=weights)[weights > 0].reset_index(drop=True)
    return sk.from_frame(kept, own_sample=True).with_design(weight="w", **design)


@pytest.mark.parametrize(("name", "weighted"), [("nr_glm_unw", False), ("nr_svyglm_w", True)])
def test_propensity_adjustment(name, weighted):
    frame, result = _nhis(), NONRESPONSE[name]["result"]
    weights = adjust_nonresponse(frame, "resp", model=MODEL, base="svywt", weighted=weighted)
    responded = frame["resp"].to_numpy() == 1
    kept = weights.values.to_numpy()[responded]
    assert_close(weights.details["coefficients"], result["coef"], 1e-8, "coefficients")
    assert_close(weights.details["propensity"][:50], result["phat_first50"], 1e-8, "propensities")
    assert_close(kept[:100], result["w_first100"], 1e-8, "weights")
    assert_close([kept.sum(), (kept**2).sum()], [result["w_sum"], result["w_sumsq"]], 1e-8)
    assert (weights.values.to_numpy()[~responded] == 0).all()


def test_estimates_with_weights_taken_as_given():
    frame, result = _nhis(), NONRESPONSE["nr_glm_unw"]["result"]
    weights = adjust_nonresponse(frame, "resp", model=MODEL, base="svywt", weighted=False)
    poll = _respondents_only(frame, weights.values.to_numpy(), strata="stratum", psu="psu", lonely_psu="adjust")
    parents = sk.proportion(poll, "parents_r")
    assert_close([*sk.mean(poll, "age").theta, *parents.theta], result["estimate"], 1e-8)
    assert_close([*sk.mean(poll, "age").se, *parents.se], result["se"], 1e-8)


def test_propensity_classes():
    frame, result = _nhis(), NONRESPONSE["nr_classes"]["result"]
    weights = adjust_nonresponse(frame, "resp", model=MODEL, base="svywt", weighted=False, classes=5)
    assert weights.factors["n"].tolist() == result["class_n"]
    assert_close(weights.factors["factor"], result["class_adjustment"], 1e-8)
    kept = weights.values[frame["resp"] == 1]
    assert_close(kept[:100], result["w_first100"], 1e-8)
    assert_close(kept.sum(), result["w_sum"], 1e-8)


def _louisville() -> sk.Survey:
    codes, codebook = dataset("lou_vax_survey")
    return sk.from_frame(codes, codebook).with_design(weight="SAMPLING_WEIGHT")


def test_weighting_classes():
    poll, result = _louisville(), NONRESPONSE["nr_lou_cells"]["result"]
    adjusted = adjust_nonresponse(poll, "respondent", by=["RACE_ETHNICITY", "SEX"])
    factors = adjusted.weights.factors.set_index("class")["factor"]
    assert_close(factors[[c.replace(".", ":") for c in result["cells"]]], result["adjustment"], 1e-8)
    given = _respondents_only(poll.codes, adjusted.weights.values.to_numpy())
    mean = sk.mean(given, "vax")
    assert_close(mean.theta, [result["estimate"]], 1e-8)
    assert_close(mean.se, [result["se"]], 1e-8)


def test_response_rates():
    poll, result = _louisville(), NONRESPONSE["nr_lou_response_rate"]["result"]
    rates = sk.mean(poll, "respondent", by="RACE_ETHNICITY")
    assert_close(rates.theta, result["estimate"], 1e-8)
    assert_close(rates.se, result["se"], 1e-8)
    factors = adjust_nonresponse(poll, "respondent", by="RACE_ETHNICITY").weights.factors
    assert_close(factors["weighted_response_rate"], result["estimate"], 1e-8)


def test_response_is_tested_for_independence():
    poll, result = _louisville(), NONRESPONSE["nr_lou_chisq"]["result"]
    statistic, ndf, ddf = rao_scott(poll, "RESPONSE_STATUS", "RACE_ETHNICITY")
    assert_close([statistic, ndf, ddf], [result["statistic"], *result["parameter"]], 1e-8)


def test_redistribution_repeated_in_replicates():
    poll, result = _louisville(), NONRESPONSE["svrep_redist"]["result"]
    group = (poll.codes["id"] - 1) % 40
    poll = poll.with_column(group, Variable("g", measure="nominal"))
    replicated = poll.with_design(weight="SAMPLING_WEIGHT", psu="g").replicate("JK1")
    adjusted = adjust_nonresponse(replicated, "RESPONSE_STATUS == 'Respondent'", by=["RACE_ETHNICITY", "SEX"])
    assert_close(adjusted.weight[:50], result["full_weights_first50"], 1e-8)
    assert_close(adjusted.weight.sum(), result["sum_weights"], 1e-8)
    mean = sk.mean(adjusted, "vax")
    assert_close(mean.theta, [result["estimate"]], 1e-8)
    assert_close(mean.se, [result["se"]], 1e-8)


def test_dual_frame():
    entry = {e["id"]: e for e in entries("dual_frame")}["dual_mean_simple"]
    poll = _phones()
    composite = dual_frame(poll, "frame", "both", theta=0.5)
    mean = sk.mean(composite, "Lei")
    assert_close(mean.theta, entry["result"]["estimate"], 1e-8)
    assert_close(mean.se, entry["result"]["se"], 1e-8)


def _phones() -> sk.Survey:
    """Strata of frame and stratum; multiframe() reads 1 / w as the fraction sampled, whether or not an fpc was stated."""
    a, b = (pd.read_csv(DATA / f"phone_frame{f}.csv") for f in "AB")
    a = a.assign(frame="A", both=a["in_B"] > 0, w=a["wA"], stratum="A" + a["Stratum"].astype(str))
    b = b.assign(frame="B", both=b["in_A"] > 0, w=b["wB"], stratum="B")
    both = pd.concat([a, b], ignore_index=True)
    both = both.assign(fraction=1 / both["w"])
    return sk.from_frame(both).with_design(weight="w", strata="stratum", fpc="fraction")


DUAL = [e for e in entries("dual_frame") if e["id"] != "dual_mean_simple"]


@pytest.mark.parametrize("entry", DUAL, ids=lambda e: e["id"])
def test_dual_frame_with_joint_probabilities(entry):
    """Frames sampled apart: joint probabilities across them are products, within the overlap weights are composite."""
    joint = [pd.read_csv(DATA / f"phone_pikl{f}.csv").to_numpy() for f in "AB"]
    a, b = (pd.read_csv(DATA / f"phone_frame{f}.csv") for f in "AB")
    p = np.concatenate([a["ProbA"], b["ProbB"]])
    whole = np.outer(p, p)
    start = 0
    for block in joint:
        whole[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    both = np.concatenate([a["in_B"] > 0, b["in_A"] > 0])
    frame = pd.concat([a.assign(frame="A"), b.assign(frame="B")], ignore_index=True).assign(p=p, both=both)
    poll = sk.from_frame(frame).with_design(fpc="p", pps=sk.PPS("joint", whole, "HT"))
    composite = dual_frame(poll, "frame", "both", theta=0.74)
    names = entry["args"]["formula"].lstrip("~").split("+")
    estimates = (sk.total if "tot" in entry["id"] else sk.mean)(composite, names)
    assert_close(estimates.theta, entry["result"]["estimate"], 1e-8)
    assert_close(estimates.se, entry["result"]["se"], 1e-8)


def test_reference_entries_are_all_looked_at():
    assert set(NONRESPONSE) == {
        *("nr_glm_unw", "nr_svyglm_w", "nr_classes", "nr_lou_cells", "nr_lou_response_rate", "svrep_redist"),
        "nr_lou_chisq",
    }
    assert len(POSTSTRATIFY) >= 9
