"""doubly_robust(): against R, identities, errors by the jackknife and by simulation, what the result says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    NoValidData,
    TargetMismatchError,
    UnknownNameError,
    UnsupportedOption,
)
from survey_kit.kernels.doubly_robust import doubly_robust_mean, fit_outcome, mean_by_imputation, mean_by_weights
from survey_kit.kernels.propensity import LAWS, expit, fit_participation
from survey_kit.models.doubly_robust import doubly_robust
from survey_kit.weighting.cbps import cbps
from survey_kit.weighting.propensity import propensity

# a <- data.frame(age = c(25,31,38,44,52,61,29,35,47,58,66,70), sex = c(1,0,1,1,0,1,1,0,1,0,1,0))
# b <- data.frame(age = c(22,28,33,41,45,50,57,63,68,74), sex = c(0,1,0,1,0,1,0,1,0,1), d = c(14,9,12,10,8,11,9,7,12,8))
PANEL = pd.DataFrame(
    {
        "age": [25.0, 31, 38, 44, 52, 61, 29, 35, 47, 58, 66, 70],
        "sex": [1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0],
        "y": [3.0, 1, 4, 2, 5, 6, 2, 3, 5, 4, 7, 6],
    }
)
PEOPLE = pd.DataFrame(
    {"age": [22.0, 28, 33, 41, 45, 50, 57, 63, 68, 74], "sex": [0, 1] * 5, "d": [14.0, 9, 12, 10, 8, 11, 9, 7, 12, 8]}
)
MODEL = ["age", "sex"]
SIMULATED = 250


def means(data=PANEL, reference=PEOPLE, outcome="y", model=MODEL, **options):
    return doubly_robust(data, reference, outcome, model, reference_weight="d", **options)


def draw(rng, people: pd.DataFrame, m: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Volunteers of a population, and a random sample of it without the outcome."""
    sample = people[rng.random(len(people)) < people["p"]].reset_index(drop=True)
    reference = people.sample(m, random_state=int(rng.integers(1 << 31))).reset_index(drop=True)
    return sample, reference.assign(d=len(people) / m).drop(columns=["y", "z"])


def population(rng, size: int = 6000) -> pd.DataFrame:
    x, u = rng.normal(size=size), (rng.random(size) < 0.4) * 1.0
    y = 2 + x + 1.5 * u + rng.normal(size=size)
    z = (rng.random(size) < expit(0.4 * x + 0.8 * u - 0.5)) * 1.0
    return pd.DataFrame({"x": x, "u": u, "y": y, "z": z, "p": expit(-2.8 + 0.6 * x + 0.7 * u)})


def test_means_are_those_of_r():
    """Propensities as in test_propensity.py (weights w); R: o <- lm(y ~ a$age + a$sex); mb <- xb %*% coef(o);
    sum(b$d * mb) / sum(b$d) + sum(w * resid(o)) / sum(w); sum(b$d * mb) / sum(b$d); sum(w * y) / sum(w)"""
    assert means().theta[0] == pytest.approx(3.88860660380647, rel=1e-11)
    assert means(estimator="imputation").theta[0] == pytest.approx(3.88859531071736, rel=1e-12)
    weighted = means(estimator="weights")
    assert weighted.theta[0] == pytest.approx(4.02644499412164, rel=1e-12)
    assert weighted.se[0] == pytest.approx(0.559342818361554, rel=1e-10)  # the plug-in written out in R


def test_by_weights_it_is_the_mean_under_propensity_weights():
    rng = np.random.default_rng(1)
    sample, reference = draw(rng, population(rng))
    for method, verb in (("pseudo-likelihood", propensity), ("cbps", cbps)):
        poll = verb(sk.from_frame(sample), reference, ["x", "u"], reference_weight="d")
        found, same = means(sample, reference, "y", ["x", "u"], estimator="weights", method=method), sk.mean(poll, "y")
        assert found.theta[0] == pytest.approx(same.theta[0], rel=1e-12)
        assert found.se[0] == pytest.approx(same.se[0], rel=1e-10)


def test_under_balance_and_least_squares_all_three_meet():
    """Balanced weights leave nothing of a linear regression: DR = weights; a weighted fit makes it imputation, too."""
    rng = np.random.default_rng(2)
    sample, reference = draw(rng, population(rng))
    one, two = (
        means(sample, reference, "y", ["x", "u"], method="cbps", estimator=e) for e in ("doubly robust", "weights")
    )
    assert one.theta[0] == pytest.approx(two.theta[0], rel=1e-10)
    assert one.se[0] == pytest.approx(two.se[0], rel=1e-8)
    three = means(sample, reference, "y", ["x", "u"], method="cbps", fit="weighted")
    assert three.theta[0] == pytest.approx(two.theta[0], rel=1e-10)
    assert three.se[0] == pytest.approx(two.se[0], rel=1e-8)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
