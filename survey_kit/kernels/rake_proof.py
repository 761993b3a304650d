"""Proof that no weights meet a set of margins.

For any category scores v_mk, weights that meet the targets t have

    sum_c w_c (sum_m v_m[k_m(c)]) = sum_mk t_mk v_mk ,

(relative margins: v centred on the shares, t = 0). The left side cannot exceed its maximum over all allowed weights, those
within the bounds and, where a margin fixes it, of the total. A v that breaks this is a certificate (Farkas' lemma), wherever
it came from; a diverging solver's direction is one.
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake_problem import Problem, cell_scores

_NOTHING = 1e-12  # of the largest score: what rounding leaves of a cell's sum of 0
_DOUBT = 1e-9  # of the terms of a sum: what a proof must be clear of


def contradiction(p: Problem, v: FloatArray) -> tuple[int, ...]:
    """Margins that scores (K,) prove impossible together, as few as the proof needs; () when they prove nothing."""
    v = _without_constants(p, p.centred(v[None, :])[0])
    if not _proves(p, v):
        return ()
    for at in p.at:
        fewer = v.copy()
        fewer[at] = 0.0
        if _proves(p, fewer):
            v = fewer
    return tuple(m for m, at in enumerate(p.at) if v[at].any())


def _without_constants(p: Problem, v: FloatArray) -> FloatArray:
    """Scores of margins that cover every cell, less their mean under the target: constants prove nothing there."""
    v = v.copy()
    for margin, at in zip(p.margins, p.at, strict=True):
        if margin.fixes_total:
            v[at] -= (margin.target @ v[at]) / p.total[0]
    return v


def _proves(p: Problem, v: FloatArray) -> bool:
    """Whether the sum that the targets demand of the scores is beyond all allowed weights."""
    scores, largest = cell_scores(p, v), float(np.abs(v).max(initial=0.0))
    if not np.isfinite(largest) or largest == 0:
        return False
    scores[np.abs(scores) <= _NOTHING * largest] = 0.0
    demanded = float(p.targets @ v)
    doubt = _DOUBT * max(float(np.abs(p.targets * v).sum()), p.total[0] * float(np.abs(scores).max()))
    reach = _support_of_total(p, scores) if p.fixed is not None else _support(p, scores, v)
    return bool(reach < demanded - doubt)


def _bounds(p: Problem) -> tuple[FloatArray, FloatArray]:
    """The least and the most that each cell can weigh. Shapes (C,)."""
    if p.low is not None and p.high is not None:
        return p.low[0], np.where(p.base[0] > 0, p.high, 0.0)
    return np.zeros(p.base.shape[1]), np.where(p.base[0] > 0, np.inf, 0.0)


def _support(p: Problem, scores: FloatArray, v: FloatArray) -> float:
    """max of sum_c w_c scores_c over allowed w of any total; no cell weighs more than a category that it is in."""
    low, high = _bounds(p)
    for margin, at in zip(p.margins, p.at, strict=True):
        if v[at].any() and not margin.relative:
            high = np.minimum(high, np.append(margin.target, np.inf)[margin.codes])
    best = np.where(scores > 0, high, low)
    return float((best[scores != 0] * scores[scores != 0]).sum())


def _support_of_total(p: Problem, scores: FloatArray) -> float:
    """The same over w that sum to the total: fill the highest scores first."""
    low, high = _bounds(p)
    order = np.argsort(-scores, kind="stable")
    room = (np.minimum(high, p.total[0]) - low)[order]
    fill = np.clip(p.total[0] - low.sum() - (np.cumsum(room) - room), 0.0, room)
    return float(low @ scores + fill @ scores[order])
