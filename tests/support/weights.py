"""Weights made by hand, so that what is shown of them is known without a verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.results.weights import TARGET_COLUMNS, Weights

Margin = tuple[str, str, float, float, float]  # variable, category, share before, target, share after


def targets_of(rows: Sequence[Margin], n: int = 100) -> pd.DataFrame:
    """A table of targets; `n` rows in each category."""
    table = pd.DataFrame(rows, columns=["variable", "category", "base_share", "target_share", "achieved_share"])
    table = table.assign(target=table["target_share"] * 1000, unweighted_n=n)
    return table.assign(gap=table["achieved_share"] - table["target_share"])[list(TARGET_COLUMNS)]


def with_number(
    table: pd.DataFrame, variable: str, kind: str, before: float, target: float, after: float
) -> pd.DataFrame:
    """The table with a mean or a total of a number, as calibration writes them."""
    size = abs(target) or abs(after)
    shares = {"target_share": target / size, "base_share": before / size, "achieved_share": after / size}
    row = {"variable": variable, "category": kind, "target": target, "unweighted_n": 200, "achieved": after, **shares}
    row["gap"] = (after - target) / size
    known = table if "achieved" in table else table.assign(achieved=table["achieved_share"] * 1000)
    return pd.concat([known, pd.DataFrame([row])], ignore_index=True)


def weights_by_hand(
    rows: Sequence[Margin] | pd.DataFrame = (), values: Sequence[float] | np.ndarray = (0.5, 1.5), **fields: Any
) -> Weights:
    """Weights with these values and targets; the base is 1 where a weight is not 0."""
    series = pd.Series(np.asarray(values, dtype=float), name="weight")
    table = rows if isinstance(rows, pd.DataFrame) else targets_of(rows)
    gap = float(table["gap"].abs().max()) if len(table) else 0.0
    made = Weights(series, (series != 0).astype(float), table, "rake", "ipf", 4, gap)
    return replace(made, **fields)
