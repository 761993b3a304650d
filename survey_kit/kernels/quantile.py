"""Quantiles of weighted values within groups, all groups and shares searched together.

Values x_1 <= ... <= x_m of a group with weights w_i > 0, cumulative weights S_i = w_1 + ... + w_i and total S = S_m. With i
the last position where S_i <= p S (1 when there is none), low = p - S_i / S and up = S_{i+1} / S - p:

    math, hf1    x_i if low <= 0, else x_{i+1}: the smallest value with a cumulative share of at least p
    school, hf2  (x_i + x_{i+1}) / 2 if low <= 0, else x_{i+1}
    hf3          equal values as one; x_i if low <= 0 and i is even, else x_{i+1}
    hf4          x_i (1 - g) + x_{i+1} g with g = low / (low + up)
    hf5 ... hf9  linear between the points (P_i, x_i), x_1 below and x_m above them, where P_i is
                 (S_i - w_i/2) / S,  S_i / (S + w_m),  S_{i-1} / S_{m-1},
                 (S_{i-1}/3 + 2 S_i/3) / (S + w_m/3),  (3 S_{i-1}/8 + 5 S_i/8) / (S + w_m/4)
    shahvaish    the step function through (P_i, x_i), P_i = (m S_i / S + 1/2 - w_i/2) / (m + 1)

Hyndman & Fan (1996), American Statistician 50, 361; Shah & Vaish (2006); R survey::svyquantile (4.5), which writes them
for weights this way. Sums are taken in extended precision and rounded, and ties of p S with S_i are judged on the rounded
numbers, since R does so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import FloatArray, IntArray

_SHORT = 32_000  # whole numbers up to here are sorted by digits


@dataclass(frozen=True, eq=False)
class Sorted:
    """Values in order within groups.

    Attributes:
        x: the values, group after group. Shape (m,).
        entry: where each stood before sorting; equal values keep their order. Shape (m,).
        start: first place of each group, and the end. Shape (G + 1,).
    """

    x: FloatArray
    entry: IntArray
    start: IntArray

    @property
    def group(self) -> IntArray:
        """Group of each value. Shape (m,)."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def sizes(self) -> IntArray:
        """Values in each group. Shape (G,)."""
        return np.diff(self.start)


def sort_within(x: FloatArray, group: IntArray, groups: int) -> Sorted:
    """Sort values within groups 0..G-1. Shapes (m,), (m,)."""
    entry = np.argsort(_short(x), kind="stable")
    if groups > 1:
        small = group.astype(np.uint16 if groups <= 2**16 else np.int64)
        entry = entry[np.argsort(small[entry], kind="stable")]
    start = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))])
    return Sorted(x[entry], entry, start)


def _short(x: FloatArray) -> np.ndarray:
    """Small whole numbers as two-byte integers, which sort eight times faster; anything else as it is."""
    if not len(x) or x.min() < -_SHORT or x.max() > _SHORT:
        return x
    short = x.astype(np.int16)
    return short if (short == x).all() else x


@dataclass(frozen=True, eq=False)
class Weighted:
    """Sorted values of positive weight.

    Attributes:
        x, weight: shape (m,). cumulated: S_i within the group. Shape (m,).
        start: first place of each group, and the end. Shape (G + 1,).
    """

    x: FloatArray
    weight: FloatArray
    cumulated: FloatArray
    start: IntArray

    @property
    def total(self) -> FloatArray:
        """Sum of the weights of each group, NaN for an empty one. Shape (G,)."""
        return _last_of(self.cumulated, self.start)

    @property
    def group(self) -> IntArray:
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def before(self) -> FloatArray:
        """S_{i-1}, 0 at the first of a group. Shape (m,)."""
        out = np.concatenate([[0.0], self.cumulated[:-1]])[: len(self.x)]
        out[self.start[:-1][np.diff(self.start) > 0]] = 0.0
        return out


def weigh(values: Sorted, weight: FloatArray) -> Weighted:
    """Put weights, in the order before sorting, on sorted values; values of weight zero are left out. Shape (m,)."""
    w = weight[values.entry]
    if w.all():
        return _weighted(values.x, w, values.start)
    keep = w != 0
    return _weighted(values.x[keep], w[keep], np.concatenate([[0], np.cumsum(keep)])[values.start])


def _weighted(x: FloatArray, w: FloatArray, start: IntArray) -> Weighted:
    return Weighted(x, w, cumulate(w, start), start)


def cumulate(w: FloatArray, start: IntArray) -> FloatArray:
    """Cumulative sums that begin again at each group. Shape (m,)."""
    running = np.cumsum(w, dtype=np.longdouble)
    if len(start) == 2:
        return running.astype(float)
    offset = np.concatenate([np.zeros(1, np.longdouble), running])[start[:-1]]
    return (running - np.repeat(offset, np.diff(start))).astype(float)


