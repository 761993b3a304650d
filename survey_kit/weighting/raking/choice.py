"""Which margins are raked to: the measures of how far each is off, and the rule that chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, one_of
from survey_kit.kernels.groups import FloatArray, weighted_counts
from survey_kit.weighting.rows.arguments import check_whole
from survey_kit.weighting.targets.shares import Margin

Measure = Literal["total", "max", "average", "totalsquared", "maxsquared", "averagesquared"]
Keep = Literal["largest", "smallest"]

MEASURES = ("total", "max", "average", "totalsquared", "maxsquared", "averagesquared")


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule by which margins are chosen."""

    limit: float | None
    measure: str
    at_least: int | None
    at_most: int | None
    keep: str

    def first(self, sizes: FloatArray) -> list[int]:
        """Positions chosen by their measures (M,), in the order of the targets."""
        over = self.over(sizes)
        if self.at_least is not None and len(over) < self.at_least:
            return self.furthest(sizes, self.at_least)
        if self.at_most is not None and len(over) > self.at_most:
            return self.furthest(sizes, self.at_most)
        return over

    def over(self, sizes: FloatArray) -> list[int]:
        """Positions whose measure reaches the limit."""
        return [int(i) for i in np.flatnonzero(sizes >= (-np.inf if self.limit is None else self.limit))]

    def furthest(self, sizes: FloatArray, count: int) -> list[int]:
        """The positions of so many that are furthest off, or with keep="smallest" R's choice of those that are least."""
        if self.keep == "largest":
            return sorted(int(i) for i in np.argsort(-sizes, kind="stable")[:count])
        rank = (sizes[:, None] > sizes).sum(axis=1) + ((sizes[:, None] == sizes).sum(axis=1) + 1) / 2
        return [int(i) for i in np.flatnonzero(rank <= count)]

    def settled(self, over: int) -> bool:
        """Whether so many that reach the limit leave nobody to join after raking."""
        if self.at_most is not None and over > self.at_most:
            return True
        return self.keep == "smallest" and self.at_least is not None and over <= self.at_least

    def check(self, margins: int) -> None:
        """Refuse more margins than there are."""
        if self.at_least is not None and self.at_least > margins:
            raise ArgumentError(f"at_least={self.at_least} margins are asked for, but targets are given for {margins}.")


def choice_of(
    limit: float | None, measure: str, at_least: int | None, at_most: int | None, keep: str = "largest"
) -> Choice:
    """The checked rule.

    Raises:
        ArgumentError.
    """
    one_of("measure", measure, MEASURES)
    one_of("keep", keep, ("largest", "smallest"))
    if limit is not None and not (is_number(limit) and 0 <= limit <= 1):
        raise ArgumentError(f"limit={limit!r} must be a share: 0.05 for five points; None for no limit.")
    for name, value in (("at_least", at_least), ("at_most", at_most)):
        if value is not None:
            check_whole(name, value)
    if limit is None and at_least is not None:
        raise ArgumentError("at_least has no meaning without a limit: all margins are taken.")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise ArgumentError(f"at_least={at_least} is more than at_most={at_most}.")
    if keep == "smallest" and at_least is None and at_most is None:
        raise ArgumentError('keep="smallest" has no meaning without at_least or at_most.')
    return Choice(limit, measure, at_least, at_most, keep)


def measure_table(margins: Sequence[Margin], weights: FloatArray) -> pd.DataFrame:
    """variable and the six measures under weights (n,). One row for each margin."""
    rows = [{"variable": m.name, **_measures(_gaps(m, weights))} for m in margins]
    return pd.DataFrame(rows, columns=["variable", *MEASURES])


def _gaps(margin: Margin, weights: FloatArray) -> FloatArray:
    """Target share - share among the rows with a category. Shape (k,)."""
    k = len(margin.shares)
    held = weighted_counts(margin.codes + 1, weights, k + 1)[1:]
    return margin.shares - held / held.sum()


def _measures(gaps: FloatArray) -> dict[str, float]:
    absolute, squared = np.abs(gaps), gaps**2
    numbers = (v for x in (absolute, squared) for v in (x.sum(), x.max(), x.mean()))
    return dict(zip(MEASURES, map(float, numbers), strict=True))
