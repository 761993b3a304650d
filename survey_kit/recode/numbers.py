"""Recipes for numbers: bands, and a scale turned round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, format_code
from survey_kit.errors import ArgumentError, listed
from survey_kit.recode.recipe import Recipe
from survey_kit.recode.recoded import (
    Recoded,
    Source,
    carry_missing,
    check_declared,
    check_name,
    count,
    new_variable,
    source_of,
    translate,
)


@dataclass(frozen=True, slots=True)
class Bands(Recipe):
    """A number in bands; see `bands`."""

    column: str
    breaks: tuple[float, ...]
    labels: tuple[str, ...] | None = None
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The banded variable; see `bands`."""
        check_name(name)
        source = source_of(codes, codebook, self.column)
        check_declared(source)
        if any(isinstance(code, str) for code in source.present):
            raise ArgumentError(
                f"Column {self.column!r} holds text; bands need numbers. Use collapse to group its answers."
            )
        carried, rest, notices = carry_missing(source, source.lost, len(self.breaks))
        valid = [c for c in source.present if c not in source.lost]
        texts = _band_texts(self.breaks, self.labels, whole=all(float(c).is_integer() for c in (*self.breaks, *valid)))
        places = np.searchsorted(self.breaks, np.array(valid, dtype=float), side="right")
        mapping = {c: p for c, p in zip(valid, places.tolist(), strict=True) if p > 0 and np.isfinite(c)}
        values = translate(source.series, {**mapping, **carried}, name)
        outside = (values.isna() & source.series.notna()).to_numpy()
        low = format_code(self.breaks[0])
        notices += count(outside, "recode", f"of {self.column!r} below {low} or not finite: now missing.")
        origin = f"{self.column} in {len(texts)} band{'s' * (len(texts) != 1)}: {', '.join(texts)}."
        labels: dict[Code, str] = dict(enumerate(texts, start=1))
        variable = new_variable(name, self.label, labels, rest, source.variable, "ordinal", origin)
        return Recoded(values, variable, tuple(notices))


def bands(column: str, breaks: Sequence[float], labels: Sequence[str] | None = None, label: str = "") -> Bands:
    """A number in ordered bands. `breaks` are lower edges: [18, 30, 45, 60] makes 18-29, 30-44, 45-59, 60+.

    New codes are 1..k. Values below the first break become system-missing and are counted in a notice. User-missing
    codes stay user-missing. Equivalents: R `cut(right = FALSE)`, Stata `egen cut`, SPSS `RECODE`.

    Args:
        column: a numeric column.
        breaks: k rising lower edges.
        labels: k labels; made from the breaks when None ("18-29" for whole numbers, else "18 to under 30").
        label: of the new variable; that of the column when empty.

    Raises:
        ArgumentError: a column of text; breaks that do not rise; a number of labels other than k.
        UndeclaredMissingError: codes in the data that read like "don't know" and are not declared missing.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"age": [17, 18, 44, 80]}))
    >>> poll = poll.recode(age3=sk.bands("age", [18, 30, 45]))
    >>> poll.codes["age3"].tolist(), dict(poll["age3"].labels), poll["age3"].origin
    ([nan, 1.0, 2.0, 3.0], {1: '18-29', 2: '30-44', 3: '45+'}, 'age in 3 bands: 18-29, 30-44, 45+.')
    """
    edges = tuple(breaks) if isinstance(breaks, (Sequence, np.ndarray)) and not isinstance(breaks, str) else ()
    numbers = all(isinstance(e, (int, float, np.number)) and np.isfinite(e) for e in edges)
    if not edges or not numbers or any(low >= high for low, high in pairwise(edges)):
        raise ArgumentError(f"Breaks for {column!r} must be rising numbers, as in [18, 30, 45]; there was {breaks!r}.")
    texts = None if labels is None else (labels,) if isinstance(labels, str) else tuple(labels)
    if texts is not None and not all(isinstance(text, str) for text in texts):
        raise ArgumentError(f"The labels of the bands of {column!r} must be texts; there was {labels!r}.")
    if texts is not None and len(texts) != len(edges):
        raise ArgumentError(f"{len(edges)} breaks make {len(edges)} bands; there are {len(texts)} labels.")
    return Bands(column, edges, texts, label)


def _band_texts(edges: tuple[float, ...], labels: tuple[str, ...] | None, whole: bool) -> list[str]:
    if labels is not None:
        return list(labels)
    return [_band_text(low, high, whole) for low, high in pairwise(edges)] + [f"{format_code(edges[-1])}+"]


def _band_text(low: float, high: float, whole: bool) -> str:
    if not whole:
        return f"{format_code(low)} to under {format_code(high)}"
    last = high - 1
    if last == low:
        return format_code(low)
    return f"{format_code(low)}{'-' if low >= 0 else ' to '}{format_code(last)}"


