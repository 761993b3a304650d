"""What the codes of a survey file mean: labels, missing rules, wording. Codes are canonical, labels are derived.

Equivalents: the SPSS dictionary, Stata's variable and value labels, R's `labelled` and `haven`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from survey_kit.errors import ArgumentError, unknown

Code = int | float | str
Measure = Literal["nominal", "ordinal", "scale", "unknown"]


@dataclass(frozen=True, slots=True)
class MissingRule:
    """Which codes of a variable are user-missing: discrete values and closed ranges (SPSS `MISSING VALUES`).

    `MissingRule()` states that no code is missing; a variable whose `missing` is None never stated anything.
    """

    values: tuple[Code, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()

    def mask(self, codes: pd.Series) -> np.ndarray:
        """True where a code is user-missing. Shape (n,). System-missing (NaN) is not user-missing."""
        found = codes.isin(list(self.values)).to_numpy(dtype=bool, na_value=False)
        if self.ranges and pd.api.types.is_numeric_dtype(codes):
            numbers = codes.to_numpy(dtype=float, na_value=np.nan)
            for low, high in self.ranges:
                found = found | ((numbers >= low) & (numbers <= high))
        return found

    def __contains__(self, code: object) -> bool:
        if code in self.values:
            return True
        return isinstance(code, (int, float)) and any(low <= code <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its name, what it asks, what its codes mean.

    Attributes:
        name: column name in `codes`.
        label: short label ("Attitude to the influx").
        labels: code -> value label, in questionnaire order.
        missing: user-missing rule, or None when the file states none.
        question: verbatim wording, when known.
        measure: "nominal", "ordinal", "scale" or "unknown".
        format, width, alignment: as in the file (SPSS print format, display width; "left", "right", "center").
        filter: who was asked ("ASK IF q1 = 2"), when known.
        attributes: what else the file says of the variable (SPSS custom attributes, "$@Role").
        origin: how a recode made the variable, in a sentence; empty for a variable of the file.
    """

    name: str
    label: str = ""
    labels: Mapping[Code, str] = field(default_factory=dict)
    missing: MissingRule | None = None
    question: str = ""
    measure: Measure = "unknown"
    format: str = ""
    width: int | None = None
    filter: str = ""
    alignment: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), _plain(self))

    @property
    def title(self) -> str:
        """The label, or the name where there is none."""
        return self.label or self.name

    @property
    def wording(self) -> str:
        """The verbatim question, or the label where the wording is not known."""
        return self.question or self.title

    def is_missing(self, codes: pd.Series) -> np.ndarray:
        """True where a value is system- or user-missing. Shape (n,)."""
        empty = codes.isna().to_numpy()
        return empty if self.missing is None else empty | self.missing.mask(codes)

    def valid_labels(self) -> dict[Code, str]:
        """Labels of the codes that are not user-missing."""
        return {c: t for c, t in self.labels.items() if self.missing is None or c not in self.missing}

    def display(self, code: Code) -> str:
        """The text shown for a code: its label, "Yes [1]" where two codes share a label, else the code itself."""
        text = self.labels.get(code, "")
        if not text:
            return format_code(code)
        shared = sum(1 for other in self.labels.values() if other == text) > 1
        return f"{text} [{format_code(code)}]" if shared else text


