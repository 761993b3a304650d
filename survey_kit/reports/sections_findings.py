"""The findings: questions, batteries, and who gives an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from survey_kit import schema
from survey_kit.reports import findings
from survey_kit.reports.analysis import BatteryResult, GroupsResult, QuestionResult
from survey_kit.reports.content import Heading, Item, Paragraph, TableItem
from survey_kit.reports.sections import Pen
from survey_kit.reports.study_content import Battery, Question, Subgroups
from survey_kit.results.display import number as number_text
from survey_kit.results.estimates import Estimates
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table


def findings_section(pen: Pen) -> Iterator[Item]:
    """Every question and every battery: heading, text, chart, table."""
    analysis = pen.analysis
    if not analysis.questions and not analysis.batteries:
        return
    yield Heading("Findings")
    for number, question in enumerate(pen.study.questions):
        yield from _question(pen, number, question, analysis.questions[number])
    for number, battery in enumerate(pen.study.batteries):
        yield from _battery(pen, number, battery, analysis.batteries[number])


def groups_section(pen: Pen) -> Iterator[Item]:
    """Who gives an answer: a dot with its interval for each group."""
    if not pen.study.subgroups:
        return
    yield Heading("Who thinks so")
    for number, compared in enumerate(pen.study.subgroups):
        yield from _subgroups(pen, number, compared, pen.analysis.subgroups[number])


def _question(pen: Pen, number: int, question: Question, result: QuestionResult) -> Iterator[Item]:
    place = ("questions", number)
    is_set = question.ask in pen.analysis.prepared.survey.codebook.sets
    found = findings.most_mentioned if is_set else findings.most_frequent
    yield Heading(pen.said(question, "heading", pen.label(question.ask), *place), level=2)
    if question.text:
        yield Paragraph(pen.text(question.text, *place, "text"))
    title = pen.said(question, "title", found(result.answers), *place)
    wording = result.answers.questions.get(question.ask, "")
    yield pen.figure(place, result.answers, title=title, subtitle=wording)
    label = pen.label(question.ask)
    yield pen.table(place, result.with_nets, title=label, subtitle="" if wording == label else wording)


def _battery(pen: Pen, number: int, battery: Battery, result: BatteryResult) -> Iterator[Item]:
    place = ("batteries", number)
    yield Heading(pen.said(battery, "heading", battery.name, *place), level=2)
    if battery.text:
        yield Paragraph(pen.text(battery.text, *place, "text"))
    title = pen.said(battery, "title", findings.between_items(result.compared, result.word), *place)
    options: dict[str, Any] = {"kind": "likert", "reverse": battery.reverse}
    yield pen.figure(place, result.answers, title=title, subtitle=_stem(result.answers), **options)
    yield TableItem(f"{pen.names[place]}-table", items_table(pen, battery, number, result))


def items_table(pen: Pen, battery: Battery, number: int, result: BatteryResult) -> Table:
    """A row for each item, a column for each answer and the net, in percent."""
    answers, nets = result.answers.frame(), result.compared.frame() if battery.net else None
    texts = list(dict.fromkeys(answers[schema.ANSWER]))
    shown = [*texts, *battery.net]
    frame = answers if nets is None else pd.concat([answers, nets], ignore_index=True)
    share = frame.pivot(index=schema.VARIABLE, columns=schema.ANSWER, values=schema.ESTIMATE)
    base = answers.groupby(schema.VARIABLE)[schema.N].first()
    rows = tuple(
        Row((Cell(pen.label(item)), *(_percent(share.loc[item].get(text)) for text in shown), _count(base[item])))
        for item in battery.items
    )
    columns = (Column("item", "Item", "left"), *(Column(f"answer: {t}", f"{t}, %") for t in shown), Column("n", "n"))
    notes = ("n: respondents with a valid answer to the item.",)
    title = pen.said(battery, "heading", battery.name, "batteries", number)
    return Table(title, _stem(result.answers), columns, rows, notes, pen.source)


def _percent(share: float | None) -> Cell:
    return Cell("") if share is None or pd.isna(share) else Cell(number_text(float(share) * 100, 1), float(share))


def _count(n: float) -> Cell:
    return Cell(number_text(float(n)), float(n))


def _stem(answers: Estimates) -> str:
    """What the wordings of the items have in common at their beginning, up to the end of a sentence."""
    wordings = [w for w in answers.questions.values() if w]
    if len(wordings) < 2:
        return ""
    first, last = min(wordings), max(wordings)
    shared = next((i for i, c in enumerate(first) if i >= len(last) or c != last[i]), len(first))
    stem = first[: max(first.rfind(mark, 0, shared) for mark in "?!.:") + 1]
    return stem if len(stem) > 10 else ""


def _subgroups(pen: Pen, number: int, compared: Subgroups, result: GroupsResult) -> Iterator[Item]:
    place = ("subgroups", number)
    label = pen.label(compared.outcome)
    yield Heading(pen.said(compared, "heading", label, *place), level=2)
    if compared.text:
        yield Paragraph(pen.text(compared.text, *place, "text"))
    title = pen.said(compared, "title", findings.largest_gap(result.groups, compared.answer), *place)
    subtitle = _compared_text(label, compared, result.overall.questions.get(compared.outcome, ""))
    overall = float(result.overall.theta[0])
    yield pen.figure(place, list(result.groups), kind="dots", title=title, subtitle=subtitle, overall=overall)
    notes = ("Intervals are 95% confidence intervals.",)
    yield pen.table(place, groups_frame(result.groups), title=label, subtitle=subtitle, notes=notes)


def _compared_text(label: str, compared: Subgroups, wording: str) -> str:
    """What is compared, and the question behind it."""
    answer = f"\N{LEFT DOUBLE QUOTATION MARK}{compared.answer}\N{RIGHT DOUBLE QUOTATION MARK}"
    asked = f". Question: {wording}" if wording not in ("", label) else ""
    return f"{label}: share of {answer}{asked}"


def groups_frame(results: Sequence[Estimates]) -> pd.DataFrame:
    """The groups of several grouping variables, one row each: `grouping`, `group`, then the columns of results."""
    parts = []
    for result in results:
        (by,) = result.by
        frame = result.frame().rename(columns={by: "group"})
        frame.insert(1, "grouping", result.titles.get(by, by))
        parts.append(frame.assign(**{schema.ANSWER: ""}))
    return pd.concat(parts, ignore_index=True)
