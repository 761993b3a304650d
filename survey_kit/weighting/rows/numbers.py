"""A column as numbers, for every verb that calculates with one."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.weighting.rows.subject import Subject


def numbers_of(subject: Subject, name: Hashable) -> tuple[FloatArray, BoolArray]:
    """Numbers of a column, and which rows have one (infinite ones among them: the caller says what is wrong). Shapes (n,).

    The column must exist and be numeric. User-missing codes of a survey are no numbers.

    Raises:
        UndeclaredMissingError: codes of a survey that read like "don't know" would enter as numbers.
    """
    column = subject.frame[name]
    numbers = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if subject.codebook is None or name not in subject.codebook:
        return numbers, ~np.isnan(numbers)
    from survey_kit.block import number  # loaded for surveys only

    finite = subject.frame[[name]].replace([np.inf, -np.inf], np.nan)
    return numbers, number(finite, subject.codebook[str(name)]).base | np.isinf(numbers)
