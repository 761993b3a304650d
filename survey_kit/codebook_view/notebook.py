"""The codebook in a notebook: the first variables in a table without a script; only those shown are counted."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from survey_kit.codebook_view.pages import source, template
from survey_kit.codebook_view.summary import MISSING, Answer, Summary

if TYPE_CHECKING:
    from survey_kit.codebook_view.view import SurveyCodebook

MOST = 60  # variables and sets that are shown
ANSWERS = 10  # answers of a variable that are shown


def notebook_html(codebook: SurveyCodebook) -> str:
    """HTML for the output of a notebook cell. Every text is escaped."""
    from markupsafe import Markup

    shown = list(islice(codebook.summaries(), MOST))
    return template("notebook.html.j2").render(
        codebook=codebook,
        rows=[(s, *_parts(s)) for s in shown],
        total=len(codebook) + len(codebook.sets),
        css=Markup(source("notebook.css")),
    )


def _parts(summary: Summary) -> tuple[tuple[Answer, ...], int, tuple[Answer, ...], int]:
    """Answers that are shown and how many are not, and the same of the reasons for gaps that occur."""
    valid = tuple(a for a in summary.answers if a.kind != MISSING)
    reasons = tuple(a for a in summary.answers if a.kind == MISSING and a.n)
    keep = ANSWERS if len(valid) > ANSWERS + 1 else ANSWERS + 1
    return valid[:keep], max(0, len(valid) - keep), reasons[:ANSWERS], max(0, len(reasons) - ANSWERS)
