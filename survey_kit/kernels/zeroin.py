"""Roots of many functions at once by Brent's method with a tolerance, to the same iterates as R's uniroot.

Brent (1973), Algorithms for Minimization without Derivatives, chapter 4 (zeroin). The tolerance of a root is
tol / 2 + 2 eps |b|; a loose one stops early, and where the function is a step it decides the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from survey_kit.kernels.groups import FloatArray

_EPSILON = float(np.finfo(float).eps)
_LARGEST = float(np.finfo(float).max)


def roots(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray, tol: FloatArray, most: int = 1000
) -> FloatArray:
    """A root of each of K functions between `low` and `high`; NaN where the signs at the ends do not differ. Shapes (K,).

    `function` takes one argument for each and gives one value for each, so that all are evaluated in one pass.
    """
    f_low, f_high = function(low), function(high)
    with np.errstate(over="ignore", invalid="ignore"):
        able = (low < high) & (np.clip(f_low, -_LARGEST, _LARGEST) * np.clip(f_high, -_LARGEST, _LARGEST) <= 0)
    found, at = np.full(len(low), np.nan), low.copy()
    searches: dict[int, Generator[float, float, float]] = {}
    for k in np.flatnonzero(able).tolist():
        ends = _finite(f_low[k]), _finite(f_high[k])
        searches[k] = zeroin(float(low[k]), float(high[k]), *ends, float(tol[k]), most)
    values: FloatArray | None = None
    while searches:
        for k, search in list(searches.items()):
            try:
                at[k] = next(search) if values is None else search.send(_finite(values[k]))
            except StopIteration as stop:
                found[k] = stop.value
                del searches[k]
        if searches:
            values = function(at)
    return found


def _finite(value: float) -> float:
    """Infinite values as the largest number of their sign, missing ones as the largest positive: R does so."""
    if np.isfinite(value):
        return float(value)
    return -_LARGEST if value == -np.inf else _LARGEST


def zeroin(
    low: float, high: float, f_low: float, f_high: float, tol: float, most: int = 1000
) -> Generator[float, float, float]:
    """Brent's method as a dialogue: it yields where it wants the function, is sent the value, and returns the root."""
    if f_low == 0:
        return low
    a, b, fa, fb = low, high, f_low, f_high
    c, fc = a, fa
    for _ in range(most + 1):
        last = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        least = 2 * _EPSILON * abs(b) + tol / 2
        half = (c - b) / 2
        if abs(half) <= least or fb == 0:
            return b
        step = half
        if abs(last) >= least and abs(fa) > abs(fb):
            step = _interpolated(a, b, c, fa, fb, fc, last, least)
        a, fa = b, fb
        b += step if abs(step) >= least else (least if step > 0 else -least)
        fb = yield b
        if (fb > 0) == (fc > 0) and fb != 0 and fc != 0:
            c, fc = a, fa
    return b


def _interpolated(a: float, b: float, c: float, fa: float, fb: float, fc: float, last: float, least: float) -> float:
    """The step by inverse interpolation, linear or quadratic, or half the interval where it would lead too far."""
    width = c - b
    t2 = fb / fa
    if a == c:
        p, q = width * t2, 1.0 - t2
    else:
        q, t1 = fa / fc, fb / fc
        p = t2 * (width * q * (q - t1) - (b - a) * (t1 - 1.0))
        q = (q - 1.0) * (t1 - 1.0) * (t2 - 1.0)
    if p > 0:
        q = -q
    else:
        p = -p
    near = p < 0.75 * width * q - abs(least * q) / 2 and p < abs(last * q / 2)
    return p / q if near else width / 2
