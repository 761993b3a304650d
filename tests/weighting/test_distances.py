"""Distances of calibration: form, slope, bounds, and R's own functions at a few points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_kit.kernels.distances import DISTANCES

U = np.array([-2.0, -0.5, 0.0, 0.3, 1.7])[:, None]
FREE = (-np.inf, np.inf)

# library(survey); u <- c(-2, -.5, 0, .3, 1.7); b <- list(lower = .3, upper = 4)
# for (f in list(cal.linear, cal.raking, cal.logit, cal.sinh)) print(1 + f$Fm1(u, b), digits = 15)
R = {
    "linear": [0.3, 0.5, 1, 1.3, 2.7],
    "raking": [0.3, 0.606530659712633, 1, 1.349858807576003, 4],
    "logit": [0.325283060574466, 0.626213290162920, 1, 1.349288481250133, 3.346793053325889],
    "sinh": [0.400730451642930, 0.652110008267175, 1, 1.324071259435292, 2.361363433407872],
}


@pytest.mark.parametrize("name", DISTANCES)
def test_weights_start_at_their_base_and_move_at_rate_one(name):
    g, slope = DISTANCES[name](np.zeros((1, 1)), *((0.4, 2.5) if name == "logit" else FREE))
    assert g[0, 0] == pytest.approx(1, abs=1e-15)
    assert slope[0, 0] == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("name", DISTANCES)
def test_factors_are_those_of_r(name):
    np.testing.assert_allclose(DISTANCES[name](U, 0.3, 4.0)[0][:, 0], R[name], rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [(n, b) for n in DISTANCES for b in ((0.3, 4.0), (0.9, 1.1), FREE) if (n, b) != ("logit", FREE)],
)
def test_slope_is_the_derivative(name, bounds):
    u, step = np.linspace(-3, 3, 61)[:, None] + 0.001, 1e-6
    factor = DISTANCES[name]
    numeric = (factor(u + step, *bounds)[0] - factor(u - step, *bounds)[0]) / (2 * step)
    np.testing.assert_allclose(factor(u, *bounds)[1], numeric, rtol=1e-7, atol=1e-8)


@given(
    u=st.floats(-1e4, 1e4),
    low=st.floats(0.0, 0.99),
    high=st.floats(1.01, 100),
    name=st.sampled_from(list(DISTANCES)),
)
def test_factors_stay_within_their_bounds(u, low, high, name):
    g, slope = DISTANCES[name](np.array([[u]]), low, high)
    assert low * (1 - 1e-12) <= g[0, 0] <= high * (1 + 1e-12)
    assert slope[0, 0] >= 0 and np.isfinite(slope[0, 0])


@given(st.lists(st.floats(-600, 600), min_size=2, max_size=2, unique=True), st.sampled_from(list(DISTANCES)))
def test_factors_grow_with_the_predictor(pair, name):
    u = np.sort(np.array(pair))[:, None]
    g, _ = DISTANCES[name](u, *((0.2, 3.0) if name == "logit" else FREE))
    assert g[0, 0] <= g[1, 0]


def test_sinh_solves_its_equation():
    u = np.linspace(-50, 50, 101)[:, None]
    g, _ = DISTANCES["sinh"](u, *FREE)
    assert (g > 0).all()
    np.testing.assert_allclose(np.sinh(g - 1 / g) / 2, u, rtol=1e-11, atol=1e-12)


def test_bounds_of_each_row():
    low, high = np.array([[0.5], [0.9]]), np.array([[2.0], [1.2]])
    g, slope = DISTANCES["raking"](np.array([[1.0, -1.0], [1.0, -1.0]]), low, high)
    np.testing.assert_allclose(g, [[2.0, 0.5], [1.2, 0.9]])
    np.testing.assert_array_equal(slope, 0)
