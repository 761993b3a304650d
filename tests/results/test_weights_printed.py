"""Weights in a terminal and in a notebook: what is said, how it is set, and that labels of strangers do no harm."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from support.weights import targets_of, weights_by_hand, with_number

import survey_kit as sk
from survey_kit.results.letters import cells
from survey_kit.results.weights_summary import amount, are_numbers, in_own_units
from survey_kit.schema import Notice

SEX = [("sex", "Men", 0.6, 0.48, 0.48), ("sex", "Women", 0.4, 0.52, 0.52)]
OFF = [("age", "18-29", 0.30, 0.25, 0.2512), ("age", "30+", 0.70, 0.75, 0.7488)]
HOSTILE = "<script>alert(1)</script>"


class _Page(HTMLParser):
    """Names of the elements and the texts of a piece of HTML; every element must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def test_one_screen_in_a_terminal():
    weights = weights_by_hand(SEX, [0.8] * 60 + [1.3] * 40, max_gap=3.9e-14, notices=(Notice("own", "A note."),))
    assert repr(weights) == (
        "Weights by rake: 100 rows, converged, ipf (4 iterations), largest gap 3.9e−14\n"
        "\n"
        "Step    n  Sum   Min   Max  Deff  Effective n  Largest gap\n"
        "──────────────────────────────────────────────────────────\n"
        "base  100  100  1.00  1.00  1.00          100            -\n"
        "rake  100  100  0.80  1.30  1.06           94      0.0 pts\n"
        "\n"
        "Weights   min 0.80, 5% below 0.80, median 0.80, mean 1.00, 5% above 1.30, max 1.30; max/min 1.63\n"
        "Cost      design effect 1.06: 100 respondents count as 94 (94%); margins of error × 1.03\n"
        "Heaviest  one respondent holds 1.30% of the total weight, the top 1% hold 1.3%\n"
        "\n"
        "           n  Before, %  Target, %  After, %  Gap, points\n"
        "─────────────────────────────────────────────────────────\n"
        "sex\n"
        "  Men    100       60.0       48.0      48.0          0.0\n"
        "  Women  100       40.0       52.0      52.0          0.0\n"
        "\n"
        "note: A note."
    )


def test_the_worst_gap_is_marked_and_has_the_decimals_that_it_needs():
    weights = weights_by_hand([*SEX, *OFF], converged=False)
    lines = repr(weights).splitlines()
    assert lines[0].endswith("NOT converged, ipf (4 iterations), largest gap 0.1 points")
    marked = [line.split() for line in lines if line.endswith("← worst")]
    assert marked == [["18-29", "100", "30.0", "25.0", "25.1", "+0.1", "←", "worst"]]
    assert weights_by_hand(SEX)._repr_html_().count("worst") == 0
    small = weights_by_hand([("age", "18-29", 0.3, 0.25, 0.25 + 3e-6), OFF[1]])
    assert "+0.0003" in repr(replace(small, targets=small.targets.iloc[:1]))


def test_the_chain_says_what_each_step_cost():
    first = weights_by_hand((), [2.0, 2.0, 4.0, 0.0], method="nonresponse", solver="closed form", iterations=0)
    second = weights_by_hand(SEX, [1.0, 3.0, 4.0, 0.0], before=first)
    lines = repr(second).splitlines()
    assert [line.split()[0] for line in lines[4:7]] == ["base", "nonresponse", "rake"]
    assert [line.split()[5] for line in lines[4:7]] == ["1.00", "1.13", "1.22"]
    assert "Left out  of these figures, rows: 1 of weight zero" in lines
    assert repr(first).splitlines()[0] == "Weights by nonresponse: 4 rows, closed form"


def test_limits_factors_and_merged_cells_are_stated():
    factors = pd.DataFrame({"class": ["north", "south"], "n": [50, 50], "factor": [1.25, 2.0]})
    merged = pd.DataFrame(
        {
            "variable": "age",
            "category": ["18-24", "25-29"],
            "into": "18-29",
            "n": [4, 31],
            "why": ["fewer than 20 rows", "its neighbour was small"],
        }
    )
    told = (Notice("collapsed", "'age': 2 categories were merged into 1."), Notice("trimmed", "Trimmed."))
    weights = weights_by_hand(
        SEX,
        [0.4, 0.4, 2.5, -0.1],
        lower=0.4,
        upper=2.5,
        factors=factors,
        collapsed=merged,
        details={"response_rate": 0.625, "bounds": (0.5, np.inf), "at_low": 1, "at_high": 0},
        titles={"age": "Age of respondent"},
        notices=told,
    )
    text = repr(weights)
    assert "Limits    lower 0.40 (2 rows there), upper 2.50 (1 row there), factor 0.50 (1 row there)" in text
    assert "Factors   2 classes, factors from 1.25 (north) to 2.00 (south); response rate 62.5%" in text
    assert "Merged    Age of respondent: 18-24 (n 4) + 25-29 (n 31) into 18-29 (fewer than 20 rows)" in text
    assert "Negative  rows: 1" in text
    assert [line for line in text.splitlines() if line.startswith("note")] == ["note: Trimmed."]


