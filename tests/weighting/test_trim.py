"""The verb trim: units, surveys and their replicates, chains, what is stated, and errors as text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, InvalidWeightError, NoValidData
from survey_kit.results.weights import Weights
from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.normalize import normalize
from survey_kit.weighting.propensity import propensity
from survey_kit.weighting.rake import rake
from survey_kit.weighting.record.made import no_targets
from survey_kit.weighting.trim import trim

W = [1.0, 2, 3, 4, 5, 12, 20, 0]
SEX, TOWN = {"m": 0.3, "f": 0.7}, {"a": 0.2, "b": 0.8}


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 120
    return pd.DataFrame(
        {
            "sex": rng.choice(["m", "f"], n, p=[0.6, 0.4]),
            "town": rng.choice(["a", "b"], n, p=[0.6, 0.4]),
            "psu": np.arange(n) // 10,
            "y": rng.normal(size=n),
            "w": rng.gamma(2.0, size=n) + 0.1,
        }
    )


def kinds(weights) -> list[str]:
    return [n.kind for n in weights.notices]


@pytest.mark.parametrize(
    ("unit", "lower", "upper", "low", "high"),
    [
        ("mean", 0.5, 1.5, 0.5 * 47 / 7, 1.5 * 47 / 7),
        ("median", 0.75, 2.5, 3.0, 10.0),
        ("weight", 2, 10, 2.0, 10.0),
        # R: quantile(c(1, 2, 3, 4, 5, 12, 20), c(.1, .9))
        ("quantile", 0.1, 0.9, 1.6, 15.2),
    ],
)
def test_units_of_limits(unit, lower, upper, low, high):
    found = trim(W, lower, upper, unit=unit)
    assert found.lower == pytest.approx(low)
    assert found.upper == pytest.approx(high)
    assert found.values.sum() == pytest.approx(47)
    assert found.values.iloc[-1] == 0
    assert found.at_lower >= 1 and found.at_upper >= 1
    assert found.values[found.values > 0].between(low - 1e-9, high + 1e-9).all()


def test_not_strict_says_what_is_still_outside():
    found = trim(W, 2, 8, strict=False, unit="weight", redistribute="proportional")
    assert "outside_limits" in kinds(found)
    note = next(n for n in found.notices if n.kind == "outside_limits")
    assert note.text.startswith("Weights that taking what was trimmed put outside the limits: 2 (8.28571 to 10.3571).")
    assert note.count == 2


def test_what_was_done_is_stated():
    found = trim(W, upper=10, unit="weight")
    assert found.details["lowered"] == 2 and found.details["raised"] == 0
    assert found.details["moved"] == pytest.approx(12 / 47)
    assert str(found.notices[0]) == (
        "Trimmed to at most 10: 2 of 7 weights lowered; 25.5% of the total moved, deff 1.898 to 1.127."
    )
    assert found.deff == pytest.approx(1.127, abs=6e-4)
    assert found.method == "trim" and found.converged


def test_nothing_outside_is_stated_too():
    found = trim(W, upper=20, unit="weight")
    assert "No weight lies outside the limits (at most 20): none was changed." in map(str, found.notices)
    assert found.values.tolist() == W


def test_none_states_the_new_sum():
    found = trim(W, upper=10, unit="weight", redistribute="none")
    assert found.values.sum() == 35
    assert "The weights sum to 35, -25.53% against before." in map(str, found.notices)


def test_a_raking_before_is_restated():
    raked = rake(frame(), {"sex": SEX, "town": TOWN}, base="w")
    found = trim(raked, upper=2)
    assert [s.method for s in found.steps] == ["rake", "trim"]
    assert found.adjustments == raked.adjustments
    shares = found.values.groupby(frame()["sex"]).sum() / found.values.sum()
    table = found.targets[found.targets["variable"] == "sex"].set_index("category")
    np.testing.assert_allclose(table["achieved_share"][["m", "f"]], shares[["m", "f"]], rtol=1e-12)
    assert found.max_gap == pytest.approx(found.targets["gap"].abs().max())
    note = next(n for n in found.notices if n.kind == "margins_moved")
    assert note.text.startswith(f"The margins moved by up to {100 * found.max_gap:.2g} points: ")
    assert raked.max_gap < 1e-9  # what was handed in is as it was


def test_a_scale_between_does_not_hide_the_margins():
    raked = rake(frame(), {"sex": SEX, "town": TOWN}, base="w")
    found = trim(normalize(raked, 1000), upper=2)
    np.testing.assert_allclose(found.targets["achieved_share"], trim(raked, upper=2).targets["achieved_share"])
    assert found.targets["target"].groupby(found.targets["variable"]).sum().tolist() == pytest.approx([1000, 1000])


def test_missing_answers_of_a_margin_count_as_they_did():
    data = frame()
    data.loc[:7, "town"] = None
    raked = rake(data, {"sex": SEX, "town": TOWN}, base="w", missing="ignore")
    found = trim(raked, upper=2)
    held = found.values.groupby(data["town"]).sum()
    table = found.targets[found.targets["variable"] == "town"].set_index("category")
    assert table["achieved_share"]["a"] == pytest.approx(held["a"] / held.sum())


def test_a_calibration_to_numbers_is_told_without_a_survey():
    data = frame()
    found = trim(calibrate(data, {"y": {"mean": 0.1}, "sex": SEX}, base="w"), lower=0.2, upper=2)
    mean = float((found.values * data["y"]).sum() / found.values.sum())
    assert found.targets.set_index("category")["achieved_share"]["mean"] == pytest.approx(mean / 0.1)
    assert "margins_unknown" not in kinds(found)


def test_targets_of_propensities_are_named_where_they_cannot_be_told():
    sample = frame().iloc[::2]
    found = trim(propensity(sample, pd.concat([frame()] * 20), ["sex", "town"], base="w"), upper=1.05)
    note = next(n for n in found.notices if n.kind == "margins_unknown")
    assert "'sex'" in note.text and "'town'" in note.text


def test_a_survey_tells_calibrated_numbers_again():
    poll = sk.from_frame(frame()).with_design(weight="w")
    trimmed = trim(calibrate(poll, {"y": {"mean": 0.1}, "sex": SEX}, distance="raking"), upper=2)
    table = trimmed.weights.targets.set_index("category")
    assert table["achieved_share"]["mean"] == pytest.approx(sk.mean(trimmed, "y").theta[0] / 0.1)
    assert "margins_unknown" not in kinds(trimmed.weights)


def test_merged_cells_and_crossed_margins_are_known_again():
    crossed = {"sex:town": {f"{s}:{t}": p * q for s, p in SEX.items() for t, q in TOWN.items()}}
    found = trim(rake(frame(), crossed, base="w"), upper=2)
    cell = frame()["sex"] + ":" + frame()["town"]
    shares = found.values.groupby(cell).sum() / found.values.sum()
    np.testing.assert_allclose(found.targets.set_index("category")["achieved_share"][shares.index], shares, rtol=1e-12)


def test_surveys_keep_their_design_and_adjustments():
    poll = sk.from_frame(frame()).with_design(weight="w", psu="psu").rake({"sex": SEX, "town": TOWN})
    trimmed = trim(poll, upper=2)
    assert trimmed.weight.sum() == pytest.approx(poll.weight.sum())
    assert trimmed.weight.max() <= 2 * poll.weight.mean() * (1 + 1e-12)
    assert trimmed.weights.steps[0].method == "rake"
    assert len(trimmed.design.adjustments) == 1
    assert any(n.kind == "margins_moved" for n in trimmed.weights.notices)


@pytest.mark.parametrize("unit", ["weight", "mean"])
def test_replicates_are_trimmed_each_and_zeros_stay(unit):
    poll = sk.from_frame(frame()).with_design(weight="w", psu="psu").replicate(method="JK1")
    base, before = poll.weight.to_numpy(), poll.bound.replicates.weights
    lower, upper = (0.3, 4.0) if unit == "weight" else (0.15, 2.0)
    trimmed = trim(poll, lower, upper, unit=unit)
    after = trimmed.bound.replicates.weights
    np.testing.assert_array_equal(after == 0, before == 0)
    for r in range(before.shape[1]):
        expected = trim(before[:, r], lower, upper, unit=unit).values
        np.testing.assert_allclose(after[:, r], expected, rtol=1e-12)
    np.testing.assert_allclose(after.sum(axis=0), before.sum(axis=0), rtol=1e-12)
    full = trim(base, lower, upper, unit=unit).values
    np.testing.assert_allclose(trimmed.weight, full, rtol=1e-12)
    # by hand: the jackknife variance of the mean under these weights
    y = frame()["y"].to_numpy()
    means = after.T @ y / after.sum(axis=0)
    groups = len(means)
    variance = (groups - 1) / groups * ((means - means.mean()) ** 2).sum()
    assert sk.mean(trimmed, "y").se[0] == pytest.approx(np.sqrt(variance), rel=1e-10)


def test_replicates_that_double_weights_need_limits_that_move():
    data = frame().assign(stratum=lambda d: d["psu"] // 2)
    poll = sk.from_frame(data).with_design(weight="w", psu="psu", strata="stratum").replicate(method="BRR")
    with pytest.raises(ArgumentError, match=r'the limits leave no room .* unit="mean"'):
        trim(poll, upper=1.2 * float(poll.weight.mean()), unit="weight")
    again = trim(poll, upper=1.2)
    held = again.bound.replicates.weights
    assert (held.max(axis=0) <= 1.2 * held.sum(axis=0) / (held > 0).sum(axis=0) * (1 + 1e-12)).all()


def test_negative_weights_of_a_calibration_are_lifted():
    series = pd.Series([-0.5, 1.0, 1.5, 2.0])
    record = Weights(series, series.abs(), no_targets(), "calibrate")
    found = trim(record, lower=0.2)
    assert found.values.min() == pytest.approx(0.2)
    assert found.values.sum() == pytest.approx(4.0)
    with pytest.raises(InvalidWeightError, match="1 weights are negative. Give lower to bring them up"):
        trim(record, upper=1.8)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.01, 50), min_size=2, max_size=30), st.floats(1.05, 4), st.floats(0, 0.9))
def test_nothing_is_trimmed_without_a_word(w, upper, lower):
    found = trim(w, lower, upper)
    changed = not np.array_equal(found.values, w)
    note = next(n for n in found.notices if n.kind == "trimmed")
    assert changed == bool(note.count)
    # trimming from one side only lowers the design effect; from both it is stated, whatever it does
    one = trim(w, upper=upper)
    assert one.deff <= one.details["deff_before"] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "There is nothing to trim to. Give lower, upper, or both."),
        ({"upper": -1}, "upper=-1 is not a limit. Give a number of at least 0, or None for no limit."),
        ({"upper": True}, "upper=True is not a limit. Give a number of at least 0, or None for no limit."),
        ({"lower": 2, "upper": 1}, "lower=2 must be below upper=1."),
        ({"upper": 2, "unit": "quantile"}, "upper=2 is not a quantile. Give a part of 1, such as 0.98."),
        ({"upper": 2, "unit": "means"}, "unit='means' is not available. Did you mean 'mean'?"),
        ({"upper": 2, "strict": 1}, "strict=1 must be True or False."),
        (
            {"upper": 2, "redistribute": "all"},
            "redistribute='all' is not available. There are: equal, proportional, none.",
        ),
        (
            {"upper": 0.9},
            "upper is 6.04286 in weights and the mean weight 6.71429: with all weights at the limit their sum is not kept. "
            'Give upper above the mean, or redistribute="none".',
        ),
        (
            {"lower": 1.2, "upper": 3},
            "lower is 8.05714 in weights and the mean weight 6.71429: with all weights at the limit their sum is not kept. "
            'Give lower below the mean, or redistribute="none".',
        ),
    ],
)
def test_limits_that_cannot_be(arguments, text):
    with pytest.raises(ArgumentError) as error:
        trim(W, **arguments)
    assert str(error.value) == text


def test_weights_that_cannot_be():
    with pytest.raises(ArgumentError, match=r"weights is a DataFrame. Give one column of it"):
        trim(frame(), upper=2)
    with pytest.raises(InvalidWeightError, match="Weight 'w' is negative in 1 of 2 rows"):
        trim(pd.Series([1.0, -1], name="w"), upper=2)
    with pytest.raises(NoValidData, match="weights has no rows"):
        trim([], upper=2)
    with pytest.raises(ArgumentError, match="weights is not one column"):
        trim(np.ones((2, 2)), upper=2)
    with pytest.raises(ArgumentError, match="Raising weights to lower takes more than 1 others have"):
        trim([0.1] * 10 + [1.5, 9.0], lower=0.8, strict=False, unit="weight", upper=9.5)


def test_the_series_keeps_its_index_and_is_not_changed():
    series = pd.Series(W, index=list("abcdefgh"), name="w")
    found = trim(series, upper=1.5)
    assert found.values.index.tolist() == list("abcdefgh")
    assert series.tolist() == W
