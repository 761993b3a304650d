"""The one variance: from sums of influence values by sampling unit and a scheme that says what their squares count.

    V = sum over stages s, strata h of s:  F_h (1 - f_h) n_h / (n_h - 1)  sum_i (z_hi - zbar_h)(z_hi - zbar_h)'

z_hi: sum of influence values in unit i of stratum h; n_h: units sampled; f_h: their sampling fraction (0 when sampling
is with replacement); F_h: the product of the fractions of all stages above (1 at the first). Without fpc there is only
the first stage. Sarndal, Swensson & Wretman (1992), section 4.3; Lumley (2010), chapter 3; R survey::svyrecvar.

Designs whose units are drawn with unequal probabilities, or in two phases, have another quadratic form in z: see
quadratic.py, which pps.py and two_phase.py fill in. What a stratum with one unit counts is said in lonely.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.kernels.sums import sum_rows

_BLOCK = 500_000  # matrix entries held dense at a time


class Scheme(Protocol):
    """What the squares and products of the units' sums count in a variance."""

    @property
    def units(self) -> int:
        """Sampling units."""

    def covariance(self, sums: UnitSums, diagonal: bool = False) -> FloatArray:
        """The variance of K estimates. Shape (K, K), or (K,) for the diagonal alone."""


@dataclass(frozen=True, eq=False)
class LonelyRule:
    """A rule for strata with one unit that depends on the domain: see lonely.py.

    Attributes:
        rule: "adjust" or "average".
        alone: strata with one unit of several, in the whole sample. Shape (H,).
        factor: F_h (1 - f_h) n_h / (n_h - 1) before the rule, n_h / (n_h - 1) being 1 for one unit. Shape (H,).
        domains: whether the rule also holds for strata of which a domain leaves one unit.
    """

    rule: str
    alone: BoolArray
    factor: FloatArray
    domains: bool = False


@dataclass(frozen=True, eq=False)
class StageScheme:
    """One sampling stage, in numbers.

    Attributes:
        stratum: stratum of each unit, 0..H-1. Shape (U,).
        factor: F_h (1 - f_h) n_h / (n_h - 1), and for a lonely unit what its rule says. Shape (H,).
        centre: per stratum, True where units are centred on the stratum mean, False on the mean of all units of the
            stage under the same parent ("adjust"). Shape (H,).
        parent: for each stratum the unit of the stage above that it lies in (0 at the first stage). Shape (H,).
        scale: 1 - p_i of each unit, where probabilities differ within strata and 1 - f_h is left out of `factor`
            (Brewer's approximation); None for equal ones. Shape (U,).
        lonely: the rule for strata with one unit, where it depends on the domain.
        fraction: f_h, 0 where sampling is with replacement; None where probabilities differ. Shape (H,).
    """

    stratum: IntArray
    factor: FloatArray
    centre: BoolArray
    parent: IntArray
    scale: FloatArray | None = None
    lonely: LonelyRule | None = None
    fraction: FloatArray | None = None

    @property
    def sizes(self) -> IntArray:
        """Units per stratum. Shape (H,)."""
        return np.bincount(self.stratum, minlength=len(self.factor))

    @property
    def units(self) -> int:
        """Sampling units."""
        return len(self.stratum)

    def covariance(self, sums: UnitSums, diagonal: bool = False) -> FloatArray:
        """The stage's part of the variance. Shape (K, K), or (K,) for the diagonal alone."""
        return stage_covariance(sums, self, diagonal)


@dataclass(frozen=True, eq=False)
class Squares:
    """V = Z'Z: sums that were centred and scaled before, unit by unit and estimate by estimate."""

    units: int

    def covariance(self, sums: UnitSums, diagonal: bool = False) -> FloatArray:
        """The sum of squares and products. Shape (K, K), or (K,) for the diagonal alone."""
        return sum((_squares(block, diagonal) for _, _, block in sums.blocks()), np.zeros(_shape(sums, diagonal)))