def test_numbers_have_units_of_their_own():
    table = with_number(targets_of(SEX), "age", "mean", 41.25, 42.0, 42.0)
    table = with_number(table, "debt", "total", -300.0, 0.0, -3.0).iloc[[2, 0, 1, 3]]
    weights = weights_by_hand(table)
    assert are_numbers(weights.targets).tolist() == [True, False, False, True]
    own = in_own_units(weights.targets)
    assert own["variable"].tolist() == ["sex", "sex", "age", "debt"]
    assert own["shown_before"].tolist() == pytest.approx([0.6, 0.4, 41.25, -300.0])
    assert own["shown_after"].tolist() == pytest.approx([0.48, 0.52, 42.0, -3.0])
    lines = [line.split() for line in repr(weights).splitlines()]
    assert ["Men", "100", "60.0%", "48.0%", "48.0%", "0.0", "pts"] in lines
    assert ["age,", "mean", "200", "41.25", "42.00", "42.00", "0.0%"] in lines
    assert ["debt,", "total", "200", "−300.0", "0", "−3.000", "−100.0%", "←", "worst"] in lines


def test_a_category_named_like_a_number_stays_a_category():
    assert not are_numbers(targets_of([("row", "total", 0.5, 0.4, 0.4), ("row", "mean", 0.5, 0.6, 0.6)])).any()
    table = targets_of([("row", "total", 0.5, 0.4, 0.4), ("row", "mean", 0.5, 0.6, 0.6)])
    assert not are_numbers(table.assign(achieved=1.0)).any()


def test_of_many_categories_the_worst_are_shown():
    rows = [("place", f"p{i:03d}", 0.01, 0.01, 0.01) for i in range(120)]
    rows[7] = ("place", "p007", 0.01, 0.01, 0.03)
    rows[90] = ("place", "p090", 0.05, 0.01, 0.01)
    text, html = repr(weights_by_hand(rows)), weights_by_hand(rows)._repr_html_()
    assert "p007" in text
    assert "p090" in text
    assert sum(line.startswith("  p") for line in text.splitlines()) == 30
    assert "⋯ 90 more categories, less far off: gaps of at most 0.0 points; .targets has all 120" in text
    assert "80 more categories" in html


@pytest.mark.parametrize("label", ["Затрудняюсь ответить " * 9, "投票意向" * 30, "x" * 500, "a\nb\u202ec\x1b[31m"])
def test_lines_fit_and_hold_one_line_of_text_each(label):
    rows = [(label, label, 0.6, 0.48, 0.5), (label, "b", 0.4, 0.52, 0.5)]
    weights = weights_by_hand(rows, titles={label: label}, notices=(Notice("x", label),))
    lines = repr(weights).splitlines()
    assert max(map(cells, lines)) <= 100
    assert not set("\u202e\x1b") & set(repr(weights))


def test_labels_are_only_text_in_a_notebook():
    merged = pd.DataFrame({"variable": HOSTILE, "category": [HOSTILE] * 2, "into": HOSTILE, "n": 1, "why": HOSTILE})
    factors = pd.DataFrame({"class": [HOSTILE, HOSTILE], "factor": [1.0, 2.0]})
    rows = [(HOSTILE, HOSTILE, 0.6, 0.48, 0.5), (HOSTILE, "b", 0.4, 0.52, 0.5)]
    weights = weights_by_hand(
        rows,
        method=HOSTILE,
        solver=HOSTILE,
        titles={HOSTILE: HOSTILE},
        notices=(Notice("x", HOSTILE),),
        collapsed=merged,
        factors=factors,
    )
    page = _Page(weights._repr_html_())
    assert page.names == {"div", "style", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.texts.count(HOSTILE) == 4  # step, heading, category, note
    assert "http" not in weights._repr_html_()


def test_the_notebook_says_what_the_terminal_says():
    weights = weights_by_hand([*SEX, *OFF], lower=0.5)
    page = _Page(weights._repr_html_())
    for text in ("sex", "Men", "48.0", "Limits", "lower 0.50 (1 row there)", "← worst", "Effective n"):
        assert text in page.texts
    assert "#" not in weights._repr_html_().split("</style>")[1], "colours come from the page"


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1e-41, 1.0], [1e20, 1.0], [-1.0, -2.0], [5.0]])
def test_odd_weights_can_be_shown(values):
    weights = weights_by_hand((), values)
    assert repr(weights).startswith(f"Weights by rake: {len(values)} rows")
    _Page(weights._repr_html_())


def test_gaps_that_do_not_exist_can_be_shown():
    weights = weights_by_hand(
        [("q", "a", np.nan, 0.5, np.nan), ("q", "b", 0.5, 0.5, 0.5)], max_gap=np.inf, converged=False
    )
    assert "largest gap inf" in repr(weights)
    assert next(line for line in repr(weights).splitlines() if "worst" in line).split()[:5] == [
        "a",
        "100",
        "-",
        "50.0",
        "-",
    ]


