"""Arguments of a calibration, checked: bounds and limits, variance, clusters, and how far targets may give way."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, listed, unknown
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.weighting.calibration.layout import Column
from survey_kit.weighting.rows.arguments import check_stop
from survey_kit.weighting.rows.subject import Subject, category_text
from survey_kit.weighting.targets.totals import PEOPLE, Totals

Relax: TypeAlias = float | Mapping[Hashable, float | Mapping[Hashable, float]] | None

_LEAST_RELAX = 1e-6
_MOST_RELAX = 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the factor (low, high) and of the weight in multiples of its mean (lower, upper), and when to stop."""

    distance: str
    low: float
    high: float
    lower: float
    upper: float
    tol: float
    max_iter: int

    @property
    def curve(self) -> str:
        """The kernel's name of the distance."""
        return "raking" if self.distance == "entropy" else self.distance

    @property
    def of_weights(self) -> bool:
        """Whether the final weight is limited."""
        return self.lower > -np.inf or self.upper < np.inf

    @property
    def bounded(self) -> bool:
        """Whether anything is."""
        return self.of_weights or self.low > -np.inf or self.high < np.inf

    @property
    def free(self) -> bool:
        """Whether the solution has a closed form."""
        return self.distance == "linear" and not self.bounded

    @property
    def words_of_weights(self) -> str:
        """Limits of the weight as they were written."""
        shown = [f"{n}={v:g}" for n, v in (("lower", self.lower), ("upper", self.upper)) if np.isfinite(v)]
        return " and ".join(shown)

    def __str__(self) -> str:
        sides = ["None" if np.isinf(b) else f"{b:g}" for b in (self.low, self.high)]
        bounds = [f"bounds=({', '.join(sides)})"] if self.low > -np.inf or self.high < np.inf else []
        return " and ".join([*bounds, *([self.words_of_weights] if self.of_weights else [])])

    def of_weight(self, base: FloatArray, population: float | None) -> tuple[float | None, float | None]:
        """The limits in weights; None without."""
        mean = (population or float(base.sum())) / max(int(np.count_nonzero(base)), 1)
        low = self.lower * mean if self.lower > -np.inf else None
        return low, self.upper * mean if self.upper < np.inf else None

    def of_factor(self, base: FloatArray, population: float | None) -> tuple[float | FloatArray, float | FloatArray]:
        """All bounds as bounds of the factor: numbers, or shape (n,) where the weight is limited."""
        if not self.of_weights:
            return self.low, self.high
        least, most = self.of_weight(base, population)
        held = base > 0
        divisor = np.where(held, base, 1.0)
        low = (
            np.full(len(base), self.low)
            if least is None
            else np.maximum(self.low, np.where(held, least / divisor, 0.0))
        )
        high = np.full(len(base), self.high)
        high = high if most is None else np.minimum(high, np.where(held, most / divisor, np.inf))
        low, high = np.where(held, low, 0.5), np.where(held, high, 2.0)  # rows of weight zero stay there
        self._refuse_empty(low, high)
        return low, high

    def _refuse_empty(self, low: FloatArray, high: FloatArray) -> None:
        empty = np.flatnonzero(low > high)
        if len(empty):
            raise ArgumentError(
                f"{self} leave no weight for {len(empty)} rows (row {listed(empty + 1)}): their base weights are too far "
                "from the limits. Widen one of the two."
            )
        outside = np.flatnonzero((low >= 1) | (high <= 1))
        if self.distance == "logit" and len(outside):
            raise ArgumentError(
                f'distance="logit" starts from base weights between the limits; {len(outside)} rows lie outside {self} '
                f'(row {listed(outside + 1)}). Use distance="linear" or "raking", or widen the limits.'
            )

    def within(self, weights: FloatArray, base: FloatArray, population: float | None) -> FloatArray:
        """Weights without the rounding that leads past a limit."""
        low, high = self.of_weight(base, population)
        if low is None and high is None:
            return weights
        cut = np.clip(weights, -np.inf if low is None else low, np.inf if high is None else high)
        return np.where(base > 0, cut, 0.0)


def limits_of(bounds: object, lower: object, upper: object, distance: str, tol: float, max_iter: int) -> Limits:
    """The numbers among the arguments, checked."""
    low, high = _bounds(bounds)
    least, most = _number("lower", lower, -np.inf), _number("upper", upper, np.inf)
    if not least <= 1 <= most or least == most or -np.inf < least < 0:
        raise ArgumentError(
            f"lower={least:g} and upper={most:g} are multiples of the mean weight: 0 or more, and 1 must lie between them."
        )
    check_stop(tol, max_iter)
    limits = Limits(distance, low, high, least, most, float(tol), int(max_iter))
    if distance == "logit" and not (max(low, least) > -np.inf and min(high, most) < np.inf):
        raise ArgumentError('distance="logit" needs both bounds, as in bounds=(0.3, 3).')
    return limits


