"""Arguments that many weighting verbs take, checked in one way: numbers of things, tolerances, yes and no."""

from __future__ import annotations

import numpy as np

from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError

LEAST_TOL = 1e-15  # sums of doubles are no nearer to a total
ROUNDING = 1e-12  # a gap below this may be all that rounding allows


def rounding_stops(gap: float, tol: float) -> str:
    """What to say where weights missed `tol` by no more than rounding; "" where there is more to it."""
    if not tol < gap <= ROUNDING:
        return ""
    return f"Rounding stops at {gap:.1g}: allow a larger tol (now {tol:g})."


def is_whole(value: object, least: int = 1) -> bool:
    """Whether a value is a whole number of at least `least`, and neither text nor True or False."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def check_whole(argument: str, value: object, least: int = 1, meaning: str = "") -> None:
    """Raise ArgumentError unless `value` is a whole number; `meaning` says of what.

    >>> check_whole("max_iter", 0)
    Traceback (most recent call last):
        ...
    survey_kit.errors.ArgumentError: max_iter=0 must be a whole number of at least 1.
    """
    if not is_whole(value, least):
        what = f": {meaning}" if meaning else ""
        raise ArgumentError(f"{argument}={value!r} must be a whole number of at least {least}{what}.")


def check_stop(tol: object, max_iter: object) -> None:
    """Raise ArgumentError unless `tol` is a part of a total and `max_iter` a number of steps."""
    if not is_number(tol) or not 0 < tol < 1:
        raise ArgumentError(f"tol={tol!r} must be above 0 and below 1: it is a part of the total.")
    if tol < LEAST_TOL:  # type: ignore[operator]
        raise ArgumentError(
            f"tol={tol!r} is less than rounding leaves of a total: no weights can meet it. Give {LEAST_TOL:g} or more; "
            "1e-10 is strict."
        )
    check_whole("max_iter", max_iter)


def check_flag(argument: str, value: object) -> None:
    """Raise ArgumentError unless `value` is True or False: "no" would count as yes."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{argument}={value!r} must be True or False.")
