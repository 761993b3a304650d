"""What is no column name is refused, with what was there and the next step; designs in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, DesignError

AREA = np.repeat(np.arange(8), 5)
STRATUM = AREA // 2
FRAME = pd.DataFrame({"w": 1.0 + AREA % 3, "h": STRATUM, "area": AREA, "asked": 1, "x": np.arange(40.0)})
FACTORS = np.column_stack([np.where(r == AREA, 0, np.where(r // 2 == STRATUM, 2, 1)) for r in range(8)])
POLL = sk.from_frame(FRAME)
STATED = POLL.with_design("w", "h", "area")


def _given(weights: np.ndarray | pd.Series, **options) -> sk.Survey:
    data = FRAME.assign(**{f"r{r}": FACTORS[:, r] * np.asarray(weights) for r in range(8)})
    return sk.from_frame(data).with_replicates("r[0-9]", "JKn", rscales=0.5, **options)


ONE = " is not available. Give the name of one column."
STAGES = " is not available. Give the name of a column, or a tuple with one for each stage."
LIST = ' is not available. Give a list of column names, or a regular expression for them, such as "PWGTP[0-9]+".'


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: POLL.with_design(weight=["w", "x"]), f"weight=['w', 'x']{ONE}"),
        (lambda: POLL.with_design(weight=5), f"weight=5{ONE}"),
        (lambda: POLL.with_design(strata=5), f"strata=5{STAGES}"),
        (lambda: POLL.with_design(psu=[["area"]]), f"psu=[['area']]{STAGES}"),
        (lambda: POLL.with_design(fpc=0.5), f"fpc=0.5{STAGES}"),
        (lambda: POLL.with_design(strata={"h": 1}), f"strata={{'h': 1}}{STAGES}"),
        (lambda: POLL.with_replicates(None, "JK1"), f"weights=None{LIST}"),
        (lambda: POLL.with_replicates([["w", "x"]], "JK1"), f"weights=[['w', 'x']]{LIST}"),
        (lambda: POLL.with_replicates(["w", "x"], "JK1", weight=["w"]), f"weight=['w']{ONE}"),
        (lambda: STATED.replicate("SDR", order=["x"]), f"order=['x']{ONE}"),
        (
            lambda: STATED.replicate("Fay", rho="a"),
            "rho='a' is not available. Fay's coefficient is at least 0 and below 1, such as 0.3.",
        ),
        (
            lambda: STATED.replicate("bootstrap", 9, 1, bootstrap=""),
            "bootstrap='' is not available. There are: Rao-Wu, Canty-Davison, Preston.",
        ),
        (lambda: POLL.with_second_phase(["asked"]), f"subset=['asked']{ONE}"),
        (lambda: POLL.with_second_phase("asked", weight=["w"]), f"weight=['w']{ONE}"),
        (lambda: POLL.with_second_phase("asked", strata=3), f"strata=3{STAGES}"),
    ],
)
def test_what_is_no_column_name(call: Callable[[], sk.Survey], text: str):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == text


def test_names_in_any_order_that_holds():
    for names in (["r0", "r1"], ("r0", "r1"), np.array(["r0", "r1"]), pd.Index(["r0", "r1"])):
        poll = sk.from_frame(FRAME.assign(r0=2.0, r1=2.0)).with_replicates(names, "BRR", weight="w")
        assert poll.design.replicates.columns == ("r0", "r1")


# in words


def test_replicate_weights_are_counted_and_a_bootstrap_has_its_seed():
    assert STATED.replicate("bootstrap", 1000, 3).design.replicates.describe() == (
        "1,000 Rao-Wu bootstrap replicate weights (seed 3)"
    )
    assert STATED.replicate("BRR").design.replicates.describe() == "8 BRR replicate weights"
    assert STATED.replicate("bootstrap", 9, np.int64(3)).design.replicates.seed == 3


def test_units_of_given_replicates_are_not_known():
    given = _given(FRAME["w"], weight="w").design
    assert given.describe() == "weighted by 'w', 8 JKn replicate weights"
    built = POLL.with_design("w").replicate("JK1").design
    assert built.describe() == "weighted by 'w', each respondent a sampling unit, 40 JK1 replicate weights"


# no full-sample weight


def test_replicate_weights_without_their_full_sample_weight():
    with pytest.raises(DesignError) as caught:
        _given(np.full(40, 9.3))
    assert str(caught.value) == (
        "The replicate weights average 9.3 in a row, so there is a full-sample weight: say weight=...; or combined=False "
        "for factors."
    )
    with pytest.raises(DesignError) as caught:
        _given(np.where(AREA < 4, 0.2, 1.8))
    assert str(caught.value).startswith("The replicate weights average from 0.2 to 1.8 in a row, so there is ")


@pytest.mark.parametrize("level", [0.97, 1.0, 1.03])
def test_replicate_weights_of_equal_weights_stand(level):
    (notice,) = _given(np.full(40, level)).notices
    assert notice.text.startswith("No full-sample weight is named beside the replicate weights: equal weights of 1")


@pytest.mark.parametrize("replicates", [2, 20, 500])
@pytest.mark.parametrize("seed", range(5))
def test_the_noise_of_a_bootstrap_is_no_weight(replicates, seed):
    factors = np.random.default_rng(seed).multinomial(40, np.full(40, 1 / 40), size=replicates).T.astype(float)
    data = FRAME[["x"]].join(pd.DataFrame(factors, columns=[f"r{r}" for r in range(replicates)]))
    (notice,) = sk.from_frame(data).with_replicates("r[0-9]+", "bootstrap").notices
    assert notice.text.startswith("No full-sample weight is named")
