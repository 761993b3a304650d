"""Formulas as text: taken apart and checked before formulaic sees them, because a formula is Python code to it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from survey_kit.errors import ArgumentError

FUNCTIONS = ("log", "log10", "log2", "exp", "sqrt", "abs", "I", "poly", "bs", "cs", "scale", "center")
_CATEGORY = re.compile(r"C\(\s*(\w+)\s*(?:,\s*(\w+)\s*=\s*(\"[^\"]*\"|'[^']*')\s*)?\)")
_MOST = 4000
_MOST_TERMS, _MOST_DEGREES = 300, 50
_ALLOWED = (
    *(
        ast.Expression,
        ast.Call,
        ast.Name,
        ast.Load,
        ast.Constant,
        ast.BinOp,
        ast.UnaryOp,
        ast.USub,
        ast.UAdd,
        ast.keyword,
    ),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)


@dataclass(frozen=True, slots=True)
class Formula:
    """A checked formula.

    Attributes:
        text: as it was written.
        response: left side: a column, or a condition.
        right: right side for formulaic, columns under safe names, without offset() and with C(x) written as x.
        offset: expressions inside offset(), under safe names.
        names: safe name -> column.
        categorical: columns that C() forces to categories; references: column -> label of its reference level.
    """

    text: str
    response: str
    right: str
    offset: tuple[str, ...]
    names: dict[str, str]
    categorical: frozenset[str]
    references: dict[str, str]

    def written(self, safe: str) -> str:
        """A piece of formula with columns under their own names."""
        return re.sub(r"\b(v\d+_)\b", lambda m: self.names.get(m[1], m[1]), safe)


def parse_formula(text: str) -> Formula:
    """Take a formula apart.

    Raises:
        ArgumentError: no or several "~", a function that is not allowed, code that is no formula.
    """
    if not isinstance(text, str) or len(text) > _MOST:
        raise ArgumentError(f"A formula is a text of at most {_MOST} characters, such as 'oppose ~ age + C(region)'.")
    if text.count("~") != 1:
        raise ArgumentError(f"Formula {text!r} needs one '~', as in 'oppose ~ age + C(region)'.")
    response, right = (side.strip() for side in text.split("~"))
    if not response or not right:
        raise ArgumentError(f"Formula {text!r} needs something on both sides of '~'.")
    names: dict[str, str] = {}
    right = _safe_names(right, names)
    _refuse_syntax(text, right)
    references: dict[str, str] = {}
    categorical: set[str] = set()
    right = _CATEGORY.sub(lambda m: _category(m, text, names, categorical, references), right)
    right, offset = _without_offset(text, right)
    _bound_terms(text, right)
    formula = Formula(text, response, right, offset, names, frozenset(categorical), references)
    for piece in offset:
        check_expression(formula, piece)
    return formula


def check_expression(formula: Formula, expression: str) -> tuple[str, ...]:
    """The columns (safe names) of one factor; ArgumentError for anything but arithmetic and the functions allowed."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ArgumentError(f"{formula.written(expression)!r} in the formula cannot be read.") from None
    found: list[str] = []
    _walk(formula, expression, tree.body, found, 0)
    return tuple(dict.fromkeys(found))


def _walk(formula: Formula, expression: str, node: ast.AST, found: list[str], depth: int) -> None:
    shown = formula.written(expression)
    if depth > 30 or not isinstance(node, _ALLOWED):
        raise ArgumentError(
            f"{shown!r} in the formula is not allowed. There are: columns, numbers, + - * / **, comparisons, and the "
            f"functions {', '.join(FUNCTIONS)}, C(x), C(x, ref='label')."
        )
    children = list(ast.iter_child_nodes(node))
    match node:
        case ast.Name():
            found.append(node.id)
        case ast.Constant():
            _check_constant(shown, node.value)
        case ast.Call():
            _check_call(formula, shown, node)
            children = [*node.args, *(k.value for k in node.keywords)]
        case ast.BinOp(op=ast.Pow()):
            _check_power(shown, node)
    for child in children:
        _walk(formula, expression, child, found, depth + 1)


