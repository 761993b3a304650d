"""Targets matched with the answers of the rows, category by category: every fault of a margin is a line of one error."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from survey_kit.errors import TargetError, TargetMismatchError, UnknownNameError, did_you_mean, listed
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.subject import Answers, Subject
from survey_kit.weighting.targets.lookalike import difference, look_alike
from survey_kit.weighting.targets.read import NUMBERS_ELSEWHERE, Wish, WrittenMargin

T = TypeVar("T")

_LARGEST_CROSSING = 10_000_000
_FEW, _MANY = 10, 30  # distinct values that categories may have: in few rows, in many
_LOOKED_AT = 2000  # names of the data among which a similar one is looked for


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the error. `kind` decides the exception: all "name" is UnknownNameError, any "mismatch" its class."""

    kind: Literal["name", "target", "mismatch"]
    text: str


@dataclass(frozen=True, eq=False)
class Matched:
    """A margin whose categories the rows have.

    Attributes:
        written: as it was written.
        wishes: those whose category has rows. k of them.
        places: position of each wish in each variable.
        names: how each category is shown.
        code: position among the wishes of each row, -1 without a value. Shape (n,).
    """

    written: WrittenMargin
    wishes: tuple[Wish, ...]
    places: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    code: IntArray


def repeated_margins(written: Sequence[WrittenMargin]) -> Iterable[Fault]:
    names = [m.name for m in written]
    for name in dict.fromkeys(n for n in names if names.count(n) > 1):
        yield Fault("target", f"{name!r}: is given {names.count(name)} times as a margin. Keep one.")


def match(
    subject: Subject, margin: WrittenMargin, known: Mapping[Hashable, Answers], missing: Missing
) -> tuple[Matched | None, list[Fault]]:
    """The margin with the rows' categories, or what is wrong with it."""
    columns = list(subject.frame.columns)
    absent = [v for v in margin.variables if columns.count(v) != 1]
    if absent:
        return None, [_no_column(v, columns) for v in absent]
    if margin.fault:
        return None, [Fault("target", f"{margin.name!r}: {margin.fault}.")]
    parts = [known[v] for v in margin.variables]
    if np.prod([float(len(p.names)) for p in parts]) > _LARGEST_CROSSING:
        return None, [Fault("target", f"{margin.name!r}: too many combinations. Group the categories first.")]
    asked = _no_margin(margin, parts)
    if asked:
        return None, [asked]
    faults = [*(_missing_values(subject, margin, parts) if missing == "error" else ()), *bad_values(margin)]
    places, unclear = _places(margin, parts)
    faults += unclear
    faults += _duplicates(margin, places)
    if margin.wishes and all(w.free for w in margin.wishes):
        faults.append(Fault("target", f"{margin.name!r}: no category has a target. Give one, or leave the margin out."))
    crossing = _cross(parts, subject.base)
    faults += _zero_targets(margin, places, crossing)
    faults += _weightless(subject, margin, places, crossing)
    if not unclear:
        faults += _no_category(subject, margin, places, parts) or _mismatch(margin, places, crossing, parts)
    return (None, faults) if faults else (_matched(margin, places, crossing, subject.base), [])


def _no_column(variable: object, columns: list[object]) -> Fault:
    if variable in columns:
        return Fault(
            "target", f"{variable!r}: the data have {columns.count(variable)} columns of this name. Rename them."
        )
    return Fault("name", f"No column {str(variable)!r}.{did_you_mean(variable, columns)}")


def _no_margin(margin: WrittenMargin, parts: Sequence[Answers]) -> Fault | None:
    """The total or mean of a number, where only margins are taken."""
    kind = margin.wishes[0].key[0] if len(margin.wishes) == len(parts) == 1 else ""
    if kind not in ("mean", "total") or parts[0].at(kind):
        return None
    return Fault("target", f"{margin.name!r}: is given the {kind} of a number. {NUMBERS_ELSEWHERE}.")


def _no_category(
    subject: Subject, margin: WrittenMargin, places: Sequence[tuple[int, ...] | None], parts: Sequence[Answers]
) -> list[Fault]:
    """Variables that are plainly no categories (ages, numbers of telephones): their values are not for an error to show."""
    faults = []
    for at, (variable, part) in enumerate(zip(margin.variables, parts, strict=True)):
        asked = len({p[at] for p in places if p is not None})
        if 2 * asked >= len(part.names) or len(part.names) <= _FEW:
            continue
        k = np.count_nonzero(np.bincount(part.codes[part.codes >= 0]))
        book, dtype = subject.codebook, subject.frame[variable].dtype
        labelled = book is not None and variable in book and bool(book[str(variable)].valid_labels())
        number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)
        many = k > _MANY and (number or 2 * k > subject.n)
        if 2 * asked < k and not labelled and (many or (k > _FEW and k > 0.9 * subject.n)):
            text = f"{str(variable)!r}: it has {k} distinct values in {subject.n} rows, so it is no category"
            faults.append(Fault("mismatch", f"{text}. Group its values into classes first, and give their targets."))
    return faults


