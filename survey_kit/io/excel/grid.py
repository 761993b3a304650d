"""Rows of a worksheet become named columns of respondents, or an error that says what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from survey_kit.errors import ArgumentError, DuplicateNameError, FileFormatError, listed
from survey_kit.io.codebooks.codes import cell_text
from survey_kit.io.excel.facts import Place, SheetFacts, address, letters, runs
from survey_kit.schema import Notice

_TOTALS = frozenset(
    (
        *("total", "totals", "grand total", "subtotal", "sum", "sums", "average", "mean"),
        *("итого", "всего", "сумма", "итог", "среднее", "разом", "усього", "всього", "сума", "середнє"),
        *("барлығы", "жиыны", "ჯამი", "სულ", "gesamt", "insgesamt", "summe", "somme", "suma"),
    )
)
_LOOKED_AT = 20  # rows below the header that may be the real one
_SHOWN = 64  # characters of a name in a message
_LAST = 3  # rows that may be a total, with a footnote below


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its name, where it stands, its cells ("" for an empty one) and their row numbers."""

    name: str
    number: int
    cells: Sequence[Any]
    rows: Sequence[int]

    def place(self, at: int) -> str:
        """The address of a cell."""
        return address((self.rows[at], self.number))


@dataclass(frozen=True, slots=True)
class Grid:
    """The data of a sheet.

    Attributes:
        columns: every column with a name or a value.
        rows: numbers of the rows that hold data.
        total: position of a last row that sums up the others, None where there is none.
    """

    columns: tuple[Column, ...]
    rows: tuple[int, ...]
    total: int | None
    notices: tuple[Notice, ...]

    def first(self, count: int) -> Grid:
        """The grid of the first rows, none of which sums up."""
        rows = self.rows[:count]
        columns = tuple(Column(c.name, c.number, c.cells[:count], rows) for c in self.columns)
        return Grid(columns, rows, None, self.notices)


def make_grid(
    where: str, values: list[list[Any]], facts: SheetFacts, header: int | None, hidden: list[str], exact: bool
) -> Grid:
    """The named columns of a sheet.

    Args:
        where: file and sheet, for messages.
        values: all rows from A1.
        facts: what is known of the sheet besides.
        header: the row with the column names, from 1; the first when None.
        hidden: names of hidden sheets, for messages.
        exact: a sheet of ours: names keep their blanks, and no row is a total.

    Raises FileFormatError where the header row holds no names, DuplicateNameError, ArgumentError for a row beyond.
    """
    at = _check_header_number(where, header, len(values))
    taken = {*facts.errors, *facts.uncached}
    values = _reaching(values, taken)
    kept = _filled_rows(values, at, {row for row, _ in taken})
    columns = list(zip(*(values[i] for i in kept), strict=True)) if kept else [()] * len(values[0])
    head = values[at - 1]
    special = {column for row, column in taken if row > at}
    used = [j for j, cells in enumerate(columns) if head[j] != "" or j + 1 in special or any(c != "" for c in cells)]
    rows = tuple(i + 1 for i in kept)
    total = None if exact else _total(columns, used)
    problem = _header_problem(head, used, at, facts)
    if problem:
        likely = _likely_header(values, used, at)
        raise FileFormatError(_header_sentence(where, at, problem, likely, _findings(facts, at, rows, total, hidden)))
    names, notices = _names(where, head, used, at, exact)
    blank = _blank_rows(at, rows)
    if blank:
        notices.append(Notice("blank", f"Empty rows among the data were left out: {listed(runs(blank))}.", len(blank)))
    named = tuple(Column(name, j + 1, columns[j], rows) for name, j in zip(names, used, strict=True))
    return Grid(named, rows, total, tuple(notices))


def _check_header_number(where: str, header: int | None, rows: int) -> int:
    if header is None:
        return 1
    if isinstance(header, bool) or not isinstance(header, int) or header < 1:
        raise ArgumentError(f"header={header!r} is no row number. Give the row with the column names, 1 or more.")
    if header > rows:
        raise ArgumentError(f"header={header} lies behind the last row of {where}, which is {rows}.")
    return header


def _reaching(values: list[list[Any]], taken: set[tuple[int, int]]) -> list[list[Any]]:
    """The cells as far as those reach that have no value of their own: errors and formulas that were not calculated."""
    rows = max([len(values), *(row for row, _ in taken)])
    columns = max([len(values[0]), *(column for _, column in taken)])
    if (rows, columns) == (len(values), len(values[0])):
        return values
    wide = [row + [""] * (columns - len(row)) for row in values]
    return wide + [[""] * columns for _ in range(rows - len(values))]


def _filled_rows(values: list[list[Any]], at: int, special: set[int]) -> list[int]:
    """Positions of the rows below the header that hold anything."""
    return [i for i in range(at, len(values)) if any(c != "" for c in values[i]) or i + 1 in special]


def _blank_rows(at: int, rows: Sequence[int]) -> list[int]:
    return sorted(set(range(at + 1, rows[-1])) - set(rows)) if rows else []


def _total(columns: list[Any], used: list[int]) -> int | None:
    """The position of a row near the end that sums up: its first filled cell reads "Total", and no other row's does."""
    rows = len(columns[used[0]]) if used else 0
    for at in range(max(rows - _LAST, 0), rows):
        first = next((j for j in used if columns[j][at] != ""), None)
        if first is None or not isinstance(columns[first][at], str):
            continue
        word = columns[first][at]
        if word.strip(" :.=").casefold() in _TOTALS and columns[first].count(word) == 1 and rows > 1:
            return at
    return None


