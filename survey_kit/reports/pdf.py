"""A document as PDF, typeset by typst: tagged, with bookmarks, the same bytes every time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from survey_kit.charts.fonts import font_files
from survey_kit.errors import OutputError
from survey_kit.reports.content import (
    Bullets,
    Callout,
    Definitions,
    Document,
    Figure,
    Heading,
    Item,
    KeyFigures,
    Paragraph,
    TableItem,
)
from survey_kit.reports.paper import Sheet, body, head, plan
from survey_kit.reports.typeface import families, text_width
from survey_kit.tables.table import Table

_TIMESTAMP = 946_684_800  # 2000-01-01: a PDF must have a date, and the clock is not part of the document
_WHOLE = 26  # rows up to which a table is kept on one page
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONG = re.compile(r"\S{33,}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_]([A-Za-z]{2}))?(?:[-_].*)?")
_PX_TO_PT = {"px": 0.75, "": 0.75, "pt": 1.0, "in": 72.0, "mm": 72 / 25.4, "cm": 72 / 2.54}


def render_pdf(document: Document) -> bytes:
    """The document on A4 as PDF/UA-1. Same document, same bytes.

    Texts and charts reach typst as data files, so nothing in them is read as markup. Where a text has letters that no
    font at hand can show, which PDF/UA forbids, the file is a tagged PDF without that claim.

    Raises:
        OutputError: typst cannot set the document; the reason is in the message.
    """
    with TemporaryDirectory(prefix="survey-kit-") as folder:
        root = Path(folder)
        _lay_out(document, root)
        return _compile(root)


def _lay_out(document: Document, root: Path) -> None:
    """Write document.json, the charts and the template into `root`."""
    content = {
        "title": document.title or "Report",
        "subtitle": document.subtitle,
        "date": document.date,
        "author": document.author,
        "banner": document.banner,
        "colophon": list(document.colophon),
        "fonts": list(families()),
        **_language(document.language),
        "items": [_item(item, at, root) for at, item in enumerate(_in_order(document.items))],
    }
    text = json.dumps(_printable(content), ensure_ascii=False, sort_keys=True)
    (root / "document.json").write_text(text, encoding="utf-8")
    (root / "report.typ").write_text(_template(), encoding="utf-8")


def _compile(root: Path) -> bytes:
    import typst

    compiler = typst.Compiler(
        root=str(root), font_paths=sorted({str(path.parent) for path in font_files()}), ignore_system_fonts=True
    )

    def run(standards: list[Any]) -> bytes:
        made = compiler.compile(
            input=str(root / "report.typ"), format="pdf", pdf_standards=standards, timestamp=_TIMESTAMP
        )
        assert isinstance(made, bytes)
        return made

    try:
        return run(["ua-1"])
    except typst.TypstError as problem:
        if "could not be displayed" not in str(problem):
            raise _failure(problem) from problem
    try:
        return run([])
    except typst.TypstError as problem:
        raise _failure(problem) from problem


def _failure(problem: Exception) -> OutputError:
    reason = getattr(problem, "message", "") or str(problem)
    hints = "; ".join(getattr(problem, "hints", []))
    return OutputError(f"The PDF cannot be set: {reason}{f' ({hints})' if hints else ''}. Check the charts and texts.")


def _in_order(items: Sequence[Item]) -> Iterator[Item]:
    """Items without empty headings, and with headings one level at most below the one before, as PDF/UA asks."""
    level = 0
    for item in items:
        if isinstance(item, Heading):
            if not item.text.strip():
                continue
            level = max(1, min(item.level, level + 1, 3))
            item = Heading(item.text, level)
        yield item


def _item(item: Item, at: int, root: Path) -> dict[str, Any]:
    kind = type(item)
    if kind is Figure:
        return _figure(item, at, root)  # type: ignore[arg-type]
    return {"kind": kind.__name__.lower(), **_WRITTEN[kind](item)}


def _figure(item: Figure, at: int, root: Path) -> dict[str, Any]:
    svg = item.chart.svg()
    name = f"chart-{at}.svg"
    (root / name).write_text(svg, encoding="utf-8")
    return {
        "kind": "figure",
        "file": name,
        "alt": item.chart.alt or item.chart.title or item.name,
        "width": _width(svg),
    }


def _sheets(item: TableItem) -> dict[str, Any]:
    table = item.table
    sheets = plan(table, text_width)
    source = [f"Source: {table.source}"] if table.source else []
    return {
        "title": table.title,
        "subtitle": table.subtitle,
        "notes": [*table.notes, *source],
        "parts": [
            _part(table, sheet, f" ({at} of {len(sheets)})" if len(sheets) > 1 else "")
            for at, sheet in enumerate(sheets, start=1)
        ],
    }


def _part(table: Table, sheet: Sheet, note: str) -> dict[str, Any]:
    return {
        "note": note,
        "widths": list(sheet.widths),
        "aligns": [table.columns[at].align for at in sheet.columns],
        "size": sheet.size,
        "flipped": sheet.landscape,
        "head": head(table, sheet),
        "rows": list(body(table, sheet)),
        "whole": len(table.rows) <= _WHOLE,
    }


_WRITTEN: dict[type, Callable[[Any], dict[str, Any]]] = {
    Heading: lambda item: {"text": item.text, "level": item.level},
    Paragraph: lambda item: {"text": item.text, "lead": item.lead},
    Bullets: lambda item: {"items": list(item.items)},
    Callout: lambda item: {"text": item.text, "title": item.title, "tone": item.kind},
    KeyFigures: lambda item: {"items": [{"value": f.value, "label": f.label, "note": f.note} for f in item.items]},
    Definitions: lambda item: {"rows": [list(row) for row in item.rows]},
    TableItem: _sheets,
}


def _language(code: str) -> dict[str, str | None]:
    """BCP 47 code as typst takes it: "pt-BR" -> pt and BR."""
    found = _LANGUAGE.fullmatch(code)
    if not found:
        raise OutputError(f"language={code!r} is not a language code. Give one such as 'en' or 'kk'.")
    return {"lang": found.group(1).lower(), "region": found.group(2) and found.group(2).upper()}


def _width(svg: str) -> float:
    """Width of a chart in pt, as drawn; 0 where it does not say."""
    found = re.search(r"<svg\b[^>]*?\bwidth=\"([\d.]+)([a-z]*)\"", svg)
    return float(found.group(1)) * _PX_TO_PT.get(found.group(2), 0.75) if found else 10_000.0


def _printable(value: Any) -> Any:
    """Texts without control characters, which no font can show, and with places to break in very long words."""
    if isinstance(value, str):
        return _LONG.sub(lambda word: "\u200b".join(re.findall(".{1,16}", word.group())), _CONTROL.sub("", value))
    if isinstance(value, dict):
        return {key: _printable(entry) for key, entry in value.items()}
    return [_printable(entry) for entry in value] if isinstance(value, list) else value


@cache
def _template() -> str:
    return files("survey_kit.reports").joinpath("templates", "report.typ").read_text(encoding="utf-8")
