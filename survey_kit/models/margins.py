"""Average marginal effects and predictive margins of a fitted model."""

from __future__ import annotations

import re
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
from survey_kit.results.statistics import EFFECT, PREDICTION


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

    Equivalent: R marginaleffects::avg_slopes(wts=) and avg_predictions; Stata margins, dydx(). R survey::svypredmeans
    gives the same predictive margins with larger errors: it adds the sampling variance of the covariates.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"y": [1.0, 2, 4, 5], "x": [0.0, 1, 2, 3]}))
        >>> sk.margins(sk.glm(poll, "y ~ x"), "x").theta.round(6).tolist()
        [1.4]
    """
    if not isinstance(fit, ModelFit):
        raise ArgumentError(f"margins() takes a model, as in margins(sk.glm(...)); got {type(fit).__name__}.")
    one_of("kind", kind, ("effect", "prediction"))
    if by is not None and at is not None and by in at:
        raise ArgumentError(f"by={by!r} and at={{{by!r}: ...}} contradict each other. Use one of them.")
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
        x, offset = self._design(point)
        weight = inner.weight[rows]
        value, gradient = average_prediction(
            x[rows], self.fit.coef.theta, offset[rows], weight, inner.mean, inner.slope
        )
        n = float(np.count_nonzero(weight))
        return _Part(name, level, where, PREDICTION, value, gradient, n, float(weight.sum()))

    def _slope(self, name: str, point: dict[str, Any], rows: np.ndarray, where: dict[str, Any]) -> _Part:
        inner = self.fit.inner
        x, offset = self._design(point)
        dx, doffset = self._change(name, point)
        weight = inner.weight[rows]
        beta = self.fit.coef.theta
        value, gradient = average_slope(
            x[rows], dx[rows], doffset[rows], beta, offset[rows], weight, inner.slope, inner.curvature
        )
        n = float(np.count_nonzero(weight))
        return _Part(name, "", where, EFFECT, value, gradient, n, float(weight.sum()))

    def _design(self, point: dict[str, Any], **more: Any) -> tuple[FloatArray, FloatArray]:
        frame = self.fit.inner.frame
        values = {frame.safe(n): _column(self.fit, n, v, len(frame.y)) for n, v in point.items()} | more
        return frame.rebuild(frame.columns.assign(**values)) if values else (frame.x, frame.offset)

    def _change(self, name: str, point: dict[str, Any]) -> tuple[FloatArray, FloatArray]:
        """d x / d v and d offset / d v: exact for a plain term, else by central differences."""
        frame = self.fit.inner.frame
        users = [t for t in frame.terms if name in t.uses]
        if len(users) == 1 and users[0].name == name and not self._in_offset(name):
            alone = np.array([t is users[0] for t in frame.terms], dtype=float)
            return np.broadcast_to(alone, frame.x.shape), np.zeros(len(frame.y))
        safe = frame.safe(name)
        centre = (
            np.full(len(frame.y), float(point[name])) if name in point else frame.columns[safe].to_numpy(dtype=float)
        )
        step = self._step(name, centre)
        rest = {n: v for n, v in point.items() if n != name}
        ahead, behind = (self._design(rest, **{safe: centre + s}) for s in (step, -step))
        change = [(a - b) / (2 * (step[:, None] if a.ndim == 2 else step)) for a, b in zip(ahead, behind, strict=True)]
        return change[0], change[1]

    def _in_offset(self, name: str) -> bool:
        safe = self.fit.inner.frame.safe(name)
        return any(re.search(rf"\b{safe}\b", piece) for piece in self.fit.inner.frame.formula.offset)

    def _step(self, name: str, centre: FloatArray) -> FloatArray:
        """Steps of the difference: in proportion to the value where a logarithm, root or quotient ends at zero."""
        frame = self.fit.inner.frame
        safe = frame.safe(name)
        pieces = [*re.split(r"(?<![*(])[+:](?![^(]*\))", frame.formula.right), *frame.formula.offset]
        using = " ".join(p for p in pieces if re.search(rf"\b{safe}\b", p))
        if re.search(r"[<>]|==|!=", using):
            raise ArgumentError(f"{name!r} enters the model through a comparison and has no slope. Make it a variable.")
        spread = float(np.std(frame.columns[safe].to_numpy(dtype=float))) or 1.0
        if re.search(r"log|sqrt|/|\*\*\s*\(?-", using):
            return np.where(centre == 0, 1e-5 * spread, 1e-5 * np.abs(centre))
        return np.full(len(centre), 1e-4 * spread)


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
        if name not in fit.levels and not (isinstance(one, (int, float, np.number)) and np.isfinite(one)):
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
