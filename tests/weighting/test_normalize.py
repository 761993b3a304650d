"""The verb normalize."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, InvalidWeightError
from survey_kit.weighting.normalize import normalize
from survey_kit.weighting.rake import rake

DATA = pd.DataFrame(
    {"sex": list("mmffmf"), "w": [2.0, 4, 6, 0, 8, 10], "y": [1.0, 5, 2, 4, 3, 6], "psu": [1, 1, 2, 2, 3, 3]}
)


def test_to_the_rows_that_count():
    found = normalize(DATA["w"])
    assert found.values.sum() == pytest.approx(5)
    assert found.details["factor"] == pytest.approx(5 / 30)
    assert found.notices[0].text == "Weights were multiplied by 0.166667 to sum to 5."
    assert found.adjustments == () and found.method == "normalize"


def test_to_a_total_and_twice_is_once():
    found = normalize(DATA["w"].to_numpy(), 1e6)
    assert found.values.sum() == pytest.approx(1e6)
    np.testing.assert_allclose(normalize(found).values, normalize(DATA["w"]).values, rtol=1e-14)


def test_the_chain_goes_on_and_margins_stay():
    raked = rake(DATA, {"sex": {"m": 400, "f": 600}}, base="w")
    found = normalize(raked)
    assert [s.method for s in found.steps] == ["rake", "normalize"]
    assert found.adjustments == raked.adjustments
    assert found.targets["target"].tolist() == pytest.approx([2, 3])
    assert found.max_gap < 1e-12
    assert "margins_moved" not in [n.kind for n in found.notices]


def test_a_survey_and_its_replicates():
    poll = sk.from_frame(DATA).with_design(weight="w", psu="psu").replicate(method="JK1")
    scaled = normalize(poll, 5)
    np.testing.assert_allclose(scaled.weight, DATA["w"] / 6, rtol=1e-14)
    np.testing.assert_allclose(scaled.bound.replicates.weights, poll.bound.replicates.weights / 6, rtol=1e-14)
    assert sk.mean(scaled, "y").se[0] == pytest.approx(sk.mean(poll, "y").se[0], rel=1e-12)


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("rows", "to='rows' is not available. Give \"n\" (the number of rows) or the total as a number."),
        (0, 'to=0 is not a total. Give a number above 0, or "n" for the number of rows.'),
        (True, 'to=True is not a total. Give a number above 0, or "n" for the number of rows.'),
    ],
)
def test_totals_that_cannot_be(to, text):
    with pytest.raises(ArgumentError) as error:
        normalize(DATA["w"], to)
    assert str(error.value) == text


def test_weights_that_cannot_be():
    with pytest.raises(InvalidWeightError, match="zero in all 2 rows"):
        normalize([0.0, 0.0])
