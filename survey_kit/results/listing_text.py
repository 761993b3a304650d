"""A printed result in a terminal: columns of cells, wide characters counted as two, labels shortened to fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from survey_kit.results.letters import cells, padded, shortened, wrapped
from survey_kit.results.listing import Listing

WIDTH = 100  # cells
_GAP = 2
_LEAST = 12  # cells of a label column
_INDENT = "  "

Labels = tuple[str, ...]


def as_text(listing: Listing) -> str:
    """The listing as lines of text."""
    heads = [*wrapped(listing.title, WIDTH, 2), *wrapped(listing.wording, WIDTH, 3)]
    body = _table(listing) if listing.rows else ["No estimates."]
    notes = [line for note in listing.notes for line in wrapped(note, WIDTH)]
    return "\n".join([*heads, *[""] * bool(heads), *body, *notes])


def _table(listing: Listing) -> list[str]:
    figures = [listing.figures, *map(listing.figures_of, listing.rows)]
    wide = [max(cells(row[i]) for row in figures) for i in range(len(listing.figures))]
    room = WIDTH - sum(wide) - _GAP * len(wide)
    wanted = _wanted(listing)
    headed = listing.grouped and sum(wanted) + _GAP * (len(wanted) - 1) > room
    widths = _fitted([wanted[-1] + len(_INDENT)] if headed else wanted, room)
    head = _line(listing.labels[-1:] if headed else listing.labels, listing.figures, widths, wide)
    rule = "─" * cells(head)
    return [head, rule, *_rows(listing, widths, wide, headed), rule]


def _rows(listing: Listing, widths: Sequence[int], wide: Sequence[int], headed: bool) -> Iterator[str]:
    """Lines of the rows: outer labels in columns, or, where there is no room for them, as headings."""
    before: Labels = ()
    for at, line in enumerate(listing.rows):
        labels = line.labels
        if listing.hidden and at == listing.cut:
            yield f"⋯ {listing.gap}"
            before = ()
        if headed and labels[:-1] != before[:-1]:
            yield shortened(" · ".join(filter(None, labels[:-1])), WIDTH)
        shown = (f"{_INDENT}{labels[-1]}",) if headed else _without_repeats(labels, before)
        yield _line(shown, listing.figures_of(line), widths, wide)
        before = labels


def _line(labels: Sequence[str], figures: Sequence[str], widths: Sequence[int], wide: Sequence[int]) -> str:
    names = [padded(shortened(text, room), room) for text, room in zip(labels, widths, strict=True)]
    numbers = [padded(text, room, right=True) for text, room in zip(figures, wide, strict=True)]
    return (" " * _GAP).join([*names, *numbers])


def _without_repeats(labels: Labels, before: Labels) -> Labels:
    """Labels, blank where they and all to their left are those of the row above; the last is always said."""
    out = list(labels)
    for i in range(len(labels) - 1):
        if labels[: i + 1] == before[: i + 1]:
            out[i] = ""
    return tuple(out)


def _wanted(listing: Listing) -> list[int]:
    """Widths that the label columns would need."""
    longest = [max(cells(line.labels[i]) for line in listing.rows) for i in range(len(listing.labels))]
    return [max(width, min(cells(head), 24)) for width, head in zip(longest, listing.labels, strict=True)]


def _fitted(wanted: Sequence[int], room: int) -> list[int]:
    """Widths in a room: where they are too much, the widest give way."""
    widths = list(wanted)
    room -= _GAP * max(len(widths) - 1, 0)
    while sum(widths) > room and max(widths) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    return widths
