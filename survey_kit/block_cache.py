"""Encode once: the blocks of questions that were asked for before.

A block is kept with the columns it was made from and what they meant. It is used again only for the very same memory and
an equal meaning: the columns are held as pandas copy-on-write views, so that a frame that is changed in place moves to
memory of its own and is encoded anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.block import Block

_MOST_BYTES = 512_000_000


@dataclass(frozen=True, eq=False)
class _Kept:
    columns: tuple[pd.Series, ...]
    meaning: tuple[Any, ...]
    block: Block

    @property
    def size(self) -> int:
        """Bytes of the block and of its columns, which it may be the last to hold."""
        hits = self.block.hits
        arrays = (hits.row, hits.column, hits.value, self.block.base, *(c.array for c in self.columns))
        return sum(a.nbytes for a in arrays if a is not None)


class BlockCache:
    """Blocks by question, reading and memory of the columns, the least recently used forgotten first beyond 512 MB.

    A copy, also one that was pickled, is empty.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()

    def __reduce__(self) -> tuple[type[BlockCache], tuple[()]]:
        return BlockCache, ()

    def block(
        self, name: str, reading: str, columns: Sequence[pd.Series], meaning: tuple[Any, ...], make: Callable[[], Block]
    ) -> Block:
        """The block kept under this name and reading, or what `make` makes.

        Args:
            name: the question. reading: how it is read, such as "number" or "show".
            columns: columns of the codes that it is made from.
            meaning: their codebook entries, and that of the set.
        """
        places = tuple(map(place_of, columns))
        if None in places:
            return make()
        key = (name, reading, places)
        kept = self._kept.get(key)
        if kept is None or kept.meaning != meaning:
            kept = _Kept(tuple(c.copy(deep=False) for c in columns), meaning, make())
            self._kept[key] = kept
            self._forget()
        self._kept.move_to_end(key)
        return kept.block

    def _forget(self) -> None:
        total = sum(kept.size for kept in self._kept.values())
        while total > _MOST_BYTES and len(self._kept) > 1:
            total -= self._kept.popitem(last=False)[1].size


def place_of(column: pd.Series) -> tuple[Any, ...] | None:
    """Where the values of a column lie and how they are read; None where that cannot be told."""
    if isinstance(column.dtype, np.dtype):
        values = column.to_numpy()
        return values.__array_interface__["data"][0], values.strides, len(values), column.dtype
    held = getattr(column.array, "_pa_array", None)
    return None if held is None else (id(held), len(column), column.dtype)
