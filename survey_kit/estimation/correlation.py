"""Covariances and correlations of numeric variables in the population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit import schema
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, one_of
from survey_kit.estimation.layout import lay_out_moments
from survey_kit.estimation.request import Names, Request, as_names, keys_of, prepare
from survey_kit.estimation.solve import estimates_of, evaluate_statistic
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.moments import Correlations, fisher
from survey_kit.results.carriers import Carrier
from survey_kit.results.estimates import Estimates
from survey_kit.schema import Notice

Pairs = Sequence[tuple[int, int]]


def covariance(
    survey: SurveyLike,
    variables: Sequence[str],
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Covariances of two or more variables among people, the variances included, with their standard errors.

    s_ab = n / (n - 1) sum w (a - abar)(b - bbar) / sum w over rows that have all of the variables; n as in `variance`.

    Args:
        survey: a Survey.
        variables: two numeric columns or more; every pair a, b with a before or at b is estimated.
        by, where, missing, level, df: as in `mean`.

    Returns:
        Estimates with the first of the pair as `variable` and the second as `answer`, named "a:b". Intervals by t.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R svyvar(~a+b); Stata correlate, covariance with weights has no design-based error.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50.0], "trust": [1, 3, 2, 4.0]}))
        >>> sk.covariance(poll, ["age", "trust"]).frame()[["variable", "answer", "estimate"]].round(2)
          variable answer  estimate
        0      age    age    166.67
        1      age  trust     13.33
        2    trust  trust      1.67
    """
    request = _request(survey, variables, by, where, missing, level, df)
    pairs = _pairs(request, itself=True)
    layout, law = lay_out_moments(request, pairs)
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    return estimates_of(request, layout, _keys(request, pairs, "covariance"), theta, carrier, level)


def correlation(
    survey: SurveyLike,
    variables: Sequence[str],
    by: Names | None = None,
    where: str | None = None,
    *,
    interval: str = "wald",
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Pearson correlations of two or more variables among people, with design-based standard errors.

    r = s_ab / (s_a s_b). Influence by the delta method, d r = d s_ab / (s_a s_b) - r / 2 (d s_aa / s_aa + d s_bb / s_bb), or
    r in each replicate. NaN where a variable does not vary.

    Args:
        survey: a Survey.
        variables: two numeric columns or more; every pair a, b with a before b is estimated, on rows that have all of them.
        by, where, missing, level, df: as in `mean`.
        interval: "wald" is r -+ t se, as R's confint, and may leave -1 to 1 (a notice says so); "fisher" is made on
            atanh(r) and mapped back, which is better for strong correlations and small samples.

    Returns:
        Estimates with the first of the pair as `variable` and the second as `answer`.

    Raises:
        UnknownNameError, ArgumentError, NoValidData, UndeclaredMissingError.

    Equivalent: R svycontrast(svyvar(~a+b, d), quote(`a:b` / sqrt(`a:a` * `b:b`))); Stata and SPSS have no design-based one.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50.0], "trust": [1, 3, 2, 4.0]}))
        >>> sk.correlation(poll, ["age", "trust"]).frame()[["variable", "answer", "estimate"]].round(2)
          variable answer  estimate
        0      age  trust       0.8
    """
    one_of("interval", interval, ("wald", "fisher"))
    request = _request(survey, variables, by, where, missing, level, df)
    pairs, every = _pairs(request, itself=False), _pairs(request, itself=True)
    layout, covariances = lay_out_moments(request, every)
    places = {pair: i for i, pair in enumerate(every)}
    law = Correlations(covariances, *(_places(request, places, wanted) for wanted in _parts(pairs)))
    theta, carrier = evaluate_statistic(request.bound, layout.values, law, request.df)
    own = replace(layout, answer=layout.answer[law.both], base=layout.base[law.both])
    found = estimates_of(request, own, _keys(request, pairs, "correlation"), theta, carrier, level)
    if interval == "fisher":
        return replace(found, limits=_fisher_limits(theta, carrier, level))
    return replace(found, notices=(*found.notices, *_beyond_one(found)))


def _request(
    survey: SurveyLike,
    variables: Sequence[str],
    by: Names | None,
    where: str | None,
    missing: str,
    level: float,
    df: float | None,
) -> Request:
    names = as_names(variables, "variables")
    if len(names) < 2:
        raise ArgumentError(f"variables names {names[0]!r} alone; name two columns or more.")
    return prepare(survey, names, by, where, missing, level, numeric=True, df=df)


def _pairs(request: Request, itself: bool) -> list[tuple[int, int]]:
    """Positions of the pairs of blocks, a before b, with `itself` also each with itself."""
    k = len(request.blocks)
    return [(a, b) for a in range(k) for b in range(a if itself else a + 1, k)]


def _parts(pairs: Pairs) -> tuple[list[tuple[int, int]], ...]:
    """The moments of each correlation: the covariance and the two variances."""
    return list(pairs), [(a, a) for a, _ in pairs], [(b, b) for _, b in pairs]


def _places(request: Request, places: dict[tuple[int, int], int], wanted: Pairs) -> np.ndarray:
    """Where the moments of pairs stand, pair by pair, then group. Shape (pairs * groups,)."""
    groups = len(request.groups)
    return (np.array([places[pair] for pair in wanted])[:, None] * groups + np.arange(groups)).ravel()


def _keys(request: Request, pairs: Pairs, statistic: str) -> pd.DataFrame:
    """Key columns: the first of a pair as the variable, the second as the answer."""
    firsts = replace(request, blocks=tuple(request.blocks[a] for a, _ in pairs))
    seconds = np.repeat([request.blocks[b].variable for _, b in pairs], len(request.groups))
    return keys_of(firsts, statistic).assign(**{schema.ANSWER: seconds.astype(object)})


def _fisher_limits(theta: FloatArray, carrier: Carrier, level: float) -> tuple[FloatArray, FloatArray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = sp.csr_array(sp.diags_array(1 / (1 - theta**2)))
        variance = carrier.transform(np.arctanh, slopes).variance()
    return fisher(theta, variance, level, carrier.df)


def _beyond_one(found: Estimates) -> tuple[Notice, ...]:
    low, high = found.confidence_interval()
    beyond = int(((low < -1) | (high > 1)).sum())
    if not beyond:
        return ()
    text = f'{beyond} of {len(found)} intervals leave -1 to 1, where correlations end; interval="fisher" keeps within.'
    return (Notice("interval", text, beyond),)
