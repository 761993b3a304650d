"""The kernel of calibration: totals met, the nearest weights, columns at once, redundant and contradictory columns."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from survey_kit.kernels.calibrate import Features, calibrate_columns

FREE = (-np.inf, np.inf)
WAYS = [
    ("linear", FREE),
    ("raking", (0.0, np.inf)),
    ("logit", (0.3, 3.0)),
    ("sinh", FREE),
    ("linear", (0.6, 2.0)),
    ("raking", (0.6, 1.8)),
    ("sinh", (0.6, 2.0)),
]


def problem(n: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns (dummies of two margins, a constant, a number in the hundred thousands), base weights, reachable totals."""
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 4, n), random.integers(0, 3, n)
    number = random.normal(6e5, 1e5, n)
    x = np.column_stack([np.eye(4)[a], np.eye(3)[b], np.ones(n), number])
    base = random.uniform(0.5, 3, n)
    g = np.exp(0.3 * (a == 1) - 0.1 * (b == 2) - 0.2 * (number - 6e5) / 1e5)
    return x, base, x.T @ (base * np.clip(g, 0.7, 1.6))


@pytest.mark.parametrize(("distance", "bounds"), WAYS)
def test_totals_are_met_and_redundant_columns_do_not_matter(distance, bounds):
    x, base, totals = problem()
    options = {"distance": distance, "low": bounds[0], "high": bounds[1]}
    found = calibrate_columns(Features(x), base, totals, **options)
    w = base * found.g[:, 0]
    np.testing.assert_allclose(x.T @ w, totals, rtol=1e-12)
    assert found.gap.max() < 1e-12
    assert (found.g >= bounds[0]).all() and (found.g <= bounds[1]).all()
    own = [1, 2, 3, 5, 6, 7, 8]  # without the first category of each margin
    least = calibrate_columns(Features(x[:, own]), base, totals[own], population=totals[7], **options)
    np.testing.assert_allclose(least.g, found.g, rtol=1e-10)


@pytest.mark.parametrize(("distance", "bounds"), WAYS)
def test_cells_and_rows_give_the_same(distance, bounds):
    x, base, totals = problem()
    options = {"distance": distance, "low": bounds[0], "high": bounds[1]}
    dummies, code = np.unique(x[:, :8], axis=0, return_inverse=True)
    split = Features(dummies, code, x[:, 8:])
    whole = calibrate_columns(Features(x), base, totals, **options)
    found = calibrate_columns(split, base, totals, population=totals[7], **options)
    np.testing.assert_allclose(found.g, whole.g, rtol=1e-10)


@pytest.mark.parametrize(("distance", "bounds"), WAYS)
def test_many_columns_at_once_are_each_alone(distance, bounds):
    x, base, totals = problem()
    options = {"distance": distance, "low": bounds[0], "high": bounds[1]}
    many = base[:, None] * np.random.default_rng(2).integers(0, 3, (len(base), 12))
    many *= base.sum() / many.sum(axis=0)
    found = calibrate_columns(Features(x), many, totals, **options)
    for r in range(12):
        alone = calibrate_columns(Features(x), many[:, r], totals, **options)
        np.testing.assert_allclose(found.g[:, r] * many[:, r], alone.g[:, 0] * many[:, r], rtol=1e-9, atol=1e-12)


def test_linear_is_the_regression_estimator_in_closed_form():
    x, base, totals = problem()
    z = x[:, [1, 2, 3, 7, 8]]
    t = totals[[1, 2, 3, 7, 8]]
    lam = np.linalg.solve(z.T @ (base[:, None] * z), t - z.T @ base)
    found = calibrate_columns(Features(z), base, t)
    np.testing.assert_allclose(found.g[:, 0], 1 + z @ lam, rtol=1e-9)
    assert found.iterations == 1


@pytest.mark.parametrize("distance", ["linear", "raking"])
def test_bounded_weights_are_the_nearest_of_all_that_meet_the_totals(distance):
    """Any small move that keeps the totals and the bounds makes the distance larger."""
    x, base, totals = problem()
    g = calibrate_columns(Features(x), base, totals, distance=distance, low=0.75, high=1.4).g[:, 0]

    def far(factor):
        return base @ ((factor - 1) ** 2 / 2 if distance == "linear" else factor * np.log(factor) - factor + 1)

    assert (g == 0.75).any() or (g == 1.4).any()
    random = np.random.default_rng(3)
    inside = np.flatnonzero((g > 0.75) & (g < 1.4))
    for _ in range(20):
        rows = random.choice(inside, 30, replace=False)
        null = np.linalg.svd((base[rows, None] * x[rows]).T)[2][-5:]
        move = np.zeros(len(g))
        move[rows] = null.T @ random.normal(size=5)
        move *= 1e-3 / np.abs(move).max()
        assert far(g + move) > far(g)


