"""Numbers and texts of a codebook as people read them: rounded once, half up, as in every table of the project."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

MINUS = "\N{MINUS SIGN}"
NOTHING = "–"
_ROUND = 12  # significant digits at which a float is read before it is rounded
_GROUPED = 10_000  # numbers from here on get thousands commas, so that years do not
_UNSHOWN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def percent_text(share: float) -> str:
    """A share as a percentage with one decimal; "<0.1%" for a share above 0 that rounds to 0.

    >>> percent_text(0.12345), percent_text(0.0004), percent_text(0.0), percent_text(float("nan"))
    ('12.3%', '<0.1%', '0.0%', '–')
    """
    if math.isnan(share):
        return NOTHING
    text = _fixed(100 * float(f"{share:.{_ROUND}g}"), 1)
    return "<0.1%" if share > 0 and text == "0.0" else f"{text}%"


def number_text(value: float) -> str:
    """A number of the data: whole numbers whole, others with four digits.

    >>> number_text(1984.0), number_text(-43.4567), number_text(1250000), number_text(0.00012345)
    ('1984', '−43.46', '1,250,000', '0.0001235')
    """
    text = mean_text(value)
    if "e" in text or "." not in text:
        return text
    return _fixed(value, 0).replace("-", MINUS) if float(value).is_integer() else text.rstrip("0").rstrip(".")


def mean_text(value: float) -> str:
    """A mean, with four digits even where they are zeros.

    >>> mean_text(1.0), mean_text(40.99984), mean_text(12345.67), mean_text(float("nan"))
    ('1.000', '41.00', '12,345.7', '–')
    """
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    size = abs(value)
    if 0 < size < 1e-6 or size >= 1e15:
        return f"{value:.4g}".replace("-", MINUS)
    digits = 2 if size == 0 else max(1, 3 - math.floor(math.log10(size)))
    return _fixed(value, digits).replace("-", MINUS)


def count_text(count: int) -> str:
    """A number of people: "1,197"."""
    return f"{count:,}"


def date_text(moment: pd.Timestamp) -> str:
    """A date, with the time of day where it has one.

    >>> date_text(pd.Timestamp("2022-12-01")), date_text(pd.Timestamp("2022-12-01 18:05:09"))
    ('2022-12-01', '2022-12-01 18:05')
    """
    if pd.isna(moment):
        return NOTHING
    return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"


def clean(text: str) -> str:
    """Text without the characters that neither HTML nor XML can hold.

    >>> clean("a" + chr(0) + "b")
    'a\ufffdb'
    """
    return _UNSHOWN.sub("\ufffd", text)


def _fixed(value: float, digits: int) -> str:
    exact = Decimal(f"{float(value):.{_ROUND}g}") if abs(value) < 1e12 else Decimal(repr(float(value)))
    rounded = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{rounded:,f}" if abs(rounded) >= _GROUPED else f"{rounded:f}"
