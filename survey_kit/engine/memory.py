"""The row pass in memory: from what each row contributes to sums by sampling unit."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from survey_kit.design.bound import BoundDesign, BoundStage
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.sums import Contributions, sum_rows
from survey_kit.kernels.variance import UnitSums

RowValues: TypeAlias = Contributions | FloatArray
Sums: TypeAlias = Any  # a sparse array, or a dense one


def totals(bound: BoundDesign, values: Contributions) -> FloatArray:
    """Weighted totals of the J columns. Shape (J,)."""
    return values.totals(bound.weight)


def replicate_totals(bound: BoundDesign, values: Contributions) -> FloatArray:
    """The same totals under each replicate weight. Shape (R, J)."""
    assert bound.replicates is not None
    return values.totals_of_each(bound.replicates.weights)


def influence_sums(bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None = None) -> tuple[UnitSums, ...]:
    """Sums by unit, one for each stage, of the influence w_i * (jacobian @ values_i), calibration taken into account.

    Args:
        values: unweighted contributions of each row. Shape (n, J).
        jacobian: derivative of the estimates by the totals, shape (K, J); None for the identity.
    """
    taken = _what_calibration_takes(bound, values, jacobian)
    return tuple(_unit_sums(bound, stage, values, jacobian, taken) for stage in bound.stages)


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
) -> UnitSums:
    units = len(stage.scheme.stratum)
    direct = _sum_by(stage.unit, units, values, bound.weight, jacobian)
    corrections = tuple(
        (_crossed(stage.unit, units, adjustment.cell, len(a), bound.weight), a)
        for adjustment, a in zip(bound.adjustments, taken, strict=True)
    )
    return UnitSums(direct, corrections)


def _what_calibration_takes(bound: BoundDesign, values: RowValues, jacobian: sp.csr_array | None) -> list[FloatArray]:
    """For each adjustment in turn, what it subtracts from u in each of its cells, given those before it."""
    taken: list[FloatArray] = []
    for position, adjustment in enumerate(bound.adjustments):
        cells = int(adjustment.cell.max(initial=-1)) + 1
        sums = _sum_by(adjustment.cell, cells, values, adjustment.row_weight, jacobian)
        left = sums.toarray() if sp.issparse(sums) else np.array(sums)
        for earlier, a in zip(bound.adjustments[:position], taken, strict=True):
            left -= _crossed(adjustment.cell, cells, earlier.cell, len(a), adjustment.row_weight) @ a
        taken.append(adjustment.coefficients(left))
    return taken


def _crossed(key: IntArray, size: int, cell: IntArray, cells: int, weight: FloatArray) -> sp.csr_array:
    """Weight of each key in each cell. Shape (size, cells), sparse."""
    return sp.csr_array(sp.coo_array((weight, (key, cell)), shape=(size, cells)))
