"""Spreadsheets: .xlsx, .xlsm, .xls, .ods. Values by calamine; what it leaves out is looked up in the file's own parts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from survey_kit.codebook import Codebook
from survey_kit.errors import FileFormatError, listed, unknown
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.doubts import doubts
from survey_kit.io.excel.book import CODEBOOK_SHEETS, OwnBook, own_codebook, read_own_book, type_own_columns
from survey_kit.io.excel.facts import SheetFacts, address
from survey_kit.io.excel.grid import Column, Grid, error_cells, make_grid, tell_facts
from survey_kit.io.excel.open import Sheet, Workbook
from survey_kit.io.excel.types import Typed, type_columns
from survey_kit.schema import Notice


def read_excel(path: Path, options: ReadOptions) -> FileContents:
    """Read one worksheet: a row of column names, below it one row per respondent.

    Numbers are int64, or float64 where cells are empty or fractions; text is `str`; dates are datetime64[us]; times and
    durations are seconds; TRUE and FALSE are 1 and 0, labelled. Numbers stored as text are numbers, ids with leading
    zeros stay text. Hidden rows and columns are read, and a notice says so. Equivalents: R `readxl::read_excel`, SPSS
    `GET DATA /TYPE=XLSX`, which guess types from the first rows.

    All rows tell the types, also with `row_limit`, unless something in later rows stands in the way. With `metadata_only`
    nothing does: a column of mixed cells is text.

    A workbook of `write_excel` gives back its codes and codebook; the other sheets of any workbook are not read. A sheet
    that spans more than 25 million cells, or a workbook of more than 2 GB when inflated, is refused.

    Options: `sheet` (a name; by default the first visible one with data), `header` (the row with the names, from 1),
    `decimal` and `na` for texts among the cells.

    Raises FileFormatError that names cells: no row of names, numbers mixed with text, error values, formulas that were
    never calculated, a row of totals, a password. DuplicateNameError, ResourceLimitError (before memory is taken),
    DamagedFileError, UnknownNameError for a sheet or column.
    """
    with closing(Workbook(path)) as workbook:
        own = read_own_book(workbook)
        sheet, notices = _choose_sheet(workbook, options.sheet, own)
        facts = workbook.facts(sheet.name)
        values, merged = workbook.values(sheet.name)
        facts.merged.extend(merged)
        hidden = [s.name for s in workbook.sheets if not s.visible and s != sheet]
    where = f"{path.name}, sheet '{sheet.name}'"
    if not any(cell != "" for row in values for cell in row) and not facts.errors and not facts.uncached:
        raise FileFormatError(f"{where} is empty. Name another sheet with sheet=, or fill it.")
    own = own if own and sheet.name not in CODEBOOK_SHEETS else None
    grid = make_grid(where, values, facts, options.header, hidden, own is not None)
    del values
    if own and not any(column.name in own.codebook for column in grid.columns):
        own = None  # a sheet that somebody added
    return _contents(_Read(path, where, options, facts, own), grid, notices + tell_facts(facts, grid, workbook.stale))


@dataclass(frozen=True, slots=True)
class _Read:
    """What is being read, and how."""

    path: Path
    where: str
    options: ReadOptions
    facts: SheetFacts
    own: OwnBook | None


def _contents(read: _Read, grid: Grid, notices: list[Notice]) -> FileContents:
    options = read.options
    problems = []
    if grid.total is not None:
        if options.rows is None or options.rows > grid.total:
            problems.append(_total_sentence(grid, grid.total))
        grid = grid.first(grid.total)
    typed, codebook, more = _typed(read, grid)
    rows = len(grid.rows)
    if typed.problems and options.rows:
        typed, codebook, more = _typed(read, grid.first(options.rows))
        rows = min(rows, options.rows)
    problems += typed.problems
    if problems and options.rows != 0:
        raise FileFormatError(f"{read.where} cannot be read as it is. {' '.join(problems)}")
    codes = typed.frame(_wanted(read, grid), rows)
    notices = [*notices, *grid.notices, *typed.notices, *more]
    if options.rows is not None:
        codes = codes.iloc[: options.rows]
        notices += partial_notice(options.rows, len(codes), len(grid.rows))
    return FileContents(codes, codebook, (*notices, *doubts(codes, codebook)), read.path.suffix.lower().lstrip("."))


def _wanted(read: _Read, grid: Grid) -> list[str]:
    names = [c.name for c in grid.columns]
    wanted = list(names if read.options.columns is None else read.options.columns)
    known = set(names)
    lost = next((name for name in wanted if name not in known), None)
    if lost is not None:
        raise unknown("column", lost, names)
    return wanted


def _typed(read: _Read, grid: Grid) -> tuple[Typed, Codebook, list[Notice]]:
    """The columns that are wanted, with everything that stands in their way, and their codebook."""
    options, wanted = read.options, _wanted(read, grid)
    by_name = {c.name: c for c in grid.columns}
    columns = [by_name[name] for name in wanted]
    problems = _cell_problems(read, columns, grid)
    if read.own is None:
        typed = type_columns(columns, options.decimal, options.na, len(grid.rows))
    else:
        typed = type_own_columns(grid, columns, read.own, options.decimal, options.na)
    typed.fill(wanted)
    typed.problems[:0] = problems
    if read.own is None:
        return typed, Codebook({n: typed.variables[n] for n in wanted}), []
    codebook, notices = own_codebook(typed, read.own, wanted, list(by_name))
    return typed, codebook, notices


def _choose_sheet(workbook: Workbook, wanted: str | None, own: OwnBook | None) -> tuple[Sheet, list[Notice]]:
    """The sheet to read, and a notice on others that hold data."""
    name = workbook.path.name
    if wanted is not None:
        found = next((s for s in workbook.sheets if s.name == wanted), None)
        if found is None:
            raise unknown("sheet", wanted, [s.name for s in workbook.sheets])
        return found, []
    sheets = [s for s in workbook.sheets if own is None or s.name not in CODEBOOK_SHEETS]
    filled = [s for s in sheets if workbook.has_data(s.name)]
    chosen = next((s for s in filled if s.visible), None)
    if chosen is None:
        hint = (
            f" Hidden sheets hold data: {listed(repr(s.name) for s in filled)}; name one with sheet=." if filled else ""
        )
        raise FileFormatError(f"{name}: every visible sheet is empty.{hint or ' Is it the right file?'}")
    others = [f"'{s.name}'{'' if s.visible else ' (hidden)'}" for s in filled if s != chosen]
    if not others:
        return chosen, []
    text = f"Sheet '{chosen.name}' was read; others with data were not: {listed(others)}. Name one with sheet=."
    return chosen, [Notice("sheet", text, len(others))]


def _total_sentence(grid: Grid, at: int) -> str:
    without = f", or leave it out with row_limit={at}" if at else ""
    return f"Row {grid.rows[at]} is a total, no respondent: delete it{without}."


def _cell_problems(read: _Read, columns: Sequence[Column], grid: Grid) -> list[str]:
    """Error values, and formulas without a value, in the columns that are read."""
    numbers, rows = {c.number for c in columns}, set(grid.rows)
    facts, na = read.facts, read.options.na
    problems = []
    errors = {p: t for p, t in facts.errors.items() if p[0] in rows and p[1] in numbers and t not in na}
    if errors:
        kinds = sorted(set(errors.values()))
        problems.append(
            f"Error values stand in {listed(error_cells(errors))}: correct them, or read them as missing with na={kinds!r}."
        )
    uncached = [p for p in facts.uncached if p[0] in rows and p[1] in numbers]
    if uncached:
        problems.append(
            f"Formulas without a value stand in {listed(map(address, uncached))}: open the file in a spreadsheet "
            "program and save it, or leave their columns out with columns=."
        )
    return problems
