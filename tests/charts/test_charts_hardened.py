"""Charts under hostile texts, odd numbers, a changed session, and more than one on a page."""

from __future__ import annotations

import re
import warnings
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg

import survey_kit as sk
from survey_kit.charts import chart
from survey_kit.charts.drawing import Dot, Line
from survey_kit.charts.letters import width, wrap
from survey_kit.charts.palette import contrast, diverging, ink_on
from survey_kit.errors import ArgumentError, NoValidData
from survey_kit.results.letters import clean

KINDS = ("topline", "likert", "dots", "coefficients")
RUSSIAN = "Совершенно не согласен с тем, что приезжие занимают рабочие места местных жителей"
GEORGIAN = "სრულიად არ ვეთანხმები იმას, რომ ჩამოსულები ადგილობრივების სამუშაო ადგილებს იკავებენ"
KAZAKH = "Келушілер жергілікті тұрғындардың жұмыс орындарын алады дегенге мүлдем қосылмаймын"
HOSTILE = {
    "line breaks": "a\nb\r\nc\x0bd\x85e\u2028f",
    "control": "a\x00b\x1b[31mc\x7f",
    "bidi": "a\u202eb\u2066c\u200f",
    "invisible": "a\u200bb\ufeffc\u00ad",
    "not characters": "a\ufffeb\uffff\ue000",
    "no glyph": "一二三 💥",
    "arabic": "نعم لا",
    "marks": "e\u0301\u0302\u0303" * 40,
    "empty": "",
    "blank": "   ",
    "long": "x" * 20_000,
    "many words": "ab " * 20_000,
    "xml": "]]> & <b> \" ' </svg>",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_stops_a_chart(samples, overlaps, kind, name):
    label = HOSTILE[name]
    made = samples[kind](label=label, title=label, subtitle=label, source=label, note=label)
    ElementTree.fromstring(made.svg())
    assert made.png(40)[:4] == b"\x89PNG"
    assert overlaps(made) == []
    assert made.drawing.height < 2_000
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]", made.alt)


def test_missing_glyphs_are_told_in_the_footer(samples):
    made = samples["topline"](label="一")
    assert "Characters that no font of this chart has, drawn as boxes: U+4E00." in made.caption
    assert [notice.kind for notice in made.notices] == ["glyphs"]
    assert samples["topline"](label="Да \N{MINUS SIGN}1 ქარ").notices == ()


def test_lone_surrogates_and_private_characters_are_replaced():
    assert clean("a\ud800b\ue000") == "a\ufffdb\ufffd"


def test_a_very_long_word_is_cut_quickly():
    assert len(wrap("x" * 100_000, 9.0, 100.0, most=3)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_matplotlib_sets_the_text_as_wide_as_it_was_measured(samples, kind):
    made = samples[kind](title=RUSSIAN, subtitle=GEORGIAN, label=KAZAKH)
    figure = made.figure()
    figure.set_dpi(600)
    renderer = FigureCanvasAgg(figure).get_renderer()
    for artist in figure.axes[0].texts:
        if artist.get_text().strip():
            seen = artist.get_window_extent(renderer).width / figure.dpi * 72
            said = width(artist.get_text(), artist.get_fontsize(), artist.get_fontweight() == "bold")
            assert seen == pytest.approx(said, rel=0.02, abs=1.0), artist.get_text()


@pytest.mark.parametrize(
    "setting",
    [
        {"savefig.bbox": "tight"},
        {"figure.autolayout": True},
        {"text.usetex": True},
        {"font.family": "serif"},
        {"savefig.facecolor": "red"},
        {"lines.antialiased": False},
        {"text.antialiased": False},
        {"svg.fonttype": "path"},
        {"path.sketch": (1.0, 100.0, 2.0)},
    ],
)
def test_settings_of_the_session_change_nothing(samples, setting):
    made = samples["dots"](title="A finding", overall=0.3)
    svg, png = made.svg(), made.png(50)
    with matplotlib.rc_context(setting):
        assert made.svg() == svg
        assert made.png(50) == png
        assert made.figure().get_layout_engine() is None


def test_a_font_of_the_machine_is_not_taken_for_ours(samples, monkeypatch):
    made = samples["topline"](title="A finding")
    png = made.png(50)
    other = font_manager.findfont("DejaVu Serif")
    entry = font_manager.FontEntry(
        fname=other, name="Noto Sans", style="normal", variant="normal", weight=400, stretch="normal", size="scalable"
    )
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [entry, *font_manager.fontManager.ttflist])
    font_manager.fontManager._findfont_cached.cache_clear()
    assert made.png(50) == png


