"""Post-stratification: every cell of one variable, or of several crossed, brought to its total in the population."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, TargetError, listed
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.poststratify import cell_factors, unreachable
from survey_kit.kernels.residualize import Adjustment, poststratification_step
from survey_kit.results.weights import Weights
from survey_kit.weighting.raking.cells import adjustment_of, cells_of, goals_of
from survey_kit.weighting.raking.replicates import RakingRule, rake_replicates
from survey_kit.weighting.record.assemble import largest_gap, target_table
from survey_kit.weighting.record.made import Again, Made, hand_back, weights_of
from survey_kit.weighting.rows.arguments import check_flag
from survey_kit.weighting.rows.columns import By, columns_of
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.targets.collapse import collapsed_target_set, small_cells
from survey_kit.weighting.targets.population import number_column, population_targets
from survey_kit.weighting.targets.read import NUMBERS_ELSEWHERE, Targets, is_population, read_targets
from survey_kit.weighting.targets.target_set import TargetSet

S = TypeVar("S", bound=SurveyLike)

CellTargets: TypeAlias = Targets | Mapping[Hashable, float | None]

_MET = 1e-10  # largest gap, as a part of the total, that rounding may leave
_MOST = 1000  # sweeps and steps where rows without a value make a raking of it


@overload
def poststratify(
    data: pd.DataFrame,
    targets: CellTargets,
    by: By = None,
    base: Base = None,
    *,
    partial: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
) -> Weights: ...
@overload
def poststratify(  # type: ignore[overload-cannot-match]
    data: S,
    targets: CellTargets,
    by: By = None,
    base: Base = None,
    *,
    partial: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
) -> S: ...
def poststratify(
    data: pd.DataFrame | SurveyLike,
    targets: CellTargets,
    by: By = None,
    base: Base = None,
    *,
    partial: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
    missing: Missing = "error",
    seed: int = 0,
) -> Weights | SurveyLike:
    """Weights that bring every cell to its total in the population: base weight times target / weight held by the cell.

    Args:
        data: a DataFrame, or a survey (then categories may be written as labels or codes, user-missing is missing).
        targets: {category: share or count} with one variable in `by`; {("male", "18-29"): share or count}, or
            "male:18-29" as keys, with several; {variable: {category: ...}}, a long table or a CSV as for `rake`, with one
            margin; or a population: a DataFrame with the columns `by`, and numbers in a column target, count, n, freq,
            frequency, pop, population, total, people, share, proportion, percent (as they stand, in any case), or weight
            (for shares); without a column of numbers each row counts 1, for shares.
        by: variables whose crossing makes the cells; None where the targets name them.
        base: base weights: a column, a Series, an array, or the Weights of an earlier step. None: ones; for a survey its
            weight in force. Zeros stay zero.
        partial: leave cells of the population without rows out, with a notice; the weights then stand for the others.
        min_n, max_factor: merge cells of fewer rows, or with a larger factor (relative to the average factor), with the
            adjacent cell along the last variable of `by`, then along the one before (see `collapse_targets`). What was
            merged is stated: `.collapsed`.
        missing, seed: what rows without a value are, as for `rake`. With "own" and "ignore" the weights are those of `rake`.

    Returns:
        Weights for a DataFrame. For a survey the same survey under the new weights; standard errors account for the
        post-stratification, replicate weights are post-stratified each. Weights sum to n (without base weights), to the
        sum of the base weights, or to the counts' total when targets are counts.

    Raises:
        TargetMismatchError, TargetError, UnknownNameError: targets that do not fit; every fault in one message.
        TargetError: a cell that holds no weight in some replicate.
        ArgumentError, InvalidWeightError, NoValidData, UnsupportedOption: other arguments.

    R: survey::postStratify (partial as there). Stata: svyset, poststrata() postweight(). SPSS: none.
    Source: Holt & Smith (1979), JRSS A 142, 33.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"sex": ["m", "f", "f", "f"]})
        >>> poststratify(df, {"m": 0.5, "f": 0.5}, by="sex").values.round(4).tolist()
        [2.0, 0.6667, 0.6667, 0.6667]
    """
    rule = small_cells(min_n, max_factor)
    check_flag("partial", partial)
    subject = subject_of(data, base)
    written = _one_margin(targets, by, subject)
    wanted, collapsed = collapsed_target_set(subject, written, rule, bool(partial), missing, seed)
    margin = wanted.margins[0]
    if collapsed is not None and len(margin.shares) == 1:
        raise ArgumentError(
            f"{margin.name!r}: with {rule} all {len(collapsed)} cells are merged into one, and nothing is left to adjust. Ask "
            "for less, or take coarser cells."
        )
    found = (
        _with_gaps(subject, wanted) if margin.relative or margin.own is not None else _in_closed_form(subject, wanted)
    )
    table = target_table(subject, wanted, found.values)
    gap = largest_gap(table)
    made = Made(
        values=found.values,
        method="poststratify",
        adjustment=found.adjustment,
        targets=table,
        solver=found.solver,
        max_gap=gap,
        converged=gap <= _MET,
        notices=wanted.notices,
        titles=subject.titles(m.name for m in wanted.margins),
        collapsed=collapsed,
    )
    return hand_back(subject, weights_of(subject, made), found.again)


@dataclass(frozen=True, eq=False)
class _Found:
    """Weights (n,), their step in a variance, how they were found, and what repeats it in replicates."""

    values: FloatArray
    adjustment: Adjustment
    solver: str
    again: Again


def _in_closed_form(subject: Subject, wanted: TargetSet) -> _Found:
    cells = _cells(wanted)
    held = weighted_counts(cells.code, subject.base, cells.size)
    values = subject.base * cells.factors(held[:, None])[cells.code, 0]
    step = _step(cells, wanted, subject.base, values)
    return _Found(values, step, "closed form", lambda again: _replicates(again, cells, wanted.root))


def _with_gaps(subject: Subject, wanted: TargetSet) -> _Found:
    """Where the margin is relative, or the sample tells a part of it: raking to it, in the full sample and in replicates."""
    rule, cells = RakingRule(None, _MET, _MOST, "auto"), cells_of(wanted)
    goals = goals_of(wanted, cells)
    raked = rule.run(cells.held(subject.base), goals, None)
    values = subject.base * raked.g[cells.code, 0]
    step = adjustment_of(wanted, cells, goals, subject, values)
    return _Found(values, step, raked.solver, lambda again: rake_replicates(again, wanted, cells, rule))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells of rows: the C categories, and one more for rows that the margin says nothing of.

    Attributes:
        code: cell of each row. Shape (n,).
        shares: of the categories, of the total. Shape (C,), or (C, R) where they differ by replicate.
        names: how each category is shown.
        total, keeps_total: as for `TargetSet`.
        outside: whether there are rows without a category.
    """

    code: IntArray
    shares: FloatArray
    names: tuple[str, ...]
    total: float
    keeps_total: bool
    outside: bool

    @property
    def size(self) -> int:
        return len(self.shares) + self.outside

    def targets(self, held: FloatArray) -> FloatArray:
        """Weight that each category is to have. Shapes (C or C + 1, R) -> (C, R)."""
        shares = self.shares if self.shares.ndim == 2 else self.shares[:, None]
        return np.broadcast_to(shares * self.total, (len(shares), held.shape[1]))

    def factors(self, held: FloatArray) -> FloatArray:
        """Factor of each cell under each column of base weights. Shapes (C or C + 1, R) -> the same."""
        c = len(self.shares)
        inside = cell_factors(held[:c], self.targets(held))
        if not self.outside:
            return inside
        scale = self.total / held.sum(axis=0) if self.keeps_total else np.ones(held.shape[1])
        return np.vstack([inside, scale])


