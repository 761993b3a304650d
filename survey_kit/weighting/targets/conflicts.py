"""Margins that share a variable must agree on it: "sex" and "sex:age4" say the same of sex, or are refused."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, weighted_counts
from survey_kit.schema import Notice
from survey_kit.weighting.targets.shares import Draft
from survey_kit.weighting.targets.units import ROUNDING, Unit

_EXACT = 1e-9
_ROUNDS = 200
_SAME = 1e-6  # errors that differ by less than this part of the largest are the same


def settled(
    drafts: Sequence[Draft], unit: Unit, total: float
) -> tuple[tuple[Draft, ...], tuple[str, ...], tuple[Notice, ...]]:
    """The margins in agreement, what they disagree on, and what was scaled.

    The margin of fewer variables is right (of as many, the first one). Another that differs from it by no more than rounding
    of published shares is scaled to it, since no weights meet both; counts must agree.
    """
    out: dict[int, Draft] = {}
    faults: list[str] = []
    notices: list[Notice] = []
    for at in sorted(range(len(drafts)), key=lambda i: (len(drafts[i].matched.written.variables), i)):
        shared = [s for d in out.values() if (s := _shared(drafts[at], d)) is not None]
        wrong = [text for s in shared if (text := _disagreement(s, unit, total))]
        off = max((s.gap for s in shared), default=0.0)
        out[at] = _scaled(drafts[at], shared) if shared and not wrong and off > 0 else drafts[at]
        faults += wrong
        if off > _EXACT and not wrong:
            names = ", ".join(repr(s.other) for s in shared if s.gap > _EXACT)
            text = f"{drafts[at].name!r} was scaled to agree with {names}: shares differed by up to {off:.2g}."
            notices.append(Notice("normalised", text))
    return tuple(out[i] for i in range(len(drafts))), tuple(faults), tuple(notices)


@dataclass(frozen=True, eq=False)
class _Shared:
    """What one margin says of the variables that it shares with another: group of each category of the one and the other."""

    name: str
    other: str
    variables: str
    names: tuple[str, ...]
    group: IntArray
    again: IntArray
    implied: FloatArray
    wanted: FloatArray

    @property
    def gap(self) -> float:
        return float(np.abs(self.implied - self.wanted).max())


def _shared(draft: Draft, other: Draft) -> _Shared | None:
    """How two margins compare; None where they share no variable or leave categories free."""
    common = [v for v in other.matched.written.variables if v in draft.matched.written.variables]
    if not common or not draft.complete or not other.complete:
        return None
    left, right = _keys(draft, common), _keys(other, common)
    places = {key: i for i, key in enumerate(dict.fromkeys([*right, *left]))}
    group = np.array([places[k] for k in left])
    again = np.array([places[k] for k in right])
    return _Shared(
        name=draft.name,
        other=other.name,
        variables=":".join(str(v) for v in common),
        names=_shown(other, common, again, len(places)),
        group=group,
        again=again,
        implied=weighted_counts(group, draft.shares, len(places)),
        wanted=weighted_counts(again, other.shares, len(places)),
    )


def disagreeing_errors(drafts: Sequence[Draft], roots: Sequence[FloatArray]) -> list[str]:
    """Margins whose errors move a common variable differently, which no weights could follow.

    `roots`: root of the covariance of the shares of each margin, shapes (k, q).
    """
    largest = max(float(np.abs(r).max(initial=0.0)) for r in roots)
    wrong = []
    for at, draft in enumerate(drafts):
        for before in range(at):
            shared = _shared(draft, drafts[before])
            if shared is None:
                continue
            moved = _sums(shared.group, roots[at], len(shared.wanted))
            if np.abs(moved - _sums(shared.again, roots[before], len(shared.wanted))).max() > _SAME * largest:
                wrong.append(
                    f"{shared.other!r} and {shared.name!r}: their errors do not agree on {shared.variables!r}. Give the "
                    "covariance of both together, as targets_from(..., errors=True) does, or one of them alone."
                )
    return wrong


def _sums(group: IntArray, root: FloatArray, size: int) -> FloatArray:
    """Sums of rows by group. Shapes (k,), (k, q) -> (size, q)."""
    out = np.zeros((size, root.shape[1]))
    np.add.at(out, group, root)
    return out


def _keys(draft: Draft, common: Sequence[Hashable]) -> list[tuple[int, ...]]:
    at = [draft.matched.written.variables.index(v) for v in common]
    return [tuple(place[i] for i in at) for place in draft.matched.places]


def _shown(other: Draft, common: Sequence[Hashable], group: IntArray, size: int) -> tuple[str, ...]:
    at = [other.matched.written.variables.index(v) for v in common]
    names = [""] * size
    for wish, g in zip(other.matched.wishes, group, strict=True):
        names[g] = ":".join(wish.key[i] for i in at)
    return tuple(names)


def _disagreement(shared: _Shared, unit: Unit, total: float) -> str:
    off = np.abs(shared.implied - shared.wanted)
    worst = int(off.argmax())
    if off[worst] <= (_EXACT if unit == "count" else ROUNDING):
        return ""
    scale = {"share": 1.0, "percent": 100.0}.get(unit, total)
    one, other = shared.wanted[worst] * scale, shared.implied[worst] * scale
    return (
        f"{shared.other!r} and {shared.name!r} disagree on {shared.variables!r}: {shared.names[worst]!r} has {one:.6g} in "
        f"the one and {other:.6g} in the other, {abs(one - other):.3g} apart. Correct one of them."
    )


def _scaled(draft: Draft, shared: Sequence[_Shared]) -> Draft:
    """The margin raked to what the others say of their common variables."""
    shares = draft.shares
    for _ in range(_ROUNDS):
        for s in shared:
            implied = weighted_counts(s.group, shares, len(s.wanted))
            shares = shares * (s.wanted / np.where(implied > 0, implied, 1.0))[s.group]
        off = [np.abs(weighted_counts(s.group, shares, len(s.wanted)) - s.wanted).max() for s in shared]
        if max(off) <= 1e-15:
            break
    return replace(draft, shares=shares)
