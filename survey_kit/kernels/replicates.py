"""Replicate factors of sampling units: what each replicate multiplies the weights of a unit by. All have mean 1.

Stratum h has n_h units, N_h of them in the population; f_h = n_h / N_h. Shapes: stratum (U,), sizes (H,) -> (U, R).
Units of strata that are held (`varies` is False) have the factor 1 in every replicate.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.kernels.hadamard import hadamard

_BLOCK = 4_000_000  # draws held at a time
_ENDLESS = 10**9  # population sizes from here on are drawn from with replacement


def members(stratum: IntArray, sizes: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Each stratum with its units."""
    order = np.argsort(stratum, kind="stable")
    start = 0
    for h, size in enumerate(sizes):
        yield h, order[start : start + size]
        start += size


def leave_one_out(stratum: IntArray, sizes: IntArray, varies: BoolArray) -> tuple[FloatArray, IntArray]:
    """Jackknife: 0 for the unit left out, n_h / (n_h - 1) for the others of its stratum, 1 elsewhere.

    One replicate for each unit of the strata that vary. Returns the factors and the unit that each replicate leaves
    out, shape (R,). Rust & Rao (1996).
    """
    left_out = np.flatnonzero(varies[stratum])
    factors = np.ones((len(stratum), len(left_out)))
    at = np.full(len(stratum), -1)
    at[left_out] = np.arange(len(left_out))
    for h, units in members(stratum, sizes):
        if varies[h]:
            factors[np.ix_(units, at[units])] = sizes[h] / (sizes[h] - 1)
    factors[left_out, np.arange(len(left_out))] = 0.0
    return factors, left_out


def balanced_halves(stratum: IntArray, sizes: IntArray, varies: BoolArray, order: int, rho: float) -> FloatArray:
    """Balanced repeated replication of two units per stratum: 1 +- (1 - rho) H[r, h], H a Hadamard matrix of that order.

    The h-th stratum has a row of H of its own, never the constant one. rho = 0 is BRR: factors 2 and 0; rho > 0 is Fay's
    method: 2 - rho and rho. McCarthy (1969); Judkins (1990).
    """
    rows = hadamard(order, np.arange(1, 1 + np.count_nonzero(varies)))
    factors = np.ones((len(stratum), order))
    position = 0
    for h, units in members(stratum, sizes):
        if varies[h]:
            swing = (1 - rho) * rows[position]
            factors[units[0]], factors[units[1]] = 1 + swing, 1 - swing
            position += 1
    return factors


def rao_wu(stratum: IntArray, sizes: IntArray, varies: BoolArray, replicates: int, seed: int) -> FloatArray:
    """Rescaled bootstrap: n_h / (n_h - 1) times how often a unit is drawn among n_h - 1, with replacement.

    Variance of a factor: 1; covariance of two of a stratum: -1 / (n_h - 1). Rao & Wu (1988); Rao, Wu & Yue (1992).
    """
    rng = np.random.default_rng(seed)
    factors = np.ones((len(stratum), replicates))
    for h, units in members(stratum, sizes):
        if varies[h]:
            n = len(units)
            factors[units] = _times_drawn(rng, n, n - 1, replicates) * (n / (n - 1))
    return factors


