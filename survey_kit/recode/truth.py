"""Three-valued truth (Kleene): a condition holds, does not hold, or is unknown because a value is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth values of n rows; where neither holds, the row is unknown.

    Attributes:
        yes: True where the condition holds. Shape (n,).
        no: True where it does not hold. Shape (n,).
    """

    yes: np.ndarray
    no: np.ndarray

    @classmethod
    def where_known(cls, result: np.ndarray, missing: np.ndarray) -> Truth:
        """`result` where nothing is missing, unknown elsewhere. Shapes (n,)."""
        return cls(result & ~missing, ~result & ~missing)

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> Truth:
        return Truth(self.no, self.yes)
