"""What quantile and median refuse, count and promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable
from survey_kit.errors import ArgumentError, NoValidData, UndeclaredMissingError, UnknownNameError, UnsupportedOption
from survey_kit.estimation.quantile import median, quantile

FRAME = pd.DataFrame(
    {
        "age": np.arange(120) % 61 + 18.0,
        "income": (np.arange(120) * 37 % 101) * 10.0 + 200,
        "vote": ["a", "b", "c"] * 40,
        "region": ["n"] * 50 + ["s"] * 66 + ["w"] * 4,
        "area": np.arange(120) // 5,
        "w": 20 + np.arange(120) % 4 * 15.0,
    }
)


def _poll(**design) -> sk.Survey:
    return sk.from_frame(FRAME).with_design(**({"weight": "w", "psu": "area"} | design))


def test_keys_and_their_order():
    found = quantile(_poll(), ["age", "income"], [0.75, 0.5], by="region")
    assert list(found.keys["variable"].unique()) == ["age", "income"]
    assert list(found.keys["statistic"][:4]) == ["quantile 0.75", "median", "quantile 0.75", "median"]
    assert list(found.keys["region"][:6]) == ["n", "n", "s", "s", "w", "w"]
    assert (found.keys["answer"] == "").all() and found.by == ("region",)
    assert list(found.n[:6]) == [50, 50, 66, 66, 4, 4]
    np.testing.assert_allclose(found.n_weighted[0], FRAME["w"][:50].sum())
    pair = found.difference(statistic=("quantile 0.75", "median"))
    assert len(pair) == 6 and (pair.theta >= 0).all()


def test_median_is_the_quantile_at_one_half():
    one, other = median(_poll(), "age", where="vote == 'a'"), quantile(_poll(), "age", [0.5], where="vote == 'a'")
    pd.testing.assert_frame_equal(one.frame(), other.frame())
    assert one.keys["statistic"][0] == "median"


def test_every_option_changes_the_answer():
    base = quantile(_poll(), "income", [0.3, 0.5], rule="hf7")
    for options in ({"level": 0.8}, {"df": 3}, *({"interval": i} for i in ("score", "beta", "xlogit", "asin"))):
        other = quantile(_poll(), "income", [0.3, 0.5], rule="hf7", **options)
        assert (other.theta == base.theta).all()
        assert any((a != b).any() for a, b in zip(other.limits, base.limits, strict=True)), options
    base = quantile(_poll(), "income", [0.3, 0.5])
    for rule in ("hf4", "hf5", "hf6", "hf7", "hf8", "hf9", "shahvaish"):
        other = quantile(_poll(), "income", [0.3, 0.5], rule=rule)
        assert not np.array_equal([other.theta, *other.limits], [base.theta, *base.limits]), rule
    assert quantile(_poll(), "income", [0.3], df=3).df == 3


def test_limits_are_those_of_the_level_asked_for():
    found = median(_poll(), "age", level=0.9)
    with pytest.raises(ArgumentError, match=r"made at level 0\.9; ask the estimator for level=0\.95"):
        found.confidence_interval(0.95)
    assert found.confidence_interval(0.9) is found.limits


@pytest.mark.parametrize(
    ("probs", "text"),
    [
        (25, r"^probs holds 25, which is not above 0 and below 1\. A percentage is a share of 100: 0\.25\.$"),
        ([0.5, 1], r"^probs holds 1, which is not above 0 and below 1\.$"),
        ([0], "probs holds 0, which"),
        ([0.5, np.nan], "probs holds nan"),
        ([], "probs is empty"),
        ([[0.1, 0.2]], "or a table"),
        ([0.5, 0.5], "probs names 0.5 twice"),
        ("half", "probs='half' is not a share"),
        (None, "probs holds nan|probs=None is not a share"),
    ],
)
def test_shares_that_are_none(probs, text):
    with pytest.raises(ArgumentError, match=text):
        quantile(_poll(), "age", probs)


def test_what_is_refused():
    poll = _poll()
    with pytest.raises(ArgumentError, match="rule='hf10' is not available. Did you mean 'hf1'"):
        median(poll, "age", rule="hf10")
    with pytest.raises(ArgumentError, match="interval='logit' is not available. Did you mean 'xlogit'"):
        median(poll, "age", interval="logit")
    with pytest.raises(ArgumentError, match="df=0 is no number of degrees of freedom"):
        median(poll, "age", df=0)
    with pytest.raises(ArgumentError, match="missing='show' is not available"):
        median(poll, "age", missing="show")
    with pytest.raises(ArgumentError, match="'vote' holds str values, not numbers"):
        median(poll, "vote")
    with pytest.raises(UnknownNameError, match="No column 'agee'. Did you mean 'age'"):
        median(poll, "agee")
    with pytest.raises(NoValidData, match="No valid answer to age where age > 200"):
        median(poll, "age", where="age > 200")
    with pytest.raises(ArgumentError, match=r"sk\.from_frame"):
        median(FRAME, "age")
    with pytest.raises(
        UnsupportedOption, match=r'under each replicate weight, and the design has none\. Use interval="mean"'
    ):
        median(poll, "age", interval="quantile")
    with pytest.raises(UnsupportedOption, match='"score" is not available with replicate weights'):
        median(poll.replicate("JK1"), "age", interval="score")


def test_undeclared_dont_know_never_enters_a_quantile():
    labels = {1: "Low", 2: "Middle", 3: "High", 98: "Don't know"}
    codes = pd.Series([1, 2, 3, 98] * 30)
    poll = _poll().with_column(codes.rename("trust"), Variable("trust", labels=labels, measure="ordinal"))
    with pytest.raises(UndeclaredMissingError, match="98"):
        median(poll, "trust")
    found = median(poll.declare_missing("trust", [98]), "trust")
    assert found.theta[0] == 2 and found.n[0] == 90
    assert [n.count for n in found.notices if n.kind == "missing"] == [30]


def test_a_limit_that_does_not_exist_is_no_number():
    found = quantile(_poll(), "income", [0.01, 0.5])
    assert np.isnan(found.limits[0][0]) and np.isnan(found.se[0]) and not np.isnan(found.se[1])
    (notice,) = [n for n in found.notices if n.kind == "no_limit"]
    assert notice.count == 1 and str(notice).startswith("1 of 2 quantiles have no standard error")
    v = found.vcov().to_numpy()
    assert np.isnan(v[0, 0]) and v[1, 1] == pytest.approx(found.se[1] ** 2)
    assert not any(n.kind == "no_limit" for n in median(_poll(), "income").notices)


def test_one_sampling_unit_has_no_interval():
    found = median(_poll(), "income", by="region")
    assert found.theta[2] > 0 and np.isnan(found.se[2]) and np.isnan(found.limits[0][2])
    assert not np.isnan(found.se[:2]).any()


def test_constants_and_single_rows():
    same = sk.from_frame(pd.DataFrame({"x": [4.0] * 30})).with_design()
    found = median(same, "x")
    assert [found.theta[0], found.limits[0][0], found.limits[1][0], found.se[0]] == [4, 4, 4, 0]
    one = median(_poll(), "income", where="age == 18 and income == 200")
    assert one.theta[0] == 200 and one.n[0] == 1 and np.isnan(one.se[0])


def test_zero_weights_count_for_nothing():
    frame = FRAME.assign(w=FRAME["w"].where(FRAME["age"] > 30, 0.0))
    poll = sk.from_frame(frame).with_design(weight="w", psu="area")
    some = median(poll, "age", where="age > 30")
    np.testing.assert_allclose([median(poll, "age").theta, median(poll, "age").se], [some.theta, some.se], rtol=1e-12)
    gone = sk.from_frame(FRAME.assign(w=FRAME["w"].where(FRAME["region"] != "w", 0.0))).with_design(
        weight="w", psu="area"
    )
    by = median(gone, "age", by="region")
    assert np.isnan(by.theta[2]) and np.isnan(by.se[2]) and not np.isnan(by.se[:2]).any()


def test_degrees_of_freedom_on_the_result_are_those_of_the_design():
    assert median(_poll(), "age", by="region").df == 23
    assert median(_poll(), "age", where="region == 'n'").df == 9
    assert median(_poll(), "age", by="region", df=5).df == 5


def test_jackknife_of_the_quantile_itself_warns():
    poll = _poll().replicate("JK1")
    found = median(poll, "income", interval="quantile")
    assert [str(n) for n in found.notices if n.kind == "jackknife"]
    assert not [n for n in median(poll, "income").notices if n.kind == "jackknife"]
    boot = _poll().replicate("bootstrap", replicates=40, seed=1)
    by = median(boot, ["income", "age"], by="vote", interval="quantile")
    assert not [n for n in by.notices if n.kind == "jackknife"]
    alone = median(boot, ["income", "age"], where="vote == 'b'", interval="quantile")
    rows = (by.keys["vote"] == "b").to_numpy()
    np.testing.assert_allclose(by.se[rows], alone.se, rtol=1e-12)
    gap = by.difference(vote=("a", "b"))
    v = by.vcov().to_numpy()
    np.testing.assert_allclose(gap.se[0] ** 2, v[0, 0] + v[1, 1] - 2 * v[0, 1], rtol=1e-9)


def test_a_survey_is_not_changed():
    before = FRAME.copy()
    poll = sk.from_frame(FRAME).with_column(FRAME["age"], Variable("age", measure="scale", missing=MissingRule()))
    quantile(poll.with_design(weight="w"), ["age", "income"], [0.2, 0.7], by="region", rule="shahvaish")
    pd.testing.assert_frame_equal(FRAME, before)


def test_beta_takes_the_degrees_of_freedom_of_the_design():
    poll = sk.from_frame(pd.DataFrame({"age": np.arange(40.0)}))
    for ask in (
        lambda: sk.median(poll, "age", interval="beta", df=3),
        lambda: sk.cdf(poll, "age", at=20, interval="beta", df=3),
    ):
        with pytest.raises(UnsupportedOption) as caught:
            ask()
        assert str(caught.value) == 'interval="beta" takes the degrees of freedom of the design. Leave df out.'