@pytest.mark.parametrize("law", LAWS)
def test_influence_values_are_derivatives(law, family):
    """z of a row is what the mean moves when its weight does: checked by central differences."""
    rng = np.random.default_rng(3)
    sample, reference = draw(rng, population(rng, 1500), 80)
    x, r = (np.column_stack([np.ones(len(f)), f["x"], f["u"]]) for f in (sample, reference))
    y = sample["y" if family == "gaussian" else "z"].to_numpy()
    base, d = rng.uniform(0.8, 1.2, len(x)), reference["d"].to_numpy() * rng.uniform(0.6, 1.4, len(r))

    def by(kind, base, d):
        fit = fit_participation(law, x, base, r, d)
        if kind == "weights":
            return mean_by_weights(fit, x, r, d, y)
        outcome = fit_outcome(family, y, x[:, :2], fit.weight if kind == "weighted fit" else base, r[:, :2])
        if kind == "imputation":
            return mean_by_imputation(outcome, d)
        return doubly_robust_mean(fit, x, r, d, outcome, kind == "weighted fit")

    step = 1e-5
    for kind in ("weights", "imputation", "plain fit", "weighted fit"):
        found = by(kind, base, d)
        for i in range(0, len(x), 37):
            moved = [by(kind, base * np.where(np.arange(len(x)) == i, 1 + s, 1), d).theta for s in (step, -step)]
            assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(found.sample[i], abs=1e-8)
        for j in range(0, len(r), 17):
            moved = [by(kind, base, d * np.where(np.arange(len(r)) == j, 1 + s, 1)).theta for s in (step, -step)]
            assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(found.reference[j], abs=1e-8)


def test_the_reference_has_its_own_design():
    rng = np.random.default_rng(4)
    people = population(rng)
    sample, reference = draw(rng, people)
    reference["area"] = np.argsort(np.argsort(reference["x"].to_numpy())) // 10  # neighbours are alike
    alone = sk.from_frame(reference).with_design(weight="d")
    areas = sk.from_frame(reference).with_design(weight="d", psu="area")
    plain = means(sample, reference, "y", ["x", "u"])
    one, two, three = (doubly_robust(sample, r, "y", ["x", "u"]) for r in (alone, areas, areas.replicate("JK1")))
    assert one.se[0] == pytest.approx(plain.se[0], rel=1e-12)
    assert two.se[0] > 1.3 * one.se[0]
    assert three.se[0] == pytest.approx(two.se[0], rel=1e-9)
    assert two.dfs[0] < one.dfs[0]


def test_imputation_has_the_error_of_its_predictions_and_of_its_coefficients():
    """The reference's part is that of the mean of the predictions; R: svymean(~m, svydesign(~1, weights = ~d))."""
    rng = np.random.default_rng(5)
    sample, reference = draw(rng, population(rng))
    found = means(sample, reference, "y", ["x", "u"], estimator="imputation")
    x, r = (np.column_stack([np.ones(len(f)), f["x"], f["u"]]) for f in (sample, reference))
    beta, *_ = np.linalg.lstsq(x, sample["y"], rcond=None)
    predicted = sk.mean(sk.from_frame(reference.assign(m=r @ beta)).with_design(weight="d"), "m")
    assert found.theta[0] == pytest.approx(predicted.theta[0], rel=1e-12)
    rest = sample["y"].to_numpy() - x @ beta
    z = rest * (x @ np.linalg.solve(x.T @ x, np.average(r, axis=0, weights=reference["d"])))
    own = len(z) / (len(z) - 1) * np.sum((z - z.mean()) ** 2)
    assert found.se[0] == pytest.approx(np.sqrt(predicted.se[0] ** 2 + own), rel=1e-10)
    other = predicted.se[0] ** 2  # Satterthwaite
    df = (own + other) ** 2 / (own**2 / (len(sample) - 1) + other**2 / (len(reference) - 1))
    assert found.dfs[0] == pytest.approx(df, rel=1e-10)


