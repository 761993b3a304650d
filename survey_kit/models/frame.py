"""The rows and columns that a model is fitted on: labels for categories, numbers for the rest, nobody with a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.block import number, single_choice
from survey_kit.codebook import Variable
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, NoValidData, unknown
from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.models.formula import Formula, check_expression
from survey_kit.recode import evaluate
from survey_kit.schema import Notice


@dataclass(frozen=True, eq=False)
class ModelFrame:
    """Rows used by a model.

    Attributes:
        formula: the checked formula.
        spec: formulaic's model spec, which rebuilds the design matrix for other values.
        offset_specs: the same for what stands inside offset().
        columns: safe name -> values of the rows used; categories as pandas Categoricals of labels.
        levels: column -> its labels, the reference first; numbers are absent.
        x: design matrix. Shape (m, p). terms: one entry for each column of x.
        y, offset: shape (m,). rows: positions of the rows used among all n.
        response: what is modelled, in words.
        notices: what was left out.
    """

    formula: Formula
    spec: Any
    columns: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]
    x: FloatArray
    terms: tuple[ModelTerm, ...]
    offset_specs: tuple[Any, ...]
    y: FloatArray
    offset: FloatArray
    rows: np.ndarray
    response: str
    notices: tuple[Notice, ...]

    def rebuild(self, columns: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Design matrix and offset for other values of the columns (by safe name). Shapes (m, p), (m,)."""
        try:
            with np.errstate(all="ignore"):
                x = np.asarray(self.spec.get_model_matrix(columns, context=FUNCTIONS_BY_NAME), dtype=float)
                parts = [s.get_model_matrix(columns, context=FUNCTIONS_BY_NAME) for s in self.offset_specs]
        except Exception as error:  # formulaic raises many kinds, such as for values outside the knots of a spline
            reason = self.formula.written(str(error).splitlines()[0])
            raise ArgumentError(f"The terms of {self.formula.text!r} cannot be computed there: {reason}") from None
        offset = np.zeros(len(columns)) + sum(np.asarray(p, dtype=float)[:, 0] for p in parts)
        return x, offset

    def safe(self, column: str) -> str:
        """The safe name of a column of the model."""
        for safe, name in self.formula.names.items():
            if name == column:
                return safe
        raise unknown("variable", column, self.formula.names.values())


@dataclass(frozen=True, slots=True)
class ModelTerm:
    """One column of the design matrix: its written name, its variables ("a:b") and their levels ("x:y"), its term, and
    the columns of the data that it is made from."""

    name: str
    variable: str
    answer: str
    term: str
    uses: tuple[str, ...] = ()


FUNCTIONS_BY_NAME = {"sqrt": np.sqrt, "abs": np.abs}


def build_frame(survey: SurveyLike, formula: Formula, domain: BoolArray, binary: bool) -> ModelFrame:
    """Lay out the rows and the design matrix.

    Raises:
        UnknownNameError: a column that does not exist.
        ArgumentError: factors that are not allowed, categories inside a function, an outcome that does not fit.
        NoValidData: nobody with a valid answer to everything.
        UndeclaredMissingError: codes that read like "don't know" would enter as numbers.
    """
    import formulaic

    terms = _parsed(formula, formulaic)
    for column in formula.names.values():
        if column not in survey.codebook:
            raise unknown("column", column, survey.codebook)
    y, known, response, notices = _response(survey, formula, binary)
    columns, valid = _columns(survey, formula)
    _refuse_categories_in_functions(formula, terms, columns)
    used = domain & known & valid
    if not used.any():
        raise NoValidData(
            f"No row has valid values of everything in {formula.text!r}: {int(domain.sum())} in the domain."
        )
    left = int(domain.sum() - used.sum())
    if left:
        text = (
            f"{left} of {int(domain.sum())} rows lack a valid value of something in the model and are outside its base."
        )
        notices = (*notices, Notice("missing", text, left))
    rows = np.flatnonzero(used)
    frame, levels, dropped = _trimmed(formula, columns.iloc[rows])
    return _matrix(formula, formulaic, frame, levels, y[rows], rows, response, (*notices, *dropped))


def is_categorical(variable: Variable, codes: pd.Series) -> bool:
    """Whether a bare name means categories: nominal or text, or every valid code labelled and no stated order or scale."""
    if not pd.api.types.is_numeric_dtype(codes):
        return True
    if variable.measure in ("scale", "ordinal"):
        return False
    if variable.measure == "nominal":
        return True
    labelled = variable.valid_labels()
    present = codes[~variable.is_missing(codes)].unique()
    return bool(labelled) and all(code in labelled for code in present)


