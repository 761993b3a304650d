"""Estimates: keys, values and an error carrier. Every verb that computes numbers returns one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.errors import ArgumentError, UnknownNameError, did_you_mean, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.intervals import interval
from survey_kit.results.carriers import Carrier
from survey_kit.schema import Notice


@dataclass(frozen=True, eq=False)
class Estimates:
    """K estimates with their joint sampling error.

    Attributes:
        keys: K rows: `variable`, the `by` variables, `answer`, `statistic`.
        theta: estimates. Shape (K,).
        n, n_weighted: unweighted and weighted base. Shape (K,).
        rows: rows of the group, answered or not (used by the "beta" interval alone). Shape (K,).
        carrier: the error carrier.
        deff: design effects, NaN where not asked for. Shape (K,).
        by: names of the `by` columns among the keys.
        level: confidence level of the intervals.
        interval: interval method ("wald" or one of those of `proportion`).
        limits: lower and upper limits at `level`, where the estimator made them itself (quantiles). Shapes (K,).
        titles: title of each variable, for tables and charts.
        questions: wording of each variable.
        notices: what a reader must know.
        context: facts for footers, such as the design in words.
    """

    keys: pd.DataFrame
    theta: FloatArray
    n: FloatArray
    n_weighted: FloatArray
    carrier: Carrier
    rows: FloatArray | None = None
    deff: FloatArray | None = None
    by: tuple[str, ...] = ()
    level: float = 0.95
    interval: str = "wald"
    limits: tuple[FloatArray, FloatArray] | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.theta)

    @cached_property
    def _vcov(self) -> FloatArray:
        return self.carrier.vcov()

    @property
    def se(self) -> FloatArray:
        """Standard errors. Shape (K,)."""
        return np.sqrt(self.carrier.variance())

    @property
    def df(self) -> float:
        """Degrees of freedom."""
        return self.carrier.df

    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the estimates, rows and columns named as in `names`. R: vcov()."""
        return pd.DataFrame(self._vcov, index=self.names, columns=self.names)

    @property
    def names(self) -> pd.Index:
        """One name for each estimate: the keys that vary, joined by ':'."""
        parts = [c for c in self.keys.columns if self.keys[c].nunique() > 1]
        parts = (
            parts or [c for c in (schema.ANSWER, schema.VARIABLE) if c in self.keys and self.keys[c].iloc[0] != ""][:1]
        )
        return pd.Index([":".join(str(v) for v in row if str(v) != "") for row in self.keys[parts].to_numpy()])

    def confidence_interval(self, level: float | None = None) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits. R: confint(df = degf(design)), svyciprop."""
        if self.limits is not None:
            if level not in (None, self.level):
                raise ArgumentError(
                    f"These limits were made at level {self.level:g}; ask the estimator for level={level:g}."
                )
            return self.limits
        base = self.rows if self.interval == "beta" and self.rows is not None else self.n
        logits = self.carrier.logit_variance(self.theta) if self.interval != "wald" else self.carrier.variance()
        return interval(self.interval, self.theta, self.carrier.variance(), logits, level or self.level, self.df, base)

    def frame(self) -> pd.DataFrame:
        """One row for each estimate, in the schema of all results (see schema.py)."""
        low, high = self.confidence_interval()
        out = self.keys.copy()
        out[schema.ESTIMATE] = self.theta
        out[schema.SE] = self.se
        out[schema.CI_LOW] = low
        out[schema.CI_HIGH] = high
        out[schema.DF] = self.df
        out[schema.DEFF] = np.nan if self.deff is None else self.deff
        out[schema.N] = self.n.astype(np.int64)
        out[schema.N_WEIGHTED] = self.n_weighted
        out[schema.FLAG] = np.where(self.n < schema.LOW_BASE, f"n<{schema.LOW_BASE}", "")
        return out

    def map(self, matrix: FloatArray, keys: pd.DataFrame, statistic: str = "contrast", **changes: Any) -> Estimates:
        """`matrix @ theta` with its error. Shape of `matrix`: (M, K)."""
        matrix = np.asarray(matrix, dtype=float)
        used = matrix != 0
        bases = np.where(used, self.n, np.inf).min(axis=1)
        weighted = np.where(used, self.n_weighted, np.inf).min(axis=1)
        return replace(
            self,
            keys=keys.assign(**{schema.STATISTIC: statistic}).reset_index(drop=True),
            theta=matrix @ self.theta,
            n=np.where(np.isfinite(bases), bases, 0),
            n_weighted=np.where(np.isfinite(weighted), weighted, 0),
            carrier=self.carrier.map(matrix),
            rows=None,
            deff=None,
            interval="wald",
            limits=None,
            **changes,
        )

    def difference(self, **pairs: tuple[Any, Any]) -> Estimates:
        """Differences between two groups, everything else equal, with their covariance.

        Example: `est.difference(region=("Almaty", "Astana"))` is Almaty minus Astana for every answer and other key.
        R: svycontrast; Stata: lincom.
        """
        if len(pairs) != 1:
            raise ArgumentError(f"difference() takes one key, as in difference(region=(a, b)); got {len(pairs)}.")
        ((column, pair),) = pairs.items()
        if column not in self.keys:
            raise unknown("key", column, self.keys.columns)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ArgumentError(f"difference({column}=...) takes a pair of values, got {pair!r}.")
        positive, negative = (self._rows(column, value) for value in pair)
        rest = [c for c in self.keys.columns if c != column]
        left = self.keys.loc[positive, rest].assign(_p=positive)
        both = left.merge(self.keys.loc[negative, rest].assign(_n=negative), on=rest, how="inner")
        matrix = np.zeros((len(both), len(self)))
        at = np.arange(len(both))
        matrix[at, both["_p"]] = 1.0
        matrix[at, both["_n"]] = -1.0
        keys = both[rest].copy()
        keys.insert(self.keys.columns.get_loc(column), column, f"{pair[0]} - {pair[1]}")
        return self.map(matrix, keys, statistic="difference")

    def _rows(self, column: str, value: Any) -> np.ndarray:
        rows = np.flatnonzero((self.keys[column] == value).to_numpy())
        if not len(rows):
            there = self.keys[column].unique()
            raise UnknownNameError(f"No {column} {value!r} among the estimates.{did_you_mean(value, there)}")
        return rows

    def contrast(self, weights: Mapping[Any, Any] | FloatArray | Sequence[Any]) -> Estimates:
        """Linear contrasts with their covariance.

        `weights`: a matrix (M, K) or vector (K,); or {name of an estimate: coefficient}; or several of these by name,
        {"lead": {"A": 1, "B": -1}, ...}. Names are those of `names`. R: svycontrast; Stata: lincom.
        """
        if isinstance(weights, Mapping):
            several = all(isinstance(v, Mapping) for v in weights.values())
            named = weights if several else {"contrast": weights}
            matrix = np.vstack([self._coefficients(w) for w in named.values()])
            labels = [str(k) for k in named]
        else:
            matrix = np.atleast_2d(np.asarray(weights, dtype=float))
            labels = [f"contrast {i + 1}" if len(matrix) > 1 else "contrast" for i in range(len(matrix))]
        if matrix.shape[1] != len(self):
            raise ArgumentError(
                f"A contrast needs {len(self)} coefficients, one for each estimate; got {matrix.shape[1]}."
            )
        keys = pd.DataFrame({schema.VARIABLE: labels, schema.ANSWER: ""})
        return self.map(matrix, keys, by=())

    def _coefficients(self, weights: Mapping[Any, float]) -> FloatArray:
        row = np.zeros(len(self))
        names = self.names
        for name, value in weights.items():
            wanted = ":".join(str(v) for v in name) if isinstance(name, tuple) else str(name)
            at = np.flatnonzero(names == wanted)
            if len(at) != 1:
                raise unknown("estimate", wanted, names)
            row[at[0]] = value
        return row

    def __repr__(self) -> str:
        shown = self.frame().to_string(max_rows=30, index=False, float_format=lambda v: f"{v:.4g}")
        return "\n".join([shown, *(f"Note: {notice}" for notice in self.notices)])

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p><small>{escape(str(n))}</small></p>" for n in self.notices)
        return self.frame().to_html(index=False, escape=True, max_rows=60, float_format=lambda v: f"{v:.4g}") + notes
