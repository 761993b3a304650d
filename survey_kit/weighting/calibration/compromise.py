"""What is handed back of a calibration that missed its targets: the nearest that was reached, with total and bounds held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.rake_compromise import level
from survey_kit.weighting.calibration.layout import Column
from survey_kit.weighting.targets.totals import PEOPLE

GIVE = (0.03, 0.003)  # how far every target gives way in a compromise, as in `relax`
STEPS = 60


def give_way(columns: Sequence[Column], relax: Mapping[tuple[str, str], float], give: float) -> FloatArray:
    """Relaxation of the columns of a compromise: what was asked for, else `give`; the total is held. Shape (p,)."""
    return np.array([0.0 if c.variable in PEOPLE else relax.get((c.variable, c.category)) or give for c in columns])


def nearest_values(
    tried: Sequence[FloatArray],
    bounds: tuple[FloatArray, FloatArray],
    total: float | None,
    gap: Callable[[FloatArray], float],
) -> FloatArray:
    """Of weights (n,) those with the smallest gap among those that hold the bounds (n,) and, where it is known, the total."""
    made = [_held(w, bounds, total) for w in tried]

    def rank(w: FloatArray) -> tuple[bool, float]:
        off = 0.0 if total is None else abs(float(w.sum()) - total) / total
        return off > 1e-8, gap(w)

    return min(made, key=rank)


def _held(w: FloatArray, bounds: tuple[FloatArray, FloatArray], total: float | None) -> FloatArray:
    low, high = bounds
    if total is None:
        return np.clip(w, low, high)
    if w.min(initial=0.0) >= 0:
        return level(w, low, high, total)
    whole = float(w.sum())
    return np.clip(w * (total / whole) if whole > 0 else w, low, high)
