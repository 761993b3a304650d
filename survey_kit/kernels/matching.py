"""Sample matching: every unit of a reference is stood for by the rows of a sample that are most like it.

Rivers (2007), Sampling for web surveys, JSM. With S_j the k rows nearest to reference unit j (more where several are
equally far: they share), row i is given

    w_i = sum over j with i in S_j of  d_j / |S_j|

Distances are Euclidean in the columns handed over, which `mahalanobis_root` makes Mahalanobis distances; columns are of
size 1 and are rounded to 1e-10. Rows at one point are one point with a count, so that the order of rows plays no part; no
array of n x m is held.

Shapes: donors (n, q), wanted (m, q), weight (m,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray

_BLOCK = 2_000_000  # distances held at a time
_TIES = 16  # rows that are looked at for ties
_EQUAL = 1e-9  # distances that differ by less than this part are the same


@dataclass(frozen=True, eq=False)
class Matches:
    """Who stands for whom, summed up.

    Attributes:
        weight: what each row of the sample stands for. Shape (n,).
        distance: of each reference unit to the nearest row that stands for it, NaN for none. Shape (m,).
        part: how much of each reference unit is stood for, 0 to 1. Shape (m,).
    """

    weight: FloatArray
    distance: FloatArray
    part: FloatArray


@dataclass(frozen=True, eq=False)
class _Points:
    """Distinct rows of a matrix: which each row is (n,), how many each has (U,), and where they are (U, q)."""

    of: IntArray
    count: IntArray
    at: FloatArray


def mahalanobis_root(x: FloatArray, weight: FloatArray) -> FloatArray:
    """L with L L' the (pseudo-)inverse of the weighted covariance of x: x L has Mahalanobis distances. Shape (q, q).

    The symmetric root of the correlations, which depends on no signs.
    """
    centred = x - np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average(centred**2, axis=0, weights=weight))
    scale[scale == 0] = 1.0
    correlation = (centred / scale).T @ (centred / scale * (weight / weight.sum())[:, None])
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    used = vectors[:, kept]
    return np.asarray((used / np.sqrt(values[kept])) @ used.T / scale[:, None])


def match_within(
    cells: tuple[IntArray, IntArray],
    donors: FloatArray,
    wanted: FloatArray,
    weight: FloatArray,
    k: int = 1,
    caliper: float = np.inf,
    replace: bool = True,
) -> Matches:
    """Match inside cells that must agree: cell of each row of the sample (n,) and of the reference (m,).

    Args:
        k: rows that stand for each reference unit. caliper: largest distance.
        replace: whether a row may stand for several units. If not, pairs are made in the order of their distance, and no
            row stands for more than one unit of 1/k each.
    """
    own, other = cells
    out = Matches(np.zeros(len(donors)), np.full(len(wanted), np.nan), np.zeros(len(wanted)))
    for cell in np.unique(other):
        rows, units = np.flatnonzero(own == cell), np.flatnonzero(other == cell)
        if not len(rows):
            continue
        here = (_points(donors[rows]), _points(wanted[units]), weight[units], k, caliper)
        found = _nearest(*here) if replace else _in_turn(*here)
        out.weight[rows], out.distance[units], out.part[units] = found.weight, found.distance, found.part
    return out


def _points(x: FloatArray) -> _Points:
    at, of, count = np.unique(np.round(x, 10) + 0.0, axis=0, return_inverse=True, return_counts=True)
    return _Points(of.reshape(-1), count, at)


def _tree(at: FloatArray) -> Any:
    from scipy.spatial import cKDTree  # loaded only where somebody matches

    return cKDTree(at)


def _nearest(rows: _Points, units: _Points, weight: FloatArray, k: int, caliper: float) -> Matches:
    """With replacement, point by point."""
    tree, held = _tree(rows.at), np.bincount(units.of, weights=weight, minlength=len(units.at))
    given, distance = np.zeros(len(rows.at)), np.full(len(units.at), np.nan)
    enough = min(k, int(rows.count.sum()))
    todo, most = np.arange(len(units.at)), min(len(rows.at), k + 1)
    while len(todo):
        left = []
        step = max(1, _BLOCK // most)
        for start in range(0, len(todo), step):
            block = todo[start : start + step]
            far, who = (np.reshape(a, (len(block), -1)) for a in tree.query(units.at[block], k=most))
            used, settled = _within_reach(far, rows.count[who], enough, caliper, whole=most == len(rows.at))
            share = np.where(used, rows.count[who], 0) * settled[:, None]
            total = share.sum(axis=1)
            part = np.divide(held[block], total, out=np.zeros(len(block)), where=total > 0)
            np.add.at(given, who.ravel(), (share * part[:, None]).ravel())
            there = settled & (total > 0)
            distance[block[there]] = far[there, 0]
            left.append(block[~settled])
        todo, most = np.concatenate(left), min(len(rows.at), 2 * most)
    found = distance[units.of]
    return Matches((given / rows.count)[rows.of], found, (~np.isnan(found)).astype(float))


def _within_reach(
    far: FloatArray, count: IntArray, enough: int, caliper: float, whole: bool
) -> tuple[BoolArray, BoolArray]:
    """Which of the points found are among the k nearest or as far as the last of them, and whether all of these were found.

    Shapes: far, count (r, K), sorted by distance -> (r, K), (r,).
    """
    last = (np.cumsum(count, axis=1) >= enough).argmax(axis=1)
    complete = count.sum(axis=1) >= enough
    reach = far[np.arange(len(far)), last] * (1 + _EQUAL) + 1e-12
    settled = whole | (complete & (far[:, -1] > reach)) | (far[:, -1] > caliper)
    reach = np.minimum(np.where(complete, reach, np.inf), caliper)
    return far <= reach[:, None], np.asarray(settled)


def _in_turn(rows: _Points, units: _Points, weight: FloatArray, k: int, caliper: float) -> Matches:
    """Without replacement: in every round the pairs of points that are nearest to each other, until none is left."""
    room, need = rows.count.astype(float), k * units.count.astype(float)
    unit_weight = np.bincount(units.of, weights=weight, minlength=len(units.at)) / need
    given, distance, met = np.zeros(len(rows.at)), np.full(len(units.at), np.nan), np.zeros(len(units.at))
    free, open_ = np.arange(len(rows.at)), np.arange(len(units.at))
    while len(free) and len(open_):
        far, who = _first_nearest(rows.at[free], units.at[open_])
        near = far <= caliper
        if not near.any():
            break
        open_, far, who = open_[near], far[near], free[who[near]]
        unit, row, apart = _mutual(open_, who, far, units.at, rows.at)
        taken = np.minimum(room[row], need[unit])
        room[row] -= taken
        need[unit] -= taken
        met[unit] += taken
        given[row] += taken * unit_weight[unit]
        distance[unit] = np.fmin(distance[unit], apart)
        free, open_ = free[room[free] > 0], open_[need[open_] > 0]
    part = met / (k * units.count)
    return Matches((given / rows.count)[rows.of], distance[units.of], part[units.of])


def _first_nearest(rows: FloatArray, units: FloatArray) -> tuple[FloatArray, IntArray]:
    """The nearest row of each unit; of rows that are equally far the first (of sixteen). Shapes (m,), (m,)."""
    most = min(_TIES, len(rows))
    far, who = (np.reshape(a, (len(units), most)) for a in _tree(rows).query(units, k=most))
    tied = far <= far[:, :1] * (1 + _EQUAL) + 1e-12
    return far[:, 0], np.where(tied, who, len(rows)).min(axis=1)


def _mutual(
    unit: IntArray, row: IntArray, far: FloatArray, units: FloatArray, rows: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Of the pairs (unit, its nearest row) those whose row has no nearer unit, one for each row."""
    order = np.lexsort((unit, np.round(far, 10), row))
    first = order[np.concatenate([[True], np.diff(row[order]) > 0])]
    nearest, _ = _tree(units[unit]).query(rows[row[first]])
    kept = first[far[first] <= nearest * (1 + _EQUAL) + 1e-12]
    return unit[kept], row[kept], far[kept]
