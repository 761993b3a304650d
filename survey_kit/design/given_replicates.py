"""Replicate weights that came with a file: their columns, and the constants of their variance.

V = scale * sum_r rscales_r (theta_r - c)^2, as R's survey::svrepdesign:

    BRR 1/R    Fay 1/(R (1 - rho)^2)    SDR, ACS 4/R    JK2 1    bootstrap 1/(R - 1)    JK1 (R - 1)/R    JKn 1

JKn needs rscales, (n_h - 1)/n_h for the stratum h of the unit that replicate r leaves out; "other" needs both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_kit.design.design import Design, ReplicateWeights, as_names, check_column, check_flag
from survey_kit.design.weight_checks import check_weights, is_number
from survey_kit.errors import ArgumentError, DesignError, InvalidWeightError, did_you_mean, listed, one_of, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice

METHODS = ("JK1", "JKn", "JK2", "BRR", "Fay", "bootstrap", "SDR", "ACS", "other")
KIND = "replicates"  # of the notices made here

_ROWS = 4096  # rows put side by side at a time
_SAMPLED = 5000  # rows that are looked at to tell weights from factors
_CLEARLY = 0.2
_NEAR = 0.05  # how far from 1 the mean of replicate weights may lie that stand for weights of 1
_LOOKS = {
    True: "The replicate weights look like factors: their mean over replicates is {:.4g} a row, while the full-sample weight "
    "is {:.4g}. Say combined=False to multiply them by the weight.",
    False: "The columns look like weights, not like factors: their mean over replicates is {:.4g} a row, near the "
    "full-sample weight of {:.4g} and not near 1. Leave combined=True.",
}
_EACH = "Give a finite number of at least 0 for each replicate, or one for all."

Rscales = Sequence[float] | float | None


def with_given_replicates(
    design: Design,
    codes: pd.DataFrame,
    weights: Sequence[str] | str,
    *,
    method: str,
    weight: str | None,
    rho: float | None,
    scale: float | None,
    rscales: Rscales,
    mse: bool | None,
    combined: bool,
    degf: float | None,
) -> Design:
    """The design with replicate weights from columns, and what a reader must know of them in its notices."""
    one_of("method", method, METHODS)
    check_flag("combined", combined)
    check_column("weight", weight)
    if mse is not None:
        check_flag("mse", mse)
    design.refuse_replicates()
    full = weight or design.weight
    if design.adjustments and weight is None:
        raise DesignError(
            "The survey was weighted after its design was stated, so replicate weights of the file do not belong to the "
            "weight in force. State them first and weight then (the weighting is repeated in every replicate), or name "
            "the full-sample weight they belong to: weight=..."
        )
    names = _names(weights, list(codes.columns), full)
    matrix = _matrix(names, codes)
    value, each, guessed = _constants(method, matrix, rho, scale, rscales, combined)
    stated, doubts = _stated(method, len(names), mse, degf)
    told = (*guessed, *doubts, *_fit_of_full_weight(design, codes, full, matrix, combined))
    made = ReplicateWeights(method, matrix, names, bool(combined), value, each, stated, degf, notices=told)
    return replace(design, weight=full, adjustments=(), replicates=made)


# columns


def _names(weights: Sequence[str] | str, columns: list[str], full: str | None) -> tuple[str, ...]:
    """The replicate weight columns: those listed, or those whose whole name matches, in natural order."""
    names = _matching(weights, columns) if isinstance(weights, str) else as_names(weights)
    if names is None:
        raise ArgumentError(
            f"weights={weights!r} is not available. Give a list of column names, or a regular expression for them, such as "
            '"PWGTP[0-9]+".'
        )
    for name in names:
        if name not in columns:
            raise unknown("column", name, columns)
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ArgumentError(f"weights names a column twice: {listed(twice)}.")
    if full in names:
        raise ArgumentError(
            f"{full!r} is the full-sample weight and cannot be one of its replicate weights. "
            + (
                f'Narrow the pattern, such as "{full}[0-9]+".'
                if isinstance(weights, str)
                else "Leave it out of weights."
            )
        )
    if len(names) < 2:
        raise ArgumentError(f"with_replicates needs at least two replicate weight columns, got {len(names)}.")
    return names


def _matching(pattern: str, columns: list[str]) -> tuple[str, ...]:
    try:
        found = re.compile(pattern)
    except re.error as why:
        raise ArgumentError(
            f"weights={pattern!r} is not a regular expression: {why}. Or give a list of names."
        ) from why
    names = [c for c in columns if found.fullmatch(str(c))]
    if not names:
        raise ArgumentError(
            f"No column matches weights={pattern!r} with its whole name.{did_you_mean(pattern, columns)}"
        )
    return tuple(sorted(names, key=_natural))


def _natural(name: str) -> list[tuple[int, str]]:
    """PWGTP2 before PWGTP10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _matrix(names: tuple[str, ...], codes: pd.DataFrame) -> FloatArray:
    """The columns side by side, shape (n, R) in C order: a row's replicate weights lie together, which is what sums need."""
    values = [_numbers(codes[name], name) for name in names]
    out = np.empty((len(codes), len(names)))
    for start in range(0, len(codes), _ROWS):
        rows = slice(start, start + _ROWS)
        np.stack([v[rows] for v in values], axis=1, out=out[rows])
    return out


