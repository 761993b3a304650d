"""The Table itself and its renderings: HTML, CSV, DataFrame, great_tables."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from support.document import HOSTILE, question_table

from survey_kit.errors import ArgumentError
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.delimited import frame_text, harmless
from survey_kit.tables.table import Table


def small(text: str = "Yes", value: float = 0.1 + 0.2) -> Table:
    columns = (Column("answer", "Answer", "left"), Column("share", "%"), Column("ci", "95% CI"))
    return Table(
        "Vote", "Who?", columns, (Row((Cell(text, text), Cell("30.0", value), Cell("1 to 2", None, (0.01, 0.02)))),)
    )


# --- shape -----------------------------------------------------------------------------------------------------------


def test_a_row_with_too_few_cells_is_refused():
    with pytest.raises(
        ArgumentError, match=r"Row 0 of table 'T' has 1 cells for 2 columns\. Fill absent cells with Cell"
    ):
        Table("T", "", (Column("a", "A"), Column("b", "B")), (Row((Cell("x"),)),))


def test_columns_need_names_of_their_own():
    with pytest.raises(
        ArgumentError, match=r"Table 'T' has two columns named a\. Give every column a name of its own\."
    ):
        Table("T", "", (Column("a", "A"), Column("a", "B")), ())
    with pytest.raises(ArgumentError, match=r"Table 'T' has no column\."):
        Table("T", "", (), ())


def test_kinds_and_alignments_are_known_words():
    with pytest.raises(ArgumentError, match=r"kind='boddy' is not available\. Did you mean 'body'\?"):
        Row((), "boddy")
    with pytest.raises(ArgumentError, match=r"align='centre' is not available"):
        Column("a", "A", "centre")


def test_spans_and_sections():
    table = question_table(regions=2)
    assert [(group, len(columns)) for group, columns in table.spans()] == [("", 1), ("Almaty", 2), ("Astana", 2)]
    assert [(head.cells[0].text, len(rows)) for head, rows in table.sections()] == [("Views on migration", 6)]
    assert small().sections()[0][0] is None


def test_the_frame_has_the_texts():
    frame = question_table(regions=1).frame()
    assert list(frame.columns) == ["answer", "e0", "c0"]
    assert frame.iloc[1].tolist() == ["Oppose", "41.2", "38.1 to 44.4"]
    assert (frame.dtypes == "str").all()


# --- HTML ------------------------------------------------------------------------------------------------------------


class Cells(HTMLParser):
    """Cells of a table with their attributes and texts."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.cells: list[tuple[str, dict[str, str | None], str]] = []
        self.names: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        if tag in ("th", "td"):
            self.cells.append((tag, dict(attrs), ""))

    def handle_data(self, data):
        if self.cells and self.lasttag in ("th", "td"):
            tag, attrs, text = self.cells[-1]
            self.cells[-1] = (tag, attrs, (text + data).rstrip("\n"))


def test_html_is_the_texts_of_the_cells():
    table = question_table()
    found = [text for tag, attrs, text in Cells(table.to_html()).cells if tag == "td" or "row" in str(attrs["scope"])]
    assert found == [cell.text for row in table.rows for cell in (row.cells[:1] if row.kind == "group" else row.cells)]


def test_html_has_a_caption_and_scopes():
    html = question_table().to_html()
    assert '<caption><span class="sk-caption"><span class="sk-title">Opposition by region</span>' in html
    heads = [(attrs["scope"], text) for tag, attrs, text in Cells(html).cells if tag == "th"][:4]
    assert heads == [
        ("col", "Answer"),
        ("colgroup", "Almaty"),
        ("colgroup", "Astana"),
        ("colgroup", "North Kazakhstan"),
    ]
    assert 'rowspan="2"' in html
    assert '<th scope="rowgroup" colspan="7">' in html
    assert 'role="region" tabindex="0" aria-label="Opposition by region"' in html


def test_header_rows_cover_every_column():
    for table in (question_table(), small(), question_table(regions=9)):
        rows = re.findall(r"<tr[ >].*?</tr>|<tr>.*?</tr>", table.to_html().split("<tbody>")[0], flags=re.S)
        widths = [sum(int(n) for n in re.findall(r'colspan="(\d+)"', row)) for row in rows]
        singles = [len(re.findall(r"<th ", row)) - len(re.findall(r"colspan=", row)) for row in rows]
        assert widths[0] + singles[0] == len(table.columns)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_escapes_everywhere(text):
    row = Row((Cell(text), Cell(text)))
    group = Row((Cell(text), Cell("")), "group")
    columns = (Column("a", text, "left"), Column("b", text, group=text))
    page = Cells(Table(text, text, columns, (group, row), (text,), text).to_html())
    assert not page.names & {"script", "img"}
    assert [found for _, _, found in page.cells] == [text] * 6


