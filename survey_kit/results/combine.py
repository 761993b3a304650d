"""Rows of a result, and sums of its answers, with the sampling error that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from survey_kit import schema
from survey_kit.errors import UnsupportedOption, listed, unknown
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.variance import UnitSums
from survey_kit.results.carriers import Carrier, Linearized, Replicated
from survey_kit.results.estimates import Estimates


def only_answer(estimates: Estimates, answer: str) -> Estimates:
    """The rows of one answer, in their order. Raises UnknownNameError when no row has it."""
    rows = np.flatnonzero((estimates.keys[schema.ANSWER] == answer).to_numpy())
    if not len(rows):
        raise unknown("answer", answer, estimates.keys[schema.ANSWER].unique())
    return estimates.take(rows)


def with_nets(estimates: Estimates, nets: Mapping[str, Sequence[str]]) -> Estimates:
    """The estimates with sums of answers appended to each variable: name of the net -> answers by their text.

    The answers of a single-choice question exclude each other, so the share of a net is the sum of their shares, and
    its variance follows from their covariances. Limits by "likelihood" are exact for nets (kernels/intervals.py).
    """
    if not nets:
        return estimates
    rows: list[sp.sparray] = [sp.eye_array(len(estimates), format="csr")]
    keys = []
    for variable in estimates.keys[schema.VARIABLE].unique():
        for name, answers in nets.items():
            rows.append(_sum_row(estimates, variable, answers))
            first = np.flatnonzero((estimates.keys[schema.VARIABLE] == variable).to_numpy())[0]
            keys.append(estimates.keys.iloc[[first]].assign(**{schema.ANSWER: name}))
    matrix = sp.csr_array(sp.vstack(rows))
    made = _mapped(estimates, matrix, pd.concat([estimates.keys, *keys]))
    return made if estimates.limits is None else _limits_kept(estimates, made)


def only_nets(estimates: Estimates, nets: Mapping[str, Sequence[str]]) -> Estimates:
    """The nets alone, one row for each variable and net."""
    every = with_nets(estimates, nets)
    return every.take(np.arange(len(estimates), len(every)))


def stacked(results: Sequence[Estimates]) -> Estimates:
    """Results of one survey put together with their covariances, each on its own base.

    Intervals of different methods are taken as they are. One survey is one design in every number: weights, units,
    strata, calibration, replicates (parts of it made by `where` are of the same survey).

    Raises:
        UnsupportedOption: results of different designs, degrees of freedom or confidence levels.
    """
    carrier = _joint([r.carrier for r in results])
    if len({r.level for r in results}) > 1:
        levels = listed(sorted({f"{r.level:g}" for r in results}))
        raise UnsupportedOption(
            f"The results have intervals of different levels ({levels}). Estimate them with one level=."
        )
    first = results[0]
    return replace(
        first,
        keys=pd.concat([r.keys for r in results], ignore_index=True),
        theta=np.concatenate([r.theta for r in results]),
        n=np.concatenate([r.n for r in results]),
        n_weighted=np.concatenate([r.n_weighted for r in results]),
        carrier=carrier,
        rows=_rows([r.rows for r in results]),
        deff=None if all(r.deff is None for r in results) else np.concatenate([_deff(r) for r in results]),
        dfs=None if all(r.dfs is None for r in results) else np.concatenate([_dfs(r) for r in results]),
        interval=first.interval if len({r.interval for r in results}) == 1 else "wald",
        limits=_limits(results),
        unit=np.concatenate([r.units for r in results]),
        titles={k: v for r in results for k, v in r.titles.items()},
        questions={k: v for r in results for k, v in r.questions.items()},
        notices=tuple(n for r in results for n in r.notices),
    )


def _joint(carriers: Sequence[Carrier]) -> Carrier:
    """One carrier for all, from the same sampling units or the same replicates."""
    first = carriers[0]
    if not all(type(c) is type(first) and _same(c.bound, first.bound) for c in carriers):
        raise UnsupportedOption("Only results of one design can be put together. Estimate them in one call.")
    if len({c.df for c in carriers}) > 1:
        found = listed(f"{df:g}" for df in sorted({c.df for c in carriers}))
        raise UnsupportedOption(
            f"The results have different degrees of freedom ({found}). Estimate them in one call, or with one df=."
        )
    if isinstance(first, Linearized):
        linear = [c for c in carriers if isinstance(c, Linearized)]
        return replace(first, sums=tuple(_beside(s) for s in zip(*(c.sums for c in linear), strict=True)))
    assert isinstance(first, Replicated)
    repeated = [c for c in carriers if isinstance(c, Replicated)]
    thetas = np.concatenate([c.thetas for c in repeated], axis=1)
    return replace(first, thetas=thetas, theta=np.concatenate([c.theta for c in repeated]))


def _same(one: Any, other: Any) -> bool:
    """Whether two designs, or parts of them, hold the same numbers."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if is_dataclass(one):
        return all(_same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


def _beside(sums: Sequence[UnitSums]) -> UnitSums:
    """Sums over the same units, one result beside the other; the cells of calibration are the same for all."""
    cells = [cell for cell, _ in sums[0].corrections]
    taken = [np.hstack([s.corrections[i][1] for s in sums]) for i in range(len(cells))]
    sizes = [s.size for s in sums if s.size is not None]
    size = np.concatenate(sizes) if len(sizes) == len(sums) else None
    return UnitSums(np.hstack([_dense(s.product) for s in sums]), tuple(zip(cells, taken, strict=True)), size)


def _dense(matrix: sp.csr_array | FloatArray) -> FloatArray:
    return np.asarray(matrix.toarray() if isinstance(matrix, sp.sparray) else matrix)


def _sum_row(estimates: Estimates, variable: str, answers: Sequence[str]) -> sp.csr_array:
    """One for each answer of the net. Shape (1, K)."""
    used = np.zeros(len(estimates), dtype=bool)
    here = (estimates.keys[schema.VARIABLE] == variable).to_numpy()
    for answer in answers:
        hit = here & (estimates.keys[schema.ANSWER] == answer).to_numpy()
        if not hit.any():
            raise unknown("answer", answer, estimates.keys.loc[here, schema.ANSWER])
        used |= hit
    at = np.flatnonzero(used)
    return sp.csr_array((np.ones(len(at)), at, [0, len(at)]), shape=(1, len(estimates)))


def _deff(result: Estimates) -> FloatArray:
    return np.full(len(result), np.nan) if result.deff is None else result.deff


def _dfs(result: Estimates) -> FloatArray:
    return np.full(len(result), float(result.df)) if result.dfs is None else result.dfs


def _rows(rows: Sequence[FloatArray | None]) -> FloatArray | None:
    known = [r for r in rows if r is not None]
    return np.concatenate(known) if len(known) == len(rows) else None


def _limits(results: Sequence[Estimates]) -> tuple[FloatArray, FloatArray] | None:
    """Limits of each by its own method; None where one method without limits of its own serves all."""
    if len({r.interval for r in results}) == 1 and all(r.limits is None for r in results):
        return None
    low, high = zip(*(r.confidence_interval() for r in results), strict=True)
    return np.concatenate(low), np.concatenate(high)


def _limits_kept(estimates: Estimates, made: Estimates) -> Estimates:
    """Limits that the estimator made for the answers; those of the nets behind them by the usual formula."""
    assert estimates.limits is not None
    k = len(estimates)
    usual = made.confidence_interval()
    low, high = (np.append(own, more[k:]) for own, more in zip(estimates.limits, usual, strict=True))
    return replace(made, limits=(low, high))


def _mapped(estimates: Estimates, matrix: sp.csr_array, keys: pd.DataFrame) -> Estimates:
    """`matrix @ theta` as shares on the base of the first estimate that each row uses."""
    source = np.array(
        [row[0] if len(row) else 0 for row in np.split(matrix.indices, matrix.indptr[1:-1])], dtype=np.int64
    )
    return replace(
        estimates,
        keys=keys.reset_index(drop=True),
        theta=matrix @ estimates.theta,
        n=estimates.n[source],
        n_weighted=estimates.n_weighted[source],
        carrier=estimates.carrier.map(matrix),
        rows=None if estimates.rows is None else estimates.rows[source],
        deff=None,
        dfs=None if estimates.dfs is None else estimates.dfs[source],
        limits=None,
        notices=estimates.passed_on,
        unit=None if estimates.unit is None else estimates.unit[source],
    )
