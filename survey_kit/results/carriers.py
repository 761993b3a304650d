"""Error carriers: what estimates remember of their sampling error. Each answers `variance()`, `vcov()` and `map(L)`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp
from scipy.special import logit

from survey_kit.design.bound import BoundDesign
from survey_kit.engine.memory import Domains, RowValues, influence_sums, sizes_of, target_error_sums
from survey_kit.errors import listed
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.lonely import domain_deviations
from survey_kit.kernels.quadratic import QuadraticScheme
from survey_kit.kernels.sums import Contributions, Entries, joined
from survey_kit.kernels.variance import Scheme, Squares, StageScheme, UnitSums, replicate_covariance
from survey_kit.schema import Notice

Transform: TypeAlias = Callable[[FloatArray], FloatArray]  # shape (..., K) -> (..., M)


class Carrier(Protocol):
    """The sampling error of K estimates."""

    @property
    def bound(self) -> BoundDesign:
        """The design under which they were estimated."""

    @property
    def df(self) -> float:
        """Degrees of freedom for t."""

    def variance(self) -> FloatArray:
        """Variances, read-only. Shape (K,)."""

    def vcov(self) -> FloatArray:
        """Covariance matrix. Shape (K, K)."""

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        """Variances of logit(theta): by the delta method, or of the logits of the replicates. Shape (K,)."""

    def map(self, matrix: FloatArray | sp.sparray) -> Carrier:
        """The error of `matrix @ theta`. Shape of `matrix`: (M, K)."""

    def transform(self, value: Transform, jacobian: FloatArray | sp.sparray) -> Carrier:
        """The error of `value(theta)`: by the delta method (`jacobian`, shape (M, K)), or of the replicates' values."""

    def with_df(self, df: float) -> Carrier:
        """The same error with other degrees of freedom."""


