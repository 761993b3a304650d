"""Average marginal effects and predictive margins of a fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.errors import ArgumentError, one_of, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.margins import average_prediction, average_slope
from survey_kit.results.estimates import Estimates
from survey_kit.results.fit import ModelFit

EFFECT, PREDICTION = "average marginal effect", "predictive margin"


def margins(
    fit: ModelFit,
    variables: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    by: str | None = None,
    kind: str = "effect",
) -> Estimates:
    """Average marginal effects, or predictive margins, with delta-method standard errors.

    For a number the average derivative of the prediction; for categories the average difference of predictions from the
    reference level. Both are averages over the rows of the model under their weights, which are taken as fixed.

    Args:
        fit: a model of `glm`.
        variables: which; all of the model when None.
        at: {variable: value, or a list of values}: everybody gets this value first.
        by: a categorical variable of the model: averages within its groups.
        kind: "effect", or "prediction" for the average prediction at each level of a categorical variable (and at the
            values of `at`).

    Returns:
        Estimates on the scale of the outcome (probabilities for a binomial model).

    Raises:
        UnknownNameError, ArgumentError.

    Equivalent: R marginaleffects::avg_slopes(wts=), survey::svypredmeans; Stata margins, dydx().

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"y": [1.0, 2, 4, 5], "x": [0.0, 1, 2, 3]}))
        >>> sk.margins(sk.glm(poll, "y ~ x"), "x").theta.round(6).tolist()
        [1.4]
    """
    one_of("kind", kind, ("effect", "prediction"))
    work = _Work.open(fit, at, by)
    parts = [part for name in _names(fit, variables, kind) for part in work.parts(name, kind)]
    if not parts:
        raise ArgumentError(
            "The model has no categorical variable to predict at. Name values with at={variable: [...]}."
        )
    return _assemble(fit, parts, work.by)


@dataclass(frozen=True, slots=True)
class _Part:
    """One estimate: its variable and level, where it was evaluated, its value and gradient, and its base."""

    variable: str
    answer: str
    where: dict[str, Any]
    statistic: str
    value: float
    gradient: FloatArray
    n: float
    weight: float


@dataclass(frozen=True, eq=False)
class _Work:
    """Rows, grids and groups of one call."""

    fit: ModelFit
    grid: tuple[dict[str, Any], ...]
    by: str | None
    groups: tuple[tuple[str, np.ndarray], ...]

    @classmethod
    def open(cls, fit: ModelFit, at: Mapping[str, Any] | None, by: str | None) -> _Work:
        frame = fit.inner.frame
        choices = {name: _values(fit, name, value) for name, value in (at or {}).items()}
        grid = tuple(dict(zip(choices, point, strict=True)) for point in product(*choices.values()))
        if by is None:
            return cls(fit, grid, None, (("", np.ones(len(frame.y), dtype=bool)),))
        if by not in fit.levels:
            raise unknown("categorical variable of the model", by, fit.levels)
        column = frame.columns[frame.safe(by)]
        return cls(fit, grid, by, tuple((level, (column == level).to_numpy()) for level in fit.levels[by]))

    def parts(self, name: str, kind: str) -> list[_Part]:
        out = []
        for point in self.grid:
            for label, rows in self.groups:
                where = {**({self.by: label} if self.by else {}), **point}
                out += self._at(name, kind, point, rows, where)
        return out

    def _at(self, name: str, kind: str, point: dict[str, Any], rows: np.ndarray, where: dict[str, Any]) -> list[_Part]:
        if not name:
            return [self._prediction(name, "", point, rows, where)]
        if name not in self.fit.levels:
            return [self._slope(name, point, rows, where)]
        levels = self.fit.levels[name]
        predictions = [self._prediction(name, level, {**point, name: level}, rows, where) for level in levels]
        if kind == "prediction":
            return predictions
        first = predictions[0]
        return [
            _Part(name, p.answer, where, EFFECT, p.value - first.value, p.gradient - first.gradient, p.n, p.weight)
            for p in predictions[1:]
        ]

    def _prediction(
        self, name: str, level: str, point: dict[str, Any], rows: np.ndarray, where: dict[str, Any]
    ) -> _Part:
        inner = self.fit.inner
        x = self._design(point)[rows]
        weight = inner.weight[rows]
        value, gradient = average_prediction(
            x, self.fit.coef.theta, inner.frame.offset[rows], weight, inner.mean, inner.slope
        )
        n = float(np.count_nonzero(weight))
        return _Part(name, level, where, PREDICTION, value, gradient, n, float(weight.sum()))

    def _slope(self, name: str, point: dict[str, Any], rows: np.ndarray, where: dict[str, Any]) -> _Part:
        inner = self.fit.inner
        x, dx = self._design(point)[rows], self._change(name, point)[rows]
        weight = inner.weight[rows]
        value, gradient = average_slope(
            x, dx, self.fit.coef.theta, inner.frame.offset[rows], weight, inner.slope, inner.curvature
        )
        n = float(np.count_nonzero(weight))
        return _Part(name, "", where, EFFECT, value, gradient, n, float(weight.sum()))

    def _design(self, point: dict[str, Any], **more: Any) -> FloatArray:
        frame = self.fit.inner.frame
        values = {frame.safe(n): _column(self.fit, n, v, len(frame.y)) for n, v in point.items()}
        return frame.rebuild(**values, **more) if values or more else frame.x

    def _change(self, name: str, point: dict[str, Any]) -> FloatArray:
        """d x / d v by a central difference, exact up to rounding for powers up to two and interactions."""
        frame = self.fit.inner.frame
        alone = [t.variable == name and t.name == name for t in frame.terms]
        if any(alone) and sum(name in _pieces(t.variable) for t in frame.terms) == 1:
            return np.broadcast_to(np.array(alone, dtype=float), frame.x.shape)
        safe = frame.safe(name)
        centre = (
            np.full(len(frame.y), float(point[name])) if name in point else frame.columns[safe].to_numpy(dtype=float)
        )
        step = 1e-4 * (np.std(frame.columns[safe].to_numpy(dtype=float)) or 1.0)
        rest = {n: v for n, v in point.items() if n != name}
        ahead, behind = (self._design(rest, **{safe: centre + s}) for s in (step, -step))
        return (ahead - behind) / (2 * step)


def _pieces(variable: str) -> list[str]:
    """Words of a (written) variable expression, to see which columns it uses."""
    import re

    return [variable, *re.split(r"[^\w ]+", variable)]


def _names(fit: ModelFit, variables: str | Sequence[str] | None, kind: str) -> list[str]:
    known = list(fit.inner.frame.formula.names.values())
    if variables is None:
        return [n for n in known if kind == "effect" or n in fit.levels] or ([""] if kind == "prediction" else known)
    names = [variables] if isinstance(variables, str) else list(variables)
    for name in names:
        if name not in known:
            raise unknown("variable of the model", name, known)
        if kind == "prediction" and name not in fit.levels:
            raise ArgumentError(
                f"{name!r} is a number. Say where to predict: margins(fit, at={{{name!r}: [1, 2, 3]}})."
            )
    return names


def _values(fit: ModelFit, name: str, value: Any) -> list[Any]:
    known = list(fit.inner.frame.formula.names.values())
    if name not in known:
        raise unknown("variable of the model", name, known)
    values = list(value) if isinstance(value, (list, tuple, np.ndarray, pd.Series)) else [value]
    for one in values:
        if name in fit.levels and one not in fit.levels[name]:
            raise unknown(f"category of {name}", one, fit.levels[name])
        if name not in fit.levels and not isinstance(one, (int, float, np.number)):
            raise ArgumentError(f"at={{{name!r}: {one!r}}}: {name!r} is a number.")
    return values


def _column(fit: ModelFit, name: str, value: Any, n: int) -> Any:
    if name in fit.levels:
        return pd.Categorical([value] * n, categories=fit.levels[name])
    return np.full(n, float(value))


def _assemble(fit: ModelFit, parts: list[_Part], by: str | None) -> Estimates:
    keys = pd.DataFrame({schema.VARIABLE: [p.variable or fit.response for p in parts]})
    for name in parts[0].where:
        keys[name if name == by else f"at {name}"] = [p.where[name] for p in parts]
    keys[schema.ANSWER] = [p.answer for p in parts]
    keys[schema.STATISTIC] = [p.statistic for p in parts]
    reference = {name: levels[0] for name, levels in fit.levels.items()}
    return Estimates(
        keys=keys,
        theta=np.array([p.value for p in parts]),
        n=np.array([p.n for p in parts]),
        n_weighted=np.array([p.weight for p in parts]),
        carrier=fit.coef.carrier.map(np.vstack([p.gradient for p in parts])),
        by=(by,) if by else (),
        level=fit.coef.level,
        titles=fit.coef.titles,
        notices=fit.notices,
        context={**fit.coef.context, "reference": reference, "family": fit.family},
    )
