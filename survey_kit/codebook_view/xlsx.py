"""The codebook as a workbook: a sheet of variables linked to a sheet of answers. No text becomes a formula."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from survey_kit.codebook import format_code
from survey_kit.codebook_view.summary import MISSING, Answer, Summary
from survey_kit.codebook_view.text import clean
from survey_kit.errors import OutputError
from survey_kit.io.excel.cells import put_link, put_text

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from survey_kit.codebook_view.view import SurveyCodebook

_MADE = datetime(2000, 1, 1)  # a fixed date, so that equal data give equal bytes
_ROWS = 1_048_576  # of a sheet
_LINKS = 65_000  # of a sheet, a little below the limit of the format
_LONGEST = 32_767  # characters of a cell
_ACCENT, _BAR, _SOFT = "#0B5A63", "#7FB5B8", "#4A5157"
_VARIABLES = (  # heading, width, field of Summary
    *(("Name", 18, "name"), ("Label", 44, "label"), ("Question", 60, "question"), ("Type", 17, "type")),
    *(("Measure", 10, "measure"), ("Asked", 20, "filter"), ("Declared missing", 17, "missing"), ("n", 9, "n")),
    *(("Missing", 9, "missing_n"), ("Different values", 10, "distinct"), ("Min", 10, "low"), ("Mean", 10, "mean")),
    *(("Max", 10, "high"), ("Earliest", 17, "earliest"), ("Latest", 17, "latest"), ("Note", 50, "flag")),
)
_ANSWERS = (("Variable", 18), ("Label", 40), ("Code", 12), ("Answer", 50), ("Kind", 12), ("n", 9), ("%", 16))


def workbook(codebook: SurveyCodebook) -> bytes:
    """The file. Same data, same bytes.

    Raises:
        OutputError: more answers than a sheet has rows.
    """
    from xlsxwriter import Workbook

    summaries = list(codebook.summaries())
    places = _places(summaries)
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm",
    }
    with Workbook(out, options) as book:
        book.set_properties({"title": _cell(codebook.title) or "Codebook", "created": _MADE})
        styles = _styles(book)
        _variables(book.add_worksheet("variables"), summaries, places, styles)
        _values(book.add_worksheet("values"), summaries, styles)
        _about(book.add_worksheet("about"), codebook, styles)
    return out.getvalue()


def _places(summaries: Sequence[Summary]) -> list[int]:
    """First row (from 0) of each variable on the sheet of answers."""
    places, row = [], 1
    for summary in summaries:
        places.append(row)
        row += len(summary.answers)
    if row > _ROWS:
        raise OutputError(
            f"The codebook has {row - 1:,} answers; a sheet holds {_ROWS - 1:,}. Write a part of it "
            '(codebook.find("word").to_xlsx(...)) or the page, codebook.to_html(...).'
        )
    return places


def _styles(book: Workbook) -> dict[str, Format]:
    top = {"valign": "top"}
    return {
        "head": book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, **top, "text_wrap": True}),
        "text": book.add_format({**top, "text_wrap": True}),
        "link": book.add_format({**top, "font_color": _ACCENT, "underline": True, "bold": True}),
        "count": book.add_format({**top, "num_format": "#,##0"}),
        "number": book.add_format({**top, "num_format": "General"}),
        "mean": book.add_format({**top, "num_format": "0.00"}),
        "date": book.add_format({**top, "num_format": "yyyy-mm-dd hh:mm", "align": "left"}),
        "percent": book.add_format({**top, "num_format": "0.0%"}),
        "soft": book.add_format({**top, "text_wrap": True, "font_color": _SOFT}),
        "code": book.add_format({**top, "align": "right"}),
        "title": book.add_format({"bold": True, "font_size": 14, **top, "text_wrap": True}),
    }


def _sheet(sheet: Worksheet, headings: Sequence[tuple[str, int]], rows: int, styles: dict[str, Format]) -> None:
    """Heading, widths, frozen panes, filter, print setup."""
    for column, (heading, width) in enumerate(headings):
        sheet.set_column(column, column, width)
        put_text(sheet, 0, column, heading, styles["head"])
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(rows, 1), len(headings) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&R&P / &N")


def _variables(
    sheet: Worksheet, summaries: Sequence[Summary], places: Sequence[int], styles: dict[str, Format]
) -> None:
    _sheet(sheet, [(heading, width) for heading, width, _ in _VARIABLES], len(summaries), styles)
    for row, (summary, place) in enumerate(zip(summaries, places, strict=True), start=1):
        for column, (_, _, name) in enumerate(_VARIABLES):
            _write(sheet, row, column, getattr(summary, name), styles["mean" if name == "mean" else "number"], styles)
        if summary.answers and row <= _LINKS:
            _link(sheet, row, "values", place, summary.name, styles)


def _values(sheet: Worksheet, summaries: Sequence[Summary], styles: dict[str, Format]) -> None:
    total = sum(len(s.answers) for s in summaries)
    _sheet(sheet, _ANSWERS, total, styles)
    row = 1
    for at, summary in enumerate(summaries, start=1):
        for place, answer in enumerate(summary.answers):
            first = place == 0
            if first and at <= _LINKS:
                _link(sheet, row, "variables", at, summary.name, styles)
            else:
                _write(sheet, row, 0, summary.name, styles["text"], styles)
            _write(sheet, row, 1, summary.label if first else "", styles["text"], styles)
            _answer(sheet, row, answer, styles)
            row += 1
    if total:
        bar = {
            "type": "data_bar",
            "bar_solid": True,
            "bar_color": _BAR,
            "data_bar_2010": True,
            "bar_border_color": _BAR,
        }
        limits = {"min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1}
        sheet.conditional_format(1, 6, total, 6, {**bar, **limits})


def _answer(sheet: Worksheet, row: int, answer: Answer, styles: dict[str, Format]) -> None:
    words = styles["soft" if answer.kind == MISSING else "text"]
    _write(sheet, row, 2, answer.code, styles["code"], styles)
    _write(sheet, row, 3, answer.label, words, styles, words)
    _write(sheet, row, 4, answer.kind, words, styles, words)
    sheet.write_number(row, 5, answer.n, styles["count"])
    if not math.isnan(answer.share):
        sheet.write_number(row, 6, answer.share, styles["percent"])


def _about(sheet: Worksheet, codebook: SurveyCodebook, styles: dict[str, Format]) -> None:
    sheet.set_column(0, 0, 100)
    shares = "weighted shares" if codebook.weight_text() != "unweighted" else "shares"
    lines = [
        codebook.size_text(),
        f"n counts respondents and is never weighted. % are {shares} of valid answers.",
        "Open answers, and values that may point at a person, are counted and not shown.",
        *codebook.remarks(),
    ]
    put_text(sheet, 0, 0, _cell(codebook.title) or "Codebook", styles["title"])
    for row, line in enumerate(lines, start=1):
        put_text(sheet, row, 0, _cell(line), styles["text"])


def _link(sheet: Worksheet, row: int, target: str, place: int, name: str, styles: dict[str, Format]) -> None:
    put_link(sheet, row, 0, f"internal:'{target}'!A{place + 1}", _cell(name), styles["link"])


def _write(
    sheet: Worksheet, row: int, column: int, value: Any, plain: Format, styles: dict[str, Format], words: Any = None
) -> None:
    """A value as what it is: numbers and dates as such, text as text, nothing where there is none."""
    if value is None or value == "" or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return
    if isinstance(value, pd.Timestamp):
        if value.year < 1900:
            sheet.write_string(row, column, f"{value:%Y-%m-%d}", styles["text"])
        else:
            sheet.write_datetime(row, column, value.to_pydatetime(warn=False), styles["date"])
    elif isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e15:
        sheet.write_number(row, column, value, plain)
    else:
        text = value if isinstance(value, str) else format_code(value)
        put_text(sheet, row, column, _cell(text), words or styles["text"])


def _cell(text: str) -> str:
    """Text that a cell can hold."""
    text = clean(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
