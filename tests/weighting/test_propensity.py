"""propensity() and cbps(): numbers against R, identities, errors by linearisation and replication, faults as text."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    NoValidData,
    TargetMismatchError,
    UndeclaredMissingError,
    UnknownNameError,
)
from survey_kit.kernels.propensity import LAWS, TOL, expit, fit_participation, outside_range
from survey_kit.weighting.cbps import cbps
from survey_kit.weighting.propensity import propensity

# Two small samples; the numbers below come from R 4.2 on them:
#   a <- data.frame(age = c(25,31,38,44,52,61,29,35,47,58,66,70), sex = c(1,0,1,1,0,1,1,0,1,0,1,0))
#   b <- data.frame(age = c(22,28,33,41,45,50,57,63,68,74), sex = c(0,1,0,1,0,1,0,1,0,1), d = c(14,9,12,10,8,11,9,7,12,8))
#   y <- c(3,1,4,2,5,6,2,3,5,4,7,6); xa <- cbind(1, a$age, a$sex); xb <- cbind(1, b$age, b$sex)
PANEL = pd.DataFrame(
    {
        "age": [25.0, 31, 38, 44, 52, 61, 29, 35, 47, 58, 66, 70],
        "sex": [1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0],
        "y": [3.0, 1, 4, 2, 5, 6, 2, 3, 5, 4, 7, 6],
    }
)
PEOPLE = pd.DataFrame(
    {
        "age": [22.0, 28, 33, 41, 45, 50, 57, 63, 68, 74],
        "sex": [0, 1] * 5,
        "d": [14.0, 9, 12, 10, 8, 11, 9, 7, 12, 8],
    }
)
MODEL = ["age", "sex"]

# f <- function(t) -(sum(xa %*% t) - sum(b$d * log(1 + exp(xb %*% t)))); optim(), then Newton steps on its gradient
#   t(xa) 1 - t(xb) (d p); w <- 1 / plogis(xa %*% t)
PSEUDO = (
    [-2.13727664174725, -0.00384130929277, 0.63600333853355],
    [
        *(5.93970708808988, 10.5482436809262, 6.19264424742507, 6.31371339585287, 11.3503954319938, 6.67229143962773),
        *(6.01619296608863, 10.6960876296175, 6.37530243804426, 11.5917201792965, 6.78228952900146, 12.0913806897865),
    ],
)
# s <- rbind(cbind(a, d = 1, z = 1), cbind(b, z = 0)); m <- glm(z ~ age + sex, quasibinomial, s, weights = d,
#   control = list(epsilon = 1e-15, maxit = 100)); w <- exp(-xa %*% coef(m))
ODDS = (
    [-2.27616403439251, -0.0027895710824525, 0.551790785520632],
    [
        *(6.01413496389466, 10.6189563403562, 6.2362369650785, 6.34149393102534, 11.2596071225795, 6.64946955221138),
        *(6.08161819015458, 10.7381092090002, 6.3947867604663, 11.4496499464992, 6.74286521256203, 11.8394125221619),
    ],
)
# T <- colSums(b$d * xb); for (i in 1:50) { e <- exp(-as.vector(xa %*% t));
#   t <- t + solve(t(xa) %*% (e * xa), colSums((1 + e) * xa) - T) }; w <- 1 + e
BALANCE = (
    [-2.46711630763825, 0.00336833423001461, 0.627404710594481],
    [
        *(6.78635894413591, 11.6195638529265, 6.53845120784856, 6.42764257227196, 10.8943405066025, 6.12557753797961),
        *(6.70892023093379, 11.4774424658024, 6.37307240964933, 10.6963829313429, 6.03997709718086, 10.3122702432656),
    ],
)


def both(n: int = 400, m: int = 300, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A volunteer sample and a reference of one population."""
    rng = np.random.default_rng(seed)
    size = 20 * n
    people = pd.DataFrame(
        {
            "age": rng.normal(45, 12, size).round(1),
            "sex": rng.choice(["m", "f"], size),
            "town": rng.choice(list("abc"), size),
        }
    )
    eta = 0.03 * (people["age"] - 45) + 0.5 * (people["sex"] == "f") - 0.4 * (people["town"] == "c") - 3.1
    people["y"] = 0.1 * people["age"] + (people["sex"] == "f") + rng.normal(size=size)
    sample = people[rng.random(size) < expit(eta.to_numpy())].reset_index(drop=True)
    reference = people.sample(m, random_state=seed).reset_index(drop=True)
    return sample, reference.assign(d=rng.uniform(0.5, 1.5, m) * size / m)


