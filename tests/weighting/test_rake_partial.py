"""The raking kernel: margins that leave cells out, margins of shares, many columns at once, free totals."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from survey_kit.kernels.groups import combine, cross, levels_of
from survey_kit.kernels.rake import rake_cells, rake_cells_within

TOL = 1e-11
SOLVERS = ("auto", "ipf", "newton")


class Case:
    """Cells, and margins of three kinds that some weighting of the cells meets: full, partial, relative."""

    def __init__(self, seed: int, pull: float = 6.0, rows: int = 500):
        random = np.random.default_rng(seed)
        sizes = (3, 4, 3, 2)
        keys = [random.integers(0, k, rows) for k in sizes]
        keys[1] = np.where(random.random(rows) < 0.3, -1, keys[1])
        keys[2] = np.where(random.random(rows) < 0.2, -1, keys[2])
        crossed = cross(keys, sizes)
        self.codes = list(crossed.keys)
        self.base = crossed.rows * random.gamma(20, 0.05, len(crossed.rows))
        meets = self.base * random.gamma(pull, 1 / pull, len(self.base))
        self.relative = [False, False, True, False]
        self.targets = []
        for code, size, shares in zip(self.codes, sizes, self.relative, strict=True):
            sums = np.bincount(code[code >= 0], weights=meets[code >= 0], minlength=size)
            self.targets.append(sums / sums.sum() if shares else sums)

    def rake(self, **options):
        options = {"relative": self.relative, "tol": TOL, "max_iter": 20_000, **options}
        return rake_cells(self.base, self.codes, self.targets, **options)

    def features(self) -> np.ndarray:
        return np.hstack(
            [
                indicators(c, len(t), t if r else None)
                for c, t, r in zip(self.codes, self.targets, self.relative, strict=True)
            ]
        )


def indicators(code, size, shares=None):
    x = (code[:, None] == np.arange(size)).astype(float)
    return x if shares is None else x - np.outer(code >= 0, shares)


def met(weights, codes, targets, relative):
    """Largest miss of any category, as a part of all weights."""
    worst = 0.0
    for code, target, shares in zip(codes, targets, relative, strict=True):
        there = code >= 0
        sums = np.bincount(code[there], weights=weights[there], minlength=len(target))
        worst = max(worst, np.abs(sums - (target * sums.sum() if shares else target)).max())
    return worst / weights.sum()


def nearest(base, codes, targets, relative, bounds=None):
    """The weights nearest to the base by general optimisation of sum w log(w / b) - w."""
    x = np.hstack([indicators(c, len(t), t if r else None) for c, t, r in zip(codes, targets, relative, strict=True)])
    aims = np.concatenate([0 * t if r else t for t, r in zip(targets, relative, strict=True)])
    chosen: list[int] = []  # without constraints that follow from others, which the optimiser cannot take
    for k in range(x.shape[1]):
        if np.linalg.matrix_rank(x[:, [*chosen, k]]) > len(chosen):
            chosen.append(k)
    found = optimize.minimize(
        lambda w: (w * np.log(w / base) - w).sum(),
        base,
        jac=lambda w: np.log(w / base),
        bounds=bounds or [(1e-9, None)] * len(base),
        constraints={"type": "eq", "fun": lambda w: x[:, chosen].T @ w - aims[chosen], "jac": lambda w: x[:, chosen].T},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-14},
    )
    assert found.success, found.message
    return found.x


@given(seed=st.integers(0, 10_000), solver=st.sampled_from(SOLVERS))
@settings(max_examples=40, deadline=None)
def test_every_kind_of_margin_is_met_by_the_nearest_weights(seed, solver):
    case = Case(seed)
    raked = case.rake(solver=solver)
    weights = raked.weights[:, 0]
    assert raked.gap[0] <= TOL
    assert met(weights, case.codes, case.targets, case.relative) <= 2 * TOL
    x = case.features()
    logs = np.log(weights / case.base)
    lam = np.linalg.lstsq(x, logs, rcond=None)[0]
    np.testing.assert_allclose(x @ lam, logs, atol=1e-8)  # g is a product of category factors: the optimum


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_solvers_agree_on_every_kind_of_margin(seed):
    case = Case(seed)
    first, second = case.rake(solver="ipf"), case.rake(solver="newton")
    np.testing.assert_allclose(first.weights, second.weights, rtol=1e-9)


@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 1000))
@settings(max_examples=25, deadline=None)
def test_neither_the_order_of_cells_nor_the_scale_of_targets_matters(seed, factor):
    case = Case(seed)
    plain = case.rake().weights[:, 0]
    order = np.random.default_rng(seed).permutation(len(case.base))
    moved = rake_cells(
        case.base[order],
        [c[order] for c in case.codes],
        [t if r else factor * t for t, r in zip(case.targets, case.relative, strict=True)],
        relative=case.relative,
        tol=TOL,
    )
    np.testing.assert_allclose(moved.weights[:, 0], factor * plain[order], rtol=1e-9)


def test_the_order_of_margins_does_not_matter():
    case = Case(1)
    plain = case.rake().weights
    for order in permutations(range(4)):
        targets, relative = [case.targets[m] for m in order], [case.relative[m] for m in order]
        other = rake_cells(case.base, [case.codes[m] for m in order], targets, relative=relative, tol=TOL)
        np.testing.assert_allclose(other.weights, plain, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_partial_and_relative_margins_against_a_general_optimiser(solver):
    codes = [
        np.array([0, 0, 0, 0, 1, 1, 1, 1]),
        np.array([0, 1, -1, 0, 1, -1, 0, 1]),
        np.array([0, -1, 1, 1, 0, 0, -1, 1]),
    ]
    base = np.array([3.0, 1.0, 2.0, 4.0, 1.0, 2.0, 2.0, 5.0])
    targets = [np.array([11.0, 9.0]), np.array([6.0, 8.0]), np.array([0.55, 0.45])]
    relative = [False, False, True]
    raked = rake_cells(base, codes, targets, relative=relative, solver=solver, tol=TOL)
    np.testing.assert_allclose(raked.weights[:, 0], nearest(base, codes, targets, relative), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_within_bounds(solver):
    codes = [np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 1, -1, 0, 1, -1, 0, 1])]
    base = np.array([3.0, 1.0, 2.0, 4.0, 1.0, 2.0, 2.0, 5.0])
    targets, relative = [np.array([11.0, 9.0]), np.array([0.3, 0.7])], [False, True]
    free = rake_cells(base, codes, targets, relative=relative, tol=TOL)
    low, high = 1.1 * free.g.min() * base, 0.9 * free.g.max() * base
    raked = rake_cells_within(
        base, codes, targets, low, high, relative=relative, solver=solver, tol=TOL, max_iter=20_000
    )
    weights = raked.weights[:, 0]
    assert raked.gap[0] <= TOL
    assert (weights >= low * (1 - 1e-12)).all()
    assert (weights <= high * (1 + 1e-12)).all()
    assert met(weights, codes, targets, relative) <= 2 * TOL
    bounds = list(zip(low, high, strict=True))
    np.testing.assert_allclose(weights, nearest(base, codes, targets, relative, bounds), rtol=1e-4)


def test_cells_that_no_margin_covers_are_left_alone_where_the_total_is_free():
    code = np.array([0, 0, 1, -1, -1])
    raked = rake_cells(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), [code], [np.array([6.0, 1.0])])
    np.testing.assert_allclose(raked.weights[:, 0], [2.0, 4.0, 1.0, 4.0, 5.0])


def test_relative_margins_alone_keep_nothing_but_their_shares():
    code, base = np.array([0, 1, -1]), np.array([4.0, 1.0, 7.0])
    weights = rake_cells(base, [code], [np.array([0.5, 0.5])], relative=[True]).weights[:, 0]
    np.testing.assert_allclose(weights, [2.0, 2.0, 7.0])  # sqrt(4 * 1) each is nearest to the base


def test_a_margin_of_one_category_holds_the_total():
    code, everyone, base = np.array([0, 1, -1]), np.zeros(3, dtype=int), np.array([4.0, 1.0, 7.0])
    weights = rake_cells(
        base, [code, everyone], [np.array([0.5, 0.5]), np.array([12.0])], relative=[True, False]
    ).weights[:, 0]
    assert weights.sum() == pytest.approx(12)
    np.testing.assert_allclose(weights, np.array([2.0, 2.0, 7.0]) * 12 / 11)


def test_relative_margins_that_cover_everyone_are_ordinary_ones():
    case = Case(5)
    total = case.targets[0].sum()
    shares = rake_cells(
        case.base, [case.codes[0], case.codes[3]], [case.targets[0], case.targets[3] / total], relative=[False, True]
    )
    counts = rake_cells(case.base, [case.codes[0], case.codes[3]], [case.targets[0], case.targets[3]])
    np.testing.assert_allclose(shares.weights, counts.weights, rtol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bounded", [False, True])
def test_columns_together_are_columns_one_by_one(solver, bounded):
    case = Case(7)
    columns = case.base[:, None] * np.random.default_rng(1).gamma(50, 0.02, (len(case.base), 7))
    options = {"relative": case.relative, "solver": solver, "tol": TOL, "max_iter": 20_000}

    def rake(base):
        if not bounded:
            return rake_cells(base, case.codes, case.targets, **options)
        return rake_cells_within(base, case.codes, case.targets, 0.4 * case.base, 2.2 * case.base, **options)

    together = rake(columns)
    assert together.weights.shape == columns.shape
    for r in range(7):
        np.testing.assert_allclose(together.weights[:, r], rake(columns[:, r]).weights[:, 0], rtol=1e-9)


def test_columns_beyond_one_block_are_raked_too(monkeypatch):
    case = Case(8)
    columns = case.base[:, None] * np.random.default_rng(1).gamma(50, 0.02, (len(case.base), 7))
    whole = rake_cells(columns, case.codes, case.targets, relative=case.relative)
    monkeypatch.setattr("survey_kit.kernels.rake._TABLES", 3 * len(case.base))
    blocks = rake_cells(columns, case.codes, case.targets, relative=case.relative)
    np.testing.assert_allclose(blocks.weights, whole.weights, rtol=1e-11)
    assert len(blocks.gap) == 7
    assert blocks.iterations == len(blocks.history)


def test_cells_that_are_no_table_give_the_same(monkeypatch):
    case = Case(9)
    tabled = {s: case.rake(solver=s).weights for s in SOLVERS}
    monkeypatch.setattr("survey_kit.kernels.rake_problem._TABLE", 0)
    monkeypatch.setattr("survey_kit.kernels.rake_problem._SPARSE", 0)
    for solver, weights in tabled.items():
        np.testing.assert_allclose(case.rake(solver=solver).weights, weights, rtol=1e-9)


def test_a_cell_may_be_given_in_parts():
    case = Case(10)
    twice = [np.concatenate([c, c]) for c in case.codes]
    parts = rake_cells(np.concatenate([0.3 * case.base, 0.7 * case.base]), twice, case.targets, relative=case.relative)
    whole = case.rake().weights[:, 0]
    np.testing.assert_allclose(parts.weights[: len(whole), 0] + parts.weights[len(whole) :, 0], whole, rtol=1e-9)


def test_a_partial_margin_larger_than_the_total_is_proved_impossible():
    full, part = np.array([0, 0, 1, 1]), np.array([0, -1, 0, -1])
    raked = rake_cells(np.ones(4), [full, part], [np.array([1.0, 1.0]), np.array([3.0])])
    assert raked.contradiction
    assert raked.gap[0] > 0.1


def test_partial_margins_of_the_same_cells_that_disagree_are_proved_impossible_without_a_total():
    part = np.array([0, 1, -1])
    raked = rake_cells(np.ones(3), [part, part], [np.array([1.0, 2.0]), np.array([2.0, 1.0])])
    assert raked.contradiction == (0, 1)


def test_shares_that_cannot_hold_leave_nobody_to_hold_among():
    base = np.array([0.0, 1.0, 1.0])
    weights = rake_cells(base, [np.array([0, 1, -1])], [np.array([0.5, 0.5])], relative=[True]).weights[:, 0]
    np.testing.assert_allclose(weights, [0.0, 0.0, 1.0], atol=1e-9)


@given(
    keys=st.integers(1, 4).flatmap(lambda m: st.lists(st.tuples(*[st.integers(-1, 3)] * m), min_size=1, max_size=60)),
    spare=st.integers(0, 2_000),
)
@settings(deadline=None)
def test_collapsing_rows_is_numbering_their_combinations(keys, spare):
    columns = [np.array(c) for c in zip(*keys, strict=True)]
    crossed = cross(columns, [4 + spare] * len(columns))  # with spare levels there is no table
    code, first = combine([c + 1 for c in columns])
    np.testing.assert_array_equal(crossed.code, code)
    np.testing.assert_array_equal(crossed.rows, np.bincount(code))
    for key, column in zip(crossed.keys, columns, strict=True):
        np.testing.assert_array_equal(key, column[first])


def test_collapsing_works_in_blocks(monkeypatch):
    keys = [np.random.default_rng(k).integers(-1, 5, 1_000) for k in range(3)]
    whole = cross(keys, [5, 5, 5])
    monkeypatch.setattr("survey_kit.kernels.groups._BLOCK", 7)
    blocks = cross([k.astype(np.int8) for k in keys], [5, 5, 5])
    np.testing.assert_array_equal(blocks.code, whole.code)
    np.testing.assert_array_equal(blocks.rows, whole.rows)


@pytest.mark.parametrize("bad", [-2, 3])
def test_a_key_outside_its_levels_is_refused(bad):
    with pytest.raises(ValueError, match=r"outside -1\.\.2"):
        cross([np.array([0, bad, 1])], [3])


@given(st.lists(st.integers(-5, 5) | st.integers(-(10**12), 10**12), max_size=40))
def test_whole_numbers_are_positions_among_their_levels(values):
    column = np.array(values, dtype=np.int64)
    code, levels = levels_of(column)
    expected, inverse = np.unique(column, return_inverse=True)
    np.testing.assert_array_equal(levels, expected)
    np.testing.assert_array_equal(code, inverse)
