"""Raking in a variance: rounds of centring on unweighted category means, margin after margin.

This is what R's survey::rake does in svyrecvar; calibrate(calfun="raking") would use a weighted regression instead and give
slightly different standard errors for the same weights. Two kinds of margins, which R does not have, take less.

A relative margin fixes sum_{i in k} w_i - p_k sum_{covered i} w_i = 0 and not what its rows weigh together: from the
category means mu_k only mu_k - sum_j p_j mu_j is taken.

An own margin gives the rows without a value the share r of the total T that they have of the base weights b, and the others
(1 - r) p_k: its targets move with the sample. With lambda_k what the rounds took for category k, the estimate moves by
(lambda_own - sum_k p_k lambda_k) dT_own, where dT_own = (T / B) sum_i b_i (1[i own] - r), B = sum b. This is put back.

Checked by simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class OwnCategory:
    """The category of rows without a value.

    Attributes:
        at: its position among the categories of its margin.
        p: shares of the other categories among themselves, in their order (it has none). Shape (k - 1,).
        pull: (T / B) (1[c own] - r) b_c / w_c of each cell, b and w its weights before and after. Shape (C,).
    """

    at: int
    p: FloatArray
    pull: FloatArray


@dataclass(frozen=True, eq=False)
class RakingRounds:
    """A law of `residualize.Adjustment`. Rows of weight zero take no part.

    Attributes:
        margins: category of each cell (-1: not covered by the margin), M arrays of shape (C,).
        counts: rows of weight above zero in each cell. Shape (C,).
        shares: p of a relative margin, shape (k,); None for others. M of them, or empty where no margin is relative.
        own: the own category of a margin; None without. M of them, or empty where no margin has one.
    """

    margins: tuple[IntArray, ...]
    counts: FloatArray
    shares: tuple[FloatArray | None, ...] = ()
    own: tuple[OwnCategory | None, ...] = ()
    passes: int = 10

    def coefficients(self, sums: FloatArray) -> FloatArray:
        """Shapes (C, k) -> (C, k)."""
        columns = sums.shape[1]
        taken = np.zeros_like(sums)
        by_margin = [np.zeros((int(m.max(initial=-1)) + 1, columns)) for m in self.margins]
        for _ in range(self.passes):
            for i, margin in enumerate(self.margins):
                step = self._step(i, sums - self.counts[:, None] * taken)
                by_margin[i] += step
                taken = taken + _of_cells(margin, step)
        for own, log in zip(self.own, by_margin, strict=bool(self.own)):
            if own is not None:
                others = np.delete(log, own.at, axis=0)
                taken = taken - own.pull[:, None] * (log[own.at] - own.p @ others)
        return taken

    def _step(self, i: int, left: FloatArray) -> FloatArray:
        """What one margin takes for each of its categories. Shapes (C, K) -> (k, K)."""
        category = self.margins[i] + 1  # 0: not covered
        size = int(category.max(initial=0)) + 1
        total = np.zeros((size, left.shape[1]))
        np.add.at(total, category, left)
        n = np.bincount(category, weights=self.counts, minlength=size)
        means = (total / np.where(n == 0, 1.0, n)[:, None])[1:]
        shares = self.shares[i] if self.shares else None
        return means if shares is None else means - shares @ means


def _of_cells(margin: IntArray, by_category: FloatArray) -> FloatArray:
    """The value of each cell's category, 0 outside the margin. Shapes (C,), (k, K) -> (C, K)."""
    return np.vstack([by_category, np.zeros((1, by_category.shape[1]))])[margin]


def uncertain_cells(
    margins: tuple[IntArray, ...], root: FloatArray, own: tuple[OwnCategory | None, ...] = ()
) -> FloatArray:
    """A root of the targets' covariance as one that works on coefficients of cells.

    Coefficients of cells are a = Z lambda (Z: indicators of the K categories, less pull x (the own contrast) for own
    margins), and the targets' error is root' lambda in the estimate: L = Z (Z'Z)^+ root gives L'a = root' lambda.

    Args:
        margins: category of each cell (-1: none), M arrays of shape (C,).
        root: in units of weights, margin after margin. Shape (K, q).
        own: as in `RakingRounds`; empty for none.

    Returns:
        L. Shape (C, q).
    """
    sizes = [int(m.max(initial=-1)) + 1 for m in margins]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    gram = np.zeros((int(ends[-1]), int(ends[-1])))
    for i, one in enumerate(margins):
        for j, other in enumerate(margins):
            both = (one >= 0) & (other >= 0)
            np.add.at(gram, (one[both] + ends[i], other[both] + ends[j]), 1.0)
    pull, contrast = _own_part(margins, ends, own)
    along = np.concatenate([_by_category(m, pull, k) for m, k in zip(margins, sizes, strict=True)])
    gram += contrast @ (pull.T @ pull) @ contrast.T - along @ contrast.T - contrast @ along.T
    solved = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ root
    parts = zip(margins, np.split(solved, ends[1:-1]), strict=True)
    return np.sum([_of_cells(m, part) for m, part in parts], axis=0) - pull @ (contrast.T @ solved)


def _own_part(
    margins: tuple[IntArray, ...], ends: IntArray, own: tuple[OwnCategory | None, ...]
) -> tuple[FloatArray, FloatArray]:
    """The pulls of own margins, and lambda_own - sum_k p_k lambda_k as vectors. Shapes (C, m), (K, m)."""
    found = [(int(start), o) for start, o in zip(ends[:-1], own, strict=False) if o is not None]
    pull, contrast = np.zeros((len(margins[0]), len(found))), np.zeros((int(ends[-1]), len(found)))
    for j, (start, o) in enumerate(found):
        pull[:, j] = o.pull
        contrast[start : start + len(o.p) + 1, j] = np.insert(-o.p, o.at, 1.0)
    return pull, contrast


def _by_category(margin: IntArray, values: FloatArray, size: int) -> FloatArray:
    """Sums of the cells' values by category. Shapes (C,), (C, m) -> (k, m)."""
    out = np.zeros((size, values.shape[1]))
    np.add.at(out, margin[margin >= 0], values[margin >= 0])
    return out
