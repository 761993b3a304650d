"""Numbers as people read them. Rounded once, half up, from the unrounded value, for tables, charts and reports alike.

A float stands for the number that it was computed to be: 0.285 is shown as 29% although the nearest float is a
little smaller. Floats are therefore read at 12 significant digits before they are rounded in decimal arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from statistics import NormalDist

import pandas as pd

from survey_kit.errors import ArgumentError

MINUS = "\N{MINUS SIGN}"
NOTHING = "-"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage, half up; "<1%" for a share above 0 that rounds to 0, "-" for a missing one.

    >>> percent(0.125), percent(0.285), percent(0.0049), percent(0), percent(0.1234, 1), percent(float("nan"))
    ('13%', '29%', '<1%', '0%', '12.3%', '-')
    """
    text = number(_times_100(share), digits)
    if text == NOTHING or share is None:
        return text
    if share > 0 and _is_zero(text):
        return f"<{number(10.0**-digits, digits)}%"
    return f"{text}%"


def points(difference: float | None, digits: int = 0) -> str:
    """A difference of shares in percentage points, with its sign.

    >>> points(0.034), points(-0.0125, 1), points(0.0)
    ('+3', '−1.3', '0')
    """
    return signed(_times_100(difference), digits)


def signed(value: float | None, digits: int = 0) -> str:
    """A number with its sign: "+3", "−3", "0"."""
    text = number(value, digits)
    plain = text == NOTHING or text.startswith(MINUS) or _is_zero(text)
    return text if plain else f"+{text}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with `digits` decimals, half up, thousands commas and a true minus sign; "-" for a missing one.

    >>> number(1234567.5), number(-2.345, 2), number(-0.001, 2), number(float("nan"))
    ('1,234,568', '−2.35', '0.00', '-')
    """
    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= 12:
        raise ArgumentError(f"digits={digits!r} is not available. Give a whole number from 0 to 12.")
    if _is_missing(value):
        return NOTHING
    assert value is not None
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    rounded = _exact(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    text = f"{abs(rounded):,f}"
    return f"{MINUS}{text}" if rounded < 0 else text


def p_value(p: float | None, digits: int = 3) -> str:
    """A p-value: "0.034", "<0.001", ">0.999"; "-" for a missing one.

    >>> p_value(0.0345), p_value(0.0004), p_value(0.9999)
    ('0.035', '<0.001', '>0.999')
    """
    if _is_missing(p):
        return NOTHING
    assert p is not None
    if not 0 <= p <= 1:
        raise ArgumentError(f"A p-value lies between 0 and 1; this one is {p!r}.")
    least = 10.0**-digits
    if p < least:
        return f"<{number(least, digits)}"
    if p > 1 - least:
        return f">{number(1 - least, digits)}"
    return number(p, digits)


def interval(low: float | None, high: float | None, digits: int = 0, percent: bool = True) -> str:
    """The two ends of an interval; shares are shown as percentages unless `percent` is False.

    >>> interval(0.175, 0.224), interval(-1.25, 0.5, 1, percent=False), interval(float("nan"), 1.0)
    ('18% to 22%', '−1.3 to 0.5', '-')
    """
    both = ends(low, high, digits, percent)
    if both is None:
        return NOTHING
    sign = "%" if percent else ""
    return f"{both[0]}{sign} to {both[1]}{sign}"


def ends(low: float | None, high: float | None, digits: int = 0, percent: bool = True) -> tuple[str, str] | None:
    """The two ends of an interval as numbers, those of shares in percent; None where one is missing.

    >>> ends(0.175, 0.224), ends(-1.25, 0.5, 1, percent=False), ends(float("nan"), 1.0)
    (('18', '22'), ('−1.3', '0.5'), None)
    """
    if _is_missing(low) or _is_missing(high):
        return None
    if percent:
        low, high = _times_100(low), _times_100(high)
    return number(low, digits), number(high, digits)


def margin_of_error(n: float, deff: float | None = None, level: float = 0.95, digits: int = 1) -> str:
    """The largest margin of error of a percentage on a base of n, in words, saying whether it holds the design effect.

    z * sqrt(deff * 0.25 / n): the half-width of the interval of a share of 50%.

    Args:
        n: unweighted base.
        deff: design effect, or None for the margin of a simple random sample.
        level: confidence level.
        digits: decimals of the margin.

    >>> margin_of_error(1000, 1.44)
    '±3.7 points (95% confidence, including a design effect of 1.44)'
    >>> margin_of_error(1000)
    '±3.1 points (95% confidence, not including a design effect)'
    """
    if not 0 < level < 1:
        raise ArgumentError(f"level={level!r} is not a confidence level. Give a share between 0 and 1, such as 0.95.")
    if _is_missing(n) or n <= 0:
        return NOTHING
    known = not _is_missing(deff)
    margin = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt((deff if known and deff else 1.0) * 0.25 / n)
    effect = f"including a design effect of {number(deff, 2)}" if known else "not including a design effect"
    return f"±{number(100 * margin, digits)} points ({confidence(level)} confidence, {effect})"


def decimals(values: Iterable[float], errors: Iterable[float] = (), significant: int = 4, whole: bool = False) -> int:
    """Decimals for a column of numbers: the largest gets `significant` digits (one less below 1), the median error two.

    `whole`: none where every number is a whole one, as quantiles of whole numbers are.

    >>> decimals([644.17, 12.0], [23.5]), decimals([0.482], [0.0131]), decimals([6194000.0]), decimals([45.0], whole=True)
    (1, 3, 0, 0)
    """
    sizes = [abs(v) for v in values if not _is_missing(v) and not math.isinf(v)]
    if whole and all(size == int(size) for size in sizes):
        return 0
    spread = sorted(e for e in errors if not _is_missing(e) and 0 < e < math.inf)
    largest = max(sizes, default=0.0)
    wanted = [significant - (1 if largest >= 1 else 2) - _magnitude(largest)] if largest > 0 else [0]
    wanted += [1 - _magnitude(spread[len(spread) // 2])] if spread else []
    return min(max(0, *wanted), 12)


def _magnitude(size: float) -> int:
    """The power of ten of the first digit."""
    return math.floor(math.log10(size))


def confidence(level: float) -> str:
    """A confidence level: "95%", "99.9%".

    >>> confidence(0.95), confidence(0.999)
    ('95%', '99.9%')
    """
    return f"{_exact(level * 100).normalize():f}%"


def _is_missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _times_100(share: float | None) -> float | None:
    return None if share is None or _is_missing(share) else float(_exact(share) * 100)


def _exact(value: float) -> Decimal:
    return Decimal(f"{float(value):.12g}") if abs(value) < 1e12 else Decimal(repr(float(value)))


def _is_zero(text: str) -> bool:
    return not text.strip("0.")
