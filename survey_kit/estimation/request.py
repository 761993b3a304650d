"""The door of every estimator: what was asked, checked and turned into blocks, groups and a domain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.block import Block, multiple_response, number, single_choice
from survey_kit.design.bound import BoundDesign
from survey_kit.design.protocol import SurveyLike
from survey_kit.design.unused_weight import unused_weight_notices
from survey_kit.errors import ArgumentError, NoValidData, check_level, one_of, unknown
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, present, weighted_counts
from survey_kit.recode import evaluate
from survey_kit.schema import Notice

Names = str | Sequence[str]

FEW_DEGREES = 8


@dataclass(frozen=True, eq=False)
class Request:
    """What an estimator works on.

    Attributes:
        blocks: the questions, all with the same base.
        group: group of each row, -1 outside the domain, without a `by` value or without an answer. Shape (n,).
        placed: the same, rows without an answer in their group. Shape (n,).
        groups: one row for each group, with the `by` columns; one row and no column without `by`.
        bound: the design in numbers. df: its degrees of freedom in the domain.
        titles, questions: title and wording of each variable. notices: what was left out.
    """

    blocks: tuple[Block, ...]
    group: IntArray
    placed: IntArray
    groups: pd.DataFrame
    bound: BoundDesign
    df: float
    titles: dict[str, str]
    questions: dict[str, str]
    notices: tuple[Notice, ...]
    context: dict[str, Any]

    @cached_property
    def rows(self) -> IntArray:
        """Rows of each group, answered or not. Shape (groups,)."""
        return np.bincount(self.placed + 1, minlength=len(self.groups) + 1)[1:]

    @cached_property
    def rows_with_weight(self) -> IntArray:
        """Those of them that have a weight. Shape (groups,)."""
        inside = self.placed if self.bound.weighs is None else np.where(self.bound.weighs > 0, self.placed, -1)
        return np.bincount(inside + 1, minlength=len(self.groups) + 1)[1:]

    @cached_property
    def rows_weighted(self) -> FloatArray:
        """Sum of the weights of each group, answered or not. Shape (groups,)."""
        return weighted_counts(self.placed + 1, self.bound.weight, len(self.groups) + 1)[1:]


def prepare(
    survey: SurveyLike,
    variables: Names,
    by: Names | None,
    where: str | None,
    missing: str,
    level: float,
    numeric: bool,
    df: float | None = None,
) -> Request:
    """Check the arguments that all estimators share and lay out the work."""
    check_survey(survey)
    check_level(level)
    check_df(df)
    one_of("missing", missing, ("exclude",) if numeric else ("exclude", "show"))
    domain = domain_of(survey, where)
    names = as_names(variables, "variables")
    blocks = [block_of(survey, name, missing, numeric) for name in names]
    base = np.logical_and.reduce([block.base for block in blocks])
    group, groups, unplaced = groups_of(survey, as_names(by, "by") if by else (), domain)
    used = base & (group >= 0)
    if not used.any():
        where_text = f" where {where}" if where else ""
        raise NoValidData(
            f"No valid answer to {', '.join(names)}{where_text}: {len(base)} rows, {int(domain.sum())} in the domain, "
            f"{int((base & domain).sum())} of them with an answer."
        )
    stated, df = df, survey.bound.degrees_of_freedom(None if domain.all() else domain) if df is None else float(df)
    return Request(
        blocks=tuple(block.within(used) for block in blocks),
        group=group if base.all() else np.where(used, group, -1),
        placed=group,
        groups=groups,
        bound=survey.bound,
        df=df,
        titles={n: title_of(survey, n) for n in (*names, *groups.columns)},
        questions={n: wording_of(survey, n) for n in names},
        notices=(
            *survey.design.notices,
            *unused_weight_notices(survey),
            *_left_out(names, _of_weight(domain, survey.bound.weighs), base, unplaced, by),
            *(few_degrees(df) if stated is None else ()),
        ),
        context=context_of(survey, where),
    )


def context_of(survey: SurveyLike, where: str | None) -> dict[str, str]:
    """What a result says of where it comes from: the design, and the conditions that its rows meet."""
    return {"design": survey.design.describe(), "where": " and ".join(filter(None, (survey.condition, where)))}


def check_df(df: float | None) -> None:
    """Refuse degrees of freedom that are none."""
    if df is not None and not (isinstance(df, Real) and not isinstance(df, bool) and df > 0):
        raise ArgumentError(
            f"df={df!r} is no number of degrees of freedom. Give a positive number, or math.inf for normal intervals."
        )


def check_survey(survey: Any) -> None:
    """Refuse what is not a Survey, with the way to make one."""
    if isinstance(survey, pd.DataFrame):
        raise ArgumentError(
            "Got a DataFrame; estimation needs a design. Use sk.from_frame(df).with_design(weight=...)."
        )
    if not hasattr(survey, "bound"):
        raise ArgumentError(f"Got {type(survey).__name__}; expected a Survey (sk.read or sk.from_frame).")


def as_names(names: Names, argument: str) -> tuple[str, ...]:
    """One name or several, as a tuple without repeats."""
    if names is None or not isinstance(names, Iterable):
        raise ArgumentError(f"{argument} is {names!r}. Name a column, or a list of columns.")
    out = (names,) if isinstance(names, str) else tuple(names)
    if not out:
        raise ArgumentError(f"{argument} is empty. Name at least one column.")
    if len(set(out)) < len(out):
        raise ArgumentError(f"{argument} names a column twice: {', '.join(map(str, out))}.")
    return out


def domain_of(survey: SurveyLike, where: str | None) -> BoolArray:
    """Rows inside the survey's domain and the condition. Shape (n,)."""
    inside = np.ones(len(survey.codes), dtype=bool) if survey.domain is None else survey.domain
    return inside if where is None else inside & evaluate(where, survey.codes, survey.codebook)


