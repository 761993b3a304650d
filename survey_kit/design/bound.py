"""A design in numbers: what estimation needs, without a column name in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, present
from survey_kit.kernels.residualize import Adjustment
from survey_kit.kernels.variance import StageScheme


@dataclass(frozen=True, eq=False)
class BoundStage:
    """One stage: the sampling unit of each row, shape (n,), and the scheme of the units."""

    unit: IntArray
    scheme: StageScheme


@dataclass(frozen=True, eq=False)
class BoundReplicates:
    """Replicate weights, shape (n, R), with the constants of their variance and its degrees of freedom."""

    weights: FloatArray
    scale: float
    rscales: FloatArray
    mse: bool
    df: float
    stated: int | None = None


@dataclass(frozen=True, eq=False)
class BoundDesign:
    """Weights, stages and adjustments of n rows.

    Attributes:
        weight: weight in force. Shape (n,).
        stages: sampling stages that contribute to the variance, outermost first.
        adjustments: weighting steps whose effect the variance accounts for.
        replicates: replicate weights; None for linearisation.
    """

    weight: FloatArray
    stages: tuple[BoundStage, ...]
    adjustments: tuple[Adjustment, ...] = ()
    replicates: BoundReplicates | None = None

    def degrees_of_freedom(self, domain: BoolArray | None = None) -> float:
        """PSUs minus strata among rows of the domain with positive weight; rank - 1 for replicate weights."""
        if domain is None:
            return self._whole_df
        inside = (self.weight > 0) & domain
        if self.replicates is not None:
            if self.replicates.stated is not None:
                return self.replicates.df
            return float(np.linalg.matrix_rank(self.replicates.weights[inside])) - 1
        return self._units_minus_strata(inside)

    @cached_property
    def _whole_df(self) -> float:
        return self._units_minus_strata(self.weight > 0) if self.replicates is None else self.replicates.df

    def _units_minus_strata(self, inside: BoolArray) -> float:
        first = self.stages[0]
        units = present(first.unit[inside], len(first.scheme.stratum))
        strata = present(first.scheme.stratum[units], len(first.scheme.factor))
        return float(units.sum() - strata.sum())
