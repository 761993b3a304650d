"""Recipes that put answers together: groups of answers, and the 0/1 net of some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, Variable, format_code
from survey_kit.errors import ArgumentError, listed, one_of, unknown
from survey_kit.recode.answers import answer_code, display_texts
from survey_kit.recode.recipe import Recipe
from survey_kit.recode.recoded import (
    Recoded,
    Source,
    carry_missing,
    check_declared,
    check_name,
    count,
    either,
    new_variable,
    source_of,
    translate,
)
from survey_kit.recode.set_nets import said_in_set


@dataclass(frozen=True, slots=True)
class Collapse(Recipe):
    """Answers put together; see `collapse`."""

    column: str
    groups: tuple[tuple[str, tuple[Code, ...]], ...]
    other: str | None = None
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The collapsed variable; see `collapse`."""
        check_name(name)
        source = source_of(codes, codebook, self.column)
        mapping = self._places(source)
        texts = [text for text, _ in self.groups]
        lost = [c for c in source.lost if c not in mapping]
        rest = [c for c in source.known if c not in mapping and c not in lost]
        origin = self._origin(source, mapping)
        if rest and self.other is None:
            shown = listed(f"{format_code(c)} ({source.variable.display(c)!r})" for c in rest)
            raise ArgumentError(
                f"No group holds these answers of {self.column!r}: {shown}. Add them, or give other='...'."
            )
        if self.other is not None:
            check_declared(source, mapping)
            texts.append(self.other)
            mapping |= dict.fromkeys(rest, len(texts))
        carried, kept, notices = carry_missing(source, lost, len(texts))
        values = translate(source.series, {**mapping, **carried}, name)
        ordered = source.variable.measure == "ordinal" and self.other is None
        measure: Measure = "ordinal" if ordered else "nominal"
        labels: dict[Code, str] = dict(enumerate(texts, start=1))
        variable = new_variable(name, self.label, labels, kept, source.variable, measure, origin)
        return Recoded(values, variable, tuple(notices))

    def _places(self, source: Source) -> dict[Code, int]:
        """Old code -> number of its group."""
        mapping: dict[Code, int] = {}
        for place, (text, answers) in enumerate(self.groups, start=1):
            for answer in answers:
                code = answer_code(source.variable, answer, source.present)
                if mapping.setdefault(code, place) != place:
                    first = self.groups[mapping[code] - 1][0]
                    raise ArgumentError(
                        f"Code {format_code(code)} of {self.column!r} is in two groups, {first!r} and {text!r}."
                    )
        return mapping

    def _origin(self, source: Source, mapping: Mapping[Code, int]) -> str:
        shown = dict(zip(mapping, display_texts(source.variable, list(mapping)), strict=True))
        members = [[shown[c] for c, at in mapping.items() if at == place] for place in range(1, len(self.groups) + 1)]
        parts = [f"{text} = {', '.join(_quoted(m))}" for (text, _), m in zip(self.groups, members, strict=True)]
        parts += [] if self.other is None else [f"{self.other} = all other answers"]
        return f"{self.column} collapsed: {'; '.join(parts)}."


def collapse(
    column: str, groups: Mapping[str, Code | Iterable[Code]], other: str | None = None, label: str = ""
) -> Collapse:
    """Answers put together: `{"Oppose": ["Rather oppose", 5], "Support": [1, 2]}` by labels or codes.

    New codes are 1..k in the order of `groups`; `other` comes last. User-missing codes that no group names stay
    user-missing; one that a group names becomes an answer. Equivalents: R `fct_collapse`, Stata and SPSS `recode`.

    Args:
        column: the column.
        groups: new label -> answers, each a label, a displayed label ("Yes [1]") or a code.
        other: label for the answers that no group names; None refuses to leave any out, and says which.
        label: of the new variable; that of the column when empty.

    Raises:
        UnknownNameError: an answer that is neither labelled nor in the data.
        ArgumentError: an answer in two groups, an empty group, or answers left out without `other`.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 3]}))
    >>> poll = poll.relabel("q", labels={1: "Support", 2: "Rather oppose", 3: "Oppose"})
    >>> poll = poll.recode(q2=sk.collapse("q", {"For": [1], "Against": ["Rather oppose", 3]}))
    >>> poll.codes["q2"].tolist(), poll["q2"].origin
    ([1.0, 2.0, 2.0], 'q collapsed: For = "Support"; Against = "Rather oppose", "Oppose".')
    """
    if not isinstance(groups, Mapping) or not groups:
        raise ArgumentError(f"No groups for {column!r}: give a label and its answers for each.")
    if other is not None and (other in groups or not other):
        raise ArgumentError(f"other={other!r} must be a label that no group has.")
    given = tuple((text, _answers(column, answers, text)) for text, answers in groups.items())
    return Collapse(column, given, other, label)


def _answers(column: str, answers: Code | Iterable[Code], what: str) -> tuple[Code, ...]:
    several = isinstance(answers, Iterable) and not isinstance(answers, str)
    given = tuple(cast(Iterable[Code], answers)) if several else (cast(Code, answers),)
    if not given or not isinstance(what, str) or not what:
        raise ArgumentError(f"{what!r} of {column!r} needs a label in text and at least one answer.")
    return given


