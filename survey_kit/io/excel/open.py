"""A workbook, opened after its container was checked: sheets, their values by calamine, and what calamine leaves out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine as calamine

from survey_kit.errors import DamagedFileError, FileFormatError, WrongFormatError
from survey_kit.io.excel.facts import Place, SheetFacts
from survey_kit.io.excel.ods import ods_facts
from survey_kit.io.excel.ole import MAGIC, Compound
from survey_kit.io.excel.xls import xls_facts
from survey_kit.io.excel.xlsx import XlsxParts

_PANIC = "PanicException"  # what a failure inside calamine raises; no subclass of Exception
_PROTECTED = "encryptedpackage"  # the stream of an .xlsx file with a password


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet of a workbook: its name and whether a person who opens the file sees it."""

    name: str
    visible: bool


class Workbook:
    """A workbook, open until `close`.

    Attributes:
        sheets: its worksheets in order; charts are no worksheets.
        stale: the program that wrote it left formulas to be calculated when it is opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._parts: XlsxParts | None = None
        self._facts: dict[str, SheetFacts] = {}
        suffix = path.suffix.lower()
        by_place: list[SheetFacts] = []
        if suffix == ".xls":
            by_place = xls_facts(path)
        elif suffix == ".ods":
            self._facts = ods_facts(path)
        else:
            _refuse_compound(path)
            self._parts = XlsxParts(path)
        self._book = self._call(calamine.CalamineWorkbook.from_path, str(path))
        found = self._book.sheets_metadata
        if by_place:
            self._facts = {s.name: facts for s, facts in zip(found, by_place, strict=False)}
        kind = calamine.SheetTypeEnum.WorkSheet
        self.sheets = [Sheet(s.name, s.visible == calamine.SheetVisibleEnum.Visible) for s in found if s.typ == kind]
        self.stale = self._parts.stale if self._parts else False
        self._check_names()

    def facts(self, name: str) -> SheetFacts:
        """What is known of a sheet. Raises ResourceLimitError before its values take memory."""
        if self._parts is None:
            return self._facts.get(name, SheetFacts())
        return self._parts.facts(name)

    def has_data(self, name: str) -> bool:
        """Whether a sheet holds any value."""
        return self._parts.has_data(name) if self._parts else self._facts.get(name, SheetFacts()).rows > 0

    def values(self, name: str) -> tuple[list[list[Any]], list[tuple[Place, Place]]]:
        """The rows of a sheet from A1, "" for empty cells, and merged ranges. Call `facts` first: it checks the size."""
        sheet = self._call(self._book.get_sheet_by_name, name)
        merged = [
            ((first[0] + 1, first[1] + 1), (last[0] + 1, last[1] + 1))
            for first, last in self._call(lambda: sheet.merged_cell_ranges) or ()
        ]
        return self._call(sheet.to_python, skip_empty_area=False), merged

    def close(self) -> None:
        """Lets go of the file."""
        self._book.close()

    def _check_names(self) -> None:
        names = [s.name for s in self.sheets]
        twice = next((n for n, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise DamagedFileError(f"{self.path.name} is damaged: it has two sheets '{twice}'. Rename one of them.")
        if not names:
            raise FileFormatError(f"{self.path.name} has no worksheet. Is it the right file?")

    def _call(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """Call calamine; its failures become DamagedFileError, or FileFormatError for a password."""
        try:
            return function(*arguments, **named)
        except calamine.PasswordError as error:
            raise FileFormatError(f"{self.path.name} is protected by a password. Save it without one.") from error
        except (calamine.CalamineError, OSError, ValueError, OverflowError, MemoryError) as error:
            raise self._damaged(error) from error
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            raise self._damaged(error) from error

    def _damaged(self, error: BaseException) -> DamagedFileError:
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        return DamagedFileError(f"{self.path.name} is damaged and cannot be read ({said}). Fetch it again.")


def _refuse_compound(path: Path) -> None:
    """The error for an .xlsx file that is a compound file: with a password, or an .xls file by another name."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
    if _PROTECTED in Compound(path).streams:
        raise FileFormatError(f"{path.name} is protected by a password. Save it without one.")
    raise WrongFormatError(
        f"{path.name} looks like an old Excel workbook (.xls); it cannot be read as {path.suffix.lower()}. Rename it."
    )
