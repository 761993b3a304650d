"""A drawing: marks placed in points from the top left corner, and its rendering with matplotlib."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from survey_kit.charts.fonts import FALLBACK, PREFIX, fallback_files, families, font_files
from survey_kit.charts.palette import INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A disc; hollow ones are filled white."""

    x: float
    y: float
    radius: float
    colour: str
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text on its baseline. align: "left", "center" or "right"."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    bold: bool = False
    align: str = "left"


Mark = Box | Line | Dot | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Marks on a page of a size in points."""

    width: float
    height: float
    marks: tuple[Mark, ...]

    def figure(self) -> Figure:
        """The drawing as a matplotlib figure at its final size."""
        with _settings({}):
            return self._figure()

    def _figure(self) -> Figure:
        from matplotlib.figure import Figure

        register_fonts()
        figure = Figure(figsize=(self.width / 72, self.height / 72), facecolor="white")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_axis_off()
        for order, mark in enumerate(self.marks):
            _PAINTERS[type(mark)](axes, mark, order)
        return figure

    def svg(self, title: str, alt: str) -> str:
        """The drawing as SVG: text stays text, the same marks give the same bytes, ids are its own."""
        salt = hashlib.sha256(repr(self).encode()).hexdigest()[:12]
        out = io.StringIO()
        with _settings({"svg.hashsalt": salt, "svg.id": f"chart-{salt}"}):
            self._figure().savefig(
                out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
            )
        return _accessible(out.getvalue(), title, alt, salt)

    def image(self, kind: str, dpi: int = 200) -> bytes:
        """The drawing as PNG or PDF bytes."""
        out = io.BytesIO()
        plain: dict[str, Any] = {
            "png": {"Software": None},
            "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
        }
        with _settings({}):
            self._figure().savefig(out, format=kind, dpi=dpi, metadata=plain[kind])
        return out.getvalue()


@cache
def register_fonts() -> None:
    """Make the bundled fonts known to matplotlib under names of their own, once."""
    from matplotlib.font_manager import fontManager

    known = fontManager.ttflist
    for path in (*font_files(), *fallback_files()):
        before = len(known)
        fontManager.addfont(path)
        known[before:] = [replace(known[before], name=PREFIX + known[before].name)]


_STYLE: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "text.parse_math": False, "text.hinting": "none"}


@contextmanager
def _settings(more: dict[str, Any]) -> Iterator[None]:
    """matplotlib's own defaults, whatever the session has set. A character without a glyph is told in the footer."""
    from matplotlib import style

    with style.context(["default", {**_STYLE, **more}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def _paint_box(axes: Any, mark: Box, order: int) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((mark.x, mark.y), mark.width, mark.height, facecolor=mark.colour, edgecolor="none", zorder=order)
    )


def _paint_line(axes: Any, mark: Line, order: int) -> None:
    from matplotlib.lines import Line2D

    style: Any = (0, (2.5, 2.0)) if mark.dashed else "solid"
    axes.add_line(
        Line2D(
            [mark.x1, mark.x2],
            [mark.y1, mark.y2],
            color=mark.colour,
            linewidth=mark.width,
            linestyle=style,
            solid_capstyle="butt",
            zorder=order,
        )
    )


def _paint_dot(axes: Any, mark: Dot, order: int) -> None:
    from matplotlib.patches import Circle

    face = "white" if mark.hollow else mark.colour
    axes.add_patch(
        Circle((mark.x, mark.y), mark.radius, facecolor=face, edgecolor=mark.colour, linewidth=1.3, zorder=order)
    )


def _paint_text(axes: Any, mark: Text, order: int) -> None:
    axes.text(
        mark.x,
        mark.y,
        mark.text,
        fontsize=mark.size,
        color=mark.colour,
        fontweight="bold" if mark.bold else "normal",
        ha=mark.align,
        va="baseline",
        family=[PREFIX + family for family in (*families(mark.bold), FALLBACK[0])],
        parse_math=False,
        zorder=order,
    )


_TAG = re.compile(r"<[^<>]*>")
_ID = re.compile(r'(\sid="|href="#|url\(#)')
_PAINTERS: dict[type, Any] = {Box: _paint_box, Line: _paint_line, Dot: _paint_dot, Text: _paint_text}


def _accessible(svg: str, title: str, alt: str, salt: str) -> str:
    """The SVG with a role, a title and a description for those who do not see it."""
    from html import escape

    start = svg.index("<svg")
    end = svg.index(">", start)
    opening = f'{svg[start:end]} role="img" aria-labelledby="t-{salt} d-{salt}">'
    texts = f'<title id="t-{salt}">{escape(title)}</title><desc id="d-{salt}">{escape(alt)}</desc>'
    body = _TAG.sub(lambda tag: _ID.sub(rf"\g<1>chart-{salt}-", tag.group()).replace(PREFIX, ""), svg[end + 1 :])
    return svg[:start] + opening + texts + body
