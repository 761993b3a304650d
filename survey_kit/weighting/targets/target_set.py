"""Weighting targets matched with the data and judged: every fault of every margin in one error, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from survey_kit.errors import TargetError, listed
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice
from survey_kit.weighting.rows.missing_answers import Missing, check_missing, weighting_answers
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.conflicts import disagreeing_errors, settled
from survey_kit.weighting.targets.matched import Fault, Matched, bad_values, error_of, match, repeated_margins
from survey_kit.weighting.targets.read import Targets, WrittenTargets, read_written
from survey_kit.weighting.targets.shares import Draft, Margin, draft_of, finished, unclear
from survey_kit.weighting.targets.uncertain import error_faults, has_errors, share_root
from survey_kit.weighting.targets.units import Unit, UnitVerdict, judge_units

__all__ = ["Margin", "TargetSet", "target_set"]


@dataclass(frozen=True, eq=False)
class TargetSet:
    """Margins, the unit that they were written in, and the total that weights must have.

    Attributes:
        margins: M margins.
        unit: of the targets as written.
        total: what the weights sum to, and what shares are shares of.
        notices: what was normalised, left out, imputed or assumed.
        keeps_total: False only for counts of which no margin gives all categories: the total follows from them, and
            `total`, that of the base weights, is nothing but the unit of the shares.
        root: L with L L' the covariance of the shares, all K categories together, margin after margin; None for targets
            without error. Shape (K, q).
    """

    margins: tuple[Margin, ...]
    unit: Unit
    total: float
    notices: tuple[Notice, ...]
    keeps_total: bool = True
    root: FloatArray | None = field(default=None, repr=False)

    def wholes(self, weights: FloatArray) -> FloatArray:
        """What each share is a share of, in weights (n,): all K categories, margin after margin. Shape (K,)."""
        of = [float(weights[m.codes >= 0].sum()) if m.relative else self.total for m in self.margins]
        return np.repeat(of, [len(m.shares) for m in self.margins])


def target_set(subject: Subject, targets: Targets, missing: Missing = "error", seed: int = 0) -> TargetSet:
    """Targets matched with the rows to be weighted.

    Shares (each margin sums to 1 within 0.005) and percentages (100 within 0.5) give weights that sum to the base
    weights' total; counts give weights that sum to the counts' total. A category whose target is None (in a table: the
    word "free") has none; what the others leave of the total is left to all such categories together.

    Args:
        subject: the rows.
        targets: as `rake` takes them.
        missing: what rows without a value in a weighting variable are. "error": refused. "own": a category of their own,
            which keeps its share of the base weights; the targets are for the rest. "impute": drawn from rows that agree
            in the other weighting variables. "ignore": the margin says nothing of them; its shares hold among the rest.
        seed: for "impute": the same seed draws the same answers.

    Raises:
        TargetMismatchError: categories of the data and of the targets differ.
        TargetError: any other fault of the targets; UnknownNameError when nothing but column names is wrong.
        ArgumentError: missing or seed.
    """
    check_missing(missing, seed)
    columns = list(subject.frame.columns)
    written = read_written(targets, columns)
    if not written.margins:
        raise TargetError("targets is empty. Give at least one margin: {variable: {category: share or count}}.")
    variables = [v for m in written.margins for v in m.variables if columns.count(v) == 1]
    known, imputed = weighting_answers(subject, variables, missing, seed)
    found = [match(subject, m, known, missing) for m in written.margins]
    matched = [m for m, _ in found if m is not None]
    verdict = _judged(subject, written)
    faults = [
        *repeated_margins(written.margins),
        *(fault for _, wrong in found for fault in wrong),
        *(Fault("target", text) for m in written.margins for text in error_faults(m)),
        *(Fault("target", text) for text in verdict.faults),
    ]
    if faults:
        raise error_of(faults)
    made = _made(subject, written, matched, verdict, missing)
    notices = (*written.notices, *verdict.notices, *_left(matched), *imputed, *made.notices)
    return TargetSet(made.margins, verdict.unit, made.total, notices, made.keeps_total, made.root)


def _judged(subject: Subject, written: WrittenTargets) -> UnitVerdict:
    """The unit of the margins whose targets are numbers."""
    sound = [m for m in written.margins if m.wishes and not bad_values(m)]
    values = {m.name: [float(w.value) for w in m.wishes if not w.free] for m in sound}  # type: ignore[arg-type]
    free = {m.name: ", ".join(repr(w.shown) for w in m.wishes if w.free) for m in sound if m.free}
    return judge_units(values, subject.n, subject.total, free, "count" if written.counts else None)


def _made(
    subject: Subject, written: WrittenTargets, matched: Sequence[Matched], verdict: UnitVerdict, missing: Missing
) -> TargetSet:
    """Margins without faults of their own, brought into agreement, with rows without a value."""
    total = subject.total if verdict.unit != "count" or verdict.open else verdict.total
    known_total = verdict.unit != "count" or written.covariance is None
    unsure = has_errors(written)
    made = [draft_of(m, verdict, subject.total, known_total, unsure) for m in matched]
    drafts, wrong, scaled = settled(made, verdict.unit, total)
    faults = [*wrong, *(text for d in drafts if (text := unclear(d, missing)))]
    if faults:
        raise error_of([Fault("target", text) for text in faults])
    margins, sensitivities, done = zip(*[finished(d, subject, missing) for d in drafts], strict=True)
    root, errors = share_root(drafts, sensitivities, written.covariance)
    if root is not None:
        _check_errors(root, drafts, margins, known_total)
    notices = (*scaled, *(n for each in done for n in each), *errors)
    return TargetSet(margins, verdict.unit, total, notices, not any(d.open for d in drafts), root)


def _check_errors(root: FloatArray, drafts: Sequence[Draft], margins: Sequence[Margin], known_total: bool) -> None:
    """Refuse errors under which margins would have different totals, or say different things of a variable."""
    ends = np.cumsum([0, *(len(m.shares) for m in margins)])
    parts = [root[a:b] for a, b in pairwise(ends)]
    sums = np.array([part.sum(axis=0) for part in parts])
    if not known_total and np.abs(sums - sums[0]).max() > 1e-6 * np.abs(root).max():
        raise TargetError(
            "The covariance lets the totals of margins differ, which no weights can follow. Give shares with their "
            "covariance, or counts of the same people in every margin."
        )
    answered = [1.0 if m.own is None else 1 - m.shares[m.own] for m in margins]
    roots = [part[: len(d.shares)] / a for part, d, a in zip(parts, drafts, answered, strict=True)]
    wrong = disagreeing_errors(drafts, roots)
    if wrong:
        raise error_of([Fault("target", text) for text in wrong])


def _left(matched: Sequence[Matched]) -> Iterable[Notice]:
    """Categories that are out of a margin for lack of rows, and those left free."""
    for margin in matched:
        name, dropped = margin.written.name, len(margin.written.wishes) - len(margin.wishes)
        free = [repr(w.shown) for w in margin.wishes if w.free]
        if dropped:
            yield Notice("empty_target", f"{name!r}: categories without target or rows, left out: {dropped}.", dropped)
        if free:
            yield Notice("free_target", f"{name!r}: no target, left free: {listed(free)}.", len(free))
