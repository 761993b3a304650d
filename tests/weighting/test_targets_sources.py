"""Where targets come from: populations, census frames, other surveys; their conflicts, and their errors in the variance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.reference import SHARED, assert_close, entries, needs_shared

import survey_kit as sk
from survey_kit.errors import ArgumentError, NoValidData, TargetError, UnknownNameError, UnsupportedOption
from survey_kit.weighting import TargetTable, calibrate, poststratify, rake, targets_from
from survey_kit.weighting.targets.uncertain import multinomial

MARGINS = ["sex", "recage", "receduc"]


@pytest.fixture
def sample() -> pd.DataFrame:
    random = np.random.default_rng(11)
    frame = pd.DataFrame({"sex": random.choice(["m", "f"], 200), "age": random.choice(list("abc"), 200)})
    y = (frame["sex"] == "m") + 2.0 * (frame["age"] == "a") + random.normal(0, 1, 200)
    return frame.assign(y=y, w=random.gamma(4, 1, 200))


@pytest.fixture
def census() -> pd.DataFrame:
    return pd.DataFrame(
        {"sex": list("mmmfff"), "age": list("abcabc"), "people": [20, 30, 10, 10, 20, 10], "area": list("xyzxyz")}
    )


def poll_of(frame: pd.DataFrame) -> sk.Survey:
    return sk.from_frame(frame).with_design(weight="w")


# the Pew poll of December 2013 raked to the American Community Survey


def _pew() -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = SHARED / "data" / "microdata"
    return pd.read_csv(folder / "pew_dec13_excerpt.csv"), pd.read_csv(folder / "pew_acs_2017_excerpt.csv")


@needs_shared
@pytest.mark.parametrize(
    ("family", "entry", "tolerance"), [("rake", "rake_dec13_acs", 1e-8), ("pew", "pew_rake", 1e-5)]
)
def test_the_pew_poll_has_the_weights_of_r(family, entry, tolerance):
    poll, acs = _pew()
    complete = poll[(poll["recage"] != "DK/Ref") & (poll["receduc"] != "DK/Ref")]
    expected = next(e for e in entries(family) if e["id"] == entry)["result"]["weights"]
    for targets in (targets_from(acs, MARGINS, weight="weight"), acs):
        values = rake(complete, targets, base="weight").values.to_numpy()
        assert_close(values * 1958 / values.sum(), expected, tolerance, entry)


@needs_shared
def test_a_crossed_margin_of_the_population():
    poll, acs = _pew()
    complete = poll[(poll["recage"] != "DK/Ref") & (poll["receduc"] != "DK/Ref")]
    targets = targets_from(acs, [("sex", "recage"), "receduc"], weight="weight")
    expected = next(e for e in entries("rake") if e["id"] == "rake_interaction_margin")["result"]["weights"]
    values = rake(complete, targets, base="weight").values.to_numpy()
    assert_close(values * 1958 / values.sum(), expected, 1e-8)


@needs_shared
@pytest.mark.parametrize("missing", ["own", "impute", "ignore"])
def test_the_whole_pew_poll_keeps_its_rows(missing):
    poll, acs = _pew()
    weights = rake(poll.replace("DK/Ref", np.nan), acs, base="weight", missing=missing)
    assert len(weights.values) == 2001
    assert weights.values.sum() == pytest.approx(poll["weight"].sum())
    assert weights.max_gap < 1e-10


# tables from frames and surveys


def test_a_census_frame_as_targets(sample, census):
    table = targets_from(census, ["sex", ("sex", "age")], weight="people", source="Census", date="2021").table
    assert table.columns.tolist() == ["variable", "category", "target", "reference_n", "source", "date"]
    assert table["variable"].tolist() == ["sex"] * 2 + ["sex:age"] * 6
    assert table["target"].tolist()[:3] == pytest.approx([0.4, 0.6, 0.1])
    weights = rake(sample, targets_from(census, ["sex", "age"], weight="people", source="Census"))
    assert weights.targets["source"].eq("Census").all()
    counted = rake(sample, targets_from(census, ["sex", "age"], weight="people", counts=True))
    assert counted.values.sum() == pytest.approx(100)


def test_labels_with_colons_stay_apart():
    frame = pd.DataFrame({"a:b": ["x:1", "x:2"] * 4, "c": ["p", "q", "q", "p"] * 2})
    targets = targets_from(frame, [("a:b", "c")])
    assert targets.table["category"].tolist()[0] == ("x:1", "p")
    assert rake(frame, targets).values.tolist() == pytest.approx([1.0] * 8)


def test_a_survey_gives_labels(sample):
    book = sk.Codebook({"sex": sk.Variable("sex", labels={1: "m", 2: "f", 9: "refused"}, missing=sk.MissingRule((9,)))})
    codes = pd.DataFrame({"sex": [1.0, 1, 2, 2, 2, 9], "w": [2.0, 1, 1, 1, 1, 5]})
    other = sk.from_frame(codes, book.with_variable(sk.Variable("w"))).with_design(weight="w")
    targets = targets_from(other, ["sex"])
    assert targets.table["category"].tolist() == ["m", "f"]
    assert targets.table["target"].tolist() == [0.5, 0.5]
    assert [str(n) for n in targets.notices] == ["'sex': rows of the reference without a value, left out: 1."]
    assert targets.notices[0] in rake(sample, targets).notices
    adults = targets_from(other.where("w > 1"), ["sex"])
    assert adults.table["category"].tolist() == ["m"]


def test_a_population_in_place_of_targets(sample, census):
    counts = census.rename(columns={"people": "n"}).assign(n=census["people"] * 4)
    weights = rake(sample, counts)
    assert weights.values.sum() == pytest.approx(400)
    assert str(weights.notices[0]) == (
        "Targets of 'sex', 'age' are from a population of 6 rows with numbers in 'n'. Not in the data, unused: 'area'."
    )
    shares = rake(sample, census.rename(columns={"people": "weight"}))
    np.testing.assert_allclose(shares.values * 2, weights.values, rtol=1e-9)
    people = census.loc[census.index.repeat(census["people"])][["sex", "age"]]
    again = rake(sample, people)
    np.testing.assert_allclose(again.values, shares.values, rtol=1e-9)
    assert "a population of 100 rows, each counting 1" in str(again.notices[0])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda c: targets_from(c, "sex"), ArgumentError, "margins='sex' is no list"),
        (lambda c: targets_from(c, ["sxe"]), UnknownNameError, "No column 'sxe'. Did you mean 'sex'?"),
        (lambda c: targets_from(c, ["sex"], weight="n"), UnknownNameError, "No column 'n'"),
        (lambda c: targets_from(c, ["sex"], errors=True), UnsupportedOption, "errors=True needs a survey"),
        (
            lambda c: targets_from(c.assign(sex=None), ["sex"], "people"),
            NoValidData,
            "no row of the reference has a value",
        ),
        (lambda c: targets_from([1], ["sex"]), ArgumentError, "data is a list"),
        (lambda c: TargetTable(c), TargetError, "has no column 'variable'"),
        (lambda c: TargetTable(targets_from(c, ["sex"], "people").table, np.eye(3)), TargetError, r"give (2, 2)"),
        (
            lambda c: TargetTable(targets_from(c, ["sex"], "people").table, np.array([[1.0, 2.0], [2.0, 1.0]])),
            TargetError,
            "negative eigenvalue",
        ),
        (
            lambda c: TargetTable(targets_from(c, ["sex"], "people").table, np.array([[1.0, 2.0], [0.0, 1.0]])),
            TargetError,
            "not a symmetric matrix",
        ),
    ],
)
def test_references_that_cannot_be_used(census, call, error, text):
    with pytest.raises(error) as caught:
        call(census)
    assert text in str(caught.value)


# conflicts


def crossed(m: float) -> dict:
    return {(s, a): (m if s == "m" else 1 - m) / 3 for s in "mf" for a in "abc"}


def test_margins_that_say_different_things_of_a_variable(sample):
    with pytest.raises(TargetError) as caught:
        rake(sample, {("sex", "age"): crossed(0.52), "sex": {"m": 0.48, "f": 0.52}})
    assert str(caught.value) == (
        "'sex' and 'sex:age' disagree on 'sex': 'm' has 0.48 in the one and 0.52 in the other, 0.04 apart. "
        "Correct one of them."
    )
    counts = {("sex", "age"): {k: 1000 * v for k, v in crossed(0.499).items()}, "sex": {"m": 500, "f": 500}}
    with pytest.raises(TargetError, match="'m' has 500 in the one and 499 in the other, 1 apart"):
        rake(sample, counts)


def test_rounding_between_margins_is_evened_out_and_said(sample):
    weights = rake(sample, {"sex:age": crossed(0.498), "sex": {"m": 0.5, "f": 0.5}})
    assert [str(n) for n in weights.notices] == [
        "'sex:age' was scaled to agree with 'sex': shares differed by up to 0.002."
    ]
    assert weights.max_gap < 1e-10


def test_a_margin_agrees_with_several_others(sample):
    age = {"a": 0.334, "b": 0.333, "c": 0.333}
    weights = rake(
        sample,
        {"sex": {"m": 0.5, "f": 0.5}, "age": age, ("age", "sex"): {k[::-1]: v for k, v in crossed(0.498).items()}},
    )
    assert weights.max_gap < 1e-10
    np.testing.assert_allclose(weights.targets["achieved_share"][2:5], list(age.values()), rtol=1e-9)


# targets with error


def with_errors(table: dict[str, tuple[dict, dict]]) -> pd.DataFrame:
    rows = [(v, c, t, errors[c]) for v, (shares, errors) in table.items() for c, t in shares.items()]
    return pd.DataFrame(rows, columns=["variable", "category", "target", "se"])


def test_the_error_of_one_margin_is_added_exactly(sample):
    """A post-stratified mean sum_k p_k ybar_k with p estimated: V grows by ybar' V_p ybar."""
    p, se = np.array([0.3, 0.3, 0.4]), np.array([0.02, 0.015, 0.022])
    table = with_errors({"age": (dict(zip("abc", p, strict=True)), dict(zip("abc", se, strict=True)))})
    known, estimated = (rake(poll_of(sample), t) for t in (table.drop(columns="se"), table))
    project = np.eye(3) - p[:, None]  # shares sum to 1 whatever their errors
    v = project @ multinomial(se, p) @ project.T
    means = [np.average(sample["y"][sample["age"] == a], weights=sample["w"][sample["age"] == a]) for a in "abc"]
    unweighted = [sample["y"][sample["age"] == a].mean() for a in "abc"]  # the regression of rake in R
    grown = sk.mean(estimated, "y").carrier.variance()[0] - sk.mean(known, "y").carrier.variance()[0]
    assert grown == pytest.approx(np.array(unweighted) @ v @ unweighted, rel=1e-8)
    assert grown == pytest.approx(np.array(means) @ v @ means, rel=0.1)
    assert estimated.weights.notices[0].kind == "uncertain_targets"