def _last_of(values: FloatArray, start: IntArray) -> FloatArray:
    """Last value of each group, NaN for an empty one. Shape (G,)."""
    out = np.full(len(start) - 1, np.nan)
    filled = np.diff(start) > 0
    out[filled] = values[start[1:][filled] - 1]
    return out


def place_after(keys: FloatArray, start: IntArray, stop: IntArray, target: FloatArray) -> IntArray:
    """First place in start..stop whose key is above the target, by halving all intervals at once. Shapes (K,)."""
    low, high = start.copy(), stop.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        right = open_ & (keys[np.minimum(middle, len(keys) - 1)] <= target)
        low, high = np.where(right, middle + 1, low), np.where(open_ & ~right, middle, high)
    return low


def quantiles(d: Weighted, rule: str, group: IntArray, p: FloatArray) -> FloatArray:
    """The p-quantile of each of K (group, p) by a rule; NaN where p is NaN or the group is empty. Shapes (K,)."""
    out = np.full(len(p), np.nan)
    there = np.flatnonzero((np.diff(d.start)[group] > 0) & ~np.isnan(p))
    if len(there):
        with np.errstate(divide="ignore", invalid="ignore"):
            out[there] = RULES[rule](d, group[there], p[there])
    return out


@dataclass(frozen=True, eq=False)
class _Bracket:
    """Places i and i + 1 (i at the end of a group), and how far p S / S lies from their shares. Shapes (K,)."""

    i: IntArray
    following: IntArray
    low: FloatArray
    up: FloatArray


def _bracket(d: Weighted, group: IntArray, p: FloatArray) -> _Bracket:
    start, stop, total = d.start[group], d.start[group + 1], d.total[group]
    i = np.maximum(place_after(d.cumulated, start, stop, p * total) - 1, start)
    following = np.minimum(i + 1, stop - 1)
    return _Bracket(i, following, p - d.cumulated[i] / total, d.cumulated[following] / total - p)


