"""How the numbers were made: new variables and indices, model, weighting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from survey_kit import schema
from survey_kit.reports import findings
from survey_kit.reports.analysis import INTERCEPT, ModelResult
from survey_kit.reports.content import Definitions, Heading, Item, Paragraph, TableItem
from survey_kit.reports.methods import built, weighting
from survey_kit.reports.sections import Pen
from survey_kit.reports.study import Study
from survey_kit.reports.study_content import Model
from survey_kit.reports.study_data import Scale
from survey_kit.results.display import number, p_value
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table


def variables_section(pen: Pen) -> Iterator[Item]:
    """How variables were built: recodes in a list; each index with how well its items hang together, and its items."""
    made, scales = built(pen.analysis.prepared), pen.analysis.prepared.scales
    if made or scales:
        yield Heading("How variables were built")
    if made:
        yield Definitions(made)
    for position, step in enumerate(scale_steps(pen.study)):
        title = pen.label(step.name)
        yield Heading(title, level=2)
        yield Paragraph(scales[step.name].describe())
        yield pen.table(("scales", position), scales[step.name], title=title)


def scale_steps(study: Study) -> list[Scale]:
    """The steps of a study file that make indices."""
    return [step for step in study.recode if isinstance(step, Scale)]


def model_section(pen: Pen) -> Iterator[Item]:
    """The model: odds ratios, average marginal effects, table, tests of its terms."""
    model, result = pen.study.model, pen.analysis.model
    if model is None or result is None:
        return
    yield Heading(pen.said(model, "heading", "What explains it", "model"))
    if model.text:
        yield Paragraph(pen.text(model.text, "model", "text"))
    yield from _odds(pen, model, result)
    yield from _effects(pen, model, result)
    yield TableItem(f"{pen.names['model', 2]}-table", tests_table(pen, result))


def _odds(pen: Pen, model: Model, result: ModelResult) -> Iterator[Item]:
    frame = result.fit.frame()
    frame = frame[frame[schema.VARIABLE] != INTERCEPT]
    found = findings.strongest_terms(frame, _labels(result, frame))
    yield pen.figure(("model", 0), result.fit, title=pen.said(model, "title", found, "model"))
    yield pen.table(("model", 0), result.fit, title="The model", subtitle=model.formula)


def _effects(pen: Pen, model: Model, result: ModelResult) -> Iterator[Item]:
    frame = result.effects.frame()
    found = findings.strongest_effects(frame, _labels(result, frame))
    title = pen.said(model, "effects_title", found, "model")
    points = ", in percentage points" if result.fit.family == "binomial" else ""
    subtitle = f"Average change of: {result.fit.response}{points}, other things held equal"
    yield pen.figure(("model", 1), result.effects, title=title, subtitle=subtitle)
    yield pen.table(("model", 1), result.effects, title="Average marginal effects", subtitle=subtitle)


def _labels(result: ModelResult, frame: pd.DataFrame) -> list[str]:
    """What to call each row of a model: the variable's label, and its category where it has any."""
    pairs = zip(frame[schema.VARIABLE], frame[schema.ANSWER], strict=True)
    return [": ".join([term_label(result.fit.coef.titles, v), *([str(a)] if a else [])]) for v, a in pairs]


def tests_table(pen: Pen, result: ModelResult) -> Table:
    """Wald tests of the terms."""
    columns = (Column("term", "Term", "left"), Column("f", "F"), Column("df", "df"), Column("p", "p"))
    rows = tuple(
        Row(
            (
                Cell(term_label(result.fit.coef.titles, test.term), test.term),
                Cell(number(test.statistic, 2), test.statistic),
                Cell(f"{test.df}, {number(test.df_resid)}"),
                Cell(p_value(test.p_value), test.p_value),
            )
        )
        for test in result.tests
    )
    return Table("Tests of the terms", "Wald tests of all coefficients of a term", columns, rows, source=pen.source)


def term_label(titles: Mapping[str, str], term: str) -> str:
    """What to call a term: the titles of its variables, those of an interaction joined by x."""
    return " x ".join(titles.get(part, part) for part in term.split(":"))


def weighting_section(pen: Pen) -> Iterator[Item]:
    """How the weights were made and what they meet."""
    yield Heading("Weighting")
    yield Paragraph(weighting(pen.analysis.prepared))
    if pen.analysis.prepared.weights is not None:
        weights = pen.analysis.prepared.weights
        gaps = (weights.targets["base_share"] - weights.targets["target_share"]).to_numpy()
        worst = int(abs(gaps).argmax())
        category = str(weights.targets["category"].iloc[worst])
        title = findings.before_weighting(category, abs(float(gaps[worst])), bool(gaps[worst] > 0))
        yield pen.figure(("weighting", 0), weights, title=title)
        yield pen.table(("weighting", 0), weights, title="Shares before and after weighting", subtitle="In percent")
