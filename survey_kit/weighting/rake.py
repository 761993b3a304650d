"""Raking of a DataFrame or a survey to known margins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, ConvergenceError, UnsupportedOption, listed, one_of
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake import RakedCells, Solver
from survey_kit.results.weights import Weights
from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.raking.cells import RakingCells, adjustment_of, cells_of, goals_of, split_by_base
from survey_kit.weighting.raking.replicates import RakingRule, rake_replicates
from survey_kit.weighting.record.assemble import largest_gap, target_table
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.rows.arguments import check_stop, rounding_stops
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.targets.read import Targets
from survey_kit.weighting.targets.target_set import TargetSet, target_set
from survey_kit.weighting.targets.totals import TotalsLike, has_numbers

S = TypeVar("S", bound=SurveyLike)

SOLVERS = ("auto", "ipf", "newton")
_VANISHED = 1e-6  # a factor this far below every target / base ratio is on its way to zero


@overload
def rake(
    data: pd.DataFrame,
    targets: TotalsLike,
    base: Base = None,
    lower: float | None = None,
    upper: float | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
    *,
    missing: Missing = "error",
    seed: int = 0,
    solver: Solver = "auto",
) -> Weights: ...
@overload
def rake(  # type: ignore[overload-cannot-match]
    data: S,
    targets: TotalsLike,
    base: Base = None,
    lower: float | None = None,
    upper: float | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
    *,
    missing: Missing = "error",
    seed: int = 0,
    solver: Solver = "auto",
) -> S: ...
def rake(
    data: pd.DataFrame | SurveyLike,
    targets: TotalsLike,
    base: Base = None,
    lower: float | None = None,
    upper: float | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
    *,
    missing: Missing = "error",
    seed: int = 0,
    solver: Solver = "auto",
) -> Weights | SurveyLike:
    """Weights that bring every margin to its target and stay as near to the base weights as they can.

    Args:
        data: a DataFrame, or a survey (then categories may be written as labels or codes, user-missing is missing).
        targets: {variable: {category: share or count}}; or a table, or the path of a CSV, with the columns variable,
            category, target (others are kept). Shares sum to 1, percentages to 100, or all are counts of one total.
            A crossed margin: key ("sex", "age4") or "sex:age4", categories ("male", "18-29") or "male:18-29".
            None (in a table: free) leaves a category without a target. A column `se` has standard errors of targets that
            are estimates; they join every later standard error. Also a `TargetTable` (see `targets_from`), or a
            population: a DataFrame whose columns are those of the data, with numbers in a column target, count, n,
            freq, frequency, pop, population, total, people, share, proportion, percent or weight (in any case), or one
            person in each row. {variable: number} and {variable: {"mean": number}} are totals and means of numbers (see
            `calibrate`).
        base: base weights: a column, a Series, an array. None: ones; for a survey its weight in force. Zeros stay zero.
        lower, upper: bounds on the final weight as multiples of the mean weight of rows whose weight is not zero
            (1 = the average respondent). Margins and bounds are met together, or ConvergenceError is raised.
        tol: a margin is met when every category is within tol of its target, as a part of the total.
        max_iter: sweeps over the margins plus Newton steps.
        missing: what rows without a value in a weighting variable are. "error": refused. "own": a category of their own
            that keeps its share of the base weights; the targets are for the others. "impute": each answer is drawn from
            the base-weighted answers of rows that agree in the other weighting variables as far as there are any (the
            data stay as they are; standard errors take the draws for answers). "ignore": a margin holds, as shares, among
            the rows that answered; what the others weigh together it leaves open, and the nearest weights settle it.
        seed: for "impute"; the same seed draws the same answers, in whatever order the rows stand (rows that are alike in
            these variables and the base weight are told apart by the index).
        solver: "auto"; "ipf" sweeps over the margins only; "newton" works on all margins at once.

    Returns:
        Weights for a DataFrame. For a survey the same survey under the new weights: `survey.weights` is their record, and
        standard errors account for the raking (with bounds approximately, as if there were none). Replicate weights are
        raked each; bounds then hold for a row as often as the replicate counts it. Weights sum to n (without base
        weights), to the sum of the base weights, or to the counts' total when targets are counts.

    Raises:
        InvalidWeightError: base weights that are text, missing, negative, infinite, or all zero.
        TargetMismatchError, TargetError, UnknownNameError: targets that do not fit; every fault in one message.
        ConvergenceError: margins (or bounds) that were not met; `.unfinished` holds the Weights so far.
        ArgumentError, NoValidData, UnsupportedOption: other arguments.

    R: survey::rake (the same weights with a small epsilon), anesrake (cap = upper). Stata: ipfraking, svycal rake.
    SPSS: the extension SPSSINC RAKE. Source: Deville, Sarndal and Sautory (1993), JASA 88, 1013.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"sex": ["m", "m", "f", "f"], "town": ["yes", "no", "no", "no"]})
        >>> w = rake(df, {"sex": {"m": 0.5, "f": 0.5}, "town": {"yes": 0.4, "no": 0.6}})
        >>> w.values.round(6).tolist()
        [1.6, 0.4, 1.0, 1.0]
    """
    one_of("solver", solver, SOLVERS)
    limits = _limits(lower, upper, tol, max_iter)
    if has_numbers(targets):
        _refuse_sweeps(solver)
        options: Any = {"lower": lower, "upper": upper, "missing": missing, "seed": seed}
        return _named(calibrate(data, targets, base, "raking", tol=tol, max_iter=max_iter, **options))
    subject = subject_of(data, base)
    wanted = target_set(subject, cast(Targets, targets), missing, seed)
    cells = cells_of(wanted)
    raked = _rake_rows(subject, wanted, cells, _rule(limits, subject, wanted, solver))
    weights = _weights(subject, wanted, cells, raked, limits)
    return hand_back(subject, weights, lambda again: rake_replicates(again, wanted, raked.split, raked.rule))


def _refuse_sweeps(solver: str) -> None:
    """With totals of numbers raking is calibration at the same distance, which sweeps cannot do."""
    if solver == "ipf":
        raise UnsupportedOption('solver="ipf" is for margins: totals of numbers need solver="auto" or "newton".')


def _named(made: Weights | SurveyLike) -> Weights | SurveyLike:
    """What calibrate made, as a raking."""
    if isinstance(made, Weights):
        return replace(made, method="rake")
    survey: Any = made
    return cast(SurveyLike, replace(survey, weights=replace(survey.weights, method="rake")))


@dataclass(frozen=True, slots=True)
class _Limits:
    lower: float
    upper: float
    tol: float
    max_iter: int

    @property
    def bounded(self) -> bool:
        return self.lower > 0 or self.upper < np.inf

    def __str__(self) -> str:
        shown = [f"lower={self.lower:g}"] if self.lower > 0 else []
        return " and ".join([*shown, f"upper={self.upper:g}"] if self.upper < np.inf else shown)


def _limits(lower: float | None, upper: float | None, tol: float, max_iter: int) -> _Limits:
    for name, value in (("lower", lower), ("upper", upper)):
        if value is not None and not (is_number(value) and not np.isnan(value)):
            raise ArgumentError(f"{name}={value!r} is not a number. Give a multiple of the mean weight, or None.")
    low, high = 0.0 if lower is None else float(lower), np.inf if upper is None else float(upper)
    if low < 0 or low >= high:
        raise ArgumentError(f"lower={low:g} must be at least 0 and below upper={high:g}.")
    if low > 1 or high < 1:
        raise ArgumentError(
            f"lower={low:g} and upper={high:g} are multiples of the mean weight: 1 must lie between them."
        )
    check_stop(tol, max_iter)
    return _Limits(low, high, float(tol), int(max_iter))


def _rule(limits: _Limits, subject: Subject, wanted: TargetSet, solver: Solver) -> RakingRule:
    """How rows are raked: bounds in weights."""
    if not limits.bounded:
        return RakingRule(None, limits.tol, limits.max_iter, solver)
    if not wanted.keeps_total:
        raise UnsupportedOption(
            f"{limits}: bounds are multiples of the mean weight, and counts with categories left free in every margin do not "
            "tell it. Give one margin in full."
        )
    mean = wanted.total / np.count_nonzero(subject.base)
    return RakingRule((limits.lower * mean, limits.upper * mean), limits.tol, limits.max_iter, solver)


@dataclass(frozen=True, eq=False)
class _Raked:
    """Row weights (n,), the kernel's result, the cells that it worked on with their base weights (C,), and the rule."""

    weights: FloatArray
    cells: RakedCells
    split: RakingCells
    held: FloatArray
    rule: RakingRule

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """Limits on the weight of a row; None without."""
        low, high = self.rule.bounds or (0.0, np.inf)
        return low if low > 0 else None, high if high < np.inf else None


