"""What a caller asked of a table, and what the result itself has to say beneath it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.results.display import NOTHING, interval, number
from survey_kit.tables.cells import Cell


@dataclass(frozen=True, slots=True)
class Look:
    """The options of `table`, checked."""

    digits: int | None = None
    interval: bool = True
    percent: bool | None = None
    exponentiate: bool | None = None
    title: str = ""
    subtitle: str = ""
    notes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        whole = isinstance(self.digits, int) and not isinstance(self.digits, bool) and 0 <= self.digits <= 12
        if self.digits is not None and not whole:
            raise ArgumentError(f"digits={self.digits!r} is not available. Give a whole number from 0 to 12.")

    def places(self, default: int) -> int:
        """Decimals: those asked for, or the habit of the statistic."""
        return default if self.digits is None else self.digits

    def refuse(self, result: str, *options: str) -> None:
        """Raise where an option was set that this result has no use for."""
        for option in options:
            if getattr(self, option) is not None:
                raise UnsupportedOption(
                    f"{option}={getattr(self, option)!r} has no meaning for {result}. Leave it out."
                )


def as_notes(notes: str | Iterable[str]) -> tuple[str, ...]:
    """One note or several."""
    return (notes,) if isinstance(notes, str) else tuple(str(note) for note in notes)


def words(text: object) -> Cell:
    """A cell of text."""
    return Cell(str(text), str(text))


def figure(value: float | None, digits: int) -> Cell:
    """A cell of a plain number."""
    return known(number(value, digits), value)


def known(text: str, value: float | None) -> Cell:
    """A cell of a number that has its text; without a value where there is no number."""
    return Cell(text, None if text == NOTHING or value is None else float(value))


def limits(low: float, high: float, digits: int) -> Cell:
    """A cell of an interval of plain numbers."""
    text = interval(low, high, digits, percent=False)
    return Cell(text, None, None if text == NOTHING else (float(low), float(high)))


def blank() -> Cell:
    """A cell with nothing in it."""
    return Cell("")
