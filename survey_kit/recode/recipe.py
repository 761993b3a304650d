"""What a recipe is, and what it makes: a variable or a multiple-response set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import pandas as pd

from survey_kit.codebook import Codebook, MultipleResponse
from survey_kit.recode.recoded import Recoded
from survey_kit.schema import Notice


@dataclass(frozen=True, slots=True)
class RecodedSet:
    """A new multiple-response set: no column of its own, only an entry in the codebook."""

    question: MultipleResponse
    notices: tuple[Notice, ...] = ()


class Recipe(ABC):
    """How a variable or set is made from others, apart from any data. Made by `sk.bands`, `sk.net` and their kin."""

    __slots__ = ()
    makes_set = False

    @property
    def source(self) -> str:
        """The one column that is recoded; empty where there are several, or a set."""
        return str(getattr(self, "column", ""))

    @abstractmethod
    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded | RecodedSet:
        """The new variable under a name; inputs stay as they are. `poll.recode(name=recipe)` does this for a survey."""