def _rake_rows(subject: Subject, wanted: TargetSet, cells: RakingCells, rule: RakingRule) -> _Raked:
    """Rake the cells, and give every row its cell's factor. Under bounds a cell has one base weight."""
    if rule.bounds is not None:
        cells = split_by_base(cells, subject.base) if subject.weighted else replace(cells, each=np.ones(cells.size))
    held = cells.held(subject.base)
    raked = rule.run(held, goals_of(wanted, cells), cells.each)
    weights = subject.base * raked.g[cells.code, 0]
    if rule.bounds is not None:
        weights = np.where(subject.base > 0, np.clip(weights, *rule.bounds), 0.0)
    return _Raked(weights, raked, cells, held, rule)


def _weights(subject: Subject, wanted: TargetSet, cells: RakingCells, raked: _Raked, limits: _Limits) -> Weights:
    table = target_table(subject, wanted, raked.weights, cells)
    gap, zeroed = largest_gap(table), _zeroed(raked, table, wanted.total, limits)
    low, high = raked.limits
    made = Made(
        values=raked.weights,
        method="rake",
        adjustment=adjustment_of(wanted, cells, goals_of(wanted, cells), subject, raked.weights),
        targets=table,
        solver=raked.cells.solver,
        iterations=raked.cells.iterations,
        max_gap=gap,
        converged=gap <= limits.tol and not zeroed,
        history=tuple(raked.cells.history.tolist()),
        titles=subject.titles(m.name for m in wanted.margins),
        notices=wanted.notices,
        lower=low,
        upper=high,
    )
    result = weights_of(subject, made)
    if result.converged:
        return result
    if raked.rule.solver == "ipf" and not zeroed and not raked.cells.contradiction:
        raked = _rake_rows(subject, wanted, cells, replace(raked.rule, solver="auto"))  # sweeps alone prove little
        table = target_table(subject, wanted, raked.weights, cells)
        zeroed = _zeroed(raked, table, wanted.total, limits) if largest_gap(table) <= limits.tol else 0
    raise ConvergenceError(_failure(result, zeroed, raked.cells.contradiction, wanted, limits), result)


