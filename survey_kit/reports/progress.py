"""Who is told how far a build has come."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the name of each step before it begins."""

    def step(self, name: str, number: int, of: int) -> None:
        """Step `number` (from 1) of `of` begins."""


class Silent:
    """Tells nobody."""

    def step(self, name: str, number: int, of: int) -> None:
        """Nothing happens."""


STEPS = (
    "Read the study file",
    "Read the data",
    "Declare missing codes and labels",
    "Make new variables",
    "Bind the design",
    "Weight",
    "Estimate",
    "Fit the model",
    "Draw and tabulate",
    "Render and write",
)


def begin(progress: Progress, name: str) -> None:
    """Tell `progress` that the step of this name begins."""
    progress.step(name, STEPS.index(name) + 1, len(STEPS))
