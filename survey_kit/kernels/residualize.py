"""How weighting enters a variance: influence values are residualised step by step, never recomputed.

Let x_i be the influence of row i under the final weights (x_i = w_i u_i). Every step of weighting in turn (`in_turn`) takes
from it what the step has made certain:

    a   = coefficients(F' (rho * x))                 shape (C, k) from the sums of rho_i x_i by feature
    x_i <- x_i - c_i F_i a

F (n, C) are the features that the step works on: indicators of cells, or columns. rho (`reads`) and c (`takes`) have shape
(n,). So a step is a linear map on C sums, which is what lets it work on reduced sums and never on an n x k matrix.
With w0 the weight before the step and w1 the weight after it:

    post-stratification    F cells     rho = w0 / w1              c = w1        a = cell means (weighted by w0)
    raking                 F cells     rho = 1 / w1               c = w1        a = ten rounds of centring, unweighted
    calibration            F = X       rho = w0 / sigma^2 / w1    c = w1        a = (X' diag(w0 / sigma^2) X)^-1 sums
    redistribution         F classes   rho = r w0 / w1            c = w1 - w0   a = class means (weighted by r w0)
    propensity r / p       F = X       rho = r (1 - p)            c = q (r - p) a = (X' diag(q p (1 - p)) X)^-1 sums

(r: 1 for rows that responded; q: weights of the fit.) The first three have known totals and leave nothing of them; the last
two have totals that the sample estimates, whose error stays. Trimming and scaling have no step of their own: steps before
them keep their weights, as in R.

Where the totals themselves were estimated with covariance V, a'Va joins the variance: `uncertain` holds L with V = L L'.

Sources: Deville & Sarndal (1992), JASA 87, 376; R survey::svyrecvar (its loop over postStrata) for the first three, whose
numbers these are; Kim & Kim (2007), Canadian J. Statistics 35, 501, for the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.raking_rounds import RakingRounds


@dataclass(frozen=True, eq=False)
class Cells:
    """Indicators of cells: the cell of each row, 0..size-1. Shape (n,)."""

    code: IntArray
    size: int

    @property
    def width(self) -> int:
        """C."""
        return self.size


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of numbers. Shape (n, C)."""

    x: FloatArray

    @property
    def width(self) -> int:
        """C."""
        return self.x.shape[1]


class Law(Protocol):
    """What a step takes away for each feature, given sums by feature: linear in the sums."""

    def coefficients(self, sums: FloatArray) -> FloatArray:
        """Shapes (C, k) -> (C, k)."""


@dataclass(frozen=True, eq=False)
class Told:
    """What the targets of a step were about, so that later steps can say what became of them; no variance reads it.

    Attributes:
        categories: by the name of a margin the category of each row, -1 without. Shape (n,).
        numbers: by the name of a total or mean its values. Shape (n,).
    """

    categories: Mapping[str, NDArray[np.signedinteger]]
    numbers: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Adjustment:
    """One step of weighting as a variance needs it.

    Attributes:
        features: what the step works on.
        reads, takes: rho and c of each row. Shape (n,).
        law: coefficients from sums.
        estimated: whether the totals are the sample's own (redistribution, propensities), whose error stays.
        uncertain: L with V = L L' the covariance of the totals that the weights were brought to; None for totals without
            error. Shape (C, q).
        told: what its targets were about, where features and law do not say it.
    """

    features: Cells | Columns
    reads: FloatArray
    takes: FloatArray
    law: Law
    uncertain: FloatArray | None = None
    estimated: bool = False
    told: Told | None = None


def in_turn(steps: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """Steps in the order in which a variance takes them.

    By the chain rule the last step made is the first to be taken. Steps to known totals that follow each other are taken in
    the order in which they were made, which is what R's svyrecvar does; their numbers differ little from the other order.

    >>> one, means = np.ones(1), CellMeans(np.ones(1))
    >>> estimated = [True, False, False, True, False]
    >>> made = [Adjustment(Columns(np.eye(1)), one, i * one, means, None, e) for i, e in enumerate(estimated)]
    >>> [int(step.takes[0]) for step in in_turn(made)]
    [4, 3, 1, 2, 0]
    """
    runs = [list(run) for _, run in groupby(steps, key=lambda step: step.estimated)]
    return tuple(step for run in reversed(runs) for step in (reversed(run) if run[0].estimated else run))


def over(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """numerator / denominator, 0 where the denominator is 0. Shape (n,)."""
    return np.divide(numerator, denominator, out=np.zeros(len(denominator)), where=denominator != 0)


@dataclass(frozen=True, eq=False)
class CellMeans:
    """Means by cell: sums over what the weights of the means sum to. Shape (C,)."""

    denominator: FloatArray

    def coefficients(self, sums: FloatArray) -> FloatArray:
        empty = self.denominator == 0
        return sums / np.where(empty, 1.0, self.denominator)[:, None]


@dataclass(frozen=True, eq=False)
class Regression:
    """Coefficients of a weighted regression on the columns: inverse @ sums. Shape of the inverse: (C, C)."""

    inverse: FloatArray

    def coefficients(self, sums: FloatArray) -> FloatArray:
        return self.inverse @ sums


def raking_step(cell: IntArray, margins: tuple[IntArray, ...], weight: FloatArray) -> Adjustment:
    """The step of raking: crossed cell of each row (n,), category of each cell in each margin (C,), weight after it (n,)."""
    size = len(margins[0])
    everyone = weight.min(initial=1.0) > 0
    counts = weighted_counts(cell, None if everyone else (weight > 0).astype(float), size)
    return Adjustment(Cells(cell, size), over(np.ones(len(cell)), weight), weight, RakingRounds(margins, counts))


def poststratification_step(cell: IntArray, size: int, before: FloatArray, after: FloatArray) -> Adjustment:
    """The step of post-stratification: cell (n,), weights before and after it (n,)."""
    held = weighted_counts(cell, before, size)
    return Adjustment(Cells(cell, size), over(before, after), after, CellMeans(held))
