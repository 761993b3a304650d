"""Totals under each replicate weight, and the rank of replicate weights, against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.kernels import sums
from survey_kit.kernels.rank import column_rank
from survey_kit.kernels.sums import Contributions, Entries


def entries(rng: np.random.Generator, n: int, shape: str, columns: int) -> Entries:
    """Entries of every kind: one for each row or not, in order or not, repeated or not, with values or not."""
    if shape == "each row":
        row, m = None, n
    else:
        m = int(rng.integers(0, 2 * n + 1))
        row = rng.integers(0, n, m)
        row = np.sort(row) if shape == "sorted" else row
    column = rng.integers(0, columns, m) if columns > 1 else None
    return Entries(row, column, rng.normal(size=m) if rng.random() < 0.5 else None, (n, columns))


def plain(part: Entries) -> np.ndarray:
    out = np.zeros(part.shape)
    values = np.ones(len(part.columns)) if part.value is None else part.value
    np.add.at(out, (part.rows, part.columns), values)
    return out


@settings(deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 7),
    st.lists(st.tuples(st.sampled_from(["each row", "sorted", "unsorted"]), st.integers(1, 9)), min_size=1, max_size=3),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_totals_of_each_is_a_matrix_product(seed, n, replicates, shapes, fortran, weighted):
    rng = np.random.default_rng(seed)
    parts = tuple(entries(rng, n, shape, columns) for shape, columns in shapes)
    weights = rng.normal(size=(n, replicates))
    base = rng.random(n) if weighted else None
    made = Contributions(parts).totals_of_each(np.asfortranarray(weights) if fortran else weights, base)
    rows = np.hstack([plain(part) for part in parts])
    expected = (weights if base is None else weights * base[:, None]).T @ rows
    assert made.shape == (replicates, rows.shape[1])
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-9)


def test_blocks_and_threads_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    n = 1000
    both = Contributions(
        (Entries(None, rng.integers(0, 6, n), rng.normal(size=n), (n, 6)), entries(rng, n, "sorted", 4))
    )
    weights = rng.random((n, 11))
    whole = both.totals_of_each(weights)
    monkeypatch.setattr(sums, "_ROWS", 16)
    monkeypatch.setattr(sums, "_CHUNK", 150)
    cut = both.totals_of_each(weights)
    np.testing.assert_allclose(cut, whole, rtol=1e-12)
    assert (both.totals_of_each(weights) == cut).all(), "threads add up in one order"


def test_no_rows():
    assert Contributions((Entries(None, None, None, (0, 2)),)).totals_of_each(np.zeros((0, 3))).tolist() == [[0, 0]] * 3


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.booleans())
def test_rank_is_that_of_the_singular_values(seed, n, columns, rank, domain):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 4, (n, rank)) @ rng.normal(size=(rank, columns))
    rows = rng.random(n) < 0.6 if domain else None
    assert column_rank(matrix, rows) == np.linalg.matrix_rank(matrix if rows is None else matrix[rows], tol=1e-9)


@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e6])
def test_rank_of_many_rows(spread):
    """Rows beyond the first block count, columns of other lengths do not matter, and a column of zeros has no rank."""
    rng = np.random.default_rng(2)
    matrix = np.zeros((30_000, 6))
    matrix[:20_000, :3] = rng.random((20_000, 3))
    matrix[20_000:, 3] = spread
    matrix[:, 4] = matrix[:, 0] * spread
    assert column_rank(matrix) == 4
    assert column_rank(matrix, np.arange(30_000) < 20_000) == 3
    assert column_rank(matrix, np.zeros(30_000, dtype=bool)) == 0
