"""What every chart needs of its result: a frame in the schema, titles, and facts for the footer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.errors import ArgumentError, NoValidData
from survey_kit.nonresponse import reads_like_nonresponse
from survey_kit.results.display import confidence, number
from survey_kit.results.estimates import Estimates
from survey_kit.results.letters import clean
from survey_kit.results.statistics import PLACES, family, places, with_headings, with_titles
from survey_kit.results.units import SHARE, UNIT, units_of_frame

_MOST_NOTICES = 2  # sentences in a footer


@dataclass(frozen=True, eq=False)
class Source:
    """A result, ready to be drawn.

    Attributes:
        frame: rows in the schema. by: names of its group columns. level: of its intervals.
        titles, questions: of its variables. context: other facts. notices: what a reader must know.
    """

    frame: pd.DataFrame
    by: tuple[str, ...] = ()
    level: float = 0.95
    titles: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def variables(self) -> list[str]:
        """Variables in order."""
        return list(dict.fromkeys(self.frame[schema.VARIABLE].astype(str)))

    @property
    def are_shares(self) -> bool:
        """Whether every number is a share."""
        return set(self.frame[UNIT]) == {SHARE}

    def title(self, variable: str) -> str:
        """Title of a variable, or its name."""
        return clean(self.titles.get(variable) or variable)

    def facts(self) -> tuple[str, ...]:
        """Footer: bases, intervals, margin of error, who was asked, how they were sampled, what was left out."""
        n = self.frame[schema.N].dropna().to_numpy(dtype=float)
        ends = dict.fromkeys((number(n.min()), number(n.max()))) if len(n) else {}
        parts = [f"n = {' to '.join(ends)}, unweighted."] if ends else []
        if self.are_shares:
            half = (self.frame[schema.CI_HIGH] - self.frame[schema.CI_LOW]).max() / 2
            if half == half:
                parts.append(
                    f"Weighted shares; margin of error at most \N{PLUS-MINUS SIGN}{number(100 * half, 1)} points "
                    f"({confidence(self.level)}), with the effect of design and weights."
                )
        else:
            parts.append(f"Whiskers: {confidence(self.level)} intervals, with the effect of design and weights.")
        parts += [f"Base: {self.context['where']}."] if self.context.get("where") else []
        notices = self._told()
        return tuple(clean(line) for line in (" ".join(parts), notices) if line)

    def _told(self) -> str:
        """What the result says of itself; of many sentences on missing answers, one."""
        texts = list(dict.fromkeys(clean(text) for text in self.notices))
        if len(texts) > _MOST_NOTICES:
            return "Missing answers are outside the bases."
        return " ".join(texts)


def source_of(result: Any) -> Source:
    """An Estimates, or a frame with the columns of one.

    Raises:
        ArgumentError: neither, or columns are absent or hold text. NoValidData: no rows.
    """
    source = _read(result)
    if source.frame.empty:
        raise NoValidData("There is nothing to draw: the result has no rows.")
    statistics = [str(s) for s in source.frame[schema.STATISTIC].unique()]
    if len(statistics) > 1 and {family(s) for s in statistics} == {"quantile"}:
        return replace(source, frame=with_headings(source.frame), by=(*source.by, schema.STATISTIC))
    return source


def _read(result: Any) -> Source:
    if isinstance(result, Estimates):
        frame = result.frame()
        frame = with_titles(frame, result.titles).assign(**{UNIT: result.units, PLACES: places(frame)})
        return Source(
            frame,
            result.by,
            result.level,
            result.titles,
            result.questions,
            {**result.context, "k": len(result)},
            tuple(notice.text for notice in result.notices),
        )
    if isinstance(result, pd.DataFrame):
        lacking = [
            c for c in schema.RESULT_COLUMNS if c not in result and c not in (schema.DF, schema.DEFF, schema.FLAG)
        ]
        lacking += [] if schema.VARIABLE in result else [schema.VARIABLE]
        if lacking:
            raise ArgumentError(f"The frame has no column {', '.join(lacking)}; a chart needs the columns of a result.")
        known = {schema.VARIABLE, *schema.RESULT_COLUMNS, "term", "t", "p_value"}
        frame = _numeric(result.reset_index(drop=True))
        frame = frame.assign(**{UNIT: units_of_frame(frame), PLACES: places(frame)})
        return Source(frame, tuple(str(c) for c in result if c not in known))
    raise ArgumentError(
        f"A chart cannot be made from {type(result).__name__}. Give Estimates, a list of them, a ModelFit, Weights, or a "
        "frame with the columns of a result."
    )


def _numeric(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with numbers as floats, infinite ones as missing, and every column of the schema."""
    numbers = {}
    for column in (schema.ESTIMATE, schema.SE, schema.CI_LOW, schema.CI_HIGH, schema.N, schema.N_WEIGHTED):
        try:
            numbers[column] = pd.to_numeric(frame[column]).astype(float)
        except (TypeError, ValueError):
            raise ArgumentError(f"Column {column!r} holds text; a chart needs numbers there.") from None
    numbers[schema.ESTIMATE] = numbers[schema.ESTIMATE].replace([np.inf, -np.inf], np.nan)
    flags = frame[schema.FLAG].fillna("").astype(str) if schema.FLAG in frame else ""
    return frame.assign(**numbers, **{schema.FLAG: flags})


def is_nonresponse(answer: str) -> bool:
    """Whether an answer reads like "don't know" or "refused"."""
    return reads_like_nonresponse(answer)


def is_number(value: object) -> bool:
    """Whether an option is a number."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def refuse_empty(frame: pd.DataFrame, kind: str) -> None:
    """A chart needs something to draw."""
    if frame.empty or frame[schema.ESTIMATE].isna().all():
        raise ArgumentError(f"There is nothing to draw: the result holds no estimate for a {kind} chart.")


def sentence(parts: Sequence[str]) -> str:
    """Parts joined by "; " and closed with a full stop."""
    return "; ".join(parts).rstrip(".") + "."