def test_amounts():
    assert [amount(v) for v in (0.0, 1.0, 12.34, 123456.0, 0.00012, np.nan, np.inf, 1e-9, 1e15)] == [
        "0", "1.00", "12.3", "123,456", "0.00012", "-", "∞", "1.0e−09", "1.0e+15",
    ]  # fmt: skip


def test_summary_has_quantiles_and_shares():
    values = [*np.arange(1, 101), 0.0]
    found = weights_by_hand(SEX, values).summary()
    assert list(found.index) == [
        "n", "sum", "mean", "min", "p5", "p25", "median", "p75", "p95", "max", "max_to_min", "cv", "deff", "n_eff",
        "efficiency", "moe_factor", "largest_share", "top_1_percent", "iterations", "max_gap", "worst_margin",
    ]  # fmt: skip
    # R: w <- 1:100; quantile(w, c(.05,.25,.5,.75,.95)); 100*sum(w^2)/sum(w)^2
    assert [found[k] for k in ("p5", "p25", "median", "p75", "p95")] == pytest.approx([5.95, 25.75, 50.5, 75.25, 95.05])
    assert found["deff"] == pytest.approx(1.32673267326733)
    assert found["mean"] == 50.5
    assert found["efficiency"] == pytest.approx(1 / found["deff"])
    assert found["largest_share"] == pytest.approx(100 / 5050)
    assert found["iterations"] == 4


def test_verbs_print():
    frame = pd.DataFrame({"sex": ["m"] * 6 + ["f"] * 4, "age": [20.0, 30, 40, 50, 60] * 2})
    raked = sk.rake(frame, {"sex": {"m": 0.5, "f": 0.5}})
    assert "  m  6       60.0       50.0      50.0          0.0" in repr(raked)
    calibrated = sk.calibrate(frame, {"sex": {"m": 0.5, "f": 0.5}, "age": {"mean": 41.0}})
    assert "  age, mean  10   40.00   41.00  41.00     0.0%" in repr(calibrated)


def test_negative_weights_count_in_the_design_effect():
    weights = weights_by_hand(SEX, [2.0, 2.0, -1.0, 1.0])
    assert weights.deff == pytest.approx(4 * 10 / 16)  # n sum(w^2) / (sum w)^2
    assert weights.n_eff == pytest.approx(1.6)
    assert np.isnan(weights.summary()["max_to_min"])


def test_a_record_is_no_column_and_cannot_be_written_to():
    frame = pd.DataFrame({"sex": ["m"] * 6 + ["f"] * 4})
    weights = sk.rake(frame, {"sex": {"m": 0.5, "f": 0.5}})
    assert len(weights) == 10
    for use in (lambda: frame.assign(w=weights), lambda: np.asarray(weights), lambda: list(weights)):
        with pytest.raises(sk.errors.ArgumentError, match=r"Weights are a record, not a column\. .* w\.values"):
            use()
    changed = weights.values
    changed.iloc[0] = 99.0
    table = weights.targets
    table.loc[0, "target"] = 99.0
    assert weights.values.sum() == pytest.approx(10)
    assert weights.targets.loc[0, "target"] == 5.0
    frame["w"] = weights.values
    frame.loc[0, "w"] = 7.0
    assert weights.values.iloc[0] < 1


def test_what_follows_weights_that_missed_their_targets_says_so():
    frame = pd.DataFrame({"sex": ["m"] * 6 + ["f"] * 4, "age": ["a"] * 3 + ["b"] * 7})
    with pytest.raises(sk.errors.ConvergenceError) as caught:
        sk.rake(frame, {"sex": {"m": 0.1, "f": 0.9}}, upper=1.2)
    later = sk.normalize(caught.value.unfinished)
    assert not later.converged
    assert any("(rake) missed their targets, by up to" in n.text for n in later.notices)


def test_a_later_step_says_how_far_it_moved_the_targets_of_an_earlier_one():
    random = np.random.default_rng(4)
    frame = pd.DataFrame({"sex": random.choice(["m", "f"], 90), "age": random.choice(["a", "b"], 90)})
    frame.loc[frame["sex"] == "m", "age"] = "a"
    first = sk.poststratify(frame, {"m": 0.3, "f": 0.7}, by="sex")
    later = sk.rake(frame, {"age": {"a": 0.5, "b": 0.5}}, base=first)
    (told,) = (n.text for n in later.notices if n.kind == "margins_moved")
    assert "sex: f from 70.00% to" in told or "sex: m from 30.00% to" in told
    again = sk.rake(frame, {"age": {"a": 0.5, "b": 0.5}, "sex": {"m": 0.3, "f": 0.7}}, base=first)
    assert not [n for n in again.notices if n.kind == "margins_moved"]
