"""The law of raking with relative and own margins, and roots of uncertain targets on cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.kernels.raking_rounds import OwnCategory, RakingRounds, uncertain_cells


def cells(seed: int) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    full = np.indices((3, 2, 4)).reshape(3, -1)
    return tuple(full), random.integers(1, 9, full.shape[1]).astype(float), random


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_ordinary_margins_are_those_of_r(seed):
    margins, counts, random = cells(seed)
    margins = (np.where(random.random(24) < 0.2, -1, margins[0]), *margins[1:])
    sums = random.normal(size=(24, 2))
    one = RakingRounds(margins, counts).coefficients(sums)
    other = RakingRounds(margins, counts, (None,) * 3, (None,) * 3).coefficients(sums)
    np.testing.assert_array_equal(other, one)
    rows = sums / counts[:, None]  # R: every row less the mean of its category, margin after margin, ten times
    for _ in range(10):
        for margin in margins:
            for k in range(margin.max() + 1):
                rows[margin == k] -= np.average(rows[margin == k], axis=0, weights=counts[margin == k])
    np.testing.assert_allclose(sums - counts[:, None] * one, counts[:, None] * rows, atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_relative_margin_takes_nothing_of_what_its_rows_weigh_together(seed):
    margins, counts, random = cells(seed)
    shares = random.dirichlet(np.ones(3) * 5)
    law = RakingRounds((margins[0],), counts, (shares,), (None,))
    covered = counts[:, None] * np.ones((24, 1))
    np.testing.assert_allclose(law.coefficients(covered), 0, atol=1e-12)
    left = random.normal(size=(24, 1))
    rest = left - counts[:, None] * law.coefficients(left)
    means = [rest[margins[0] == k].sum() / counts[margins[0] == k].sum() for k in range(3)]
    np.testing.assert_allclose(means, means[0], atol=1e-12)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_roots_on_cells_give_what_roots_on_categories_give(seed, with_own):
    """L'a = root' lambda for a = Z lambda, whatever lambda, where root keeps the totals of the margins."""
    margins, _, random = cells(seed)
    own = OwnCategory(1, random.dirichlet(np.ones(2)), random.normal(size=24)) if with_own else None
    lam = [random.normal(size=k) for k in (3, 2, 4)]
    a = sum(log[m] for log, m in zip(lam, margins, strict=True))
    if own is not None:
        a = a - own.pull * (lam[0][1] - own.p @ lam[0][[0, 2]])
    roots = [r - r.mean(axis=0) for r in (random.normal(size=(k, 2)) for k in (3, 2, 4))]
    expected = np.concatenate(roots).T @ np.concatenate(lam)
    found = uncertain_cells(margins, np.concatenate(roots), (own, None, None))
    assert found.T @ a == pytest.approx(expected, abs=1e-8)
