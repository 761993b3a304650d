"""The replicate weights that the rows of a survey have before a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_kit.kernels.groups import FloatArray, IntArray

if TYPE_CHECKING:
    from survey_kit.design.bound import BoundDesign


@dataclass(frozen=True, eq=False)
class ReplicateBase:
    """The replicate weights of a survey before a step: what a verb repeats itself on."""

    bound: BoundDesign

    @property
    def weights(self) -> FloatArray:
        """The weight of each row in each replicate, written out anew. Shape (n, R)."""
        assert self.bound.replicates is not None
        rows = self.bound.replicates.weights
        return rows.copy() if rows is self.bound.replicates.factors else rows

    @property
    def count(self) -> int:
        """R."""
        assert self.bound.replicates is not None
        return int(self.bound.replicates.factors.shape[1])

    @property
    def errors(self) -> tuple[float, FloatArray]:
        """scale and rscales of V = scale sum_r rscales_r (theta_r - c)^2."""
        assert self.bound.replicates is not None
        return self.bound.replicates.scale, self.bound.replicates.rscales

    def cell_totals(self, code: IntArray, size: int) -> FloatArray:
        """Sum of the weights of each cell in each replicate, without writing out (n, R). Shape (size, R)."""
        from survey_kit.engine.memory import replicate_totals  # scipy is loaded only for replicates
        from survey_kit.kernels.sums import Contributions, Entries

        cells = Contributions((Entries(None, code, None, (len(code), size)),))
        return replicate_totals(self.bound, cells).T
