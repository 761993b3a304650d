"""Hitting the published figures: weights on the population margins, and who is chosen to hold an opinion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from survey_kit.errors import ConvergenceError
from survey_kit.kernels.rake import rake_cells

TOLERANCE = 1e-10  # of a share
NEAR = 60  # people on each side of the cut that may change places


def margin_weights(codes: pd.DataFrame, base: np.ndarray, targets: Mapping[str, np.ndarray]) -> np.ndarray:
    """Raked weights with sum 1 whose margins are the targets. Shape (n,).

    `codes` holds categories 1..k; `targets` maps a column to its k shares; `base` is the selection weight.
    Rounded to 10 decimals, so that a last-digit difference between machines cannot reorder people.

    Raises:
        ConvergenceError: no weights meet all margins.
    """
    cells = [codes[name].to_numpy() - 1 for name in targets]
    raked = rake_cells(base, cells, list(targets.values()))
    if raked.gap.max() > TOLERANCE:
        raise ConvergenceError("No weights of the synthetic sample meet all margins.", raked)
    return np.round(raked.weights[:, 0], 10)


def choose(score: np.ndarray, weights: np.ndarray, eligible: np.ndarray, share: float) -> np.ndarray:
    """The eligible people with the highest scores, so many that they hold `share` of the whole weight. Bool, (n,).

    One person is the finest step of a cut, so one pair near the cut changes places to close the rest of the gap.
    """
    order = np.flatnonzero(eligible)
    order = order[np.argsort(-np.round(score[order], 9), kind="stable")]
    total = np.cumsum(weights[order]) / weights.sum()
    cut = 1 + int(np.argmin(np.round(np.abs(total - share), 9)))
    chosen = np.zeros(len(score), dtype=bool)
    chosen[order[:cut]] = True
    return _swapped(chosen, order, cut, weights / weights.sum(), share)


def _swapped(chosen: np.ndarray, order: np.ndarray, cut: int, w: np.ndarray, share: float) -> np.ndarray:
    inside, outside = order[max(cut - NEAR, 0) : cut], order[cut : cut + NEAR]
    gap = w[chosen].sum() - share
    left = np.round(np.abs(gap - w[inside][:, None] + w[outside][None, :]), 9)
    out, into = np.unravel_index(int(np.argmin(left)), left.shape)
    if left[out, into] < abs(gap):
        chosen = chosen.copy()
        chosen[inside[out]], chosen[outside[into]] = False, True
    return chosen


def split_by_rank(score: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Groups 0..k-1 by rising score that hold the given shares of people. Shape (n,)."""
    rank = np.empty(len(score))
    rank[np.argsort(np.round(score, 9), kind="stable")] = np.arange(len(score))
    return np.digitize((rank + 0.5) / len(score), np.cumsum(shares)[:-1])