def test_shares_have_the_errors_that_were_stated(sample):
    table = with_errors(
        {
            "sex": ({"m": 0.5, "f": 0.5}, {"m": 0.02, "f": 0.02}),
            "age": (dict.fromkeys("abc", 1 / 3), dict.fromkeys("abc", 0.01)),
        }
    )
    for poll in (poll_of(sample), poll_of(sample).replicate("JK1", mse=True)):
        done = rake(poll, table)
        np.testing.assert_allclose(np.sqrt(sk.proportion(done, "sex").carrier.variance()), 0.02, rtol=1e-6)
        np.testing.assert_allclose(np.sqrt(sk.proportion(done, "age").carrier.variance()), 0.01, rtol=1e-6)


def test_a_survey_hands_its_covariance_on(sample):
    other = poll_of(sample.assign(w=1.0))
    targets = targets_from(other, ["sex", "age", ("sex", "age")], errors=True)
    shares = sk.proportion(other, "age")
    expected = shares.carrier.vcov()
    order = [shares.frame()["answer"].tolist().index(c) for c in targets.table["category"][2:5]]
    np.testing.assert_allclose(targets.covariance[2:5, 2:5], expected[np.ix_(order, order)], rtol=1e-9)
    for poll in (poll_of(sample), poll_of(sample).replicate("JK1", mse=True)):
        done = rake(poll, targets)
        found = sk.proportion(done, "age").carrier.vcov()
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert done.weights.notices[0].count == 5  # the rank: six combinations


