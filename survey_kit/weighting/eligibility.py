"""Unknown eligibility: cases of which it is not known whether they belong give their weight to those of which it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, listed, unknown
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts
from survey_kit.kernels.redistribute import class_factors, redistribution_step, roles
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.response.classes import Classes, classes_of, merged
from survey_kit.weighting.rows.arguments import check_flag
from survey_kit.weighting.rows.columns import By, check_column
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Answers, Base, Subject, answers, category_text, subject_of
from survey_kit.weighting.targets.collapse import small_cells

S = TypeVar("S", bound=SurveyLike)

ELIGIBLE, INELIGIBLE, UNKNOWN = "eligible", "ineligible", "unknown"
AAPOR: dict[str, str] = {
    **dict.fromkeys(("I", "P", "R", "NC", "O"), ELIGIBLE),
    **dict.fromkeys(("U", "UH", "UO"), UNKNOWN),
    "NE": INELIGIBLE,
}
_AAPOR_NUMBERS = {"1": ELIGIBLE, "2": ELIGIBLE, "3": UNKNOWN, "4": INELIGIBLE}
_AAPOR_CODE = re.compile(r"([1-4])(\.\d{1,3}|\d{1,3})")


@overload
def redistribute_unknown(
    data: pd.DataFrame,
    status: Hashable,
    *,
    unknown: Collection[Hashable] | None = None,
    ineligible: Collection[Hashable] | None = None,
    by: By = None,
    base: Base = None,
    drop_ineligible: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> Weights: ...
@overload
def redistribute_unknown(  # type: ignore[overload-cannot-match]
    data: S,
    status: Hashable,
    *,
    unknown: Collection[Hashable] | None = None,
    ineligible: Collection[Hashable] | None = None,
    by: By = None,
    base: Base = None,
    drop_ineligible: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> S: ...
def redistribute_unknown(
    data: pd.DataFrame | SurveyLike,
    status: Hashable,
    *,
    unknown: Collection[Hashable] | None = None,
    ineligible: Collection[Hashable] | None = None,
    by: By = None,
    base: Base = None,
    drop_ineligible: bool = False,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> Weights | SurveyLike:
    """Weights in which cases of unknown eligibility have 0, and those of known eligibility (both kinds) hold theirs.

    Args:
        data: a DataFrame with a row for every case sampled, or such a survey.
        status: the column of dispositions.
        unknown, ineligible: its categories (labels or codes) that mean unknown eligibility, and not eligible; all others are
            eligible. Without both the categories must be AAPOR's: I, P, R, NC, O; UH, UO; NE; or its codes (1.1, 2.11, 3.2,
            4.5, also as 110, 211).
        by: classes within which weight moves: variables known for every case, crossed. None: one class.
        base: base weights: a column, a Series, an array, or the Weights of an earlier step. None: ones; for a survey its
            weight in force.
        drop_ineligible: afterwards give ineligible cases weight 0. Else they keep theirs, as estimates of the part of the
            frame that is eligible need it.
        min_n, max_factor: merge classes of fewer cases of known eligibility, or with a larger factor, with the adjacent
            class. What was merged is stated: `.collapsed`.

    Returns:
        Weights for a DataFrame, with `.factors` (class, n, known, eligible, unknown, factor) and the counts and eligibility
        rates in `.details`. For a survey the same survey under the new weights; standard errors account for the
        redistribution, replicate weights repeat it.

    Raises:
        ArgumentError: categories that are not there or mean nothing, missing values, a class in which eligibility is known of
            nobody. UnknownNameError, InvalidWeightError, NoValidData, UnsupportedOption: other arguments.

    R: svrep::redistribute_weights(reduce_if = unknown, increase_if = !unknown, by). Stata, SPSS: by hand.
    Source: Valliant, Dever & Kreuter (2018), Practical Tools for Designing and Weighting Survey Samples, 13.4; AAPOR (2023),
    Standard Definitions.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"status": ["I", "I", "R", "NE", "UH"]})
        >>> redistribute_unknown(df, "status").values.tolist()
        [1.25, 1.25, 1.25, 1.25, 0.0]
    """
    check_flag("drop_ineligible", drop_ineligible)
    rule = small_cells(min_n, max_factor)
    subject = subject_of(data, base)
    case = _case(subject, status, unknown, ineligible)
    groups = merged(classes_of(subject, by), subject.base, case.unknown, ~case.unknown, rule)
    key = roles(groups.code, case.unknown, ~case.unknown)
    factors, _ = class_factors(weighted_counts(key, subject.base, 3 * groups.size)[:, None])
    kept = np.where(case.ineligible & bool(drop_ineligible), 0.0, 1.0)
    shared = subject.base * factors[key, 0]
    made = Made(
        values=shared * kept,
        method="eligibility",
        adjustment=redistribution_step(groups.code, groups.size, ~case.unknown, subject.base, shared),
        solver="closed form",
        notices=(*groups.notices, *_told(case, bool(drop_ineligible))),
        collapsed=groups.collapsed,
        factors=_factor_table(groups, case, factors[1::3, 0]),
        details=_counts(case, subject.base),
    )
    return hand_back(subject, weights_of(subject, made), lambda again: _replicates(again, groups, key, kept))


@dataclass(frozen=True, eq=False)
class _Case:
    """Which rows are of unknown eligibility and which are not eligible. Shape (n,)."""

    unknown: BoolArray
    ineligible: BoolArray

    @property
    def eligible(self) -> BoolArray:
        """Known to be eligible. Shape (n,)."""
        return ~self.unknown & ~self.ineligible


def _case(
    subject: Subject,
    status: Hashable,
    uncertain: Collection[Hashable] | None,
    ineligible: Collection[Hashable] | None,
) -> _Case:
    check_column(status, subject.frame.columns)
    found = answers(subject, status)
    if found.missing:
        rows = np.flatnonzero(found.codes < 0) + 1
        raise ArgumentError(
            f"status {str(status)!r} has no value in {found.missing} of {subject.n} rows (row {listed(rows)}). A case without "
            "a disposition is one of unknown eligibility: give it that status."
        )
    if uncertain is None and ineligible is None:
        kinds = _aapor(status, found)
    else:
        kinds = _stated(status, found, uncertain or (), ineligible or ())
    return _Case(kinds[found.codes] == UNKNOWN, kinds[found.codes] == INELIGIBLE)


def _aapor(status: Hashable, found: Answers) -> np.ndarray:
    """What each category means as a disposition of AAPOR. Shape (k,)."""
    kinds: list[str | None] = [None] * len(found.names)
    for text, positions in found.known_as.items():
        code = _AAPOR_CODE.fullmatch(text)
        kind = AAPOR.get(text.strip().upper()) or (_AAPOR_NUMBERS[code[1]] if code else None)
        for position in positions:
            kinds[position] = kinds[position] or kind
    strange = [name for name, kind in zip(found.names, kinds, strict=True) if kind is None]
    if strange:
        raise ArgumentError(
            f"status {str(status)!r} has categories that are no AAPOR dispositions: {listed(map(repr, strange))}. Say which mean "
            "unknown eligibility and which are not eligible: unknown=[...], ineligible=[...]."
        )
    return np.array(kinds, dtype=object)


def _stated(
    status: Hashable, found: Answers, uncertain: Collection[Hashable], ineligible: Collection[Hashable]
) -> np.ndarray:
    """What each category means as stated. Shape (k,)."""
    kinds = np.array([ELIGIBLE] * len(found.names), dtype=object)
    for kind, categories in ((UNKNOWN, uncertain), (INELIGIBLE, ineligible)):
        if isinstance(categories, str):
            raise ArgumentError(f"{kind}={categories!r} must be a list of categories: {kind}=[{categories!r}].")
        for category in categories:
            positions = found.known_as.get(category_text(category), [])
            if not positions:
                raise unknown(f"category of {str(status)!r}", category, found.names)
            if kinds[positions[0]] not in (ELIGIBLE, kind):
                raise ArgumentError(f"{category!r} is in unknown and in ineligible. Keep it in one.")
            kinds[positions] = kind
    return kinds


def _replicates(base: ReplicateBase, groups: Classes, key: IntArray, kept: FloatArray) -> FloatArray:
    """Replicate weights redistributed each. Shape (n, R)."""
    factors, stranded = class_factors(base.cell_totals(key, 3 * groups.size))
    if stranded.any():
        raise ArgumentError(
            f"In {int(stranded.sum())} of {base.count} replicates there is a class in which eligibility is known of nobody. "
            "Merge small classes with min_n=20."
        )
    weights = base.weights
    weights *= factors[key]
    weights *= kept[:, None]
    return weights


def _factor_table(groups: Classes, case: _Case, factors: FloatArray) -> pd.DataFrame:
    counts = {
        "n": np.ones(len(case.unknown)),
        "known": ~case.unknown,
        "eligible": case.eligible,
        "unknown": case.unknown,
    }
    table = pd.DataFrame({"class": list(groups.names)})
    for name, which in counts.items():
        table[name] = weighted_counts(groups.code, which.astype(np.float64), groups.size).astype(np.int64)
    return table.assign(factor=factors)


def _counts(case: _Case, base: FloatArray) -> Mapping[str, object]:
    """Counts, and AAPOR's e: the part of the cases of known eligibility that is eligible."""
    known = ~case.unknown
    held = float(base[known].sum())
    return {
        "n": len(base),
        "eligible": int(case.eligible.sum()),
        "ineligible": int(case.ineligible.sum()),
        "unknown": int(case.unknown.sum()),
        "eligibility_rate": float(case.eligible.sum() / known.sum()),
        "weighted_eligibility_rate": float(base[case.eligible].sum() / held) if held else float("nan"),
    }


def _told(case: _Case, dropped: bool) -> tuple[Notice, ...]:
    none = (
        () if case.unknown.any() else (Notice("no_unknown", "No case is of unknown eligibility: nothing was moved."),)
    )
    n = int(case.ineligible.sum())
    gone = (Notice("ineligible", f"Cases that are not eligible have weight 0: {n}.", n),) if dropped and n else ()
    return (*none, *gone)
