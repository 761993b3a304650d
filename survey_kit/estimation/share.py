"""Shares of a grand total: of people in groups with an answer, or of a sum in groups."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, one_of
from survey_kit.estimation.layout import lay_out_whole
from survey_kit.estimation.request import Names, Request, as_names, keys_of, prepare
from survey_kit.estimation.solve import (
    Deff,
    check_deff,
    check_interval,
    estimates_of,
    evaluate_statistic,
    finished,
    spread_of,
)
from survey_kit.estimation.total import are_numbers
from survey_kit.kernels.groups import FloatArray, weighted_counts
from survey_kit.kernels.linearize import Ratios
from survey_kit.results.estimates import Estimates

_OF_SUMS = ("logit", "wald", "asin", "xlogit")


def share(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    interval: str = "logit",
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
    deff: Deff = False,
) -> Estimates:
    """Shares of the grand total over all groups and answers, with design-based standard errors.

    - A categorical column: p = sum w [group and answer] / sum w over everybody, the joint proportions of a crossed table.
    - A numeric column: the part of its total that each group holds, T_g / T; influence z = w x ([group] - T_g / T) / T. Of
      values below 0 a part may be below 0 or above 1; then interval="wald" is the one interval there is.

    The shares of a variable sum to 1 with a standard error of 0 (not those of a multiple-response set, of whose answers a
    person gives several). Within groups, use `proportion`.

    Args:
        survey: a Survey.
        variables: columns as in `total`: all categorical (or multiple-response sets), or all numeric.
        by: one column or several. Rows without a valid value of them are outside the total.
        where, level, df: as in `mean`. missing: as in `proportion`.
        interval: as in `proportion`; for numeric columns "logit", "wald", "asin" or "xlogit".
        deff: as in `mean`; for numeric columns as in `ratio`.

    Returns:
        Estimates in shares; `n` is the base of the whole table.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R svymean(~interaction(group, answer)), prop.table(svytable()); of totals svyratio(~I(x * (group == g)), ~x);
    Stata svy: tabulate, cell; SPSS CSTABULATE /CELLS TABLEPCT.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"vote": ["a", "b", "a", "b"], "sex": ["m", "m", "w", "m"]}))
        >>> sk.share(poll, "vote", by="sex").frame()[["sex", "answer", "estimate"]]
          sex answer  estimate
        0   m      a      0.25
        1   m      b      0.50
        2   w      a      0.25
        3   w      b      0.00
    """
    check_interval(interval, df)
    check_deff(deff)
    if not are_numbers(survey, as_names(variables, "variables")):
        request = prepare(survey, variables, by, where, missing, level, numeric=False, df=df)
        return shares_of_people(request, "share", level, interval, deff)
    one_of("interval of a numeric column", interval, _OF_SUMS)
    request = prepare(survey, variables, by, where, missing, level, numeric=True, df=df)
    _refuse_negative(request, interval)
    return _shares_of_sums(request, level, interval, deff)


def shares_of_people(request: Request, statistic: str, level: float, interval: str, deff: Deff) -> Estimates:
    """Joint proportions over groups and answers."""
    whole = _one_group(request)
    layout = lay_out_whole(request)
    law = Ratios(layout.answer, layout.base)
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df, layout.group)
    found = estimates_of(request, layout, keys_of(request, statistic), theta, carrier, level)
    return finished(whole, layout, found, interval, deff, partial(spread_of, request, layout, found, "ratio"))


def _one_group(request: Request) -> Request:
    """The request with everybody in one group."""
    group, placed = np.minimum(request.group, 0), np.minimum(request.placed, 0)
    return replace(request, group=group, placed=placed, groups=pd.DataFrame(index=[0]))


def _refuse_negative(request: Request, interval: str) -> None:
    for block in request.blocks:
        if interval != "wald" and block.hits.value is not None and (block.hits.value < 0).any():
            raise ArgumentError(
                f"{block.variable!r} has values below 0, so that a part of its total need not lie between 0 and 1. "
                'Use interval="wald".'
            )


def _shares_of_sums(request: Request, level: float, interval: str, deff: Deff) -> Estimates:
    """Parts of the total of each numeric column."""
    layout = lay_out_whole(request, sums=True)
    blocks, groups = len(request.blocks), len(request.groups)
    law = Ratios(layout.answer, blocks * groups + np.repeat(np.arange(blocks), groups))
    totals = layout.values.totals(request.bound.weight)[law.denominator]
    if not totals.all():
        name = request.blocks[int(np.argmin(totals != 0)) // groups].variable
        raise ArgumentError(f"The total of {name!r} is zero, so it has no parts. Use total().")
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    found = estimates_of(request, layout, keys_of(request, "share"), theta, carrier, level)
    return finished(request, layout, found, interval, deff, partial(_spread, request, found, totals))


def _spread(request: Request, found: Estimates, totals: FloatArray) -> FloatArray:
    """Population variance of N x ([group] - p) / T: s^2 = n/(n-1) ((1-p)^2 S_g + p^2 (S - S_g)) / N, S = sum w x^2. (K,)."""
    w, groups = request.bound.weight, len(request.groups)
    held = []
    for block in request.blocks:
        hits = block.hits
        held.append(weighted_counts(hits.of(request.group), hits.of(w) * hits.numbers**2, groups))
    own = np.concatenate(held)
    every = np.repeat([h.sum() for h in held], groups)
    p, n, N = found.theta, found.n, found.n_weighted
    with np.errstate(divide="ignore", invalid="ignore"):
        return n / (n - 1) * ((1 - p) ** 2 * own + p**2 * (every - own)) / N * (N / totals) ** 2
