"""What estimators refuse, what they count, what every option does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable
from survey_kit.errors import (
    ArgumentError,
    DesignError,
    InvalidWeightError,
    LonelyPsuError,
    NoValidData,
    UndeclaredMissingError,
    UnknownNameError,
)

FRAME = pd.DataFrame(
    {
        "age": [20, 30, 40, 50, 60, 70],
        "vote": ["a", "b", "a", "b", "a", "a"],
        "region": ["n", "n", "n", "s", "s", "s"],
        "trust": [1, 2, 3, 98, 2, 1],
        "w": [1.0, 2, 1, 2, 1, 2],
    }
)


def _poll(**design) -> sk.Survey:
    return sk.from_frame(FRAME).with_design(**({"weight": "w"} | design))


def _trust(rule: MissingRule | None) -> sk.Survey:
    labels = {1: "Low", 2: "Middle", 3: "High", 98: "Don't know"}
    return _poll().with_column(FRAME["trust"], Variable("trust", "Trust", labels, missing=rule, measure="ordinal"))


def test_unknown_column_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^No column 'vot'\. Did you mean 'vote'\?$"):
        sk.proportion(_poll(), "vot")
    with pytest.raises(UnknownNameError, match="No column 'regoin'. Did you mean 'region'"):
        sk.mean(_poll(), "age", by="regoin")


def test_a_frame_without_a_design_is_refused():
    with pytest.raises(ArgumentError, match="sk.from_frame"):
        sk.mean(FRAME, "age")


def test_a_mean_of_text_points_to_proportion():
    with pytest.raises(ArgumentError, match="'vote' holds str values, not numbers. Use proportion"):
        sk.mean(_poll(), "vote")


def test_undeclared_dont_know_never_enters_a_mean():
    with pytest.raises(UndeclaredMissingError, match=r"98 \(Don't know\).*declare_missing\('trust', \[98\]\)"):
        sk.mean(_trust(None), "trust")
    assert sk.mean(_trust(None).declare_missing("trust", [98]), "trust").n[0] == 5


def test_options_change_the_answer_or_are_refused():
    poll = _poll()
    narrow, wide = sk.mean(poll, "age", level=0.8), sk.mean(poll, "age", level=0.99)
    assert narrow.confidence_interval()[0][0] > wide.confidence_interval()[0][0]
    logit, wilson = (sk.proportion(poll, "vote", interval=i).frame()["ci_low"] for i in ("logit", "wilson"))
    assert (logit != wilson).all()
    with pytest.raises(ArgumentError, match="interval='wlad' is not available. Did you mean 'wald'"):
        sk.proportion(poll, "vote", interval="wlad")
    with pytest.raises(ArgumentError, match="level=95 is not a confidence level"):
        sk.mean(poll, "age", level=95)
    with pytest.raises(ArgumentError, match="missing='show' is not available"):
        sk.mean(poll, "age", missing="show")
    with pytest.raises(ArgumentError, match="deff='kisch' is not available"):
        sk.mean(poll, "age", deff="kisch")


def test_missing_show_makes_nonresponse_an_answer():
    poll = _trust(MissingRule((98,)))
    excluded, shown = sk.proportion(poll, "trust"), sk.proportion(poll, "trust", missing="show")
    assert list(excluded.keys["answer"]) == ["Low", "Middle", "High"]
    assert list(shown.keys["answer"]) == ["Low", "Middle", "High", "Don't know"]
    assert excluded.n[0] == 5
    assert shown.n[0] == 6
    assert [n.kind for n in excluded.notices] == ["missing", "few_df"]
    assert "1 of 6 rows have no valid answer to trust" in str(excluded.notices[0])


def test_an_empty_domain_says_where_the_rows_went():
    with pytest.raises(NoValidData, match="No valid answer to age where age > 100: 6 rows, 0 in the domain"):
        sk.mean(_poll(), "age", where="age > 100")


def test_a_file_without_rows_loads_and_is_refused_by_estimators():
    with pytest.raises(NoValidData, match="No valid answer to age: 0 rows"):
        sk.mean(sk.from_frame(FRAME[["age"]].iloc[:0]), "age")


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.nan, "missing in 1 of 6 rows (row 2)"), (-1.0, "negative in 1 of 6"), (np.inf, "infinite in 1 of 6")],
)
def test_bad_weights_are_refused_when_the_design_is_stated(value, text):
    frame = FRAME.assign(w=[1, value, 1, 1, 1, 1])
    with pytest.raises(InvalidWeightError) as caught:
        sk.from_frame(frame).with_design(weight="w")
    assert text in str(caught.value)


def test_weights_that_are_all_zero_or_text_are_refused():
    with pytest.raises(InvalidWeightError, match="zero in all 6 rows"):
        sk.from_frame(FRAME.assign(w=0.0)).with_design(weight="w")
    with pytest.raises(InvalidWeightError, match="'vote' is not a number column"):
        _poll(weight="vote")


def test_design_columns_are_checked():
    with pytest.raises(UnknownNameError, match="No column 'regin'. Did you mean 'region'"):
        _poll(strata="regin")
    with pytest.raises(DesignError, match=r"'region' \(strata\) is missing in 1 of 6 rows \(row 3\)"):
        sk.from_frame(FRAME.assign(region=["n", "n", None, "s", "s", "s"])).with_design(strata="region")
    with pytest.raises(DesignError, match="says 2 units in the population at row 1, but 6 were sampled"):
        sk.from_frame(FRAME.assign(size=2)).with_design(weight="w", fpc="size")
    with pytest.raises(ArgumentError, match="lonely_psu='adust' is not available. Did you mean 'adjust'"):
        _poll(lonely_psu="adust")
    with pytest.raises(ArgumentError, match="fpc names 2 stages but psu names 0"):
        _poll(fpc=("age", "age"))


def test_a_lonely_psu_is_an_error_that_lists_the_rules():
    with pytest.raises(LonelyPsuError, match='2 of 2 strata at stage 1.*lonely_psu="remove"'):
        sk.from_frame(FRAME.assign(one=1)).with_design(weight="w", strata="region", psu="one")


def test_difference_and_contrast_name_what_is_wrong():
    by = sk.proportion(_poll(), "vote", by="region")
    assert list(by.difference(region=("n", "s")).keys["region"]) == ["n - s", "n - s"]
    with pytest.raises(UnknownNameError, match="No region 'x' among the estimates"):
        by.difference(region=("n", "x"))
    with pytest.raises(UnknownNameError, match="No key 'regoin'. Did you mean 'region'"):
        by.difference(regoin=("n", "s"))
    with pytest.raises(ArgumentError, match="takes a pair of values"):
        by.difference(region="n")
    with pytest.raises(UnknownNameError, match="No estimate 'z'"):
        by.contrast({"z": 1})
    with pytest.raises(ArgumentError, match="needs 4 coefficients"):
        by.contrast([1, -1])


def test_low_bases_are_flagged_and_nothing_is_changed_in_place():
    before = FRAME.copy()
    frame = sk.mean(_poll(), "age", by="region").frame()
    assert set(frame["flag"]) == {"n<30"}
    pd.testing.assert_frame_equal(FRAME, before)


def test_zero_weights_stay_in_the_design_and_outside_the_base():
    poll = sk.from_frame(FRAME.assign(w=[0.0, 2, 1, 2, 1, 2])).with_design(weight="w")
    estimate = sk.mean(poll, "age")
    assert estimate.n[0] == 5
    assert estimate.df == 4


def test_few_degrees_of_freedom_are_said():
    frame = pd.concat([FRAME] * 3, ignore_index=True)
    few = sk.mean(sk.from_frame(frame).with_design(weight="w", strata="region", psu="age"), "trust")
    assert few.df == 4
    assert str(few.notices[0]) == "The design leaves 4 degrees of freedom; with fewer than 8 intervals are unstable."
    assert not sk.mean(sk.from_frame(frame).with_design(weight="w", strata="region", psu="age"), "trust", df=3).notices
    assert sk.mean(sk.from_frame(frame).with_design(weight="w"), "trust").notices == ()


def test_extreme_weights_are_said_once():
    poll = sk.from_frame(FRAME.assign(w=[1.0, 1, 1, 1, 1, 1e5])).with_design(weight="w").with_design(weight="w")
    assert [n.kind for n in poll.notices] == ["extreme_weights"]
    assert "6 rows are worth 1.0" in str(poll.notices[0])
