"""The row pass in memory: from what each row contributes to sums by sampling unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from survey_kit.design.bound import BoundDesign, BoundStage
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.residualize import Cells, Columns
from survey_kit.kernels.sums import Contributions, Entries, crossed, sum_rows
from survey_kit.kernels.variance import UnitSums, unit_sums

RowValues: TypeAlias = Contributions | FloatArray
Sums: TypeAlias = Any  # a sparse array, or a dense one


def totals(bound: BoundDesign, values: Contributions) -> FloatArray:
    """Weighted totals of the J columns. Shape (J,)."""
    return values.totals(bound.weight)


def replicate_totals(bound: BoundDesign, values: Contributions) -> FloatArray:
    """The same totals under each replicate weight: by sampling unit where factors belong to units. Shape (R, J)."""
    replicates = bound.replicates
    assert replicates is not None
    if replicates.unit is None:
        return values.totals_of_each(replicates.factors, replicates.base)
    assert replicates.base is not None
    sums = values.sum_by(replicates.unit, len(replicates.factors), replicates.base)
    return np.asarray(sums.T @ replicates.factors).T


def first_stage_sums(bound: BoundDesign, values: Contributions) -> Sums | None:
    """Weighted sums of the columns by first-stage unit, shape (U, J), where one pass can serve totals and variance alike.

    None where replicates take the place of units, where units are about as many as rows, and where sums by unit have
    another weight.
    """
    first = bound.stages[0]
    if bound.replicates is not None or first.scale is not None or 4 * first.scheme.units > len(bound.weight):
        return None
    return values.sum_by(first.unit, first.scheme.units, bound.weight)


def column_totals(sums: Sums) -> FloatArray:
    """Totals over all units. Shapes (U, J) -> (J,)."""
    return np.asarray(sums.sum(axis=0)).ravel()


def influence_sums(
    bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None = None, first: Sums | None = None
) -> tuple[UnitSums, ...]:
    """Sums by unit, one for each stage, of the influence w_i * (jacobian @ values_i), weighting taken into account.

    Args:
        values: unweighted contributions of each row. Shape (n, J).
        jacobian: derivative of the estimates by the totals, shape (K, J); None for the identity.
        first: what `first_stage_sums` gave, so that it is not summed again.
    """
    taken = what_weighting_takes(bound, values, jacobian)
    known = [first, *[None] * (len(bound.stages) - 1)]
    return tuple(
        _unit_sums(bound, stage, values, jacobian, taken, sums) for stage, sums in zip(bound.stages, known, strict=True)
    )


def target_error_sums(
    bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None = None
) -> tuple[UnitSums, ...]:
    """Where weights were brought to totals known with error: L'a of each such step, whose squares join the variance."""
    if all(adjustment.uncertain is None for adjustment in bound.adjustments):
        return ()
    taken = what_weighting_takes(bound, values, jacobian)
    pairs = zip(bound.adjustments, taken, strict=True)
    return tuple(UnitSums(step.uncertain.T @ a) for step, a in pairs if step.uncertain is not None)


def _sum_by(key: IntArray, size: int, values: RowValues, weight: FloatArray, jacobian: sp.csr_array | None) -> Sums:
    if isinstance(values, Contributions):
        sums = values.sum_by(key, size, weight)
    else:
        sums = sum_rows(values, key, size, weight)
    return sums if jacobian is None else sums @ jacobian.T


def _unit_sums(
    bound: BoundDesign,
    stage: BoundStage,
    values: RowValues,
    jacobian: sp.csr_array | None,
    taken: list[FloatArray],
    sums: Sums | None,
) -> UnitSums:
    units = stage.scheme.units
    weight = bound.weight if stage.scale is None else bound.weight * stage.scale
    direct = _sum_by(stage.unit, units, values, weight, None) if sums is None else sums
    corrections = tuple(
        (_feature_sums(stage.unit, units, adjustment.features, _scaled(adjustment.takes, stage)), a)
        for adjustment, a in zip(bound.adjustments, taken, strict=True)
    )
    return unit_sums(direct, jacobian, corrections)


@dataclass(frozen=True, eq=False)
class Domains:
    """Which rows each estimate is about.

    Attributes:
        rows: an entry for each row of each domain, whatever its value. Shape (n, D).
        of: domain of each estimate. Shape (K,).
    """

    rows: Entries
    of: IntArray

    def present(self, key: IntArray, size: int) -> sp.csr_array:
        """Which keys hold a row of which domain. Shape (size, D), sparse, positive where they do."""
        plain = Entries(self.rows.row, self.rows.column, None, self.rows.shape)
        return sp.csr_array(plain.sum_by(key, size, np.ones(len(key))))


def sizes_of(bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None = None) -> FloatArray:
    """How large the numbers are that make up each estimate: |jacobian| times the sums of |w x|. Shape (K,)."""
    if isinstance(values, Contributions):
        each = [Entries(p.row, p.column, None if p.value is None else np.abs(p.value), p.shape) for p in values.parts]
        totals_ = Contributions(tuple(each)).totals(bound.weight)
    else:
        totals_ = bound.weight @ np.abs(values)
    return totals_ if jacobian is None else np.asarray(abs(jacobian) @ totals_)


def what_weighting_takes(bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None) -> list[FloatArray]:
    """The coefficients of each weighting step in turn, given those before it. Shapes (C, K)."""
    taken: list[FloatArray] = []
    for position, step in enumerate(bound.adjustments):
        sums = _sums_by_feature(step.features, values, step.reads * bound.weight, jacobian)
        left = sums.toarray() if sp.issparse(sums) else np.array(sums)
        for earlier, a in zip(bound.adjustments[:position], taken, strict=True):
            left -= _between(step.features, earlier.features, step.reads * earlier.takes) @ a
        taken.append(step.law.coefficients(left))
    return taken


def _scaled(takes: FloatArray, stage: BoundStage) -> FloatArray:
    return takes if stage.scale is None else takes * stage.scale


def _sums_by_feature(
    features: Cells | Columns, values: RowValues, weight: FloatArray, jacobian: sp.csr_array | None
) -> Sums:
    """F' diag(weight) values, times the jacobian. Shape (C, K)."""
    if isinstance(features, Cells):
        return _sum_by(features.code, features.size, values, weight, jacobian)
    each = [
        values.totals(weight * x) if isinstance(values, Contributions) else (weight * x) @ values for x in features.x.T
    ]
    sums = np.array(each).reshape(features.width, values.shape[1])
    return sums if jacobian is None else sums @ jacobian.T


def _feature_sums(key: IntArray, size: int, features: Cells | Columns, weight: FloatArray) -> Sums:
    """Weighted sums of the features by key. Shape (size, C)."""
    if isinstance(features, Cells):
        return crossed(key, size, features.code, features.size, weight)
    return sum_rows(features.x, key, size, weight)


def _between(left: Cells | Columns, right: Cells | Columns, weight: FloatArray) -> Sums:
    """Weighted sums of products of the features of two steps. Shape (C, C')."""
    if isinstance(left, Cells):
        return _feature_sums(left.code, left.size, right, weight)
    if isinstance(right, Cells):
        return _feature_sums(right.code, right.size, left, weight).T
    return left.x.T @ (right.x * weight[:, None])
