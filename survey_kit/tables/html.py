"""A table as accessible HTML.

Written with a jinja2 template rather than great_tables, whose HTML has no <caption>, builds element ids from labels
(the same label twice is the same id twice), merges groups of the same name, and carries 9 kB of CSS with rules such as
`td, th {border-style: none}` that reach every other table of the page. `Table.to_gt()` hands the table to great_tables.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

    from survey_kit.tables.table import Table


def markup(table: Table, style: bool) -> str:
    """HTML of one table in its own scrolling container; all texts escaped."""
    from markupsafe import Markup

    css = Markup(stylesheet()) if style else ""
    return _template().render(table=table, style=css)


@cache
def stylesheet() -> str:
    """The CSS of `.sk-table`; touches nothing outside it."""
    return files("survey_kit.tables").joinpath("templates/table.css").read_text(encoding="utf-8")


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = files("survey_kit.tables").joinpath("templates/table.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True).from_string(text)
