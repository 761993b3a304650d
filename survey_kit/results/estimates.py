"""Estimates: keys, values and an error carrier. Every verb that computes numbers returns one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit import schema
from survey_kit.errors import ArgumentError, UnsupportedOption, check_level
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.kernels.intervals import interval
from survey_kit.results.carriers import Carrier, Linearized, Replicated
from survey_kit.results.contrast import Weights, contrast_of, moved, pairs_of, quotients
from survey_kit.results.listing import MOST_HTML, MOST_TEXT, listing_of
from survey_kit.results.listing_html import as_html
from survey_kit.results.listing_text import as_text
from survey_kit.results.units import combined_units, units_of
from survey_kit.schema import Notice

OF_ONE_RESULT = ("deff", "interval")  # notices on figures that are not passed on to results made of a result
_ARRAYS = ("theta", "n", "n_weighted", "rows", "deff", "dfs", "unit")


@dataclass(frozen=True, eq=False, repr=False)
class Estimates:
    """K estimates with their joint sampling error. Its arrays are read-only.

    Attributes:
        keys: K rows: `variable`, the `by` variables, `answer`, `statistic`.
        theta: estimates. Shape (K,).
        n, n_weighted: unweighted and weighted base. Shape (K,).
        rows: rows of the group, answered or not (used by the "beta" interval alone). Shape (K,).
        carrier: the error carrier.
        deff: design effects, NaN where not asked for. Shape (K,).
        dfs: degrees of freedom of each, where they differ from group to group (quantiles). Shape (K,).
        by: names of the `by` columns among the keys.
        level: confidence level of the intervals.
        interval: interval method ("wald" or one of those of `proportion`).
        limits: lower and upper limits at `level`, where the estimator made them itself (quantiles). Shapes (K,).
        titles: title of each variable, for tables and charts.
        questions: wording of each variable.
        notices: what a reader must know.
        context: facts for footers, such as the design in words.
        unit: in what each is read where its statistic does not say it; see `units`. Shape (K,).
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
    unit: np.ndarray | None = None
    dfs: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            object.__setattr__(self, name, _read_only(getattr(self, name)))
        if self.limits is not None:
            object.__setattr__(self, "limits", tuple(map(_read_only, self.limits)))

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
        """Degrees of freedom of the design in the domain; see `dfs` for those of groups."""
        return self.carrier.df

    @property
    def cv(self) -> FloatArray:
        """Coefficients of variation, se / |estimate|; NaN where the estimate is zero. Shape (K,). R: cv()."""
        size = np.abs(self.theta)
        return self.se / np.where(size > 0, size, np.nan)

    @property
    def n_eff(self) -> FloatArray:
        """Effective sample sizes, n / deff; NaN where no design effect is known (ask with deff=True). Shape (K,)."""
        if self.deff is None:
            return np.full(len(self), np.nan)
        return self.n / np.where(self.deff > 0, self.deff, np.nan)

    @property
    def units(self) -> np.ndarray:
        """In what each estimate is read: "share" (shown in percent), "points" (a difference of shares), "number" or
        "difference" (a number that is shown with its sign). Shape (K,)."""
        return units_of(self.keys[schema.STATISTIC], self.context) if self.unit is None else self.unit

    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the estimates, rows and columns named as in `names`. R: vcov()."""
        return pd.DataFrame(self._vcov, index=self.names, columns=self.names)

    @property
    def names(self) -> pd.Index:
        """One name for each estimate: the keys that vary, joined by ':'."""
        if not len(self):
            return pd.Index([], dtype="str")
        parts = [c for c in self.keys.columns if self.keys[c].nunique() > 1]
        parts = (
            parts or [c for c in (schema.ANSWER, schema.VARIABLE) if c in self.keys and self.keys[c].iloc[0] != ""][:1]
        )
        return pd.Index([":".join(str(v) for v in row if str(v) != "") for row in self.keys[parts].to_numpy()])

    def confidence_interval(self, level: float | None = None) -> tuple[FloatArray, FloatArray]:
        """Lower and upper limits, at the level of the result unless another is asked for. R: confint, svyciprop.

        Raises:
            ArgumentError: no confidence level, or another one than that of limits that the estimator made itself.
        """
        level = self.level if level is None else level
        check_level(level)
        if self.limits is not None:
            if level != self.level:
                raise ArgumentError(
                    f"These limits were made at level {self.level:g}; ask the estimator for level={level:g}."
                )
            return self.limits
        base = self.rows if self.interval == "beta" and self.rows is not None else self.n
        variance = self.carrier.variance()
        logits = variance if self.interval == "wald" else self.carrier.logit_variance(self.theta)
        found, group = np.unique(self.dfs if self.dfs is not None else np.full(len(self), self.df), return_inverse=True)
        low, high = np.full((2, len(self)), np.nan)
        for g, df in enumerate(found):
            at = group == g
            low[at], high[at] = interval(
                self.interval, self.theta[at], variance[at], logits[at], level, float(df), base[at]
            )
        return low, high

    def frame(self) -> pd.DataFrame:
        """One row for each estimate, in the schema of all results (see schema.py)."""
        low, high = self.confidence_interval()
        out = self.keys.copy()
        out[schema.ESTIMATE] = self.theta
        out[schema.SE] = self.se
        out[schema.CI_LOW] = low
        out[schema.CI_HIGH] = high
        out[schema.DF] = self.df if self.dfs is None else self.dfs
        out[schema.DEFF] = np.nan if self.deff is None else self.deff
        out[schema.N] = self.n.astype(np.int64)
        out[schema.N_WEIGHTED] = self.n_weighted
        out[schema.FLAG] = np.where(self.n < schema.LOW_BASE, f"n<{schema.LOW_BASE}", "")
        return out

    def take(self, rows: IntArray) -> Estimates:
        """Some of the estimates by their place, with all that belongs to them. Shape of `rows`: (M,)."""
        rows = np.asarray(rows, dtype=np.int64)
        picked = sp.csr_array((np.ones(len(rows)), rows, np.arange(len(rows) + 1)), shape=(len(rows), len(self)))
        optional: dict[str, Any] = {"rows": self.rows, "deff": self.deff, "dfs": self.dfs, "unit": self.unit}
        return replace(
            self,
            keys=self.keys.iloc[rows].reset_index(drop=True),
            theta=self.theta[rows],
            n=self.n[rows],
            n_weighted=self.n_weighted[rows],
            carrier=self.carrier.map(picked),
            limits=None if self.limits is None else (self.limits[0][rows], self.limits[1][rows]),
            **{name: values[rows] for name, values in optional.items() if values is not None},
        )

    def map(
        self, matrix: FloatArray | sp.sparray, keys: pd.DataFrame, statistic: str = "contrast", **changes: Any
    ) -> Estimates:
        """`matrix @ theta` with its error. Shape of `matrix`: (M, K). Estimates with coefficient 0 play no part."""
        used = sp.csr_array(matrix if sp.issparse(matrix) else np.atleast_2d(np.asarray(matrix, dtype=float)))
        used.eliminate_zeros()
        units = combined_units(used, self.units)
        carrier = self.carrier.map(used)
        return self._made(
            used, keys, statistic, **{"theta": used @ self.theta, "carrier": carrier, "unit": units, **changes}
        )

    def _made(self, used: sp.csr_array, keys: pd.DataFrame, statistic: str, **changes: Any) -> Estimates:
        """Estimates made of others: their bases are the smallest of those that they use. Shape of `used`: (M, K)."""
        parts = {
            "keys": keys.assign(**{schema.STATISTIC: statistic}).reset_index(drop=True),
            "n": smallest(self.n, used),
            "n_weighted": smallest(self.n_weighted, used),
            **dict.fromkeys(("rows", "deff", "dfs", "limits")),
            "interval": "wald",
            "notices": self.passed_on,
        }
        return replace(self, **{**parts, **changes})

    @property
    def passed_on(self) -> tuple[Notice, ...]:
        """Notices that also hold of what is made of these estimates: all but those on design effects and intervals."""
        return tuple(n for n in self.notices if n.kind not in OF_ONE_RESULT)

    def difference(self, **pairs: tuple[Any, Any]) -> Estimates:
        """Differences between two groups, everything else equal, with their covariance.

        Example: `est.difference(region=("Almaty", "Astana"))` is Almaty minus Astana for every answer and other key;
        differences of shares are in points. R: svycontrast; Stata: lincom.

        Raises:
            ArgumentError: not one key with two values. UnknownNameError: no such key or value.
        """
        found = pairs_of(self.keys, "difference", "-", pairs)
        m = len(found.first)
        ones, row = np.ones(m), np.arange(m)
        at = (np.concatenate([ones, -ones]), (np.tile(row, 2), np.concatenate([found.first, found.second])))
        matrix = sp.csr_array(sp.coo_array(at, shape=(m, len(self))))
        return self.map(matrix, found.keys, "difference", notices=(*self.passed_on, *found.notices))

    def ratio(self, method: str | None = None, **pairs: tuple[Any, Any]) -> Estimates:
        """Ratios of two groups, everything else equal, with their covariance. NaN where the second is zero.

        Example: `est.ratio(region=("Almaty", "Astana"))` is Almaty over Astana for every answer and other key.
        `method`: as in `contrast`. R: svycontrast(quote(a / b)); Stata: nlcom.

        Raises:
            ArgumentError: not one key with two values. UnknownNameError: no such key or value. UnsupportedOption:
            method="replicates" without replicate weights.
        """
        found = pairs_of(self.keys, "ratio", "/", pairs)
        value, jacobian = quotients(found, self.theta)
        theta = value(self.theta)
        return self._made(
            abs(jacobian),
            found.keys,
            "quotient",
            theta=theta,
            carrier=moved(self.carrier, value, jacobian, theta, method),
            unit=None,
            notices=(*self.passed_on, *found.notices),
        )

    def contrast(self, weights: Weights, method: str | None = None) -> Estimates:
        """Contrasts with their covariance: weighted sums of the estimates, or functions of them.

        Args:
            weights: an expression over the names in `names`, "Biden / (Biden + Trump)"; or {name: coefficient}; or a row
                of K coefficients, or several rows; or several of these by name, {"gap": "Male - Female", "risk ratio":
                "Male / Female", "average": {"Male": 0.5, "Female": 0.5}}. Expressions may hold numbers, + - * / **,
                brackets, and abs, exp, log, log2, log10, sqrt, logit, expit, sin, cos, tan, asin, acos, atan, tanh,
                atanh. Names with other characters than letters, digits and _ stand in backticks: "`18-29` / `60+`".
            method: how the error of a function is found. "delta": by its exact derivatives. "replicates": the function of
                every replicate. None: "replicates" where there are replicate weights, else "delta".

        Returns:
            Estimates with the contrasts as `variable`; NaN where one does not exist (0 / 0, log of a negative number).
            Intervals are by t. Differences of shares are in points.

        Raises:
            ArgumentError: an expression that cannot be read, a wrong number of coefficients, a name that two estimates
                have. UnknownNameError: a name that no estimate has. UnsupportedOption: method="replicates" without
                replicate weights.

        Equivalent: R svycontrast (of estimates with return.replicates=TRUE; "delta" is R's way where they were not kept);
        Stata lincom, nlcom.

        Example:
            >>> import pandas as pd, survey_kit as sk
            >>> poll = sk.from_frame(pd.DataFrame({"vote": ["A"] * 6 + ["B"] * 3 + ["C"]}))
            >>> shares = sk.proportion(poll, "vote")
            >>> shares.contrast({"lead": "A - B", "two-party": "A / (A + B)"}).frame()["estimate"].round(3).tolist()
            [0.3, 0.667]
        """
        made = contrast_of(weights, self.names)
        keys = pd.DataFrame({schema.VARIABLE: made.labels, schema.ANSWER: ""})
        facts: dict[str, Any] = {"by": (), "titles": {}, "questions": {}}
        theta = made.value(self.theta)
        return self._made(
            made.uses,
            keys,
            "contrast",
            theta=theta,
            carrier=moved(self.carrier, made.value, made.jacobian(self.theta), theta, method),
            unit=combined_units(made.linear, self.units),
            **facts,
        )

    def influence(self) -> pd.DataFrame:
        """Sums of influence values by sampling unit of the first stage, calibration taken into account.

        One row for each unit, numbered as in the bound design (`poll.bound.stages[0].unit` has the number of each row of
        data), under the number of its stratum; one column for each estimate. With replacement at the first stage, V = sum
        over strata of n_h / (n_h - 1) sum over units of (z - mean of z)(z - mean of z)' is `vcov()`. Under the lonely-unit
        rules "adjust" and "average" they are centred and scaled already, without strata, and V = Z'Z.
        R: svymean(influence=TRUE), summed by unit.

        Raises:
            UnsupportedOption: estimates under replicate weights.
        """
        if not isinstance(self.carrier, Linearized):
            raise UnsupportedOption(
                "Estimates under replicate weights have no influence values. replicates() gives them under each weight."
            )
        sums, scheme = self.carrier.sums[0], self.carrier.schemes[0]
        units = pd.RangeIndex(sums.shape[0], name="unit")
        stratum = getattr(scheme, "stratum", None)
        index = units if stratum is None else pd.MultiIndex.from_arrays([stratum, units], names=["stratum", "unit"])
        return pd.DataFrame(sums.dense(0, len(units)), index=index, columns=self.names)

    def replicates(self) -> pd.DataFrame:
        """The estimates under each replicate weight: one row for each of R weights, one column for each estimate.

        R: attr(svymean(return.replicates=TRUE), "replicates").

        Raises:
            UnsupportedOption: linearised estimates.
        """
        if not isinstance(self.carrier, Replicated):
            raise UnsupportedOption(
                "Linearised estimates have no replicates. influence() gives their sums by sampling unit; "
                "poll.replicate(...) makes replicate weights."
            )
        index = pd.RangeIndex(len(self.carrier.thetas), name="replicate")
        return pd.DataFrame(self.carrier.thetas, index=index, columns=self.names)

    def __repr__(self) -> str:
        return as_text(listing_of(self, MOST_TEXT))

    def _repr_html_(self) -> str:
        return as_html(listing_of(self, MOST_HTML))


def _read_only(values: Any) -> Any:
    """A view of an array that nobody can write to; the array itself is left as it is."""
    if values is None:
        return None
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


def smallest(values: FloatArray, used: sp.csr_array) -> FloatArray:
    """The smallest of the values that each row uses; 0 for a row that uses none. Shapes (K,), (M, K) -> (M,)."""
    out = np.zeros(used.shape[0])
    starts = used.indptr[:-1]
    filled = starts < used.indptr[1:]
    if filled.any():
        out[filled] = np.minimum.reduceat(values[used.indices], starts[filled])
    return out