def test_counts_with_covariance_have_an_uncertain_total(sample):
    other = poll_of(sample)
    targets = targets_from(other, ["sex", "age"], counts=True, errors=True)
    ones = poll_of(sample.assign(one=1.0))
    total = sk.total(rake(ones, targets), "one").carrier.variance()[0]
    assert total == pytest.approx(sk.total(ones, "one").carrier.variance()[0], rel=1e-6)
    odd = TargetTable(targets.table, np.diag(np.arange(1.0, 6.0)))
    with pytest.raises(TargetError, match="lets the totals of margins differ"):
        rake(sample, odd)


@pytest.mark.parametrize("verb", [rake, poststratify, calibrate])
@pytest.mark.parametrize("units", [2, 200])
def test_errors_of_targets_stand_beside_those_of_sampling_in_replicates(sample, verb, units):
    table = with_errors({"age": (dict.fromkeys("abc", 1 / 3), dict.fromkeys("abc", 0.01))})
    poll = poll_of(sample.assign(psu=np.arange(200) % units)).with_design(weight="w", psu="psu").replicate("JK1")
    unsure, sure = verb(poll, table), verb(poll, table.drop(columns="se"))
    shares = sk.proportion(unsure, "age")
    np.testing.assert_allclose(shares.se, 0.01, rtol=1e-6)
    made = unsure.design.replicates
    assert made.matrix.shape[1] == sure.design.replicates.matrix.shape[1] + 4
    assert sk.mean(unsure, "y").df == sk.mean(sure, "y").df
    added = sk.mean(unsure, "y").se[0] ** 2 - sk.mean(sure, "y").se[0] ** 2
    up = [np.sum(unsure.bound.replicates.weights[:, -4 + j] * sample["y"]) / unsure.weight.sum() for j in range(4)]
    expected = 0.5 * sum((u - sk.mean(unsure, "y").theta[0]) ** 2 for u in up)
    assert added == pytest.approx(expected, rel=0.02)
    again = verb(unsure, table.drop(columns="se"))  # a later step knows of nothing new
    assert again.design.replicates.matrix.shape == made.matrix.shape


