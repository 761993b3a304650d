"""The walk over arrays agrees with a naive evaluator that goes row by row and answers True, False or None."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.recode import evaluate

BOOK = Codebook(
    {
        "a": Variable("a", missing=MissingRule((9,))),
        "b": Variable("b", labels={1: "One", 2: "Two", 8: "Refused"}, missing=MissingRule((), ((7, 9),))),
        "s": Variable("s", missing=MissingRule(("zz",))),
    }
)
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CALCULATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow}

numbers = st.sampled_from(["a", "b", "0", "1", "2", "-1", "2.5"])
columns = st.sampled_from(["a", "b"])
sums = st.one_of(columns, st.tuples(st.sampled_from(sorted(CALCULATIONS)), columns, numbers))
leaves = st.one_of(
    st.tuples(st.just("compare"), sums, st.sampled_from(sorted(OPERATORS)), numbers),
    st.tuples(st.just("chain"), st.sampled_from(["0", "1"]), sums, st.sampled_from(["2", "3", "b"])),
    st.tuples(st.just("in"), sums, st.lists(st.sampled_from(["0", "1", "2"]), min_size=1, max_size=3)),
    st.tuples(st.just("not in"), sums, st.lists(st.sampled_from(["0", "1", "2"]), min_size=1, max_size=3)),
    st.tuples(st.just("label"), st.sampled_from(["==", "!=", "<", ">="]), st.sampled_from([("One", 1), ("Two", 2)])),
    st.tuples(st.just("text"), st.sampled_from(["==", "!="]), st.sampled_from(["x", "y", "absent"])),
    st.tuples(st.just("missing"), sums),
    st.tuples(st.just("valid"), st.sampled_from(["a", "b", "s"])),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.just("~"), inner),
        st.tuples(st.sampled_from(["and", "or", "&", "|"]), inner, inner),
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries(
    {
        "a": st.sampled_from([None, 0, 1, 2, 3, 9]),
        "b": st.sampled_from([None, 0, 1, 2, 7, 8]),
        "s": st.sampled_from([None, "", "x", "y", "zz"]),
    }
)


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    match tree:
        case ("compare", left, sign, right):
            return f"{written(left)} {sign} {right}"
        case ("chain", low, middle, high):
            return f"{low} <= {written(middle)} < {high}"
        case ("in" | "not in" as word, left, items):
            return f"{written(left)} {word} [{', '.join(items)}]"
        case ("label", sign, (label, _)):
            return f"b {sign} '{label}'"
        case ("text", sign, text):
            return f'"{text}" {sign} s'
        case ("missing" | "valid" as word, inner):
            return f"{word}({written(inner)})"
    return joined(tree)


def joined(tree: Any) -> str:
    match tree:
        case ("not" | "~" as word, inner):
            return f"{word} ({written(inner)})"
        case ("and" | "or" | "&" | "|" as word, left, right):
            return f"({written(left)}) {word} ({written(right)})"
        case (sign, left, right):
            return f"({left} {sign} {right})"
    raise AssertionError(tree)


def number(tree: Any, row: dict[str, Any]) -> float | None:
    if isinstance(tree, tuple):
        sign, left, right = tree
        x, y = number(left, row), number(right, row)
        if x is None or y is None:
            return None
        try:
            result = CALCULATIONS[sign](float(x), float(y))
        except (ZeroDivisionError, OverflowError):
            return None
        return None if isinstance(result, complex) or not np.isfinite(result) else result
    if tree in row:
        value = row[tree]
        lost = value is None or (tree == "a" and value == 9) or (tree == "b" and value in (7, 8, 9))
        return None if lost else value
    return float(tree)


def compared(sign: str, x: Any, y: Any) -> bool | None:
    return None if x is None or y is None else OPERATORS[sign](x, y)


def both(x: bool | None, y: bool | None) -> bool | None:
    if x is False or y is False:
        return False
    return None if x is None or y is None else True


def turned(x: bool | None) -> bool | None:
    return None if x is None else not x


def naive(tree: Any, row: dict[str, Any]) -> bool | None:
    text = None if row["s"] in (None, "zz") else row["s"]
    match tree:
        case ("compare", left, sign, right):
            return compared(sign, number(left, row), number(right, row))
        case ("chain", low, middle, high):
            x = number(middle, row)
            return both(compared("<=", number(low, row), x), compared("<", x, number(high, row)))
        case ("in" | "not in" as word, left, items):
            x = number(left, row)
            found = None if x is None else x in [float(i) for i in items]
            return found if word == "in" else turned(found)
        case ("label", sign, (_, code)):
            return compared(sign, number("b", row), code)
        case ("text", sign, value):
            return compared(sign, value, text)
        case ("missing", inner):
            return number(inner, row) is None
        case ("valid", inner):
            return text is not None if inner == "s" else number(inner, row) is not None
    return combined(tree, row)


def combined(tree: Any, row: dict[str, Any]) -> bool | None:
    match tree:
        case ("not" | "~", inner):
            return turned(naive(inner, row))
        case ("and" | "&", left, right):
            return both(naive(left, row), naive(right, row))
        case ("or" | "|", left, right):
            return turned(both(turned(naive(left, row)), turned(naive(right, row))))
    raise AssertionError(tree)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(conditions, st.lists(rows, max_size=8), st.sampled_from(["float64", "Int64", "Float64"]))
def test_arrays_agree_with_rows(tree: Any, data: list[dict[str, Any]], dtype: str) -> None:
    codes = pd.DataFrame(
        {
            "a": pd.array([r["a"] for r in data], dtype="Int64").astype(dtype if dtype != "float64" else "Float64"),
            "b": pd.Series([r["b"] for r in data], dtype=float),
            "s": pd.Series([r["s"] for r in data], dtype="str"),
        }
    )
    if dtype == "float64":
        codes["a"] = codes["a"].to_numpy(dtype=float, na_value=np.nan)
    expected = [naive(tree, r) is True for r in data]
    found = evaluate(written(tree), codes, BOOK)
    assert found.dtype == bool
    assert found.tolist() == expected, written(tree)
