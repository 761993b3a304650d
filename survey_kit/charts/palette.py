"""Colours. Okabe-Ito for groups and PuOr for diverging scales survive colour-blind reading; ink is chosen by contrast."""

from __future__ import annotations

INK = "#1b1f24"
MUTED = "#5b6470"
FAINT = "#8a929c"
RULE = "#d9dde2"
GUIDE = "#eceef1"
ACCENT = "#0b6e75"
ACCENT_SOFT = "#7fb5b8"
WARNING = "#8a3b00"
NEUTRAL = "#c9ced4"
WHITE = "#ffffff"
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")


def diverging(negative: int, positive: int) -> tuple[list[str], list[str]]:
    """Colours of the two sides of a scale, 1 to 5 each, from the outer end to the middle (PuOr, by way of seaborn)."""
    from seaborn import color_palette

    def side(count: int, outer_first: list[str]) -> list[str]:
        steps = {1: [2], 2: [1, 3], 3: [1, 2, 4], 4: [1, 2, 3, 4]}.get(count, [0, 1, 2, 3, 4])
        return [outer_first[s] for s in steps]

    shades = list(color_palette("PuOr", 11).as_hex())
    return side(negative, shades[:5]), side(positive, shades[:-6:-1])


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, 1 to 21.

    >>> round(contrast("#ffffff", "#000000"))
    21
    """
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def ink_on(colour: str) -> str:
    """White or dark ink, whichever reads better on a colour; its contrast is at least 4.5."""
    best = max((WHITE, INK), key=lambda ink: contrast(ink, colour))
    return best if contrast(best, colour) >= 4.5 else "#000000"


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