@pytest.mark.parametrize("which", ["both models", "propensity wrong", "outcome wrong"])
def test_intervals_cover_as_often_as_they_say(which):
    """Right when either model is; 800 samples of another population gave 94 to 96 %."""
    rng = np.random.default_rng(6)
    people = population(rng)
    model = ["u"] if which == "propensity wrong" else ["x", "u"]
    outcome_model = ["u"] if which == "outcome wrong" else ["x", "u"]
    truth, found = people[["y", "z"]].mean().to_numpy(), []
    for _ in range(SIMULATED):
        sample, reference = draw(rng, people)
        found.append(means(sample, reference, ["y", "z"], model, outcome_model=outcome_model))
    theta, se = np.array([f.theta for f in found]), np.array([f.se for f in found])
    intervals = [f.confidence_interval() for f in found]
    covered = np.mean([(low <= truth) & (truth <= high) for low, high in intervals], axis=0)
    assert (np.abs(theta.mean(axis=0) - truth) < 4 * theta.std(axis=0) / np.sqrt(SIMULATED)).all()
    np.testing.assert_allclose(se.mean(axis=0), theta.std(axis=0, ddof=1), rtol=0.15)
    assert (covered > 0.91).all() and (covered < 0.985).all()


def test_several_outcomes_have_a_covariance():
    rng = np.random.default_rng(7)
    sample, reference = draw(rng, population(rng))
    sample["double"] = 2 * sample["y"]
    found = means(sample, reference, ["y", "double"], ["x", "u"])
    assert found.contrast("double - 2 * y").se[0] == pytest.approx(0, abs=1e-10)
    assert found.theta[1] == pytest.approx(2 * found.theta[0])


def test_rows_without_an_outcome_are_left_out():
    rng = np.random.default_rng(8)
    sample, reference = draw(rng, population(rng))
    sample.loc[:9, "y"] = np.nan
    found = means(sample, reference, "y", ["x", "u"])
    kept = means(sample.iloc[10:], reference, "y", ["x", "u"])
    assert found.theta[0] == pytest.approx(kept.theta[0], rel=1e-12)
    assert found.se[0] == pytest.approx(kept.se[0], rel=0.01)
    assert found.n[0] == len(sample) - 10
    assert f"10 of {len(sample)} rows have no valid value of y" in str(found.notices)


def test_odds_need_no_population():
    """A reference whose weights are scaled to its own size gives the same mean."""
    rng = np.random.default_rng(9)
    sample, reference = draw(rng, population(rng))
    scaled = reference.assign(d=1.0)
    one = means(sample, scaled, "y", ["x", "u"], population=6000)
    assert one.theta[0] == pytest.approx(means(sample, reference, "y", ["x", "u"]).theta[0], rel=1e-10)
    with pytest.raises(ArgumentError, match="Give the size of the population"):
        means(sample, scaled, "y", ["x", "u"])
    assert means(sample, scaled, "y", ["x", "u"], method="odds").theta[0] == pytest.approx(one.theta[0], abs=0.1)


def test_the_result_says_what_it_rests_on():
    rng = np.random.default_rng(10)
    sample, reference = draw(rng, population(rng))
    found = means(sample, reference, "z", ["x", "u"], family="binomial", outcome_model=["x"])
    text = " ".join(str(found).split())
    assert (
        "either that who takes part depends on nothing but x, u, and as the model says; or that people alike in x"
        in text
    )
    assert "Standard errors hold only as far as it does." in text
    assert "of the reference lies outside that range" in text
    assert "nonprobability sample (each respondent a sampling unit) beside a reference" in text
    assert "margin of error" not in text
    assert found.units.tolist() == ["share"]
    assert found.keys["statistic"].tolist() == ["mean"]


def test_order_of_rows_and_a_survey_as_sample():
    rng = np.random.default_rng(11)
    sample, reference = draw(rng, population(rng))
    first = means(sample, reference, "y", ["x", "u"])
    moved = means(sample.sample(frac=1, random_state=1), reference.iloc[::-1], "y", ["x", "u"])
    poll = means(sk.from_frame(sample), reference, "y", ["x", "u"])
    for other in (moved, poll):
        assert other.theta[0] == pytest.approx(first.theta[0], rel=1e-10)
        assert other.se[0] == pytest.approx(first.se[0], rel=1e-8)


