"""Any statistic by replication: a function of weights and data, repeated under each replicate weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, NoValidData, UnsupportedOption, check_level, listed
from survey_kit.estimation.request import (
    Names,
    as_names,
    check_df,
    check_survey,
    context_of,
    domain_of,
    few_degrees,
    groups_of,
    title_of,
    without_group,
)
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.recode import labelled_view
from survey_kit.results.carriers import error_notices, replicated
from survey_kit.results.estimates import Estimates

Function = Callable[[np.ndarray, pd.DataFrame], Any]


def statistic(
    survey: SurveyLike,
    function: Function,
    by: Names | None = None,
    where: str | None = None,
    *,
    name: str = "statistic",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Any statistic, with a standard error by replication: V = scale sum rscales_r (theta_r - c)^2.

    The function is called with the full-sample weights, then with each replicate weight, always on the same rows. What it
    does with missing values is its own affair; rows of weight zero are among the rows.

    Args:
        survey: a Survey with replicate weights, given (`with_replicates`) or built (`poll.replicate("JKn")`).
        function: function(weights, data) with weights of shape (n,) and the labelled view of the same n rows, as
            `poll.data` has it. It returns a number, a sequence of numbers, or a mapping or Series of names to numbers, whose
            names become answers. It must not change the data.
        by: one column or several: the function is called for each group. where, level, df: as in `mean`.
        name: what the statistic is called in the result.

    Returns:
        Estimates. Replicates that gave no number are left out of the standard error, as in R, and counted in a notice.

    Raises:
        UnsupportedOption: the design has no replicate weights.
        ArgumentError: the function failed, changed the data, or returned what is not numbers.
        UnknownNameError, NoValidData.

    Equivalent: R withReplicates(design, function(w, data) ...); Stata svy jackknife / svy bootstrap.

    Example:
        >>> import numpy as np, pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50.0]})).replicate("JK1")
        >>> sk.statistic(poll, lambda w, data: np.average(data["age"], weights=w)).frame()[["estimate", "se"]].round(3)
           estimate     se
        0      35.0  6.455
    """
    check_survey(survey)
    check_level(level)
    check_df(df)
    _check_function(survey, function, name)
    domain = domain_of(survey, where)
    group, groups, unplaced = groups_of(survey, as_names(by, "by") if by else (), domain)
    view = labelled_view(survey.codes, survey.codebook)
    work = [_repeat(survey, function, view, rows, name) for rows in _rows_of(group, len(groups), where)]
    df = survey.bound.degrees_of_freedom(None if domain.all() else domain) if df is None else df
    theta = np.concatenate([r.theta for r in work])
    thetas = np.concatenate([r.thetas for r in work], axis=1)
    counts = [len(r.theta) for r in work]
    carrier = replicated(survey.bound, theta, thetas, df)
    left_out = without_group(unplaced, int(domain.sum()), groups.columns)
    return Estimates(
        keys=_keys(work, groups, counts, name),
        theta=theta,
        n=np.repeat([r.n for r in work], counts),
        n_weighted=np.repeat([r.n_weighted for r in work], counts),
        carrier=carrier,
        by=tuple(groups.columns),
        level=level,
        titles={name: name, **{column: title_of(survey, column) for column in groups.columns}},
        notices=(*survey.design.notices, *few_degrees(df), *error_notices(carrier), *left_out),
        context=context_of(survey, where),
    )


@dataclass(frozen=True, eq=False)
class _Repeated:
    """What the function gave for one group: full-sample values (m,), replicates (R, m), names of the values, bases."""

    theta: FloatArray
    thetas: FloatArray
    answers: tuple[str, ...]
    n: float
    n_weighted: float


def _check_function(survey: SurveyLike, function: Function, name: str) -> None:
    if not callable(function):
        raise ArgumentError(f"function is a {type(function).__name__}; give a function of weights and data.")
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"name={name!r} is not a name. Give a text, such as name='gini'.")
    if survey.bound.replicates is None:
        raise UnsupportedOption(
            "statistic() repeats the function under replicate weights, and this design has none. Build them with "
            'poll.replicate("JKn"), or state those of the file with poll.with_replicates(...).'
        )


