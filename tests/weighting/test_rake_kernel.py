"""The raking kernel: solvers agree, bounds hold, impossible margins are proved impossible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.kernels.groups import combine
from survey_kit.kernels.rake import rake_cells, rake_cells_within
from survey_kit.kernels.weight_stats import effective_n, kish_deff, top_share, weight_range


def problem(seed: int, rows: int = 600, sizes: tuple[int, ...] = (2, 4, 3), pull: float = 20.0):
    """Codes of cells, rows in each, and targets that a weighting of the sample can meet."""
    random = np.random.default_rng(seed)
    margins = [random.integers(0, k, rows) for k in sizes]
    cell, first = combine(margins)
    codes = [m[first] for m in margins]
    meets = np.bincount(cell) * random.gamma(pull, 1 / pull, len(first))
    targets = [np.bincount(c, weights=meets, minlength=k) for c, k in zip(codes, sizes, strict=True)]
    return codes, np.bincount(cell).astype(float), targets


@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(2, 5), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_sweeps_newton_and_both_give_the_same_weights(seed, sizes):
    codes, base, targets = problem(seed, sizes=tuple(sizes), pull=4.0)
    results = {
        s: rake_cells(base, codes, targets, solver=s, tol=1e-11, max_iter=20_000) for s in ("auto", "ipf", "newton")
    }
    for result in results.values():
        assert result.gap[0] <= 1e-11
        np.testing.assert_allclose(result.weights, results["newton"].weights, rtol=1e-12, atol=0)


def test_slow_sweeps_are_left_to_newton():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    base, targets = np.array([1000.0, 1.0, 1.0, 1000.0]), [np.array([0.5, 0.5]), np.array([0.51, 0.49])]
    slow = rake_cells(base, [a, b], targets, solver="ipf", max_iter=20_000)
    quick = rake_cells(base, [a, b], targets)
    assert quick.solver == "ipf+newton"
    assert quick.iterations < 30 < slow.iterations
    np.testing.assert_allclose(quick.weights, slow.weights, rtol=1e-9)
    assert len(quick.history) == quick.iterations


def test_columns_are_raked_as_if_alone():
    codes, base, targets = problem(3)
    columns = np.random.default_rng(0).poisson(2, (len(base), 5)) * base[:, None]
    together = rake_cells(columns, codes, targets)
    for r in range(5):
        alone = rake_cells(columns[:, r], codes, targets)
        np.testing.assert_allclose(together.weights[:, r], alone.weights[:, 0], rtol=1e-9)
    assert (together.weights[columns == 0] == 0).all()


def test_an_impossible_column_does_not_stop_the_others():
    codes, base, targets = problem(3)
    columns = np.column_stack([np.where(codes[0] == 0, 0.0, base), base])
    result = rake_cells(columns, codes, targets, solver="newton")
    assert result.gap[0] > 0.1
    assert result.gap[1] <= 1e-10
    assert result.contradiction == (0,)


def test_redundant_margins_change_nothing():
    codes, base, targets = problem(4)
    once = rake_cells(base, codes, targets)
    twice = rake_cells(base, [*codes, codes[0]], [*targets, targets[0]], solver="newton")
    np.testing.assert_allclose(twice.weights, once.weights, rtol=1e-10)


@pytest.mark.parametrize("solver", ["auto", "ipf", "newton"])
def test_bounds_and_margins_hold_together(solver):
    codes, base, targets = problem(5, pull=4.0)
    free = rake_cells(base, codes, targets)
    cap = 0.93 * free.g.max()
    floor = 1.05 * free.g.min()
    bounded = rake_cells_within(base, codes, targets, floor * base, cap * base, solver=solver, max_iter=20_000)
    assert bounded.gap[0] <= 1e-10
    assert bounded.g.max() == pytest.approx(cap)
    assert bounded.g.min() == pytest.approx(floor)


def test_bounded_raking_is_nearer_to_the_base_than_clipping_and_raking_in_turn():
    codes, base, targets = problem(5, pull=4.0)
    cap = 0.93 * rake_cells(base, codes, targets).g.max()
    weights = base
    for _ in range(3000):
        for code, target in zip(codes, targets, strict=True):
            weights = weights * (target / np.bincount(code, weights=weights))[code]
        weights = np.minimum(weights, cap * base)
    bounded = rake_cells_within(base, codes, targets, 0 * base, cap * base).weights[:, 0]
    np.testing.assert_allclose(bounded, weights, rtol=1e-3)
    assert bounded @ np.log(bounded / base) < weights @ np.log(weights / base)


def test_bounds_that_never_bind_change_nothing():
    codes, base, targets = problem(6)
    free = rake_cells(base, codes, targets)
    loose = rake_cells_within(base, codes, targets, 0 * base, np.full(len(base), np.inf))
    np.testing.assert_allclose(loose.weights, free.weights, rtol=1e-12)


@pytest.mark.parametrize("solver", ["auto", "ipf"])
def test_an_empty_cell_that_the_targets_need_is_proved(solver):
    a, b, c = np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 0, 1]), np.array([0, 0, 0, 1, 1])
    targets = [np.array([0.5, 0.5]), np.array([0.2, 0.8]), np.array([0.5, 0.5])]
    result = rake_cells(np.ones(5), [a, b, c], targets, solver=solver)
    assert result.contradiction == (0, 1)
    assert result.gap[0] > 0.1


def test_a_margin_that_disagrees_with_itself_is_proved():
    codes, base, targets = problem(7)
    other = targets[0] + np.array([1.0, -1.0])
    assert rake_cells(base, [*codes, codes[0]], [*targets, other]).contradiction == (0, 3)


def test_no_contradiction_is_claimed_where_the_budget_ended():
    codes, base, targets = problem(8, pull=2.0)
    result = rake_cells(base, codes, targets, max_iter=1)
    assert result.gap[0] > 1e-10
    assert result.contradiction == ()
    assert result.iterations == 1


def test_many_categories_are_raked_by_sweeps():
    codes, base, targets = problem(9, rows=40_000, sizes=(900, 900), pull=50.0)
    result = rake_cells(base, codes, targets)
    assert result.solver == "ipf"
    assert result.gap[0] <= 1e-10


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=50), st.floats(0.01, 100))
def test_weight_statistics_know_no_scale(values, scale):
    w = np.array(values)
    assert kish_deff(w) == pytest.approx(1 + w.var() / w.mean() ** 2)
    assert kish_deff(scale * w) == pytest.approx(kish_deff(w))
    assert effective_n(np.append(w, 0)) == pytest.approx(effective_n(w))
    assert kish_deff(np.append(w, 0)) == pytest.approx(kish_deff(w))
    assert weight_range(scale * w).ratio == pytest.approx(w.max() / w.min())


def test_weight_statistics_of_nothing():
    assert effective_n(np.zeros(3)) == 0
    assert top_share(np.zeros(3)) == 0
    assert weight_range(np.zeros(3)).n == 0
