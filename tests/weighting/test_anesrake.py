"""The verb anesrake and its kernel, without the shared reference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import ArgumentError, ConvergenceError, TargetMismatchError, UnsupportedOption
from survey_kit.kernels.clip_rake import clip_in_rounds, clip_only, clip_to_level
from survey_kit.weighting.anesrake import anesrake
from survey_kit.weighting.rake import rake

I = np.arange(1, 151)  # noqa: E741
FRAME = pd.DataFrame(
    {
        "sex": np.array(["m", "f"])[(I * 7 + I // 11) % 5 // 3],
        "age": np.array(["a", "b", "c"])[(I * I + I // 9) % 7 // 3],
        "edu": np.array(["low", "mid", "high"])[(I * 11 + I // 5) % 8 // 3],
        "b": 1 + (I % 4) / 2,
        "y": (I * 13) % 17,
        "area": (I - 1) // 10,
    }
)
TARGETS = {
    "sex": {"m": 0.49, "f": 0.51},
    "age": {"a": 0.3, "b": 0.3, "c": 0.4},
    "edu": {"low": 0.5, "mid": 0.25, "high": 0.25},
}


def unfinished(**arguments):
    with pytest.raises(ConvergenceError) as error:
        anesrake(FRAME, TARGETS, **arguments)
    return error.value.unfinished, str(error.value)


# R anesrake 0.80: anesrake(inputter, frame, caseid, type = ...): varsused, iterations, sum of squares, weights 1 to 3
R = [
    # type = "nolim"
    ({"limit": None}, "sex age edu", 22, 311.046318634, [0.287095283146, 1.202122676558, 0.751635902815]),
    # type = "pctlim", pctlim = .2
    ({"limit": 0.2}, "sex age edu", 22, 311.046318634, [0.287095283146, 1.202122676558, 0.751635902815]),
    # type = "nmax", nlim = 2, pctlim = .1
    (
        {"limit": 0.1, "at_most": 2, "keep": "smallest"},
        *("sex edu", 11, 173.084695173, [0.493147684336, 1.663277445987, 1.009969468799]),
    ),
    # type = "nmin", nlim = 2, pctlim = .3
    (
        {"limit": 0.3, "at_least": 2, "keep": "smallest"},
        *("age edu", 24, 309.180699987, [0.354427385243, 0.955181865226, 0.863762396638]),
    ),
]


@pytest.mark.parametrize(("arguments", "used", "iterations", "squares", "weights"), R)
def test_the_path_of_r(arguments, used, iterations, squares, weights):
    found = anesrake(FRAME, TARGETS, improvement=0.01, **arguments)
    assert " ".join(found.targets["variable"].unique()) == used
    assert abs(found.iterations - iterations) <= (0 if np.finfo(np.longdouble).eps < 1e-18 else 4)
    assert (found.values**2).sum() == pytest.approx(squares, rel=1e-10)
    assert found.values[:3].tolist() == pytest.approx(weights, rel=1e-10)
    assert found.values.sum() == pytest.approx(150)


def test_what_r_calls_complete_convergence_may_be_none():
    """cap = 1.4, type = "nolim": R ends with "Complete convergence was achieved", a category off by 23 points."""
    found, text = unfinished(limit=None, cap=1.4, improvement=0.01)
    assert (found.values**2).sum() == pytest.approx(192.805084821, rel=1e-10)
    assert found.details["change"] < 1e-3
    assert not found.converged and found.max_gap > 0.23
    assert text == (
        "Raking with cap=1.4 stopped after 148 cycles: 'age' = 'c' has target 40.0000% and reached 16.8008%, off by 0.23 of "
        "the total (tol 1e-05). With cap=1.4 no weights can meet the targets of 'age'. Raise cap, or merge categories."
    ).replace("148", str(found.iterations))


def test_base_weights_start_the_path():
    # anesrake(..., weightvec = 1 + (i %% 4) / 2, type = "nolim", cap = 1.6)
    found, _ = unfinished(limit=None, cap=1.6, improvement=0.01, base="b")
    relative = found.values / found.values.mean()
    assert (relative**2).sum() == pytest.approx(210.023102026, rel=1e-10)
    assert found.values.sum() == pytest.approx(FRAME["b"].sum())


def test_our_default_holds_margins_and_cap_to_the_end():
    found = anesrake(FRAME, TARGETS, limit=None)
    assert found.converged and found.max_gap <= 1e-10
    assert found.values.max() == found.upper == 5.0
    assert found.at_upper == 6
    assert found.lower is None
    nearest = rake(FRAME, TARGETS, upper=5)
    np.testing.assert_allclose(found.values, nearest.values, atol=0.02)  # near to them, but others
    assert np.abs(found.values - nearest.values).max() > 1e-6 or found.deff >= nearest.deff - 1e-9


def test_a_floor_cuts_as_ipfraking_does():
    found = anesrake(FRAME, TARGETS, limit=None, cap=5.5, floor=0.4)
    assert found.values.min() == pytest.approx(0.4) and found.lower == pytest.approx(0.4)
    assert found.values.max() <= 5.5 and found.max_gap <= 1e-10
    assert any(n.text.startswith("Limits hold: ") and "at the floor of 0.4" in n.text for n in found.notices)


def test_no_cap_is_raking():
    found = anesrake(FRAME, TARGETS, base="b", cap=None, limit=None)
    np.testing.assert_allclose(found.values, rake(FRAME, TARGETS, base="b").values, rtol=1e-7)
    assert found.upper is None


def test_margins_left_out_are_stated_and_join():
    alone = anesrake(FRAME, TARGETS, limit=0.25, iterate=False)
    assert alone.targets["variable"].unique().tolist() == ["age", "edu"]
    assert alone.notices[0].text.startswith(
        "Raked to 2 of 3 margins, off by 0.25 or more: age, edu. Left out, off by (total): sex (0.21 before, "
    )
    table = alone.details["margins"]
    assert table.columns.tolist() == ["variable", "measure", "before", "after", "chosen"]
    assert table["chosen"].tolist() == [False, True, True]
    after = float(table["after"][0])
    joined = anesrake(FRAME, TARGETS, limit=0.25, iterate=True)
    assert (joined.targets["variable"].nunique() == 3) == (after >= 0.25)
    by_max = anesrake(FRAME, TARGETS, limit=0.15, measure="max", iterate="max")
    assert by_max.targets["variable"].unique().tolist()[:2] == ["age", "edu"]


def test_missing_answers_keep_their_share():
    data = FRAME.assign(age=FRAME["age"].where(I > 6))
    with pytest.raises(Exception, match="no value in 6 of 150 rows"):
        anesrake(data, TARGETS, limit=None)
    found = anesrake(data, {"age": TARGETS["age"]}, limit=None, missing="ignore")
    assert found.values[I <= 6].tolist() == pytest.approx([1.0] * 6)
    shares = found.values.groupby(data["age"]).sum() / found.values[I > 6].sum()
    assert shares.tolist() == pytest.approx([0.3, 0.3, 0.4])


def test_zero_base_weights_stay():
    base = FRAME["b"].where(I % 10 > 0, 0.0)
    found = anesrake(FRAME, TARGETS, base=base, limit=None, cap=6)
    assert (found.values[base == 0] == 0).all()
    assert found.values.max() <= 6 * found.values[base > 0].mean() * (1 + 1e-12)


def test_surveys_their_standard_errors_and_replicates():
    poll = sk.from_frame(FRAME).with_design(weight="b", psu="area")
    mine, nearest = anesrake(poll, TARGETS, cap=None, limit=None), poll.rake(TARGETS)
    assert sk.mean(mine, "y").se[0] == pytest.approx(sk.mean(nearest, "y").se[0], rel=1e-6)
    again = anesrake(poll.replicate(method="JK1"), TARGETS, cap=6.5, limit=None)
    held = again.bound.replicates.weights
    for r in (0, 7):
        share = pd.Series(held[:, r]).groupby(FRAME["age"]).sum() / held[:, r].sum()
        assert share.tolist() == pytest.approx([0.3, 0.3, 0.4], abs=1e-9)
    assert ((held == 0) == (poll.replicate(method="JK1").bound.replicates.weights == 0)).all()
    limit = 6.5 * held.sum(axis=0) / (held > 0).sum(axis=0)
    assert (held.max(axis=0) <= limit * (1 + 1e-12)).all()
    with pytest.raises(ConvergenceError, match=r"did not converge in \d+ of 15 replicates"):
        anesrake(poll.replicate(method="JK1"), TARGETS, cap=3.6, limit=None)


def test_when_both_cannot_hold_it_says_so():
    found, text = unfinished(limit=None, cap=2)
    assert "With cap=2 no weights can meet the targets of 'age'. Raise cap, or merge categories." in text
    assert found.values.max() <= 2
    _, text = unfinished(limit=None, max_iter=3)
    assert text.endswith(
        "The way out: raise max_iter (now 3), or use rake(lower=, upper=), which finds weights that hold both."
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"cap": 1}, "cap=1 must be a number above 1: it is a multiple of the mean weight. None: no cap."),
        ({"floor": 1}, "floor=1 must be at least 0 and below 1: it is a multiple of the mean weight."),
        ({"improvement": 1}, "improvement=1 must be above 0 and below 1, such as 0.01."),
        ({"improvement": 0.1, "floor": 0.1}, "improvement stops as R anesrake does, which has no floor."),
        ({"tol": 0}, "tol=0 must be above 0 and below 1: it is a part of the total."),
        ({"max_iter": 0}, "max_iter=0 must be a whole number of at least 1."),
        ({"iterate": "all"}, "iterate='all' is not available."),
        (
            {"limit": 0.9},
            "No margin is off by 0.9 or more (total; the largest is 0.56): there is no need to weight, or limit",
        ),
    ],
)
def test_arguments_that_cannot_be(arguments, text):
    with pytest.raises(ArgumentError) as error:
        anesrake(FRAME, TARGETS, **arguments)
    assert str(error.value).startswith(text)


def test_targets_that_cannot_be():
    with pytest.raises(TargetMismatchError):
        anesrake(FRAME, {"sex": {"m": 0.5, "x": 0.5}})
    counts = {"sex": {"m": 120, "f": None}}
    with pytest.raises(UnsupportedOption, match=r"Counts with categories left free \('sex'\) are not available"):
        anesrake(FRAME, counts, base="b")


def test_nothing_handed_in_is_changed():
    data, base = FRAME.copy(), FRAME["b"].to_numpy().copy()
    anesrake(data, TARGETS, base=base, limit=None)
    pd.testing.assert_frame_equal(data, FRAME)
    np.testing.assert_array_equal(base, FRAME["b"])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(seed):
    order = np.random.default_rng(seed).permutation(len(FRAME))
    found = anesrake(FRAME.iloc[order], TARGETS, base="b", cap=6)
    np.testing.assert_allclose(found.values.sort_index(), anesrake(FRAME, TARGETS, base="b", cap=6).values, rtol=1e-9)


cells = st.lists(st.tuples(st.integers(1, 20), st.floats(0.01, 30)), min_size=2, max_size=20)


@settings(max_examples=300, deadline=None)
@given(cells, st.floats(1.1, 5))
def test_the_level_keeps_sum_and_cap_and_is_where_rounds_lead(parts, cap):
    rows, w = np.array([p[0] for p in parts], float), np.array([p[1] for p in parts])
    w = w / (rows @ w / rows.sum())
    out = clip_to_level(rows, cap)(w)
    assert rows @ out == pytest.approx(rows.sum(), rel=1e-11)
    assert out.max() <= cap
    inside = out < cap
    if inside.any():
        np.testing.assert_allclose(out[inside] / w[inside], (out[inside] / w[inside])[0], rtol=1e-9)
    np.testing.assert_allclose(clip_in_rounds(rows, cap, slack=1e-12)(w), out, rtol=1e-6)


def test_cutting_alone():
    assert clip_only(1.0, 2.0)(np.array([0.5, 1.5, 3.0])).tolist() == [1.0, 1.5, 2.0]
