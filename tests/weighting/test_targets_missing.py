"""Rows without a value in a weighting variable, and categories without a target: what each way promises, against R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, TargetError, TargetMismatchError, UnsupportedOption
from survey_kit.kernels.raking_rounds import RakingRounds
from survey_kit.weighting import rake
from survey_kit.weighting.rows.missing_answers import OWN, hot_deck

SEX = {"m": 0.45, "f": 0.55}
AGE = {"a": 0.5, "b": 0.3, "c": 0.2}

# d <- data.frame(sex=rep(c("m","f"),6), age=c("a","b","c",NA,"a","b",NA,"c","a","a","b","c"),
#                 w=c(1,2,1.5,1,3,2,1,1,2,1,2.5,1)); T <- sum(d$w); ans <- !is.na(d$age)
# des <- svydesign(ids=~1, weights=~w, data=d)
# ignore: calibrate(update(des, m=sex=="m", f=sex=="f", ha=ifelse(ans,(age %in% "a")-.5,0), hb=ifelse(ans,(age %in% "b")-.3,0)),
#                   ~m+f+ha+hb-1, c(.45*T,.55*T,0,0), calfun="raking", epsilon=1e-13)
IGNORE = [1.000897404248, 1.980422595264, 0.808826359849, 1.603188272506, 3.002692212744, 1.980422595264]
IGNORE += [0.682272695632, 1.267040723262, 2.001794808496, 2.351885090442, 1.053516519031, 1.267040723262]
# own: rake() with age2 = ifelse(ans, age, "none"), targets c(.5,.3,.2)*(1-r)*T and r*T, r = sum(w[!ans])/T
KEPT = [1.014074937917, 2.019990846665, 0.814170126179, 1.408638060352, 3.042224813751, 2.019990846665]
KEPT += [0.591361939648, 1.292914936910, 2.028149875834, 2.415550372498, 1.060018306670, 1.292914936910]
# free: rake() with the margins sex and (age == "a"), targets .5 and .5 of T, in 12 rows where NA is not "a"
FREE = [1.092971278735, 2.145093620689, 0.597651698277, 1.072546810344, 3.278913836205, 2.145093620689]
FREE += [0.398434465518, 1.072546810344, 2.185942557470, 2.942172327590, 0.996086163795, 1.072546810344]


@pytest.fixture
def dozen() -> pd.DataFrame:
    age = ["a", "b", "c", None, "a", "b", None, "c", "a", "a", "b", "c"]
    return pd.DataFrame({"sex": list("mf" * 6), "age": age, "w": [1, 2, 1.5, 1, 3, 2, 1, 1, 2, 1, 2.5, 1]})


@pytest.mark.parametrize(("missing", "expected"), [("ignore", IGNORE), ("own", KEPT)])
def test_weights_are_those_of_r(dozen, missing, expected):
    weights = rake(dozen, {"sex": SEX, "age": AGE}, base="w", missing=missing)
    np.testing.assert_allclose(weights.values, expected, rtol=1e-8)


def test_free_categories_have_what_the_others_leave(dozen):
    frame = dozen.assign(age=dozen["age"].fillna("n"))
    weights = rake(frame, {"sex": SEX, "age": {"a": 0.5, "b": None, "c": None, "n": None}}, base="w")
    np.testing.assert_allclose(weights.values, FREE, rtol=1e-8)
    assert weights.targets["category"].tolist() == ["m", "f", "a", "b or c or n"]
    assert weights.max_gap < 1e-10
    assert [str(n) for n in weights.notices] == ["'age': no target, left free: 'b', 'c', 'n'."]


def test_every_way_says_how_many_rows(dozen):
    said = {m: rake(dozen, {"sex": SEX, "age": AGE}, missing=m).notices for m in ("own", "ignore", "impute")}
    assert {m: [(n.kind, n.count) for n in notices] for m, notices in said.items()} == {
        "own": [("no_answer", 2)],
        "ignore": [("no_answer", 2)],
        "impute": [("imputed", 2)],
    }
    assert "'age': rows without a value, left alone by this margin: 2 (16.7% of the base weights)." in str(
        said["ignore"][0]
    )
    assert "a category of their own with 16.7% of the base weights: 2." in str(said["own"][0])
    assert "'age': answers imputed for weighting: 2 of 12 rows." in str(said["impute"][0])


def test_the_table_of_targets_has_the_own_category(dozen):
    table = rake(dozen, {"age": AGE}, base="w", missing="own").targets
    assert table["category"].tolist() == ["a", "b", "c", OWN]
    np.testing.assert_allclose(table["target_share"], [*(np.array([0.5, 0.3, 0.2]) * 17 / 19), 2 / 19])
    ignored = rake(dozen, {"age": AGE}, base="w", missing="ignore").targets
    np.testing.assert_allclose(ignored["achieved_share"], [0.5, 0.3, 0.2])
    assert ignored["unweighted_n"].sum() == 10


def test_missing_is_an_error_unless_said(dozen):
    with pytest.raises(TargetError, match=r'no value in 2 of 12 rows\. Say what they are with missing="own"'):
        rake(dozen, {"age": AGE})
    with pytest.raises(ArgumentError, match="missing='ignored' is not available"):
        rake(dozen, {"age": AGE}, missing="ignored")
    for seed in (-1, 1.5, True):
        with pytest.raises(ArgumentError, match="must be a whole number of at least 0"):
            rake(dozen, {"age": AGE}, missing="impute", seed=seed)


def test_a_variable_that_nobody_answered(dozen):
    nobody = dozen.assign(age=pd.Series([None] * 12, dtype=object))
    for missing in ("own", "ignore", "impute"):
        with pytest.raises(TargetMismatchError, match="in the targets, not in the data"):
            rake(nobody, {"sex": SEX, "age": AGE}, missing=missing)


def test_gaps_of_weight_zero_stay_there(dozen):
    base = dozen["w"].where(dozen["age"].notna(), 0.0)
    full = rake(dozen[dozen["age"].notna()], {"sex": SEX, "age": AGE}, base="w")
    for missing in ("own", "ignore"):
        weights = rake(dozen, {"sex": SEX, "age": AGE}, base=base, missing=missing)
        np.testing.assert_allclose(weights.values[base > 0], full.values, rtol=1e-9)
        assert (weights.values[base == 0] == 0).all()


# imputation


def test_imputed_answers_come_from_rows_that_agree():
    first = np.repeat([0, 0, 1, 1], 5)
    second = np.where(first == 0, 2, 3)
    second[[0, 10]] = -1
    filled = hot_deck([first, second], np.ones(20), seed=0)
    assert filled[1][0] == 2
    assert filled[1][10] == 3
    np.testing.assert_array_equal(filled[0], first)
    np.testing.assert_array_equal(second[[0, 10]], -1)


def test_where_nobody_agrees_the_last_variable_is_given_up():
    first, second, third = np.array([0, 0, 1]), np.array([5, 6, 7]), np.array([-1, 3, 4])
    assert hot_deck([first, second, third], np.ones(3), seed=0)[2].tolist() == [3, 3, 4]


def test_draws_follow_the_base_weights_and_the_seed():
    n = 40_000
    code = np.where(np.arange(n) % 2, -1, np.arange(n) % 4 // 2)
    base = np.where(code == 1, 3.0, 1.0)
    filled = hot_deck([code], base, seed=5)[0]
    assert filled[code < 0].mean() == pytest.approx(0.75, abs=0.01)
    np.testing.assert_array_equal(filled, hot_deck([code], base, seed=5)[0])
    assert (filled != hot_deck([code], base, seed=6)[0]).any()
    assert hot_deck([np.array([-1, 0, 1])], np.array([1.0, 0.0, 1.0]), seed=0)[0].tolist() == [1, 0, 1]


def test_imputing_leaves_the_data_and_meets_the_margins(dozen):
    before = dozen.copy()
    one, other = (rake(dozen, {"sex": SEX, "age": AGE}, base="w", missing="impute", seed=s) for s in (1, 1))
    pd.testing.assert_frame_equal(dozen, before)
    pd.testing.assert_series_equal(one.values, other.values)
    np.testing.assert_allclose(one.targets["achieved_share"], [0.45, 0.55, 0.5, 0.3, 0.2])


# free categories


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ({"sex": {"m": None, "f": 1.0}}, "leaves nothing for what has no target: 'm'"),
        ({"sex": {"m": None, "f": None}}, "no category has a target"),
        ({"sex": {"m": 40, "f": None}}, "can be percentages or counts. Write shares that sum to less than 1"),
        ({"sex": SEX, "age": {"a": 30, "b": None, "c": None}}, "sum to 30 of 1 (shares), which leaves nothing"),
        ({"sex": {"m": 45, "f": 55}, "age": {"a": 0.3, "b": None, "c": None}}, "'age' is in shares (sum 0.3)"),
        ({"sex": {"m": 450, "f": 550}, "age": {"a": 1000, "b": None, "c": None}}, "sum to 1000 of 1000 (counts)"),
    ],
)
def test_free_categories_that_make_no_sense(dozen, targets, text):
    with pytest.raises(TargetError) as caught:
        rake(dozen.fillna({"age": "c"}), targets)
    assert text in str(caught.value)


def test_a_table_says_free(dozen, tmp_path):
    frame = dozen.fillna({"age": "c"})
    expected = rake(frame, {"age": {"a": 0.5, "b": None, "c": None}}).values
    table = pd.DataFrame({"variable": "age", "category": list("abc"), "target": [0.5, "free", "Free "]})
    path = tmp_path / "targets.csv"
    table.to_csv(path, index=False)
    for targets in (table, path):
        pd.testing.assert_series_equal(rake(frame, targets).values, expected)
    for blank in (None, np.nan):
        with pytest.raises(TargetError, match=r'the word "free"\) leaves a category without a target'):
            rake(frame, table.assign(target=pd.Series([0.5, 0.5, blank], dtype=object)))


def test_counts_with_free_categories(dozen):
    frame = dozen.fillna({"age": "c"})
    known = rake(frame, {"sex": {"m": 450, "f": 550}, "age": {"a": 400, "b": None, "c": None}}, base="w")
    assert known.values.sum() == pytest.approx(1000)
    assert known.values[frame["age"] == "a"].sum() == pytest.approx(400)
    alone = rake(frame, {"age": {"a": 400, "b": None, "c": None}}, base="w")
    assert alone.values[frame["age"] == "a"].sum() == pytest.approx(400)
    np.testing.assert_allclose(alone.values[frame["age"] != "a"], frame["w"][frame["age"] != "a"])
    with pytest.raises(UnsupportedOption, match="upper=3: bounds are multiples of the mean weight"):
        rake(frame, {"age": {"a": 400, "b": None, "c": None}}, base="w", upper=3)
    with pytest.raises(TargetError, match="missing='own' needs the total of the weights"):
        rake(dozen, {"age": {"a": 400, "b": None, "c": None}}, base="w", missing="own")


# properties


@st.composite
def gappy(draw) -> tuple[pd.DataFrame, dict]:
    """A sample with gaps in which every combination occurs, and targets for two margins."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.tuples(st.integers(2, 4), st.integers(2, 3)))
    full = np.indices(sizes).reshape(2, -1).T
    rows = np.vstack([full, full, np.column_stack([random.integers(0, k, 40) for k in sizes])]).astype(float)
    rows[2 * len(full) :][random.random((40, 2)) < 0.2] = np.nan
    frame = pd.DataFrame(rows, columns=["p", "q"]).assign(w=random.gamma(3, 1, len(rows)) + 0.1)
    frame.loc[0, "p"] = np.nan
    return frame, {c: dict(enumerate(random.dirichlet(np.full(k, 5.0)))) for c, k in zip("pq", sizes, strict=True)}


