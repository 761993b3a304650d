"""The page around a plot: title block, footer, rows of labels; everything in points from the top left corner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from survey_kit.charts.drawing import Drawing, Mark, Text
from survey_kit.charts.letters import LEADING, boxed_characters, unknown_characters, width, wrap
from survey_kit.charts.palette import INK, MUTED, WARNING
from survey_kit.schema import Notice

TITLE, SUBTITLE, LABEL, VALUE, AXIS, FOOT = 13.0, 9.5, 9.0, 9.0, 8.0, 7.5
EDGE = 4.0  # margin of the page


@dataclass(frozen=True, slots=True)
class Frame:
    """Texts around a plot, and the width of the page in points."""

    title: str = ""
    subtitle: str = ""
    caption: tuple[str, ...] = ()
    note: str = ""
    width: float = 518.4

    def explained(self, line: str) -> Frame:
        """The same with a line of the footer that explains a symbol, behind the bases."""
        return replace(self, caption=(*self.caption[:1], line, *self.caption[1:]))

    @property
    def inner(self) -> float:
        """Width between the margins."""
        return self.width - 2 * EDGE


@dataclass
class Page:
    """A page that is being filled from top to bottom; `y` is where the next thing goes."""

    frame: Frame
    marks: list[Mark] = field(default_factory=list)
    y: float = EDGE

    def head(self) -> None:
        """Title and subtitle, left aligned."""
        self.paragraph(self.frame.title, TITLE, INK, bold=True)
        if self.frame.subtitle:
            self.y += 2
            self.paragraph(self.frame.subtitle, SUBTITLE, MUTED)
        if self.frame.title or self.frame.subtitle:
            self.y += 10

    def foot(self) -> Drawing:
        """The footer; the page is finished."""
        self.y += 8
        for line in self.frame.caption:
            self.paragraph(line, FOOT, MUTED)
        if self.frame.note:
            self.paragraph(self.frame.note, FOOT, WARNING, bold=True)
        return Drawing(self.frame.width, round(self.y + EDGE, 1), tuple(self.marks))

    def paragraph(self, text: str, size: float, colour: str, bold: bool = False) -> None:
        """Wrapped text over the whole width."""
        if not text:
            return
        for line in wrap(text, size, self.frame.inner, bold):
            self.y += size * LEADING
            self.marks.append(Text(EDGE, self.y - size * 0.3, line, size, colour, bold))

    def lines(
        self,
        lines: Sequence[str],
        x: float,
        middle: float,
        size: float,
        colour: str,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Lines of text centred on a height."""
        top = middle - (len(lines) - 1) * size * LEADING / 2
        for number, line in enumerate(lines):
            self.marks.append(Text(x, top + number * size * LEADING + size * 0.35, line, size, colour, bold, align))


def label_room(labels: Sequence[str], size: float, most: float, bold: bool = False) -> float:
    """Width of a column of labels: as wide as the longest, at most `most`."""
    return min(max((width(t, size, bold) for t in labels), default=0.0) + 1, most)


def glyph_lines(texts: Sequence[str]) -> tuple[str, ...]:
    """A line of the footer on characters that come out as boxes."""
    boxed = sorted(set().union(*map(boxed_characters, texts)))
    shown = ", ".join(f"U+{ord(c):04X}" for c in boxed[:8])
    return (f"Characters that no font of this chart has, drawn as boxes: {shown}.",) if boxed else ()


def glyph_notices(texts: Sequence[str]) -> tuple[Notice, ...]:
    """A notice on characters that the bundled fonts do not have."""
    strange = sorted(set().union(*(unknown_characters(t) for t in texts)) if texts else set())
    if not strange:
        return ()
    shown = ", ".join(f"U+{ord(c):04X}" for c in strange[:8])
    return (Notice("glyphs", f"Characters outside the bundled fonts: {shown}.", len(strange)),)
