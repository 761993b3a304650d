"""Strata and sampling units of each stage as dense integer codes, with the row where each is first met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from survey_kit.errors import DesignError, listed
from survey_kit.kernels.groups import FloatArray, IntArray, combine

_EXACT = 2**53  # whole numbers up to here are exact as floating-point numbers


@dataclass(frozen=True, eq=False)
class Level:
    """One stage.

    Attributes:
        stratum, unit: of each row, numbered from 0. A unit lies in one stratum, a stratum in one unit above. Shape (n,).
        lead, first: the first row of each stratum and of each unit. Shapes (H,), (U,).
    """

    stratum: IntArray
    unit: IntArray
    lead: IntArray
    first: IntArray

    @cached_property
    def of_unit(self) -> IntArray:
        """Stratum of each unit. Shape (U,)."""
        return self.stratum[self.first]

    @cached_property
    def size(self) -> IntArray:
        """Units in each stratum. Shape (H,)."""
        return np.bincount(self.of_unit, minlength=len(self.lead))


def levels_of(strata: Sequence[str], psu: Sequence[str], codes: pd.DataFrame) -> list[Level]:
    """The stages of a sample; without units each row is one.

    Raises:
        DesignError: a stratum or unit is missing.
    """
    out: list[Level] = []
    for depth in range(max(len(psu), 1)):
        above = [out[-1].unit] if out else []
        own = [_codes_of(codes, strata[depth], "strata")] if depth < len(strata) else []
        stratum, lead = _numbered([*above, *own], len(codes))
        if depth < len(psu):
            unit, first = combine([stratum, _codes_of(codes, psu[depth], "psu")])
        else:
            unit = first = np.arange(len(codes))
        out.append(Level(stratum, unit, lead, first))
    return out


def _numbered(keys: list[IntArray], n: int) -> tuple[IntArray, IntArray]:
    """Combinations of keys and their first rows; all rows one group without a key."""
    return combine(keys) if keys else (np.zeros(n, dtype=np.int64), np.zeros(min(n, 1), dtype=np.int64))


def _codes_of(codes: pd.DataFrame, name: str, role: str) -> IntArray:
    """Integer codes of a design column, in the order of its values; missing values are an error."""
    small = _small_numbers(codes[name])
    if small is not None:
        return small
    code, _ = pd.factorize(codes[name], sort=True)
    missing = np.flatnonzero(code < 0)
    if len(missing):
        rows = listed(int(r) + 1 for r in missing)
        raise DesignError(
            f"Column {name!r} ({role}) is missing in {len(missing)} of {len(codes)} rows (row {rows}). "
            "Every row of the sample needs its place in the design; fill it in or drop the rows before the design is set."
        )
    return code.astype(np.int64, copy=False)


def _small_numbers(column: pd.Series) -> IntArray | None:
    """Whole numbers within a narrow range, counted from their smallest: codes without hashing. None for others."""
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "iuf" or not len(column):
        return None
    values = column.to_numpy()
    low, high = values.min(), values.max()
    exact = low >= -_EXACT and high <= _EXACT
    if not exact or float(high) - float(low) > 4 * len(values) + 1000:
        return None
    whole = values.astype(np.int64)
    if column.dtype.kind == "f" and (whole != values).any():
        return None
    return whole - np.int64(low)


def number_column(codes: pd.DataFrame, name: str, role: str, advice: str) -> FloatArray:
    """A column of finite numbers above zero. Raises DesignError naming the rows."""
    if not pd.api.types.is_numeric_dtype(codes[name]):
        raise DesignError(f"Column {name!r} ({role}) holds text. {advice}")
    values = codes[name].to_numpy(dtype=float, na_value=np.nan)
    if len(values) and not (values.min() > 0 and values.max() < np.inf):
        bad = np.flatnonzero(~(values > 0) | ~np.isfinite(values))
        rows = listed(int(r) + 1 for r in bad)
        raise DesignError(f"Column {name!r} ({role}) is missing, zero, negative or infinite in row {rows}.")
    return values
