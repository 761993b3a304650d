"""What a report says, without a medium: a document is a list of items; renderers turn items into pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from survey_kit.charts.chart import Chart
from survey_kit.tables.table import Table


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 opens a section, level 2 a question or step within it."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text. `lead` sets it larger, as the first words of a report."""

    text: str
    lead: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short texts."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """A boxed text that nobody may overlook, such as "the data are synthetic". Kind: "warning" or "note"."""

    text: str
    kind: str = "note"
    title: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number that the report opens with: "38%", "oppose the influx", "95% CI 34.9 to 41.2; n = 1,100"."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """A row of key figures."""

    items: tuple[KeyFigure, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart; `name` is the file name of its SVG, PNG and CSV, without an ending."""

    name: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class TableItem:
    """A table; `name` is the file name of its CSV, without an ending."""

    name: str
    table: Table


@dataclass(frozen=True, slots=True)
class Definitions:
    """Terms and what they are: the methodology statement."""

    rows: tuple[tuple[str, str], ...]


Item = Heading | Paragraph | Bullets | Callout | KeyFigures | Figure | TableItem | Definitions


@dataclass(frozen=True, slots=True)
class Document:
    """A report: title page facts and items in reading order.

    Attributes:
        title, subtitle: what it is about.
        date: publication or fieldwork date as text, from the study; never the clock.
        author: who made it.
        language: BCP 47 code of the text, such as "en".
        banner: a line on top of every page, such as "SYNTHETIC DATA"; empty for none.
        items: content in reading order.
        colophon: closing lines: software version, input hashes, how to rebuild.
    """

    title: str
    subtitle: str = ""
    date: str = ""
    author: str = ""
    language: str = "en"
    banner: str = ""
    items: tuple[Item, ...] = ()
    colophon: tuple[str, ...] = field(default=())
