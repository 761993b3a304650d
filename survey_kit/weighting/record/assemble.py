"""From weights as an array to the `Weights` result: the table of targets against what was reached, and the notices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import FloatArray, weighted_counts
from survey_kit.kernels.weight_stats import effective_n, weight_range
from survey_kit.schema import Notice
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.target_set import Margin, TargetSet

EXTREME_RATIO = 10.0  # max / median beyond which weights are called extreme
LOW_EFFICIENCY = 1 / 3  # effective n / n below which they are


def target_table(subject: Subject, wanted: TargetSet, weights: FloatArray) -> pd.DataFrame:
    """One row per category of every margin, with what the weights reach. See `Weights.targets` for the columns."""
    tables = [_margin_table(m, subject, wanted.total, weights) for m in wanted.margins]
    return pd.concat(tables, ignore_index=True)


def largest_gap(table: pd.DataFrame) -> float:
    """Largest |achieved - target| / total of a target table; NaN counts as infinitely far."""
    gap = np.abs(table["gap"].to_numpy(dtype=float))
    return float(np.where(np.isnan(gap), np.inf, gap).max(initial=0.0))


def base_notices(subject: Subject) -> tuple[Notice, ...]:
    """What a reader must know of the base weights: zeros, and a few rows that carry the total."""
    zero = int((subject.base == 0).sum())
    zeros = (Notice("zero_base", f"Rows with base weight 0, kept at weight 0: {zero}.", zero),) if zero else ()
    return (*zeros, *(weight_notices(subject.base, "Extreme base weights") if subject.weighted else ()))


def weight_notices(weights: FloatArray, what: str = "Extreme weights") -> tuple[Notice, ...]:
    """A notice when a few rows carry the result: max / median > 10, or effective n < n / 3."""
    spread = weight_range(weights)
    reasons = []
    if spread.n and spread.high > EXTREME_RATIO * spread.median:
        reasons.append(f"the largest is {spread.high / spread.median:.1f} times the median")
    if spread.n and effective_n(weights) < LOW_EFFICIENCY * spread.n:
        reasons.append(f"{spread.n} rows are worth {effective_n(weights):.1f}")
    if not reasons:
        return ()
    return (Notice("extreme_weights", f"{what}: {' and '.join(reasons)}. Bound them, or merge categories."),)


def _margin_table(margin: Margin, subject: Subject, total: float, weights: FloatArray) -> pd.DataFrame:
    """Shares are of the total; those of a relative margin of what the rows that it covers weigh together."""
    size = len(margin.categories)
    covered = margin.codes >= 0
    everyone = bool(covered.all())

    def held(row_weights: FloatArray) -> FloatArray:
        if everyone:
            return weighted_counts(margin.codes, row_weights, size)
        return weighted_counts(margin.codes[covered], row_weights[covered], size)

    reached, base = held(weights), held(subject.base)
    whole, base_whole = (reached.sum(), base.sum()) if margin.relative else (total, subject.total)
    achieved = reached / whole
    table = pd.DataFrame(
        {
            "variable": margin.name,
            "category": list(margin.categories),
            "target_share": margin.shares,
            "target": margin.shares * whole,
            "unweighted_n": np.bincount(margin.codes[covered & (subject.base > 0)], minlength=size),
            "base_share": base / base_whole,
            "achieved_share": achieved,
            "gap": achieved - margin.shares,
        }
    )
    return table.join(margin.extra, suffixes=(None, "_given")) if margin.extra.shape[1] else table