def made(method: str, data=PANEL, reference=PEOPLE, model=MODEL, **options):
    if method.startswith("cbps"):
        return cbps(data, reference, model, weights=method.split()[1], reference_weight="d", **options)
    return propensity(data, reference, model, method=method, reference_weight="d", **options)


METHODS = ("pseudo-likelihood", "odds", "cbps inverse", "cbps odds")


@pytest.mark.parametrize(
    ("method", "expected"), [("pseudo-likelihood", PSEUDO), ("odds", ODDS), ("cbps inverse", BALANCE)]
)
def test_coefficients_and_weights_are_those_of_r(method, expected):
    weights = made(method)
    np.testing.assert_allclose(weights.details["coefficients"], expected[0], rtol=1e-9)
    np.testing.assert_allclose(weights.values, expected[1], rtol=1e-11)
    assert weights.converged and weights.solver == "newton"


def test_standard_error_is_the_plug_in_of_chen_li_and_wu():
    """R: H <- t(xb) %*% (d * pb * (1 - pb) * xb); bh <- solve(H, colSums((1 - p) * w * (y - mu) * xa));
    za <- (w * (y - mu) - xa %*% bh) / N; zb <- d * pb * (xb %*% bh) / N;
    sqrt(12/11 * sum((za - mean(za))^2) + 10/9 * sum((zb - mean(zb))^2))"""
    poll = propensity(sk.from_frame(PANEL), PEOPLE, MODEL, reference_weight="d")
    found = sk.mean(poll, "y")
    np.testing.assert_allclose(found.theta, 4.02644499412164, rtol=1e-12)
    np.testing.assert_allclose(found.se, 0.559342818361554, rtol=1e-10)


def test_one_binary_covariate_has_closed_forms():
    """Chances are n_c / N_c in each category, however they are estimated."""
    panel = pd.DataFrame({"sex": ["m"] * 6 + ["f"] * 3})
    people = pd.DataFrame({"sex": ["m", "f", "m", "f"], "d": [20.0, 25, 40, 35]})
    for method in METHODS:
        np.testing.assert_allclose(made(method, panel, people, ["sex"]).values, [10.0] * 6 + [20.0] * 3, rtol=1e-11)


@pytest.mark.parametrize("weights", ["inverse", "odds"])
def test_balance_is_exact(weights):
    sample, reference = both()
    found = cbps(sample, reference, "age * sex + town + I(age**2)", reference_weight="d", weights=weights)
    balance = found.details["balance"]
    assert np.abs(balance["standardised"]).max() < 1e-10
    assert found.max_gap < 1e-10
    w, d = found.values, reference["d"]
    for values, wanted in (
        (sample["age"] ** 2, reference["age"] ** 2),
        (sample["age"] * (sample["sex"] == "f"), reference["age"] * (reference["sex"] == "f")),
    ):
        assert w @ values == pytest.approx(d @ wanted, rel=1e-10)
    assert w.sum() == pytest.approx(d.sum(), rel=1e-12)