def _rows_of(group: IntArray, groups: int, where: str | None) -> list[IntArray]:
    """Rows of each group."""
    if not (group >= 0).any():
        raise NoValidData(f"None of {len(group)} rows is left{f' where {where}' if where else ''}.")
    return [np.flatnonzero(group == g) for g in range(groups)]


def _repeat(survey: SurveyLike, function: Function, view: pd.DataFrame, rows: IntArray, name: str) -> _Repeated:
    """The function under every weight, on the rows of a group."""
    constants = survey.bound.replicates
    assert constants is not None
    weight, data = survey.bound.weight[rows], view.iloc[rows].copy()
    answers, theta = _call(function, weight.copy(), data, name, "the full-sample weights")
    thetas = np.empty((constants.factors.shape[1], len(theta)))
    for r, again in enumerate(constants.each_of(rows)):
        under = f"replicate {r + 1} of {len(thetas)}"
        thetas[r] = _same(_call(function, again, data, name, under), answers, name, under)
    if not data.equals(view.iloc[rows]):
        raise ArgumentError(f"{name}: the function changed the data it was handed. Let it work on a copy: data.copy().")
    return _Repeated(theta, thetas, answers, float((weight != 0).sum()), float(weight.sum()))


def _call(
    function: Function, weights: FloatArray, data: pd.DataFrame, name: str, under: str
) -> tuple[tuple[str, ...], FloatArray]:
    """Names and values that the function returns; `data` is handed over as a copy-on-write view."""
    try:
        found = function(weights, data.copy(deep=False))
    except Exception as error:
        raise ArgumentError(f"{name}: the function failed under {under}: {type(error).__name__}: {error}") from error
    try:
        values = _numbers(found)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.ndim > 1 or values.size == 0:
        raise ArgumentError(
            f"{name}: the function returned {_described(found)} under {under}. It must return a number, a sequence of "
            "numbers, or a mapping or Series of names to numbers."
        )
    answers = _answers(found, values)
    if len(set(answers)) < len(answers):
        raise ArgumentError(f"{name}: the function returned one name twice under {under}: {listed(answers)}.")
    return answers, np.where(np.isfinite(values), values, np.nan).ravel()


def _numbers(found: Any) -> FloatArray:
    """The numbers that were returned; empty where they are none."""
    if isinstance(found, pd.Series):
        return found.to_numpy(dtype=float, na_value=np.nan)
    numbers = np.asarray(list(found.values()) if isinstance(found, Mapping) else found)
    return numbers.astype(float) if numbers.dtype.kind in "biuf" else np.empty(0)


def _answers(found: Any, values: FloatArray) -> tuple[str, ...]:
    if isinstance(found, (Mapping, pd.Series)):
        return tuple(str(label) for label in found.keys())  # noqa: SIM118
    return ("",) if values.ndim == 0 else tuple(str(i + 1) for i in range(len(values)))


def _described(found: Any) -> str:
    shape = np.shape(found) if isinstance(found, (np.ndarray, pd.DataFrame, pd.Series)) else None
    kind = type(found).__name__
    return f"a {kind}" if shape is None else f"a {kind} of shape {shape}"


def _same(returned: tuple[tuple[str, ...], FloatArray], answers: tuple[str, ...], name: str, under: str) -> FloatArray:
    """The values, which must have the names that the full sample gave."""
    if returned[0] != answers:
        raise ArgumentError(
            f"{name}: the function returned {len(returned[0])} numbers ({listed(returned[0])}) under {under}, and "
            f"{len(answers)} ({listed(answers)}) under the full-sample weights. They must be the same ones."
        )
    return returned[1]


def _keys(work: Sequence[_Repeated], groups: pd.DataFrame, counts: list[int], name: str) -> pd.DataFrame:
    """Key columns: the name, by columns, answer, statistic."""
    keys = groups.iloc[np.repeat(np.arange(len(groups)), counts)].reset_index(drop=True)
    keys.insert(0, schema.VARIABLE, name)
    return keys.assign(**{schema.ANSWER: [a for r in work for a in r.answers], schema.STATISTIC: name})