def test_steps_before_are_in_the_errors():
    """Raked first, then weighted by propensity: influence values are derivatives by the weights before both."""
    rng = np.random.default_rng(12)
    sample, reference = draw(rng, population(rng, 2000), 100)
    margin = {"half": {"yes": 0.5, "no": 0.5}}
    sample = sample.assign(half=np.where(sample["x"] + rng.normal(size=len(sample)) > 0, "yes", "no"))

    def by(base):
        weights = propensity(sample, reference, ["u"], base=sk.rake(sample, margin, base=base), reference_weight="d")
        return np.average(sample["y"], weights=weights.values)

    raked = means(sample, reference, "y", ["u"], base=sk.rake(sample, margin), estimator="weights")
    poll = means(sk.rake(sk.from_frame(sample), margin), reference, "y", ["u"], estimator="weights")
    fixed = means(sample, reference, "y", ["u"], base=sk.rake(sample, margin).values, estimator="weights")
    assert raked.theta[0] == poll.theta[0] == pytest.approx(fixed.theta[0])
    found, step = raked.influence().to_numpy()[:, 0], 1e-4
    for i in range(0, len(sample), 11):
        moved = [by(np.where(np.arange(len(sample)) == i, 1 + s, 1.0)) for s in (step, -step)]
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(found[i], abs=1e-7)
    assert poll.se[0] == pytest.approx(raked.se[0], rel=1e-12)
    assert abs(fixed.se[0] / raked.se[0] - 1) > 0.005


def test_categories_of_numbers_and_a_reference_with_implied_weights():
    rng = np.random.default_rng(13)
    sample, reference = draw(rng, population(rng))
    implied = sk.from_frame(reference.assign(size=6000)).with_design(fpc="size")
    found = doubly_robust(sample, implied, "y", "x + C(u)")
    plain = means(sample, reference, "y", ["x", "u"])
    assert found.theta[0] == pytest.approx(plain.theta[0], rel=1e-10)
    assert found.se[0] < plain.se[0]  # part of the population is in the reference


SEPARATED = PANEL.assign(yes=(PANEL["age"] > 40) * 1)
REFUSED = {
    "estimator": (lambda: means(estimator="dr"), ArgumentError, "estimator='dr' is not available"),
    "method": (lambda: means(method="balance"), ArgumentError, "method='balance' is not available"),
    "family": (lambda: means(family="poisson"), ArgumentError, "family='poisson' is not available"),
    "level": (lambda: means(level=95), ArgumentError, "level=95 is not a confidence level"),
    "no regression": (
        lambda: means(estimator="weights", outcome_model=["age"]),
        ArgumentError,
        'estimator="weights" has no outcome regression. Leave outcome_model and fit out.',
    ),
    "no weights": (
        lambda: means(estimator="imputation", fit="weighted"),
        ArgumentError,
        'estimator="imputation" has no propensity weights.',
    ),
    "outcome": (lambda: means(outcome="why"), UnknownNameError, "No column 'why'. There are: age, sex, y."),
    "text": (
        lambda: means(PANEL.assign(y="a")),
        ArgumentError,
        "Outcome 'y' holds str values, not numbers.",
    ),
    "not binary": (lambda: means(family="binomial"), ArgumentError, "needs an outcome of 0 and 1; 'y' has 7 values"),
    "infinite": (lambda: means(PANEL.assign(y=np.inf)), ArgumentError, "Outcome 'y' is infinite in row 1, 2"),
    "nothing": (lambda: means(PANEL.assign(y=np.nan)), NoValidData, "No valid value of y in 12 rows of the sample."),
    "one value": (
        lambda: means(PANEL.assign(y=1), family="binomial"),
        ArgumentError,
        "'y' has the same value in every row",
    ),
    "separated": (
        lambda: means(SEPARATED, outcome="yes", family="binomial"),
        ConvergenceError,
        "The regression of 'yes' has no finite coefficients",
    ),
    "replicates": (
        lambda: means(sk.from_frame(PANEL).replicate("JK1")),
        UnsupportedOption,
        "doubly_robust() linearises, and the sample has replicate weights.",
    ),
    "nobody like the reference": (
        lambda: means(PANEL.assign(sex=2)),
        ConvergenceError,
        "The propensities did not converge",
    ),
    "nothing to fit": (
        lambda: means(PANEL.assign(sex=2), estimator="imputation"),
        ArgumentError,
        "sex can be written as a combination of the terms before it",
    ),
    "faults": (
        lambda: means(PANEL.assign(sex="x")),
        TargetMismatchError,
        "'sex': in the data, not in the reference: 'x' (n=12); in the reference, not in the data: ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_words(case):
    call, kind, text = REFUSED[case]
    with pytest.raises(kind) as error:
        call()
    assert text in str(error.value)
