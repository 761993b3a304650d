"""Logistic fits under many columns of weights: numbers of R, and what must hold whatever the data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.kernels.logistic import fit_logistic, inverse_information

Y = np.array([3, 7, 1, 9, 4, 6, 2, 8, 5, 7, 3, 6], dtype=float)
YOUNG = np.array([1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1], dtype=float)
R = np.array([1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1], dtype=float)
W = np.array([2, 2, 3, 3, 1, 1, 4, 4, 2, 2, 5, 5], dtype=float)
X = np.column_stack([np.ones(12), YOUNG, Y])


def test_numbers_of_r():
    # d <- data.frame(age = c("y","o","y","o","o","o","y","y","o","o","y","y"), y = c(3,7,1,9,4,6,2,8,5,7,3,6),
    #                 r = c(1,1,0,1,1,1,0,1,1,0,1,1), w = c(2,2,3,3,1,1,4,4,2,2,5,5))
    # coef(glm(r ~ age + y, data = d, family = binomial, control = glm.control(epsilon = 1e-14)))
    # coef(svyglm(r ~ age + y, svydesign(~1, weights = ~w, data = d), family = quasibinomial, control = ...))
    fit = fit_logistic(X, R, np.column_stack([np.ones(12), W]))
    expected = [
        [-1.68722387203696, 0.562183486127635, 0.559551089891447],
        [-4.4124750016392, 2.22630494272811, 0.968593576651743],
    ]
    np.testing.assert_allclose(fit.coefficients.T, expected, rtol=1e-12)
    np.testing.assert_allclose(
        fit.probabilities[:3, 0], [0.634973400730797, 0.902879248539507, 0.362278296366261], rtol=1e-12
    )
    assert fit.converged.all() and not fit.separated.any()
    assert fit.rank.tolist() == [3, 3]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_columns_do_not_know_of_each_other_and_solve_their_equations(seed, columns):
    random = np.random.default_rng(seed)
    n = 60
    x = np.column_stack([np.ones(n), random.integers(0, 2, n), random.integers(0, 4, n)]).astype(float)
    y = (random.random(n) < 0.5).astype(float)
    weights = random.exponential(1, (n, columns)) * (random.random((n, columns)) < 0.9)
    together = fit_logistic(x, y, weights)
    for r in range(columns):
        alone = fit_logistic(x, y, weights[:, r])
        assert alone.separated[0] == together.separated[r]
        if not alone.separated[0]:
            np.testing.assert_allclose(together.coefficients[:, r], alone.coefficients[:, 0], rtol=1e-7, atol=1e-9)
    fine = ~together.separated
    assert together.converged[fine].all()
    score = x.T @ (weights * (y[:, None] - together.probabilities))
    np.testing.assert_allclose(score[:, fine], 0, atol=1e-8 * weights.sum())
    assert ((together.probabilities >= 0) & (together.probabilities <= 1)).all()


def test_scale_and_start_do_not_matter():
    plain = fit_logistic(X, R, W)
    np.testing.assert_allclose(fit_logistic(X, R, W * 1e6).coefficients, plain.coefficients, rtol=1e-12)
    again = fit_logistic(X, R, W, start=np.array([5.0, -3, 1]))
    np.testing.assert_allclose(again.coefficients, plain.coefficients, rtol=1e-10)


@pytest.mark.parametrize(
    "y", [np.ones(12), YOUNG, (Y > 4.5).astype(float)], ids=["everybody", "a group", "a threshold"]
)
def test_separation_is_told(y):
    assert fit_logistic(X, y, W).separated[0]


def test_rare_outcomes_are_no_separation():
    n = 100_000
    y = np.zeros(n)
    y[:3] = 1
    fit = fit_logistic(np.ones((n, 1)), y, np.ones(n))
    assert not fit.separated[0] and fit.converged[0]
    np.testing.assert_allclose(fit.probabilities[0], 3 / n, rtol=1e-9)


def test_columns_that_say_the_same_leave_the_probabilities():
    twice = np.column_stack([X, X[:, 1] + 2 * X[:, 2]])
    fit = fit_logistic(twice, R, W)
    np.testing.assert_allclose(fit.probabilities, fit_logistic(X, R, W).probabilities, rtol=1e-9)
    assert fit.rank[0] == 3 and not fit.separated[0]


def test_a_group_without_weight_in_a_replicate():
    weights = np.column_stack([W, np.where(YOUNG == 1, 0.0, W)])
    fit = fit_logistic(X, R, weights)
    assert fit.rank.tolist() == [3, 2]
    assert fit.converged.all()


def test_equal_rows_are_fitted_once():
    random = np.random.default_rng(4)
    x = np.column_stack([np.ones(400), random.integers(0, 3, 400), random.integers(0, 2, 400)]).astype(float)
    y = (random.random(400) < 0.6).astype(float)
    weights = random.exponential(1, (400, 20))
    many = fit_logistic(x, y, weights)
    few = np.hstack([fit_logistic(x, y, weights[:, r : r + 5]).probabilities for r in range(0, 20, 5)])
    np.testing.assert_allclose(many.probabilities, few, rtol=1e-10)


def test_inverse_information_is_the_covariance_of_glm():
    # vcov(glm(r ~ age + y, data = d, family = binomial)) is (X' diag(p (1 - p)) X)^-1
    p = fit_logistic(X, R, np.ones(12)).probabilities[:, 0]
    information = X.T @ np.diag(p * (1 - p)) @ X
    np.testing.assert_allclose(inverse_information(X, np.ones(12), p) @ information, np.eye(3), atol=1e-9)
