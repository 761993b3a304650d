"""Calibration in a variance: regression on the columns, with targets that the sample gave itself, or that have an error.

With Z the columns in a basis that is orthonormal under w0 / sigma^2, the coefficients of an influence u are b = Z'(w0 /
sigma^2 u), and w1 (u - Z b) is left of it: R's survey::calibrate, whatever the distance.

An own target (rows without a value, missing="own") is the share r that they have of the base weights, the other targets of
its margin being (1 - r) p_k of the total T. They move with the sample, and the estimate by (beta_own - sum_k p_k beta_k)
dT_own, dT_own = T / B sum_i w0_i (1[i own] - r), B = sum w0. So Z b becomes Z b - pull (contrast b), where pull_i = T / B
(1[i own] - r) w0_i / w1_i.

Totals with an error, covariance L L', add the square of L'beta: `uncertain` of the step has it in terms of its coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.calibration_columns import Features
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.residualize import Adjustment, Cells, Columns


@dataclass(frozen=True, eq=False)
class MovingTargets:
    """Targets that the sample gives.

    Attributes:
        pull: of each row, one column for each own target. Shape (n, m).
        contrast: beta_own - sum_k p_k beta_k as a function of the coefficients of the basis. Shape (m, r).
    """

    pull: FloatArray
    contrast: FloatArray


@dataclass(frozen=True, eq=False)
class CellCoefficients:
    """Law on cells: takes (C, r) times z' sums; z the columns of each cell. Shapes (C, r), (C, r)."""

    z: FloatArray
    takes: FloatArray

    def coefficients(self, sums: FloatArray) -> FloatArray:
        return self.takes @ (self.z.T @ sums)


@dataclass(frozen=True, eq=False)
class DummyCoefficients:
    """The same for dummies that are not written out: z = X~ T. `whiten`: T, shape (p, r); pulls (C, m), contrast (m, r)."""

    features: Features
    whiten: FloatArray
    pull: FloatArray
    contrast: FloatArray

    def coefficients(self, sums: FloatArray) -> FloatArray:
        return self.taken(self.whiten.T @ self.features.sums(sums))

    def taken(self, b: FloatArray) -> FloatArray:
        """Z b - pull (contrast b). Shapes (r, k) -> (C, k)."""
        return self.features.times(self.whiten @ b) - self.pull @ (self.contrast @ b)

    def error(self, root: FloatArray) -> FloatArray:
        """What gives root' b from the coefficients of the cells: T (T'T)^+ root with T = Z - pull contrast. Shape (C, q)."""
        z = self.whiten.T @ self.features.gram(np.ones((len(self.pull), 1)))[0] @ self.whiten
        across = self.whiten.T @ self.features.sums(self.pull) @ self.contrast
        inner = z - across - across.T + self.contrast.T @ (self.pull.T @ self.pull) @ self.contrast
        return self.taken(np.linalg.pinv(inner, hermitian=True) @ root)


@dataclass(frozen=True, eq=False)
class ColumnCoefficients:
    """Law on columns [Z, pull]: b = sums of Z, and -contrast b for the pulls. Shape of the contrast: (m, r)."""

    contrast: FloatArray

    def coefficients(self, sums: FloatArray) -> FloatArray:
        b = sums[: self.contrast.shape[1]]
        return np.concatenate([b, -self.contrast @ b])


def calibration_step(
    z: Features, reads: FloatArray, takes: FloatArray, moving: MovingTargets | None, root: FloatArray | None
) -> Adjustment:
    """The step of calibration.

    Args:
        z: columns orthonormal under w0 / sigma^2; of cells only, or of rows.
        reads: w0 / sigma^2 / w1. Shape (n,).
        takes: w1. Shape (n,).
        moving: own targets, None without.
        root: L of the totals in the basis. Shape (r, q); None for totals without error.
    """
    r = z.cells.shape[1]
    given = MovingTargets(np.zeros((len(reads), 0)), np.zeros((0, r))) if moving is None else moving
    if z.code is None:
        columns = Columns(z.cells if moving is None else np.hstack([z.cells, given.pull]))
        error = None if root is None else np.vstack([root, np.zeros((len(given.contrast), root.shape[1]))])
        return Adjustment(columns, reads, takes, ColumnCoefficients(given.contrast), error)
    first = np.zeros(len(z.cells), dtype=np.int64)
    first[z.code] = np.arange(len(z.code))
    taken = z.cells - given.pull[first] @ given.contrast
    error = None if root is None else np.linalg.pinv(taken.T) @ root
    return Adjustment(Cells(z.code, len(z.cells)), reads, takes, CellCoefficients(z.cells, taken), error)


def dummy_step(
    features: Features,
    whiten: FloatArray,
    reads: FloatArray,
    takes: FloatArray,
    moving: MovingTargets | None,
    root: FloatArray | None,
) -> Adjustment:
    """`calibration_step` for columns constant within cells whose dummies are not written out: z = X~ T of rows.

    `features`: X~, with the cell of each row. `whiten`: T, shape (p, r).
    """
    assert features.code is not None
    code, size = features.code, len(features.cells)
    given = MovingTargets(np.zeros((len(reads), 0)), np.zeros((0, whiten.shape[1]))) if moving is None else moving
    first = np.zeros(size, dtype=np.int64)
    first[code] = np.arange(len(code))
    law = DummyCoefficients(replace(features, code=None), whiten, given.pull[first], given.contrast)
    return Adjustment(Cells(code, size), reads, takes, law, None if root is None else law.error(root))
