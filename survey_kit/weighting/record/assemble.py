"""From weights as an array to the `Weights` result: the table of targets against what was reached, and the notices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.weight_stats import effective_n, median
from survey_kit.schema import Notice
from survey_kit.weighting.raking.cells import RakingCells, cells_of
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.target_set import Margin, TargetSet

EXTREME_RATIO = 10.0  # max / median beyond which weights are called extreme
LOW_EFFICIENCY = 1 / 3  # effective n / n below which they are


def target_table(
    subject: Subject, wanted: TargetSet, weights: FloatArray, cells: RakingCells | None = None
) -> pd.DataFrame:
    """One row per category of every margin, with what the weights reach. See `Weights.targets` for the columns.

    `cells`: the rows collapsed by these margins, where the caller has them.
    """
    cells = cells_of(wanted) if cells is None else cells
    base = subject.base
    counted = cells.rows.astype(float) if base.min() > 0 else cells.held((base > 0).astype(float))
    sums = counted, cells.held(base), cells.held(weights)
    parts = [
        _margin_columns(m, code, sums, subject.total, wanted.total)
        for m, code in zip(wanted.margins, cells.margins, strict=True)
    ]
    names = ("target_share", "target", "unweighted_n", "base_share", "achieved_share", "gap")
    table = pd.DataFrame(
        {
            "variable": [m.name for m in wanted.margins for _ in m.categories],
            "category": [c for m in wanted.margins for c in m.categories],
            **{name: np.concatenate([part[name] for part in parts]) for name in names},
        }
    )
    if not any(len(m.extra.columns) for m in wanted.margins):
        return table
    return table.join(pd.concat([m.extra for m in wanted.margins], ignore_index=True), suffixes=(None, "_given"))


def _margin_columns(
    margin: Margin,
    code: IntArray,
    sums: tuple[FloatArray, FloatArray, FloatArray],
    base_total: float,
    total: float,
) -> dict[str, np.ndarray]:
    """The columns of one margin from the rows, base weights and weights of cells (C,).

    Shares are of the total; those of a relative margin of what the rows that it covers weigh together.
    """
    size, covered = len(margin.categories), code >= 0
    n, base, reached = (weighted_counts(code[covered], s[covered], size) for s in sums)
    whole, base_whole = (reached.sum(), base.sum()) if margin.relative else (total, base_total)
    achieved = reached / whole
    return {
        "target_share": margin.shares,
        "target": margin.shares * whole,
        "unweighted_n": n.astype(np.int64),
        "base_share": base / base_whole,
        "achieved_share": achieved,
        "gap": achieved - margin.shares,
    }


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
    held = weights if weights.min(initial=1.0) > 0 else weights[weights > 0]
    n, reasons, high = len(held), [], float(held.max(initial=0.0))
    # where high > 10 medians, half of the weights lie below high / 10: the median, which costs a sort, is asked for then only
    if 2 * np.count_nonzero(held < high / EXTREME_RATIO) >= max(n, 1):
        ratio = high / median(held)
        reasons += [f"the largest is {ratio:.1f} times the median"] if ratio > EXTREME_RATIO else []
    if n and (effective := effective_n(held)) < LOW_EFFICIENCY * n:
        reasons.append(f"{n} rows are worth {effective:.1f}")
    if not reasons:
        return ()
    return (Notice("extreme_weights", f"{what}: {' and '.join(reasons)}. Bound them, or merge categories."),)
