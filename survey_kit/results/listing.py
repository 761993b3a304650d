"""Estimates as people read them, without a medium: title, label columns that vary, numbers as text, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.results.display import NOTHING, confidence, decimals, ends, number, percent, points, signed
from survey_kit.results.letters import clean
from survey_kit.results.statistics import (
    OF_SEVERAL,
    PERCENT,
    PLACES,
    answer_heading,
    places,
    with_headings,
    with_titles,
)
from survey_kit.results.units import DIFFERENCE, POINTS, SHARE, column_heading

MOST_TEXT, MOST_HTML = 40, 60  # rows shown in a terminal and in a notebook
MARK = "†"
INTERVALS = {
    "logit": "logit",
    "wilson": "Wilson",
    "beta": "Korn-Graubard",
    "asin": "arcsine",
    "likelihood": "likelihood",
    "xlogit": "logit, delta method",
}
_TERM = "term"  # models name their coefficients by it
_FINER = "sk_finer"  # decimals of standard errors
_LABEL = 400  # characters of a label that are looked at


class Listed(Protocol):
    """What is printed: an Estimates."""

    @property
    def keys(self) -> pd.DataFrame: ...
    @property
    def level(self) -> float: ...
    @property
    def interval(self) -> str: ...
    @property
    def deff(self) -> FloatArray | None: ...
    @property
    def limits(self) -> tuple[FloatArray, FloatArray] | None: ...
    @property
    def titles(self) -> Mapping[str, str]: ...
    @property
    def questions(self) -> Mapping[str, str]: ...
    @property
    def notices(self) -> tuple[schema.Notice, ...]: ...
    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def units(self) -> np.ndarray: ...
    @property
    def df(self) -> float: ...
    @property
    def dfs(self) -> FloatArray | None: ...
    def frame(self) -> pd.DataFrame: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its labels; estimate and standard error; the limits (None where there are none); n and what follows it."""

    labels: tuple[str, ...]
    numbers: tuple[str, str]
    limits: tuple[str, str] | None
    bases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A printed result.

    Attributes:
        title, wording: heading.
        labels, figures: headings of the label columns and of the number columns.
        rows: the rows shown.
        cut: rows shown before the gap; hidden: rows in the gap.
        notes: what a reader must know.
    """

    title: str
    wording: str
    labels: tuple[str, ...]
    figures: tuple[str, ...]
    rows: tuple[Line, ...]
    cut: int
    hidden: int
    notes: tuple[str, ...]

    @property
    def grouped(self) -> bool:
        """Whether outer labels can be headings: some of them has several rows."""
        outer = [line.labels[:-1] for line in self.rows]
        return len(self.labels) > 1 and len(set(outer)) < len(outer)

    def figures_of(self, line: Line, blank: str = " ") -> tuple[str, ...]:
        """The texts of a row's number columns; limits are filled with blanks so that they stand under each other."""
        if line.limits is None:
            return (*line.numbers, NOTHING, *line.bases)
        sides = zip(*(other.limits for other in self.rows if other.limits is not None), strict=True)
        low, high = (own.rjust(max(map(len, side)), blank) for own, side in zip(line.limits, sides, strict=True))
        return (*line.numbers, f"{low} to {high}", *line.bases)

    @property
    def gap(self) -> str:
        """The line that says what is hidden."""
        return f"{number(self.hidden)} rows hidden, frame() has all {number(len(self.rows) + self.hidden)}"


def listing_of(result: Listed, most: int) -> Listing:
    """At most `most` rows of a result, cut in the middle."""
    shown = np.arange(len(result))
    hidden = max(len(shown) - most, 0)
    cut = most - most // 3 if hidden else len(shown)
    shown = np.delete(shown, np.s_[cut : cut + hidden])
    columns = _label_columns(result.keys)
    whole = result.frame()
    digits = places(whole)
    whole = whole.assign(**{PLACES: digits, _FINER: _finer(whole, digits)})
    frame, units = with_titles(whole.iloc[shown], result.titles), result.units[shown]
    title, wording = _heading(result, columns)
    return Listing(
        title=title,
        wording=wording,
        labels=tuple(_label_heading(result, c) for c in columns),
        figures=_figure_headings(result, frame, units),
        rows=tuple(_lines(result, frame, units, columns)),
        cut=cut,
        hidden=hidden,
        notes=_notes(result, frame),
    )


def _label_columns(keys: pd.DataFrame) -> list[str]:
    """Key columns that tell the estimates apart."""
    if _TERM in keys:
        return [_TERM]
    return [str(c) for c in keys.columns if keys[c].nunique(dropna=False) > 1]


def _heading(result: Listed, columns: Sequence[str]) -> tuple[str, str]:
    """Title of the variables with what all estimates share and what they are split by; the wording of one variable."""
    keys = result.keys
    if _TERM in keys:
        return clean(result.context.get("formula", "Coefficients"), _LABEL), ""
    variables = [str(v) for v in keys[schema.VARIABLE].unique()]
    statistics = set(keys[schema.STATISTIC].astype(str))
    if statistics == {"contrast"} and len(variables) > 1:
        return "Contrasts", ""
    title = _several([result.titles.get(v, v) for v in variables])
    same = [c for c in keys.columns if c not in columns and c not in (schema.VARIABLE, schema.STATISTIC)]
    fixed = {c: str(keys[c].iloc[0]) for c in same if len(keys)}
    if answer := fixed.pop(schema.ANSWER, ""):
        paired = answer_heading(keys[schema.STATISTIC]) == "With"
        title += f" with {result.titles.get(answer, answer)}" if paired else f": {answer}"
    if groups := [result.titles.get(c, c) for c in columns if c not in (schema.VARIABLE, *schema.RESULT_COLUMNS)]:
        title += f"{' By' if title.endswith(('?', '!', '.')) else ', by'} {' and '.join(groups)}"
    if stated := [f"{result.titles.get(c, c)}: {value}" for c, value in fixed.items() if value]:
        title += f" ({', '.join(stated)})"
    wording = clean(result.questions.get(variables[0], ""), _LABEL * 2) if len(variables) == 1 else ""
    plain = result.titles.get(variables[0], variables[0]) if variables else ""
    return clean(title, _LABEL), "" if wording == clean(plain) else wording


