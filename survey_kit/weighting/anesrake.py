"""Raking in the manner of anesrake: margins chosen by how far they are off, weights capped after every cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ConvergenceError, UnsupportedOption, listed, one_of
from survey_kit.kernels.clip_rake import SETTLED
from survey_kit.kernels.groups import FloatArray
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.raking.cells import adjustment_of, cells_of, goals_of
from survey_kit.weighting.raking.choice import MEASURES, Choice, Keep, Measure, choice_of, measure_table
from survey_kit.weighting.raking.clipped import (
    ChosenRake,
    Verdict,
    choose_and_rake,
    manner_of,
    rake_clipped,
    verdict_on,
)
from survey_kit.weighting.record.assemble import largest_gap, target_table
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.rows.arguments import rounding_stops
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.targets.read import Targets
from survey_kit.weighting.targets.target_set import TargetSet, target_set

S = TypeVar("S", bound=SurveyLike)


@overload
def anesrake(
    data: pd.DataFrame,
    targets: Targets,
    base: Base = None,
    cap: float | None = 5,
    *,
    floor: float | None = None,
    limit: float | None = 0.05,
    at_least: int | None = None,
    at_most: int | None = None,
    measure: Measure = "total",
    keep: Keep = "largest",
    iterate: bool | Measure = True,
    improvement: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float | None = None,
    max_iter: int = 1000,
) -> Weights: ...
@overload
def anesrake(  # type: ignore[overload-cannot-match]
    data: S,
    targets: Targets,
    base: Base = None,
    cap: float | None = 5,
    *,
    floor: float | None = None,
    limit: float | None = 0.05,
    at_least: int | None = None,
    at_most: int | None = None,
    measure: Measure = "total",
    keep: Keep = "largest",
    iterate: bool | Measure = True,
    improvement: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float | None = None,
    max_iter: int = 1000,
) -> S: ...
def anesrake(
    data: pd.DataFrame | SurveyLike,
    targets: Targets,
    base: Base = None,
    cap: float | None = 5,
    *,
    floor: float | None = None,
    limit: float | None = 0.05,
    at_least: int | None = None,
    at_most: int | None = None,
    measure: Measure = "total",
    keep: Keep = "largest",
    iterate: bool | Measure = True,
    improvement: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
    tol: float | None = None,
    max_iter: int = 1000,
) -> Weights | SurveyLike:
    """Raking to those margins that are off by enough, with weights capped after each cycle, as R anesrake does it.

    `rake(upper=)` finds the weights nearest to the base weights that hold margins and cap; this verb finds others, near to
    them, the way that many studies did. It states which margins it left out and how far they are off.

    Args:
        data: a DataFrame, or a survey.
        targets: as for `rake`. R calls them inputter.
        base: base weights, as for `rake`; they are brought to mean 1 first.
        cap: largest weight as a multiple of the mean weight, above 1; None: none.
        floor: smallest weight as a multiple of the mean weight, below 1. None: none, and the clip keeps the sum, as R's
            does. A number (0: no limit): weights are cut to floor and cap, and the next cycle makes up for what that
            took, which is the manner of Stata's ipfraking.
        limit: a variable is raked to when its measure is at least this. None: all are (R: type="nolim"). R: pctlim.
        at_least: at least so many variables, the furthest off (R: type="nmin").
        at_most: at most so many (R: type="nmax"); with limit=None exactly so many (R: type="nlim").
        measure: as in `choose_margins`. R: choosemethod.
        keep: "largest" or "smallest", as in `choose_margins`. R 0.80 is keep="smallest"; its type="nmin" also looks again
            after raking only where more than nlim variables reach the limit, and so does at_least then.
        iterate: whether variables left out that are off by the limit after the raking join and raking starts again. True
            judges them by "total" whatever the measure, as R does; the name of a measure by that one.
        improvement: None: go on until margins and cap hold to tol. A number: stop once a cycle changes the weights by more
            than (1 - improvement) of what the cycle before changed, R's convcrit (0.01 there); weights may then pass the
            cap by 0.0001 of the mean, as in R.
        missing, seed: rows without a value, as for `rake`; with "ignore", which is R's way, they keep the weight that they have
            when the margin's turn comes.
        tol: a margin is met when every category is within tol of its target, as a part of the total: 1e-10, or 1e-5 with
            improvement.
        max_iter: cycles over the margins.

    Returns:
        Weights for a DataFrame, for a survey the same survey under them, with the sum that `rake` gives them (R's have
        mean 1). `.targets` holds the margins raked to; `.details["margins"]` all of them: the measure before and after,
        chosen. In replicates the raking is repeated, the choice is not.

    Raises:
        ConvergenceError: margins and cap that do not hold together; `.unfinished` holds the Weights so far, with
            improvement those of R, which warns "Results are stable, but do not perfectly match population marginals", or
            takes weights that stand still for complete convergence, however far the margins are off.
        ArgumentError: no margin reaches the limit; other arguments.
        TargetMismatchError, TargetError, UnknownNameError, InvalidWeightError, NoValidData, UnsupportedOption.

    R: anesrake::anesrake. Stata: ipfraking (trimhiabs, trimloabs). SPSS: none.
    Source: DeBell & Krosnick (2009), ANES Technical Report nes012427; Pasek (2018), anesrake 0.80.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"sex": ["m", "m", "f", "f"], "town": ["yes", "no", "no", "no"]})
        >>> w = anesrake(df, {"sex": {"m": 0.49, "f": 0.51}, "town": {"yes": 0.4, "no": 0.6}})
        >>> w.values.round(6).tolist()
        [1.6, 0.36, 1.02, 1.02]
        >>> print(w.notices[0])
        Raked to 2 of 2 margins: town, sex.
    """
    choice = choice_of(limit, measure, at_least, at_most, keep)
    manner = manner_of(cap, floor, improvement, tol, max_iter)
    again_by = _again_by(iterate, choice)
    subject = subject_of(data, base)
    wanted = target_set(subject, targets, missing, seed)
    _refuse(wanted)
    choice.check(len(wanted.margins))
    raked = choose_and_rake(subject.base, wanted.margins, choice, manner, again_by)
    weights = _weights(subject, wanted, raked, choice)
    if not raked.met:
        verdict = verdict_on(subject.base, wanted.margins, raked)
        best = _weights(subject, wanted, replace(raked, weights=verdict.weights), choice)
        raise ConvergenceError(_failure(raked, best, verdict), best)
    return hand_back(subject, weights, lambda replicates: _replicates(replicates, wanted, raked))


def _again_by(iterate: bool | str, choice: Choice) -> str | None:
    """The measure that judges margins left out; None where nobody can join."""
    if not isinstance(iterate, bool):
        one_of("iterate", iterate, MEASURES)
    if iterate is False or choice.limit is None:
        return None
    return "total" if iterate is True else str(iterate)


def _refuse(wanted: TargetSet) -> None:
    if wanted.root is not None:
        raise UnsupportedOption(
            "Targets with errors are not available in anesrake. Use rake(upper=), or leave them out."
        )
    partial = [m.name for m in wanted.margins if not m.relative and (m.codes < 0).any()]
    if partial:
        raise UnsupportedOption(
            f"Counts with categories left free ({listed(map(repr, partial))}) are not available in anesrake. "
            "Use rake(upper=), or give shares."
        )


def _weights(subject: Subject, wanted: TargetSet, raked: ChosenRake, choice: Choice) -> Weights:
    mean = wanted.total / np.count_nonzero(subject.base)
    values = raked.weights * mean
    used = _subset(wanted, raked)
    cells = cells_of(used)
    table = target_table(subject, used, values)
    told, margins = _margins(subject, wanted, raked, choice)
    manner = raked.manner
    made = Made(
        values=values,
        method="anesrake",
        adjustment=adjustment_of(used, cells, goals_of(used, cells), subject, values),
        targets=table,
        solver="cycles with a clip",
        iterations=raked.end.iterations,
        max_gap=largest_gap(table),
        converged=raked.met,
        history=raked.end.history,
        notices=(told, *_at_limits(raked), *wanted.notices),
        lower=manner.low * mean if manner.low > 0 else None,
        upper=manner.high * mean if manner.high < np.inf else None,
        titles=subject.titles(m.name for m in used.margins),
        details={"margins": margins, "change": raked.end.change},
    )
    return weights_of(subject, made)


def _subset(wanted: TargetSet, raked: ChosenRake) -> TargetSet:
    return TargetSet(tuple(wanted.margins[i] for i in raked.chosen), wanted.unit, wanted.total, wanted.notices)


def _margins(subject: Subject, wanted: TargetSet, raked: ChosenRake, choice: Choice) -> tuple[Notice, pd.DataFrame]:
    """Which margins were raked to, and how far the others are off: a notice and a table."""
    before = measure_table(wanted.margins, subject.base)[choice.measure]
    after = measure_table(wanted.margins, raked.weights)[choice.measure]
    names = [m.name for m in wanted.margins]
    chosen = np.isin(np.arange(len(names)), raked.chosen)
    table = pd.DataFrame(
        {"variable": names, "measure": choice.measure, "before": before, "after": after, "chosen": chosen}
    )
    used = listed(names[i] for i in raked.chosen)
    text = f"Raked to {len(raked.chosen)} of {len(names)} margins"
    text += f"{_why(choice)}: {used}." if not chosen.all() else f": {used}."
    left = [f"{r.variable} ({r.before:.2g} before, {r.after:.2g} after)" for r in table[~chosen].itertuples()]
    text += f" Left out, off by ({choice.measure}): {listed(left)}." if left else ""
    return Notice("margins", text, len(raked.chosen)), table


def _why(choice: Choice) -> str:
    over = [] if choice.limit is None else [f"off by {choice.limit:g} or more"]
    bounds = [f"at least {choice.at_least}"] * (choice.at_least is not None)
    bounds += [f"at most {choice.at_most}"] * (choice.at_most is not None)
    which = "the furthest off" if choice.keep == "largest" else "the least off"
    return f", {', '.join([*over, *bounds, *([which] if bounds else [])])}"


def _at_limits(raked: ChosenRake) -> tuple[Notice, ...]:
    w, manner = raked.weights[raked.weights > 0], raked.manner
    sides = [("cap", manner.high, w >= manner.high * (1 - 1e-9)), ("floor", manner.low, w <= manner.low * (1 + 1e-9))]
    held = [f"{int(at.sum())} of {len(w)} weights at the {name} of {size:g}" for name, size, at in sides if at.any()]
    return (Notice("capped", f"Limits hold: {', '.join(held)} times the mean.", len(held)),) if held else ()


def _failure(raked: ChosenRake, weights: Weights, verdict: Verdict) -> str:
    """Which margin is off by how much, why, and what to do."""
    worst = weights.targets.iloc[int(weights.targets["gap"].abs().to_numpy().argmax())]
    manner, steps = raked.manner, raked.end.iterations
    text = (
        f"Raking with {manner} stopped after {steps} cycle{'s' if steps != 1 else ''}: {worst['variable']!r} = "
        f"{worst['category']!r} has target {worst['target_share']:.4%} and reached {worst['achieved_share']:.4%}, off by "
        f"{abs(worst['gap']):.2g} of the total (tol {manner.tol:g})."
    )
    rounding = rounding_stops(weights.max_gap, manner.tol)
    if rounding and manner.improvement is None:
        return f"{text} {rounding}"
    if verdict.against:
        names = listed(repr(n) for n in verdict.against)
        return f"{text} With {manner} no weights can meet the targets of {names}. Raise cap, or merge categories."
    if manner.improvement is not None:
        text += (
            f" A cycle still changed the weights by {raked.end.change:.2g} in all (R asks for {SETTLED:g}). "
            "Leave improvement out to go on."
        )
    else:
        ways = [f"raise max_iter (now {manner.max_iter})"] if steps >= manner.max_iter else []
        ways += (
            ["use rake(lower=, upper=), which finds weights that hold both"]
            if verdict.exists
            else ["raise cap", "merge categories"]
        )
        text += f" The way out: {', or '.join(ways)}."
    return text


def _replicates(replicates: ReplicateBase, wanted: TargetSet, raked: ChosenRake) -> FloatArray:
    """Replicate weights raked and clipped in the same manner to the same margins, shape (n, R)."""
    weights, short = replicates.weights, []
    for r in range(weights.shape[1]):
        again = rake_clipped(weights[:, r], wanted.margins, raked.chosen, raked.manner)
        weights[:, r] = again.weights * (wanted.total / np.count_nonzero(again.weights))
        short += [] if again.met else [r + 1]
    if short:
        raise ConvergenceError(
            f"Raking with {raked.manner} did not converge in {len(short)} of {weights.shape[1]} replicates (replicate "
            f"{listed(short)}): with their units left out, margins and cap do not hold together. Raise cap, or merge "
            "categories."
        )
    return weights
