"""The codebook as one self-contained page: styles and script inside, no outside request; it reads without the script."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from survey_kit.codebook_view.pages import source, template
from survey_kit.codebook_view.summary import MISSING, MULTIPLE, Answer, Summary
from survey_kit.codebook_view.text import clean

if TYPE_CHECKING:
    from survey_kit.codebook_view.view import SurveyCodebook

_PLAIN_NAME = re.compile(r"[\w.-]+")
_TITLE = "Codebook"


@dataclass(frozen=True, slots=True)
class Card:
    """A variable on the page.

    Attributes:
        ident: its anchor. valid, reasons: its answers, in two parts. bars: points of the histogram.
        members: (name, anchor) of the columns of a multiple-response set.
    """

    ident: str
    summary: Summary
    valid: tuple[Answer, ...]
    reasons: tuple[Answer, ...]
    bars: tuple[tuple[str, str, str, str], ...]
    members: tuple[tuple[str, str], ...] = ()


def page(codebook: SurveyCodebook) -> str:
    """The page as text. Same data, same bytes."""
    from markupsafe import Markup

    summaries = list(codebook.summaries())
    cards = _cards(summaries)
    script = source("codebook.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template("codebook.html.j2").render(
        title=clean(codebook.title) or _TITLE,
        named=bool(codebook.title),
        codebook=codebook,
        remarks=codebook.remarks(),
        cards=cards,
        types=sorted({s.type for s in summaries}),
        doubtful=[card for card in cards if card.summary.suspects],
        css=Markup(source("codebook.css")),
        script=Markup(script),
        digest=digest,
    )


def _cards(summaries: Sequence[Summary]) -> list[Card]:
    idents = {(s.type == MULTIPLE, s.name): _ident(s, at) for at, s in enumerate(summaries)}
    return [
        Card(
            ident=idents[s.type == MULTIPLE, s.name],
            summary=s,
            valid=tuple(a for a in s.answers if a.kind != MISSING),
            reasons=tuple(a for a in s.answers if a.kind == MISSING),
            bars=histogram(s.bins),
            members=tuple((name, idents.get((False, name), "")) for name in s.members),
        )
        for s in summaries
    ]


def _ident(summary: Summary, at: int) -> str:
    """The anchor of a variable: "v-q5", or its place where the name does not do in an address."""
    prefix = "s" if summary.type == MULTIPLE else "v"
    return f"{prefix}-{summary.name}" if _PLAIN_NAME.fullmatch(summary.name) else f"{prefix}--{at + 1}"


def histogram(shares: Iterable[float]) -> tuple[tuple[str, str, str, str], ...]:
    """x, y, width, height of each bar in a picture of 240 x 48."""
    shares = list(shares)
    most = max(shares, default=0.0)
    if most <= 0:
        return ()
    step = 240 / len(shares)
    tall = [max(48 * s / most, 0.75) if s > 0 else 0.0 for s in shares]
    return tuple(
        (f"{at * step:.2f}", f"{48 - high:.2f}", f"{step - min(1.0, step / 4):.2f}", f"{high:.2f}")
        for at, high in enumerate(tall)
        if high
    )