@dataclass(frozen=True, eq=False)
class UnitSums:
    """Sums of influence values by unit: `direct` minus what calibration takes away, `cells @ taken`.

    Attributes:
        direct: shape (U, K), sparse or dense.
        corrections: pairs (weight of each unit in each cell, shape (U, C), sparse; coefficients, shape (C, K)).
        size: how large the numbers are that make up each estimate; a standard error of less than 1e-13 of it is
            rounding. None where variances cannot come out negative. Shape (K,).
    """

    direct: sp.csr_array | FloatArray
    corrections: tuple[tuple[sp.csr_array, FloatArray], ...] = ()
    size: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.direct.shape

    @property
    def is_sparse(self) -> bool:
        """Whether most sums are zero and held as such."""
        return sp.issparse(self.direct) and not self.corrections

    def entries(self) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
        """The sums that are held, of a sparse array without corrections, in blocks: unit, estimate, sum."""
        held = sp.csr_array(self.direct)
        step = max(1, _BLOCK * len(held.indptr) // max(held.nnz, 1))
        for start in range(0, held.shape[0], step):
            edges = held.indptr[start : start + step + 1]
            unit = np.repeat(np.arange(start, start + len(edges) - 1), np.diff(edges))
            yield unit, held.indices[edges[0] : edges[-1]].astype(np.int64), held.data[edges[0] : edges[-1]]

    def dense(self, start: int, stop: int) -> FloatArray:
        """Rows start..stop as a dense array."""
        rows = self.direct[start:stop]
        out: FloatArray = rows.toarray() if isinstance(rows, sp.sparray) else np.array(rows, dtype=float)
        for weights, taken in self.corrections:
            out -= weights[start:stop] @ taken
        return out

    def map(self, matrix: FloatArray | sp.sparray) -> UnitSums:
        """Sums of the influence values of `matrix @ theta`. Shape of `matrix`: (M, K)."""
        size = None if self.size is None else abs(matrix) @ self.size
        return UnitSums(self.direct @ matrix.T, tuple((w, taken @ matrix.T) for w, taken in self.corrections), size)

    def blocks(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Dense blocks of rows, so that U x K is never held at once."""
        units, k = self.shape
        step = max(1, _BLOCK // max(k, 1))
        for start in range(0, units, step):
            stop = min(start + step, units)
            yield start, stop, self.dense(start, stop)


def stage_covariance(sums: UnitSums, scheme: StageScheme, diagonal: bool = False) -> FloatArray:
    """One stage's part of the variance. Shape (K, K), or (K,) for the diagonal alone."""
    centres = stratum_centres(sums, scheme)
    if diagonal and sums.is_sparse and scheme.scale is None:
        return _sparse_variances(sums, scheme, centres)
    root = np.sqrt(scheme.factor)
    total = np.zeros(_shape(sums, diagonal))
    for start, stop, block in sums.blocks():
        stratum = scheme.stratum[start:stop]
        block -= centres[stratum]
        block *= root[stratum][:, None]
        if scheme.scale is not None:
            block *= np.sqrt(scheme.scale[start:stop])[:, None]
        total += _squares(block, diagonal)
    return total


def _sparse_variances(sums: UnitSums, scheme: StageScheme, centres: FloatArray) -> FloatArray:
    """The same for the diagonal alone, from the sums that are held and the number of those that are zero. Shape (K,)."""
    strata, k = centres.shape
    squares, held = np.zeros(strata * k), np.zeros(strata * k, dtype=np.int64)
    for unit, column, z in sums.entries():
        key = column if strata == 1 else scheme.stratum[unit] * k + column
        squares += np.bincount(key, weights=(z - centres.ravel()[key]) ** 2, minlength=strata * k)
        held += np.bincount(key, minlength=strata * k)
    zero = np.repeat(scheme.sizes, k) - held
    return np.asarray(scheme.factor @ (squares + zero * centres.ravel() ** 2).reshape(strata, k))


def _shape(sums: UnitSums, diagonal: bool) -> tuple[int, ...]:
    k = sums.shape[1]
    return (k,) if diagonal else (k, k)


def _squares(block: FloatArray, diagonal: bool) -> FloatArray:
    """Sums of squares of the columns, or of their products, too."""
    return np.einsum("ij,ij->j", block, block) if diagonal else block.T @ block


def sums_by_stratum(sums: UnitSums, stratum: IntArray, strata: int) -> FloatArray:
    """Sums over the units of each stratum. Shape (H, K)."""
    k = sums.shape[1]
    if sums.is_sparse:
        parts = (np.bincount(stratum[u] * k + c, weights=z, minlength=strata * k) for u, c, z in sums.entries())
        return np.asarray(sum(parts, np.zeros(strata * k)), dtype=float).reshape(strata, k)
    total = np.zeros((strata, k))
    for start, stop, block in sums.blocks():
        total += sum_rows(block, stratum[start:stop], strata, np.ones(stop - start))
    return total


def stratum_centres(sums: UnitSums, scheme: StageScheme) -> FloatArray:
    """What each stratum's units are centred on. Shape (H, K)."""
    by_stratum = sums_by_stratum(sums, scheme.stratum, len(scheme.factor))
    sizes = scheme.sizes
    own = by_stratum / np.maximum(sizes, 1)[:, None]
    if scheme.centre.all():
        return own
    siblings = np.bincount(scheme.parent, weights=sizes)
    common = by_parent(scheme.parent, by_stratum) / np.maximum(siblings, 1)[:, None]
    return np.where(scheme.centre[:, None], own, common[scheme.parent])


def by_parent(parent: IntArray, by_stratum: FloatArray) -> FloatArray:
    """Sums of strata by the unit that they lie in. Shapes (H,), (H, K) -> (parents, K)."""
    total = np.zeros((int(parent.max(initial=0)) + 1, by_stratum.shape[1]))
    np.add.at(total, parent, by_stratum)
    return total


def replicate_covariance(
    thetas: FloatArray, theta: FloatArray, scale: float, rscales: FloatArray, mse: bool, diagonal: bool = False
) -> FloatArray:
    """V = scale * sum_r rscales_r (theta_r - c)(theta_r - c)', c the full-sample estimate if `mse`, else the replicate mean.

    Shapes: thetas (R, K), theta (K,), rscales (R,). The mean is taken over replicates with rscales > 0, as R does, and
    replicates in which an estimate does not exist (NaN) are left out of it, as R leaves them out; with fewer than two
    left, or without a full-sample estimate, there is no variance (NaN).
    """
    there = ~np.isnan(thetas)
    counted = there & (rscales > 0)[:, None]
    centre = theta if mse else np.where(counted, thetas, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    deviation = np.where(there, thetas - centre, 0.0) * np.sqrt(scale * rscales)[:, None]
    deviation[:, (counted.sum(axis=0) < 2) | np.isnan(theta)] = np.nan
    return np.einsum("ij,ij->j", deviation, deviation) if diagonal else deviation.T @ deviation
