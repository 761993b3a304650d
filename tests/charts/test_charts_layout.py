"""Nothing lies over anything else and nothing leaves the page, whatever the labels are."""

from __future__ import annotations

import numpy as np
import pytest

from survey_kit.charts import chart
from survey_kit.charts.drawing import Box, Dot, Line
from survey_kit.charts.fonts import font_files
from survey_kit.charts.letters import unknown_characters, width, wrap
from survey_kit.results.letters import clean

KINDS = ("topline", "likert", "dots", "coefficients")
RUSSIAN = "Совершенно не согласен с тем, что приезжие занимают рабочие места местных жителей"
GEORGIAN = "სრულიად არ ვეთანხმები იმას, რომ ჩამოსულები ადგილობრივების სამუშაო ადგილებს იკავებენ"
KAZAKH = "Келушілер жергілікті тұрғындардың жұмыс орындарын алады дегенге мүлдем қосылмаймын"
LABELS = {
    "russian": RUSSIAN,
    "georgian": GEORGIAN,
    "kazakh": KAZAKH,
    "armenian": "Բոլորովին համաձայն չեմ",
    "one long word": "Доспехоносительствование" * 4,
    "mathtext": "$x^{2$ and \\frac{1}{0} $$",
    "digits": "1",
}


def assert_inside(made, boxes):
    page = made.drawing
    for text, left, top, right, bottom in boxes(made):
        assert left >= -0.5, text
        assert right <= page.width + 0.5, text
        assert top >= -0.5, text
        assert bottom <= page.height + 0.5, text
    for mark in page.marks:
        if isinstance(mark, Box):
            assert mark.x >= -0.5
            assert mark.x + mark.width <= page.width + 0.5
        elif isinstance(mark, Dot):
            assert mark.radius <= mark.x <= page.width - mark.radius
        elif isinstance(mark, Line):
            assert min(mark.x1, mark.x2) >= 0
            assert max(mark.x1, mark.x2) <= page.width


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("inches", [4.8, 7.2])
def test_labels_do_not_collide(samples, boxes, overlaps, kind, name, inches):
    label = LABELS[name]
    made = samples[kind](label=label, title=label, subtitle=label, source=label, note=label, width=inches)
    assert overlaps(made) == []
    if kind != "likert":
        assert_inside(made, boxes)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_height_follows_from_the_rows(frame, boxes, overlaps, count):
    made = chart(frame([f"Answer {i}" for i in range(count)], np.full(count, 1 / count)))
    assert len(made.data) == count
    assert overlaps(made) == []
    assert_inside(made, boxes)
    taller = chart(frame([f"Answer {i}" for i in range(count + 1)], np.full(count + 1, 1 / (count + 1))))
    assert taller.drawing.height > made.drawing.height


def test_thirty_groups_have_room(frame, overlaps):
    groups = [f"Group {i}" for i in range(30)]
    made = chart(frame("Yes", np.linspace(0.1, 0.9, 30), by=groups), overall=0.5)
    assert overlaps(made) == []


def test_no_text_is_mathtext(samples):
    figure = samples["topline"](label="$x^{2$").figure()
    assert not any(text.get_parse_math() for text in figure.axes[0].texts)


@pytest.mark.parametrize("missing", [[0.5, np.nan], [np.nan, 0.2]])
def test_a_missing_share_is_a_dash(frame, texts, missing):
    made = chart(frame(["a", "b"], missing))
    made.png(50)
    assert "-" in [t.text for t in texts(made)]


def test_estimates_without_intervals_have_no_whiskers(frame):
    bare = frame(["a", "b"], [0.4, 0.6], ci_low=np.nan, ci_high=np.nan)
    made = chart(bare)
    assert not [m for m in made.drawing.marks if isinstance(m, Line) and m.y1 == m.y2]
    assert "margin of error" not in " ".join(made.caption)


def test_zero_shares_are_drawn(frame, texts):
    made = chart(frame(["a", "b"], [0.0, 0.0]))
    made.png(50)
    assert [t.text for t in texts(made)].count("0%") == 2


def test_nothing_but_missing_shares_is_refused(frame):
    with pytest.raises(ValueError, match="There is nothing to draw"):
        chart(frame(["a", "b"], [np.nan, np.nan]))


def test_wrapping_keeps_to_the_room_and_loses_no_word():
    lines = wrap(RUSSIAN, 9.0, 120.0, most=20)
    assert " ".join(lines) == RUSSIAN
    assert all(width(line, 9.0) <= 120.0 for line in lines)
    assert wrap(RUSSIAN, 9.0, 120.0, most=2)[-1].endswith("…")
    assert wrap("", 9.0, 120.0) == [""]


def test_cyrillic_is_wider_than_latin_and_bold_than_regular():
    assert width("Совершенно", 9.0) > width("Completely", 9.0)
    assert width("Completely", 9.0, bold=True) > width("Completely", 9.0)


def test_the_fonts_have_the_letters_of_the_region():
    letters = "Strongly Совершенно Әлбетте Қазақ Ұлы Үй Ғ Ң Ө І Һ სრულიად Բոլորովին Αθήνα ñçßžř – — … « » € ± №"
    assert unknown_characters(letters) == set()
    assert sum(path.stat().st_size for path in font_files()) < 800_000
    assert {path.suffix for path in font_files()} == {".ttf"}
    assert (font_files()[0].parent / "OFL.txt").read_text(encoding="utf-8").count("SIL OPEN FONT LICENSE") == 1


@pytest.mark.parametrize(
    ("raw", "plain"),
    [("a\nb", "a b"), ("a\r\n\tb", "a b"), ("a\u202eb", "ab"), ("a\u2066b\u2069", "ab"), ("  a  ", "a"), (1.5, "1.5")],
)
def test_clean_gives_one_plain_line(raw, plain):
    assert clean(raw) == plain