@given(gappy())
@settings(max_examples=25, deadline=None)
def test_ignore_holds_among_the_answers_and_keeps_the_total(poll):
    frame, targets = poll
    weights = rake(frame, targets, base="w", missing="ignore").values
    assert weights.sum() == pytest.approx(frame["w"].sum())
    for variable, shares in targets.items():
        reached = weights.groupby(frame[variable]).sum() / weights[frame[variable].notna()].sum()
        np.testing.assert_allclose(reached, list(shares.values()), atol=1e-9)


@given(gappy())
@settings(max_examples=25, deadline=None)
def test_ignoring_one_variable_alone_leaves_the_others_their_base_weights(poll):
    frame, targets = poll
    gone = frame["p"].isna()
    weights = rake(frame, {"p": targets["p"]}, base="w", missing="ignore").values
    np.testing.assert_allclose((weights / frame["w"])[gone].std(), 0, atol=1e-9)


@given(gappy())
@settings(max_examples=25, deadline=None)
def test_own_keeps_its_share_and_the_rest_meets_the_targets(poll):
    frame, targets = poll
    weights = rake(frame, targets, base="w", missing="own").values
    assert weights.sum() == pytest.approx(frame["w"].sum())
    for variable, shares in targets.items():
        there = frame[variable].notna()
        assert weights[~there].sum() == pytest.approx(frame["w"][~there].sum())
        reached = weights.groupby(frame[variable]).sum() / weights[there].sum()
        np.testing.assert_allclose(reached, list(shares.values()), atol=1e-9)


