"""cbps(): exact balance, what it is equal to, and what is not offered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.cbps import cbps


def both(seed: int = 3, n: int = 200, m: int = 150) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A volunteer sample and a reference."""
    rng = np.random.default_rng(seed)
    sample = pd.DataFrame(
        {"age": rng.normal(50, 12, n), "sex": rng.choice(["m", "f"], n), "town": rng.choice(list("aab"), n)}
    )
    reference = pd.DataFrame(
        {"age": rng.normal(45, 12, m), "sex": rng.choice(["m", "f"], m), "town": rng.choice(list("ab"), m)}
    )
    sample["y"] = 0.1 * sample["age"] + rng.normal(size=n)
    return sample, reference.assign(d=rng.uniform(10, 40, m))


@pytest.mark.parametrize("weights", ["inverse", "odds"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_balance_is_exact_whatever_the_samples(weights, seed):
    sample, reference = both(seed, 150, 100)
    found = cbps(sample, reference, "age * sex + town", reference_weight="d", weights=weights)
    w, d = found.values.to_numpy(), reference["d"].to_numpy()
    for frame_column in (lambda f: np.ones(len(f)), lambda f: f["age"], lambda f: f["age"] * (f["sex"] == "m")):
        assert w @ frame_column(sample) == pytest.approx(d @ frame_column(reference), rel=1e-10)
    assert np.abs(found.details["balance"]["standardised"]).max() < 1e-9
    assert (w > (1.0 if weights == "inverse" else 0.0)).all()


def test_odds_are_entropy_balancing():
    """R: ebal::ebalance; here by calibration to the reference's totals under the entropy distance."""
    sample, reference = both()
    d = reference["d"]
    targets = {
        "sex": (d.groupby(reference["sex"]).sum() / d.sum()).to_dict(),
        "age": {"mean": float(np.average(reference["age"], weights=d))},
    }
    found = cbps(sample, reference, ["age", "sex"], reference_weight="d", weights="odds").values
    balanced = calibrate(sample, targets, distance="entropy").values
    np.testing.assert_allclose(found / found.sum(), balanced / balanced.sum(), rtol=1e-8)


def test_inverse_chances_never_weight_below_one():
    """w = 1 + exp(-x'beta): log(w - 1) is linear in x."""
    sample, reference = both()
    w = cbps(sample, reference, ["age", "sex"], reference_weight="d").values
    x = np.column_stack([np.ones(len(sample)), sample["age"], sample["sex"] == "f"])
    logs = np.log(w - 1)
    assert np.abs(logs - x @ np.linalg.lstsq(x, logs, rcond=None)[0]).max() < 1e-8


def test_a_linear_outcome_is_estimated_without_error_of_the_sample():
    """Balance makes the mean of what is linear in x the reference's, whether chances are logistic or not."""
    sample, reference = both()
    sample["line"] = 3 + 0.2 * sample["age"] + 2 * (sample["sex"] == "m")
    reference["line"] = 3 + 0.2 * reference["age"] + 2 * (reference["sex"] == "m")
    poll = cbps(sk.from_frame(sample), reference, ["age", "sex"], reference_weight="d")
    survey = sk.from_frame(reference).with_design(weight="d")
    found, wanted = sk.mean(poll, "line"), sk.mean(survey, "line")
    assert found.theta[0] == pytest.approx(wanted.theta[0], rel=1e-12)
    assert found.se[0] == pytest.approx(wanted.se[0], rel=1e-9)


def test_base_weights_are_multiplied():
    """A row of base weight 2 is two rows."""
    sample, reference = both()
    twice = pd.concat([sample, sample.iloc[:50]], ignore_index=True)
    base = np.where(np.arange(len(sample)) < 50, 2.0, 1.0)
    for weights in ("inverse", "odds"):
        one = cbps(sample, reference, ["age"], base=base, reference_weight="d", weights=weights).values
        other = cbps(twice, reference, ["age"], reference_weight="d", weights=weights).values
        np.testing.assert_allclose(one[:50], 2 * other[:50], rtol=1e-9)
        np.testing.assert_allclose(one[50:], other[50 : len(sample)], rtol=1e-9)
