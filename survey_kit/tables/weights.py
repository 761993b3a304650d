"""Weights as a table: margins before and after, and what the weighting cost."""

from __future__ import annotations

from survey_kit.results.display import number, percent, points
from survey_kit.results.weights import Weights
from survey_kit.tables.cells import Column, Row
from survey_kit.tables.look import Look, blank, figure, known, words
from survey_kit.tables.table import Table

_COLUMNS = (
    Column("category", "Category", "left"),
    Column("unweighted_n", "n"),
    Column("base_share", "Before, %"),
    Column("target_share", "Target, %"),
    Column("achieved_share", "After, %"),
    Column("gap", "Gap, points"),
)


def weights_table(result: Weights, look: Look) -> Table:
    """A row for each category of each target; the weights in figures below."""
    look.refuse("weights", "percent", "exponentiate")
    digits = look.places(1)
    rows: list[Row] = []
    for variable, part in result.targets.groupby("variable", sort=False):
        rows.append(Row((words(result.titles.get(str(variable), variable)), *[blank()] * (len(_COLUMNS) - 1)), "group"))
        for target in part.to_dict("records"):
            shares = [
                known(percent(target[name], digits).removesuffix("%"), target[name])
                for name in ("base_share", "target_share", "achieved_share")
            ]
            gap = known(points(target["gap"], digits), target["gap"])
            rows.append(Row((words(target["category"]), figure(target["unweighted_n"], 0), *shares, gap)))
    return Table(
        title=look.title or f"Weighting by {result.method}",
        subtitle=look.subtitle or "Share of each category before and after weighting",
        columns=_COLUMNS,
        rows=tuple(rows),
        notes=(*look.notes, _cost(result), *(notice.text for notice in result.notices)),
        source=look.source,
    )


def _cost(result: Weights) -> str:
    """The price of the weights in one line."""
    facts = result.summary()
    return (
        f"{number(facts['n'])} respondents; weights from {number(facts['min'], 2)} to {number(facts['max'], 2)}, "
        f"median {number(facts['median'], 2)}; design effect of weighting {number(facts['deff'], 2)}, "
        f"effective sample size {number(facts['n_eff'])}."
    )
