"""The records of an SPSS portable file: a text of 80-column lines that opens with a table of its own characters.

After the header every record begins with a letter or digit, its tag: 1 2 3 product, author, subproduct; 4 number of
variables; 5 precision; 6 weight; 7 variable, followed by its missing values (8 9 A B) and label (C); D value labels;
E documents; F the cases, to the letter Z. Numbers are in base 30 and end in "/"; a text follows its length in bytes.
Layout: PSPP developers' guide, "Portable File Format".
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from survey_kit.errors import DamagedFileError, TruncatedFileError, WrongFormatError
from survey_kit.io.spss.por_numbers import parse_number

HEADER, TABLE_AT, TABLE, LINE = 456, 200, 256, 80
SIGNATURE = "SPSSPORT"
PRINTABLE = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz "
    ".<(+|&[]!$*);^-/|,%_>?`:#@'=\""
)  # the characters at positions 64 to 155 of the table
BEYOND = {162: "~", 184: "{", 185: "}", 186: "\\"}
FORMATS = {
    1: "A", 2: "AHEX", 3: "COMMA", 4: "DOLLAR", 5: "F", 6: "IB", 7: "PIBHEX", 8: "P", 9: "PIB", 10: "PK", 11: "RB",
    12: "RBHEX", 15: "Z", 16: "N", 17: "E", 20: "DATE", 21: "TIME", 22: "DATETIME", 23: "ADATE", 24: "JDATE",
    25: "DTIME", 26: "WKDAY", 27: "MONTH", 28: "MOYR", 29: "QYR", 30: "WKYR", 31: "PCT", 32: "DOT", 33: "CCA",
    34: "CCB", 35: "CCC", 36: "CCD", 37: "CCE", 38: "EDATE", 39: "SDATE",
}  # fmt: skip
_HIGHEST = 1.79e308  # HI is the extreme double where a range has no end at all
_SHORTEST_LINE = 8  # bytes; lines are padded to 80, and a file of line ends alone must not fill the memory
_MOST_TEXT = 1 << 16
_MISSING = re.compile(r" *\*.", re.DOTALL)  # the sign after the asterisk is a point, as a rule


@dataclass
class PorVariable:
    """A variable record. `width` 0 means a number; texts are undecoded, a character for every byte."""

    name: str
    width: int
    form: str
    label: str = ""
    labels: dict[float | str, str] = field(default_factory=dict)
    values: list[float | str] = field(default_factory=list)
    ranges: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class PorFile:
    """What the records say; `text` from `data` on are the cases, `known` the variables by name."""

    name: str
    text: str = ""
    at: int = 0
    data: int = 0
    title: str = ""
    weight: str = ""
    notes: list[str] = field(default_factory=list)
    variables: list[PorVariable] = field(default_factory=list)
    known: dict[str, PorVariable] = field(default_factory=dict)


def read_records(name: str, content: bytes) -> PorFile:
    """All records up to the cases. Raises WrongFormatError, TruncatedFileError or DamagedFileError."""
    flat = _unfolded(name, content)
    if len(flat) < HEADER + LINE:
        raise TruncatedFileError(f"{name} is truncated: it ends inside its header. Fetch it again.")
    table = _table(name, flat)
    found = PorFile(name, flat.translate(table).decode("latin-1"), at=HEADER + len(SIGNATURE) + 1)
    found.title = found.text[60:80].strip(" ")
    read_texts(found, 2)  # date and time of writing
    declared = _tags(found)
    if declared != len(found.variables):
        raise DamagedFileError(
            f"{name} declares {declared} variables and describes {len(found.variables)}. Fetch it again."
        )
    found.data = found.at
    return found


def _unfolded(name: str, content: bytes) -> bytes:
    """The lines, each filled up to 80 columns with blanks, as one."""
    lines = content.splitlines()
    if len(lines) * _SHORTEST_LINE > len(content) + LINE * _SHORTEST_LINE:
        raise DamagedFileError(f"{name} is damaged: its lines are far shorter than 80 columns. Fetch it again.")
    return b"".join(line.ljust(LINE) for line in lines)


def _table(name: str, flat: bytes) -> bytes:
    """Which character each byte of the file stands for; bytes that the table does not name stay."""
    signs = dict(enumerate(PRINTABLE, 64)) | BEYOND
    named = flat[TABLE_AT : TABLE_AT + TABLE]
    table = bytearray(range(256))
    for position, byte in reversed(list(enumerate(named))):
        unused = byte == named[64] and position != 64
        if position in signs and not unused:
            table[byte] = ord(signs[position])
    if flat[HEADER : HEADER + len(SIGNATURE)].translate(bytes(table)) != SIGNATURE.encode():
        raise WrongFormatError(f"{name} does not begin as .por files do. Rename or download it again.")
    return bytes(table)


def _tags(found: PorFile) -> int:
    """Read the tagged records; gives the declared number of variables."""
    declared = -1
    while (tag := _take(found, 1)) != "F":
        if tag == "4":
            declared = read_count(found)
        elif tag in _RECORDS:
            _RECORDS[tag](found)
        elif tag in "89ABC" and found.variables:
            _about(found, found.variables[-1], tag)
        else:
            raise damaged(found, f"no record begins with {tag!r}")
    return declared


def _take(found: PorFile, count: int) -> str:
    piece = found.text[found.at : found.at + count]
    if len(piece) < count:
        raise TruncatedFileError(f"{found.name} is truncated: it ends inside a record. Fetch it again.")
    found.at += count
    return piece


def damaged(found: PorFile, what: str) -> DamagedFileError:
    """The error for a place that cannot be read."""
    return DamagedFileError(f"{found.name} is damaged at character {found.at:,}: {what}. Fetch it again.")


def read_number(found: PorFile) -> float:
    """The next number; NaN for a system-missing value."""
    missing = _MISSING.match(found.text, found.at)
    if missing:
        found.at = missing.end()
        return math.nan
    end = found.text.find("/", found.at)
    if end < 0:
        raise TruncatedFileError(f"{found.name} is truncated: it ends inside a number. Fetch it again.")
    piece, found.at = found.text[found.at : end], end + 1
    try:
        return parse_number(piece)
    except ValueError as error:
        raise damaged(found, str(error)) from error


def read_count(found: PorFile) -> int:
    """The next number where a count or a width must stand."""
    value = read_number(found)
    if not (0 <= value <= _MOST_TEXT and value.is_integer()):
        raise damaged(found, f"{value} stands where a count must stand")
    return int(value)


def read_text(found: PorFile) -> str:
    """The next text, undecoded."""
    return _take(found, read_count(found))


def read_texts(found: PorFile, count: int) -> list[str]:
    """Several texts."""
    return [read_text(found) for _ in range(count)]


def _variable(found: PorFile) -> None:
    width, name = read_count(found), read_text(found).strip(" ")
    kind, size, decimals = read_count(found), read_count(found), read_count(found)
    for _ in range(3):  # the write format
        read_count(found)
    word = FORMATS.get(kind, "A" if width else "F")
    form = f"{word}{size}.{decimals}" if decimals or word == "F" else f"{word}{size}"
    found.known[name] = PorVariable(name, width, form)
    found.variables.append(found.known[name])


def _about(found: PorFile, variable: PorVariable, tag: str) -> None:
    """A missing-value record or the label of the last variable."""
    if tag == "C":
        variable.label = read_text(found)
    elif tag == "8":
        variable.values.append(read_text(found).rstrip(" ") if variable.width else read_number(found))
    elif variable.width:
        raise damaged(found, f"the text variable '{variable.name}' has a missing range")
    else:
        low = -math.inf if tag == "9" else read_number(found)
        high = math.inf if tag == "A" else read_number(found)
        variable.ranges.append((low, high if high < _HIGHEST else math.inf))


def _value_labels(found: PorFile) -> None:
    names = [n.strip(" ") for n in read_texts(found, read_count(found))]
    missing = next((n for n in names if n not in found.known), None)
    if missing is not None or not names:
        raise damaged(found, f"value labels belong to {f'{missing!r}, which is not there' if names else 'no variable'}")
    is_text = found.known[names[0]].width > 0
    labels: dict[float | str, str] = {}
    for _ in range(read_count(found)):
        code = read_text(found).rstrip(" ") if is_text else read_number(found)
        labels[code] = read_text(found)
    for name in names:
        found.known[name].labels.update(labels)


def _weight(found: PorFile) -> None:
    found.weight = read_text(found).strip(" ")


def _notes(found: PorFile) -> None:
    found.notes += [n.rstrip(" ") for n in read_texts(found, read_count(found))]


def _skip_text(found: PorFile) -> None:
    read_text(found)


def _skip_number(found: PorFile) -> None:
    read_number(found)


_RECORDS = {
    "1": _skip_text,
    "2": _skip_text,
    "3": _skip_text,
    "5": _skip_number,
    "6": _weight,
    "7": _variable,
    "D": _value_labels,
    "E": _notes,
}