def _missing_values(subject: Subject, margin: WrittenMargin, parts: Sequence[Answers]) -> Iterable[Fault]:
    rows = np.count_nonzero(subject.base)
    for variable, part in zip(margin.variables, parts, strict=True):
        if part.missing:
            yield Fault(
                "target",
                f"{str(variable)!r}: no value in {part.missing} of {rows} rows. Say what they are with "
                'missing="own", "impute" or "ignore", or leave these rows out before weighting.',
            )


def bad_values(margin: WrittenMargin) -> list[Fault]:
    return [
        Fault("target", f"{margin.name!r}: the target of {w.shown!r} is {why}. {_advice(why)}")
        for w in margin.wishes
        if not w.free and (why := _bad_value(w.value))
    ]


def _advice(why: str) -> str:
    if not why.startswith("missing") and not why.endswith("''"):
        return "Give a share or a count."
    return 'Give a share or a count; None (in a table the word "free") leaves a category without a target.'


def _bad_value(value: object) -> str:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return "missing" if value is None or value is pd.NA else f"not a number but {value!r}"
    if np.isnan(value):
        return "missing (NaN)"
    if np.isinf(value):
        return "infinite"
    return f"negative ({value})" if value < 0 else ""


def _places(margin: WrittenMargin, parts: Sequence[Answers]) -> tuple[list[tuple[int, ...] | None], list[Fault]]:
    """The position of each wish in each variable; None where the data know no such category."""
    places: list[tuple[int, ...] | None] = []
    faults: dict[str, Fault] = {}
    for wish in margin.wishes:
        found = [part.at(text) for text, part in zip(wish.key, parts, strict=True)]
        for text, positions, variable in zip(wish.key, found, margin.variables, strict=True):
            if len(positions) > 1:
                line = f"{str(variable)!r}: {text!r} names {len(positions)} different answers in the data."
                faults[line] = Fault("mismatch", f"{line} Write 'label [code]', or make the values distinct.")
        places.append(tuple(p[0] for p in found) if all(found) else None)
    return places, list(faults.values())


def _duplicates(margin: WrittenMargin, places: Sequence[tuple[int, ...] | None]) -> Iterable[Fault]:
    same: dict[object, list[Wish]] = {}
    for wish, place in zip(margin.wishes, places, strict=True):
        same.setdefault(wish.shown if place is None else place, []).append(wish)
    for wishes in same.values():
        if len(wishes) > 1:
            written = listed(repr(w.written) for w in wishes)
            yield Fault(
                "target", f"{margin.name!r}: one category has {len(wishes)} targets (written {written}). Keep one."
            )


@dataclass(frozen=True, eq=False)
class _Crossing:
    """Rows by combination of the margin's variables.

    Attributes:
        code: combination of each row, -1 where a value is missing. Shape (n,).
        rows, every: rows of each combination with a base weight above zero, and all of them. Shape (size,).
        names, shape: the categories of each variable.
    """

    code: IntArray
    rows: IntArray
    every: IntArray
    names: tuple[tuple[str, ...], ...]
    shape: tuple[int, ...]

    def at(self, place: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(place, self.shape))

    def n(self, place: tuple[int, ...] | None) -> int:
        return 0 if place is None else int(self.rows[self.at(place)])

    def idle(self, place: tuple[int, ...]) -> int:
        """Rows of a combination that only rows of base weight zero have."""
        return 0 if self.n(place) else int(self.every[self.at(place)])

    def shown(self, position: int | np.integer) -> str:
        spots = np.unravel_index(position, self.shape)
        return ":".join(names[i] for names, i in zip(self.names, spots, strict=True))


def _cross(parts: Sequence[Answers], base: FloatArray) -> _Crossing:
    shape = tuple(max(len(p.names), 1) for p in parts)
    code = parts[0].codes
    for part, size in zip(parts[1:], shape[1:], strict=True):
        code = code * size + part.codes
    gaps = any(p.missing for p in parts)
    if gaps and len(parts) > 1:
        code = np.where(np.any([p.codes < 0 for p in parts], axis=0), -1, code)
    rows = np.bincount(code[code >= 0] if gaps else code, minlength=int(np.prod(shape)))
    counted = rows if base.all() else np.bincount(code[(code >= 0) & (base > 0)], minlength=len(rows))
    return _Crossing(code, counted, rows, tuple(p.names for p in parts), shape)


