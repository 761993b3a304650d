"""Estimates as tables: answers by groups, or one row for each number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.errors import ArgumentError, listed
from survey_kit.results.display import confidence
from survey_kit.results.estimates import Estimates
from survey_kit.results.statistics import EFFECT, PLACES, PREDICTION, family, places, with_headings, with_titles
from survey_kit.results.units import UNIT, units_of_frame
from survey_kit.tables.figures import MARK, Figures, shown_units
from survey_kit.tables.look import Look
from survey_kit.tables.stub import Layout, by_answer, by_row, by_term
from survey_kit.tables.table import Table

NEEDED = ("variable", "answer", "statistic", "estimate", "ci_low", "ci_high", "n", "n_weighted")


@dataclass(frozen=True, eq=False)
class Facts:
    """What a result frame does not hold: the `by` columns, the level, labels, wordings, notes.

    `reference`: the levels that effects compare with.
    """

    by: tuple[str, ...]
    level: float | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reference: Mapping[str, str] = field(default_factory=dict)


def estimates_table(result: Estimates, look: Look) -> Table:
    """Estimates of one statistic."""
    notes = [notice.text for notice in result.notices]
    if result.context.get("where"):
        notes.append(f"Base: {result.context['where']}.")
    if result.context.get("design"):
        notes.append(f"Design: {result.context['design']}.")
    facts = Facts(
        by=tuple(c for c in result.keys if c not in (schema.VARIABLE, *schema.RESULT_COLUMNS)),
        level=result.level,
        titles=result.titles,
        questions=result.questions,
        notes=tuple(notes),
        reference=result.context.get("reference", {}),
    )
    return _table(with_titles(result.frame(), result.titles), result.units, facts, look)


def frame_table(frame: pd.DataFrame, look: Look) -> Table:
    """A DataFrame in the schema of results; key columns other than the schema's are groups."""
    absent = [name for name in NEEDED if name not in frame]
    if absent:
        raise ArgumentError(
            f"The frame has no column {listed(absent)}; a table needs the columns of Estimates.frame(). "
            f"There are: {listed(frame.columns)}."
        )
    by = tuple(str(c) for c in frame.columns if c not in (schema.VARIABLE, *schema.RESULT_COLUMNS))
    return _table(frame, units_of_frame(frame), Facts(by), look)


def _table(frame: pd.DataFrame, units: np.ndarray, facts: Facts, look: Look) -> Table:
    look.refuse("estimates", "exponentiate")
    if frame.empty:
        raise ArgumentError("The result has no rows, so there is no table to make.")
    frame = frame.assign(**{UNIT: shown_units(units, look.percent), PLACES: places(frame)})
    frame, facts = _one_statistic(frame, facts)
    figures = _figures_of(frame, look)
    interval = f"{confidence(facts.level)} CI" if facts.level else "CI"
    columns, rows = _lay_out(frame.reset_index(drop=True), facts, figures, interval)
    title, subtitle = _heading(frame, facts)
    return Table(
        title=look.title or title,
        subtitle=look.subtitle or subtitle,
        columns=columns,
        rows=rows,
        notes=(*look.notes, *facts.notes, *_explained(frame, figures, interval)),
        source=look.source,
    )


def _lay_out(frame: pd.DataFrame, facts: Facts, figures: Figures, interval: str) -> Layout:
    if figures.statistic in (EFFECT, PREDICTION):
        return by_term(frame, facts.by, facts.titles, facts.reference, figures, interval)
    answered = (frame[schema.ANSWER].astype(str) != "").any()
    return (by_answer if answered else by_row)(frame, facts.by, facts.titles, figures, interval)


def _one_statistic(frame: pd.DataFrame, facts: Facts) -> tuple[pd.DataFrame, Facts]:
    """Several quantiles become groups, innermost; other statistics do not stand in one table."""
    found = [str(s) for s in frame[schema.STATISTIC].unique()]
    if len({family(s) for s in found}) > 1:
        raise ArgumentError(f"The result mixes {listed(found)}. Make one table for each statistic.")
    if len(found) > 1:
        frame, facts = with_headings(frame), replace(facts, by=(*facts.by, schema.STATISTIC))
    twice = frame.duplicated([schema.VARIABLE, *facts.by, schema.ANSWER])
    if twice.any():
        first = frame.loc[twice, [schema.VARIABLE, *facts.by, schema.ANSWER]].iloc[0]
        raise ArgumentError(f"Two rows of the result are about {listed(v for v in first if str(v))}. Keep one of them.")
    return frame, facts


def _figures_of(frame: pd.DataFrame, look: Look) -> Figures:
    statistics = frame[schema.STATISTIC].astype(str)
    statistic = statistics.iloc[0] if statistics.nunique() == 1 else "estimate"
    return Figures(statistic, frozenset(frame[UNIT]), look)


def _heading(frame: pd.DataFrame, facts: Facts) -> tuple[str, str]:
    """Labels of the variables with the groups; the wording, where there is one variable."""
    statistic = str(frame[schema.STATISTIC].iloc[0])
    if statistic in (EFFECT, PREDICTION):
        return f"{statistic.capitalize()}s", ""
    variables = [str(v) for v in frame[schema.VARIABLE].unique()]
    title = listed((facts.titles.get(v, v) for v in variables), most=3)
    wording = facts.questions.get(variables[0], "") if len(variables) == 1 else ""
    by = [name for name in facts.by if name != schema.STATISTIC]
    groups = f" by {' and '.join(by)}" if by else ""
    return f"{title}{groups}", "" if wording == title else wording


def _explained(frame: pd.DataFrame, figures: Figures, interval: str) -> tuple[str, ...]:
    """What symbols mean, where they occur."""
    notes = []
    if figures.look.interval:
        level = interval.removesuffix("CI")
        notes.append(f"{interval}: {level}confidence interval.")
    if (frame[schema.N] < schema.LOW_BASE).any():
        notes.append(f"{MARK} Fewer than {schema.LOW_BASE} respondents: read with caution.")
    return tuple(notes)
