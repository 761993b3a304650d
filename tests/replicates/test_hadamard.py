"""Hadamard matrices: orthogonality over every order that is reached, and the orders that are not."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_kit.kernels.hadamard import hadamard, hadamard_order, reachable

# orders up to 400 that need other constructions (Williamson, Turyn): Hedayat & Wallis (1978), table 1, without their own
BEYOND = [92, 116, 156, 172, 184, 188, 232, 236, 260, 268, 292, 324, 356, 372, 376]


@pytest.mark.parametrize("order", [1, 2, *range(4, 401, 4)])
def test_rows_are_orthogonal_and_normalised(order):
    if order in BEYOND:
        assert not reachable(order)
        with pytest.raises(ValueError, match=f"no Hadamard matrix of order {order} is made here"):
            hadamard(order)
        return
    whole = hadamard(order)
    assert whole.dtype == np.int8
    matrix = whole.astype(float)
    assert set(np.unique(matrix)) <= {-1.0, 1.0}
    assert (matrix @ matrix.T == order * np.eye(order)).all()
    assert (matrix[0] == 1).all() and (matrix[:, 0] == 1).all()
    assert order < 2 or (matrix[1:].sum(axis=1) == 0).all(), "each replicate factor has mean 1"


@given(st.sampled_from([4, 8, 12, 16, 20, 28, 36, 52, 76, 100, 244, 344]), st.integers(0, 10_000))
def test_some_rows_are_rows_of_the_whole(order, seed):
    rows = np.random.default_rng(seed).integers(0, order, 5)
    np.testing.assert_array_equal(hadamard(order, rows), hadamard(order)[rows])


def test_rows_of_a_large_matrix_need_no_matrix():
    """16,020 x 16,020 numbers would be 2 GB; twelve rows are made in 200 kB and a few blocks."""
    tracemalloc.start()
    try:
        rows = hadamard(16_020, np.arange(12))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows.shape == (12, 16_020) and peak < 60_000_000
    assert (rows.astype(float) @ rows.T.astype(float) == 16_020 * np.eye(12)).all()


@given(st.integers(1, 420))
def test_the_smallest_order_that_is_reached(least):
    order = hadamard_order(least)
    assert order >= least and reachable(order)
    assert not any(reachable(k) for k in range(least, order))


@given(st.integers(3, 500).filter(lambda k: k % 4 != 0))
def test_no_other_orders_exist(order):
    assert not reachable(order)
