"""Weights that are handed in as they are: a record, a column, an array, or a survey."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import ArgumentError, NoValidData
from survey_kit.results.weights import Weights
from survey_kit.weighting.rows.subject import Subject, subject_of

Given: TypeAlias = Weights | pd.Series | np.ndarray | list[float]


def subject_of_weights(weights: Given | SurveyLike) -> Subject:
    """The rows of the weights, with the weights as their base weights. A record goes on as a chain.

    Raises:
        InvalidWeightError: missing, infinite, negative (a record may have them) or all zero. ArgumentError, NoValidData.
    """
    if isinstance(weights, pd.DataFrame):
        raise ArgumentError("weights is a DataFrame. Give one column of it: data['weight'].")
    if isinstance(weights, Weights):
        series, before = weights.values, weights
    elif isinstance(weights, (pd.Series, np.ndarray, list, tuple)):
        series, before = _column(weights), None
    elif isinstance(weights, str):
        raise ArgumentError(f"weights={weights!r} is a name. Give the column itself, data[{weights!r}], or a survey.")
    else:
        return subject_of(weights)
    if len(series) == 0:
        raise NoValidData("weights has no rows: there is nothing to work on.")
    values = series.to_numpy(dtype=np.float64) if before is not None else check_weights(series, _name(series))
    return Subject(pd.DataFrame(index=series.index), np.array(values), weighted=True, before=before)


def _column(weights: pd.Series | np.ndarray | list[float] | tuple[float, ...]) -> pd.Series:
    if isinstance(weights, pd.Series):
        return weights
    if np.ndim(weights) != 1:
        raise ArgumentError("weights is not one column. Give one weight for each row, shape (n,).")
    return pd.Series(np.asarray(weights))


def _name(series: pd.Series) -> str:
    return "weights" if series.name is None else str(series.name)
