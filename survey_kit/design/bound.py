"""A design in numbers: what estimation needs, without a column name in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine, present
from survey_kit.kernels.rank import column_rank
from survey_kit.kernels.residualize import Adjustment
from survey_kit.kernels.variance import Scheme, StageScheme

_BLOCK = 4_000_000  # replicate weights written out at a time


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

    @property
    def weights(self) -> FloatArray:
        """The weight of each row in each replicate, written out anew each time. Shape (n, R)."""
        if self.base is None:
            return self.factors
        rows = self.factors if self.unit is None else self.factors[self.unit]
        return rows * self.base[:, None]

    def blocks_of(self, rows: IntArray) -> Iterator[FloatArray]:
        """The weights of some rows, a few replicates at a time, as new arrays. Shape (m, r)."""
        where = rows if self.unit is None else self.unit[rows]
        step = max(1, _BLOCK // max(len(rows), 1))
        for start in range(0, self.factors.shape[1], step):
            factors = self.factors[where, start : start + step]
            yield factors if self.base is None else factors * self.base[rows][:, None]

    def each_of(self, rows: IntArray) -> Iterator[FloatArray]:
        """The weights of some rows under one replicate after the other, as new arrays. Shape (m,)."""
        return (np.ascontiguousarray(weight) for block in self.blocks_of(rows) for weight in block.T)

    def degrees(self, rows: BoolArray | None = None) -> float:
        """Degrees of freedom of weights that came with a file: those stated, or the rank of some rows less 1. R: degf."""
        if self.stated is not None:
            return self.stated
        if self.base is not None:
            rows = self.base > 0 if rows is None else rows & (self.base > 0)
        return column_rank(self.factors, rows) - 1.0


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
        return float(self.degrees_by_group(np.where(domain, 0, -1), 1)[0])

    def degrees_by_group(self, group: IntArray, groups: int) -> FloatArray:
        """The same among the rows of each group; rows of group -1 are in none. Shapes (n,) -> (groups,)."""
        if groups == 1 and not group.any():
            return np.array([self._whole_df])
        return self._degrees(group, groups)

    @cached_property
    def weighs(self) -> FloatArray | None:
        """1 for rows that have a weight, 0 for the others; None where all have one. Shape (n,)."""
        return None if (self.weight != 0).all() else (self.weight != 0).astype(float)

    @cached_property
    def _whole_df(self) -> float:
        if self.replicates is not None and not self.replicates.from_design:
            return self.replicates.degrees()
        return float(self._degrees(np.zeros(len(self.weight), dtype=np.int64), 1)[0])

    def _degrees(self, group: IntArray, groups: int) -> FloatArray:
        inside = (group >= 0) & (self.weight > 0)
        if self.replicates is not None and not self.replicates.from_design:
            return np.array([self.replicates.degrees(inside & (group == g)) for g in range(groups)])
        counted, rows = self._counted, np.flatnonzero(inside)
        of_unit, unit = _distinct(group[rows], counted.unit[rows], groups, len(counted.stratum))
        strata = int(counted.stratum.max(initial=-1)) + 1
        of_stratum, _ = _distinct(of_unit, counted.stratum[unit], groups, strata)
        return (np.bincount(of_unit, minlength=groups) - np.bincount(of_stratum, minlength=groups)).astype(float)

    @property
    def _counted(self) -> Counted:
        if self.counted is not None:
            return self.counted
        first = self.stages[0]
        assert isinstance(first.scheme, StageScheme)
        return Counted(first.unit, first.scheme.stratum)


def _distinct(group: IntArray, key: IntArray, groups: int, keys: int) -> tuple[IntArray, IntArray]:
    """The distinct pairs of group and key."""
    if groups * keys <= 32 * len(key) + 1000:
        found = np.flatnonzero(present(group * keys + key, groups * keys))
        return found // keys, found % keys
    _, first = combine([group, key])
    return group[first], key[first]
