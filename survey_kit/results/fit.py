"""A fitted model: coefficients as Estimates, and what tests, predictions and marginal effects need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from survey_kit import schema
from survey_kit.errors import ArgumentError, DesignError, check_level, unknown
from survey_kit.kernels.intervals import t_quantile
from survey_kit.results.estimates import Estimates
from survey_kit.results.statistics import RATIOS
from survey_kit.schema import Notice

TERM = "term"


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A test that several coefficients are all zero: F on (df, df_resid) degrees of freedom. R: regTermTest."""

    term: str
    statistic: float
    df: int
    df_resid: float
    p_value: float

    def __repr__(self) -> str:
        return f"{self.term}: F({self.df}, {self.df_resid:g}) = {self.statistic:.3f}, p = {self.p_value:.4g}"


@dataclass(frozen=True, eq=False, repr=False)
class ModelFit:
    """A generalised linear model fitted under a design.

    Attributes:
        coef: coefficients; keys term, variable, answer, statistic.
        formula, family, link: what was fitted. response: the outcome in words.
        n: rows used. df_resid: degrees of freedom of t tests (design df + 1 - p). df_design: those of the design.
        deviance, null_deviance, dispersion: under weights of mean one, as R svyglm. The dispersion is the variance of
            Pearson residuals r, sum w r^2 / sum w under replicate weights. R scales weights before it drops rows with
            gaps: all three hold the mean weight of the rows used over that of all rows.
        levels: categorical variable -> labels, the reference first.
        notices: what a reader must know.
        inner: design matrix and curves, for margins() and predict().
    """

    coef: Estimates
    formula: str
    family: str
    link: str
    response: str
    n: int
    df_resid: float
    df_design: float
    deviance: float
    null_deviance: float
    dispersion: float
    iterations: int
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    inner: Any = field(default=None, repr=False)

    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the coefficients. R: vcov(svyglm)."""
        return self.coef.vcov().set_axis(self.coef.keys[TERM], axis=0).set_axis(self.coef.keys[TERM], axis=1)

    def frame(self, exponentiate: bool = False, reference: bool = False) -> pd.DataFrame:
        """Coefficients with t and p, in the schema of all results. R: summary(svyglm)$coefficients, confint.

        Args:
            exponentiate: odds ratios (logit), mean ratios (log), hazard ratios (cloglog), with intervals mapped and se by
                the delta method.
            reference: add a row for the reference level of each categorical variable (flag "reference").
        """
        out = self.coef.frame()
        t = out[schema.ESTIMATE] / out[schema.SE]
        out["t"] = t
        out["p_value"] = 2 * special.stdtr(min(self.df_resid, 1e15), -np.abs(t)) if self.df_resid > 0 else np.nan
        if exponentiate:
            out = self._exponentiated(out)
        return self._with_references(out, 1.0 if exponentiate else 0.0) if reference else out

    def _exponentiated(self, out: pd.DataFrame) -> pd.DataFrame:
        if self.link not in RATIOS:
            raise ArgumentError(
                f"exponentiate=True is for the links {', '.join(RATIOS)}; this model has {self.link!r}."
            )
        for column in (schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH):
            out[column] = np.exp(out[column])
        out[schema.SE] = out[schema.SE] * out[schema.ESTIMATE]
        out[schema.STATISTIC] = RATIOS[self.link]
        return out

    def _with_references(self, out: pd.DataFrame, value: float) -> pd.DataFrame:
        parts: list[pd.DataFrame] = []
        seen: set[str] = set()
        for variable, rows in out.groupby(schema.VARIABLE, sort=False):
            coded = variable in self.levels and self.levels[str(variable)][0] not in set(rows[schema.ANSWER])
            if coded and variable not in seen:
                first = rows.iloc[[0]].copy()
                label = self.levels[str(variable)][0]
                first[[schema.ESTIMATE, schema.CI_LOW, schema.CI_HIGH]] = value
                first[[schema.SE, "t", "p_value", schema.DEFF]] = np.nan
                first[schema.ANSWER], first[schema.FLAG], first[TERM] = label, "reference", f"{variable}[{label}]"
                parts.append(first)
                seen.add(str(variable))
            parts.append(rows)
        return pd.concat(parts, ignore_index=True)

    def wald(self, term: str | Sequence[str]) -> WaldTest:
        """Test a term (all its levels at once), or several together: "C(region)", "cost", ["cost", "cost:region"].

        F = b' V^-1 b / q on (q, residual df). R: regTermTest(method="Wald"); Stata: testparm.

        Raises:
            UnknownNameError: no such term. DesignError: too few sampling units to test so many coefficients.
        """
        names = [term] if isinstance(term, str) else list(term)
        rows = np.unique(np.concatenate([self._rows_of(name) for name in names]))
        beta, v = self.coef.theta[rows], self.coef.vcov().to_numpy()[np.ix_(rows, rows)]
        scale = np.sqrt(np.maximum(np.diag(v), np.finfo(float).tiny))
        df = len(rows)
        if np.linalg.matrix_rank(v / np.outer(scale, scale), hermitian=True) < df or self.df_resid < 1:
            raise DesignError(
                f"{df} coefficients of {', '.join(names)} cannot be tested with {self.df_design:g} design and "
                f"{self.df_resid:g} residual degrees of freedom. Merge categories, or test fewer terms."
            )
        statistic = float(beta @ np.linalg.solve(v, beta)) / df
        return WaldTest(
            " + ".join(names), statistic, df, self.df_resid, float(special.fdtrc(df, self.df_resid, statistic))
        )

    def _rows_of(self, term: str) -> np.ndarray:
        plain = _plain(term)
        names = [_plain(t.term) for t in self.inner.frame.terms]
        rows = np.flatnonzero([n == plain for n in names])
        if not len(rows):
            rows = np.flatnonzero((self.coef.keys[TERM] == term).to_numpy())
        if not len(rows):
            raise unknown("term", term, list(dict.fromkeys(names)))
        return rows

    def predict(self, new: pd.DataFrame | None = None, level: float | None = None) -> pd.DataFrame:
        """Predicted means with standard errors and intervals (symmetric on the link scale). R: predict(svyglm, se=TRUE).

        Args:
            new: rows with the columns of the formula, categories as labels; the rows of the model when None.
        """
        if not (new is None or isinstance(new, pd.DataFrame)):
            raise ArgumentError(
                f"predict() takes a DataFrame with the columns of the formula, got {type(new).__name__}."
            )
        level = self.coef.level if level is None else level
        check_level(level)
        x, offset = self.inner.design_of(new)
        eta = x @ self.coef.theta + offset
        se_link = np.sqrt(np.einsum("ij,ij->i", x @ self.coef.vcov().to_numpy(), x))
        half = t_quantile(level, self.df_resid) * se_link
        mean, slope = self.inner.mean, self.inner.slope
        ends = np.sort(np.column_stack([mean(eta - half), mean(eta + half)]), axis=1)
        frame = {
            schema.ESTIMATE: mean(eta),
            schema.SE: se_link * np.abs(slope(eta)),
            schema.CI_LOW: ends[:, 0],
            schema.CI_HIGH: ends[:, 1],
        }
        return pd.DataFrame(frame, index=None if new is None else new.index)

    def with_level(self, level: float) -> ModelFit:
        """The same fit with intervals of another confidence level."""
        check_level(level)
        return replace(self, coef=replace(self.coef, level=level))

    def with_df(self, df: float) -> ModelFit:
        """The same fit with other degrees of freedom for tests and intervals; infinite ones give normal intervals.

        R: confint(ddf=), summary(df.resid=).
        """
        if not df > 0:
            raise ArgumentError(f"df={df!r} must be above 0: the design's own are {self.df_design:g}.")
        return replace(self, coef=replace(self.coef, carrier=self.coef.carrier.with_df(df)), df_resid=df)

    def summary(self) -> str:
        """The model as text."""
        head = [
            f"{self.family} ({self.link} link): {self.formula}",
            f"n = {self.n}, design df = {self.df_design:g}, residual df = {self.df_resid:g}, deviance = {self.deviance:.4g}",
        ]
        columns = [TERM, schema.ESTIMATE, schema.SE, schema.CI_LOW, schema.CI_HIGH, "t", "p_value"]
        table = self.frame()[columns].to_string(index=False, float_format=lambda v: f"{v:.4g}")
        return "\n".join([*head, table, *(f"Note: {n}" for n in self.notices)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        from html import escape

        columns = [TERM, schema.ESTIMATE, schema.SE, schema.CI_LOW, schema.CI_HIGH, "t", "p_value"]
        table = self.frame()[columns].to_html(index=False, escape=True, border=0, float_format=lambda v: f"{v:.4g}")
        notes = "".join(f"<br><small>{escape(str(n))}</small>" for n in self.notices)
        return f"<div><b>{escape(self.formula)}</b> ({self.family}, {self.link} link), n = {self.n}{notes}</div>{table}"


def _plain(term: str) -> str:
    """A term without C() and blanks, factors of an interaction in order: "C(a) : b" and "b:a" are "a:b"."""
    import re

    bare = re.sub(r"C\(\s*`?([^`,()]+)`?[^()]*\)", r"\1", term.replace("`", ""))
    return ":".join(sorted(part.strip() for part in bare.split(":")))
