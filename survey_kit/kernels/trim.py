"""Trimming: weights outside limits are brought to the limits, and what that took or gave goes to the others.

One round, over the rows of weight not zero, with limits L and U and t_i = clip(w_i, L, U):

    excess = sum over trimmed rows of (w_i - t_i)
    "equal"          w_j <- w_j + excess / m                over the m rows that no round has trimmed
    "proportional"   w_j <- w_j (1 + excess / sum_k w_k)    over the same rows
    "none"           the excess is dropped

Strict trimming repeats the round until no weight is outside. Rows once trimmed take no more, unless nobody else is left:
then those at the other limit do, as long as L n <= sum w <= U n leaves them room. After the first round every shift goes
in one direction, so each round settles at least one row and n rounds are enough.

Source: R survey::trimWeights (4.2 and later), which knows "equal" only and drops the excess where nobody is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray

Redistribute = Literal["equal", "proportional", "none"]


@dataclass(frozen=True, eq=False)
class Trimmed:
    """Weights after trimming (n,), rounds that it took, and what could not be given to anybody (or was dropped)."""

    weights: FloatArray
    rounds: int
    left: float


def trim_weights(
    weights: FloatArray, lower: float, upper: float, strict: bool = True, redistribute: Redistribute = "equal"
) -> Trimmed:
    """Trim weights of shape (n,) to [lower, upper]; either may be infinite. Weights of zero stay zero.

    >>> trim_weights(np.array([1.0, 1.0, 6.0, 0.0]), -np.inf, 4.0).weights
    array([2., 2., 4., 0.])
    """
    w = np.array(weights, dtype=np.float64)
    active = w != 0
    free, rounds, left = active.copy(), 0, 0.0
    while True:
        outside = active & ((w < lower) | (w > upper))
        if not outside.any() or (rounds and not strict):
            return Trimmed(w, rounds, left)
        rounds += 1
        kept = np.clip(w[outside], lower, upper)
        excess = float((w[outside] - kept).sum())
        w[outside] = kept
        free &= ~outside
        if redistribute != "none" and not free.any():
            free = active & ((w < upper) if excess > 0 else (w > lower))
        if redistribute == "none" or not free.any():
            left += excess
        else:
            w[free] = _given(w[free], excess, redistribute)


def trim_columns(
    weights: FloatArray, lower: FloatArray, upper: FloatArray, strict: bool, redistribute: Redistribute
) -> tuple[FloatArray, FloatArray]:
    """Columns of weights (n, R), each trimmed to its own limits (R,): the weights and what was left of each column (R,)."""
    left = np.zeros(weights.shape[1])
    out = np.empty_like(weights)
    for r in range(weights.shape[1]):
        trimmed = trim_weights(weights[:, r], float(lower[r]), float(upper[r]), strict, redistribute)
        out[:, r], left[r] = trimmed.weights, trimmed.left
    return out, left


def room(weights: FloatArray, lower: float, upper: float) -> BoolArray:
    """Whether [lower, upper] can hold the sum of the weights: (lower not too high, upper not too low). Shape (2,)."""
    n, total = np.count_nonzero(weights), float(weights.sum())
    slack = 1e-12 * abs(total)
    return np.array([lower * n <= total + slack, upper * n >= total - slack]) if n else np.ones(2, dtype=bool)


def _given(w: FloatArray, excess: float, redistribute: Redistribute) -> FloatArray:
    if redistribute == "equal":
        return w + excess / len(w)
    return w * (1.0 + excess / float(w.sum()))