def _parsed(formula: Formula, formulaic: Any) -> list[Any]:
    try:
        terms = list(formulaic.Formula(formula.right))
        readable = bool(terms) and all(hasattr(t, "factors") for t in terms)
    except Exception as error:  # formulaic raises many kinds
        raise ArgumentError(f"Formula {formula.text!r} cannot be read: {str(error).splitlines()[0]}") from None
    if not readable:
        raise ArgumentError(f"Formula {formula.text!r} has no terms, or several parts. Write terms joined by '+'.")
    for term in terms:
        for factor in term.factors:
            if factor.expr not in ("0", "1"):
                check_expression(formula, factor.expr)
    return terms


def _response(
    survey: SurveyLike, formula: Formula, binary: bool
) -> tuple[FloatArray, BoolArray, str, tuple[Notice, ...]]:
    """The outcome as numbers, where it is known, and what it is."""
    name = formula.response.strip("`")
    if name not in survey.codebook:
        if name.isidentifier():
            raise unknown("column", name, survey.codebook)
        yes = evaluate(formula.response, survey.codes, survey.codebook)
        no = evaluate(f"not ({formula.response})", survey.codes, survey.codebook)
        return yes.astype(float), yes | no, formula.response, ()
    variable = survey.codebook[name]
    if binary and is_categorical(variable, survey.codes[name]):
        return _two_categories(survey, variable)
    if not binary and is_categorical(variable, survey.codes[name]):
        raise ArgumentError(
            f"{name!r} holds categories; a model of this family needs a number. Use family='binomial' for two categories, a "
            f"condition on the left of '~', or state that it is a scale: poll.relabel({name!r}, measure='scale')."
        )
    block = number(survey.codes, variable)
    values = survey.codes[name].to_numpy(dtype=float, na_value=np.nan)
    if binary and not np.isin(values[block.base], (0.0, 1.0)).all():
        found = pd.Series(values[block.base]).unique()
        raise ArgumentError(
            f"A binomial outcome has two values; {name!r} has {len(found)}. Use a 0/1 column (sk.net) or a "
            f"condition such as '{name} >= 4'."
        )
    return np.where(block.base, values, 0.0), block.base, variable.title, ()


def _two_categories(survey: SurveyLike, variable: Variable) -> tuple[FloatArray, BoolArray, str, tuple[Notice, ...]]:
    block = single_choice(survey.codes, variable)
    if len(block.labels) != 2:
        raise ArgumentError(
            f"A binomial outcome has two categories; {variable.name!r} has {len(block.labels)}. Use sk.net, or a "
            "condition on the left of '~'."
        )
    if set(block.codes) == {0, 1}:
        return block.positions().astype(float), block.base, variable.title, ()
    text = f"The model is of {variable.name!r} = {block.labels[1]!r} against {block.labels[0]!r}."
    return block.positions().astype(float), block.base, variable.title, (Notice("outcome", text),)


def _columns(survey: SurveyLike, formula: Formula) -> tuple[pd.DataFrame, BoolArray]:
    """Every column of the right side under its safe name, and the rows with all of them valid."""
    out: dict[str, Any] = {}
    valid = np.ones(len(survey.codes), dtype=bool)
    for safe, name in formula.names.items():
        variable = survey.codebook[name]
        if name in formula.categorical or is_categorical(variable, survey.codes[name]):
            block = single_choice(survey.codes, variable)
            position = np.where(block.base, block.positions(), -1)
            out[safe] = pd.Categorical.from_codes(position, _distinct(block.labels))
        else:
            block = number(survey.codes, variable)
            out[safe] = survey.codes[name].to_numpy(dtype=float, na_value=np.nan)
        valid &= block.base
    return pd.DataFrame(out, index=np.arange(len(survey.codes))), valid


def _distinct(labels: tuple[str, ...]) -> list[str]:
    if len(set(labels)) < len(labels):
        raise ArgumentError(f"Labels are not distinct: {', '.join(labels)}.")
    return list(labels)


def _refuse_categories_in_functions(formula: Formula, terms: list[Any], columns: pd.DataFrame) -> None:
    plain = [f.expr for t in terms for f in t.factors if f.expr not in columns and f.expr not in ("0", "1")]
    for expression in (*plain, *formula.offset):
        for safe in check_expression(formula, expression):
            if isinstance(columns[safe].dtype, pd.CategoricalDtype):
                name = formula.names[safe]
                raise ArgumentError(
                    f"{formula.written(expression)!r} uses the categories of {name!r} as a number. Write {name} alone, or "
                    f"state that it is a scale: poll.relabel({name!r}, measure='scale')."
                )


def _trimmed(
    formula: Formula, columns: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], tuple[Notice, ...]]:
    """Categories without rows dropped, the reference first."""
    out, levels, notices = {}, {}, []
    for safe, values in columns.items():
        name = formula.names[str(safe)]
        if not isinstance(values.dtype, pd.CategoricalDtype):
            out[safe] = values
            continue
        used = values.cat.remove_unused_categories()
        lost = [c for c in values.cat.categories if c not in set(used.cat.categories)]
        if lost:
            notices.append(Notice("level", f"{name!r}: no row of the model has {', '.join(lost)}.", len(lost)))
        order = list(used.cat.categories)
        if len(order) < 2:
            raise ArgumentError(f"{name!r} has a single category in the rows of the model ({order[0]}). Leave it out.")
        reference = formula.references.get(name, order[0])
        if reference not in order:
            raise unknown(f"category of {name}", reference, order)
        order = [reference, *(c for c in order if c != reference)]
        out[safe] = used.cat.reorder_categories(order)
        levels[name] = tuple(order)
    return pd.DataFrame(out, index=columns.index), levels, tuple(notices)


