"""R formulas of the reference answers, in the dialect of survey_kit."""

from __future__ import annotations

import re

import survey_kit as sk
from survey_kit.codebook import MissingRule, Variable


def translate(poll: sk.Survey, formula: str) -> tuple[sk.Survey, str]:
    """The formula with ** for ^, a condition on the left for I(x == "a"), and `-1` spaced."""
    left, right = formula.split("~")
    left = left.strip()
    if left.startswith("I(") and left.endswith(")"):
        left = left[2:-1]
    right = right.replace("^", "**").replace("(Age+7.5)**-2", "(Age + 7.5)**-2")
    return poll, f"{left} ~ {right}"


def family(text: str) -> tuple[str, str | None]:
    """'quasibinomial(link="probit")' -> ("binomial", "probit")."""
    name = re.match(r"\w+", text)[0].lower().removeprefix("quasi")
    link = re.search(r"link=\"(\w+)\"", text)
    return name, link[1] if link else None


def r_name(term: str) -> str:
    """A term named as R does: 'stype[H]:meals' -> 'stypeH:meals'."""
    name = "(Intercept)" if term == "Intercept" else term
    name = re.sub(r"\[([^\]]*)\]", r"\1", name)
    return name.replace("**", "^").replace(" ", "").replace("^(-2)", "^-2")


def with_rule(poll: sk.Survey) -> sk.Survey:
    """Every column states that it has no user-missing codes."""
    book = poll.codebook
    for name in book:
        if book[name].missing is None:
            book = book.with_variable(
                Variable(name, labels=book[name].labels, measure=book[name].measure, missing=MissingRule())
            )
    return poll.with_codebook(book)
