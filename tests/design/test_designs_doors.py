"""What designs refuse and in which words, what they say of themselves, what every option does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.design.pps import PPS
from survey_kit.errors import (
    ArgumentError,
    DesignError,
    LonelyPsuError,
    UnknownNameError,
    UnsupportedOption,
)
from tests.support.designs import FRAME, ROWS, N

PAIRS = np.outer(FRAME["p"], FRAME["p"]) * (0.7 + np.add.outer(ROWS, ROWS) % 5 / 20)
np.fill_diagonal(PAIRS, FRAME["p"])


def _poll(**design) -> sk.Survey:
    return sk.from_frame(FRAME).with_design(**design)


def _changed(i: int, j: int, value: float) -> np.ndarray:
    pairs = PAIRS.copy()
    pairs[i, j] = value
    return pairs


# --- unequal probabilities --------------------------------------------------------------------------------------------

BAD_PPS = [
    (
        {"pps": "brewer"},
        ArgumentError,
        r'pps needs fpc: the column of the inclusion probabilities.*fpc="p", pps="brewer"',
    ),
    ({"fpc": "p", "pps": "brwer"}, ArgumentError, r"pps='brwer' is not available. Did you mean 'brewer'\?"),
    ({"fpc": "p", "pps": 3}, ArgumentError, r"pps=int is not available. Give a method by name, or a PPS\(...\)."),
    ({"fpc": "p", "pps": "joint"}, ArgumentError, 'joint belongs to pps method "joint", which requires it'),
    (
        {"fpc": "N", "pps": "overton"},
        DesignError,
        r"Column 'N' \(fpc\) is 90 in row 1. With pps it holds the inclusion prob",
    ),
    ({"fpc": "text", "pps": "brewer"}, DesignError, r"Column 'text' \(fpc\) holds text. With pps it holds inclusion"),
    (
        {"fpc": "never", "pps": "brewer"},
        DesignError,
        r"Column 'never' \(fpc\) is missing, zero, negative or infinite in row 1",
    ),
    (
        {"fpc": "p", "psu": "area", "pps": "brewer"},
        DesignError,
        "varies within a sampling unit .row 2.. One unit has one",
    ),
    (
        {"fpc": ("area_p", "p"), "psu": ("area", "home"), "pps": "overton"},
        UnsupportedOption,
        "pps method 'overton' is for one stage, but psu names 2. Use \"brewer\"",
    ),
    (
        {"fpc": "p", "pps": "overton", "lonely_psu": "adjust", "lonely_domain": True},
        UnsupportedOption,
        "lonely_domain=True is not available with pps method 'overton'",
    ),
    (
        {"fpc": "area_p", "psu": "area", "strata": "area", "pps": "overton"},
        LonelyPsuError,
        "6 of 6 strata have a single sampling unit .see row 1, 5, 9.*Merge strata, or state a rule",
    ),
    (
        {"fpc": "area_p", "psu": "area", "strata": "area", "pps": "hartley-rao", "lonely_psu": "average"},
        UnsupportedOption,
        "lonely_psu='average' is not available with pps",
    ),
    (
        {"fpc": "area_p", "psu": "area", "strata": "area", "pps": "brewer"},
        LonelyPsuError,
        "6 of 6 strata at stage 1 .area. have a single sampling unit",
    ),
]


@pytest.mark.parametrize(("design", "error", "text"), BAD_PPS)
def test_probabilities_that_cannot_be(design, error, text):
    with pytest.raises(error, match=text):
        _poll(**design)


BAD_JOINT = [
    (PAIRS[:3], r"The joint probabilities have shape \(3, 24\); they need as many columns as rows"),
    (
        PAIRS[:3, :3],
        "The joint probabilities are of 3 units, the sample has 24. They need one row and one column for each",
    ),
    (_changed(0, 1, 0.01), "not symmetric: 0.01 in row 1, column 2, but 0.0168.* the other way round"),
    (_changed(2, 2, 0.36), "The diagonal of the joint probabilities is not 'p': 0.36 against 0.35 for unit 3"),
    (_changed(0, 1, 1.5), "row 1, column 2 is 1.5; they lie above 0 and at most at 1"),
    (_changed(0, 1, 0.0), "row 1, column 2 is 0; .* never drawn together leave no unbiased variance"),
    (_changed(0, 1, np.nan), "row 1, column 2 is nan; they lie above 0"),
    (np.full((N, N), 0.4) + np.eye(N) * 0.0 - 0.3 * (np.eye(N) > 0), "row 1, column 2 is 0.4, more than that of one"),
    (pd.DataFrame({"a": ["x"]}), "The joint probabilities hold values that are not numbers"),
]


@pytest.mark.parametrize(("pairs", "text"), BAD_JOINT)
def test_joint_probabilities_that_cannot_be(pairs, text):
    with pytest.raises(DesignError, match=text):
        _poll(fpc="p", pps=PPS("joint", pairs))


BAD_HOW = [
    ({"method": "overton", "joint": PAIRS}, ArgumentError, 'joint belongs to pps method "joint"'),
    (
        {"method": "overton", "sum_of_squares": 0.3},
        ArgumentError,
        'sum_of_squares belongs to pps method "hartley-rao", not',
    ),
    (
        {"method": "brewer", "variance": "YG"},
        UnsupportedOption,
        "variance=\"YG\" is not available for pps method 'brewer'",
    ),
    (
        {"method": "poisson", "variance": "YG"},
        UnsupportedOption,
        "variance=\"YG\" is not available for pps method 'poisson'",
    ),
    ({"method": "overton", "variance": "yg"}, ArgumentError, "variance='yg' is not available. Did you mean 'YG'"),
    *(
        (
            {"method": m, "tolerance": 0.1},
            ArgumentError,
            f"tolerance belongs to pps method \"joint\", not to '{m}'. Leave",
        )
        for m in ("brewer", "overton", "hartley-rao", "poisson")
    ),
    *(
        (
            {"method": "joint", "joint": PAIRS, "tolerance": t},
            ArgumentError,
            f"tolerance={t!r} is not available. Give a number of at least 0, such as 1e-4.",
        )
        for t in (-0.1, float("nan"), float("inf"), "x", True)
    ),
    *(
        (
            {"method": "hartley-rao", "sum_of_squares": s},
            ArgumentError,
            rf"sum_of_squares is {s!r}. The sum of p\^2 / n over a population is a number above 0 and at most 1.",
        )
        for s in (-0.3, 0, 1.5, float("nan"), "0.3", True)
    ),
    (
        {"method": "hartley-rao", "sum_of_squares": {"north": 0.2, "south": "x"}},
        ArgumentError,
        "sum_of_squares is 'x' for stratum 'south'. The sum of",
    ),
]


@pytest.mark.parametrize(("how", "error", "text"), BAD_HOW)
def test_options_of_pps_that_do_not_belong_together(how, error, text):
    with pytest.raises(error, match=text):
        PPS(**how)


def test_sums_of_squares_need_the_strata_they_are_of():
    with pytest.raises(ArgumentError, match="one number, but there are 2 strata. Give one for each"):
        _poll(fpc="p", strata="region", pps=PPS("hartley-rao", sum_of_squares=0.3))
    with pytest.raises(ArgumentError, match="sum_of_squares has no number for stratum"):
        _poll(fpc="p", strata="region", pps=PPS("hartley-rao", sum_of_squares={"north": 0.3}))
    with pytest.raises(UnknownNameError) as caught:
        _poll(
            fpc="p", strata="region", pps=PPS("hartley-rao", sum_of_squares={"north": 0.3, "south": 0.2, "suoth": 0.2})
        )
    assert str(caught.value) == "No stratum of 'region' 'suoth'. Did you mean 'south'?"
    with pytest.raises(ArgumentError, match="by stratum, but no strata are stated. Give one number"):
        _poll(fpc="p", pps=PPS("hartley-rao", sum_of_squares={"north": 0.3}))


def test_every_option_of_pps_changes_the_error():
    default, stated = (sk.total(_poll(fpc="p", pps=PPS("joint", PAIRS, tolerance=t)), "y") for t in (None, 1e-4))
    assert default.vcov().equals(stated.vcov()), "R's ppsmat takes 1e-4"
    how = [
        *("brewer", "overton", "hartley-rao", "poisson"),
        PPS("joint", PAIRS),
        PPS("joint", PAIRS, tolerance=0.2),
        PPS("joint", PAIRS, variance="YG"),
        PPS("overton", variance="YG"),
        PPS("hartley-rao", sum_of_squares=0.5),
    ]
    found = [sk.total(_poll(fpc="p", pps=h), "y") for h in how]
    assert len({round(f.vcov().iloc[0, 0], 6) for f in found}) == len(how)
    assert {round(f.theta[0], 9) for f in found} == {round((FRAME["y"] / FRAME["p"]).sum(), 9)}


@pytest.mark.parametrize("rule", ["remove", "certainty"])
def test_a_lonely_unit_of_unequal_probability_is_left_out_by_rule(rule):
    frame = FRAME.assign(strata=np.where(FRAME["area"] == 0, 0, 1))
    poll = sk.from_frame(frame)
    whole = poll.with_design(fpc="area_p", psu="area", strata="strata", pps="overton", lonely_psu=rule)
    certain = frame.assign(w=1 / frame["area_p"], area_p=frame["area_p"].where(frame["area"] > 0, 1.0))
    same = sk.from_frame(certain).with_design("w", fpc="area_p", psu="area", strata="strata", pps="overton")
    np.testing.assert_allclose(sk.total(whole, "y").se, sk.total(same, "y").se)


# --- strata with one unit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["remove", "average"])
def test_a_rule_that_leaves_no_stratum_is_refused(rule):
    with pytest.raises(
        LonelyPsuError, match=f"every stratum has one sampling unit .lonely_psu='{rule}'.. Merge strata"
    ):
        _poll(strata="area", psu="area", lonely_psu=rule)


@pytest.mark.parametrize("rule", ["remove", "average", "adjust"])
def test_a_sample_of_one_unit_is_refused(rule):
    with pytest.raises(LonelyPsuError, match="the whole sample is one sampling unit"):
        _poll(psu="never", lonely_psu=rule)


def test_a_domain_of_lonely_strata_has_no_average():
    poll = _poll(strata="region", psu="area", lonely_psu="average", lonely_domain=True)
    assert np.isnan(sk.mean(poll, "y", where="area in [0, 3]").se[0])
    assert sk.mean(poll, "y", where="area in [0, 3, 4]").se[0] > 0


@pytest.mark.parametrize("rule", ["adjust", "average"])
def test_lonely_domain_changes_the_error_of_domains_alone(rule):
    plain = _poll(strata="region", psu="area", lonely_psu=rule)
    ruled = _poll(strata="region", psu="area", lonely_psu=rule, lonely_domain=True)
    np.testing.assert_allclose(sk.mean(plain, "y").se, sk.mean(ruled, "y").se)
    where = "area in [0, 3, 4]"
    assert not np.isclose(sk.total(plain, "y", where=where).se[0], sk.total(ruled, "y", where=where).se[0])


def test_a_category_that_nobody_gives_in_a_stratum_does_not_make_it_lonely():
    """The domain of a total is its base, not the rows that add to it."""
    poll = _poll(strata="region", psu="area", lonely_psu="adjust", lonely_domain=True)
    frame = FRAME.assign(rare=np.where(FRAME["area"].isin([0, 3, 4]), "rare", "often"))
    rare = sk.from_frame(frame).with_design(strata="region", psu="area", lonely_psu="adjust", lonely_domain=True)
    plain = sk.from_frame(frame).with_design(strata="region", psu="area")
    np.testing.assert_allclose(sk.total(rare, "rare").se, sk.total(plain, "rare").se)
    assert poll.design.describe().endswith("lonely units: adjust, in domains, too")


@pytest.mark.parametrize("rule", ["fail", "remove", "certainty"])
def test_an_idle_lonely_domain_is_refused(rule):
    with pytest.raises(ArgumentError) as caught:
        _poll(strata="region", psu="area", lonely_psu=rule, lonely_domain=True)
    assert str(caught.value) == (
        f'lonely_domain=True needs lonely_psu="adjust" or "average". With "{rule}" it does nothing: a stratum of which a '
        "domain leaves one unit keeps the zeros of its other units. Leave it out, or state one of these rules."
    )


@pytest.mark.parametrize("value", ["no", 0, 1, None])
def test_lonely_domain_is_true_or_false(value):
    with pytest.raises(ArgumentError, match=f"lonely_domain={value!r} is not available. Say True or False."):
        _poll(strata="region", psu="area", lonely_psu="adjust", lonely_domain=value)
    assert _poll(strata="region", psu="area", lonely_psu="adjust", lonely_domain=np.True_).design.lonely_domain


# --- words and limits -------------------------------------------------------------------------------------------------


def test_a_design_says_what_it_is():
    assert _poll(fpc="p", pps=PPS("overton", variance="YG")).design.describe() == (
        "weights implied by 'p', each respondent a sampling unit, unequal probabilities (Overton, Yates-Grundy variance) 'p'"
    )
    poll = _poll(weight="w", fpc="N").with_second_phase("asked", strata="seen", method="approx")
    assert poll.design.describe() == (
        "weighted by 'w', each respondent a sampling unit, population sizes 'N', second phase (12 rows) where asked == 1: "
        "strata 'seen', approximate variance"
    )


@pytest.mark.parametrize(("fpc", "psu"), [("N", ("area", "home")), (("N", "N"), ("area", "home", "y"))])
def test_fpc_of_some_stages_implies_no_weights(fpc, psu):
    how = {"psu": psu, "fpc": fpc, "lonely_psu": "certainty"}
    with pytest.raises(DesignError) as caught:
        _poll(**how)
    assert str(caught.value) == (
        f"fpc is stated for {len(psu) - 1} of {len(psu)} stages, so it does not imply weights. Give weight=, or fpc of every "
        "stage."
    )
    assert _poll(**how, weight="w").bound.weight.tolist() == FRAME["w"].tolist()
    whole = _poll(psu=psu, fpc=("N",) * len(psu), lonely_psu="certainty")
    assert (whole.bound.weight > 1).all()


def test_probabilities_of_some_stages_imply_no_weights():
    with pytest.raises(DesignError, match="fpc is stated for 1 of 2 stages, so it does not imply weights"):
        _poll(psu=("area", "home"), fpc="area_p", pps="brewer")


@pytest.mark.parametrize(
    "values",
    [
        *([3.0, 1.0, 2.0], [1e6, 7.0, 8.0], [0.5, 1.5, 2.5], ["b", "a", "c"], [-5, 10**12, 4]),
        *([1e19, 1e19 + 4096, 2e19], [2**60, 2**60 + 1, 2**60 + 3], [-1e300, 0.0, 1e300]),
    ],
)
def test_units_by_any_kind_of_code(values):
    frame = FRAME.assign(unit=np.array(values, dtype=object)[ROWS // 8]).infer_objects()
    plain = FRAME.assign(unit=ROWS // 8)
    one, other = (sk.from_frame(f).with_design(psu="unit") for f in (frame, plain))
    np.testing.assert_allclose(sk.mean(one, "y").se, sk.mean(other, "y").se)


def test_a_missing_unit_is_refused():
    frame = FRAME.assign(unit=np.where(ROWS == 4, np.nan, ROWS // 8))
    with pytest.raises(DesignError, match=r"Column 'unit' \(psu\) is missing in 1 of 24 rows \(row 5\)"):
        sk.from_frame(frame).with_design(psu="unit")
