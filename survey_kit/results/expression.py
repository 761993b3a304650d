"""A function of estimates written as text: its value, for one or many vectors of estimates, and its exact gradient.

The gradient is found by forward differentiation: every step carries its value and the derivatives of it by each name,
by the rules of calculus, without a step width. Griewank & Walther (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from survey_kit.kernels.groups import FloatArray
from survey_kit.results.expression_text import Steps, parse

Curve = Callable[[Any], Any]
CONSTANT, LINEAR, CURVED = 0, 1, 2

_LOG2, _LOG10 = float(np.log(2)), float(np.log(10))

# name -> the function and its derivative
FUNCTIONS: dict[str, tuple[Curve, Curve]] = {
    "abs": (np.abs, lambda x: np.sign(x) if x != 0 else np.float64("nan")),
    "acos": (np.arccos, lambda x: -1 / np.sqrt(1 - x**2)),
    "asin": (np.arcsin, lambda x: 1 / np.sqrt(1 - x**2)),
    "atan": (np.arctan, lambda x: 1 / (1 + x**2)),
    "atanh": (np.arctanh, lambda x: 1 / (1 - x**2)),
    "cos": (np.cos, lambda x: -np.sin(x)),
    "exp": (np.exp, np.exp),
    "expit": (special.expit, lambda x: special.expit(x) * special.expit(-x)),
    "log": (np.log, lambda x: 1 / x),
    "log10": (np.log10, lambda x: 1 / (x * _LOG10)),
    "log2": (np.log2, lambda x: 1 / (x * _LOG2)),
    "logit": (special.logit, lambda x: 1 / (x * (1 - x))),
    "sin": (np.sin, np.cos),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "tan": (np.tan, lambda x: 1 / np.cos(x) ** 2),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
}


@dataclass(frozen=True, eq=False)
class Expression:
    """A parsed function of u named estimates."""

    parsed: Steps

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the estimates that it uses, in the order of their first use."""
        return self.parsed.names

    def value(self, x: FloatArray) -> FloatArray:
        """The function at each vector; NaN where it does not exist. Shapes (..., u) -> (...)."""
        with np.errstate(all="ignore"):
            found = _work(self.parsed, [x[..., i] for i in range(x.shape[-1])], np.float64, _applied)
            return np.where(np.isfinite(found), found, np.nan)

    def gradient(self, x: FloatArray) -> FloatArray:
        """Derivatives by each name at one vector; NaN where the function or one of them does not exist. Shapes (u,)."""
        jet = self._jet(x)
        exists = np.isfinite(jet.value) and np.isfinite(jet.slope).all()
        return jet.slope if exists else np.full_like(jet.slope, np.nan)

    @cached_property
    def coefficients(self) -> FloatArray | None:
        """The coefficients, where it is a weighted sum without a constant; None where it is not. Shape (u,)."""
        origin = np.zeros(len(self.names))
        jet = self._jet(origin)
        linear = jet.degree == LINEAR and jet.value == 0 and np.isfinite(jet.slope).all()
        return jet.slope if linear else None

    def _jet(self, x: FloatArray) -> _Jet:
        unit = np.eye(len(x))
        jets = [_Jet(np.float64(v), unit[i], LINEAR) for i, v in enumerate(x)]
        with np.errstate(all="ignore"):
            found: _Jet = _work(self.parsed, jets, lambda v: _Jet(np.float64(v), np.zeros(len(x)), CONSTANT), _chained)
        return found


def read(text: str) -> Expression:
    """Parse the text of a contrast. Raises ArgumentError."""
    return Expression(parse(text, FUNCTIONS))


def _work(parsed: Steps, operands: Sequence[Any], number: Curve, apply: Callable[[str, Any], Any]) -> Any:
    """Work off the steps on whatever the operands are: arrays of estimates, or jets."""
    stack: list[Any] = []
    for step in parsed.steps:
        if step.kind == "number":
            stack.append(number(step.what))
        elif step.kind == "name":
            stack.append(operands[int(step.what)])
        elif step.kind == "call":
            stack.append(apply(str(step.what), stack.pop()))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append(_SIGNS[str(step.what)](left, right))
    return stack.pop()


_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}


def _applied(name: str, x: FloatArray) -> Any:
    return -x if name == "-" else FUNCTIONS[name][0](x)


def _chained(name: str, jet: _Jet) -> _Jet:
    if name == "-":
        return _Jet(-jet.value, -jet.slope, jet.degree)
    curve, derivative = FUNCTIONS[name]
    if jet.degree == CONSTANT:
        return _Jet(curve(jet.value), jet.slope, CONSTANT)
    return _Jet(curve(jet.value), derivative(jet.value) * jet.slope, CURVED)


@dataclass(frozen=True, slots=True)
class _Jet:
    """A value, its derivatives by each name, and whether it is constant, linear or curved in them."""

    value: np.float64
    slope: FloatArray
    degree: int

    def __add__(self, other: _Jet) -> _Jet:
        return _Jet(self.value + other.value, self.slope + other.slope, max(self.degree, other.degree))

    def __sub__(self, other: _Jet) -> _Jet:
        return _Jet(self.value - other.value, self.slope - other.slope, max(self.degree, other.degree))

    def __mul__(self, other: _Jet) -> _Jet:
        slope = _scaled(self.value, other) + _scaled(other.value, self)
        return _Jet(self.value * other.value, slope, min(self.degree + other.degree, CURVED))

    def __truediv__(self, other: _Jet) -> _Jet:
        value = self.value / other.value
        if other.degree == CONSTANT:
            return _Jet(value, self.slope / other.value, self.degree)
        return _Jet(value, (self.slope - value * other.slope) / other.value, CURVED)

    def __pow__(self, other: _Jet) -> _Jet:
        value = self.value**other.value
        if self.degree == other.degree == CONSTANT:
            return _Jet(value, self.slope, CONSTANT)
        slope = np.zeros_like(self.slope)
        if self.degree != CONSTANT and other.value != 0:
            slope = slope + other.value * self.value ** (other.value - 1) * self.slope
        if other.degree != CONSTANT:
            slope = slope + value * np.log(self.value) * other.slope
        return _Jet(value, slope, CURVED)


def _scaled(factor: np.float64, jet: _Jet) -> FloatArray:
    """factor * slope; nothing where the slope is, whatever the factor."""
    return np.zeros_like(jet.slope) if jet.degree == CONSTANT else factor * jet.slope
