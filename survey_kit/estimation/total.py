"""Population totals."""

from __future__ import annotations

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.request import Names, as_names, check_survey, prepare
from survey_kit.estimation.solve import Deff, solve
from survey_kit.results.estimates import Estimates


def total(
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
    """Weighted totals: sums of a numeric column, or the number of people giving each answer of a categorical one.

    T = sum w x; influence z = w x. The unit is that of the weights: they must sum to the population for T to be people.

    Args:
        survey, variables, by, where, missing, level, deff, df: as in `mean`. All variables numeric, or all categorical:
            text, nominal and ordinal columns and multiple-response sets are counted by answer, others are summed.

    Equivalent: R svytotal; Stata svy: total; SPSS CSDESCRIPTIVES /SUM.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"income": [10, 20, 30.0], "w": [100, 100, 200]})
        >>> sk.total(sk.from_frame(df).with_design(weight="w"), "income").frame()["estimate"].tolist()
        [9000.0]
    """
    numeric = are_numbers(survey, as_names(variables, "variables"))
    request = prepare(survey, variables, by, where, missing, level, numeric=numeric, df=df)
    return solve(request, "total", "total", level, "wald", deff)


def are_numbers(survey: SurveyLike, names: tuple[str, ...]) -> bool:
    """Whether columns are summed (True) or their answers counted (False). Raises ArgumentError for some of both."""
    check_survey(survey)
    kinds = [_is_number(survey, name) for name in names]
    if len(set(kinds)) > 1:
        number, answers = names[kinds.index(True)], names[kinds.index(False)]
        raise ArgumentError(
            f"{number!r} is a number, whose sum is asked for, and {answers!r} has answers, which are counted. Ask for them in "
            "two calls."
        )
    return all(kinds)


def _is_number(survey: SurveyLike, name: str) -> bool:
    if name not in survey.codebook:
        return False
    variable = survey.codebook[name]
    if variable.measure in ("nominal", "ordinal"):
        return False
    return survey.codes[name].dtype.kind in "biuf" and (variable.measure == "scale" or not variable.labels)
