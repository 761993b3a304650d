"""How far a build has come: a live bar on a terminal, a plain line for each step elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from survey_kit.reports.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class PlainLines:
    """ "[3/10] Make new variables", one line for each step."""

    def step(self, name: str, number: int, of: int) -> None:
        """Print the line."""
        typer.echo(f"[{number}/{of}] {name}")


class LiveBar:
    """A bar that fills, with the name of the present step."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def step(self, name: str, number: int, of: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, description=name, completed=number - 1, total=of)


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A live bar when standard output is a terminal, plain lines when it is not."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        yield PlainLines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        live = LiveBar(bar, bar.add_task("", total=None))
        yield live
