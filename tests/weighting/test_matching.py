"""match(): against search by hand, ties, calipers, exact columns, without replacement, what the result says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, NoValidData, TargetMismatchError, UnsupportedOption
from survey_kit.kernels.matching import mahalanobis_root, match_within
from survey_kit.weighting.matching import match

PANEL = pd.DataFrame({"age": [20.0, 30, 50], "sex": ["m", "f", "m"]})
PEOPLE = pd.DataFrame({"age": [22.0, 48, 60], "sex": ["f", "m", "m"], "d": [1.0, 2, 3]})


def by_hand(rows, units, weight, k, caliper=np.inf):
    """Every distance, one unit after the other."""
    out = np.zeros(len(rows))
    for unit, held in zip(units, weight, strict=True):
        far = np.sqrt(((rows - unit) ** 2).sum(axis=1))
        like = (far <= np.sort(far)[min(k, len(far)) - 1] * (1 + 1e-9) + 1e-12) & (far <= caliper)
        if like.any():
            out[like] += held / like.sum()
    return out


def in_turn(rows, units, weight):
    """The nearest pair of all, then the nearest of those left."""
    far = np.sqrt(((rows[:, None] - units[None]) ** 2).sum(axis=2))
    out = np.zeros(len(rows))
    while np.isfinite(far).any():
        i, j = np.unravel_index(far.argmin(), far.shape)
        out[i] = weight[j]
        far[i], far[:, j] = np.inf, np.inf
    return out


def alone(*sizes: int) -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(size, dtype=np.int64) for size in sizes)


@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 4),
    whole=st.booleans(),
    caliper=st.sampled_from([np.inf, 0.5, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_nearest_rows_are_those_found_by_hand(seed, k, whole, caliper):
    rng = np.random.default_rng(seed)
    rows, units = rng.normal(size=(80, 2)), rng.normal(size=(40, 2))
    if whole:  # many ties, at no distance and at equal distances
        rows, units = np.round(rows), np.round(units)
    weight = rng.uniform(0.5, 2, 40)
    found = match_within(alone(80, 40), rows, units, weight, k, caliper)
    np.testing.assert_allclose(found.weight, by_hand(rows, units, weight, k, caliper), atol=1e-12)
    assert found.weight.sum() == pytest.approx(weight[found.part > 0].sum())
    near = np.sqrt(((rows[None] - units[:, None]) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(found.distance, np.where(near <= caliper, near, np.nan), atol=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_without_replacement_pairs_come_in_the_order_of_their_distance(seed):
    rng = np.random.default_rng(seed)
    rows, units, weight = rng.normal(size=(60, 2)), rng.normal(size=(30, 2)) + 0.5, rng.uniform(0.5, 2, 30)
    found = match_within(alone(60, 30), rows, units, weight, replace=False)
    np.testing.assert_allclose(found.weight, in_turn(rows, units, weight))


def test_without_replacement_rows_at_one_point_share():
    rows, units = np.array([[0.0], [0.0], [0.0], [5.0]]), np.array([[0.0], [1.0]])
    found = match_within(alone(4, 2), rows, units, np.array([3.0, 6.0]), replace=False)
    np.testing.assert_allclose(found.weight, [3, 3, 3, 0])
    two = match_within(alone(4, 2), rows, units, np.array([3.0, 6.0]), k=2, replace=False)
    assert two.weight.sum() == pytest.approx(9)
    np.testing.assert_allclose(two.weight, [2, 2, 2, 3])


@given(seed=st.integers(0, 10_000), replace=st.booleans(), scale=st.floats(0.1, 100))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_and_scale_of_the_reference(seed, replace, scale):
    rng = np.random.default_rng(seed)
    panel = pd.DataFrame({"age": rng.integers(18, 40, 90).astype(float), "sex": rng.choice(["m", "f"], 90)})
    people = pd.DataFrame({"age": rng.integers(18, 45, 40).astype(float), "sex": rng.choice(["m", "f"], 40)})
    people["d"] = rng.uniform(1, 3, 40)
    first = match(panel, people, ["age", "sex"], reference_weight="d", replace=replace)
    order = rng.permutation(90)
    moved = match(panel.iloc[order], people.iloc[::-1], ["age", "sex"], reference_weight="d", replace=replace)
    np.testing.assert_allclose(moved.values.loc[panel.index], first.values, atol=1e-10)
    scaled = match(panel, people.assign(d=people["d"] * scale), ["age", "sex"], reference_weight="d", replace=replace)
    np.testing.assert_allclose(scaled.values, scale * first.values, rtol=1e-8, atol=1e-10)
    assert first.values.sum() == pytest.approx(people["d"].sum())


def test_distances_are_mahalanobis_with_the_covariances_of_the_reference():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 3)) @ np.array([[2.0, 1, 0], [0, 1, 0.5], [0, 0, 3]])
    d = rng.uniform(1, 2, 50)
    root = mahalanobis_root(x, d)
    inverse = np.linalg.inv(np.cov(x.T, aweights=d, ddof=0))
    np.testing.assert_allclose(root @ root.T, inverse, rtol=1e-10)
    same = mahalanobis_root(np.column_stack([x, x[:, 0]]), d)  # a column twice tells nothing new
    assert np.linalg.matrix_rank(same) == 3


def test_weights_do_not_depend_on_units_of_measurement():
    rng = np.random.default_rng(5)
    panel, people = (pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)}) for n in (80, 40))
    grams = match(panel * [1000, 1], people * [1000, 1], ["a", "b"])
    np.testing.assert_allclose(grams.values, match(panel, people, ["a", "b"]).values)


def test_exact_columns_and_a_caliper():
    found = match(PANEL, PEOPLE, ["age"], exact="sex", reference_weight="d")
    assert found.values.tolist() == [0.0, 1.0, 5.0]
    close = match(PANEL, PEOPLE, ["age"], caliper=0.3, reference_weight="d")
    assert close.values.tolist() == [1.0, 0.0, 2.0]
    assert "1 of 3 rows of the reference (50.0% of its weight) have no match and are left out." in str(close)
    assert close.details["distance"].isna().tolist() == [False, False, True]
    with pytest.raises(NoValidData, match="None of 3 rows of the reference has a match"):
        match(PANEL, PEOPLE, ["age"], caliper=0.001, reference_weight="d")


def test_propensity_distance_matches_on_the_predictor():
    """With one number the stacked logit is monotone in it: the same neighbours as on the number itself."""
    rng = np.random.default_rng(6)
    panel, people = (pd.DataFrame({"age": rng.normal(shift, 10, n)}) for shift, n in ((50, 70), (45, 30)))
    one, other = (match(panel, people, ["age"], distance=d, k=2) for d in ("propensity", "mahalanobis"))
    np.testing.assert_allclose(one.values, other.values, atol=1e-12)
    assert one.solver == "propensity, k=2"


def test_the_record_says_what_it_is():
    found = match(PANEL, PEOPLE, ["age", "sex"], reference_weight="d")
    text = str(found)
    assert "rest on a model: that who takes part depends on nothing but age, sex" in text
    assert "Standard errors take the weights as fixed" in text
    assert "rows stand for nobody and have weight 0." in text
    assert found.adjustments == ()
    assert found.targets["variable"].tolist() == ["age", "sex", "sex"]


def test_a_survey_comes_back_under_its_matches():
    poll = match(sk.from_frame(PANEL.assign(y=[1.0, 2, 6])), PEOPLE, ["age"], reference_weight="d")
    assert sk.mean(poll, "y").theta[0] == pytest.approx((1 + 5 * 6) / 6)
    weighted = sk.from_frame(PANEL.assign(w=[1.0, 0, 2])).with_design(weight="w")
    found = match(weighted, PEOPLE, "~ age + I(age**2)", reference_weight="d").weights
    assert found.values.iloc[1] == 0
    assert "The weights that the sample had play no part in matching." in str(found)


REFUSED = {
    "k": (lambda: match(PANEL, PEOPLE, ["age"], k=0), ArgumentError, "k=0 must be a whole number of at least 1"),
    "caliper": (
        lambda: match(PANEL, PEOPLE, ["age"], caliper=-1),
        ArgumentError,
        "caliper=-1 must be a distance above 0",
    ),
    "distance": (
        lambda: match(PANEL, PEOPLE, ["age"], distance="gower"),
        ArgumentError,
        "distance='gower' is not available",
    ),
    "replace": (
        lambda: match(PANEL, PEOPLE, ["age"], replace="no"),
        ArgumentError,
        "replace='no' must be True or False",
    ),
    "too few": (
        lambda: match(PANEL, PEOPLE, ["age"], k=2, replace=False),
        ArgumentError,
        "replace=False needs 6 rows for 3 units of the reference (k=2); the sample has 3. Use replace=True.",
    ),
    "exact": (
        lambda: match(PANEL.assign(sex="m"), PEOPLE, ["age"], exact="sex"),
        TargetMismatchError,
        "'sex': in the reference, not in the data: 'f' (n=1).",
    ),
    "weighted before": (
        lambda: match(sk.rake(sk.from_frame(PANEL), {"sex": {"m": 0.5, "f": 0.5}}), PEOPLE, ["age"]),
        UnsupportedOption,
        "The survey was weighted before",
    ),
    "replicates": (
        lambda: match(sk.from_frame(PANEL).replicate("JK1"), PEOPLE, ["age"]),
        UnsupportedOption,
        "match is not repeated in replicates.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_words(case):
    call, kind, text = REFUSED[case]
    with pytest.raises(kind) as error:
        call()
    assert text in str(error.value)
