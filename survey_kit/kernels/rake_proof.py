"""Proof that no weights meet a set of margins.

For any category scores v_mk, weights that meet the targets t have sum t_mk v_mk = sum_c w_c (sum_m v_m[k_m(c)]), which
cannot exceed the maximum of the right side over all allowed weights of that total. A v that breaks this is a
certificate (Farkas' lemma), wherever it came from; a diverging solver's direction is one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake_dual import Problem, cell_scores


def contradiction(p: Problem, v: Sequence[FloatArray]) -> tuple[int, ...]:
    """Margins that the scores v prove impossible together, as few as the proof needs; () when v proves nothing."""
    centred = [part - (t @ part) / p.total for t, part in zip(p.targets, v, strict=True)]
    if not _proves(p, centred):
        return ()
    for m in range(len(centred)):
        fewer = [np.zeros_like(part) if i == m else part for i, part in enumerate(centred)]
        if _proves(p, fewer):
            centred = fewer
    return tuple(m for m, part in enumerate(centred) if part.any())


def _proves(p: Problem, centred: Sequence[FloatArray]) -> bool:
    """Whether scores whose target-weighted sum is 0 have a negative sum under all allowed weights of that total."""
    scores = cell_scores(p, centred)
    size = float(np.abs(scores).max(initial=0.0))
    return bool(np.isfinite(size) and size > 0 and _support(p, scores) < -1e-9 * p.total * size)


def _support(p: Problem, scores: FloatArray) -> float:
    """max of sum_c w_c scores_c over allowed w that sum to the total: fill the highest scores first."""
    held = p.base[:, 0] > 0
    low = np.zeros(len(scores)) if p.low is None else p.low[:, 0]
    high = np.where(held, p.total, 0.0) if p.high is None else np.minimum(p.high[:, 0], p.total)
    order = np.argsort(-scores, kind="stable")
    room = (high - low)[order]
    fill = np.clip(p.total - low.sum() - (np.cumsum(room) - room), 0.0, room)
    return float(low @ scores + fill @ scores[order])
