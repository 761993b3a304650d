"""What each row adds to each total: the sparse matrix that a request becomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.block import Block
from survey_kit.estimation.request import Request
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.sums import Contributions, Entries


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of totals for a request.

    Attributes:
        values: unweighted contributions, shape (n, J): the answers of each variable, then the bases of the groups.
        answer: column of each estimate's sum of answers. Shape (K,).
        base: column of each estimate's base. Shape (K,).
    """

    values: Contributions
    answer: IntArray
    base: IntArray

    def bases(self, weight: FloatArray) -> FloatArray:
        """Weighted base of each estimate. Shape (K,)."""
        return self.values.parts[-1].totals(weight)[self.base - len(self.answer)]


def lay_out(request: Request) -> Layout:
    """One column for each (variable, group, answer) and one for the base of each group."""
    groups = len(request.groups)
    parts = [_by_group(block, request.group, groups) for block in request.blocks]
    sizes = [len(block.labels) for block in request.blocks]
    answers = groups * sum(sizes)
    bases = np.concatenate([np.repeat(np.arange(groups), k) for k in sizes])
    return Layout(Contributions((*parts, _base(request.group, groups))), np.arange(answers), answers + bases)


def _base(group: IntArray, groups: int) -> Entries:
    """One for each row in the column of its group; nothing outside. Shape (n, groups)."""
    inside = group >= 0
    row = None if inside.all() else np.flatnonzero(inside)
    column = None if groups == 1 else group if row is None else group[row]
    return Entries(row, column, None, (len(group), groups))


def _by_group(block: Block, group: IntArray, groups: int) -> Entries:
    """Answers of a block spread over groups: column g * k + j. Shape (n, groups * k)."""
    hits, k = block.hits, len(block.labels)
    if groups == 1:
        return hits
    of_group = group if hits.row is None else group[hits.row]
    column = of_group * k if hits.column is None else of_group * k + hits.column
    return Entries(hits.row, column, hits.value, (len(group), groups * k))


def population_variance(layout: Layout, weight: FloatArray, mean: FloatArray, n: FloatArray) -> FloatArray:
    """Variance of the answers in the population, s^2 = n/(n-1) sum w (x - mean)^2 / sum w. Shape (K,). R: svyvar."""
    base = layout.bases(weight)
    spread, start = [], 0
    for part in layout.values.parts[:-1]:
        here = slice(start, start + part.shape[1])
        spread.append(_squares(part, weight, mean[here], base[here]))
        start = here.stop
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.concatenate(spread) / base * n / (n - 1)


def _squares(part: Entries, weight: FloatArray, mean: FloatArray, base: FloatArray) -> FloatArray:
    """sum w (x - mean)^2 over the base of each column; rows of the base without an entry have x = 0. Shape (K,)."""
    column, w = part.columns, part.of(weight)
    x = 1.0 if part.value is None else part.value
    filled = weighted_counts(column, w * (x - mean[column]) ** 2, len(mean))
    empty = np.maximum(base - weighted_counts(column, w, len(mean)), 0.0)
    return filled + np.where(empty < 1e-12 * base, 0.0, empty) * mean**2