def test_several_charts_fit_into_one_page(samples):
    drawn = [samples[kind](title="A finding").svg() for kind in KINDS]
    ids = [name for svg in drawn for name in re.findall(r"\sid=\"([^\"]+)\"", svg)]
    assert len(ids) == len(set(ids))
    for svg in drawn:
        wanted = set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", svg))
        assert wanted <= set(re.findall(r"\sid=\"([^\"]+)\"", svg))


# --- numbers -----------------------------------------------------------------------------------------------------


def test_an_empty_result_is_refused(frame):
    with pytest.raises(NoValidData, match="There is nothing to draw: the result has no rows"):
        chart(frame(["Yes"], [1.0]).iloc[:0])


def test_text_in_a_number_column_is_refused(frame):
    with pytest.raises(ArgumentError, match="Column 'estimate' holds text; a chart needs numbers there"):
        chart(frame(["Yes", "No"], [0.4, 0.6]).assign(estimate=["a", "b"]))


def test_unknown_bases_are_left_out_of_the_footer(frame):
    made = chart(frame(["Yes", "No"], [0.4, 0.6], n=np.nan))
    assert made.caption[0].startswith("Weighted shares")


def test_infinite_shares_are_missing(frame, texts):
    assert "-" in [t.text for t in texts(chart(frame(["Yes", "No"], [0.4, np.inf])))]


def test_groups_of_two_variables_are_not_mixed(frame):
    both = pd.concat([frame("Yes", [0.1, 0.2], variable=v, by=["a", "b"]) for v in ("q1", "q2")])
    with pytest.raises(ArgumentError, match=r"Groups are drawn for one variable; the result holds q1, q2\."):
        chart(both)


def test_totals_have_no_decimals_and_differences_are_points(frame, texts):
    totals = chart(frame("", [4e6, 1.25e7], statistic="total", by=["a", "b"]))
    assert {"4,000,000", "12,500,000"} <= {t.text for t in texts(totals)}
    differences = chart(frame("Yes", [0.1, -0.2], statistic="difference", by=["a", "b"]))
    assert {"+10", "\N{MINUS SIGN}20"} <= {t.text for t in texts(differences)}


def test_fine_axes_do_not_repeat_a_mark(frame, texts):
    made = chart(frame("Yes", [0.011, 0.014], by=["a", "b"], ci_low=0.01, ci_high=0.016))
    marks = [t.text for t in texts(made) if t.align == "center"]
    assert len(marks) == len(set(marks))


def test_small_bases_are_hollow_and_told(frame):
    made = chart(frame("Yes", [0.2, 0.4], by=["a", "b"], n=[500, 12]))
    assert [m.hollow for m in made.drawing.marks if isinstance(m, Dot)] == [False, True]
    assert "Hollow: fewer than 30 respondents." in made.caption
    assert not any("Hollow" in line for line in chart(frame("Yes", [0.2], by=["a"])).caption)


def test_hollow_coefficients_are_told_where_they_occur(frame):
    effect = "average marginal effect"
    assert "Hollow: the interval holds 0, no difference." in chart(frame(["a"], [0.01], statistic=effect)).caption
    assert not any("Hollow" in line for line in chart(frame(["a"], [0.2], statistic=effect)).caption)


def test_ratios_in_a_frame_are_coefficients(frame):
    assert chart(frame(["a", "b"], [1.2, 3.0], statistic="odds ratio")).kind == "coefficients"