def _bounds(bounds: object) -> tuple[float, float]:
    if bounds is None:
        return -np.inf, np.inf
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ArgumentError(f"bounds={bounds!r} must be two numbers, (low, high), as in (0.3, 3).")
    low, high = _number("bounds", bounds[0], -np.inf), _number("bounds", bounds[1], np.inf)
    if not low < 1 < high:
        raise ArgumentError(
            f"bounds=({low:g}, {high:g}) are bounds of weight / base weight: low must be below 1 and high above 1."
        )
    return low, high


def _number(name: str, value: object, absent: float) -> float:
    if value is None:
        return absent
    if not is_number(value) or np.isnan(value):
        raise ArgumentError(f"{name}={value!r} is not a number. Give one, or None.")
    return float(value)


def _of_rows(subject: Subject, name: str, given: object) -> tuple[pd.Series, str]:
    """One value for each row: a column, or an array or Series as long as the data; and what to call it."""
    frame = subject.frame
    if isinstance(given, str):
        return subject.column(given), f"{name}={given!r}"
    values = given if isinstance(given, pd.Series) else pd.Series(np.asarray(given).reshape(-1))
    if len(values) != len(frame):
        raise ArgumentError(f"{name} has {len(values)} values; the data have {len(frame)} rows.")
    if isinstance(given, pd.Series) and not given.index.equals(frame.index):
        raise ArgumentError(f"{name} is a Series with another index than the data. Give it the same, or an array.")
    return values, name


def variance_of(subject: Subject, variance: object) -> FloatArray | None:
    """1 / sigma^2 of each row; None where it was not given. Shape (n,)."""
    if variance is None:
        return None
    values, name = _of_rows(subject, "variance", variance)
    if not pd.api.types.is_numeric_dtype(values):
        raise ArgumentError(f"{name} is not numeric. Give a number above 0 for each row.")
    sigma2 = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.isfinite(sigma2) & (sigma2 > 0)))
    if len(wrong):
        raise ArgumentError(
            f"{name} must be a number above 0 in every row; it is not in {len(wrong)} (row {listed(wrong + 1)})."
        )
    return np.asarray(1 / sigma2)


def cluster_of(subject: Subject, aggregate: object) -> IntArray | None:
    """The cluster of each row, 0..C-1; None where there are none. Shape (n,)."""
    if aggregate is None:
        return None
    values, name = _of_rows(subject, "aggregate", aggregate)
    codes = pd.factorize(values)[0].astype(np.int64)
    gone = np.flatnonzero(codes < 0)
    if len(gone):
        raise ArgumentError(f"{name} has no cluster in {len(gone)} rows (row {listed(gone + 1)}). Give each row one.")
    return codes


def relaxations(relax: object, columns: Sequence[Column], totals: Totals) -> FloatArray:
    """How far each column may give way, as a part of its total; 0 where it is exact. Shape (p,)."""
    give = np.zeros(len(columns))
    if relax is None:
        return give
    if not isinstance(relax, Mapping):
        amount = _amount("relax", relax)
        return np.array([0.0 if c.variable in PEOPLE else amount for c in columns])
    names = dict.fromkeys(c.variable for c in columns if not (totals.held and c.variable in PEOPLE))
    for key, value in relax.items():
        name = ":".join(map(str, key)) if isinstance(key, tuple) else PEOPLE[0] if key in PEOPLE else str(key)
        if name not in names:
            raise unknown("target to relax", name, names)
        _enter(give, name, value, columns)
    return give


def _enter(give: FloatArray, name: str, value: object, columns: Sequence[Column]) -> None:
    """The relaxation of one variable, or of its categories."""
    own = [j for j, c in enumerate(columns) if c.variable == name]
    if not isinstance(value, Mapping):
        give[own] = _amount(f"relax of {name!r}", value)
        return
    categories = {columns[j].category: j for j in own}
    for category, amount in value.items():
        text = ":".join(map(category_text, category)) if isinstance(category, tuple) else category_text(category)
        if text not in categories:
            raise unknown(f"category of {name!r} to relax", text, categories)
        give[categories[text]] = _amount(f"relax of {name!r} = {text!r}", amount)


def _amount(what: str, value: object) -> float:
    number = _number(what, value, np.nan)
    if not (number == 0 or number >= _LEAST_RELAX):
        raise ArgumentError(
            f"{what} is {number:g}; it must be 0 (exact) or at least {_LEAST_RELAX:g}, as a part of the total: 0.01 lets a "
            "share give way by about a point."
        )
    return min(number, _MOST_RELAX)
