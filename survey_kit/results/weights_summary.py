"""Weights as people read them, without a medium: how they were made, what they meet and cost, all numbers as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.kernels.weight_stats import effective_n, kish_deff, weight_range
from survey_kit.results.display import MINUS, NOTHING, decimals, number, percent, points, signed
from survey_kit.results.letters import clean

if TYPE_CHECKING:
    from survey_kit.results.weights import Weights

MOST_TEXT, MOST_HTML = 30, 40  # categories shown in a terminal and in a notebook
OWN_UNITS = ("number", "shown_before", "shown_target", "shown_after")  # columns of `in_own_units`
AIMLESS = (
    "base",
    "dual_frame",
    "eligibility",
    "match",
    "nonresponse",
    "normalize",
    "trim",
)  # verbs without targets of their own
NUMBERS = "Means and totals"  # heading over the targets that are numbers
CHAIN = ("Step", "n", "Sum", "Min", "Max", "Deff", "Effective n", "Largest gap")
_SEEN = 1e-6  # of the total; a smaller error is said as a power of ten
MET = 1e-9  # of the total; a smaller gap is rounding
_LABEL = 400  # characters of a label that are looked at
_MERGED = 3  # merged cells that are named
_SEVERAL = 100  # rows of which 1% can be told
_SMALLEST, _LARGEST = 1e-6, 1e12  # sizes written in decimals


@dataclass(frozen=True, slots=True)
class MarginLine:
    """A category or a number: the heading that it stands under; label; n, before, target, after, gap; the worst is marked."""

    title: str
    label: str
    figures: tuple[str, str, str, str, str]
    worst: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """Weights in one screen.

    Attributes:
        headline: verb, rows, whether it converged, solver, the final error.
        chain: a row for each step, the base first, in the columns of CHAIN.
        facts: (word, sentence) on the weights as they are.
        headings, margins: the table of targets; hidden: what was left out of it.
        notes: what a reader must know.
    """

    headline: str
    chain: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...]
    headings: tuple[str, str, str, str, str]
    margins: tuple[MarginLine, ...]
    hidden: str
    notes: tuple[str, ...]


def overview_of(weights: Weights, most: int) -> Overview:
    """The overview with at most `most` categories, those furthest from their targets."""
    table = in_own_units(weights.targets)
    shown = furthest(table, most)
    return Overview(
        headline=headline(weights),
        chain=chain_rows(weights.steps),
        facts=tuple(_facts(weights)),
        headings=_headings(table),
        margins=tuple(_lines(weights, table, shown)),
        hidden=_hidden(table, shown),
        notes=tuple(clean(n.text, _LABEL * 2) for n in weights.notices if not _told(weights, n.kind)),
    )


def headline(weights: Weights) -> str:
    """ "Weights by rake: 1,000 rows, converged, ipf (4 iterations), largest gap 3.9e-14"."""
    parts = [f"Weights by {weights.method}: {number(len(weights.values))} rows"]
    aimless = weights.method in AIMLESS
    if not (aimless and weights.converged):
        parts.append("converged" if weights.converged else "NOT converged")
    steps = f" ({weights.iterations} iteration{'' if weights.iterations == 1 else 's'})" if weights.iterations else ""
    parts += [f"{weights.solver}{steps}"] if weights.solver else []
    what = "targets of before off by up to" if aimless and weights.max_gap > MET else "largest gap"
    parts += [f"{what} {_error(weights)}"] if len(weights.targets) else []
    return clean(", ".join(parts))


def _error(weights: Weights) -> str:
    """The final error: in points where it can be seen there, as a part of the total where it is a matter of rounding."""
    gap = weights.max_gap
    if gap == 0:
        return "0"
    if not np.isfinite(gap) or gap < _SEEN:
        return f"{gap:.1e}".replace("-", MINUS)
    return _gap_text(weights, " points")


def _gap_text(weights: Weights, unit: str) -> str:
    """The largest gap with its unit; that of a number is in percent of its target."""
    gap = weights.max_gap if weights.max_gap > MET else 0.0
    worst = worst_row(weights.targets["gap"].to_numpy(dtype=float))
    of_number = worst >= 0 and bool(are_numbers(weights.targets)[worst])
    return f"{number(100 * gap, gap_places(np.array([gap])))}{'%' if of_number else unit}"


# --- targets -----------------------------------------------------------------------------------------------------------


def are_numbers(targets: pd.DataFrame) -> BoolArray:
    """Which rows of `Weights.targets` are means or totals of a number, not shares of a category. Shape (rows,)."""
    if targets.empty or "achieved" not in targets:
        return np.zeros(len(targets), dtype=bool)
    alone = ~targets["variable"].astype(str).duplicated(keep=False)
    kind = targets["category"].astype(str).isin(["mean", "total"])
    return np.asarray(alone & kind & targets["achieved"].notna(), dtype=bool)


def in_own_units(targets: pd.DataFrame) -> pd.DataFrame:
    """`Weights.targets`, categories first, with `number` (whether it is one) and `shown_before`, `shown_target`,
    `shown_after`: shares of categories, and means and totals in their own unit.

    A number's "shares" are parts of its size, which is told by the target, or by what was achieved where that is 0.
    """
    numeric = are_numbers(targets)
    shares = targets[["base_share", "target_share", "achieved_share"]].astype(float)
    shown = shares.set_axis(["shown_before", "shown_target", "shown_after"], axis=1)
    table = targets.assign(number=numeric, **shown)
    if numeric.any():
        own = targets[numeric]
        size = _ratio(own["target"], own["target_share"]).fillna(_ratio(own["achieved"], own["achieved_share"]))
        table.loc[numeric, "shown_before"] = own["base_share"].astype(float) * size
        table.loc[numeric, "shown_target"] = own["target"].astype(float)
        table.loc[numeric, "shown_after"] = own["achieved"].astype(float)
    return table.iloc[np.argsort(numeric, kind="stable")].reset_index(drop=True)


def furthest(table: pd.DataFrame, most: int) -> IntArray:
    """Rows of the `most` categories with the largest gaps, then the largest distances before; in the order of the table."""
    if len(table) <= most:
        return np.arange(len(table))
    gap = table["gap"].astype(float).abs().fillna(np.inf)
    before = (table["base_share"] - table["target_share"]).astype(float).abs().fillna(0.0)
    order = np.lexsort((-before.to_numpy(), -gap.where(gap > MET, 0.0).to_numpy()))
    return np.sort(order[:most])


def heading_of(weights: Weights, row: Mapping[str, object], titles: Mapping[str, str] | None = None) -> str:
    """Heading over a row of `in_own_units`: the title of its variable; numbers share one."""
    return NUMBERS if row["number"] else title_of(weights, row["variable"], titles)


def label_of(weights: Weights, row: Mapping[str, object], titles: Mapping[str, str] | None = None) -> str:
    """Label of a row of `in_own_units`: the category, or the variable with what is known of it."""
    kind = clean(row["category"], _LABEL)
    return f"{title_of(weights, row['variable'], titles)}, {kind}" if row["number"] else kind


def title_of(weights: Weights, variable: object, titles: Mapping[str, str] | None = None) -> str:
    """Title of a variable, or its name."""
    known = {**weights.titles, **(titles or {})}
    return clean(known.get(str(variable)) or variable, _LABEL)


def amount(value: float, significant: int = 3) -> str:
    """A number of no known size in about three digits: "0.0042", "1.47", "1,235"; powers of ten where it is out of hand.

    >>> amount(0.00417), amount(1.466), amount(1234.5), amount(0.0), amount(3e20)
    ('0.0042', '1.47', '1,235', '0', '3.0e+20')
    """
    if np.isfinite(value) and value != 0 and not _SMALLEST < abs(value) < _LARGEST:
        return f"{value:.1e}".replace("-", MINUS)
    return number(value, decimals([value], significant=significant))


def gap_places(gaps: FloatArray) -> int:
    """Decimals, in points, that let the largest gap be seen: 1, or more for small ones."""
    largest = float(np.abs(gaps[np.isfinite(gaps)]).max(initial=0.0))
    return max(1, decimals([100 * largest], significant=2)) if largest > MET else 1


def _ratio(over: pd.Series, under: pd.Series) -> pd.Series:
    return over.astype(float) / under.astype(float).where(under.astype(float) != 0)


def _headings(table: pd.DataFrame) -> tuple[str, str, str, str, str]:
    if table["number"].any():
        return "n", "Before", "Target", "After", "Gap"
    return "n", "Before, %", "Target, %", "After, %", "Gap, points"


def _lines(weights: Weights, table: pd.DataFrame, shown: IntArray) -> Iterator[MarginLine]:
    gaps = table["gap"].to_numpy(dtype=float)
    digits, mixed = gap_places(gaps), bool(table["number"].any())
    worst = worst_row(gaps)
    for at, row in zip(shown, table.iloc[shown].to_dict("records"), strict=True):
        before, target, after = (margin_text(row, name, mixed) for name in ("before", "target", "after"))
        gap = _gap(row, digits, mixed)
        figures = number(row["unweighted_n"]), before, target, after, gap
        yield MarginLine(heading_of(weights, row), label_of(weights, row), figures, at == worst)


def worst_row(gaps: FloatArray) -> int:
    """Place of the largest gap; -1 where all are met."""
    size = np.where(np.isnan(gaps), np.inf, np.abs(gaps))
    return int(size.argmax()) if size.max(initial=0.0) > MET else -1


def margin_text(row: Mapping[str, object], name: str, signs: bool = True, digits: int = 1) -> str:
    """`shown_before`, `shown_target` or `shown_after` of a row as text; `signs`: whether shares have a percent sign."""
    value = float(row[f"shown_{name}"])  # type: ignore[arg-type]
    if row["number"]:
        return amount(value, 4)
    text = percent(value, digits)
    return text if signs else text.removesuffix("%")


def _gap(row: Mapping[str, object], digits: int, mixed: bool) -> str:
    """A gap in points, that of a number in percent of its target."""
    gap = float(row["gap"])  # type: ignore[arg-type]
    gap = 0.0 if abs(gap) <= MET else gap
    if row["number"]:
        text = signed(100 * gap, digits)
        return text if text == NOTHING else f"{text}%"
    text = points(gap, digits)
    return f"{text} pts" if mixed and text != NOTHING else text


def _hidden(table: pd.DataFrame, shown: IntArray) -> str:
    left = table.drop(index=table.index[shown])
    if left.empty:
        return ""
    most = float(left["gap"].abs().max())
    most = most if most > MET else 0.0
    worst = number(100 * most, gap_places(np.array([most])))
    return (
        f"{number(len(left))} more categories, less far off: gaps of at most {worst} points; "
        f".targets has all {number(len(table))}"
    )


# --- steps and figures -------------------------------------------------------------------------------------------------


def chain_rows(steps: tuple[Weights, ...]) -> tuple[tuple[str, ...], ...]:
    """The base weights and each step after them, in the columns of CHAIN."""
    first = [_chain_row("base", steps[0].base, NOTHING)] if steps else []
    return (*first, *(_chain_row(step.method, step.values, _step_gap(step)) for step in steps))


def _chain_row(name: str, weights: pd.Series, gap: str) -> tuple[str, ...]:
    values = weights.to_numpy(dtype=float)
    spread = weight_range(values)
    sizes = amount(spread.total), amount(float(values.min(initial=spread.low))), amount(spread.high)
    sizes = sizes if (values < 0).any() else (sizes[0], amount(spread.low), sizes[2])
    return (name, number(spread.n), *sizes, number(kish_deff(values), 2), number(effective_n(values)), gap)


def _step_gap(step: Weights) -> str:
    return NOTHING if step.targets.empty else _gap_text(step, " pts")


def _facts(weights: Weights) -> Iterator[tuple[str, str]]:
    facts = weights.summary()
    sizes = [
        ("min", "min"),
        ("5% below", "p5"),
        ("median", "median"),
        ("mean", "mean"),
        ("5% above", "p95"),
        ("max", "max"),
    ]
    said = ", ".join(f"{word} {amount(facts[key])}" for word, key in sizes)
    yield "Weights", f"{said}; max/min {amount(facts['max_to_min'])}"
    n, effective = number(facts["n"]), number(facts["n_eff"], 0 if facts["n"] >= _SEVERAL else 1)
    yield (
        "Cost",
        f"design effect {number(facts['deff'], 2)}: {n} respondents count as {effective} "
        f"({percent(facts['efficiency'])}); margins of error × {number(facts['moe_factor'], 2)}",
    )
    top = f", the top 1% hold {percent(facts['top_1_percent'], 1)}" if facts["n"] >= _SEVERAL else ""
    yield "Heaviest", f"one respondent holds {percent(facts['largest_share'], 2)} of the total weight{top}"
    yield from _outside(weights)
    yield from _limits(weights)
    yield from _factors(weights)
    yield from _merged(weights)


def _outside(weights: Weights) -> Iterator[tuple[str, str]]:
    """Rows that the figures leave out."""
    values = weights.values.to_numpy()
    zero, below = int((values == 0).sum()), int((values < 0).sum())
    if zero:
        yield "Left out", f"of these figures, rows: {number(zero)} of weight zero"
    if below:
        yield "Negative", f"rows: {number(below)}"


def _limits(weights: Weights) -> Iterator[tuple[str, str]]:
    sides = [("lower", weights.lower, weights.at_lower), ("upper", weights.upper, weights.at_upper)]
    parts = [f"{word} {amount(limit)} ({number(n)} {_rows(n)} there)" for word, limit, n in sides if limit is not None]
    bounds = weights.details.get("bounds")
    if isinstance(bounds, tuple):
        held = zip(bounds, ("at_low", "at_high"), strict=True)
        counts = [(bound, int(weights.details.get(key, 0))) for bound, key in held if np.isfinite(bound)]  # type: ignore[call-overload]
        parts += [f"factor {amount(bound)} ({number(n)} {_rows(n)} there)" for bound, n in counts]
    if parts:
        yield "Limits", ", ".join(parts)


def _factors(weights: Weights) -> Iterator[tuple[str, str]]:
    table = weights.factors
    if table is None or table.empty or not {"class", "factor"} <= set(table.columns):
        return
    factor = table["factor"].to_numpy(dtype=float)
    low, high = int(np.nanargmin(factor)), int(np.nanargmax(factor))
    ends = [f"{number(factor[i], 2)} ({clean(table['class'].iloc[i], 60)})" for i in (low, high)]
    text = f"{number(len(table))} classes, factors from {' to '.join(ends)}" if low != high else f"{ends[0]}"
    rate = weights.details.get("response_rate")
    yield "Factors", f"{text}; response rate {percent(rate, 1)}" if isinstance(rate, float) else text


def _merged(weights: Weights) -> Iterator[tuple[str, str]]:
    """Merged cells, each with what became of it and why."""
    table = weights.collapsed
    if table is None or table.empty:
        return
    groups = list(table.groupby(["variable", "into"], sort=False))
    parts = [_merge(title_of(weights, variable), into, cells) for (variable, into), cells in groups[:_MERGED]]
    more = len(groups) - _MERGED
    yield "Merged", "; ".join([*parts, *([f"and {number(more)} more, see .collapsed"] if more > 0 else [])])


def _merge(title: str, into: object, cells: pd.DataFrame) -> str:
    """The cells with their rows, what they became where that says more, and the first reason."""
    names = [clean(name, 60) for name in cells["category"]]
    members = " + ".join(f"{name} (n {number(n)})" for name, n in zip(names, cells["n"], strict=True))
    name = clean(into, 120)
    became = "" if name == " + ".join(names) else f" into {name}"
    return f"{title}: {members}{became} ({clean(cells['why'].iloc[0])})"


def _told(weights: Weights, kind: str) -> bool:
    """Whether a notice says what a fact says in full."""
    return kind == "collapsed" and weights.collapsed is not None


def _rows(n: int) -> str:
    return "row" if n == 1 else "rows"