@dataclass(frozen=True, slots=True)
class Reverse(Recipe):
    """A scale turned round; see `reverse`."""

    column: str
    low: int | None = None
    high: int | None = None
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The reversed variable; see `reverse`."""
        check_name(name)
        source = source_of(codes, codebook, self.column)
        valid = _whole_numbers(source)
        check_declared(source, everywhere=True)
        low, high = self._ends(source)
        _check_ends(source, valid, low, high)
        numbers = source.series.to_numpy(dtype=float, na_value=np.nan)
        kept = source.series.isin(source.lost).to_numpy(dtype=bool)
        values = pd.Series(np.where(kept, numbers, low + high - numbers), index=codes.index, name=name)
        old = source.variable
        answers: dict[Code, str] = {low + high - int(c): text for c, text in reversed(old.valid_labels().items())}
        missing = {c: text for c, text in old.labels.items() if c in source.lost}
        variable = replace(
            old,
            name=name,
            label=self.label or old.label,
            labels={**answers, **missing},
            origin=f"{self.column} reversed ({low} to {high}).",
        )
        return Recoded(values, variable)

    def _ends(self, source: Source) -> tuple[int, int]:
        """Lowest and highest code: as stated, else those of the labels. One answer that nobody gave must not move them."""
        labelled = [int(c) for c in source.variable.valid_labels()]
        if len(labelled) < 2 and (self.low is None or self.high is None):
            raise ArgumentError(
                f"The labels of {self.column!r} do not say where its scale begins and ends. State both, as in "
                f"reverse({self.column!r}, low=1, high=5)."
            )
        low = min(labelled) if self.low is None else self.low
        high = max(labelled) if self.high is None else self.high
        if low >= high:
            raise ArgumentError(f"The scale of {self.column!r} would run from {low} to {high}. Correct low or high.")
        return low, high


def reverse(column: str, low: int | None = None, high: int | None = None, label: str = "") -> Reverse:
    """A scale turned round: lowest + highest - code. Labels go with the answers, user-missing codes stay.

    Who said 1 "Strongly agree" on a scale of 1 to 5 has the code 5, which is now labelled "Strongly agree"; tables show
    the answers from the other end. The same arithmetic as `reverse=` of `sk.scale`. Equivalents: R `6 - x` or
    `psych::reverse.code`, Stata `revrs`, SPSS `RECODE (1=5)(2=4)...`.

    Args:
        column: a column of whole numbers.
        low, high: ends of the scale; the lowest and highest labelled code when None. A scale of which fewer than two
            points are labelled needs both: the data need not reach its ends.
        label: of the new variable; that of the column when empty.

    Raises:
        ArgumentError: text or broken numbers; codes outside the ends; ends that nobody stated.
        UndeclaredMissingError: codes that read like "don't know" and are not declared missing.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 3]})).relabel("q", labels={1: "Yes", 2: "Partly", 3: "No"})
    >>> poll = poll.recode(q_r=sk.reverse("q"))
    >>> poll.codes["q_r"].tolist(), dict(poll["q_r"].labels)
    ([3.0, 2.0, 1.0], {1: 'No', 2: 'Partly', 3: 'Yes'})
    """
    for end in (low, high):
        if end is not None and (isinstance(end, bool) or not isinstance(end, (int, np.integer))):
            raise ArgumentError(f"low and high of {column!r} are whole numbers; there was {end!r}.")
    return Reverse(column, None if low is None else int(low), None if high is None else int(high), label)


def _whole_numbers(source: Source) -> list[Code]:
    """Valid codes, labelled or present. Raises ArgumentError unless they are whole numbers."""
    name = source.variable.name
    valid = [c for c in source.known if c not in source.lost]
    if any(isinstance(c, str) for c in valid):
        raise ArgumentError(
            f"Column {name!r} holds text; only numbers can be reversed. Give it codes with mapping first."
        )
    broken = [c for c in valid if not float(c).is_integer()]
    if broken:
        shown = listed(map(format_code, broken), 3)
        raise ArgumentError(f"Column {name!r} holds {shown}: a scale that is reversed has whole numbers.")
    return valid


def _check_ends(source: Source, valid: list[Code], low: int, high: int) -> None:
    name = source.variable.name
    outside = [c for c in valid if not low <= float(c) <= high]
    if outside:
        shown = listed(map(format_code, outside))
        raise ArgumentError(
            f"{name!r} has codes outside {low} to {high}: {shown}. Declare them missing, correct them, or state the ends "
            "of the scale with low= and high=."
        )
    rule = source.variable.missing
    onto = [c for c in valid if rule is not None and low + high - float(c) in rule]
    if onto:
        new = format_code(low + high - float(onto[0]))
        raise ArgumentError(f"Code {format_code(onto[0])} of {name!r} would become {new}, which is user-missing there.")
