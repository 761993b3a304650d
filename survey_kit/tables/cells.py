"""What a table is made of: columns, rows, and cells that were rounded once. Renderers print `Cell.text`.

Texts are cleaned as they come in, so that no renderer prints what a terminal, a page or a spreadsheet would obey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from survey_kit.errors import one_of
from survey_kit.results.letters import clean

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
        for name in ("label", "group"):
            object.__setattr__(self, name, clean(getattr(self, name)))


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text))


@dataclass(frozen=True, slots=True)
class Row:
    """A row. Kinds: "body"; "group", a heading over the rows below it; "total"; "base", numbers of respondents."""

    cells: tuple[Cell, ...]
    kind: Kind = "body"

    def __post_init__(self) -> None:
        one_of("kind", self.kind, get_args(Kind))
