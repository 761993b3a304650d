"""The two layouts of estimates: answers down and groups across; or a row for each number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from survey_kit import schema
from survey_kit.results.statistics import answer_heading
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.figures import Figures, base
from survey_kit.tables.look import blank, words
from survey_kit.tables.terms import term_rows

Group = tuple[str, ...]
Layout = tuple[tuple[Column, ...], tuple[Row, ...]]
Lookup = dict[tuple[str, Group, str], Any]


def by_answer(
    frame: pd.DataFrame, by: tuple[str, ...], titles: Mapping[str, str], figures: Figures, interval: str
) -> Layout:
    """A row for each answer, columns for each group, bases below each question."""
    lookup = _lookup(frame, by)
    groups = list(dict.fromkeys(group for _, group, _ in lookup))
    columns = [Column("answer", answer_heading(frame[schema.STATISTIC]), "left")]
    for group in groups:
        columns += _group_columns(group, by, figures, interval)
    variables = list(dict.fromkeys(variable for variable, _, _ in lookup))
    bases = [_base_rows(variable, groups, lookup, figures) for variable in variables]
    shared = len(bases) > 1 and all(rows == bases[0] for rows in bases)
    rows: list[Row] = []
    for variable, below in zip(variables, bases, strict=True):
        if len(variables) > 1:
            rows.append(_group_row(titles.get(variable, variable), len(columns)))
        rows += _answer_rows(variable, groups, lookup, figures)
        rows += () if shared else below
    if shared:
        rows += [_group_row("Base of every question", len(columns)), *bases[0]]
    return tuple(columns), tuple(rows)


def by_row(
    frame: pd.DataFrame, by: tuple[str, ...], titles: Mapping[str, str], figures: Figures, interval: str
) -> Layout:
    """A row for each group of each variable under the groups above it; bases in columns of their own."""
    by = tuple(sorted(by, key=lambda name: frame[name].nunique() > 1))  # what all share stands above
    lookup = _lookup(frame, by)
    several = len({variable for variable, _, _ in lookup}) > 1
    columns = (
        Column("row", _heading(by), "left"),
        Column("estimate", figures.heading),
        *[Column("ci", interval)] * figures.look.interval,
        Column("n", "n"),
        Column("n_weighted", "Weighted base"),
    )
    rows: list[Row] = []
    above: Group = ()
    for (variable, group, _), row in lookup.items():
        title = titles.get(variable, variable)
        over = (*((title,) if by and several else ()), *group[:-1])
        if over and over != above:
            rows.append(_group_row(" · ".join(over), len(columns)))
            above = over
        bases = (base([row[schema.N]], True), base([row[schema.N_WEIGHTED]], False))
        rows.append(Row((words(group[-1] if by else title), *figures.cells(row), *bases)))
    return columns, tuple(rows)


def by_term(
    frame: pd.DataFrame,
    by: tuple[str, ...],
    titles: Mapping[str, str],
    reference: Mapping[str, str],
    figures: Figures,
    interval: str,
) -> Layout:
    """A row for each level under its variable, for effects and predictions of a model."""
    columns = (
        Column("term", "Term", "left"),
        Column("estimate", figures.heading),
        *[Column("ci", interval)] * figures.look.interval,
        Column("n", "n"),
    )
    compared = reference if figures.compares else {}
    return columns, term_rows(
        frame, by, titles, compared, lambda row: (*figures.cells(row), base([row[schema.N]], True))
    )


def _heading(by: tuple[str, ...]) -> str:
    """Heading of the row labels: the innermost grouping variable."""
    return by[-1][:1].upper() + by[-1][1:] if by else ""


def _lookup(frame: pd.DataFrame, by: tuple[str, ...]) -> Lookup:
    """Rows of the frame by variable, group and answer, in the order of the frame."""
    out: Lookup = {}
    for row in frame.to_dict("records"):
        group = tuple(str(row[name]) for name in by)
        out[str(row[schema.VARIABLE]), group, str(row[schema.ANSWER])] = row
    return out


def _group_columns(group: Group, by: tuple[str, ...], figures: Figures, interval: str) -> list[Column]:
    label = " · ".join(group)
    prefix = f"{label}: " if group else ""
    if not figures.look.interval:
        unit = f", {figures.heading.lower()}" if figures.in_percent else ""
        return [Column(f"{prefix}estimate", label or figures.heading, group=f"{' · '.join(by)}{unit}" if by else "")]
    return [
        Column(f"{prefix}estimate", figures.heading, group=label),
        Column(f"{prefix}ci", interval, group=label),
    ]


def _answer_rows(variable: str, groups: list[Group], lookup: Lookup, figures: Figures) -> Iterator[Row]:
    answers = list(dict.fromkeys(answer for name, _, answer in lookup if name == variable))
    for answer in answers:
        cells = [cell for group in groups for cell in figures.cells(lookup.get((variable, group, answer)))]
        yield Row((words(answer), *cells))


def _base_rows(variable: str, groups: list[Group], lookup: Lookup, figures: Figures) -> tuple[Row, ...]:
    """Unweighted and weighted base of a question in each group."""
    there = {group: [row for (name, g, _), row in lookup.items() if (name, g) == (variable, group)] for group in groups}
    out = []
    for column, weighted in ((schema.N, False), (schema.N_WEIGHTED, True)):
        cells: list[Cell] = []
        for group in groups:
            cells += [base([row[column] for row in there[group]], not weighted), *[blank()] * figures.look.interval]
        out.append(Row((words(figures.base_label(weighted)), *cells), "base"))
    return tuple(out)


def _group_row(label: str, width: int) -> Row:
    return Row((words(label), *[Cell("")] * (width - 1)), "group")
