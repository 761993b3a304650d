"""Limits of proportions by likelihood: the sums over rows that the profile needs."""

from __future__ import annotations

import numpy as np

from survey_kit.estimation.layout import Layout
from survey_kit.estimation.request import Request
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.intervals import t_quantile
from survey_kit.kernels.profile_interval import first_iterate, fitted_information, profile_limits
from survey_kit.results.estimates import Estimates


def likelihood_limits(request: Request, layout: Layout, found: Estimates) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limits at the level of the estimates. Shapes (K,). R: svyciprop(method = "likelihood")."""
    p, n, k = found.theta, found.n, len(found)
    mean_weight = request.rows_weighted / np.maximum(request.rows_with_weight, 1)
    of_row = np.where(request.group < 0, 1.0, np.where(mean_weight == 0, 1.0, mean_weight)[request.group])
    weight = request.bound.weight / of_row
    scale = found.n_weighted / mean_weight[layout.group]
    information = fitted_information(p, scale, _first_sums(layout, weight))
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(found.carrier.logit_variance(p))
    m = n - 1 if request.bound.replicates is None else n
    t = t_quantile(found.level, found.df)
    limits = [profile_limits(p[i], se[i], information[i], m[i], n[i], t) for i in range(k)]
    return np.array([low for low, _ in limits]), np.array([high for _, high in limits])


def _first_sums(layout: Layout, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sums of W, W z and the deviance over the base of each estimate at the start of the fit. Shapes (K,)."""
    hit_w, hit_z, miss_w, miss_z, hit_d, miss_d = first_iterate(weight)

    def over_base(hit: FloatArray, miss: FloatArray) -> FloatArray:
        return layout.values.totals(hit - miss)[layout.answer] + layout.bases(miss)

    return over_base(hit_w, miss_w), over_base(hit_z, miss_z), over_base(hit_d, miss_d)