def test_balanced_odds_are_entropy_balancing():
    """w = b exp(-x'beta): the logarithm of the weights is linear in x."""
    sample, reference = both()
    found = cbps(sample, reference, ["age", "sex"], reference_weight="d", weights="odds")
    x = np.column_stack([np.ones(len(sample)), sample["age"], sample["sex"] == "f"])
    logs = np.log(found.values)
    left = logs - x @ np.linalg.lstsq(x, logs, rcond=None)[0]
    assert np.abs(left).max() < 1e-9


def test_score_of_the_pseudo_likelihood_is_zero():
    sample, reference = both()
    found = propensity(sample, reference, ["age", "sex", "town"], reference_weight="d", base=np.full(len(sample), 1.5))
    beta = found.details["coefficients"]
    x, r = (_dummies(f, beta.index) for f in (sample, reference))
    score = 1.5 * x.sum(axis=0) - (reference["d"].to_numpy() * expit(r @ beta.to_numpy())) @ r
    assert np.abs(score / (1.5 * np.abs(x).sum(axis=0))).max() < 1e-12
    np.testing.assert_allclose(found.values, 1.5 / expit(x @ beta.to_numpy()), rtol=1e-10)


def _dummies(frame: pd.DataFrame, names: pd.Index) -> np.ndarray:
    columns = []
    for name in names:
        variable, _, category = name.rstrip("]").partition("[")
        if name == "Intercept":
            columns.append(np.ones(len(frame)))
        else:
            columns.append(frame[variable] == category if category else frame[variable])
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize("method", METHODS)
def test_errors_are_those_of_the_jackknife(method):
    """Sample and reference deleted row by row, everything estimated again: independent of any linearisation."""
    sample, reference = both(60, 50)
    options = {"model": ["age", "sex"]}
    w = made(method, sample, reference, **options).values
    poll = made(method, sk.from_frame(sample), reference, **options)
    deviations = []
    for frame, other in ((sample, False), (reference, True)):
        n, means = len(frame), []
        for i in range(n):
            part = frame.drop(index=i)
            if other:
                again = made(method, sample, part.assign(d=part["d"] * n / (n - 1)), **options).values
                means.append(np.average(sample["y"], weights=again))
            else:
                base = np.full(n - 1, n / (n - 1))
                again = made(method, part.reset_index(drop=True), reference, base=base, **options).values
                means.append(np.average(part["y"], weights=again))
        deviations.append((n - 1) / n * np.sum((np.array(means) - np.mean(means)) ** 2))
    found = sk.mean(poll, "y")
    assert found.theta[0] == pytest.approx(np.average(sample["y"], weights=w))
    assert found.se[0] == pytest.approx(np.sqrt(sum(deviations)), rel=0.06)


def test_a_reference_survey_has_its_own_design():
    sample, reference = both()
    reference["area"] = np.arange(len(reference)) // 10
    reference["age"] += reference["area"]  # neighbours are alike
    clustered = sk.from_frame(reference).with_design(weight="d", psu="area")
    alone = sk.from_frame(reference).with_design(weight="d")
    poll = sk.from_frame(sample)
    same, other = (cbps(poll, r, ["age", "sex", "town"]) for r in (alone, clustered))
    np.testing.assert_allclose(same.weight, other.weight)
    plain = cbps(poll, reference, ["age", "sex", "town"], reference_weight="d")
    assert sk.mean(plain, "y").se[0] == pytest.approx(sk.mean(same, "y").se[0], rel=1e-12)
    assert sk.mean(other, "y").se[0] > 1.2 * sk.mean(same, "y").se[0]


def test_balanced_totals_have_the_error_of_the_reference_alone():
    """What the weights were balanced to has nothing of the sample's error left in it."""
    sample, reference = both()
    reference["area"] = np.arange(len(reference)) // 10
    survey = sk.from_frame(reference).with_design(weight="d", psu="area")
    for weights in ("inverse", "odds"):
        poll = cbps(sk.from_frame(sample), survey, ["age", "town"], weights=weights)
        assert sk.mean(poll, "age").se[0] == pytest.approx(sk.mean(survey, "age").se[0], rel=1e-9)
        np.testing.assert_allclose(
            sk.proportion(poll, "town").vcov(), sk.proportion(survey, "town").vcov(), rtol=1e-8, atol=1e-12
        )