def _numbers(column: pd.Series, name: str) -> FloatArray:
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise InvalidWeightError(f"Replicate weight {name!r} is not a number column but {column.dtype}.")
    values = column.to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        rows = listed(int(r) + 1 for r in bad)
        raise InvalidWeightError(
            f"Replicate weight {name!r} is missing or infinite in {len(bad)} of {len(values)} rows (row {rows}). "
            "A row that a replicate leaves out has the weight 0."
        )
    if not values.any():
        raise InvalidWeightError(
            f"Replicate weight {name!r} is zero in all {len(values)} rows. Leave the replicate out."
        )
    return values


# constants


def _constants(
    method: str, matrix: FloatArray, rho: float | None, scale: float | None, rscales: Rscales, combined: bool
) -> tuple[float, tuple[float, ...], tuple[Notice, ...]]:
    """scale, rscales, and what was guessed."""
    r = matrix.shape[1]
    if (rho is not None) != (method == "Fay"):
        raise ArgumentError('rho belongs to method="Fay", which requires it, and to no other method.')
    check_rho(rho)
    if method == "other" and (scale is None or rscales is None):
        raise ArgumentError('method="other" needs scale and rscales: V = scale * sum_r rscales_r (theta_r - c)^2.')
    given = _checked(r, scale, rscales)
    own = _own_scale(method, r, rho)
    if own is not None:
        _refuse_other_constants(method, own, scale, given)
        return own, given or (1.0,) * r, ()
    if method == "JK1" and scale is None:
        return _guessed_jk1(matrix, given, combined)
    if method == "JKn" and given is None:
        return _guessed_jkn(matrix, scale, combined)
    default = 1 / (r - 1) if method == "bootstrap" else 1.0
    return float(default if scale is None else scale), given or (1.0,) * r, ()


def check_rho(rho: float | None) -> None:
    """Fay's coefficient lies in [0, 1)."""
    if rho is not None and not (is_number(rho) and 0 <= rho < 1):
        raise ArgumentError(f"rho={rho!r} is not available. Fay's coefficient is at least 0 and below 1, such as 0.3.")


def _checked(r: int, scale: float | None, rscales: Rscales) -> tuple[float, ...] | None:
    """rscales for each replicate, after both were looked at."""
    if scale is not None and not (is_number(scale) and 0 < scale < np.inf):
        raise ArgumentError(f"scale={scale!r} is not available. It is a positive number, such as 1/R.")
    if rscales is None:
        return None
    try:
        each = np.asarray(rscales, dtype=float)
    except (TypeError, ValueError):
        raise ArgumentError(f"rscales holds what is not a number. {_EACH}") from None
    if each.ndim > 1 or (each.ndim == 1 and len(each) not in (1, r)):
        raise ArgumentError(
            f"rscales has {each.size} values for {r} replicate weights. Give one for each, or one for all."
        )
    wrong = np.flatnonzero(~((each >= 0) & np.isfinite(each)))
    if len(wrong):
        where = f" for replicate {int(wrong[0]) + 1}" if each.ndim else ""
        raise ArgumentError(f"rscales is {each.flat[wrong[0]]:g}{where}. {_EACH}")
    if not each.any():
        raise ArgumentError(
            "rscales are all 0, so that nothing would vary. State the constants that came with the data."
        )
    return tuple(np.broadcast_to(each, (r,)).tolist())


def _own_scale(method: str, r: int, rho: float | None) -> float | None:
    """The scale that belongs to a method, None where it depends on the sample."""
    own = {"BRR": 1 / r, "Fay": 1 / (r * (1 - (rho or 0.0)) ** 2), "SDR": 4 / r, "ACS": 4 / r, "JK2": 1.0}
    return own.get(method)


def _refuse_other_constants(method: str, own: float, scale: float | None, rscales: tuple[float, ...] | None) -> None:
    if scale is not None and not np.isclose(scale, own, rtol=1e-6):
        raise ArgumentError(
            f'method="{method}" has the scale {own:.6g} with these replicate weights; scale={scale:.6g} was given. '
            'Use method="other" for constants of your own.'
        )
    if rscales is not None and method not in ("BRR", "Fay") and set(rscales) != {1.0}:
        raise ArgumentError(f'method="{method}" has no rscales. Use method="other" for constants of your own.')


def _guessed_jk1(
    matrix: FloatArray, rscales: tuple[float, ...] | None, combined: bool
) -> tuple[float, tuple[float, ...], tuple[Notice, ...]]:
    """(n - 1)/n, n from the number of replicates, or from factors n/(n - 1)."""
    r = matrix.shape[1]
    scale = (r - 1) / r if combined else _inverse_of_largest(matrix[:, :1])[0]
    text = f'method="JK1" without scale: {scale:.6g} was taken, (n - 1)/n for {r} units that are left out in turn.'
    return scale, rscales or (1.0,) * r, (Notice(KIND, text),)


