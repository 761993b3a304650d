"""Small categories of weighting targets merged with their neighbours, by a rule that is stated on the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Variable
from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, UnsupportedOption, listed
from survey_kit.kernels.collapse_cells import CollapsedCells, Limits, collapse_cells
from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.schema import Notice
from survey_kit.weighting.rows.arguments import is_whole
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.targets.category_order import places_of, rows_of
from survey_kit.weighting.targets.matched import bad_values
from survey_kit.weighting.targets.read import Targets, Wish, WrittenMargin, WrittenTargets, read_written
from survey_kit.weighting.targets.target_set import Margin, TargetSet, target_set
from survey_kit.weighting.targets.uncertain import SE
from survey_kit.weighting.targets.units import judge_units

D = TypeVar("D", pd.DataFrame, SurveyLike)

_NEIGHBOUR = "its neighbour was small"
COLLAPSED_COLUMNS = ("variable", "category", "into", "n", "why")
_JUDGED_AS_COUNTS = 1e7  # what parts of targets are scaled to while they are checked


@dataclass(frozen=True, slots=True)
class SmallCells:
    """The rule: a cell of fewer than `min_n` rows, or with a factor above `max_factor`, is merged with a neighbour."""

    min_n: int | None = None
    max_factor: float | None = None

    @property
    def why(self) -> tuple[str, str]:
        """The reasons in words: too few rows, too large a factor."""
        few = "no rows" if self.min_n is None else f"fewer than {self.min_n} rows"
        return few, "" if self.max_factor is None else f"factor above {self.max_factor:g}"

    def __str__(self) -> str:
        parts = [] if self.min_n is None else [f"min_n={self.min_n}"]
        return " and ".join(parts if self.max_factor is None else [*parts, f"max_factor={self.max_factor:g}"])

    def limits(self, average: float) -> Limits:
        """The rule in numbers, factors being relative to `average`. Cells without rows are always too small."""
        most = np.inf if self.max_factor is None else self.max_factor * average
        return Limits(max(self.min_n or 1, 1), most)


@dataclass(frozen=True, eq=False)
class CollapsedTargets(Generic[D]):
    """Data and targets with small categories merged.

    Attributes:
        data: the data with a new column for each variable that was merged.
        targets: {variable: {category: share or count}} for `rake`, `poststratify` and the like.
        collapsed: categories that were merged: variable, category, into, n, why; None when none were.
        notices: the same in sentences.
    """

    data: D
    targets: dict[str, dict[str, float]]
    collapsed: pd.DataFrame | None
    notices: tuple[Notice, ...]


def collapse_targets(
    data: D, targets: Targets, base: Base = None, *, min_n: int | None = None, max_factor: float | None = None
) -> CollapsedTargets[D]:
    """Merge small categories with their neighbours, so that data and targets can be weighted.

    The category with the fewest rows is merged first, with the adjacent category of fewer rows; for a crossed margin along
    its last variable within the same categories of the others, then along the variable before. Categories are ordered as
    the codebook or a Categorical has them, numbers by size, other texts as the targets list them. Categories of the targets
    that no row has are merged, too.

    Args:
        data: a DataFrame or a survey.
        targets: as for `rake`.
        base: base weights, for `max_factor`.
        min_n: rows that a category must have.
        max_factor: largest factor (target / weight held) relative to the average factor.

    Raises:
        ArgumentError: no rule, or one that even a single category cannot meet. TargetError: targets that do not fit.

    Stata: none. R: none (survey has no collapsing; anesrake leaves it to the user).
    Source: Kalton & Flores-Cervantes (2003), Journal of Official Statistics 19, 81.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"age": ["18-29", "30-59", "30-59", "60+", "60+", "60+"]})
        >>> merged = collapse_targets(df, {"age": {"18-29": 0.2, "30-59": 0.5, "60+": 0.3}}, min_n=2)
        >>> merged.targets
        {'age_merged': {'18-29 + 30-59': 0.7, '60+': 0.3}}
        >>> merged.data["age_merged"].tolist()[:2]
        ['18-29 + 30-59', '18-29 + 30-59']
    """
    rule = small_cells(min_n, max_factor)
    if rule is None:
        raise ArgumentError("Say when a category is too small: min_n=30, or max_factor=3.")
    subject = subject_of(data, base)
    wanted, table = collapsed_target_set(subject, targets, rule)
    gone = set() if table is None else set(table["variable"])
    out, names = data, {}
    for margin in wanted.margins:
        names[margin.name] = margin.name
        if margin.name in gone:
            out, names[margin.name] = _with_merged(out, margin)
    scale = wanted.total if wanted.unit == "count" else 1.0
    made = {
        names[m.name]: dict(zip(m.categories, (m.shares * scale).round(15).tolist(), strict=True))
        for m in wanted.margins
    }
    return CollapsedTargets(out, made, table, tuple(n for n in wanted.notices if n.kind == "collapsed"))


def small_cells(min_n: int | None, max_factor: float | None) -> SmallCells | None:
    """The rule that the arguments state; None without one."""
    if min_n is not None and not is_whole(min_n):
        raise ArgumentError(f"min_n={min_n!r} is not a number of rows of at least 1.")
    if max_factor is not None and not (is_number(max_factor) and max_factor > 1):
        raise ArgumentError(f"max_factor={max_factor!r} is not a factor above 1.")
    return None if min_n is None and max_factor is None else SmallCells(min_n, max_factor)


def collapsed_target_set(
    subject: Subject,
    targets: Targets,
    rule: SmallCells | None,
    partial: bool = False,
    missing: Missing = "error",
    seed: int = 0,
) -> tuple[TargetSet, pd.DataFrame | None]:
    """Targets matched with the rows, small categories merged; the table of what was merged.

    Args:
        rule: when a category is too small; None to merge nothing.
        partial: leave categories of the targets without rows out. Else they are merged as the rule says.
    """
    if rule is None and not partial:
        return target_set(subject, targets, missing, seed), None
    read = read_written(targets, subject.frame.columns)
    rows = [rows_of(subject, margin) for margin in read.margins]
    empty = [_empty(margin, ns) for margin, ns in zip(read.margins, rows, strict=True)]
    absent = [0.0] * len(empty)
    if any(empty):
        wanted, absent = _without_empty(subject, targets, read, empty, missing, seed)
        if partial:
            wanted, absent = _left_out(wanted, read.margins, empty, absent), [0.0]
            empty = [[]]
    else:
        wanted = target_set(subject, targets, missing, seed)
    if rule is None:
        return wanted, None
    cuts = map(_Cut, read.margins, wanted.margins, [ns or [] for ns in rows], empty, absent)
    merged = [_merge(subject, wanted.total, rule, cut) for cut in cuts]
    tables = [m.table for m in merged if m.table is not None]
    made = replace(
        wanted,
        margins=tuple(m.margin for m in merged),
        notices=(*wanted.notices, *(collapsed_notice(table) for table in tables)),
        root=_merged_root(wanted.root, merged),
    )
    return made, pd.concat(tables, ignore_index=True) if tables else None


@dataclass(frozen=True, eq=False)
class _Merged:
    """A margin after merging: the group of each category that had rows (k,), and the table of what was merged."""

    margin: Margin
    into: IntArray
    table: pd.DataFrame | None = None


def _merged_root(root: FloatArray | None, merged: Sequence[_Merged]) -> FloatArray | None:
    """L of the shares of merged categories: their rows summed. Shapes (K, q) -> (G, q)."""
    if root is None:
        return None
    sizes = [len(m.margin.shares) for m in merged]
    into = np.concatenate([m.into + start for m, start in zip(merged, np.cumsum([0, *sizes]), strict=False)])
    out = np.zeros((sum(sizes), root.shape[1]))
    np.add.at(out, into, root)
    return out


@dataclass(frozen=True, eq=False)
class _Cut:
    """A margin: as written, as matched without empty categories, rows of each wish, and the empty wishes with their share."""

    written: WrittenMargin
    margin: Margin
    rows: Sequence[int]
    empty: Sequence[Wish]
    absent: float


def _empty(margin: WrittenMargin, rows: Sequence[int] | None) -> list[Wish]:
    """Categories with a target that no row has."""
    return [] if rows is None else [w for w, n in zip(margin.wishes, rows, strict=True) if n == 0 and _positive(w)]


def _positive(wish: Wish) -> bool:
    return isinstance(wish.value, (int, float, np.integer, np.floating)) and bool(wish.value > 0)


def _without_empty(
    subject: Subject,
    targets: Targets,
    read: WrittenTargets,
    empty: Sequence[Sequence[Wish]],
    missing: Missing,
    seed: int,
) -> tuple[TargetSet, list[float]]:
    """Targets matched without the categories that no row has, and the share that these have of each margin."""
    written = read.margins
    if any(bad_values(m) or m.free for m in written):
        return target_set(subject, targets, missing, seed), []  # raises: it says all that is wrong
    sums = {m.name: [float(w.value) for w in m.wishes] for m in written}  # type: ignore[arg-type]
    verdict = judge_units(sums, subject.n, subject.total)
    if verdict.faults:
        return target_set(subject, targets, missing, seed), []
    if read.covariance is not None or any(SE in w.extra for m in written for w in m.wishes):
        raise UnsupportedOption(
            "Targets with errors have categories without rows. Merge these categories in the data and the targets first."
        )
    kept = [[w for w in m.wishes if w not in out] for m, out in zip(written, empty, strict=True)]
    if not all(kept):
        return target_set(subject, targets, missing, seed), []
    parts = [float(sum(w.value for w in ws)) for ws in kept]  # type: ignore[misc]
    records = [
        r for m, ws, part in zip(written, kept, parts, strict=True) for r in _long(m, ws, _JUDGED_AS_COUNTS / part)
    ]
    wanted = target_set(subject, pd.DataFrame(records), missing, seed)
    total = verdict.total if verdict.unit == "count" else subject.total
    absent = [1 - part / sum(sums[m.name]) for m, part in zip(written, parts, strict=True)]
    return replace(wanted, unit=verdict.unit, total=total, notices=(*verdict.notices, *wanted.notices)), absent


def _long(margin: WrittenMargin, wishes: Sequence[Wish], scale: float) -> list[dict[str, object]]:
    """A margin as rows of the long form."""
    several = len(margin.variables) > 1
    name = margin.variables if several else margin.variables[0]
    return [
        {"variable": name, "category": w.key if several else w.key[0], "target": float(w.value) * scale, **w.extra}  # type: ignore[arg-type]
        for w in wishes
    ]


def _left_out(
    wanted: TargetSet, written: Sequence[WrittenMargin], empty: Sequence[Sequence[Wish]], absent: Sequence[float]
) -> TargetSet:
    """The targets of the others as they are: the total is theirs."""
    if len(written) > 1:
        raise UnsupportedOption("partial=True is for one margin. With several, merge the empty categories: min_n=1.")
    names = listed(repr(w.shown) for w in empty[0])
    text = (
        f"{written[0].name!r}: {len(empty[0])} categories of the targets have no rows and were left out ({names}); they are "
        f"{absent[0]:.1%} of the population, for which these weights do not stand."
    )
    notice = Notice("partial", text, len(empty[0]))
    return replace(wanted, total=wanted.total * (1 - absent[0]), notices=(*wanted.notices, notice))


def _merge(subject: Subject, total: float, rule: SmallCells, cut: _Cut) -> _Merged:
    """One margin with its small categories merged."""
    margin, k = cut.margin, len(cut.margin.shares)
    with_rows = [w for w, n in zip(cut.written.wishes, cut.rows, strict=True) if n > 0]
    if cut.written.free or len(with_rows) != k:
        raise UnsupportedOption(
            f"{margin.name!r}: categories cannot be merged where some are free, or rows without a value are one of their own."
        )
    wishes = [*with_rows, *cut.empty]
    names = [*margin.categories, *(w.shown for w in cut.empty)]
    shares = np.concatenate([margin.shares * (1 - cut.absent), cut.absent * _proportions(cut.empty)])
    counted = margin.codes >= 0
    rows = weighted_counts(margin.codes[counted], (subject.base[counted] > 0).astype(float), len(names))
    held = weighted_counts(margin.codes[counted], subject.base[counted], len(names))
    place = places_of(subject, cut.written, wishes)
    cells = collapse_cells(place, rows, held, shares * total, rule.limits(total / held.sum()))
    if not cells.settled:
        raise ArgumentError(
            f"{margin.name!r}: even all {len(names)} categories together have fewer than min_n={rule.min_n} rows "
            f"(n={int(rows.sum())}). Ask for fewer."
        )
    into, joined = joined_names(cells.into, place, names)
    table = collapsed_table(margin.name, names, rows, cells, into, joined, rule)
    if table is None:
        return _Merged(margin, into)
    made = replace(
        margin,
        categories=joined,
        codes=np.where(counted, into[np.where(counted, margin.codes, 0)], -1),
        shares=weighted_counts(into, shares, len(joined)),
        extra=_joined_extra(margin.extra, into[:k], len(joined)),
    )
    return _Merged(made, into[:k], table)


def _proportions(empty: Sequence[Wish]) -> FloatArray:
    values = np.array([float(w.value) for w in empty])  # type: ignore[arg-type]
    return values / values.sum() if len(values) else values


def joined_names(group: IntArray, place: IntArray, names: Sequence[str]) -> tuple[IntArray, tuple[str, ...]]:
    """Groups numbered by their first category as written, and named by their members in their order: "18-29 + 30-44"."""
    _, first, into = np.unique(group, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    into = rank[into].astype(np.int64)
    order = np.lexsort(place.T[::-1])
    members: list[list[str]] = [[] for _ in first]
    for i in order:
        members[into[i]].append(names[i])
    return into, tuple(map(" + ".join, members))


def collapsed_table(
    variable: str,
    names: Sequence[str],
    rows: FloatArray,
    cells: CollapsedCells,
    into: IntArray,
    joined: Sequence[str],
    rule: SmallCells,
) -> pd.DataFrame | None:
    """One row per category that was merged; None when none was."""
    few, heavy = rule.why
    merged = np.flatnonzero(np.bincount(into)[into] > 1)
    if not len(merged):
        return None
    why = [
        "no rows" if rows[i] == 0 else few if cells.few[i] else heavy if cells.heavy[i] else _NEIGHBOUR for i in merged
    ]
    return pd.DataFrame(
        {
            "variable": variable,
            "category": [names[int(i)] for i in merged],
            "into": [joined[into[i]] for i in merged],
            "n": rows[merged].astype(np.int64),
            "why": why,
        },
        columns=list(COLLAPSED_COLUMNS),
    )


def collapsed_notice(table: pd.DataFrame) -> Notice:
    """What was merged, in a sentence."""
    reasons = [why for why in dict.fromkeys(table["why"]) if why != _NEIGHBOUR]
    into = list(dict.fromkeys(table["into"]))
    name, shown = table["variable"].iloc[0], listed(map(repr, into), 4)
    text = f"{name!r}: {len(table)} categories were merged into {len(into)} ({shown}): {listed(reasons)}."
    return Notice("collapsed", text, len(table))


def _joined_extra(extra: pd.DataFrame, into: IntArray, size: int) -> pd.DataFrame:
    """Columns that came with the targets: the value that the members share, or all of them."""

    def together(values: pd.Series) -> object:
        found = list(dict.fromkeys(values.dropna()))
        return found[0] if len(found) == 1 else " + ".join(map(str, found)) if found else None

    made = {c: [together(extra[c][into == g]) for g in range(size)] for c in extra.columns}
    return pd.DataFrame(made, index=range(size))


def _with_merged(data: D, margin: Margin) -> tuple[D, str]:
    """The data with the merged categories as a new column, and its name."""
    frame = data if isinstance(data, pd.DataFrame) else data.codes
    name = f"{margin.name}_merged"
    while name in frame.columns:
        name += "_"
    if isinstance(data, pd.DataFrame):
        return data.assign(**{name: pd.Categorical.from_codes(margin.codes, list(margin.categories))}), name
    labels: dict[Code, str] = {float(i): text for i, text in enumerate(margin.categories, 1)}
    values = pd.Series(np.where(margin.codes < 0, np.nan, margin.codes + 1.0), index=frame.index, name=name)
    return data.with_column(
        values, Variable(name, label=f"{margin.name}, merged", labels=labels, measure="nominal")
    ), name
