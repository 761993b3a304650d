"""The likelihood interval of a proportion as R reads it: off a spline through a dozen points of the profile.

The working log-likelihood ratio at log-odds b, against the estimate p, is

    z(b)^2 = 2 m KL(p, expit b),      KL(p, q) = p log(p/q) + (1-p) log((1-p)/(1-q)),

m: n - 1 for linearised designs and n for replicate weights (R divides by the dispersion of its quasi-binomial fit, which
is n/(n-1) or 1). Limits lie where z = -+ t sqrt(lambda), lambda = I var(logit p), the design effect (Rao & Scott 1984),
with I the information of the fit. R (survey::confint.svyglm after MASS) takes z at steps of zmax/5 standard errors until
it passes zmax, lays a Forsythe-Malcolm-Moler spline through the points, reads it at three times as many equal steps and
interpolates linearly between them, so that its limits are off the exact ones in the third or fourth digit; and its I is
that of the last iterate but one, 1e-5 off the converged one. These functions do the same, number by number.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from survey_kit.kernels.groups import FloatArray

_MOST_STEPS = 9


def profile_limits(p: float, logit_se: float, information: float, m: float, n: float, t: float) -> tuple[float, float]:
    """Lower and upper limit of one proportion; NaN where the profile does not reach them.

    Args:
        p: the proportion, within (0, 1). logit_se: standard error of logit(p).
        information: I. m: the factor of the divergence. n: answered rows. t: the quantile of Student's t.
    """
    if not (0 < p < 1 and logit_se > 0 and np.isfinite(logit_se * t) and n > 1):
        return np.nan, np.nan
    cutoff = t * np.sqrt(information) * logit_se
    log_odds, z = _profile(p, logit_se, 2 * m, _zmax(cutoff, n))
    if len(z) < 4:
        return np.nan, np.nan
    fine = np.linspace(log_odds[0], log_odds[-1], 3 * len(z))
    low, high = np.interp([-cutoff, cutoff], fmm_spline(log_odds, z, fine), fine, left=np.nan, right=np.nan)
    return float(special.expit(low)), float(special.expit(high))


def first_iterate(weight: FloatArray) -> FloatArray:
    """What each row adds to the sums of the first fitting step, for an answer of 1 and of 0. Shape (n,) -> (6, n).

    The fit starts at mu = (w y + 1/2) / (w + 1), w scaled to mean 1. Rows: W and W z for y = 1, for y = 0, with
    W = w mu (1 - mu) and z = logit(mu) + (y - mu) / (mu (1 - mu)); then the deviance for y = 1 and for y = 0.
    """
    out = []
    for y in (1.0, 0.0):
        mu = (weight * y + 0.5) / (weight + 1)
        spread = mu * (1 - mu)
        out += [weight * spread, weight * (spread * special.logit(mu) + y - mu)]
    hit, missed = (weight + 0.5) / (weight + 1), 0.5 / (weight + 1)
    return np.array([*out, -2 * weight * np.log(hit), -2 * weight * np.log1p(-missed)])


def fitted_information(
    p: FloatArray, scale: FloatArray, first: tuple[FloatArray, FloatArray, FloatArray], epsilon: float = 1e-8
) -> FloatArray:
    """I of the last iterate but one of the intercept-only fit. Shape (K,).

    Args:
        p: proportions. scale: sums of the scaled weights of the answered rows.
        first: sums of W, of W z and of the deviance at the start. Shapes (K,).
    """
    weight, pull, deviance = first
    out, running = np.array(weight), np.ones(len(p), dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = pull / weight
        for _ in range(25):
            mu = special.expit(b)
            now = -2 * scale * (special.xlogy(p, mu) + special.xlogy(1 - p, 1 - mu))
            running &= np.abs(now - deviance) / (np.abs(now) + 0.1) >= epsilon
            if not running.any():
                break
            spread = mu * (1 - mu)
            out = np.where(running, scale * spread, out)
            b = np.where(running, b + (p - mu) / spread, b)
            deviance = now
    return out


def _zmax(cutoff: float, n: float) -> float:
    """How far the profile is drawn: the root of the F quantile at a quarter of the two-sided tail beyond the cutoff."""
    return float(-special.stdtrit(n - 1, special.ndtr(-cutoff) / 4))


def _profile(p: float, step_unit: float, factor: float, zmax: float) -> tuple[FloatArray, FloatArray]:
    """Log-odds and z at steps of zmax/5 standard errors on both sides, in order."""
    centre = special.logit(p)
    sides = []
    for sign in (-1.0, 1.0):
        b = centre + sign * np.arange(1, _MOST_STEPS + 1) * (zmax / 5) * step_unit
        q = special.expit(b)
        divergence = special.rel_entr(p, q) + special.rel_entr(1 - p, special.expit(-b))
        z = sign * np.sqrt(np.maximum(factor * divergence, 0.0))
        passed = np.flatnonzero(np.abs(z) >= zmax)
        kept = slice(0, passed[0] + 1 if len(passed) else len(z))
        sides.append((b[kept], z[kept]))
    (down, below), (up, above) = sides
    return np.concatenate([down[::-1], [centre], up]), np.concatenate([below[::-1], [0.0], above])


def fmm_spline(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """A cubic spline whose end pieces follow the cubics through the first and last four points.

    Forsythe, Malcolm & Moler (1977), section 4.4; R: stats::splinefun(method = "fmm"). Shapes (m,), (m,), (k,) -> (k,).

    >>> x = np.array([0.0, 1.0, 2.0, 4.0])
    >>> fmm_spline(x, x**3, np.array([3.0])).round(12).tolist()
    [27.0]
    """
    h, m = np.diff(x), len(x)
    slope = np.diff(y) / h
    right = np.concatenate([[0.0], np.diff(slope), [0.0]])
    if m > 3:
        first = right[2] / (x[3] - x[1]) - right[1] / (x[2] - x[0])
        last = right[m - 2] / (x[m - 1] - x[m - 3]) - right[m - 3] / (x[m - 2] - x[m - 4])
        right[0] = first * h[0] ** 2 / (x[3] - x[0])
        right[-1] = -last * h[-1] ** 2 / (x[m - 1] - x[m - 4])
    middle = np.concatenate([[-h[0]], 2 * (h[:-1] + h[1:]), [-h[-1]]])
    sigma = np.linalg.solve(np.diag(middle) + np.diag(h, 1) + np.diag(h, -1), right)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, m - 2)
    d = at - x[piece]
    linear = slope - h * (sigma[1:] + 2 * sigma[:-1])
    cubic = np.diff(sigma) / h
    return np.asarray(y[piece] + d * (linear[piece] + d * (3 * sigma[piece] + d * cubic[piece])))
