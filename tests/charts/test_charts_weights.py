"""Charts of weights: distances from the targets, shares that moved, and the distribution of the weights."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from support.weights import targets_of, weights_by_hand, with_number

from survey_kit.charts import chart
from survey_kit.charts.drawing import Box, Dot, Line, Text
from survey_kit.charts.palette import ACCENT, ACCENT_SOFT, INK, WARNING
from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice

KINDS = ("love", "moved", "weights")
SEX = [("sex", "Men", 0.6, 0.48, 0.48), ("sex", "Women", 0.4, 0.52, 0.52)]
OFF = [("area", "North", 0.02, 0.05, 0.04), ("area", "South", 0.98, 0.95, 0.96)]
KAZAKH = "Келушілер жергілікті тұрғындардың жұмыс орындарын алады дегенге мүлдем қосылмаймын"
SCRIPT = "<script>alert(1)</script>"
RNG = np.random.default_rng(3)


def labelled(label: str) -> Weights:
    rows = [(label, label, 0.6, 0.48, 0.5), (label, "b", 0.4, 0.52, 0.5)]
    return weights_by_hand(rows, RNG.uniform(0.5, 2, 300), titles={label: label}, notices=(Notice("x", label),))


def many(count: int) -> Weights:
    rows = [(f"v{i // 10}", f"Category {i}", 0.1 + 0.001 * i, 0.1, 0.1) for i in range(count)]
    return weights_by_hand(rows, RNG.uniform(0.5, 2, 300))


SETS = {
    "two margins": weights_by_hand([*SEX, *OFF], RNG.uniform(0.4, 2.5, 500)),
    "sixty categories": many(60),
    "Kazakh": labelled(KAZAKH),
    "long words": labelled("x" * 400),
    "zeros": weights_by_hand(SEX, [0.0] * 40 + [1.0] * 30 + [1.5] * 30),
    "limits": weights_by_hand(SEX, np.clip(RNG.lognormal(0, 0.6, 400), 0.5, 2.5), lower=0.5, upper=2.5),
    "limits near the mean": weights_by_hand(SEX, [0.98] * 50 + [1.02] * 50, lower=0.98, upper=1.02),
    "equal": weights_by_hand(SEX, np.full(80, 3.0)),
    "negative": weights_by_hand(SEX, [-0.5] * 30 + [1.2] * 70),
    "far apart": weights_by_hand(SEX, RNG.lognormal(0, 1.6, 500)),
    "out of hand": weights_by_hand(SEX, [1e-40] * 20 + [1.0] * 9 + [500.0]),
    "one row": weights_by_hand(SEX, [7.0]),
    "numbers": weights_by_hand(with_number(targets_of(SEX), "age", "mean", 41.25, 42.0, 42.0), RNG.uniform(0.5, 2, 90)),
    "missing": weights_by_hand([("q", "a", np.nan, 0.5, np.nan), ("q", "b", 0.5, 0.5, 0.5)]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("inches", [3.9, 7.2])
def test_nothing_overlaps_or_leaves_the_page(boxes, overlaps, kind, name, inches):
    made = chart(SETS[name], kind=kind, title="A finding").at_width(inches)
    assert made.kind == kind
    assert overlaps(made) == []
    page = made.drawing
    for text, left, top, right, bottom in boxes(made):
        assert left >= -0.5, text
        assert right <= page.width + 0.5, text
        assert top >= -0.5, text
        assert bottom <= page.height + 0.5, text
    for mark in page.marks:
        if isinstance(mark, Box):
            assert mark.width >= 0
            assert mark.height >= 0
            assert mark.x + mark.width <= page.width + 0.5
        if isinstance(mark, (Dot, Line)):
            xs = (mark.x,) if isinstance(mark, Dot) else (mark.x1, mark.x2)
            assert all(0 <= x <= page.width for x in xs)


@pytest.mark.parametrize("kind", KINDS)
def test_same_bytes_and_wellformed(kind):
    made = chart(SETS["limits"], kind=kind)
    assert made.svg() == chart(SETS["limits"], kind=kind).svg()
    assert ElementTree.fromstring(made.svg()).get("role") == "img"
    assert made.png(40)[:4] == b"\x89PNG"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [SCRIPT, "a\nb\u202ec", "$x^{2$ \\frac", "&amp; <b>", "", "=cmd()"])
def test_texts_that_mean_harm_are_only_text(overlaps, kind, label):
    made = chart(labelled(label), kind=kind, title=label)
    ElementTree.fromstring(made.svg())
    assert "<script" not in made.svg()
    assert not {"\n", "\u202e"} & set(made.alt)
    assert overlaps(made) == []


# --- which kind --------------------------------------------------------------------------------------------------------


def test_weights_are_a_love_plot_unless_there_is_nothing_to_meet():
    assert chart(SETS["two margins"]).kind == "love"
    assert chart(weights_by_hand((), [1.0, 2.0])).kind == "weights"
    with pytest.raises(ArgumentError, match="cannot be drawn as 'love'. It can be: weights"):
        chart(weights_by_hand((), [1.0, 2.0]), kind="love")
    with pytest.raises(ArgumentError, match="cannot be drawn as 'dots'. It can be: love, moved, weights"):
        chart(SETS["zeros"], kind="dots")


def test_options_without_a_meaning_are_refused():
    with pytest.raises(UnsupportedOption, match="titles= has no meaning for a weights chart. It has no options"):
        chart(SETS["zeros"], kind="weights", titles={})
    with pytest.raises(UnsupportedOption, match="sort= has no meaning for a moved chart. Its options: titles"):
        chart(SETS["zeros"], kind="moved", sort=True)


# --- moved -------------------------------------------------------------------------------------------------------------


def test_a_line_goes_from_the_share_before_to_the_share_after(texts):
    made = chart(SETS["two margins"], kind="moved")
    before, after = (
        [d.x for d in made.drawing.marks if isinstance(d, Dot) and d.hollow == hollow][1:] for hollow in (True, False)
    )
    ticks = [m.x1 for m in made.drawing.marks if isinstance(m, Line) and m.colour == INK][1:]
    shares = np.concatenate([made.data[c] for c in ("base_share", "achieved_share", "target_share")])
    slope, zero = np.polyfit(shares, [*before, *after, *ticks], 1)
    np.testing.assert_allclose(slope * shares + zero, [*before, *after, *ticks], atol=1e-6)
    written = [t for t in texts(made) if t.text in ("60.0%", "48.0%", "40.4%")]
    assert {(t.text, t.bold) for t in written} >= {("60.0%", False), ("48.0%", True)}


def test_targets_have_a_column_only_where_they_are_not_met(texts):
    headings = [
        [t.text for t in texts(chart(SETS[name], kind="moved"))].count("target") for name in ("zeros", "two margins")
    ]
    assert headings == [1, 2], "the key, and the heading of the column"


def test_moved_says_its_numbers_in_words():
    assert chart(SETS["two margins"], kind="moved", titles={"area": "Part of the country"}).alt == (
        "Dot plot of 4 categories before and after weighting. sex, Men: 60.0% to 48.0%, target 48.0%; Women: 40.0% to 52.0%, "
        "target 52.0%; Part of the country, North: 2.0% to 4.0%, target 5.0%; South: 98.0% to 96.0%, target 95.0%."
    )


def test_numbers_are_written_where_shares_are_drawn(texts):
    made = chart(SETS["numbers"], kind="moved")
    printed = [t.text for t in texts(made)]
    assert {"Means and totals", "age, mean", "41.25 → 42.00", "42.00"} <= set(printed)
    only = weights_by_hand(with_number(targets_of([]), "age", "mean", 41.25, 42.0, 42.0))
    with pytest.raises(ArgumentError, match='means and totals, which have no shares to move. Say kind="love"'):
        chart(only, kind="moved")


# --- love --------------------------------------------------------------------------------------------------------------


def test_love_draws_numbers_in_percent_of_their_target(texts):
    made = chart(SETS["numbers"])
    assert made.data["before"].tolist() == pytest.approx([0.12, -0.12, -0.75 / 42])
    printed = [t.text for t in texts(made)]
    assert {"Means and totals, % from the target", "age, mean", "42.00", "48.0%"} <= set(printed)
    only = chart(weights_by_hand(with_number(targets_of([]), "age", "mean", 41.25, 42.0, 42.0)))
    assert "Furthest before: age, mean, −1.8 percent" in only.alt


def test_of_many_categories_the_furthest_are_drawn():
    for kind in ("love", "moved"):
        made = chart(many(90), kind=kind)
        assert made.data["category"].tolist() == [f"Category {i}" for i in range(30, 90)]
        assert "The 60 of 90 categories that were furthest from their targets." in made.caption


# --- distribution ------------------------------------------------------------------------------------------------------


def bars(made, colour) -> list[Box]:
    return [m for m in made.drawing.marks if isinstance(m, Box) and m.colour == colour]


@pytest.mark.parametrize("name", SETS)
def test_every_weight_is_in_one_bar(name):
    made = chart(SETS[name], kind="weights")
    counts = np.sort(made.data.loc[made.data["n"] > 0, "n"])
    assert counts.sum() == (SETS[name].values != 0).sum()
    heights = np.sort([b.height for b in (*bars(made, ACCENT_SOFT), *bars(made, WARNING))])
    np.testing.assert_allclose(heights / heights[-1], counts / counts[-1])


def test_rows_at_the_limits_stand_inside_them_and_are_counted(texts):
    weights = SETS["limits"]
    made = chart(weights, kind="weights")
    mean = weights.values.mean()
    held = made.data[made.data["at_limit"] > 0]
    assert held["at_limit"].tolist() == [weights.at_lower, weights.at_upper]
    assert held["low"].iloc[0] <= 0.5 / mean <= held["high"].iloc[0]
    assert held["low"].iloc[1] <= 2.5 / mean <= held["high"].iloc[1] + 1e-9
    assert len(bars(made, ACCENT)) == 2
    printed = [t.text for t in texts(made)]
    assert f"limit {2.5 / mean:.2f}: n = {weights.at_upper}" in printed
    assert "mean" in printed


def test_the_mean_is_marked_where_it_is():
    made = chart(weights_by_hand((), [0.5, 0.5, 1.0, 2.0]), kind="weights")  # multiples 0.5, 0.5, 1, 2 of the mean 1
    (mean,) = [m for m in made.drawing.marks if isinstance(m, Line) and m.dashed]
    one = next(t for t in made.drawing.marks if isinstance(t, Text) and t.text == "1.0")
    assert mean.x1 == pytest.approx(one.x)


def test_the_axis_is_logarithmic_where_weights_are_far_apart():
    far, near = chart(SETS["far apart"], kind="weights"), chart(SETS["limits"], kind="weights")
    assert far.subtitle.endswith(", on a logarithmic axis")
    np.testing.assert_allclose(np.diff(np.log(far.data["low"])), np.log(far.data["high"] / far.data["low"]).iloc[0])
    assert "logarithmic" not in near.subtitle
    np.testing.assert_allclose(np.diff(near.data["low"]), near.data["high"].iloc[0] - near.data["low"].iloc[0])
    assert "Weights below" in " ".join(chart(SETS["out of hand"], kind="weights").caption)


def test_negative_weights_have_their_own_colour(texts):
    made = chart(SETS["negative"], kind="weights")
    assert len(bars(made, WARNING)) == 1
    assert made.data.loc[made.data["high"] <= 0, "n"].sum() == 30
    assert "Not in these figures, rows of negative weight: 30." in made.caption
    assert "; 30 negative" in made.alt


def test_equal_weights_are_one_bar(texts):
    made = chart(SETS["equal"], kind="weights")
    assert made.data.loc[made.data["n"] > 0, "n"].tolist() == [80]
    assert "all weights are equal" in [t.text for t in texts(made)]
    assert made.subtitle == "Respondents by weight, in multiples of the mean weight (3.00)"


def test_the_footer_and_the_alternative_say_the_figures():
    made = chart(SETS["zeros"], kind="weights")
    assert made.caption[:2] == (
        "n = 60, effective n = 58; design effect of weighting 1.04. Weights from 0.80 to 1.20 times the mean, median 1.00; one "
        "respondent holds at most 2.00% of the total weight.",
        "Not in these figures, rows of weight zero: 40.",
    )
    assert made.alt == (
        "Histogram of 60 weights in multiples of the mean, from 0.80 to 1.20, median 1.00: most (30) between 0.80 and 0.84. "
        "Design effect 1.04, effective n 58."
    )
    limited = chart(weights_by_hand(SEX, [0.5, 1.0, 1.5], lower=0.5), kind="weights")
    assert "; limit 0.50: n = 1." in limited.alt


def test_no_weight_above_zero_is_said():
    with pytest.raises(ArgumentError, match="no weight is above zero"):
        chart(weights_by_hand((), [0.0, 0.0]), kind="weights")
