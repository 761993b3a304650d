"""Weights in a notebook: the same texts as in a terminal, as tables that take their colours from the page, light or dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from survey_kit.results.listing_html import STYLE
from survey_kit.results.weights_summary import CHAIN, MOST_HTML, MarginLine, Overview, overview_of
from survey_kit.results.weights_text import WORST

if TYPE_CHECKING:
    from survey_kit.results.weights import Weights

_OWN = (
    ".sk-est .h{font-size:1.05em;font-weight:600;opacity:1;max-width:60em;margin:.1em 0 .7em}"
    ".sk-est table+table{margin-top:1em}"
    ".sk-est .f th{text-align:left;opacity:.72;white-space:nowrap}"
    ".sk-est .f td{text-align:left;white-space:normal;max-width:52em;overflow-wrap:anywhere}"
    ".sk-est .f tbody:last-of-type{border:0}"
    ".sk-est tr.w th,.sk-est tr.w td{font-weight:600}"
    ".sk-est td.e{text-align:left;padding-left:0}"
    ".sk-est thead td.e{border-bottom:1px solid rgba(127,127,127,.8)}"
)


def html_of(weights: Weights) -> str:
    """The weights as HTML; every text is escaped."""
    return as_html(overview_of(weights, MOST_HTML))


def as_html(overview: Overview) -> str:
    """An overview as HTML."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in overview.notes)
    tables = f"{_chain(overview)}{_facts(overview)}{_margins(overview)}"
    return f'<div class="sk-est"><style>{STYLE}{_OWN}</style><p class="h">{escape(overview.headline)}</p>{tables}{notes}</div>'


def _head(first: str, rest: tuple[str, ...], ends: bool = False) -> str:
    cells = "".join(f'<th scope="col">{escape(label)}</th>' for label in rest)
    end = '<td class="e"></td>' if ends else ""
    return f'<thead><tr><th scope="col" class="l">{escape(first)}</th>{cells}{end}</tr></thead>'


def _chain(overview: Overview) -> str:
    rows = "".join(_row(name, figures) for name, *figures in overview.chain)
    return f"<table>{_head(CHAIN[0], CHAIN[1:])}<tbody>{rows}</tbody></table>"


def _facts(overview: Overview) -> str:
    rows = "".join(f'<tr><th scope="row">{escape(w)}</th><td>{escape(text)}</td></tr>' for w, text in overview.facts)
    return f'<table class="f"><tbody>{rows}</tbody></table>'


def _margins(overview: Overview) -> str:
    if not overview.margins:
        return ""
    marked = any(line.worst for line in overview.margins)
    return f"<table>{_head('', overview.headings, marked)}{''.join(_bodies(overview, marked))}</table>"


def _bodies(overview: Overview, marked: bool) -> Iterator[str]:
    width = 1 + len(overview.headings) + marked
    for title, lines in groupby(overview.margins, key=lambda line: line.title):
        heading = f'<tr><th scope="rowgroup" colspan="{width}">{escape(title)}</th></tr>'
        yield f"<tbody>{heading}{''.join(_margin(line, marked) for line in lines)}</tbody>"
    if overview.hidden:
        yield f'<tbody><tr><td class="g" colspan="{width}">⋯ {escape(overview.hidden)}</td></tr></tbody>'


def _margin(line: MarginLine, marked: bool) -> str:
    end = f'<td class="e">{WORST if line.worst else ""}</td>' if marked else ""
    return _row(line.label, line.figures, ' class="w"' if line.worst else "", end)


def _row(name: str, figures: list[str] | tuple[str, ...], kind: str = "", end: str = "") -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in figures)
    return f'<tr{kind}><th scope="row">{escape(name)}</th>{cells}{end}</tr>'
