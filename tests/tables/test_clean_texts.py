"""No table prints what a terminal, a page or a spreadsheet would obey."""

from __future__ import annotations

import pandas as pd

import survey_kit as sk
from survey_kit.codebook import Codebook, Variable
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table

BAD = "\x1b[31mred\x07\u202e\x00"
CLEAN = "[31mred"


def _table() -> Table:
    columns = (Column("answer", f"Answer {BAD}", "left"), Column("share", "%", group=f"All {BAD}"))
    rows = (Row((Cell(f"Group {BAD}"), Cell("")), "group"), Row((Cell(f"Yes {BAD}"), Cell("30.0", 0.3))))
    return Table(f"Vote {BAD}", f"Who? {BAD}", columns, rows, (f"Note {BAD}",), f"Poll {BAD}")


def test_every_renderer_prints_clean_texts():
    table = _table()
    gt = table.to_gt().as_raw_html()
    for text in (table.to_html(), table.to_csv(), gt, "".join(table.frame()["answer"])):
        assert not set("\x1b\x07\x00\u202e") & set(text)
        assert f"Yes {CLEAN}" in text
    for part in ("Vote", "Who?", "Answer", "All", "Group", "Note", "Poll"):
        assert f"{part} {CLEAN}" in table.to_html(), part
        assert f"{part} {CLEAN}" in gt, part


def test_labels_of_a_survey_are_clean_in_its_tables():
    book = Codebook({"q": Variable("q", label=f"Mood {BAD}", labels={1: f"Good {BAD}", 2: "Bad"})})
    poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 1]})).with_codebook(book)
    table = sk.table(sk.proportion(poll, "q"))
    html = table._repr_html_()
    assert f"Mood {CLEAN}" in html and f"Good {CLEAN}" in html
    assert "\x1b" not in html + table.to_csv()
