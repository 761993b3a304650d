"""Margins of raking: sums by category, the factors that meet a target, and the two sides that margins are dealt to.

A margin has a category for each cell, or none: cells that a partial margin does not cover keep their weights through it.
An ordinary margin states what each category weighs, sum_{c in k} w_c = t_k. A relative margin states shares of whatever its
covered cells weigh together: sum_{c in k} w_c = s_k sum_{covered c} w_c, which leaves that sum free. Its log factors are
kept centred, sum_k s_k mu_k = 0: w = b exp(lambda_k - sum_j s_j lambda_j) is the weight nearest to b that has the shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, cross

_INDICATOR = 20_000  # entries up to which sums by category are a product with an indicator matrix


@dataclass(frozen=True, eq=False)
class Margin:
    """One margin over C cells.

    Attributes:
        codes: category 0..k-1 of each cell, k where it is not covered. Shape (C,).
        target: totals, or the shares of a relative margin. Shape (k,).
        relative: whether `target` are shares of the covered cells.
        partial: whether some cell is not covered.
        indicator: 1 where the cell is of the category; None where that would be a large matrix, and for margins whose
            sums nobody asks for. Shape (C, k).
    """

    codes: IntArray
    target: FloatArray
    relative: bool
    partial: bool
    indicator: FloatArray | None

    @property
    def fixes_total(self) -> bool:
        """Whether the margin says what all cells weigh together."""
        return not self.relative and not self.partial

    def sums(self, weights: FloatArray) -> FloatArray:
        """Weight by category. Shapes (R, C) -> (R, k)."""
        if self.indicator is not None:
            return weights @ self.indicator
        return sums_by(self.codes, weights, len(self.target) + 1)[:, :-1]

    def factors(self, sums: FloatArray) -> FloatArray:
        """What each category is multiplied by to meet the target. Shapes (R, k) -> (R, k)."""
        factor = np.divide(self.target, sums, out=np.ones(sums.shape), where=sums > 0)
        if not self.relative:
            return factor
        logs = np.log(factor)
        return np.exp(logs - (logs @ self.target)[:, None])

    def spread(self, values: FloatArray, outside: float) -> FloatArray:
        """The value of each cell's category. Shapes (R, k) -> (R, C)."""
        if self.partial:
            values = np.hstack([values, np.full((len(values), 1), outside)])
        return values.take(self.codes, axis=1)

    def of(self, codes: IntArray) -> Margin:
        """The same margin over other cells, whose categories are given (k: not covered)."""
        made = _margin(codes, self.target, self.relative)
        size = len(self.target)
        if len(codes) * size > _INDICATOR:
            return made
        return replace(made, indicator=(codes[:, None] == np.arange(size)).astype(np.float64))


def sums_by(codes: IntArray, values: FloatArray, size: int) -> FloatArray:
    """Sums by code. Shapes (C,), (R, C) -> (R, size)."""
    return np.stack([np.bincount(codes, weights=row, minlength=size) for row in values])


def read_margins(
    codes: Sequence[IntArray], targets: Sequence[FloatArray], relative: Sequence[bool]
) -> tuple[Margin, ...]:
    """Margins from codes with -1 where a cell is not covered; `relative` may be empty (none is)."""
    kinds = relative or [False] * len(codes)
    return tuple(
        _margin(np.where(c < 0, len(t), c), np.asarray(t, dtype=np.float64), r)
        for c, t, r in zip(codes, targets, kinds, strict=True)
    )


def _margin(codes: IntArray, target: FloatArray, relative: bool) -> Margin:
    return Margin(codes, target, relative, bool((codes == len(target)).any()), None)


@dataclass(frozen=True, eq=False)
class Side:
    """Some of the margins over the combinations of their categories.

    Attributes:
        code: combination of each cell, 0..S-1. Shape (C,).
        size: S.
        margins: over the S combinations.
        at: where each margin's categories lie among the K categories of all margins.
    """

    code: IntArray
    size: int
    margins: tuple[Margin, ...]
    at: tuple[slice, ...]

    def log_factors(self, lam: FloatArray) -> FloatArray:
        """Sum of the log factors of each combination. Shapes (R, K) -> (R, S)."""
        total = np.zeros((len(lam), self.size))
        for margin, at in zip(self.margins, self.at, strict=True):
            total += margin.spread(lam[:, at], 0.0)
        return total

    def indicators(self) -> FloatArray:
        """1 where a combination is of a category of this side's margins. Shape (S, k of this side)."""
        found = [m.codes[:, None] == np.arange(len(m.target)) for m in self.margins]
        return np.hstack([np.zeros((self.size, 0)), *found])

    def sums(self, weights: FloatArray, out: FloatArray) -> None:
        """Weights of the combinations (R, S) as sums by category, written to their places in (R, K)."""
        for margin, at in zip(self.margins, self.at, strict=True):
            out[:, at] = margin.sums(weights)


def deal(margins: Sequence[Margin]) -> tuple[Side, Side]:
    """Margins dealt to two sides with about as many combinations each: a factor is then one number of each side."""
    ends = np.cumsum([0, *(len(m.target) for m in margins)]).tolist()
    hands: tuple[list[int], list[int]] = ([], [])
    for m in sorted(range(len(margins)), key=lambda m: -len(margins[m].target)):
        sizes = [prod(len(margins[i].target) for i in hand) for hand in hands]
        hands[int(sizes[1] < sizes[0])].append(m)
    first, second = (
        _side([margins[m] for m in sorted(hand)], [slice(ends[m], ends[m + 1]) for m in sorted(hand)], margins[0])
        for hand in hands
    )
    return first, second


def _side(margins: list[Margin], at: list[slice], any_margin: Margin) -> Side:
    if not margins:
        return Side(np.zeros(len(any_margin.codes), dtype=np.int64), 1, (), ())
    crossed = cross([m.codes for m in margins], [len(m.target) + m.partial for m in margins])
    over = tuple(m.of(codes) for m, codes in zip(margins, crossed.keys, strict=True))
    return Side(crossed.code, len(crossed.rows), over, tuple(at))
