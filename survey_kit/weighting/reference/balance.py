"""How like a reference a sample is, before weighting and after it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.weighting.reference.sample import Pair, Shared

SHARE, MEAN = "share", "mean"


def compared(pair: Pair, weights: FloatArray) -> pd.DataFrame:
    """One row for each category and each number of the model.

    Columns: variable, category ("mean" for numbers), measure ("share" or "mean"), unweighted_n, before (under the base
    weights), reference, after, gap (after - reference), standardised (gap over the reference's standard deviation), and
    size: 1 for shares, the reference's mean of |x| for numbers.
    """
    table = pd.concat([_of_column(column, pair, weights) for column in pair.columns], ignore_index=True)
    table["gap"] = table["after"] - table["reference"]
    sd = table.pop("sd")
    return table.assign(standardised=table["gap"] / sd.where(sd > 0))


def balance_of(table: pd.DataFrame) -> pd.DataFrame:
    """What `details["balance"]` shows of a comparison. R: cobalt::bal.tab."""
    return table.drop(columns="size")


def targets_of(table: pd.DataFrame, total: float) -> pd.DataFrame:
    """A comparison in the columns of `Weights.targets`, with what is achieved; `total`: what categories sum to.

    "Shares" of a number are parts of its size, as in calibration to means.
    """
    per = table["size"]
    unit = np.where(table["measure"] == SHARE, total, 1.0)
    return pd.DataFrame(
        {
            "variable": table["variable"],
            "category": table["category"],
            "target_share": table["reference"] / per,
            "target": table["reference"] * unit,
            "unweighted_n": table["unweighted_n"],
            "base_share": table["before"] / per,
            "achieved_share": table["after"] / per,
            "gap": table["gap"] / per,
            "achieved": table["after"] * unit,
        }
    )


def _of_column(column: Shared, pair: Pair, weights: FloatArray) -> pd.DataFrame:
    base, d = pair.subject.base, pair.reference.weight
    if not column.categories:
        before, reference, after = (
            np.array([w @ values / w.sum()])
            for w, values in ((base, column.sample), (d, column.reference), (weights, column.sample))
        )
        sd = np.sqrt(d @ (column.reference - reference) ** 2 / d.sum())
        size = float(d @ np.abs(column.reference) / d.sum()) or 1.0
        n, names = np.array([np.count_nonzero(base)]), [MEAN]
        return _table(column.name, names, MEAN, n, (before, reference, after), sd, size)
    k = len(column.categories)
    before, reference, after = (
        weighted_counts(codes, w, k) / w.sum()
        for codes, w in ((column.sample, base), (column.reference, d), (column.sample, weights))
    )
    n = np.bincount(column.sample[base > 0], minlength=k)
    sd = np.sqrt(reference * (1 - reference))
    table = _table(column.name, list(column.categories), SHARE, n, (before, reference, after), sd, 1.0)
    return table[(n > 0) | (reference > 0)]


def _table(
    name: str,
    categories: list[str],
    measure: str,
    n: IntArray,
    shares: tuple[FloatArray, FloatArray, FloatArray],
    sd: FloatArray | float,
    size: float,
) -> pd.DataFrame:
    facts = {"category": categories, "measure": measure, "unweighted_n": n}
    found = dict(zip(("before", "reference", "after"), shares, strict=True))
    return pd.DataFrame({"variable": name, **facts, **found, "sd": sd, "size": size})
