"""From a request and a statistic to Estimates: the one path that mean, proportion, ratio and total share."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit.design.bound import BoundDesign
from survey_kit.engine.memory import replicate_totals, totals
from survey_kit.errors import one_of
from survey_kit.estimation.layout import Layout, lay_out, population_variance
from survey_kit.estimation.request import Request, keys_of
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.linearize import Ratios, Totals
from survey_kit.kernels.sums import Contributions
from survey_kit.results.carriers import Carrier, linearized, replicated
from survey_kit.results.estimates import Estimates
from survey_kit.schema import Notice

Deff = bool | str


class Statistic(Protocol):
    """A smooth function of weighted totals."""

    def value(self, totals: FloatArray) -> FloatArray: ...

    def jacobian(self, totals: FloatArray) -> sp.csr_array: ...


def evaluate_statistic(
    bound: BoundDesign, values: Contributions, statistic: Statistic, df: float
) -> tuple[FloatArray, Carrier]:
    """Estimates, shape (K,), and their carrier, from what each row adds to each total, shape (n, J)."""
    sums = totals(bound, values)
    theta = statistic.value(sums)
    if bound.replicates is not None:
        return theta, replicated(bound, theta, statistic.value(replicate_totals(bound, values)), df)
    return theta, linearized(bound, values, df, statistic.jacobian(sums))


def solve(request: Request, kind: str, statistic: str, level: float, interval: str, deff: Deff) -> Estimates:
    """Means (kind "ratio") or totals (kind "total") of a request's answers, by group."""
    if deff not in (True, False):
        one_of("deff", deff, ("replace",))
    layout = lay_out(request)
    law = Totals(layout.answer) if kind == "total" else Ratios(layout.answer, layout.base)
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    rows = request.rows[layout.base - len(theta)].astype(float)
    found = replace(estimates_of(request, layout, keys_of(request, statistic), theta, carrier, level), rows=rows)
    effects, notices = _design_effects(layout, request.bound.weight, found, kind, deff)
    return replace(found, interval=interval, deff=effects, notices=(*found.notices, *notices))


def estimates_of(
    request: Request, layout: Layout, keys: pd.DataFrame, theta: FloatArray, carrier: Carrier, level: float
) -> Estimates:
    """The estimates of a request with their bases and what the request knows of them."""
    weight, k = request.bound.weight, len(theta)
    return Estimates(
        keys=keys,
        theta=theta,
        n=layout.bases((weight != 0).astype(float))[:k],
        n_weighted=layout.bases(weight)[:k],
        carrier=carrier,
        by=tuple(request.groups.columns),
        level=level,
        titles=request.titles,
        questions=request.questions,
        notices=request.notices,
        context=request.context,
    )


def _design_effects(
    layout: Layout, weight: FloatArray, found: Estimates, kind: str, deff: Deff
) -> tuple[FloatArray | None, tuple[Notice, ...]]:
    """Variance over that of simple random sampling without ("replace": with) replacement. R: svymean(deff=)."""
    if deff is False:
        return None, ()
    n, weighted = found.n, found.n_weighted
    mean = found.theta / weighted if kind == "total" else found.theta
    spread = population_variance(layout, weight, mean, n)
    left = np.ones_like(n) if deff == "replace" else 1 - n / weighted
    notices: tuple[Notice, ...] = ()
    if deff is True and (left <= 1e-6).any():
        left = np.where(left <= 1e-6, 1.0, left)
        text = (
            "Weights sum to no more than the number of respondents, so there is no population size: design effects are "
            "against simple random sampling with replacement."
        )
        notices = (Notice("deff", text),)
    scale = weighted**2 if kind == "total" else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return found.carrier.variance() / (scale * spread / n * left), notices
