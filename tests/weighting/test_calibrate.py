"""The verb `calibrate`: what it promises, its identities with other verbs, its result, and what it refuses in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    InvalidWeightError,
    TargetError,
    UnknownNameError,
)
from survey_kit.weighting import calibrate, rake

DISTANCES = ("linear", "raking", "logit", "sinh", "entropy")
SHARES = {"sex": {"male": 0.48, "female": 0.52}, "age": {"18-29": 0.3, "30-49": 0.4, "50+": 0.3}}


def frame(n: int = 300, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": random.choice(["male", "female"], n, p=[0.4, 0.6]),
            "age": random.choice(["18-29", "30-49", "50+"], n),
            "hours": random.integers(0, 60, n),
            "income": random.gamma(2, 400, n),
            "w": random.uniform(0.5, 2, n),
            "v": random.uniform(0.5, 2, n),
            "area": random.integers(0, 40, n),
        }
    )


def options_of(distance: str) -> dict:
    return {"distance": distance, **({"bounds": (0.2, 4)} if distance == "logit" else {})}


# --- identities ----------------------------------------------------------------------------------------------------


def test_raking_distance_gives_the_weights_of_rake():
    data = frame()
    for base in (None, "w"):
        ours = calibrate(data, SHARES, base, "raking")
        np.testing.assert_allclose(ours.values, rake(data, SHARES, base).values, rtol=1e-9)
        assert ours.method == "calibrate" and ours.solver == "newton"


def test_entropy_balancing_is_raking_on_dummies_with_the_total_held():
    data = frame().assign(male=lambda d: (d["sex"] == "male") * 1.0, old=lambda d: (d["age"] == "50+") * 1.0)
    total = data["w"].sum()
    balanced = calibrate(data, {"male": {"mean": 0.48}, "old": {"mean": 0.3}}, "w", "entropy")
    raked = rake(data.assign(old=data["age"].eq("50+")), {"sex": SHARES["sex"], "old": {True: 0.3, False: 0.7}}, "w")
    np.testing.assert_allclose(balanced.values, raked.values, rtol=1e-9)
    held = calibrate(data, {"male": 0.48 * total}, "w", "entropy")
    assert held.values.sum() == pytest.approx(total, rel=1e-12)
    assert calibrate(data, {"male": 0.48 * total}, "w", "raking").values.sum() != pytest.approx(total, rel=1e-3)


def test_linear_calibration_on_one_crossed_margin_is_poststratification():
    data = frame()
    cells = data.groupby(["sex", "age"])["w"].sum() * np.linspace(0.8, 1.3, 6)
    targets = {("sex", "age"): {key: float(value) for key, value in cells.items()}}
    for distance in DISTANCES:
        w = calibrate(data, targets, "w", **options_of(distance))
        factor = pd.Series(np.linspace(0.8, 1.3, 6), cells.index)
        expected = data["w"] * factor.loc[list(zip(data["sex"], data["age"], strict=True))].to_numpy()
        np.testing.assert_allclose(w.values, expected, rtol=1e-9)


def test_a_total_is_the_mean_times_the_people():
    data = frame()
    by_mean = calibrate(data, {**SHARES, "income": {"mean": 850}}, "w").values
    by_total = calibrate(data, {**SHARES, "income": 850 * data["w"].sum()}, "w").values
    np.testing.assert_allclose(by_mean, by_total, rtol=1e-11)


def test_ratio_estimator():
    """One number whose residual variance is the number itself: every weight has the factor total / estimate."""
    data = frame()
    w = calibrate(data, {"income": 3e5}, "w", variance="income")
    np.testing.assert_allclose(w.g, 3e5 / (data["w"] @ data["income"]), rtol=1e-12)


@given(seed=st.integers(0, 10_000), distance=st.sampled_from(DISTANCES), scale=st.sampled_from([1e-3, 7.0, 1e4]))
def test_order_scale_and_reference_do_not_matter(seed, distance, scale):
    data = frame(120, seed)
    totals = {**SHARES, "income": {"mean": float(data["income"].mean() * 1.05)}}
    options = options_of(distance)
    w = calibrate(data, totals, "w", **options).values
    assert (np.bincount((data["sex"] == "male") * 1, weights=w) / w.sum())[1] == pytest.approx(0.48, abs=1e-10)
    order = np.random.default_rng(seed).permutation(len(data))
    np.testing.assert_allclose(calibrate(data.iloc[order], totals, "w", **options).values, w.iloc[order], rtol=1e-8)
    scaled = calibrate(data, totals, data["w"].to_numpy() * scale, **options).values
    np.testing.assert_allclose(scaled, w * scale, rtol=1e-8)
    counts = {k: {c: s * w.sum() for c, s in v.items()} for k, v in SHARES.items()}
    as_counts = {**counts, "income": totals["income"]["mean"] * w.sum(), "Intercept": w.sum()}
    np.testing.assert_allclose(calibrate(data, as_counts, "w", **options).values, w, rtol=1e-8)


@given(
    seed=st.integers(0, 10_000), distance=st.sampled_from(DISTANCES), low=st.floats(0.2, 0.8), high=st.floats(1.3, 3)
)
def test_bounded_weights_stay_inside_or_it_is_said(seed, distance, low, high):
    data = frame(100, seed)
    try:
        w = calibrate(data, SHARES, "w", distance, (low, high))
    except ConvergenceError as error:
        w = error.unfinished
        assert not w.converged and w.max_gap > 1e-10
    else:
        assert w.converged and w.max_gap <= 1e-10
        assert w.details["at_low"] == int(np.isclose(w.g, low, rtol=1e-9).sum())
    assert (w.g >= low * (1 - 1e-12)).all() and (w.g <= high * (1 + 1e-12)).all()


def test_limits_of_the_weight():
    data = frame()
    free = calibrate(data, SHARES, "w", "raking")
    w = calibrate(data, SHARES, "w", "raking", lower=0.4, upper=1.8)
    mean = data["w"].sum() / len(data)
    assert free.values.max() > 1.8 * mean
    assert w.values.max() <= 1.8 * mean and w.values.min() >= 0.4 * mean
    assert (w.lower, w.upper) == (pytest.approx(0.4 * mean), pytest.approx(1.8 * mean))
    assert w.at_upper > 0 and w.max_gap < 1e-10
    np.testing.assert_allclose(w.values, rake(data, SHARES, "w", lower=0.4, upper=1.8).values, rtol=1e-8)


def test_cells_rows_and_memory_of_them_agree():
    """Few distinct numbers are collapsed with the margins to cells; a number of its own in each row is not."""
    data = frame(2000)
    totals = {**SHARES, "hours": {"mean": 31.0}}
    few = data.assign(hours=data["hours"] // 20 * 20.0)
    jittered = few.assign(hours=few["hours"] + np.linspace(0, 1e-9, len(few)))
    a, b = calibrate(few, totals, "w", "raking"), calibrate(jittered, totals, "w", "raking")
    np.testing.assert_allclose(a.values, b.values, rtol=1e-8)
    assert type(a.adjustments[0].features).__name__ == "Cells"
    assert type(b.adjustments[0].features).__name__ == "Columns"


def test_factors_are_constant_within_clusters():
    data = frame()
    totals = {"sex": SHARES["sex"], "hours": {"mean": 31.0}}
    for distance in DISTANCES:
        w = calibrate(data, totals, "w", aggregate="area", **options_of(distance))
        assert w.g.groupby(data["area"]).agg(np.ptp).max() < 1e-12
        assert w.max_gap < 1e-12  # base weights vary within clusters


# --- the result ----------------------------------------------------------------------------------------------------


def test_the_table_of_targets():
    data = frame()
    w = calibrate(data, {**SHARES, "hours": {"mean": 31}, "income": 260000.0}, "w")
    table = w.targets.set_index(["variable", "category"])
    assert list(w.targets["variable"]) == ["sex", "sex", "age", "age", "age", "hours", "income"]
    assert table.loc[("hours", "mean"), "target"] == 31
    assert table.loc[("hours", "mean"), "achieved"] == pytest.approx(31)
    assert table.loc[("income", "total"), "achieved"] == pytest.approx(260000)
    assert table.loc[("income", "total"), "target_share"] == 1
    assert table.loc[("income", "total"), "base_share"] == pytest.approx(data["w"] @ data["income"] / 260000)
    assert table["gap"].abs().max() == w.max_gap < 1e-12
    assert "Weights by calibrate: 300 rows, converged, closed form (1 iteration)" in repr(w)
    assert w.details["distance"] == "linear"


def test_totals_as_a_table_and_a_file(tmp_path):
    data = frame()
    expected = calibrate(data, {**SHARES, "hours": {"mean": 31}, "income": 260000.0}, "w")
    rows = [(v, c, s) for v, shares in SHARES.items() for c, s in shares.items()]
    rows += [("hours", "mean", 31.0), ("income", "", 260000.0)]
    table = pd.DataFrame(rows, columns=["variable", "category", "target"]).assign(source="census")
    table.to_csv(tmp_path / "totals.csv", index=False)
    for given_ in (table, tmp_path / "totals.csv", str(tmp_path / "totals.csv")):
        w = calibrate(data, given_, "w")
        np.testing.assert_allclose(w.values, expected.values, rtol=1e-12)
        assert set(w.targets["source"]) == {"census"}
    only = calibrate(data, table[table["variable"] == "income"], "w")
    np.testing.assert_allclose(only.values, calibrate(data, {"income": 260000.0}, "w").values)


def test_numbers_of_people_move_base_weights_that_are_none():
    data = frame()
    counts = {"sex": {"male": 480_000, "female": 520_000}}
    w = calibrate(data, counts, bounds=(0.5, 2))
    assert w.values.sum() == pytest.approx(1e6)
    small = calibrate(data, counts, "w", bounds=(0.5, 2))
    assert [n.kind for n in small.notices] == ["rescaled"]
    assert "were multiplied by" in str(small.notices[0])
    people = calibrate(data, {**SHARES, "(Intercept)": 1e6})
    assert people.values.sum() == pytest.approx(1e6)


def test_the_data_are_left_alone():
    data = frame()
    before = data.copy(deep=True)
    calibrate(data, {**SHARES, "hours": {"mean": 31}}, "w", "logit", (0.2, 4), variance="v", relax=0.01)
    pd.testing.assert_frame_equal(data, before)


def test_negative_weights_are_told_and_refused_for_a_survey():
    data = frame()
    totals = {**SHARES, "income": {"mean": 2200.0}}
    w = calibrate(data, totals, "w")
    assert (w.values < 0).any() and w.converged
    assert "negative_weights" in [n.kind for n in w.notices]
    poll = sk.from_frame(data).with_design(weight="w")
    with pytest.raises(InvalidWeightError, match=r'weights came out negative.*bounds=\(0.3, 3\).*distance="raking"'):
        calibrate(poll, totals)
    assert (calibrate(poll, totals, distance="raking").weight > 0).all()


# --- soft targets --------------------------------------------------------------------------------------------------


def test_relaxed_targets_state_how_far_they_gave_way():
    data = frame()
    totals = {**SHARES, "hours": {"mean": 31.0}}
    exact = calibrate(data, totals, "w")
    w = calibrate(data, totals, "w", relax={"age": 0.05})
    told = w.details["relaxed"]
    assert list(told["category"]) == ["18-29", "30-49", "50+"]
    assert w.converged and 0 < w.max_gap < 0.05
    assert w.deff < exact.deff
    assert w.values.sum() == pytest.approx(data["w"].sum(), rel=1e-12)
    hard = w.targets[w.targets["variable"] != "age"]
    assert hard["gap"].abs().max() < 1e-12
    assert [n.kind for n in w.notices] == ["relaxed"]
    assert "Targets gave way (reached - target, of the total): age: " in str(w.notices[0])


@pytest.mark.parametrize("distance", DISTANCES)
def test_relaxation_runs_from_exact_to_untouched(distance):
    data = frame()
    exact = calibrate(data, SHARES, "w", **options_of(distance))
    tight = calibrate(data, SHARES, "w", relax=1e-6, **options_of(distance))
    loose = calibrate(data, SHARES, "w", relax=1e6, **options_of(distance))
    np.testing.assert_allclose(tight.values, exact.values, rtol=1e-5)
    np.testing.assert_allclose(loose.values, data["w"], rtol=1e-6)
    gaps = [calibrate(data, SHARES, "w", relax=r, **options_of(distance)).max_gap for r in (0.01, 0.03, 0.1, 0.3)]
    assert gaps == sorted(gaps)


def test_conflicting_targets_can_give_way():
    data = frame().assign(young=lambda d: (d["age"] == "18-29") * 1.0)
    totals = {**SHARES, "young": {"mean": 0.36}}
    with pytest.raises(ConvergenceError, match=r"'age', 'young' contradict each other"):
        calibrate(data, totals, "w")
    w = calibrate(data, totals, "w", relax={"young": 0.01})
    assert w.details["relaxed"]["gap"][0] == pytest.approx((0.3 - 0.36) / 0.36)
    one = calibrate(data, totals, "w", relax={"age": {"18-29": 0.02, "50+": 0.02}})
    assert list(one.details["relaxed"]["category"]) == ["18-29", "50+"]
    assert one.details["relaxed"]["gap"].abs().max() > 0.01


# --- missing answers and targets with errors -----------------------------------------------------------------------


def test_rows_without_an_answer():
    data = frame()
    holes = data.assign(sex=data["sex"].mask(data.index % 10 == 0))
    with pytest.raises(TargetError, match="no value in 30 of 300 rows"):
        calibrate(holes, SHARES, "w")
    own = calibrate(holes, SHARES, "w", missing="own")
    gone = holes["sex"].isna()
    assert own.values[gone].sum() / own.values.sum() == pytest.approx(data["w"][gone].sum() / data["w"].sum())
    ignored = calibrate(holes, SHARES, "w", "raking", missing="ignore")
    among = ignored.values[~gone]
    assert among[holes["sex"][~gone] == "male"].sum() / among.sum() == pytest.approx(0.48, abs=1e-10)
    assert ignored.values.sum() == pytest.approx(data["w"].sum())
    for missing in ("own", "ignore"):
        np.testing.assert_allclose(
            calibrate(holes, SHARES, "w", "raking", missing=missing).values,
            rake(holes, SHARES, "w", missing=missing).values,
            rtol=1e-8,
        )
    assert calibrate(holes, SHARES, "w", missing="impute").converged


def test_numbers_without_a_value():
    data = frame().astype({"hours": float})
    data.loc[[3, 8], "hours"] = np.nan
    with pytest.raises(TargetError, match=r"'hours': no value in 2 of 300 rows \(row 4, 9\)"):
        calibrate(data, {"hours": {"mean": 31}}, "w")
    with pytest.raises(TargetError, match="no value in 2 of 300 rows"):
        calibrate(data, {"hours": {"mean": 31}}, "w", missing="ignore")
    w = calibrate(data, {"hours": {"mean": 31}}, "w", missing="impute")
    assert "the mean" in str(w.notices[0]) and w.targets["unweighted_n"].iloc[-1] == 298


def test_errors_of_targets_join_the_standard_error():
    data = frame(400)
    rows = [("sex", "male", 0.48, 0.02), ("sex", "female", 0.52, 0.02), ("hours", "mean", 31.0, 0.5)]
    table = pd.DataFrame(rows, columns=["variable", "category", "target", "se"])
    poll = sk.from_frame(data).with_design(weight="w")
    certain = calibrate(poll, table.drop(columns="se"), distance="raking")
    unsure = calibrate(poll, table, distance="raking")
    np.testing.assert_allclose(unsure.weight, certain.weight, rtol=1e-10)
    assert sk.mean(certain, "hours").se[0] < 1e-8
    assert sk.mean(unsure, "hours").se[0] == pytest.approx(0.5, rel=1e-6)
    share = sk.proportion(unsure, "sex")
    np.testing.assert_allclose(share.se, 0.02, rtol=0.5)
    again = calibrate(poll.replicate(method="JK1"), table, distance="raking")
    assert sk.mean(again, "hours").se[0] == pytest.approx(0.5, rel=1e-6)


# --- surveys -------------------------------------------------------------------------------------------------------


def test_replicates_are_calibrated_one_by_one():
    data = frame(200)
    poll = sk.from_frame(data).with_design(weight="w", psu="area").replicate(method="JK1")
    totals = {**SHARES, "hours": {"mean": 31.0}, "income": {"mean": 760.0}}
    for options in (
        {},
        {"distance": "raking"},
        {"bounds": (0.3, 3)},
        {"aggregate": "area", "distance": "raking"},
        {"variance": "v"},
    ):
        new = calibrate(poll, totals, **options)
        factors = poll.bound.replicates.weights
        population = {"(Intercept)": data["w"].sum()}
        for r in (0, 7, factors.shape[1] - 1):
            alone = calibrate(data, {**totals, **population}, factors[:, r], **options).values
            np.testing.assert_allclose(new.bound.replicates.weights[:, r], alone, rtol=1e-8)


def test_the_residual_variance_enters_the_standard_error_under_every_distance():
    """One number whose variance is itself: both distances give the same weights, so they must give the same errors.

    R forgets sigma^2 in the residuals of calfun = "raking": it gives these weights two standard errors.
    """
    poll = sk.from_frame(frame()).with_design(weight="w")
    linear, raking = (calibrate(poll, {"income": 3e5}, distance=d, variance="income") for d in ("linear", "raking"))
    np.testing.assert_allclose(linear.weight, raking.weight, rtol=1e-12)
    assert sk.total(linear, "hours").se[0] == pytest.approx(sk.total(raking, "hours").se[0], rel=1e-10)


def test_own_targets_move_with_the_sample():
    """Rows without an answer keep their share of the base weights, whose error stays, as the jackknife sees it."""
    data = frame(600).assign(sex=lambda d: d["sex"].mask(d["hours"] > 40))
    poll = sk.from_frame(data).with_design(weight="w")
    for totals in (SHARES, {**SHARES, "income": {"mean": 760.0}}):
        direct = calibrate(poll, totals, missing="own")
        again = calibrate(poll.replicate(method="JK1"), totals, missing="own")
        np.testing.assert_allclose(direct.weight, again.weight, rtol=1e-12)
        assert sk.mean(direct, "hours").se[0] == pytest.approx(sk.mean(again, "hours").se[0], rel=0.02)
        assert sk.mean(direct, "hours").se[0] > 0.5 * sk.mean(poll, "hours").se[0]


def test_a_chain_of_steps():
    data = frame()
    first = rake(data, {"age": SHARES["age"]}, "w")
    second = calibrate(data, {"sex": SHARES["sex"], "income": {"mean": 820}}, first)
    assert [step.method for step in second.steps] == ["rake", "calibrate"]
    assert len(second.adjustments) == 2


def test_codes_and_labels_of_a_survey():
    poll = sk.from_frame(frame()).with_design(weight="w")
    assert calibrate(poll, {**SHARES, "hours": {"mean": 31}}).weights.titles.keys() == {"sex", "age", "hours"}


# --- refusals ------------------------------------------------------------------------------------------------------

REFUSED = [
    ({}, {}, TargetError, "totals is empty"),
    ({"hour": 3}, {}, UnknownNameError, r"No column 'hour'\. Did you mean 'hours'\?"),
    ({"sex": 3}, {}, TargetError, "the column is not numeric"),
    ({"hours": float("nan")}, {}, TargetError, r"its total is missing \(NaN\)"),
    ({"hours": {"mean": "x"}}, {}, TargetError, "its mean is 'x'"),
    ({"(Intercept)": -1}, {}, TargetError, "must be above 0"),
    ({"sex": {"male": 10, "female": 12}, "(Intercept)": 25}, {}, TargetError, "sum to 22, but '.Intercept.' is 25"),
    (SHARES, {"distance": "rake"}, ArgumentError, "Did you mean 'raking'"),
    (SHARES, {"distance": "logit"}, ArgumentError, r"needs both bounds, as in bounds=\(0.3, 3\)"),
    (SHARES, {"bounds": (1.2, 3)}, ArgumentError, "low must be below 1 and high above 1"),
    (SHARES, {"bounds": 3}, ArgumentError, "must be two numbers"),
    (SHARES, {"lower": 2}, ArgumentError, "1 must lie between them"),
    (SHARES, {"upper": "x"}, ArgumentError, "is not a number"),
    (SHARES, {"tol": 0}, ArgumentError, "above 0 and below 1"),
    (SHARES, {"max_iter": 0}, ArgumentError, "whole number"),
    (SHARES, {"variance": "sex"}, ArgumentError, "not numeric"),
    (SHARES, {"variance": "hours"}, ArgumentError, "above 0 in every row"),
    (SHARES, {"variance": np.ones(3)}, ArgumentError, "has 3 values; the data have 300 rows"),
    (SHARES, {"aggregate": "place"}, UnknownNameError, "No column 'place'"),
    (SHARES, {"relax": {"town": 0.1}}, UnknownNameError, "No target to relax 'town'"),
    (SHARES, {"relax": {"sex": {"men": 0.1}}}, UnknownNameError, "No category of 'sex' to relax 'men'"),
    (SHARES, {"relax": 1e-9}, ArgumentError, "at least 1e-06"),
    (SHARES, {"missing": "drop"}, ArgumentError, "error, own, impute, ignore"),
    (SHARES, {"lower": 0.9, "bounds": (0.99, 1.01)}, ArgumentError, "leave no weight for"),
    (SHARES, {"lower": 0.7, "upper": 1.3, "distance": "logit"}, ArgumentError, "starts from base weights between"),
]


@pytest.mark.parametrize(("totals", "options", "kind", "words"), REFUSED, ids=lambda x: str(x)[:40])
def test_refusals_name_the_fault(totals, options, kind, words):
    with pytest.raises(kind, match=words):
        calibrate(frame(), totals, "w", **options)


def test_bounds_without_room_are_named_and_the_best_weights_kept():
    data = frame()
    with pytest.raises(ConvergenceError) as caught:
        calibrate(data, SHARES, "w", bounds=(0.99, 1.01))
    assert "Calibration did not converge after" in str(caught.value)
    assert "With bounds=(0.99, 1.01) the total of 'sex' = 'male' is at most 129.835, not 178.269." in str(caught.value)
    assert "off by" in str(caught.value)
    with pytest.raises(ConvergenceError, match=r"no weights can meet all targets\. Widen the bounds, merge categories"):
        calibrate(data, {**SHARES, "hours": {"mean": 34.0}}, "w", bounds=(0.66, 1.4))
    assert not caught.value.unfinished.converged
    assert caught.value.unfinished.values.sum() > 0


def test_targets_out_of_reach_are_named():
    data = frame()
    with pytest.raises(ConvergenceError, match=r"'hours' lies between 0 and 59; its mean cannot be 200\."):
        calibrate(data, {"hours": {"mean": 200}}, "w", "raking")
    with pytest.raises(ConvergenceError, match=r"the total of 'income' = 'total' is at least 0, not -300000\."):
        calibrate(data, {"income": -3e5}, "w", "raking")
    with pytest.raises(ConvergenceError, match=r"Raise max_iter \(now 1\)"):
        calibrate(data, SHARES, "w", "raking", max_iter=1)
    with pytest.raises(ConvergenceError, match="leave 'one' no room to move|contradict each other"):
        calibrate(data.assign(one=2.0), {"one": {"mean": 3.0}}, "w")


def test_margins_that_only_empty_rows_could_meet_are_refused():
    data = pd.DataFrame({"a": ["x", "x", "y"], "b": ["u", "v", "v"]})
    with pytest.raises(ConvergenceError, match="weight 0 for some rows|no positive weights may"):
        calibrate(data, {"a": {"x": 0.5, "y": 0.5}, "b": {"u": 0.5, "v": 0.5}}, distance="raking")


def test_zero_base_weights_stay_zero():
    data = frame().assign(w=lambda d: d["w"].mask(d.index < 5, 0.0))
    for options in ({}, {"distance": "raking", "upper": 2.0}, {"distance": "logit", "lower": 0.1, "upper": 3.0}):
        w = calibrate(data, SHARES, "w", **options)
        assert (w.values[:5] == 0).all() and w.max_gap < 1e-10
