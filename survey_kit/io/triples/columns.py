"""From the fields of a Triple-S file to columns and their codebook.

A `multiple` becomes one 0/1 column for each answer (a dichotomy set), or one column of codes for each subfield where it is
spread (a category set); every other field is one column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from survey_kit.codebook import Code, Codebook, Measure, MultipleResponse, Variable
from survey_kit.errors import DamagedFileError, ResourceLimitError, listed
from survey_kit.io.triples.metadata import (
    MOST_FIELDS,
    MOST_VALUES,
    Field,
    Survey,
    Texts,
    is_integer,
    is_number,
    small_number,
)
from survey_kit.io.triples.notes import Note, damaged_notes, with_book_note, with_variable_note
from survey_kit.schema import Notice

YES_NO: dict[Code, str] = {0: "No", 1: "Yes"}
_LONGEST = 1000  # digits of a code
_SCALES = ("quantity", "date", "time")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the result. `place` is the answer's code or the subfield, from 1, of a `multiple`; else 0.

    `given` is the name that the standard's elements give it, `name` the one it has; `answer`: the texts of its answer.
    """

    name: str
    given: str
    field: Field
    place: int
    note: Note
    answer: Texts = Texts()


def plan_columns(survey: Survey) -> tuple[Column, ...]:
    """The columns in the order of the fields. Raises DamagedFileError, ResourceLimitError."""
    taken = {f.name for f in survey.fields if f.kind != "multiple"}
    columns: list[Column] = []
    for field in survey.fields:
        place = f"{survey.name}: variable '{field.name}'"
        places = _places(place, field, survey.csv) if field.kind == "multiple" else [0]
        notes = _column_notes(place, field, len(places))
        answers = _answers(field) if field.kind == "multiple" and not field.subfields else {}
        for number, note in zip(places, notes, strict=True):
            given = _free(f"{field.name}_{number}", taken) if number else field.name
            taken.add(given)
            name = _noted_name(place, note, given)
            columns.append(Column(name, given, field, number, note, answers.get(number, Texts())))
        if len(columns) > MOST_FIELDS:
            raise ResourceLimitError(f"{survey.name} has more than {MOST_FIELDS:,} columns; no survey has.")
    if len({c.name for c in columns}) < len(columns):
        raise damaged_notes(survey.name, "the names")
    return tuple(columns)


def _answers(field: Field) -> dict[int, Texts]:
    """The texts of the answers by their numbers; of codes that are one number ("1", "01") the first counts."""
    answers: dict[int, Texts] = {}
    for code, texts in field.values.items():
        answers.setdefault(int(code), texts)
    return answers


def _free(name: str, taken: Set[str]) -> str:
    while name in taken:
        head, _, tail = name.rpartition("_")
        name = f"{head}__{tail}"
    return name


def _column_notes(place: str, field: Field, count: int) -> list[Note]:
    notes = field.notes.get("columns", [{}] * count)
    if not isinstance(notes, list) or len(notes) != count or not all(isinstance(n, dict) for n in notes):
        raise damaged_notes(place, "it")
    return notes


def _noted_name(place: str, note: Note, given: str) -> str:
    said = note.get("variable", {})
    name = said.get("name", given) if isinstance(said, dict) else given
    if not isinstance(name, str):
        raise damaged_notes(place, "its name")
    return name


def _places(place: str, field: Field, csv: bool) -> list[int]:
    """Subfields, or the codes of the answers."""
    if field.subfields:
        return list(range(1, field.subfields + 1))
    spans = [pair for pair in field.spans if all(map(is_integer, pair))]
    odd = [code for code in field.values if not is_integer(code) or not 0 < small_number(code) <= MOST_VALUES]
    if odd or len(spans) < len(field.spans) or any(small_number(high) > MOST_VALUES for _, high in spans):
        what = odd[0] if odd else listed(["-".join(pair) for pair in field.spans])
        raise DamagedFileError(
            f"{place} has the code {what}; answers of a multiple question are numbered from 1 to {MOST_VALUES:,}."
        )
    codes = dict.fromkeys(int(code) for code in field.values)
    for low, high in spans:
        codes |= dict.fromkeys(range(max(1, small_number(low)), int(high) + 1))
    room = field.finish - field.start + 1
    if not codes or (not csv and max(codes) > room):
        found = f"answers up to {max(codes)} in {room} columns" if codes else "no answers"
        raise DamagedFileError(f"{place} is a multiple question with {found}. Export the survey again.")
    return list(codes)


