"""The type of reports: the font files of the charts, inside HTML pages and PDF, and the widths of texts set in it."""

from __future__ import annotations

import base64
import io
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from survey_kit.charts.fonts import font_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fontTools.ttLib import TTFont

_UNKNOWN = 0.6  # em, for a letter that no font has
_ELSEWHERE = ("system-ui", "-apple-system", '"Segoe UI"', "Roboto", '"Helvetica Neue"', "Arial", "sans-serif")


@cache
def families() -> tuple[str, ...]:
    """Family names of the font files, the one with most letters first."""
    letters: dict[str, int] = {}
    for path in font_files():
        name = _family(path)
        letters[name] = max(letters.get(name, 0), len(_characters(path)))
    return tuple(sorted(letters, key=lambda name: (-letters[name], name)))


@cache
def font_faces() -> str:
    """CSS: @font-face rules with every font file inside as WOFF, and `--sans`, the stack of their names."""
    stack = ",".join([*(f'"{name}"' for name in families()), *_ELSEWHERE])
    return "".join(_face(path) for path in font_files()) + f":root{{--sans:{stack}}}\n"


def text_width(text: str, bold: bool) -> float:
    """Width of a text in em, regular or bold; letters that no font has are guessed."""
    widths = _advances(bold)
    return sum(widths.get(ord(letter), _UNKNOWN) for letter in text)


@cache
def _advances(bold: bool) -> dict[int, float]:
    """Advance width in em of each character, the first family first."""
    out: dict[int, float] = {}
    for path in sorted(font_files(), key=lambda p: (families().index(_family(p)), abs(_weight(p) - 400 - 300 * bold))):
        font = _font(path)
        em, metrics = font["head"].unitsPerEm, font["hmtx"]
        for code, glyph in font.getBestCmap().items():
            out.setdefault(code, metrics[glyph][0] / em)
    return out


def _face(path: Path) -> str:
    font = _font(path)
    style = "italic" if font["post"].italicAngle else "normal"
    data = base64.b64encode(_woff(font)).decode("ascii")
    return (
        f'@font-face{{font-family:"{_family(path)}";font-style:{style};font-weight:{_weight(path)};font-display:swap;'
        f'src:url(data:font/woff;base64,{data}) format("woff");unicode-range:{_ranges(_characters(path))}}}\n'
    )


def _woff(font: TTFont) -> bytes:
    """The font compressed; its own dates are kept, so the bytes are always the same."""
    out = io.BytesIO()
    font.flavor = "woff"
    font.save(out)
    return out.getvalue()


def _ranges(codes: Sequence[int]) -> str:
    """Character codes as a CSS unicode-range.

    >>> _ranges([65, 66, 67, 97])
    'U+41-43,U+61'
    """
    return ",".join(f"U+{low:X}" if low == high else f"U+{low:X}-{high:X}" for low, high in _runs(codes))


def _runs(codes: Sequence[int]) -> Iterator[tuple[int, int]]:
    for _, run in groupby(enumerate(codes), key=lambda pair: pair[1] - pair[0]):
        members = [code for _, code in run]
        yield members[0], members[-1]


@cache
def _characters(path: Path) -> tuple[int, ...]:
    return tuple(sorted(_font(path).getBestCmap()))


@cache
def _family(path: Path) -> str:
    return str(_font(path)["name"].getBestFamilyName())


@cache
def _weight(path: Path) -> int:
    return int(_font(path)["OS/2"].usWeightClass)


def _font(path: Path) -> TTFont:
    from fontTools.ttLib import TTFont

    return TTFont(path, recalcTimestamp=False)
