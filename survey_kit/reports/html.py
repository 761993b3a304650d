"""A document as one self-contained HTML file: CSS, fonts and charts inside, no script, no outside request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from survey_kit.reports.content import Document, Figure, Heading, Item, TableItem
from survey_kit.reports.slugs import slugs
from survey_kit.reports.svg import inline_svg, least_width
from survey_kit.reports.typeface import font_faces
from survey_kit.tables.delimited import frame_text
from survey_kit.tables.html import stylesheet

if TYPE_CHECKING:
    from jinja2 import Template

_RESERVED = ("top", "main", "contents")  # ids of the page itself
PHONE = 3.9  # inches, the width of charts on narrow screens


@dataclass(frozen=True, slots=True)
class Link:
    """A file that a reader can keep: words of the link, address, file name."""

    text: str
    href: str
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """One item of the page.

    Attributes:
        kind: class name of the item. ident: anchor. number: which figure or table it is.
        markup: ready HTML of a chart or table. narrow: a chart as drawn for phones. links: its files.
        least: px under which the wide chart scrolls.
    """

    kind: str
    item: Item
    ident: str
    number: int = 0
    markup: str = ""
    links: tuple[Link, ...] = ()
    least: int = 0
    narrow: str = ""


def render_html(document: Document, assets: bool = True) -> str:
    """The document as a page that needs nothing else. Same document, same bytes.

    Args:
        document: what to say. Every text is escaped.
        assets: whether the page links to `charts/<name>.svg`, `charts/<name>.png` and `tables/<name>.csv` beside it.
            False: the numbers behind charts and tables are carried inside the page.

    Raises:
        OutputError: a chart gave no well-formed SVG.
    """
    from markupsafe import Markup

    items = [item for item in document.items if not isinstance(item, Heading) or item.text.strip()]
    parts = tuple(_parts(items, assets))
    css = font_faces() + stylesheet() + _source("report.css")
    return _template().render(document=document, parts=parts, contents=_contents(parts), css=Markup(css))


def _parts(items: Sequence[Item], assets: bool) -> Iterator[Part]:
    """Items with anchors, numbers, markup and files."""
    idents = slugs([*_RESERVED, *map(_name, items)])[len(_RESERVED) :]
    counts: dict[str, int] = {}
    for item, ident in zip(items, idents, strict=True):
        kind = type(item).__name__
        counts[kind] = counts.get(kind, 0) + 1
        part = Part(kind, item, ident, counts[kind])
        yield _DRESSED[kind](part, assets) if kind in _DRESSED else part


def _name(item: Item) -> str:
    if isinstance(item, Heading):
        return item.text
    kind = type(item).__name__.lower()
    return f"{kind} {item.name}" if isinstance(item, (Figure, TableItem)) else kind


def _figure(part: Part, assets: bool) -> Part:
    from markupsafe import Markup

    assert isinstance(part.item, Figure)
    name, chart = part.item.name, part.item.chart
    svg, small = chart.svg(), chart.at_width(PHONE).svg()
    links = _chart_files(name) if assets else (Link("data (CSV)", _data_uri(frame_text(chart.data)), f"{name}.csv"),)
    return replace(
        part,
        markup=Markup(inline_svg(svg, part.ident, chart.alt)),
        narrow=Markup(inline_svg(small, f"{part.ident}-narrow", chart.alt)),
        links=links,
        least=least_width(svg),
    )


def _chart_files(name: str) -> tuple[Link, ...]:
    return (
        Link("SVG", f"charts/{quote(name)}.svg", f"{name}.svg"),
        Link("PNG", f"charts/{quote(name)}.png", f"{name}.png"),
        Link("data (CSV)", f"tables/{quote(name)}.csv", f"{name}.csv"),
    )


def _table(part: Part, assets: bool) -> Part:
    from markupsafe import Markup

    assert isinstance(part.item, TableItem)
    name, table = part.item.name, part.item.table
    href = f"tables/{quote(name)}.csv" if assets else _data_uri(table.to_csv())
    return replace(part, markup=Markup(table.to_html(style=False)), links=(Link("CSV", href, f"{name}.csv"),))


_DRESSED: dict[str, Callable[[Part, bool], Part]] = {"Figure": _figure, "TableItem": _table}


def _contents(parts: Sequence[Part]) -> list[tuple[Part, list[Part]]]:
    """Sections with the headings within them, for the table of contents."""
    out: list[tuple[Part, list[Part]]] = []
    for part in parts:
        if isinstance(part.item, Heading) and (part.item.level == 1 or not out):
            out.append((part, []))
        elif isinstance(part.item, Heading) and part.item.level == 2:
            out[-1][1].append(part)
    return out


def _data_uri(text: str) -> str:
    return f"data:text/csv;charset=utf-8,{quote(text)}"


@cache
def _source(name: str) -> str:
    return files("survey_kit.reports").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    rules = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return rules.from_string(_source("report.html.j2"))
