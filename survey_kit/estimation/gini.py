"""The Gini coefficient."""

from __future__ import annotations

import numpy as np

from survey_kit.block import Block
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, listed
from survey_kit.estimation.layout import lay_out_bases
from survey_kit.estimation.request import Names, Request, keys_of, prepare
from survey_kit.estimation.solve import estimates_of
from survey_kit.estimation.woodruff import sorted_values
from survey_kit.kernels.gini import gini as coefficients
from survey_kit.kernels.gini import gini_of_each
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.sums import Contributions, Entries
from survey_kit.results.carriers import Carrier, linearized, replicated
from survey_kit.results.estimates import Estimates


def gini(
    survey: SurveyLike,
    variables: Names,
    by: Names | None = None,
    where: str | None = None,
    *,
    missing: str = "exclude",
    level: float = 0.95,
    df: float | None = None,
) -> Estimates:
    """Weighted Gini coefficients with design-based standard errors.

    G = 1 - sum (w_i / N) (L_i + L_{i-1}) with the weighted Lorenz curve L: 0 where everybody has the same, near 1 where one
    has everything. The influence of a row is w times the derivative of G by its weight, exact for this formula; under
    replicate weights G is computed again with each of them.

    Args:
        survey: a Survey.
        variables: one numeric column or several, at least zero; with several, rows missing any are outside the base of all.
        by, where, missing, level, df: as in `mean`.

    Raises:
        UnknownNameError, NoValidData, UndeclaredMissingError. ArgumentError: values below zero, for which G is no share.

    Equivalent: R convey::svygini, which counts weights as people: (2 sum w S x - sum w x) / (N Y) - 1 with S the cumulative
    weight. The two differ by (sum w^2 x - sum w x) / (N Y), which is of the order 1/n.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"income": [10, 20, 30, 40], "w": [1, 1, 2, 1]})).with_design(weight="w")
        >>> sk.gini(poll, "income").frame()[["estimate", "se"]].round(3)
           estimate     se
        0     0.215  0.103
    """
    request = prepare(survey, variables, by, where, missing, level, numeric=True, df=df)
    for block in request.blocks:
        _refuse_negative(block)
    theta, carrier = _evaluate(request)
    return estimates_of(request, lay_out_bases(request), keys_of(request, "gini"), theta, carrier, level)


def _refuse_negative(block: Block) -> None:
    below = block.hits.numbers < 0
    if below.any():
        rows = listed(int(r) + 1 for r in block.hits.rows[below])
        raise ArgumentError(
            f"{block.variable!r} is below zero in {int(below.sum())} of {len(below)} rows (row {rows}), where the Gini "
            f'coefficient is no share between 0 and 1. Leave them out: where="{block.variable} >= 0", or recode them.'
        )


def _evaluate(request: Request) -> tuple[FloatArray, Carrier]:
    """Coefficients of each variable and group, shape (K,), and their error."""
    bound, groups = request.bound, len(request.groups)
    ordered = sorted_values(request)
    theta, parts = [], []
    for block, values in zip(request.blocks, ordered, strict=True):
        found, slope = coefficients(values, block.hits.of(bound.weight))
        theta.append(found)
        column = None if groups == 1 else block.hits.of(request.group)
        parts.append(Entries(block.hits.row, column, slope, (block.hits.shape[0], groups)))
    estimates = np.concatenate(theta)
    replicates, rows = bound.replicates, request.blocks[0].hits.rows
    if replicates is None:
        return estimates, linearized(bound, Contributions(tuple(parts)), request.df)
    again = [np.hstack([gini_of_each(v, some) for v in ordered]) for some in replicates.blocks_of(rows)]
    return estimates, replicated(bound, estimates, np.concatenate(again), request.df)
