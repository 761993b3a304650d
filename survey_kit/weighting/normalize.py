"""Weights brought to a total by one factor."""

from __future__ import annotations

from typing import TypeVar, overload

import numpy as np

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.record.margins_moved import restated
from survey_kit.weighting.rows.given_weights import Given, subject_of_weights

S = TypeVar("S", bound=SurveyLike)


@overload
def normalize(weights: Given, to: str | float = "n") -> Weights: ...
@overload
def normalize(weights: S, to: str | float = "n") -> S: ...
def normalize(weights: Given | SurveyLike, to: str | float = "n") -> Weights | SurveyLike:
    """The weights times one factor, so that they sum to the number of rows or to a total. No mean and no share changes.

    Args:
        weights: the Weights of an earlier step (the chain goes on), a Series, an array, or a survey, whose weight in force is
            scaled; its replicate weights are scaled by the same factor.
        to: "n", the number of rows whose weight is not zero; or a number that the weights shall sum to.

    Returns:
        Weights, or for a survey the same survey under them. `.details["factor"]` is what every weight was multiplied by.
        Totals and finite population corrections of weights that sum to n are of no population: keep those that do.

    Raises:
        InvalidWeightError: weights that are missing, negative, infinite, or all zero. ArgumentError, NoValidData.

    R: w / mean(w). Stata: the mean of aweights. SPSS: weights of mean 1.

    Example:
        >>> w = normalize([10, 20, 30, 0])
        >>> w.values.tolist(), w.details["factor"]
        ([0.5, 1.0, 1.5, 0.0], 0.05)
    """
    subject = subject_of_weights(weights)
    factor = _total(to, int(np.count_nonzero(subject.base))) / subject.total
    values = subject.base * factor
    table, told = restated(subject, values)
    made = Made(
        values=values,
        method="normalize",
        solver="closed form",
        targets=table,
        max_gap=0.0 if table is None else float(table["gap"].abs().max()),
        notices=(Notice("scaled", f"Weights were multiplied by {factor:.6g} to sum to {values.sum():.10g}."), *told),
        details={"factor": factor},
        titles={} if subject.before is None else subject.before.titles,
    )
    return hand_back(subject, weights_of(subject, made), lambda base: base.weights * factor)


def _total(to: str | float, n: int) -> float:
    if isinstance(to, str):
        if to != "n":
            raise ArgumentError(f'to={to!r} is not available. Give "n" (the number of rows) or the total as a number.')
        return float(n)
    if not is_number(to) or not 0 < to < np.inf:
        raise ArgumentError(f'to={to!r} is not a total. Give a number above 0, or "n" for the number of rows.')
    return float(to)
