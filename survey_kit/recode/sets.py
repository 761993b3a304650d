"""The recipe of multiple-response sets: several columns as one question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd

from survey_kit.codebook import Code, Codebook, MultipleResponse, format_code
from survey_kit.errors import ArgumentError, UnknownNameError, did_you_mean, listed, unknown
from survey_kit.recode.answers import label_code
from survey_kit.recode.recipe import Recipe, RecodedSet
from survey_kit.recode.recoded import Source, check_name, source_of
from survey_kit.schema import Notice


@dataclass(frozen=True, slots=True)
class AnswerSet(Recipe):
    """Columns as one question; see `multiple_response`."""

    columns: tuple[str, ...]
    counted: Code | None = 1
    label: str = ""
    question: str = ""
    makes_set = True

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> RecodedSet:
        """The set; see `multiple_response`."""
        check_name(name)
        columns = _matched(self.columns, list(codes.columns))
        members = [source_of(codes, codebook, column) for column in columns]
        _check_kinds(members)
        if self.counted is None:
            _check_categories(members)
            return RecodedSet(MultipleResponse(name, columns, None, self.label, self.question))
        counted = _counted_code(members, self.counted)
        notices = _check_dichotomies(members, counted)
        return RecodedSet(MultipleResponse(name, columns, counted, self.label, self.question), notices)


def multiple_response(
    columns: str | Iterable[str], counted: Code | None = 1, label: str = "", question: str = ""
) -> AnswerSet:
    """Several columns as one question with several answers: `poll.recode(media=sk.multiple_response(["m1", "m2"]))`.

    Two kinds. Dichotomies: a column for each answer, which holds `counted` where it was mentioned. Category columns
    (`counted=None`): the first, second, third answer, with one list of labels. The set is an entry of `codebook.sets`;
    estimates take its name like that of a column. Equivalents: SPSS `MRSETS` (MDGROUP, MCGROUP), R
    `expss::mdset`/`mrset`, Stata `mrtab`.

    Args:
        columns: names, in the order of the answers; a pattern such as "m_*" stands for the columns that match it, in
            the order of the file.
        counted: code or label that means "mentioned"; None for category columns.
        label, question: of the set.

    Raises:
        UnknownNameError: no such column, or none that matches.
        ArgumentError: fewer than two columns, one of them twice; a column without the counted code; category columns
            that differ in labels or missing codes.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"m_tv": [1, 0], "m_web": [1, 1], "age": [20, 30]}))
    >>> poll = poll.recode(media=sk.multiple_response("m_*", counted=1, label="Media"))
    >>> poll.codebook.sets["media"].columns
    ('m_tv', 'm_web')
    """
    names = (columns,) if isinstance(columns, str) or not isinstance(columns, Iterable) else tuple(columns)
    if not names or not all(isinstance(n, str) and n for n in names):
        raise ArgumentError(
            f"A multiple-response set needs names of columns, as in ['m1', 'm2']; there was {columns!r}."
        )
    if isinstance(counted, bool):
        raise ArgumentError(f"counted={counted!r} is no code; give a number, a label, or None for category columns.")
    return AnswerSet(names, counted, label, question)


def _matched(wanted: tuple[str, ...], there: list[str]) -> tuple[str, ...]:
    """Column names for names and patterns."""
    found = [name for each in wanted for name in _matches(each, there)]
    twice = [name for name in dict.fromkeys(found) if found.count(name) > 1]
    if twice or len(found) < 2:
        what = f"{twice[0]!r} is in it twice" if twice else f"there was only {found[0]!r}"
        raise ArgumentError(f"A multiple-response set needs two or more different columns; {what}.")
    return tuple(found)


def _matches(wanted: str, there: list[str]) -> list[str]:
    if wanted in there:
        return [wanted]
    if not any(sign in wanted for sign in "*?["):
        raise unknown("column", wanted, there)
    found = [name for name in there if isinstance(name, str) and fnmatchcase(name, wanted)]
    if not found:
        near = did_you_mean(wanted.strip("*?"), there)
        raise UnknownNameError(f"No column matches {wanted!r}.{near}")
    return found


def _check_kinds(members: list[Source]) -> None:
    """All columns hold numbers, or all hold text."""
    kinds = {m.variable.name: isinstance(m.known[0], str) for m in members if m.known}
    if len(set(kinds.values())) > 1:
        text = next(name for name, is_text in kinds.items() if is_text)
        number = next(name for name, is_text in kinds.items() if not is_text)
        raise ArgumentError(f"Column {text!r} holds text and {number!r} numbers; the columns of a set are of one kind.")


def _counted_code(members: list[Source], counted: Code) -> Code:
    """The code that means "mentioned": as given, or that of a label which means the same code in every column."""
    if not isinstance(counted, str) or any(counted in m.known for m in members):
        return counted
    codes = {m.variable.name: label_code(m.variable, counted) for m in members}
    lacking = [name for name, code in codes.items() if code is None]
    if lacking:
        labels = listed(dict.fromkeys(repr(t) for m in members for t in m.variable.labels.values()), 12)
        raise ArgumentError(
            f"Column {lacking[0]!r} has no label {counted!r} for counted=. Labels there are: {labels or 'none'}. Write the "
            "code or another label."
        )
    if len(set(codes.values())) > 1:
        shown = ", ".join(f"{format_code(code)} in {name!r}" for name, code in codes.items())
        raise ArgumentError(f"{counted!r} has different codes: {shown}. Recode the columns first.")
    return next(code for code in codes.values() if code is not None)


def _check_dichotomies(members: list[Source], counted: Code) -> tuple[Notice, ...]:
    """Every column holds the counted code, or could: its codes are those of columns that do."""
    holders = [m for m in members if counted in m.known]
    used = {c for m in holders for c in m.known}
    for member in members:
        if counted not in member.known and not (holders and set(member.known) <= used):
            there = listed(f"{format_code(c)}" for c in member.known)
            raise ArgumentError(
                f"Column {member.variable.name!r} has no code {format_code(counted)!r}, which counts as mentioned; its "
                f"codes: {there or 'none'}. State counted=, or counted=None where columns hold the first, second ... "
                "answer."
            )
    many = next((m for m in members if sum(c not in m.lost for c in m.known) > 2), None)
    if many is None:
        return ()
    text = (
        f"{many.variable.name!r} has more than two answers; only {format_code(counted)} counts as mentioned. Where "
        "columns hold the first, second ... answer, say counted=None."
    )
    return (Notice("multiple_response", text),)


def _check_categories(members: list[Source]) -> None:
    """Category columns share labels and missing codes, since one list of answers speaks for all of them."""
    first = members[0]
    for member in members[1:]:
        pair = f"{first.variable.name!r} and {member.variable.name!r}"
        for code in dict.fromkeys((*first.variable.labels, *member.variable.labels)):
            one, two = first.variable.labels.get(code), member.variable.labels.get(code)
            if one != two:
                raise ArgumentError(
                    f"{pair} label the code {format_code(code)} differently: {one!r} and {two!r}. Category columns share one "
                    "list of labels; relabel one of them. For a column for each answer, state counted=."
                )
        for code in dict.fromkeys((*first.known, *member.known)):
            if _is_missing(first, code) != _is_missing(member, code):
                where = first if _is_missing(first, code) else member
                raise ArgumentError(
                    f"Code {format_code(code)} is user-missing in {where.variable.name!r} only, of {pair}. Declare it in "
                    "both."
                )


def _is_missing(source: Source, code: Code) -> bool:
    rule = source.variable.missing
    return rule is not None and code in rule
