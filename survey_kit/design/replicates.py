"""Replicate weights: given with a file, or built from a design.

V = scale * sum_r rscales_r (theta_r - c)^2. Constants: BRR 1/R; Fay 1/(R (1-rho)^2); SDR 4/R; bootstrap 1/(R-1);
JK1 (R-1)/R; JKn rscales (n_h - 1)/n_h, times 1 - f_h when there is an fpc. R: svrepdesign, as.svrepdesign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey_kit.design.bound import BoundDesign
from survey_kit.design.design import ReplicateWeights
from survey_kit.errors import ArgumentError, DesignError, UnsupportedOption, one_of
from survey_kit.kernels.groups import FloatArray

METHODS = ("JK1", "JKn", "BRR", "Fay", "bootstrap", "SDR")
_BUILT = ("JK1", "JKn", "bootstrap")


def given_replicates(
    columns: Sequence[str],
    method: str,
    rho: float | None,
    scale: float | None,
    rscales: Sequence[float] | float | None,
    mse: bool,
    combined: bool,
    degf: int | None,
) -> ReplicateWeights:
    """Replicate weights by column name, with the constants of the method."""
    one_of("method", method, METHODS)
    r = len(columns)
    if r < 2:
        raise ArgumentError(f"with_replicates needs at least two replicate weight columns, got {r}.")
    if (rho is not None) != (method == "Fay"):
        raise ArgumentError('rho belongs to method="Fay", which requires it, and to no other method.')
    if method == "JKn" and scale is None and rscales is None:
        raise ArgumentError('method="JKn" needs rscales: (n_h - 1)/n_h for the stratum h of each replicate.')
    each = tuple(np.broadcast_to(np.asarray(1.0 if rscales is None else rscales, dtype=float), (r,)).tolist())
    value = _scale(method, r, rho) if scale is None else float(scale)
    return ReplicateWeights(method, tuple(columns), None, combined, value, each, mse, degf)


def _scale(method: str, r: int, rho: float | None) -> float:
    return {
        "JK1": (r - 1) / r,
        "JKn": 1.0,
        "BRR": 1 / r,
        "Fay": 1 / (r * (1 - (rho or 0.0)) ** 2),
        "bootstrap": 1 / (r - 1),
        "SDR": 4 / r,
    }[method]


def build_replicates(
    bound: BoundDesign, method: str, replicates: int | None = None, seed: int | None = None
) -> ReplicateWeights:
    """Replicate factors from a design.

    JK1 and JKn leave out one first-stage unit at a time; "bootstrap" is the rescaled bootstrap of Rao & Wu (1988), with
    n_h - 1 units drawn with replacement in each stratum.

    Raises:
        UnsupportedOption: a method that cannot be built here.
        DesignError: JK1 for a stratified design; a stratum with one unit.
    """
    if method not in _BUILT:
        one_of("method", method, METHODS)
        raise UnsupportedOption(f"method={method!r} cannot be built from a design. Use one of {', '.join(_BUILT)}.")
    if method != "bootstrap" and (replicates is not None or seed is not None):
        raise ArgumentError(f"replicates and seed belong to method='bootstrap'; {method} leaves out each unit once.")
    if method == "bootstrap" and (replicates is None or seed is None):
        raise ArgumentError("method='bootstrap' needs replicates (such as 500) and seed, so that it can be repeated.")
    first = bound.stages[0]
    stratum, sizes = first.scheme.stratum, first.scheme.sizes
    if (sizes == 1).any() and method != "JK1":
        raise DesignError(f"{int((sizes == 1).sum())} strata have a single unit. Merge strata before replicating.")
    if method == "bootstrap":
        unit_factors = _rao_wu(stratum, sizes, int(replicates or 0), int(seed or 0))
        return _built(method, unit_factors, first.unit, 1 / (int(replicates or 0) - 1), np.ones(unit_factors.shape[1]))
    if method == "JK1" and len(sizes) > 1:
        raise DesignError(f"method='JK1' is for designs without strata; this one has {len(sizes)}. Use 'JKn'.")
    open_part = first.scheme.factor * (sizes - 1) / sizes
    return _built(method, _leave_one_out(stratum, sizes), first.unit, 1.0, (open_part * (sizes - 1) / sizes)[stratum])


def _built(
    method: str, unit_factors: FloatArray, unit: np.ndarray, scale: float, rscales: FloatArray
) -> ReplicateWeights:
    return ReplicateWeights(method, (), unit_factors[unit], False, scale, tuple(rscales.tolist()))


def _leave_one_out(stratum: np.ndarray, sizes: np.ndarray) -> FloatArray:
    """Factors (U, U): 0 for the unit left out, n_h / (n_h - 1) for the others of its stratum, 1 elsewhere."""
    units = len(stratum)
    same = stratum[:, None] == stratum[None, :]
    raised = (sizes / np.maximum(sizes - 1, 1))[stratum]
    factors = np.where(same, raised[None, :], 1.0)
    factors[np.arange(units), np.arange(units)] = 0.0
    return factors


def _rao_wu(stratum: np.ndarray, sizes: np.ndarray, replicates: int, seed: int) -> FloatArray:
    """Factors (U, R): n_h / (n_h - 1) times how often the unit is drawn among n_h - 1."""
    rng = np.random.default_rng(seed)
    factors = np.zeros((len(stratum), replicates))
    for h, size in enumerate(sizes):
        members = np.flatnonzero(stratum == h)
        drawn = rng.multinomial(size - 1, np.full(size, 1 / size), size=replicates).T
        factors[members] = drawn * size / (size - 1)
    return factors