def _guessed_jkn(
    matrix: FloatArray, scale: float | None, combined: bool
) -> tuple[float, tuple[float, ...], tuple[Notice, ...]]:
    """(n_h - 1)/n_h from factors n_h/(n_h - 1); weights do not show them."""
    if combined:
        raise ArgumentError('method="JKn" needs rscales: (n_h - 1)/n_h for the stratum h of each replicate.')
    each = _inverse_of_largest(matrix)
    text = 'method="JKn" without rscales: (n_h - 1)/n_h was taken from the largest factor of each replicate.'
    return 1.0 if scale is None else float(scale), each, (Notice(KIND, text),)


def _inverse_of_largest(factors: FloatArray) -> tuple[float, ...]:
    largest = factors.max(axis=0)
    if (largest <= 1).any():
        raise ArgumentError(
            f"The factors of replicate {int(np.argmax(largest <= 1)) + 1} are not those of a jackknife: the largest is "
            f"{largest.min():g}, not n/(n - 1). State scale and rscales."
        )
    return tuple((1 / largest).tolist())


def _stated(method: str, r: int, mse: bool | None, degf: float | None) -> tuple[bool, tuple[Notice, ...]]:
    """mse (True for the ACS unless stated), and what is odd about mse and degf."""
    told = []
    if method == "ACS" and mse is False:
        told.append(
            Notice(KIND, "The ACS takes deviations from the full-sample estimate (mse=True); mse=False was stated.")
        )
    if degf is not None and not (is_number(degf) and 0 < degf < np.inf):
        raise ArgumentError(f"degf={degf!r} is not available. Degrees of freedom are a positive number.")
    if degf is not None and degf > r:
        told.append(
            Notice(KIND, f"{degf:g} degrees of freedom were stated for {r} replicate weights, which show at most {r}.")
        )
    return method == "ACS" if mse is None else bool(mse), tuple(told)


# replicate weights against the full-sample weight


def _fit_of_full_weight(
    design: Design, codes: pd.DataFrame, full: str | None, matrix: FloatArray, combined: bool
) -> tuple[Notice, ...]:
    """Whether the columns are what `combined` says, seen from some rows."""
    if full is None and design.fpc:
        return ()
    if full is not None and full not in codes:
        raise unknown("column", full, codes.columns)
    weight = np.ones(len(codes)) if full is None else check_weights(codes[full], full)
    rows = slice(None, None, max(1, len(codes) // _SAMPLED))
    mean, some = matrix[rows].mean(axis=1), weight[rows]
    if full is None and combined:
        _refuse_without_full_weight(mean, matrix[rows].std(axis=1) / np.sqrt(matrix.shape[1]))
    if _looks_combined(mean, some, combined) != combined:
        raise ArgumentError(_LOOKS[combined].format(mean.mean(), some.mean()))
    return _odd_full_weight(full, combined, float(mean.sum()), float(some.sum()))


def _refuse_without_full_weight(mean: FloatArray, noise: FloatArray) -> None:
    """Weights that do not average 1 in each row belong to a full-sample weight that is not 1.

    A row's mean over the replicates is its full-sample weight: exactly for jackknives and half-samples, and up to the
    noise of R draws for bootstraps, deviation / sqrt(R). Shapes (n,).
    """
    level = float(mean.mean())
    if abs(level - 1) > _NEAR:
        shown = f"{level:.3g} in a row"
    elif float(np.abs(mean - 1).mean()) > _NEAR + 2 * float(noise.mean()):
        shown = f"from {mean.min():.3g} to {mean.max():.3g} in a row"
    else:
        return
    raise DesignError(
        f"The replicate weights average {shown}, so there is a full-sample weight: say weight=...; or combined=False for "
        "factors."
    )


def _looks_combined(mean: FloatArray, weight: FloatArray, stated: bool) -> bool:
    """Whether the means over replicates of some rows are near the full-sample weight (weights) or near 1 (factors).

    What was stated stands unless it is clearly the other: row by row, or by means over all rows.
    """
    from_weight, from_one = np.abs(mean - weight).sum(), np.abs(mean - 1).sum()
    level, whole = mean.mean(), weight.mean()
    near_one, near_weight = 0.5 < level < 2, whole / 3 < level < 3 * whole
    if stated:
        return not (from_one < _CLEARLY * from_weight or (near_one and not near_weight))
    return from_weight < _CLEARLY * from_one or (near_weight and not near_one)


def _odd_full_weight(full: str | None, combined: bool, replicated: float, weighted: float) -> tuple[Notice, ...]:
    if full is None:
        text = "No full-sample weight is named beside the replicate weights: equal weights of 1 are taken. Name it: weight=..."
        return (Notice(KIND, text),)
    if combined and not 0.5 <= replicated / weighted <= 2:
        text = (
            f"The replicate weights sum to {replicated / weighted:.3g} times the full-sample weight {full!r} on average, so "
            "they may not belong together. Totals would be wrong."
        )
        return (Notice(KIND, text),)
    return ()
