"""The kernel of trimming: small cases by hand and by R, and what must hold for all weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.kernels.trim import room, trim_columns, trim_weights

# R survey 4.5 (and 4.1-1):
# weights(trimWeights(svydesign(id = ~1, weights = ~w, data = data.frame(w = W)), lower = 2, upper = 10))
W = np.array([1, 2, 3, 4, 5, 12, 20.0])
R_LOOSE = [2.0, 4.75, 5.75, 6.75, 7.75, 10.0, 10.0]


def test_one_round_is_that_of_r():
    assert trim_weights(W, 2, 10, strict=False).weights.tolist() == R_LOOSE


def test_strict_repeats_and_rows_once_trimmed_take_no_more():
    # first round: 3 above give 3 + 0.5 to two rows, 9.5 passes 9; second round: its 0.5 goes to the last row
    trimmed = trim_weights(np.array([1.0, 8.0, 12.0]), -np.inf, 9.0)
    assert trimmed.weights.tolist() == [3.0, 9.0, 9.0]
    assert trimmed.rounds == 2


def test_rows_at_the_other_limit_take_what_nobody_else_can():
    # R loses 1.5 here: 1.6 go to the second row, which gives 0.1 back to nobody
    trimmed = trim_weights(np.array([0.1, 1.0, 5.0]), 1.0, 2.5)
    np.testing.assert_allclose(trimmed.weights, [1.1, 2.5, 2.5], rtol=1e-15)
    assert trimmed.left == 0


def test_what_has_no_room_is_told():
    trimmed = trim_weights(np.array([1.0, 5.0]), -np.inf, 2.0)
    assert trimmed.weights.tolist() == [2.0, 2.0]
    assert trimmed.left == pytest.approx(2.0)
    assert room(np.array([1.0, 5.0]), -np.inf, 2.0).tolist() == [True, False]
    assert room(np.array([1.0, 5.0]), 4.0, np.inf).tolist() == [False, True]


def test_none_drops_what_was_trimmed():
    trimmed = trim_weights(W, -np.inf, 10, redistribute="none")
    assert trimmed.weights.tolist() == [1, 2, 3, 4, 5, 10, 10]
    assert trimmed.left == 12


def test_columns_have_their_own_limits():
    both = np.column_stack([W, 2 * W])
    out, left = trim_columns(both, np.array([2.0, 4.0]), np.array([10.0, 20.0]), True, "equal")
    np.testing.assert_allclose(out[:, 1], 2 * out[:, 0], rtol=1e-14)
    assert not left.any()


weights = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 100, allow_nan=False)), min_size=1, max_size=40).filter(
    lambda w: sum(w) > 0
)
WAYS = ("equal", "proportional")


@settings(max_examples=300, deadline=None)
@given(weights, st.floats(0.0, 1.0), st.floats(1.0, 5.0), st.sampled_from(WAYS))
def test_strict_keeps_the_sum_and_the_limits(w, low, high, way):
    w = np.array(w)
    mean = w[w > 0].mean()
    trimmed = trim_weights(w, low * mean, high * mean, redistribute=way)
    np.testing.assert_allclose(trimmed.weights.sum(), w.sum(), rtol=1e-10)
    inside = trimmed.weights[w > 0]
    if high > 1.0 + 1e-9 and low < 1.0 - 1e-9:
        assert inside.min() >= low * mean
        assert inside.max() <= high * mean
    assert not trimmed.weights[w == 0].any()


@settings(max_examples=200, deadline=None)
@given(weights, st.floats(1.01, 4.0), st.booleans(), st.sampled_from((*WAYS, "none")), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_the_unit_do_not_matter(w, high, strict, way, seed):
    w = np.array(w)
    limit = high * w[w > 0].mean()
    order = np.random.default_rng(seed).permutation(len(w))
    plain = trim_weights(w, -np.inf, limit, strict, way).weights
    np.testing.assert_allclose(trim_weights(w[order], -np.inf, limit, strict, way).weights, plain[order], rtol=1e-9)
    np.testing.assert_allclose(trim_weights(7 * w, -np.inf, 7 * limit, strict, way).weights, 7 * plain, rtol=1e-9)


@settings(max_examples=200, deadline=None)
@given(weights, st.floats(1.01, 4.0), st.sampled_from(WAYS))
def test_from_one_side_it_is_one_shift_or_one_factor_below_the_limit(w, high, way):
    w = np.array(w)
    limit = high * w[w > 0].mean()
    out = trim_weights(w, -np.inf, limit, redistribute=way).weights
    free = (w > 0) & (out < limit)
    if free.any():
        moved = out[free] - w[free] if way == "equal" else out[free] / w[free]
        np.testing.assert_allclose(moved, moved[0], rtol=1e-7, atol=1e-9)
        again = w + moved[0] if way == "equal" else w * moved[0]
        np.testing.assert_allclose(out[w > 0], np.minimum(again, limit)[w > 0], rtol=1e-7)
