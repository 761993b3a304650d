"""Replicate weights of a file: which columns, whose constants, what is refused, what is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import entries, needs_shared, survey_for

import survey_kit as sk
from survey_kit.errors import (
    ArgumentError,
    DesignError,
    InvalidWeightError,
    SurveyKitError,
    UnknownNameError,
    UnsupportedOption,
)

RNG = np.random.default_rng(8)
N, R = 60, 12
WEIGHT = RNG.uniform(8, 12, N)
FACTORS = RNG.multinomial(N - 1, np.full(N, 1 / N), size=R).T * N / (N - 1)


def frame(factors: bool = False, **more) -> pd.DataFrame:
    columns = {f"W{r}": FACTORS[:, r] * (1 if factors else WEIGHT) for r in range(R)}
    data = {"x": RNG.normal(size=N), "g": np.arange(N) % 3, "W": WEIGHT, **columns, "note": "a", **more}
    return pd.DataFrame(data)


FRAME = frame()


def stated(data: pd.DataFrame = FRAME, weights="W[0-9]+", method: str = "bootstrap", weight="W", **more) -> sk.Survey:
    return sk.from_frame(data).with_replicates(weights, method, weight=weight, **more)


def refused(kind: type[SurveyKitError], *args, **options) -> str:
    with pytest.raises(kind) as caught:
        stated(*args, **options)
    assert type(caught.value) is kind
    return str(caught.value)


def said(poll: sk.Survey) -> list[str]:
    return [n.text for n in poll.notices if n.kind == "replicates"]


# columns


def test_a_pattern_matches_whole_names_in_natural_order():
    poll = stated()
    assert poll.design.replicates.columns == tuple(f"W{r}" for r in range(12)), "W2 before W10"
    np.testing.assert_allclose(poll.bound.replicates.weights, FACTORS * WEIGHT[:, None], rtol=1e-15)
    names = [f"W{r}" for r in (3, 0, 11)]
    assert stated(weights=names).design.replicates.columns == tuple(names), "a list keeps its order"
    shuffled = FRAME[[*[f"W{r}" for r in (10, 2, 1, 11)], "W", "x"]]
    assert stated(shuffled).design.replicates.columns == ("W1", "W2", "W10", "W11")


def test_columns_that_are_not_there():
    assert refused(UnknownNameError, weights=["W1", "W22"]) == "No column 'W22'. Did you mean 'W2'?"
    assert refused(ArgumentError, weights="PWGTP[0-9]+").startswith(
        "No column matches weights='PWGTP[0-9]+' with its whole name. There are: x, g, W, W0,"
    )
    assert refused(ArgumentError, weights="W[0-9") == (
        "weights='W[0-9' is not a regular expression: unterminated character set at position 1. Or give a list of names."
    )
    assert refused(ArgumentError, weights="W1") == "with_replicates needs at least two replicate weight columns, got 1."
    assert refused(ArgumentError, weights=[]) == "with_replicates needs at least two replicate weight columns, got 0."
    assert refused(ArgumentError, weights=["W1", "W2", "W1"]) == "weights names a column twice: W1."
    assert refused(UnknownNameError, weight="V") == "No column 'V'. There are: x, g, W, W0, W1, W2, W3, W4 and 8 more."


def test_the_full_weight_is_no_replicate():
    assert refused(ArgumentError, weights="W[0-9]*") == (
        "'W' is the full-sample weight and cannot be one of its replicate weights. Narrow the pattern, such as \"W[0-9]+\"."
    )
    assert refused(ArgumentError, weights=["W", "W1"]) == (
        "'W' is the full-sample weight and cannot be one of its replicate weights. Leave it out of weights."
    )


def test_values_that_are_no_weights():
    gone = FRAME.assign(W3=FRAME["W3"].mask(FRAME.index == 4))
    assert refused(InvalidWeightError, gone) == (
        "Replicate weight 'W3' is missing or infinite in 1 of 60 rows (row 5). A row that a replicate leaves out has the "
        "weight 0."
    )
    endless = FRAME.assign(W3=np.inf)
    assert refused(InvalidWeightError, endless).startswith(
        "Replicate weight 'W3' is missing or infinite in 60 of 60 rows"
    )
    assert refused(InvalidWeightError, FRAME.assign(W3=0)) == (
        "Replicate weight 'W3' is zero in all 60 rows. Leave the replicate out."
    )
    assert refused(InvalidWeightError, weights=["W1", "note"]).startswith(
        "Replicate weight 'note' is not a number column but"
    )


def test_negative_replicate_weights_are_weights():
    """The generalised bootstrap and calibration make them."""
    data = FRAME.assign(W3=FRAME["W3"].where(FRAME.index != 7, -2.0))
    poll = stated(data)
    assert (poll.bound.replicates.weights < 0).sum() == 1 and said(poll) == []
    assert np.isfinite(sk.mean(poll, "x").se).all()


@pytest.mark.parametrize("kind", ["int32", "float32", "Int64", "Float64"])
def test_numbers_of_every_kind(kind):
    data = FRAME.copy()
    columns = [f"W{r}" for r in range(R)]
    data[columns] = data[columns].round().astype(kind)
    poll = stated(data)
    matrix = poll.bound.replicates.weights
    assert matrix.dtype == float and matrix.flags["C_CONTIGUOUS"]
    assert (matrix == (FACTORS * WEIGHT[:, None]).round()).all()


# constants


@pytest.mark.parametrize(
    "method, options, scale",
    [
        ("BRR", {}, 1 / R),
        ("Fay", {"rho": 0.3}, 1 / (R * 0.49)),
        ("SDR", {}, 4 / R),
        ("ACS", {}, 4 / R),
        ("JK2", {}, 1.0),
        ("bootstrap", {}, 1 / (R - 1)),
        ("JK1", {}, (R - 1) / R),
        ("JK1", {"scale": 0.8}, 0.8),
        ("JKn", {"rscales": 0.5}, 1.0),
        ("JKn", {"rscales": 0.5, "scale": 0.9}, 0.9),
        ("other", {"scale": 0.1, "rscales": 1}, 0.1),
        ("BRR", {"scale": 1 / R}, 1 / R),
    ],
)
def test_the_scale_of_each_method(method, options, scale):
    made = stated(method=method, **options).bound.replicates
    assert made.scale == pytest.approx(scale, rel=1e-12)
    assert set(made.rscales) == {0.5 if method == "JKn" else 1.0} and len(made.rscales) == R
    assert made.mse is (method == "ACS")


def test_every_option_changes_the_standard_error():
    plain = sk.mean(stated(), "x").se[0]
    rscales = np.linspace(0.5, 2, R)
    for options in ({"mse": True}, {"scale": 0.5}, {"rscales": rscales}, {"method": "Fay", "rho": 0.5}):
        assert sk.mean(stated(**options), "x").se[0] != pytest.approx(plain, rel=1e-6)
    factors = stated(frame(factors=True), combined=False)
    np.testing.assert_allclose(factors.bound.replicates.weights, FACTORS * WEIGHT[:, None], rtol=1e-14)
    assert sk.mean(stated(degf=5), "x").df == 5 and sk.mean(stated(), "x").df == R - 1


def test_constants_that_do_not_belong():
    assert refused(ArgumentError, method="jackknife").startswith("method='jackknife' is not available.")
    rho = 'rho belongs to method="Fay", which requires it, and to no other method.'
    assert refused(ArgumentError, method="Fay") == rho and refused(ArgumentError, rho=0.2) == rho
    assert refused(ArgumentError, method="Fay", rho=-0.1) == (
        "rho=-0.1 is not available. Fay's coefficient is at least 0 and below 1, such as 0.3."
    )
    assert refused(ArgumentError, method="JKn") == (
        'method="JKn" needs rscales: (n_h - 1)/n_h for the stratum h of each replicate.'
    )
    other = 'method="other" needs scale and rscales: V = scale * sum_r rscales_r (theta_r - c)^2.'
    assert refused(ArgumentError, method="other", scale=1.0) == other
    assert refused(ArgumentError, method="other", rscales=1.0) == other
    assert refused(ArgumentError, method="BRR", scale=0.5) == (
        'method="BRR" has the scale 0.0833333 with these replicate weights; scale=0.5 was given. Use method="other" for '
        "constants of your own."
    )
    assert refused(ArgumentError, method="SDR", rscales=0.5) == (
        'method="SDR" has no rscales. Use method="other" for constants of your own.'
    )
    assert refused(ArgumentError, scale=0.0) == "scale=0.0 is not available. It is a positive number, such as 1/R."
    assert refused(ArgumentError, rscales=[1.0, 2.0]) == (
        "rscales has 2 values for 12 replicate weights. Give one for each, or one for all."
    )
    each = "Give a finite number of at least 0 for each replicate, or one for all."
    assert refused(ArgumentError, rscales=-1.0) == f"rscales is -1. {each}"
    for bad in (-2.0, np.nan, np.inf):
        assert refused(ArgumentError, rscales=[1.0] * 5 + [bad] * 7) == f"rscales is {bad:g} for replicate 6. {each}"
    assert refused(ArgumentError, rscales=["a"] * 12) == f"rscales holds what is not a number. {each}"
    assert refused(ArgumentError, rscales=0.0) == (
        "rscales are all 0, so that nothing would vary. State the constants that came with the data."
    )
    for value in ("0.1", True, np.nan, np.inf):
        assert refused(ArgumentError, scale=value) == (
            f"scale={value!r} is not available. It is a positive number, such as 1/R."
        )
        assert refused(ArgumentError, degf=value) == (
            f"degf={value!r} is not available. Degrees of freedom are a positive number."
        )
        assert refused(ArgumentError, method="Fay", rho=value).startswith(
            f"rho={value!r} is not available. Fay's coeff"
        )
    assert refused(ArgumentError, combined="no") == "combined='no' is not available. Say True or False."
    assert refused(ArgumentError, mse="no") == "mse='no' is not available. Say True or False."
    assert refused(ArgumentError, degf=0) == "degf=0 is not available. Degrees of freedom are a positive number."
    small = frame(factors=True).assign(W4=0.5)
    assert refused(ArgumentError, small, method="JKn", combined=False) == (
        "The factors of replicate 5 are not those of a jackknife: the largest is 0.5, not n/(n - 1). State scale and "
        "rscales."
    )


def test_what_is_assumed_is_said():
    assert said(stated(method="JK1")) == [
        'method="JK1" without scale: 0.916667 was taken, (n - 1)/n for 12 units that are left out in turn.'
    ]
    assert said(stated(method="JK1", scale=0.9)) == []
    assert said(stated(frame(factors=True), method="JKn", combined=False)) == [
        'method="JKn" without rscales: (n_h - 1)/n_h was taken from the largest factor of each replicate.'
    ]
    assert said(stated(method="ACS", mse=False)) == [
        "The ACS takes deviations from the full-sample estimate (mse=True); mse=False was stated."
    ]
    assert said(stated(degf=99)) == [
        "99 degrees of freedom were stated for 12 replicate weights, which show at most 12."
    ]
    assert said(stated(frame(factors=True), weight=None, combined=False)) == [
        "No full-sample weight is named beside the replicate weights: equal weights of 1 are taken. Name it: weight=..."
    ]
    again = stated(method="JK1").with_replicates("W[0-9]+", "bootstrap", weight="W")
    assert said(again) == [], "a notice goes with the weights it is about"


# weights or factors


def test_factors_and_weights_are_told_apart():
    assert refused(ArgumentError, frame(factors=True)) == (
        "The replicate weights look like factors: their mean over replicates is "
        f"{FACTORS.mean():.4g} a row, while the full-sample weight is {WEIGHT.mean():.4g}. Say combined=False to multiply "
        "them by the weight."
    )
    message = refused(ArgumentError, combined=False)
    assert message.startswith("The columns look like weights, not like factors: their mean over replicates is ")
    assert message.endswith("and not near 1. Leave combined=True.")


@pytest.mark.parametrize("spread", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("replicates", [2, 12, 80])
@pytest.mark.parametrize("combined", [True, False])
def test_weights_that_are_normalised_raise_no_alarm(spread, replicates, combined):
    """Weights of mean 1 look much like factors of mean 1."""
    rng = np.random.default_rng(replicates)
    weight = rng.uniform(1 - spread, 1 + spread, 200)
    factors = rng.multinomial(199, np.full(200, 1 / 200), size=replicates).T * 200 / 199
    columns = {f"W{r}": factors[:, r] * (weight if combined else 1) for r in range(replicates)}
    assert said(stated(pd.DataFrame({"W": weight, **columns}), combined=combined)) == []


def test_a_full_weight_on_another_scale_is_said():
    (text,) = said(stated(FRAME.assign(W=lambda f: f["W"] / 50)))
    assert text.startswith("The replicate weights sum to ")
    assert text.endswith(
        "times the full-sample weight 'W' on average, so they may not belong together. Totals would be wrong."
    )


@needs_shared
@pytest.mark.parametrize(
    "family", ["replicate", "degf", "ciprop", "svyby", "quantile", "chisq", "ratio", "rake", "trim"]
)
def test_no_false_alarm_on_real_replicate_weights(family):
    checked = 0
    for entry in entries(family):
        if entry["design"] and entry["design"]["kind"] == "replicate" and not entry["design"].get("convert_from"):
            told = said(survey_for(entry))
            assert told == [] or (entry["design"]["weights"] is None and "No full-sample weight" in told[0])
            checked += 1
    assert checked


# degrees of freedom


def test_degrees_of_freedom_are_the_rank_less_one():
    """Of the rows of a domain in a domain, unless they were stated; found when they are asked for."""
    poll = stated()
    weights = FACTORS * WEIGHT[:, None]
    assert "_whole_df" not in poll.bound.__dict__
    assert poll.bound.degrees_of_freedom() == np.linalg.matrix_rank(weights) - 1
    few = np.arange(N) < 7
    assert poll.bound.degrees_of_freedom(few) == np.linalg.matrix_rank(weights[few]) - 1
    assert sk.mean(poll, "x", where="g == 1").df == np.linalg.matrix_rank(weights[FRAME["g"] == 1]) - 1
    fixed = stated(degf=30)
    assert sk.mean(fixed, "x").df == 30 and sk.mean(fixed, "x", where="g == 1").df == 30
    zero = frame(factors=True).assign(W=np.where(np.arange(N) < 55, 0.0, WEIGHT))
    assert stated(zero, combined=False).bound.degrees_of_freedom() == np.linalg.matrix_rank(FACTORS[55:]) - 1


# with the rest of a design


def test_replicate_weights_after_weighting_need_their_own_full_weight():
    poll = sk.from_frame(FRAME).with_design(weight="W")
    raked = poll.rake({"g": {0: 0.3, 1: 0.3, 2: 0.4}})
    with pytest.raises(DesignError) as caught:
        raked.with_replicates("W[0-9]+", "bootstrap")
    assert str(caught.value) == (
        "The survey was weighted after its design was stated, so replicate weights of the file do not belong to the weight "
        "in force. State them first and weight then (the weighting is repeated in every replicate), or name the "
        "full-sample weight they belong to: weight=..."
    )
    named = raked.with_replicates("W[0-9]+", "bootstrap", weight="W")
    assert named.design.adjustments == ()
    assert sk.mean(named, "x").se == pytest.approx(sk.mean(stated(), "x").se, rel=1e-12)


def test_the_weight_of_the_design_is_the_full_weight():
    poll = sk.from_frame(FRAME).with_design(weight="W").with_replicates("W[0-9]+", "bootstrap")
    assert (poll.bound.weight == WEIGHT).all() and poll.design.weight == "W"


def test_replicate_weights_do_not_stand_beside_unequal_probabilities():
    data = FRAME.assign(p=0.1)
    poll = sk.from_frame(data).with_design(weight="W", fpc="p", pps="brewer")
    with pytest.raises(UnsupportedOption, match="Replicate weights for a design with unequal probabilities"):
        poll.with_replicates("W[0-9]+", "bootstrap")


def test_weights_for_other_rows_are_refused():
    from survey_kit.design.bind_replicates import bind_replicates

    made = stated().design.replicates
    with pytest.raises(DesignError) as caught:
        bind_replicates(made, FRAME.iloc[:50], WEIGHT[:50])
    assert str(caught.value) == "The replicate weights are for 60 rows; the data have 50. State or build them again."


def test_one_row_and_constant_values():
    poll = stated(pd.DataFrame({"x": [2.0, 5.0], "W": [3.0, 4.0], "W1": [1.0, 4.0], "W2": [5.0, 4.0]}))
    mean = sk.mean(poll, "x", where="x == 2")
    assert mean.theta.tolist() == [2.0] and mean.se.tolist() == [0.0] and mean.df == 0
    assert np.isnan(np.concatenate(mean.confidence_interval())).all(), "no degrees of freedom, no interval"
    assert sk.mean(stated(FRAME.assign(x=4.0)), "x").se[0] == pytest.approx(0, abs=1e-14)


def test_a_replicate_that_leaves_a_group_out_is_left_out_of_its_error():
    """Its mean does not exist in that replicate; R (svrVar) drops such replicates, too."""
    data = FRAME.assign(W3=FRAME["W3"].where(FRAME["g"] != 2, 0.0))
    poll = stated(data)
    means, full = sk.mean(poll, "x", by="g"), sk.mean(stated(FRAME), "x", by="g")
    constants = means.carrier
    kept = ~np.isnan(constants.thetas[:, 2])
    assert kept.sum() == len(kept) - 1
    left = constants.thetas[kept, 2]
    expected = constants.scale * (constants.rscales[kept] * (left - left.mean()) ** 2).sum()
    assert means.se[2] == pytest.approx(np.sqrt(expected), rel=1e-12)
    assert means.se[:2] == pytest.approx(full.se[:2], rel=1e-12)
    (told,) = [n for n in means.notices if n.kind == "replicates" and n.count == 1]
    assert str(told).startswith("1 of ") and str(told).endswith("are left out of their standard errors.")
