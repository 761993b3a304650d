"""Unknown eligibility: who gives, who receives, what it does to the error, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.weighting.eligibility import redistribute_unknown
from survey_kit.weighting.nonresponse import adjust_nonresponse

DF = pd.DataFrame(
    {
        "status": ["I", "R", "NC", "UH", "NE", "P", "UO", "I", "NE", "I"],
        "region": list("aaaaabbbbb"),
        "w": [1, 2, 3, 4, 2, 1, 5, 2, 1, 1.0],
    }
)


def test_cases_of_known_eligibility_share_the_weight():
    weights = redistribute_unknown(DF, "status", by="region", base="w")
    # a: 8 known, 4 unknown; b: 5 known, 5 unknown
    np.testing.assert_allclose(weights.values, [1.5, 3, 4.5, 0, 3, 2, 0, 4, 2, 2])
    assert weights.factors.to_dict("list") == {
        "class": ["a", "b"],
        "n": [5, 5],
        "known": [4, 4],
        "eligible": [3, 3],
        "unknown": [1, 1],
        "factor": [1.5, 2.0],
    }
    assert weights.method == "eligibility" and weights.label == "Weight after adjustment for unknown eligibility"
    assert weights.details == {
        "n": 10,
        "eligible": 6,
        "ineligible": 2,
        "unknown": 2,
        "eligibility_rate": 0.75,
        "weighted_eligibility_rate": pytest.approx(10 / 13),
    }


def test_ineligible_cases_can_be_dropped():
    weights = redistribute_unknown(DF, "status", by="region", base="w", drop_ineligible=True)
    np.testing.assert_allclose(weights.values, [1.5, 3, 4.5, 0, 0, 2, 0, 4, 0, 2])
    assert [n.text for n in weights.notices if n.kind == "ineligible"] == [
        "Cases that are not eligible have weight 0: 2."
    ]


@pytest.mark.parametrize(
    "status",
    [
        [1.1, 2.11, 2.2, 3.1, 4.5, 1.2, 3.21, 1.1, 4.7, 1.1],
        [110, 211, 220, 310, 450, 120, 321, 110, 470, 110],
        ["1.1", "2.11", "2.2", "3.1", "4.5", "1.2", "3.21", "1.1", "4.7", "1.1"],
    ],
)
def test_codes_of_aapor(status):
    plain = redistribute_unknown(DF, "status", by="region", base="w")
    np.testing.assert_array_equal(
        redistribute_unknown(DF.assign(status=status), "status", by="region", base="w").values, plain.values
    )


def test_categories_as_stated():
    frame = DF.assign(status=DF["status"].map(lambda s: {"UH": "?", "UO": "?", "NE": "shop"}.get(s, "home")))
    said = redistribute_unknown(frame, "status", unknown=["?"], ineligible=["shop"], by="region", base="w")
    np.testing.assert_array_equal(said.values, redistribute_unknown(DF, "status", by="region", base="w").values)
    assert said.details["ineligible"] == 2


def test_labels_of_a_survey():
    book = Codebook(
        {
            "s": Variable(
                "s", labels={1: "Interview", 2: "Not found", 3: "Business"}, measure="nominal", missing=MissingRule()
            )
        }
    )
    poll = sk.from_frame(pd.DataFrame({"s": [1, 1, 2, 3.0]}), book)
    said = redistribute_unknown(poll, "s", unknown=["Not found"], ineligible=[3])
    np.testing.assert_allclose(said.weight, [4 / 3, 4 / 3, 0, 4 / 3])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_totals_of_classes_stay(seed):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "status": random.choice(["I", "R", "UH", "NE"], 80),
            "a": random.integers(0, 4, 80),
            "w": random.exponential(1, 80),
        }
    )
    weights = redistribute_unknown(frame, "status", by="a", base="w", min_n=1)
    np.testing.assert_allclose(weights.values.sum(), frame["w"].sum())
    known = weights.values[frame["status"] != "UH"]
    assert (known >= frame["w"][known.index] - 1e-12).all()
    again = redistribute_unknown(frame.sample(frac=1, random_state=1), "status", by="a", base="w", min_n=1)
    np.testing.assert_allclose(again.values.sort_index(), weights.values, rtol=1e-12)


@pytest.mark.parametrize("drop", [False, True])
def test_errors_of_estimates(drop):
    """Linearised as by changing one base weight after the other, near to the jackknife, and through a chain of steps."""
    random = np.random.default_rng(3)
    n = 300
    frame = pd.DataFrame(
        {
            "status": random.choice(["I", "R", "UH", "NE"], n, p=[0.4, 0.2, 0.25, 0.15]),
            "a": random.integers(0, 3, n),
            "w": random.exponential(1, n) + 0.3,
            "y": random.normal(10, 3, n),
        }
    )

    def known(base):
        return redistribute_unknown(frame, "status", by="a", base=base, drop_ineligible=drop)

    def answered(weights):
        return adjust_nonresponse(
            frame, frame["status"] == "I", by="a", base=weights, eligible=frame["status"] != "NE"
        ).values

    def total(base: np.ndarray) -> float:
        return float((known(base).values * frame["y"]).sum())

    def mean(base: np.ndarray) -> float:
        return float(np.average(frame["y"], weights=answered(known(base))))

    poll = sk.from_frame(frame).with_design(weight="w")
    linear, repeated = (
        redistribute_unknown(p, "status", by="a", drop_ineligible=drop) for p in (poll, poll.replicate("JK1"))
    )
    expected = _error_of(total, frame["w"].to_numpy())
    np.testing.assert_allclose(sk.total(linear, "y").se, expected, rtol=1e-6)
    np.testing.assert_allclose(sk.total(repeated, "y").se, expected, rtol=0.01)
    last, twice = (
        adjust_nonresponse(p, "status == 'I'", by="a", eligible="status != 'NE'") for p in (linear, repeated)
    )
    expected = _error_of(mean, frame["w"].to_numpy())
    np.testing.assert_allclose(sk.mean(last, "y").se, expected, rtol=1e-6)
    np.testing.assert_allclose(sk.mean(twice, "y").se, expected, rtol=0.04)


def _error_of(estimate, w: np.ndarray) -> float:
    """From z_i = w_i d(estimate) / d(w_i): var = n / (n - 1) sum (z - mean z)^2."""
    n = len(w)
    steps = (1e-4 * w[i] * (np.arange(n) == i) for i in range(n))
    z = [(estimate(w + s) - estimate(w - s)) / 2e-4 for s in steps]
    return float(np.sqrt(n / (n - 1) * ((z - np.mean(z)) ** 2).sum()))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"status": "statuss"}, UnknownNameError, "No column 'statuss'. Did you mean 'status'?"),
        (
            {"status": "region"},
            ArgumentError,
            "status 'region' has categories that are no AAPOR dispositions: 'a', 'b'. Say which mean unknown eligibility and "
            "which are not eligible: unknown=[...], ineligible=[...].",
        ),
        ({"status": "status", "unknown": ["UX"]}, UnknownNameError, "No category of 'status' 'UX'."),
        (
            {"status": "status", "unknown": "UH"},
            ArgumentError,
            "unknown='UH' must be a list of categories: unknown=['UH'].",
        ),
        (
            {"status": "status", "unknown": ["UH"], "ineligible": ["UH"]},
            ArgumentError,
            "'UH' is in unknown and in ineligible. Keep it in one.",
        ),
    ],
)
def test_refusals(arguments, error, text):
    with pytest.raises(error) as caught:
        redistribute_unknown(DF, **arguments)
    assert text in str(caught.value)


def test_missing_dispositions_and_classes_of_unknown_cases():
    with pytest.raises(ArgumentError) as caught:
        redistribute_unknown(DF.assign(status=[None, *DF["status"][1:]]), "status")
    assert (
        "status 'status' has no value in 1 of 10 rows (row 1). A case without a disposition is one of unknown"
        in str(caught.value)
    )
    frame = DF.assign(region=["x" if s == "UH" else r for s, r in zip(DF["status"], DF["region"], strict=True)])
    with pytest.raises(ArgumentError, match="Classes of 'region' in which nobody can receive the weight: 'x'"):
        redistribute_unknown(frame, "status", by="region")
    merged = redistribute_unknown(frame, "status", by="region", min_n=1)
    assert merged.collapsed["into"].tolist() == ["b + x", "b + x"]


def test_nothing_unknown():
    weights = redistribute_unknown(DF[~DF["status"].str.startswith("U")], "status", base="w")
    assert any(n.text == "No case is of unknown eligibility: nothing was moved." for n in weights.notices)
    np.testing.assert_array_equal(weights.values, weights.base)
