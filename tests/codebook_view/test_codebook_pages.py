"""The codebook as a page, in a notebook, as a workbook: complete, escaped, silent about people, the same bytes."""

from __future__ import annotations

import html
import io
import re
import warnings
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.codebook_view import SurveyCodebook
from survey_kit.codebook_view.summary import Answer
from survey_kit.codebook_view.text import mean_text, number_text, percent_text
from survey_kit.design.design import Design
from survey_kit.errors import ArgumentError, OutputError
from survey_kit.io.overlay import load_codebook
from survey_kit.results import display

HOSTILE = ["<r>a & <b></r>", "<r><t>x</t></r>", "=1+1", "<script>alert(1)</script>", "a\u202eb", "_x0041_", "@SUM(A1)"]
EVIL = '<script>alert(1)</script>&"\'\u202e=HYPERLINK("http://x")'


class _Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(t == tag for t, _ in self.tags)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def _poll(rows: int = 60) -> SurveyCodebook:
    random = np.random.default_rng(1)
    codes = pd.DataFrame(
        {
            "id": np.arange(rows) + 90_001,
            "q1": random.choice([1.0, 2.0, 3.0, 98.0, np.nan], rows),
            "age": 18 + (np.arange(rows) * 7) % 43,
            "why": pd.Series([f"CANARY {i % 7}" for i in range(rows)]),
            "phone": 77_010_000_000 + np.arange(rows),
            "day": pd.date_range("2022-12-01", periods=rows),
            "m1": random.choice([0, 1], rows),
            "m2": random.choice([0, 1], rows),
            "w": random.gamma(3, size=rows),
        }
    )
    yes = {0: "No", 1: "Yes"}
    book = Codebook(
        {
            **{name: Variable(name) for name in codes},
            "q1": Variable(
                "q1", "Trust", {1: "Low", 2: "High", 98: "Don't know"}, MissingRule((98,)), "Do you trust?", "ordinal"
            ),
            "age": Variable("age", "Age, years", measure="scale", filter="everybody"),
            "m1": Variable("m1", "News: TV", yes),
            "m2": Variable("m2", "News: Press", yes),
        },
        sets={"m": MultipleResponse("m", ("m1", "m2"), label="News")},
        title="Poll of 2022",
        notes=("A note.",),
        weight="w",
    )
    return SurveyCodebook.of(book, codes, Design(weight="w"))


def _evil(text: str = EVIL) -> SurveyCodebook:
    """A codebook with one text wherever a text can be."""
    variable = Variable("q", text, {1: text, 2: "\x00\ud800"}, MissingRule((9,)), text, filter=text, origin=text)
    odd = Variable(text, text)
    book = Codebook(
        {"q": variable, text: odd},
        sets={text: MultipleResponse(text, ("q",), label=text, question=text)},
        title=text,
        notes=(text,),
    )
    codes = pd.DataFrame({"q": [1, 2, 9], text: [text, text, None]})
    return SurveyCodebook.of(book, codes, domain=np.array([True, True, True]), condition=text)


def _outputs(told: SurveyCodebook, folder: Path) -> list[str]:
    told.to_xlsx(folder / "book.xlsx")
    with zipfile.ZipFile(folder / "book.xlsx") as parts:
        inside = [parts.read(name).decode() for name in parts.namelist()]
    frames = [told.frame().to_csv(), told.categories().to_csv()]
    return [str(told.to_html()), told._repr_html_(), repr(told), *frames, *inside]


# --- what must be there -----------------------------------------------------------------------------------------------


def test_page_says_everything() -> None:
    told = _poll()
    page = _Page(str(told.to_html()))
    for said in ("Poll of 2022", "60 rows", "weighted by 'w'", "A note.", "Do you trust?", "Don't know", "Age, years"):
        assert said in page.text
    assert page.count("article") == 10
    assert page.count("h1") == 1
    assert page.count("h2") == 10
    assert page.count("caption") == page.count("table") > 0
    assert page.count("svg") == 2
    for answer in told.summary("q1").answers:
        if answer.kind != "missing":
            assert percent_text(answer.share) in page.text
    widths = [attrs["style"] for tag, attrs in page.tags if tag == "span" and "style" in attrs]
    assert f"width:{100 * told.summary('q1').answers[0].share:.1f}%" in widths


def test_page_asks_for_nothing_outside() -> None:
    page = str(_poll().to_html())
    assert not re.findall(r"(src|href)=[\"'](?!#)", page)
    assert "url(" not in page and "@import" not in page and "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


