"""Proportions of the answers to a question."""

from __future__ import annotations

from survey_kit.design.protocol import SurveyLike
from survey_kit.estimation.request import Names, prepare
from survey_kit.estimation.solve import Deff, check_interval, solve
from survey_kit.results.estimates import Estimates


def proportion(
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
    """Weighted proportions of every answer, with design-based standard errors.

    p = sum w [answer] / sum w; influence z = w ([answer] - p) / sum w.

    Args:
        survey: a Survey.
        variables: a categorical column or a multiple-response set (base: respondents asked), or several.
        by, where, level, deff, df: as in `mean`; `df` is not for "beta", which takes the design's (R ignores it there).
        interval: "logit", "wald", "wilson", "beta" (Korn-Graubard), "asin", "likelihood" or "xlogit". Limits by
            "likelihood" are R's, read off a spline (kernels/profile_interval.py), and hold at the level asked for. Shares of
            exactly 0 and 1 have no limits (NaN) but under "wald", as in R.
        missing: "exclude" leaves user-missing answers out of the base; "show" makes them answers of their own.

    Returns:
        Estimates in shares (0 to 1), one for each answer in questionnaire order, answers that nobody gave included.

    Equivalent: R svymean(~factor), svyciprop; Stata svy: proportion; SPSS CSTABULATE.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"vote": ["a", "b", "a", "b"], "w": [1, 1, 2, 2.0]})
        >>> sk.proportion(sk.from_frame(df).with_design(weight="w"), "vote").frame()[["answer", "estimate"]]
          answer  estimate
        0      a       0.5
        1      b       0.5
    """
    check_interval(interval, df)
    request = prepare(survey, variables, by, where, missing, level, numeric=False, df=df)
    return solve(request, "ratio", "proportion", level, interval, deff)
