"""What unequal weights cost, before anything is estimated: design effects of weights."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, overload

import numpy as np
import pandas as pd

from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import ArgumentError, NoValidData, check_level, one_of
from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.kernels.weight_stats import henry_deff, kish_deff, pew_deff, spencer_deff
from survey_kit.results.weights import Weights
from survey_kit.weighting.rows.arguments import check_flag

METHODS = ("kish", "pew", "henry", "spencer")


@dataclass(frozen=True)
class DesignEffect:
    """A design effect and what it leaves of a sample.

    Attributes:
        deff: variance over that of an equally weighted sample of the same size.
        n: rows that count. n_eff: n / deff.
        margin: largest margin of error of a share, z sqrt(deff 0.25 / n), as a share. level: its confidence level.
        method: how it was computed. dropped: rows left out, for a weight of zero or a missing value.
    """

    deff: float
    n: int
    n_eff: float
    margin: float
    level: float
    method: str
    dropped: int


@overload
def design_effect(
    weights: Any,
    method: str = ...,
    y: Any = ...,
    x: Any = ...,
    p: Any = ...,
    by: None = ...,
    level: float = ...,
    published: bool = ...,
) -> DesignEffect: ...


@overload
def design_effect(
    weights: Any,
    method: str = ...,
    y: Any = ...,
    x: Any = ...,
    p: Any = ...,
    *,
    by: Any,
    level: float = ...,
    published: bool = ...,
) -> pd.DataFrame: ...


def design_effect(
    weights: Any,
    method: str = "kish",
    y: Any = None,
    x: Any = None,
    p: Any = None,
    by: Any = None,
    level: float = 0.95,
    published: bool = False,
) -> DesignEffect | pd.DataFrame:
    """Design effect of a set of weights.

    - "kish": n sum w^2 / (sum w)^2, of any weighted mean that has nothing to do with the weights.
    - "pew": 1 + (sd / mean)^2 with n - 1, as Pew Research Center reports it.
    - "henry": of a total of `y` under weights calibrated to `x`. "spencer": of a total of `y` where selection probabilities
      `p` may go with y. Both as R PracTools computes them, which is not as they were published (see `published`).

    Rows of weight zero or with a missing y, x or p are left out and counted in `dropped`; rows without a group are in none.

    Args:
        weights: a Series, array or list of weights, or the Weights of a verb. Shape (n,).
        method: "kish", "pew", "henry" or "spencer".
        y: values of the variable of interest, for "henry" and "spencer". Shape (n,).
        x: variables that weights were calibrated to, for "henry". Shape (n,) or (n, k).
        p: probabilities of selection in one draw up to a constant, for "spencer"; 1 / w when None. Shape (n,).
        by: group of each row: a frame with one row for each group. Shape (n,).
        level: confidence level of the margin of error (at 95% with z = 1.95996; Pew's own function takes 1.96).
        published: "henry" and "spencer" by the formulas of their papers. PracTools puts s_u for s_{u^2} in Henry's, so that
            its number depends on the unit of y, and leaves out the last term of Spencer's.

    Returns:
        A DesignEffect, or with `by` a DataFrame: group, deff, n, n_eff, margin, dropped.

    Raises:
        InvalidWeightError, ArgumentError, NoValidData.

    Equivalent: R PracTools::deffK / deffH / deffS, pewmethods::calculate_deff, anesrake::generaldesigneffect.

    Example:
        >>> from survey_kit.weighting.design_effect import design_effect
        >>> found = design_effect([1, 1, 2, 0.0])
        >>> found.deff, found.n, round(found.n_eff, 3)
        (1.125, 3, 2.667)
    """
    one_of("method", method, METHODS)
    check_level(level)
    weights = weights.values if isinstance(weights, Weights) else weights
    _refuse_other(weights)
    w = check_weights(weights if isinstance(weights, pd.Series) else np.asarray(weights))
    _check_aligned(weights, y=y, x=x, p=p, by=by)
    check_flag("published", published)
    _check_published(method, published)
    columns = _columns(method, len(w), y, x, p)
    used = (w > 0) & np.logical_and.reduce([np.isfinite(c).all(axis=1) for c in columns.values()] or [w >= 0])
    if by is None:
        return _effect(w, columns, used, np.ones(len(w), dtype=bool), method, level, published)
    group = _of_length("by", by, len(w))
    if np.ndim(group) != 1:
        raise ArgumentError("by has several columns; give one group for each row.")
    codes, labels = pd.factorize(group, sort=True)
    if not len(labels):
        raise NoValidData(f"by has no value in {len(w)} rows.")
    rows = [_effect(w, columns, used, codes == g, method, level, published) for g in range(len(labels))]
    shown = [{k: getattr(r, k) for k in ("deff", "n", "n_eff", "margin", "dropped")} for r in rows]
    return pd.DataFrame(shown, index=pd.RangeIndex(len(rows))).assign(group=list(labels))[["group", *shown[0]]]


def _refuse_other(weights: Any) -> None:
    """Refuse what is no column of weights, with the way to one."""
    if hasattr(type(weights), "bound"):
        raise ArgumentError("weights is a survey. Give its weights: design_effect(poll.weight).")
    if np.ndim(weights) != 1:
        raise ArgumentError("weights is not one column. Give one weight for each row, shape (n,).")


def _columns(method: str, n: int, y: Any, x: Any, p: Any) -> dict[str, FloatArray]:
    """What the method needs besides weights, each of shape (n, k); refuses what it does not take."""
    given = {"y": y, "x": x, "p": p}
    takes = {"henry": ("y", "x"), "spencer": ("y", "p")}.get(method, ())
    for name, values in given.items():
        if values is not None and name not in takes:
            raise ArgumentError(f"method={method!r} takes no {name}.")
    for name in takes:
        if given[name] is None and name != "p":
            raise ArgumentError(
                f"method={method!r} needs {name}: {'values' if name == 'y' else 'calibration variables'}."
            )
    return {name: _numbers(name, given[name], n) for name in takes if given[name] is not None}


def _check_aligned(weights: Any, **others: Any) -> None:
    """Series that go with a Series of weights have its index."""
    for name, values in others.items():
        both = isinstance(weights, pd.Series) and isinstance(values, (pd.Series, pd.DataFrame))
        if both and not values.index.equals(weights.index):
            raise ArgumentError(f"{name} has another index than the weights. Take both from one frame, or give arrays.")


def _check_published(method: str, published: bool) -> None:
    if published and method not in ("henry", "spencer"):
        raise ArgumentError(f'published=True belongs to method="henry" and "spencer"; {method!r} has one formula.')


def _numbers(name: str, values: Any, n: int) -> FloatArray:
    given = _of_length(name, values, n)
    try:
        numbers = pd.DataFrame(given).to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} holds what is not a number. Give numbers of shape ({n},).") from None
    if name != "x" and numbers.shape[1] != 1:
        raise ArgumentError(f"{name} has {numbers.shape[1]} columns; give one.")
    if np.isinf(numbers).any():
        raise ArgumentError(f"{name} is infinite in row {int(np.isinf(numbers).any(axis=1).argmax()) + 1}.")
    if name == "p" and (numbers <= 0).any():
        raise ArgumentError(f"p is not above 0 in row {int((numbers <= 0).any(axis=1).argmax()) + 1}.")
    return numbers


def _of_length(name: str, values: Any, n: int) -> Any:
    found = values if isinstance(values, (pd.Series, pd.DataFrame, pd.Categorical)) else np.asarray(values)
    if np.ndim(found) == 0 or len(found) != n:
        raise ArgumentError(f"{name} has {0 if np.ndim(found) == 0 else len(found)} rows for {n} weights.")
    return found


def _effect(
    w: FloatArray,
    columns: dict[str, FloatArray],
    used: BoolArray,
    group: BoolArray,
    method: str,
    level: float,
    published: bool,
) -> DesignEffect:
    """The design effect of the rows of a group; NaN where there is none."""
    rows = used & group
    n = int(rows.sum())
    held = {name: values[rows] for name, values in columns.items()}
    deff = _computed(w[rows], held, method, published)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = float(np.float64(n) / deff)
        margin = float(NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(0.25 * deff / np.float64(n)))
    return DesignEffect(deff, n, effective, margin, level, method, int(group.sum()) - n)


def _computed(w: FloatArray, held: dict[str, FloatArray], method: str, published: bool) -> float:
    if method == "kish" or method == "pew":
        return kish_deff(w) if method == "kish" else pew_deff(w)
    if len(w) < 2:
        return float("nan")
    y = held["y"][:, 0]
    if method == "henry":
        return henry_deff(w, y, held["x"], published)
    return spencer_deff(w, y, held["p"][:, 0] if "p" in held else 1 / w, published)