def build_codebook(
    survey: Survey, columns: tuple[Column, ...], texts: Mapping[str, bool], encoding: str
) -> tuple[Codebook, list[Notice]]:
    """The codebook, columns in the order of the fields. `texts`: which columns hold text, for their codes."""
    read = {c.given: standard_variable(c, texts.get(c.name, False)) for c in columns}
    variables = {c.name: with_variable_note(survey.name, read[c.given], c.note.get("variable")) for c in columns}
    weights = [c.name for c in columns if c.field.use == "weight" and not c.place]
    fields = [f for f in survey.fields if f.kind == "multiple"]
    book = Codebook(
        variables=variables,
        sets={f.name: _set(f, columns) for f in fields},
        title=survey.title,
        weight=weights[0] if weights else None,
        encoding=encoding,
        attributes={**survey.attributes, **_set_attributes(fields)},
    )
    notices = list(_notices(survey, weights))
    return with_book_note(survey.name, book, survey.notes.get("book")), notices


def _set(field: Field, columns: tuple[Column, ...]) -> MultipleResponse:
    members = tuple(c.name for c in columns if c.field is field)
    return MultipleResponse(field.name, members, None if field.subfields else 1, field.label.text, field.label.question)


def _set_attributes(fields: list[Field]) -> dict[str, str]:
    return {f"{f.name}:label:{key}": text for f in fields for key, text in f.label.others.items()}


def standard_variable(column: Column, text: bool) -> Variable:
    """What the standard's elements alone say of a column. `text`: its codes are texts."""
    field = column.field
    base = Variable(column.given, measure=_measure(field))
    if field.kind == "multiple":
        base = replace(base, filter=field.filter, attributes=dict(field.attributes))
        if not field.subfields:
            answer = column.answer
            return replace(base, label=answer.text, labels=YES_NO, attributes=_attributes(field, answer, own=False))
    labels: dict[Code, str] = {code_of(c, text): t.text for c, t in field.values.items() if t.text}
    if field.kind == "logical" and not labels:
        labels = YES_NO
    return replace(
        base,
        label=field.label.text,
        labels=labels,
        question="" if field.kind == "multiple" else field.label.question,
        format="TIME8" if field.kind == "time" and not text else "",
        filter=field.filter,
        attributes=_attributes(field, field.label, own=field.kind != "multiple"),
    )


def _measure(field: Field) -> Measure:
    return "scale" if field.kind in _SCALES else "nominal"


def code_of(written: str, text: bool) -> Code:
    """A code as it is in the data.

    >>> code_of("07", text=False), code_of("07", text=True), code_of("-1.5", text=False)
    (7, '07', -1.5)
    """
    if text:
        return written
    if is_integer(written.removeprefix("-")) and len(written) <= _LONGEST:
        return int(written)
    return float(written) if is_number(written) else written


def _attributes(field: Field, texts: Texts, own: bool) -> dict[str, str]:
    """Other languages as "label:fr" and "label:fr:CODE", scores as "score:CODE", the use."""
    found = dict(field.attributes)
    if field.use and field.use not in ("weight", "regular"):
        found["use"] = field.use
    if own:
        found |= {f"label:{key}": text for key, text in texts.others.items()}
        for code, said in field.values.items():
            found |= {f"label:{key}:{code}": text for key, text in _variants(said)}
    else:
        found |= {f"label:{key}": text for key, text in _variants(texts)}
    return found | {f"score:{code}": score for code, score in field.scores.items()}


def _variants(texts: Texts) -> Iterator[tuple[str, str]]:
    if texts.question:
        yield "interview", texts.question
    yield from texts.others.items()


def _notices(survey: Survey, weights: list[str]) -> Iterator[Notice]:
    languages = {key: None for f in survey.fields for t in (f.label, *f.values.values()) for key in t.others}
    if languages:
        shown = listed(languages)
        text = f"Texts come in several languages or modes; the first is the label, the others are attributes: {shown}."
        yield Notice("language", text, len(languages))
    if len(weights) > 1:
        yield Notice("weight", f"The file names several weights: {listed(weights)}. The first is taken.", len(weights))
