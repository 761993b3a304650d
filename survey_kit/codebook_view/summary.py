"""What the answers to each variable come to: counts, weighted shares, reasons for gaps, least and largest value.

Texts and values that may point at a person are counted and never listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Variable, describe_missing, format_code
from survey_kit.errors import listed
from survey_kit.io.personal import named_personal, personal_values
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import column_of, display_texts
from survey_kit.recode.labelled import category_order, stays_numeric

VALID, MISSING, UNLABELLED = "valid", "missing", "unlabelled"
SINGLE, MULTIPLE, NUMBER = "single choice", "multiple response", "number"
DATE, TEXT, IDENTIFIER = "date", "text", "identifier"
FEW = 12  # a number with up to so many different values shows each of them
_REASONS = 20  # codes of a missing range without a label that are listed one by one
_BINS = 24


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows count, and how much.

    Attributes:
        weight: of the rows that count. Shape (m,).
        inside: True for the rows that count, None for all. Shape (n,).
    """

    weight: FloatArray
    inside: BoolArray | None = None

    def of(self, column: pd.Series) -> pd.Series:
        """The column's rows that count."""
        return column if self.inside is None else column[self.inside]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer or one reason for a gap.

    Attributes:
        code: None for what has none: system-missing values, texts that are not listed.
        label: what the code says; empty where it has no label.
        kind: "valid", "missing", or "unlabelled" for a code that the labels leave out.
        n: unweighted count.
        share: weighted share of the valid answers; NaN for reasons, and where nothing is valid.
    """

    code: Code | None
    label: str
    kind: str
    n: int
    share: float = np.nan


@dataclass(frozen=True, slots=True)
class Summary:
    """One variable or multiple-response set with what was answered.

    Attributes:
        name, label, question, measure, missing, filter, origin: as in the codebook; the missing rule in words.
        type: "single choice", "multiple response", "number", "date", "text" or "identifier".
        values: the labels in a sentence.
        n: unweighted valid answers. missing_n: system- and user-missing ones.
        answers: valid answers in order, then reasons for gaps.
        low, mean, high: of a number; NaN elsewhere and where they must not be told. The mean is weighted.
        earliest, latest: of a date.
        distinct: how many different values there are, where they are not listed.
        bins: weighted shares of equal intervals from low to high; empty where there is no such picture.
        flag: what a reader must know.
        suspects: codes that read like nonresponse and are not declared missing.
        members: columns of a multiple-response set.
    """

    name: str
    label: str = ""
    question: str = ""
    type: str = TEXT
    measure: str = ""
    values: str = ""
    missing: str = ""
    filter: str = ""
    origin: str = ""
    n: int = 0
    missing_n: int = 0
    answers: tuple[Answer, ...] = ()
    low: float = np.nan
    mean: float = np.nan
    high: float = np.nan
    earliest: pd.Timestamp = pd.NaT
    latest: pd.Timestamp = pd.NaT
    distinct: int | None = None
    bins: tuple[float, ...] = ()
    flag: str = ""
    suspects: tuple[Code, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counts:
    """A column reduced to its different values.

    Attributes:
        values: the different values; n, weight: how often each occurs. Shape (k,).
        lost: True for user-missing values. Shape (k,).
        blank: how many rows have no value.
    """

    values: np.ndarray
    n: IntArray
    weight: FloatArray
    lost: BoolArray
    blank: int

    @property
    def kept(self) -> BoolArray:
        """True for valid values. Shape (k,)."""
        return ~self.lost

    @property
    def total(self) -> float:
        """Sum of the weights of valid answers."""
        return float(self.weight[self.kept].sum())

    def answers(self, codes: Sequence[Code], variable: Variable, kind: str, loose: str) -> list[Answer]:
        """What was answered, a code a line; `loose` is the kind of a code without a label."""
        if not codes:
            return []
        place = {value: at for at, value in enumerate(self.values.tolist())}
        n, weight = [*self.n.tolist(), 0], [*self.weight.tolist(), 0.0]  # the last ones are of a code that nobody gave
        total = 0.0 if kind == MISSING else self.total
        out = []
        for code, text in zip(codes, display_texts(variable, codes), strict=True):
            at, labelled = place.get(code, -1), code in variable.labels
            share = weight[at] / total if total > 0 else np.nan
            out.append(Answer(code, text if labelled else "", kind if labelled else loose, n[at], share))
        return out


def summarise(codes: pd.DataFrame, variable: Variable, rows: Rows) -> Summary:
    """One variable with what was answered."""
    base = Summary(
        name=variable.name,
        label=variable.label,
        question=variable.question,
        measure=variable.measure,
        values="; ".join(f"{format_code(c)} = {t}" for c, t in variable.labels.items()),
        missing=describe_missing(variable.missing),
        filter=variable.filter,
        origin=variable.origin,
    )
    if variable.name not in codes.columns:
        return replace(base, flag="There is no column of this name in the data.")
    column = rows.of(column_of(codes, variable.name))
    counts = _counts(column, variable, rows.weight)
    n = int(counts.n[counts.kept].sum())
    base = replace(base, n=n, missing_n=len(column) - n)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _date(base, variable, counts)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return _numeric(base, variable, counts)
    return _text(base, variable, counts)


def _counts(column: pd.Series, variable: Variable, weight: FloatArray) -> _Counts:
    place, values = pd.factorize(_plain(column))
    values = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    known = place >= 0
    if not known.all():
        place, weight = place[known], weight[known]
    lost = np.zeros(len(values), dtype=bool)
    if variable.missing is not None and len(values):
        lost = variable.missing.mask(pd.Series(values))
    return _Counts(
        values,
        np.bincount(place, minlength=len(values)),
        weighted_counts(place, weight, len(values)),
        lost,
        len(column) - len(place),
    )


def _plain(column: pd.Series) -> pd.Series | np.ndarray:
    """Numbers as an array, which is much quicker; everything else as it is."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        return column.to_numpy()
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return column


