"""The table without a medium: columns and rows of cells, and the doors to its renderers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from survey_kit.errors import ArgumentError, listed
from survey_kit.results.letters import clean
from survey_kit.tables.cells import Column, Row

if TYPE_CHECKING:
    import pandas as pd
    from great_tables import GT


@dataclass(frozen=True, slots=True)
class Table:
    """A table for print: the first column holds the row labels.

    Attributes:
        title, subtitle: heading; the subtitle is the question as it was asked.
        columns: names differ; neighbours with the same `group` share a heading.
        rows: each with one cell for each column; of a "group" row only the first cell is printed.
        notes: what a reader must know. source: where the numbers come from.

    Example:
        >>> from survey_kit.tables.cells import Cell
        >>> made = Table("Vote", "", (Column("answer", "Answer", "left"), Column("share", "%")),
        ...              (Row((Cell("Yes"), Cell("61.0", 0.61))),))
        >>> made.frame()
          answer share
        0    Yes  61.0
        >>> made.to_csv()
        'answer,share,share_text\\nYes,0.61,61.0\\n'
    """

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for text in ("title", "subtitle", "source"):
            object.__setattr__(self, text, clean(getattr(self, text)))
        object.__setattr__(self, "notes", tuple(map(clean, self.notes)))
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if not names or twice:
            problem = f"two columns named {listed(twice)}" if twice else "no column"
            raise ArgumentError(f"Table {self.title!r} has {problem}. Give every column a name of its own.")
        for at, row in enumerate(self.rows):
            if len(row.cells) != len(names):
                raise ArgumentError(
                    f"Row {at} of table {self.title!r} has {len(row.cells)} cells for {len(names)} columns. "
                    "Fill absent cells with Cell('')."
                )

    def spans(self) -> tuple[tuple[str, tuple[Column, ...]], ...]:
        """Neighbouring columns under one heading: (heading, columns), "" for columns without one."""
        return tuple((group, tuple(columns)) for group, columns in groupby(self.columns, key=lambda c: c.group))

    def sections(self) -> tuple[tuple[Row | None, tuple[Row, ...]], ...]:
        """Rows under each group row: (group row, rows), None for rows above the first group row."""
        out: list[tuple[Row | None, list[Row]]] = []
        for row in self.rows:
            if row.kind == "group":
                out.append((row, []))
            elif out:
                out[-1][1].append(row)
            else:
                out.append((None, [row]))
        return tuple((head, tuple(rows)) for head, rows in out)

    def frame(self) -> pd.DataFrame:
        """The display texts, one row for each row; columns are the machine names."""
        import pandas as pd

        names = [column.name for column in self.columns]
        return pd.DataFrame([[cell.text for cell in row.cells] for row in self.rows], columns=names, dtype="str")

    def to_html(self, style: bool = True) -> str:
        """Accessible HTML: caption, scoped header cells, texts escaped. `style=False` leaves the CSS to the page."""
        from survey_kit.tables.html import markup

        return markup(self, style)

    def to_csv(self) -> str:
        """CSV text with raw numbers, display texts, and text cells that no spreadsheet takes for a formula."""
        from survey_kit.tables.delimited import delimited

        return delimited(self)

    def to_gt(self, ident: str = "table") -> GT:
        """The same texts as a great_tables object, for styling beyond what the report does."""
        from survey_kit.tables.gt import to_gt

        return to_gt(self, ident)

    def _repr_html_(self) -> str:
        return self.to_html()
