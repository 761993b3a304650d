"""How calibration enters a variance: influence values are residualised on the calibration cells, never recomputed.

Let z_i be the influence of row i under the calibrated weight w_i, and u_i = z_i / w_i. An adjustment replaces u_i by
u_i - a[cell(i)], where `a` depends on u only through sums of u by cell. So an adjustment is a linear map on cell sums:

    U[c, k] = sum over rows of cell c of r_i * u_ik        (r_i: the adjustment's own row weight)
    a       = coefficients(U)                               shape (C, k)

which is what lets it work on reduced sums and never on an n x k matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, combine


class Adjustment(Protocol):
    """What variance estimation needs to know of a weighting step."""

    @property
    def cell(self) -> IntArray:
        """The cell of each row, 0..C-1. Shape (n,)."""

    @property
    def row_weight(self) -> FloatArray:
        """The weight of each row in the cell sums of u. Shape (n,)."""

    def coefficients(self, sums: FloatArray) -> FloatArray:
        """What is subtracted from u in each cell, from the cell sums of u. Shapes (C, k) -> (C, k)."""


@dataclass(frozen=True, eq=False)
class RakingResidual:
    """Raking: ten rounds of centring u on the unweighted category means of each margin in turn.

    This is what R's survey::rake does in svyrecvar; calibrate(calfun="raking") would use a weighted regression
    instead and give slightly different standard errors for the same weights. Rows of weight zero take no part.

    Attributes:
        margins: category of each row, one array of shape (n,) for each margin.
        active: True for rows whose weight is not zero; None for all. Shape (n,).
    """

    margins: tuple[IntArray, ...]
    active: np.ndarray | None = None
    passes: int = 10

    def __post_init__(self) -> None:
        cell, first = combine(list(self.margins))
        object.__setattr__(self, "_cell", cell)
        object.__setattr__(self, "_margin_of_cell", tuple(m[first] for m in self.margins))
        object.__setattr__(self, "_counts", np.bincount(cell, weights=self.row_weight, minlength=len(first)))

    @property
    def cell(self) -> IntArray:
        return self._cell  # type: ignore[attr-defined]

    @property
    def row_weight(self) -> FloatArray:
        n = len(self.margins[0])
        return np.ones(n) if self.active is None else self.active.astype(float)

    def coefficients(self, sums: FloatArray) -> FloatArray:
        counts: FloatArray = self._counts  # type: ignore[attr-defined]
        taken = np.zeros_like(sums)
        for _ in range(self.passes):
            for margin in self._margin_of_cell:  # type: ignore[attr-defined]
                left = sums - counts[:, None] * taken
                taken = taken + _category_means(margin, left, counts)
        return taken


def _category_means(margin: IntArray, sums: FloatArray, counts: FloatArray) -> FloatArray:
    """Mean of u in the margin category of each cell, from sums and counts by cell. Shape (C, k)."""
    size = int(margin.max(initial=-1)) + 1
    total = np.zeros((size, sums.shape[1]))
    np.add.at(total, margin, sums)
    n = np.bincount(margin, weights=counts, minlength=size)
    return (total / np.where(n == 0, 1.0, n)[:, None])[margin]
