"""Weighted numbers of people."""

from __future__ import annotations

from dataclasses import replace
from numbers import Real

import numpy as np
import scipy.sparse as sp

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.request import Names, prepare
from survey_kit.estimation.share import shares_of_people
from survey_kit.estimation.solve import Deff, check_deff, solve
from survey_kit.results.estimates import Estimates


def count(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    population: float | None = None,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
    deff: Deff = False,
) -> Estimates:
    """Weighted number of people giving each answer, with design-based standard errors.

    N = sum w [answer]; influence z = w [answer]. With `population`, N = population x sum w [answer] / sum w over everybody
    in the table, so that its error is that of the share.

    Args:
        survey: a Survey.
        variables: a column, whose different values are counted, or a multiple-response set, or several.
        by: one column or several: crossed tables of any number of dimensions.
        where, level, deff, df: as in `mean`. missing: as in `proportion`.
        population: what the table of a variable sums to over all groups (everybody asked, for a multiple-response set);
            None for the sum of the weights.

    Returns:
        Estimates in people, or in what the weights count; `n` is the unweighted base of each group, with `population` that
        of the whole table. Unweighted counts of the cells: `count` of the survey under equal weights, poll.with_design().

    Raises:
        UnknownNameError, ArgumentError, NoValidData.

    Equivalent: R svytable(~answer + group, Ntotal=), svytotal(~factor), whose standard errors svytable lacks; Stata
    svy: tabulate, count; SPSS CSTABULATE /CELLS POPSIZE.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"vote": ["a", "b", "a"], "w": [100, 100, 200.0]})
        >>> sk.count(sk.from_frame(df).with_design(weight="w"), "vote").frame()[["answer", "estimate"]]
          answer  estimate
        0      a     300.0
        1      b     100.0
    """
    check_deff(deff)
    size = _population(population)
    request = prepare(survey, variables, by, where, missing, level, numeric=False, df=df)
    if size is None:
        return solve(request, "total", "count", level, "wald", deff)
    shares = shares_of_people(request, "count", level, "wald", deff)
    scale = sp.csr_array(sp.diags_array(np.full(len(shares), size)))
    return replace(shares, theta=size * shares.theta, carrier=shares.carrier.map(scale))


def _population(population: float | None) -> float | None:
    """A size above 0, or None."""
    if population is None:
        return None
    if isinstance(population, bool) or not isinstance(population, Real) or not 0 < population < np.inf:
        raise ArgumentError(
            f"population={population!r} is not a size. Give a number above 0, or None for the sum of weights."
        )
    return float(population)
