"""From matched categories to the shares that a margin asks for: units, free categories, rows without a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.schema import Notice
from survey_kit.weighting.rows.missing_answers import OWN, Missing
from survey_kit.weighting.rows.subject import Subject
from survey_kit.weighting.targets.matched import Matched
from survey_kit.weighting.targets.read import Wish
from survey_kit.weighting.targets.units import UnitVerdict


@dataclass(frozen=True, eq=False)
class Margin:
    """One margin ready for use.

    Attributes:
        name: the variable, or "sex:age4".
        categories: how each category is shown; categories left free are one, "30-44 or 45+". k of them.
        codes: category 0..k-1 of each row; -1 where the margin says nothing of the row. Shape (n,).
        shares: target shares: of the total, or (relative) of what the rows with a category weigh together. Sum 1, but less
            where counts leave categories open. Shape (k,).
        extra: columns that came with the targets (source, date ...). k rows.
        relative: whether the shares hold among the rows with a category (missing="ignore").
        own: position of the category of rows without a value (missing="own"), which keeps its share of the base weights.
    """

    name: str
    categories: tuple[str, ...]
    codes: IntArray
    shares: FloatArray
    extra: pd.DataFrame
    relative: bool = False
    own: int | None = None

    @property
    def covers_all(self) -> bool:
        """Whether every row has a category."""
        return bool((self.codes >= 0).all())


@dataclass(frozen=True, eq=False)
class Draft:
    """A margin of rows with a value.

    Attributes:
        matched: where it came from.
        fixed: the categories that have a target. f of them.
        names, code, shares: k categories: the fixed ones, and what is left free as one where the total is known.
        jacobian: derivative of the shares by the written targets; None where these have no errors. Shape (k, f).
        open: whether free categories are outside the margin, since no total is known.
    """

    matched: Matched
    fixed: tuple[Wish, ...]
    names: tuple[str, ...]
    code: IntArray
    shares: FloatArray
    jacobian: FloatArray | None = field(repr=False)
    open: bool = False

    @property
    def name(self) -> str:
        return self.matched.written.name

    @property
    def complete(self) -> bool:
        """Whether every category has a target."""
        return len(self.fixed) == len(self.matched.wishes)


def draft_of(
    matched: Matched, verdict: UnitVerdict, base_total: float, known_total: bool = True, errors: bool = True
) -> Draft:
    """The shares that a margin asks for, and how they hang on the targets as written.

    `known_total`: whether the total that counts sum to has no error of its own. `errors`: whether the derivative is needed.
    """
    free = np.array([w.free for w in matched.wishes], dtype=bool)
    fixed = tuple(w for w in matched.wishes if not w.free)
    values = np.array([float(w.value) for w in fixed])  # type: ignore[arg-type]
    f, open_ = len(fixed), bool(free.any()) and verdict.open
    place = np.append(np.cumsum(~free) - 1, -1)  # the last one is for rows without a value
    place[:-1][free] = -1 if open_ else f
    names = [n for n, is_free in zip(matched.names, free, strict=True) if not is_free]
    if not free.any():
        shares = values / fsum(values)  # exact: shares that sum to 1 stay as they were written
        jacobian = (np.eye(f) - known_total * shares[:, None]) / values.sum() if errors else None
    elif open_:
        shares, jacobian = values / base_total, np.eye(f) / base_total if errors else None
    else:
        scale = {"share": 1.0, "percent": 100.0}.get(verdict.unit, verdict.total)
        shares = np.append(values, scale - values.sum()) / scale
        jacobian = np.vstack([np.eye(f), -np.ones(f)]) / scale if errors else None
        names.append(" or ".join(n for n, is_free in zip(matched.names, free, strict=True) if is_free))
    code = place[matched.code] if free.any() else matched.code
    return Draft(matched, fixed, tuple(names), code, shares, jacobian, open_)


def unclear(draft: Draft, missing: Missing) -> str:
    """What is wrong with rows without a value in this margin; "" where nothing is."""
    if not draft.open or missing not in ("own", "ignore") or not (draft.matched.code < 0).any():
        return ""
    return (
        f"{draft.name!r}: missing={missing!r} needs the total of the weights, and counts with categories left free do not "
        "tell it. Give all counts, or shares."
    )


def finished(draft: Draft, subject: Subject, missing: Missing) -> tuple[Margin, FloatArray | None, tuple[Notice, ...]]:
    """The margin with its rows without a value, the derivative of its shares by its targets, and what was done."""
    extra = pd.DataFrame([dict(w.extra) for w in draft.fixed], index=range(len(draft.fixed)))
    extra = extra.reindex(range(len(draft.shares)))
    gone = draft.matched.code < 0
    n = int(np.count_nonzero(gone))
    plain = Margin(draft.name, draft.names, draft.code, draft.shares, extra, relative=False)
    if not n:
        return plain, draft.jacobian, ()
    held = float(subject.base[gone].sum() / subject.total)
    if missing == "ignore":
        text = f"{draft.name!r}: rows without a value, left alone by this margin: {n} ({held:.1%} of the base weights)."
        relative = Margin(draft.name, draft.names, draft.code, draft.shares, extra, relative=True)
        return relative, draft.jacobian, (Notice("no_answer", text, n),)
    text = f"{draft.name!r}: rows without a value, a category of their own with {held:.1%} of the base weights: {n}."
    return *_with_own(plain, gone, held, draft.jacobian), (Notice("no_answer", text, n),)


def _with_own(
    margin: Margin, gone: BoolArray, held: float, jacobian: FloatArray | None
) -> tuple[Margin, FloatArray | None]:
    """The margin with one category more, whose target is what its rows hold of the base weights."""
    if held == 0:  # rows of base weight zero stay there
        return margin, jacobian
    k = len(margin.shares)
    own = Margin(
        name=margin.name,
        categories=(*margin.categories, OWN),
        codes=np.where(gone, k, margin.codes),
        shares=np.append((1 - held) * margin.shares, held),
        extra=margin.extra.reindex(range(k + 1)),
        own=k,
    )
    return own, None if jacobian is None else np.vstack([(1 - held) * jacobian, np.zeros(jacobian.shape[1])])
