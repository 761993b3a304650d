"""Columns that may tell who somebody is: numbers of respondents, telephones, addresses, places, names, birthdays."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from survey_kit.codebook import Variable
from survey_kit.errors import listed
from survey_kit.schema import Notice

_PATTERNS = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "telephone numbers": re.compile(r"\+\d[\d ()-]{8,16}|8[ (-]*\d{3}[ )-]*\d{3}[ -]?\d{2}[ -]?\d{2}"),
    "network addresses": re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
}
_NAMES = {  # words of a column's name that tell what texts it holds
    "telephone numbers": frozenset(
        (
            *("phone", "phonenumber", "telephone", "telphone", "tel", "telnum", "mobile", "cellphone", "msisdn"),
            *("тел", "телефон"),
        )
    ),
    "places on a map": frozenset(
        ("lat", "lon", "lng", "latitude", "longitude", "gps", "geolat", "geolon", "coordinates")
    ),
    "names of people": frozenset(
        ("firstname", "lastname", "fullname", "surname", "respondentname", "фио", "фамилия")
    ),
}  # fmt: skip
_WORDS = frozenset().union(*_NAMES.values()) | frozenset(
    (
        *("id", "ids", "uid", "uuid", "guid", "pid", "respid", "respondentid", "caseid", "interviewid", "userid"),
        *("serial", "idno", "hhid", "psid", "respno", "respnum", "sbjnum", "uniqueid", "responseid", "recordid"),
        *("imei", "email", "ip", "ipaddress", "passport", "iin", "inn", "ssn", "snils"),
        *("interviewer", "interviewerid", "intid", "intnum", "intervr", "enumerator", "enumid"),
        *("dob", "birthdate", "birthday", "dateofbirth"),
        *("анкета", "интервьюер", "паспорт", "иин", "инн"),
    )
)
_PHRASES = re.compile(
    r"\b(respondent|interview(er)?|case|person|household|questionnaire|record|response|serial)('?s)?"
    r" (id|identifier|identification|number|no\.?|code)\b"
    r"|\b(identifier|unique id|user id|(tele)?phone number|mobile number|e-?mail address|ip address)\b"
    r"|\b(latitude|longitude|date of birth|passport)\b"
    r"|\b(идентификатор|номер (анкеты|респондента|интервьюера|телефона)|код (респондента|интервьюера)|дата рождения)\b"
)
_PARTS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-zа-я])(?=[A-ZА-Я])")
_SAMPLE = 200  # values that are looked at
_FEWEST = 10  # values from which "all different" says something
_LONG, _NEARLY = 1_000_000, 0.9  # whole numbers of seven digits that hardly ever repeat: telephones


# --- of a file that was read ------------------------------------------------------------------------------------------


def personal_data(codes: pd.DataFrame) -> Notice | None:
    """A notice that names columns with personal data, or None. Values are never quoted."""
    found = [f"{name} ({kind})" for name in codes.columns if (kind := _kind(codes[name]))]
    if not found:
        return None
    text = f"May hold personal data: {listed(found)}. Drop these columns before the file is passed on."
    return Notice("personal_data", text, len(found))


def _kind(column: pd.Series) -> str:
    """What personal data a column may hold, or ""."""
    words = _words(str(column.name))
    by_name = next((kind for kind, telling in _NAMES.items() if words & telling), "")
    if isinstance(column.dtype, pd.StringDtype):
        values = column.iloc[: 20 * _SAMPLE].dropna().unique()[:_SAMPLE]
        for kind, pattern in _PATTERNS.items():
            if len(values) and sum(pattern.fullmatch(v.strip()) is not None for v in values) > len(values) / 2:
                return kind
        return by_name if len(values) else ""
    if by_name and pd.api.types.is_numeric_dtype(column.dtype):
        return by_name if _telling(column, by_name) else ""
    return ""


def _telling(column: pd.Series, kind: str) -> bool:
    """Numbers as long as a telephone number, or with the decimals of a coordinate; not the codes of an answer."""
    values = column.dropna().to_numpy(dtype=float)
    if kind == "telephone numbers":
        return bool((np.abs(values) >= 1e8).any())
    return kind == "places on a map" and bool((values != np.rint(values)).any())


# --- of values that would be listed -----------------------------------------------------------------------------------


def personal_values(variable: Variable, values: np.ndarray, n: int) -> bool:
    """Whether numbers point at a person, by the name or label of their variable or by how they differ.

    Args:
        values: the different values that no label explains, finite. Shape (k,).
        n: how many respondents have one.

    >>> personal_values(Variable("tel"), np.array([77012345678]), 1), personal_values(Variable("tel"), np.array([2]), 9)
    (True, False)
    >>> personal_values(Variable("nr"), np.arange(500), 500), personal_values(Variable("age"), np.arange(18, 90), 500)
    (True, False)
    """
    if _all_different(values, n):
        return True
    return (len(values) > 2 or bool((np.abs(values) >= _LONG).any())) and named_personal(variable)


def named_personal(variable: Variable) -> bool:
    """Whether the name or label says that values point at a person.

    >>> named_personal(Variable("RespID")), named_personal(Variable("q1", label="Interviewer number"))
    (True, True)
    >>> named_personal(Variable("paid")), named_personal(Variable("q2", label="Owns a phone"))
    (False, False)
    """
    return bool(_words(variable.name) & _WORDS) or _PHRASES.search(variable.label.casefold()) is not None


def _words(name: str) -> set[str]:
    """The words of a name, and all of them as one: "first_name" is "first", "name" and "firstname"."""
    parts = [part.casefold() for part in _PARTS.findall(name)]
    humps = [part.casefold() for part in _PARTS.findall(_CAMEL.sub("_", name))]
    return {*parts, *humps, "".join(parts)}


def _all_different(values: np.ndarray, n: int) -> bool:
    """Whether whole numbers differ from respondent to respondent, as ids and telephones do."""
    if n < _FEWEST or len(values) < _NEARLY * n or not np.all(values == np.floor(values)):
        return False
    return len(values) == n or bool(np.abs(values).min() >= _LONG)