def block_of(survey: SurveyLike, name: str, missing: str = "exclude", numeric: bool = False) -> Block:
    """The block of a multiple-response set or of a column; a set comes before the text column that it was split from."""
    codes, book = survey.codes, survey.codebook
    if name in book.sets and not numeric:
        question = book.sets[name]
        members = tuple(book[c] for c in question.columns)
        columns = [codes[c] for c in question.columns]
        make = partial(multiple_response, codes, book, question, missing)
        return survey.blocks.block(name, f"set {missing}", columns, (question, *members), make)
    if name not in book:
        raise unknown("column", name, [*book, *book.sets])
    variable = book[name]
    read, reading = (number, "number") if numeric else (partial(single_choice, missing=missing), missing)
    return survey.blocks.block(name, reading, [codes[name]], (variable,), partial(read, codes, variable))


def title_of(survey: SurveyLike, name: str) -> str:
    """Label of a column or set, or its name."""
    if name in survey.codebook.sets:
        return survey.codebook.sets[name].label or name
    return survey.codebook[name].title


def wording_of(survey: SurveyLike, name: str) -> str:
    """Question wording of a column or set, or its label."""
    if name in survey.codebook.sets:
        return survey.codebook.sets[name].question or title_of(survey, name)
    return survey.codebook[name].wording


def groups_of(survey: SurveyLike, by: tuple[str, ...], domain: BoolArray) -> tuple[IntArray, pd.DataFrame, int]:
    """Group of each row, the groups that occur, and how many rows of the domain have no place."""
    if not by:
        return np.where(domain, 0, -1), pd.DataFrame(index=[0]), 0
    blocks = [block_of(survey, name) for name in by]
    overlapping = [name for name in by if name in survey.codebook.sets]
    if overlapping:
        raise ArgumentError(f"by={overlapping[0]!r} is a multiple-response set, whose groups overlap. Use crosstab().")
    placed = domain & np.logical_and.reduce([block.base for block in blocks])
    code = _crossed([block.positions() for block in blocks], [len(block.labels) for block in blocks])
    if not placed.all():
        code = np.where(placed, code, -1)
    group, found = _numbered(code, math.prod(len(block.labels) for block in blocks))
    at = np.unravel_index(found, [len(block.labels) for block in blocks])
    labels = {name: [block.labels[p] for p in position] for name, block, position in zip(by, blocks, at, strict=True)}
    return group, pd.DataFrame(labels), int(domain.sum() - placed.sum())


def _crossed(positions: list[IntArray], sizes: list[int]) -> IntArray:
    """One code for each combination of positions, the last varying fastest. Shape (n,)."""
    if math.prod(sizes) > 2**62:
        raise ArgumentError(
            f"by crosses {math.prod(sizes):,} groups. Cross fewer variables, or variables of fewer answers."
        )
    code = positions[0]
    for position, size in zip(positions[1:], sizes[1:], strict=True):
        code = code * size + position
    return code


def _numbered(code: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Codes renumbered 0..G-1 in their order, -1 left alone, and the codes that occur. Shapes (n,), (G,)."""
    if size > 4 * len(code) + 1000:
        found, dense = np.unique(code, return_inverse=True)
        outside = int(found[0] < 0)
        return dense - outside, found[outside:]
    there = present(code[code >= 0] if code.min(initial=0) < 0 else code, size)
    if there.all():
        return code, np.arange(size)
    return np.append(np.cumsum(there) - 1, -1)[code], np.flatnonzero(there)


def _of_weight(rows: BoolArray, weighs: FloatArray | None) -> BoolArray:
    """Those of the rows that have a weight: the others (nonrespondents, say) are nobody whose answer is missing."""
    return rows if weighs is None else rows & (weighs > 0)


def _left_out(
    names: tuple[str, ...], domain: BoolArray, base: BoolArray, unplaced: int, by: Names | None
) -> tuple[Notice, ...]:
    """What missing answers removed from the base."""
    inside, absent = int(domain.sum()), int((domain & ~base).sum())
    out = []
    if absent:
        text = f"{absent:,} of {inside:,} rows have no valid answer to {', '.join(names)} and are outside the base."
        out.append(Notice("missing", text, absent))
    return (*out, *without_group(unplaced, inside, as_names(by, "by") if by else ()))


def without_group(unplaced: int, inside: int, by: Sequence[str]) -> tuple[Notice, ...]:
    """Rows of the domain that belong to no group."""
    if not unplaced:
        return ()
    text = f"{unplaced:,} of {inside:,} rows have no valid value of {', '.join(by)}."
    return (Notice("missing_by", text, unplaced),)


def few_degrees(df: float) -> tuple[Notice, ...]:
    """Fewer than eight degrees of freedom: standard errors are themselves uncertain (NCHS, Series 2, No. 175)."""
    if df >= FEW_DEGREES:
        return ()
    text = f"The design leaves {df:g} degrees of freedom; with fewer than {FEW_DEGREES} intervals are unstable."
    return (Notice("few_df", text),)


def keys_of(request: Request, statistic: str) -> pd.DataFrame:
    """Key columns of the result: variable, by columns, answer, statistic; variable first, then group, then answer."""
    parts = []
    for block in request.blocks:
        answers = len(block.labels)
        at = np.repeat(np.arange(len(request.groups)), answers)
        part = request.groups.iloc[at].reset_index(drop=True)
        part.insert(0, schema.VARIABLE, block.variable)
        part[schema.ANSWER] = list(block.labels) * len(request.groups)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).assign(**{schema.STATISTIC: statistic})