def test_replicates_carry_both_errors():
    sample, reference = both(120, 100)
    poll = sk.from_frame(sample)
    for method in METHODS:
        linear = sk.mean(made(method, poll, reference, ["age", "sex"]), "y")
        again = sk.mean(made(method, poll.replicate("JK1"), reference, ["age", "sex"]), "y")
        assert again.theta[0] == pytest.approx(linear.theta[0])
        assert again.se[0] == pytest.approx(linear.se[0], rel=0.05)
        (told,) = (
            n
            for n in made(method, poll.replicate("JK1"), reference, ["age"]).weights.notices
            if n.kind == "target_replicates"
        )
        assert told.count == 4  # two for each of the intercept and age


def test_a_reference_with_replicate_weights():
    sample, reference = both(100, 60)
    survey = sk.from_frame(reference).with_design(weight="d")
    poll = sk.from_frame(sample)
    linear = cbps(poll, survey, ["age", "sex"])
    repeated = cbps(poll, survey.replicate("JK1"), ["age", "sex"])
    assert sk.mean(linear, "y").se[0] == pytest.approx(sk.mean(repeated, "y").se[0], rel=1e-9)


def test_a_reference_within_a_domain():
    sample, reference = both()
    survey = sk.from_frame(reference).with_design(weight="d")
    young = sample[sample["age"] < 50].reset_index(drop=True)
    some = cbps(young, survey.where("age < 50"), ["age", "sex"])
    plain = cbps(young, reference[reference["age"] < 50], ["age", "sex"], reference_weight="d")
    np.testing.assert_allclose(some.values, plain.values, rtol=1e-10)


def test_categories_of_surveys_meet_by_label_and_code():
    labels = {1: "Male", 2: "Female", 9: "Refused"}
    book = Codebook({"sex": Variable("sex", labels=labels, missing=MissingRule((9,)), measure="nominal")})
    poll = sk.from_frame(pd.DataFrame({"sex": [1, 1, 1, 2]}), book)
    by_label = pd.DataFrame({"sex": ["Female", "Male"], "d": [30.0, 60.0]})
    by_code = pd.DataFrame({"sex": [2, 1], "d": [30.0, 60.0]})
    for reference in (by_label, by_code):
        np.testing.assert_allclose(
            propensity(poll, reference, ["sex"], reference_weight="d").weight, [20, 20, 20, 30], rtol=1e-10
        )


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 1000), scale=st.floats(0.6, 50))
@settings(max_examples=8, deadline=None)
def test_order_of_rows_and_scale(method, seed, scale):
    """Rows in another order have the same weights; balanced odds follow the scale of the reference."""
    sample, reference = both(60, 60)
    order = np.random.default_rng(seed).permutation(len(sample))
    first = made(method, sample, reference, ["age", "town"])
    moved = made(method, sample.iloc[order], reference.iloc[::-1], ["age", "town"])
    np.testing.assert_allclose(moved.values.loc[sample.index], first.values, rtol=1e-9)
    if method == "cbps odds":
        scaled = made(method, sample, reference.assign(d=reference["d"] * scale), ["age", "town"])
        np.testing.assert_allclose(scaled.values, scale * first.values, rtol=1e-9)


def test_population_scales_the_reference():
    scaled = made("pseudo-likelihood", reference=PEOPLE.assign(d=PEOPLE["d"] / 37), population=100)
    np.testing.assert_allclose(scaled.values, made("pseudo-likelihood").values, rtol=1e-10)
    plain = propensity(PANEL, PEOPLE, MODEL, population=5000.0)
    assert plain.values.sum() == pytest.approx(5000, rel=0.1)


