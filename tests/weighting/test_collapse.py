"""Small cells merged with their neighbours: the rule, what is stated, and what rake gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import ArgumentError, TargetMismatchError, UnsupportedOption
from survey_kit.kernels.collapse_cells import Limits, collapse_cells
from survey_kit.weighting import rake
from survey_kit.weighting.poststratify import poststratify
from survey_kit.weighting.targets.collapse import collapse_targets

AGES = ["18-29", "30-44", "45-59", "60+"]


def line(rows, wanted=None, min_n=1.0, most=np.inf):
    rows = np.array(rows, dtype=float)
    place = np.arange(len(rows))[:, None]
    return collapse_cells(
        place, rows, rows, rows if wanted is None else np.array(wanted, dtype=float), Limits(min_n, most)
    )


@pytest.mark.parametrize(
    ("rows", "into"),
    [
        ([20, 30, 40], [0, 1, 2]),
        ([2, 20, 30], [0, 0, 1]),
        ([20, 2, 30], [0, 0, 1]),  # the neighbour with fewer rows
        ([30, 2, 20], [0, 1, 1]),
        ([20, 2, 20], [0, 0, 1]),  # the one before in a tie
        ([3, 4, 30, 1], [0, 0, 0, 0]),
        ([3, 8, 30, 1], [0, 0, 1, 1]),
        ([0, 5, 6, 30], [0, 0, 0, 1]),
        ([20, 0, 0, 20], [0, 0, 0, 1]),
    ],
)
def test_the_smallest_is_merged_with_its_smaller_neighbour(rows, into):
    assert line(rows, min_n=10).into.tolist() == into


def test_large_factors():
    merged = line([10, 10, 10], wanted=[50, 10, 10], most=3.0)
    assert merged.into.tolist() == [0, 0, 1] and merged.heavy.tolist() == [True, False, False]
    assert not merged.few.any()


def test_along_the_last_axis_first():
    place = np.array([[i, j] for i in range(2) for j in range(3)])
    merged = collapse_cells(place, np.array([5.0, 50, 60, 70, 80, 90]), np.ones(6), np.ones(6), Limits(10, np.inf))
    assert merged.into.tolist() == [0, 0, 1, 2, 3, 4]
    lone = collapse_cells(
        place[:, ::-1], np.array([5.0, 50, 60, 70, 80, 90]), np.ones(6), np.ones(6), Limits(10, np.inf)
    )
    assert lone.into.tolist() == [0, 1, 3, 0, 2, 4]


def test_then_along_the_axis_before():
    place = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    merged = collapse_cells(place, np.array([3.0, 4, 50, 60]), np.ones(4), np.ones(4), Limits(10, np.inf))
    assert merged.into.tolist() == [0, 0, 0, 1] and merged.settled


def test_sparse_cells_without_a_neighbour_take_the_next_one():
    place = np.array([[0, 0], [1, 1], [2, 2]])
    merged = collapse_cells(place, np.array([20.0, 3, 30]), np.ones(3), np.ones(3), Limits(10, np.inf))
    assert merged.into.tolist() == [0, 0, 1] and merged.settled


def test_a_rule_that_one_cell_cannot_meet():
    assert not line([1, 2, 3], min_n=10).settled


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5), st.integers(1, 20))
def test_groups_are_large_enough_and_no_order_matters(seed, a, b, min_n):
    random = np.random.default_rng(seed)
    place = np.array([[i, j] for i in range(a) for j in range(b)])
    rows = random.poisson(6, len(place)).astype(float)
    limits = Limits(min_n, np.inf)
    merged = collapse_cells(place, rows, rows, rows, limits)
    assert merged.settled == (rows.sum() >= min_n)
    if merged.settled:
        assert (np.bincount(merged.into, weights=rows) >= min_n).all()
    turned = random.permutation(len(place))
    again = collapse_cells(place[turned], rows[turned], rows[turned], rows[turned], limits)
    same = merged.into[turned][:, None] == merged.into[turned]
    np.testing.assert_array_equal(again.into[:, None] == again.into, same)


def people(counts: dict) -> pd.DataFrame:
    return pd.DataFrame([key for key, n in counts.items() for _ in range(n)], columns=["sex", "age"])


COUNTS = {("m", "18-29"): 3, ("m", "30-44"): 20, ("m", "45-59"): 30, ("m", "60+"): 25,
          ("f", "18-29"): 15, ("f", "30-44"): 22, ("f", "45-59"): 4, ("f", "60+"): 6}  # fmt: skip
TARGETS = {key: 1 / 8 for key in COUNTS}


def test_what_is_merged_is_stated():
    weights = poststratify(people(COUNTS), TARGETS, by=["sex", "age"], min_n=10)
    assert weights.collapsed.to_dict("records") == [
        {
            "variable": "sex:age",
            "category": "m:18-29",
            "into": "m:18-29 + m:30-44",
            "n": 3,
            "why": "fewer than 10 rows",
        },
        {
            "variable": "sex:age",
            "category": "m:30-44",
            "into": "m:18-29 + m:30-44",
            "n": 20,
            "why": "its neighbour was small",
        },
        {"variable": "sex:age", "category": "f:45-59", "into": "f:45-59 + f:60+", "n": 4, "why": "fewer than 10 rows"},
        {
            "variable": "sex:age",
            "category": "f:60+",
            "into": "f:45-59 + f:60+",
            "n": 6,
            "why": "its neighbour was small",
        },
    ]
    notice = next(n for n in weights.notices if n.kind == "collapsed")
    assert notice.text == (
        "'sex:age': 4 categories were merged into 2 ('m:18-29 + m:30-44', 'f:45-59 + f:60+'): fewer than 10 rows."
    )
    assert weights.max_gap < 1e-12 and len(weights.targets) == 6


def test_cells_of_the_population_without_rows_are_merged():
    counts = {k: n for k, n in COUNTS.items() if k != ("f", "45-59")}
    with pytest.raises(TargetMismatchError, match="in the targets, not in the data: 'f:45-59'"):
        poststratify(people(counts), TARGETS, by=["sex", "age"])
    weights = poststratify(people(counts), TARGETS, by=["sex", "age"], min_n=1)
    assert weights.collapsed["into"].tolist() == ["f:45-59 + f:60+"] * 2
    assert weights.collapsed["why"].tolist() == ["its neighbour was small", "no rows"]
    achieved = weights.targets.set_index("category")["achieved_share"]
    np.testing.assert_allclose(achieved["f:45-59 + f:60+"], 0.25)
    np.testing.assert_allclose(weights.values.sum(), len(people(counts)))


def test_rake_takes_collapsed_targets():
    frame = people(COUNTS)
    merged = collapse_targets(frame, {"sex": {"m": 0.5, "f": 0.5}, "age": dict.fromkeys(AGES, 0.25)}, min_n=30)
    assert list(merged.targets) == ["sex", "age_merged"]
    assert merged.targets["age_merged"] == {"18-29 + 30-44": 0.5, "45-59": 0.25, "60+": 0.25}
    assert "age_merged" not in frame
    assert rake(merged.data, merged.targets).converged
    assert [n.kind for n in merged.notices] == ["collapsed"]


def test_order_is_that_of_the_codebook_of_a_survey():
    book = Codebook({"age": Variable("age", labels={1: "young", 2: "middle", 3: "old"}, measure="ordinal")})
    poll = sk.from_frame(pd.DataFrame({"age": [3.0] * 9 + [1.0] * 2 + [2.0] * 20}), book)
    merged = collapse_targets(poll, {"age": {"old": 0.3, "young": 0.3, "middle": 0.4}}, min_n=5)
    assert merged.targets == {"age_merged": {"old": 0.3, "young + middle": 0.7}}
    raked = merged.data.rake(merged.targets)
    assert raked.weights.converged


def test_numbers_are_ordered_by_size():
    frame = pd.DataFrame({"size": [10] * 20 + [9] * 2 + [2] * 30})
    merged = collapse_targets(frame, {"size": {10: 0.4, 2: 0.4, 9: 0.2}}, min_n=5)
    assert merged.targets == {"size_merged": {"9 + 10": 0.6, "2": 0.4}}


def test_the_order_of_rows_does_not_matter():
    frame = people(COUNTS)
    turned = frame.sample(frac=1, random_state=3)
    a, b = (poststratify(f, TARGETS, by=["sex", "age"], min_n=18) for f in (frame, turned))
    pd.testing.assert_series_equal(a.values, b.values.sort_index())
    pd.testing.assert_frame_equal(a.collapsed, b.collapsed)


def test_errors_of_targets_are_merged_with_them():
    table = pd.DataFrame(
        {"variable": "age", "category": AGES, "target": 0.25, "se": 0.01, "source": ["a", "b", "b", "b"]}
    )
    frame = people(COUNTS)
    weights = poststratify(frame, table, min_n=30)
    assert weights.targets["source"].tolist() == ["a + b", "b", "b"]
    root = weights.adjustments[0].uncertain / len(frame)
    # the covariance of four shares of one sample, the first two summed
    rho = -(0.25 / 0.75)
    np.testing.assert_allclose((root @ root.T)[0, 0], 2 * 0.01**2 * (1 + rho), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "Say when a category is too small: min_n=30, or max_factor=3."),
        ({"min_n": 0}, "min_n=0 is not a number of rows of at least 1."),
        ({"max_factor": 1}, "max_factor=1 is not a factor above 1."),
        (
            {"min_n": 1000},
            "'age': even all 4 categories together have fewer than min_n=1000 rows (n=125). Ask for fewer.",
        ),
    ],
)
def test_rules_that_cannot_be(arguments, text):
    with pytest.raises(ArgumentError) as caught:
        collapse_targets(people(COUNTS), {"age": dict.fromkeys(AGES, 0.25)}, **arguments)
    assert str(caught.value) == text


@pytest.mark.parametrize("how", [{"partial": True}, {"min_n": 1}])
def test_a_population_that_nobody_is_from(how):
    with pytest.raises(TargetMismatchError, match=r"in the targets, not in the data: 'x' \(target 0.5, n=0\)"):
        poststratify(people(COUNTS), {"x": 0.5, "y": 0.5}, by="age", **how)


def test_own_categories_cannot_be_merged():
    frame = people(COUNTS)
    frame.loc[0, "age"] = None
    with pytest.raises(
        UnsupportedOption, match="categories cannot be merged where some are free, or rows without a value"
    ):
        poststratify(frame, dict.fromkeys(AGES, 0.25), by="age", min_n=30, missing="own")
