"""One number reads the same in a terminal, a table and a chart; limits are kept apart until they are set."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.charts.drawing import Text
from survey_kit.results.display import ends, interval
from survey_kit.results.listing import Line, listing_of
from survey_kit.results.statistics import DIGITS, PERCENT, PERCENT_DRAWN, heading, places
from survey_kit.results.units import column_heading

RNG = np.random.default_rng(5)
N = 400
FRAME = pd.DataFrame(
    {
        "vote": RNG.choice(["Yes to it", "No to it"], N),
        "g": RNG.choice(["a", "b"], N),
        "age": RNG.integers(18, 90, N).astype(float),
        "income": RNG.lognormal(13, 0.4, N),
        "trust": RNG.integers(1, 6, N).astype(float),
        "small": RNG.normal(0.004, 0.002, N),
        "k": RNG.poisson(2, N).astype(float),
        "w": RNG.uniform(0.5, 2, N),
    }
)
POLL = sk.from_frame(FRAME).with_design(weight="w")
BY = sk.mean(POLL, ["age", "income", "trust", "small"], by="g")
MADE = {
    "means": sk.mean(POLL, ["age", "income", "trust", "small"]),
    "totals": sk.total(POLL, "k", by="g"),
    "small totals": sk.total(POLL, "small", by="g"),
    "counts": sk.count(POLL, "g"),
    "ratios": sk.ratio(POLL, "income", "age", by="g"),
    "quotients": BY.take(np.flatnonzero(BY.keys["variable"] == "trust")).ratio(g=("a", "b")),
    "differences": BY.take(np.flatnonzero(BY.keys["variable"] == "trust")).difference(g=("a", "b")),
    "contrasts": sk.mean(POLL, "age", by="g").contrast({"sum": "a + b", "odd": "a / b"}),
    "correlations": sk.correlation(POLL, ["age", "income", "trust"]),
    "gini": sk.gini(POLL, "income"),
    "quantiles": sk.quantile(POLL, "age", [0.25, 0.5], by="g"),
    "quantiles of small": sk.quantile(POLL, "small", [0.25, 0.5]),
    "effects": sk.margins(sk.glm(POLL, "k ~ age + g", family="poisson")),
}


def _texts(chart) -> list[str]:
    return [m.text for m in chart.drawing.marks if isinstance(m, Text)]


@pytest.mark.parametrize("name", MADE)
def test_an_estimate_has_one_text(name):
    made = MADE[name]
    printed = [line.numbers[0] for line in listing_of(made, 99).rows]
    limits = [" to ".join(line.limits) for line in listing_of(made, 99).rows]
    cells = [cell for row in sk.table(made).rows if row.kind == "body" for cell in row.cells[1:]]
    assert sorted(printed) == sorted(c.text for c in cells if c.value in set(made.theta))
    assert sorted(limits) == sorted(c.text for c in cells if c.limits is not None)
    drawn = _texts(sk.chart(made))
    assert [text for text in printed if text not in drawn] == []


def test_a_coefficient_has_one_text_in_tables_charts_and_print():
    fit = sk.glm(POLL, "k ~ age + g", family="poisson")
    for ratios in (True, False):
        table = sk.table(fit, exponentiate=ratios)
        cells = {row.cells[1].text for row in table.rows if row.cells[1].value is not None}
        drawn = set(_texts(sk.chart(fit, exponentiate=ratios)))
        wanted = fit.frame(exponentiate=ratios)
        assert len(cells & drawn) >= len(wanted) - 1  # the intercept is not drawn
    printed = {line.numbers[0] for line in listing_of(fit.coef, 99).rows}
    assert printed <= {row.cells[1].text for row in table.rows}


def test_percentages_are_whole_in_charts_and_have_a_decimal_elsewhere():
    shares = sk.proportion(POLL, "vote")
    printed = [line.numbers[0] for line in listing_of(shares, 9).rows]
    assert [c.text for row in sk.table(shares).rows[:2] for c in row.cells[1:2]] == printed
    assert all(re.fullmatch(r"\d\d\.\d", text) for text in printed)
    assert [t for t in _texts(sk.chart(shares, kind="dots")) if t == f"{round(100 * shares.theta[0])}%"]
    assert (PERCENT, PERCENT_DRAWN) == (1, 0)


def test_decimals_do_not_depend_on_the_rows_that_are_hidden():
    frame = pd.DataFrame({"x": np.repeat(np.r_[np.full(60, 3.25), 44444.5], 2), "g": np.repeat(np.arange(61), 2)})
    frame.loc[::2, "x"] += 1
    made = sk.mean(sk.from_frame(frame), "x", by="g").take(np.r_[0:30, 60, 30:60])
    cut, whole = listing_of(made, 40), listing_of(made, 99)
    assert cut.hidden == 21 and cut.rows[0].numbers == whole.rows[0].numbers


@pytest.mark.parametrize(
    ("statistic", "estimates", "errors", "digits"),
    [
        ("mean", [3.417], [0.031], 2),  # the usual decimals
        ("mean", [44.37, 52.1], [0.5, 0.5], 2),
        ("mean", [442413.3], [6512.0], 0),  # a large number has fewer
        ("mean", [0.0042], [0.00021], 5),  # a small one more
        ("mean", [0.03], [0.5], 2),  # but not more than its error bears
        ("mean", [0.054], [0.012], 4),
        ("total", [6194000.0], [20000.0], 0),
        ("total", [152.3], [12.0], 0),
        ("total", [0.43], [0.02], 3),
        ("total", [12.0], [1.5], 0),
        ("count", [45.0, 12.0], [5.2, 3.1], 0),
        ("ratio", [0.482], [0.013], 3),
        ("correlation", [0.05], [0.04], 3),
        ("quantile 0.25", [36.0], [2.3], 0),
        ("median", [36.5], [2.3], 2),
        ("sd", [12.345], [0.2], 2),  # without usual decimals: by size
        ("mean", [np.nan], [np.nan], 0),
    ],
)
def test_decimals_of_a_statistic(statistic, estimates, errors, digits):
    frame = pd.DataFrame({"variable": "x", "statistic": statistic, "estimate": estimates, "se": errors})
    assert places(frame).tolist() == [digits] * len(frame)


def test_variables_have_decimals_of_their_own_and_unitless_statistics_share_them():
    keys = {"variable": ["x", "y"], "se": [0.01, 0.0001]}
    assert places(pd.DataFrame({**keys, "statistic": "mean", "estimate": [3.4, 0.002]})).tolist() == [2, 5]
    assert places(pd.DataFrame({**keys, "statistic": "gini", "estimate": [0.4, 0.002]})).tolist() == [3, 3]
    assert places(pd.DataFrame({"variable": [], "statistic": [], "estimate": []})).tolist() == []


@given(st.sampled_from(sorted(DIGITS)), st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4))
def test_decimals_are_a_small_number_whatever_the_estimates(statistic, estimates):
    frame = pd.DataFrame({"variable": "x", "statistic": statistic, "estimate": estimates, "se": 1.0})
    assert all(0 <= d <= 12 for d in places(frame))


# --- headings and notes ------------------------------------------------------------------------------------------------


def test_ratios_of_groups_are_quotients_headed_ratio():
    made = MADE["quotients"]
    assert made.keys["statistic"].tolist() == ["quotient"] and heading("quotient") == "Ratio"
    assert MADE["ratios"].keys["statistic"].unique().tolist() == ["ratio"]
    lines = repr(made).splitlines()
    assert lines[2].split()[0] == "Ratio" and "n: the smallest base that is used." in lines
    table = sk.table(sk.proportion(POLL, "vote", by="g").ratio(g=("a", "b")))
    assert table.columns[1].label == "Ratio"
    assert "Smaller unweighted base (n)" in [row.cells[0].text for row in table.rows]
    assert "n: the smallest base that is used." not in repr(MADE["ratios"]).splitlines()
    assert sk.chart(made).kind == "dots"


def test_ratios_of_coefficients_are_drawn_as_a_model_and_others_are_not():
    fit = sk.glm(POLL, "k ~ age + g", family="poisson")
    frame = fit.frame(exponentiate=True)
    assert set(frame["statistic"]) == {"mean ratio"}
    assert sk.chart(frame.drop(columns="term")).kind == "coefficients"
    assert sk.chart(fit).subtitle == "Mean ratios. Outcome: k"
    assert sk.table(fit).columns[1].label == "Mean ratio"
    assert sk.chart(MADE["ratios"].frame()).kind == "dots"


def test_headings_are_those_of_the_unit_or_of_the_statistic():
    assert column_heading(["difference"], ["points", "points"]) == "Points"
    assert column_heading(["mean", "total"], ["number", "number"]) == "Estimate"
    assert column_heading(["contrast"], ["share", "points"]) == "Contrast"
    for name in ("totals", "counts", "ratios", "quotients", "differences", "correlations", "gini", "effects"):
        assert listing_of(MADE[name], 9).figures[0] in [c.label for c in sk.table(MADE[name]).columns], name


# --- limits ---------------------------------------------------------------------------------------------------------


def test_limits_are_apart_and_labels_that_hold_to_stay_whole():
    shares = sk.proportion(POLL, "vote")
    listing = listing_of(shares, 9)
    assert all(isinstance(line, Line) for line in listing.rows)
    low, high = listing.rows[0].limits
    assert listing.figures_of(listing.rows[0])[2] == f"{low} to {high}"
    assert "No to it" in repr(shares) and "Yes to it" in shares._repr_html_()


def test_limits_stand_under_each_other_in_text_and_page():
    frame = pd.DataFrame({"x": np.r_[RNG.normal(5, 1, 40), RNG.normal(1500, 900, 40)], "g": ["a"] * 40 + ["b"] * 40})
    made = sk.total(sk.from_frame(frame), "x", by="g")
    listing = listing_of(made, 9)
    first, second = (listing.figures_of(line)[2] for line in listing.rows)
    assert len(first) == len(second) and first.index(" to ") == second.index(" to ") and first.startswith("  ")
    padded = listing.figures_of(listing.rows[0], "\N{FIGURE SPACE}")[2]
    assert padded in made._repr_html_() and padded.replace("\N{FIGURE SPACE}", " ") == first


def test_no_limits_are_a_dash():
    one = sk.mean(
        sk.from_frame(pd.DataFrame({"x": [1.0, 2, 3], "g": list("aab"), "w": [1, 1, 0]})).with_design("w"), "x", by="g"
    )
    listing = listing_of(one, 9)
    assert listing.rows[1].limits is None and listing.figures_of(listing.rows[1])[2] == "-"


def test_ends_are_the_interval_apart():
    assert ends(0.175, 0.224) == ("18", "22") and interval(0.175, 0.224) == "18% to 22%"
    assert ends(-1.25, 0.5, 1, percent=False) == ("\u22121.3", "0.5")
    assert ends(None, 0.5) is None and interval(None, 0.5) == "-"
