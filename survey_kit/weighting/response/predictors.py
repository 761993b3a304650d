"""The columns of a propensity model: numbers as they are, categories as dummies without the first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError, listed
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine
from survey_kit.weighting.response.terms import Factor, Model, Term, columns_of, evaluate, read_model
from survey_kit.weighting.rows.numbers import numbers_of
from survey_kit.weighting.rows.subject import Subject, category_text

_MOST_COLUMNS = 500

_FEW = 4  # rows for each distinct one from which on distinct rows are worth finding

__all__ = ["Model", "Predictors", "distinct_predictors", "predictors"]


@dataclass(frozen=True, eq=False)
class Predictors:
    """A model matrix.

    Attributes:
        x: the constant first, then the columns of each term. Shape (n, p).
        names: of the columns of x: "Intercept", "age", "region[North]", "region[North]:age".
        code: the row of x that each row has, where x holds distinct rows only; None: row i is row i. Shape (n,).
    """

    x: FloatArray
    names: tuple[str, ...]
    code: IntArray | None = None


def predictors(subject: Subject, model: Model) -> Predictors:
    """The model matrix of a subject's rows.

    Args:
        subject: the rows. Columns of a DataFrame are numbers where they hold numbers or booleans, else categories; columns
            of a survey are what the codebook says.
        model: column names, or a formula (see `read_model`).

    Raises:
        UnknownNameError: a column that does not exist.
        ArgumentError: a missing or infinite value, a single category, too many categories, or a model that cannot be read.
        UndeclaredMissingError: codes of a survey that read like "don't know" would enter as numbers.
    """
    terms = read_model(model, subject.frame.columns)
    reader = _Reader(subject)
    present = {frozenset(term) for term in terms}
    blocks: list[tuple[FloatArray, tuple[str, ...]]] = [(np.ones((subject.n, 1)), ("Intercept",))]
    for term in sorted(terms, key=len):
        blocks.append(_term(reader, term, present))
        if sum(len(names) for _, names in blocks) > _MOST_COLUMNS:
            raise ArgumentError(
                f"The model has more than {_MOST_COLUMNS} columns. Merge categories, or leave terms out."
            )
    x = np.hstack([block for block, _ in blocks])
    names = tuple(name for _, part in blocks for name in part)
    return Predictors(x, names)


def distinct_predictors(subject: Subject, model: Model) -> Predictors:
    """`predictors` on the distinct rows only, where they are few: x is (G, p) then, and `code` says which one a row has."""
    frame = subject.frame
    used = {c for term in read_model(model, frame.columns) for f in term for c in columns_of(f, frame.columns)}
    keys = [pd.factorize(frame[c], use_na_sentinel=False)[0].astype(np.int64) for c in sorted(used)]
    code, first = combine([(subject.base > 0).astype(np.int64), *keys])
    if _FEW * len(first) > subject.n:
        return predictors(subject, model)
    try:
        made = predictors(replace(subject, frame=frame.iloc[first], base=subject.base[first], survey=None), model)
    except ArgumentError:
        return predictors(subject, model)  # which says the same of the rows
    return replace(made, code=code)


class _Reader:
    """Columns of a subject, each read and checked once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._found: dict[str, tuple[IntArray, tuple[str, ...]]] = {}

    def numbers(self, column: str) -> FloatArray:
        """A column as numbers. Shape (n,)."""
        if not _numeric(self.subject.frame[column]):
            raise ArgumentError(f"{column!r} holds categories; arithmetic in a model needs numbers.")
        numbers, valid = numbers_of(self.subject, column)
        idle = ~valid & (self.subject.base == 0)  # nobody whom weights could move
        _complete(column, valid | idle)
        numbers = np.where(idle, 0.0, numbers)
        _finite(column, numbers)
        return numbers

    def positions(self, column: str) -> tuple[IntArray, tuple[str, ...]]:
        """The category of each row, shape (n,), and the categories."""
        if column not in self._found:
            self._found[column] = self._categories(column)
            _bound_levels(column, self._found[column][1])
        return self._found[column]

    def _categories(self, column: str) -> tuple[IntArray, tuple[str, ...]]:
        values, book = self.subject.frame[column], self.subject.codebook
        if book is not None and column in book:
            from survey_kit.block import single_choice

            block = single_choice(self.subject.frame, book[column])
            _complete(column, block.base)
            return _without_empty(block.positions(), block.labels)
        _complete(column, values.notna().to_numpy())
        categories = pd.Categorical(values)
        return _without_empty(categories.codes.astype(np.int64), tuple(category_text(c) for c in categories.categories))


