"""What SAV can hold, checked before a byte is written. Every refusal names the variable and the limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import OutputError
from survey_kit.io.extended_missing import FIRST, UNDERSCORE
from survey_kit.io.stat_limits import check_columns, refuse_twins
from survey_kit.io.surrogates import refuse_surrogates
from survey_kit.io.write import is_text

NAME_BYTES, TEXT_BYTES, SHORT_TEXT, NOTE_BYTES = 64, 32_767, 8, 80
_RESERVED = frozenset(("ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"))
_NAME = re.compile(r"[^\W\d_][\w.@#$]*|[@#][\w.@#$]+")


def check_limits(path: Path, codes: pd.DataFrame, book: Codebook) -> None:
    """OutputError for the first thing that SAV cannot hold."""
    check_columns(path, codes, "SAV", TEXT_BYTES)
    refuse_twins(path, codes, "SAV")
    refuse_surrogates(path, codes, book)
    for name in codes.columns:
        for check in _CHECKS:
            for problem in check(name, codes[name], book[name]):
                raise OutputError(f"{path.name}: variable '{name}' {problem}")
    for group in book.sets.values():
        _check_set(path, codes, group)
    if book.weight and is_text(codes[book.weight]):
        raise OutputError(f"{path.name}: the weight variable '{book.weight}' is text. Name a numeric one.")


def _check_set(path: Path, codes: pd.DataFrame, group: MultipleResponse) -> None:
    problem = ""
    kinds = {is_text(codes[c]) for c in group.columns}
    if not group.columns or not re.fullmatch(r"[^\s=$()']+", group.name):
        problem = "needs columns, and a name without blanks and quotes"
    elif len(kinds) > 1:
        problem = "mixes text and numeric columns"
    elif group.counted is not None and {isinstance(group.counted, str)} != kinds:
        problem = f"counts {group.counted!r}, which its columns cannot hold"
    if problem:
        raise OutputError(f"{path.name}: the multiple-response set '{group.name}' {problem}. Correct the codebook.")


Problems = Iterator[str]


def _name_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    size = len(name.encode())
    if size > NAME_BYTES:
        yield f"has a name of {size} bytes; SAV holds {NAME_BYTES}. Rename it."
    if not _NAME.fullmatch(name) or name.endswith(".") or name.upper() in _RESERVED:
        yield "has a name that SPSS does not allow: a letter first, then letters, digits and ._@#$; no reserved word."


def _label_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    text = is_text(column)
    if any("\0" in told for told in (variable.label, *variable.labels.values())):
        yield "has a label with a NUL character, where SAV would cut it. Remove it."
    wrong = [c for c in variable.labels if isinstance(c, str) != text]
    if wrong:
        yield f"is {'text' if text else 'numeric'}, but its label code {wrong[0]!r} is not. Correct the codebook."


def _missing_problems(name: str, column: pd.Series, variable: Variable) -> Problems:
    rule = variable.missing
    if rule is None:
        return
    text = is_text(column)
    if any(isinstance(v, str) != text for v in rule.values) or (text and rule.ranges):
        yield f"is {'text' if text else 'numeric'}, but its missing values are not. Correct the codebook."
    if not _fits(rule):
        yield (
            f"has {len(rule.values)} discrete missing values and {len(rule.ranges)} ranges; SAV holds three values, "
            "or one range and one value. Write .parquet, or recode some."
        )
    if any(len(v.encode()) > SHORT_TEXT for v in rule.values if isinstance(v, str)):
        yield f"has a missing value of more than {SHORT_TEXT} bytes, which SAV does not hold. Recode it."


def as_range(rule: MissingRule) -> tuple[float, float] | None:
    """The range that stands for more than three extended missing values of Stata or SAS (.a to .z), else None."""
    values = [v for v in rule.values if not isinstance(v, str) and UNDERSCORE <= v <= FIRST]
    if len(values) <= 3 or len(values) < len(rule.values) or rule.ranges:
        return None
    return float(min(values)), float(max(values))


def _fits(rule: MissingRule) -> bool:
    if as_range(rule) is not None:
        return True
    return len(rule.values) <= (1 if rule.ranges else 3) and len(rule.ranges) <= 1


_CHECKS: tuple[Callable[[str, pd.Series, Variable], Problems], ...] = (
    _name_problems,
    _label_problems,
    _missing_problems,
)
