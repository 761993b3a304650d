"""Rows of a model: a heading for each variable, a row for each of its levels, the level that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from survey_kit import schema
from survey_kit.tables.cells import Cell, Row
from survey_kit.tables.look import blank, words

PER_UNIT = "per unit"


def term_rows(
    frame: pd.DataFrame,
    groups: tuple[str, ...],
    titles: Mapping[str, str],
    reference: Mapping[str, str],
    cells: Callable[[Any], tuple[Cell, ...]],
) -> tuple[Row, ...]:
    """Rows in the order of the frame; without headings where nothing has levels and there are no `groups`."""
    records = frame.to_dict("records")
    plain = not groups and not any(str(record[schema.ANSWER]) for record in records)
    return tuple(_plain(records, titles, cells) if plain else _headed(records, groups, titles, reference, cells))


def _plain(records: list[Any], titles: Mapping[str, str], cells: Callable[[Any], tuple[Cell, ...]]) -> Iterator[Row]:
    for record in records:
        yield Row((words(_title(str(record[schema.VARIABLE]), titles)), *cells(record)))


def _headed(
    records: list[Any],
    groups: tuple[str, ...],
    titles: Mapping[str, str],
    reference: Mapping[str, str],
    cells: Callable[[Any], tuple[Cell, ...]],
) -> Iterator[Row]:
    above: tuple[str, ...] | None = None
    for record in records:
        variable, answer, values = str(record[schema.VARIABLE]), str(record[schema.ANSWER]), cells(record)
        over = (_title(variable, titles), *(f"{name} {record[name]}" for name in groups))
        if above is None and variable == "Intercept":
            yield Row((words(variable), *values))
            continue
        if over != above:
            compared = f", compared with {reference[variable]}" if variable in reference and answer else ""
            yield Row((words(" · ".join(over) + compared), *[blank()] * len(values)), "group")
            above = over
        yield Row((words(answer or PER_UNIT), *values))


def _title(variable: str, titles: Mapping[str, str]) -> str:
    """Label of a variable; of an interaction, the labels of its parts."""
    if variable in titles:
        return titles[variable]
    return " × ".join(titles.get(part, part) for part in variable.split(":"))
