"""What Stata has no place for, kept in characteristics: missing rules, wording, levels, sets, labels that were cut.

Every variable, and the file as "_dta", may carry a characteristic `survey_kit`: a codebook in JSON. It follows the
variable through `rename`, `drop` and `merge` in Stata. What Stata itself holds (labels, formats) is taken from Stata, so
that changes made there count. Other characteristics are attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from survey_kit.codebook import Code, Codebook, MissingRule, Variable
from survey_kit.errors import ReadError
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json
from survey_kit.io.extended_missing import FIRST, LAST
from survey_kit.io.text import longer

OURS, FILE = "survey_kit", "_dta"
DOUBLE = "survey_kit_double"  # of whole numbers that are doubles here and integers in Stata, to be read as they were
INTEGER = "survey_kit_integer"  # and of integers here that are too large for those of Stata, which stores doubles
STATA_WEIGHT = "_svy_wvar"  # the characteristic in which `svyset` keeps the weight variable
_OWN = (OURS, DOUBLE, INTEGER)
LONGEST = 67_784  # bytes of a characteristic
_KEPT = ("question", "filter", "origin", "measure", "width", "alignment")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_NOTE = re.compile(r"note\d+")
Texts = Mapping[tuple[str, str], str]


def attributes(said: Texts) -> dict[str, dict[str, str]]:
    """Variable, or "_dta" for the file -> its characteristics that are neither ours nor notes of the file."""
    found: dict[str, dict[str, str]] = {}
    for (owner, name), text in said.items():
        if name not in _OWN and not (owner == FILE and _NOTE.fullmatch(name)):
            found.setdefault(owner, {})[name] = text
    return found


def restored(book: Codebook, said: Texts) -> Codebook:
    """The codebook with what `survey_kit` characteristics say. One that cannot be understood is left aside."""
    variables = {n: _restored(v, _book(said.get((n, OURS), ""))) for n, v in book.variables.items()}
    whole = _book(said.get((FILE, OURS), ""))
    book = replace(book, variables=variables)
    if whole is None:
        return book
    return replace(
        book,
        title=longer(book.title, whole.title),
        sets={k: s for k, s in whole.sets.items() if set(s.columns) <= set(variables)},
        weight=whole.weight if whole.weight in variables else book.weight,
        attributes={**book.attributes, **whole.attributes},
    )


def _book(text: str) -> Codebook | None:
    try:
        return codebook_from_json(text) if text else None
    except (ReadError, ValueError):
        return None


def _restored(variable: Variable, book: Codebook | None) -> Variable:
    found = next(iter(book.variables.values()), None) if book is not None else None
    if found is None:
        return variable
    more = {c: t for c, t in found.labels.items() if not fits(c)}
    labels = {c: longer(t, found.labels.get(c, "")) for c, t in variable.labels.items()}
    order = [c for c in found.labels if c in labels or c in more]
    labels = {**{c: labels.get(c, more.get(c, "")) for c in order}, **labels}
    kept = {key: getattr(found, key) for key in _KEPT}
    return replace(
        variable,
        label=longer(variable.label, found.label),
        labels=labels,
        missing=_rule(variable.missing, found.missing),
        attributes={**variable.attributes, **found.attributes},
        **kept,
    )


def _rule(letters: MissingRule | None, stated: MissingRule | None) -> MissingRule | None:
    """The stated rule, with the letters that are new in the file."""
    if stated is None or letters is None:
        return stated or letters
    return replace(stated, values=(*stated.values, *(v for v in letters.values if v not in stated)))


def _in_order(labels: Mapping[Code, str]) -> list[Code]:
    """The codes in the order in which a reader finds them: numbers, then .a to .z."""
    return sorted(labels, key=lambda c: (LAST <= float(c) <= FIRST, abs(float(c)) if LAST <= float(c) <= FIRST else c))


def fits(code: Code) -> bool:
    """Whether Stata can label a code: an integer of four bytes."""
    return not isinstance(code, str) and float(code).is_integer() and -(2**31) < code <= 2_147_483_620


def characteristics(book: Codebook) -> tuple[dict[tuple[str, str], str], dict[str, list[str]]]:
    """The characteristics to write, and what -> names of the variables that are too long for one."""
    found: dict[tuple[str, str], str] = {}
    for name, variable in book.variables.items():
        found.update({(name, key): text for key, text in variable.attributes.items() if _native(key, text)})
        if (slim := _slim(variable)) is not None:
            found[name, OURS] = codebook_to_json(Codebook({name: slim}))
    found.update({(FILE, key): text for key, text in book.attributes.items() if _native(key, text)})
    odd = {k: t for k, t in book.attributes.items() if not _native(k, t)}
    weight = None if book.attributes.get(STATA_WEIGHT) == book.weight else book.weight
    title = book.title if len(book.title) > 80 else ""
    whole = Codebook(sets=book.sets, weight=weight, title=title, attributes=odd)
    if whole != Codebook():
        found[FILE, OURS] = codebook_to_json(whole)
    long = [owner for (owner, _), text in found.items() if len(text.encode()) > LONGEST]
    kept = {key: text for key, text in found.items() if len(text.encode()) <= LONGEST}
    return kept, {"meaning longer than a characteristic of": long} if long else {}


def _native(key: str, text: str) -> bool:
    return (
        bool(_NAME.fullmatch(key))
        and key not in _OWN
        and not _NOTE.fullmatch(key)
        and 0 < len(text.encode()) <= LONGEST
    )


def _slim(variable: Variable) -> Variable | None:
    """What must be said of a variable beside its Stata label, format and value labels; None where that is all."""
    odd = {k: t for k, t in variable.attributes.items() if not _native(k, t)}
    label = variable.label if len(variable.label) > 80 else ""
    labels = dict(variable.labels)
    plain = all(fits(c) and len(t.encode()) <= 32_000 for c, t in labels.items()) and list(labels) == _in_order(labels)
    slim = replace(variable, label=label, labels={} if plain else labels, attributes=odd, format="")
    bare = Variable(variable.name, measure=slim.measure if slim.measure == "nominal" else "unknown")
    return None if slim == bare and variable.measure == "unknown" else slim
