"""Arguments of `chart`: each changes the picture or is refused in words; files are whole and the same each time."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.charts import chart
from survey_kit.errors import ArgumentError, OutputError, UnsupportedOption

KINDS = ("topline", "likert", "dots", "coefficients")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("title", "A finding"),
        ("subtitle", "A question?"),
        ("source", "A source"),
        ("note", "SYNTHETIC DATA"),
        ("width", 6.0),
    ],
)
def test_every_common_option_changes_the_picture(samples, kind, option, value):
    assert samples[kind](**{option: value}).svg() != samples[kind]().svg()


def test_note_stands_out(samples, texts):
    made = samples["topline"](note="SYNTHETIC DATA", source="Census")
    note, source = (next(t for t in texts(made) if t.text == text) for text in ("SYNTHETIC DATA", "Census"))
    assert note.bold
    assert not source.bold
    assert note.colour != source.colour


def test_unknown_options_are_refused(samples):
    with pytest.raises(UnsupportedOption, match=r"sortt= has no meaning for a topline chart\. Its options: sort\."):
        samples["topline"](sortt=True)
    with pytest.raises(UnsupportedOption, match="answer= has no meaning for a likert chart"):
        samples["likert"](answer="Yes")


def test_an_impossible_kind_names_the_possible_ones(frame):
    with pytest.raises(ArgumentError, match=r"cannot be drawn as 'love'\. It can be: topline, dots\."):
        chart(frame(["Yes", "No"], [0.4, 0.6]), kind="love")
    with pytest.raises(ArgumentError, match=r"kind='toplin' is not available\. Did you mean 'topline'\?"):
        chart(frame(["Yes", "No"], [0.4, 0.6]), kind="toplin")


def test_what_is_not_a_result_is_refused(frame):
    with pytest.raises(ArgumentError, match=r"A chart cannot be made from int\. Give Estimates"):
        chart(3)
    with pytest.raises(ArgumentError, match="The list of results is empty"):
        chart([])
    with pytest.raises(ArgumentError, match="The frame has no column estimate; a chart needs"):
        chart(frame(["Yes"], [1.0]).drop(columns="estimate"))


@pytest.mark.parametrize("width", [0.0, 2.9, 21.0, float("nan"), -7.2])
def test_widths_that_cannot_be_read_are_refused(samples, width):
    with pytest.raises(ArgumentError, match="must lie between 3 and 20 inches"):
        samples["topline"](width=width)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [3.6, 7.2, 13.3])
def test_the_figure_has_its_final_size(samples, kind, width):
    made = samples[kind](width=width)
    assert made.figure().get_size_inches()[0] == pytest.approx(width)
    assert made.drawing.height == pytest.approx(72 * made.figure().get_size_inches()[1])


def test_another_width_keeps_the_numbers(samples):
    wide = samples["dots"](title="A finding")
    narrow = wide.at_width(3.6)
    assert narrow.drawing.width == pytest.approx(3.6 * 72)
    pd.testing.assert_frame_equal(narrow.data, wide.data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_chart_gives_the_same_bytes(samples, kind):
    one, two = samples[kind](title="t"), samples[kind](title="t")
    assert one.svg() == one.svg() == two.svg()
    assert one.png(80) == one.png(80) == two.png(80)
    assert one.pdf() == two.pdf()


_PROGRAM = """
import hashlib, sys
import pandas as pd, survey_kit as sk
poll = sk.from_frame(pd.DataFrame({"vote": ["Да", "Нет", "Да", "არა"], "sex": ["m", "f", "f", "m"]}))
groups = sk.proportion(poll, "vote", by="sex")
for made in (sk.chart(sk.proportion(poll, "vote"), title="T"), sk.chart(groups, answer="Да")):
    print(*(hashlib.sha256(b).hexdigest() for b in (made.svg().encode(), made.png(90), made.pdf())))
"""


def test_two_processes_give_the_same_bytes():
    runs = [
        subprocess.run(
            [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].split()) == 6


def test_import_is_light():
    program = "import sys, survey_kit, survey_kit.charts; print(sorted({'matplotlib', 'seaborn'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_svg_is_named_for_those_who_do_not_see_it(samples):
    made = samples["topline"](title="Yes < No & more")
    root = ElementTree.fromstring(made.svg())
    names = {child.tag.rpartition("}")[2]: child for child in root}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{names['title'].get('id')} {names['desc'].get('id')}"
    assert names["title"].text == "Yes < No & more"
    assert names["desc"].text == made.alt


def test_svg_holds_text_as_text_and_no_date(samples):
    svg = samples["topline"](title="A finding").svg()
    assert ">A finding</text>" in svg
    assert "'Noto Sans'" in svg
    assert "dc:date" not in svg
    assert "matplotlib" not in svg.lower()


def test_save_writes_what_the_ending_says(samples, tmp_path):
    made = samples["topline"]()
    for ending, start in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG")):
        path = tmp_path / f"chart{ending}"
        made.save(path)
        assert path.read_bytes().startswith(start)
    assert (tmp_path / "chart.svg").read_text(encoding="utf-8") == made.svg()
    with pytest.raises(ArgumentError, match=r"a chart is saved as \.svg, \.png, \.pdf"):
        made.save(tmp_path / "chart.gif")
    with pytest.raises(OutputError):
        made.save(tmp_path / "absent" / "chart.svg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chart.PNG", "chart.pdf", "chart.png", "chart.svg"]


def test_png_has_the_size_that_dpi_says(samples):
    data = samples["topline"]().png(100)
    assert int.from_bytes(data[16:20]) == 720


def test_notebooks_show_the_svg(samples):
    made = samples["topline"](title="A finding")
    assert made._repr_svg_() == made.svg()
    assert repr(made) == "Chart(topline: A finding; 3 rows)"


def test_inputs_are_not_changed(frame):
    result = frame(["b", "a"], [0.4, 0.8])
    before = result.copy()
    chart(result, sort=True).svg()
    pd.testing.assert_frame_equal(result, before)


def test_charts_leave_no_pyplot_figures_behind(samples):
    import matplotlib
    from matplotlib import pyplot

    settings = dict(matplotlib.rcParams)
    samples["likert"]().png(50)
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == settings


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_never_markup(samples, kind):
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    made = samples[kind](label=attack, title=attack, subtitle=attack, source=attack, note=attack)
    parser = _Tags()
    parser.feed(made.svg())
    assert not {"script", "img"} & parser.seen
    assert attack in made.alt or kind == "likert"


def test_a_poll_from_file_to_svg():
    poll = sk.from_frame(pd.DataFrame({"vote": ["a", "b", "a", "b"], "w": [1, 2, 1, 2.0]})).with_design(weight="w")
    assert sk.chart(sk.proportion(poll, "vote"), title="b leads").alt == "Bar chart. a 33%; b 67%."
