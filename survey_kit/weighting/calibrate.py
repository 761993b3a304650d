"""Calibration of a DataFrame or a survey to known totals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ConvergenceError, listed, one_of
from survey_kit.kernels.calibrate import Calibrated, calibrate_columns
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.residualize import over
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.calibration.compromise import GIVE, STEPS, give_way, nearest_values
from survey_kit.weighting.calibration.layout import Layout, Moves, clustered_layout, layout_of
from survey_kit.weighting.calibration.options import Limits, Relax, cluster_of, limits_of, relaxations, variance_of
from survey_kit.weighting.calibration.report import failure, gap_of, report
from survey_kit.weighting.calibration.variance import adjustment_of, total_root, totals_by_replicate
from survey_kit.weighting.record.made import Made, ReplicateBase, hand_back, weights_of
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.targets.totals import Totals, TotalsLike, read_totals

S = TypeVar("S", bound=SurveyLike)

DISTANCE_NAMES = ("linear", "raking", "logit", "entropy", "sinh")
OfRows: TypeAlias = str | pd.Series | np.ndarray | None
_RESCALED = 20.0  # population over base total beyond which R, too, brings the base weights to the population first


@overload
def calibrate(
    data: pd.DataFrame,
    totals: TotalsLike,
    base: Base = None,
    distance: str = "linear",
    bounds: tuple[float | None, float | None] | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    variance: OfRows = None,
    aggregate: OfRows = None,
    relax: Relax = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> Weights: ...
@overload
def calibrate(  # type: ignore[overload-cannot-match]
    data: S,
    totals: TotalsLike,
    base: Base = None,
    distance: str = "linear",
    bounds: tuple[float | None, float | None] | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    variance: OfRows = None,
    aggregate: OfRows = None,
    relax: Relax = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> S: ...
def calibrate(
    data: pd.DataFrame | SurveyLike,
    totals: TotalsLike,
    base: Base = None,
    distance: str = "linear",
    bounds: tuple[float | None, float | None] | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    variance: OfRows = None,
    aggregate: OfRows = None,
    relax: Relax = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float = 1e-10,
    max_iter: int = 200,
) -> Weights | SurveyLike:
    """Weights that meet known totals of categories and of numbers, as near to the base weights as they can be.

    Args:
        data: a DataFrame, or a survey (then categories may be written as labels or codes, user-missing is missing).
        totals: {variable: {category: share or count}} for a margin, as `rake` takes it; {variable: number} for the total of
            a numeric variable; {variable: {"mean": number}} for its mean; {"(Intercept)": number} for the number of people.
            Or a table or CSV with variable, category, target, where a category that is empty or "total" (or "mean") means a
            number. Every category of a margin is given: no reference category is left out.
        base: base weights, as in `rake`.
        distance: "linear" (GREG; weights may become negative), "raking" (always positive), "logit" (between bounds), "sinh",
            or "entropy" (entropy balancing: raking with the total of the weights held).
        bounds: (low, high) for the factor weight / base weight, low < 1 < high; None on a side: none. Where base weights
            were not given, or sum to less than a twentieth of the population, they are brought to it first.
        lower, upper: bounds of the final weight as multiples of the mean weight.
        variance: residual variance of the model: a column or one number for each row. Weights move as its inverse.
        aggregate: clusters within which the factor is constant: a column or one value for each row.
        relax: how far targets may give way: one number, {variable: number} or {variable: {category: number}}. A gap of
            this part of the total costs as much as a change of all factors by 1. Others stay exact.
        missing, seed: rows without a value, as in `rake`. A number is imputed by its mean; "own" and "ignore" are for
            categories only.
        tol: a target is met when it is within tol, as a part of the total.
        max_iter: Newton steps.

    Returns:
        Weights for a DataFrame. For a survey the same survey under the new weights, whose standard errors account for the
        calibration (regression residuals under the base weights, whatever the distance and the bounds). Replicate weights
        are calibrated each; bounds of weights then hold for a row as often as the replicate counts it.

    Raises:
        InvalidWeightError: base weights that cannot be used, or weights of a survey that came out negative.
        TargetMismatchError, TargetError, UnknownNameError: totals that do not fit.
        ConvergenceError: totals that were not met; `.unfinished` holds the Weights so far.
        ArgumentError, NoValidData, UnsupportedOption: other arguments.

    R: survey::calibrate(formula, population, calfun, bounds, bounds.const = TRUE for lower and upper, variance,
    aggregate.stage); icarus::calibration; ebal::ebalance (entropy). Stata: svycal regress, calibrate, sreweight.
    SPSS: none. Source: Deville and Sarndal (1992), JASA 87, 376; Hainmueller (2012), Political Analysis 20, 25.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"sex": ["m", "m", "f", "f"], "age": [20, 40, 30, 60]})
        >>> w = calibrate(df, {"sex": {"m": 0.5, "f": 0.5}, "age": {"mean": 36}})
        >>> w.values.round(6).tolist()
        [1.092308, 0.907692, 1.138462, 0.861538]
    """
    one_of("distance", distance, DISTANCE_NAMES)
    limits = limits_of(bounds, lower, upper, distance, tol, max_iter)
    subject = subject_of(data, base)
    wanted = read_totals(subject, totals, hold=distance == "entropy", missing=missing, seed=seed)
    task = _task(subject, wanted, limits, relax, variance_of(subject, variance), cluster_of(subject, aggregate))
    weights = _weights(task)
    return hand_back(subject, weights, lambda again: _again(task, again, weights.values.to_numpy()))


@dataclass(frozen=True, eq=False)
class _Task:
    """A calibration, ready to run. `scale` brings the base weights to the population; relax and slack by column."""

    subject: Subject
    totals: Totals
    limits: Limits
    moves: Moves
    layout: Layout
    scale: float
    relax: FloatArray
    slack: FloatArray
    cluster: IntArray | None

    @property
    def base(self) -> FloatArray:
        return self.subject.base * self.scale


def _task(
    subject: Subject, totals: Totals, limits: Limits, relax: Relax, q: FloatArray | None, cluster: IntArray | None
) -> _Task:
    if relax is not None:
        totals = totals.holding(subject.n)
    scale = _scale(subject, totals)
    base = subject.base * scale
    low, high = limits.of_factor(base, totals.population)
    moves = Moves(low, high, q)
    layout = _layout(totals, base, moves, cluster)
    give = relaxations(relax, layout.columns, totals)
    slack = _slack(give, layout, totals.population or float(base.sum()))
    return _Task(subject, totals, limits, moves, layout, scale, give, slack, cluster)


def _layout(totals: Totals, base: FloatArray, moves: Moves, cluster: IntArray | None) -> Layout:
    return layout_of(totals, base, moves) if cluster is None else clustered_layout(totals, base, moves, cluster)


def _scale(subject: Subject, totals: Totals) -> float:
    """The factor that brings base weights to the population where they are no weights of it."""
    if totals.population is None:
        return 1.0
    ratio = totals.population / subject.total
    return ratio if not subject.weighted or not 1 / _RESCALED <= ratio <= _RESCALED else 1.0


def _solve(task: _Task, layout: Layout, base: FloatArray, goals: FloatArray) -> Calibrated:
    """The kernel on units, for base weights (units,) or (units, R) and totals (p,) or (p, R)."""
    limits, people = task.limits, [j for j, c in enumerate(layout.columns) if c.variable == "(Intercept)"]
    soft = any(task.slack[j] > 0 for j in people)
    return calibrate_columns(
        layout.features,
        base,
        goals,
        distance=limits.curve,
        low=layout.low,
        high=layout.high,
        q=layout.q,
        slack=task.slack,
        population=None if soft else task.totals.population,
        tol=limits.tol,
        max_iter=limits.max_iter,
    )


def _weights(task: _Task) -> Weights:
    base, layout, limits = task.base, task.layout, task.limits
    solved = _solve(task, layout, layout.of_units(base), layout.totals)
    factor = layout.of_rows(solved.g[:, 0])
    values = limits.within(base * factor, base, task.totals.population)
    outcome = report(task.subject, task.totals, layout.columns, task.relax, limits, values, base, solved)
    if not outcome.converged and outcome.max_gap > limits.tol:
        values = _best(task, solved, values)
        factor = over(values, base)
        outcome = report(task.subject, task.totals, layout.columns, task.relax, limits, values, base, solved)
    low, high = limits.of_weight(base, task.totals.population)
    made = Made(
        values=values,
        method="calibrate",
        adjustment=adjustment_of(task.totals, layout, solved, base, factor, values),
        targets=outcome.table,
        solver="closed form" if limits.free else "newton",
        iterations=solved.iterations,
        history=tuple(solved.history.tolist()),
        max_gap=outcome.max_gap,
        converged=outcome.converged,
        notices=(*_notices(task), *outcome.notices),
        titles=_titles(task),
        lower=low,
        upper=high,
        details={"distance": limits.distance, **_bounds_met(limits, factor, base), **outcome.details},
    )
    weights = weights_of(task.subject, made)
    if weights.converged:
        return weights
    raise ConvergenceError(failure(outcome, solved, layout, layout.of_units(base), limits), weights)


def _best(task: _Task, solved: Calibrated, values: FloatArray) -> FloatArray:
    """Weights to hand back of a calibration that missed its targets. Shape (n,)."""
    base, low, high = task.base, task.moves.low, task.moves.high
    asked = {(c.variable, c.category): r for c, r in zip(task.layout.columns, task.relax, strict=True) if r > 0}
    tried = [values, base]
    if solved.iterations < task.limits.max_iter or solved.iterations >= STEPS:
        tried += [_compromise(task, asked, give) for give in GIVE]
    with np.errstate(invalid="ignore"):
        bounds = (np.where(base > 0, low * base, 0.0), np.where(base > 0, high * base, 0.0))
    return nearest_values(
        tried, bounds, task.totals.population, lambda w: gap_of(task.subject, task.totals, [*asked], w)
    )


def _compromise(task: _Task, asked: dict[tuple[str, str], float], give: float) -> FloatArray:
    """Weights of the linear calibration in which every target but the total gives way; it always has some. Shape (n,)."""
    base, totals, limits = task.base, task.totals.holding(task.subject.n), task.limits
    positive = limits.curve in ("raking", "sinh")
    moves = replace(task.moves, low=np.maximum(task.moves.low, 0.0)) if positive else task.moves
    layout = _layout(totals, base, moves, task.cluster)
    slack = _slack(give_way(layout.columns, asked, give), layout, totals.population or float(base.sum()))
    easy = replace(limits, distance="linear", tol=1e-9, max_iter=STEPS)
    soft = replace(task, totals=totals, layout=layout, slack=slack, limits=easy)
    return base * layout.of_rows(_solve(soft, layout, layout.of_units(base), layout.totals).g[:, 0])


def _slack(give: FloatArray, layout: Layout, people: float) -> FloatArray:
    """rho of each column. Shape (p,)."""
    return np.asarray((give * np.array([c.size for c in layout.columns])) ** 2 / people)


def _notices(task: _Task) -> tuple[Notice, ...]:
    told = (*(task.totals.margins.notices if task.totals.margins else ()), *task.totals.notices)
    if task.scale == 1.0 or not task.subject.weighted or not task.limits.bounded:
        return told
    text = (
        f"Base weights were multiplied by {task.scale:.6g} to sum to the population; bounds are of factors after that."
    )
    return (*told, Notice("rescaled", text))


def _titles(task: _Task) -> dict[str, str]:
    book = task.subject.codebook
    names = dict.fromkeys(c.variable for c in task.layout.columns)
    return {} if book is None else {name: book[name].title for name in names if name in book}


def _bounds_met(limits: Limits, factor: FloatArray, base: FloatArray) -> dict[str, object]:
    """The bounds of the factor and how many rows are at them."""
    if limits.low == -np.inf and limits.high == np.inf:
        return {}

    def at(bound: float) -> int:
        return int((np.isclose(factor, bound, rtol=1e-9, atol=0.0) & (base > 0)).sum())

    return {"bounds": (limits.low, limits.high), "at_low": at(limits.low), "at_high": at(limits.high)}


def _again(task: _Task, replicates: ReplicateBase, values: FloatArray) -> FloatArray:
    """Replicate weights calibrated to the same totals, shape (n, R). R: survey::calibrate on a svyrep.design.

    `values`: the weights of the full sample. Own targets and errors of targets are those of each replicate.
    """
    layout = task.layout
    root = total_root(task.totals, layout, values)
    replicates = replicates.with_errors(root)
    moves = None if root is None else replicates.moves(root)
    if task.cluster is not None:
        return _again_in_clusters(task, replicates, moves, task.cluster)
    if layout.unit is None:
        weights = held = replicates.weights * task.scale
    else:
        weights, held = None, replicates.cell_totals(layout.unit, layout.size) * task.scale
    goals = totals_by_replicate(task.totals, layout, held, moves)
    solved = _solve(task, layout, held, goals)
    _refuse_short(solved.gap, task.limits.tol)
    weights = replicates.weights * task.scale if weights is None else weights
    weights *= layout.of_rows(solved.g)
    return weights


def _again_in_clusters(
    task: _Task, replicates: ReplicateBase, moves: FloatArray | None, cluster: IntArray
) -> FloatArray:
    """The same with factors constant within clusters, whose means differ from replicate to replicate."""
    weights = replicates.weights * task.scale
    held = np.stack([weighted_counts(cluster, w, int(cluster.max()) + 1) for w in weights.T], axis=1)
    gaps = []
    for r, base in enumerate(weights.T):
        layout = clustered_layout(task.totals, base, task.moves, cluster)
        goals = totals_by_replicate(task.totals, layout, held, moves)
        solved = _solve(task, layout, held[:, r], goals if goals.ndim == 1 else goals[:, r])
        gaps.append(solved.gap[:, 0])
        weights[:, r] = base * layout.of_rows(solved.g[:, 0])
    _refuse_short(np.stack(gaps, axis=1), task.limits.tol)
    return weights


def _refuse_short(gap: FloatArray, tol: float) -> None:
    short = np.flatnonzero(~(gap.max(axis=0) <= tol))
    if len(short):
        raise ConvergenceError(
            f"Calibration did not converge in {len(short)} of {gap.shape[1]} replicates (replicate {listed(short + 1)}): "
            "with their units left out, the totals cannot be met. Merge small categories, or widen the bounds."
        )
