"""What is known of a worksheet besides its values, and how much of a workbook is read at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from survey_kit.errors import ResourceLimitError

MOST_CELLS = 25_000_000  # of the rectangle that a sheet spans; about 100 bytes of memory each
MOST_TEXT = 2**30  # bytes of the texts of one sheet
MOST_BYTES = 2**31  # of the workbook when it is inflated
MOST_RATIO = 500  # inflated to stored bytes; real sheets reach 300
SMALL = 2**20  # a member of fewer bytes may have any ratio

Place = tuple[int, int]  # row and column, from 1


@dataclass(slots=True)
class SheetFacts:
    """What a worksheet holds besides values. Rows and columns count from 1.

    Attributes:
        rows, columns: the last row and column with a cell.
        texts: how many cells refer to a text that is stored once (.xlsx).
        hidden_rows, hidden_columns: not shown to a person who opens the file.
        errors: cells that hold an error, with its text ("#N/A").
        uncached: cells with a formula whose value was never calculated.
        formulas: how many cells hold a formula with a value.
        merged: merged ranges as (first, last) cells.
    """

    rows: int = 0
    columns: int = 0
    texts: int = 0
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    errors: dict[Place, str] = field(default_factory=dict)
    uncached: list[Place] = field(default_factory=list)
    formulas: int = 0
    merged: list[tuple[Place, Place]] = field(default_factory=list)

    def reach(self, row: int, column: int) -> None:
        """Notes that a cell is there."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)


def check_size(path: Path, sheet: str, cells: int, text: int = 0) -> None:
    """ResourceLimitError for a sheet ("sheet 'A'") or workbook that would not fit in memory."""
    if cells > MOST_CELLS:
        raise ResourceLimitError(
            f"{path.name}: {sheet} spans {cells:,} cells; {MOST_CELLS:,} are read at most. "
            "Delete what lies far from the data, or save the sheet as .csv."
        )
    if text > MOST_TEXT:
        raise ResourceLimitError(
            f"{path.name}: the texts of {sheet} take {text / 2**30:.1f} GB, more than is read. Save it as .csv."
        )


def letters(column: int) -> str:
    """The letters of a column.

    >>> letters(1), letters(26), letters(27), letters(16384)
    ('A', 'Z', 'AA', 'XFD')
    """
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def address(place: Place) -> str:
    """The address of a cell.

    >>> address((12, 3))
    'C12'
    """
    return f"{letters(place[1])}{place[0]}"


def column_number(text: str) -> int:
    """The number of a column of letters.

    >>> column_number("XFD")
    16384
    """
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - 64
    return number


def runs(numbers: list[int]) -> list[str]:
    """Numbers as a person lists them.

    >>> runs([2, 4, 5, 6, 9])
    ['2', '4 to 6', '9']
    """
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(a) if a == b else f"{a} to {b}" for a, b in found]
