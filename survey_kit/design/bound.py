"""A design in numbers: what estimation needs, without a column name in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, present
from survey_kit.kernels.rank import column_rank
from survey_kit.kernels.residualize import Adjustment
from survey_kit.kernels.variance import Scheme, StageScheme


@dataclass(frozen=True, eq=False)
class BoundStage:
    """One stage: the sampling unit of each row, shape (n,), and the scheme of the units.

    `scale`: what the weights of the rows are multiplied with in the unit sums of this stage; None for 1. Shape (n,).
    """

    unit: IntArray
    scheme: Scheme
    scale: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Counted:
    """What degrees of freedom count: the unit of each row, shape (n,), and the stratum of each unit, shape (U,)."""

    unit: IntArray
    stratum: IntArray


@dataclass(frozen=True, eq=False)
class BoundReplicates:
    """Replicate weights with the constants of their variance.

    Attributes:
        factors: replicate weights of each row, shape (n, R) in C order; or factors on `base`, of each row or of each unit.
        scale, rscales, mse: V = scale * sum_r rscales_r (theta_r - c)^2, c the full-sample estimate if `mse`.
        stated: degrees of freedom when stated.
        unit: the unit of each row when factors belong to units, shape (n,); None when they belong to rows.
        base: the full-sample weight that factors multiply, shape (n,); None when `factors` are weights.
        from_design: whether they were built from the design, which then has the degrees of freedom.
    """

    factors: FloatArray
    scale: float
    rscales: FloatArray
    mse: bool
    stated: float | None = None
    unit: IntArray | None = None
    base: FloatArray | None = None
    from_design: bool = False

    @cached_property
    def weights(self) -> FloatArray:
        """The weight of each row in each replicate, written out. Shape (n, R)."""
        if self.base is None:
            return self.factors
        rows = self.factors if self.unit is None else self.factors[self.unit]
        return rows * self.base[:, None]

    def rank(self, rows: BoolArray | None = None) -> int:
        """Rank of the replicate weights of some of the rows, or of all; factors must belong to rows. R: degf."""
        if self.base is not None:
            rows = self.base > 0 if rows is None else rows & (self.base > 0)
        return column_rank(self.factors, rows)


@dataclass(frozen=True, eq=False)
class BoundDesign:
    """Weights, stages and adjustments of n rows.

    Attributes:
        weight: weight in force; 0 for rows outside the second phase. Shape (n,).
        stages: sampling stages that contribute to the variance, outermost first.
        adjustments: weighting steps whose effect the variance accounts for.
        replicates: replicate weights; None for linearisation.
        counted: units and strata of the degrees of freedom, where they are not those of a first stage.
    """

    weight: FloatArray
    stages: tuple[BoundStage, ...]
    adjustments: tuple[Adjustment, ...] = ()
    replicates: BoundReplicates | None = None
    counted: Counted | None = None

    def degrees_of_freedom(self, domain: BoolArray | None = None) -> float:
        """PSUs minus strata among rows of the domain with positive weight, whatever was built from the design.

        Replicate weights that came with a file have the degrees of freedom stated with them, or the rank of the rows of
        the domain less 1. R: degf.
        """
        if domain is None:
            return self._whole_df
        inside = (self.weight > 0) & domain
        if self.replicates is None or self.replicates.from_design:
            return self._units_minus_strata(inside)
        stated = self.replicates.stated
        return self.replicates.rank(inside) - 1.0 if stated is None else stated

    @cached_property
    def weighs(self) -> FloatArray | None:
        """1 for rows that have a weight, 0 for the others; None where all have one. Shape (n,)."""
        return None if (self.weight != 0).all() else (self.weight != 0).astype(float)

    @cached_property
    def _whole_df(self) -> float:
        if self.replicates is None or self.replicates.from_design:
            return self._units_minus_strata(self.weight > 0)
        stated = self.replicates.stated
        return self.replicates.rank() - 1.0 if stated is None else stated

    def _units_minus_strata(self, inside: BoolArray) -> float:
        counted = self._counted
        units = present(counted.unit[inside], len(counted.stratum))
        strata = present(counted.stratum[units], int(counted.stratum.max(initial=-1)) + 1)
        return float(units.sum() - strata.sum())

    @property
    def _counted(self) -> Counted:
        if self.counted is not None:
            return self.counted
        first = self.stages[0]
        assert isinstance(first.scheme, StageScheme)
        return Counted(first.unit, first.scheme.stratum)
