"""The cumulative distribution of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from survey_kit.block import Block
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.request import Names, prepare
from survey_kit.estimation.solve import Deff, check_interval, solve
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.sums import Entries
from survey_kit.results.estimates import Estimates

MOST = 200  # distinct values up to which `at` may be left out


def cdf(
    survey: SurveyLike,
    variable: str,
    at: float | Sequence[float] | None = None,
    by: Names | None = None,
    where: str | None = None,
    interval: str = "logit",
    missing: str = "exclude",
    level: float = 0.95,
    deff: Deff = False,
    df: float | None = None,
) -> Estimates:
    """Weighted shares of values up to each of several numbers, with design-based standard errors.

    F(a) = sum w [x <= a] / sum w; influence z = w ([x <= a] - F) / sum w.

    Args:
        survey: a Survey. variable: a numeric column.
        at: where to read the distribution; None for every value that occurs, where these are at most 200.
        interval: as in `proportion`. by, where, missing, level, deff, df: as in `mean`.

    Returns:
        Estimates in shares (0 to 1) with answers "<= 30".

    Raises:
        UnknownNameError, NoValidData, UndeclaredMissingError. ArgumentError: `at` is not numbers, or is needed.

    Equivalent: R svycdf, which has no standard errors; svymean(~I(x <= a)) has these.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"age": [20, 30, 40, 50], "w": [1, 1, 2, 2]})).with_design(weight="w")
        >>> sk.cdf(poll, "age", at=[30, 45], interval="wald").frame()[["answer", "estimate", "se"]].round(3)
          answer  estimate     se
        0  <= 30     0.333  0.257
        1  <= 45     0.667  0.301
    """
    check_interval(interval, df)
    if not isinstance(variable, str):
        raise ArgumentError(f"cdf takes one variable, got {variable!r}. Call it once for each.")
    asked = None if at is None else _numbers(at)
    request = prepare(survey, variable, by, where, missing, level, numeric=True, df=df)
    block = request.blocks[0]
    cumulative = _up_to(block, _occurring(block) if asked is None else asked)
    return solve(replace(request, blocks=(cumulative,)), "ratio", "cdf", level, interval, deff)


def _numbers(at: float | Sequence[float]) -> FloatArray:
    """Numbers as an array, shape (P,), checked."""
    try:
        numbers = np.atleast_1d(np.asarray(at, dtype=float))
    except (TypeError, ValueError):
        raise ArgumentError(f"at={at!r} is not a number or a list of numbers, such as [20, 40, 60].") from None
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise ArgumentError("at must hold finite numbers, at least one, such as [20, 40, 60].")
    if len(np.unique(numbers)) < len(numbers):
        raise ArgumentError("at names a number twice.")
    return numbers


def _values(block: Block) -> FloatArray:
    hits = block.hits
    return np.ones(len(hits.columns)) if hits.value is None else hits.value


def _occurring(block: Block) -> FloatArray:
    """The distinct values, ascending."""
    distinct = np.unique(_values(block))
    if len(distinct) > MOST:
        quarters = distinct[[len(distinct) // 4, len(distinct) // 2, 3 * len(distinct) // 4]]
        shown = ", ".join(f"{float(f'{v:.2g}'):g}" for v in quarters)
        raise ArgumentError(
            f"{block.variable!r} has {len(distinct)} distinct values. Say where to read its distribution: at=[{shown}]."
        )
    return distinct


def _up_to(block: Block, numbers: FloatArray) -> Block:
    """The answers "<= a" for each number a. Rows may give several of them."""
    values, rows = _values(block), block.hits.rows
    given = [rows[values <= a] for a in numbers]
    column = np.repeat(np.arange(len(numbers)), [len(g) for g in given])
    hits = Entries(np.concatenate(given), column, None, (len(block.base), len(numbers)))
    labels = tuple(f"<= {a:.12g}" for a in numbers)
    return Block(block.variable, labels, hits, block.base, (None,) * len(numbers))
