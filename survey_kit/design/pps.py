"""Sampling with unequal probabilities and without replacement: which approximation, or which joint probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, DesignError, UnsupportedOption, one_of

METHODS = ("brewer", "overton", "hartley-rao", "poisson", "joint")
_SHOWN = {
    "brewer": "Brewer",
    "overton": "Overton",
    "hartley-rao": "Hartley-Rao",
    "poisson": "Poisson sampling",
    "joint": "given joint probabilities",
}
_ALIKE = 1e-6


@dataclass(frozen=True, eq=False)
class PPS:
    """How units with unequal inclusion probabilities were drawn, for `with_design(fpc="p", pps=PPS(...))`.

    Attributes:
        method: "brewer" (several stages are possible), "overton", "hartley-rao", "poisson" (independent draws), or
            "joint" for given joint inclusion probabilities.
        joint: of "joint": probabilities that two units are both drawn, their own on the diagonal. Shape (U, U), in the
            order in which the units are first met in the data: that of the rows, without `psu`. An array or DataFrame.
        variance: "HT" (Horvitz-Thompson) or "YG" (Yates-Grundy, for samples of fixed size; not for Brewer and Poisson).
        sum_of_squares: of "hartley-rao": the sum of p^2 / n over the population, a number above 0 and at most 1, or
            {stratum: number}; estimated from the sample by the mean of p when None.
        tolerance: of "joint": |(p_ij - p_i p_j) / p_ij| below it counts as 0, as in R's ppsmat; 1e-4 when None.

    Every variance but Brewer's may be estimated as negative; the standard error is then NaN, as in R.

    Differences from R: in a domain each unit keeps its own probability (R's Brewer takes that of the first unit for all of
    a stratum that a domain thins out), and Hartley-Rao's formula also holds for two units whose probabilities sum to
    exactly 1 (R: independent). Units drawn with certainty are best a stratum of their own.

    Equivalent: R svydesign(pps = "brewer" | "overton" | HR(sum_of_squares) | poisson_sampling(p) | ppsmat(joint),
    variance =).

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"y": [10.0, 3, 4, 8], "p": [0.5, 0.2, 0.25, 0.4]})
        >>> poll = sk.from_frame(df).with_design(fpc="p", pps=PPS("overton", variance="YG"))
        >>> sk.total(poll, "y").frame()[["estimate", "se"]].round(3)
           estimate     se
        0      71.0  4.294
    """

    method: str
    joint: Any = field(default=None, repr=False)
    variance: str = "HT"
    sum_of_squares: float | Mapping[Any, float] | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        one_of("pps", self.method, METHODS)
        one_of("variance", self.variance, ("HT", "YG"))
        if (self.joint is not None) != (self.method == "joint"):
            raise ArgumentError('joint belongs to pps method "joint", which requires it, and to no other method.')
        if self.sum_of_squares is not None and self.method != "hartley-rao":
            raise ArgumentError(f'sum_of_squares belongs to pps method "hartley-rao", not to {self.method!r}.')
        if self.tolerance is not None and self.method != "joint":
            raise ArgumentError(f'tolerance belongs to pps method "joint", not to {self.method!r}. Leave it out.')
        _check_tolerance(self.tolerance)
        _check_squares(self.sum_of_squares)
        if self.variance == "YG" and self.method in ("brewer", "poisson"):
            raise UnsupportedOption(
                f'variance="YG" is not available for pps method {self.method!r}. Use "overton", "hartley-rao" or "joint".'
            )
        if self.method == "joint":
            object.__setattr__(self, "joint", _joint_matrix(self.joint))

    def describe(self) -> str:
        """The method in words: "Yates-Grundy variance, given joint probabilities"."""
        shown = _SHOWN[self.method]
        return f"{shown}, Yates-Grundy variance" if self.variance == "YG" else shown


def as_pps(value: str | PPS | None) -> PPS | None:
    """A method by name as a PPS."""
    if value is None or isinstance(value, PPS):
        return value
    if not isinstance(value, str):
        raise ArgumentError(f"pps={type(value).__name__} is not available. Give a method by name, or a PPS(...).")
    return PPS(value)


def _check_tolerance(value: Any) -> None:
    if value is not None and not (is_number(value) and 0 <= value < np.inf):
        raise ArgumentError(f"tolerance={value!r} is not available. Give a number of at least 0, such as 1e-4.")


def _check_squares(given: Any) -> None:
    """As all p are at most 1 and sum to n, the sum of p^2 / n lies above 0 and at most at 1."""
    if given is None:
        return
    for stratum, value in given.items() if isinstance(given, Mapping) else [("", given)]:
        if not (is_number(value) and 0 < value <= 1 + _ALIKE):
            where = f" for stratum {stratum!r}" if isinstance(given, Mapping) else ""
            raise ArgumentError(
                f"sum_of_squares is {value!r}{where}. The sum of p^2 / n over a population is a number above 0 and at most 1."
            )


def _joint_matrix(given: Any) -> np.ndarray:
    """Joint probabilities as a checked array. Raises DesignError."""
    frame = pd.DataFrame(given)
    if frame.shape[0] != frame.shape[1]:
        raise DesignError(f"The joint probabilities have shape {frame.shape}; they need as many columns as rows.")
    try:
        matrix = frame.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise DesignError("The joint probabilities hold values that are not numbers.") from None
    bad = np.argwhere(~((matrix > 0) & (matrix <= 1)))
    if len(bad):
        i, j = (int(v) for v in bad[0])
        raise DesignError(
            f"The joint probability in row {i + 1}, column {j + 1} is {matrix[i, j]:g}; they lie above 0 and at most at 1. "
            "Two units that are never drawn together leave no unbiased variance."
        )
    bad = np.argwhere(np.abs(matrix - matrix.T) > _ALIKE * matrix)
    if len(bad):
        i, j = (int(v) for v in bad[0])
        raise DesignError(
            f"The joint probabilities are not symmetric: {matrix[i, j]:g} in row {i + 1}, column {j + 1}, but "
            f"{matrix[j, i]:g} the other way round."
        )
    own = np.diag(matrix)
    bad = np.argwhere(matrix > np.minimum(own[:, None], own[None, :]) * (1 + _ALIKE))
    if len(bad):
        i, j = (int(v) for v in bad[0])
        raise DesignError(
            f"The joint probability in row {i + 1}, column {j + 1} is {matrix[i, j]:g}, more than that of one of the units "
            "alone (the diagonal)."
        )
    return (matrix + matrix.T) / 2


def check_diagonal(joint: np.ndarray, p: np.ndarray, column: str) -> None:
    """Joint probabilities must be of these units. Raises DesignError."""
    if len(joint) != len(p):
        raise DesignError(
            f"The joint probabilities are of {len(joint)} units, the sample has {len(p)}. They need one row and one column "
            "for each sampling unit, in the order of the data."
        )
    bad = np.flatnonzero(np.abs(np.diag(joint) - p) > _ALIKE * p)
    if len(bad):
        i = int(bad[0])
        raise DesignError(
            f"The diagonal of the joint probabilities is not {column!r}: {joint[i, i]:g} against {p[i]:g} for unit {i + 1}. "
            "Bring rows and columns into the order of the data."
        )
