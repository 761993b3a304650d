"""Charts: what is drawn, in which order and where; the same bytes; texts that mean harm; errors as sentences."""

from __future__ import annotations

import itertools
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.charts.drawing import Box, Dot, Line, Text
from survey_kit.charts.letters import width
from survey_kit.charts.palette import contrast, diverging, ink_on
from survey_kit.codebook import MissingRule, Variable
from survey_kit.errors import ArgumentError, OutputError, UnknownNameError, UnsupportedOption
from survey_kit.results.combine import stacked

ROW = np.arange(400)
AGREE = {1: "Fully disagree", 2: "Rather disagree", 3: "Neither", 4: "Rather agree", 5: "Fully agree", 98: "Don't know"}
HOSTILE = ["$x^{2$ \\frac", "<script>alert(1)</script>", "line\nbreak", "a\u202eb", "{{7*7}}", "=cmd()", "&amp; <b>"]
LONG = "Затрудняюсь ответить на этот вопрос, потому что он слишком сложный для меня и моей семьи"
GEORGIAN = "ძალიან გრძელი პასუხი, რომელიც არ ეტევა ერთ სტრიქონზე"


def _survey(labels: dict[int, str] | None = None) -> sk.Survey:
    answers = labels or AGREE
    codes = list(answers)
    random = np.random.RandomState(7)
    frame = {f"q{k}": random.choice(codes, 400).astype(float) for k in range(3)}
    frame |= {
        "sex": random.choice(["Men", "Women"], 400, p=[0.4, 0.6]),
        "area": random.choice(["North", "South", "West"], 400),
    }
    frame |= {"x": random.normal(size=400), "w": random.uniform(0.5, 2, 400)}
    frame |= {"oppose": (random.uniform(size=400) < 1 / (1 + np.exp(-frame["x"]))).astype(float)}
    poll = sk.from_frame(pd.DataFrame(frame)).with_design(weight="w")
    for k in range(3):
        variable = Variable(
            f"q{k}", f"Item {k}", answers, MissingRule((98,)), f"How much do you agree with {k}?", "ordinal"
        )
        poll = poll.with_column(poll.codes[f"q{k}"], variable)
    return poll


@pytest.fixture(scope="module")
def poll() -> sk.Survey:
    return _survey()


@pytest.fixture(scope="module")
def charts(poll) -> dict[str, sk.charts.chart.Chart]:
    raked = poll.rake({"sex": {"Men": 0.5, "Women": 0.5}, "area": {"North": 0.3, "South": 0.4, "West": 0.3}})
    fit = sk.glm(poll, "oppose ~ x + C(sex) + C(area)", family="binomial")
    return {
        "topline": sk.chart(sk.proportion(poll, "q0", missing="show"), title="A finding", note="Synthetic data"),
        "likert": sk.chart(stacked([sk.proportion(poll, f"q{k}", missing="show") for k in range(3)]), title="Items"),
        "dots": sk.chart([sk.mean(poll, "oppose", by=g) for g in ("sex", "area")], overall=0.43, title="Groups"),
        "coefficients": sk.chart(fit, title="Odds"),
        "effects": sk.chart(sk.margins(fit), title="Effects"),
        "love": sk.chart(raked.weights, title="Weighting"),
    }


KINDS = ["topline", "likert", "dots", "coefficients", "effects", "love"]


def _texts(chart) -> list[Text]:
    return [m for m in chart.drawing.marks if isinstance(m, Text)]


def _extent(text: Text) -> tuple[float, float, float, float]:
    wide = width(text.text, text.size, text.bold)
    left = {"left": text.x, "center": text.x - wide / 2, "right": text.x - wide}[text.align]
    return left, left + wide, text.y - text.size * 0.75, text.y + text.size * 0.2


