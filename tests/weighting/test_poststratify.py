"""Post-stratification: numbers of R, forms of targets, and what must hold whatever the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, TargetError, TargetMismatchError, UnknownNameError
from survey_kit.weighting import rake
from survey_kit.weighting.poststratify import poststratify

# d <- data.frame(sex = c("m","m","f","f","m","f","m","f","f","m","f","m"),
#   age = c("y","o","y","o","o","o","y","y","o","o","y","y"),
#   h = rep(1:3, each = 4), cl = rep(1:6, each = 2), w = c(2,2,3,3,1,1,4,4,2,2,5,5), y = c(3,7,1,9,4,6,2,8,5,7,3,6))
# des <- svydesign(id = ~cl, strata = ~h, weights = ~w, data = d)
DF = pd.DataFrame(
    {
        "sex": list("mmffmfmffmfm"),
        "age": list("yoyoooyyooyy"),
        "h": np.repeat([1, 2, 3], 4),
        "cl": np.repeat(range(1, 7), 2),
        "w": [2, 2, 3, 3, 1, 1, 4, 4, 2, 2, 5, 5.0],
        "y": [3, 7, 1, 9, 4, 6, 2, 8, 5, 7, 3, 6.0],
    }
)
CELLS = {("m", "y"): 10, ("f", "y"): 11, ("m", "o"): 12, ("f", "o"): 7}
# weights(postStratify(des, ~sex + age, data.frame(sex = c("m","f","m","f"), age = c("y","y","o","o"), Freq = c(10,11,12,7))))
EXPECTED = [1.81818181818182, 4.8, 2.75, 3.5, 2.4, 1.16666666666667, 3.63636363636364, 3.66666666666667,
            2.33333333333333, 4.8, 4.58333333333333, 4.54545454545454]  # fmt: skip


def design(frame: pd.DataFrame = DF) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w", strata="h", psu="cl")


def test_numbers_of_r():
    weights = poststratify(DF, CELLS, by=["sex", "age"], base="w")
    np.testing.assert_allclose(weights.values, EXPECTED, rtol=1e-13)
    assert weights.method == "poststratify" and weights.solver == "closed form" and weights.converged
    poll = poststratify(design(), CELLS, by=["sex", "age"])
    mean, total = sk.mean(poll, "y"), sk.total(poll, "y")
    np.testing.assert_allclose(
        [*mean.theta, *mean.se, *total.se], [5.32, 0.38697773044478, 15.4791092177912], rtol=1e-10
    )


def test_chain_of_two():
    # q <- postStratify(postStratify(des, ~sex, sex 20 and 20), ~age, y 25 and o 15); svymean(~y, q)
    poll = poststratify(poststratify(design(), {"m": 20, "f": 20}, by="sex"), {"y": 25, "o": 15}, by="age")
    mean = sk.mean(poll, "y")
    np.testing.assert_allclose([*mean.theta, *mean.se], [5.09966914805625, 0.378252308830652], rtol=1e-10)
    first = poststratify(DF, {"m": 20, "f": 20}, by="sex", base="w")
    second = poststratify(DF, {"y": 25, "o": 15}, by="age", base=first)
    np.testing.assert_allclose(second.values, poll.weight, rtol=1e-13)
    assert [w.method for w in second.steps] == ["poststratify", "poststratify"] and len(second.adjustments) == 2


def test_replicates_are_poststratified_each():
    # rp <- postStratify(as.svrepdesign(des, type = "JKn", mse = TRUE), ~sex, sex 20 and 20); svymean(~y, rp); svytotal(~y, rp)
    poll = poststratify(design().replicate("JKn", mse=True), {"m": 20, "f": 20}, by="sex")
    mean, total = sk.mean(poll, "y"), sk.total(poll, "y")
    expected = [4.95833333333333, 0.257105103257163, 10.2842041302865]
    np.testing.assert_allclose([*mean.theta, *mean.se, *total.se], expected, rtol=1e-10)


def test_a_replicate_without_anybody_in_a_cell_is_refused():
    frame = DF.assign(age=["z", "z", *DF["age"][2:]])
    with pytest.raises(TargetError) as caught:
        poststratify(design(frame).replicate("JKn"), {"z": 5, "y": 15, "o": 20}, by="age")
    assert str(caught.value) == (
        "Post-stratification is not possible in 1 of 6 replicates (replicate 1): with their units left out nobody is left in "
        "'z'. Merge small cells: min_n=30."
    )


SHARES = {"m": 0.45, "f": 0.55}


@pytest.mark.parametrize(
    ("targets", "by"),
    [
        (SHARES, "sex"),
        (SHARES, ["sex"]),
        ({"m": 45, "f": 55}, "sex"),
        ({"sex": SHARES}, None),
        ({"sex": SHARES}, "sex"),
        (pd.Series(SHARES), "sex"),
        (pd.DataFrame({"variable": "sex", "category": ["f", "m"], "target": [0.55, 0.45], "source": "Census"}), None),
        (pd.DataFrame({"sex": ["m", "f"], "weight": [9, 11]}), "sex"),
        (pd.DataFrame({"sex": ["m"] * 9 + ["f"] * 11}), ["sex"]),
    ],
    ids=["one", "list", "percent", "dict", "dict and by", "series", "long", "weighted", "people"],
)
def test_forms_of_targets(targets, by):
    given_targets = dict(targets) if isinstance(targets, pd.Series) else targets
    weights = poststratify(DF, given_targets, by=by, base="w")
    expected = np.where(DF["sex"] == "m", 0.45 / 16, 0.55 / 18) * DF["w"] * 34
    np.testing.assert_allclose(weights.values, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "targets",
    [
        {"m:y": 10, "f:y": 11, "m:o": 12, "f:o": 7},
        {"sex:age": {"m:y": 10, "f:y": 11, "m:o": 12, "f:o": 7}},
        pd.DataFrame({"age": list("yyoo"), "sex": list("mfmf"), "Freq": [10, 11, 12, 7], "note": "x"}),
    ],
    ids=["text", "dict", "population"],
)
def test_forms_of_crossed_targets(targets):
    by = None if isinstance(targets, dict) and "sex:age" in targets else ["sex", "age"]
    np.testing.assert_allclose(poststratify(DF, targets, by=by, base="w").values, EXPECTED, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100_000), st.integers(20, 200), st.booleans())
def test_it_is_raking_with_one_crossed_margin(seed, n, weighted):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": random.integers(0, 2, n), "b": random.integers(0, 3, n), "w": random.exponential(1, n) + 0.1}
    )
    cells = sorted(set(zip(frame["a"], frame["b"], strict=True)))
    shares = random.dirichlet(np.full(len(cells), 5.0))
    targets = {cell: share for cell, share in zip(cells, shares, strict=True)}
    base = "w" if weighted else None
    weights = poststratify(frame, targets, by=["a", "b"], base=base)
    raked = rake(frame, {("a", "b"): targets}, base)
    np.testing.assert_allclose(weights.values, raked.values, rtol=1e-9)
    np.testing.assert_allclose(weights.targets["achieved_share"], weights.targets["target_share"], rtol=1e-12)
    np.testing.assert_allclose(weights.values.sum(), frame["w"].sum() if weighted else n)
    turned = frame.sample(frac=1, random_state=1)
    np.testing.assert_allclose(
        poststratify(turned, targets, by=["a", "b"], base=base).values.sort_index(), weights.values
    )
    scaled = {cell: 1000 * share for cell, share in targets.items()}
    counts = poststratify(frame, scaled, by=["a", "b"], base=base)
    np.testing.assert_allclose(counts.values / counts.values.sum(), weights.values / weights.values.sum())


def test_partial():
    targets = {"m": 40, "f": 50, "x": 10}
    with pytest.raises(TargetMismatchError, match="in the targets, not in the data: 'x'"):
        poststratify(DF, targets, by="sex")
    weights = poststratify(DF, targets, by="sex", partial=True)
    assert [n.text for n in weights.notices if n.kind == "partial"] == [
        "'sex': 1 categories of the targets have no rows and were left out ('x'); they are 10.0% of the population, for which "
        "these weights do not stand."
    ]
    np.testing.assert_allclose(weights.values.sum(), 0.9 * 12)  # percentages of 12 rows
    counts = poststratify(DF, {"m": 4000, "f": 5000, "x": 1000}, by="sex", partial=True)
    np.testing.assert_allclose(counts.values.groupby(DF["sex"]).sum(), [5000, 4000])


def test_rows_without_a_value():
    frame = DF.assign(sex=[None, *DF["sex"][1:]])
    with pytest.raises(TargetError, match="'sex': no value in 1 of 12 rows"):
        poststratify(frame, SHARES, by="sex")
    ignored = poststratify(frame, SHARES, by="sex", missing="ignore")
    np.testing.assert_allclose(ignored.values, rake(frame, {"sex": SHARES}, missing="ignore").values, rtol=1e-9)
    rest = ignored.values[1:].groupby(frame["sex"][1:]).sum()
    np.testing.assert_allclose(rest / rest.sum(), [0.55, 0.45])
    np.testing.assert_allclose(ignored.values.sum(), 12)
    own = poststratify(frame, SHARES, by="sex", missing="own")
    assert own.values.iloc[0] == pytest.approx(1.0)
    np.testing.assert_allclose(own.values, rake(frame, {"sex": SHARES}, missing="own").values, rtol=1e-9)
    imputed = poststratify(frame, SHARES, by="sex", missing="impute", seed=1)
    np.testing.assert_allclose(imputed.values.sum(), 12)


@pytest.mark.parametrize("missing", ["own", "ignore"])
def test_errors_where_rows_have_no_value_are_those_of_raking(missing):
    frame = DF.assign(sex=[None, *DF["sex"][1:]])
    for poll in (design(frame), design(frame).replicate("JKn")):
        one, other = poststratify(poll, SHARES, by="sex", missing=missing), rake(poll, {"sex": SHARES}, missing=missing)
        np.testing.assert_allclose(sk.mean(one, "y").se, sk.mean(other, "y").se, rtol=1e-8)


def test_categories_left_free():
    weights = poststratify(
        DF, {("m", "y"): 0.2, ("f", "y"): None, ("m", "o"): None, ("f", "o"): 0.3}, by=["sex", "age"]
    )
    sums = weights.values.groupby([DF["sex"], DF["age"]]).sum() / 12
    np.testing.assert_allclose([sums["m", "y"], sums["f", "o"]], [0.2, 0.3])
    # those without a target share what is left in their own proportion
    np.testing.assert_allclose(sums["f", "y"] / sums["m", "o"], 1.0)


def test_targets_with_errors():
    table = pd.DataFrame({"variable": "sex", "category": ["m", "f"], "target": [0.45, 0.55], "se": 0.02})
    sure, unsure = (poststratify(design(), t) for t in (table.drop(columns="se"), table))
    np.testing.assert_allclose(sure.weight, unsure.weight)
    means = sk.mean(sure, "y", by="sex").theta
    gap = means[0] - means[1]
    added = sk.mean(unsure, "y").se[0] ** 2 - sk.mean(sure, "y").se[0] ** 2
    np.testing.assert_allclose(added, (0.02 * gap) ** 2, rtol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"targets": SHARES},
            ArgumentError,
            "targets has categories, but not their variable. Give it: by='sex', or by=['sex', 'age4'].",
        ),
        ({"targets": SHARES, "by": "sexx"}, UnknownNameError, "No column 'sexx'. Did you mean 'sex'?"),
        ({"targets": SHARES, "by": []}, ArgumentError, "by=[] must name at least one column."),
        (
            {"targets": {"sex": SHARES}, "by": "age"},
            ArgumentError,
            "The targets are of 'sex', but by asks for 'age'. Make them agree.",
        ),
        (
            {"targets": {"sex": SHARES, "age": {"y": 0.5, "o": 0.5}}},
            ArgumentError,
            "Post-stratification takes one margin; the targets have 2: 'sex', 'age'. Cross them, or use rake().",
        ),
        (
            {"targets": pd.DataFrame({"sex": ["m", "f"], "n": [4, 5]})},
            ArgumentError,
            "targets is a population: say which of its columns make the cells, as in by=['sex', 'age4'].",
        ),
        ({"targets": SHARES, "by": "sex", "partial": "yes"}, ArgumentError, "partial='yes' must be True or False."),
    ],
)
def test_errors(arguments, error, text):
    before = DF.copy()
    with pytest.raises(error) as caught:
        poststratify(DF, **arguments)
    assert str(caught.value) == text
    pd.testing.assert_frame_equal(DF, before)


def test_data_are_not_changed():
    before, targets = DF.copy(), dict(CELLS)
    poststratify(DF, targets, by=["sex", "age"], base="w", min_n=2)
    pd.testing.assert_frame_equal(DF, before)
    assert targets == CELLS
