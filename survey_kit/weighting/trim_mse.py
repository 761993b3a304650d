"""Trimming at the cut-off with the least mean squared error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, listed
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.potter import influence, weighted_means, with_replacement_variance
from survey_kit.kernels.trim import Redistribute, room, trim_weights
from survey_kit.kernels.weight_stats import kish_deff
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import hand_back
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.rows.numbers import numbers_of
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.trim import Rule, Unit, rule_of, trimmed_by

S = TypeVar("S", bound=SurveyLike)

_PERCENTILES = np.arange(50, 100) / 100  # of the weights, where no cut-offs are given


@overload
def trim_mse(
    data: pd.DataFrame,
    outcomes: str | Sequence[str],
    base: Base = None,
    cutoffs: Sequence[float] | None = None,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> Weights: ...
@overload
def trim_mse(  # type: ignore[overload-cannot-match]
    data: S,
    outcomes: str | Sequence[str],
    base: Base = None,
    cutoffs: Sequence[float] | None = None,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> S: ...
def trim_mse(
    data: pd.DataFrame | SurveyLike,
    outcomes: str | Sequence[str],
    base: Base = None,
    cutoffs: Sequence[float] | None = None,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> Weights | SurveyLike:
    """Weights trimmed from above at the cut-off where the means of some outcomes have the least mean squared error.

    Of each outcome: (mean under trimmed weights - mean under the weights as they are)^2 + variance of the former, divided by
    the variance without trimming; averaged over the outcomes (Potter). The weights as they are stand for the truth, so base
    weights that leave a bias will not be found out.

    Args:
        data: a DataFrame, or a survey.
        outcomes: numeric columns (1 and 0 for a share) whose means matter. Rows without a value are left out.
        base: the weights to trim: a column, a Series, an array, or the Weights of an earlier step. None: for a survey its
            weight in force.
        cutoffs: upper limits to try, in the unit. None: the 50th to the 99th percentile of the weights, as far as above the
            mean. Not to trim at all is always among them.
        unit: what cut-offs are multiples of, as for `trim`.
        redistribute: as for `trim`; trimming is strict.

    Returns:
        Weights, or for a survey the same survey under them. `.details["mse"]` has one row for each cut-off: cutoff, weight
        (the limit in weights), trimmed (rows), deff, bias2, variance and mse (averages, 1 without trimming), mse of each
        outcome, chosen. The variance is that of the survey's design; for a DataFrame that of rows drawn with replacement.

    Raises:
        ArgumentError: no base weights, cut-offs that leave no room, outcomes that are not numbers or do not vary.
        InvalidWeightError, UnknownNameError, UndeclaredMissingError, NoValidData.

    R, Stata, SPSS: none in survey, ipfraking or the base products. Source: Potter (1990), Proc. Survey Research Methods,
    ASA, 225.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"w": [1.0] * 18 + [9.0, 7.0], "y": [0, 1] * 10})
        >>> w = trim_mse(df, "y", base="w", cutoffs=[1.5, 2, 3])
        >>> w.details["mse"][["cutoff", "trimmed", "mse", "chosen"]].round(3)
           cutoff  trimmed    mse  chosen
        0     inf        0  1.000   False
        1     3.0        2  0.603   False
        2     2.0        2  0.470   False
        3     1.5        2  0.437    True
    """
    subject = subject_of(data, base)
    if not subject.weighted:
        raise ArgumentError("There are no weights to trim. Give base: a column, a Series, an array or Weights.")
    y = _outcomes(subject, [outcomes] if isinstance(outcomes, str) else list(outcomes))
    rules = _rules(subject.base, cutoffs, unit, redistribute)
    table = _table(subject, y, rules)
    best = int(table["mse"].to_numpy().argmin())
    table = table.assign(chosen=np.arange(len(table)) == best)
    weights = trimmed_by(rules[best], subject, {"mse": table})
    weights = replace(weights, notices=(_told(table, list(y)), *weights.notices))
    return hand_back(subject, weights, rules[best].again)


def _told(table: pd.DataFrame, outcomes: list[str]) -> Notice:
    best = table[table["chosen"]].iloc[0]
    of = f"the means of {listed(outcomes)}"
    if best["cutoff"] == np.inf:
        return Notice("potter", f"No cut-off of {len(table) - 1} lowers the mean squared error of {of}.")
    text = (
        f"Of {len(table) - 1} cut-offs, {best['cutoff']:.4g} has the least mean squared error of {of}: {best['mse']:.1%} of "
        "that without trimming."
    )
    return Notice("potter", text)


def _outcomes(subject: Subject, names: list[str]) -> pd.DataFrame:
    """The outcomes as numbers, NaN where there is no value."""
    if not names:
        raise ArgumentError("outcomes is empty. Name the columns whose means matter.")
    for name in names:
        check_column(name, subject.frame.columns)
    y = pd.DataFrame({name: _numbers(subject, name) for name in names})
    held = y[subject.base > 0]
    still = [name for name in names if held[name].nunique() < 2]
    if still:
        raise ArgumentError(f"{still[0]!r} does not vary among rows with a weight: its mean has no error to lower.")
    return y


def _numbers(subject: Subject, name: str) -> FloatArray:
    column = subject.frame[name]
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise ArgumentError(f"{name!r} holds {column.dtype} values, not numbers. Make it 1 and 0 for a share.")
    numbers, valid = numbers_of(subject, name)
    if np.isinf(numbers).any():
        raise ArgumentError(f"{name!r} is infinite in row {int(np.isinf(numbers).argmax()) + 1}. Correct it first.")
    return np.where(valid, numbers, np.nan)


def _rules(base: FloatArray, cutoffs: Sequence[float] | None, unit: str, redistribute: str) -> list[Rule]:
    """No trimming, and the cut-offs from the highest to the lowest."""
    if cutoffs is not None and not len(cutoffs):
        raise ArgumentError("cutoffs is empty. Give upper limits to try, or None.")
    given = _percentiles(base, unit) if cutoffs is None else sorted(set(cutoffs), reverse=True)
    rules = [rule_of(None, cutoff, True, unit, redistribute) for cutoff in given]
    for rule in rules:
        high = rule.limits(base)[1]
        if redistribute != "none" and not room(base, -np.inf, high)[1]:
            raise ArgumentError(
                f"The cut-off {rule.upper:g} is {high:.6g} in weights, below the mean weight {base[base > 0].mean():.6g}: the "
                "sum of the weights is not kept. Give higher cut-offs."
            )
    return [replace(rules[0], lower=None, upper=np.inf, unit="weight"), *rules]


def _percentiles(base: FloatArray, unit: str) -> list[float]:
    if unit != "mean":
        raise ArgumentError(f"unit={unit!r} is the unit of cutoffs, which are not given. Give them, or leave unit out.")
    w = base[base > 0]
    found = np.unique(np.quantile(w, _PERCENTILES)) / w.mean()
    usable = found[(found > 1) & (found < w.max() / w.mean())]
    if not len(usable):
        raise ArgumentError(
            "The weights hardly vary: no percentile of them lies above their mean. There is nothing to trim."
        )
    return [float(c) for c in usable[::-1]]


def _table(subject: Subject, y: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """The mean squared error of each cut-off, the first being no trimming."""
    values = y.to_numpy()
    replicates = _replicates(subject)
    rows, bias, variance = [], [], []
    theta0 = weighted_means(subject.base, values)
    for rule in rules:
        high = rule.limits(subject.base)[1]
        w = trim_weights(subject.base, -np.inf, high, True, rule.redistribute).weights
        theta = weighted_means(w, values)
        bias.append((theta - theta0) ** 2)
        variance.append(_variance(subject, w, values, theta, rule, replicates))
        trimmed = int((subject.base > high).sum())
        rows.append({"cutoff": rule.upper, "weight": high, "trimmed": trimmed, "deff": kish_deff(w)})
    scaled_bias, scaled = np.array(bias) / variance[0], np.array(variance) / variance[0]
    mse = scaled_bias + scaled
    table = pd.DataFrame(rows).assign(
        bias2=scaled_bias.mean(axis=1), variance=scaled.mean(axis=1), mse=mse.mean(axis=1)
    )
    return table.join(pd.DataFrame(mse, columns=[f"mse {name}" for name in y]))


def _replicates(subject: Subject) -> FloatArray | None:
    """Replicate weights of a survey that has them. Shape (n, R)."""
    bound = None if subject.survey is None else subject.survey.bound
    return None if bound is None or bound.replicates is None else ReplicateBase(bound).weights


def _variance(
    subject: Subject, w: FloatArray, y: FloatArray, theta: FloatArray, rule: Rule, replicates: FloatArray | None
) -> FloatArray:
    """Variances of the means under trimmed weights w. Shape (q,)."""
    if subject.survey is None:
        return with_replacement_variance(w, y, theta)
    bound = replace(subject.survey.bound, weight=w)
    if replicates is None:
        from survey_kit.results.carriers import linearized  # loaded for surveys only

        return linearized(bound, influence(w, y, theta), np.inf).variance()
    from survey_kit.kernels.variance import replicate_covariance

    given = subject.survey.bound.replicates
    assert given is not None
    thetas = np.stack([weighted_means(column, y) for column in rule.columns(replicates).T])
    return replicate_covariance(thetas, theta, given.scale, given.rscales, given.mse, diagonal=True)
