"""Hadamard matrices: orthogonality over every order that is reached, and the orders that are not."""

from __future__ import annotations

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
    matrix = hadamard(order)
    assert set(np.unique(matrix)) <= {-1.0, 1.0}
    assert (matrix @ matrix.T == order * np.eye(order)).all()
    assert (matrix[0] == 1).all() and (matrix[:, 0] == 1).all()
    assert order < 2 or (matrix[1:].sum(axis=1) == 0).all(), "each replicate factor has mean 1"


@given(st.integers(1, 420))
def test_the_smallest_order_that_is_reached(least):
    order = hadamard_order(least)
    assert order >= least and reachable(order)
    assert not any(reachable(k) for k in range(least, order))


@given(st.integers(3, 500).filter(lambda k: k % 4 != 0))
def test_no_other_orders_exist(order):
    assert not reachable(order)
