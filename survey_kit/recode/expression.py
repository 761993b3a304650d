"""Conditions as text: `"age >= 18 and region == 'Almaty'"`. A small language of its own; nothing is executed."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, format_code
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import undeclared
from survey_kit.recode.condition_text import Condition, parse, shorten
from survey_kit.recode.operands import Operand, column_operand, constant_for
from survey_kit.recode.truth import Truth

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_MIRRORED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_NOT_VALUES = {
    **dict.fromkeys(("None", "nan", "NaN", "NA", "null"), "Write missing(x) to find missing values."),
    **dict.fromkeys(("True", "true", "False", "false"), "Write 1 for true and 0 for false."),
}


def evaluate(text: str, codes: pd.DataFrame, codebook: Codebook) -> np.ndarray:
    """The rows for which a condition holds.

    Columns are compared by their codes. A quoted text is looked up among the value labels first (exact spelling, or
    "Yes [1]" where two codes share a label), then taken as a text code. `<` and `>` on a labelled variable compare
    codes. Dates are written '2025-12-31'. `a == 1 & b == 2` means what it means in pandas' `query`.

    A comparison with a missing value (system-missing, or user-missing by the codebook) is unknown. `and`, `or`, `not`
    follow Kleene: unknown and false is false, unknown or true is true, not unknown is unknown. Rows that are unknown
    in the end are False: R's `subset()` and SPSS `SELECT IF` do the same; in Stata a missing value counts as very
    large, so its `if age > 18` keeps missing ages and this does not. Arithmetic that has no finite result (x / 0) is
    missing, as in Stata and SPSS.

    Args:
        text: the condition; may come from an untrusted file.
        codes: codes, shape (n, columns).
        codebook: labels and missing rules of the columns.

    Returns:
        Boolean array of shape (n,).

    Raises:
        UnknownNameError: no such column, or no such label in a labelled variable.
        ArgumentError: anything that is not part of the language; quotes the piece and says what is allowed. Also
            `==` or `in` with a code that is declared missing, which could never hold.

    >>> from survey_kit.codebook import Variable
    >>> codes = pd.DataFrame({"age": [17, 40, None], "sex": [1, 2, 2]})
    >>> book = Codebook({"age": Variable("age"), "sex": Variable("sex", labels={1: "Male", 2: "Female"})})
    >>> evaluate("age >= 18 and sex == 'Female'", codes, book).tolist()
    [False, True, False]
    """
    condition = parse(text)
    with np.errstate(all="ignore"):
        return _Evaluation(condition, codes, codebook).truth(condition.tree).yes


class _Evaluation:
    """One walk over one tree. Columns are fetched once."""

    def __init__(self, condition: Condition, codes: pd.DataFrame, codebook: Codebook) -> None:
        self.condition = condition
        self.codes = codes
        self.codebook = codebook
        self.columns: dict[str, Operand] = {}

    # conditions ------------------------------------------------------------------------------------------------------

    def truth(self, node: ast.expr) -> Truth:
        match node:
            case ast.BoolOp(op=op, values=values):
                return self._joined(op, values)
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=inner):
                return ~self.truth(inner)
            case ast.Compare():
                return self._compared(node)
            case ast.Call():
                return self._called(node)
        self.value(node)  # something worse than a missing comparison is told first
        self.condition.refuse(node, "is a value, not a condition; compare it, as in x == 1 or x in [1, 2].")

    def _joined(self, op: ast.boolop, nodes: list[ast.expr]) -> Truth:
        result, *others = [self.truth(node) for node in nodes]
        for other in others:
            result = result & other if isinstance(op, ast.And) else result | other
        return result

    def _called(self, node: ast.Call) -> Truth:
        name = self._entry_name(node.func)
        if name not in ("missing", "valid"):
            self.condition.refuse(node)
        if len(node.args) != 1 or node.keywords or self._is_text(node.args[0]):
            self.condition.refuse(node, f"takes one column, as in {name}(x).")
        inner = self.value(node.args[0])
        if inner.missing is None:
            self.condition.refuse(node, f"names no column, as {name}(x) does.")
        found = Truth(inner.missing, ~inner.missing)
        return found if name == "missing" else ~found

    def _compared(self, node: ast.Compare) -> Truth:
        sides = [node.left, *node.comparators]
        result: Truth | None = None
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, (ast.In, ast.NotIn)):
                found = self._member(node, left, right)
                part = ~found if isinstance(op, ast.NotIn) else found
            elif type(op) in _COMPARISONS:
                part = self._pair(node, left, op, right)
            else:
                self.condition.refuse(node)
            result = part if result is None else result & part
        assert result is not None
        return result

    def _pair(self, node: ast.expr, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Truth:
        a, b = self.value(left), self.value(right)
        kind: type[ast.cmpop] = type(op)
        if a.is_constant:
            a, b, kind = b, a, _MIRRORED.get(kind, kind)  # type: ignore[arg-type]
        if a.missing is None:
            self.condition.refuse(node, "compares constants; name a column.")
        if kind in _ORDERINGS:
            self._refuse_undeclared(a)
            self._refuse_undeclared(b)
        other, missing = self._other_side(node, a, b, kind)
        result = np.asarray(_COMPARISONS[kind](a.values, other), dtype=bool)
        return Truth.where_known(result, a.missing | missing)

    def _other_side(self, node: ast.expr, a: Operand, b: Operand, kind: type[ast.cmpop]) -> tuple[Any, Any]:
        """Values and missing rows of the right side, in the terms of the left."""
        ordered = kind in _ORDERINGS
        if b.missing is None:
            value = constant_for(a, b.values, ordered)
            if kind is ast.Eq:
                self._refuse_missing_code(node, a, value)
            return self._zoned(node, a, value), False
        if a.kind != b.kind:
            self.condition.refuse(node, f"compares {a.kind} with {b.kind}; both sides must be of one kind.")
        if ordered and a.kind == "text":
            self.condition.refuse(node, "compares text with < or >; use == or !=.")
        if a.kind == "date" and (a.values.tz is None) != (b.values.tz is None):
            self.condition.refuse(node, "compares dates with and without a time zone; convert one column first.")
        return b.values, b.missing

    def _member(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Truth:
        column = self.value(left)
        if column.missing is None:
            self.condition.refuse(node, "looks a constant up; `in` takes a column on its left.")
        if not isinstance(right, (ast.List, ast.Tuple)) or not right.elts:
            self.condition.refuse(node, "needs a list of constants after `in`, as in x in [1, 2].")
        answers = [self._answer(node, column, element) for element in right.elts]
        found = pd.Series(column.values).isin(answers).to_numpy(dtype=bool)
        return Truth.where_known(found, column.missing)

    def _answer(self, node: ast.expr, column: Operand, element: ast.expr) -> Any:
        constant = self.value(element)
        if not constant.is_constant:
            self.condition.refuse(element, "is a column; the list after `in` holds constants only.")
        value = constant_for(column, constant.values)
        self._refuse_missing_code(node, column, value)
        return self._zoned(node, column, value)

    def _zoned(self, node: ast.expr, column: Operand, value: Any) -> Any:
        """A date in the time zone of its column."""
        if column.kind != "date" or (column.values.tz is None) == (value.tz is None):
            return value
        if column.values.tz is None:
            self.condition.refuse(node, "gives a time zone, but the column has none.")
        return value.tz_localize(column.values.tz)

    def _refuse_undeclared(self, side: Operand) -> None:
        """Codes in the data that look like "don't know" are neither more nor less than others."""
        if side.variable is None or side.missing is None or side.kind != "number":
            return
        doubtful = [c for c in looks_like_nonresponse(side.variable) if not isinstance(c, str)]
        found = [c for c in doubtful if (side.values[~side.missing] == c).any()]
        if found:
            raise undeclared(side.variable, found)

    def _refuse_missing_code(self, node: ast.expr, column: Operand, value: Any) -> None:
        variable = column.variable
        if variable is not None and variable.missing is not None and value in variable.missing:
            raise ArgumentError(
                f"Condition {shorten(self.condition.text)!r}: {self.condition.piece(node)!r} asks for code "
                f"{format_code(value)} of {variable.name!r}, which is declared missing; comparing with a missing value "
                f"never holds. Write missing({_quoted(variable.name)}), or take it out of the missing rule."
            )

    # values ----------------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Operand:
        match node:
            case ast.Name():
                return self._named(node)
            case ast.Constant(value=int() | float() as number):
                return self._number(node, number)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self._negated(node, inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self._calculated(node, left, op, right)
            case ast.Compare() | ast.BoolOp() | ast.Call() | ast.UnaryOp(op=ast.Not() | ast.Invert()):
                self.truth(node)
                self.condition.refuse(node, "is a condition; it cannot be compared or calculated with.")
        self.condition.refuse(node)

    def _named(self, node: ast.Name) -> Operand:
        entry = self.condition.entries[node.id]
        if entry.kind == "text":
            return Operand("text", entry.value)
        if entry.value not in self.columns:
            self.columns[entry.value] = self._column(node, entry.value, entry.bare)
        return self.columns[entry.value]

    def _column(self, node: ast.expr, name: str, bare: bool) -> Operand:
        try:
            return column_operand(self.codes, self.codebook, name)
        except UnknownNameError:
            if bare and name in _NOT_VALUES:
                self.condition.refuse(node, f"is no column. {_NOT_VALUES[name]}")
            raise

    def _number(self, node: ast.expr, number: float) -> Operand:
        if isinstance(number, int) and abs(number) < 2**63:
            return Operand("number", number)
        try:
            large = float(number)
        except OverflowError:
            large = np.inf
        if not np.isfinite(large):
            self.condition.refuse(node, "is too large a number.")
        return Operand("number", large)

    def _negated(self, node: ast.expr, inner: ast.expr) -> Operand:
        operand = self._arithmetic(node, inner)
        if operand.is_constant:
            return Operand("number", -operand.values)
        return Operand("number", -operand.values.astype(float), operand.missing)

    def _calculated(self, node: ast.expr, left: ast.expr, op: ast.operator, right: ast.expr) -> Operand:
        a, b = self._arithmetic(node, left), self._arithmetic(node, right)
        result = _ARITHMETIC[type(op)](np.asarray(a.values, dtype=float), np.asarray(b.values, dtype=float))
        finite = np.isfinite(result)
        if a.missing is None and b.missing is None:
            if not finite:
                self.condition.refuse(node, "has no finite result.")
            return Operand("number", float(result))
        missing = ~finite | (False if a.missing is None else a.missing) | (False if b.missing is None else b.missing)
        return Operand("number", np.where(missing, 0.0, result), missing)

    def _arithmetic(self, node: ast.expr, inner: ast.expr) -> Operand:
        operand = self.value(inner)
        if operand.kind != "number":
            self.condition.refuse(node, f"calculates with {operand.kind}; + - * / ** take numbers.")
        return operand

    def _entry_name(self, node: ast.expr) -> str:
        entry = self.condition.entries.get(node.id) if isinstance(node, ast.Name) else None
        return entry.value if entry is not None and entry.kind == "name" and entry.bare else ""

    def _is_text(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self.condition.entries[node.id].kind == "text"


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
