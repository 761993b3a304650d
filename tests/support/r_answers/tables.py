"""Means, totals and ratios, for everybody and by group."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

import survey_kit as sk
from support.r_answers.common import Pairs, effects, is_factor, levels_of, of_formula, usual, with_columns
from support.reference import dataset, survey_for, terms
from survey_kit.results.estimates import Estimates


def means(entry: dict) -> Pairs:
    """svymean, svytotal."""
    poll, columns = with_columns(survey_for(entry), entry["args"]["formula"])
    yield from _of_survey(poll, columns, entry)


def _of_survey(poll: sk.Survey, columns: list[str], entry: dict) -> Pairs:
    args, total = entry["args"], "total" in entry["estimator"]
    ask = partial(of_formula, poll, columns, total, deff=args.get("deff", False))
    yield from usual(entry["result"], ask)
    found = ask()
    yield from effects(entry, found)
    if columns == terms(args["formula"]):  # expressions have names of our own
        yield "names", [f"{v}{a}" for v, a in found.keys[["variable", "answer"]].to_numpy()], entry["result"]["names"]


def two_phases(entry: dict) -> Pairs:
    """svymean(twophase)."""
    args = entry["args"]
    poll = sk.from_frame(*dataset("nwtco_full"))
    poll = poll.with_second_phase(args["subset"], strata=args["strata"][1], method=args["method"])
    yield from _of_survey(poll, terms(args["formula"]), entry)


def by_groups(entry: dict) -> Pairs:
    """svyby of means, totals, ratios, variances and quantiles."""
    args, result = entry["args"], entry["result"]
    poll, columns = with_columns(survey_for(entry), args["formula"])
    poll, by = with_columns(poll, args["by"])
    groups = [dict(zip(by, group.values(), strict=True)) for group in result["groups"]]
    ask = _by_verb(poll, columns, by, entry)
    found = ask()
    order = r_order(found, groups, by)
    yield from usual(_of_groups(entry), ask, order)
    if "vcov" in result and not args.get("covmat"):
        yield "vcov", found.se[order] ** 2, np.diag(np.array(result["vcov"], dtype=float))
    yield from effects(entry, found, order)
    yield "groups", *order_of_groups(poll, found, groups, by)


def _of_groups(entry: dict) -> dict:
    """R's fields that compare as they are: without covmat=TRUE its covariances are 0, which ours are not."""
    without = [] if entry["args"].get("covmat") else ["vcov"]
    if "svyquantile" in entry["estimator"]:  # R's confint() is q -+ t se there, ours the Woodruff interval
        without += ["ci95_t", "ci95_normal"]
    return {k: v for k, v in entry["result"].items() if k not in without}


def _by_verb(poll: sk.Survey, columns: list[str], by: list[str], entry: dict) -> Any:
    args, estimator = entry["args"], entry["estimator"]
    if "svyratio" in estimator:
        return partial(sk.ratio, poll, columns, terms(args["denominator"]), by=by)
    if "svyvar" in estimator:
        return partial(sk.variance, poll, columns, by=by)
    if "svyquantile" in estimator:
        return partial(sk.quantile, poll, columns, args["quantiles"], by=by)
    verb = sk.total if "total" in estimator else sk.proportion if is_factor(poll, columns[0]) else sk.mean
    extra = {"interval": "wald"} if verb is sk.proportion else {}
    return partial(verb, poll, columns, by=by, deff=args.get("deff", False), **extra)


def r_order(found: Estimates, groups: list[dict], by: list[str]) -> np.ndarray:
    """Places of ours in R's order: statistic by statistic, groups fastest."""
    wanted = pd.DataFrame(groups).astype(str)
    frame = found.keys.assign(row=range(len(found)))
    statistics = frame.groupby(["variable", "answer", "statistic"], sort=False)
    order = np.concatenate([wanted.merge(part, on=by, how="left")["row"] for _, part in statistics])
    assert not np.isnan(order).any(), f"no answer for some of the groups {groups}"
    return order.astype(int)


