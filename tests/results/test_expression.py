"""Expressions of contrasts: value and exact gradient against numerical ones, reading against Python's own arithmetic."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError
from survey_kit.results.expression import FUNCTIONS, read

NAMES = ("a", "b", "c")
CALLS = (
    "exp",
    "sqrt",
    "log",
    "log2",
    "log10",
    "expit",
    "logit",
    "sin",
    "cos",
    "tan",
    "atan",
    "asin",
    "acos",
    "tanh",
    "atanh",
    "abs",
)
LEAVES = st.one_of(st.sampled_from(NAMES), st.integers(1, 9).map(str), st.sampled_from(["0.5", "2.25", "1e-1", ".75"]))


def _bigger(inner):
    signs = st.sampled_from(["+", "-", "*", "/"])
    pair = st.tuples(inner, signs, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    call = st.tuples(st.sampled_from(CALLS), inner).map(lambda t: f"{t[0]}({t[1]})")
    power = st.tuples(inner, st.integers(-2, 3)).map(lambda t: f"({t[0]}) ** {t[1]}")
    return st.one_of(pair, call, power, inner.map(lambda t: f"-{t}"))


EXPRESSIONS = st.recursive(LEAVES, _bigger, max_leaves=8).filter(lambda text: re.search(r"\b[abc]\b", text))


def _steps(expression, x, h=1e-5):
    """Derivatives by five-point differences, with a bound for their error from another width."""

    def slopes(h):
        out = []
        for i in range(len(x)):
            move = np.eye(len(x))[i] * h * max(abs(x[i]), 0.1)
            f = [float(expression.value(x + k * move)) for k in (-2, -1, 1, 2)]
            out.append((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h * max(abs(x[i]), 0.1)))
        return np.array(out)

    one, two = slopes(h), slopes(3 * h)
    return one, np.abs(one - two)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(EXPRESSIONS, st.lists(st.floats(0.05, 0.95), min_size=3, max_size=3))
def test_the_gradient_is_the_numerical_one(text, values):
    expression = read(text)
    x = np.array([dict(zip(NAMES, values, strict=True))[n] for n in expression.names])
    slope = expression.gradient(x)
    assume(np.isfinite(slope).all())
    numerical, doubt = _steps(expression, x)
    assume(np.isfinite(numerical).all() and (doubt <= 1e-6 * (1 + np.abs(slope))).all())
    np.testing.assert_allclose(slope, numerical, rtol=1e-5, atol=1e-5 * (1 + np.abs(slope).max()))


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.lists(st.floats(0.05, 0.95), min_size=3, max_size=3))
def test_the_value_is_that_of_python(text, values):
    places = dict(zip(NAMES, values, strict=True))
    known = {"expit": lambda v: 1 / (1 + math.exp(-v)), "logit": lambda v: math.log(v / (1 - v)), "abs": abs}
    known |= {n: getattr(math, n) for n in FUNCTIONS if n not in known}
    expression = read(text)
    found = float(expression.value(np.array([places[n] for n in expression.names])))
    try:
        expected = eval(text, {"__builtins__": {}}, {**known, **places})
    except (ValueError, ZeroDivisionError, OverflowError):
        return
    if isinstance(expected, complex) or not math.isfinite(expected) or abs(expected) > 1e100:
        return
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS)
def test_many_vectors_are_evaluated_as_one_by_one(text):
    expression = read(text)
    x = np.random.default_rng(1).uniform(0.05, 0.95, (5, 2, len(expression.names)))
    together = expression.value(x)
    assert together.shape == (5, 2)
    np.testing.assert_allclose(together[3, 1], expression.value(x[3, 1]), rtol=1e-12)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(-9, 9)), min_size=1, max_size=6))
def test_sums_are_recognised_as_linear(parts):
    text = " + ".join(f"{k} * {n}" for n, k in parts)
    expression = read(text)
    assert expression.coefficients is not None
    wanted = {n: sum(k for m, k in parts if m == n) for n, _ in parts}
    assert dict(zip(expression.names, expression.coefficients, strict=True)) == wanted


@pytest.mark.parametrize(
    "text", ["a * b", "a / b", "a ** 2", "log(a)", "a + 1", "a - b * a", "exp(1) - a ** 1", "2 ** a"]
)
def test_the_rest_is_not(text):
    assert read(text).coefficients is None


def test_precedence_is_that_of_arithmetic():
    x = np.array([3.0])
    for text, value in {
        "-a ** 2": -9,
        "2 ** -a": 0.125,
        "a ** 2 ** 3": 6561,
        "8 / a / 2": 8 / 6,
        "1 - a - 1": -3,
        "--a": 3,
    }.items():
        assert float(read(text).value(x)) == pytest.approx(value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        read(text)
    except ArgumentError as refused:
        assert str(refused)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(EXPRESSIONS, st.integers(0, 5))
def test_replicates_are_close_to_the_delta_method(text, seed):
    """Jackknife weights of 400 units move a smooth function along its tangent, but for terms of the second order."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({n: rng.uniform(0.3, 0.7, 400) for n in NAMES})
    poll = sk.from_frame(frame)
    means = sk.mean(poll.with_design().replicate("JK1"), list(NAMES))
    delta, told = means.contrast(text, method="delta"), means.contrast(text)
    linear = sk.mean(poll, list(NAMES)).contrast(text)
    np.testing.assert_allclose(delta.theta, linear.theta, rtol=1e-9)
    np.testing.assert_allclose(delta.se, linear.se, rtol=1e-6, atol=1e-12)
    assume(np.isfinite(delta.se).all() and delta.se[0] > 1e-6)
    expression = read(text)
    at = [NAMES.index(n) for n in expression.names]
    x, slope = means.theta[at], expression.gradient(means.theta[at])
    moves = means.se[at] * np.array(
        [[s if i == j else 0 for j in range(len(at))] for i in range(len(at)) for s in (-1, 1)]
    )
    bend = np.abs(expression.value(x + moves) - expression.value(x) - moves @ slope)
    assume((bend < 0.05 * delta.se[0]).all())
    assert told.se[0] == pytest.approx(delta.se[0], rel=0.15)
