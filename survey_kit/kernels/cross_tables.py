"""Indicators of the categories of many margins over cells, without writing them out: sums, spreads and cross-tables.

Row c of X has a 1 at category k_m(c) of each of M margins (no 1 where a margin does not cover the cell), K columns together.

    X'w                 sums by category
    X b                 what the categories of each cell add up to
    X' diag(w) X        every pair of margins cross-tabulated

Margins are joined to groups with few combinations: a pair of groups takes one pass over the cells, and serves every pair of
margins in them. Shapes: C cells, K categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts

_LEAST, _MOST = 64, 256  # combinations of a group of several margins, at most: by the number of cells


@dataclass(frozen=True, eq=False)
class _Group:
    """Margins whose categories are crossed.

    Attributes:
        code: combination of each cell. Shape (C,).
        size: S combinations.
        at: places of its margins' categories among the K, one margin after the other. Shape (k,).
        indicator: 1 where a combination is of a category; None where combinations are the categories of one margin (and
            after them one for cells that it does not cover). Shape (S, k).
    """

    code: IntArray
    size: int
    at: IntArray
    indicator: FloatArray | None

    def by_category(self, t: FloatArray) -> FloatArray:
        """Sums by combination (S, ...) as sums by category (k, ...)."""
        return t[: len(self.at)] if self.indicator is None else self.indicator.T @ t

    def by_combination(self, b: FloatArray) -> FloatArray:
        """Values of categories (k,) added up for each combination (S,)."""
        if self.indicator is not None:
            return self.indicator @ b
        return np.append(b, np.zeros(self.size - len(b)))


@dataclass(frozen=True, eq=False)
class Indicators:
    """The columns X.

    Attributes:
        codes: category 0..k_m-1 of each cell, k_m where the margin does not cover it. M arrays of shape (C,).
        sizes: k_m.
    """

    codes: tuple[IntArray, ...]
    sizes: tuple[int, ...]

    @property
    def width(self) -> int:
        """K."""
        return sum(self.sizes)

    @property
    def length(self) -> int:
        """C."""
        return len(self.codes[0])

    @cached_property
    def _groups(self) -> tuple[_Group, ...]:
        most = min(max(int(np.sqrt(self.length)), _LEAST), _MOST)
        ends = np.cumsum([0, *self.sizes])
        levels = [k + bool((c == k).any()) for c, k in zip(self.codes, self.sizes, strict=True)]
        hands: list[list[int]] = []
        for m in sorted(range(len(levels)), key=lambda m: -levels[m]):
            fits = [h for h in hands if np.prod([levels[i] for i in h]) * levels[m] <= most]
            if fits:
                fits[0].append(m)
            else:
                hands.append([m])
        return tuple(self._group(hand, levels, ends) for hand in hands)

    def _group(self, hand: Sequence[int], levels: Sequence[int], ends: IntArray) -> _Group:
        at = np.concatenate([np.arange(ends[m], ends[m + 1]) for m in hand])
        sizes = [levels[m] for m in hand]
        if len(hand) == 1:
            return _Group(self.codes[hand[0]], sizes[0], at, None)
        code = np.zeros(self.length, dtype=np.int64)
        for m in hand:
            code *= levels[m]
            code += self.codes[m]
        size = int(np.prod(sizes))
        keys = np.unravel_index(np.arange(size), sizes)
        parts = [key[:, None] == np.arange(self.sizes[m]) for key, m in zip(keys, hand, strict=True)]
        return _Group(code, size, at, np.hstack(parts).astype(np.float64))

    def sums(self, w: FloatArray) -> FloatArray:
        """X'w for w (C,). Shape (K,)."""
        out = np.empty(self.width)
        for g in self._groups:
            out[g.at] = g.by_category(weighted_counts(g.code, w, g.size))
        return out

    def spread(self, b: FloatArray) -> FloatArray:
        """X b for b (K,). Shape (C,)."""
        out = np.zeros(self.length)
        for g in self._groups:
            out += g.by_combination(b[g.at])[g.code]
        return out

    def cross(self, w: FloatArray) -> FloatArray:
        """X' diag(w) X for w (C,). Shape (K, K)."""
        out = np.zeros((self.width, self.width))
        place = np.empty(self.length, dtype=np.int64)
        for i, a in enumerate(self._groups):
            held = weighted_counts(a.code, w, a.size)
            out[a.at[:, None], a.at] = _within(a, held)
            for b in self._groups[:i]:
                np.multiply(a.code, b.size, out=place)
                place += b.code
                table = weighted_counts(place, w, a.size * b.size).reshape(a.size, b.size)
                part = b.by_category(a.by_category(table).T)
                out[b.at[:, None], a.at], out[a.at[:, None], b.at] = part, part.T
        return out


def _within(group: _Group, held: FloatArray) -> FloatArray:
    """Cross-tables of the margins of one group from the weights of its combinations. Shape (k, k)."""
    if group.indicator is None:
        return np.diag(held[: len(group.at)])
    return group.indicator.T @ (held[:, None] * group.indicator)