def _header_problem(head: list[Any], used: list[int], at: int, facts: SheetFacts) -> str:
    """Why a row holds no column names, "" where it does."""
    empty = [j for j in used if head[j] == ""]
    merged = _merged(facts, at, at)
    if used and len(empty) == len(used):
        return "is empty"
    if merged:
        return f"has merged cells ({listed(merged)})"
    filled = len(used) - len(empty)
    if filled * 2 < len(used) or (filled * 2 == len(used) and head[used[0]] != ""):
        return (
            f"has a name over {filled} of {len(used)} columns (none in {listed(address((at, j + 1)) for j in empty)})"
        )
    return ""


def _merged(facts: SheetFacts, first: int, last: int) -> list[str]:
    """The merged ranges that touch some rows."""
    touching = [(a, b) for a, b in facts.merged if a[0] <= last and b[0] >= first and a != b]
    return [f"{address(a)}:{address(b)}" for a, b in touching]


def _header_sentence(where: str, at: int, problem: str, likely: int | None, found: list[str]) -> str:
    advice = f" Row {likely} looks like it: header={likely}." if likely else " Put each name into one cell of one row."
    also = f" Also found: {'; '.join(found)}." if found else ""
    return f"{where}: row {at} {problem}. Name the row that holds the column names with header=.{advice}{also}"


def _likely_header(values: list[list[Any]], used: list[int], at: int) -> int | None:
    below = range(at + 1, min(at + _LOOKED_AT, len(values)) + 1)
    return next((r for r in below if _looks_like_names(values[r - 1], used)), None)


def _looks_like_names(row: list[Any], used: list[int]) -> bool:
    return all(isinstance(row[j], str) and row[j].strip() for j in used)


def _findings(facts: SheetFacts, at: int, rows: Sequence[int], total: int | None, hidden: list[str]) -> list[str]:
    """What else a person should know of the sheet."""
    found = []
    merged = _merged(facts, 1, at - 1) + _merged(facts, at + 1, max(facts.rows, at))
    found += [f"merged cells {listed(merged)}"] if merged else []
    found += [f"hidden rows {listed(runs(facts.hidden_rows))}"] if facts.hidden_rows else []
    found += [f"hidden columns {listed(map(letters, facts.hidden_columns))}"] if facts.hidden_columns else []
    found += [f"formulas without a value {listed(map(address, facts.uncached))}"] if facts.uncached else []
    found += [f"error values {listed(error_cells(facts.errors))}"] if facts.errors else []
    found += [f"a total in row {rows[total]}"] if total is not None else []
    return found + ([f"hidden sheets {listed(map(repr, hidden))}"] if hidden else [])


def error_cells(errors: dict[Place, str]) -> list[str]:
    """Cells with an error value, each with the error.

    >>> error_cells({(5, 4): "#N/A"})
    ['D5 (#N/A)']
    """
    return [f"{address(place)} ({text})" for place, text in sorted(errors.items())]


def _names(where: str, head: list[Any], used: list[int], at: int, exact: bool) -> tuple[list[str], list[Notice]]:
    given = {j: cell_text(head[j]) if exact else cell_text(head[j]).strip() for j in used}
    names = [given[j] or f"unnamed_{j + 1}" for j in used]
    twice = next((n for n, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        first, *more = [address((at, j + 1)) for n, j in zip(names, used, strict=True) if n == twice]
        shown = twice if len(twice) <= _SHOWN else f"{twice[:_SHOWN]}…"
        raise DuplicateNameError(
            f"{where} has the column name '{shown}' in {first} and {listed(more)}. Rename one of them."
        )
    notices = []
    empty = [f"unnamed_{j + 1}" for j in used if not given[j]]
    if empty:
        notices.append(Notice("name", f"Columns without a name in the header are called {listed(empty)}.", len(empty)))
    odd = [given[j] for j in used if not isinstance(head[j], str)]
    if odd:
        text = f"Column names that are no text in the sheet are text now: {listed(odd)}."
        notices.append(Notice("name", text, len(odd)))
    return names, notices


def tell_facts(facts: SheetFacts, grid: Grid, stale: bool) -> list[Notice]:
    """Notices on what a person does not see in the data: hidden rows and columns, merged cells, formulas."""
    notices = []
    here = set(grid.rows)
    hidden = [r for r in facts.hidden_rows if r in here]
    if hidden:
        text = f"Hidden rows were read like the others: {listed(runs(hidden))}."
        notices.append(Notice("hidden", text, len(hidden)))
    unseen = set(facts.hidden_columns)
    names = [c.name for c in grid.columns if c.number in unseen]
    if names:
        text = f"Hidden columns were read like the others: {listed(names)}."
        notices.append(Notice("hidden", text, len(names)))
    merged = _merged(facts, grid.rows[0], grid.rows[-1]) if grid.rows else []
    if merged:
        text = f"Of merged cells only the first holds the value, the others are missing: {listed(merged)}."
        notices.append(Notice("merged", text, len(merged)))
    if facts.formulas:
        again = " They wait to be calculated anew: open and save the file in a spreadsheet program." if stale else ""
        text = f"{facts.formulas:,} cells hold formulas; the values of their last calculation were read.{again}"
        notices.append(Notice("formula", text, facts.formulas))
    return notices
