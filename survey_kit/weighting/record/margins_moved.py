"""What becomes of the targets that weights met before, once the weights are trimmed or scaled: nothing happens unseen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from survey_kit.errors import listed
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts
from survey_kit.kernels.raking_rounds import RakingRounds
from survey_kit.kernels.residualize import CellMeans, Cells, Told
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.rows.subject import Subject, answers

_SAME = 1e-9  # a share that is known again differs by no more than this
_MOVED = 1e-9  # of the total; less is rounding


def restated(subject: Subject, values: FloatArray) -> tuple[pd.DataFrame | None, tuple[Notice, ...]]:
    """The targets of the last step that had any, with what `values` (n,) reach, and a notice of how far they moved.

    The categories of the rows are taken from what the step left for variances, or from the survey. Targets of which neither
    tells them are left out of the table and named in a notice; None where nothing is left.
    """
    step = _last_with_targets(subject.before)
    if step is None:
        return None, ()
    shares = step.targets["achieved_share"].to_numpy(dtype=float).copy()
    if not _only_scaled(step, values):
        shares[:] = np.nan
        for rows, reached in _reached(step, subject, values):
            shares[rows] = reached
    known = ~np.isnan(shares)
    told = _unknown(step, known)
    if not known.any():
        return None, told
    table = _table(step, shares, float(values.sum()))[known].reset_index(drop=True)
    return table, (*_moved(step, shares), *told)


def _only_scaled(step: Weights, values: FloatArray) -> bool:
    """Whether the weights are those of the step times one number, so that every share is what it was."""
    before = step.values.to_numpy(dtype=float)
    return len(before) == len(values) and bool(
        np.allclose(values * (before.sum() / values.sum()), before, rtol=1e-12, atol=0.0)
    )


def _unknown(step: Weights, known: BoolArray) -> tuple[Notice, ...]:
    lost = [repr(str(v)) for v in dict.fromkeys(step.targets["variable"][~known])]
    if not lost:
        return ()
    text = (
        f"How far earlier targets moved is not told, since these weights do not carry their categories: {listed(lost)}. "
        "Weights that are calibrated and trimmed in a survey have them."
    )
    return (Notice("margins_unknown", text, len(lost)),)


def _last_with_targets(before: Weights | None) -> Weights | None:
    steps = () if before is None else before.steps
    return next((s for s in reversed(steps) if not s.targets.empty), None)


def _table(step: Weights, shares: FloatArray, total: float) -> pd.DataFrame:
    table = step.targets.drop(columns="achieved", errors="ignore")
    table["achieved_share"] = shares
    table["gap"] = shares - table["target_share"]
    table["target"] = table["target"] * (total / float(step.values.sum()))
    return table


def _moved(step: Weights, shares: FloatArray) -> tuple[Notice, ...]:
    by = np.nan_to_num(shares - step.targets["achieved_share"].to_numpy(dtype=float))
    worst = int(np.abs(by).argmax())
    if abs(by[worst]) <= _MOVED:
        return ()
    row = step.targets.iloc[worst]
    text = (
        f"The margins moved by up to {100 * abs(by[worst]):.2g} points: {row['variable']}: {row['category']} from "
        f"{row['achieved_share']:.2%} to {shares[worst]:.2%} (target {row['target_share']:.2%})."
    )
    return (Notice("margins_moved", text),)


def _reached(step: Weights, subject: Subject, values: FloatArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """For each target that can be told again: its rows of the table and the shares that the values reach."""
    names = step.targets["variable"]
    tables = [np.flatnonzero((names == v).to_numpy()) for v in dict.fromkeys(names)]
    told = step.adjustments[-1].told if step.adjustments else None
    for rows, codes in zip(tables, _kept(step, len(tables)), strict=True):
        number = _number_again(step, rows, _numbers(step, rows, subject, told), values)
        if number is not None:
            yield rows, number
            continue
        for candidate in (codes, _as_told(step, rows, told), _from_data(step, rows, subject)):
            found = None if candidate is None else _shares_again(step, rows, candidate, values)
            if found is not None:
                yield rows, found
                break


def _kept(step: Weights, margins: int) -> list[IntArray | None]:
    """Categories that the step keeps for variances, one array for each margin."""
    features = step.adjustments[-1].features if step.adjustments else None
    law = step.adjustments[-1].law if step.adjustments else None
    if isinstance(features, Cells) and isinstance(law, RakingRounds) and len(law.margins) >= margins:
        return [m[features.code] for m in law.margins[:margins]]
    if isinstance(features, Cells) and isinstance(law, CellMeans) and margins == 1:
        return [features.code]
    return [None] * margins


def _from_data(step: Weights, rows: IntArray, subject: Subject) -> IntArray | None:
    """The categories of one margin from a column of the survey."""
    name, categories = step.targets["variable"].iloc[rows[0]], step.targets["category"].iloc[rows]
    if name not in subject.frame.columns:
        return None
    found = answers(subject, name)
    places = [found.known_as.get(str(c), []) for c in categories]
    if any(len(p) != 1 for p in places):
        return None
    position = np.full(len(found.names) + 1, -1, dtype=np.int64)
    position[[p[0] for p in places]] = np.arange(len(places))
    return position[found.codes]


def _as_told(step: Weights, rows: IntArray, told: Told | None) -> IntArray | None:
    """The categories that the step itself says its margin was about."""
    codes = None if told is None else told.categories.get(step.targets["variable"].iloc[rows[0]])
    return None if codes is None else codes.astype(np.int64)


def _numbers(step: Weights, rows: IntArray, subject: Subject, told: Told | None) -> FloatArray | None:
    """The values of a numeric target, from the step or from a column of the survey; None where it is none. Shape (n,)."""
    row = step.targets.iloc[rows[0]]
    if len(rows) > 1 or row["category"] not in ("mean", "total"):
        return None
    if told is not None and str(row["variable"]) in told.numbers:
        return told.numbers[str(row["variable"])]
    column = subject.frame.get(row["variable"])
    return None if column is None else column.to_numpy(dtype=np.float64, na_value=np.nan)


def _number_again(step: Weights, rows: IntArray, y: FloatArray | None, values: FloatArray) -> FloatArray | None:
    """What the mean of a numeric target has become, on the scale of its row; None where its values are not known."""
    row, before = step.targets.iloc[rows[0]], step.values.to_numpy(dtype=np.float64)
    if y is None or len(y) != len(values):
        return None
    mean = float(before @ y) / before.sum()
    if not np.isfinite(mean) or mean == 0:
        return None
    return np.array([row["achieved_share"] * float(values @ y) / values.sum() / mean])


def _shares_again(step: Weights, rows: IntArray, codes: IntArray, values: FloatArray) -> FloatArray | None:
    """The shares of the categories under `values`; None where these codes do not give the shares that the step stated."""
    before = step.values.to_numpy(dtype=float)
    if len(codes) != len(before) or codes.max(initial=-1) >= len(rows):
        return None
    stated = step.targets["achieved_share"].to_numpy(dtype=float)[rows]
    for covered in (True, False):
        if np.abs(_shares(codes, before, len(rows), covered) - stated).max(initial=0.0) <= _SAME:
            return _shares(codes, values, len(rows), covered)
    return None


def _shares(codes: IntArray, values: FloatArray, size: int, covered: bool) -> FloatArray:
    """Shares of what rows with a category weigh, or of what all rows weigh."""
    held = weighted_counts(codes + 1, values, size + 1)
    return held[1:] / (held[1:] if covered else held).sum()
