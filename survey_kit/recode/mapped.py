"""The recipe that gives answers new codes, one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Measure, MissingRule, Variable, format_code
from survey_kit.errors import ArgumentError, did_you_mean, listed
from survey_kit.recode.answers import answer_code
from survey_kit.recode.recipe import Recipe
from survey_kit.recode.recoded import Recoded, Source, check_declared, check_name, count, source_of
from survey_kit.schema import Notice

_New = dict[Code, Code | None]


@dataclass(frozen=True, slots=True)
class NewCodes(Recipe):
    """Answers under new codes; see `mapping`."""

    column: str
    codes: tuple[tuple[Code, Code | None], ...]
    labels: tuple[tuple[Code, str], ...] = ()
    missing: tuple[Code, ...] = ()
    other: Code | None = None
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The variable under its new codes; see `mapping`."""
        check_name(name)
        source = source_of(codes, codebook, self.column)
        named = self._named(source)
        kept = {c: c for c in source.lost if c not in named}
        rest = [c for c in source.known if c not in named and c not in kept]
        new: _New = {**named, **self._others(source, rest, named), **kept}
        self._check(source, new, kept)
        values = _translated(source.series, new, name)
        dropped = [c for c, target in new.items() if target is None]
        lost = source.series.isin(dropped).to_numpy(dtype=bool)
        shown = listed(map(format_code, dropped))
        notices = count(lost, "recode", f"of {self.column!r} with the codes {shown}: now missing.")
        notices += _answers_now(source, named, self.missing)
        return Recoded(values, self._variable(name, source, named, new, kept), tuple(notices))

    def _named(self, source: Source) -> _New:
        """Old code -> new code, as written."""
        found: _New = {}
        for answer, target in self.codes:
            code = answer if _is_free_number(source, answer) else answer_code(source.variable, answer, source.present)
            if found.setdefault(code, target) != target:
                raise ArgumentError(f"Code {format_code(code)} of {self.column!r} is mapped to two codes.")
        return found

    def _others(self, source: Source, rest: list[Code], named: _New) -> _New:
        """What becomes of answers that the mapping does not name."""
        if not rest:
            return {}
        if self.other is None:
            shown = listed(f"{format_code(c)} ({source.variable.display(c)!r})" for c in rest)
            raise ArgumentError(
                f"The mapping of {self.column!r} leaves codes uncovered: {shown}. Add them, or give other='keep', "
                "other='missing' or other=<a code>."
            )
        if self.other == "keep":
            return {c: c for c in rest}
        if self.other == "missing":
            return dict.fromkeys(rest, None)
        check_declared(source, named)
        return dict.fromkeys(rest, self.other)

    def _check(self, source: Source, new: _New, kept: Mapping[Code, Code]) -> None:
        """New codes are of one kind; labels and missing codes are among them; no answer gets the code of a missing one."""
        targets = [target for target in new.values() if target is not None]
        if len({isinstance(t, str) for t in targets}) > 1:
            raise ArgumentError(
                f"The new codes of {self.column!r} would be numbers and text together: {_shown(targets)}. Map every code, "
                "user-missing ones too, to one kind."
            )
        for what, codes in (("labels", [c for c, _ in self.labels]), ("missing", self.missing)):
            for code in codes:
                if code not in targets:
                    near = did_you_mean(format_code(code), dict.fromkeys(map(format_code, targets)))
                    raise ArgumentError(f"{what} names {code!r}, which is no new code of {self.column!r}.{near}")
        for old, target in new.items():
            if old not in kept and target in kept.values() and target not in self.missing:
                raise ArgumentError(
                    f"Code {format_code(old)} of {self.column!r} is mapped to {format_code(target)}, which is user-missing "
                    "and stays so. Choose another code, or map the missing code too."
                )

    def _variable(self, name: str, source: Source, named: _New, new: _New, kept: Mapping[Code, Code]) -> Variable:
        old = source.variable
        valid = {t for c, t in new.items() if t is not None and c not in kept and t not in self.missing}
        rule = _rule(old.missing, valid, (*self.missing, *kept), whole=len(kept) == len(source.lost))
        texts = _followed(source, {c: t for c, t in new.items() if c in named or c == t}) | dict(self.labels)
        order = list(dict.fromkeys(t for t in new.values() if t is not None))
        if not any(isinstance(t, str) for t in order):
            order.sort()  # type: ignore[type-var]
        order.sort(key=lambda t: rule is not None and t in rule)
        text = any(isinstance(t, str) for t in order)
        measure: Measure = "nominal" if text else old.measure
        return Variable(
            name,
            label=self.label or old.label,
            labels={t: texts[t] for t in order if t in texts},
            missing=rule,
            question=old.question,
            measure=measure,
            filter=old.filter,
            origin=self._origin(source, named),
        )

    def _origin(self, source: Source, named: _New) -> str:
        parts = [f"{_with_label(source, c)} is {'missing' if t is None else format_code(t)}" for c, t in named.items()]
        words = {"keep": "all others unchanged", "missing": "all others missing"}
        if self.other is not None:
            parts.append(words.get(str(self.other), f"all others {format_code(self.other)}"))
        return f"{self.column} recoded: {'; '.join(parts)}."


