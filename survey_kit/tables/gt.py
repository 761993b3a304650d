"""A table as a great_tables object, for those who want to style on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from great_tables import GT

    from survey_kit.tables.table import Table

_GROUP = "survey_kit_group"  # great_tables takes the group of a row from a column


def to_gt(table: Table, ident: str) -> GT:
    """A great_tables GT with the same texts, headings, groups and notes. `ident` fixes its bytes."""
    from great_tables import GT

    frame, grouped = _frame(table)
    stub = table.columns[0]
    made = GT(frame, rowname_col=stub.name, groupname_col=_GROUP if grouped else None, id=ident)
    if table.title:
        made = made.tab_header(table.title, table.subtitle or None)
    made = made.tab_stubhead(stub.label).cols_label({c.name: c.label for c in table.columns[1:]})
    for align in ("left", "right"):
        made = made.cols_align(align, [c.name for c in table.columns[1:] if c.align == align])
    for at, (group, columns) in enumerate(table.spans()):
        if group:
            made = made.tab_spanner(group, columns=[c.name for c in columns], id=f"span-{at}")
    for note in (*table.notes, *([f"Source: {table.source}"] if table.source else [])):
        made = made.tab_source_note(note)
    return made


def _frame(table: Table) -> tuple[pd.DataFrame, bool]:
    sections = table.sections()
    rows = [[_label(head), *(cell.text for cell in row.cells)] for head, part in sections for row in part]
    frame = pd.DataFrame(rows, columns=[_GROUP, *(column.name for column in table.columns)], dtype="str")
    grouped = any(head is not None for head, _ in sections)
    return (frame, True) if grouped else (frame.drop(columns=_GROUP), False)


def _label(head: object) -> str:
    return "" if head is None else head.cells[0].text  # type: ignore[attr-defined]
