"""Languages and choice lists of an XLSForm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from survey_kit.codebook import Code
from survey_kit.errors import listed
from survey_kit.io.codebooks.yaml_form import Problems
from survey_kit.io.xlsform.sheets import Table

SEPARATOR = " | "
_WHOLE = re.compile(r"-?[1-9][0-9]{0,14}|0")


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of choices: (name, label) in order. `codes` are numbers when all names are whole numbers."""

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def codes(self) -> dict[Code, str]:
        """Code -> label; whole numbers without leading zeros are numbers, unless another name of the list is a text."""
        numeric = all(_WHOLE.fullmatch(name) for name in self.names)
        return {int(n) if numeric else n: label for n, label in zip(self.names, self.labels, strict=True)}

    def with_other(self) -> Choices:
        """The list with the choice that `or_other` adds."""
        if "other" in self.names:
            return self
        return Choices((*self.names, "other"), (*self.labels, "Other"))


def languages_of(tables: Iterable[Table], default: str) -> tuple[str, ...]:
    """Languages in the order of the columns; "" is a column without a language beside others with one."""
    found: dict[str, str] = {}
    for sheet in tables:
        for header in sheet.header:
            field, _, language = header.partition("::")
            if field == "label":
                name = language or default
                found.setdefault(name.casefold(), name)
    return tuple(found.values())


def text_of(row: dict[str, str], field: str, languages: tuple[str, ...], default: str) -> str:
    """The text of a field in all languages, joined by " | "; one text where they agree or only one is there.

    A language without a text takes the first that there is, so that every text has as many parts as languages; " | "
    within a text becomes " / ".
    """
    by_language = {(h.partition("::")[2] or default).casefold(): t for h, t in row.items() if _names(h, field)}
    parts = [" ".join(by_language.get(language.casefold(), "").split()) for language in languages]
    if len(languages) > 1:
        parts = [re.sub(r" \| ", " / ", part) for part in parts]
    first = next((part for part in parts if part), "")
    filled = [part or first for part in parts]
    return first if len(set(filled)) <= 1 else SEPARATOR.join(filled)


def _names(header: str, field: str) -> bool:
    return header == field or header.startswith(field + "::")


def read_choices(
    sheet: Table, languages: tuple[str, ...], default: str, repeats: bool, problems: Problems, notes: list[str]
) -> dict[str, Choices]:
    """Choice lists by name. `repeats`: the form allows one name twice in a list (cascades); the first label is taken."""
    found: dict[str, dict[str, str]] = {}
    rows: dict[tuple[str, str], int] = {}
    twice: dict[str, None] = {}
    for number, row in sheet.rows:
        list_name = row.get("list_name", "")
        name = row.get("name", row.get("value", ""))
        if not list_name and not name:
            continue
        if not list_name or not name:
            lacking = "list_name" if name else "name"
            problems.add(number, "sheet 'choices'", f"The choice has no {lacking}. Fill it in.")
            continue
        choices = found.setdefault(list_name, {})
        if name in choices and repeats:
            twice[list_name] = None
        elif name in choices:
            text = f"{name!r} is in the list {list_name!r} already, in row {rows[list_name, name]}. Rename one of them."
            problems.add(number, "sheet 'choices'", text)
        choices.setdefault(name, text_of(row, "label", languages, default) or name)
        rows.setdefault((list_name, name), number)
    if twice:
        notes.append(f"Lists that hold one choice several times, labelled as the first time: {listed(twice)}.")
    return {name: Choices(tuple(c), tuple(c.values())) for name, c in found.items()}