def mapping(
    column: str,
    codes: Mapping[Code, Code | None],
    labels: Mapping[Code, str] | None = None,
    missing: Iterable[Code] = (),
    other: Code | None = None,
    label: str = "",
) -> NewCodes:
    """Answers under new codes: `{"Agree": 10, 2: 20, 3: None}`; None is system-missing.

    Labels go with the answers; answers that get one code share one label, their texts joined. User-missing codes that
    the mapping does not name keep their code and stay user-missing; one that it names becomes an answer, unless its new
    code is in `missing`. Equivalents: SPSS `RECODE ... INTO`, Stata `recode ..., generate()`, R `dplyr::recode_values`.

    Args:
        column: the column.
        codes: old answer, by label or code -> new code, a number or a text; all new codes of one kind.
        labels: new code -> label, in place of the one that follows.
        missing: new codes that are user-missing.
        other: what becomes of answers that are not named. None refuses, and says which they are; "keep" leaves their
            codes as they are; "missing" makes them system-missing; a code gives them that code.
        label: of the new variable; that of the column when empty.

    Raises:
        UnknownNameError: an answer that is neither labelled nor in the data.
        ArgumentError: codes left uncovered; numbers and text together; a new code that is user-missing already.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 3]})).relabel("q", labels={1: "Agree", 2: "Disagree"})
    >>> poll = poll.recode(q_b=sk.mapping("q", {1: 20, "Disagree": 10, 3: None}))
    >>> poll.codes["q_b"].tolist(), dict(poll["q_b"].labels)
    ([20.0, 10.0, nan], {10: 'Disagree', 20: 'Agree'})
    """
    if not isinstance(codes, Mapping) or not codes:
        raise ArgumentError(
            f"The mapping of {column!r} is old code -> new code, as in {{1: 10, 2: 20}}; got {codes!r}."
        )
    if isinstance(missing, (str, int, float)):
        raise ArgumentError(f"missing={missing!r} is one code; give a list, as in [{missing!r}].")
    texts = tuple((_code(column, code), text) for code, text in (labels or {}).items())
    for _, text in texts:
        if not isinstance(text, str) or not text:
            raise ArgumentError(f"Labels of {column!r} are text; there was {text!r}.")
    return NewCodes(
        column,
        tuple((old, None if new is None else _code(column, new)) for old, new in codes.items()),
        texts,
        tuple(_code(column, code) for code in missing),
        None if other is None else _code(column, other),
        label,
    )


def _code(column: str, value: Any) -> Code:
    value = value.item() if isinstance(value, np.generic) else value
    wrong = isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == ""
    if wrong or (isinstance(value, float) and not math.isfinite(value)):
        raise ArgumentError(f"{value!r} is no code for {column!r}: give a number or a text, or None for missing.")
    return value


def _is_free_number(source: Source, answer: Code) -> bool:
    """True for a number in a mapping of an unlabelled column of numbers: it need not be in the data."""
    number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
    return number and not source.variable.labels and not any(isinstance(c, str) for c in source.present)


def _translated(series: pd.Series, new: _New, name: str) -> pd.Series:
    text = any(isinstance(target, str) for target in new.values())
    found = series.map({c: t for c, t in new.items() if t is not None})
    return found.astype("str" if text else float).rename(name)


def _rule(old: MissingRule | None, valid: set[Code], values: tuple[Code, ...], whole: bool) -> MissingRule | None:
    """The old rule where all of it still holds and covers no answer, else the single codes."""
    if old is None and not values:
        return None
    if old is None or not whole or any(code in old for code in valid):
        return MissingRule(tuple(dict.fromkeys(values)))
    added = [code for code in values if code not in old]
    return MissingRule((*old.values, *dict.fromkeys(added)), old.ranges)


def _followed(source: Source, new: _New) -> dict[Code, str]:
    """New code -> the labels of the answers that got it."""
    found: dict[Code, list[str]] = {}
    for code, target in new.items():
        if target is not None and code in source.variable.labels:
            found.setdefault(target, []).append(source.variable.labels[code])
    return {code: ", ".join(dict.fromkeys(texts)) for code, texts in found.items()}


def _answers_now(source: Source, named: _New, missing: tuple[Code, ...]) -> list[Notice]:
    moved = [c for c in source.lost if named.get(c) is not None and named[c] not in missing]
    if not moved:
        return []
    shown = listed(_with_label(source, c) for c in moved)
    rows = int(source.series.isin(moved).sum())
    return [Notice("recode", f"User-missing codes of {source.variable.name!r} are answers now: {shown}.", rows)]


def _with_label(source: Source, code: Code) -> str:
    text = source.variable.labels.get(code)
    return format_code(code) if text is None else f"{format_code(code)} ({text})"


def _shown(targets: Iterable[Code]) -> str:
    return listed(dict.fromkeys(repr(t) for t in targets))
