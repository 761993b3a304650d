"""HTML reports: one file, no script, no outside request, every text a text, the same bytes every time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from support.document import HOSTILE, DrawnChart, document, question_table

from survey_kit.errors import OutputError
from survey_kit.reports.content import Document, Figure, Heading, Paragraph, TableItem
from survey_kit.reports.html import render_html
from survey_kit.reports.svg import inline_svg, least_width

VOID = {"meta", "link", "img", "br", "hr", "col", "input"}


class Page(HTMLParser):
    """Tags, attributes and texts of a page; fails on tags that do not nest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)


@pytest.fixture(scope="module")
def plain() -> str:
    return render_html(document())


@pytest.fixture(scope="module")
def hostile() -> Page:
    return Page(render_html(document(HOSTILE)))


def test_the_same_document_gives_the_same_bytes(plain):
    assert render_html(document()) == plain


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_out_as_text(hostile, text):
    assert hostile.text.count(text) >= 10


def test_no_hostile_text_becomes_markup(hostile):
    names = {tag for tag, _ in hostile.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base", "link"}
    attributes = {name for _, attrs in hostile.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on")}
    assert all(not str(attrs.get("href", "#")).startswith("javascript:") for attrs in hostile.named("a"))


@pytest.mark.parametrize("assets", [True, False])
def test_nothing_is_requested_from_outside(assets):
    page = Page(render_html(document(), assets=assets))
    for _, attrs in page.tags:
        for name in ("href", "src", "srcset", "xlink:href", "action"):
            assert re.match(r"#|data:|charts/|tables/", attrs.get(name) or "#")
    css = "".join(re.findall(r"url\(([^)]*)\)", page.text))
    assert "http" not in css
    assert not re.search(r"https?://", render_html(document(), assets=assets))
    assert page.named("meta")[2]["content"].startswith("default-src 'none'")


def test_numbers_are_the_texts_of_the_cells(plain):
    table = question_table()
    body = plain[plain.index('aria-label="Table 1"') : plain.index('id="by-cost-concern"')]
    printed = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", body)[1 + 3 + 6 :]
    expected = [cell.text for row in table.rows for cell in (row.cells[:1] if row.kind == "group" else row.cells)]
    assert [text.replace("&#39;", "'") for text in printed] == expected


def test_ids_are_unique_and_links_within_the_page_arrive():
    twice = document()
    page = Page(render_html(replace(twice, items=(*twice.items, *twice.items))))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    inside = [attrs["href"][1:] for _, attrs in page.tags if str(attrs.get("href", "")).startswith("#")]
    assert inside
    assert set(inside) <= set(ids)


def test_the_page_is_accessible(plain):
    page = Page(plain)
    assert page.named("html")[0]["lang"] == "en"
    assert page.tags[[tag for tag, _ in page.tags].index("a")][1] == {"class": "skip", "href": "#main"}
    assert page.named("svg")[0]["role"] == "img"
    assert page.named("svg")[0]["aria-label"].startswith("Bars")
    assert len(page.named("caption")) == len(page.named("table")) == 2
    assert {attrs.get("scope") for attrs in page.named("th")} == {"col", "colgroup", "row", "rowgroup"}
    assert all(attrs.get("tabindex") == "0" for attrs in page.named("div") if attrs.get("class") == "sk-scroll")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_banner_stands_above_everything(plain):
    assert plain.index("SYNTHETIC DATA") < plain.index("<h1>")
    assert ".banner{position:sticky" in plain
    assert 'class="banner"' not in render_html(replace(document(), banner=""))


def test_the_contents_list_sections_and_the_headings_within_them(plain):
    page = Page(plain)
    assert plain.count('<a href="#what-people-think">') == 2
    assert [attrs["href"] for attrs in page.named("a") if "class" not in attrs][:3] == [
        "#what-people-think",
        "#by-cost-concern",
        "#how-the-survey-was-made",
    ]


def test_assets_decide_where_the_data_are(plain):
    assert 'href="charts/oppose.png" download="oppose.png"' in plain
    assert 'href="tables/wide.csv"' in plain
    inside = render_html(document(), assets=False)
    assert "charts/" not in inside
    assert "tables/" not in inside
    assert inside.count('href="data:text/csv;charset=utf-8,') == 3


def test_file_names_are_quoted():
    item = Figure('a b"><script>', DrawnChart())
    page = Page(render_html(Document("T", items=(item, TableItem("ü/1", question_table())))))
    hrefs = [attrs["href"] for attrs in page.named("a") if "download" in attrs]
    assert hrefs[0] == "charts/a%20b%22%3E%3Cscript%3E.svg"
    assert not page.named("script")


def test_fonts_are_inside_once(plain):
    from survey_kit.charts.fonts import font_files

    assert plain.count("data:font/woff;base64,") == len(font_files())


def test_a_figure_scrolls_before_its_type_falls_below_nine_px(plain):
    assert 'style="min-width:518px"' in plain  # 576 wide, smallest type 10: 576 * 9 / 10
    assert least_width('<svg viewBox="0 0 400 100"><text style="font-size: 8px">a</text></svg>') == 450
    assert least_width("<svg/>") == 0


def test_an_empty_document_is_a_page():
    page = Page(render_html(Document("Only a title")))
    assert "Only a title" in page.text
    assert not page.named("nav")


def test_a_deep_heading_does_not_break_the_contents():
    page = Page(render_html(Document("T", items=(Heading("First", 2), Heading("Deep", 3), Paragraph("x")))))
    assert page.text.count("First") == 3
    assert page.text.count("Deep") == 1


def test_a_broken_chart_is_named():
    class Broken(DrawnChart):
        def svg(self) -> str:
            return "<svg><g></svg>"

    with pytest.raises(
        OutputError, match=r"The chart of figure 'figure-bad' is not well-formed SVG \(mismatched tag.*Draw"
    ):
        render_html(Document("T", items=(Figure("bad", Broken()),)))


def test_svg_loses_what_could_run_or_call_out():
    source = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="alert(1)" '
        'aria-labelledby="t" '
        'width="9" height="5"><script>alert(1)</script><style>*{fill: red}</style><style>@import "http://x"</style>'
        '<image href="http://x/y.png"/><image href="data:image/png;base64,AA"/>'
        '<a xlink:href="javascript:alert(1)">b</a>'
        '<g id="a" clip-path="url(#a)"/><text>a &lt;b&gt;</text><foreignObject><p/></foreignObject></svg>'
    )
    made = inline_svg(source, "f1", 'say "hi"')
    assert made == (
        '<svg style="fill: red" viewBox="0 0 9 5" role="img" aria-label="say &quot;hi&quot;"><image />'
        '<image href="data:image/png;base64,AA" /><a>b</a><g id="f1-a" clip-path="url(#f1-a)" />'
        "<text>a &lt;b&gt;</text></svg>"
    )