def test_columns_far_from_zero_are_fitted_as_well():
    year = PANEL.assign(age=PANEL["age"] * 1e-3 + 2000), PEOPLE.assign(age=PEOPLE["age"] * 1e-3 + 2000)
    for method in METHODS:
        np.testing.assert_allclose(made(method, *year).values, made(method).values, rtol=1e-6)


def test_the_record():
    sample, reference = both()
    found = propensity(sample, reference, ["age", "sex"], reference_weight="d")
    assert found.targets["variable"].tolist() == ["age", "sex", "sex"]
    assert found.targets["category"].tolist()[0] == "mean"
    assert found.targets["target"][0] == pytest.approx(np.average(reference["age"], weights=reference["d"]))
    assert found.targets["achieved"][0] == pytest.approx(np.average(sample["age"], weights=found.values))
    assert found.targets["target"][1:].sum() == pytest.approx(reference["d"].sum())
    np.testing.assert_allclose(found.targets["achieved_share"] - found.targets["target_share"], found.targets["gap"])
    balance = found.details["balance"].set_index(["variable", "category"])
    assert balance.loc[("age", "mean"), "before"] == pytest.approx(sample["age"].mean())
    assert balance.loc[("age", "mean"), "reference"] == pytest.approx(
        np.average(reference["age"], weights=reference["d"])
    )
    assert balance.loc[("age", "mean"), "after"] == pytest.approx(np.average(sample["age"], weights=found.values))
    assert found.details["propensity"].index.equals(sample.index)
    text = " ".join(str(found).split())
    assert "rest on a model: that who takes part depends on nothing but age, sex" in text
    assert "of the reference lies outside that range" in text
    assert "margin of error" not in text
    assert len(found.adjustments) == 1


def test_no_common_support_is_said():
    young = pd.DataFrame({"age": [20.0, 21, 22, 23, 24, 25, 26, 30]})
    people = pd.DataFrame({"age": [22.0, 24, 26, 28, 60], "d": [10.0, 10, 10, 10, 10]})
    found = propensity(young, people, ["age"], reference_weight="d")
    assert found.details["outside"] == pytest.approx(0.2)
    assert "20.0% of the reference lies outside" in str(found)
    assert outside_range(np.array([0.0, 1]), np.array([-1.0, 0.5, 1]), np.array([1.0, 1, 2])) == 0.25


def test_rows_of_base_weight_zero_stay_at_zero_and_may_lack_values():
    panel = pd.concat([PANEL, pd.DataFrame({"age": [np.nan], "sex": [1], "y": [0.0]})], ignore_index=True)
    base = np.append(np.ones(12), 0.0)
    for method in METHODS:
        found = made(method, panel, base=base).values
        assert found.iloc[-1] == 0
        np.testing.assert_allclose(found.iloc[:-1], made(method).values, rtol=1e-10)


def test_steps_go_on_from_the_weights():
    sample, reference = both()
    first = propensity(sample, reference, ["age"], reference_weight="d")
    second = sk.rake(sample, {"sex": {"m": 0.5, "f": 0.5}}, base=first)
    assert [step.method for step in second.steps] == ["propensity", "rake"]
    assert len(second.adjustments) == 2


def test_every_fault_is_named_in_one_error():
    panel = pd.DataFrame(
        {"sex": ["male", "female", "other"], "age": [30.0, np.nan, 40.0], "town": ["A", "B", "A"], "one": [1.0, 1, 1]}
    )
    people = pd.DataFrame(
        {"sex": ["male", "female"], "age": [30.0, 40.0], "town": ["\N{CYRILLIC CAPITAL LETTER A}", "B"], "one": 1.0}
    )
    with pytest.raises(TargetMismatchError) as error:
        propensity(panel, people, ["sex", "age", "town", "one", "region"])
    assert str(error.value) == (
        "5 faults in the sample and its reference:\n"
        "- No column 'region' in either sample. There are: sex, age, town, one.\n"
        "- 'sex': in the data, not in the reference: 'other' (n=1). Recode or merge categories so that both samples have "
        "the same.\n"
        "- 'age': no value in 1 of 3 rows of the data. Impute it, make the missing a category in both samples, or leave "
        "these rows out.\n"
        "- 'town': in the data, not in the reference: 'A' (n=2); in the reference, not in the data: "
        "'\N{CYRILLIC CAPITAL LETTER A}' (n=1). '\N{CYRILLIC CAPITAL LETTER A}' (reference) and 'A' (data) look alike but "
        "differ: U+0410 and U+0041. Recode or merge categories so that both samples have the same.\n"
        "- 'one': all rows of both samples have the same value. Leave it out of the model."
    )


