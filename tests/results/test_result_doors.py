"""Every statistic goes through print, table and chart unchanged, in its own unit and with sensible digits."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit import estimation as verbs
from survey_kit.charts.drawing import Text
from survey_kit.codebook import Variable

RNG = np.random.default_rng(3)
N = 400
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, N).astype(float),
        "income": RNG.lognormal(13, 0.4, N),
        "loss": RNG.normal(-5, 1, N),
        "vote": RNG.choice(["Yes", "No", "Unsure"], N),
        "sex": RNG.choice(["Men", "Women"], N),
        "w": RNG.uniform(500, 2_000, N),
    }
)
LABELS = {"age": "Age in years", "income": "Income"}
TITLES = sk.Codebook({name: Variable(name, label=LABELS.get(name, "")) for name in FRAME})
POLL = sk.from_frame(FRAME, TITLES).with_design(weight="w")
REPLICATED = POLL.replicate("JK1")

SHARES = sk.proportion(POLL, "vote", by="sex")
RESULTS = {
    "mean": lambda: sk.mean(POLL, "age", by="sex"),
    "mean of one": lambda: sk.mean(POLL, "age"),
    "negative": lambda: sk.mean(POLL, "loss", by="sex"),
    "total": lambda: sk.total(POLL, "income", by="sex"),
    "proportion": lambda: sk.proportion(POLL, "vote"),
    "ratio": lambda: sk.ratio(POLL, "income", "age"),
    "median": lambda: verbs.median(POLL, "age", by="sex"),
    "quantiles": lambda: verbs.quantile(POLL, "age", [0.25, 0.5, 0.75]),
    "quantiles by": lambda: verbs.quantile(POLL, "age", [0.25, 0.75], by="sex"),
    "variance": lambda: verbs.variance(POLL, "age"),
    "sd": lambda: verbs.sd(POLL, "age", by="sex"),
    "covariance": lambda: verbs.covariance(POLL, ["age", "income"]),
    "correlation": lambda: verbs.correlation(POLL, ["age", "income", "loss"]),
    "correlation by": lambda: verbs.correlation(POLL, ["age", "income"], by="sex"),
    "count": lambda: verbs.count(POLL, "vote"),
    "share": lambda: verbs.share(POLL, "vote"),
    "cdf": lambda: verbs.cdf(POLL, "age", [30, 50, 70]),
    "gini": lambda: verbs.gini(POLL, "income", by="sex"),
    "statistic": lambda: verbs.statistic(REPLICATED, lambda w, d: float(np.average(d["age"], weights=w))),
    "difference of shares": lambda: SHARES.difference(sex=("Men", "Women")),
    "difference of means": lambda: sk.mean(POLL, "age", by="sex").difference(sex=("Men", "Women")),
    "ratio of shares": lambda: SHARES.ratio(sex=("Men", "Women")),
    "contrasts": lambda: sk.proportion(POLL, "vote").contrast({"lead": "Yes - No", "odds": "Yes / No"}),
    "effects": lambda: sk.margins(sk.glm(POLL, "age ~ C(sex)")),
}


def _texts(made) -> list[str]:
    return [m.text for m in made.drawing.marks if isinstance(m, Text)]


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_is_printed_laid_out_and_drawn(name):
    result = RESULTS[name]()
    table, chart = sk.table(result), sk.chart(result)
    assert all(cell.text != "nan" for row in table.rows for cell in row.cells)
    assert len(chart.data) >= len(result)
    assert len(repr(result)) > 100 and "<table>" in result._repr_html_()
    for label in result.keys["answer"].unique():
        if label:
            title = {"age": "Age in years", "income": "Income"}.get(label, label)
            assert title in repr(result) and escape(title) in result._repr_html_()
    html = table.to_html()
    assert "nan" not in html.lower().replace("unanswered", "")


@pytest.mark.parametrize(
    ("name", "unit", "heading"),
    [
        ("mean", "number", "Mean"),
        ("total", "number", "Total"),
        ("median", "number", "Median"),
        ("sd", "number", "SD"),
        ("correlation", "number", "Correlation"),
        ("gini", "number", "Gini"),
        ("count", "number", "Count"),
        ("proportion", "share", "%"),
        ("share", "share", "%"),
        ("cdf", "share", "%"),
        ("difference of shares", "points", "Points"),
        ("difference of means", "difference", "Difference"),
        ("ratio of shares", "number", "Ratio"),
    ],
)
def test_units_and_headings(name, unit, heading):
    result = RESULTS[name]()
    assert set(result.units) == {unit}
    assert heading in [c.label for c in sk.table(result).columns]
    assert heading in repr(result)


def test_quantiles_are_whole_where_the_data_are_and_stand_in_order():
    result = RESULTS["quantiles"]()
    rows = sk.table(result).frame()
    assert rows["row"].tolist() == ["Quantile 0.25", "Median", "Quantile 0.75"]
    assert rows["estimate"].tolist() == [f"{v:.0f}" for v in result.theta]
    low, high = result.confidence_interval()
    assert rows["ci"].tolist() == [f"{a:.0f} to {b:.0f}" for a, b in zip(low, high, strict=True)]
    assert _texts(sk.chart(result)).count("Median") == 1
    by = sk.table(RESULTS["quantiles by"]())
    both = ["Quantile 0.25", "Quantile 0.75"]
    assert [row.cells[0].text for row in by.rows] == ["Men", *both, "Women", *both]


def test_correlations_have_a_line_at_zero_and_name_both_variables():
    table = sk.table(RESULTS["correlation"]())
    assert table.columns[0].label == "With"
    assert table.rows[0].cells[0].text == "Age in years" and table.rows[1].cells[0].text == "Income"
    chart = sk.chart(RESULTS["correlation by"]())
    assert chart.subtitle == "Age in years with Income: correlation"
    assert "0.0" in _texts(chart) or "0" in _texts(chart) or "0.00" in _texts(chart)


def test_counts_have_commas_and_no_decimals():
    result = RESULTS["count"]()
    shown = [f"{v:,.0f}" for v in result.theta]
    assert [row.cells[1].text for row in sk.table(result).rows[:3]] == shown
    assert set(shown) <= set(_texts(sk.chart(result)))
    assert all(text in repr(result) for text in shown)


def test_points_and_differences_have_signs_in_every_place():
    for name, times, digits in (("difference of shares", 100, 1), ("difference of means", 1, 2)):
        result = RESULTS[name]()
        value = float(result.theta[0]) * times
        text = f"{abs(value):.{digits}f}"
        signed = ("+" if value > 0 else "\N{MINUS SIGN}") + text
        assert sk.table(result).rows[0].cells[1].text == signed
        assert signed in repr(result)


def test_mixed_units_are_said_in_the_cells():
    table = sk.table(RESULTS["contrasts"]())
    assert table.columns[1].label == "Contrast"
    lead, odds = (row.cells[1].text for row in table.rows)
    assert lead.endswith(" pts") and not odds.endswith(("pts", "%"))
    texts = _texts(sk.chart(RESULTS["contrasts"]()))
    assert any(t.endswith(" pts") for t in texts)


def test_percent_turns_units_and_back():
    contrasts = RESULTS["contrasts"]()
    turned = sk.table(contrasts, percent=True)
    assert turned.rows[1].cells[1].text.endswith("%") and turned.rows[0].cells[1].text.endswith(" pts")
    plain = sk.table(contrasts, percent=False)
    assert float(plain.rows[0].cells[1].text.replace("\N{MINUS SIGN}", "-")) == pytest.approx(
        contrasts.theta[0], abs=6e-4
    )


def test_a_ratio_of_totals_is_not_taken_for_that_of_a_model():
    assert sk.chart(RESULTS["ratio"]()).kind == "dots"
    fit = sk.glm(POLL.recode(men=sk.net("sex", ["Men"])), "men ~ age", family="binomial")
    assert sk.chart(fit).kind == "coefficients"
    assert sk.chart(fit.frame(exponentiate=True).query("variable != 'Intercept'")).kind == "coefficients"


def test_shares_of_a_total_are_bars_and_cumulated_ones_dots():
    assert sk.chart(RESULTS["share"]()).kind == "topline"
    assert sk.chart(RESULTS["cdf"]()).kind == "dots"
    assert any("margin of error" in line for line in sk.chart(RESULTS["cdf"]()).caption)


def test_one_number_is_labelled():
    assert "Age in years" in _texts(sk.chart(RESULTS["mean of one"]()))


def test_what_all_groups_share_stands_above_them():
    by = sk.mean(POLL, "age", by=["vote", "sex"]).difference(sex=("Men", "Women"))
    table = sk.table(by)
    assert [row.cells[0].text for row in table.rows] == ["Men - Women", "No", "Unsure", "Yes"]
    assert table.columns[0].label == "Vote"
    assert sk.chart(by).data["group"].tolist() == ["No", "Unsure", "Yes"]


def test_all_answers_of_one_difference_are_drawn():
    made = sk.chart(RESULTS["difference of shares"]())
    assert made.data["group"].tolist() == ["No", "Unsure", "Yes"]
    assert set(made.data["grouping"]) == {"Men - Women"}
