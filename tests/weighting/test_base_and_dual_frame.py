"""Base weights from probabilities, and composite weights of two frames that overlap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, NoValidData, UnknownNameError, UnsupportedOption
from survey_kit.weighting import rake
from survey_kit.weighting.base_weights import base_weights
from survey_kit.weighting.dual_frame import dual_frame

DF = pd.DataFrame(
    {"p1": [0.1, 0.1, 0.2, 1.0], "p2": [0.5, 0.25, 0.5, 1.0], "adults": [1, 2, 3, 1], "lines": [1, 1, 2, 1]}
)


def test_stages_adults_and_lines():
    np.testing.assert_allclose(base_weights(DF, "p1").values, [10, 10, 5, 1])
    np.testing.assert_allclose(base_weights(DF, ["p1", "p2"]).values, [20, 40, 10, 1])
    np.testing.assert_allclose(base_weights(DF, DF["p1"].to_numpy()).values, [10, 10, 5, 1])
    np.testing.assert_allclose(base_weights(DF, DF["p1"]).values, [10, 10, 5, 1])
    np.testing.assert_allclose(base_weights(DF, "p1", adults="adults", phones="lines").values, [10, 20, 7.5, 1])
    weights = base_weights(DF, adults="adults")
    np.testing.assert_allclose(weights.values, [1, 2, 3, 1])
    assert (
        weights.method == "base"
        and weights.label == "Base weight from selection probabilities"
        and weights.adjustments == ()
    )


def test_the_chain_starts_here():
    frame = DF.assign(sex=list("mfmf"))
    first = base_weights(frame, "p1")
    raked = rake(frame, {"sex": {"m": 0.5, "f": 0.5}}, base=first)
    assert [w.method for w in raked.steps] == ["base", "rake"]


def test_a_survey():
    poll = base_weights(sk.from_frame(DF.assign(y=[1.0, 2, 3, 4])), "p1")
    assert poll.weight.tolist() == [10, 10, 5, 1]
    assert sk.total(poll, "y").theta[0] == pytest.approx(49)
    with pytest.raises(UnsupportedOption, match="This survey is weighted already, and base weights come first"):
        base_weights(poll.rake({"lines": {1: 0.6, 2: 0.4}}), "p1")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ArgumentError, "There is nothing to make base weights from. Give probabilities='p', adults=, or phones=."),
        ({"probabilities": "p3"}, UnknownNameError, "No column 'p3'. There are: p1, p2, adults, lines."),
        (
            {"probabilities": "adults"},
            ArgumentError,
            "'adults' is not a probability above 0 and at most 1 in 2 of 4 rows (row 2, 3; the first has 2). Correct these rows",
        ),
        (
            {"adults": "p1"},
            ArgumentError,
            "'p1' is not a number of at least 1 in 3 of 4 rows (row 1, 2, 3; the first has 0.1).",
        ),
        ({"probabilities": np.ones(3)}, ArgumentError, "probabilities has shape (3,); the data have 4 rows."),
        (
            {"probabilities": pd.Series(1.0, index=range(1, 5))},
            ArgumentError,
            "probabilities is a Series whose index is not",
        ),
    ],
)
def test_refusals(arguments, error, text):
    with pytest.raises(error) as caught:
        base_weights(DF, **arguments)
    assert text in str(caught.value)


@pytest.mark.parametrize("value", [0.0, -0.1, np.nan, np.inf, 1.1])
def test_impossible_probabilities(value):
    with pytest.raises(ArgumentError, match="is not a probability above 0 and at most 1 in 1 of 4 rows"):
        base_weights(DF.assign(p1=[value, 0.1, 0.2, 1]), "p1")


def test_text_is_no_probability():
    with pytest.raises(ArgumentError, match="Convert it with pd.to_numeric first"):
        base_weights(DF.assign(p1=["a"] * 4), "p1")


PHONES = pd.DataFrame(
    {
        "frame": ["line", "line", "line", "cell", "cell", "cell", "cell"],
        "both": [True, True, False, True, True, True, False],
        "w": [10, 30, 20, 5, 5, 10, 8.0],
        "y": [1, 2, 3, 4, 5, 6, 7.0],
    }
)


@pytest.mark.parametrize("theta", [0.4, {"cell": 0.4}, {"line": 0.6}, {"line": 0.6, "cell": 0.4}])
def test_theta(theta):
    weights = dual_frame(PHONES, "frame", "both", "w", theta=theta)
    np.testing.assert_allclose(weights.values, [6, 18, 20, 2, 2, 4, 8])
    assert weights.factors.set_index("class")["factor"].to_dict() == pytest.approx({"cell": 0.4, "line": 0.6})
    assert weights.factors["dual"].tolist() == [3, 2]


def test_theta_by_effective_sizes():
    weights = dual_frame(PHONES, "frame", "both", "w", theta="n_eff")
    line, cell = 40**2 / (10**2 + 30**2), 20**2 / (25 + 25 + 100)
    np.testing.assert_allclose(weights.factors["factor"], [cell / (line + cell), line / (line + cell)])
    np.testing.assert_allclose(weights.factors["n_eff_dual"], [cell, line])


def test_frames_are_strata_of_the_design():
    poll = sk.from_frame(PHONES).with_design(weight="w", strata="frame")
    composite = dual_frame(poll, "frame", "both")
    assert not [n for n in composite.notices if n.kind == "frames_not_strata"]
    w = composite.weight.to_numpy()
    mean = (w * PHONES["y"]).sum() / w.sum()
    z = w * (PHONES["y"] - mean) / w.sum()
    parts = z.groupby(PHONES["frame"]).agg(lambda v: len(v) / (len(v) - 1) * ((v - v.mean()) ** 2).sum())
    np.testing.assert_allclose(sk.mean(composite, "y").se[0], np.sqrt(parts.sum()))
    loose = dual_frame(sk.from_frame(PHONES).with_design(weight="w"), "frame", "both")
    assert [n.text for n in loose.notices if n.kind == "frames_not_strata"] == [
        "Rows of both frames share a stratum of the design. The frames were sampled apart: add 'frame' to the strata."
    ]


def test_replicates_get_the_same_factors():
    poll = sk.from_frame(PHONES).with_design(weight="w", strata="frame").replicate("JKn")
    composite = dual_frame(poll, "frame", "both == 1", theta={"line": 0.3})
    np.testing.assert_allclose(
        composite.weights.replicates,
        poll.bound.replicates.weights * (composite.weight / PHONES["w"]).to_numpy()[:, None],
    )


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"frame": "fram"}, UnknownNameError, "No column 'fram'. Did you mean 'frame'?"),
        ({"frame": "y"}, ArgumentError, "frame 'y' has 7 categories in the data; two frames are combined here."),
        ({"theta": 1.2}, ArgumentError, "theta=1.2 must lie between 0 and 1"),
        (
            {"theta": "best"},
            ArgumentError,
            "theta='best' is not available. Give a number, {frame: number}, or 'n_eff'.",
        ),
        ({"theta": {"fax": 0.5}}, UnknownNameError, "No frame 'fax'."),
        (
            {"theta": {"line": 0.5, "cell": 0.6}},
            ArgumentError,
            "must sum to 1: dual users would count more or less than once.",
        ),
        ({"reach": "w"}, ArgumentError, "reach='w' must hold True and False, or 1 and 0"),
    ],
)
def test_refusals_of_dual_frame(arguments, error, text):
    with pytest.raises(error) as caught:
        dual_frame(PHONES, **{"frame": "frame", "reach": "both", **arguments})
    assert text in str(caught.value)


def test_a_sample_without_dual_users():
    frame = PHONES.assign(both=PHONES["both"] & (PHONES["frame"] == "line"))
    with pytest.raises(NoValidData, match="No dual users in the sample of 'cell'"):
        dual_frame(frame, "frame", "both")