def _matrix(
    formula: Formula,
    formulaic: Any,
    frame: pd.DataFrame,
    levels: dict[str, tuple[str, ...]],
    y: FloatArray,
    rows: np.ndarray,
    response: str,
    notices: tuple[Notice, ...],
) -> ModelFrame:
    frame = frame.reset_index(drop=True)
    if frame.empty:
        frame = pd.DataFrame(index=np.arange(len(rows)))
    frame["one_"] = 1.0
    with np.errstate(all="ignore"):
        matrix, *offsets = (
            formulaic.model_matrix(f, frame, context=FUNCTIONS_BY_NAME, na_action="ignore")
            for f in (formula.right, *(f"{expression} - 1" for expression in formula.offset))
        )
    wide = [e for e, part in zip(formula.offset, offsets, strict=True) if np.shape(part)[1] != 1]
    if wide:
        raise ArgumentError(f"offset({formula.written(wide[0])}) makes several columns; an offset is one number a row.")
    x = np.asarray(matrix, dtype=float)
    offset = np.zeros(len(y)) + sum(np.asarray(part, dtype=float)[:, 0] for part in offsets)
    terms = _terms(formula, matrix.model_spec, levels)
    _check_matrix(x, offset, terms)
    specs = tuple(part.model_spec for part in offsets)
    return ModelFrame(formula, matrix.model_spec, frame, levels, x, terms, specs, y, offset, rows, response, notices)


def _terms(formula: Formula, spec: Any, levels: Mapping[str, tuple[str, ...]]) -> tuple[ModelTerm, ...]:
    out = []
    for part in spec.structure:
        term = formula.written(str(part.term))
        uses = [
            formula.names[safe]
            for factor in part.term.factors
            if factor.expr not in ("0", "1")
            for safe in check_expression(formula, factor.expr)
        ]
        for column in part.columns:
            out.append(replace(_term(formula, str(column), term, levels), uses=tuple(dict.fromkeys(uses))))
    return tuple(out)


def _term(formula: Formula, column: str, term: str, levels: Mapping[str, tuple[str, ...]]) -> ModelTerm:
    """Names of a design column: "v1_[T.Almaty]:v0_" is region = Almaty by cost."""
    if column == "Intercept":
        return ModelTerm("Intercept", "Intercept", "", "Intercept")
    variables, answers, names = [], [], []
    rest = column
    while rest:
        safe, label, rest = _next_part(formula, rest, levels)
        variables.append(formula.names.get(safe, formula.written(safe)))
        answers.append(label)
        names.append(f"{variables[-1]}[{label}]" if label else variables[-1])
    answer = ":".join(a for a in answers if a)
    return ModelTerm(":".join(names), ":".join(variables), answer, term)


def _next_part(formula: Formula, rest: str, levels: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str]:
    """The first factor of a column name: (safe expression, label or "", what is left)."""
    for safe, name in formula.names.items():
        for label in levels.get(name, ()):
            for shown in (f"{safe}[T.{label}]", f"{safe}[{label}]"):
                if rest == shown or rest.startswith(f"{shown}:"):
                    return safe, label, rest[len(shown) + 1 :]
    depth, end = 0, len(rest)
    for position, sign in enumerate(rest):
        depth += {"(": 1, ")": -1, "[": 1, "]": -1}.get(sign, 0)
        if sign == ":" and depth == 0:
            end = position
            break
    return rest[:end], "", rest[end + 1 :]


def _check_matrix(x: FloatArray, offset: FloatArray, terms: tuple[ModelTerm, ...]) -> None:
    bad = ~np.isfinite(x).all(axis=0)
    if bad.any():
        raise ArgumentError(f"{terms[int(np.argmax(bad))].name!r} is not finite in some rows (a log of zero?).")
    if not np.isfinite(offset).all():
        raise ArgumentError("The offset is not finite in some rows (a log of zero?).")
    triangle = np.linalg.qr(x / np.maximum(np.linalg.norm(x, axis=0), 1e-300), mode="r")
    diagonal = np.abs(np.diag(triangle))
    short = np.flatnonzero(diagonal < 1e-9) if len(diagonal) == x.shape[1] else np.arange(len(diagonal), x.shape[1])
    if len(short):
        names = ", ".join(terms[i].name for i in short)
        raise ArgumentError(
            f"{names} can be written as a combination of the terms before it, so its coefficient does not exist. Drop it, "
            "or merge categories."
        )
