"""Proportions with their intervals, nets, and the tables of srvyr."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import survey_kit as sk
from support.r_answers.common import Pairs, limits
from support.r_answers.tables import order_of_groups, r_order
from support.reference import survey_for, terms
from survey_kit.codebook import Variable
from survey_kit.recode import evaluate
from survey_kit.results.combine import only_answer
from survey_kit.results.estimates import Estimates


def proportions(entry: dict) -> Pairs:
    """svyciprop."""
    args, result = entry["args"], entry["result"]
    poll = with_event(survey_for(entry), args["formula"])
    found = only_answer(sk.proportion(poll, "event", level=args["level"], **_options(args)), "yes")
    yield "estimate", found.theta[0], result["estimate"]
    yield "var", found.se[0] ** 2, result["var"]
    yield "ci", limits(found)[0], result["ci"]


def _options(args: dict) -> dict[str, Any]:
    """R ignores df= for "beta", where ours refuses it."""
    stated = {"df": float(args["df"])} if "df" in args and args["method"] != "beta" else {}
    return {"interval": {"mean": "wald"}.get(args["method"], args["method"]), **stated}


def proportions_by(entry: dict) -> Pairs:
    """svyby(svyciprop)."""
    args, result, by = entry["args"], entry["result"], terms(entry["args"]["by"])
    poll = with_event(survey_for(entry), args["formula"])
    found = only_answer(sk.proportion(poll, "event", by=by, **_options(args)), "yes")
    yield "estimate", found.theta[r_order(found, result["groups"], by)], result["estimate"]
    yield "df", found.df, result["df"]
    yield "groups", *order_of_groups(poll, found, result["groups"], by)


def with_event(poll: sk.Survey, formula: str) -> sk.Survey:
    """The survey with the event of a one-sided formula, ~I(x == 1) or a column of 0 and 1, as a yes-or-no column."""
    text = formula.lstrip("~").removeprefix("I(").removesuffix(")").replace("&", " and ")
    text = text if any(sign in text for sign in "=<>") else f"{text} == 1"
    happened = evaluate(text, poll.codes, poll.codebook)
    known = happened | evaluate(f"not ({text})", poll.codes, poll.codebook)
    values = pd.Series(happened.astype(float)).where(known)
    return poll.with_column(values, Variable("event", labels={0.0: "no", 1.0: "yes"}, measure="nominal"))


def top_box(entry: dict) -> Pairs:
    """svyciprop of several answers: a net."""
    args, result = entry["args"], entry["result"]
    poll = survey_for(entry).recode(top=sk.net(args["variable"], args["net"], labels=("Other", "Top")))
    found = only_answer(sk.proportion(poll, "top", interval=args["method"]), "Top")
    yield "estimate", found.theta[0], result["estimate"]
    yield "var", found.se[0] ** 2, result["var"]
    yield "ci", limits(found)[0], result["ci"]


# --- srvyr: rows of a frame ---------------------------------------------------------------------------------------

FRAME = ("estimate", "se", "ci_low", "ci_high")


def _columns(found: Estimates, rows: pd.DataFrame, by: list[str], names: tuple[str, ...]) -> Pairs:
    """Columns of srvyr's frame that belong to `FRAME`, row by row by the keys `by`."""
    frame = found.frame()
    both = rows[by].merge(frame.astype(dict.fromkeys(by, "str")), on=by, how="left") if by else frame
    for ours, theirs in zip(FRAME, names, strict=False):
        if theirs:
            yield f"rows: {theirs}", both[ours], rows[theirs]


def survey_mean(entry: dict) -> Pairs:
    """survey_mean and survey_total by group."""
    args, rows, poll = entry["args"], pd.DataFrame(entry["result"]["rows"]), survey_for(entry)
    by = [args["by"]]
    found = sk.mean(poll, args["mean"], by=by)
    yield from _columns(found, rows, by, ("m", "m_se", "m_low", "m_upp"))
    yield from _columns(sk.total(poll, args["total"], by=by), rows, by, ("t", "t_se", "t_low", "t_upp"))
    yield "rows: m_cv", found.cv, rows["m_cv"]
    yield "rows: m_var", np.diag(found.vcov()), rows["m_var"]
    yield "rows: n", found.n, rows["n"]


def survey_prop(entry: dict) -> Pairs:
    """survey_prop: of the last group within those before it; its row of missing groups is outside `by` here."""
    rows, by = pd.DataFrame(entry["result"]["rows"]), list(np.atleast_1d(entry["args"]["by"]))
    *within, of = by
    rows = rows.dropna(subset=by).reset_index(drop=True)
    interval = entry["args"].get("prop_method", "wald")
    found = sk.proportion(survey_for(entry), of, by=within or None, interval=interval)
    keys = found.keys.rename(columns={"answer": of})[by]
    yield "rows: keys", keys.astype(str).agg(" ".join, axis=1).tolist(), rows[by].agg(" ".join, axis=1).tolist()
    for ours, theirs in zip(FRAME, ("p", "p_se", "p_low", "p_upp"), strict=True):
        yield f"rows: {theirs}", found.frame()[ours], rows[theirs]


def cascade(entry: dict) -> Pairs:
    """cascade: means by group, with rows for totals, where R has NA."""
    args, rows, poll = entry["args"], pd.DataFrame(entry["result"]["rows"]).fillna("all"), survey_for(entry)
    depth = range(len(args["by"]), -1, -1)
    parts = [sk.mean(poll, args["mean"], by=args["by"][:k] or None).frame() for k in depth]
    ours = pd.concat(parts).reindex(columns=[*args["by"], *FRAME]).fillna("all")
    both = rows[args["by"]].merge(ours, on=args["by"], how="left")
    assert len(ours) == len(rows)
    yield "rows: m", both["estimate"], rows["m"]
    yield "rows: m_se", both["se"], rows["m_se"]


def survey_quantile(entry: dict) -> Pairs:
    """survey_quantile and survey_median by group."""
    args, rows, poll = entry["args"], pd.DataFrame(entry["result"]["rows"]), survey_for(entry)
    by = [args["by"]]
    for p in args["quantile"]:
        code = f"q_q{100 * p:.0f}"
        found = sk.quantile(poll, args["variable"], p, by=by)
        yield from _columns(found, rows, by, (code, "", f"{code}_low", f"{code}_upp"))
    yield from _columns(sk.median(poll, args["median"], by=by), rows, by, ("md", "md_se"))


def survey_var(entry: dict) -> Pairs:
    """survey_var, survey_sd, survey_ratio."""
    args, poll, rows = entry["args"], survey_for(entry), pd.DataFrame(entry["result"]["rows"])
    ratio = sk.ratio(poll, *args["ratio"].split("/"))
    yield from _columns(sk.variance(poll, args["var"]), rows, [], ("v", "v_se"))
    yield "rows: sd", sk.sd(poll, args["sd"]).theta, rows["sd"]
    yield from _columns(ratio, rows, [], ("ra", "", "ra_low", "ra_upp"))
    yield "rows: ra_cv", ratio.cv, rows["ra_cv"]
