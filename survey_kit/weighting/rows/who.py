"""Which rows are meant: a column of yes and no, an array, or a condition in words."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError, listed, unknown
from survey_kit.kernels.groups import BoolArray
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.rows.subject import Subject

Who: TypeAlias = str | pd.Series | np.ndarray | list[bool]


def rows_where(subject: Subject, who: Who, argument: str) -> BoolArray:
    """True for the rows that `who` means. Shape (n,).

    Args:
        who: the name of a column of True and False (or 1 and 0); an array or a Series of these; for a survey also a condition
            in words, such as "status == 1" (rows for which it is unknown are not meant).
        argument: what the caller calls it, for errors.

    Raises:
        UnknownNameError: no such column. ArgumentError: other values than yes and no, missing values, another length.
    """
    if isinstance(who, str):
        return _named(subject, who, argument)
    if isinstance(who, pd.Series):
        if not who.index.equals(subject.frame.index):
            raise ArgumentError(
                f"{argument} is a Series whose index is not that of the data. Give it the same index, or pass .to_numpy()."
            )
        return _yes(who, argument)
    values = np.asarray(who)
    if values.shape != (subject.n,):
        raise ArgumentError(
            f"{argument} has shape {values.shape}; the data have {subject.n} rows, so give ({subject.n},)."
        )
    return _yes(pd.Series(values), argument)


def _named(subject: Subject, who: str, argument: str) -> BoolArray:
    if who in subject.frame.columns:
        check_column(who, subject.frame.columns)
        if subject.codebook is not None and who in subject.codebook:
            missing = subject.codebook[who].is_missing(subject.frame[who])
            return _yes(subject.frame[who].mask(missing), f"{argument}={who!r}", f'{argument}="{who} == 1"')
        return _yes(subject.frame[who], f"{argument}={who!r}")
    if subject.codebook is None or who.isidentifier():
        raise unknown("column", who, subject.frame.columns)
    from survey_kit.recode import evaluate  # loaded for surveys only

    return evaluate(who, subject.frame, subject.codebook)


def _yes(values: pd.Series, argument: str, condition: str = "data['status'] == 'interview'") -> BoolArray:
    absent = values.isna().to_numpy()
    if absent.any():
        rows = np.flatnonzero(absent) + 1
        raise ArgumentError(
            f"{argument} has no value in {len(rows)} of {len(values)} rows (row {listed(rows)}). Decide for them."
        )
    plain = values.to_numpy()
    if not np.isin(plain, (0, 1)).all():
        found = listed(dict.fromkeys(v for v in plain if v not in (0, 1)), 4)
        raise ArgumentError(
            f"{argument} must hold True and False, or 1 and 0; it has {found}. Give a condition: {condition}."
        )
    return plain.astype(bool)
