"""Weights in a terminal: the headline, the steps, the figures, the targets, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from survey_kit.results.letters import cells, padded, shortened, wrapped
from survey_kit.results.weights_summary import CHAIN, MOST_TEXT, MarginLine, Overview, overview_of

if TYPE_CHECKING:
    from survey_kit.results.weights import Weights

WIDTH = 100  # cells
_GAP = 2
_WORD = 10  # cells of the word before a fact
_INDENT = "  "
WORST = "← worst"


def text_of(weights: Weights) -> str:
    """The weights as lines of text of at most 100 cells."""
    return as_text(overview_of(weights, MOST_TEXT))


def as_text(overview: Overview) -> str:
    """An overview as lines of text."""
    parts = [
        wrapped(overview.headline, WIDTH),
        _aligned(CHAIN, overview.chain),
        [line for word, text in overview.facts for line in _fact(word, text)],
        [*_margins(overview)],
        [line for note in overview.notes for line in _hanging("note: ", note)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _fact(word: str, text: str) -> list[str]:
    return _hanging(padded(word, _WORD), text)


def _hanging(word: str, text: str) -> list[str]:
    """A word, and a text beside it whose further lines are indented as far."""
    first, *rest = wrapped(text, WIDTH - cells(word)) or [""]
    return [f"{word}{first}", *(f"{' ' * cells(word)}{line}" for line in rest)]


def _aligned(head: Sequence[str], rows: Sequence[Sequence[str]], ends: Sequence[str] = ()) -> list[str]:
    """Rows under their headings: the first column to the left, the others to the right; `ends` stand behind the rows."""
    wide = [max(cells(row[i]) for row in (head, *rows)) for i in range(len(head))]
    wide[0] = min(wide[0], WIDTH - sum(wide[1:]) - _GAP * len(wide[1:]) - (_GAP + cells(WORST)) * bool(ends))
    lines = [_line(row, wide) for row in (head, *rows)]
    return [
        lines[0],
        "─" * cells(lines[0]),
        *(f"{a}{b}" for a, b in zip(lines[1:], ends or [""] * len(rows), strict=True)),
    ]


def _line(row: Sequence[str], wide: Sequence[int]) -> str:
    numbers = [padded(text, room, right=True) for text, room in zip(row[1:], wide[1:], strict=True)]
    return (" " * _GAP).join([padded(shortened(row[0], wide[0]), wide[0]), *numbers])


def _margins(overview: Overview) -> Iterator[str]:
    """The table of targets under headings of the variables."""
    if not overview.margins:
        return
    body = [(f"{_INDENT}{line.label}", *line.figures) for line in overview.margins]
    ends = [f"{' ' * _GAP}{WORST}" if line.worst else "" for line in overview.margins]
    head, rule, *rows = _aligned(("", *overview.headings), body, ends)
    yield from (head, rule)
    lines = iter(rows)
    for title, members in groupby(overview.margins, key=_title):
        yield shortened(title, WIDTH)
        for _ in members:
            yield next(lines)
    if overview.hidden:
        yield f"⋯ {overview.hidden}"


def _title(line: MarginLine) -> str:
    return line.title
