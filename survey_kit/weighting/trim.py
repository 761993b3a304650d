"""Trimming of weights to limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeVar, overload

import numpy as np

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, InvalidWeightError, listed, one_of
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.trim import Redistribute, Trimmed, room, trim_columns, trim_weights
from survey_kit.kernels.weight_stats import kish_deff
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.record.margins_moved import restated
from survey_kit.weighting.rows.arguments import check_flag
from survey_kit.weighting.rows.given_weights import Given, subject_of_weights
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Subject

S = TypeVar("S", bound=SurveyLike)

Unit = Literal["mean", "median", "weight", "quantile"]

UNITS = ("mean", "median", "weight", "quantile")
_WAYS = ("equal", "proportional", "none")


@overload
def trim(
    weights: Given,
    lower: float | None = None,
    upper: float | None = None,
    strict: bool = True,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> Weights: ...
@overload
def trim(
    weights: S,
    lower: float | None = None,
    upper: float | None = None,
    strict: bool = True,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> S: ...
def trim(
    weights: Given | SurveyLike,
    lower: float | None = None,
    upper: float | None = None,
    strict: bool = True,
    *,
    unit: Unit = "mean",
    redistribute: Redistribute = "equal",
) -> Weights | SurveyLike:
    """Weights outside limits are brought to the limits; what that takes goes to the others, so that the sum stays.

    Weights of zero stay zero and take no part. How many weights were trimmed, how much of the total moved, and how far the
    margins of an earlier raking moved are notices on the result.

    Args:
        weights: the Weights of an earlier step (the chain goes on), a Series, an array, or a survey, whose weight in force is
            trimmed.
        lower, upper: limits, in the unit; None: none on this side.
        strict: True: repeat until no weight is outside. False: once, so that weights may end slightly outside.
        unit: what limits are multiples of: "mean" (1 is the average respondent), "median"; or "weight" (limits are weights
            themselves), "quantile" (limits are quantiles of the weights, as in lower=0.02, upper=0.98; unweighted, type 7).
        redistribute: "equal": each weight that was not trimmed gets as much; "proportional": each is multiplied by the same
            factor; "none": nobody does, and the sum changes.

    Returns:
        Weights, or for a survey the same survey under them. Standard errors go on accounting for the steps before as they
        were. In every replicate the trimming is repeated: the same limits with "weight", otherwise those of the
        replicate's own mean, median or quantiles.

    Raises:
        ArgumentError: no limit, or limits between which the sum of the weights has no room.
        InvalidWeightError: weights that are missing, negative, infinite, or all zero. NoValidData.

    R: survey::trimWeights (unit="weight"; its strict=FALSE is the default there), pewmethods::trim_weights
    (unit="quantile"). Stata: none in the box; ipfraking trims while raking (see `anesrake`). SPSS: RECODE.

    Example:
        >>> w = trim([1, 1, 1, 1, 6], upper=2)
        >>> w.values.tolist()
        [1.5, 1.5, 1.5, 1.5, 4.0]
        >>> print(w.notices[0])
        Trimmed to at most 4: 1 of 5 weights lowered; 20.0% of the total moved, deff 2.000 to 1.250.
    """
    rule = rule_of(lower, upper, strict, unit, redistribute)
    subject = subject_of_weights(weights)
    return hand_back(subject, trimmed_by(rule, subject), rule.again)


@dataclass(frozen=True, slots=True)
class Rule:
    """Limits as the caller gave them, and how to trim to them."""

    lower: float | None
    upper: float | None
    strict: bool
    unit: Unit
    redistribute: Redistribute

    def limits(self, weights: FloatArray) -> tuple[float, float]:
        """The limits in weights, infinite where there are none."""
        active = weights[weights != 0]
        low = -np.inf if self.lower is None else self._in_weights(self.lower, active)
        high = np.inf if self.upper is None else self._in_weights(self.upper, active)
        return float(low), float(high)

    def _in_weights(self, limit: float, active: FloatArray) -> float:
        if self.unit == "quantile":
            return float(np.quantile(active, limit))
        sizes: dict[str, Callable[[FloatArray], np.floating]] = {"mean": np.mean, "median": np.median}
        return limit * float(sizes[self.unit](active)) if self.unit in sizes else limit

    def again(self, base: ReplicateBase) -> FloatArray:
        """Replicate weights trimmed by the same rule. Shape (n, R)."""
        return self.columns(base.weights)

    def columns(self, weights: FloatArray) -> FloatArray:
        """Columns of weights, each trimmed by the rule. Shape (n, R)."""
        limits = np.array([self.limits(column) for column in weights.T])
        out, left = trim_columns(weights, limits[:, 0], limits[:, 1], self.strict, self.redistribute)
        short = np.flatnonzero(np.abs(left) > 1e-12 * np.abs(weights).sum(axis=0))
        if len(short) and self.redistribute != "none":
            raise ArgumentError(
                f"In {len(short)} of {len(left)} replicates (replicate {listed(short + 1)}) the limits leave no room for the "
                'sum of the weights. Give limits that move with a replicate\'s weights: unit="mean".'
            )
        return out


def rule_of(lower: float | None, upper: float | None, strict: bool, unit: str, redistribute: str) -> Rule:
    """The checked rule.

    Raises:
        ArgumentError.
    """
    one_of("unit", unit, UNITS)
    one_of("redistribute", redistribute, _WAYS)
    check_flag("strict", strict)
    if lower is None and upper is None:
        raise ArgumentError("There is nothing to trim to. Give lower, upper, or both.")
    for name, value in (("lower", lower), ("upper", upper)):
        if value is not None and not (is_number(value) and np.isfinite(value) and value >= 0):
            raise ArgumentError(f"{name}={value!r} is not a limit. Give a number of at least 0, or None for no limit.")
        if value is not None and unit == "quantile" and value > 1:
            raise ArgumentError(f"{name}={value!r} is not a quantile. Give a part of 1, such as 0.98.")
    if lower is not None and upper is not None and lower >= upper:
        raise ArgumentError(f"lower={lower:g} must be below upper={upper:g}.")
    return Rule(lower, upper, strict, unit, redistribute)  # type: ignore[arg-type]


def trimmed_by(rule: Rule, subject: Subject, details: Mapping[str, object] = MappingProxyType({})) -> Weights:
    """The base weights of a subject trimmed by a rule. `details` join those of the record."""
    base = subject.base
    low, high = rule.limits(base)
    trimmed = _trimmed(base, low, high, rule)
    values = trimmed.weights
    table, told = restated(subject, values)
    made = Made(
        values=values,
        method="trim",
        solver=f"{rule.redistribute} shares",
        iterations=trimmed.rounds,
        targets=table,
        max_gap=0.0 if table is None else float(table["gap"].abs().max()),
        notices=(*_notices(base, values, low, high, rule), *told),
        lower=None if low == -np.inf else low,
        upper=None if high == np.inf else high,
        details={**_details(base, low, high), **details},
        titles={} if subject.before is None else subject.before.titles,
    )
    return weights_of(subject, made)


def _trimmed(base: FloatArray, low: float, high: float, rule: Rule) -> Trimmed:
    if (base < 0).any() and low == -np.inf:
        raise InvalidWeightError(
            f"{int((base < 0).sum())} weights are negative. Give lower to bring them up to a limit."
        )
    fits_low, fits_high = room(base, low, high)
    trimmed = trim_weights(base, low, high, rule.strict, rule.redistribute)
    short = abs(trimmed.left) > 1e-12 * float(np.abs(base).sum())
    if rule.redistribute != "none" and (short or (rule.strict and not (fits_low and fits_high))):
        name, limit, side = ("upper", high, "above") if not fits_high else ("lower", low, "below")
        raise ArgumentError(
            f"{name} is {limit:.6g} in weights and the mean weight {base[base != 0].mean():.6g}: with all weights at the limit "
            f'their sum is not kept. Give {name} {side} the mean, or redistribute="none".'
        )
    gone = int(((trimmed.weights <= 0) & (base > 0)).sum())
    if gone and low > 0:
        raise ArgumentError(
            f"Raising weights to lower takes more than {gone} others have. Use strict=True, or a smaller lower."
        )
    return trimmed


def _details(base: FloatArray, low: float, high: float) -> dict[str, object]:
    active = base != 0
    return {
        "raised": int((active & (base < low)).sum()),
        "lowered": int((active & (base > high)).sum()),
        "moved": float(np.abs(base - np.clip(base, low, high))[active].sum() / base.sum()),
        "deff_before": kish_deff(base),
    }


def _notices(base: FloatArray, values: FloatArray, low: float, high: float, rule: Rule) -> tuple[Notice, ...]:
    found = _details(base, low, high)
    sides = [f"at least {low:.6g}"] * (low > -np.inf) + [f"at most {high:.6g}"] * (high < np.inf)
    if not sides:
        return (Notice("trimmed", "Nothing was trimmed.", 0),)
    if not found["raised"] and not found["lowered"]:
        return (Notice("trimmed", f"No weight lies outside the limits ({' and '.join(sides)}): none was changed.", 0),)
    counts = [f"{found[way]} of {np.count_nonzero(base)} weights {way}" for way in ("raised", "lowered") if found[way]]
    text = (
        f"Trimmed to {' and '.join(sides)}: {', '.join(counts)}; {found['moved']:.1%} of the total moved, "
        f"deff {found['deff_before']:.3f} to {kish_deff(values):.3f}."
    )
    first = Notice("trimmed", text, int(found["raised"]) + int(found["lowered"]))  # type: ignore[call-overload]
    return (first, *_changed_sum(base, values, rule), *_still_outside(values, low, high))


def _changed_sum(base: FloatArray, values: FloatArray, rule: Rule) -> tuple[Notice, ...]:
    if rule.redistribute != "none":
        return ()
    text = f"The weights sum to {values.sum():.10g}, {values.sum() / base.sum() - 1:+.2%} against before."
    return (Notice("sum_changed", text),)


def _still_outside(values: FloatArray, low: float, high: float) -> tuple[Notice, ...]:
    outside = values[(values != 0) & ((values < low) | (values > high))]
    if not len(outside):
        return ()
    text = (
        f"Weights that taking what was trimmed put outside the limits: {len(outside)} "
        f"({outside.min():.6g} to {outside.max():.6g}). strict=True trims them, too."
    )
    return (Notice("outside_limits", text, len(outside)),)