def test_page_reads_without_the_script() -> None:
    page = _Page(str(_poll().to_html()))
    tools = next(attrs for _, attrs in page.tags if attrs.get("id") == "tools")
    assert "hidden" in tools
    assert not any("hidden" in attrs for tag, attrs in page.tags if tag == "article")


def test_anchors_are_unique_and_links_lead_somewhere() -> None:
    for told in (_poll(), _evil()):
        page = _Page(str(told.to_html()))
        idents = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(idents) == len(set(idents))
        links = [str(attrs["href"]) for tag, attrs in page.tags if tag == "a"]
        assert all(link[1:] in idents for link in links)


def test_notebook_shows_a_part_and_counts_that_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = pd.DataFrame({f"q{i}": [1, 2] for i in range(2000)})
    told = SurveyCodebook.of(Codebook({n: Variable(n, labels={1: "A", 2: "B"}) for n in codes}), codes)
    counted: list[str] = []
    whole = SurveyCodebook._variable
    monkeypatch.setattr(SurveyCodebook, "_variable", lambda self, name: (counted.append(name), whole(self, name))[1])
    text = _Page(told._repr_html_()).text
    assert len(counted) == 60
    assert 'Shown: 60 of 2,000. Narrow it with .find("word"), or write everything: .to_html("codebook.html").' in text
    assert "q59" in text and "q60" not in text
    assert "Shown:" not in _Page(_poll()._repr_html_()).text


def test_notebook_has_no_script_and_scopes_its_style() -> None:
    text = _poll()._repr_html_()
    assert "<script" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style is not None
    assert all(
        part.lstrip().startswith(".sk-codebook")
        for rule in style[1].strip().splitlines()
        for part in rule.split("{")[0].split(",")
    )


def test_two_thousand_variables_make_one_page() -> None:
    random = np.random.default_rng(0)
    codes = pd.DataFrame(random.integers(1, 8, (50, 2000)).astype(float), columns=[f"q{i}" for i in range(2000)])
    labels = {**{i: f"Answer {i}" for i in range(1, 7)}, 7: "Refused"}
    told = SurveyCodebook.of(Codebook({n: Variable(n, "L", labels, MissingRule((7,))) for n in codes}), codes)
    assert str(told.to_html()).count("<article") == 2000
    assert len(told._repr_html_()) < 200_000


# --- what must not ----------------------------------------------------------------------------------------------------


