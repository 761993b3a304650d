"""The result of weighting: the weights, what they were made from, what they meet, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError
from survey_kit.kernels.weight_stats import effective_n, kish_deff, top_share, weight_quantiles, weight_range
from survey_kit.schema import Notice

if TYPE_CHECKING:
    from survey_kit.kernels.groups import FloatArray
    from survey_kit.kernels.residualize import Adjustment

TARGET_COLUMNS = (
    *("variable", "category", "target_share", "target", "unweighted_n"),
    *("base_share", "achieved_share", "gap"),
)
LABELS = {
    "base": "Base weight from selection probabilities",
    "nonresponse": "Weight after adjustment for nonresponse",
    "eligibility": "Weight after adjustment for unknown eligibility",
    "propensity": "Weight from propensities of taking part",
    "cbps": "Weight from balancing propensities",
    "match": "Weight from matches in a reference sample",
    "trim": "Weight after trimming",
    "dual_frame": "Composite weight of two frames",
    "normalize": "Weight scaled to a total",
}
STANDING = ("model", "fixed_weights")
NO_COLUMN = (
    'Weights are a record, not a column. Take the column of them, which has the index of the data: df["w"] = w.values.'
)
ACHIEVED_COLUMNS = ("variable", "category", "unweighted_n", "target_share", "achieved_share", "gap")


class Shared:
    """A field of a record that is handed out as a copy, made only when somebody writes to it: the record stays as it is."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, record: object, owner: type | None = None) -> Any:
        if record is None:
            raise AttributeError(self.name)
        return getattr(record, self.name).copy(deep=False)

    def __set__(self, record: object, value: Any) -> None:
        object.__setattr__(record, self.name, value)


