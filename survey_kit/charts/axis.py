"""Axes: which values get a guide, and where a value stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_TICK_ROOM = 36.0  # points between two ticks, at least


@dataclass(frozen=True, slots=True)
class Axis:
    """A horizontal axis from `low` to `high` between two places in points; `log` for ratios."""

    low: float
    high: float
    left: float
    right: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands, held inside the axis."""
        scale: Callable[[float], float] = math.log if self.log else float
        low, high = scale(self.low), scale(self.high)
        held = min(max(value, self.low), self.high)
        return self.left + (scale(held) - low) / (high - low) * (self.right - self.left)

    def decimals(self, times: float = 1.0) -> int:
        """Decimals that the ticks need when they are shown as `times` their value."""
        shown = [times * tick for tick in self.ticks]
        return next((d for d in range(7) if all(abs(v - round(v, d)) < 1e-9 * max(abs(v), 1.0) for v in shown)), 7)

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high


def linear_axis(values: np.ndarray, left: float, right: float, zero: bool) -> Axis:
    """An axis with round ticks around the values, as many as have room; from zero when asked."""
    most = min(6, max(2, int((right - left) / _TICK_ROOM)))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    if high - low < 1e-9:
        high = low + 0.1
    step = _step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(k * step, 10) for k in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], left, right, ticks)


def log_axis(values: np.ndarray, left: float, right: float) -> Axis:
    """A log axis with ticks 1, 2, 5 ... around the values and one."""
    finite = values[np.isfinite(values) & (values > 0)]
    low = min(float(finite.min(initial=1.0)), 0.8)
    high = max(float(finite.max(initial=1.0)), 1.25)
    low, high = max(low, 0.01), min(high, 100.0)
    choices = [m * 10.0**k for k in range(-3, 3) for m in (1, 2, 5)]
    if high / low < 6:
        choices = [0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4]
    ticks = tuple(t for t in choices if low * 0.98 <= t <= high * 1.02)
    return Axis(low * 0.95, high * 1.05, left, right, ticks, log=True)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
