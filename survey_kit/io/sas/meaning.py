"""What SAS files mean: special missing values as codes, formats of the user's own, and the labels of a catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyreadstat

from survey_kit.codebook import Code
from survey_kit.errors import DamagedFileError, EncodingError, MissingFileError, listed
from survey_kit.io.extended_missing import SPECIAL, letter_code
from survey_kit.io.readstat import FAILURES
from survey_kit.schema import Notice

_PLAIN = re.compile(
    r"\$?(CHAR|F|BEST|BESTX|COMMA|COMMAX|DOLLAR|DOLLARX|EURO|EUROX|PERCENT|PERCENTN|NEGPAREN|NUMX|Z|E|D|BINARY|HEX|OCTAL|"
    r"FRACT|ROMAN|SSN|PVALUE|WORDF|WORDS|IB|PD|PIB|RB|ZD|ASCII|EBCDIC|QUOTE|REVERJ|REVERS|UPCASE|VARYING|BASE64X|MSGCASE|"
    r"TIME|TIMEAMPM|HHMM|HOUR|MMSS|TOD|E8601\w+|B8601\w+|IS8601\w+|\$N8601\w*|DATE\w*|DATETIME|DAY|DOWNAME|MONNAME|MONTH|"
    r"WEEK\w+|WORDDAT[EX]|YEAR|QTR|QTRR|JUL(DAY|IAN)|MONYY|NL\w+|YYQ\w*|YYMM\w*|YYMON|MMYY\w*|DDMMYY\w*|MMDDYY\w*|YYWEEK\w|"
    r"MDYAMPM|DT\w+|EUR\w+|MINGUO|NENGO|PDJUL[GI]|WORDDATE|LOGPROB|SIZEK\w*|BESTD|VAXRB|S370\w+)?",
    re.IGNORECASE,
)


def bare(form: str) -> str:
    """A format without its width: "YESNO8.2" is "YESNO", for formats of the user's own never end in a digit.

    >>> bare("YESNO8."), bare("$reg")
    ('YESNO', '$REG')
    """
    return re.sub(r"\d*(\.\d*)?$", "", form).upper()


def is_own(form: str) -> bool:
    """Whether a format is one that a user must have defined."""
    return bool(form) and not _PLAIN.fullmatch(bare(form))


def find_catalogue(path: Path, stated: Path | None) -> tuple[Path | None, list[Notice]]:
    """The catalogue to use: stated, or one that lies beside the file, which a notice tells."""
    if stated is not None:
        if not stated.is_file():
            raise MissingFileError(f"No file {str(stated)!r} for catalog=. Check the name and the folder.")
        return stated, []
    beside = (path.with_suffix(".sas7bcat"), path.with_name("formats.sas7bcat"))
    found = next((p for p in beside if p.is_file()), None)
    if found is None:
        return None, []
    text = f"Value labels were taken from {found.name}, which lies beside {path.name}. Name another with catalog=."
    return found, [Notice("catalog", text)]


def read_catalogue(path: Path, encoding: str | None) -> dict[str, dict[Code, str]]:
    """Format -> code -> label; special missing values as their codes. Raises DamagedFileError or EncodingError."""
    try:
        _, meta = pyreadstat.read_sas7bcat(path, encoding=encoding)
    except FAILURES as error:
        if isinstance(error, UnicodeError) or "encoding" in str(error):
            raise EncodingError(
                f'{path.name}: a label is not valid in its encoding. Name it, as in encoding="cp1251".'
            ) from error
        raise DamagedFileError(
            f"{path.name} cannot be read as a catalogue of SAS formats: {error}. Write it again, or give another with catalog=."
        ) from error
    return {name.upper(): _labels(name, labels) for name, labels in meta.value_labels.items()}


def _labels(name: str, labels: Mapping[Any, str]) -> dict[Code, str]:
    if name.startswith("$"):
        return {str(code).rstrip(" "): labels[code] for code in sorted(labels, key=str)}
    plain: dict[Code, str] = {c: labels[c] for c in sorted(c for c in labels if not isinstance(c, str))}
    marked = sorted((c for c in labels if isinstance(c, str)), key=SPECIAL.index)
    return {**plain, **{letter_code(c): labels[c] for c in marked}}


def format_notices(name: str, without: Iterable[str], catalogue: Path | None, advice: str) -> list[Notice]:
    """A notice on formats of the user's own that have no labels here."""
    unknown = list(dict.fromkeys(without))
    if not unknown:
        return []
    place = f"{catalogue.name} does not hold them" if catalogue is not None else advice
    text = f"{name} shows {listed(unknown)} with formats of its own, whose value labels are not in it: {place}."
    return [Notice("catalog", text, len(unknown))]


def special_notice(used: Mapping[str, Iterable[str]]) -> list[Notice]:
    """A notice on the special missing values that were found. `used` is column -> letters."""
    found = {name: list(letters) for name, letters in used.items() if letters}
    if not found:
        return []
    every = sorted({letter for letters in found.values() for letter in letters}, key=SPECIAL.index)
    pairs = listed([f".{letter} is {letter_code(letter)}" for letter in every], most=27)
    text = f"Special missing values are kept as user-missing codes ({pairs}) in {listed(found)}."
    return [Notice("extended_missing", text, len(found))]
