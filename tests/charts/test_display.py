"""Numbers as people read them: rounded once, half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_kit.errors import ArgumentError
from survey_kit.results import display


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.125, 0, "13%"),
        (0.285, 0, "29%"),
        (57 / 200, 0, "29%"),
        (0.1 + 0.2 - 0.015, 0, "29%"),
        (0.0049, 0, "<1%"),
        (0.005, 0, "1%"),
        (0.00049, 1, "<0.1%"),
        (0.0, 0, "0%"),
        (1.0, 0, "100%"),
        (0.12345, 2, "12.35%"),
        (float("nan"), 0, "-"),
        (None, 0, "-"),
        (pd.NA, 0, "-"),
        (np.float32(0.5), 0, "50%"),
    ],
)
def test_percent(share, digits, text):
    assert display.percent(share, digits) == text


@given(st.integers(min_value=0, max_value=10**6), st.integers(min_value=0, max_value=2))
def test_shares_of_whole_millionths_round_half_up_exactly(count, digits):
    exact = (Decimal(count) / 10**4).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    shown = display.percent(count / 10**6, digits)
    if not shown.startswith("<"):
        assert Decimal(shown.rstrip("%").replace(",", "")) == exact
    else:
        assert exact == 0 < count


def test_number_has_commas_a_true_minus_and_no_minus_zero():
    assert display.number(1234567.5) == "1,234,568"
    assert display.number(-2.345, 2) == "\N{MINUS SIGN}2.35"
    assert display.number(-0.001, 2) == "0.00"
    assert display.number(1e15) == "1,000,000,000,000,000"
    assert display.number(float("-inf")) == "\N{MINUS SIGN}∞"


@pytest.mark.parametrize("digits", [-1, 1.5, True, 99, "2"])
def test_decimals_are_a_small_whole_number(digits):
    with pytest.raises(ArgumentError, match="Give a whole number from 0 to 12"):
        display.number(1.0, digits)


def test_p_values():
    assert [display.p_value(p) for p in (0.05, 0.0005, 0.001, 0.9996, 1.0, float("nan"))] == [
        "0.050",
        "<0.001",
        "0.001",
        ">0.999",
        ">0.999",
        "-",
    ]
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        display.p_value(1.2)


def test_intervals_and_points():
    assert display.interval(0.175, 0.224) == "18% to 22%"
    assert display.interval(0.0001, 0.03) == "0% to 3%"
    assert display.points(0.034) == "+3"
    assert display.points(-0.0125, 1) == "\N{MINUS SIGN}1.3"
    assert display.points(0.001) == "0"


def test_margin_of_error_says_whether_it_holds_the_design_effect():
    assert display.margin_of_error(1000) == "±3.1 points (95% confidence, not including a design effect)"
    assert display.margin_of_error(1000, 1.44) == "±3.7 points (95% confidence, including a design effect of 1.44)"
    assert display.margin_of_error(400, level=0.9).startswith("±4.1 points (90% confidence")
    assert display.margin_of_error(0) == "-"
    with pytest.raises(ArgumentError, match="level=95 is not a confidence level"):
        display.margin_of_error(1000, level=95)
