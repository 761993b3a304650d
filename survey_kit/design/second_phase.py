"""The second phase of a two-phase design by column names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError, DesignError, NoValidData, one_of

METHODS = ("full", "approx", "simple")


@dataclass(frozen=True, eq=False)
class SecondPhase:
    """Which rows of the first phase were drawn again, and how.

    Attributes:
        rows: True for the rows of the second phase. Shape (n,).
        condition: how they were named.
        strata, psu, fpc: of each stage of the second phase; strata and units may cut across those of the first.
        weight: column of the second phase's own weight; from the counts in its strata when None.
        method: "full", "approx" or "simple" (another name of "approx").
    """

    rows: np.ndarray = field(repr=False)
    condition: str
    strata: tuple[str, ...] = ()
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    weight: str | None = None
    method: str = "full"

    def __post_init__(self) -> None:
        one_of("method", self.method, METHODS)
        if not self.rows.any():
            raise NoValidData(
                f"No row is in the second phase: {self.condition} holds for none of {len(self.rows)} rows."
            )
        for what, names in (("fpc", self.fpc), ("strata", self.strata)):
            if len(names) > max(len(self.psu), 1):
                raise ArgumentError(
                    f"{what} of the second phase names {len(names)} stages but its psu names {len(self.psu)}."
                )
        if self.weight is None and 0 < len(self.fpc) < len(self.psu):
            raise DesignError(
                f"fpc of the second phase is stated for {len(self.fpc)} of {len(self.psu)} stages, so it does not imply "
                "weights. Give weight=, or fpc of every stage."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it uses."""
        return (*([self.weight] if self.weight else []), *self.strata, *self.psu, *self.fpc)

    def describe(self) -> str:
        """In words: "second phase where in_sample == 1: strata 'rel'"."""
        own = (self.weight,) if self.weight else ()
        words = ("weighted by", "strata", "sampling units", "population sizes")
        named = zip(words, (own, self.strata, self.psu, self.fpc), strict=True)
        parts = [f"{what} {', '.join(map(repr, names))}" for what, names in named if names]
        shown = f"second phase ({int(self.rows.sum())} rows) where {self.condition}"
        variance = "" if self.method == "full" else ", approximate variance"
        return f"{shown}{': ' if parts else ''}{', '.join(parts)}{variance}"


def phase_rows(values: Any, condition: str) -> np.ndarray:
    """A column of true and false, or of 1 and 0, as rows of the second phase. Shape (n,).

    Raises:
        ArgumentError: other values, or missing ones.
    """
    numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isin(numbers, (0.0, 1.0)))
    if len(bad):
        raise ArgumentError(
            f"Column {condition!r} does not say which rows are in the second phase: row {int(bad[0]) + 1} is neither 0 nor "
            f'1. Give a column of true and false, or a condition such as "{condition} == 1".'
        )
    return numbers == 1