def canty_davison(
    stratum: IntArray, sizes: IntArray, varies: BoolArray, population: FloatArray, replicates: int, seed: int
) -> FloatArray:
    """Bootstrap of a pseudo-population: how often a unit is drawn among n_h.

    With replacement where N_h is infinite. Otherwise each unit stands N_h / n_h times in a pseudo-population of N_h (the
    remainder falls to units at random, once for all replicates) and n_h are drawn without replacement. Variance of a
    factor, for whole N_h / n_h: (1 - f_h) N_h / (N_h - 1) (n_h - 1) / n_h. Canty & Davison (1999).

    Args:
        population: N_h, infinite without fpc. Shape (H,).
    """
    rng = np.random.default_rng(seed)
    factors = np.ones((len(stratum), replicates))
    for h, units in members(stratum, sizes):
        if not varies[h]:
            continue
        n = len(units)
        if population[h] >= _ENDLESS:
            factors[units] = _times_drawn(rng, n, n, replicates)
        else:
            copies = np.full(n, int(population[h]) // n)
            copies[rng.permutation(n)[: int(population[h]) % n]] += 1
            factors[units] = rng.multivariate_hypergeometric(copies, n, size=replicates, method="marginals").T
    return factors


def canty_davison_scale(sizes: IntArray, varies: BoolArray, replicates: int) -> float:
    """n / ((n - 1)(R - 1)) with n the harmonic mean of the n_h, as R's survey::bootweights."""
    n = 1 / np.mean(1 / sizes[varies]) if varies.any() else 2.0
    return float(n / ((n - 1) * (replicates - 1)))


def successive_differences(pairs: tuple[IntArray, IntArray], order: int) -> FloatArray:
    """1 + 2^(-3/2) (H[a_i, r] - H[b_i, r]): unit i lies between the rows a_i and b_i of a Hadamard matrix.

    With scale 4 / R the variance of a total is 1/2 sum_k c_k^2, c_k the sum of z over units that enter row k less that
    over units that leave it. In one closed loop through rows of its own that is
    1/2 [sum_{i >= 2} (z_i - z_{i-1})^2 + (z_1 - z_n)^2]. Fay & Train (1995); Ash (2014).
    """
    used, place = np.unique(np.stack(pairs), return_inverse=True)
    rows = hadamard(order, used)
    enters, leaves = place.reshape(2, -1)
    factors = np.multiply(rows[enters] - rows[leaves], 2**-1.5, dtype=np.float64)
    factors += 1
    return factors


def loops(stratum: IntArray, position: FloatArray, order: int) -> tuple[IntArray, IntArray]:
    """The two rows of each unit: closed loops through the units of a stratum in their order. Shapes (U,), (U,).

    Rows 1 to order - 1 are used (row 0 is constant). As long as they last, every loop has rows of its own. After that
    they are used again in strides of 2, 3, ... that have no factor in common with their number, as the American Community
    Survey does; a loop never passes a row twice, so a stratum with more units than rows is cut into several loops.

    Args:
        position: place of each unit in the order of sampling. Shape (U,).
    """
    rows = _rows_in_use(len(stratum), order - 1)
    first, second = np.zeros(len(stratum), dtype=np.int64), np.zeros(len(stratum), dtype=np.int64)
    sequence = np.lexsort((position, stratum))
    sizes = np.bincount(stratum)
    start = 0
    for size in sizes[sizes > 0]:
        for piece in np.array_split(sequence[start : start + size], -(-size // (order - 1))):
            taken = rows[start : start + len(piece)]
            taken = taken if len(set(taken.tolist())) == len(taken) else rows[: len(piece)]
            first[piece], second[piece] = taken, np.roll(taken, -1)
            start += len(piece)
    return first, second


def _rows_in_use(units: int, rows: int) -> IntArray:
    """Rows 1..rows in strides 1, 2, ... without common factor, as long as there are units. Shape (>= units,)."""
    strides = [s for s in range(1, rows // 2 + 1) if np.gcd(s, rows) == 1] or [1]
    cycles = [1 + (np.arange(rows) * s) % rows for s in strides[: -(-units // rows)]]
    once = np.concatenate(cycles)
    return np.resize(once, max(units, len(once)))


def _times_drawn(rng: np.random.Generator, n: int, draws: int, replicates: int) -> FloatArray:
    """How often each of n is drawn, with replacement, in each replicate. Shape (n, R)."""
    out = np.empty((n, replicates))
    step = max(1, _BLOCK // max(n, 1))
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        drawn = rng.integers(0, n, size=(size, draws)) + n * np.arange(size)[:, None]
        out[:, start : start + size] = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).T
    return out
