"""Variances that are a quadratic form of the units' sums with weights of either sign.

    V = sum_i d_i z_i z_i'  +  sum_g c_g T_g T_g'  +  sum_h (A_h T_h' + T_h A_h')  +  Z' M Z

z_i: sum of influence values of unit i; T_g: their sum in cell g of one of several partitions of the units; T_h and
A_h = sum a_i z_i: the same in stratum h; M: a dense matrix, for joint probabilities that were given. Every
Horvitz-Thompson and Yates-Grundy variance and that of two-phase sampling is of this form, and but for M it needs a few
passes over the units instead of an n x n matrix. Sarndal, Swensson & Wretman (1992), sections 2.8 and 9.3.

Such an estimate may come out negative. That is left as it is; only what cannot be told from zero is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, combine
from survey_kit.kernels.sums import sum_rows
from survey_kit.kernels.variance import UnitSums

ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class Cells:
    """A partition of the units, shape (U,), with what the squared sum of each cell counts, shape (G,)."""

    cell: IntArray
    coefficient: FloatArray


@dataclass(frozen=True, eq=False)
class Pairs:
    """a_i + a_j for two units of one stratum. Shapes (U,), (U,)."""

    stratum: IntArray
    a: FloatArray


@dataclass(frozen=True, eq=False)
class QuadraticScheme:
    """The parts of the form; see above.

    Attributes:
        diagonal: d_i. Shape (U,).
        cells: partitions with their coefficients. pairs: a_i by stratum. matrix: M, shape (U, U), symmetric.
    """

    diagonal: FloatArray
    cells: tuple[Cells, ...] = ()
    pairs: Pairs | None = None
    matrix: FloatArray | None = None

    @property
    def units(self) -> int:
        """Sampling units."""
        return len(self.diagonal)

    def covariance(self, sums: UnitSums, diagonal: bool = False) -> FloatArray:
        """The variance; its diagonal is zero where it is not larger than rounding. Shape (K, K) or (K,)."""
        total, size = _diagonal_part(sums, self.diagonal, diagonal)
        for left, right, coefficient in self._products(sums):
            weighted = left * coefficient[:, None]
            total += np.einsum("ij,ij->j", weighted, right) if diagonal else weighted.T @ right
            size += np.einsum("ij,ij->j", np.abs(weighted), np.abs(right))
        if diagonal:
            return _without_rounding(total, size, sums.size)
        np.fill_diagonal(total, _without_rounding(np.diag(total), size, sums.size))
        return (total + total.T) / 2

    def _products(self, sums: UnitSums) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
        """Pairs of matrices whose weighted product is a part of the variance, with the weights of their rows."""
        out = []
        for part in self.cells:
            total = _by_cell(sums, part.cell, len(part.coefficient), np.ones(len(part.cell)))
            out.append((total, total, part.coefficient))
        if self.pairs is not None:
            strata = int(self.pairs.stratum.max(initial=-1)) + 1
            total = _by_cell(sums, self.pairs.stratum, strata, np.ones(self.units))
            other = _by_cell(sums, self.pairs.stratum, strata, self.pairs.a)
            out += [(total, other, np.ones(strata)), (other, total, np.ones(strata))]
        if self.matrix is not None:
            z = sums.dense(0, self.units)
            out.append((z, self.matrix @ z, np.ones(self.units)))
        return out


def _diagonal_part(sums: UnitSums, weight: FloatArray, diagonal: bool) -> tuple[FloatArray, FloatArray]:
    """sum_i d_i z_i z_i', and sum_i |d_i| z_i^2. Shapes (K, K) or (K,), and (K,)."""
    k = sums.shape[1]
    total, size = np.zeros(k if diagonal else (k, k)), np.zeros(k)
    for start, stop, block in sums.blocks():
        weighted = block * weight[start:stop][:, None]
        total += np.einsum("ij,ij->j", weighted, block) if diagonal else weighted.T @ block
        size += np.einsum("ij,ij->j", np.abs(weighted), np.abs(block))
    return total, size


def _by_cell(sums: UnitSums, cell: IntArray, cells: int, weight: FloatArray) -> FloatArray:
    """Weighted sums of the units of each cell. Shape (cells, K)."""
    total = np.zeros((cells, sums.shape[1]))
    for start, stop, block in sums.blocks():
        total += sum_rows(block, cell[start:stop], cells, weight[start:stop])
    return total


def _without_rounding(variance: FloatArray, size: FloatArray, of_estimate: FloatArray | None) -> FloatArray:
    """Zero for a variance that is rounding, of its own parts or of the numbers that make up the estimate. Shape (K,)."""
    least = ROUNDING * size
    if of_estimate is not None:
        least = np.maximum(least, (ROUNDING * of_estimate) ** 2)
    return np.where(np.abs(variance) <= least, 0.0, variance)


def crossed(one: Cells, other: Cells) -> Cells:
    """Cells that lie in a cell of each of two partitions, with the product of their coefficients."""
    cell, first = combine([one.cell, other.cell])
    return Cells(cell, one.coefficient[one.cell[first]] * other.coefficient[other.cell[first]])


def gathered(parts: list[Cells], units: int) -> tuple[FloatArray, tuple[Cells, ...]]:
    """Partitions into single units summed to a diagonal, the others as they are; those that count nothing left out."""
    diagonal, kept = np.zeros(units), []
    for part in parts:
        if not part.coefficient.any():
            continue
        if len(part.coefficient) == units:
            diagonal += part.coefficient[part.cell]
        else:
            kept.append(part)
    return diagonal, tuple(kept)