@dataclass(frozen=True, eq=False, repr=False)
class Weights:
    """Weights of n rows, with the record of how they were made.

    Attributes:
        values: the weights, on the index of the data. Shape (n,).
        base: the weights that they started from. Shape (n,).
        targets: one row per category: variable, category, target_share, target (in weights), unweighted_n, base_share,
            achieved_share, gap (achieved_share - target_share), then columns that came with the targets.
        method: the verb that made them ("rake", "poststratify", "calibrate", "nonresponse", "trim" ...).
        solver: how the numbers were found ("ipf", "newton", "ipf+newton", "closed form" ...).
        iterations: steps taken; history: the largest gap after each.
        max_gap: largest |achieved - target| / total over all categories, judged on the weights as they are.
        converged: whether max_gap is within the tolerance (and bounds hold).
        notices: what was normalised, dropped or assumed, and what looks extreme.
        adjustments: what variance estimation needs so that standard errors account for every step since the plain base
            weights, in order.
        before: the record of the step before, where the base weights were themselves made here (`steps` has all of them).
        collapsed: cells that were merged: variable, category, into, n, why; None when none were.
        factors: classes of an adjustment for nonresponse or eligibility with their factors; None for other verbs.
        lower, upper: limits on the final weight, in weights; None without.
        details: what else the verb states (Potter's table of errors, how far targets were relaxed ...).
        titles: title of each variable that was weighted to.
        replicates: the weighting repeated in every replicate, shape (n, R); None without replicate weights.
    """

    values: pd.Series
    base: pd.Series
    targets: pd.DataFrame
    method: str
    solver: str = ""
    iterations: int = 0
    max_gap: float = 0.0
    converged: bool = True
    history: tuple[float, ...] = ()
    notices: tuple[Notice, ...] = ()
    adjustments: tuple[Adjustment, ...] = field(default=(), repr=False)
    before: Weights | None = field(default=None, repr=False)
    collapsed: pd.DataFrame | None = field(default=None, repr=False)
    factors: pd.DataFrame | None = field(default=None, repr=False)
    lower: float | None = None
    upper: float | None = None
    details: Mapping[str, object] = field(default_factory=dict, repr=False)
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)
    replicates: FloatArray | None = field(default=None, repr=False)

    @property
    def deff(self) -> float:
        """Kish's design effect of unequal weighting, 1 + cv^2, over rows whose weight is not zero."""
        return kish_deff(self.values.to_numpy())

    @property
    def n_eff(self) -> float:
        """Kish's effective sample size, n / deff."""
        return effective_n(self.values.to_numpy())

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        raise ArgumentError(NO_COLUMN)

    def __iter__(self) -> Iterator[float]:
        raise ArgumentError(NO_COLUMN)

    @property
    def label(self) -> str:
        """What the weights are, for a codebook."""
        return LABELS.get(self.method, "Weight after calibration to population margins")

    @property
    def standing(self) -> tuple[Notice, ...]:
        """What a reader of every later estimate must know: that it rests on a model, or that weights are taken as fixed."""
        return tuple(n for n in self.notices if n.kind in STANDING)

    @property
    def steps(self) -> tuple[Weights, ...]:
        """The chain of steps that made these weights, the first one first."""
        return (*(() if self.before is None else self.before.steps), self)

    def since(self, record: Weights | None) -> tuple[pd.Series, tuple[Adjustment, ...]]:
        """The weights that the steps after a record of the chain started from, and what these steps add to a variance.

        All steps where the record is not in the chain.
        """
        chain = self.steps
        place = next((i for i, step in enumerate(chain) if step is record), None)
        if place is None or record is None:
            first = next(step for step in chain if step.adjustments or step is self)
            return first.base, self.adjustments
        return record.values, self.adjustments[len(record.adjustments) :]

    @property
    def at_lower(self) -> int:
        """Rows of positive weight at the lower limit."""
        return self._at(self.lower)

    @property
    def at_upper(self) -> int:
        """Rows at the upper limit."""
        return self._at(self.upper)

    def _at(self, limit: float | None) -> int:
        values = self.values.to_numpy()
        return 0 if limit is None else int((np.isclose(values, limit, rtol=1e-9, atol=0.0) & (values > 0)).sum())

    @property
    def g(self) -> pd.Series:
        """Weight over base weight, shape (n,); NaN where the base weight is zero."""
        return self.values / self.base.where(self.base > 0)

    @property
    def achieved(self) -> pd.DataFrame:
        """What the weights reach: variable, category, unweighted_n, target_share, achieved_share, gap."""
        return self.targets[list(ACHIEVED_COLUMNS)]

    def summary(self) -> pd.Series:
        """The weights in figures, over rows whose weight is not zero: n, sum, mean, quantiles, cost and final error.

        `moe_factor` = sqrt(deff) multiplies a simple-random-sample margin of error; `efficiency` = n_eff / n.
        `largest_share` is the part of the total weight that one respondent holds at most, `top_1_percent` that of the
        heaviest 1 % of the rows. `worst_margin` names the category with the largest gap.
        """
        values = self.values.to_numpy(dtype=float)
        spread = weight_range(values)
        p5, p25, p75, p95 = weight_quantiles(values, (0.05, 0.25, 0.75, 0.95))
        figures: dict[str, object] = {
            "n": spread.n,
            "sum": spread.total,
            "mean": spread.total / spread.n if spread.n else float("nan"),
            "min": spread.low,
            "p5": p5,
            "p25": p25,
            "median": spread.median,
            "p75": p75,
            "p95": p95,
            "max": spread.high,
            "max_to_min": spread.ratio,
            "cv": spread.cv,
            "deff": self.deff,
            "n_eff": self.n_eff,
            "efficiency": self.n_eff / spread.n if spread.n else float("nan"),
            "moe_factor": float(np.sqrt(self.deff)),
            "largest_share": top_share(values, 0.0),
            "top_1_percent": top_share(values),
            "iterations": self.iterations,
            "max_gap": self.max_gap,
            "worst_margin": self.worst_margin(),
        }
        return pd.Series(figures, name=self.method, dtype=object)

    def worst_margin(self) -> str:
        """The category whose achieved share is furthest from its target, as "age: 18-29"; "" without targets."""
        if self.targets.empty:
            return ""
        worst = self.targets.iloc[int(self.targets["gap"].abs().to_numpy().argmax())]
        return f"{worst['variable']}: {worst['category']}"

    def __repr__(self) -> str:
        from survey_kit.results.weights_text import text_of  # the looks load when something is shown

        return text_of(self)

    def _repr_html_(self) -> str:
        from survey_kit.results.weights_html import html_of

        return html_of(self)


for _name in ("values", "base", "targets"):
    _shared = Shared()
    _shared.__set_name__(Weights, _name)
    setattr(Weights, _name, _shared)
