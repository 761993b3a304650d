"""Statistics by name: which belong together, how they are headed, their decimals, and what their answers are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.kernels.groups import IntArray
from survey_kit.results.display import decimals

EFFECT, PREDICTION = "average marginal effect", "predictive margin"  # statistics of margins()
PAIRS = frozenset({"correlation", "covariance"})  # of two variables: the answer is the name of the second
UNITLESS = frozenset({"correlation", "gini"})  # comparable whatever the variable is measured in
COEFFICIENTS = ("coefficient", "log-odds", "log ratio", "log hazard", "probit")
RATIOS = {"logit": "odds ratio", "log": "mean ratio", "cloglog": "hazard ratio"}  # link -> exponentiated coefficients
SHARES = frozenset({"proportion", "share", "cdf", "net"})
OF_SEVERAL = frozenset({"difference", "quotient", "contrast"})  # their n is the smallest of those that they use
NAMED = frozenset({"quantile", "sd", "variance", "gini", "count", "total", *PAIRS})  # cannot be told from their values
HEADINGS = {
    **{"sd": "SD", "cdf": "Cumulative", "gini": "Gini", "quotient": "Ratio"},
    **{EFFECT: "Effect", PREDICTION: "Prediction"},
}
PERCENT, PERCENT_DRAWN = 1, 0  # decimals of percentages and points; charts have their axes and whiskers for the rest
DIGITS = {  # the usual decimals of numbers; `places` says when there are fewer or more
    **dict.fromkeys(("count", "total"), 0),
    **dict.fromkeys(("mean", "difference", *COEFFICIENTS, *RATIOS.values(), *SHARES), 2),
    **dict.fromkeys(("ratio", "quotient", "contrast", "correlation", "gini", EFFECT, PREDICTION), 3),
}
PLACES = "sk_places"  # column that tables and charts add to a result frame


def family(statistic: str) -> str:
    """Statistics that can stand in one table: all quantiles are one family.

    >>> family("quantile 0.25"), family("median"), family("mean")
    ('quantile', 'quantile', 'mean')
    """
    return "quantile" if statistic.lower().startswith(("median", "quantile ")) else statistic


def heading(statistic: str) -> str:
    """The heading of a column of numbers.

    >>> heading("quantile 0.25"), heading("sd"), heading("mean")
    ('Quantile 0.25', 'SD', 'Mean')
    """
    return HEADINGS.get(statistic, statistic[:1].upper() + statistic[1:])


def places(frame: pd.DataFrame) -> IntArray:
    """Decimals of each number: the same for all rows of a variable and statistic, in a terminal, a table and a chart.

    Those of `decimals`, but no more than DIGITS where these show three digits of the largest number or two of the
    errors. Whole counts, totals and quantiles have none. Shape (rows,).

    >>> made = pd.DataFrame({"variable": list("abc"), "statistic": "mean", "estimate": [3.417, 442413.3, 0.0042]})
    >>> places(made).tolist(), places(made.assign(se=0.5)).tolist()
    ([2, 0, 5], [2, 2, 2])
    """
    families = frame[schema.STATISTIC].astype(str).map(family)
    variable = frame[schema.VARIABLE].where(~families.isin(UNITLESS), "")
    out = np.zeros(len(frame), dtype=np.int64)
    for (_, name), at in frame.groupby([variable, families], sort=False, dropna=False).indices.items():
        rows = frame.iloc[at]
        out[at] = _digits(str(name), rows[schema.ESTIMATE], rows.get(schema.SE, ()))
    return out


def _digits(name: str, values: Iterable[float], errors: Iterable[float]) -> int:
    by_size = decimals(values, errors, whole=name in ("quantile", "count", "total"))
    usual = DIGITS.get(name, by_size)
    known = [e for e in errors if 0 < e < math.inf]
    enough = usual >= decimals(values, significant=3) or (bool(known) and usual >= decimals((), known))
    return min(usual, by_size) if enough else by_size


def answer_heading(statistics: pd.Series) -> str:
    """The heading of the answers: for statistics of two variables, what the first goes with."""
    return "With" if len(statistics) and set(statistics.astype(str)) <= PAIRS else "Answer"


def with_titles(frame: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """The frame with titles for the names of second variables among its answers."""
    pairs = frame[schema.STATISTIC].astype(str).isin(PAIRS)
    if not pairs.any():
        return frame
    named = frame[schema.ANSWER].astype(str).map(lambda name: titles.get(name, name))
    return frame.assign(**{schema.ANSWER: frame[schema.ANSWER].where(~pairs, named)})


def with_headings(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its statistics as headings, for results in which they tell rows apart."""
    return frame.assign(**{schema.STATISTIC: [heading(str(s)) for s in frame[schema.STATISTIC]]})