def test_the_footer_says_design_condition_and_what_was_left_out():
    df = pd.DataFrame({"q": ["Yes", "No", None, "Yes"], "w": [1, 2, 1, 1.0], "age": [20, 30, 40, 50]})
    poll = sk.from_frame(df).with_design(weight="w").where("age > 25")
    text = " ".join(sk.chart(sk.proportion(poll, "q")).caption)
    assert "n = 2, unweighted." in text
    assert "Base: age > 25." in text
    assert "have no valid answer to q" in text


# --- options -----------------------------------------------------------------------------------------------------


def test_options_of_the_wrong_type_are_refused(samples):
    with pytest.raises(ArgumentError, match="sort='value' is not available"):
        samples["topline"](sort="value")
    with pytest.raises(ArgumentError, match="overall='38%' lies outside the values drawn"):
        samples["dots"](overall="38%")
    with pytest.raises(ArgumentError, match="width='wide' must lie between"):
        samples["dots"](width="wide")
    for dpi in (0, -3, 5_000, "high", True):
        with pytest.raises(ArgumentError, match="Give a number from 30 to 1200"):
            samples["dots"]().png(dpi)


# --- likert ------------------------------------------------------------------------------------------------------


def test_eleven_answers_have_eleven_looks_and_twelve_are_refused(frame):
    def scale(count):
        answers = [str(i) for i in range(count)]
        return pd.concat([frame(answers, np.full(count, 1 / count), variable=v) for v in "ab"])

    left, right = diverging(5, 5)
    assert len({*left, *right}) == 10
    assert all(contrast(ink_on(c), c) >= 4.5 for c in (*left, *right))
    assert chart(scale(11)).kind == "likert"
    with pytest.raises(ArgumentError, match="needs 2 to 11 answers besides nonresponse; there are 12"):
        chart(scale(12))


def test_a_ragged_battery_names_the_item_and_the_answer(battery):
    with pytest.raises(ArgumentError, match=r"; c has no share of Don't know\."):
        chart(battery.iloc[:-1])


def test_an_answer_twice_is_refused(battery):
    with pytest.raises(ArgumentError, match=r"Two rows of the result are about a, Fully disagree\."):
        chart(pd.concat([battery, battery]))


@pytest.mark.parametrize("inches", [3.0, 3.6, 4.0, 7.2])
@pytest.mark.parametrize("kind", KINDS)
def test_phones_get_charts_without_collisions(samples, boxes, overlaps, kind, inches):
    made = samples[kind](title=RUSSIAN, subtitle=KAZAKH, width=inches)
    assert overlaps(made) == []
    assert all(right <= made.drawing.width + 0.5 for _, _, _, right, _ in boxes(made))


@pytest.mark.parametrize("inches", [3.0, 3.6, 4.8, 7.2])
def test_batteries_of_long_items_do_not_collide(battery, boxes, overlaps, inches):
    names = {"a": RUSSIAN, "b": GEORGIAN, "c": KAZAKH}
    made = chart(battery.assign(variable=battery["variable"].map(names)), width=inches)
    assert overlaps(made) == []
    assert all(right <= made.drawing.width + 0.5 for _, _, _, right, _ in boxes(made))


def test_narrow_batteries_have_labels_above_the_bars_and_no_line_through_them(battery, texts):
    made = chart(battery, width=3.6)
    labels = [t for t in texts(made) if t.text in "abc"]
    upright = [m for m in made.drawing.marks if isinstance(m, Line) and m.x1 == m.x2]
    assert len(upright) == 3
    for text in labels:
        assert not any(m.y1 < text.y - 1 < m.y2 for m in upright)


def test_no_warning_reaches_the_session(samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples["likert"](label="一 \u0627").png(40)


def test_words_above_the_columns_stay_whole(battery, texts):
    words = {"Neither": "Ни то ни другое", "Don't know": "Затрудняюсь ответить"}
    made = chart(battery.assign(answer=battery["answer"].replace(words)))
    assert {"Затрудняюсь", "ответить"} <= {t.text for t in texts(made)}
