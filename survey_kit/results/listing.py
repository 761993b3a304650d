"""Estimates as people read them, without a medium: title, label columns that vary, numbers as text, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.kernels.groups import FloatArray, IntArray
from survey_kit.results.display import confidence, decimals, interval, number, percent, points, signed
from survey_kit.results.letters import clean
from survey_kit.results.statistics import UNITLESS, answer_heading, family, heading, with_headings, with_titles
from survey_kit.results.units import DIFFERENCE, POINTS, SHARE

MOST_TEXT, MOST_HTML = 40, 60  # rows shown in a terminal and in a notebook
MARK = "†"
HEADINGS = {SHARE: "%", POINTS: "Points"}
INTERVALS = {
    "logit": "logit",
    "wilson": "Wilson",
    "beta": "Korn-Graubard",
    "asin": "arcsine",
    "likelihood": "likelihood",
    "xlogit": "logit, delta method",
}
_TERM = "term"  # models name their coefficients by it
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
    def frame(self) -> pd.DataFrame: ...

    def take(self, rows: IntArray) -> Listed: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """A printed result.

    Attributes:
        title, wording: heading.
        labels, figures: headings of the label columns and of the number columns.
        rows: (labels, figures) of each row shown.
        cut: rows shown before the gap; hidden: rows in the gap.
        notes: what a reader must know.
    """

    title: str
    wording: str
    labels: tuple[str, ...]
    figures: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    cut: int
    hidden: int
    notes: tuple[str, ...]

    @property
    def grouped(self) -> bool:
        """Whether outer labels can be headings: some of them has several rows."""
        outer = [labels[:-1] for labels, _ in self.rows]
        return len(self.labels) > 1 and len(set(outer)) < len(outer)

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
    part = result.take(shown) if hidden else result
    frame, units = with_titles(part.frame(), result.titles), part.units
    title, wording = _heading(result, columns)
    return Listing(
        title=title,
        wording=wording,
        labels=tuple(_label_heading(result, c) for c in columns),
        figures=_figure_headings(result, frame, units),
        rows=tuple(zip(_labels(result, frame, columns), _figures(result, frame, units), strict=True)),
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
    statistics = {str(s) for s in frame[schema.STATISTIC]}
    kinds = set(units)
    if len(kinds) == 1 and kinds <= set(HEADINGS):
        head = HEADINGS[units[0]]
    else:
        head = clean(heading(statistics.pop())) if len(statistics) == 1 else "Estimate"
    deff = () if result.deff is None else ("deff",)
    return (head, "SE", f"{confidence(result.level)} CI", "n", *deff)


def _figures(result: Listed, frame: pd.DataFrame, units: np.ndarray) -> list[tuple[str, ...]]:
    """Numbers of each row as text; limits stand under each other."""
    mixed = len(set(units)) > 1
    places = _places(frame)
    rows = []
    for row, unit, (digits, finer) in zip(frame.to_dict("records"), units, places, strict=True):
        low, high = row[schema.CI_LOW], row[schema.CI_HIGH]
        if unit in (SHARE, POINTS):
            write = percent if unit == SHARE else points
            text = write(row[schema.ESTIMATE], 1)
            estimate = (
                text if mixed and unit == SHARE else f"{text} pts" if mixed and text != "-" else text.removesuffix("%")
            )
            error = percent(row[schema.SE], 1).removesuffix("%")
            limits = interval(low, high, 1).replace("%", "%" if mixed and unit == SHARE else "")
        else:
            estimate = (signed if unit == DIFFERENCE else number)(row[schema.ESTIMATE], digits)
            error, limits = number(row[schema.SE], finer), interval(low, high, digits, percent=False)
        n = f"{MARK} {number(row[schema.N])}" if row[schema.N] < schema.LOW_BASE else number(row[schema.N])
        deff = () if result.deff is None else (number(row[schema.DEFF], 2),)
        rows.append([estimate, error, limits, n, *deff])
    return [tuple(row) for row in _under_each_other(rows)]


def _places(frame: pd.DataFrame) -> list[tuple[int, int]]:
    """Decimals of each row and of its standard error: the same for all rows of a variable and statistic."""
    variable = frame[schema.VARIABLE].where(~frame[schema.STATISTIC].isin(UNITLESS), "")
    out = [(0, 0)] * len(frame)
    for (_, statistic), at in frame.groupby([variable, schema.STATISTIC], sort=False, dropna=False).indices.items():
        rows = frame.iloc[at]
        quantile = family(str(statistic)) == "quantile"
        digits = decimals(rows[schema.ESTIMATE], rows[schema.SE], whole=quantile)
        finer = max(digits, decimals((), rows[schema.SE])) if quantile else digits
        for place in at:
            out[place] = digits, finer
    return out


def _under_each_other(rows: list[list[str]]) -> list[list[str]]:
    """Both limits of each interval filled with blanks to the same width."""
    parts = [row[2].partition(" to ") for row in rows]
    widths = [max((len(part[side]) for part in parts if part[1]), default=0) for side in (0, 2)]
    for row, (low, to, high) in zip(rows, parts, strict=True):
        row[2] = f"{low:>{widths[0]}}{to}{high:>{widths[1]}}" if to else low
    return rows


def _notes(result: Listed, frame: pd.DataFrame) -> tuple[str, ...]:
    """Symbols, what was left out, the domain, the design with its degrees of freedom, the intervals."""
    notes = []
    if (frame[schema.N] < schema.LOW_BASE).any():
        notes.append(f"{MARK} Fewer than {schema.LOW_BASE} respondents: read with caution.")
    if set(frame[schema.STATISTIC]) & {"difference", "contrast"}:
        notes.append("n: the smallest base that is used.")
    notes += [clean(notice.text, _LABEL * 2) for notice in result.notices]
    if result.context.get("where"):
        notes.append(clean(f"Base: {result.context['where']}.", _LABEL * 2))
    design = clean(result.context.get("design", ""), _LABEL * 2)
    whole = float(result.df).is_integer()
    df = "normal intervals" if np.isinf(result.df) else f"{number(result.df, 0 if whole else 1)} degrees of freedom"
    notes.append(f"{f'Design: {design}; ' if design else ''}{df}; {_method(result)}.")
    return tuple(notes)


def _method(result: Listed) -> str:
    """The kind of interval: "95% intervals: logit"."""
    word = INTERVALS.get(result.interval, "" if result.limits is not None else "t")
    return f"{confidence(result.level)} intervals{f': {word}' if word and not np.isinf(result.df) else ''}"
