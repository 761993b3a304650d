"""What each row adds to each total: the sparse matrix that a request becomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.block import Block
from survey_kit.estimation.request import Request
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.sums import Contributions, side_by_side


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of totals for a request.

    Attributes:
        values: unweighted contributions. Shape (n, J); the answers come first, then the bases of the groups.
        answer: column of each estimate's sum of answers. Shape (K,).
        base: column of each estimate's base. Shape (K,).
        groups: number of groups.
    """

    values: Contributions
    answer: IntArray
    base: IntArray
    groups: int

    def bases(self, weight: FloatArray) -> FloatArray:
        """Weighted base of each estimate. Shape (K,)."""
        return self.values.totals(weight)[self.base]


def lay_out(request: Request) -> Layout:
    """One column for each (variable, group, answer) and one for the base of each group."""
    groups, n = len(request.groups), len(request.group)
    rows = np.flatnonzero(request.group >= 0)
    base = Contributions(rows, request.group[rows], None, (n, groups))
    parts = [_by_group(block, request.group, groups) for block in request.blocks]
    sizes = [len(block.labels) for block in request.blocks]
    answers = groups * sum(sizes)
    bases = np.concatenate([np.repeat(np.arange(groups), k) for k in sizes])
    return Layout(side_by_side([*parts, base]), np.arange(answers), answers + bases, groups)


def _by_group(block: Block, group: IntArray, groups: int) -> Contributions:
    """Answers of a block spread over groups: column g * k + j. Shape (n, groups * k)."""
    hits, k = block.hits, len(block.labels)
    column = hits.column if groups == 1 else group[hits.row] * k + hits.column
    return Contributions(hits.row, column, hits.value, (len(group), groups * k))


def population_variance(layout: Layout, weight: FloatArray, mean: FloatArray, n: FloatArray) -> FloatArray:
    """Variance of the answers in the population, s^2 = n/(n-1) sum w (x - mean)^2 / sum w. Shape (K,). R: svyvar."""
    values = layout.values
    answers = values.column < len(mean)
    row, column = values.row[answers], values.column[answers]
    x = np.ones(len(row)) if values.value is None else values.value[answers]
    w = weight[row]
    spread = np.bincount(column, weights=w * (x - mean[column]) ** 2, minlength=len(mean))
    base = layout.bases(weight)
    empty = np.maximum(base - np.bincount(column, weights=w, minlength=len(mean)), 0.0)
    empty = np.where(empty < 1e-12 * base, 0.0, empty)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (spread + empty * mean**2) / base * n / (n - 1)
