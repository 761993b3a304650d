"""Rows without a value in a weighting variable: what is done with them is the caller's word, never a default."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey_kit.errors import one_of
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine
from survey_kit.schema import Notice
from survey_kit.weighting.rows.arguments import check_whole
from survey_kit.weighting.rows.subject import Answers, Subject, answers

Missing: TypeAlias = Literal["error", "own", "impute", "ignore"]

WAYS = ("error", "own", "impute", "ignore")
OWN = "(no answer)"  # how the category of rows without a value is shown


def check_missing(missing: str, seed: int) -> None:
    """Refuse a way that does not exist, and a seed that is none."""
    one_of("missing", missing, WAYS)
    check_whole("seed", seed, least=0)


def weighting_answers(
    subject: Subject, variables: Sequence[Hashable], missing: Missing, seed: int
) -> tuple[dict[Hashable, Answers], tuple[Notice, ...]]:
    """The answers of each weighting variable, imputed where that is asked for, and how many were."""
    known = {v: answers(subject, v) for v in dict.fromkeys(variables)}
    gaps = [v for v, a in known.items() if a.missing]
    if missing != "impute" or not gaps:
        return known, ()
    rank = {v: np.array(sorted(range(len(a.names)), key=a.names.__getitem__), dtype=np.int64) for v, a in known.items()}
    ranked = [np.append(np.argsort(rank[v]), -1)[a.codes] for v, a in known.items()]
    labels = pd.util.hash_pandas_object(subject.frame.index, index=False).to_numpy()
    codes = hot_deck(ranked, subject.base, seed, labels)
    filled = {v: replace(a, codes=np.append(rank[v], -1)[c]) for (v, a), c in zip(known.items(), codes, strict=True)}
    return filled, tuple(
        _imputed(v, known[v].missing - filled[v].missing, int(np.count_nonzero(subject.base))) for v in gaps
    )


def _imputed(variable: Hashable, count: int, rows: int) -> Notice:
    return Notice("imputed", f"{str(variable)!r}: answers imputed for weighting: {count} of {rows} rows.", count)


def hot_deck(codes: Sequence[IntArray], base: FloatArray, seed: int, labels: NDArray | None = None) -> list[IntArray]:
    """Codes with every gap (-1) filled by a draw from rows that agree in the other variables.

    A row that lacks variable v draws from the base-weighted distribution of v over the rows that have v and agree with it in
    all other variables (a gap agrees with a gap). Where there are none, the last of the others is given up, then the one
    before it, and so on. Draws look at given answers only, never at imputed ones. A variable that nobody has stays as it is.

    The same seed gives the same draws in whatever order the rows stand: draws are handed out in the order of codes, then
    base weights, then `labels` (n,), which tell rows apart that are alike in all of these; None: their order does.

    Source: Andridge & Little (2010), International Statistical Review 78, 40 (weighted hot deck within cells).
    """
    random = np.random.default_rng(seed)
    told = np.arange(len(base)) if labels is None else labels
    return [_filled(v, codes, base, random, told) for v in range(len(codes))]


def _filled(
    v: int, codes: Sequence[IntArray], base: FloatArray, random: np.random.Generator, labels: NDArray
) -> IntArray:
    out = codes[v].copy()
    open_ = out < 0
    gaps, draws = np.flatnonzero(open_), np.zeros(len(out))
    order = np.lexsort((labels[gaps], base[gaps], *(c[gaps] for c in reversed(codes))))
    draws[gaps[order]] = random.random(len(gaps))
    donors = (codes[v] >= 0) & (base > 0)
    others = [c + 1 for i, c in enumerate(codes) if i != v]
    for agree in range(len(others), -1, -1):
        if not open_.any():
            break
        cell = combine(others[:agree])[0] if agree else np.zeros(len(out), dtype=np.int64)
        rows, values = _draw(np.flatnonzero(open_), cell, donors, codes[v], base, draws)
        out[rows] = values
        open_[rows] = False
    return out


def _draw(
    rows: IntArray, cell: IntArray, donors: BoolArray, code: IntArray, base: FloatArray, draws: FloatArray
) -> tuple[IntArray, IntArray]:
    """The rows whose cell has donors, and the answer that each of them draws."""
    pool = np.flatnonzero(donors)
    pool = pool[np.lexsort((base[pool], code[pool], cell[pool]))]
    upto = np.concatenate([[0.0], np.cumsum(base[pool])])
    first = np.searchsorted(cell[pool], cell[rows], side="left")
    last = np.searchsorted(cell[pool], cell[rows], side="right")
    found = last > first
    rows, first, last = rows[found], first[found], last[found]
    at = upto[first] + draws[rows] * (upto[last] - upto[first])
    chosen = np.clip(np.searchsorted(upto, at, side="right") - 1, first, last - 1)
    return rows, code[pool[chosen]]
