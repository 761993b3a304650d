"""The text of a nonlinear contrast becomes a list of steps over the names of estimates. Nothing in it is ever executed.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/") signed)*
    signed  = ("-" | "+") signed | power
    power   = atom ("**" signed)?
    atom    = number | name | `name` | function "(" sum ")" | "(" sum ")"

The steps stand in the order in which they are done (operands first), so that working them off needs no recursion. Sizes
are limited, since a study file may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from survey_kit.errors import ArgumentError, did_you_mean

MOST_CHARACTERS = 5_000
MOST_WORDS = 1_000
MOST_DEPTH = 50

_WORD = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<quoted>`(?:[^`]|``)+`)
    | (?P<sign>\*\*|[-+*/()])""",
    re.VERBOSE,
)
_HINTS = {
    "^": "Write ** for a power.",
    "`": "A backtick is not closed.",
    ",": "A function takes one value.",
    "=": "A contrast is a value, not a comparison.",
    "×": "Write * to multiply.",
    "÷": "Write / to divide.",
    **dict.fromkeys("−–—", "Write - to subtract."),
}
BACKTICKS = "A name with other characters than letters, digits and _ is written in backticks, as in `18-29`."

Kind = Literal["number", "name", "call", "sign"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: push a number or an estimate (its place among the names), or apply a function or a sign."""

    kind: Kind
    what: float | int | str


@dataclass(frozen=True, slots=True)
class Steps:
    """A parsed expression: the names that it uses, each once, and its steps."""

    text: str
    names: tuple[str, ...]
    steps: tuple[Step, ...]
    outside: str  # the text with what stands in backticks left out


def parse(text: str, functions: Collection[str]) -> Steps:
    """Cut, check and parse. `functions`: the names that may be called.

    Raises:
        ArgumentError: what is not allowed, with the text and the place.
    """
    if len(text) > MOST_CHARACTERS:
        raise ArgumentError(f"The contrast has {len(text)} characters; {MOST_CHARACTERS} are the most.")
    words = _cut(text)
    if not words:
        raise ArgumentError('The contrast is empty. Write one over the names of the estimates, as in "A / (A + B)".')
    if len(words) > MOST_WORDS:
        raise ArgumentError(f"The contrast has {len(words)} words and signs; {MOST_WORDS} are the most.")
    parser = _Parser(text, words, functions)
    parser.sum(0)
    if parser.at < len(words):
        parser.refuse()
    if not parser.names:
        raise ArgumentError(f"Contrast {short(text)!r} names no estimate. {BACKTICKS}")
    return Steps(text, tuple(parser.names), tuple(parser.steps), re.sub(r"`(?:[^`]|``)+`", "`", text))


def short(text: str, most: int = 80) -> str:
    """The text, cut where it is too long for a sentence."""
    return text if len(text) <= most else f"{text[:most]}..."


@dataclass(frozen=True, slots=True)
class _Word:
    kind: str
    text: str
    start: int


def _cut(text: str) -> list[_Word]:
    words, position = [], 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            _refuse(text, text[position], position, f"is not allowed. {_HINTS.get(text[position], BACKTICKS)}")
        if match.lastgroup != "space":
            words.append(_Word(str(match.lastgroup), match.group(), position))
        position = match.end()
    return words


def _refuse(text: str, word: str, start: int, why: str) -> NoReturn:
    raise ArgumentError(f"Contrast {short(text)!r}: {short(word)!r} at character {start + 1} {why}")


@dataclass
class _Parser:
    """Reads words from left to right and writes steps."""

    text: str
    words: list[_Word]
    functions: Collection[str]
    at: int = 0
    names: dict[str, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def sum(self, depth: int) -> None:
        self._chain(("+", "-"), self._product, depth)

    def refuse(self, why: str = "") -> NoReturn:
        """Raise at the word that is next."""
        if self.at >= len(self.words):
            raise ArgumentError(f"Contrast {short(self.text)!r} ends too early: an estimate or a number is missing.")
        word = self.words[self.at]
        known = word.kind in ("name", "quoted", "number")
        usual = f"follows without a sign such as + or /. {BACKTICKS}" if known else "is not allowed here."
        _refuse(self.text, word.text, word.start, why or usual)

    def _chain(self, signs: tuple[str, ...], part: Callable[[int], object], depth: int) -> None:
        part(depth)
        while self._next() in signs:
            sign = self._take().text
            part(depth)
            self.steps.append(Step("sign", sign))

    def _product(self, depth: int) -> None:
        self._chain(("*", "/"), self._signed, depth)

    def _signed(self, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise ArgumentError(
                f"Contrast {short(self.text)!r} nests more than {MOST_DEPTH} brackets, signs and powers."
            )
        if self._next() not in ("-", "+"):
            return self._power(depth)
        minus = self._take().text == "-"
        self._signed(depth + 1)
        if minus:
            self.steps.append(Step("call", "-"))
        return None

    def _power(self, depth: int) -> None:
        self._atom(depth)
        if self._next() == "**":
            self._take()
            self._signed(depth + 1)
            self.steps.append(Step("sign", "**"))

    def _atom(self, depth: int) -> None:
        if self.at >= len(self.words) or (self.words[self.at].kind == "sign" and self._next() != "("):
            self.refuse()
        word = self._take()
        if word.kind == "number":
            self.steps.append(Step("number", float(word.text)))
        elif word.kind == "sign":
            self._bracket(depth, word)
        elif word.kind == "name" and self._next() == "(":
            self._call(depth, word)
        else:
            name = word.text if word.kind == "name" else word.text[1:-1].replace("``", "`")
            self.steps.append(Step("name", self.names.setdefault(name, len(self.names))))

    def _call(self, depth: int, word: _Word) -> None:
        if word.text not in self.functions:
            known = did_you_mean(word.text, self.functions)
            _refuse(self.text, word.text, word.start, f"is not a function of contrasts.{known}")
        self._bracket(depth, self._take())
        self.steps.append(Step("call", word.text))

    def _bracket(self, depth: int, opened: _Word) -> None:
        self.sum(depth + 1)
        if self.at >= len(self.words):
            _refuse(self.text, "(", opened.start, "is not closed.")
        if self._next() != ")":
            self.refuse()
        self._take()

    def _next(self) -> str:
        return self.words[self.at].text if self.at < len(self.words) else ""

    def _take(self) -> _Word:
        self.at += 1
        return self.words[self.at - 1]
