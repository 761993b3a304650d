"""Texts with numbers inside, such as "{{ prop('oppose', 'Yes') }} oppose the influx": what is allowed, and parsing it.

Only calls of named functions with constants are allowed between the braces. Nothing else of the template language is:
no loops, no attributes, no filters, no arithmetic, so a text can neither run long nor reach anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from survey_kit.errors import did_you_mean

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

FUNCTIONS = ("prop", "mean", "n", "odds", "ame", "diff", "ci", "moe", "deff", "n_eff")
LONGEST = 20_000  # characters of one text
_ALLOWED = ("Template", "Output", "TemplateData", "Call", "Name", "Const", "Keyword", "Neg", "Tuple", "List")


@lru_cache(maxsize=1)
def environment() -> SandboxedEnvironment:
    """The sandboxed template environment; escaping is left to the renderers, which escape everything."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def check_text(text: str) -> str:
    """The text itself, when all between its braces is allowed; else ValueError that says what is not."""
    if "{" not in text:
        return text
    from jinja2 import TemplateSyntaxError

    if len(text) > LONGEST:
        raise ValueError(f"A text may have {LONGEST:,} characters; this one has {len(text):,}")
    if "{%" in text or "{#" in text:
        raise ValueError("Only {{ ... }} is allowed in a text, not {% or {#")
    try:
        _check_nodes(environment().parse(text))
    except TemplateSyntaxError as error:
        raise ValueError(f"The expression in braces cannot be read: {error.message}") from None
    except RecursionError:
        raise ValueError("The expression in braces is nested too deeply") from None
    return text


def _check_nodes(tree: Any) -> None:
    from jinja2 import nodes

    for node in _descend(tree):
        kind = type(node).__name__
        if kind not in _ALLOWED:
            raise ValueError(f"{kind} is not allowed between braces; call a function with constants, as in n()")
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    for name in tree.find_all(nodes.Name):
        if id(name) not in called:
            raise ValueError(f"{name.name!r} is not a function call; put texts in quotes, as in prop('q1', 'Yes')")
        if name.name not in FUNCTIONS:
            raise ValueError(f"There is no function {name.name!r}.{did_you_mean(name.name, FUNCTIONS)}".rstrip("."))
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) or call.dyn_args or call.dyn_kwargs:
            raise ValueError("Only a named function with plain arguments can be called between braces")


def _descend(node: Any) -> Iterator[Any]:
    for child in node.iter_child_nodes():
        yield child
        yield from _descend(child)


def render(text: str, functions: Mapping[str, Callable[..., str]]) -> str:
    """The text with every expression replaced by what its function returns."""
    if "{" not in text:
        return text
    return environment().from_string(text).render(**functions)
