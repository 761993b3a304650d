"""From a request and a statistic to Estimates: the one path that mean, proportion, ratio and total share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit.design.bound import BoundDesign
from survey_kit.engine.memory import Domains, column_totals, first_stage_sums, replicate_totals, totals
from survey_kit.errors import UnsupportedOption, one_of
from survey_kit.estimation.layout import Layout, lay_out, population_variance
from survey_kit.estimation.likelihood import likelihood_limits
from survey_kit.estimation.request import Request, keys_of
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.intervals import INTERVALS
from survey_kit.kernels.linearize import Ratios, Totals
from survey_kit.kernels.sums import Contributions
from survey_kit.results.carriers import Carrier, error_notices, linearized, replicated
from survey_kit.results.estimates import Estimates
from survey_kit.schema import Notice

Deff = bool | str

_SCALED = 1e-3  # weights that sum to no more than this above the number of rows are scaled to the sample


class Statistic(Protocol):
    """A smooth function of weighted totals."""

    def value(self, totals: FloatArray) -> FloatArray: ...

    def jacobian(self, totals: FloatArray) -> sp.csr_array: ...


def evaluate_statistic(
    bound: BoundDesign, values: Contributions, statistic: Statistic, df: float, group: IntArray | None = None
) -> tuple[FloatArray, Carrier]:
    """Estimates, shape (K,), and their carrier, from what each row adds to each total, shape (n, J).

    `group`: the base of each estimate, as a column of the last part of `values`, where rows of it may add nothing to the
    estimate's totals.
    """
    first = first_stage_sums(bound, values)
    sums = totals(bound, values) if first is None else column_totals(first)
    theta = statistic.value(sums)
    if bound.replicates is not None:
        return theta, replicated(bound, theta, statistic.value(replicate_totals(bound, values)), df)
    domains = None if group is None else Domains(values.parts[-1], group)
    return theta, linearized(bound, values, df, statistic.jacobian(sums), domains, first)


def solve(request: Request, kind: str, statistic: str, level: float, interval: str, deff: Deff) -> Estimates:
    """Means (kind "ratio") or totals (kind "total") of a request's answers, by group."""
    check_deff(deff)
    layout = lay_out(request, centred=kind == "ratio")
    law = Totals(layout.answer) if kind == "total" else Ratios(layout.answer, layout.base, layout.origin)
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df, layout.group)
    found = estimates_of(request, layout, keys_of(request, statistic), theta, carrier, level)
    return finished(request, layout, found, interval, deff, partial(spread_of, request, layout, found, kind))


def finished(
    request: Request,
    layout: Layout,
    found: Estimates,
    interval: str,
    deff: Deff,
    spread: Callable[[], FloatArray],
) -> Estimates:
    """The estimates with what their intervals need and with design effects; `spread` is as in `effects_against`."""
    if interval == "beta":
        found = replace(found, rows=request.rows[layout.group].astype(float))
    if interval == "likelihood":
        found = replace(found, limits=likelihood_limits(request, layout, found))
    effects, notices = effects_against(layout, request.bound.weight, found, spread, deff)
    return replace(found, interval=interval, deff=effects, notices=(*found.notices, *notices))


def estimates_of(
    request: Request, layout: Layout, keys: pd.DataFrame, theta: FloatArray, carrier: Carrier, level: float
) -> Estimates:
    """The estimates of a request with their bases and what the request knows of them."""
    weight, k = request.bound.weight, len(theta)
    return Estimates(
        keys=keys,
        theta=theta,
        n=layout.bases(request.bound.weighs)[:k],
        n_weighted=layout.bases(weight)[:k],
        carrier=carrier,
        by=tuple(request.groups.columns),
        level=level,
        titles=request.titles,
        questions=request.questions,
        notices=(*request.notices, *error_notices(carrier)),
        context=request.context,
    )


def check_interval(interval: str, df: float | None, allowed: Sequence[str] = INTERVALS) -> None:
    """Refuse an interval that is not among those allowed, and what it does not take."""
    one_of("interval", interval, allowed)
    if interval == "beta" and df is not None:
        raise UnsupportedOption('interval="beta" takes the degrees of freedom of the design. Leave df out.')


def check_deff(deff: Deff) -> None:
    """Refuse what `deff` does not take."""
    if not isinstance(deff, bool):
        one_of("deff", deff, ("replace", "kish"))


def spread_of(request: Request, layout: Layout, found: Estimates, kind: str) -> FloatArray:
    """Population variance of what means and shares (kind "ratio") or totals (kind "total") are of. Shape (K,)."""
    total = kind == "total"
    mean = found.theta / found.n_weighted if total else found.theta
    spread = population_variance(layout, request.bound.weight, mean, found.n)
    return spread * found.n_weighted**2 if total else spread


def effects_against(
    layout: Layout, weight: FloatArray, found: Estimates, spread: Callable[[], FloatArray], deff: Deff
) -> tuple[FloatArray | None, tuple[Notice, ...]]:
    """Variance over spread / n (1 - n/N), that of simple random sampling without ("replace": with) replacement.

    n is the number of rows of the base with a weight, N the sum of their weights. Where the weights of the whole sample
    sum to no more than its rows (to a thousandth) there is no N: the comparison is with replacement. R takes n/N all the
    same (deff(svymean(deff=))), and counts rows of weight zero in n of replicate designs.

    "kish": n sum(w^2) / (sum w)^2 over the base of each estimate, whatever was measured.
    """
    n, weighted = found.n, found.n_weighted
    if deff is False:
        return None, ()
    with np.errstate(divide="ignore", invalid="ignore"):
        if deff == "kish":
            return n * layout.bases(weight**2)[: len(n)] / weighted**2, ()
        left, notices = (np.ones_like(n), ()) if deff == "replace" else _left_out_of_sample(weight, n, weighted)
        return found.carrier.variance() / (spread() / n * left), notices


def _left_out_of_sample(
    weight: FloatArray, n: FloatArray, weighted: FloatArray
) -> tuple[FloatArray, tuple[Notice, ...]]:
    """1 - n/N of each estimate, NaN where there is no N, 1 where the whole sample has none. Shape (K,)."""
    if weight.sum() <= np.count_nonzero(weight) * (1 + _SCALED):
        text = (
            "Weights sum to no more than the number of respondents, so there is no population size: design effects are "
            "against simple random sampling with replacement."
        )
        return np.ones_like(n), (Notice("deff", text),)
    left = 1 - n / weighted
    none = left <= 1e-6
    if not none.any():
        return left, ()
    text = (
        f"For {int(none.sum())} of {len(n)} estimates the weights sum to no more than the number of respondents, so that they "
        'have no design effect against a population; deff="replace" compares with sampling with replacement.'
    )
    return np.where(none, np.nan, left), (Notice("deff", text, int(none.sum())),)