@dataclass(frozen=True, slots=True)
class Net(Recipe):
    """A 0/1 variable; see `net`."""

    column: str
    answers: tuple[Code, ...]
    missing: str = "exclude"
    labels: tuple[str, str] = ("No", "Yes")
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The 0/1 variable; see `net`."""
        check_name(name)
        if self.column in codebook.sets:  # before a text column of the same name that the set was split from
            return self._of_set(codes, codebook, name)
        if self.column not in codes.columns:
            raise unknown("column", self.column, [*codes.columns, *codebook.sets])
        return self._of_column(source_of(codes, codebook, self.column), name)

    def _of_column(self, source: Source, name: str) -> Recoded:
        chosen = list(dict.fromkeys(answer_code(source.variable, a, source.present) for a in self.answers))
        lost = [c for c in source.lost if c not in chosen]
        kept = lost if self.missing == "exclude" else []
        if self.missing == "exclude":
            check_declared(source, chosen)
        carried, rest, notices = carry_missing(source, kept, 1)
        mapping: dict[Code, float] = dict.fromkeys(source.present, 0) | dict.fromkeys(chosen, 1) | carried
        if self.missing == "zero":
            counted = source.series.isin(lost).to_numpy(dtype=bool)
            notices += count(
                counted, "missing", f"of {self.column!r} without an answer: counted as {self.labels[0]!r}."
            )
        values = translate(source.series, mapping, name)
        shown = display_texts(source.variable, [*chosen, *lost])
        without = f"it is {either(_quoted(shown[len(chosen) :]))}" if lost else ""
        origin = self._origin(f"{self.column} is", shown[: len(chosen)], without)
        return Recoded(values, self._variable(name, source.variable, rest, origin), tuple(notices))

    def _of_set(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        said = said_in_set(codes, codebook, codebook.sets[self.column], self.answers, strict=self.missing == "exclude")
        base = said.base if self.missing == "exclude" else said.base | said.silent
        values = pd.Series(np.where(base, said.given.astype(float), np.nan), index=codes.index, name=name)
        fate = "now missing" if self.missing == "exclude" else f"counted as {self.labels[0]!r}"
        notices = count(said.silent, "missing", f"of {self.column!r} with missing codes only: {fate}.")
        without = "its columns hold missing codes only" if said.has_missing else ""
        origin = self._origin(f"{self.column} mentions", said.texts, without)
        return Recoded(values, self._variable(name, said.wording, Variable(name), origin), tuple(notices))

    def _origin(self, verb: str, answers: list[str], without: str) -> str:
        no, yes = self.labels
        fate = "missing" if self.missing == "exclude" else "also"
        rest = f", {fate} where {without}" if without else ""
        return f"{yes} where {verb} {either(_quoted(answers))}; {no} otherwise{rest}."

    def _variable(self, name: str, old: Variable, rest: Variable, origin: str) -> Variable:
        labels: dict[Code, str] = {0: self.labels[0], 1: self.labels[1]}
        return new_variable(name, self.label, labels, rest, old, "nominal", origin)


def _quoted(texts: list[str]) -> list[str]:
    return [f'"{text}"' for text in texts]


def net(
    column: str,
    answers: Code | Iterable[Code],
    missing: str = "exclude",
    labels: tuple[str, str] = ("No", "Yes"),
    label: str = "",
) -> Net:
    """A 0/1 variable: 1 where one of the answers was given. Of a multiple-response set: 1 where any of them was mentioned.

    Its mean is the share of the net. Equivalents: R `as.integer(q %in% c(4, 5))`, Stata `inlist`, SPSS `COUNT`/`ANY`.

    Args:
        column: a column, or a multiple-response set.
        answers: labels or codes that count as 1; a user-missing code may be among them. Of a set of dichotomies: names
            or labels of its columns.
        missing: what becomes of user-missing codes. "exclude": they stay user-missing, the base is those who answered.
            "zero": they count as 0, the base is everybody who was asked; the rows are counted in a notice.
            System-missing values stay missing either way. The base of a set is whoever has a valid code in one of its
            columns.
        labels: value labels of 0 and 1.
        label: of the new variable; that of the column when empty.

    Raises:
        UnknownNameError: an answer that is neither labelled nor in the data.
        ArgumentError: another word for `missing`, or labels that are no pair.
        UndeclaredMissingError: with "exclude", codes in the data that read like "don't know" and are not declared
            missing: they would count as 0.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 9, None]}))
    >>> poll = poll.relabel("q", labels={1: "Yes", 2: "No", 9: "Refused"}).declare_missing("q", [9])
    >>> poll = poll.recode(yes=sk.net("q", ["Yes"]), yes_of_all=sk.net("q", ["Yes"], missing="zero"))
    >>> poll.codes["yes"].tolist(), poll.codes["yes_of_all"].tolist()
    ([1.0, 0.0, 9.0, nan], [1.0, 0.0, 0.0, nan])
    >>> poll["yes_of_all"].origin
    'Yes where q is "Yes"; No otherwise, also where it is "Refused".'
    """
    one_of("missing", missing, ("exclude", "zero"))
    pair = () if isinstance(labels, str) else tuple(labels)
    if len(set(pair)) != 2 or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
        raise ArgumentError(f"labels={labels!r} must be two different labels, of 0 and of 1, as in ('No', 'Yes').")
    return Net(column, _answers(column, answers, "answers"), missing, (pair[0], pair[1]), label)
