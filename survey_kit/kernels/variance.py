"""The one variance: from sums of influence values by sampling unit and a description of the stages.

    V = sum over stages s, strata h of s:  F_h (1 - f_h) n_h / (n_h - 1)  sum_i (z_hi - zbar_h)(z_hi - zbar_h)'

z_hi: sum of influence values in unit i of stratum h; n_h: units sampled; f_h: their sampling fraction (0 when sampling
is with replacement); F_h: the product of the fractions of all stages above (1 at the first). Without fpc there is only
the first stage. Sarndal, Swensson & Wretman (1992), section 4.3; Lumley (2010), chapter 3; R survey::svyrecvar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.sums import sum_rows

_BLOCK = 4_000_000  # matrix entries held dense at a time


@dataclass(frozen=True, eq=False)
class StageScheme:
    """One sampling stage, in numbers.

    Attributes:
        stratum: stratum of each unit, 0..H-1. Shape (U,).
        factor: F_h (1 - f_h) n_h / (n_h - 1), and for a lonely unit what its rule says. Shape (H,).
        centre: per stratum, True where units are centred on the stratum mean, False on the mean of all units of the
            stage under the same parent ("adjust"). Shape (H,).
        parent: for each stratum the unit of the stage above that it lies in (0 at the first stage). Shape (H,).
    """

    stratum: IntArray
    factor: FloatArray
    centre: np.ndarray
    parent: IntArray

    @property
    def sizes(self) -> IntArray:
        """Units per stratum. Shape (H,)."""
        return np.bincount(self.stratum, minlength=len(self.factor))


@dataclass(frozen=True, eq=False)
class UnitSums:
    """Sums of influence values by unit: `direct` minus what calibration takes away, `cells @ taken`.

    Attributes:
        direct: shape (U, K), sparse or dense.
        corrections: pairs (weight of each unit in each cell, shape (U, C), sparse; coefficients, shape (C, K)).
    """

    direct: sp.csr_array | FloatArray
    corrections: tuple[tuple[sp.csr_array, FloatArray], ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        return self.direct.shape

    def dense(self, start: int, stop: int) -> FloatArray:
        """Rows start..stop as a dense array."""
        rows = self.direct[start:stop]
        out: FloatArray = rows.toarray() if isinstance(rows, sp.sparray) else np.array(rows, dtype=float)
        for weights, taken in self.corrections:
            out -= weights[start:stop] @ taken
        return out

    def map(self, matrix: FloatArray | sp.sparray) -> UnitSums:
        """Sums of the influence values of `matrix @ theta`. Shape of `matrix`: (M, K)."""
        return UnitSums(self.direct @ matrix.T, tuple((w, taken @ matrix.T) for w, taken in self.corrections))

    def blocks(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Dense blocks of rows, so that U x K is never held at once."""
        units, k = self.shape
        step = max(1, _BLOCK // max(k, 1))
        for start in range(0, units, step):
            stop = min(start + step, units)
            yield start, stop, self.dense(start, stop)


def stage_covariance(sums: UnitSums, scheme: StageScheme, diagonal: bool = False) -> FloatArray:
    """One stage's part of the variance. Shape (K, K), or (K,) for the diagonal alone."""
    k = sums.shape[1]
    centres = _centres(sums, scheme)
    total = np.zeros(k) if diagonal else np.zeros((k, k))
    for start, stop, block in sums.blocks():
        stratum = scheme.stratum[start:stop]
        block -= centres[stratum]
        block *= np.sqrt(scheme.factor[stratum])[:, None]
        total += np.einsum("ij,ij->j", block, block) if diagonal else block.T @ block
    return total


def _centres(sums: UnitSums, scheme: StageScheme) -> FloatArray:
    """What each stratum's units are centred on. Shape (H, K)."""
    strata = len(scheme.factor)
    by_stratum = np.zeros((strata, sums.shape[1]))
    for start, stop, block in sums.blocks():
        by_stratum += sum_rows(block, scheme.stratum[start:stop], strata, np.ones(stop - start))
    sizes = scheme.sizes
    own = by_stratum / np.maximum(sizes, 1)[:, None]
    if scheme.centre.all():
        return own
    parents = int(scheme.parent.max(initial=0)) + 1
    by_parent = np.zeros((parents, sums.shape[1]))
    np.add.at(by_parent, scheme.parent, by_stratum)
    siblings = np.bincount(scheme.parent, weights=sizes, minlength=parents)
    common = by_parent / np.maximum(siblings, 1)[:, None]
    return np.where(scheme.centre[:, None], own, common[scheme.parent])


def replicate_covariance(
    thetas: FloatArray, theta: FloatArray, scale: float, rscales: FloatArray, mse: bool, diagonal: bool = False
) -> FloatArray:
    """V = scale * sum_r rscales_r (theta_r - c)(theta_r - c)', c the full-sample estimate if `mse`, else the replicate mean.

    Shapes: thetas (R, K), theta (K,), rscales (R,). The mean is taken over replicates with rscales > 0, as R does.
    """
    centre = theta if mse else thetas[rscales > 0].mean(axis=0)
    deviation = (thetas - centre) * np.sqrt(scale * rscales)[:, None]
    return np.einsum("ij,ij->j", deviation, deviation) if diagonal else deviation.T @ deviation
