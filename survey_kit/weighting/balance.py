"""How like a reference a sample is, before weighting and after it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import FloatArray, weighted_counts
from survey_kit.results.weights import TARGET_COLUMNS
from survey_kit.weighting.reference_sample import Pair, Shared

SHARE, MEAN = "share", "mean"


def balance_table(pair: Pair, weights: FloatArray) -> pd.DataFrame:
    """One row for each category and each number of the model.

    Columns: variable, category ("" for numbers), measure ("share" or "mean"), unweighted_n, before (under the base
    weights), reference, after, gap (after - reference), standardised (gap over the reference's standard deviation).
    R: cobalt::bal.tab.
    """
    tables = [_of_column(column, pair, weights) for column in pair.columns]
    table = pd.concat(tables, ignore_index=True)
    table["gap"] = table["after"] - table["reference"]
    sd = table.pop("sd")
    return table.assign(standardised=table["gap"] / sd.where(sd > 0))


def targets_of(balance: pd.DataFrame, total: float) -> pd.DataFrame:
    """The categories of a balance table in the columns of `Weights.targets`; `total`: what targets sum to."""
    shares = balance[balance["measure"] == SHARE]
    table = shares.rename(columns={"before": "base_share", "reference": "target_share", "after": "achieved_share"})
    return table.assign(target=table["target_share"] * total)[list(TARGET_COLUMNS)].reset_index(drop=True)


def largest_distance(balance: pd.DataFrame) -> float:
    """The largest gap of a share, or standardised gap of a mean."""
    gap = np.where(balance["measure"] == SHARE, balance["gap"], balance["standardised"])
    return float(np.abs(gap.astype(float)).max(initial=0.0))


def _of_column(column: Shared, pair: Pair, weights: FloatArray) -> pd.DataFrame:
    base, d = pair.subject.base, pair.reference.weight
    if not column.categories:
        before, reference, after = (
            float(w @ values / w.sum())
            for w, values in ((base, column.sample), (d, column.reference), (weights, column.sample))
        )
        sd = float(np.sqrt(d @ (column.reference - reference) ** 2 / d.sum()))
        facts: dict[str, object] = {"category": [""], "measure": MEAN, "unweighted_n": int((base > 0).sum())}
        return pd.DataFrame({"variable": column.name, **facts, **_three(before, reference, after), "sd": sd})
    size = len(column.categories)
    before, reference, after = (
        weighted_counts(codes, w, size) / w.sum()
        for codes, w in ((column.sample, base), (column.reference, d), (column.sample, weights))
    )
    n = np.bincount(column.sample[base > 0], minlength=size)
    facts = {"category": list(column.categories), "measure": SHARE, "unweighted_n": n}
    sd = np.sqrt(reference * (1 - reference))
    table = pd.DataFrame({"variable": column.name, **facts, **_three(before, reference, after), "sd": sd})
    return table[(n > 0) | (reference > 0)]


def _three(before: object, reference: object, after: object) -> dict[str, object]:
    return {"before": before, "reference": reference, "after": after}