def test_errors_that_disagree_on_a_variable(sample):
    table = with_errors({"sex": ({"m": 0.5, "f": 0.5}, {"m": 0.02, "f": 0.02})})
    crossing = pd.DataFrame([("sex:age", f"{s}:{a}", 1 / 6) for s in "mf" for a in "abc"], columns=table.columns[:3])
    for se in (0.01, None):
        with pytest.raises(TargetError, match="'sex' and 'sex:age': their errors do not agree on 'sex'"):
            rake(sample, pd.concat([table, crossing.assign(se=se)]))


@pytest.mark.parametrize("bad", [-0.1, np.inf, "x", None])
def test_standard_errors_that_cannot_be_used(sample, bad):
    table = with_errors({"sex": ({"m": 0.5, "f": 0.5}, {"m": 0.02, "f": 0.02})})
    table["se"] = pd.Series([0.02, bad], dtype=object)
    with pytest.raises(TargetError, match="'sex': the standard error of 'f' is"):
        rake(sample, table)


def test_standard_errors_in_a_csv(sample, tmp_path):
    table = with_errors({"sex": ({"m": 0.5, "f": 0.5}, {"m": 0.02, "f": 0.02})})
    ages = pd.DataFrame({"variable": "age", "category": list("abc"), "target": [0.3, 0.3, 0.4]})
    path = tmp_path / "targets.csv"
    pd.concat([table, ages]).to_csv(path, index=False)
    semicolons = tmp_path / "commas.csv"
    pd.concat([table, ages]).to_csv(semicolons, index=False, sep=";", decimal=",")
    for source in (path, semicolons):
        done = rake(poll_of(sample), source)
        np.testing.assert_allclose(np.sqrt(sk.proportion(done, "sex").carrier.variance()), 0.02, rtol=1e-6)
        np.testing.assert_allclose(sk.proportion(done, "age").carrier.variance(), 0, atol=1e-15)


def test_targets_of_an_estimate_carry_its_error_through_by_simulation():
    """Both samples drawn again and again: the standard error must be the spread of the estimates."""
    random = np.random.default_rng(5)
    age = random.integers(0, 3, 20_000)
    y = 2.0 * age + random.normal(0, 1, 20_000)
    found, errors = [], []
    for _ in range(200):
        rows, others = random.integers(0, 20_000, 250), random.integers(0, 20_000, 200)
        poll = poll_of(pd.DataFrame({"age": age[rows], "y": y[rows], "w": 1.0}))
        other = poll_of(pd.DataFrame({"age": age[others], "w": 1.0}))
        mean = sk.mean(rake(poll, targets_from(other, ["age"], errors=True)), "y")
        found.append(mean.theta[0])
        errors.append(mean.carrier.variance()[0])
    # spread of 200 draws is known to 5 %; without the targets' error it would be half as large
    assert np.sqrt(np.mean(errors)) == pytest.approx(np.std(found), rel=0.15)


@given(st.lists(st.floats(0.05, 1.0), min_size=2, max_size=6), st.floats(50, 5000))
@settings(max_examples=40, deadline=None)
def test_the_covariance_of_a_multinomial_is_that_of_a_sample(sizes, n):
    p = np.array(sizes) / sum(sizes)
    expected = (np.diag(p) - np.outer(p, p)) / n
    np.testing.assert_allclose(multinomial(np.sqrt(p * (1 - p) / n), p), expected, atol=1e-15)
    odd = multinomial(np.linspace(0.01, 0.05, len(p)), p)
    assert np.linalg.eigvalsh(odd)[0] > -1e-15
