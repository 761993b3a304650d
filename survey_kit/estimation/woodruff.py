"""Limits and errors of quantiles from the error of the shares below them (Woodruff 1952), for many quantiles at once.

The share F(q) of the weight up to a quantile q has an interval; its ends, read back as quantiles, are the interval of q.
Arrays are (V, G, P): variables, groups, quantiles of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from survey_kit.estimation.request import Request
from survey_kit.estimation.solve import evaluate_statistic
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.intervals import interval, t_quantile
from survey_kit.kernels.quantile import (
    CumulativeShares,
    Sorted,
    Weighted,
    bands,
    place_after,
    quantiles,
    sort_within,
    spread,
    weigh,
)
from survey_kit.kernels.sums import Contributions, Entries
from survey_kit.kernels.zeroin import roots
from survey_kit.results.carriers import Carrier, replicated

Limits = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Values:
    """The values of a request in order, and their quantiles by one rule.

    Attributes:
        sorted, weighted: one for each variable.
        rule: the rule for quantiles.
    """

    request: Request
    sorted: tuple[Sorted, ...]
    weighted: tuple[Weighted, ...]
    rule: str

    @property
    def groups(self) -> int:
        return len(self.request.groups)

    @property
    def rows(self) -> IntArray:
        """Rows with an answer in each group. Shape (G,)."""
        return self.sorted[0].sizes

    def at(self, p: FloatArray) -> FloatArray:
        """Quantiles at shares of any kind. Shape (V, G, Q) -> the same."""
        return np.stack([self._of(d, share) for d, share in zip(self.weighted, p, strict=True)])

    def _of(self, weighted: Weighted, p: FloatArray) -> FloatArray:
        group = np.repeat(np.arange(self.groups), p.shape[1])
        return quantiles(weighted, self.rule, group, p.ravel()).reshape(p.shape)

    def under(self, weight: FloatArray, p: FloatArray) -> FloatArray:
        """Quantiles under other weights, (m,), of the rows with an answer. Shape (V, G, Q) -> the same."""
        return np.stack([self._of(weigh(s, weight), share) for s, share in zip(self.sorted, p, strict=True)])

    def share_up_to(self, cut: FloatArray, df: float) -> tuple[FloatArray, Carrier]:
        """Share of the weight up to each cut, (V, G, Q), and the error of these V * G * Q shares."""
        parts, ranks = [], []
        for block, values, cuts in zip(self.request.blocks, self.sorted, cut, strict=True):
            column, rank = bands(values, cuts)
            shape = (block.hits.shape[0], self.groups * (cuts.shape[1] + 1))
            parts.append(Entries(block.hits.row, column, None, shape))
            ranks.append(rank)
        law = CumulativeShares(np.concatenate(ranks))
        share, carrier = evaluate_statistic(self.request.bound, Contributions(tuple(parts)), law, df)
        return share.reshape(cut.shape), carrier


def sorted_values(request: Request) -> tuple[Sorted, ...]:
    """The values of each variable in order within groups."""
    out = []
    for block in request.blocks:
        hits = block.hits
        out.append(sort_within(hits.numbers, hits.of(request.group), len(request.groups)))
    return tuple(out)


def values_of(request: Request, rule: str) -> Values:
    """The values of each variable in order, with their weights."""
    ordered = sorted_values(request)
    pairs = zip(request.blocks, ordered, strict=True)
    weighted = tuple(weigh(values, block.hits.of(request.bound.weight)) for block, values in pairs)
    return Values(request, ordered, weighted, rule)


def degrees_by_group(request: Request) -> FloatArray:
    """Degrees of freedom among the rows with an answer in each group. Shape (G,)."""
    return request.bound.degrees_by_group(request.group, len(request.groups))


def woodruff(values: Values, theta: FloatArray, method: str, level: float, df: FloatArray) -> tuple[Limits, Carrier]:
    """Limits of quantiles theta, (V, G, P), and the error of the shares below them.

    `method`: "wald", "beta", "xlogit" or "asin". `df`: degrees of freedom of each group, (G,).
    """
    share, carrier = values.share_up_to(theta, values.request.df)
    variance = carrier.variance().reshape(theta.shape)
    low, high = np.empty_like(theta), np.empty_like(theta)
    for degrees in np.unique(df):
        at = np.flatnonzero(df == degrees)
        shape = share[:, at].shape
        some, v = share[:, at].ravel(), variance[:, at].ravel()
        rows = np.broadcast_to(values.rows[at][:, None].astype(float), shape).ravel()
        ends = interval(method, some, v, v, level, float(degrees), rows)
        low[:, at], high[:, at] = (end.reshape(shape) for end in ends)
    low = np.where(low >= 0, low, np.nan)
    high = np.where(high <= 1, high, np.nan)
    return (values.at(low), values.at(high)), carrier


def score_limits(values: Values, p: FloatArray, level: float, df: FloatArray) -> Limits:
    """Limits where the share above theta differs from 1 - p by t standard errors, (V, G, P). R: interval.type="score".

    The ends of the search, its tolerance 1 / (100 sqrt n) and the unweighted share up to the root are R's.
    """
    v, g, q = p.shape
    t = t_by_group(level, df)
    goal = np.concatenate([np.broadcast_to(t, p.shape), np.broadcast_to(-t, p.shape)], axis=2)
    both = np.concatenate([p, p], axis=2)

    def score(theta: FloatArray) -> FloatArray:
        share, carrier = values.share_up_to(theta.reshape(v, g, 2 * q), values.request.df)
        with np.errstate(divide="ignore", invalid="ignore"):
            return ((both - share) / np.sqrt(carrier.variance()).reshape(share.shape) - goal).ravel()

    least, greatest, iqr = (np.stack(each)[:, :, None] for each in zip(*map(spread, values.sorted), strict=True))
    low, high = (np.broadcast_to(end, goal.shape).ravel() for end in (least + iqr / 100, greatest - iqr / 100))
    with np.errstate(divide="ignore"):
        tol = np.broadcast_to((1 / (100 * np.sqrt(values.rows)))[None, :, None], goal.shape).ravel()
    found = roots(score, low, high, tol).reshape(goal.shape)
    limits = values.at(_unweighted_share(values, found))
    return limits[:, :, :q], limits[:, :, q:]


def _unweighted_share(values: Values, cut: FloatArray) -> FloatArray:
    """Share of the rows up to each cut. Shape (V, G, Q) -> the same."""
    q = cut.shape[2]
    out = []
    for s, cuts in zip(values.sorted, cut, strict=True):
        start, stop = np.repeat(s.start[:-1], q), np.repeat(s.start[1:], q)
        count = place_after(s.x, start, stop, cuts.ravel()) - start
        with np.errstate(divide="ignore", invalid="ignore"):
            out.append(np.where(np.isnan(cuts.ravel()), np.nan, count / (stop - start)).reshape(cuts.shape))
    return np.stack(out)


def t_by_group(level: float, df: FloatArray) -> FloatArray:
    """Two-sided t quantile of each group. Shape (1, G, 1)."""
    distinct, back = np.unique(df, return_inverse=True)
    return np.array([t_quantile(level, float(d)) for d in distinct])[back][None, :, None]


def half_width_errors(limits: Limits, level: float, df: FloatArray) -> FloatArray:
    """Standard errors (high - low) / (2 t). Shape (V, G, P)."""
    return (limits[1] - limits[0]) / (2 * t_by_group(level, df))


def mapped_to_quantiles(carrier: Carrier, se: FloatArray) -> Carrier:
    """The error of quantiles from that of the shares below them, with given standard errors. Shape (K,).

    q moves against F: the factor is -se_q / se_F, an estimate of -1 / f(q); where neither has an error it is zero.
    """
    of_share = np.sqrt(carrier.variance())
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(of_share > 0, -se / of_share, np.where(se == 0, 0.0, np.nan))
    return carrier.map(sp.csr_array(sp.diags_array(factor)))


def replicated_quantiles(values: Values, theta: FloatArray, p: FloatArray, df: float) -> Carrier:
    """The error of quantiles that are computed again under each replicate weight. Shapes (V, G, P)."""
    constants = values.request.bound.replicates
    assert constants is not None
    again = [values.under(w, p).ravel() for w in constants.each_of(values.request.blocks[0].hits.rows)]
    return replicated(values.request.bound, theta.ravel(), np.array(again), df)
