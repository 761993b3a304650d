"""The rescaled bootstrap of a multistage sample without replacement. Preston (2009), Survey Methodology 35(2), 227-234.

At each stage n* = floor(n / 2) of the n units of a stratum are kept. The factor of a unit of the last stage is

    1 + sum_s m_s (-lambda_s + lambda_s (n_s / n*_s) kept_s),   lambda_s = sqrt(F_s n*_s (1 - f_s) / (n_s - n*_s))

m_s: the product over the stages above of sqrt(n / n*) kept; F_s: the product of their sampling fractions. Its mean is 1;
with one stage its variance is 1 - f and the covariance of two units -(1 - f) / (n - 1). A stratum that is taken as a
whole has nothing to draw: all its units are kept (R's survey::mrbweights halves it as well, which adds noise and no
variance, and leaves out what lies below a single certain unit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.replicates import members


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of sampling.

    Attributes:
        stratum: stratum of each unit, 0..H-1. Shape (U,).
        above: the unit of the stage above that each unit lies in; zeros at the first. Shape (U,).
        open_part: F (1 - f) of each stratum, F the product of the fractions above; 0 where nothing varies. Shape (H,).
    """

    stratum: IntArray
    above: IntArray
    open_part: FloatArray


def preston(stages: tuple[Stage, ...], replicates: int, seed: int) -> FloatArray:
    """Factors of the units of the last stage. Shape (U of the last stage, R)."""
    rng = np.random.default_rng(seed)
    factor = np.ones((1, replicates))
    carried = np.ones((1, replicates))
    for stage in stages:
        sizes = np.bincount(stage.stratum, minlength=len(stage.open_part))
        factor, above = factor[stage.above], carried[stage.above]
        carried = np.empty_like(above)
        for h, units in members(stage.stratum, sizes):
            if stage.open_part[h] == 0:
                carried[units] = above[units]
                continue
            n, half = len(units), len(units) // 2
            kept = _halves(rng, n, half, replicates)
            spread = np.sqrt(stage.open_part[h] * half / (n - half))
            factor[units] += above[units] * spread * (kept * (n / half) - 1)
            carried[units] = above[units] * kept * np.sqrt(n / half)
    return factor


def _halves(rng: np.random.Generator, n: int, half: int, replicates: int) -> FloatArray:
    """1 for `half` of n units in each replicate, 0 for the others. Shape (n, R)."""
    rank = np.argsort(rng.random((replicates, n)), axis=1)
    kept = np.zeros((replicates, n))
    np.put_along_axis(kept, rank[:, :half], 1.0, axis=1)
    return kept.T
