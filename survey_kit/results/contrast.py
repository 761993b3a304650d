"""What a contrast is made of: weights or expressions over the names of estimates, and pairs of groups."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit.errors import ArgumentError, UnknownNameError, UnsupportedOption, did_you_mean, listed, one_of, unknown
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.results.carriers import Carrier, Replicated, Transform
from survey_kit.results.expression import Expression, read
from survey_kit.results.expression_text import short
from survey_kit.schema import Notice

METHODS = ("delta", "replicates")
Weights: TypeAlias = Mapping[Any, Any] | Sequence[Any] | FloatArray | str


@dataclass(frozen=True, eq=False)
class Part:
    """One contrast: the estimates that it uses, shape (u,), and their coefficients or the function of them."""

    label: str
    at: IntArray
    coefficients: FloatArray | None
    expression: Expression | None = None

    def value(self, theta: FloatArray) -> FloatArray:
        """Shapes (..., K) -> (...)."""
        if self.coefficients is not None:
            return np.asarray(theta[..., self.at] @ self.coefficients)
        assert self.expression is not None
        return self.expression.value(theta[..., self.at])

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Derivatives by the estimates that it uses. Shapes (K,) -> (u,)."""
        if self.coefficients is not None:
            return self.coefficients
        assert self.expression is not None
        return self.expression.gradient(theta[self.at])


@dataclass(frozen=True, eq=False)
class Contrast:
    """M contrasts of K estimates."""

    parts: tuple[Part, ...]
    size: int

    @property
    def labels(self) -> list[str]:
        return [part.label for part in self.parts]

    @property
    def linear(self) -> sp.csr_array:
        """The coefficients of the linear ones; the rows of the others are empty. Shape (M, K)."""
        return self._matrix([np.empty(0) if p.coefficients is None else p.coefficients for p in self.parts])

    @property
    def uses(self) -> sp.csr_array:
        """One where a contrast uses an estimate. Shape (M, K)."""
        return self._matrix([np.ones(len(part.at)) for part in self.parts])

    def value(self, theta: FloatArray) -> FloatArray:
        """Shapes (..., K) -> (..., M)."""
        return np.stack([part.value(theta) for part in self.parts], axis=-1)

    def jacobian(self, theta: FloatArray) -> sp.csr_array:
        """Derivatives of the contrasts by the estimates. Shape (M, K)."""
        return self._matrix([part.gradient(theta) for part in self.parts])

    def _matrix(self, rows: Sequence[FloatArray]) -> sp.csr_array:
        at = [part.at if len(row) else part.at[:0] for part, row in zip(self.parts, rows, strict=True)]
        ends = np.cumsum([0, *map(len, at)])
        return sp.csr_array((np.concatenate(rows), np.concatenate(at), ends), shape=(len(rows), self.size))


def contrast_of(weights: Weights, names: pd.Index) -> Contrast:
    """Read what was handed to `Estimates.contrast`.

    Raises:
        ArgumentError: an expression that cannot be read; a wrong number of coefficients, or none; a name that two
            estimates have; no estimates. UnknownNameError: a name that no estimate has.
    """
    if not len(names):
        raise ArgumentError("The result holds no estimates, so there is nothing to contrast.")
    if isinstance(weights, str):
        parts = [_expression(weights.strip(), weights, names)]
    elif isinstance(weights, Mapping):
        parts = _named(weights, names)
    elif isinstance(weights, (list, tuple)) and weights and all(isinstance(w, str) for w in weights):
        parts = [_expression(str(w).strip(), str(w), names) for w in weights]
    else:
        parts = _positional(weights, len(names))
    if not parts:
        raise ArgumentError('There is no contrast. Give one over the names of the estimates, as in contrast("A - B").')
    return Contrast(tuple(parts), len(names))


def _named(weights: Mapping[Any, Any], names: pd.Index) -> list[Part]:
    """One contrast of {name: coefficient}, or several by name."""
    numbers = [_is_number(value) for value in weights.values()]
    if all(numbers) and numbers:
        return [_weighted("contrast", weights, names)]
    if any(numbers):
        mixed = next(key for key, is_number in zip(weights, numbers, strict=True) if is_number)
        raise ArgumentError(
            f"{mixed!r} has a coefficient while others have contrasts of their own. Give either {{estimate: coefficient}} "
            "or {name of a contrast: contrast}."
        )
    return [_one(str(label), value, names) for label, value in weights.items()]


