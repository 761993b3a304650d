"""Columns whose values point at a person: numbers of respondents and interviewers, telephones, places, birthdays."""

from __future__ import annotations

import re

import numpy as np

from survey_kit.codebook import Variable

_WORDS = frozenset(
    (
        *("id", "ids", "uid", "uuid", "guid", "pid", "respid", "respondentid", "caseid", "interviewid", "userid"),
        *("serial", "idno", "hhid", "psid", "respno", "respnum", "sbjnum", "uniqueid", "responseid", "recordid"),
        *("phone", "phonenumber", "telephone", "tel", "telnum", "mobile", "cellphone", "msisdn", "imei"),
        *("email", "ip", "ipaddress", "passport", "iin", "inn", "ssn", "snils"),
        *("interviewer", "interviewerid", "intid", "intnum", "intervr", "enumerator", "enumid"),
        *("lat", "lon", "lng", "latitude", "longitude", "gps", "geolat", "geolon", "coordinates"),
        *("dob", "birthdate", "birthday", "dateofbirth"),
        *("тел", "телефон", "анкета", "интервьюер", "паспорт", "иин", "инн"),
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
_FEWEST = 10  # values from which "all different" says something
LONG, _NEARLY = 1_000_000, 0.9  # whole numbers of seven digits that hardly ever repeat: telephones


def named_personal(variable: Variable) -> bool:
    """Whether the name or label says that values point at a person.

    >>> named_personal(Variable("RespID")), named_personal(Variable("q1", label="Interviewer number"))
    (True, True)
    >>> named_personal(Variable("paid")), named_personal(Variable("q2", label="Owns a phone"))
    (False, False)
    """
    parts = {part.casefold() for part in _PARTS.findall(_CAMEL.sub("_", variable.name))}
    parts |= {part.casefold() for part in _PARTS.findall(variable.name)}
    return bool(parts & _WORDS) or _PHRASES.search(variable.label.casefold()) is not None


def counted_personal(values: np.ndarray, n: int) -> bool:
    """Whether whole numbers differ from respondent to respondent, as ids and telephones do.

    Args:
        values: the different values, finite. Shape (k,).
        n: how many respondents have one.

    >>> counted_personal(np.arange(500), 500), counted_personal(np.arange(18, 90), 500)
    (True, False)
    """
    if n < _FEWEST or len(values) < _NEARLY * n or not np.all(values == np.floor(values)):
        return False
    return len(values) == n or bool(np.abs(values).min() >= LONG)
