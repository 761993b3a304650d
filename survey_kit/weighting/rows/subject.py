"""Who is weighted: the rows of a DataFrame or a survey, their answers as integer codes, and their base weights."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import cached_property
from inspect import getattr_static
from typing import TypeAlias, cast

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, Variable, format_code
from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import ArgumentError, InvalidWeightError, NoValidData, UnsupportedOption, listed
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, levels_of
from survey_kit.results.weights import Weights
from survey_kit.weighting.rows.columns import check_column

_OF_A_SURVEY = ("codes", "codebook", "weight", "domain", "reweighted")

Base: TypeAlias = str | pd.Series | np.ndarray | list[float] | Weights | None


@dataclass(frozen=True, eq=False)
class Subject:
    """Rows to be weighted.

    Attributes:
        frame: values (of a DataFrame) or codes (of a survey). n rows.
        base: checked base weights; ones when none were given. Shape (n,).
        weighted: whether base weights were given (a survey always has them).
        codebook: what the codes mean; None for a plain DataFrame.
        survey: the survey, to be handed back re-weighted; None for a plain DataFrame.
        before: the record of the base weights, where they were made by a weighting verb.
    """

    frame: pd.DataFrame
    base: FloatArray
    weighted: bool
    codebook: Codebook | None = None
    survey: SurveyLike | None = None
    before: Weights | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def total(self) -> float:
        """What weights sum to when targets are shares: the base total, or n without base weights."""
        return float(self.base.sum())

    def titles(self, names: Iterable[object]) -> dict[str, str]:
        """Titles of those of some variables that the codebook knows."""
        book = self.codebook
        return {} if book is None else {str(name): book[str(name)].title for name in names if name in book}

    def column(self, name: Hashable) -> pd.Series:
        """One column as it is, user-missing codes of a survey as missing.

        Raises:
            UnknownNameError: no such column. ArgumentError: several.
        """
        check_column(name, self.frame.columns)
        values = self.frame[name]
        if self.codebook is None or name not in self.codebook:
            return values
        return values.mask(self.codebook[str(name)].is_missing(values))

    def base_series(self) -> pd.Series:
        """The base weights on the index of the data."""
        return pd.Series(self.base, index=self.frame.index, name="base")


@dataclass(frozen=True, eq=False)
class Answers:
    """One variable as codes.

    Attributes:
        codes: 0..k-1 for a category, -1 where the value is missing. Shape (n,).
        names: how each category is shown. k of them.
        known_as: texts that mean a category (its label, its code, "label [code]") -> positions.
    """

    codes: IntArray
    names: tuple[str, ...]
    known_as: dict[str, list[int]] = field(repr=False)
    booleans: bool = False

    def at(self, text: str) -> list[int]:
        """Positions of the categories that a text names; "1.0" is 1 as well, and midnight the day."""
        return next((self.known_as[t] for t in (text, *_spellings(text)) if t in self.known_as), [])

    @cached_property
    def missing(self) -> int:
        """Rows without a value."""
        return int(np.count_nonzero(self.codes < 0))


def subject_of(data: pd.DataFrame | SurveyLike, base: Base = None) -> Subject:
    """The rows of a DataFrame or a survey with checked base weights.

    Args:
        data: a DataFrame, or a survey without a domain.
        base: a column name, a Series on the index of the data, an array, the Weights of an earlier step (the chain goes
            on), or None: ones for a DataFrame, the weight in force for a survey.

    Raises:
        InvalidWeightError, UnknownNameError, ArgumentError, NoValidData, UnsupportedOption.
    """
    survey = None if isinstance(data, pd.DataFrame) else _survey(data)
    frame = data if isinstance(data, pd.DataFrame) else data.codes
    if len(frame) == 0:
        raise NoValidData("The data have no rows: there is nobody to weight.")
    before = base if isinstance(base, Weights) else None
    chosen: Base = base.values if isinstance(base, Weights) else base
    if base is None and survey is not None:
        chosen, before = survey.weight, getattr(survey, "weights", None)
    numbers = np.ones(len(frame)) if chosen is None else _base_weights(frame, chosen)
    if base is not None and survey is not None:
        _refuse_other_base(survey, numbers)
    return Subject(
        frame=frame,
        base=numbers,
        weighted=chosen is not None,
        codebook=None if survey is None else survey.codebook,
        survey=survey,
        before=before,
    )


def _refuse_other_base(survey: SurveyLike, base: FloatArray) -> None:
    """Replicate weights, and weighting steps of the design, belong to the survey's own weight; to another base they do not."""
    replicated = survey.design.replicates is not None
    if not (replicated or survey.design.adjustments) or np.allclose(base, survey.weight, rtol=1e-9, atol=0):
        return
    what = "replicate weights" if replicated else "a survey that was weighted already"
    raise UnsupportedOption(
        f"base= is not available with {what}: only the survey's own weight would do. Leave base out, or state the weight first, "
        "with_design(weight=...)."
    )


