"""The terms of a propensity model as people write them: a list of names, or the right side of a formula."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from survey_kit.errors import ArgumentError, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.weighting.rows.columns import check_column

Model: TypeAlias = str | Sequence[str]

FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "abs": np.abs,
    "I": lambda values: values,
}
_OPERATIONS: dict[type, Callable[[FloatArray, FloatArray], FloatArray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_CATEGORY = re.compile(r"C\(\s*([^()]+?)\s*\)")
_MOST_CHARACTERS, _MOST_ARITHMETIC, _MOST_FACTORS = 4000, 300, 6
_HELP = (
    "Write names joined by '+', with a:b or a*b for interactions, C(x) for categories, and I(x**2), log(x), sqrt(x) ... "
    "for numbers."
)


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a term: a column as it is, a column forced to categories, or arithmetic of columns.

    Attributes:
        text: as it is shown.
        column: the column, "" for arithmetic.
        categories: whether C() forces categories.
    """

    text: str
    column: str = ""
    categories: bool = False


Term: TypeAlias = tuple[Factor, ...]


def read_model(model: Model, columns: Collection[object]) -> tuple[Term, ...]:
    """The terms of a model, the constant left out, each once and in the order written.

    Args:
        model: column names; or a formula such as "age + C(region)*sex + I(age**2)", with or without "~" before it.
        columns: columns of the data.

    Raises:
        UnknownNameError: a column that does not exist. ArgumentError: a model that cannot be read.
    """
    if isinstance(model, str) and model not in columns:
        terms = [term for piece in _formula_pieces(model) for term in _terms(piece, model, columns)]
    elif isinstance(model, str):
        terms = [(_named(model, columns),)]
    elif isinstance(model, Sequence) and all(isinstance(name, str) for name in model):
        terms = [(_named(name, columns),) for name in model]
    else:
        raise ArgumentError(f"model={model!r} is neither a list of column names nor a formula such as 'age + region'.")
    if not terms:
        raise ArgumentError("model names no column. Give at least one, as in model=['age', 'region'].")
    return tuple({frozenset(term): term for term in terms}.values())


def columns_of(factor: Factor, columns: Collection[object]) -> tuple[str, ...]:
    """The columns of the data that a factor reads."""
    if factor.column:
        return (factor.column,)
    names = (node.id for node in ast.walk(ast.parse(factor.text, mode="eval")) if isinstance(node, ast.Name))
    return tuple(dict.fromkeys(name for name in names if name in columns))


def evaluate(factor: Factor, numbers: Callable[[str], FloatArray]) -> FloatArray:
    """The values of arithmetic, from the numbers of its columns. Shape (n,)."""
    body = ast.parse(factor.text, mode="eval").body
    with np.errstate(all="ignore"):
        return np.asarray(_value(body, factor.text, numbers), dtype=np.float64)


def _named(name: str, columns: Collection[object]) -> Factor:
    check_column(name, columns)
    return Factor(name, name)


def _formula_pieces(formula: str) -> Iterator[str]:
    """What stands between the plus signs of a formula."""
    left, _, right = formula.rpartition("~")
    if left.strip():
        raise ArgumentError(
            f"{formula!r} has something before '~'. The outcome is given by its own argument; leave it out."
        )
    if len(formula) > _MOST_CHARACTERS or not right.strip():
        raise ArgumentError(f"{formula[:80]!r} is no formula. {_HELP}")
    for piece in _split(right, "+"):
        if piece == "1":
            continue
        if piece == "0" or not piece:
            raise ArgumentError(f"Formula {formula!r} leaves the constant out, or has an empty term. {_HELP}")
        yield piece


def _split(text: str, sign: str) -> list[str]:
    """Pieces between a sign outside parentheses and backticks."""
    pieces, depth, quoted, start = [], 0, False, 0
    for at, character in enumerate(text):
        quoted ^= character == "`"
        depth += {"(": 1, ")": -1}.get(character, 0)
        doubled = sign == "*" and "**" in text[max(at - 1, 0) : at + 2]
        if character == sign and depth == 0 and not quoted and not doubled:
            pieces.append(text[start:at].strip())
            start = at + 1
    return [*pieces, text[start:].strip()]


def _terms(piece: str, formula: str, columns: Collection[object]) -> Iterator[Term]:
    """a*b*c as all its products, a:b as one."""
    groups = [tuple(_factor(part, formula, columns) for part in _split(group, ":")) for group in _split(piece, "*")]
    if sum(map(len, groups)) > _MOST_FACTORS:
        raise ArgumentError(
            f"{piece!r} in formula {formula!r} crosses more than {_MOST_FACTORS} columns. Leave some out."
        )
    for size in range(1, len(groups) + 1):
        for chosen in combinations(groups, size):
            yield tuple(dict.fromkeys(factor for group in chosen for factor in group))


def _factor(text: str, formula: str, columns: Collection[object]) -> Factor:
    name = text.strip("`")
    if name in columns:
        return _named(name, columns)
    category = _CATEGORY.fullmatch(text)
    if category:
        column = _named(category[1].strip("`"), columns).column
        return Factor(text, column, categories=True)
    if text.isidentifier():
        raise unknown("column", text, columns)
    try:
        body = ast.parse(text[:_MOST_ARITHMETIC], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ArgumentError(f"{text!r} in formula {formula!r} cannot be read. {_HELP}") from None
    if not isinstance(body, ast.Call):
        raise ArgumentError(f"{text!r} in formula {formula!r} is not a term. {_HELP}")
    for node in ast.walk(body):
        if isinstance(node, ast.Name) and node.id not in FUNCTIONS:
            _named(node.id, columns)
    # every kind of node is checked here, before any number is made
    evaluate(Factor(text), lambda _: np.ones(1))
    return Factor(text)


def _value(node: ast.AST, text: str, numbers: Callable[[str], FloatArray]) -> FloatArray:
    match node:
        case ast.Name(id=name):
            return numbers(name)
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value):
            return np.asarray(float(value))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, text, numbers)
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_value(inner, text, numbers))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATIONS:
            return _OPERATIONS[type(sign)](_value(left, text, numbers), _value(right, text, numbers))
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _OPERATIONS:
            compared = _OPERATIONS[type(sign)](_value(left, text, numbers), _value(right, text, numbers))
            return np.asarray(compared, dtype=np.float64)
    raise ArgumentError(f"{text!r} in the formula is not allowed. {_HELP}")
