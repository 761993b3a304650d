"""Quantiles and medians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, UnsupportedOption, one_of
from survey_kit.estimation.layout import lay_out_bases
from survey_kit.estimation.request import FEW_DEGREES, Names, Request, check_df, check_survey, keys_of, prepare
from survey_kit.estimation.solve import check_interval, estimates_of
from survey_kit.estimation.woodruff import (
    Limits,
    Values,
    degrees_by_group,
    half_width_errors,
    mapped_to_quantiles,
    replicated_quantiles,
    score_limits,
    t_by_group,
    values_of,
    woodruff,
)
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.quantile import RULES
from survey_kit.results.carriers import Carrier
from survey_kit.results.estimates import Estimates
from survey_kit.schema import Notice

QUANTILE_INTERVALS = ("mean", "beta", "xlogit", "asin", "score", "quantile")


def quantile(
    survey: SurveyLike,
    variables: Names,
    probs: float | Sequence[float],
    by: Names | None = None,
    where: str | None = None,
    *,
    interval: str = "mean",
    rule: str = "math",
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Weighted quantiles with Woodruff intervals.

    q(p) is the smallest value with a cumulative share F(q) of at least p (rule "math"). An interval of the share F(q) is
    read back as quantiles by the same rule: these are the limits, and se = (high - low) / (2 t). A limit whose share would
    lie outside 0 to 1 does not exist: it is NaN, and so is the standard error.

    Args:
        survey: a Survey.
        variables: one numeric column or several; with several, rows missing any of them are outside the base of all.
        probs: shares above 0 and below 1, such as [0.25, 0.5, 0.75].
        by, where, missing: as in `mean`.
        interval: of the share: "mean" (F +- t se), "xlogit", "asin" or "beta" (Korn-Graubard); "score" inverts a test;
            "quantile", for replicate weights, is q +- t se from the quantiles under each replicate weight.
        rule: "math" (= "hf1"), "school" (= "hf2", the mean of two values where the share is met exactly), "hf3" to "hf9"
            (Hyndman & Fan 1996) or "shahvaish" (Shah & Vaish 2006).
        level: confidence level.
        df: degrees of freedom of the intervals; None for sampling units minus strata (for replicate weights rank - 1)
            among the rows with an answer, in each group its own.

    Returns:
        Estimates with statistic "median" or "quantile 0.25". Covariances (`vcov`, `difference`) come from those of the
        shares, each scaled by -se(q) / se(F). Degrees of freedom
        are those of each group; contrasts take those of the whole design.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.
        UnsupportedOption: "quantile" without replicate weights, "score" with them.

    As R does: p and cumulative shares are compared as floating-point numbers, so that under equal weights that are not
    whole numbers a share met exactly may count as missed, one observation further; "hf3" takes the next value up (at an
    even place met exactly, that value), not the nearest; "hf4" goes on below the smallest value in a straight line; "hf5" to
    "hf9" depend on the order of rows where equal values have unequal weights. Debatable in R, and followed: "shahvaish"
    mixes weights with and without scaling, so that its interval may lie beside the estimate; "score" reads its limits from
    unweighted shares at roots that are found to 1 / (100 sqrt n) only. "beta" counts the rows with an answer; R counts
    those outside the domain, too, once weights are calibrated.

    Equivalent: R svyquantile(quantiles, interval.type, qrule); svyby(~x, ~by, svyquantile).

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": range(1, 101), "w": [1, 3] * 50})).with_design(weight="w")
        >>> sk.quantile(poll, "age", [0.25, 0.5]).frame()[["statistic", "estimate", "ci_low", "ci_high"]]
               statistic  estimate  ci_low  ci_high
        0  quantile 0.25      26.0    17.0     36.0
        1         median      50.0    40.0     62.0
    """
    chosen = _shares(probs)
    _check(survey, interval, rule, df)
    request = prepare(survey, variables, by, where, missing, level, numeric=True)
    values = values_of(request, rule)
    p = np.broadcast_to(chosen, (len(request.blocks), len(request.groups), len(chosen)))
    theta = values.at(p)
    degrees = degrees_by_group(request) if df is None else np.full(len(request.groups), float(df))
    limits, carrier = _errors(values, theta, p, interval, level, degrees)
    found = estimates_of(
        request, lay_out_bases(request, len(chosen)), _keys(request, chosen), theta.ravel(), carrier, level
    )
    notices = (
        *found.notices,
        *(_few_degrees(degrees) if df is None else ()),
        *_jackknife(survey, interval),
        *_without_limits(theta, limits),
    )
    dfs = np.broadcast_to(degrees[None, :, None], theta.shape).ravel()
    return replace(found, limits=(limits[0].ravel(), limits[1].ravel()), dfs=dfs, notices=notices)


