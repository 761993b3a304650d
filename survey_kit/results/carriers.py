"""Error carriers: what estimates remember of their sampling error. Each answers `variance()`, `vcov()` and `map(L)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.special import logit

from survey_kit.design.bound import BoundDesign
from survey_kit.engine.memory import RowValues, influence_sums
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.variance import StageScheme, UnitSums, replicate_covariance, stage_covariance

Transform: TypeAlias = Callable[[FloatArray], FloatArray]  # shape (..., K) -> (..., M)


class Carrier(Protocol):
    """The sampling error of K estimates."""

    @property
    def df(self) -> float:
        """Degrees of freedom for t."""

    def variance(self) -> FloatArray:
        """Variances. Shape (K,)."""

    def vcov(self) -> FloatArray:
        """Covariance matrix. Shape (K, K)."""

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        """Variances of logit(theta): by the delta method, or of the logits of the replicates. Shape (K,)."""

    def map(self, matrix: FloatArray) -> Carrier:
        """The error of `matrix @ theta`. Shape of `matrix`: (M, K)."""

    def transform(self, value: Transform, jacobian: FloatArray) -> Carrier:
        """The error of `value(theta)`: by the delta method (`jacobian`, shape (M, K)), or of the replicates' values."""

    def with_df(self, df: float) -> Carrier:
        """The same error with other degrees of freedom."""


@dataclass(frozen=True, eq=False)
class Linearized:
    """Taylor linearisation: sums of influence values by sampling unit of each stage."""

    sums: tuple[UnitSums, ...]
    schemes: tuple[StageScheme, ...]
    df: float

    def variance(self) -> FloatArray:
        return self._variance

    @cached_property
    def _variance(self) -> FloatArray:
        parts = [stage_covariance(s, d, diagonal=True) for s, d in zip(self.sums, self.schemes, strict=True)]
        return np.sum(parts, axis=0)

    def vcov(self) -> FloatArray:
        return np.sum([stage_covariance(s, d) for s, d in zip(self.sums, self.schemes, strict=True)], axis=0)

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.variance() / (theta * (1 - theta)) ** 2

    def map(self, matrix: FloatArray | sp.sparray) -> Linearized:
        return replace(self, sums=tuple(s.map(matrix) for s in self.sums))

    def transform(self, value: Transform, jacobian: FloatArray) -> Linearized:
        return self.map(jacobian)

    def with_df(self, df: float) -> Linearized:
        return replace(self, df=df)


@dataclass(frozen=True, eq=False)
class Replicated:
    """Replication: the estimates under each replicate weight, shape (R, K), and the constants of their variance."""

    thetas: FloatArray
    theta: FloatArray
    scale: float
    rscales: FloatArray
    mse: bool
    df: float

    def variance(self) -> FloatArray:
        return self._variance

    @cached_property
    def _variance(self) -> FloatArray:
        return replicate_covariance(self.thetas, self.theta, self.scale, self.rscales, self.mse, diagonal=True)

    def vcov(self) -> FloatArray:
        return replicate_covariance(self.thetas, self.theta, self.scale, self.rscales, self.mse)

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return replace(self, thetas=logit(self.thetas), theta=logit(theta)).variance()

    def map(self, matrix: FloatArray) -> Replicated:
        return replace(self, thetas=self.thetas @ matrix.T, theta=self.theta @ matrix.T)

    def transform(self, value: Transform, jacobian: FloatArray) -> Replicated:
        return replace(self, thetas=value(self.thetas), theta=value(self.theta))

    def with_df(self, df: float) -> Replicated:
        return replace(self, df=df)


def linearized(bound: BoundDesign, values: RowValues, df: float, jacobian: sp.csr_array | None = None) -> Linearized:
    """The carrier of estimates whose influence in row i is w_i * (jacobian @ values_i)."""
    schemes = tuple(stage.scheme for stage in bound.stages)
    return Linearized(sums=influence_sums(bound, values, jacobian), schemes=schemes, df=df)


def replicated(bound: BoundDesign, theta: FloatArray, thetas: FloatArray, df: float) -> Replicated:
    """The carrier of estimates that were repeated under each replicate weight. Shapes (K,), (R, K)."""
    constants = bound.replicates
    assert constants is not None
    return Replicated(thetas, theta, constants.scale, constants.rscales, constants.mse, df)