@dataclass(frozen=True, eq=False)
class Linearized:
    """Taylor linearisation: sums of influence values by sampling unit of each stage.

    Under pps and two-phase designs a variance can come out negative: it is NaN in `variance()`, as R's standard error,
    and stands as it is on the diagonal of `vcov()`.
    """

    sums: tuple[UnitSums, ...]
    schemes: tuple[Scheme, ...]
    df: float
    bound: BoundDesign = field(repr=False)

    def variance(self) -> FloatArray:
        return self._variance

    @cached_property
    def _variance(self) -> FloatArray:
        return _read_only(np.where(self.diagonal < 0, np.nan, self.diagonal))

    @cached_property
    def diagonal(self) -> FloatArray:
        """The diagonal of `vcov()`, read-only: variances of which some may be negative. Shape (K,)."""
        parts = [d.covariance(s, diagonal=True) for s, d in zip(self.sums, self.schemes, strict=True)]
        return _read_only(np.sum(parts, axis=0))

    def vcov(self) -> FloatArray:
        return np.sum([d.covariance(s) for s, d in zip(self.sums, self.schemes, strict=True)], axis=0)

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.variance() / (theta * (1 - theta)) ** 2

    def map(self, matrix: FloatArray | sp.sparray) -> Linearized:
        return replace(self, sums=tuple(s.map(matrix) for s in self.sums))

    def transform(self, value: Transform, jacobian: FloatArray | sp.sparray) -> Linearized:
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
    bound: BoundDesign = field(repr=False)

    def variance(self) -> FloatArray:
        return self._variance

    @cached_property
    def _variance(self) -> FloatArray:
        found = replicate_covariance(self.thetas, self.theta, self.scale, self.rscales, self.mse, diagonal=True)
        return _read_only(found)

    def vcov(self) -> FloatArray:
        return replicate_covariance(self.thetas, self.theta, self.scale, self.rscales, self.mse)

    def logit_variance(self, theta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return replace(self, thetas=logit(self.thetas), theta=logit(theta)).variance()

    def map(self, matrix: FloatArray | sp.sparray) -> Replicated:
        return replace(self, thetas=self.thetas @ matrix.T, theta=self.theta @ matrix.T)

    def transform(self, value: Transform, jacobian: FloatArray | sp.sparray) -> Replicated:
        return replace(self, thetas=value(self.thetas), theta=value(self.theta))

    def with_df(self, df: float) -> Replicated:
        return replace(self, df=df)


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values


def linearized(
    bound: BoundDesign,
    values: RowValues,
    df: float,
    jacobian: sp.csr_array | None = None,
    domains: Domains | None = None,
    first: Any = None,
) -> Linearized:
    """The carrier of estimates whose influence in row i is w_i * (jacobian @ values_i).

    Args:
        domains: the rows that each estimate is about. Only designs with lonely_psu="adjust" or "average" ask; where it
            is None, they are the rows that add to any of the estimate's totals.
        first: what `first_stage_sums` gave for the same values, so that they are not summed again.
    """
    schemes: list[Scheme] = [stage.scheme for stage in bound.stages]
    sums = list(influence_sums(bound, values, jacobian, first))
    if any(isinstance(scheme, QuadraticScheme) for scheme in schemes):
        size = sizes_of(bound, values, jacobian)
        sums = [replace(s, size=size) for s in sums]
    for at, (stage, scheme) in enumerate(zip(bound.stages, schemes, strict=True)):
        if isinstance(scheme, StageScheme) and scheme.lonely is not None:
            domains = _domains_of(values, jacobian) if domains is None else domains
            there = domains.present(stage.unit, scheme.units)
            sums[at], schemes[at] = domain_deviations(sums[at], scheme, there, domains.of), Squares(scheme.units)
    errors = target_error_sums(bound, values, jacobian)
    squares = [Squares(part.shape[0]) for part in errors]
    return Linearized(sums=(*sums, *errors), schemes=(*schemes, *squares), df=df, bound=bound)


def _domains_of(values: RowValues, jacobian: sp.csr_array | None) -> Domains:
    """For each estimate the rows that add to any of its totals, even when they add 0."""
    if not isinstance(values, Contributions):
        row, column = np.nonzero(values)
        k = values.shape[1]
        return Domains(Entries(row, column, None, values.shape), np.arange(k))
    every = joined(values.parts)
    if jacobian is None:
        return Domains(every, np.arange(every.shape[1]))
    patterns, of = _distinct_rows(sp.csr_array(jacobian))
    uses = sp.csr_array((np.ones(patterns.nnz), patterns.indices, patterns.indptr), shape=patterns.shape)
    rows = sp.coo_array(sp.csr_array(Entries(every.row, every.column, None, every.shape).matrix()) @ uses.T)
    row, column = (np.asarray(c, dtype=np.int64) for c in rows.coords)
    return Domains(Entries(row, column, None, (every.shape[0], uses.shape[0])), of)


def _distinct_rows(matrix: sp.csr_array) -> tuple[sp.csr_array, IntArray]:
    """Rows with different columns filled, and which of them each row is."""
    place: dict[bytes, int] = {}
    of = np.empty(matrix.shape[0], dtype=np.int64)
    first: list[int] = []
    for i in range(matrix.shape[0]):
        filled = np.sort(matrix.indices[matrix.indptr[i] : matrix.indptr[i + 1]]).tobytes()
        of[i] = place.setdefault(filled, len(place))
        if of[i] == len(first):
            first.append(i)
    return sp.csr_array(matrix[first]), of


def error_notices(carrier: Carrier) -> tuple[Notice, ...]:
    """What a reader must know of the standard errors: negative variances, replicates in which an estimate does not exist."""
    if isinstance(carrier, Replicated):
        return _absent_replicates(carrier)
    return _negative_variances(carrier) if isinstance(carrier, Linearized) else ()


def _negative_variances(carrier: Linearized) -> tuple[Notice, ...]:
    """Under pps and two-phase designs a variance can be negative, so that there is no standard error."""
    if not any(isinstance(s, QuadraticScheme) for s in carrier.schemes):
        return ()
    below = int((carrier.diagonal < 0).sum())
    if not below:
        return ()
    text = (
        f"{below} of {len(carrier.diagonal)} variance estimates are negative, which can happen with given or approximated "
        'joint probabilities; these standard errors are missing. Try variance="YG", or pps="brewer".'
    )
    return (Notice("negative_variance", text, below),)


def _absent_replicates(carrier: Replicated) -> tuple[Notice, ...]:
    """Replicates that leave out everybody whom an estimate of the full sample is about."""
    absent = np.flatnonzero((np.isnan(carrier.thetas) & ~np.isnan(carrier.theta)).any(axis=1))
    if not len(absent):
        return ()
    text = (
        f"{len(absent)} of {len(carrier.thetas)} replicates gave no number for some estimates (replicate "
        f"{listed(absent + 1)}) and are left out of their standard errors."
    )
    return (Notice("replicates", text, len(absent)),)


def replicated(bound: BoundDesign, theta: FloatArray, thetas: FloatArray, df: float) -> Replicated:
    """The carrier of estimates that were repeated under each replicate weight. Shapes (K,), (R, K)."""
    constants = bound.replicates
    assert constants is not None
    return Replicated(thetas, theta, constants.scale, constants.rscales, constants.mse, df, bound)