def _several(titles: Sequence[str], most: int = 3) -> str:
    """Titles in a row; they may hold commas themselves."""
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return f"{'; '.join(titles[:most])}{more}"


def _label_heading(result: Listed, column: str) -> str:
    if column == schema.VARIABLE:
        return "Contrast" if set(result.keys[schema.STATISTIC]) == {"contrast"} else "Variable"
    if column == schema.ANSWER:
        return answer_heading(result.keys[schema.STATISTIC])
    if column in (schema.STATISTIC, _TERM):
        return column.capitalize()
    return clean(result.titles.get(column, column), _LABEL)


def _labels(result: Listed, frame: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, ...]]:
    out = []
    if schema.STATISTIC in columns:
        frame = with_headings(frame)
    for values in frame[list(columns)].astype(str).to_numpy() if columns else [()] * len(frame):
        named = zip(columns, values, strict=True)
        out.append(tuple(clean(result.titles.get(v, v) if c == schema.VARIABLE else v, _LABEL) for c, v in named))
    return out


def _figure_headings(result: Listed, frame: pd.DataFrame, units: np.ndarray) -> tuple[str, ...]:
    head = clean(column_heading(frame[schema.STATISTIC].astype(str), units))
    deff = () if result.deff is None else ("deff",)
    return (head, "SE", f"{confidence(result.level)} CI", "n", *deff)


def _lines(result: Listed, frame: pd.DataFrame, units: np.ndarray, columns: Sequence[str]) -> Iterator[Line]:
    """Numbers of each row as text."""
    mixed = len(set(units)) > 1
    for row, labels, unit in zip(frame.to_dict("records"), _labels(result, frame, columns), units, strict=True):
        n = f"{MARK} {number(row[schema.N])}" if row[schema.N] < schema.LOW_BASE else number(row[schema.N])
        deff = () if result.deff is None else (number(row[schema.DEFF], 2),)
        estimate = _estimate(row[schema.ESTIMATE], unit, row[PLACES], mixed)
        low, high = row[schema.CI_LOW], row[schema.CI_HIGH]
        if unit in (SHARE, POINTS):
            error = percent(row[schema.SE], PERCENT).removesuffix("%")
            limits = ends(low, high, PERCENT)
            if limits is not None and mixed and unit == SHARE:
                limits = f"{limits[0]}%", f"{limits[1]}%"
        else:
            error, limits = number(row[schema.SE], row[_FINER]), ends(low, high, row[PLACES], percent=False)
        yield Line(labels, (estimate, error), limits, (n, *deff))


def _estimate(value: float, unit: str, digits: int, mixed: bool) -> str:
    """The estimate, with its unit where several are mixed."""
    if unit == SHARE:
        text = percent(value, PERCENT)
        return text if mixed else text.removesuffix("%")
    if unit == POINTS:
        text = points(value, PERCENT)
        return f"{text} pts" if mixed and text != NOTHING else text
    return (signed if unit == DIFFERENCE else number)(value, digits)


def _finer(frame: pd.DataFrame, digits: IntArray) -> IntArray:
    """Decimals of each standard error: those of the estimate, or as many as its own size wants."""
    out = digits.copy()
    for _, at in frame.groupby([schema.VARIABLE, schema.STATISTIC], sort=False, dropna=False).indices.items():
        out[at] = np.maximum(digits[at], decimals((), frame[schema.SE].iloc[at]))
    return out


def _notes(result: Listed, frame: pd.DataFrame) -> tuple[str, ...]:
    """Symbols, what was left out, the domain, the design with its degrees of freedom, the intervals."""
    notes = []
    if (frame[schema.N] < schema.LOW_BASE).any():
        notes.append(f"{MARK} Fewer than {schema.LOW_BASE} respondents: read with caution.")
    if set(frame[schema.STATISTIC]) & OF_SEVERAL:
        notes.append("n: the smallest base that is used.")
    notes += [clean(notice.text, _LABEL * 2) for notice in result.notices]
    if result.context.get("where"):
        notes.append(clean(f"Base: {result.context['where']}.", _LABEL * 2))
    design = clean(result.context.get("design", ""), _LABEL * 2)
    notes.append(f"{f'Design: {design}; ' if design else ''}{_freedom(result)}; {_method(result)}.")
    return tuple(notes)


def _freedom(result: Listed) -> str:
    """Degrees of freedom: one number, or from which to which group."""
    every = np.array([result.df]) if result.dfs is None else result.dfs
    found = np.unique(every[~np.isnan(every)]) if not np.isnan(every).all() else np.array([np.nan])
    least, most = (number(df, 0 if float(df).is_integer() else 1) for df in (found[0], found[-1]))
    if len(found) > 1:
        return f"degrees of freedom by group: {least} to {most}"
    return "normal intervals" if np.isinf(found[0]) else f"{least} degrees of freedom"


def _method(result: Listed) -> str:
    """The kind of interval: "95% intervals: logit"."""
    word = INTERVALS.get(result.interval, "" if result.limits is not None else "t")
    return f"{confidence(result.level)} intervals{f': {word}' if word and not np.isinf(result.df) else ''}"
