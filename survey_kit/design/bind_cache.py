"""Bind once: the designs in numbers that surveys of the same data share.

A survey and its domains have one design and one frame, so they have one binding. It is used again only for the very same
design and memory, as blocks are (block_cache.py): a frame that is changed or sorted in place is bound anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from survey_kit.block_cache import place_of
from survey_kit.design.bind import bind
from survey_kit.design.bound import BoundDesign
from survey_kit.design.design import Design

_MOST = 4


@dataclass(frozen=True, eq=False)
class _Kept:
    design: Design
    columns: tuple[pd.Series, ...]
    places: tuple[Any, ...]
    bound: BoundDesign


class BindCache:
    """The last few designs that were bound. A copy, also one that was pickled, is empty."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []

    def __reduce__(self) -> tuple[type[BindCache], tuple[()]]:
        return BindCache, ()

    def bound(self, design: Design, codes: pd.DataFrame) -> BoundDesign:
        """The design bound to these rows. Raises what `bind` raises."""
        columns = tuple(codes[name] for name in design.columns if name in codes)
        places = (len(codes), *map(place_of, columns))
        for kept in self._kept:
            if kept.design is design and kept.places == places and None not in places:
                return kept.bound
        made = bind(design, codes)
        held = tuple(column.copy(deep=False) for column in columns)
        self._kept = [_Kept(design, held, places, made), *self._kept[: _MOST - 1]]
        return made
