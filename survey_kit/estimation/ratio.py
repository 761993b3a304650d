"""Ratios of two totals."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.layout import lay_out, residual_variance
from survey_kit.estimation.request import Names, Request, as_names, keys_of, prepare
from survey_kit.estimation.solve import Deff, check_deff, estimates_of, evaluate_statistic, finished
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.linearize import Ratios
from survey_kit.results.estimates import Estimates

Pairs = list[tuple[int, int]]


def ratio(
    survey: SurveyLike,
    numerator: Names,
    denominator: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
    deff: Deff = False,
) -> Estimates:
    """Ratio of two totals, R = sum w y / sum w x, with influence z = w (y - R x) / sum w x.

    Args:
        survey: a Survey.
        numerator, denominator: a numeric column each, or several: then every numerator over every denominator, the
            numerator varying fastest. Rows missing any of them are outside the base.
        by, where, missing, level, df: as in `mean`.
        deff: as in `mean`, for the total of (y - R x) / sum w x. R has no deff of a ratio under replicate weights.

    Returns:
        Estimates with "y / x" as `variable`. The ratio estimator of a total is a contrast: `est.contrast([known_total])`.

    Equivalent: R svyratio, predict(svyratio); Stata svy: ratio; SPSS CSDESCRIPTIVES /RATIO.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"rent": [3, 5.0], "income": [10, 10.0]}))
        >>> sk.ratio(poll, "rent", "income").frame()["estimate"].tolist()
        [0.4]
    """
    check_deff(deff)
    above, below = as_names(numerator, "numerator"), as_names(denominator, "denominator")
    names = as_names((*above, *below), "numerator and denominator")
    request = prepare(survey, names, by, where, missing, level, numeric=True, df=df)
    pairs = [(i, len(above) + j) for j in range(len(below)) for i in range(len(above))]
    layout = lay_out(request)
    law = Ratios(_columns(request, [i for i, _ in pairs]), _columns(request, [j for _, j in pairs]))
    totals = layout.values.totals(request.bound.weight)[law.denominator]
    _refuse_zero(request, pairs, totals)
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    own = replace(layout, answer=layout.answer[law.numerator], base=layout.base[law.numerator])
    found = estimates_of(request, own, _keys(request, pairs), theta, carrier, level)
    return finished(request, own, found, "wald", deff, partial(_spread, request, pairs, found, totals))


def _columns(request: Request, blocks: list[int]) -> IntArray:
    """Columns of the totals of blocks, block by block, then group. Shape (blocks * groups,)."""
    groups = len(request.groups)
    return (np.array(blocks)[:, None] * groups + np.arange(groups)).ravel()


def _refuse_zero(request: Request, pairs: Pairs, totals: FloatArray) -> None:
    """A denominator whose total is zero in every group."""
    for (_, j), of_pair in zip(pairs, totals.reshape(len(pairs), -1), strict=True):
        if not of_pair.any():
            name = request.blocks[j].variable
            raise ArgumentError(
                f"The total of {name!r} is zero, so the ratio does not exist. Choose another denominator."
            )


def _keys(request: Request, pairs: Pairs) -> pd.DataFrame:
    """Key columns, with "y / x" as the variable."""
    first = replace(request, blocks=tuple(request.blocks[i] for i, _ in pairs))
    names = [f"{request.blocks[i].variable} / {request.blocks[j].variable}" for i, j in pairs]
    return keys_of(first, "ratio").assign(**{schema.VARIABLE: np.repeat(names, len(request.groups)).astype(object)})


def _spread(request: Request, pairs: Pairs, found: Estimates, totals: FloatArray) -> FloatArray:
    """Population variance of N (y - R x) / sum w x, as svyvar has it. Shape (K,)."""
    of_pair = found.theta.reshape(len(pairs), -1)
    squares = [residual_variance(request, i, j, r) for (i, j), r in zip(pairs, of_pair, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.concatenate(squares) * found.n / (found.n - 1) * (found.n_weighted / totals) ** 2