def test_numbers_may_be_categories_in_a_formula():
    """C() of a number is that number as text, and their names are those of the numbers."""
    text = PANEL.assign(sex=PANEL["sex"].map(str)), PEOPLE.assign(sex=PEOPLE["sex"].map(str))
    one = propensity(PANEL, PEOPLE, "age + C(sex)", reference_weight="d")
    two = propensity(*text, ["age", "sex"], reference_weight="d")
    np.testing.assert_allclose(one.values, two.values, rtol=1e-11)
    assert one.targets["category"].tolist() == two.targets["category"].tolist() == ["mean", "0", "1"]
    both_ways = propensity(PANEL, PEOPLE, "I(age**2) + C(sex) * age", reference_weight="d")
    assert len(both_ways.details["coefficients"]) == 5


def test_the_order_of_rows_does_not_choose_the_reference_category():
    sample, reference = both(60, 60)
    first, moved = (propensity(s, reference, ["town"], reference_weight="d") for s in (sample, sample.iloc[::-1]))
    pd.testing.assert_series_equal(first.details["coefficients"], moved.details["coefficients"])


def test_a_number_far_from_zero_is_no_constant():
    rng = np.random.default_rng(1)
    panel, people = (pd.DataFrame({"h": rng.normal(size=n)}) for n in (40, 50))
    far = propensity(panel + 1e8, people + 1e8, ["h"], population=500)
    np.testing.assert_allclose(far.values, propensity(panel, people, ["h"], population=500).values, rtol=1e-5)


