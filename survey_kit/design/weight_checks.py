"""Weights and constants that cannot be used are refused, with the rows named."""

from __future__ import annotations

from numbers import Real
from typing import TypeGuard

import numpy as np
import pandas as pd

from survey_kit.errors import InvalidWeightError, listed
from survey_kit.kernels.groups import FloatArray


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number, and neither text nor True or False."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def check_weights(values: pd.Series | np.ndarray, name: str = "weights") -> FloatArray:
    """Weights as floats, shape (n,): finite, not negative, not all zero.

    Raises:
        InvalidWeightError: with how many values are wrong and the first rows (counted from 1).

    >>> check_weights(np.array([1, -2.0]), "w")
    Traceback (most recent call last):
        ...
    survey_kit.errors.InvalidWeightError: Weight 'w' is negative in 1 of 2 rows (row 2). ...
    """
    series = pd.Series(values)
    if not (pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series)):
        raise InvalidWeightError(
            f"Weight {name!r} is not a number column but {series.dtype}. Convert or correct it first."
        )
    weight = series.to_numpy(dtype=float, na_value=np.nan)
    checks = (
        ("missing", np.isnan(weight), "Fill in the weight, or drop these rows knowingly before the design is set."),
        ("infinite", np.isinf(weight), "Correct the weight."),
        ("negative", weight < 0, "Sampling weights are at least zero; bound the calibration that made them."),
    )
    for what, bad, advice in checks:
        if bad.any():
            rows = listed(int(r) + 1 for r in np.flatnonzero(bad))
            raise InvalidWeightError(
                f"Weight {name!r} is {what} in {int(bad.sum())} of {len(weight)} rows (row {rows}). {advice}"
            )
    if len(weight) and not weight.any():
        raise InvalidWeightError(f"Weight {name!r} is zero in all {len(weight)} rows. Nobody would count.")
    return weight