def _one(label: str, value: Any, names: pd.Index) -> Part:
    if isinstance(value, str):
        return _expression(label, value, names)
    if isinstance(value, Mapping):
        return _weighted(label, value, names)
    rows = _positional(value, len(names))
    if len(rows) != 1:
        raise ArgumentError(f"Contrast {label!r} holds {len(rows)} rows of coefficients. Give each a name of its own.")
    return replace(rows[0], label=label)


def _positional(weights: Any, size: int) -> list[Part]:
    try:
        matrix = np.atleast_2d(np.asarray(weights if np.ndim(weights) else "", dtype=float))
    except (TypeError, ValueError):
        raise ArgumentError(
            f"A contrast is an expression, {{estimate: coefficient}} or rows of {size} numbers; got {_brief(weights)}."
        ) from None
    if matrix.ndim != 2 or matrix.shape[1] != size:
        raise ArgumentError(f"A contrast needs {size} coefficients, one for each estimate; got {matrix.shape[-1]}.")
    _check_finite(matrix)
    labels = [f"contrast {i + 1}" if len(matrix) > 1 else "contrast" for i in range(len(matrix))]
    used = [np.flatnonzero(row) for row in matrix]
    return [Part(label, at, row[at]) for label, at, row in zip(labels, used, matrix, strict=True)]


def _weighted(label: str, weights: Mapping[Any, Any], names: pd.Index) -> Part:
    wanted = [":".join(str(v) for v in name) if isinstance(name, tuple) else str(name) for name in weights]
    values = list(weights.values())
    if not values or not all(map(_is_number, values)):
        bad: Any = next((v for v in values if not _is_number(v)), {})
        raise ArgumentError(f"Contrast {label!r} needs a number for each estimate; got {_brief(bad)}.")
    coefficients = np.array(values, dtype=float)
    _check_finite(coefficients)
    places, used = _places(wanted, names), coefficients != 0  # estimates with coefficient 0 play no part
    return Part(label, places[used], coefficients[used])


def _expression(label: str, text: str, names: pd.Index) -> Part:
    expression = read(text)
    _check_unquoted(expression, names)
    at = _places(expression.names, names, f"Contrast {short(text)!r}: ")
    return Part(label, at, expression.coefficients, expression)


def _places(wanted: Sequence[str], names: pd.Index, where: str = "") -> IntArray:
    """Place of each estimate by its name. Shape (u,)."""
    out = []
    for name in wanted:
        at = np.flatnonzero(names == name)
        if len(at) > 1:
            raise ArgumentError(
                f"{where}{len(at)} estimates are named {name!r}. Give a row of {len(names)} coefficients instead, or keep one "
                "of them."
            )
        if not len(at):
            raise UnknownNameError(f"{where}No estimate {name!r}.{did_you_mean(name, names)}")
        out.append(int(at[0]))
    return np.array(out, dtype=np.int64)


def _check_unquoted(expression: Expression, names: pd.Index) -> None:
    """Refuse names such as 18-29 outside backticks, where they would be read as numbers and signs."""
    outside = expression.parsed.outside
    for name in names:
        if name.isidentifier() or name not in outside:
            continue
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", outside):
            raise ArgumentError(
                f"Contrast {short(expression.parsed.text)!r}: {name!r} is the name of an estimate. Write `{name}` for the "
                "estimate, or put blanks around the signs (and .0 behind a number) for arithmetic."
            )


def _check_finite(values: FloatArray) -> None:
    if not np.isfinite(values).all():
        raise ArgumentError("A coefficient of a contrast is missing or infinite. Give a number for each estimate.")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _brief(value: object) -> str:
    return short(repr(value))