REFUSED = {
    "empty": (lambda: propensity(PANEL, PEOPLE.iloc[:0], MODEL), NoValidData, "The reference has no rows"),
    "no model": (lambda: propensity(PANEL, PEOPLE, 3), ArgumentError, "model=3 is neither a list of column names nor"),
    "twice": (
        lambda: propensity(pd.concat([PANEL, PANEL[["age"]]], axis=1), PEOPLE, MODEL),
        TargetMismatchError,
        "'age': the data has 2 columns of this name. Rename them.",
    ),
    "like nonresponse": (
        lambda: propensity(
            sk.from_frame(PANEL[["age"]], Codebook({"age": Variable("age", labels={70: "Refused"}, measure="scale")})),
            PEOPLE,
            ["age"],
        ),
        UndeclaredMissingError,
        "codes that read like nonresponse",
    ),
    "method": (
        lambda: propensity(PANEL, PEOPLE, MODEL, method="cbps"),
        ArgumentError,
        "method='cbps' is not available",
    ),
    "weights": (lambda: cbps(PANEL, PEOPLE, MODEL, weights="both"), ArgumentError, "weights='both' is not available"),
    "steps": (lambda: propensity(PANEL, PEOPLE, MODEL, max_iter=0), ArgumentError, "max_iter=0 must be a whole number"),
    "no population": (
        lambda: propensity(PANEL, PEOPLE, MODEL),
        ArgumentError,
        "The weights of the reference sum to 10 and those of the sample to 12, so that there is no chance of taking part "
        'below 1. Give the size of the population, population=..., or use method="odds".',
    ),
    "population": (
        lambda: propensity(PANEL, PEOPLE, MODEL, population=-1),
        ArgumentError,
        "population=-1 is no size of a population",
    ),
    "column": (
        lambda: propensity(PANEL, PEOPLE.drop(columns="sex"), MODEL, population=100),
        UnknownNameError,
        "No column 'sex' in the reference.",
    ),
    "weight of a survey": (
        lambda: propensity(PANEL, sk.from_frame(PEOPLE), MODEL, reference_weight="d"),
        ArgumentError,
        "reference_weight='d' belongs to a DataFrame; a survey has its own.",
    ),
    "reference": (lambda: propensity(PANEL, [1], MODEL), ArgumentError, "reference is a list; it must be"),
    "aliased": (
        lambda: propensity(
            PANEL.assign(old=2 * PANEL["age"]), PEOPLE.assign(old=2 * PEOPLE["age"]), ["age", "old"], population=99
        ),
        ArgumentError,
        "old can be written as a combination of the terms before it",
    ),
    "infinite": (
        lambda: propensity(PANEL.assign(age=np.inf), PEOPLE, MODEL, population=99),
        TargetMismatchError,
        "'age': infinite, or beyond 1e150, in row 1, 2, 3",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_words(case):
    call, kind, text = REFUSED[case]
    with pytest.raises(kind) as error:
        call()
    assert text in str(error.value)


def test_more_in_the_sample_than_in_the_population():
    """Eight women in the sample, five in the population: no chance below 1 gives that."""
    panel = pd.DataFrame({"sex": ["f"] * 8 + ["m"] * 2})
    people = pd.DataFrame({"sex": ["f", "m"], "d": [5.0, 95.0]})
    for method in ("pseudo-likelihood", "cbps inverse"):
        with pytest.raises(ConvergenceError, match="did not converge after .* No finite coefficients exist") as error:
            made(method, panel, people, ["sex"])
        assert len(error.value.unfinished.values) == 10
    np.testing.assert_allclose(made("odds", panel, people, ["sex"]).values, [5 / 8] * 8 + [47.5] * 2)


def test_a_combination_that_only_one_sample_has():
    panel = pd.DataFrame({"a": ["x", "x", "y", "y"] * 3, "b": ["u", "v", "u", "u"] * 3})
    people = pd.DataFrame({"a": ["x", "x", "y", "y"], "b": ["u", "v", "u", "v"], "d": 30.0})
    for method in METHODS:
        with pytest.raises(ConvergenceError, match="'a.*b.*'"):
            made(method, panel, people, "a * b")


def test_nobody_is_changed():
    sample, reference = both(50, 50)
    before = sample.copy(deep=True), reference.copy(deep=True)
    made("odds", sample, reference, ["age"])
    pd.testing.assert_frame_equal(sample, before[0])
    pd.testing.assert_frame_equal(reference, before[1])


@pytest.mark.parametrize("law", LAWS)
def test_kernel_starts_anywhere(law):
    sample, reference = both(80, 80)
    x, r = (np.column_stack([np.ones(len(f)), f["age"], f["sex"] == "f"]).astype(float) for f in (sample, reference))
    base, d = np.ones(len(x)), reference["d"].to_numpy()
    first = fit_participation(law, x, base, r, d)
    again = fit_participation(law, x, base, r, d, start=np.array([-1.0, 0.02, 0.4]))
    assert first.converged and again.converged and first.gap.max() <= TOL
    np.testing.assert_allclose(first.beta, again.beta, rtol=1e-9)
    shifted = fit_participation(law, x, base, r, d, shift=np.array([0.0, 50.0, 5.0]))
    own = shifted.takes @ x - (d * shifted.reference_score) @ r
    np.testing.assert_allclose(own, [0, 50, 5], atol=1e-7)


def test_import_is_light():
    code = (
        "import sys; from survey_kit.weighting.propensity import propensity; from survey_kit.weighting.matching import match; "
        "print([m for m in ('scipy', 'formulaic', 'statsmodels') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
