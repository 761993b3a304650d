"""In what an estimate is read: a share in percent, a difference of shares in points, or a number, with or without sign.

Printing, tables and charts ask here, so that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit import schema
from survey_kit.results.statistics import EFFECT, PREDICTION, SHARES, heading

SHARE, POINTS, NUMBER, DIFFERENCE = "share", "points", "number", "difference"
UNIT = "sk_unit"  # column that tables and charts add to a result frame
HEADINGS = {SHARE: "%", POINTS: "Points"}

_TOLERANCE = 1e-9


def units_of(statistics: pd.Series, context: Mapping[str, Any]) -> np.ndarray:
    """The unit of each estimate by its statistic; effects are points where the outcome is a probability. Shape (K,)."""
    text = statistics.astype(str)
    out = np.full(len(text), NUMBER, dtype=object)
    out[text.isin(SHARES).to_numpy()] = SHARE
    out[(text == "difference").to_numpy()] = DIFFERENCE
    binary = context.get("family") == "binomial"
    out[(text == EFFECT).to_numpy()] = POINTS if binary else DIFFERENCE
    if binary:
        out[(text == PREDICTION).to_numpy()] = SHARE
    return out


def column_heading(statistics: Iterable[str], units: Iterable[str]) -> str:
    """The heading of a column of estimates: their unit where all are shares or points, else their statistic.

    >>> column_heading(["mean"], ["number"]), column_heading(["proportion"], ["share"])
    ('Mean', '%')
    """
    kinds, names = set(units), set(statistics)
    if len(kinds) == 1 and kinds <= HEADINGS.keys():
        return HEADINGS[kinds.pop()]
    return heading(names.pop()) if len(names) == 1 else "Estimate"


def units_of_frame(frame: pd.DataFrame) -> np.ndarray:
    """Units of a bare frame: by statistic; differences with answers are points where every value is a share. Shape (K,)."""
    units = units_of(frame[schema.STATISTIC], {})
    sizes = pd.to_numeric(frame[schema.ESTIMATE], errors="coerce").abs().to_numpy(dtype=float, na_value=np.nan)
    if (frame[schema.ANSWER].astype(str) != "").all() and not (sizes > 1).any():
        units[units == DIFFERENCE] = POINTS
    return units


def combined_units(matrix: sp.csr_array, units: np.ndarray) -> np.ndarray:
    """Units of the linear combinations `matrix @ theta`. Shapes (M, K), (K,) -> (M,).

    Coefficients that sum to zero make a difference: of shares, points. Weights that sum to one make an average: of
    shares, a share. Combinations of points are points. Everything else is a number, since a sum of shares need not be a
    share.
    """
    out = np.full(matrix.shape[0], NUMBER, dtype=object)
    starts = matrix.indptr[:-1]
    filled = np.flatnonzero(starts < matrix.indptr[1:])
    if not len(filled):
        return out
    starts = starts[filled]
    codes = pd.Index((SHARE, POINTS, NUMBER, DIFFERENCE)).get_indexer(units)[matrix.indices]
    least, most = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
    total, size = np.add.reduceat(matrix.data, starts), np.add.reduceat(np.abs(matrix.data), starts)
    zero = np.abs(total) <= _TOLERANCE * size
    average = (np.abs(total - 1) <= _TOLERANCE) & (np.minimum.reduceat(matrix.data, starts) > 0)
    kind = units[matrix.indices[starts]]
    already = np.isin(kind, (POINTS, DIFFERENCE))
    difference = np.where(kind == SHARE, POINTS, DIFFERENCE)
    found = np.where(already | (average & ~zero), kind, np.where(zero, difference, NUMBER))
    out[filled] = np.where(least == most, found, NUMBER)
    return out