def moved(carrier: Carrier, value: Transform, jacobian: sp.csr_array, theta: FloatArray, method: str | None) -> Carrier:
    """The error of `value(theta)`, by the delta method or in every replicate. `theta`: the new estimates, shape (M,).

    Under the delta method replicates are moved along the tangent, so that their covariance is J V J'.

    Raises:
        ArgumentError: an unknown method. UnsupportedOption: "replicates" without replicate weights.
    """
    if method is not None:
        one_of("method", method, METHODS)
    if not isinstance(carrier, Replicated):
        if method == "replicates":
            raise UnsupportedOption(
                'method="replicates" needs replicate weights; these estimates are linearised. Leave it out, or estimate '
                "under poll.replicate(...)."
            )
        return carrier.transform(value, jacobian)
    if method != "delta":
        return carrier.transform(value, jacobian)
    tangent = carrier.map(jacobian)
    return replace(tangent, thetas=tangent.thetas - tangent.theta + theta, theta=theta)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Estimates of two groups that agree in everything else: keys of the pairs, rows of the first and of the second."""

    keys: pd.DataFrame
    first: IntArray
    second: IntArray
    notices: tuple[Notice, ...]


def pairs_of(keys: pd.DataFrame, verb: str, sign: str, wanted: Mapping[str, Any]) -> Pairs:
    """Pairs for `difference` and `ratio`, in the order of the first group.

    Raises:
        ArgumentError: not one key with two values; no pair. UnknownNameError: no such key or value.
    """
    if len(wanted) != 1:
        raise ArgumentError(f"{verb}() takes one key, as in {verb}(region=(a, b)); got {len(wanted)}.")
    ((column, pair),) = wanted.items()
    if column not in keys:
        raise unknown("key", column, keys.columns)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ArgumentError(f"{verb}({column}=...) takes a pair of values, got {pair!r}.")
    one, other = (_rows(keys, column, value) for value in pair)
    rest = [c for c in keys.columns if c != column]
    first, second = _counterparts(keys[rest], one, other)
    if not len(first):
        shown = f"{column} {pair[0]!r} and {pair[1]!r}"
        raise ArgumentError(f"No estimates of {shown} agree in the other keys ({listed(rest)}).")
    made = keys[rest].iloc[first].reset_index(drop=True)
    made.insert(keys.columns.get_loc(column), column, f"{pair[0]} {sign} {pair[1]}")  # type: ignore[arg-type]
    alone = len(one) + len(other) - len(np.unique(first)) - len(np.unique(second))
    notices: tuple[Notice, ...] = ()
    if alone:
        text = f"{alone} estimates of {column} {pair[0]!r} or {pair[1]!r} have no counterpart and are left out."
        notices = (Notice("unpaired", text, alone),)
    return Pairs(made, first, second, notices)


def _counterparts(rest: pd.DataFrame, one: IntArray, other: IntArray) -> tuple[IntArray, IntArray]:
    """Rows of the one and of the other group that agree in the other keys, in the order of the one."""
    code = rest.groupby(list(rest.columns), sort=False, dropna=False, observed=True).ngroup().to_numpy()
    sides = pd.DataFrame({"key": code[one], "first": one}), pd.DataFrame({"key": code[other], "second": other})
    both = sides[0].merge(sides[1], on="key", how="inner")
    return both["first"].to_numpy(), both["second"].to_numpy()


def _rows(keys: pd.DataFrame, column: str, value: Any) -> IntArray:
    rows = np.flatnonzero((keys[column] == value).to_numpy())
    if not len(rows):
        there = keys[column].unique()
        raise UnknownNameError(f"No {column} {value!r} among the estimates.{did_you_mean(value, there)}")
    return rows


def quotients(pairs: Pairs, theta: FloatArray) -> tuple[Transform, sp.csr_array]:
    """First over second: the function of all estimates, and its derivatives 1/b and -a/b^2. Shape (M, K)."""

    def value(x: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = x[..., pairs.first] / x[..., pairs.second]
        return np.where(np.isfinite(found), found, np.nan)

    a, b = theta[pairs.first], theta[pairs.second]
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = np.concatenate([1 / b, -a / b**2])
    row = np.tile(np.arange(len(a)), 2)
    at = (np.where(np.isfinite(slopes), slopes, np.nan), (row, np.concatenate([pairs.first, pairs.second])))
    return value, sp.csr_array(sp.coo_array(at, shape=(len(a), len(theta))))
