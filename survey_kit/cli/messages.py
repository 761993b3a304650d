"""What the commands say, and how an error ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from survey_kit.errors import ArgumentError, SurveyKitError

WRONG_INPUT = 2
MISSED = 3  # weights that do not meet their targets


def _as_it_is(text: str) -> str:
    return text


@contextmanager
def errors_in_a_sentence(worded: Callable[[str], str] = _as_it_is) -> Iterator[None]:
    """An error of survey_kit is printed as its text and ends with code 2; any other is a bug and passes.

    `worded`: puts the options of Python into those of the command.
    """
    try:
        yield
    except SurveyKitError as error:
        typer.secho(f"survey-kit: {printable(worded(str(error)))}", err=True)
        raise typer.Exit(WRONG_INPUT) from None


def printable(text: str) -> str:
    """Text with control characters spelled out, so that a name in a file cannot steer a terminal.

    >>> printable("a" + chr(27) + "[31m")
    'a\\\\x1b[31m'
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def say(text: str) -> None:
    """A line on standard output."""
    typer.echo(printable(text))


def refuse_inputs(target: Path, inputs: Sequence[Path]) -> None:
    """ArgumentError where what is written would take the place of what it is made from."""
    for path in inputs:
        if target.exists() and path.exists() and target.samefile(path):
            raise ArgumentError(
                f"{target} is what the output is made from, and is not overwritten. Give --out another name."
            )
