"""Variances and standard deviations of numeric variables in the population."""

from __future__ import annotations

from survey_kit.design.protocol import SurveyLike
from survey_kit.estimation.layout import lay_out_moments
from survey_kit.estimation.request import Names, keys_of, prepare
from survey_kit.estimation.solve import estimates_of, evaluate_statistic
from survey_kit.kernels.moments import Deviations
from survey_kit.results.estimates import Estimates


def variance(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Variance of a variable among people, s^2 = n / (n - 1) sum w (x - xbar)^2 / sum w, with its standard error.

    Influence z = w (n / (n - 1) (x - xbar)^2 - s^2) / sum w. n is the number of rows of the group with an answer and a
    weight; with fewer than two of them there is no variance (NaN). Under replicate weights each replicate has its own mean
    and the n of the full sample (R there counts rows of weight zero in n, too).

    Args:
        survey: a Survey.
        variables: one numeric column or several. With several, rows missing any of them are outside the base of all.
        by, where, missing, level, df: as in `mean`. Covariances across groups are kept.

    Returns:
        Estimates in squared units of the variable. Intervals by t; a lower limit below 0 says that n is small.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R svyvar / svyby(~x, ~by, svyvar), which has no covariances across groups; Stata estat sd, variance; SPSS
    has none for complex samples.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> sk.variance(sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50.0]})), "age").frame()[["estimate", "se"]].round(2)
           estimate     se
        0    166.67  76.98
    """
    return _second_moments(survey, variables, by, where, missing, level, df, "variance")


def sd(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Standard deviation of a variable among people, the root of `variance`, with its standard error.

    By the delta method se(s) = se(s^2) / (2 s), or from the roots in each replicate. Where all values are the same, s is 0
    and linearisation has no standard error for it (NaN).

    Args:
        survey, variables, by, where, missing, level, df: as in `variance`.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R srvyr::survey_sd and sqrt(svyvar()), without a standard error; Stata estat sd.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> sk.sd(sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50.0]})), "age").frame()[["estimate", "se"]].round(2)
           estimate    se
        0     12.91  2.98
    """
    return _second_moments(survey, variables, by, where, missing, level, df, "sd")


def _second_moments(
    survey: SurveyLike,
    variables: Names,
    by: Names | None,
    where: str | None,
    missing: str,
    level: float,
    df: float | None,
    statistic: str,
) -> Estimates:
    request = prepare(survey, variables, by, where, missing, level, numeric=True, df=df)
    layout, variances = lay_out_moments(request, [(i, i) for i in range(len(request.blocks))])
    law = Deviations(variances) if statistic == "sd" else variances
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    return estimates_of(request, layout, keys_of(request, statistic), theta, carrier, level)
