"""Rows of a result, and sums of its answers, with the sampling error that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit import schema
from survey_kit.errors import UnsupportedOption, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.variance import UnitSums
from survey_kit.results.carriers import Linearized
from survey_kit.results.estimates import Estimates


def only_answer(estimates: Estimates, answer: str) -> Estimates:
    """The rows of one answer, in their order. Raises UnknownNameError when no row has it."""
    rows = np.flatnonzero((estimates.keys[schema.ANSWER] == answer).to_numpy())
    if not len(rows):
        raise unknown("answer", answer, estimates.keys[schema.ANSWER].unique())
    return _mapped(estimates, np.eye(len(estimates))[rows], estimates.keys.iloc[rows])


def with_nets(estimates: Estimates, nets: Mapping[str, Sequence[str]]) -> Estimates:
    """The estimates with sums of answers appended to each variable: name of the net -> answers by their text.

    The answers of a single-choice question exclude each other, so the share of a net is the sum of their shares, and
    its variance follows from their covariances.
    """
    if not nets:
        return estimates
    rows, keys = [], []
    for variable in estimates.keys[schema.VARIABLE].unique():
        for name, answers in nets.items():
            rows.append(_sum_row(estimates, variable, answers))
            first = np.flatnonzero((estimates.keys[schema.VARIABLE] == variable).to_numpy())[0]
            keys.append(estimates.keys.iloc[[first]].assign(**{schema.ANSWER: name}))
    matrix = np.vstack([np.eye(len(estimates)), *rows])
    return _mapped(estimates, matrix, pd.concat([estimates.keys, *keys]))


def only_nets(estimates: Estimates, nets: Mapping[str, Sequence[str]]) -> Estimates:
    """The nets alone, one row for each variable and net."""
    every = with_nets(estimates, nets)
    rows = np.arange(len(estimates), len(every))
    return _mapped(every, np.eye(len(every))[rows], every.keys.iloc[rows])


def stacked(results: Sequence[Estimates]) -> Estimates:
    """Results of one survey put together with their covariances, each on its own base.

    Raises UnsupportedOption for results that were not linearised under one design.
    """
    carriers = [r.carrier for r in results]
    if not all(isinstance(c, Linearized) and c.df == carriers[0].df for c in carriers):
        raise UnsupportedOption("Only linearised results of one design can be put together. Estimate them in one call.")
    stages = zip(*(c.sums for c in carriers), strict=True)  # type: ignore[attr-defined]
    first = results[0]
    return replace(
        first,
        keys=pd.concat([r.keys for r in results], ignore_index=True),
        theta=np.concatenate([r.theta for r in results]),
        n=np.concatenate([r.n for r in results]),
        n_weighted=np.concatenate([r.n_weighted for r in results]),
        carrier=replace(carriers[0], sums=tuple(_beside(sums) for sums in stages)),  # type: ignore[type-var]
        rows=None if any(r.rows is None for r in results) else np.concatenate([r.rows for r in results]),  # type: ignore[misc]
        deff=None,
        titles={k: v for r in results for k, v in r.titles.items()},
        questions={k: v for r in results for k, v in r.questions.items()},
        notices=tuple(n for r in results for n in r.notices),
    )


def _beside(sums: Sequence[UnitSums]) -> UnitSums:
    """Sums over the same units, one result beside the other; the cells of calibration are the same for all."""
    cells = [cell for cell, _ in sums[0].corrections]
    taken = [np.hstack([s.corrections[i][1] for s in sums]) for i in range(len(cells))]
    return UnitSums(np.hstack([_dense(s.direct) for s in sums]), tuple(zip(cells, taken, strict=True)))


def _dense(matrix: sp.csr_array | FloatArray) -> FloatArray:
    return np.asarray(matrix.toarray() if isinstance(matrix, sp.sparray) else matrix)


def _sum_row(estimates: Estimates, variable: str, answers: Sequence[str]) -> FloatArray:
    row = np.zeros((1, len(estimates)))
    here = (estimates.keys[schema.VARIABLE] == variable).to_numpy()
    for answer in answers:
        hit = here & (estimates.keys[schema.ANSWER] == answer).to_numpy()
        if not hit.any():
            raise unknown("answer", answer, estimates.keys.loc[here, schema.ANSWER])
        row[0, hit] = 1.0
    return row


def _mapped(estimates: Estimates, matrix: FloatArray, keys: pd.DataFrame) -> Estimates:
    """`matrix @ theta` as shares on the base of the first estimate that each row uses."""
    source = (matrix != 0).argmax(axis=1)
    return replace(
        estimates,
        keys=keys.reset_index(drop=True),
        theta=matrix @ estimates.theta,
        n=estimates.n[source],
        n_weighted=estimates.n_weighted[source],
        carrier=estimates.carrier.map(matrix),
        rows=None if estimates.rows is None else estimates.rows[source],
        deff=None,
    )
