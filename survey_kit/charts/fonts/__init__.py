"""The type of charts and reports: Noto Sans (OFL, see OFL.txt), subset to Latin, Greek, Cyrillic, Georgian, Armenian."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FAMILIES = ("Noto Sans", "Noto Sans Math", "Noto Sans Georgian", "Noto Sans Armenian")
PREFIX = "survey_kit "  # of the names that matplotlib knows the fonts by: no font of the machine is taken for ours
FALLBACK = ("DejaVu Sans", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


def font_files() -> list[Path]:
    """The font files, in a fixed order."""
    return sorted(Path(__file__).parent.glob("*.ttf"))


def families(bold: bool) -> tuple[str, ...]:
    """The families that have a weight, Noto Sans first; Noto Sans Math has no bold."""
    return tuple(name for name in FAMILIES if not (bold and name == "Noto Sans Math"))


@cache
def advances(bold: bool) -> dict[int, float]:
    """Width in em of every character that the fonts have, Noto Sans first."""
    weight = "Bold" if bold else "Regular"
    out: dict[int, float] = {}
    for family in families(bold):
        path = Path(__file__).parent / f"{family.replace(' ', '')}-{weight}.ttf"
        for code, wide in _advances(path).items():
            out.setdefault(code, wide)
    return out


@cache
def fallback_files() -> tuple[Path, Path]:
    """DejaVu Sans, regular and bold, which comes with matplotlib and has what ours lack."""
    from matplotlib import get_data_path

    folder = Path(get_data_path(), "fonts", "ttf")
    return folder / "DejaVuSans.ttf", folder / "DejaVuSans-Bold.ttf"


@cache
def fallback_advances(bold: bool) -> dict[int, float]:
    """Width in em of every character of the fallback font."""
    return _advances(fallback_files()[bold])


def _advances(path: Path) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    with TTFont(path, lazy=True) as font:
        em, widths = font["head"].unitsPerEm, font["hmtx"]
        return {code: widths[glyph][0] / em for code, glyph in font.getBestCmap().items()}