def order_of_groups(poll: sk.Survey, found: Estimates, groups: list[dict], by: list[str]) -> tuple[list, list]:
    """Our groups that R has, in our order (the last variable fastest), and R's brought into it by their levels."""
    ours = list(dict.fromkeys(map(tuple, found.keys[by].astype(str).to_numpy())))
    theirs = [tuple(str(group[name]) for name in by) for group in groups]
    rank = {name: {str(level): i for i, level in enumerate(levels_of(poll, name))} for name in by}
    ranked = sorted(theirs, key=lambda group: [rank[n][level] for n, level in zip(by, group, strict=True)])
    return [" ".join(g) for g in ours], [" ".join(g) for g in ranked]


def several_by(entry: dict) -> Pairs:
    """svybys: one table for each variable."""
    poll = survey_for(entry)
    for by, expected in zip(terms(entry["args"]["bys"]), entry["result"], strict=True):
        found = sk.mean(poll, terms(entry["args"]["formula"]), by=by)
        yield f"rows: {by}", found.keys[by].tolist(), expected["rows"]
        yield f"estimate: {by}", found.theta, expected["estimate"]
        yield f"se: {by}", found.se, expected["se"]


def ratios(entry: dict) -> Pairs:
    """svyratio."""
    args, result = entry["args"], entry["result"]
    above, below = terms(args["formula"]), terms(args["denominator"])
    ask = partial(sk.ratio, survey_for(entry), above, below, deff=args.get("deff", False))
    yield from usual(result, ask)
    found = ask()
    yield "names", [re.sub(r"\s", "", name) for name in found.keys["variable"]], result["names"]
    yield from effects(entry, found)


def predicted_total(entry: dict) -> Pairs:
    """predict.svyratio: the ratio estimator of a total."""
    args, result = entry["args"], entry["result"]
    found = sk.ratio(survey_for(entry), terms(args["formula"]), terms(args["denominator"]))
    made = found.contrast([[args["total"][terms(args["denominator"])[0]]]])
    yield "total", made.theta[0], result["total"]
    yield "se", made.se[0], result["se"]


def counts(entry: dict) -> Pairs:
    """svytable."""
    poll, names = survey_for(entry), terms(entry["args"]["formula"])
    found = sk.count(poll, names[-1], by=names[:-1] or None, population=entry["args"].get("Ntotal"))
    yield "counts", _cells(found, names, entry), _r_cells(entry)
    yield from _levels(poll, names, entry)


def proportions_of_table(entry: dict) -> Pairs:
    """prop.table(svytable): R's margin is the variable whose groups sum to 1."""
    poll, (row, column) = survey_for(entry), terms(entry["args"]["formula"])
    within, of = (row, column) if entry["args"]["margin"] == "row" else (column, row)
    found = sk.proportion(poll, of, by=within)
    keys = found.keys.rename(columns={"answer": of})
    cells = pd.Series(found.theta, index=pd.MultiIndex.from_frame(keys[[column, row]]))
    yield "counts", cells.reindex(_r_index(entry)), _r_cells(entry)
    yield from _levels(poll, [row, column], entry)


def _levels(poll: sk.Survey, names: list[str], entry: dict) -> Pairs:
    for name in names:
        yield f"dimnames: {name}", levels_of(poll, name), entry["result"]["dimnames"][name]


def _cells(found: Estimates, names: list[str], entry: dict) -> pd.Series:
    """Our counts in R's order of storage, the first variable fastest. A group that nobody is in counts 0."""
    keys = found.keys.rename(columns={"answer": names[-1]})
    cells = pd.Series(found.theta, index=pd.MultiIndex.from_frame(keys[list(reversed(names))]))
    return cells.reindex(_r_index(entry)).fillna(0.0)


def _r_index(entry: dict) -> pd.MultiIndex:
    names = entry["result"]["dimnames"]
    return pd.MultiIndex.from_product([names[k] for k in reversed(names)], names=list(reversed(names)))


def _r_cells(entry: dict) -> np.ndarray:
    return np.array(entry["result"]["counts"], dtype=float).ravel(order="F")


def unweighted_counts(entry: dict) -> Pairs:
    """svyby(unwtd.count)."""
    by = terms(entry["args"]["by"])
    found = sk.mean(survey_for(entry), terms(entry["args"]["formula"]), by=by)
    groups = entry["result"]["groups"]
    yield "counts", found.n[r_order(found, groups, by)], entry["result"]["counts"]
    yield "groups", *order_of_groups(survey_for(entry), found, groups, by)