@given(gappy(), st.sampled_from(["own", "ignore"]), st.integers(0, 1000), st.floats(10, 1e6))
@settings(max_examples=25, deadline=None)
def test_row_order_and_target_scale_change_nothing(poll, missing, seed, total):
    frame, targets = poll
    one = rake(frame, targets, base="w", missing=missing).values
    order = np.random.default_rng(seed).permutation(len(frame))
    other = rake(frame.iloc[order], targets, base="w", missing=missing).values
    np.testing.assert_allclose(other, one.iloc[order], rtol=1e-8)
    total = max(total, 300.0)
    counts = {v: {k: s * total for k, s in shares.items()} for v, shares in targets.items()}
    scaled = rake(frame, counts, base="w", missing=missing).values
    np.testing.assert_allclose(scaled / total, one / one.sum(), rtol=1e-8)


@given(gappy())
@settings(max_examples=15, deadline=None)
def test_without_gaps_every_way_is_the_same(poll):
    frame, targets = poll
    whole = frame.dropna()
    one, *others = (rake(whole, targets, base="w", missing=m).values for m in ("error", "own", "impute", "ignore"))
    for other in others:
        np.testing.assert_array_equal(other, one)


# surveys


def survey(replicates: bool = False) -> sk.Survey:
    """A sample of 80 with user-missing ages."""
    random = np.random.default_rng(3)
    codes = pd.DataFrame({"sex": random.integers(1, 3, 80), "age": random.integers(1, 4, 80)}).astype(float)
    codes.loc[random.random(80) < 0.2, "age"] = 9
    codes["y"] = codes["sex"] + random.normal(0, 1, 80)
    codes["w"] = random.gamma(3, 1, 80)
    age = Variable("age", labels={1: "a", 2: "b", 3: "c", 9: "No answer"}, missing=MissingRule((9,)))
    book = Codebook(
        {"sex": Variable("sex", labels={1: "m", 2: "f"}), "age": age, "y": Variable("y"), "w": Variable("w")}
    )
    poll = sk.from_frame(codes, book).with_design(weight="w")
    return poll.replicate("JK1", mse=True) if replicates else poll


