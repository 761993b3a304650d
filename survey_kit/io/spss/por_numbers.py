"""Base-30 numbers of SPSS portable files, exactly: the nearest double of a text, the shortest text of a double."""

from __future__ import annotations

import math

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRST"
_BASE = 30
_MOST_DIGITS, _MOST_EXPONENT = 400, 900  # far beyond any double
_EXACT = 2**53


def parse_number(text: str) -> float:
    """The double nearest to a number such as "-1.F" (-1.5) or "5+2" (4500). Raises ValueError for other text.

    >>> parse_number("-1.F"), parse_number("27"), parse_number("1-1") == 1 / 30
    (-1.5, 67.0, True)
    """
    body = text.strip(" ")
    sign = -1.0 if body.startswith("-") else 1.0
    body = body.removeprefix("-")
    at = max(body.find("+"), body.find("-"))
    mantissa, exponent = (body, 0) if at < 0 else (body[:at], _exponent(body[at:]))
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    if not digits or len(digits) > _MOST_DIGITS or not set(digits) <= set(_DIGITS):
        raise ValueError("what stands there is no number")
    return sign * _scaled(int(digits, _BASE), exponent - len(fraction))


def _exponent(text: str) -> int:
    if not 2 <= len(text) <= 4 or not set(text[1:]) <= set(_DIGITS):
        raise ValueError("what stands there is no exponent")
    return int(text[1:], _BASE) * (-1 if text[0] == "-" else 1)


def _scaled(digits: int, power: int) -> float:
    """digits * 30^power, correctly rounded (division of integers is)."""
    if digits == 0:
        return 0.0
    if abs(power) > _MOST_EXPONENT:
        return math.inf if power > 0 else 0.0
    try:
        return float(digits * _BASE**power) if power >= 0 else digits / _BASE**-power
    except OverflowError:
        return math.inf


def format_number(value: float) -> str:
    """The shortest base-30 text that `parse_number` reads as this finite double.

    >>> format_number(67.0), format_number(-1.5), format_number(0.1)
    ('27', '-1.F', '0.3')
    """
    sign = "-" if value < 0 else ""
    value = abs(value)
    if value.is_integer() and value <= _EXACT:
        return sign + _in_base(int(value))
    digits, power = _shortest(value)
    text = _in_base(digits)
    text, power = text.rstrip("0"), power + len(text) - len(text.rstrip("0"))
    point = len(text) + power  # digits before the radix point
    if power == 0:
        return sign + text
    if power > 0 or not -3 <= point <= len(text):
        return f"{sign}{text}{'+' if power > 0 else '-'}{_in_base(abs(power))}"
    padded = "0" * (1 - point) + text if point < 1 else text
    return f"{sign}{padded[: max(point, 1)]}.{padded[max(point, 1) :]}"


def _shortest(value: float) -> tuple[int, int]:
    """The fewest base-30 digits, and the power of 30 they are multiplied with, that give the double again."""
    above, below = value.as_integer_ratio()
    size = math.floor(math.log(value, _BASE)) + 1
    for count in range(1, 14):
        power = size - count
        top, bottom = (above, below * _BASE**power) if power >= 0 else (above * _BASE**-power, below)
        digits = (2 * top + bottom) // (2 * bottom)
        if _scaled(digits, power) == value:
            return digits, power
    raise ValueError(f"{value!r} cannot be written in base 30")


def _in_base(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)) or "0"