def _math(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
    at = _bracket(d, group, p)
    return np.where(at.low <= 0, d.x[at.i], d.x[at.following])


def _school(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
    at = _bracket(d, group, p)
    return np.where(at.low <= 0, (d.x[at.i] + d.x[at.following]) / 2, d.x[at.following])


def _even(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
    """hf3, on distinct values."""
    new = np.concatenate([[True], d.x[1:] != d.x[:-1]])
    new[d.start[:-1][np.diff(d.start) > 0]] = True
    first = np.flatnonzero(new)
    weight = np.add.reduceat(d.weight.astype(np.longdouble), first).astype(float)
    start = np.concatenate([[0], np.cumsum(new)])[d.start]
    distinct = _weighted(d.x[first], weight, start)
    at = _bracket(distinct, group, p)
    even = (at.i - start[group]) % 2 == 1  # counted from 1
    return np.where((at.low <= 0) & even, distinct.x[at.i], distinct.x[at.following])


def _between(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
    """hf4."""
    at = _bracket(d, group, p)
    share = at.low / (at.up + at.low)
    return d.x[at.i] * (1 - share) + d.x[at.following] * share


def _points(d: Weighted, rule: str) -> FloatArray:
    """P_i of hf5 to hf9. Shape (m,)."""
    of = d.group
    total, last = d.total[of], _last_of(d.weight, d.start)[of]
    if rule == "hf5":
        return (d.cumulated - d.weight / 2) / total
    if rule == "hf6":
        return d.cumulated / (total + last)
    before = d.before()
    if rule == "hf7":
        return before / _last_of(before, d.start)[of]
    if rule == "hf8":
        return (before / 3 + d.cumulated * 2 / 3) / (total + last / 3)
    return (before * 3 / 8 + d.cumulated * 5 / 8) / (total + last / 4)


def _linear(rule: str) -> Rule:
    def rule_of(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
        points, start, stop = _points(d, rule), d.start[group], d.start[group + 1]
        i = place_after(points, start, stop, p) - 1
        left, right = np.clip(i, start, stop - 1), np.clip(i + 1, start, stop - 1)
        step = (p - points[left]) / (points[right] - points[left])
        inside = d.x[left] + (d.x[right] - d.x[left]) * step
        return np.where(left == right, d.x[left], inside)

    return rule_of


def _shah_vaish(d: Weighted, group: IntArray, p: FloatArray) -> FloatArray:
    """Steps through points that need not be in order: they are sorted, and x at equal points is averaged."""
    of, size = d.group, np.diff(d.start)
    scaled = cumulate(d.weight / (d.total / size)[of], d.start)
    points = (scaled + 0.5 - d.weight / 2) / (size + 1)[of]
    order = np.lexsort((points, of))
    points, x = points[order], d.x[order]
    new = np.concatenate([[True], (points[1:] != points[:-1]) | (of[1:] != of[:-1])])
    first = np.flatnonzero(new)
    x = np.add.reduceat(x, first) / np.diff(np.append(first, len(x)))
    start = np.concatenate([[0], np.cumsum(new)])[d.start]
    i = place_after(points[first], start[group], start[group + 1], p) - 1
    return x[np.maximum(i, start[group])]


Rule = Callable[[Weighted, IntArray, FloatArray], FloatArray]

RULES: dict[str, Rule] = {
    "math": _math,
    "school": _school,
    "shahvaish": _shah_vaish,
    "hf1": _math,
    "hf2": _school,
    "hf3": _even,
    "hf4": _between,
    "hf5": _linear("hf5"),
    "hf6": _linear("hf6"),
    "hf7": _linear("hf7"),
    "hf8": _linear("hf8"),
    "hf9": _linear("hf9"),
}


def spread(values: Sorted) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Least and greatest value and interquartile range of each group, unweighted (type 7). Shapes (G,)."""
    filled = values.sizes > 0
    first, size = values.start[:-1][filled], values.sizes[filled]
    found = np.full((3, len(filled)), np.nan)
    quartiles = []
    for p in (0.25, 0.75):
        at = (size - 1) * p
        below = first + np.floor(at).astype(np.int64)
        above = first + np.ceil(at).astype(np.int64)
        part = at - np.floor(at)
        quartiles.append((1 - part) * values.x[below] + part * values.x[above])
    found[:, filled] = values.x[first], values.x[first + size - 1], quartiles[1] - quartiles[0]
    return found[0], found[1], found[2]


def bands(values: Sorted, cut: FloatArray) -> tuple[IntArray, IntArray]:
    """Bands that cuts make of the values of each group. Shape of `cut`: (G, Q).

    Returns:
        (column, rank): G-th group, band b as g * (Q + 1) + b for each entry in the order before sorting, shape (m,); and
        the place of each cut among the cuts of its group: values up to the cut are bands 0..rank. Shape (G, Q).
    """
    groups, q = cut.shape
    start = np.repeat(values.start[:-1], q)
    stop = np.repeat(values.start[1:], q)
    ends = place_after(values.x, start, stop, cut.ravel()).reshape(groups, q)
    order = np.argsort(ends, axis=1, kind="stable")
    edges = np.column_stack([values.start[:-1], np.take_along_axis(ends, order, axis=1), values.start[1:]])
    column = np.empty(len(values.x), dtype=np.int64)
    column[values.entry] = np.repeat(np.arange(groups * (q + 1)), np.diff(edges, axis=1).ravel())
    return column, np.argsort(order, axis=1, kind="stable")


@dataclass(frozen=True, eq=False)
class CumulativeShares:
    """Shares of the weight up to each cut, from the totals of bands: F = (T_0 + ... + T_rank) / (T_0 + ... + T_Q).

    `rank`: last band below each cut, shape (C, Q) for C groups (of each variable) with Q cuts. Totals stand group after
    group, (Q + 1) for each, shape (..., C * (Q + 1)); estimates likewise, shape (..., C * Q).
    """

    rank: IntArray

    def value(self, totals: FloatArray) -> FloatArray:
        c, q = self.rank.shape
        running = np.cumsum(totals.reshape(*totals.shape[:-1], c, q + 1), axis=-1)
        whole = running[..., -1:]
        up_to = np.take_along_axis(running, np.broadcast_to(self.rank, (*running.shape[:-1], q)), axis=-1)
        return (up_to / np.where(whole == 0, np.nan, whole)).reshape(*totals.shape[:-1], c * q)

    def jacobian(self, totals: FloatArray) -> sp.csr_array:
        """d F / d T = ([band <= rank] - F) / T. Shape (C * Q, C * (Q + 1))."""
        c, q = self.rank.shape
        whole = totals.reshape(c, q + 1).sum(axis=1)
        whole = np.where(whole == 0, np.nan, whole)[:, None, None]
        inside = np.arange(q + 1) <= self.rank[:, :, None]
        slope = (inside - self.value(totals).reshape(c, q, 1)) / whole
        row = np.repeat(np.arange(c * q), q + 1)
        column = (np.arange(c)[:, None, None] * (q + 1) + np.arange(q + 1) + np.zeros((1, q, 1), np.int64)).ravel()
        return sp.csr_array(sp.coo_array((slope.ravel(), (row, column)), shape=(c * q, c * (q + 1))))