def _reasons(variable: Variable, counts: _Counts) -> tuple[Answer, ...]:
    """Reasons for gaps: declared codes, those that a range adds, and no value at all."""
    rule = variable.missing
    labelled = [c for c in variable.labels if rule is not None and c in rule]
    loose = [c for c in _sorted(counts.values[counts.lost]) if c not in variable.labels]
    hidden = len(loose) > _REASONS or _personal_reasons(variable, counts, loose)
    shown, rest = ([], loose) if hidden else (loose, [])
    out = counts.answers([*labelled, *shown], variable, MISSING, MISSING)
    if rest:
        n = int(counts.n[counts.lost].sum()) - sum(a.n for a in out)
        out.append(Answer(None, f"{len(rest):,} other missing codes ({describe_missing(rule)})", MISSING, n))
    if counts.blank:
        out.append(Answer(None, "No value", MISSING, counts.blank))
    return tuple(out)


def _personal_reasons(variable: Variable, counts: _Counts, codes: Sequence[Code]) -> bool:
    """Whether values that lie in a missing range may point at a person. Codes that are declared one by one do not."""
    stated = () if variable.missing is None else variable.missing.values
    if counts.values.dtype.kind not in "fiu":
        return False
    ranged = np.array([c for c in codes if c not in stated], dtype=float)
    return personal_values(variable, ranged, int(counts.n[np.isin(counts.values, ranged)].sum()))


def _sorted(values: np.ndarray) -> list[Code]:
    return sorted(values.tolist())


# --- kinds of variables -----------------------------------------------------------------------------------------------


def _numeric(base: Summary, variable: Variable, counts: _Counts) -> Summary:
    reasons = _reasons(variable, counts)
    labels = variable.valid_labels()
    values, n = counts.values[counts.kept], counts.n[counts.kept]
    found = pd.Series(values)
    suspects = tuple(looks_like_nonresponse(variable)) if labels else ()
    base = replace(base, suspects=suspects, flag=_suspect_text(variable, suspects))
    loose = np.isfinite(values) & ~np.isin(values, list(labels)) if labels else np.isfinite(values)
    personal = personal_values(variable, values[loose], int(n[loose].sum()))
    if not stays_numeric(found, variable):
        order = list(labels) if personal else category_order(found, variable)
        answers = counts.answers(order, variable, VALID, UNLABELLED)
        return replace(base, type=SINGLE, answers=(*answers, *_unlisted(answers, counts, "values"), *reasons))
    if personal:
        answers = counts.answers(list(labels), variable, VALID, VALID)
        return replace(base, type=IDENTIFIER, distinct=len(values), answers=(*answers, *reasons))
    few = len(values) <= FEW and (bool(labels) or 2 * len(values) <= n.sum())
    order = category_order(found, variable) if few else list(labels)
    answers = counts.answers(order, variable, VALID, VALID)
    return replace(_measured(base, counts, few), type=NUMBER, answers=(*answers, *reasons))


