"""A fitted model as a table."""

from __future__ import annotations

from typing import Any

from survey_kit import schema
from survey_kit.results.display import confidence, number, p_value
from survey_kit.results.fit import ModelFit
from survey_kit.results.statistics import PLACES, RATIOS, places
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.look import Look, blank, figure, known, limits
from survey_kit.tables.table import Table
from survey_kit.tables.terms import term_rows

REFERENCE = "reference"


def fit_table(result: ModelFit, look: Look) -> Table:
    """Coefficients, or the ratios that they stand for, under each variable, with the reference level stated."""
    look.refuse("a model", "percent")
    ratios = result.link in RATIOS if look.exponentiate is None else look.exponentiate
    frame = result.frame(exponentiate=ratios, reference=True)
    frame = frame.assign(**{PLACES: places(frame)})
    rows: tuple[Row, ...] = term_rows(frame, (), result.coef.titles, {}, lambda row: _cells(row, look, ratios))
    return Table(
        title=look.title or f"Model of {result.response}",
        subtitle=look.subtitle or result.formula,
        columns=_columns(result, look, ratios),
        rows=rows,
        notes=(*look.notes, *_notes(result, look)),
        source=look.source,
    )


def _columns(result: ModelFit, look: Look, ratios: bool) -> tuple[Column, ...]:
    return (
        Column("term", "Term", "left"),
        Column("estimate", RATIOS[result.link].capitalize() if ratios else "Coefficient"),
        *[Column("se", "SE")] * (not ratios),
        *[Column("ci", f"{confidence(result.coef.level)} CI")] * look.interval,
        Column("p_value", "p"),
    )


def _cells(row: Any, look: Look, ratios: bool) -> tuple[Cell, ...]:
    digits = look.places(row[PLACES])
    if row[schema.FLAG] == REFERENCE:
        return (Cell(REFERENCE, float(row[schema.ESTIMATE])), *[blank()] * ((not ratios) + look.interval + 1))
    return (
        figure(row[schema.ESTIMATE], digits),
        *[figure(row[schema.SE], digits)] * (not ratios),
        *[limits(row[schema.CI_LOW], row[schema.CI_HIGH], digits)] * look.interval,
        known(p_value(row["p_value"]), row["p_value"]),
    )


def _notes(result: ModelFit, look: Look) -> tuple[str, ...]:
    level = confidence(result.coef.level)
    design, where = result.coef.context.get("design"), result.coef.context.get("where")
    return (
        f"{result.family.capitalize()} model, {result.link} link; n = {number(result.n)}.",
        *[f"{level} CI: {level} confidence interval."] * look.interval,
        *([f"Base: {where}."] if where else []),
        *([f"Design: {design}."] if design else []),
        *(notice.text for notice in result.notices),
    )
