"""What a table is made of: columns, rows, and cells that were rounded once. Renderers print `Cell.text`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from survey_kit.errors import one_of

Align = Literal["left", "right"]
Kind = Literal["body", "group", "total", "base"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: machine name, heading, alignment, and the heading that it shares with its neighbours."""

    name: str
    label: str
    align: Align = "right"
    group: str = ""

    def __post_init__(self) -> None:
        one_of("align", self.align, get_args(Align))


@dataclass(frozen=True, slots=True)
class Cell:
    """What is printed, and what it was rounded from.

    Attributes:
        text: the text that every renderer prints.
        value: the number at full precision (a share for a percentage), or the text.
        limits: lower and upper limit at full precision, when the text is an interval.
    """

    text: str
    value: float | str | None = None
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row. Kinds: "body"; "group", a heading over the rows below it; "total"; "base", numbers of respondents."""

    cells: tuple[Cell, ...]
    kind: Kind = "body"

    def __post_init__(self) -> None:
        one_of("kind", self.kind, get_args(Kind))
