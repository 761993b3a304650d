"""Statistics by name: which belong together, how they are headed, and what their answers are."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from survey_kit import schema

EFFECT, PREDICTION = "average marginal effect", "predictive margin"  # statistics of margins()
PAIRS = frozenset({"correlation", "covariance"})  # of two variables: the answer is the name of the second
UNITLESS = frozenset({"correlation", "gini"})  # comparable whatever the variable is measured in
HEADINGS = {"sd": "SD", "cdf": "Cumulative", "gini": "Gini", EFFECT: "Effect", PREDICTION: "Prediction"}


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