def _unlisted(answers: Sequence[Answer], counts: _Counts, what: str) -> list[Answer]:
    """The valid answers that are counted and not shown, in one line; none where all are shown."""
    n = int(counts.n[counts.kept].sum()) - sum(a.n for a in answers)
    if not n:
        return []
    different = int(counts.kept.sum()) - sum(a.n > 0 for a in answers)
    shown = sum(a.share for a in answers)
    share = np.nan if np.isnan(shown) else max(0.0, 1 - shown)
    return [Answer(None, f"{different:,} other {what}, not listed", UNLABELLED, n, share)]


def _measured(base: Summary, counts: _Counts, few: bool) -> Summary:
    """Least, mean and largest value. The mean is not told where codes for "don't know" would enter it."""
    values = counts.values[counts.kept].astype(float)
    weight = counts.weight[counts.kept]
    if not len(values):
        return base
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        return replace(base, low=low, high=high, flag=_joined(base.flag, "Some values are infinite: no mean."))
    total = weight.sum()
    mean = float(values @ weight / total) if total > 0 and not base.suspects else np.nan
    bins = () if few or base.suspects else _histogram(values, weight)
    return replace(base, low=low, mean=mean, high=high, bins=bins, distinct=None if few else len(values))


def _histogram(values: FloatArray, weight: FloatArray) -> tuple[float, ...]:
    low, high = values.min(), values.max()
    if not low < high or not np.isfinite(high - low) or not weight.any():
        return ()
    whole = bool(np.all(values == np.floor(values))) and high - low < _BINS
    bins, span = (int(high - low) + 1, high + 1 - low) if whole else (_BINS, high - low)
    place = np.minimum(((values - low) / span * bins).astype(np.int64), bins - 1)
    sums = weighted_counts(place, weight, bins)
    return tuple((sums / sums.sum()).tolist())


def _date(base: Summary, variable: Variable, counts: _Counts) -> Summary:
    moments = pd.DatetimeIndex(counts.values[counts.kept])
    reasons = _reasons(variable, counts)
    base = replace(base, type=DATE, answers=reasons, distinct=len(moments))
    if named_personal(variable):
        return replace(base, type=IDENTIFIER)
    if not len(moments):
        return base
    return replace(base, earliest=_naive(moments.min()), latest=_naive(moments.max()))


def _naive(moment: pd.Timestamp) -> pd.Timestamp:
    return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)


def _text(base: Summary, variable: Variable, counts: _Counts) -> Summary:
    """Text: labelled codes are listed; open answers are counted, and never shown."""
    order = list(variable.valid_labels())
    reasons = _text_reasons(variable, counts)
    if not order:
        return replace(base, type=TEXT, answers=reasons, distinct=int(counts.kept.sum()))
    suspects = tuple(looks_like_nonresponse(variable))
    answers = counts.answers(order, variable, VALID, VALID)
    flag = _suspect_text(variable, suspects)
    answers += _unlisted(answers, counts, "texts")
    return replace(base, type=SINGLE, answers=(*answers, *reasons), suspects=suspects, flag=flag)


def _text_reasons(variable: Variable, counts: _Counts) -> tuple[Answer, ...]:
    declared = () if variable.missing is None else variable.missing.values
    labelled = [c for c in variable.labels if variable.missing is not None and c in variable.missing]
    found = set(counts.values[counts.lost].tolist())
    order = [*labelled, *(c for c in declared if c not in variable.labels and c in found)]
    blank = [Answer(None, "No value", MISSING, counts.blank)] if counts.blank else []
    return (*counts.answers(order, variable, MISSING, MISSING), *blank)


def _suspect_text(variable: Variable, suspects: Sequence[Code]) -> str:
    if not suspects:
        return ""
    shown = listed([f"{format_code(c)} ({variable.labels[c]})" for c in suspects])
    return f"Reads like no answer and is not declared missing: {shown}."


def _joined(*sentences: str) -> str:
    return " ".join(s for s in sentences if s)
