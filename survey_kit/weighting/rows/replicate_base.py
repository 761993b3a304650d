"""The replicate weights that the rows of a survey have before a step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts

if TYPE_CHECKING:
    from survey_kit.design.bound import BoundDesign, BoundReplicates


@dataclass(frozen=True, eq=False)
class ReplicateBase:
    """The replicate weights of a survey before a step: what a verb repeats itself on.

    Attributes:
        bound: the design.
        errors: directions in which targets err. For each, two replicates are added that have the weights of the full sample:
            the verb repeats itself on them with targets moved by +L_j and -L_j, V = L L' being the targets' covariance. Each
            counts for half in the variance, so that the targets' part, (theta_+ - theta)^2 / 2 + (theta_- - theta)^2 / 2,
            stands beside that of sampling and does not mix with it, as it would where sampling replicates carry the moves
            (Fuller 1998, Statistica Sinica 8, 1153).
    """

    bound: BoundDesign
    errors: int = 0

    def with_errors(self, root: FloatArray | None) -> ReplicateBase:
        """With replicates for the directions of L. Shape (K, q)."""
        return self if root is None else replace(self, errors=root.shape[1])

    def moves(self, root: FloatArray) -> FloatArray:
        """What is added to the targets in each replicate. Shapes (K, q) -> (K, R)."""
        return np.hstack([np.zeros((len(root), self._sampled.factors.shape[1])), root, -root])

    @property
    def _sampled(self) -> BoundReplicates:
        assert self.bound.replicates is not None
        return self.bound.replicates

    @property
    def weights(self) -> FloatArray:
        """The weight of each row in each replicate, written out anew. Shape (n, R)."""
        rows = self._sampled.weights
        if self.errors:
            return np.hstack([rows, self._full(self.bound.weight)])
        return rows.copy() if rows is self._sampled.factors else rows

    @property
    def count(self) -> int:
        """R, added ones included."""
        return int(self._sampled.factors.shape[1]) + 2 * self.errors

    def cell_totals(self, code: IntArray, size: int) -> FloatArray:
        """Sum of the weights of each cell in each replicate, without writing out (n, R). Shape (size, R)."""
        from survey_kit.engine.memory import replicate_totals  # scipy is loaded only for replicates
        from survey_kit.kernels.sums import Contributions, Entries

        cells = Contributions((Entries(None, code, None, (len(code), size)),))
        held = replicate_totals(self.bound, cells).T
        return np.hstack([held, self._full(weighted_counts(code, self.bound.weight, size))]) if self.errors else held

    def _full(self, column: FloatArray) -> FloatArray:
        return np.repeat(column[:, None], 2 * self.errors, axis=1)