def tabulated_of(data: pd.DataFrame | SurveyLike, weight: Base = None) -> tuple[Subject, BoolArray]:
    """The rows of a reference that targets are tabulated from, and which of them count: those in the survey's domain.

    Raises:
        InvalidWeightError, UnknownNameError, ArgumentError, NoValidData.
    """
    if isinstance(data, pd.DataFrame):
        return subject_of(data, weight), np.ones(len(data), dtype=bool)
    survey = _survey_like(data)
    chosen = weight.values if isinstance(weight, Weights) else survey.weight if weight is None else weight
    subject = Subject(survey.codes, _base_weights(survey.codes, chosen), True, survey.codebook, survey)
    inside = np.ones(subject.n, dtype=bool) if survey.domain is None else survey.domain
    return subject, inside


def answers(subject: Subject, name: Hashable) -> Answers:
    """The codes of one column, with the texts that its categories are known by. The column must exist.

    Rows of base weight zero are nobody whom weights could move: where they have no value, they take the first one there is.
    """
    found = _answers(subject, name)
    if not found.missing:
        return found
    idle = (found.codes < 0) & (subject.base == 0)
    if not idle.any():
        return found
    there = found.codes[(found.codes >= 0) & (subject.base > 0)]
    return replace(found, codes=np.where(idle, there[0] if len(there) else -1, found.codes))


def _answers(subject: Subject, name: Hashable) -> Answers:
    column = subject.frame[name]
    if subject.codebook is not None and name in subject.codebook:
        return _labelled(column, subject.codebook[str(name)])
    codes, values = _factorize(column)
    names = tuple(category_text(v) for v in values)
    booleans = bool(values) and all(isinstance(v, (bool, np.bool_)) for v in values)
    return Answers(codes, names, _positions((text,) for text in names), booleans)


def category_text(value: object) -> str:
    """A category as text: 1, 1.0 and "1" are all "1", and midnight is the day."""
    if isinstance(value, datetime) and value.tzinfo is None and value.time() == time():
        return value.date().isoformat()
    return format_code(value)


def _spellings(text: str) -> list[str]:
    """How a text that names a number or a day may be written otherwise."""
    if re.fullmatch(r"-?\d+(\.0+)?", text):
        return [text.split(".")[0], f"{text.split('.')[0]}.0"]
    day = re.fullmatch(r"(\d{4}-\d\d-\d\d)([ T]00:00(:00(\.0+)?)?)?", text)
    return [day[1], f"{day[1]} 00:00:00"] if day else []


def _survey_like(data: object) -> SurveyLike:
    if not has_all(data, _OF_A_SURVEY):
        raise ArgumentError(f"data is a {type(data).__name__}; it must be a pandas DataFrame or a survey.")
    return cast("SurveyLike", data)


