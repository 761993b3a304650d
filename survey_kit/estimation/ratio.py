"""Ratios of two totals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from survey_kit import schema
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.layout import lay_out
from survey_kit.estimation.request import Names, as_names, keys_of, prepare
from survey_kit.estimation.solve import estimates_of, evaluate_statistic
from survey_kit.kernels.linearize import Ratios
from survey_kit.results.estimates import Estimates


def ratio(
    survey: SurveyLike,
    numerator: str,
    denominator: str,
    by: Names | None = None,
    where: str | None = None,
    level: float = 0.95,
) -> Estimates:
    """Ratio of two totals, R = sum w y / sum w x, with influence z = w (y - R x) / sum w x.

    Args:
        survey: a Survey. numerator, denominator: numeric columns; rows missing either are outside the base.
        by, where, level: as in `mean`.

    Equivalent: R svyratio; Stata svy: ratio; SPSS CSDESCRIPTIVES /RATIO.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"rent": [3, 5.0], "income": [10, 10.0]}))
        >>> sk.ratio(poll, "rent", "income").frame()["estimate"].tolist()
        [0.4]
    """
    as_names((numerator, denominator), "numerator and denominator")
    request = prepare(survey, (numerator, denominator), by, where, "exclude", level, numeric=True)
    layout = lay_out(request)
    groups = len(request.groups)
    law = Ratios(layout.answer[:groups], layout.answer[groups:])
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    if np.isnan(theta).all():
        raise ArgumentError(f"The total of {denominator!r} is zero, so the ratio does not exist.")
    first = replace(request, blocks=request.blocks[:1])
    keys = keys_of(first, "ratio").assign(**{schema.VARIABLE: f"{numerator} / {denominator}"})
    return estimates_of(request, layout, keys, theta, carrier, level)