def _zeroed(raked: _Raked, table: pd.DataFrame, total: float, limits: _Limits) -> int:
    """Rows whose weight only rounding keeps from zero: the targets leave no room for them."""
    g = raked.cells.g[:, 0] * (raked.held.sum() / total)
    least = float((table["target_share"] / table["base_share"]).min())
    empty = raked.cells.weights[:, 0] <= 10 * limits.tol * total  # what the gap may hide
    gone = (raked.held > 0) & empty & (g < _VANISHED * min(least, 1.0))
    return int(raked.split.rows[gone].sum())


def _failure(result: Weights, zeroed: int, contradiction: tuple[int, ...], wanted: TargetSet, limits: _Limits) -> str:
    """Which margin is off by how much, why, and what to do."""
    steps = f"after {result.iterations} iteration{'s' if result.iterations != 1 else ''}"
    worst = result.targets.iloc[int(result.targets["gap"].abs().to_numpy().argmax())]
    relative = any(m.relative and m.name == worst["variable"] for m in wanted.margins)
    whole = worst["target"] / worst["target_share"] if relative else wanted.total
    text = (
        f"Raking did not converge {steps}: {worst['variable']!r} = {worst['category']!r} has target "
        f"{worst['target']:.6g} ({worst['target_share']:.4%}) and reached {worst['achieved_share'] * whole:.6g} "
        f"({worst['achieved_share']:.4%}), off by {abs(worst['gap']):.2g} of {'those who answered' if relative else 'the total'}."
    )
    if zeroed and (result.max_gap <= limits.tol or result.solver == "ipf"):
        text = f"Raking did not converge {steps}: the targets are met only with weight 0 for some rows (n={zeroed})."
        return f"{text} Merge categories, or leave a margin out."
    rounding = rounding_stops(result.max_gap, limits.tol)
    if rounding:
        return f"{text} {rounding}"
    if contradiction:
        return f"{text} {_why(contradiction, wanted, limits)}"
    return f"{text} Raise max_iter (now {limits.max_iter}), or allow a larger tol (now {limits.tol:g})."


def _why(contradiction: tuple[int, ...], wanted: TargetSet, limits: _Limits) -> str:
    known = [repr(wanted.margins[m].name) for m in contradiction if m < len(wanted.margins)]
    names = listed([*known, *(["the total"] if len(known) < len(contradiction) else [])])
    together = f"the targets of {names}" + (" together" if len(contradiction) > 1 else "")
    if limits.bounded:
        return f"With {limits} no weights can meet {together}. Widen the bounds, or merge categories."
    return (
        f"No weights can meet {together}: they contradict each other, or need combinations of categories that the data "
        "do not have. Merge categories, correct a target, or leave a margin out."
    )
