"""A printed result in a notebook: an accessible table that takes its colours from the page, light or dark.

It stands here and not among the looks of `tables/`, since a result shows itself (`_repr_html_`) and `results/` lies below
`tables/`. `sk.table` lays out the same texts for publication.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from survey_kit.results.listing import Line, Listing

# Lines and muted text are grey with alpha, so that they are right on white and on black.
STYLE = (
    ".sk-est{max-width:100%;overflow-x:auto;margin:.4em 0;font-size:.93em;line-height:1.35}"
    ".sk-est table{border-collapse:collapse;margin:0;border:0;min-width:min(100%,28em);"
    "font-variant-numeric:tabular-nums lining-nums;font-size:inherit;color:inherit;background:none;table-layout:auto}"
    ".sk-est caption{caption-side:top;text-align:left;padding:0 0 .55em;color:inherit;font-size:1.05em;font-weight:600}"
    ".sk-est caption span{display:block;max-width:46em;font-size:.95em;font-weight:400;opacity:.72}"
    ".sk-est.sk-est tr,.sk-est.sk-est tbody tr:nth-child(n){background:none}"
    ".sk-est tbody tr:hover td,.sk-est tbody tr:hover th[scope=row]{background:rgba(127,127,127,.1)}"
    ".sk-est th,.sk-est td{padding:.24em .75em;border:0;font-weight:400;text-align:right;white-space:pre;"
    "vertical-align:baseline;max-width:none}"
    ".sk-est th[scope=row],.sk-est th[scope=rowgroup],.sk-est thead th.l{text-align:left;white-space:normal;max-width:30em;"
    "overflow-wrap:anywhere}"
    ".sk-est th:first-child{padding-left:.15em}"
    ".sk-est thead th{font-weight:600;border-bottom:1px solid rgba(127,127,127,.8)}"
    ".sk-est tbody{border-bottom:1px solid rgba(127,127,127,.3)}"
    ".sk-est tbody:last-of-type{border-bottom:1px solid rgba(127,127,127,.8)}"
    ".sk-est th[scope=rowgroup]{font-weight:600;padding-top:.65em}"
    ".sk-est .m{opacity:.72}"
    ".sk-est td.g{text-align:left;opacity:.72;font-style:italic}"
    ".sk-est p{margin:.2em 0 0;max-width:52em;padding:0 .15em;font-size:.88em;opacity:.72}"
    ".sk-est table+p{margin-top:.55em}"
)
_FIGURE_SPACE = "\N{FIGURE SPACE}"  # as wide as a digit


def as_html(listing: Listing) -> str:
    """The listing as HTML; every text is escaped."""
    caption = ""
    if listing.title or listing.wording:
        wording = f"<span>{escape(listing.wording)}</span>" if listing.wording else ""
        caption = f"<caption>{escape(listing.title)}{wording}</caption>"
    notes = "".join(f"<p>{escape(note)}</p>" for note in listing.notes)
    table = f"<table>{caption}{_head(listing)}{''.join(_bodies(listing))}</table>"
    return f'<div class="sk-est"><style>{STYLE}</style>{table}{notes}</div>'


def _head(listing: Listing) -> str:
    labels = listing.labels[-1:] if listing.grouped else listing.labels
    cells = [f'<th scope="col" class="l">{escape(label)}</th>' for label in labels]
    cells += [f'<th scope="col">{escape(label)}</th>' for label in listing.figures]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def _bodies(listing: Listing) -> Iterator[str]:
    """Rows in groups of the same outer labels; the gap stands in a group of its own."""
    grouped = listing.grouped
    width = len(listing.figures) + (1 if grouped else len(listing.labels))
    numbered = list(enumerate(listing.rows))
    parts = [numbered[: listing.cut], numbered[listing.cut :]] if listing.hidden else [numbered]
    for at, part in enumerate(parts):
        if at:
            yield f'<tbody><tr><td class="g" colspan="{width}">⋯ {escape(listing.gap)}</td></tr></tbody>'
        for outer, rows in groupby(part, key=lambda item: item[1].labels[:-1] if grouped else ()):
            heading = ""
            if grouped:
                text = escape(" · ".join(label for label in outer if label))
                heading = f'<tr><th scope="rowgroup" colspan="{width}">{text}</th></tr>'
            yield f"<tbody>{heading}{''.join(_row(listing, line, grouped) for _, line in rows)}</tbody>"


def _row(listing: Listing, line: Line, grouped: bool) -> str:
    shown = line.labels[-1:] if grouped else line.labels
    names = "".join(f'<th scope="row">{escape(label)}</th>' for label in shown)
    estimate, error, *rest = map(escape, listing.figures_of(line, _FIGURE_SPACE))
    numbers = f'<td>{estimate}</td><td class="m">{error}</td>' + "".join(f"<td>{text}</td>" for text in rest)
    return f"<tr>{names}{numbers}</tr>"
