"""A scale as a table: its items and how well they hang together."""

from __future__ import annotations

from typing import Any

from survey_kit.results.display import number
from survey_kit.results.scale import Scale
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.look import Look, figure, words
from survey_kit.tables.table import Table

_COLUMNS = (
    Column("item", "Item", "left"),
    Column("mean", "Mean"),
    Column("sd", "SD"),
    Column("item_rest", "Item-rest correlation"),
    Column("alpha_dropped", "Alpha without it"),
    Column("n", "n"),
)


def scale_table(result: Scale, look: Look) -> Table:
    """A row for each item; reliability below."""
    look.refuse("a scale", "percent", "exponentiate")
    return Table(
        title=look.title or result.label or result.name,
        subtitle=look.subtitle or f"{result.kind.capitalize()} of {len(result.items)} items",
        columns=_COLUMNS,
        rows=tuple(
            Row((words(_label(item)), *_cells(item, look.places(2)))) for item in result.items.to_dict("records")
        ),
        notes=(*look.notes, _reliability(result), *(notice.text for notice in result.notices)),
        source=look.source,
    )


def _label(item: Any) -> str:
    return f"{item['label'] or item['item']}{' (reversed)' if item['reversed'] else ''}"


def _cells(item: Any, digits: int) -> tuple[Cell, ...]:
    return (*(figure(item[c.name], digits) for c in _COLUMNS[1:-1]), figure(item["n"], 0))


def _reliability(result: Scale) -> str:
    return (
        f"Cronbach's alpha {number(result.alpha, 2)} over {number(result.n_complete)} respondents with every item "
        f"answered; {number(result.n)} have an index (at least {number(result.least)} items answered)."
    )
