"""Contrasts: against R 4.1-1 on a sample made by formula, by identity, and what is refused, as text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, UnknownNameError, UnsupportedOption

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "contrasts.json").read_text(encoding="utf-8"))
MEANS = {
    "ratio": "hours / income",
    "logs": "log(income) - 2 * log(hours)",
    "root": "sqrt(hours) * exp(-income / 200)",
    "power": "(income - 10 * hours) ** 2 / income",
    "lead": "income - 3 * hours",
}
VOTES = {
    "lead": "red - green",
    "twoparty": "red / (red + green)",
    "odds": "log(red / (1 - red)) - log(green / (1 - green))",
}
SEXES = {"gap": "male - female", "relative": "male / female", "average": {"male": 0.25, "female": 0.75}}


def _poll(kind: str = "taylor") -> sk.Survey:
    poll = sk.from_frame(pd.DataFrame(R["sample"])).with_design(weight="w", strata="stratum", psu="area")
    return poll if kind == "taylor" else poll.replicate("JKn")


def _votes(kind: str = "taylor", **more):
    return sk.proportion(_poll(kind), "vote", **more)


def _same(made, expected):
    np.testing.assert_allclose(made.theta, np.atleast_1d(expected["estimate"]), rtol=1e-9)
    np.testing.assert_allclose(made.vcov(), np.atleast_2d(expected["vcov"]), rtol=1e-8, atol=1e-15)
    np.testing.assert_allclose(np.column_stack(made.confidence_interval()), expected["interval"], rtol=1e-8)


@pytest.mark.parametrize("kind", ["taylor", "delta", "replicates"])
def test_functions_agree_with_r(kind):
    poll, method = _poll(kind), None if kind == "taylor" else kind
    expected = R[kind]
    names = ["hours", "income"]
    _same(sk.mean(poll, names).contrast(MEANS, method=method), expected["means"])
    totals = {name: MEANS[name] for name in ("ratio", "logs", "lead")}
    _same(sk.total(poll, names).contrast(totals, method=method), expected["totals"])
    _same(sk.proportion(poll, "vote").contrast(VOTES, method=method), expected["votes"])
    _same(sk.mean(poll, "income", by="sex").contrast(SEXES, method=method), expected["sexes"])


def test_replicates_are_used_where_they_are():
    votes = _votes("replicates")
    default, told = votes.contrast(VOTES), votes.contrast(VOTES, method="replicates")
    np.testing.assert_array_equal(default.se, told.se)
    delta = votes.contrast(VOTES, method="delta")
    assert (delta.se[1:] != told.se[1:]).all()
    np.testing.assert_allclose(delta.se, told.se, rtol=0.05)
    np.testing.assert_allclose(delta.theta, told.theta, rtol=1e-14)


def test_the_delta_method_is_j_v_j_and_keeps_the_replicates_near_the_estimate():
    votes = _votes("replicates")
    made = votes.contrast("red / green", method="delta")
    a, b = votes.theta[2], votes.theta[0]
    assert votes.names.tolist() == ["green", "none", "red"]
    slope = np.array([-a / b**2, 0, 1 / b])
    np.testing.assert_allclose(made.vcov(), [[slope @ votes.vcov().to_numpy() @ slope]], rtol=1e-12)
    assert abs(made.replicates().to_numpy() - a / b).max() < 10 * made.se[0]


def test_coefficients_and_totals_by_ratio_agree_with_r():
    poll = _poll()
    coef = sk.glm(poll, "income ~ hours + sex").coef
    rows = coef.contrast([[0, 10, 1], [1, 5, 0]])
    np.testing.assert_allclose(rows.theta, R["coefficients"]["estimate"], rtol=1e-8)
    np.testing.assert_allclose(rows.vcov(), R["coefficients"]["vcov"], rtol=1e-7)
    total = sk.ratio(poll, "income", "hours").contrast({"total": {"income / hours": 5000}})
    np.testing.assert_allclose(
        [total.theta[0], total.se[0]], [R["predicted"]["total"], R["predicted"]["se"]], rtol=1e-9
    )


def test_a_linear_expression_is_the_linear_contrast():
    votes = _votes()
    one = votes.contrast(
        {"a": "red - green", "b": "(red + 3 * green) / 4", "c": "-none", "d": "2 * (red - none) - green"}
    )
    other = votes.contrast([[-1, 0, 1], [0.75, 0, 0.25], [0, -1, 0], [-1, -2, 2]])
    np.testing.assert_allclose(one.theta, other.theta, rtol=1e-13)
    np.testing.assert_allclose(one.vcov(), other.vcov(), rtol=1e-13)


def test_ways_of_asking_agree():
    votes = _votes()
    ways = ["red - green", {"red": 1, "green": -1}, [-1, 0, 1], [[-1, 0, 1]], np.array([-1, 0, 1])]
    ways += [{"x": "red - green"}, {"x": {"red": 1.0, "green": -1.0}}, {"x": [-1, 0, 1]}, ["red - green"]]
    made = [votes.contrast(way) for way in ways]
    assert {float(m.theta[0]) for m in made} == {float(made[0].theta[0])}
    assert {float(m.se[0]) for m in made} == {float(made[0].se[0])}
    labels = [m.keys["variable"].tolist() for m in made]
    assert labels == [["red - green"]] + [["contrast"]] * 4 + [["x"]] * 3 + [["red - green"]]
    assert votes.contrast([[1, 0, 0], [0, 1, 0]]).keys["variable"].tolist() == ["contrast 1", "contrast 2"]


def test_names_that_are_no_identifiers_stand_in_backticks():
    answers = ["18-29", "60+", "don't know", "a`b", "Да", "1"]
    shares = sk.proportion(sk.from_frame(pd.DataFrame({"q": answers * 4 + ["60+"]})), "q")
    a, b = shares.theta[shares.names.get_loc("18-29")], shares.theta[shares.names.get_loc("60+")]
    assert shares.contrast("`60+` / `18-29`").theta == pytest.approx(b / a)
    assert shares.contrast("`don't know` + `a``b`+`1` + Да").theta == pytest.approx(4 * a)
    assert shares.contrast("60 + `18-29`").theta == pytest.approx(60 + a)


def test_units_follow_from_what_is_combined():
    votes, means = _votes(), sk.mean(_poll(), "income", by="sex")
    made = votes.contrast(
        {
            "lead": "red - green",
            "half": "(red + green) / 2",
            "sum": "red + green",
            "odds": "red / green",
            "less": "1 - red",
        }
    )
    assert made.units.tolist() == ["points", "share", "number", "number", "number"]
    assert means.contrast({"gap": "male - female", "mean": "(male + female) / 2"}).units.tolist() == [
        "difference",
        "number",
    ]
    by = _votes(by="sex").difference(sex=("male", "female"))
    assert set(by.units) == {"points"}
    assert by.contrast("red - green").units.tolist() == ["points"]
    assert set(means.difference(sex=("male", "female")).units) == {"difference"}
    assert set(_votes(by="sex").ratio(sex=("male", "female")).units) == {"number"}


@pytest.mark.parametrize("kind", ["taylor", "replicates"])
def test_a_ratio_of_groups_is_its_contrast(kind):
    votes = _votes(kind, by="sex")
    for method in (None, "delta"):
        ratio = votes.ratio(sex=("male", "female"), method=method)
        wanted = {a: f"`male:{a}` / `female:{a}`" for a in ("green", "none", "red")}
        contrast = votes.contrast(wanted, method=method)
        np.testing.assert_allclose(ratio.theta, contrast.theta, rtol=1e-14)
        np.testing.assert_allclose(ratio.vcov(), contrast.vcov(), rtol=1e-12)
    assert ratio.keys["sex"].tolist() == ["male / female"] * 3
    assert set(ratio.keys["statistic"]) == {"quotient"}
    logs = votes.contrast("log(`male:red`) - log(`female:red`)")
    at = ratio.names.get_loc("red")
    np.testing.assert_allclose(logs.theta[0], np.log(ratio.theta[at]), rtol=1e-12)
    if kind == "taylor":
        np.testing.assert_allclose(logs.se[0], ratio.cv[at], rtol=1e-12)


def test_what_does_not_exist_is_nan_and_leaves_the_others_alone():
    frame = pd.DataFrame({"q": ["a", "a", "b", "b"], "g": ["x", "x", "y", "y"]})
    shares = sk.proportion(sk.from_frame(frame), "q", by="g")
    made = shares.contrast(
        {
            "none": "`x:a` / `x:b`",
            "log": "log(-`x:a`)",
            "root": "sqrt(`x:b`)",
            "fine": "`x:a` - `y:a`",
            "zero": "0 / `x:b`",
            "big": "10 ** 10 ** 10 * `x:a`",
            "kink": "abs(`x:b`)",
        }
    )
    assert np.isnan(made.theta).tolist() == [True, True, False, False, True, True, False]
    assert np.isnan(made.se).tolist() == [True, True, True, False, True, True, True]
    ratio = shares.ratio(g=("x", "y"))
    assert np.isnan(ratio.theta).tolist() == [False, True] or np.isnan(ratio.theta).tolist() == [True, False]
    assert "\n" in repr(made) and "nan" not in repr(made).lower()


def test_an_empty_group_does_not_spoil_a_contrast_of_others():
    poll = sk.from_frame(pd.DataFrame({"x": [1.0, 2, 3, 4], "g": list("aabb"), "w": [1.0, 1, 0, 0]})).with_design(
        weight="w"
    )
    means = sk.mean(poll, "x", by="g")
    assert np.isnan(means.theta).tolist() == [False, True]
    made = means.contrast({"half": "a / 2", "row": [1, 0], "gone": "b"})
    np.testing.assert_allclose(made.theta, [0.75, 1.5, np.nan])
    assert made.n.tolist() == [2, 2, means.n[1]]
    np.testing.assert_allclose(made.se[:2], [means.se[0] / 2, means.se[0]])


def test_bases_are_the_smallest_that_are_used():
    by = sk.mean(_poll(), "income", by=["sex", "vote"])
    name = by.names.tolist()
    made = by.contrast({"all": f"`{name[0]}` + `{name[1]}` * `{name[2]}`", "one": f"`{name[1]}`"})
    assert made.n.tolist() == [by.n[:3].min(), by.n[1]]
    assert made.n_weighted.tolist() == [by.n_weighted[:3].min(), by.n_weighted[1]]


def test_pairs_without_a_counterpart_are_counted():
    frame = pd.DataFrame({"x": np.arange(6.0), "g": list("aaabbb"), "h": list("uvwuvv")})
    by = sk.mean(sk.from_frame(frame), "x", by=["g", "h"])
    made = by.difference(g=("a", "b"))
    assert made.keys["h"].tolist() == ["u", "v"]
    assert [n.text for n in made.notices if n.kind == "unpaired"] == [
        "1 estimates of g 'a' or 'b' have no counterpart and are left out."
    ]


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSED = {
    "": 'The contrast is empty. Write one over the names of the estimates, as in "A / (A + B)".',
    "1 + 1": "Contrast '1 + 1' names no estimate. A name with other characters than letters, digits and _ is written in "
    "backticks, as in `18-29`.",
    "red +": "Contrast 'red +' ends too early: an estimate or a number is missing.",
    "red green": "Contrast 'red green': 'green' at character 5 follows without a sign such as + or /. A name with other "
    "characters than letters, digits and _ is written in backticks, as in `18-29`.",
    "(red": "Contrast '(red': '(' at character 1 is not closed.",
    "red)": "Contrast 'red)': ')' at character 4 is not allowed here.",
    "red ^ 2": "Contrast 'red ^ 2': '^' at character 5 is not allowed. Write ** for a power.",
    "red × 2": "Contrast 'red × 2': '×' at character 5 is not allowed. Write * to multiply.",
    "red // 2": "Contrast 'red // 2': '/' at character 6 is not allowed here.",
    "red == 2": "Contrast 'red == 2': '=' at character 5 is not allowed. A contrast is a value, not a comparison.",
    "`red": "Contrast '`red': '`' at character 1 is not allowed. A backtick is not closed.",
    "lg(red)": "Contrast 'lg(red)': 'lg' at character 1 is not a function of contrasts. Did you mean 'log'?",
    "__import__('os')": 'Contrast "__import__(\'os\')": "\'" at character 12 is not allowed. A name with other characters '
    "than letters, digits and _ is written in backticks, as in `18-29`.",
    "eval(red)": "Contrast 'eval(red)': 'eval' at character 1 is not a function of contrasts. There are: abs, acos, "
    "asin, atan, atanh, cos, exp, expit and 8 more.",
    "red.__class__": "Contrast 'red.__class__': '.' at character 4 is not allowed. A name with other characters than "
    "letters, digits and _ is written in backticks, as in `18-29`.",
    "log(red, 2)": "Contrast 'log(red, 2)': ',' at character 8 is not allowed. A function takes one value.",
    "log()": "Contrast 'log()': ')' at character 5 is not allowed here.",
    "lambda: red": "Contrast 'lambda: red': ':' at character 7 is not allowed. A name with other characters than letters, "
    "digits and _ is written in backticks, as in `18-29`.",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_expression_is_refused_with_its_place(text):
    with pytest.raises(ArgumentError) as caught:
        _votes().contrast(text)
    assert str(caught.value) == REFUSED[text]


def test_sizes_are_limited():
    votes = _votes()
    for text, word in {
        "red" + " " * 5_000: "The contrast has 5003 characters; 5000 are the most.",
        "+".join(["red"] * 600): "The contrast has 1199 words and signs; 1000 are the most.",
        "(" * 60 + "red" + ")" * 60: "nests more than 50 brackets, signs and powers.",
        "-" * 60 + "red": "nests more than 50 brackets, signs and powers.",
        "**".join(["red"] * 60): "nests more than 50 brackets, signs and powers.",
    }.items():
        with pytest.raises(ArgumentError) as caught:
            votes.contrast(text)
        assert word in str(caught.value)
    assert np.isfinite(votes.contrast("+".join(["red"] * 500)).theta).all()


def test_names_are_checked():
    votes = _votes()
    with pytest.raises(UnknownNameError) as caught:
        votes.contrast("red - gren")
    assert str(caught.value) == "Contrast 'red - gren': No estimate 'gren'. Did you mean 'green'?"
    with pytest.raises(UnknownNameError, match=r"^No estimate 'gren'\. Did you mean 'green'\?$"):
        votes.contrast({"red": 1, "gren": -1})
    shares = sk.proportion(sk.from_frame(pd.DataFrame({"q": ["18-29", "60+", "a"]})), "q")
    for text, name in (("a - 18-29", "18-29"), ("a - 60+`18-29`", "60+")):
        with pytest.raises(ArgumentError) as caught:
            shares.contrast(text)
        assert str(caught.value) == (
            f"Contrast {text!r}: {name!r} is the name of an estimate. Write `{name}` for the estimate, or put blanks around "
            "the signs (and .0 behind a number) for arithmetic."
        )


def test_a_name_that_two_estimates_have_is_refused():
    frame = pd.DataFrame({"g": ["a:b", "a", "a:b", "a"], "h": ["c", "b:c", "c", "b:c"], "x": [1.0, 2, 3, 4]})
    by = sk.mean(sk.from_frame(frame), "x", by=["g", "h"])
    with pytest.raises(ArgumentError) as caught:
        by.contrast("`a:b:c` / 2")
    assert str(caught.value) == (
        "Contrast '`a:b:c` / 2': 2 estimates are named 'a:b:c'. Give a row of 2 coefficients instead, or keep one of them."
    )
    assert by.contrast([1, -1]).theta[0] == by.theta[0] - by.theta[1]


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1, -1], "A contrast needs 3 coefficients, one for each estimate; got 2."),
        ([], "A contrast needs 3 coefficients, one for each estimate; got 0."),
        ({}, 'There is no contrast. Give one over the names of the estimates, as in contrast("A - B").'),
        ([1, np.nan, 0], "A coefficient of a contrast is missing or infinite. Give a number for each estimate."),
        ({"red": np.inf}, "A coefficient of a contrast is missing or infinite. Give a number for each estimate."),
        (
            {"red": 1, "x": "red"},
            "'red' has a coefficient while others have contrasts of their own. Give either {estimate: coefficient} or "
            "{name of a contrast: contrast}.",
        ),
        ({"x": {"red": "1"}}, "Contrast 'x' needs a number for each estimate; got '1'."),
        ({"x": {}}, "Contrast 'x' needs a number for each estimate; got {}."),
        ({"x": {"red": True}}, "Contrast 'x' needs a number for each estimate; got True."),
        (
            {"x": None},
            "A contrast is an expression, {estimate: coefficient} or rows of 3 numbers; got None.",
        ),
        (3, "A contrast is an expression, {estimate: coefficient} or rows of 3 numbers; got 3."),
        (["red", 1], "A contrast is an expression, {estimate: coefficient} or rows of 3 numbers; got ['red', 1]."),
        (
            {"x": [[1, 0, 0], [0, 1, 0]]},
            "Contrast 'x' holds 2 rows of coefficients. Give each a name of its own.",
        ),
    ],
)
def test_what_is_no_contrast_is_refused(weights, text):
    with pytest.raises(ArgumentError) as caught:
        _votes().contrast(weights)
    assert str(caught.value) == text


def test_methods_are_checked():
    votes = _votes(by="sex")
    for ask in (
        lambda m: votes.contrast("`male:red`", method=m),
        lambda m: votes.ratio(sex=("male", "female"), method=m),
    ):
        with pytest.raises(ArgumentError, match=r"method='dleta' is not available\. Did you mean 'delta'\?"):
            ask("dleta")
        with pytest.raises(UnsupportedOption) as caught:
            ask("replicates")
        assert str(caught.value) == (
            'method="replicates" needs replicate weights; these estimates are linearised. Leave it out, or estimate under '
            "poll.replicate(...)."
        )


def test_pairs_are_checked():
    votes = _votes(by="sex")
    with pytest.raises(ArgumentError, match=r"ratio\(\) takes one key, as in ratio\(region=\(a, b\)\); got 0\."):
        votes.ratio()
    with pytest.raises(UnknownNameError, match=r"No key 'sx'\. Did you mean 'sex'\?"):
        votes.ratio(sx=("male", "female"))
    with pytest.raises(UnknownNameError, match=r"No sex 'men' among the estimates\. There are: female, male\."):
        votes.ratio(sex=("men", "female"))
    with pytest.raises(ArgumentError, match=r"ratio\(sex=\.\.\.\) takes a pair of values, got 'male'\."):
        votes.ratio(sex="male")
    frame = pd.DataFrame({"x": [1.0, 2], "g": ["a", "b"], "h": ["u", "v"]})
    by = sk.mean(sk.from_frame(frame), "x", by=["g", "h"])
    with pytest.raises(ArgumentError) as caught:
        by.difference(g=("a", "b"))
    assert str(caught.value) == (
        "No estimates of g 'a' and 'b' agree in the other keys (variable, h, answer, statistic)."
    )
