"""What every chart needs of its result: a frame in the schema, titles, and facts for the footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from survey_kit import schema
from survey_kit.charts.letters import clean
from survey_kit.errors import ArgumentError
from survey_kit.nonresponse import reads_like_nonresponse
from survey_kit.results.display import confidence, number
from survey_kit.results.estimates import Estimates


@dataclass(frozen=True, eq=False)
class Source:
    """A result, ready to be drawn.

    Attributes:
        frame: rows in the schema. by: names of its group columns. level: of its intervals.
        titles, questions: of its variables. context: other facts.
    """

    frame: pd.DataFrame
    by: tuple[str, ...] = ()
    level: float = 0.95
    titles: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variables(self) -> list[str]:
        """Variables in order."""
        return list(dict.fromkeys(self.frame[schema.VARIABLE].astype(str)))

    def title(self, variable: str) -> str:
        """Title of a variable, or its name."""
        return clean(self.titles.get(variable) or variable)

    def facts(self) -> tuple[str, ...]:
        """Footer: bases, intervals, margin of error; what the numbers themselves say."""
        n = self.frame[schema.N].to_numpy(dtype=float)
        low, high = int(n.min()), int(n.max())
        base = f"n = {number(low)}" if low == high else f"n = {number(low)} to {number(high)}"
        parts = [f"{base}, unweighted."]
        statistics = set(self.frame[schema.STATISTIC])
        if statistics == {"proportion"}:
            half = (self.frame[schema.CI_HIGH] - self.frame[schema.CI_LOW]).max() / 2
            if half == half:
                parts.append(
                    f"Weighted shares; margin of error at most \N{PLUS-MINUS SIGN}{number(100 * half, 1)} points "
                    f"({confidence(self.level)}), with the effect of design and weights."
                )
        else:
            parts.append(f"Whiskers: {confidence(self.level)} intervals, with the effect of design and weights.")
        return (" ".join(parts),)


def source_of(result: Any) -> Source:
    """An Estimates, or a frame with the columns of one."""
    if isinstance(result, Estimates):
        return Source(
            result.frame(),
            result.by,
            result.level,
            result.titles,
            result.questions,
            {**result.context, "k": len(result)},
        )
    if isinstance(result, pd.DataFrame):
        lacking = [
            c for c in schema.RESULT_COLUMNS if c not in result and c not in (schema.DF, schema.DEFF, schema.FLAG)
        ]
        lacking += [] if schema.VARIABLE in result else [schema.VARIABLE]
        if lacking:
            raise ArgumentError(f"The frame has no column {', '.join(lacking)}; a chart needs the columns of a result.")
        known = {schema.VARIABLE, *schema.RESULT_COLUMNS, "term", "t", "p_value"}
        return Source(result.reset_index(drop=True), tuple(str(c) for c in result if c not in known))
    raise ArgumentError(
        f"A chart cannot be made from {type(result).__name__}. Give Estimates, a list of them, a ModelFit, Weights, or a "
        "frame with the columns of a result."
    )


def is_nonresponse(answer: str) -> bool:
    """Whether an answer reads like "don't know" or "refused"."""
    return reads_like_nonresponse(answer)


def refuse_empty(frame: pd.DataFrame, kind: str) -> None:
    """A chart needs something to draw."""
    if frame.empty or frame[schema.ESTIMATE].isna().all():
        raise ArgumentError(f"There is nothing to draw: the result holds no estimate for a {kind} chart.")


def sentence(parts: Sequence[str]) -> str:
    """Parts joined by "; " and closed with a full stop."""
    return "; ".join(parts).rstrip(".") + "."
