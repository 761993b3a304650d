"""The text of a condition becomes a small checked tree. Nothing in the text is ever executed.

The text is cut into words first. Every name and every quoted text is replaced by a placeholder (`v0`, `v1` ...) before
`ast.parse` sees it, so that column names may be any text, and so that keywords, attributes, prefixes and escapes of
Python have no meaning here. Sizes are limited before parsing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from survey_kit.errors import ArgumentError

MOST_CHARACTERS = 10_000
MOST_BRACKETS = 40
MOST_PREFIXES = 10
MOST_POWERS = 10
MOST_DEPTH = 150

ALLOWED = (
    "A condition may hold: columns (`in backticks` where the name has blanks or dots), numbers, 'labels in quotes', "
    "== != < <= > >=, in [...], not in [...], and, or, not, & | ~, + - * / **, missing(x), valid(x)."
)

_WORD = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<quoted>`[^`]+`)
    | (?P<foreign>===|&&|\|\||<>|//)
    | (?P<sign>\*\*|==|!=|<=|>=|[-+*/()\[\],<>&|~])""",
    re.VERBOSE | re.DOTALL,
)
_HINTS = {
    "=": "Write == to compare.",
    "===": "Write == to compare.",
    "!": "Write not, or != to compare.",
    "<>": "Write != to compare.",
    "&&": "Write and.",
    "||": "Write or.",
    "AND": "Write and, in small letters.",
    "OR": "Write or, in small letters.",
    "NOT": "Write not, in small letters.",
    "is": "Write == to compare, or missing(x).",
    ".": "A name with a dot is written in backticks, as in `q1.a`.",
    "`": "A backtick is not closed.",
    "'": "A quote is not closed.",
    '"': "A quote is not closed.",
    **dict.fromkeys("‘’“”„«»", "Write straight quotes, ' or \"."),
}
_LOGIC = frozenset({"and", "or", "not", "in"})
_SYMBOLS = {"&": "and", "|": "or"}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the text: what it is, what it says, where it stands."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_logic(self) -> bool:
        return self.kind == "name" and self.text in _LOGIC


