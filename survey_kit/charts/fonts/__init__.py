"""The type of charts and reports: Noto Sans (OFL, see OFL.txt), subset to Latin, Greek, Cyrillic, Georgian, Armenian."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FAMILIES = ("Noto Sans", "Noto Sans Georgian", "Noto Sans Armenian")
FALLBACK = ("DejaVu Sans", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


def font_files() -> list[Path]:
    """The font files, in a fixed order."""
    return sorted(Path(__file__).parent.glob("*.ttf"))


@cache
def advances(bold: bool) -> dict[int, float]:
    """Width in em of every character that the fonts have, Noto Sans first."""
    from fontTools.ttLib import TTFont

    weight = "Bold" if bold else "Regular"
    out: dict[int, float] = {}
    for path in sorted(font_files(), key=lambda p: (p.name not in (f"NotoSans-{weight}.ttf",), p.name)):
        if not path.stem.endswith(weight):
            continue
        font = TTFont(path)
        em, widths = font["head"].unitsPerEm, font["hmtx"]
        for code, glyph in font.getBestCmap().items():
            out.setdefault(code, widths[glyph][0] / em)
    return out
