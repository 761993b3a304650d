"""PDF reports: tagged, no text read as markup, nothing cut off, the same bytes every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from support.document import HOSTILE, DrawnChart, document, question_table

from survey_kit.errors import OutputError
from survey_kit.reports.content import Document, Figure, Heading, Paragraph, TableItem
from survey_kit.reports.paper import LANDSCAPE, PORTRAIT, body, head, plan
from survey_kit.reports.pdf import render_pdf
from survey_kit.reports.typeface import families, text_width
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")


def words(pdf: bytes, folder: Path) -> str:
    """Text of a PDF with all white space as one blank."""
    (folder / "a.pdf").write_bytes(pdf)
    made = subprocess.run(["pdftotext", "-raw", str(folder / "a.pdf"), "-"], capture_output=True, text=True, check=True)
    return re.sub(r"\s+", " ", made.stdout.replace("\u200b", ""))


@pytest.fixture(scope="module")
def plain() -> bytes:
    return render_pdf(document())


def test_the_same_document_gives_the_same_bytes(plain):
    assert plain.startswith(b"%PDF-")
    assert render_pdf(document()) == plain


def test_it_claims_pdf_ua_and_has_title_and_language(plain):
    assert b"pdfuaid:part>1<" in plain or b'pdfuaid:part="1"' in plain
    assert b"/Lang(en)" in plain.replace(b" ", b"") or b"/Lang (en" in plain
    assert b"/MarkInfo" in plain


@needs_poppler
def test_hostile_texts_come_out_as_text(tmp_path):
    text = words(render_pdf(document(HOSTILE)), tmp_path).replace(" ", "")
    for hostile in HOSTILE:
        assert text.count(re.sub(r"\s", "", hostile)) >= 5, hostile


@needs_poppler
def test_numbers_are_the_texts_of_the_cells(plain, tmp_path):
    text = words(plain, tmp_path)
    for row in question_table().rows:
        printed = " ".join(cell.text for cell in row.cells if cell.text)
        assert printed in text


@needs_poppler
def test_banner_and_title_are_on_every_page(plain, tmp_path):
    text = words(plain, tmp_path)
    pages = plain.count(b"/Type/Page\n") or plain.count(b"/Type /Page\n") or int(re.findall(rb"/Count (\d+)", plain)[0])
    assert pages >= 3
    assert text.count("SYNTHETIC DATA") == pages
    assert text.count("Who opposes migration, and why") == pages


@needs_poppler
def test_chart_texts_can_be_searched(plain, tmp_path):
    assert "Oppose 41%" in words(plain, tmp_path)


def test_letters_that_no_font_has_do_not_stop_the_report():
    made = render_pdf(Document("\u4e2d\u6587 \U0001f600", items=(Paragraph("a\x00b\x07c"), Heading(""))))
    assert made.startswith(b"%PDF-")
    assert b"pdfuaid" not in made


@needs_poppler
def test_a_very_long_word_stays_on_the_page(tmp_path):
    (tmp_path / "a.pdf").write_bytes(render_pdf(Document("T", items=(Paragraph("x" * 400),))))
    made = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "a.pdf"), "-"], capture_output=True, text=True, check=True
    )
    assert max(float(right) for right in re.findall(r'xMax="([\d.]+)"', made.stdout)) < 595 - 50


def test_a_document_without_a_title_or_items_is_a_page():
    assert render_pdf(Document("")).startswith(b"%PDF-")


def test_a_broken_chart_is_an_output_error():
    class Broken(DrawnChart):
        def svg(self) -> str:
            return "not an svg"

    with pytest.raises(OutputError, match=r"The PDF cannot be set: .*(?i:svg).*Check the charts and texts\."):
        render_pdf(Document("T", items=(Figure("bad", Broken()),)))


def test_a_language_that_is_none_is_refused():
    with pytest.raises(OutputError, match=r"language='en\"\]' is not a language code. Give one such as 'en' or 'kk'."):
        render_pdf(replace(document(), language='en"]'))


@pytest.mark.parametrize("code", ["kk", "ru-RU", "zh-Hant-TW", "pt_BR"])
def test_languages(code):
    assert render_pdf(Document("T", language=code)).startswith(b"%PDF-")


# --- widths ----------------------------------------------------------------------------------------------------------


def narrow(columns: int, text: str = "41.2") -> Table:
    names = [Column("answer", "Answer", "left"), *(Column(f"c{at}", "%") for at in range(columns))]
    return Table("T", "", tuple(names), (Row((Cell("Yes"), *[Cell(text, 0.412)] * columns)),))


@pytest.mark.parametrize("columns", [1, 5, 15, 20, 30, 100])
def test_no_sheet_is_wider_than_the_page(columns):
    for sheet in plan(narrow(columns), text_width):
        assert sum(sheet.widths) <= (LANDSCAPE if sheet.landscape else PORTRAIT)


def test_small_tables_keep_the_large_type_and_wide_ones_turn():
    assert [(s.size, s.landscape) for s in plan(narrow(3), text_width)] == [(8.5, False)]
    assert [s.landscape for s in plan(narrow(16), text_width)] == [True]
    assert [s.landscape for s in plan(narrow(60), text_width)] == [False] * 5


def test_every_column_is_on_one_sheet_and_groups_stay_together():
    table = question_table(regions=9)
    sheets = plan(table, text_width)
    assert len(sheets) == 3
    assert all(sheet.columns[0] == 0 for sheet in sheets)
    assert [at for sheet in sheets for at in sheet.columns[1:]] == list(range(1, len(table.columns)))
    assert [len(sheet.columns) for sheet in sheets] == [7, 7, 7]


def test_heading_rows_span_the_columns_of_the_sheet():
    table = question_table(regions=9)
    above, below = head(table, plan(table, text_width)[1])
    assert [(cell["text"], cell["colspan"], cell["rowspan"]) for cell in above] == [
        ("Answer", 1, 2),
        ("Shymkent", 2, 1),
        ("Turkistan", 2, 1),
        ("Almaty 5", 2, 1),
    ]
    assert [cell["text"] for cell in below] == ["%", "95% CI"] * 3


def test_a_rule_is_above_the_first_row_of_bases():
    table = question_table()
    rows = list(body(table, plan(table, text_width)[0]))
    assert [row["first"] for row in rows] == [False] * 5 + [True, False]


def test_a_page_in_landscape_is_written():
    made = render_pdf(Document("T", items=(TableItem("wide", narrow(16)), Paragraph("after"))))
    assert re.search(rb"/MediaBox\s*\[\s*0 0 841\.88", made)


def test_widths_come_from_the_font():
    assert families()[0] == "Noto Sans"
    assert text_width("ii", False) < text_width("MM", False) < text_width("MM", True)
    assert text_width("\u0497\u04b1", False) != 1.2  # Kazakh letters are in the font