def _overlaps(chart) -> list[tuple[str, str]]:
    boxes = [(t.text, _extent(t)) for t in _texts(chart) if t.text.strip()]
    return [
        (a, b)
        for (a, (l1, r1, t1, b1)), (b, (l2, r2, t2, b2)) in itertools.combinations(boxes, 2)
        if min(r1, r2) - max(l1, l2) > 1.0 and min(b1, b2) - max(t1, t2) > 1.0
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overlaps_or_leaves_the_page(charts, kind):
    for chart in (charts[kind], charts[kind].at_width(3.9), charts[kind].at_width(10)):
        assert _overlaps(chart) == []
        for mark in chart.drawing.marks:
            if isinstance(mark, Text):
                left, right, top, bottom = _extent(mark)
                assert left >= -0.5
                assert right <= chart.drawing.width + 0.5
                assert top >= -0.5
                assert bottom <= chart.drawing.height + 0.5
            if isinstance(mark, Box):
                assert mark.width >= 0
                assert mark.x >= 0
                assert mark.x + mark.width <= chart.drawing.width


@pytest.mark.parametrize("kind", KINDS)
def test_same_bytes_and_wellformed(charts, kind):
    chart = charts[kind]
    svg = chart.svg()
    assert svg == chart.svg()
    assert chart.png(60) == chart.png(60)
    assert chart.pdf() == chart.pdf()
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert "Date" not in svg
    assert chart.title in svg  # text stays text


def test_same_bytes_in_another_process(charts):
    code = (
        "import survey_kit as sk, pandas as pd, hashlib;"
        "c = sk.chart(sk.proportion(sk.from_frame(pd.DataFrame({'v': list('aabbbc')})), 'v'), title='T');"
        "print(hashlib.sha256(c.svg().encode() + c.png(50)).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_topline_keeps_the_order_of_the_questionnaire_and_puts_nonresponse_last(charts):
    chart = charts["topline"]
    assert chart.data["answer"].tolist() == list(AGREE.values())
    bars = [m for m in chart.drawing.marks if isinstance(m, Box)]
    assert len(bars) == len(AGREE)
    assert bars[-1].colour != bars[0].colour
    longest = max(bars, key=lambda b: b.width)
    assert bars.index(longest) == int(chart.data["estimate"].to_numpy().argmax())
    assert "Don't know" in chart.alt


def test_bars_are_in_proportion_to_the_numbers(charts):
    chart = charts["topline"]
    bars = np.array([m.width for m in chart.drawing.marks if isinstance(m, Box)])
    np.testing.assert_allclose(bars / bars.sum(), chart.data["estimate"] / chart.data["estimate"].sum(), rtol=1e-9)


def test_several_answers_are_sorted_by_value():
    frame = pd.DataFrame({"m1": ROW % 5 == 0, "m2": ROW % 2 == 0, "m3": ROW % 3 == 0}).astype(int)
    start = sk.from_frame(frame)
    book = sk.Codebook(start.codebook.variables, {"m": sk.MultipleResponse("m", ("m1", "m2", "m3"), 1, "Reasons")})
    chart = sk.chart(sk.proportion(start.with_codebook(book), "m"))
    assert chart.data["estimate"].is_monotonic_decreasing
    kept = sk.chart(sk.proportion(start.with_codebook(book), "m"), sort=False)
    assert kept.data["answer"].tolist() == ["m1", "m2", "m3"]


def test_likert_sides_meet_in_the_middle_and_neutral_stands_apart(charts):
    chart = charts["likert"]
    (middle,) = [m.x1 for m in chart.drawing.marks if isinstance(m, Line) and m.x1 == m.x2]
    negative, positive = diverging(2, 2)
    bars = [m for m in chart.drawing.marks if isinstance(m, Box) and m.height == 16.0]
    assert all(b.x + b.width <= middle + 1e-6 for b in bars if b.colour in negative)
    assert all(b.x >= middle - 1e-6 for b in bars if b.colour in positive)
    assert {"Neither", "Don't know"} <= {t.text for t in _texts(chart)}


def test_text_on_bars_can_be_read():
    negative, positive = diverging(3, 3)
    assert all(contrast(ink_on(c), c) >= 4.5 for c in (*negative, *positive))


def test_dots_show_bases_and_the_overall_value(charts):
    texts = [t.text for t in _texts(charts["dots"])]
    assert "n" in texts
    assert {str(int(n)) for n in charts["dots"].data["n"]} <= set(texts)
    assert any(t.startswith("all ") for t in texts)
    assert [t.text for t in _texts(charts["dots"]) if t.bold][1] == "sex"


def test_coefficients_show_reference_levels_and_what_is_clear(charts):
    chart = charts["coefficients"]
    assert chart.data["flag"].eq("reference").sum() == 2
    assert [t.text for t in _texts(chart)].count("reference") == 2
    assert set(chart.data["statistic"]) == {"odds ratio"}
    plain = sk.chart(sk.glm(_survey(), "oppose ~ x", family="binomial"), exponentiate=False)
    assert set(plain.data["statistic"]) == {"log-odds"}


def test_love_plot_ends_on_the_targets(charts):
    dots = [m for m in charts["love"].drawing.marks if isinstance(m, Dot)]
    after = {round(d.x, 6) for d in dots[2:] if not d.hollow}
    assert len(after) == 1


def test_the_footer_says_n_margin_of_error_source_and_warning(charts, poll):
    caption = " ".join(charts["topline"].caption)
    assert "n = 400" in caption
    assert "margin of error at most" in caption
    assert "Synthetic data" in [t.text for t in _texts(charts["topline"])]
    sourced = sk.chart(sk.proportion(poll, "q0"), source="An institute")
    assert "An institute" in sourced.caption
    assert sourced.subtitle == "How much do you agree with 0?"
    assert sk.chart(sk.proportion(poll, "q0"), subtitle="").subtitle == ""


@pytest.mark.parametrize("text", [*HOSTILE, LONG, GEORGIAN, "x" * 400, "\U0001f600"])
def test_texts_that_mean_harm_are_only_text(text):
    labels = {1: text, 2: "Plain", 3: "Other"}
    chart = sk.chart(sk.proportion(_survey(labels), "q0"), title=text, note=text)
    svg = chart.svg()
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert chart.png(40).startswith(b"\x89PNG")
    assert _overlaps(chart) == []
    assert not any("\n" in t.text or "\u202e" in t.text for t in _texts(chart))


def test_letters_outside_the_fonts_are_said():
    chart = sk.chart(sk.proportion(_survey({1: "\U0001f600", 2: "b"}), "q0"))
    assert "U+1F600" in str(chart.notices[0])
    assert sk.chart(sk.proportion(_survey({1: GEORGIAN, 2: LONG}), "q0")).notices == ()


def test_one_row_and_many_rows():
    frame = pd.DataFrame({"one": ["a"] * 40, "many": [f"group {i % 30:02d}" for i in range(40)], "x": ROW[:40] * 1.0})
    poll = sk.from_frame(frame)
    assert len(sk.chart(sk.proportion(poll, "one")).data) == 1
    many = sk.chart(sk.mean(poll, "x", by="many"))
    assert len(many.data) == 30
    assert _overlaps(many) == []


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda p: sk.chart({"a": 1}), ArgumentError, "A chart cannot be made from dict"),
        (lambda p: sk.chart([]), ArgumentError, "The list of results is empty"),
        (lambda p: sk.chart(sk.proportion(p, "q0"), kind="pie"), ArgumentError, "kind='pie' is not available"),
        (lambda p: sk.chart(sk.mean(p, "x"), kind="love"), ArgumentError, "cannot be drawn as 'love'. It can be: dots"),
        (
            lambda p: sk.chart(sk.proportion(p, "q0"), answer="x"),
            UnsupportedOption,
            "answer= has no meaning for a topline",
        ),
        (
            lambda p: sk.chart(sk.proportion(p, "q0", by="sex")),
            ArgumentError,
            'Which answer\\? Say answer="Fully disagree"',
        ),
        (lambda p: sk.chart(sk.proportion(p, "q0", by="sex"), answer="No"), UnknownNameError, "No answer 'No'"),
        (lambda p: sk.chart(sk.mean(p, "x", by="sex"), overall=99.0), ArgumentError, "overall=99.0 lies outside"),
        (lambda p: sk.chart(sk.mean(p, "x"), width=50), ArgumentError, "width=50 must lie between 3 and 20 inches"),
        (lambda p: sk.chart(pd.DataFrame({"a": [1]})), ArgumentError, "The frame has no column answer"),
        (lambda p: sk.chart(sk.proportion(p, ["q0", "sex"]), kind="likert"), ArgumentError, "have the same answers"),
    ],
)
def test_refusals(poll, make, error, sentence):
    with pytest.raises(error, match=sentence):
        make(poll)


def test_save_by_ending_whole_or_not_at_all(charts, tmp_path):
    chart = charts["topline"]
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        chart.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    with pytest.raises(ArgumentError, match=r"a\.gif: a chart is saved as \.svg, \.png, \.pdf"):
        chart.save(tmp_path / "a.gif")
    with pytest.raises(OutputError, match="does not exist"):
        chart.save(tmp_path / "none" / "a.svg")


def test_chart_import_loads_no_drawing_library():
    code = "import sys, survey_kit.charts; print([m for m in ('matplotlib', 'seaborn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