def _cells(wanted: TargetSet) -> _Cells:
    margin = wanted.margins[0]
    code = np.where(margin.codes < 0, len(margin.shares), margin.codes)
    outside = not margin.covers_all
    return _Cells(code, margin.shares, margin.categories, wanted.total, wanted.keeps_total, outside)


def _step(cells: _Cells, wanted: TargetSet, before: FloatArray, after: FloatArray) -> Adjustment:
    """Rows without a category keep their influence: nothing is known of their total."""
    step = poststratification_step(cells.code, cells.size, before, after)
    inside = cells.code < len(cells.shares)
    root = None
    if wanted.root is not None:
        root = np.zeros((cells.size, wanted.root.shape[1]))
        root[: len(cells.shares)] = wanted.root * wanted.total
    return replace(step, takes=np.where(inside, step.takes, 0.0), uncertain=root)


def _replicates(base: ReplicateBase, cells: _Cells, root: FloatArray | None) -> FloatArray:
    """Replicate weights post-stratified each. Shape (n, R). R: postStratify on a svyrep.design."""
    base = base.with_errors(root)
    held = base.cell_totals(cells.code, cells.size)
    inside = held[: len(cells.shares)]
    short = np.flatnonzero(unreachable(inside, cells.shares))
    if len(short):
        empty = [cells.names[c] for c in np.flatnonzero((inside[:, short] <= 0).any(axis=1))]
        raise TargetError(
            f"Post-stratification is not possible in {len(short)} of {base.count} replicates (replicate {listed(short + 1)}): "
            f"with their units left out nobody is left in {listed(map(repr, empty))}. Merge small cells: min_n=30."
        )
    moved = cells if root is None else replace(cells, shares=cells.shares[:, None] + base.moves(root))
    weights = base.weights
    weights *= moved.factors(held)[cells.code]
    return weights


