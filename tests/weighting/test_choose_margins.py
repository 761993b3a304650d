"""Which margins are chosen, by how far they are off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import DATA, assert_close, entries, needs_shared

from survey_kit.errors import ArgumentError, TargetMismatchError
from survey_kit.weighting.anesrake import anesrake
from survey_kit.weighting.choose_margins import choose_margins
from survey_kit.weighting.raking.choice import MEASURES

DATA5 = pd.DataFrame(
    {
        "a": list("xxxxxyyyyy"),
        "b": list("xxxxxxyyyy"),
        "c": list("xxxxxxxyyy"),
        "d": list("xxxxxxyyyy"),
        "w": [1.0] * 9 + [0.0],
    }
)
HALF = {v: {"x": 0.5, "y": 0.5} for v in "abcd"}  # off by 0, 0.1, 0.2, 0.1 points each


def chosen(**arguments) -> str:
    table = choose_margins(DATA5, HALF, **arguments)
    return "".join(table["variable"][table["chosen"]])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "bcd"),
        ({"limit": 0.3}, "c"),
        ({"limit": 0.3, "measure": "max"}, ""),
        ({"limit": None}, "abcd"),
        ({"limit": 0}, "abcd"),
        ({"limit": None, "at_most": 1}, "c"),
        ({"limit": None, "at_most": 2}, "bc"),  # of equals the first written
        ({"at_most": 2}, "bc"),
        ({"limit": 0.3, "at_least": 2}, "bc"),
        ({"limit": 0.3, "at_least": 2, "at_most": 3}, "bc"),
        ({"limit": None, "at_most": 9}, "abcd"),
        # R anesrake 0.80, selectnhighest: inputter[rank(dif) <= nlim], ties at rank 2.5
        ({"limit": None, "at_most": 1, "keep": "smallest"}, "a"),
        ({"limit": None, "at_most": 2, "keep": "smallest"}, "a"),
        ({"limit": None, "at_most": 3, "keep": "smallest"}, "abd"),
    ],
)
def test_choice(arguments, expected):
    assert chosen(**arguments) == expected


def test_measures_by_hand():
    row = choose_margins(DATA5, HALF).set_index("variable").loc["c", list(MEASURES)]
    assert row.astype(float).tolist() == pytest.approx([0.4, 0.2, 0.2, 0.08, 0.04, 0.04])


def test_base_weights_count():
    table = choose_margins(DATA5, HALF, base="w").set_index("variable")
    assert table["max"]["a"] == pytest.approx(5 / 9 - 0.5)


def test_missing_answers_are_refused_or_left_out():
    data = DATA5.assign(a=[None, *DATA5["a"][1:]])
    with pytest.raises(Exception, match="no value in 1 of 10 rows"):
        choose_margins(data, HALF)
    table = choose_margins(data, HALF, missing="ignore").set_index("variable")
    assert table["max"]["a"] == pytest.approx(5 / 9 - 0.5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"limit": 5}, "limit=5 must be a share: 0.05 for five points; None for no limit."),
        ({"measure": "sum"}, "measure='sum' is not available."),
        ({"at_most": 0}, "at_most=0 must be a whole number of at least 1."),
        ({"at_least": 1.5}, "at_least=1.5 must be a whole number of at least 1."),
        ({"limit": None, "at_least": 2}, "at_least has no meaning without a limit: all margins are taken."),
        ({"at_least": 3, "at_most": 2}, "at_least=3 is more than at_most=2."),
        ({"at_least": 5}, "at_least=5 margins are asked for, but targets are given for 4."),
        ({"keep": "smallest"}, 'keep="smallest" has no meaning without at_least or at_most.'),
        ({"keep": "all"}, "keep='all' is not available."),
    ],
)
def test_arguments_that_cannot_be(arguments, text):
    with pytest.raises(ArgumentError) as error:
        choose_margins(DATA5, HALF, **arguments)
    assert str(error.value).startswith(text)


def test_targets_that_do_not_fit():
    with pytest.raises(TargetMismatchError):
        choose_margins(DATA5, {"a": {"x": 0.5, "z": 0.5}})


@needs_shared
def test_anesrakefinder():
    entry = next(e for e in entries("anesrake") if e["id"] == "anesrake_finder")
    table = choose_margins(pd.read_csv(DATA / "anes04.csv"), entry["args"]["targets"], missing="ignore")
    assert table["variable"].tolist() == entry["result"]["rownames"]
    assert_close(table[entry["result"]["colnames"]].to_numpy(), np.array(entry["result"]["values"]), 1e-8)


def test_the_seed_of_imputed_answers_is_heeded():
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"a": random.choice(["x", "y", None], 300), "b": random.choice(["u", "v"], 300)})
    targets = {"a": {"x": 0.7, "y": 0.3}, "b": {"u": 0.6, "v": 0.4}}
    one, other = (choose_margins(frame, targets, missing="impute", seed=s)["total"] for s in (1, 2))
    assert not np.allclose(one, other)
    weights = [anesrake(frame, targets, missing="impute", seed=s).values for s in (1, 1, 2)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.allclose(weights[0], weights[2])