def _check_call(formula: Formula, shown: str, call: ast.Call) -> None:
    """A function that is allowed, with few degrees."""
    if not isinstance(call.func, ast.Name) or call.func.id not in FUNCTIONS:
        called = formula.written(ast.unparse(call.func))
        raise ArgumentError(f"Function {called!r} in the formula is not allowed. There are: {', '.join(FUNCTIONS)}, C.")
    for argument in (*call.args, *(k.value for k in call.keywords)):
        degrees = argument.value if isinstance(argument, ast.Constant) else 0
        if isinstance(degrees, (int, float)) and degrees > _MOST_DEGREES:
            raise ArgumentError(f"{shown!r} in the formula asks for more than {_MOST_DEGREES} columns or degrees.")


def _check_power(shown: str, node: ast.BinOp) -> None:
    if not any(isinstance(inner, ast.Name) for inner in ast.walk(node.left)):
        raise ArgumentError(f"{shown!r} in the formula has a power of a number. Write the number.")
    power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    if not (isinstance(power, ast.Constant) and isinstance(power.value, (int, float)) and abs(power.value) <= 10):
        raise ArgumentError(f"{shown!r} in the formula has a power that is no number up to 10.")


def _check_constant(shown: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e15:
        raise ArgumentError(f"{shown!r} in the formula holds {str(value)[:20]!r}; only numbers up to 1e15 are allowed.")


def _bound_terms(text: str, right: str) -> None:
    """Refuse a right side that would expand into very many terms, before it is expanded."""
    try:
        tree = ast.parse(right.replace(":", "*").strip(), mode="eval")
        size = _terms(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # formulaic says what is wrong with it
    if size > _MOST_TERMS:
        raise ArgumentError(f"Formula {text[:80]!r} expands into more than {_MOST_TERMS} terms. Leave some out.")


def _terms(node: ast.AST) -> float:
    """An upper bound on the number of terms of a formula: a + b, a * b = a + b + ab, a ** k."""
    if isinstance(node, ast.BinOp):
        left = _terms(node.left)
        if isinstance(node.op, ast.Pow):
            power = node.right.value if isinstance(node.right, ast.Constant) else _MOST_TERMS
            return min((left + 1) ** min(float(power), 60.0), 1e9) if isinstance(power, (int, float)) else 1e9
        right = _terms(node.right)
        return left + right if isinstance(node.op, (ast.Add, ast.Sub)) else left + right + left * right
    return 1.0


def _safe_names(right: str, names: dict[str, str]) -> str:
    """Every column under a name of our own (v0_, v1_, ...), so that no column name is code and none is a function."""
    pattern = re.compile(r"`([^`]*)`|(\"[^\"]*\"|'[^']*')|([^\W\d]\w*)(\s*\(|\s*=(?!=))?|(\d[\w.]*)")
    known: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        quoted, text, word, opening, _ = match.groups()
        if text is not None or (quoted is None and word is None):
            return match[0]
        if opening:  # a function, or a keyword of one
            return match[0]
        column = quoted if quoted is not None else word
        safe = known.setdefault(column, f"v{len(known)}_")
        names[safe] = column
        return safe

    return pattern.sub(replace, right)


def _category(
    match: re.Match[str], text: str, names: dict[str, str], categorical: set[str], references: dict[str, str]
) -> str:
    safe, keyword, label = match.groups()
    column = names.get(safe)
    if column is None or (keyword is not None and keyword != "ref"):
        raise ArgumentError(f"{match[0]!r} in formula {text!r} cannot be read. Write C(x), or C(x, ref='label').")
    categorical.add(column)
    if label is not None:
        references[column] = label[1:-1]
    return safe


def _refuse_syntax(text: str, right: str) -> None:
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", right)
    for sign, advice in (("^", "Powers are written **, as in I(x**2)."), ("%", ""), ("[", ""), ("{", ""), ("@", "")):
        if sign in bare:
            raise ArgumentError(f"{sign!r} in formula {text!r} is not allowed. {advice}".strip())


def _without_offset(text: str, right: str) -> tuple[str, tuple[str, ...]]:
    """offset(...) taken out of the right side."""
    found = []
    while (start := right.find("offset(")) >= 0:
        end = _closing(right, start + len("offset"))
        if end < 0:
            raise ArgumentError(f"offset( in formula {text!r} is not closed.")
        found.append(right[start + len("offset(") : end])
        before = right[:start].rstrip()
        if before and not before.endswith("+"):
            raise ArgumentError(f"offset() in formula {text!r} must be added with '+'.")
        rest = right[end + 1 :].strip()
        right = before.removesuffix("+").rstrip() + (f" {rest}" if rest else "")
        right = right.removeprefix(" +").strip() or "1"
    return right, tuple(found)


def _closing(text: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return -1
