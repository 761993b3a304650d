"""Means of numeric variables."""

from __future__ import annotations

from survey_kit.design.protocol import SurveyLike
from survey_kit.estimation.request import Names, prepare
from survey_kit.estimation.solve import Deff, solve
from survey_kit.results.estimates import Estimates


def mean(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
    deff: Deff = False,
) -> Estimates:
    """Weighted means with design-based standard errors.

    xbar = sum w x / sum w; influence z = w (x - xbar) / sum w.

    Args:
        survey: a Survey.
        variables: one numeric column or several. With several, rows missing any of them are outside the base of all.
        by: one column or several; every group keeps all PSUs and strata, and covariances across groups are kept.
        where: a condition such as "age >= 18"; a domain, the design stays whole.
        missing: "exclude": rows without a valid answer are outside the base, counted in `notices`.
        level: confidence level; intervals use t with PSUs - strata degrees of freedom.
        deff: True for the design effect against SRS without replacement, "replace" with replacement, "kish" for that of
            the weights alone.
        df: degrees of freedom of the intervals in place of the design's; math.inf for normal intervals.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R svymean / svyby(~x, ~by, svymean, covmat=TRUE); Stata svy: mean, over(); SPSS CSDESCRIPTIVES.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"age": [20, 30, 40, 50], "w": [1, 1, 2, 2]})
        >>> sk.mean(sk.from_frame(df).with_design(weight="w"), "age").frame()[["estimate", "se"]].round(3)
           estimate     se
        0    38.333  5.966
    """
    request = prepare(survey, variables, by, where, missing, level, numeric=True, df=df)
    return solve(request, "ratio", "mean", level, "wald", deff)