@dataclass(frozen=True, slots=True)
class Entry:
    """What a placeholder stands for: a column name or a text constant. `bare` is False for a name in backticks."""

    kind: Literal["name", "text"]
    value: str
    bare: bool = True


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition.

    Attributes:
        text: as it was written.
        tree: expression over placeholders.
        entries: placeholder -> what it stands for.
        starts, ends: offset in the parsed source -> offset in `text`.
    """

    text: str
    tree: ast.expr
    entries: dict[str, Entry]
    starts: dict[int, int]
    ends: dict[int, int]

    def piece(self, node: ast.expr) -> str:
        """The part of the text that a node came from."""
        start = self.starts.get(node.col_offset, 0)
        end = self.ends.get(node.end_col_offset or 0, len(self.text))
        return shorten(self.text[start:end])

    def refuse(self, node: ast.expr, why: str = "is not allowed here.") -> NoReturn:
        """Raise the error that quotes the piece and says what is allowed."""
        raise ArgumentError(f"Condition {shorten(self.text)!r}: {self.piece(node)!r} {why} {ALLOWED}")


def shorten(text: str, most: int = 80) -> str:
    """The text, cut where it is too long for a sentence."""
    return text if len(text) <= most else f"{text[:most]}..."


def parse(text: str) -> Condition:
    """Cut, check and parse the text of a condition. Raises ArgumentError."""
    if not isinstance(text, str):
        raise ArgumentError(f'A condition is text, such as "age >= 18"; there was a {type(text).__name__}.')
    if len(text) > MOST_CHARACTERS:
        raise ArgumentError(f"The condition has {len(text)} characters; {MOST_CHARACTERS} are the most. Split it.")
    words = list(_cut(text))
    if not words:
        raise ArgumentError(f"The condition is empty. {ALLOWED}")
    _check_sizes(words)
    _check_precedence(text, words)
    condition = _to_tree(text, words)
    _check_depth(condition.tree)
    return condition


def _cut(text: str) -> Iterator[Word]:
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None or match.lastgroup == "foreign":
            _refuse_word(text, text[position] if match is None else match.group())
        if match.lastgroup != "space":
            yield Word(str(match.lastgroup), match.group(), position)
        position = match.end()


def _refuse_word(text: str, word: str) -> NoReturn:
    hint = f"{_HINTS[word]} " if word in _HINTS else ""
    raise ArgumentError(f"Condition {shorten(text)!r}: {shorten(word)!r} is not allowed here. {hint}{ALLOWED}")


def _check_sizes(words: list[Word]) -> None:
    depth, prefixes = 0, 0
    for word in words:
        depth += (word.text in ("(", "[")) - (word.text in (")", "]"))
        prefixes = prefixes + 1 if word.text in ("-", "+", "~", "not") else 0
        if depth > MOST_BRACKETS:
            raise ArgumentError(f"The condition nests more than {MOST_BRACKETS} brackets. Split it into several.")
        if prefixes > MOST_PREFIXES:
            raise ArgumentError(f"The condition has more than {MOST_PREFIXES} signs in a row ({word.text!r}).")
    if sum(word.text == "**" for word in words) > MOST_POWERS:
        raise ArgumentError(f"The condition has more than {MOST_POWERS} powers (**).")


def _check_precedence(text: str, words: list[Word]) -> None:
    """Refuse `&` and `|` beside `and`, `or`, `not` within one pair of brackets: readers disagree on what it means."""
    levels: list[set[str]] = [set()]
    for word, after in zip(words, [*words[1:], None], strict=True):
        if word.text in ("(", "["):
            levels.append(set())
        elif word.text in (")", "]") and len(levels) > 1:
            levels.pop()
        elif word.text in _SYMBOLS:
            levels[-1].add("symbol")
        elif word.is_logic and word.text != "in" and not (word.text == "not" and after and after.text == "in"):
            levels[-1].add("word")
        if len(levels[-1]) == 2:
            raise ArgumentError(
                f"Condition {shorten(text)!r} mixes & or | with and, or, not at {word.text!r}: the order of evaluation "
                "is not clear. Use and, or, not throughout, or put brackets around each part."
            )


def _to_tree(text: str, words: list[Word]) -> Condition:
    entries: dict[str, Entry] = {}
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    source = ""
    for word in words:
        source += " "
        starts[len(source)] = word.start
        source += _source_of(word, entries)
        ends[len(source)] = word.end
    try:
        tree = ast.parse(source[1:], mode="eval").body
    except SyntaxError as error:
        _refuse_syntax(text, words, starts, error.offset)
    except (RecursionError, MemoryError, ValueError):
        raise ArgumentError("The condition is nested too deeply to be read. Split it into several.") from None
    return Condition(text, tree, entries, {k - 1: v for k, v in starts.items()}, {k - 1: v for k, v in ends.items()})


def _source_of(word: Word, entries: dict[str, Entry]) -> str:
    if word.kind in ("number", "sign"):
        return _SYMBOLS.get(word.text, word.text)
    if word.is_logic:
        return word.text
    if word.kind == "text":
        entry = Entry("text", re.sub(r"\\([\\'\"])", r"\1", word.text[1:-1]))
    else:
        entry = Entry("name", word.text.strip("`"), bare=word.kind == "name")
    placeholder = f"v{len(entries)}"
    entries[placeholder] = entry
    return placeholder


def _refuse_syntax(text: str, words: list[Word], starts: dict[int, int], offset: int | None) -> NoReturn:
    """Name the word at which reading stopped: the second of two values in a row, else where the parser says."""
    values = [word.kind != "sign" and not word.is_logic for word in words]
    doubled = [i for i in range(1, len(words)) if values[i - 1] and values[i]]
    reached = sum(position <= offset for position in starts) if offset else len(words)
    index = doubled[0] if doubled else max(reached, 1) - 1
    hinted = [w for w in words[max(index - 1, 0) : index + 1] if w.text in _HINTS]
    word = (hinted or [words[index]])[0]
    hint = f"{_HINTS[word.text]} " if hinted else ""
    raise ArgumentError(
        f"Condition {shorten(text)!r} cannot be read near {shorten(word.text)!r}. {hint}{ALLOWED}"
    ) from None


def _check_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(MOST_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ArgumentError(f"The condition nests more than {MOST_DEPTH} levels. Split it into several.")
