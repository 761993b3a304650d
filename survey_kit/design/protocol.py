"""What a verb needs to know of a survey: a Protocol, so that verbs never import the Survey class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from survey_kit.block_cache import BlockCache
    from survey_kit.codebook import Codebook, Variable
    from survey_kit.design.bound import BoundDesign
    from survey_kit.design.design import Design


@runtime_checkable
class SurveyLike(Protocol):
    """Codes with their meaning, a design, and perhaps a domain (`where`)."""

    @property
    def codes(self) -> pd.DataFrame:
        """Codes as the file had them, all rows. Shape (n, columns)."""

    @property
    def codebook(self) -> Codebook:
        """What the codes mean."""

    @property
    def design(self) -> Design:
        """Names of the design columns, and the adjustments that weighting made."""

    @property
    def bound(self) -> BoundDesign:
        """The design in numbers, checked against the data."""

    @property
    def blocks(self) -> BlockCache:
        """Questions that were encoded before."""

    @property
    def weight(self) -> pd.Series:
        """The weight in force, on the index of `codes`; ones where none was stated."""

    @property
    def domain(self) -> np.ndarray | None:
        """True for the rows inside the domain set by `where`; None for all rows. Shape (n,)."""

    @property
    def condition(self) -> str:
        """The domain in words; empty for all rows."""

    def with_column(self, values: pd.Series, variable: Variable) -> Self:
        """The same survey with a column added, or replaced when it exists."""

    def reweighted(self, weights: Any) -> Self:
        """The same survey under the weights of a `Weights` result, its adjustment entered into the design."""


class Redesigned(SurveyLike, Protocol):
    """A survey that can be had under another design."""

    def redesigned(self, design: Design, within: tuple[np.ndarray, str] | None = None) -> Self:
        """The same survey under another design, perhaps within some rows: which, shape (n,), and how they are named."""


S = TypeVar("S", bound=Redesigned)
