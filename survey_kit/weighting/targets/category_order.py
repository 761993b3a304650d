"""In which order the categories of a variable stand, so that "the next one" means something."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import IntArray, combine
from survey_kit.weighting.rows.subject import Answers, Subject, answers, category_text

if TYPE_CHECKING:
    from survey_kit.weighting.targets.read import Wish, WrittenMargin


def natural_order(subject: Subject, column: Hashable, found: Answers) -> tuple[str, ...] | None:
    """The names of the categories in order: as the codebook or a Categorical has them, numbers by size; None for texts."""
    values = subject.frame[column]
    if subject.codebook is not None and column in subject.codebook:
        from survey_kit.recode import category_order  # loaded for surveys only

        codes = category_order(values, subject.codebook[str(column)])
        known = [found.known_as.get(category_text(code), []) for code in codes]
        return tuple(dict.fromkeys(found.names[p[0]] for p in known if p))
    if isinstance(values.dtype, pd.CategoricalDtype):
        return found.names
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return tuple(category_text(v) for v in sorted(values.dropna().unique()))
    return None


def in_order(subject: Subject, column: Hashable) -> Answers:
    """The answers of a column with categories in their order (texts by the alphabet), whatever the order of rows."""
    found = answers(subject, column)
    order = natural_order(subject, column, found) or tuple(sorted(found.names))
    place = {name: at for at, name in enumerate(order)}
    rank = np.array([place[name] for name in found.names], dtype=np.int64)
    codes = np.where(found.codes < 0, -1, rank[np.maximum(found.codes, 0)]) if len(rank) else found.codes
    known = {text: [int(rank[p]) for p in positions] for text, positions in found.known_as.items()}
    return Answers(codes, order, known, found.booleans)


def rows_of(subject: Subject, margin: WrittenMargin) -> list[int] | None:
    """Rows with weight of each category as written; None where the margin is not of the data's columns."""
    columns = list(subject.frame.columns)
    if margin.fault or not margin.variables or any(columns.count(v) != 1 for v in margin.variables):
        return None
    parts = [answers(subject, v) for v in margin.variables]
    code, first = combine([p.codes + 1 for p in parts])
    counts = np.bincount(code, weights=subject.base > 0, minlength=len(first))
    held = {tuple(int(p.codes[i]) for p in parts): int(n) for i, n in zip(first, counts, strict=True)}
    return [held.get(place, 0) if (place := _place(wish, parts)) is not None else 0 for wish in margin.wishes]


def places_of(subject: Subject, margin: WrittenMargin, wishes: Sequence[Wish]) -> IntArray:
    """Position of each category on the axis of each variable. Shape (C, m)."""
    axes = []
    for at, variable in enumerate(margin.variables):
        found = answers(subject, variable)
        texts = [_name(found, wish.key[at]) for wish in wishes]
        listed = list(dict.fromkeys(_name(found, wish.key[at]) for wish in margin.wishes))
        order = _axis(natural_order(subject, variable, found), listed)
        axes.append([order[text] for text in texts])
    return np.array(axes, dtype=np.int64).T


def _axis(natural: tuple[str, ...] | None, listed: list[str]) -> dict[str, int]:
    """Position of each category: in the natural order where it knows all, by size for numbers, else as listed."""
    if natural is not None and set(listed) <= set(natural):
        return {text: i for i, text in enumerate(natural)}
    try:
        return {text: i for i, text in enumerate(sorted(listed, key=float))}
    except ValueError:
        return {text: i for i, text in enumerate(listed)}


def _name(found: Answers, text: str) -> str:
    positions = found.at(text)
    return found.names[positions[0]] if positions else text


def _place(wish: Wish, parts: Sequence[Answers]) -> tuple[int, ...] | None:
    found = [part.at(text) for text, part in zip(wish.key, parts, strict=True)]
    return tuple(p[0] for p in found) if all(found) else None