def test_html_bytes_are_the_same_and_the_style_is_its_own():
    assert question_table().to_html() == question_table().to_html() == question_table()._repr_html_()
    style = re.search(r"<style>(.*)</style>", small().to_html(), flags=re.S).group(1)
    rules = [rule for rule in re.findall(r"(?:^|\})\s*([^{}@]+)\{", re.sub(r"@media[^{]*\{", "}", style))]
    assert rules
    assert all(part.strip().startswith(".sk-table") for rule in rules for part in rule.split(","))
    assert "<style>" not in small().to_html(style=False)


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_keeps_numbers_at_full_precision():
    assert small().to_csv() == (
        "answer,share,share_text,ci_low,ci_high,ci_text\nYes,0.30000000000000004,30.0,0.01,0.02,1 to 2\n"
    )


def test_csv_turns_group_rows_into_a_column_and_names_the_kinds():
    rows = list(csv.DictReader(io.StringIO(question_table(regions=1).to_csv())))
    assert [row["row"] for row in rows] == ["body", "body", "body", "total", "base", "base"]
    assert {row["group"] for row in rows} == {"Views on migration"}
    assert rows[0]["e0"] == "0.4123456789"
    assert rows[4] == {
        "group": "Views on migration", "row": "base", "answer": "Unweighted base (n)",
        "e0": "24", "e0_text": "24 †", "c0_low": "", "c0_high": "", "c0_text": "",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\uff1d1+1", "\n=1"])
def test_csv_takes_the_sting_out_of_formulas(text):
    assert harmless(text) == f"'{text}"
    (row,) = csv.DictReader(io.StringIO(small(text).to_csv(), newline=""))
    assert row["answer"] == f"'{text.strip()}", "cells are cleaned as they come in"


def test_csv_has_no_carriage_returns():
    assert harmless("\r=1") == "'\n=1"
    assert harmless("a\r\nb") == "a\nb"


@pytest.mark.parametrize("text", ["", "-", "+3.2", "-1,234.5", "-3%", "Yes", "a=b", "\u22123.2", "'x"])
def test_csv_leaves_harmless_texts(text):
    assert harmless(text) == text


def test_csv_headings_are_texts_too():
    table = Table("T", "", (Column("=a", "A", "left"),), (Row((Cell("x"),)),))
    assert table.to_csv() == "'=a\nx\n"


def test_csv_quotes_and_ends_lines_with_line_feeds():
    text = small('a "quoted", line\nbreak').to_csv()
    assert '"a ""quoted"", line break"' in text
    assert "\r" not in text


@pytest.mark.parametrize("value", [float("nan"), None])
def test_csv_of_a_missing_number_is_empty(value):
    table = Table("T", "", (Column("a", "A"),), (Row((Cell("-", value),)), Row((Cell("1", 1.0),))))
    assert table.to_csv() == "a,a_text\n,-\n1,1\n"


def test_a_frame_as_csv():
    frame = pd.DataFrame(
        {
            "=x": ["=1+1", None],
            "n": [3, 4],
            "share": [0.1 + 0.2, np.nan],
            "yes": [True, False],
            "c": pd.Categorical(["-a", "b"]),
        }
    )
    assert frame_text(frame) == "'=x,n,share,yes,c\n'=1+1,3,0.30000000000000004,True,'-a\n,4,,False,b\n"


# --- great_tables ----------------------------------------------------------------------------------------------------


def test_great_tables_has_the_same_texts():
    made = question_table().to_gt("vote")
    html = made.as_raw_html()
    assert html == question_table().to_gt("vote").as_raw_html()
    assert re.findall(r"<td[^>]*gt_row[^>]*>([^<]*)</td>", html) == [
        cell.text for row in question_table().rows if row.kind != "group" for cell in row.cells[1:]
    ]
    for text in ("Opposition by region", "Almaty", "Views on migration", "Source: Synthetic survey of adults, 2026"):
        assert text in html


@pytest.mark.parametrize("text", HOSTILE[:3])
def test_great_tables_escapes(text):
    html = (
        Table(
            text,
            text,
            (Column("a", text, "left"), Column("b", text, group=text)),
            (Row((Cell(text), Cell(text))),),
            (text,),
        )
        .to_gt()
        .as_raw_html()
    )
    assert "<script" not in html
    assert "<img" not in html