def _zero_targets(
    margin: WrittenMargin, places: Sequence[tuple[int, ...] | None], crossing: _Crossing
) -> Iterable[Fault]:
    for wish, place in zip(margin.wishes, places, strict=True):
        if _is_zero(wish) and crossing.n(place):
            yield Fault(
                "target",
                f"{margin.name!r}: the target of {wish.shown!r} is 0, but the data have it (n={crossing.n(place)}). "
                "Leave these rows out before weighting, or give a positive target.",
            )


def _weightless(
    subject: Subject, margin: WrittenMargin, places: Sequence[tuple[int, ...] | None], crossing: _Crossing
) -> Iterable[Fault]:
    """Categories whose rows all have base weight zero: no factor can lift them to their target."""
    if subject.base.all():
        return
    for wish, place in zip(margin.wishes, places, strict=True):
        if place is not None and (n := crossing.idle(place)) and not wish.free and not _is_zero(wish):
            yield Fault(
                "mismatch",
                f"{margin.name!r}: {wish.shown!r} has a target, but base weight 0 in all its rows (n={n}). Merge it with "
                "another category.",
            )


def _is_zero(wish: Wish) -> bool:
    return not wish.free and not _bad_value(wish.value) and wish.value == 0


def _mismatch(
    margin: WrittenMargin, places: Sequence[tuple[int, ...] | None], crossing: _Crossing, parts: Sequence[Answers]
) -> Iterable[Fault]:
    """Categories that only one side has, with n on each, and names that merely look equal."""
    wanted = {crossing.at(p) for p in places if p is not None}
    only_data = [i for i in np.flatnonzero(crossing.rows) if i not in wanted]
    only_targets = [
        w
        for w, p in zip(margin.wishes, places, strict=True)
        if p is None or not (crossing.n(p) or crossing.idle(p) or _is_zero(w))
    ]
    if not only_data and all(_is_zero(w) for w in only_targets):
        return
    sides = []
    if only_data:
        shown = _first(only_data, lambda i: f"{crossing.shown(i)!r} (n={crossing.rows[i]})")
        sides.append(f"in the data, not in the targets: {shown}")
    if only_targets:
        shown = _first(only_targets, lambda w: f"{w.shown!r} (target {w.value}, n=0)")
        sides.append(f"in the targets, not in the data: {shown}")
    advice = "Recode or merge categories so that both sides have the same."
    near = [crossing.shown(i) for i in only_data[:_LOOKED_AT]]
    hints = _hints([w.shown for w in only_targets[:8]], near, margin, parts)
    yield Fault("mismatch", f"{margin.name!r}: {'; '.join(sides)}. {hints}{advice}")


def _first(items: Sequence[T], show: Callable[[T], str], most: int = 8) -> str:
    """The first of many things, shown, and how many more there are."""
    shown = ", ".join(show(i) for i in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def _hints(targets: list[str], data: list[str], margin: WrittenMargin, parts: Sequence[Answers]) -> str:
    text = ""
    for name in targets:
        twin = look_alike(name, data)
        if twin is not None:
            text += f"{name!r} (targets) and {twin!r} (data) look alike but differ: {difference(name, twin)}. "
    if any(isinstance(w.written, bool) for w in margin.wishes) and not any(p.booleans for p in parts):
        text += "True and False as keys come from yes/no without quotes in YAML: quote them. "
    return text


def _matched(
    margin: WrittenMargin, places: Sequence[tuple[int, ...] | None], crossing: _Crossing, base: FloatArray
) -> Matched:
    kept = [(w, p) for w, p in zip(margin.wishes, places, strict=True) if p is not None and crossing.n(p)]
    at = [crossing.at(p) for _, p in kept]
    position = np.full(len(crossing.rows) + 1, -1, dtype=np.int64)  # the last one is for rows without a value
    position[at] = np.arange(len(kept))
    names = tuple(crossing.shown(a) for a in at)
    code = crossing.code if np.array_equal(position[:-1], np.arange(len(kept))) else position[crossing.code]
    if not base.all():
        code = np.where((base == 0) & (code < 0), 0, code)  # nobody whom weights could move: any category will do
    return Matched(margin, tuple(w for w, _ in kept), tuple(p for _, p in kept), names, code)


def error_of(faults: Sequence[Fault]) -> Exception:
    lines = list(dict.fromkeys(f.text for f in faults))
    head = f"{len(lines)} faults in the weighting targets:\n- " if len(lines) > 1 else ""
    text = head + "\n- ".join(lines)
    if all(f.kind == "name" for f in faults):
        return UnknownNameError(text)
    return (TargetMismatchError if any(f.kind == "mismatch" for f in faults) else TargetError)(text)
