"""Counts of cells from a population as a table: one row for each unit, or for each cell with its count."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from survey_kit.errors import TargetError, listed, unknown

COUNTS = ("target", "count", "n", "freq", "weight")


def population_counts(population: pd.DataFrame, by: tuple[Hashable, ...]) -> pd.DataFrame:
    """The counts of the cells of `by` in the long form that `read_targets` knows, in the order of their categories.

    Args:
        population: columns `by`, and one of counts: target, count, n, N, Freq or weight. Without one every row counts 1.

    Raises:
        UnknownNameError: a column of `by` is absent. TargetError: missing values, several columns of counts, or counts that
            are no numbers.
    """
    for name in by:
        if name not in population.columns:
            raise unknown("column of the population", name, population.columns)
    if len(population) == 0:
        raise TargetError("The population has no rows.")
    absent = {str(name): int(population[name].isna().sum()) for name in by if population[name].isna().any()}
    if absent:
        shown = listed(f"{name!r} in {n}" for name, n in absent.items())
        raise TargetError(f"The population has no value of {shown} of {len(population)} rows. Impute it, or drop them.")
    keys = population[list(by)]
    cells = (
        pd.DataFrame({"count": _counts(population, by)})
        .groupby([keys[name] for name in by], observed=True)
        .sum()["count"]
    )
    several = len(by) > 1
    return pd.DataFrame(
        {
            "variable": pd.Series([by if several else by[0]] * len(cells), dtype=object),
            "category": pd.Series(list(cells.index), dtype=object),
            "target": cells.to_numpy(),
        }
    )


def _counts(population: pd.DataFrame, by: tuple[Hashable, ...]) -> np.ndarray:
    found = [c for c in population.columns if str(c).lower() in COUNTS and c not in by]
    if len(found) > 1:
        shown = listed(map(repr, found))
        raise TargetError(f"The population has {len(found)} columns that could be its counts: {shown}. Keep one.")
    if not found:
        return np.ones(len(population))
    counts = pd.to_numeric(population[found[0]], errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(counts) & (counts >= 0))) + 1
    if len(wrong):
        raise TargetError(f"{found[0]!r} of the population is not a count in row {listed(wrong)}. Correct it.")
    return counts