def median(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    interval: str = "mean",
    rule: str = "math",
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Weighted medians: `quantile` at 0.5, with the same arguments.

    Equivalent: R svyquantile(~x, design, 0.5); srvyr survey_median.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50], "w": [1, 1, 2, 2]})).with_design(weight="w")
        >>> sk.median(poll, "age").theta.tolist()
        [40.0]
    """
    return quantile(
        survey, variables, 0.5, by, where, interval=interval, rule=rule, missing=missing, level=level, df=df
    )


def _shares(probs: float | Sequence[float]) -> FloatArray:
    """Shares as an array, shape (P,), checked."""
    try:
        chosen = np.atleast_1d(np.asarray(probs, dtype=float))
    except (TypeError, ValueError):
        raise ArgumentError(f"probs={probs!r} is not a share or a list of them, such as [0.25, 0.5, 0.75].") from None
    if chosen.ndim != 1 or not len(chosen):
        raise ArgumentError("probs is empty or a table. Give shares such as [0.25, 0.5, 0.75].")
    outside = chosen[~((chosen > 0) & (chosen < 1))]
    if len(outside):
        hint = f" A percentage is a share of 100: {outside[0] / 100:g}." if 1 < outside[0] < 100 else ""
        raise ArgumentError(f"probs holds {outside[0]:g}, which is not above 0 and below 1.{hint}")
    if len(np.unique(chosen)) < len(chosen):
        raise ArgumentError(f"probs names {_twice(chosen):g} twice. Name each share once.")
    return chosen


def _twice(numbers: FloatArray) -> float:
    distinct, times = np.unique(numbers, return_counts=True)
    return float(distinct[times > 1][0])


def _check(survey: SurveyLike, interval: str, rule: str, df: float | None) -> None:
    check_survey(survey)
    check_interval(interval, df, QUANTILE_INTERVALS)
    one_of("rule", rule, tuple(RULES))
    check_df(df)
    replicates = survey.design.replicates is not None
    if interval == "quantile" and not replicates:
        raise UnsupportedOption(
            'interval="quantile" computes the quantile under each replicate weight, and the design has none. '
            'Use interval="mean", or make replicate weights first: poll.replicate("bootstrap", 500, seed=1).'
        )
    if interval == "score" and replicates:
        raise UnsupportedOption(
            'interval="score" is not available with replicate weights. Use "mean", "xlogit", "asin", "beta" or "quantile".'
        )


def _errors(
    values: Values, theta: FloatArray, p: FloatArray, interval: str, level: float, used: FloatArray
) -> tuple[Limits, Carrier]:
    """Limits of the quantiles theta(p), shapes (V, G, P), and their carrier; `used`: degrees of freedom of each group."""
    overall = float(used[0]) if (used == used[0]).all() else values.request.df
    if interval == "quantile":
        carrier = replicated_quantiles(values, theta, p, overall)
        half = t_by_group(level, used) * np.sqrt(carrier.variance()).reshape(theta.shape)
        return (theta - half, theta + half), carrier
    method = {"mean": "wald", "score": "wald"}.get(interval, interval)
    limits, carrier = woodruff(values, theta, method, level, used)
    if interval == "score":
        limits = score_limits(values, p, level, used)
    return limits, mapped_to_quantiles(carrier, half_width_errors(limits, level, used).ravel()).with_df(overall)


def _keys(request: Request, probs: FloatArray) -> pd.DataFrame:
    names = ["median" if p == 0.5 else f"quantile {p:.12g}" for p in probs]
    groups = keys_of(request, "")
    keys = groups.iloc[np.repeat(np.arange(len(groups)), len(probs))].reset_index(drop=True)
    return keys.assign(**{schema.STATISTIC: names * len(groups)})


def _few_degrees(degrees: FloatArray) -> tuple[Notice, ...]:
    """Groups with fewer than eight degrees of freedom, where the whole design has more (which `prepare` looks at)."""
    few = int((degrees < FEW_DEGREES).sum())
    if not few or few == len(degrees):
        return ()
    text = f"{few} of {len(degrees)} groups have fewer than {FEW_DEGREES} degrees of freedom; their intervals are unstable."
    return (Notice("few_df", text, few),)


def _jackknife(survey: SurveyLike, interval: str) -> tuple[Notice, ...]:
    replicates = survey.design.replicates
    if interval != "quantile" or replicates is None or not replicates.method.startswith("JK"):
        return ()
    text = 'Standard errors of quantiles by jackknife may be far off; interval="mean" is safe with these weights.'
    return (Notice("jackknife", text),)


def _without_limits(theta: FloatArray, limits: Limits) -> tuple[Notice, ...]:
    open_ = int((~np.isnan(theta) & (np.isnan(limits[0]) | np.isnan(limits[1]))).sum())
    if not open_:
        return ()
    text = (
        f"{open_} of {theta.size} quantiles have no standard error: they lie so far out, or on so few sampling units, that "
        "a limit does not exist."
    )
    return (Notice("no_limit", text, open_),)