def _survey(data: object) -> SurveyLike:
    survey = _survey_like(data)
    survey.design.refuse_weighting()
    if survey.domain is not None:
        raise UnsupportedOption(
            "Only a whole survey can be weighted, not a domain of it. Weight the survey first and set `where` after."
        )
    return survey


def has_all(data: object, names: Iterable[str]) -> bool:
    """Whether an object has attributes, which are looked up without being computed: binding a design is work, and may fail."""
    absent = object()
    return all(getattr_static(data, name, absent) is not absent for name in names)


def _base_weights(frame: pd.DataFrame, base: str | pd.Series | np.ndarray | list[float]) -> FloatArray:
    if isinstance(base, str):
        check_column(base, frame.columns)
        return _numbers(frame[base], base)
    if isinstance(base, pd.Series):
        return _numbers(_aligned(base, frame.index), str(base.name) if base.name is not None else "base")
    values = np.asarray(base)
    if values.shape != (len(frame),):
        raise ArgumentError(f"base has shape {values.shape}; the data have {len(frame)} rows, so give ({len(frame)},).")
    return _numbers(pd.Series(values, index=frame.index), "base")


def _aligned(base: pd.Series, index: pd.Index) -> pd.Series:
    """Base weights in the order of the data's index."""
    if base.index.equals(index):
        return base
    if len(base) == len(index) and base.index.is_unique and index.is_unique and index.isin(base.index).all():
        return base.reindex(index)
    raise ArgumentError(
        f"base is a Series of {len(base)} rows whose index is not that of the data ({len(index)} rows). "
        "Give it the same index, or pass base.to_numpy() if the order of rows is the same."
    )


def _numbers(values: pd.Series, name: str) -> FloatArray:
    if values.dtype == object or pd.api.types.is_string_dtype(values):
        values = _without_text(values, name)
    return np.array(check_weights(values, name), dtype=np.float64)


def _without_text(values: pd.Series, name: str) -> pd.Series:
    text = np.array([isinstance(v, str) for v in values], dtype=bool)
    if text.any():
        wrong = text & pd.to_numeric(values, errors="coerce").isna().to_numpy()
        shown = np.flatnonzero(wrong if wrong.any() else text) + 1
        advice = (
            "Correct these values."
            if wrong.any()
            else "They all read as numbers: convert the column with pd.to_numeric first."
        )
        raise InvalidWeightError(
            f"Weight {name!r} is text in {len(shown)} of {len(values)} rows (row {listed(shown)}). {advice}"
        )
    return pd.to_numeric(values, errors="coerce")


def _labelled(codes: pd.Series, variable: Variable) -> Answers:
    """Answers of a survey variable: user-missing codes are missing; a category is known by its label and its code."""
    found, values = _factorize(codes.mask(variable.is_missing(codes)))
    labelled = [c for c in variable.valid_labels() if c not in set(values)]
    values = [*values, *labelled]
    names = tuple(variable.display(v) for v in values)  # type: ignore[arg-type]
    return Answers(found, names, _positions(_texts(v, variable) for v in values))


def _texts(code: object, variable: Variable) -> set[str]:
    text = category_text(code)
    label = variable.labels.get(code)  # type: ignore[call-overload]
    return {text} if label is None else {text, label, f"{label} [{text}]"}


def _factorize(column: pd.Series) -> tuple[IntArray, list[object]]:
    """Codes (-1 for missing) and values of a column; a Categorical keeps its order and its unused categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64), list(column.cat.categories)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i":
        found, levels = levels_of(column.to_numpy())
        return found, list(levels)
    codes, values = pd.factorize(column)
    return codes.astype(np.int64, copy=False), list(values)


def _positions(texts: object) -> dict[str, list[int]]:
    known: dict[str, list[int]] = {}
    for position, names in enumerate(texts):  # type: ignore[arg-type,var-annotated]
        for text in names:
            known.setdefault(text, []).append(position)
    return known
