"""Templates of the codebook: every text that goes in is escaped."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from survey_kit.codebook import Code, format_code
from survey_kit.codebook_view.text import clean, count_text, date_text, mean_text, number_text, percent_text

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def source(name: str) -> str:
    """A file of the templates as text."""
    return files("survey_kit.codebook_view").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """A template of the folder `templates`."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "percent": percent_text,
        "number": number_text,
        "mean": mean_text,
        "count": count_text,
        "date": date_text,
        "code": code_text,
        "value": value_text,
        "clean": clean,
        "width": width_text,
    }
    made.tests["known"] = lambda value: value == value  # neither NaN nor NaT
    return made


def code_text(code: Code | None) -> str:
    """A code as it is shown; nothing for an answer that has none."""
    return "" if code is None else clean(format_code(code))


def value_text(code: Code | None) -> str:
    """A code without a label: a number as numbers are shown."""
    return number_text(code) if isinstance(code, float) else code_text(code)


def width_text(share: float) -> str:
    """The length of a bar for a style sheet: 0 to 100, one decimal."""
    return "0" if math.isnan(share) else f"{100 * min(max(share, 0.0), 1.0):.1f}"