def test_nothing_is_run_and_marks_are_isolated(tmp_path: Path) -> None:
    told = _evil()
    for text in (str(told.to_html()), told._repr_html_()):
        assert "<script>alert" not in text
        for place in [m.start() for m in re.finditer("\u202e", text.split("<body", 1)[-1])]:
            before = text.split("<body", 1)[-1][:place]
            assert before.rfind("<bdi>") > before.rfind("</bdi>") or "where &lt;script" in before[-60:]
        assert "\x00" not in text and "\ud800" not in text
    told.to_xlsx(tmp_path / "book.xlsx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert all(c.data_type in "sn" for c in cells)
    assert any(c.value == EVIL for c in cells)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_a_text_wherever_it_stands(text: str, tmp_path: Path) -> None:
    told = _evil(text)
    for page in (str(told.to_html()), told._repr_html_()):
        body = page.split("<body", 1)[-1]
        assert html.escape(text, quote=False) in body
        assert "<" not in text or text not in body
        assert text in _Page(page).text
    told.to_xlsx(tmp_path / "book.xlsx")
    with zipfile.ZipFile(tmp_path / "book.xlsx") as parts:
        for name in parts.namelist():
            ElementTree.fromstring(parts.read(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert all(c.data_type in "sn" for c in cells)
    assert sum(c.value == text for c in cells) == 18
    assert any(c.value == f"2 variables, 3 of 3 rows (where {text}), unweighted" for c in cells)
    assert {c.hyperlink.location for c in cells if c.value == text and c.hyperlink} == {
        *("'values'!A2", "'values'!A7", "'variables'!A2", "'variables'!A4")
    }


def test_answers_and_numbers_of_people_are_nowhere(tmp_path: Path) -> None:
    for text in _outputs(_poll(), tmp_path):
        assert "CANARY" not in text
        assert not re.search(r"90,?0\d\d\D|7,?701,?000", text)


# --- the same bytes, whole files --------------------------------------------------------------------------------------


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        assert _poll().to_html(tmp_path / name) == tmp_path / name
    for name in ("a.xlsx", "b.xlsx"):
        assert _poll().to_xlsx(tmp_path / name) == tmp_path / name
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == _poll().to_html()


def test_workbook_holds_numbers_links_and_bars(tmp_path: Path) -> None:
    told = _poll()
    told.save(tmp_path / "book.xlsx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl leaves out the newer form of data bars
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    assert book.sheetnames == ["variables", "values", "about"]
    variables, values = book["variables"], book["values"]
    assert variables.freeze_panes == values.freeze_panes == "B2"
    names = [row[0].value for row in variables.iter_rows(min_row=2)]
    assert names == told.frame()["name"].tolist()
    frame = told.categories()
    assert [row[5].value for row in values.iter_rows(min_row=2)] == frame["n"].tolist()
    shares = [row[6].value for row in values.iter_rows(min_row=2)]
    np.testing.assert_allclose([np.nan if s is None else 100 * s for s in shares], frame["percent"], rtol=1e-14)
    row = names.index("q1") + 2
    target = variables.cell(row, 1).hyperlink.location
    assert target.startswith("'values'!A")
    there = values[target.split("!")[1]]
    assert there.value == "q1"
    assert there.hyperlink.location == f"'variables'!A{row}"
    assert book["about"]["A2"].value == "9 variables, 60 rows, weighted by 'w'"
    with zipfile.ZipFile(tmp_path / "book.xlsx") as parts:
        assert b"dataBar" in parts.read("xl/worksheets/sheet2.xml")
        assert b"2000-01-01" in parts.read("docProps/core.xml")


def test_a_workbook_that_would_not_hold_it_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("survey_kit.codebook_view.xlsx._ROWS", 10)
    with pytest.raises(OutputError, match=r"The codebook has \d+ answers; a sheet holds 9. Write a part of it"):
        _poll().to_xlsx(tmp_path / "book.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_the_ending_says_how(tmp_path: Path) -> None:
    told = _poll()
    for name in ("book.html", "book.xlsx"):
        assert told.save(tmp_path / name) == tmp_path / name
    assert (tmp_path / "book.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ArgumentError, match=r"cannot be written to files named .pdf. There are: .html, .xlsx, .yml"):
        told.save(tmp_path / "book.pdf")
    with pytest.raises(ArgumentError, match="a name without an ending"):
        told.save(tmp_path / "book")


def test_a_codebook_to_edit_reads_back(tmp_path: Path) -> None:
    told = _poll()
    for name in ("book.yml", "book.json", "book.csv"):
        told.save(tmp_path / name)
        assert list(load_codebook(tmp_path / name)) == list(told)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the folder .* does not exist"):
        _poll().to_html(tmp_path / "no" / "book.html")


# --- texts ------------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1))
def test_percentages_are_rounded_as_everywhere(share: float) -> None:
    assert percent_text(share) == display.percent(share, 1)


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_numbers_are_near_what_they_stand_for(value: float) -> None:
    if value and abs(value) < 1e-6:
        return
    for text in (number_text(value), mean_text(value)):
        assert float(text.replace(",", "").replace("\N{MINUS SIGN}", "-")) == pytest.approx(
            value, rel=5.1e-4, abs=1e-12
        )


labels = st.text(max_size=12)


@settings(max_examples=30)
@given(st.dictionaries(labels.filter(bool), st.tuples(labels, st.dictionaries(st.integers(0, 3), labels)), max_size=4))
def test_any_text_makes_a_sound_page(said: dict[str, tuple[str, dict[int, str]]]) -> None:
    book = Codebook({n: Variable(n, label, values, question=label) for n, (label, values) in said.items()})
    told = SurveyCodebook.of(book, pd.DataFrame({n: [0, 1, 2, 1] for n in said}))
    page = str(told.to_html())
    page.encode("utf-8")
    assert _Page(page).count("article") == len(said)
    assert _Page(told._repr_html_()).count("code") >= len(said)
    from survey_kit.codebook_view.xlsx import workbook

    assert openpyxl.load_workbook(io.BytesIO(workbook(told)), read_only=True).sheetnames[0] == "variables"


def test_an_answer_is_plain() -> None:
    assert Answer(1, "Yes", "valid", 3, 0.5) == Answer(1, "Yes", "valid", 3, 0.5)
