"""Degrees of freedom, replicate weights, statistics by replication, and design effects of weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import survey_kit as sk
from support.r_answers.common import Pairs, usual
from support.reference import dataset, survey_for
from survey_kit.kernels.variance import replicate_covariance
from survey_kit.results.estimates import Estimates

PEW_Z = 1.96 / 1.959963984540054  # the margin of pewmethods is made with 1.96, ours with the normal quantile


def degrees_of_freedom(entry: dict) -> Pairs:
    """degf."""
    poll = survey_for(entry)
    yield "value", poll.bound.degrees_of_freedom(poll.domain), entry["result"]["value"]


def replicate_variance(entry: dict) -> Pairs:
    """svrVar: the kernel itself."""
    args = entry["args"]
    thetas = np.array(args["thetas"], dtype=float)
    theta = np.array(args.get("coef", thetas.mean(axis=0)), dtype=float)
    rscales = np.array(args["rscales"], dtype=float)
    yield "vcov", replicate_covariance(thetas, theta, args["scale"], rscales, args["mse"]), entry["result"]["vcov"]


def conversion(entry: dict) -> Pairs:
    """as.svrepdesign. The order of replicates is free, so that what is said of each is sorted."""
    poll, result = survey_for(entry), entry["result"]
    made = poll.bound.replicates
    assert made is not None
    yield "type", [poll.design.replicates.method], [result["type"]]
    yield "n_reps", made.weights.shape[1], result["n_reps"]
    yield "scale", made.scale, result["scale"]
    yield "df", poll.bound.degrees_of_freedom(), result["df"]
    yield "full_weights_first10", poll.bound.weight[:10], result["full_weights_first10"]
    indexed = np.arange(1, len(made.weights) + 1) @ made.weights
    for field, ours in (
        ("rscales", made.rscales),
        ("rep_weight_colsums", made.weights.sum(axis=0)),
        ("rep_weights_row1", made.weights[0]),
        ("replicate_totals_sorted_of_row_index", indexed),
    ):
        yield field, np.sort(ours), np.sort(result[field])


# --- withReplicates: by a function of our own, and by the verb that is there for it -----------------------------------


def median_of(w: np.ndarray, x: np.ndarray) -> float:
    """Smallest value with a cumulative share of at least a half."""
    order = np.argsort(x, kind="stable")
    return np.asarray(x)[order][np.argmax(np.cumsum(w[order]) / w.sum() >= 0.5)]


def gini_of(w: np.ndarray, x: np.ndarray) -> float:
    """1 - sum w (L + L before), L the weighted Lorenz curve."""
    order = np.argsort(x, kind="stable")
    w, x = w[order], np.asarray(x)[order]
    lorenz = np.cumsum(w * x) / (w * x).sum()
    return 1 - (w / w.sum() * (lorenz + np.append(0, lorenz[:-1]))).sum()


def line_of(w: np.ndarray, y: np.ndarray, *xs: np.ndarray) -> np.ndarray:
    """Coefficients of weighted least squares."""
    design = np.column_stack([np.ones(len(y)), *xs])
    return np.linalg.solve(design.T @ (w[:, None] * design), design.T @ (w * np.asarray(y)))


Verb = Callable[..., Estimates]
REPLICATED: dict[str, tuple[Callable, Verb]] = {
    "withrep_ratio": (
        lambda w, d: (w * d["api00"]).sum() / (w * d["api99"]).sum(),
        partial(sk.ratio, numerator="api00", denominator="api99"),
    ),
    "withrep_median": (
        lambda w, d: median_of(w, d["api00"]),
        partial(sk.median, variables="api00", interval="quantile"),
    ),
    "withrep_gini": (lambda w, d: gini_of(w, d["api_stu"]), partial(sk.gini, variables="api_stu")),
    "withrep_svrvar": (
        lambda w, d: (w * d["alive"]).sum() / (w * d["arrests"]).sum(),
        partial(sk.ratio, numerator="alive", denominator="arrests"),
    ),
    "withrep_glm": (
        lambda w, d: line_of(w, d["api00"], d["ell"], d["meals"]),
        lambda poll, df=None: _line(poll, df),
    ),
}


def _line(poll: sk.Survey, df: float | None) -> Estimates:
    """R's intervals here are by the degrees of freedom of the design, not of the model."""
    fit = sk.glm(poll, "api00 ~ ell + meals")
    return fit.with_df(fit.df_design if df is None else df).coef


def statistics(entry: dict) -> Pairs:
    """withReplicates."""
    poll = survey_for(entry)
    function, verb = REPLICATED[entry["id"]]
    yield from usual(entry["result"], partial(sk.statistic, poll, function))
    yield from usual(entry["result"], partial(verb, poll))


# --- design effects of weights ----------------------------------------------------------------------------------------


def pew(entry: dict) -> Pairs:
    """calculate_deff of pewmethods."""
    result = entry["result"]
    found = sk.design_effect(dataset(entry["design"]["dataset"])[0][entry["args"]["variable"]], "pew")
    yield "n", found.n, result["n"]
    yield "deff", found.deff, result["deff"]
    yield "ess", found.n_eff, result["ess"]
    yield "moe", 100 * PEW_Z * found.margin, result["moe"]


def effect_of_weights(entry: dict) -> Pairs:
    """generaldesigneffect of anesrake; deffK, deffH and deffS of PracTools."""
    args = entry["args"]
    frame, _ = dataset(entry["design"]["dataset"])
    method = {"deffH": "henry", "deffS": "spencer"}.get(entry["estimator"], "kish")
    columns = {name: frame[args[name]] for name in ("y", "x") if name in args}
    found = sk.design_effect(frame[args.get("weights", args.get("variable"))], method, **columns)
    yield "value", found.deff, entry["result"]["value"]


def effect_by_group(entry: dict) -> Pairs:
    """Kish's effect by group."""
    args, result = entry["args"], entry["result"]
    frame, book = dataset(entry["design"]["dataset"])
    found = sk.design_effect(frame[args["variable"]], by=frame[args["by"]])
    yield "names", [book[args["by"]].labels[code] for code in found["group"]], result["names"]
    yield "value", found["deff"], result["value"]
