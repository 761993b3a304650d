"""A chart: what it shows, as a frame and as marks, and its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from survey_kit.charts.drawing import Drawing
from survey_kit.charts.source import is_number
from survey_kit.errors import ArgumentError
from survey_kit.schema import Notice

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Chart:
    """A chart that is ready to be drawn.

    Attributes:
        kind: "topline", "likert", "dots", "coefficients", "love", "moved" or "weights".
        title: the finding. subtitle: the question, or what is measured.
        data: the numbers drawn, one row for each mark.
        caption: lines of the footer.
        alt: the chart in words, for those who do not see it.
        drawing: its marks. notices: what was left out or could not be set.
        redraw: draws it for another width in inches.
    """

    kind: str
    title: str
    subtitle: str
    data: pd.DataFrame
    caption: tuple[str, ...]
    alt: str
    drawing: Drawing = field(repr=False)
    notices: tuple[Notice, ...] = ()
    redraw: Callable[[float], Chart] | None = field(default=None, repr=False)

    def at_width(self, inches: float) -> Chart:
        """The same chart drawn for another width, such as that of a phone; type keeps its size."""
        return self if self.redraw is None else self.redraw(inches)

    def figure(self) -> Figure:
        """A matplotlib figure at the final size."""
        return self.drawing.figure()

    def svg(self) -> str:
        """SVG text with the alternative text inside; the same chart gives the same bytes."""
        return self._svg

    @cached_property
    def _svg(self) -> str:
        return self.drawing.svg(self.title or self.kind, self.alt)

    def png(self, dpi: int = 200) -> bytes:
        """PNG bytes, at 30 to 1200 dots per inch."""
        if not is_number(dpi) or not 30 <= dpi <= 1200:
            raise ArgumentError(f"dpi={dpi!r} is not available. Give a number from 30 to 1200, such as 200.")
        return self.drawing.image("png", dpi)

    def pdf(self) -> bytes:
        """PDF bytes."""
        return self.drawing.image("pdf")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write .svg, .png or .pdf, by the ending; whole or not at all."""
        from survey_kit.io import atomic_path

        makers = {".svg": lambda: self.svg().encode(), ".png": self.png, ".pdf": self.pdf}
        suffix = Path(path).suffix.lower()
        if suffix not in makers:
            raise ArgumentError(f"{Path(path).name}: a chart is saved as {', '.join(makers)}.")
        with atomic_path(path) as temporary:
            temporary.write_bytes(makers[suffix]())

    def __repr__(self) -> str:
        return f"Chart({self.kind}: {self.title or self.subtitle}; {len(self.data)} rows)"

    def _repr_svg_(self) -> str:
        return self.svg()
