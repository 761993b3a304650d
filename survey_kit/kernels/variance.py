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
_HELD = 20_000_000  # entries of a sparse product that are held at once
_SPARSE = 0.2  # part of the sums below which zeros are not written out
_MANY = 200  # estimates from which products of sparse sums are faster


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
    """Sums of influence values by unit: `direct @ jacobian.T` minus what calibration takes away, `cells @ taken`.

    Attributes:
        direct: shape (U, J), sparse or dense.
        corrections: pairs (weight of each unit in each cell, shape (U, C), sparse; coefficients, shape (C, K)).
        size: how large the numbers are that make up each estimate; a standard error of less than 1e-13 of it is
            rounding. None where variances cannot come out negative. Shape (K,).
        jacobian: shape (K, J), where the product would be too large to be held and is made in blocks; None for the identity.
    """

    direct: sp.csr_array | FloatArray
    corrections: tuple[tuple[sp.csr_array, FloatArray], ...] = ()
    size: FloatArray | None = None
    jacobian: sp.csr_array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.direct.shape if self.jacobian is None else (self.direct.shape[0], self.jacobian.shape[0])

    @property
    def product(self) -> sp.csr_array | FloatArray:
        """Sums before calibration takes from them. Shape (U, K)."""
        return self._rows(0, self.shape[0])

    def _rows(self, start: int, stop: int) -> sp.csr_array | FloatArray:
        rows = self.direct if (start, stop) == (0, self.shape[0]) else self.direct[start:stop]
        return rows if self.jacobian is None else rows @ self.jacobian.T

    def filled(self) -> float:
        """Part of the sums that is not zero, from the first thousand units; 1 where sums are held dense."""
        if self.corrections or not sp.issparse(self.direct):
            return 1.0
        first = sp.csr_array(self._rows(0, min(1000, self.shape[0])))
        return first.nnz / max(first.shape[0] * first.shape[1], 1)

    def sparse_blocks(self) -> Iterator[tuple[int, sp.csr_array]]:
        """Sums without corrections, as sparse blocks of rows, each with its first row."""
        units, k = self.shape
        step = max(1, int(_BLOCK / max(self.filled() * k, 1)))
        for start in range(0, units, step):
            yield start, sp.csr_array(self._rows(start, min(start + step, units)))

    def entries(self) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
        """Sums without corrections that are not zero, in blocks: unit, estimate, sum."""
        for start, block in self.sparse_blocks():
            unit = np.repeat(np.arange(start, start + block.shape[0]), np.diff(block.indptr))
            yield unit, block.indices.astype(np.int64), block.data

    def dense(self, start: int, stop: int) -> FloatArray:
        """Rows start..stop as a dense array."""
        rows = self._rows(start, stop)
        out: FloatArray = rows.toarray() if isinstance(rows, sp.sparray) else np.array(rows, dtype=float)
        for weights, taken in self.corrections:
            out -= weights[start:stop] @ taken
        return out

    def map(self, matrix: FloatArray | sp.sparray) -> UnitSums:
        """Sums of the influence values of `matrix @ theta`. Shape of `matrix`: (M, K)."""
        size = None if self.size is None else abs(matrix) @ self.size
        taken = tuple((w, taken @ matrix.T) for w, taken in self.corrections)
        if self.jacobian is None:
            return unit_sums(self.direct, matrix, taken, size)
        return UnitSums(self.direct, taken, size, sp.csr_array(matrix @ self.jacobian))

    def blocks(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Dense blocks of rows, so that U x K is never held at once."""
        units, k = self.shape
        step = max(1, _BLOCK // max(k, 1))
        for start in range(0, units, step):
            stop = min(start + step, units)
            yield start, stop, self.dense(start, stop)


def unit_sums(
    direct: sp.csr_array | FloatArray,
    jacobian: FloatArray | sp.sparray | None,
    corrections: tuple[tuple[sp.csr_array, FloatArray], ...] = (),
    size: FloatArray | None = None,
) -> UnitSums:
    """Sums with their product by the jacobian worked out where it can be held, (U, J) times (J, K)."""
    if jacobian is None:
        return UnitSums(direct, corrections, size)
    if sp.issparse(direct):
        held, law = sp.csr_array(direct), sp.csr_array(jacobian)
        uses = np.bincount(law.indices, minlength=law.shape[1])
        if np.bincount(held.indices, minlength=len(uses)) @ uses > _HELD:
            return UnitSums(held, corrections, size, law)
        return UnitSums(sp.csr_array(held @ law.T), corrections, size)
    return UnitSums(direct @ jacobian.T, corrections, size)


def stage_covariance(sums: UnitSums, scheme: StageScheme, diagonal: bool = False) -> FloatArray:
    """One stage's part of the variance. Shape (K, K), or (K,) for the diagonal alone."""
    centres = stratum_centres(sums, scheme)
    if scheme.scale is None and sums.filled() < _SPARSE:
        variances = _sparse_variances(sums, scheme, centres)
        if diagonal:
            return variances
        if sums.shape[1] >= _MANY:
            return _sparse_covariance(sums, scheme, centres, variances)
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


def _sparse_covariance(sums: UnitSums, scheme: StageScheme, centres: FloatArray, variances: FloatArray) -> FloatArray:
    """sum f zz' - sum_h f_h (s_h c_h' + c_h s_h' - n_h c_h c_h'), s_h the sum of z in stratum h. Shape (K, K)."""
    strata, k = centres.shape
    products = sp.csr_array((k, k))
    for start, block in sums.sparse_blocks():
        factor = scheme.factor[scheme.stratum[start : start + block.shape[0]]]
        products = products + block.T @ (sp.diags_array(factor) @ block)
    scaled = scheme.factor[:, None] * centres
    mixed = sums_by_stratum(sums, scheme.stratum, strata).T @ scaled
    out = products.toarray() - mixed - mixed.T + (scheme.sizes[:, None] * scaled).T @ centres
    np.fill_diagonal(out, variances)
    return np.asarray(out)


def _shape(sums: UnitSums, diagonal: bool) -> tuple[int, ...]:
    k = sums.shape[1]
    return (k,) if diagonal else (k, k)


def _squares(block: FloatArray, diagonal: bool) -> FloatArray:
    """Sums of squares of the columns, or of their products, too."""
    return np.einsum("ij,ij->j", block, block) if diagonal else block.T @ block


def sums_by_stratum(sums: UnitSums, stratum: IntArray, strata: int) -> FloatArray:
    """Sums over the units of each stratum. Shape (H, K)."""
    k = sums.shape[1]
    if sums.filled() < _SPARSE:
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
