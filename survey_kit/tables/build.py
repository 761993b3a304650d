"""`table`: any result as a table for print."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from survey_kit.errors import ArgumentError
from survey_kit.tables.look import Look, as_notes
from survey_kit.tables.table import Table

# Class of a result -> module and function that lay it out; looked up by name, so that a table of one result does not
# load the modules of all others.
_BUILDERS = {
    "Estimates": ("estimates", "estimates_table"),
    "ModelFit": ("fit", "fit_table"),
    "Weights": ("weights", "weights_table"),
    "Scale": ("scale", "scale_table"),
    "DataFrame": ("estimates", "frame_table"),
}


def table(
    result: Any,
    *,
    digits: int | None = None,
    interval: bool = True,
    percent: bool | None = None,
    exponentiate: bool | None = None,
    title: str = "",
    subtitle: str = "",
    notes: str | Iterable[str] = (),
    source: str = "",
) -> Table:
    """A result as a table: rounded once, half up, with bases and what a reader must know.

    Args:
        result: Estimates, ModelFit, Weights, Scale, or a DataFrame with the columns of `Estimates.frame()`. Of Weights the
            margins before and after; of `weights.steps` a row for each step with its design effect.
            Proportions: a row for each answer, columns for the groups of `by`, in percent, bases below. Means, totals
            and ratios: a row for each variable or group. Differences of proportions: percentage points with sign.
        digits: decimals; None for those of the statistic, as printed and drawn (percent and points 1, means 2 and totals 0
            unless they are small).
        interval: whether confidence intervals are shown.
        percent: whether numbers are shares to be shown in percent. None decides by the statistic, and shows a
            difference between groups as points where every value is a share; contrasts are numbers unless True.
        exponentiate: ModelFit only: odds ratios and the like instead of coefficients. None: where the model has them.
        title, subtitle: None given, the label of the variable and its wording.
        notes: lines below the table, before those of the result. source: where the numbers come from.

    Raises:
        ArgumentError: not a result, or a frame without the columns of one. UnsupportedOption: an option that means
            nothing for this result.

    Equivalent: R gtsummary tbl_svysummary, tbl_regression; SPSS CTABLES.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"vote": ["Yes", "No", "Yes", "Yes"]}))
        >>> sk.table(sk.proportion(poll, "vote"), interval=False).frame()
                            answer estimate
        0                       No     25.0
        1                      Yes     75.0
        2  Unweighted base (n)        4 †
        3        Weighted base          4
    """
    look = Look(digits, interval, percent, exponentiate, title, subtitle, as_notes(notes), source)
    return _builder(result)(result, look)


def _builder(result: Any) -> Callable[[Any, Look], Table]:
    if isinstance(result, tuple) and result and all(type(step).__name__ == "Weights" for step in result):
        from survey_kit.tables.weights import steps_table

        return steps_table
    for kind in type(result).__mro__:
        if kind.__name__ in _BUILDERS and kind.__module__.startswith(("survey_kit.results.", "pandas")):
            module, function = _BUILDERS[kind.__name__]
            made: Callable[[Any, Look], Table] = getattr(import_module(f"survey_kit.tables.{module}"), function)
            return made
    raise ArgumentError(f"A table cannot be made from {type(result).__name__}. Give one of: {', '.join(_BUILDERS)}.")
