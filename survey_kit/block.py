"""Every question is a Block: its answers, who gave them, and who was asked.

Single choice, multiple response, a grid row, a net and a number are all the same shape, so nothing downstream asks
what kind of question it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, NoValidData, UndeclaredMissingError, listed
from survey_kit.kernels.groups import BoolArray, IntArray
from survey_kit.kernels.sums import Entries, joined
from survey_kit.recode import category_order, looks_like_nonresponse, member_texts


@dataclass(frozen=True, eq=False)
class Block:
    """One question.

    Attributes:
        variable: name of the question.
        labels: text of each answer; one empty text for a number. Length k.
        hits: what each row says to each answer: 1 where given, or the number itself. Shape (n, k). Rows outside the
            base hold nothing.
        base: True for rows that count. Shape (n,).
        codes: code of each answer, None for a net or a number. Length k.
    """

    variable: str
    labels: tuple[str, ...]
    hits: Entries
    base: BoolArray
    codes: tuple[Code | None, ...]

    def within(self, rows: BoolArray) -> Block:
        """The block with a smaller base."""
        base = self.base & rows
        return Block(self.variable, self.labels, self.hits.within(base), base, self.codes)

    def moved(self, by: float) -> Block:
        """A numeric block with a constant added to its numbers."""
        hits = Entries(self.hits.row, self.hits.column, self.hits.numbers + by, self.hits.shape)
        return Block(self.variable, self.labels, hits, self.base, self.codes)

    def positions(self) -> IntArray:
        """Answer of each row of a single choice, 0 outside the base. Shape (n,)."""
        if self.hits.row is None:
            return self.hits.columns
        out = np.zeros(len(self.base), dtype=np.int64)
        out[self.hits.row] = self.hits.columns
        return out

    def with_nets(self, nets: Mapping[str, Sequence[str | Code]]) -> Block:
        """The block with nets appended: a net is given where any of its answers is."""
        parts = [self.hits]
        for members in nets.values():
            picked = np.isin(self.hits.columns, [self._position(member) for member in members])
            parts.append(Entries(np.unique(self.hits.rows[picked]), None, None, (len(self.base), 1)))
        codes = (*self.codes, *([None] * len(nets)))
        return Block(self.variable, (*self.labels, *nets), joined(parts), self.base, codes)

    def _position(self, member: str | Code) -> int:
        for position, (label, code) in enumerate(zip(self.labels, self.codes, strict=True)):
            if member == label or (code is not None and member == code):
                return position
        raise ArgumentError(f"{self.variable!r} has no answer {member!r}. It has: {listed(self.labels, 20)}.")


def single_choice(codes: pd.DataFrame, variable: Variable, missing: str = "exclude") -> Block:
    """A single-choice question. `missing="show"` keeps user-missing codes as answers, and their rows in the base."""
    column = codes[variable.name]
    absent = column.isna().to_numpy() if missing == "show" else variable.is_missing(column)
    order = category_order(column, variable, missing=missing == "show")
    if not order:
        raise NoValidData(f"{variable.name!r} has no valid answer in {len(column)} rows.")
    position = pd.Index(order).get_indexer(column)
    base = ~absent & (position >= 0)
    row = None if base.all() else np.flatnonzero(base)
    hits = Entries(row, position if row is None else position[row], None, (len(column), len(order)))
    return Block(variable.name, tuple(variable.display(c) for c in order), hits, base, tuple(order))


def number(codes: pd.DataFrame, variable: Variable) -> Block:
    """A numeric question (k = 1).

    Raises:
        ArgumentError: the column holds text.
        UndeclaredMissingError: codes labelled like "don't know" are not declared missing.
    """
    column = codes[variable.name]
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise ArgumentError(
            f"{variable.name!r} holds {column.dtype} values, not numbers. Use proportion() for its categories."
        )
    suspects = looks_like_nonresponse(variable)
    if suspects:
        shown = listed(f"{s:g} ({variable.labels[s]})" if isinstance(s, (int, float)) else str(s) for s in suspects)
        raise UndeclaredMissingError(
            f"{variable.name!r} has codes that read like nonresponse and are not declared missing: {shown}. They would be "
            f"averaged as numbers. Declare them: poll.declare_missing({variable.name!r}, {list(suspects)})."
        )
    base = ~variable.is_missing(column)
    row = None if base.all() else np.flatnonzero(base)
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    values = numbers if row is None else numbers[row]
    if np.isinf(values).any():
        rows = np.flatnonzero(np.isinf(numbers) & base)
        raise ArgumentError(
            f"{variable.name!r} is infinite in row {listed(int(r) + 1 for r in rows)}. Correct it first."
        )
    hits = Entries(row, None, values, (len(column), 1))
    return Block(variable.name, ("",), hits, base, (None,))


def multiple_response(
    codes: pd.DataFrame, codebook: Codebook, question: MultipleResponse, missing: str = "exclude"
) -> Block:
    """A multiple-response question, dichotomies or categories. Base: rows with any valid member (asked).

    `missing="show"`: rows without one that hold user-missing codes are in the base, too, with their reason as an answer.
    """
    members = [codebook[c] for c in question.columns]
    valid = np.column_stack([~v.is_missing(codes[v.name]) for v in members])
    base: BoolArray = np.asarray(valid.any(axis=1))
    if question.counted is not None:
        given = np.column_stack([(codes[v.name] == question.counted).to_numpy(dtype=bool) for v in members]) & valid
        block = Block(question.name, member_texts(members), _given(given), base, tuple(v.name for v in members))
    else:
        block = _category_set(codes, members, question, valid, base)
    return _with_reasons(block, codes, members) if missing == "show" else block


def _with_reasons(block: Block, codes: pd.DataFrame, members: list[Variable]) -> Block:
    """The block with rows that hold user-missing codes only, each with the first of its codes as its reason."""
    said = codes[[v.name for v in members]].bfill(axis="columns").iloc[:, 0]
    silent = ~block.base & said.notna().to_numpy()
    if not silent.any():
        return block
    labels = {code: text for v in reversed(members) for code, text in v.labels.items()}
    told = Variable(block.variable, labels=labels, missing=members[0].missing)
    order = [c for c in category_order(said[silent], told, missing=True) if (said[silent] == c).any()]
    rows = np.flatnonzero(silent)
    reasons = Entries(rows, pd.Index(order).get_indexer(said[silent]), None, (len(codes), len(order)))
    texts = tuple(told.display(c) for c in order)
    base: BoolArray = block.base | silent
    return Block(block.variable, (*block.labels, *texts), joined([block.hits, reasons]), base, (*block.codes, *order))


def _category_set(
    codes: pd.DataFrame, members: list[Variable], question: MultipleResponse, valid: BoolArray, base: BoolArray
) -> Block:
    """A set whose columns hold the first, second, ... answer by code; an answer given twice counts once."""
    everything = pd.concat([codes[v.name] for v in members], ignore_index=True)
    order = category_order(everything, members[0])
    index = pd.Index(order)
    given = np.zeros((len(codes), len(order)), dtype=bool)
    for j, member in enumerate(members):
        position = index.get_indexer(codes[member.name])
        rows = np.flatnonzero(valid[:, j] & (position >= 0))
        given[rows, position[rows]] = True
    labels = tuple(members[0].display(c) for c in order)
    return Block(question.name, labels, _given(given), base, tuple(order))


def _given(table: BoolArray) -> Entries:
    """Entries of a table of answers given. Shape (n, k)."""
    row, column = np.nonzero(table)
    return Entries(row, column, None, table.shape)
