"""What errors of targets say, and what they keep to themselves: nobody's answers, and nothing of rows without weight."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, ConvergenceError, TargetError, TargetMismatchError
from survey_kit.weighting import (
    adjust_nonresponse,
    anesrake,
    choose_margins,
    collapse_targets,
    poststratify,
    rake,
)

DF = pd.DataFrame({"sex": list("mmff") * 10, "age": np.arange(40) + 18.0, "phone": [f"555{i}" for i in range(40)]})
ELSEWHERE = r"Totals and means of numbers are for rake and calibrate; give \{category: share or count\} here"


@pytest.mark.parametrize("verb", [anesrake, choose_margins, poststratify, lambda d, t: collapse_targets(d, t, min_n=2)])
@pytest.mark.parametrize("wish", [{"mean": 41}, {"total": 41}, 41, 41.5])
def test_means_and_totals_are_for_other_verbs(verb, wish):
    with pytest.raises((TargetError, ArgumentError), match=ELSEWHERE) as error:
        verb(DF, {"age": wish})
    assert "n=1" not in str(error.value)


@pytest.mark.parametrize("column", ["age", "phone"])
def test_what_is_no_category_is_not_shown(column):
    with pytest.raises(
        TargetMismatchError, match=f"'{column}': it has 40 distinct values in 40 rows, so it is no category"
    ):
        rake(DF, {column: {"20": 0.5, "30": 0.5}})
    with pytest.raises(TargetMismatchError, match=f"'{column}': it has 40 distinct values"):
        rake(DF, {("sex", column): {("m", "20"): 0.5, ("f", "30"): 0.5}})


def test_few_rows_with_a_value_each():
    with pytest.raises(TargetMismatchError, match="it has 12 distinct values in 12 rows, so it is no category"):
        rake(DF[:12], {"phone": {"x": 1}})
    with pytest.raises(TargetMismatchError, match=r"in the data, not in the targets: '5550' \(n=1\)"):
        rake(DF[:8], {"phone": {"x": 1}})


def test_many_codes_that_targets_know_are_categories():
    regions = pd.DataFrame({"region": np.arange(170) % 85})
    with pytest.raises(TargetMismatchError, match=r"in the data, not in the targets: '84' \(n=2\)"):
        rake(regions, {"region": {i: 1 / 84 for i in range(84)}})
    book = sk.Codebook({"region": sk.Variable("region", labels={i: f"Region {i}" for i in range(85)})})
    with pytest.raises(TargetMismatchError, match=r"'Region 2' \(n=2\)"):
        rake(sk.from_frame(regions, book).with_design(weight=None), {"region": {0: 0.5, 1: 0.5}})


def test_signs_without_width_are_seen():
    with pytest.raises(TargetMismatchError, match=re.escape("look alike but differ: U+200B and nothing")):
        rake(DF, {"sex": {"m": 0.5, "f\u200b": 0.5}})


def test_shares_of_single_precision_need_no_notice():
    shares = np.array([0.1, 0.2, 0.7], dtype=np.float32)
    frame = pd.DataFrame({"a": list("xyz")})
    assert not rake(frame, {"a": dict(zip("xyz", shares, strict=True))}).notices
    assert rake(frame, {"a": {"x": 0.1, "y": 0.2, "z": 0.7001}}).notices


def test_categories_of_rows_without_weight_are_not_asked_for():
    frame = pd.DataFrame({"a": list("xxykk"), "b": list("pqpqz"), "ok": [1, 1, 1, 0, 0]})
    base = adjust_nonresponse(frame, "ok")
    for verb in (rake, poststratify, anesrake):
        weights = verb(frame, {"a": {"x": 0.6, "y": 0.4}}, base=base)
        np.testing.assert_allclose(weights.values, [1.5, 1.5, 2, 0, 0])
        assert weights.targets["unweighted_n"].tolist() == [2, 1]
    crossed = rake(frame, {"a:b": {"x:p": 0.5, "x:q": 0.3, "y:p": 0.2}}, base=base)
    np.testing.assert_allclose(crossed.values, [2.5, 1.5, 1, 0, 0])
    with pytest.raises(TargetError, match=r"not in the targets: 'x' \(n=2\)"):
        rake(frame, {"a": {"y": 1}}, base=base)
    with pytest.raises(TargetError, match=r"'k' has a target, but base weight 0 in all its rows \(n=2\)"):
        rake(frame, {"a": {"x": 0.5, "y": 0.3, "k": 0.2}}, base=base)
    gaps = frame.assign(a=[None, *"xykk"])
    with pytest.raises(TargetError, match="'a': no value in 1 of 3 rows"):
        rake(gaps, {"a": {"x": 0.6, "y": 0.4}}, base=base)


def test_everything_merged_into_one_cell():
    with pytest.raises(
        ArgumentError, match="with min_n=25 all 2 cells are merged into one, and nothing is left to adjust"
    ):
        poststratify(DF, {"m": 0.5, "f": 0.5}, by="sex", min_n=25)


def test_relative_margins_are_told_in_what_they_cover():
    frame = pd.DataFrame({"a": [*"xxyy", None, None], "b": list("ppqqpq")})
    with pytest.raises(ConvergenceError) as error:
        rake(
            frame.iloc[:5], {"a": {"x": 0.5, "y": 0.5}, "b": {"p": 0.9, "q": 0.1}}, missing="ignore", lower=0.5, upper=2
        )
    found = re.search(r"target ([\d.]+) \(([\d.]+)%\) and reached ([\d.]+) \(([\d.]+)%\)", str(error.value))
    target, share, reached, reached_share = map(float, found.groups())
    assert target / share == pytest.approx(reached / reached_share, rel=1e-4)


def test_imputed_answers_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "a": rng.choice(["x", "y", "z", None], 300),
            "b": rng.choice([1, 2, np.nan], 300),
            "w": rng.choice([1.0, 2.0], 300),
        }
    )
    targets = {"a": {"x": 0.2, "y": 0.3, "z": 0.5}, "b": {1: 0.4, 2: 0.6}}
    here = rake(frame, targets, "w", missing="impute", seed=4).values
    shuffled = frame.sample(frac=1, random_state=1)
    there = rake(shuffled, targets, "w", missing="impute", seed=4).values
    np.testing.assert_allclose(there.reindex(frame.index), here, rtol=1e-9)
    anew = rake(shuffled.reset_index(drop=True), targets, "w", missing="impute", seed=4).values
    np.testing.assert_allclose(np.sort(anew), np.sort(here), rtol=1e-9)


def test_many_cells_need_no_square_matrix():
    k = 80
    frame = pd.DataFrame({"a": np.arange(k * k) % k, "b": np.arange(k * k) // k})
    targets = {("a", "b"): {(i, j): 1 / k**2 for i in range(k) for j in range(k)}}
    tracemalloc.start()
    poststratify(frame, targets)
    choose_margins(frame, targets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # the square of 6400 cells is 330 MB
