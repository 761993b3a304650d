"""New variables from old ones: bands, nets of answers, indicators, crossings. Nothing is changed in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, Variable, format_code
from survey_kit.errors import ArgumentError, listed, one_of
from survey_kit.recode.answers import answer_code, display_texts
from survey_kit.recode.labelled import category_order
from survey_kit.recode.recoded import (
    Recoded,
    Source,
    carry_missing,
    check_declared,
    check_name,
    count,
    source_of,
    translate,
)


def band(
    codes: pd.DataFrame,
    codebook: Codebook,
    column: str,
    breaks: Sequence[float],
    name: str,
    labels: Sequence[str] | None = None,
    label: str = "",
) -> Recoded:
    """A number in ordered bands. `breaks` are lower edges: [18, 30, 45, 60] makes 18-29, 30-44, 45-59, 60+.

    New codes are 1..k. Values below the first break become system-missing and are counted in a notice. User-missing
    codes stay user-missing. Equivalents: R `cut(right = FALSE)`, Stata `egen cut`, SPSS `RECODE`.

    Args:
        breaks: k rising lower edges.
        labels: k labels; made from the breaks when None ("18-29" for whole numbers, else "18 to under 30").

    Raises:
        ArgumentError: a column of text; breaks that do not rise; a number of labels other than k.
        UndeclaredMissingError: codes in the data that read like "don't know" and are not declared missing.

    >>> frame, book = pd.DataFrame({"age": [17, 18, 44, 80]}), Codebook({"age": Variable("age")})
    >>> values, variable = band(frame, book, "age", [18, 30, 45], "age3")
    >>> values.tolist(), dict(variable.labels)
    ([nan, 1.0, 2.0, 3.0], {1: '18-29', 2: '30-44', 3: '45+'})
    """
    check_name(name)
    source = source_of(codes, codebook, column)
    edges = _edges(column, breaks)
    check_declared(source)
    if any(isinstance(code, str) for code in source.present):
        raise ArgumentError(f"Column {column!r} holds text; bands need numbers. Use collapse to group its answers.")
    carried, rest, notices = carry_missing(source, source.lost, len(edges))
    valid = [c for c in source.present if c not in source.lost]
    texts = _band_texts(edges, labels, whole=all(float(c).is_integer() for c in (*edges, *valid)))
    places = np.searchsorted(edges, np.array(valid, dtype=float), side="right")
    mapping = {c: p for c, p in zip(valid, places.tolist(), strict=True) if p > 0 and np.isfinite(c)}
    values = translate(source.series, {**mapping, **carried}, name)
    outside = (values.isna() & source.series.notna()).to_numpy()
    low = format_code(edges[0])
    notices += count(outside, "recode", f"of {column!r} below {low} or not finite: now missing.")
    variable = _variable(name, label, dict(enumerate(texts, start=1)), rest, source, "ordinal")
    return Recoded(values, variable, tuple(notices))


def _edges(column: str, breaks: Sequence[float]) -> list[float]:
    edges = list(breaks) if isinstance(breaks, (Sequence, np.ndarray)) and not isinstance(breaks, str) else []
    numbers = all(isinstance(e, (int, float, np.number)) and np.isfinite(e) for e in edges)
    if not edges or not numbers or any(low >= high for low, high in pairwise(edges)):
        raise ArgumentError(f"Breaks for {column!r} must be rising numbers, as in [18, 30, 45]; there was {breaks!r}.")
    return edges


def _band_texts(edges: list[float], labels: Sequence[str] | None, whole: bool) -> list[str]:
    if labels is not None:
        texts = [labels] if isinstance(labels, str) else list(labels)
        if len(texts) != len(edges):
            raise ArgumentError(f"{len(edges)} breaks make {len(edges)} bands; there are {len(texts)} labels.")
        return texts
    return [_band_text(low, high, whole) for low, high in pairwise(edges)] + [f"{format_code(edges[-1])}+"]


def _band_text(low: float, high: float, whole: bool) -> str:
    if not whole:
        return f"{format_code(low)} to under {format_code(high)}"
    last = high - 1
    if last == low:
        return format_code(low)
    return f"{format_code(low)}{'-' if low >= 0 else ' to '}{format_code(last)}"


def collapse(
    codes: pd.DataFrame,
    codebook: Codebook,
    column: str,
    groups: Mapping[str, Code | Iterable[Code]],
    name: str,
    label: str = "",
    other: str | None = None,
) -> Recoded:
    """Answers put together: `{"Oppose": ["Rather oppose", 5], "Support": [1, 2]}` by labels or codes.

    New codes are 1..k in the order of `groups`; `other` comes last. User-missing codes that no group names stay
    user-missing; one that a group names becomes an answer. Equivalents: R `fct_collapse`, Stata and SPSS `recode`.

    Args:
        groups: new label -> answers, each a label, a displayed label ("Yes [1]") or a code.
        other: label for the answers that no group names; None refuses to leave any out.

    Raises:
        UnknownNameError: an answer that is neither labelled nor in the data.
        ArgumentError: an answer in two groups, an empty group, or answers left out without `other`.

    >>> frame = pd.DataFrame({"q": [1, 2, 3]})
    >>> book = Codebook({"q": Variable("q", labels={1: "Support", 2: "Rather oppose", 3: "Oppose"})})
    >>> values, variable = collapse(frame, book, "q", {"For": [1], "Against": ["Rather oppose", 3]}, "q2")
    >>> values.tolist(), dict(variable.labels)
    ([1.0, 2.0, 2.0], {1: 'For', 2: 'Against'})
    """
    check_name(name)
    source = source_of(codes, codebook, column)
    mapping = _grouped(source, groups)
    texts = list(groups)
    if other is not None and (other in groups or not other):
        raise ArgumentError(f"other={other!r} must be a label that no group has.")
    lost = [c for c in source.lost if c not in mapping]
    rest = [c for c in source.known if c not in mapping and c not in lost]
    if rest and other is None:
        shown = listed(f"{format_code(c)} ({source.variable.display(c)!r})" for c in rest)
        raise ArgumentError(f"No group holds these answers of {column!r}: {shown}. Add them, or give other='...'.")
    if other is not None:
        texts.append(other)
        mapping |= dict.fromkeys(rest, len(texts))
    carried, kept, notices = carry_missing(source, lost, len(texts))
    values = translate(source.series, {**mapping, **carried}, name)
    measure: Measure = "ordinal" if source.variable.measure == "ordinal" and other is None else "nominal"
    variable = _variable(name, label, dict(enumerate(texts, start=1)), kept, source, measure)
    return Recoded(values, variable, tuple(notices))


def _grouped(source: Source, groups: Mapping[str, Code | Iterable[Code]]) -> dict[Code, int]:
    """Old code -> number of its group."""
    if not groups:
        raise ArgumentError(f"No groups for {source.variable.name!r}: give a label and its answers for each.")
    mapping: dict[Code, int] = {}
    texts = list(groups)
    for place, (text, answers) in enumerate(groups.items(), start=1):
        for code in _answer_codes(source, answers, text):
            if mapping.setdefault(code, place) != place:
                first = texts[mapping[code] - 1]
                raise ArgumentError(
                    f"Code {format_code(code)} of {source.variable.name!r} is in two groups, {first!r} and {text!r}."
                )
    return mapping


def _answer_codes(source: Source, answers: Code | Iterable[Code], what: str) -> list[Code]:
    given = [answers] if isinstance(answers, (str, int, float, np.number)) else list(answers)
    if not given or not isinstance(what, str) or not what:
        raise ArgumentError(f"{what!r} of {source.variable.name!r} needs a label in text and at least one answer.")
    return [answer_code(source.variable, answer, source.present) for answer in given]


def indicator(
    codes: pd.DataFrame,
    codebook: Codebook,
    column: str,
    answers: Code | Iterable[Code],
    name: str,
    label: str = "",
    missing: str = "exclude",
    labels: tuple[str, str] = ("No", "Yes"),
) -> Recoded:
    """A 0/1 variable: 1 where one of the answers was given.

    Args:
        answers: labels or codes that count as 1; a user-missing code may be among them.
        missing: what becomes of user-missing codes. "exclude": they stay user-missing, the base is those who answered.
            "zero": they count as 0, the base is everybody who was asked; the rows are counted in a notice.
            System-missing values stay missing either way.
        labels: value labels of 0 and 1.

    Raises:
        UnknownNameError: an answer that is neither labelled nor in the data.
        ArgumentError: another word for `missing`, or labels that are no pair.
        UndeclaredMissingError: with "exclude", codes in the data that read like "don't know" and are not declared
            missing: they would count as 0.

    >>> from survey_kit.codebook import MissingRule
    >>> frame = pd.DataFrame({"q": [1, 2, 9, None]})
    >>> book = Codebook({"q": Variable("q", labels={1: "Yes", 2: "No", 9: "Refused"}, missing=MissingRule((9,)))})
    >>> indicator(frame, book, "q", ["Yes"], "yes").values.tolist()
    [1.0, 0.0, 9.0, nan]
    >>> indicator(frame, book, "q", ["Yes"], "yes", missing="zero").values.tolist()
    [1.0, 0.0, 0.0, nan]
    """
    check_name(name)
    one_of("missing", missing, ("exclude", "zero"))
    if isinstance(labels, str) or len(labels) != 2 or labels[0] == labels[1]:
        raise ArgumentError(f"labels={labels!r} must be two different labels, of 0 and of 1, as in ('No', 'Yes').")
    source = source_of(codes, codebook, column)
    chosen = _answer_codes(source, answers, "answers")
    lost = [c for c in source.lost if c not in chosen]
    kept = lost if missing == "exclude" else []
    if missing == "exclude":
        check_declared(source, chosen)
    carried, rest, notices = carry_missing(source, kept, 1)
    mapping: dict[Code, float] = dict.fromkeys(source.present, 0) | dict.fromkeys(chosen, 1) | carried
    if missing == "zero":
        counted = source.series.isin(lost).to_numpy(dtype=bool)
        notices += count(counted, "missing", f"of {column!r} without an answer: counted as {labels[0]!r}.")
    variable = _variable(name, label, {0: labels[0], 1: labels[1]}, rest, source, "nominal")
    return Recoded(translate(source.series, mapping, name), variable, tuple(notices))


def cross(
    codes: pd.DataFrame,
    codebook: Codebook,
    columns: Sequence[str],
    name: str,
    label: str = "",
    separator: str = " x ",
) -> Recoded:
    """The crossing of categorical variables: one code per combination that is present, labelled "Male x 18-29".

    Codes are 1..k in codebook order, the first column varying slowest. Rows in which one of the columns is system- or
    user-missing are system-missing and counted in a notice. Equivalents: R `interaction(lex.order = TRUE)`, Stata
    `egen group`.

    Raises:
        UnknownNameError: no such column.
        ArgumentError: fewer than two columns, or one of them twice.

    >>> frame = pd.DataFrame({"sex": [1, 2, 2], "area": [1, 1, 2]})
    >>> book = Codebook({"sex": Variable("sex", labels={1: "M", 2: "F"}), "area": Variable("area")})
    >>> values, variable = cross(frame, book, ["sex", "area"], "cell")
    >>> values.tolist(), dict(variable.labels)
    ([1.0, 2.0, 3.0], {1: 'M x 1', 2: 'F x 1', 3: 'F x 2'})
    """
    check_name(name)
    if isinstance(columns, str) or len(columns) < 2 or len(set(columns)) < len(columns):
        raise ArgumentError(f"A crossing needs two or more different columns; there was {columns!r}.")
    parts = [_placed(source_of(codes, codebook, column)) for column in columns]
    complete = np.logical_and.reduce([places >= 0 for places, _ in parts])
    texts, found = [""], np.zeros(int(complete.sum()), dtype=np.int64)
    for j, (places, shown) in enumerate(parts):
        keys, found = np.unique(found * len(shown) + places[complete], return_inverse=True)
        pairs = [divmod(key, len(shown)) for key in keys.tolist()]
        texts = [f"{texts[before]}{separator if j else ''}{shown[here]}" for before, here in pairs]
    values = np.full(len(codes), np.nan)
    values[complete] = found + 1
    variable = Variable(name, label=label, labels=dict(enumerate(texts, start=1)), measure="nominal")
    notices = count(~complete, "missing", f"missing in one of {', '.join(columns)}: no combination.")
    return Recoded(pd.Series(values, index=codes.index, name=name), variable, tuple(notices))


def _placed(source: Source) -> tuple[np.ndarray, list[str]]:
    """Place of every row in the order of the categories (-1 where missing, shape (n,)), and the categories' texts."""
    order = category_order(source.series, source.variable)
    places = translate(source.series, {code: i for i, code in enumerate(order)}, source.variable.name)
    return places.fillna(-1).to_numpy().astype(np.int64), display_texts(source.variable, order)


def _variable(
    name: str, label: str, labels: Mapping[Code, str], rest: Variable, source: Source, measure: Measure
) -> Variable:
    """The new variable: its own labels, then those of the missing codes; wording and filter of the source."""
    return Variable(
        name,
        label=label or source.variable.label,
        labels={**labels, **rest.labels},
        missing=rest.missing,
        question=source.variable.question,
        measure=measure,
        filter=source.variable.filter,
    )
