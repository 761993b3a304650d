"""Quantiles, variances, covariances, correlations and distributions."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

import survey_kit as sk
from support.r_answers.common import Pairs, limits, usual
from support.reference import survey_for, terms
from survey_kit.codebook import Variable


def quantiles(entry: dict) -> Pairs:
    """svyquantile: for each variable the quantiles with limits and standard errors."""
    args, result = entry["args"], entry["result"]
    names, probs = terms(args["formula"]), np.atleast_1d(args["quantiles"]).tolist()
    options = {"interval": args.get("interval.type", "mean"), "rule": args.get("qrule", "math")}
    if "df" in args:
        options["df"] = float(args["df"])
    found = sk.quantile(survey_for(entry), names, probs, level=1 - args.get("alpha", 0.05), **options)
    bounds = limits(found)
    for name in names:
        rows = np.flatnonzero((found.keys["variable"] == name).to_numpy())
        table = np.array(result[name]["values"], dtype=float)
        yield f"{name}: quantile", found.theta[rows], table[:, 0]
        if table.shape[1] > 1:
            yield f"{name}: limits", bounds[rows], table[:, 1:3]
            yield f"{name}: se", found.se[rows], table[:, 3]
        yield f"{name}: probs", probs, result[name]["probs"]


def old_quantiles(entry: dict) -> Pairs:
    """oldsvyquantile: rule "hf4"."""
    args = entry["args"]
    found = sk.quantile(survey_for(entry), terms(args["formula"]), args["quantiles"], rule="hf4")
    yield "quantiles", found.theta, entry["result"]["quantiles"]


def variances(entry: dict) -> Pairs:
    """svyvar of one variable, or the whole matrix of several, column by column."""
    result, names, poll = entry["result"], terms(entry["args"]["formula"]), survey_for(entry)
    if len(names) == 1:
        yield from usual(result, partial(sk.variance, poll, names))
        yield "names", names, result["names"]
        if "variables" in result:
            yield "variables", names, result["variables"]
        return
    found = sk.covariance(poll, names)
    keys = [tuple(k) for k in found.keys[["variable", "answer"]].to_numpy()]
    place = {key: i for i, k in enumerate(keys) for key in (k, k[::-1])}
    yield from usual(result, partial(sk.covariance, poll, names), [place[a, b] for b in names for a in names])
    yield "names", [f"{a}:{b}" for b in names for a in names], result["names"]
    yield "variables", names, result["variables"]


def correlation_matrix(entry: dict) -> Pairs:
    """cov2cor(svyvar())."""
    names, result = terms(entry["args"]["formula"]), entry["result"]
    found = sk.correlation(survey_for(entry), names)
    full = np.eye(len(names))
    for (a, b), theta in zip(found.keys[["variable", "answer"]].to_numpy(), found.theta, strict=True):
        full[names.index(a), names.index(b)] = full[names.index(b), names.index(a)] = theta
    yield "values", full, result["values"]
    yield "rownames", names, result["rownames"]
    yield "colnames", names, result["colnames"]


def correlation(entry: dict) -> Pairs:
    """svycontrast(svyvar(), quote(correlation)): the same from a contrast of covariances."""
    poll, names = survey_for(entry), terms(entry["args"]["formula"])
    yield from usual(entry["result"], partial(sk.correlation, poll, names))

    def contrasted(**options):
        a, b = names
        return sk.covariance(poll, names, **options).contrast(f"`{a}:{b}` / sqrt(`{a}:{a}` * `{b}:{b}`)")

    yield from usual(entry["result"], contrasted)


def standard_deviation(entry: dict) -> Pairs:
    """sqrt(svyvar())."""
    yield "value", sk.sd(survey_for(entry), terms(entry["args"]["formula"])).theta[0], entry["result"]["value"]


def cumulative(entry: dict) -> Pairs:
    """svycdf."""
    args = entry["args"]
    yield "F", sk.cdf(survey_for(entry), terms(args["formula"])[0], at=args["at"]).theta, entry["result"]["F"]


def histogram(entry: dict) -> Pairs:
    """svyhist: counts of bins, closed on the right, and their shares by width."""
    args, result, poll = entry["args"], entry["result"], survey_for(entry)
    breaks, values = args["breaks"], poll.codes[terms(args["formula"])[0]]
    bins = pd.Series(np.searchsorted(breaks, values, side="left").astype(float))
    labels = {float(i): f"up to {high}" for i, high in enumerate(breaks[1:], start=1)}
    poll = poll.with_column(bins, Variable("bin", labels=labels, measure="ordinal"))
    yield "counts", sk.count(poll, "bin").theta, result["counts"]
    yield "density", sk.share(poll, "bin").theta / np.diff(breaks), result["density"]