def _one_margin(targets: CellTargets, by: By, subject: Subject) -> Targets:
    """Targets in a form that `read_targets` knows, with one margin, which is of `by` where that is given."""
    columns = subject.frame.columns
    names = None if by is None else columns_of(by, columns)
    if names == ():
        raise ArgumentError(f"by={by!r} must name at least one column.")
    if isinstance(targets, pd.DataFrame) and is_population(targets):
        if names is None:
            raise ArgumentError(
                "targets is a population: say which of its columns make the cells, as in by=['sex', 'age4']."
            )
        margin = names if len(names) > 1 else names[0]
        return population_targets(targets, names, [margin], number_column(targets, names), "Not among `by`")
    if names is not None and isinstance(targets, Mapping) and not any(isinstance(v, Mapping) for v in targets.values()):
        return {names[0] if len(names) == 1 else names: targets}  # type: ignore[dict-item]
    if (
        names is None
        and isinstance(targets, Mapping)
        and not any(isinstance(v, (Mapping, pd.Series)) for v in targets.values())
    ):
        if targets and all(key in columns for key in targets):
            raise ArgumentError(f"targets has a number for {next(iter(targets))!r}. {NUMBERS_ELSEWHERE}.")
        raise ArgumentError("targets has categories, but not their variable. Give it: by='sex', or by=['sex', 'age4'].")
    return _checked(targets, names, columns)


def _checked(targets: Targets, names: tuple[Hashable, ...] | None, columns: pd.Index) -> Targets:
    """Targets with one margin, of the variables asked for."""
    found = read_targets(targets, columns)
    if len(found) > 1:
        shown = listed(repr(m.name) for m in found)
        raise ArgumentError(
            f"Post-stratification takes one margin; the targets have {len(found)}: {shown}. Cross them, or use rake()."
        )
    if names is not None and found and set(found[0].variables) != set(names):
        wanted = ":".join(map(str, names))
        raise ArgumentError(f"The targets are of {found[0].name!r}, but by asks for {wanted!r}. Make them agree.")
    return targets
