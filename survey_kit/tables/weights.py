"""Weights as tables: margins before and after with what the weighting cost, and the chain of steps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.weight_stats import effective_n, kish_deff, weight_range
from survey_kit.results.display import number, points, signed
from survey_kit.results.weights import Weights
from survey_kit.results.weights_summary import MET, amount, gap_places, heading_of, in_own_units, label_of, margin_text
from survey_kit.tables.cells import Cell, Column, Row
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
_STEPS = (
    Column("step", "Step", "left"),
    Column("n", "n"),
    Column("sum", "Sum of weights"),
    Column("min", "Smallest"),
    Column("median", "Median"),
    Column("max", "Largest"),
    Column("deff", "Design effect"),
    Column("n_eff", "Effective n"),
    Column("gap", "Largest gap, points"),
)


def weights_table(result: Weights, look: Look) -> Table:
    """A row for each category of each target; the weights in figures below. Of steps without targets, the chain."""
    if result.targets.empty:
        return steps_table(result.steps, look)
    look.refuse("weights", "percent", "exponentiate")
    digits = look.places(1)
    rows: list[Row] = []
    above = None
    for target in in_own_units(result.targets).to_dict("records"):
        if (over := "" if target["number"] else str(target["variable"])) != above:
            rows.append(Row((words(heading_of(result, target)), *[blank()] * (len(_COLUMNS) - 1)), "group"))
            above = over
        rows.append(Row(_cells(result, target, digits)))
    return Table(
        title=look.title or f"Weighting by {result.method}",
        subtitle=look.subtitle or "Share of each category before and after weighting",
        columns=_COLUMNS,
        rows=tuple(rows),
        notes=(*look.notes, *_unit(result), _cost(result), *(notice.text for notice in result.notices)),
        source=look.source,
    )


def _cells(result: Weights, target: Mapping[str, float], digits: int) -> tuple[Cell, ...]:
    """A category with its shares, or a number in its own unit with its gap in percent of the target."""
    numeric = bool(target["number"])
    shown = [
        known(margin_text(target, name, signs=False, digits=digits), target[f"shown_{name}"])
        for name in ("before", "target", "after")
    ]
    gap = known(f"{signed(100 * target['gap'], digits)}%" if numeric else points(target["gap"], digits), target["gap"])
    return words(label_of(result, target)), figure(target["unweighted_n"], 0), *shown, gap


def _unit(result: Weights) -> tuple[str, ...]:
    numbers = bool(in_own_units(result.targets)["number"].any())
    return ("Means and totals are in their own units; their gaps are in percent of the target.",) if numbers else ()


def steps_table(steps: tuple[Weights, ...], look: Look) -> Table:
    """A row for the base weights and each step after them: how the weights spread, what they cost, what they miss."""
    look.refuse("weights", "percent", "exponentiate")
    last = steps[-1]
    rows = [_step("base", steps[0].base.to_numpy(dtype=float), None, look)]
    rows += [_step(step.method, step.values.to_numpy(dtype=float), step, look) for step in steps]
    return Table(
        title=look.title or "Steps of the weighting",
        subtitle=look.subtitle or "Weights above zero after each step",
        columns=_STEPS,
        rows=tuple(rows),
        notes=(*look.notes, *(notice.text for notice in last.notices)),
        source=look.source,
    )


def _step(name: str, values: FloatArray, step: Weights | None, look: Look) -> Row:
    spread = weight_range(values)
    sizes = [known(amount(v), v) for v in (spread.total, spread.low, spread.median, spread.high)]
    gap = Cell("-") if step is None or step.targets.empty else _gap(step.max_gap)
    deff = figure(kish_deff(values), look.places(2))
    return Row((words(name), figure(spread.n, 0), *sizes, deff, figure(effective_n(values), 0), gap))


def _gap(size: float) -> Cell:
    shown = size if size > MET else 0.0
    return known(number(100 * shown, gap_places(np.array([shown]))), size)


def _cost(result: Weights) -> str:
    """The price of the weights in one line."""
    facts = result.summary()
    return (
        f"{number(facts['n'])} respondents; weights from {number(facts['min'], 2)} to {number(facts['max'], 2)}, "
        f"median {number(facts['median'], 2)}; design effect of weighting {number(facts['deff'], 2)}, "
        f"effective sample size {number(facts['n_eff'])}."
    )
