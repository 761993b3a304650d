"""What the answers share: fields that most results of R have, and how columns of a formula are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

import survey_kit as sk
from support.reference import terms, with_expressions
from survey_kit.results.combine import stacked
from survey_kit.results.estimates import Estimates

Pairs = Iterator[tuple[str, Any, Any]]


def usual(result: dict, ask: Callable[..., Estimates], at: Sequence[int] | None = None) -> Pairs:
    """The fields of a result of svymean and its kin. `ask(df=...)` estimates; `at` are places of ours in R's order."""
    found = ask()
    order = np.arange(len(found)) if at is None else np.asarray(at)
    yield "estimate", found.theta[order], np.ravel(result["estimate"])
    yield "se", found.se[order], np.ravel(result["se"])
    if "df" in result:
        yield "df", found.df, result["df"]
    if "vcov" in result:
        yield "vcov", found.vcov().to_numpy()[np.ix_(order, order)], result["vcov"]
    if "cv" in result:
        yield "cv", found.cv[order], result["cv"]
    yield from intervals(result, found, ask, order)


def intervals(result: dict, found: Estimates, ask: Callable[..., Estimates], order: np.ndarray) -> Pairs:
    """Intervals by t on the design's degrees of freedom, and normal ones, which R's confint() has by default."""
    if "ci95_t" in result:
        yield "ci95_t", limits(found)[order], result["ci95_t"]
    if "ci95_normal" in result:
        yield "ci95_normal", limits(ask(df=math.inf))[order], result["ci95_normal"]


def effects(entry: dict, found: Estimates, order: np.ndarray | None = None) -> Pairs:
    """Design effects. Where weights sum to no population ours says so, and R's are marked as advisory: both or neither."""
    if not entry["args"].get("deff") or "deff" not in entry["result"]:
        return
    told = any(notice.kind == "deff" for notice in found.notices)
    assert told == ("deff" in entry.get("advisory_fields", {})), f"weights without a population: {told}"
    if not told:
        assert found.deff is not None
        yield "deff", found.deff if order is None else found.deff[order], entry["result"]["deff"]


def limits(found: Estimates) -> np.ndarray:
    """Lower and upper limits. Shape (K, 2)."""
    return np.column_stack(found.confidence_interval())


def is_factor(poll: sk.Survey, name: str) -> bool:
    """Whether R would spread the column over its levels."""
    return bool(poll.codebook[name].labels) or not pd.api.types.is_numeric_dtype(poll.codes[name])


def levels_of(poll: sk.Survey, name: str) -> list[str]:
    """The levels of a factor in R's order."""
    labels, codes = poll.codebook[name].labels, poll.codes[name]
    if labels:
        return list(labels.values())
    levels = np.sort(codes.dropna().unique())
    return [f"{v:g}" for v in levels] if pd.api.types.is_numeric_dtype(codes) else list(levels)


def with_columns(poll: sk.Survey, formula: str) -> tuple[sk.Survey, list[str]]:
    """The terms of a one-sided formula as columns of the survey."""
    return with_expressions(poll, terms(formula))


def of_formula(poll: sk.Survey, names: list[str], total: bool, df: float | None = None, **options: Any) -> Estimates:
    """R's formula: factors by level, numbers as they are, on rows that have them all.

    Numbers and factors in one formula are two calls here, on rows that are valid for all. Such a condition makes a domain,
    whose degrees of freedom R would not take for rows with missing values, so that they are stated.
    """
    kinds = [is_factor(poll, n) for n in names]
    if len(set(kinds)) == 1:
        return _one_kind(poll, names, total, df=df, **options)
    where = " and ".join(f"valid({n})" for n in names)
    stated = poll.bound.degrees_of_freedom(poll.domain) if df is None else df
    return stacked([_one_kind(poll, [n], total, where=where, df=stated, **options) for n in names])


def _one_kind(poll: sk.Survey, names: list[str], total: bool, **options: Any) -> Estimates:
    if total:
        return sk.total(poll, names, **options)
    if is_factor(poll, names[0]):
        return sk.proportion(poll, names, interval="wald", **options)
    return sk.mean(poll, names, **options)
