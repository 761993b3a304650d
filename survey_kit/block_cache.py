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

_MOST_BYTES = 256_000_000


@dataclass(frozen=True, eq=False)
class _Kept:
    columns: tuple[pd.Series, ...]
    meaning: tuple[Any, ...]
    block: Block

    def answers(self, columns: Sequence[pd.Series], meaning: tuple[Any, ...]) -> bool:
        same = len(columns) == len(self.columns) and all(map(_same_memory, self.columns, columns))
        return same and meaning == self.meaning

    @property
    def size(self) -> int:
        """Bytes that the block holds beyond the columns themselves."""
        hits = self.block.hits
        arrays = (hits.row, hits.column, hits.value, self.block.base)
        return sum(a.nbytes for a in arrays if a is not None)


class BlockCache:
    """Blocks by question and reading, the least recently used forgotten first beyond 256 MB."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    def block(
        self, name: str, reading: str, columns: Sequence[pd.Series], meaning: tuple[Any, ...], make: Callable[[], Block]
    ) -> Block:
        """The block kept under this name and reading, or what `make` makes.

        Args:
            name: the question. reading: how it is read, such as "number" or "show".
            columns: columns of the codes that it is made from.
            meaning: their codebook entries, and that of the set.
        """
        key = (name, reading)
        kept = self._kept.get(key)
        if kept is not None and kept.answers(columns, meaning):
            self._kept.move_to_end(key)
            return kept.block
        block = make()
        self._kept[key] = _Kept(tuple(c.copy(deep=False) for c in columns), meaning, block)
        self._kept.move_to_end(key)
        self._forget()
        return block

    def _forget(self) -> None:
        total = sum(kept.size for kept in self._kept.values())
        while total > _MOST_BYTES and len(self._kept) > 1:
            total -= self._kept.popitem(last=False)[1].size


def _same_memory(one: pd.Series, other: pd.Series) -> bool:
    """Whether two columns are the same values at the same place."""
    if len(one) != len(other) or one.dtype != other.dtype:
        return False
    if isinstance(one.dtype, np.dtype):
        a, b = one.to_numpy(), other.to_numpy()
        return a.strides == b.strides and a.__array_interface__["data"] == b.__array_interface__["data"]
    held, now = getattr(one.array, "_pa_array", None), getattr(other.array, "_pa_array", None)
    return held is not None and held is now