@dataclass(frozen=True, slots=True)
class MultipleResponse:
    """A multiple-response set: which columns belong to one question (SPSS MRSETS).

    Attributes:
        name: the set's name, without SPSS's "$".
        columns: member columns in order.
        counted: the code that means "mentioned" for a dichotomy set; None for a category set.
        label: the set's label; question: verbatim wording.
    """

    name: str
    columns: tuple[str, ...]
    counted: Code | None = 1
    label: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Codebook:
    """Every variable of a file in column order, and what belongs to the file as a whole."""

    variables: Mapping[str, Variable] = field(default_factory=dict)
    sets: Mapping[str, MultipleResponse] = field(default_factory=dict)
    title: str = ""
    notes: tuple[str, ...] = ()
    weight: str | None = None
    encoding: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        object.__setattr__(self, "variables", MappingProxyType(dict(self.variables)))
        object.__setattr__(self, "sets", MappingProxyType(dict(self.sets)))

    def __eq__(self, other: object) -> bool:
        """Codebooks are equal when they say the same, whether or not they know the data."""
        if not isinstance(other, Codebook):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(Codebook))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), _plain(self))

    def __getitem__(self, name: str) -> Variable:
        if name not in self.variables:
            raise unknown("column", name, self.variables)
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)

    def with_variable(self, variable: Variable) -> Codebook:
        """A codebook in which `variable` is added, or replaces the one of its name."""
        return replace(self, variables={**self.variables, variable.name: variable})

    def with_changes(self, name: str, **changes: Any) -> Codebook:
        """A codebook in which fields of one variable are changed."""
        return self.with_variable(replace(self[name], **changes))

    def only(self, names: Iterable[str]) -> Self:
        """The codebook of some of the columns."""
        kept = {n: self[n] for n in names}
        sets = {k: s for k, s in self.sets.items() if all(c in kept for c in s.columns)}
        return replace(self, variables=kept, sets=sets, weight=self.weight if self.weight in kept else None)

    def find(self, text: str) -> Self:
        """The codebook of the variables that mention every word of `text`, in column order; empty where none does.

        Looked at are name, label, question, value labels, and name, label and question of the multiple-response sets
        that a variable belongs to. Capitals do not matter, and parts of words count: "migra" finds "Migration".
        R: labelled::look_for; Stata: lookfor.

        Raises:
            ArgumentError: `text` is no text.

        >>> book = Codebook({"q1": Variable("q1", label="Migration"), "q2": Variable("q2", label="Trust")})
        >>> list(book.find("migra"))
        ['q1']
        """
        if not isinstance(text, str):
            raise ArgumentError(f"find takes words to look for; there was {text!r}.")
        words = _folded(text).split()
        said = {name: [v.name, v.label, v.question, *v.labels.values()] for name, v in self.variables.items()}
        for question in self.sets.values():
            for column in question.columns:
                said.get(column, []).extend([question.name, question.label, question.question])
        texts = {name: _folded("\n".join(parts)) for name, parts in said.items()}
        return self.only(name for name, spoken in texts.items() if all(word in spoken for word in words))

    def in_language(self, position: int, separator: str = " | ") -> Codebook:
        """Labels of one language, where labels hold several ("Oppose | Против"). Labels without the separator stay."""

        def pick(text: str) -> str:
            parts = text.split(separator)
            if len(parts) == 1:
                return text
            if position >= len(parts):
                raise ArgumentError(f"Label {text!r} holds {len(parts)} languages; there is no number {position + 1}.")
            return parts[position].strip()

        variables = {
            name: replace(
                v, label=pick(v.label), question=pick(v.question), labels={c: pick(t) for c, t in v.labels.items()}
            )
            for name, v in self.variables.items()
        }
        sets = {k: replace(s, label=pick(s.label), question=pick(s.question)) for k, s in self.sets.items()}
        return replace(self, variables=variables, sets=sets, title=pick(self.title))

    def frame(self) -> pd.DataFrame:
        """One row per variable: name, label, question, measure, values, missing, filter."""
        rows = [
            {
                "name": v.name,
                "label": v.label,
                "question": v.question,
                "measure": v.measure,
                "values": "; ".join(f"{format_code(c)} = {t}" for c, t in v.labels.items()),
                "missing": describe_missing(v.missing),
                "filter": v.filter,
            }
            for v in self.variables.values()
        ]
        return pd.DataFrame(rows, columns=["name", "label", "question", "measure", "values", "missing", "filter"])


def _plain(thing: Any) -> dict[str, Any]:
    """Fields by name, read-only mappings as dicts, which can be pickled and copied."""
    values = {f.name: getattr(thing, f.name) for f in fields(thing)}
    return {name: dict(v) if isinstance(v, MappingProxyType) else v for name, v in values.items()}


def _again(kind: Any, values: dict[str, Any]) -> Any:
    return kind(**values)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def format_code(code: object) -> str:
    """A code as people write it: 1.0 is "1".

    >>> format_code(1.0), format_code(1.5), format_code("a")
    ('1', '1.5', 'a')
    """
    if isinstance(code, (float, np.floating)) and float(code).is_integer():
        return str(int(code))
    return str(code)


def describe_missing(rule: MissingRule | None) -> str:
    """The missing rule in words: "98, 99, -9 to -1"."""
    if rule is None:
        return ""
    ranges = [f"{format_code(low)} to {format_code(high)}" for low, high in rule.ranges]
    return ", ".join([format_code(v) for v in rule.values] + ranges)
