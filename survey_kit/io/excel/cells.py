"""Text in the cells of a workbook, as it is: never a formula, never the XML that xlsxwriter would take it for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


def put_text(sheet: Worksheet, row: int, column: int, text: str, form: Format) -> None:
    """A text as it is.

    xlsxwriter writes "<r>...</r>" into the sheet unescaped, for it keeps its own rich text so: such a text goes in two
    pieces, which are escaped and read back as one.
    """
    if _is_markup(text):
        sheet.write_rich_string(row, column, text[0], form, text[1:], form)
    else:
        sheet.write_string(row, column, text, form)


def put_link(sheet: Worksheet, row: int, column: int, place: str, text: str, form: Format) -> None:
    """A link to `place`, as in "internal:'values'!A2", that shows a text as it is."""
    markup = _is_markup(text)
    sheet.write_url(row, column, place, form, string=text[1:] if markup else text)
    if markup:
        put_text(sheet, row, column, text, form)


def _is_markup(text: str) -> bool:
    return text.startswith("<r>") and text.endswith("</r>")
