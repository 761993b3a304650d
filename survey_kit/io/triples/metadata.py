"""What a Triple-S metadata file says: a survey and its fields, in the words of the standard."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from survey_kit.errors import DamagedFileError, DuplicateNameError, ResourceLimitError, listed, one_of
from survey_kit.io.triples.notes import load_notes
from survey_kit.io.triples.xml import NOTES

TYPES = ("single", "multiple", "quantity", "character", "logical", "date", "time")
_VERSIONS = ("1.1", "1.2", "2.0", "3.0")
MOST_VALUES, MOST_FIELDS = 10_000, 100_000
_BREAK = re.compile(r"[\r\n]+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"\+?\d+")


@dataclass(frozen=True, slots=True)
class Texts:
    """One text with its variants: the text itself, the interviewer's wording, other languages and modes by key."""

    text: str = ""
    question: str = ""
    others: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One <variable>.

    Attributes:
        kind: its type; `literal` is true where codes are texts (format="literal").
        start, finish: columns from 1 in a fixed file; the number of the field, from 1, in CSV (both are that).
        values: code as written -> its texts; `spans`: the stated ranges, as written; `scores`: code -> score.
        subfields, width: of a <spread>; 0 where there is none, or no width is stated.
        attributes: what else the element says; `notes`: what survey_kit noted for itself.
    """

    name: str
    kind: str
    start: int
    finish: int
    label: Texts = field(default_factory=Texts)
    literal: bool = False
    values: dict[str, Texts] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)
    spans: tuple[tuple[str, str], ...] = ()
    size: int = 0
    subfields: int = 0
    width: int = 0
    use: str = ""
    filter: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """A whole metadata file. `name` is that of the file; `csv`, `skip`, `href` tell of the data file."""

    name: str
    title: str
    fields: tuple[Field, ...]
    csv: bool = False
    skip: int = 0
    href: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)


def read_survey(name: str, root: Element) -> Survey:
    """The survey of a parsed file. Raises DamagedFileError, DuplicateNameError, ResourceLimitError."""
    _check_version(name, root)
    survey = root.find("survey")
    record = None if survey is None else survey.find("record")
    if survey is None or record is None:
        raise DamagedFileError(f"{name} has no <survey> with a <record>, where the variables are. Export it again.")
    csv = _word(name, record, "format", ("fixed", "csv"), "fixed") == "csv"
    elements = record.findall("variable")
    if len(elements) > MOST_FIELDS:
        raise ResourceLimitError(f"{name} has {len(elements):,} variables; at most {MOST_FIELDS:,} are read.")
    fields = tuple(_field(name, element, csv, number) for number, element in enumerate(elements, 1))
    _check_names(name, fields)
    about = {tag: _plain(root.find(tag)) for tag in ("date", "time", "origin", "user")}
    about |= {"name": _plain(survey.find("name"))}
    if about["origin"] == "survey_kit":
        about["origin"] = ""
    return Survey(
        name=name,
        title=_texts(survey.find("title")).text,
        fields=fields,
        csv=csv,
        skip=_count(name, record, "skip", 0),
        href=record.get("href", "").strip(),
        attributes={key: text for key, text in about.items() if text},
        notes=load_notes(name, survey.find(NOTES), "the survey"),
    )


def _check_version(name: str, root: Element) -> None:
    version = root.get("version", "").strip()
    if ".".join([*version.split("."), "0"][:2]) not in _VERSIONS:
        raise DamagedFileError(f"{name} has Triple-S version {version!r}; there are {listed(_VERSIONS)}. Correct it.")


def _check_names(name: str, fields: tuple[Field, ...]) -> None:
    counts = Counter(f.name for f in fields)
    twice = next((n for n, count in counts.items() if count > 1), None)
    if twice is not None:
        places = " and ".join(str(i) for i, f in enumerate(fields, 1) if f.name == twice)
        raise DuplicateNameError(f"{name} has the variable name '{twice}' at positions {places}. Rename one of them.")


def _field(name: str, element: Element, csv: bool, number: int) -> Field:
    ident = element.get("ident", "").strip()
    called = _plain(element.find("name")) or ident or f"V{number}"
    place = f"{name}: variable '{called}'"
    kind = _word(place, element, "type", TYPES, "")
    start, finish = _position(place, element, csv)
    values = list(_values(place, element))
    subfields, width = _spread(place, element, finish - start + 1, csv)
    own = {"ident": ident} if ident and ident != called and ident.lstrip("0") != str(number) else {}
    return Field(
        name=called,
        kind=kind,
        start=start,
        finish=finish,
        label=_texts(element.find("label")),
        literal=_word(place, element, "format", ("numeric", "literal"), "numeric") == "literal",
        values={value.get("code", "").strip(): _texts(value) for value in values},
        scores={v.get("code", "").strip(): v.get("score", "").strip() for v in values if v.get("score")},
        spans=tuple(_spans(place, element)),
        size=_size(place, element),
        subfields=subfields,
        width=width,
        use=element.get("use", "").strip(),
        filter=element.get("filter", "").strip() or _plain(element.find("filter")),
        attributes=own,
        notes=load_notes(place, element.find(NOTES), "it"),
    )


def _position(place: str, element: Element, csv: bool) -> tuple[int, int]:
    position = element.find("position")
    if position is None:
        raise DamagedFileError(f"{place} has no <position>. Export the survey again.")
    start = _count(place, position, "start", 0)
    finish = start if csv else _count(place, position, "finish", start)
    if not 1 <= start <= finish:
        raise DamagedFileError(
            f"{place} has the position {start} to {finish}, which cannot be. Export the survey again."
        )
    if csv and start > MOST_FIELDS:
        raise ResourceLimitError(f"{place} is field {start:,} of its row; at most {MOST_FIELDS:,} are read.")
    return start, finish


def _values(place: str, element: Element) -> Iterator[Element]:
    found = element.findall("values/value")
    if len(found) > MOST_VALUES:
        raise ResourceLimitError(f"{place} has {len(found):,} values; at most {MOST_VALUES:,} are read.")
    codes = Counter(value.get("code", "").strip() for value in found)
    if "" in codes:
        raise DamagedFileError(f"{place} has a <value> without a code. Export the survey again.")
    twice = next((code for code, count in codes.items() if count > 1), None)
    if twice is not None:
        raise DamagedFileError(f"{place} has the code {twice} more than once. Give each answer a code of its own.")
    return iter(found)


def _spans(place: str, element: Element) -> Iterator[tuple[str, str]]:
    for span in element.findall("values/range"):
        low, high = span.get("from", "").strip(), span.get("to", "").strip()
        if not low or not high:
            raise DamagedFileError(f"{place} has a <range> without from= or to=. Export the survey again.")
        yield low, high


def _spread(place: str, element: Element, room: int, csv: bool) -> tuple[int, int]:
    """(number of subfields, width of one, 0 where it is not stated and not fixed)."""
    spread = element.find("spread")
    if spread is None:
        return 0, 0
    subfields = _count(place, spread, "subfields", 0)
    if not 1 <= subfields <= MOST_VALUES:
        raise DamagedFileError(f"{place} is spread over {subfields} subfields; 1 to {MOST_VALUES:,} are read.")
    width = _count(place, spread, "width", 0 if csv else room // subfields)
    if not csv and not 1 <= width * subfields <= room:
        raise DamagedFileError(f"{place}: {subfields} subfields of {width} characters do not fit into {room} columns.")
    return subfields, width


def _size(place: str, element: Element) -> int:
    text = _plain(element.find("size"))
    if text and not _INTEGER.fullmatch(text):
        raise DamagedFileError(f"{place} has the size {text!r}, which is no number.")
    return int(text[:9] or 0)


def _count(place: str, element: Element, key: str, default: int) -> int:
    text = element.get(key, "").strip()
    if not text:
        return default
    if not _INTEGER.fullmatch(text) or len(text) > 9:
        raise DamagedFileError(f"{place} has {key}={text!r}, which is no number of that kind. Export it again.")
    return int(text)


def _word(place: str, element: Element, key: str, allowed: tuple[str, ...], default: str) -> str:
    word = element.get(key, "").strip().lower() or default
    try:
        one_of(key, word, allowed)
    except ValueError as error:
        raise DamagedFileError(f"{place}: {error}") from None
    return word


def _plain(element: Element | None) -> str:
    return "" if element is None else _texts(element).text


def _texts(element: Element | None) -> Texts:
    """The text of a <title>, <label> or <value>. Where it has none of its own, the first of its <text> elements."""
    if element is None:
        return Texts()
    own, variants = [element.text or ""], []
    for child in element:
        if child.tag == "br":
            own.append("\x00")  # XML cannot hold it
        elif child.tag == "text":
            variants.append((_key(child), _joined([child.text or "", *_pieces(child)])))
        own.append(child.tail or "")
    text, question, others = _joined(own), "", {}
    for key, said in variants:
        if key == "interview" and not question:
            question = said
        elif not text:
            text = said
        elif said and not (key in ("", "analysis") and said == text):
            others[key or "text"] = said
    return Texts(text, question, others)


def _key(element: Element) -> str:
    """ "fr", "interview" or "fr:interview": the language and mode of a <text>."""
    return ":".join(part for part in (element.get("xml:lang", "").strip(), element.get("mode", "").strip()) if part)


def _pieces(element: Element) -> Iterator[str]:
    for child in element:
        yield "\x00" if child.tag == "br" else ""
        yield child.tail or ""


def _joined(pieces: list[str]) -> str:
    """Indentation is no text: a line break with the blanks around it is one blank; <br/> is a line break."""
    return "\n".join(map(_flowing, "".join(pieces).split("\x00"))).strip("\n")


def _flowing(text: str) -> str:
    lines = (line.strip(" \t") for line in _BREAK.split(text))
    return " ".join(line for line in lines if line)


def small_number(text: str) -> int:
    """The number of a text of digits; one beyond all limits where the text is absurdly long.

    >>> small_number("007"), small_number("9" * 5000)
    (7, 1000000000)
    """
    return int(text) if len(text) <= 9 else 10**9


def is_number(text: str) -> bool:
    """True for a number as Triple-S writes it: "12", "-1.50".

    >>> is_number("07"), is_number("a"), is_number("-1.5")
    (True, False, True)
    """
    return _NUMBER.fullmatch(text) is not None


def is_integer(text: str) -> bool:
    """True for a code of digits.

    >>> is_integer("07"), is_integer("-7")
    (True, False)
    """
    return _INTEGER.fullmatch(text) is not None
