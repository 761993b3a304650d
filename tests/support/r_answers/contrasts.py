"""Contrasts of estimates."""

from __future__ import annotations

import re

import survey_kit as sk
from support.r_answers.common import Pairs, of_formula, usual
from support.reference import survey_for, terms
from survey_kit.results.estimates import Estimates


def contrasts(entry: dict) -> Pairs:
    """svycontrast. Replicates that R did not keep leave it the delta method."""
    poll, call = survey_for(entry), entry["args"]["statistic"]
    replicated = entry["design"]["kind"] == "replicate"
    method = "delta" if replicated and "return.replicates=TRUE" not in call else None
    weights = asked(poll, entry["args"]["contrasts"])

    def ask(df: float | None = None) -> Estimates:
        return statistic(poll, call, df).contrast(weights, method=method)

    yield from usual(entry["result"], ask)
    names = entry["result"]["names"]
    if names not in ([], ["contrast"]):  # of contrasts without a name
        yield "names", ask().keys["variable"].tolist(), names


def statistic(poll: sk.Survey, call: str, df: float | None) -> Estimates:
    """The estimates that R's call makes: svymean(~a+b,des), svyby(~x,~g,des,svymean), svyglm(y~x,des)."""
    found = re.match(r"(\w+)\((~?[^,]+),(?:(~[^,]+),)?des", call)
    assert found is not None
    kind, formula, by = found.groups()
    if kind == "svyglm":  # the degrees of freedom of the design, as R's confint(df = degf(design))
        fit = sk.glm(poll, formula)
        return fit.with_df(fit.df_design if df is None else df).coef
    if kind == "svyby":
        return sk.mean(poll, terms(formula), by=terms(by), df=df)
    return of_formula(poll, terms(formula), total=kind == "svytotal", df=df)


def asked(poll: sk.Survey, text: str):
    """R's contrasts as this package takes them: quote(...) is text, c(a=1) a mapping, c(1, -1) a row."""
    factors = [name for name in poll.codebook if poll.codebook[name].labels]
    for name in sorted(factors, key=len, reverse=True):  # R puts the variable before its levels
        text = re.sub(rf"\b{re.escape(name)}_?(?=[A-Z])", "", text)
    if text.startswith("quote("):
        return text[6:-1]
    inside = re.sub(r"^list\((.*)\)$", r"\1", text)
    parts = re.findall(r"(?:(\w+)=)?(c|quote)\(((?:[^()]|\([^()]*\))*)\)", inside)
    made = {name: _one(kind, body) for name, kind, body in parts}
    return made if "" not in made else [_one(kind, body) for _, kind, body in parts]


def _one(kind: str, body: str):
    if kind == "quote":
        return body
    pairs = [p.split("=") for p in body.split(",")]
    return {p[0]: float(p[1]) for p in pairs} if len(pairs[0]) == 2 else [float(p[0]) for p in pairs]