def _term(reader: _Reader, term: Term, present: set[frozenset[Factor]]) -> tuple[FloatArray, tuple[str, ...]]:
    """The columns of a term: products of the columns of its factors. Shape (n, q)."""
    x: FloatArray = np.ones((reader.subject.n, 1))
    names: tuple[str, ...] = ("",)
    for factor in term:
        rest = frozenset(term) - {factor}
        block, written = _columns_of(reader, factor, whole=bool(rest) and rest not in present)
        x = (x[:, :, None] * block[:, None, :]).reshape(len(x), -1)
        names = tuple(f"{a}:{b}" if a else b for a in names for b in written)
    return x, names


def _columns_of(reader: _Reader, factor: Factor, whole: bool) -> tuple[FloatArray, tuple[str, ...]]:
    """A number, or dummies: all of them (`whole`) where the term without the factor is not in the model. Shape (n, q)."""
    if not factor.column:
        numbers = evaluate(factor, reader.numbers)
        _finite(factor.text, numbers)
        return np.broadcast_to(numbers, (reader.subject.n,)).reshape(-1, 1), (factor.text,)
    if not factor.categories and not means_categories(reader.subject, factor.column):
        return reader.numbers(factor.column)[:, None], (factor.column,)
    position, levels = reader.positions(factor.column)
    if len(levels) < 2:
        raise ArgumentError(f"{factor.column!r} has a single category ({levels[0]}) and tells nothing. Leave it out.")
    first = 0 if whole else 1
    dummies = (position[:, None] == np.arange(first, len(levels))).astype(np.float64)
    return dummies, tuple(f"{factor.column}[{level}]" for level in levels[first:])


def means_categories(subject: Subject, column: str) -> bool:
    """What models take a column for: text, nominal, or every valid code labelled and no stated order or scale."""
    values, book = subject.frame[column], subject.codebook
    if not _numeric(values):
        return True
    if book is None or column not in book:
        return False
    variable = book[column]
    if variable.measure in ("nominal", "scale", "ordinal"):
        return variable.measure == "nominal"
    labelled = variable.valid_labels()
    return bool(labelled) and all(code in labelled for code in values[~variable.is_missing(values)].unique())


def _numeric(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values))


def _complete(column: str, valid: BoolArray) -> None:
    if not valid.all():
        rows = np.flatnonzero(~valid) + 1
        raise ArgumentError(
            f"{column!r} has no value in {len(rows)} of {len(valid)} rows (row {listed(rows)}), and a model needs one in each. "
            "Make the missing a category, impute them, or leave the column out of the model."
        )


def _finite(column: str, numbers: FloatArray) -> None:
    if not np.isfinite(numbers).all():
        rows = np.flatnonzero(~np.isfinite(np.atleast_1d(numbers))) + 1
        raise ArgumentError(
            f"{column!r} is not a finite number in row {listed(rows)} (a log of zero?). Correct it first."
        )


def _without_empty(position: IntArray, levels: tuple[str, ...]) -> tuple[IntArray, tuple[str, ...]]:
    """Categories that no row has dropped."""
    used = np.bincount(position, minlength=len(levels)) > 0
    return (np.cumsum(used) - 1)[position], tuple(level for level, there in zip(levels, used, strict=True) if there)


def _bound_levels(column: str, levels: tuple[str, ...]) -> None:
    if len(levels) > _MOST_COLUMNS:
        raise ArgumentError(f"{column!r} has {len(levels)} categories (an identifier?). Merge them, or leave it out.")
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise ArgumentError(
            f"{column!r} has two categories that are both shown as {twice!r}. Make the values distinct."
        )
