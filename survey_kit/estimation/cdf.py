"""The cumulative distribution of a number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.block import Block
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError
from survey_kit.estimation.layout import lay_out_bases
from survey_kit.estimation.request import Names, Request, keys_of, prepare
from survey_kit.estimation.solve import Deff, check_deff, check_interval, estimates_of, evaluate_statistic, finished
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.intervals import INTERVALS
from survey_kit.kernels.quantile import CumulativeShares
from survey_kit.kernels.sums import Contributions, Entries
from survey_kit.results.carriers import Carrier
from survey_kit.results.estimates import Estimates

CDF_INTERVALS = tuple(method for method in INTERVALS if method != "likelihood")
MOST = 200  # distinct values up to which `at` may be left out


def cdf(
    survey: SurveyLike,
    variable: str,
    at: float | Sequence[float] | None = None,
    by: Names | None = None,
    where: str | None = None,
    *,
    interval: str = "logit",
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
    deff: Deff = False,
) -> Estimates:
    """Weighted shares of values up to each of several numbers, with design-based standard errors.

    F(a) = sum w [x <= a] / sum w; influence z = w ([x <= a] - F) / sum w.

    Args:
        survey: a Survey. variable: a numeric column.
        at: where to read the distribution; None for every value that occurs, where these are at most 200.
        interval: as in `proportion`, but "likelihood". by, where, missing, level, deff, df: as in `mean`.

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
    check_interval(interval, df, CDF_INTERVALS)
    check_deff(deff)
    if not isinstance(variable, str):
        raise ArgumentError(f"cdf takes one variable, got {variable!r}. Call it once for each.")
    asked = None if at is None else _numbers(at)
    request = prepare(survey, variable, by, where, missing, level, numeric=True, df=df)
    numbers = _occurring(request.blocks[0]) if asked is None else asked
    theta, carrier = _shares_up_to(request, numbers)
    layout = lay_out_bases(request, len(numbers))
    found = estimates_of(request, layout, _keys(request, numbers), theta, carrier, level)
    return finished(request, layout, found, interval, deff, partial(_spread, found))


def _numbers(at: float | Sequence[float]) -> FloatArray:
    """Numbers as an array, shape (P,), checked."""
    try:
        numbers = np.atleast_1d(np.asarray(at, dtype=float))
    except (TypeError, ValueError):
        raise ArgumentError(f"at={at!r} is not a number or a list of numbers, such as [20, 40, 60].") from None
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise ArgumentError("at must hold finite numbers, at least one, such as [20, 40, 60].")
    distinct, times = np.unique(numbers, return_counts=True)
    if (times > 1).any():
        raise ArgumentError(f"at names {distinct[times > 1][0]:g} twice. Name each number once.")
    return numbers


def _occurring(block: Block) -> FloatArray:
    """The distinct values, ascending."""
    distinct = np.unique(block.hits.numbers)
    if len(distinct) > MOST:
        quarters = distinct[[len(distinct) // 4, len(distinct) // 2, 3 * len(distinct) // 4]]
        shown = ", ".join(f"{float(f'{v:.2g}'):g}" for v in quarters)
        raise ArgumentError(
            f"{block.variable!r} has {len(distinct)} distinct values. Say where to read its distribution: at=[{shown}]."
        )
    return distinct


def _shares_up_to(request: Request, numbers: FloatArray) -> tuple[FloatArray, Carrier]:
    """Shares of values up to each number, group by group, and their error: every row adds to one band between numbers."""
    hits, groups, q = request.blocks[0].hits, len(request.groups), len(numbers)
    order = np.argsort(numbers)
    band = np.searchsorted(numbers[order], hits.numbers, side="left")
    values = Contributions(
        (Entries(hits.row, hits.of(request.group) * (q + 1) + band, None, (hits.shape[0], groups * (q + 1))),)
    )
    law = CumulativeShares(np.tile(np.argsort(order), (groups, 1)))
    return evaluate_statistic(request.bound, values, law, request.df)


def _keys(request: Request, numbers: FloatArray) -> pd.DataFrame:
    keys = keys_of(request, "cdf")
    keys = keys.iloc[np.repeat(np.arange(len(keys)), len(numbers))].reset_index(drop=True)
    return keys.assign(**{schema.ANSWER: [f"<= {a:.12g}" for a in numbers] * len(request.groups)})


def _spread(found: Estimates) -> FloatArray:
    """Population variance of [x <= a]: p (1 - p) n / (n - 1). Shape (K,)."""
    return found.theta * (1 - found.theta) * found.n / (found.n - 1)
