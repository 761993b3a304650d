"""Confidence intervals from an estimate, its variance and degrees of freedom. Vectorised over estimates.

Shapes: every array argument and result is (K,); `n` is the number of rows with an answer, except for `beta`, where it is
all rows of the domain, answered or not, as R takes nrow(design). t is the quantile of Student's t with `df` degrees of freedom.
Formulas as R survey::svyciprop (4.5); Korn & Graubard (1998) for beta; Wilson (1927) on the effective sample size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from survey_kit.kernels.groups import FloatArray

INTERVALS = ("logit", "wald", "wilson", "beta", "asin", "likelihood", "xlogit")

Bounds = tuple[FloatArray, FloatArray]


def t_quantile(level: float, df: float) -> float:
    """Two-sided t quantile; the normal quantile for infinite df; NaN for df < 1."""
    tail = 0.5 + level / 2
    if np.isinf(df):
        return float(special.ndtri(tail))
    return float(special.stdtrit(df, tail)) if df > 0 else float("nan")


def wald(theta: FloatArray, variance: FloatArray, level: float, df: float) -> Bounds:
    """theta +- t * se."""
    half = t_quantile(level, df) * np.sqrt(variance)
    return theta - half, theta + half


def logit(p: FloatArray, logit_variance: FloatArray, level: float, df: float) -> Bounds:
    """Wald on the log-odds, mapped back."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wald(special.logit(p), logit_variance, level, df)
    return special.expit(low), special.expit(high)


def asin(p: FloatArray, variance: FloatArray, level: float, df: float, n: FloatArray) -> Bounds:
    """Wald on arcsin(sqrt p), mapped back: variance var(p) / (4 p (1 - p))."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wald(np.arcsin(np.sqrt(p)), variance / (4 * p * (1 - p)), level, df)
    return np.sin(low) ** 2, np.sin(high) ** 2


def beta(p: FloatArray, variance: FloatArray, level: float, df: float, n: FloatArray) -> Bounds:
    """Clopper-Pearson on the effective sample size p(1-p)/var (t_{n-1}/t_df)^2. Korn & Graubard (1998)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.array([t_quantile(level, m - 1) for m in n]) / t_quantile(level, df)
        effective = p * (1 - p) / variance * ratio**2
        tail = (1 - level) / 2
        low = special.betaincinv(effective * p, effective * (1 - p) + 1, tail)
        high = special.betaincinv(effective * p + 1, effective * (1 - p), 1 - tail)
    return low, high


def wilson(p: FloatArray, variance: FloatArray, level: float, df: float, n: FloatArray) -> Bounds:
    """Wilson's score interval with t for z, on the effective sample size p(1-p)/var."""
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = p * (1 - p) / variance
        z2 = t_quantile(level, df) ** 2
        centre = (p + z2 / (2 * effective)) / (1 + z2 / effective)
        half = np.sqrt(z2) / (1 + z2 / effective) * np.sqrt(p * (1 - p) / effective + z2 / (4 * effective**2))
    return centre - half, centre + half


def likelihood(p: FloatArray, logit_variance: FloatArray, level: float, df: float, n: FloatArray) -> Bounds:
    """Where the working log-likelihood ratio, scaled by its design effect, equals t^2.

    2 m KL(p, q) = t^2 n/(n-1) with m = 1/(p (1-p) var(logit p)) and KL(p, q) = p log(p/q) + (1-p) log((1-p)/(1-q)).
    Rao & Scott (1984); n/(n-1) is the dispersion of the quasi-binomial fit that R profiles. Solved exactly, for sums of
    answers; those of answers themselves are read off a spline as R does (profile_interval.py), which differs from this
    in the third or fourth digit.
    """
    goals = t_quantile(level, df) ** 2 * n / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = 1 / (p * (1 - p) * logit_variance)
    low = np.array([_solve(a, m, g, upper=False) for a, m, g in zip(p, effective, goals, strict=True)])
    high = np.array([_solve(a, m, g, upper=True) for a, m, g in zip(p, effective, goals, strict=True)])
    return low, high


def _solve(p: float, effective: float, goal: float, upper: bool) -> float:
    from scipy.optimize import brentq

    if not (0 < p < 1 and np.isfinite(effective) and np.isfinite(goal)):
        return float("nan")

    def excess(log_odds: float) -> float:
        q = special.expit(log_odds)
        divergence = special.rel_entr(p, q) + special.rel_entr(1 - p, 1 - q)
        return 2 * effective * divergence - goal

    start = float(special.logit(p))
    step = 1.0
    while excess(start + step if upper else start - step) < 0 and step < 512:
        step *= 2
    far = start + step if upper else start - step
    if excess(far) < 0:
        return float(upper)
    return float(special.expit(brentq(excess, *sorted((start, far)), xtol=1e-13, rtol=1e-14)))


_BY_VARIANCE: dict[str, Callable[[FloatArray, FloatArray, float, float, FloatArray], Bounds]] = {
    "asin": asin,
    "beta": beta,
    "wilson": wilson,
}


def interval(
    method: str,
    theta: FloatArray,
    variance: FloatArray,
    logit_variance: FloatArray,
    level: float,
    df: float,
    n: FloatArray,
) -> Bounds:
    """Limits by the named method.

    `logit_variance` is the variance of logit(theta): by the delta method, or, under replicate weights, of the logits of
    the replicates ("logit" and "likelihood" use it, as R fits a model in each replicate; "xlogit" always takes the delta
    method). A proportion of exactly 0 or 1 has the limits 0, 0 or 1, 1 under wald and none (NaN) under the others.
    """
    if method == "wald":
        return wald(theta, variance, level, df)
    if method == "xlogit":
        with np.errstate(divide="ignore", invalid="ignore"):
            return logit(theta, variance / (theta * (1 - theta)) ** 2, level, df)
    if method == "logit":
        return logit(theta, logit_variance, level, df)
    if method == "likelihood":
        return likelihood(theta, logit_variance, level, df, n)
    return _BY_VARIANCE[method](theta, variance, level, df, n)
