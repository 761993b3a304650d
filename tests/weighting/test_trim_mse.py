"""Trimming at the cut-off with the least mean squared error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Variable
from survey_kit.errors import ArgumentError, UndeclaredMissingError, UnknownNameError
from survey_kit.kernels.potter import weighted_means, with_replacement_variance
from survey_kit.weighting.rake import rake
from survey_kit.weighting.trim import trim
from survey_kit.weighting.trim_mse import trim_mse


def frame(seed: int = 3) -> pd.DataFrame:
    """Weights with a long tail."""
    rng = np.random.default_rng(seed)
    n = 200
    return pd.DataFrame(
        {
            "w": rng.lognormal(sigma=1.0, size=n),
            "y": rng.normal(size=n),
            "z": rng.integers(0, 2, n).astype(float),
            "area": np.arange(n) // 10,
            "stratum": np.arange(n) // 50,
            "sex": rng.choice(["m", "f"], n),
        }
    )


def test_the_table_by_hand():
    data = frame()
    found = trim_mse(data, ["y", "z"], base="w", cutoffs=[2, 3, 5])
    table = found.details["mse"]
    assert table["cutoff"].tolist() == [np.inf, 5, 3, 2]
    y, w = data[["y", "z"]].to_numpy(), data["w"].to_numpy()
    theta0 = weighted_means(w, y)
    v0 = with_replacement_variance(w, y, theta0)
    for row in table.itertuples():
        t = w if row.cutoff == np.inf else trim(w, upper=row.cutoff).values.to_numpy()
        theta = (t[:, None] * y).sum(axis=0) / t.sum()
        z = t[:, None] * (y - theta) / t.sum()
        v = len(t) / (len(t) - 1) * (z**2).sum(axis=0)
        assert row.mse == pytest.approx((((theta - theta0) ** 2 + v) / v0).mean(), rel=1e-12)
        assert row.bias2 + row.variance == pytest.approx(row.mse)
        assert row.trimmed == (0 if row.cutoff == np.inf else (w > row.cutoff * w.mean()).sum())
    best = table["cutoff"][table["mse"].to_numpy().argmin()]
    assert table["chosen"].tolist() == (table["cutoff"] == best).tolist()
    np.testing.assert_allclose(found.values, trim(w, upper=best).values, rtol=1e-12)
    assert found.notices[0].kind == "potter"


def test_weights_that_have_nothing_to_do_with_the_outcome_are_trimmed_and_others_are_not():
    plain = trim_mse(frame(), ["y", "z"], base="w")
    assert plain.details["mse"]["mse"].min() < 0.9 and plain.upper is not None
    heavy = pd.DataFrame({"w": [1.0] * 300 + [4.0] * 100, "y": [0.0] * 300 + [1.0] * 98 + [0.0] * 2})
    linked = trim_mse(heavy, "y", base="w", cutoffs=[1.2, 2])
    assert linked.details["mse"]["chosen"][0] and linked.upper is None
    np.testing.assert_array_equal(linked.values, heavy["w"])
    assert linked.notices[0].text == "No cut-off of 2 lowers the mean squared error of the means of y."
    assert "Nothing was trimmed." in [n.text for n in linked.notices]


def test_a_survey_takes_the_variance_of_its_design():
    data = frame()
    poll = sk.from_frame(data.drop(columns="sex")).with_design(weight="w", strata="stratum", psu="area")
    trimmed = trim_mse(poll, ["y", "z"], cutoffs=[1.5, 3])
    table = trimmed.weights.details["mse"]
    v0 = sk.mean(poll, ["y", "z"]).se ** 2
    theta0 = sk.mean(poll, ["y", "z"]).theta
    for row in table[1:].itertuples():
        at = sk.mean(trim(poll, upper=row.cutoff), ["y", "z"])
        assert row.mse == pytest.approx((((at.theta - theta0) ** 2 + at.se**2) / v0).mean(), rel=1e-10)


def test_a_survey_with_replicates_and_a_raking_before():
    poll = sk.from_frame(frame()).with_design(weight="w", strata="stratum", psu="area").replicate(method="JKn")
    raked = poll.rake({"sex": {"m": 0.5, "f": 0.5}})
    trimmed = trim_mse(raked, "y", cutoffs=[1.5, 3])
    assert [s.method for s in trimmed.weights.steps] == ["rake", "trim"]
    v0, theta0 = sk.mean(raked, "y").se ** 2, sk.mean(raked, "y").theta
    for row in trimmed.weights.details["mse"][1:].itertuples():
        at = sk.mean(trim(raked, upper=row.cutoff), "y")
        assert row.mse == pytest.approx((((at.theta - theta0) ** 2 + at.se**2) / v0)[0], rel=1e-10)


def test_after_a_linearised_raking_the_steps_count():
    poll = (
        sk.from_frame(frame()).with_design(weight="w", strata="stratum", psu="area").rake({"sex": {"m": 0.5, "f": 0.5}})
    )
    table = trim_mse(poll, "y", cutoffs=[2]).weights.details["mse"]
    at = sk.mean(trim(poll, upper=2), "y")
    v0, theta0 = sk.mean(poll, "y").se ** 2, sk.mean(poll, "y").theta
    assert table["mse"][1] == pytest.approx((((at.theta - theta0) ** 2 + at.se**2) / v0)[0], rel=1e-10)


def test_a_chain_on_a_frame():
    data = frame()
    raked = rake(data, {"sex": {"m": 0.5, "f": 0.5}}, base="w")
    found = trim_mse(data, "y", base=raked)
    assert [s.method for s in found.steps] == ["rake", "trim"]


def test_missing_outcomes_are_left_out():
    data = frame().assign(y=lambda d: d["y"].where(d["area"] > 0))
    rest = data[data["area"] > 0]
    cut = [3.0]
    whole = trim_mse(data, "y", base="w", cutoffs=cut, unit="weight", redistribute="none").details["mse"]
    part = trim_mse(rest, "y", base="w", cutoffs=cut, unit="weight", redistribute="none").details["mse"]
    assert whole["mse"][1] == pytest.approx(part["mse"][1])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"base": None}, "There are no weights to trim. Give base: a column, a Series, an array or Weights."),
        ({"cutoffs": []}, "cutoffs is empty. Give upper limits to try, or None."),
        ({"cutoffs": [0.5]}, "The cut-off 0.5 is "),
        ({"outcomes": []}, "outcomes is empty. Name the columns whose means matter."),
        ({"outcomes": "sex"}, "'sex' holds "),
        ({"outcomes": "one"}, "'one' does not vary among rows with a weight: its mean has no error to lower."),
        (
            {"unit": "weight"},
            "unit='weight' is the unit of cutoffs, which are not given. Give them, or leave unit out.",
        ),
        ({"base": "one"}, "The weights hardly vary: no percentile of them lies above their mean."),
    ],
)
def test_arguments_that_cannot_be(arguments, text):
    with pytest.raises(ArgumentError) as error:
        trim_mse(frame().assign(one=1.0), **{"outcomes": "y", "base": "w", **arguments})
    assert str(error.value).startswith(text)


def test_columns_that_are_not_there_and_codes_that_are_no_numbers():
    with pytest.raises(UnknownNameError, match="No column 'yy'"):
        trim_mse(frame(), "yy", base="w")
    poll = sk.from_frame(frame()).with_design(weight="w")
    codes = pd.Series(np.where(poll.codes["z"] > 0, 99.0, 1.0), index=poll.codes.index)
    poll = poll.with_column(codes, Variable("q", labels={1.0: "one", 99.0: "Don't know"}, measure="scale"))
    with pytest.raises(UndeclaredMissingError):
        trim_mse(poll, "q")
