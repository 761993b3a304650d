"""What a calibration reached: the table of targets, how far they gave way, and in words why it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.errors import listed
from survey_kit.kernels.calibrate import Calibrated
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice
from survey_kit.weighting.calibration.layout import Column, Layout
from survey_kit.weighting.calibration.options import Limits
from survey_kit.weighting.record.assemble import target_table
from survey_kit.weighting.rows.arguments import ROUNDING, rounding_stops
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.totals import PEOPLE, NumericTotal, Totals

_VANISHED = 1e-6  # a factor this far below every target / base ratio is on its way to zero
_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Outcome:
    """The table of targets, whether they are met, and what to say of them.

    Attributes:
        table: one row for each column of the calibration that was asked for.
        max_gap: the largest gap in it.
        converged: exact targets met within tol, and soft ones at their optimum.
        zeroed: rows whose weight only rounding keeps from zero.
        worst: row of the table to name in an error.
    """

    table: pd.DataFrame
    max_gap: float
    converged: bool
    zeroed: int
    worst: int
    details: Mapping[str, object]
    notices: tuple[Notice, ...]


def report(
    subject: Subject,
    totals: Totals,
    columns: Sequence[Column],
    relax: FloatArray,
    limits: Limits,
    weights: FloatArray,
    base: FloatArray,
    solved: Calibrated,
) -> Outcome:
    """What the weights reach, judged on the weights as they are."""
    table = _table(subject, totals, weights, base)
    give = np.array([relax[j] for j in _order(table, columns)])
    gap = np.abs(table["gap"].to_numpy(dtype=float))
    gap = np.where(np.isnan(gap), np.inf, gap)
    soft = relax > 0
    exact = np.where(give > 0, 0.0, gap)
    zeroed = _zeroed(table, totals, limits, weights, base)
    # what the table does not show: soft targets at their optimum, and a total that is only held
    hidden = solved.gap[soft | np.array([c.variable in PEOPLE for c in columns]), 0]
    met = exact.max(initial=0.0) <= limits.tol and hidden.max(initial=0.0) <= max(limits.tol, 1e-9)
    relaxed = _relaxed(table, give)
    details = {} if relaxed is None else {"relaxed": relaxed}
    notices = () if relaxed is None else _relax_notice(relaxed)
    worst = int(np.argmax(exact if exact.max(initial=0.0) > limits.tol else gap))
    return Outcome(table, float(gap.max(initial=0.0)), bool(met) and not zeroed, zeroed, worst, details, notices)


def gap_of(subject: Subject, totals: Totals, relaxed: Sequence[tuple[str, str]], weights: FloatArray) -> float:
    """The largest gap that weights leave in targets that are exact."""
    table = _table(subject, totals, weights, subject.base)
    gap = table["gap"].abs().to_numpy(dtype=float)
    soft = [pair in relaxed for pair in zip(table["variable"], table["category"], strict=True)]
    return float(np.where(np.isnan(gap), np.inf, np.where(soft, 0.0, gap)).max(initial=0.0))


def _table(subject: Subject, totals: Totals, weights: FloatArray, base: FloatArray) -> pd.DataFrame:
    """The rows of `Weights.targets`, with what is achieved in weights."""
    parts = []
    if totals.margins is not None:
        margins = target_table(subject, totals.margins, weights)
        parts.append(margins.assign(achieved=margins["achieved_share"] * totals.margins.total))
    shown = [t for t in totals.numbers if not (totals.held and t.name in PEOPLE)]
    parts += [_number_row(t, totals.population, weights, base) for t in shown]
    return pd.concat(parts, ignore_index=True)


def _number_row(t: NumericTotal, population: float | None, weights: FloatArray, base: FloatArray) -> pd.DataFrame:
    """A numeric target: "shares" are parts of the target, so that 1 is the target itself."""
    people = population if t.kind == "mean" else 1.0
    held = float(base.sum())
    before = float(base @ t.values) * (1.0 if population is None else population / held)
    reached = float(weights @ t.values)
    goal = t.total(population)
    size = abs(goal) or float(base @ np.abs(t.values)) or 1.0
    row = {
        "variable": t.name,
        "category": t.kind,
        "target_share": goal / size,
        "target": t.target,
        "unweighted_n": t.present,
        "base_share": before / size,
        "achieved_share": reached / size,
        "gap": (reached - goal) / size,
        "achieved": reached / people,  # type: ignore[operator]
    }
    return pd.DataFrame([{**row, **{k: v for k, v in t.extra.items() if k not in row}}])


def _order(table: pd.DataFrame, columns: Sequence[Column]) -> list[int]:
    """The column of each row of the table."""
    place = {(c.variable, c.category): j for j, c in enumerate(columns)}
    return [place[pair] for pair in zip(table["variable"], table["category"], strict=True)]


def _zeroed(table: pd.DataFrame, totals: Totals, limits: Limits, weights: FloatArray, base: FloatArray) -> int:
    """Rows whose weight only rounding keeps from zero: the targets leave no room for them."""
    if limits.curve != "raking" or totals.margins is None:
        return 0
    shares = table["target_share"] / table["base_share"].where(table["base_share"] > 0)
    least = min(float(shares[: sum(len(m.categories) for m in totals.margins.margins)].min()), 1.0)
    scale = totals.margins.total / float(base.sum())
    gone = (base > 0) & (weights < _VANISHED * least * scale * base)
    return int(gone.sum()) if float(weights[gone].sum()) <= limits.tol / 100 * totals.margins.total else 0


def _relaxed(table: pd.DataFrame, give: FloatArray) -> pd.DataFrame | None:
    """Targets that may give way, and how far they did."""
    if not give.any():
        return None
    kept = table[["variable", "category", "target", "achieved", "target_share", "achieved_share", "gap"]]
    return kept.assign(relax=give)[give > 0].reset_index(drop=True)


def _relax_notice(relaxed: pd.DataFrame) -> tuple[Notice, ...]:
    order = relaxed["gap"].abs().sort_values(ascending=False, kind="stable").index
    shown = [
        f"{row['variable']}: {row['category']} by {row['gap']:+.2%}"
        for _, row in relaxed.loc[order[:_SHOWN]].iterrows()
    ]
    more = f" and {len(relaxed) - _SHOWN} others by less" if len(relaxed) > _SHOWN else ""
    return (Notice("relaxed", f"Targets gave way (reached - target, of the total): {', '.join(shown)}{more}."),)


def failure(outcome: Outcome, solved: Calibrated, layout: Layout, base: FloatArray, limits: Limits) -> str:
    """Which target is off by how much, why, and what to do. `base`: weights of units."""
    steps = f"after {solved.iterations} iteration{'s' if solved.iterations != 1 else ''}"
    if outcome.zeroed and outcome.max_gap <= limits.tol:
        return (
            f"Calibration did not converge {steps}: the targets are met only with weight 0 for some rows "
            f"(n={outcome.zeroed}). Merge categories, or leave a target out."
        )
    worst = outcome.table.iloc[outcome.worst]
    text = (
        f"Calibration did not converge {steps}: {worst['variable']!r} = {worst['category']!r} has target "
        f"{worst['target']:.6g} and reached {worst['achieved']:.6g}, off by {abs(worst['gap']):.2g} of the total."
    )
    return f"{text} {rounding_stops(outcome.max_gap, limits.tol) or _why(solved, layout, base, limits)}"


_GIVE_WAY = "let a target give way with relax={variable: 0.01}"


def _why(solved: Calibrated, layout: Layout, base: FloatArray, limits: Limits) -> str:
    conflict = _conflict(solved, layout.columns, limits)
    if conflict:
        return conflict
    people = solved.basis.people or None
    beyond = _out_of_reach(layout, people, base, limits)
    if beyond:
        return f"{beyond} {'Widen the bounds, m' if limits.bounded else 'M'}erge categories, or {_GIVE_WAY}."
    if limits.bounded:
        sure = f"With {limits} no weights can meet all targets" if solved.impossible else f"{limits} may be too narrow"
        return f"{sure}. Widen the bounds, merge categories, or {_GIVE_WAY}."
    if solved.iterations >= limits.max_iter:
        return f"Raise max_iter (now {limits.max_iter}), or {_GIVE_WAY}."
    return f"No positive weights seem to meet all targets together. Merge categories, correct a target, or {_GIVE_WAY}."


def _conflict(solved: Calibrated, columns: Sequence[Column], limits: Limits) -> str:
    most = float(solved.conflict.max(initial=0.0))
    if most <= max(limits.tol, ROUNDING):
        return ""
    names = dict.fromkeys(c.variable for c, x in zip(columns, solved.conflict, strict=True) if x > 0.05 * most)
    if len(names) == 1:
        return (
            f"The data leave {next(iter(names))!r} no room to move: it does not vary, or its categories say the same as "
            f"something else. Leave it out, correct it, or {_GIVE_WAY}."
        )
    return (
        f"The targets of {listed(map(repr, names))} contradict each other: one is implied by the others, with another "
        f"value. Correct one, leave one out, or {_GIVE_WAY}."
    )


def _out_of_reach(layout: Layout, people: float | None, base: FloatArray, limits: Limits) -> str:
    """The first target that no weights within the bounds reach even alone; "" where there is none.

    X_j'w lies between sum w0 (L x+ - U x-) and sum w0 (U x+ - L x-); a mean under positive weights between the extremes.
    """
    low = np.maximum(layout.low, 0.0 if limits.curve in ("raking", "sinh") else -np.inf)
    with np.errstate(invalid="ignore"):
        low_weight, high_weight = (np.where(base > 0, b * base, 0.0) for b in (low, np.asarray(layout.high)))
    for j, column in enumerate(layout.columns):
        x = layout.features.column(j)
        rises, falls = x > 0, x < 0
        least = low_weight[rises] @ x[rises] + high_weight[falls] @ x[falls]
        most = high_weight[rises] @ x[rises] + low_weight[falls] @ x[falls]
        slack = 1e-9 * column.size
        held = x[base > 0]
        if people is not None and low.min() >= 0 and not held.min() <= column.total / people <= held.max():
            mean = column.total / people
            return f"{column.variable!r} lies between {held.min():.6g} and {held.max():.6g}; its mean cannot be {mean:.6g}."
        if column.total < least - slack or column.total > most + slack:
            end = f"at least {least:.6g}" if column.total < least else f"at most {most:.6g}"
            within = f"With {limits}" if limits.bounded else "With positive weights"
            return f"{within} the total of {column.variable!r} = {column.category!r} is {end}, not {column.total:.6g}."
    return ""
