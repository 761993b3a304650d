"""A scale: an index of several items, and how reliable it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

import pandas as pd

from survey_kit.schema import Notice


@dataclass(frozen=True, eq=False, repr=False)
class Scale:
    """An index and its reliability.

    Attributes:
        name, label: of the index.
        values: the index of each row; NaN where too few items were answered. Shape (n,).
        items: one row for each item: item, label, reversed, n, mean, sd, item_rest, alpha_dropped.
        alpha: Cronbach's alpha under the weights, over rows with every item answered.
        n: rows with an index; n_complete: rows with every item answered.
        kind: "mean" or "sum"; least: items that a row must have answered; ends: lowest and highest code of the items.
        survey: the survey with the index as a column.
        notices: what a reader must know.
        complete: the answers of complete rows, reversed where asked, for the unweighted check.
    """

    name: str
    label: str
    values: pd.Series
    items: pd.DataFrame
    alpha: float
    n: int
    n_complete: int
    kind: str
    least: int
    ends: tuple[float, float]
    survey: Any = field(repr=False)
    notices: tuple[Notice, ...] = ()
    complete: pd.DataFrame | None = field(default=None, repr=False)
    level: float = 0.95

    @cached_property
    def alpha_unweighted(self) -> tuple[float, float, float]:
        """Unweighted alpha with Feldt's interval: (alpha, low, high), from pingouin.cronbach_alpha."""
        import pingouin

        alpha, limits = pingouin.cronbach_alpha(data=self.complete, ci=self.level)
        return float(alpha), float(limits[0]), float(limits[1])

    def summary(self) -> pd.Series:
        """The scale in a few figures."""
        alpha, low, high = self.alpha_unweighted
        figures = {
            "items": len(self.items),
            "n": self.n,
            "n_complete": self.n_complete,
            "alpha": self.alpha,
            "alpha_unweighted": alpha,
            "alpha_ci_low": low,
            "alpha_ci_high": high,
            "mean": float(self.values.mean()),
            "sd": float(self.values.std()),
        }
        return pd.Series(figures, name=self.name)

    def describe(self) -> str:
        """How the index was built and how reliable it is, as a paragraph."""
        alpha, low, high = self.alpha_unweighted
        turned = [str(i) for i in self.items.loc[self.items["reversed"], "item"]]
        first = (
            f"{self.label or self.name} is the {self.kind} of {len(self.items)} items "
            f"({', '.join(self.items['item'])}), each coded {self.ends[0]:g} to {self.ends[1]:g}"
        )
        parts = [first + (f", with {', '.join(turned)} reversed." if turned else ".")]
        parts.append(
            f"A respondent needs at least {self.least} answered items; {self.n:,} have an index and {self.n_complete:,} "
            "answered every item."
        )
        parts.append(
            f"Cronbach's alpha is {self.alpha:.2f} with the weights ({alpha:.2f} without, "
            f"{self.level:.0%} interval {low:.2f} to {high:.2f})."
        )
        return " ".join(parts)

    def __repr__(self) -> str:
        head = f"Scale {self.name}: {len(self.items)} items, n {self.n}, alpha {self.alpha:.3f}"
        table = self.items.to_string(index=False, float_format=lambda v: f"{v:.3f}")
        return "\n".join([head, table, *(f"Note: {n}" for n in self.notices)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<br><small>{escape(str(n))}</small>" for n in self.notices)
        table = self.items.to_html(index=False, escape=True, border=0, float_format=lambda v: f"{v:.3f}")
        return f"<div><b>{escape(self.label or self.name)}</b>: n {self.n}, alpha {self.alpha:.3f}{notes}</div>{table}"
