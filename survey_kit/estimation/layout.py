"""What each row adds to each total: the sparse matrix that a request becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from survey_kit.block import Block
from survey_kit.estimation.request import Request
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.moments import Covariances, deviations
from survey_kit.kernels.sums import Contributions, Entries


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of totals for a request.

    Attributes:
        values: unweighted contributions, shape (n, J): the answers of each variable, other totals that the statistic
            needs, and last the bases of the groups.
        answer: column of each estimate's sum of answers. Shape (K,).
        base: column of each estimate's base. Shape (K,).
        origin: what was taken off the numbers of each estimate before they were summed; None for nothing. Shape (K,).
    """

    values: Contributions
    answer: IntArray
    base: IntArray
    origin: FloatArray | None = None

    @property
    def group(self) -> IntArray:
        """Base of each estimate, as a column of the last part: its group. Shape (K,)."""
        return self.base - (self.values.shape[1] - self.values.parts[-1].shape[1])

    def bases(self, weight: FloatArray | None) -> FloatArray:
        """Weighted base of each estimate; for weight None its rows. Shape (K,)."""
        return self.values.parts[-1].totals(weight)[self.group]


def lay_out(request: Request, centred: bool = False) -> Layout:
    """One column for each (variable, group, answer) and one for the base of each group; numbers about their mean."""
    groups = len(request.groups)
    sizes = [len(block.labels) for block in request.blocks]
    origins = [_origin(block) if centred else 0.0 for block in request.blocks]
    parts = [
        _by_group(block if origin == 0 else block.moved(-origin), request.group, groups)
        for block, origin in zip(request.blocks, origins, strict=True)
    ]
    answers = groups * sum(sizes)
    bases = np.concatenate([np.repeat(np.arange(groups), k) for k in sizes])
    values = Contributions((*parts, _base(request.group, groups)))
    origin = np.repeat(origins, np.array(sizes) * groups) if any(origins) else None
    return Layout(values, np.arange(answers), answers + bases, origin)


def _origin(block: Block) -> float:
    """The mean of a numeric block; 0 for answers, which are counted."""
    return 0.0 if block.hits.value is None or not len(block.hits.value) else float(block.hits.value.mean())


def lay_out_whole(request: Request, sums: bool = False) -> Layout:
    """The columns of `lay_out` with all groups together as the one base; with `sums`, before it, the total of each block."""
    groups = len(request.groups)
    parts = [_by_group(block, request.group, groups) for block in request.blocks]
    wholes = [block.hits for block in request.blocks] if sums else []
    values = Contributions((*parts, *wholes, _base(np.minimum(request.group, 0), 1)))
    answers = sum(part.shape[1] for part in parts)
    return Layout(values, np.arange(answers), np.full(answers, values.shape[1] - 1))


def lay_out_bases(request: Request, times: int = 1) -> Layout:
    """The bases of the groups alone, `times` for each: for estimates that are no ratio of totals. K = blocks * groups * times."""
    groups = len(request.groups)
    group = np.tile(np.repeat(np.arange(groups), times), len(request.blocks))
    return Layout(Contributions((_base(request.group, groups),)), np.arange(len(group)), group)


def lay_out_moments(request: Request, pairs: Sequence[tuple[int, int]]) -> tuple[Layout, Covariances]:
    """Columns of the sums of d, of d d' and of the bases, d the deviations of each numeric block; pair by pair, then group.

    `pairs`: positions of two blocks, or of one block twice for its variance.
    """
    groups, n, weight = len(request.groups), len(request.group), request.bound.weight
    hits = request.blocks[0].hits
    of_row, w = hits.of(request.group), hits.of(weight)
    away = [deviations(block.hits.numbers, of_row, w, groups) for block in request.blocks]
    filled = [*away, *(away[a] * away[b] for a, b in pairs)]
    values = Contributions((*(Entries(hits.row, of_row, d, (n, groups)) for d in filled), _base(request.group, groups)))
    columns = np.arange(values.shape[1]).reshape(-1, groups)
    first, second = (columns[[pair[i] for pair in pairs]].ravel() for i in (0, 1))
    product = columns[len(away) : -1].ravel()
    layout = Layout(values, product, np.tile(columns[-1], len(pairs)))
    counted = layout.bases(request.bound.weighs)
    factor = counted / np.where(counted < 2, np.nan, counted - 1)
    return layout, Covariances(first, second, product, layout.base, factor)


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
    of_group = hits.of(group)
    column = of_group * k if hits.column is None else of_group * k + hits.column
    return Entries(hits.row, column, hits.value, (len(group), groups * k))


def population_variance(layout: Layout, weight: FloatArray, mean: FloatArray, n: FloatArray) -> FloatArray:
    """Variance of the answers in the population, s^2 = n/(n-1) sum w (x - mean)^2 / sum w. Shape (K,). R: svyvar."""
    base = layout.bases(weight)
    mean = mean if layout.origin is None else mean - layout.origin
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


def residual_variance(request: Request, numerator: int, denominator: int, ratio: FloatArray) -> FloatArray:
    """Sum of w (y - R x)^2 in each group over the sum of its weights, y and x being two numeric blocks. Shape (groups,)."""
    y, x = (request.blocks[i] for i in (numerator, denominator))
    of_row, w = y.hits.of(request.group), y.hits.of(request.bound.weight)
    squares = w * (y.hits.numbers - ratio[of_row] * x.hits.numbers) ** 2
    groups = len(request.groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        return weighted_counts(of_row, squares, groups) / weighted_counts(of_row, w, groups)
