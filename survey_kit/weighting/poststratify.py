"""Post-stratification: every cell of one variable, or of several crossed, brought to its total in the population."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, TargetError, listed, unknown
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.kernels.poststratify import cell_factors, unreachable
from survey_kit.kernels.residualize import poststratification_step
from survey_kit.results.weights import Weights
from survey_kit.weighting.assemble import largest_gap, target_table
from survey_kit.weighting.collapse import collapsed_target_set, small_cells
from survey_kit.weighting.made import Made, ReplicateBase, hand_back, weights_of
from survey_kit.weighting.population import population_counts
from survey_kit.weighting.read_targets import LONG, Targets, read_targets
from survey_kit.weighting.subject import Base, Subject, subject_of
from survey_kit.weighting.targets import TargetSet

S = TypeVar("S", bound=SurveyLike)

CellTargets: TypeAlias = Targets | Mapping[Hashable, float]
By: TypeAlias = Hashable | Sequence[Hashable] | None

_MET = 1e-10  # largest gap, as a part of the total, that rounding may leave


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
) -> Weights | SurveyLike:
    """Weights that bring every cell to its total in the population: base weight times target / weight held by the cell.

    Args:
        data: a DataFrame, or a survey (then categories may be written as labels or codes, user-missing is missing).
        targets: {category: share or count} with one variable in `by`; {("male", "18-29"): share or count}, or
            "male:18-29" as keys, with several; {variable: {category: ...}}, a long table or a CSV as for `rake`, with one
            margin; or a population: a DataFrame with the columns `by` and one of counts (target, count, n, N, Freq or weight;
            without one every row counts 1).
        by: variables whose crossing makes the cells; None where the targets name them.
        base: base weights: a column, a Series, an array, or the Weights of an earlier step. None: ones; for a survey its
            weight in force. Zeros stay zero.
        partial: leave cells of the population without rows out, with a notice; the weights then stand for the others.
        min_n, max_factor: merge cells of fewer rows, or with a larger factor (relative to the average factor), with the
            adjacent cell along the last variable of `by`, then along the one before (see `collapse_targets`). What was
            merged is stated: `.collapsed`.

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
    if not isinstance(partial, (bool, np.bool_)):
        raise ArgumentError(f"partial={partial!r} is neither True nor False.")
    subject = subject_of(data, base)
    written = _one_margin(targets, by, subject)
    wanted, collapsed = collapsed_target_set(subject, written, rule, bool(partial))
    cells = _cells(wanted)
    values = (
        subject.base * _factors(weighted_counts(cells.code, subject.base, cells.size)[:, None], cells)[cells.code, 0]
    )
    table = target_table(subject, wanted, values)
    gap = largest_gap(table)
    made = Made(
        values=values,
        method="poststratify",
        adjustment=poststratification_step(cells.code, cells.size, subject.base, values),
        targets=table,
        solver="closed form",
        max_gap=gap,
        converged=gap <= _MET,
        notices=wanted.notices,
        titles=_titles(subject, wanted),
        collapsed=collapsed,
    )
    return hand_back(subject, weights_of(subject, made), lambda again: _replicates(again, cells))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cell of each row (n,), and the weight and name of each cell (C,)."""

    code: IntArray
    targets: FloatArray
    names: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.targets)


def _cells(wanted: TargetSet) -> _Cells:
    margin = wanted.margins[0]
    return _Cells(margin.codes, margin.shares * wanted.total, margin.categories)


def _factors(held: FloatArray, cells: _Cells) -> FloatArray:
    return cell_factors(held, cells.targets)


def _replicates(base: ReplicateBase, cells: _Cells) -> FloatArray:
    """Replicate weights post-stratified each. Shape (n, R). R: postStratify on a svyrep.design."""
    held = base.cell_totals(cells.code, cells.size)
    short = np.flatnonzero(unreachable(held, cells.targets))
    if len(short):
        empty = [cells.names[c] for c in np.flatnonzero((held[:, short] <= 0).any(axis=1))]
        raise TargetError(
            f"Post-stratification is not possible in {len(short)} of {base.count} replicates (replicate {listed(short + 1)}): "
            f"with their units left out nobody is left in {listed(map(repr, empty))}. Merge small cells: min_n=30."
        )
    weights = base.weights
    weights *= _factors(held, cells)[cells.code]
    return weights


def _titles(subject: Subject, wanted: TargetSet) -> dict[str, str]:
    book = subject.codebook
    return {} if book is None else {m.name: book[m.name].title for m in wanted.margins if m.name in book}


def _one_margin(targets: CellTargets, by: By, subject: Subject) -> Targets:
    """Targets in a form that `read_targets` knows, with one margin, which is of `by` where that is given."""
    columns = subject.frame.columns
    names = _names(by, columns)
    if isinstance(targets, pd.DataFrame) and not any(c in targets.columns for c in LONG[:2]):
        if names is None:
            raise ArgumentError(
                "targets is a population: say which of its columns make the cells, as in by=['sex', 'age4']."
            )
        return population_counts(targets, names)
    if names is not None and isinstance(targets, Mapping) and not any(isinstance(v, Mapping) for v in targets.values()):
        return {names[0] if len(names) == 1 else names: targets}  # type: ignore[dict-item]
    if (
        names is None
        and isinstance(targets, Mapping)
        and not any(isinstance(v, (Mapping, pd.Series)) for v in targets.values())
    ):
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


def _names(by: By, columns: pd.Index) -> tuple[Hashable, ...] | None:
    """The variables of `by`, which must exist."""
    if by is None:
        return None
    several = isinstance(by, (list, tuple)) and not (isinstance(by, tuple) and by in columns)
    names = tuple(by) if several else (by,)  # type: ignore[arg-type]
    absent = [name for name in names if name not in columns]
    if absent or not names or len(set(names)) < len(names):
        if absent:
            raise unknown("column", absent[0], columns)
        raise ArgumentError(f"by={by!r} must name at least one column, each once.")
    return names
