"""What each kind of chart draws: which numbers, in which order, at which length."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.charts import chart
from survey_kit.charts.drawing import Box, Dot, Line
from survey_kit.charts.palette import NEUTRAL, contrast, diverging, ink_on
from survey_kit.errors import ArgumentError, UnknownNameError, UnsupportedOption
from survey_kit.results.display import points


def bars(made):
    return [m for m in made.drawing.marks if isinstance(m, Box)]


def dots_of(made):
    return [m for m in made.drawing.marks if isinstance(m, Dot)]


# --- topline -----------------------------------------------------------------------------------------------------


def test_topline_bars_are_as_long_as_their_shares(frame):
    made = chart(frame(["Yes", "No"], [0.6, 0.3]))
    long, short = bars(made)
    assert long.x == short.x
    assert long.width / short.width == pytest.approx(2.0)


def test_topline_keeps_the_order_of_answers_and_puts_nonresponse_last_in_grey(frame):
    made = chart(frame(["Don't know", "Good", "Bad", "Затрудняюсь ответить"], [0.2, 0.1, 0.6, 0.1]))
    assert made.data["answer"].tolist() == ["Good", "Bad", "Don't know", "Затрудняюсь ответить"]
    assert [b.colour == NEUTRAL for b in bars(made)] == [False, False, True, True]


def test_topline_sorts_by_value_where_several_answers_could_be_given(frame):
    several = frame(["a", "b", "Don't know", "c"], [0.3, 0.7, 0.9, 0.5])
    assert chart(several).data["answer"].tolist() == ["b", "c", "a", "Don't know"]
    assert chart(several, sort=False).data["answer"].tolist() == ["a", "b", "c", "Don't know"]


def test_sort_is_obeyed_on_one_answer_questions_too(frame):
    single = frame(["a", "b", "c"], [0.2, 0.5, 0.3])
    assert chart(single).data["answer"].tolist() == ["a", "b", "c"]
    assert chart(single, sort=True).data["answer"].tolist() == ["b", "c", "a"]


def test_topline_prints_shares_rounded_half_up(frame, texts):
    made = chart(frame(["a", "b", "c", "d"], [0.285, 0.125, 0.004, 0.586]))
    assert [t.text for t in texts(made) if t.text.endswith("%")] == ["29%", "13%", "<1%", "59%"]


def test_topline_whiskers_span_the_interval(frame):
    made = chart(frame(["Yes", "No"], [0.6, 0.4]))
    first = bars(made)[0]
    unit = first.width / 0.6
    level = first.y + first.height / 2
    ends = [x for m in made.drawing.marks if isinstance(m, Line) and m.y1 == m.y2 == level for x in (m.x1, m.x2)]
    assert (min(ends) - first.x) / unit == pytest.approx(0.57)
    assert (max(ends) - first.x) / unit == pytest.approx(0.63)


def test_topline_of_a_real_result_has_the_question_as_subtitle():
    variable = sk.Variable("vote", label="Vote", labels={1: "A", 2: "B"}, question="Whom would you vote for?")
    poll = sk.from_frame(pd.DataFrame({"vote": [1, 2, 1, 1]}), sk.Codebook({"vote": variable}))
    made = sk.chart(sk.proportion(poll, "vote"), title="A leads")
    assert (made.kind, made.title, made.subtitle) == ("topline", "A leads", "Whom would you vote for?")
    assert sk.chart(sk.proportion(poll, "vote"), subtitle="").subtitle == ""
    assert made.caption[0].startswith("n = 4, unweighted. Weighted shares; margin of error at most")


# --- likert ------------------------------------------------------------------------------------------------------


def test_likert_is_natural_for_a_battery_and_sorts_by_the_right_side(battery, texts):
    made = chart(battery)
    assert made.kind == "likert"
    labels = [t.text for t in texts(made) if t.text in "abc"]
    assert labels == ["c", "a", "b"]
    assert [t.text for t in texts(chart(battery, sort=False)) if t.text in "abc"] == ["a", "b", "c"]


def test_likert_meets_at_one_middle_line(battery):
    made = chart(battery, sort=False)
    shares = battery.pivot(index="variable", columns="answer", values="estimate")
    segments = [b for b in bars(made) if b.height == 16.0]
    assert len(segments) == 3 * 4
    for row, name in enumerate("abc"):
        inner_left, outer_left, inner_right, outer_right = segments[4 * row : 4 * row + 4]
        middle = inner_right.x
        assert inner_left.x + inner_left.width == pytest.approx(middle)
        assert outer_left.x + outer_left.width == pytest.approx(inner_left.x)
        assert inner_right.x + inner_right.width == pytest.approx(outer_right.x)
        unit = inner_right.width / shares.loc[name, "Rather agree"]
        assert outer_left.width / unit == pytest.approx(shares.loc[name, "Fully disagree"])
        assert outer_right.width / unit == pytest.approx(shares.loc[name, "Fully agree"])


def test_likert_keeps_neutral_and_nonresponse_off_the_axis(battery):
    made = chart(battery)
    plot = [b for b in bars(made) if b.height == 16.0]
    apart = [b for b in bars(made) if b.height == 10.0]
    assert len(apart) == 3 * 2
    assert min(b.x for b in apart) > max(b.x + b.width for b in plot)


def test_likert_names_every_answer(battery, texts):
    words = " ".join(t.text for t in texts(chart(battery)))
    for answer in battery["answer"].unique():
        assert answer in words


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_ink_on_every_diverging_colour_reads_well(count):
    for colour in (*diverging(count, count)[0], *diverging(count, count)[1]):
        assert contrast(ink_on(colour), colour) >= 4.5


def test_diverging_colours_differ_and_sides_do_not_share_any():
    for count in (1, 2, 3, 4):
        left, right = diverging(count, count)
        assert len({*left, *right}) == 2 * count


def test_numbers_on_bars_have_contrast(battery, texts):
    made = chart(battery)
    segments = [b for b in bars(made) if b.height == 16.0]
    checked = 0
    for text in texts(made):
        on = [b for b in segments if b.x < text.x < b.x + b.width and b.y < text.y < b.y + b.height]
        if on and text.align == "center":
            assert contrast(text.colour, on[0].colour) >= 4.5
            checked += 1
    assert checked >= 8


def test_items_of_a_battery_need_the_same_answers(battery):
    ragged = battery.iloc[:-1]
    with pytest.raises(ArgumentError, match="Items of one battery have the same answers"):
        chart(ragged)


# --- dots --------------------------------------------------------------------------------------------------------


def test_dots_stand_where_the_shares_are(frame):
    made = chart(frame("Yes", [0.2, 0.4, 0.3], by=["a", "b", "c"]))
    first, second, third = dots_of(made)
    assert (second.x - first.x) / (third.x - first.x) == pytest.approx(2.0)
    assert first.y < second.y < third.y


def test_dots_show_the_base_of_each_group(frame, texts):
    made = chart(frame("Yes", [0.2, 0.4], by=["a", "b"], n=[1234, 87]))
    assert [t.text for t in texts(made) if t.align == "right"] == ["n", "1,234", "87"]


def test_dots_of_several_results_stand_in_blocks(texts):
    df = pd.DataFrame({"q": ["Yes", "No"] * 20, "sex": ["m"] * 20 + ["f"] * 20, "age": ["old", "young"] * 20})
    poll = sk.from_frame(df)
    made = sk.chart([sk.proportion(poll, "q", by=b) for b in ("sex", "age")], answer="Yes")
    assert made.kind == "dots"
    assert made.data["group"].tolist() == ["f", "m", "old", "young"]
    bold = [t.text for t in texts(made) if t.bold and t.size == 9.0 and not t.text.endswith("%")]
    assert bold == ["sex", "age"]


def test_dots_need_an_answer_and_refuse_another(frame):
    two = frame(["Yes", "No", "Yes", "No"], [0.3, 0.7, 0.4, 0.6], by=["a", "a", "b", "b"])
    with pytest.raises(ArgumentError, match=r'Which answer\? Say answer="Yes", or another of: Yes, No\.'):
        chart(two)
    with pytest.raises(UnknownNameError, match=r"No answer 'Yess'\. Did you mean 'Yes'\?"):
        chart(two, answer="Yess")
    assert chart(two, answer="No").data["estimate"].tolist() == [0.7, 0.6]


def test_overall_draws_a_dashed_line_with_its_value(frame, texts):
    result = frame("Yes", [0.2, 0.4], by=["a", "b"])
    made = chart(result, overall=0.3)
    first, second = dots_of(made)
    (line,) = (m for m in made.drawing.marks if isinstance(m, Line) and m.dashed)
    assert line.x1 == line.x2 == pytest.approx((first.x + second.x) / 2)
    assert "all 30%" in [t.text for t in texts(made)]
    assert not any(isinstance(m, Line) and m.dashed for m in chart(result).drawing.marks)
    with pytest.raises(ArgumentError, match=r"overall=38 .*units of the estimates"):
        chart(result, overall=38)


def test_means_are_drawn_as_numbers(frame, texts):
    made = chart(frame("", [40.2, 38.75], statistic="mean", by=["a", "b"]))
    assert made.kind == "dots"
    assert {"40.20", "38.75"} <= {t.text for t in texts(made)}


# --- coefficients and love ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model_poll():
    rng = np.random.default_rng(5)
    n = 400
    df = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(["a", "b", "c"], n)})
    df["y"] = (rng.random(n) < 1 / (1 + np.exp(-df["x"]))).astype(float)
    return sk.from_frame(df)


def test_odds_ratios_on_a_log_axis_with_reference_levels(model_poll, texts):
    fit = sk.glm(model_poll, "y ~ x + C(g)", family="binomial")
    made = sk.chart(fit)
    assert made.kind == "coefficients"
    assert "Intercept" not in made.data["variable"].tolist()
    assert made.data.loc[made.data["flag"] == "reference", "answer"].tolist() == ["a"]
    assert [t.text for t in texts(made)].count("reference") == 1
    want = np.log(made.data["estimate"])
    places = np.array([d.x for d in dots_of(made)])
    slope = np.diff(places) / np.diff(want)
    assert np.allclose(slope, slope[0])


def test_exponentiate_false_draws_coefficients_on_a_linear_axis(model_poll):
    fit = sk.glm(model_poll, "y ~ x + C(g)", family="binomial")
    raw = sk.chart(fit, exponentiate=False)
    assert np.allclose(raw.data["estimate"], np.log(sk.chart(fit).data["estimate"]))
    with pytest.raises(UnsupportedOption, match="exponentiate= is for a model"):
        sk.chart(sk.margins(fit), exponentiate=True)


def test_marginal_effects_are_in_points_and_filled_where_the_interval_excludes_zero(model_poll, texts):
    effects = sk.margins(sk.glm(model_poll, "y ~ x + C(g)", family="binomial"))
    made = sk.chart(effects)
    assert made.kind == "coefficients"
    printed = [t.text for t in texts(made) if t.bold]
    assert [t for t in printed if t in {points(v) for v in effects.theta}] == [points(v) for v in effects.theta]
    for mark, (_, row) in zip(dots_of(made), made.data.iterrows(), strict=True):
        if row["flag"] != "reference":
            assert mark.hollow == (row["ci_low"] <= 0 <= row["ci_high"])


def test_love_shows_the_distance_before_and_after(texts):
    df = pd.DataFrame({"sex": ["m"] * 70 + ["f"] * 30})
    weights = sk.rake(df, {"sex": {"m": 0.5, "f": 0.5}})
    made = sk.chart(weights)
    assert made.kind == "love"
    assert made.data["before"].round(9).tolist() == [0.2, -0.2]
    hollow = [d for d in dots_of(made) if d.hollow][1:]
    filled = [d for d in dots_of(made) if not d.hollow][1:]
    middle = filled[0].x
    assert filled[1].x == pytest.approx(middle)
    assert hollow[0].x - middle == pytest.approx(middle - hollow[1].x)
    assert {"50.0%", "before weighting", "after weighting"} <= {t.text for t in texts(made)}
    assert "effective n = 84" in made.caption[0]


def test_love_takes_titles_of_variables(texts):
    weights = sk.rake(pd.DataFrame({"sex": ["m", "m", "f"]}), {"sex": {"m": 0.5, "f": 0.5}})
    assert "Sex of respondent" in [t.text for t in texts(sk.chart(weights, titles={"sex": "Sex of respondent"}))]


# --- alt text ----------------------------------------------------------------------------------------------------


def test_alt_says_the_numbers(samples):
    assert samples["topline"]().alt == "Bar chart. Yes 55%; No 38%; Don't know 7%."
    assert "c: 12% fully disagree side, 68% fully agree side" in samples["likert"]().alt
    assert samples["dots"]().alt.startswith("Dot plot with intervals of 4 groups. group, Men: 30%; group, Women: 40%")
    assert "q 30-44: +12; q 45-59: \N{MINUS SIGN}5." in samples["coefficients"]().alt


def test_a_reversed_battery_draws_agreement_to_the_right(samples):
    plain, turned = samples["likert"](sort=False), samples["likert"](sort=False, reverse=True)
    assert plain.svg() != turned.svg()
    assert plain.data.equals(turned.data)
