"""Base weights from the probabilities with which people were selected."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias, TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, UnsupportedOption, listed
from survey_kit.kernels.groups import FloatArray
from survey_kit.results.weights import Weights
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.rows.subject import Subject, subject_of

S = TypeVar("S", bound=SurveyLike)

Probabilities: TypeAlias = Hashable | Sequence[Hashable] | pd.Series | np.ndarray | None


@overload
def base_weights(
    data: pd.DataFrame,
    probabilities: Probabilities = None,
    *,
    adults: Hashable | None = None,
    phones: Hashable | None = None,
) -> Weights: ...
@overload
def base_weights(  # type: ignore[overload-cannot-match]
    data: S, probabilities: Probabilities = None, *, adults: Hashable | None = None, phones: Hashable | None = None
) -> S: ...
def base_weights(
    data: pd.DataFrame | SurveyLike,
    probabilities: Probabilities = None,
    *,
    adults: Hashable | None = None,
    phones: Hashable | None = None,
) -> Weights | SurveyLike:
    """Base weights: adults / (product of the probabilities x phones).

    Args:
        data: a DataFrame, or a survey that was not weighted before.
        probabilities: column of the selection probability; several columns are stages and are multiplied; or a Series or an
            array. None: 1.
        adults: column with the number of people among whom one was selected in the household.
        phones: column with the number of telephone lines (or numbers) through which the household could be selected.

    Returns:
        Weights for a DataFrame (`method` "base"); for a survey the same survey under them.

    Raises:
        ArgumentError: probabilities outside (0, 1], numbers of adults or phones below 1, missing values, text; or nothing to
            make weights from. UnknownNameError: no such column. UnsupportedOption: a survey that is weighted already.

    R: 1 / prob, or svydesign(probs = ~p). Stata: generate w = 1 / p. SPSS: COMPUTE. Source: Kish (1965), Survey Sampling, 11.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"p_area": [0.1, 0.1, 0.2], "p_home": [0.5, 0.25, 0.5], "adults": [1, 2, 3]})
        >>> base_weights(df, ["p_area", "p_home"], adults="adults").values.tolist()
        [20.0, 80.0, 30.0]
    """
    subject = _unweighted(data)
    if probabilities is None and adults is None and phones is None:
        raise ArgumentError("There is nothing to make base weights from. Give probabilities='p', adults=, or phones=.")
    inverse = np.ones(subject.n)
    for values, name in _stages(subject, probabilities):
        inverse /= _checked(values, name, "a probability above 0 and at most 1", 0.0, 1.0)
    for column, sign in ((adults, 1), (phones, -1)):
        if column is not None:
            name = repr(column)
            inverse *= (
                _checked(subject.column(column), name, "a number of at least 1", np.nextafter(1, 0), np.inf) ** sign
            )
    return hand_back(subject, weights_of(subject, Made(values=inverse, method="base", solver="closed form")))


def _unweighted(data: pd.DataFrame | SurveyLike) -> Subject:
    if isinstance(data, pd.DataFrame):
        return subject_of(data)
    design = getattr(data, "design", None)
    if design is not None and (design.adjustments or design.replicates is not None or getattr(data, "weights", None)):
        raise UnsupportedOption(
            "This survey is weighted already, and base weights come first: make them before other weighting and replicates."
        )
    return subject_of(data, np.ones(len(data.codes)) if design is not None else None)


def _stages(subject: Subject, probabilities: Probabilities) -> list[tuple[pd.Series, str]]:
    if probabilities is None:
        return []
    if isinstance(probabilities, pd.Series):
        if not probabilities.index.equals(subject.frame.index):
            raise ArgumentError(
                "probabilities is a Series whose index is not that of the data. Give it the same index."
            )
        return [(probabilities, "probabilities")]
    if isinstance(probabilities, np.ndarray):
        if probabilities.shape != (subject.n,):
            raise ArgumentError(f"probabilities has shape {probabilities.shape}; the data have {subject.n} rows.")
        return [(pd.Series(probabilities), "probabilities")]
    names = probabilities if isinstance(probabilities, (list, tuple)) else (probabilities,)
    return [(subject.column(name), repr(name)) for name in names]


def _checked(values: pd.Series, name: str, what: str, above: float, most: float) -> FloatArray:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        raise ArgumentError(f"{name} holds {values.dtype} values, not numbers. Convert it with pd.to_numeric first.")
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~((numbers > above) & (numbers <= most) & np.isfinite(numbers)))
    if len(wrong):
        raise ArgumentError(
            f"{name} is not {what} in {len(wrong)} of {len(numbers)} rows (row {listed(wrong + 1)}; the first has "
            f"{numbers[wrong[0]]:g}). Correct these rows, or leave them out."
        )
    return numbers