@pytest.mark.parametrize("missing", ["own", "ignore", "impute"])
def test_a_survey_takes_labels_and_codes(missing):
    poll = survey()
    one = rake(poll, {"sex": SEX, "age": AGE}, missing=missing)
    other = rake(poll, {"sex": {1: 0.45, 2: 0.55}, "age": {1: 0.5, 2: 0.3, 3: 0.2}}, missing=missing)
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-12)


@pytest.mark.parametrize("missing", ["own", "ignore"])
def test_standard_errors_of_both_kinds_are_alike(missing):
    """The jackknife repeats the raking, shares of the base weights included; linearisation must come near."""
    targets = {"sex": SEX, "age": AGE}
    linear, repeated = (rake(survey(r), targets, missing=missing) for r in (False, True))
    np.testing.assert_allclose(linear.weight, repeated.weight, rtol=1e-9)
    for estimate in (lambda p: sk.mean(p, "y"), lambda p: sk.proportion(p, "age", missing="show")):
        one, other = (np.sqrt(estimate(p).carrier.variance()) for p in (linear, repeated))
        np.testing.assert_allclose(one, other, rtol=0.12, atol=1e-9)
    law = linear.design.adjustments[-1].law
    assert isinstance(law, RakingRounds) and (law.shares or law.own)


def test_own_categories_that_a_replicate_does_not_have(dozen):
    """All gaps in one row: the replicate without it has nothing of its own category."""
    frame = dozen.assign(age=dozen["age"].where(dozen.index != 6, "c"))
    poll = sk.from_frame(frame).with_design(weight="w").replicate("JK1")
    again = rake(poll, {"age": AGE}, missing="own").weights.replicates
    np.testing.assert_allclose(again.sum(axis=0), frame["w"].sum(), rtol=1e-9)
    assert again[3, 3] == 0
    np.testing.assert_allclose(again[:, 3][(frame["age"] == "a").to_numpy()].sum() / again[:, 3].sum(), 0.5)
