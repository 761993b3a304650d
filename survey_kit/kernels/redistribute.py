"""Redistribution of weight within classes: rows that give lose theirs, rows that receive share it in proportion.

    f_c  = (sum_{receive} w_i + sum_{give} w_i) / sum_{receive} w_i        within class c
    w1_i = w_i f_c where i receives, 0 where i gives, w_i where i does neither

The total of each class stays. Weighting classes for nonresponse (respondents receive, nonrespondents give) and unknown
eligibility (cases known to be eligible or ineligible receive) are both this. Totals have one column for each of R columns of
weights. Source: Brick & Kalton (1996), Statistical Methods in Medical Research 5, 215; R svrep::redistribute_weights.
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts
from survey_kit.kernels.residualize import Adjustment, CellMeans, Cells, over

GIVES, RECEIVES, NEITHER = 0, 1, 2


def roles(cell: IntArray, gives: BoolArray, receives: BoolArray) -> IntArray:
    """Key of class and role of each row: 3 cell + role. Shape (n,)."""
    return 3 * cell + np.where(gives, GIVES, np.where(receives, RECEIVES, NEITHER))


def class_factors(totals: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Factors by class and role from totals by class and role, and the columns in which weight finds no taker.

    Shapes (3 C, R) -> (3 C, R), (R,). A class in which nobody receives keeps factor 1 for its rows.
    """
    by_role = totals.reshape(-1, 3, totals.shape[1])
    given, held = by_role[:, GIVES], by_role[:, RECEIVES]
    factors = np.ones_like(by_role)
    factors[:, RECEIVES] = np.divide(given + held, held, out=np.ones_like(held), where=held > 0)
    factors[:, GIVES] = np.where((held > 0) | (given <= 0), 0.0, 1.0)
    stranded = np.asarray(((held <= 0) & (given > 0)).any(axis=0))
    return factors.reshape(len(totals), -1), stranded


def redistribution_step(
    cell: IntArray, size: int, receives: BoolArray, before: FloatArray, after: FloatArray
) -> Adjustment:
    """The step of redistribution: class (n,), who receives (n,), weights before and after it (n,)."""
    held = weighted_counts(cell, np.where(receives, before, 0.0), size)
    reads = np.where(receives, over(before, after), 0.0)
    return Adjustment(Cells(cell, size), reads, after - before, CellMeans(held), estimated=True)