def test_worth_of_rows_is_the_weight_of_the_regression():
    x, base, totals = problem()
    q = np.random.default_rng(4).uniform(0.5, 2, len(base))
    z, t = x[:, [1, 2, 3, 7, 8]], totals[[1, 2, 3, 7, 8]]
    lam = np.linalg.solve(z.T @ ((base * q)[:, None] * z), t - z.T @ base)
    found = calibrate_columns(Features(z), base, t, q=q)
    np.testing.assert_allclose(found.g[:, 0], 1 + q * (z @ lam), rtol=1e-9)


def test_soft_totals_are_ridge_regression():
    x, base, totals = problem()
    z, t = x[:, [1, 2, 3, 7]], totals[[1, 2, 3, 7]]
    slack = np.array([40.0, 3.0, 0.0, 0.0])
    lam = np.linalg.solve(z.T @ (base[:, None] * z) + np.diag(slack), t - z.T @ base)
    found = calibrate_columns(Features(z), base, t, slack=slack)
    np.testing.assert_allclose(found.g[:, 0], 1 + z @ lam, rtol=1e-10)
    reached = z.T @ (base * found.g[:, 0])
    np.testing.assert_allclose(t - reached, slack * lam, rtol=1e-8, atol=1e-9)


def test_contradictory_totals_are_known_before_any_work():
    x, base, totals = problem()
    wrong = totals.copy()
    wrong[0] *= 1.1  # the first margin then sums to more than the second
    found = calibrate_columns(Features(x), base, wrong)
    assert found.conflict[:8].max() > 1e-3
    assert found.conflict[8] < 1e-12
    assert found.gap.max() > 1e-3
    assert calibrate_columns(Features(x), base, totals).conflict.max() < 1e-12


def test_bounds_that_leave_no_room_are_proved():
    x, base, totals = problem()
    found = calibrate_columns(Features(x), base, totals, low=0.95, high=1.05)
    assert found.gap.max() > 1e-3
    assert found.impossible
    assert not calibrate_columns(Features(x), base, totals, low=0.5, high=2.0).impossible


def test_far_totals_and_far_scales_are_reached():
    x, base, totals = problem()
    raked = calibrate_columns(Features(x), base, totals, distance="raking")
    far = calibrate_columns(Features(x), base * 1e-6, totals, distance="raking")
    np.testing.assert_allclose(far.g * 1e-6, raked.g, rtol=1e-9)
    steep = x * np.array([1e-9] * 4 + [1e9] * 3 + [1, 1e6])
    found = calibrate_columns(
        Features(steep), base, totals * np.array([1e-9] * 4 + [1e9] * 3 + [1, 1e6]), distance="raking"
    )
    np.testing.assert_allclose(found.g, raked.g, rtol=1e-9)


def test_columns_that_hardly_vary_are_not_lost():
    """A year beside a constant: their correlation is 1 to eight digits."""
    random = np.random.default_rng(5)
    x = np.column_stack([np.ones(300), random.integers(1990, 1994, 300) + 1e5])
    totals = np.array([300.0, 300 * (1991.2 + 1e5)])
    for population in (None, 300.0):
        found = calibrate_columns(Features(x), np.ones(300), totals, population=population)
        assert abs(x.T @ found.g[:, 0] - totals).max() < 1e-6


def test_zero_weights_stay_zero_and_change_nothing():
    x, base, totals = problem()
    more, zeros = np.vstack([x, x[:5]]), np.append(base, np.zeros(5))
    found = calibrate_columns(Features(more), zeros, totals, distance="raking")
    alone = calibrate_columns(Features(x), base, totals, distance="raking")
    np.testing.assert_allclose(found.g[:-5], alone.g, rtol=1e-11)


def test_memory_is_rows_not_rows_times_columns():
    n, k = 200_000, 40
    random = np.random.default_rng(6)
    code = random.integers(0, k, n)
    features = Features(np.eye(k), code, random.normal(size=(n, 1)))
    base = np.ones(n)
    totals = features.sums(base[:, None])[:, 0] * 1.01
    tracemalloc.start()
    found = calibrate_columns(features, base, totals, distance="raking", population=totals[:k].sum())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.gap.max() < 1e-10
    assert peak < 20 * n * 8
