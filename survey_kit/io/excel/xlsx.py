"""What the parts of an .xlsx file say besides values: hidden rows, errors, formulas that nobody calculated.

A sheet is glanced at first, with a few searches; only one that holds any such thing is walked through cell by cell.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from survey_kit.errors import DamagedFileError
from survey_kit.io.excel.facts import MOST_TEXT, SheetFacts, check_size, column_number
from survey_kit.io.excel.xml import Walk, plain
from survey_kit.io.excel.zip import Container

_BOOK, _RELATIONS, _SHARED = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
_COLUMN = re.compile(rb'<c r="([A-Z]{1,3})\d')
_ROW = re.compile(rb'<c r="[A-Z]{1,3}(\d{1,7})"')
_CELLS = (b"<c ", b"<c>", b"<c/", b"<c\t", b"<c\n", b"<c\r")
_SPECIAL = (b"<f", b":f", b":c", b"hidden", b'"e"', b"'e'", b"\0")
_VALUES = (b"<v>", b"<t>", b"<t ", b":v>", b":t>", b":t ")
_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_TRUE = ("1", "true")
_LEAST = 5  # bytes of a shared string: <si/>
_BEGINNING = 1 << 22
_MOST_COLUMNS = 16_384


class XlsxParts:
    """The parts of one .xlsx file. Raises DamagedFileError, ResourceLimitError, FileFormatError for a password."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = Container(path)
        self._sheets, self.stale = self._read_book()
        self._lengths = self._shared_lengths()

    def facts(self, sheet: str) -> SheetFacts:
        """What is known of a sheet. Raises ResourceLimitError where it would not fit in memory, DamagedFileError."""
        part = self._part(sheet)
        facts = _glance(self._container.chunks(part)) or self._look(part)
        text = facts.texts * max(self._lengths, default=0)
        if text > MOST_TEXT:
            text = self._text_bytes(part)
        check_size(self.path, f"sheet '{sheet}'", facts.rows * facts.columns, text)
        return facts

    def has_data(self, sheet: str) -> bool:
        """Whether the beginning of a sheet holds a value."""
        seen = 0
        for chunk in self._container.chunks(self._part(sheet)):
            seen += len(chunk)
            if any(mark in chunk for mark in _VALUES):
                return True
            if seen > _BEGINNING:
                break
        return False

    def _part(self, sheet: str) -> str:
        if sheet not in self._sheets:
            raise DamagedFileError(f"{self.path.name} is damaged: sheet '{sheet}' has no part. Fetch it again.")
        return self._sheets[sheet]

    def _read_book(self) -> tuple[dict[str, str], bool]:
        """The part of every sheet, and whether values wait to be calculated when the file is opened."""
        targets: dict[str, str] = {}
        sheets: dict[str, str] = {}
        stale: list[bool] = []

        def relation(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship":
                target = plain(attributes, "Target")
                joined = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
                targets[plain(attributes, "Id")] = joined

        def element(name: str, attributes: dict[str, str]) -> None:
            if name == "sheet":
                sheets[attributes.get("name", "")] = plain(attributes, "id")
            elif name == "calcPr":
                stale.append(plain(attributes, "fullCalcOnLoad") in _TRUE)

        Walk(self.path, _RELATIONS, relation).run(self._container.chunks(_RELATIONS))
        Walk(self.path, _BOOK, element).run(self._container.chunks(_BOOK))
        return {name: targets[key] for name, key in sheets.items() if key in targets}, any(stale)

    def _shared_lengths(self) -> list[int]:
        """Bytes of every shared string, an upper bound. DamagedFileError where more are declared than can be there."""
        lengths: list[int] = []
        declared = 0

        def element(name: str, attributes: dict[str, str]) -> None:
            nonlocal declared
            if name == "si":
                walk.listen(lambda text: lengths.append(4 * len(text)))
            elif name == "sst":
                declared = max(_whole(attributes.get("uniqueCount")), declared)

        if _SHARED not in self._container:
            return []
        walk = Walk(self.path, _SHARED, element)
        walk.run(self._container.chunks(_SHARED))
        size = self._container.size(_SHARED)
        if declared * _LEAST > size:
            raise DamagedFileError(
                f"{self.path.name} is damaged: it declares {declared:,} texts in {size:,} bytes. Fetch it again."
            )
        return lengths

    def _text_bytes(self, part: str) -> int:
        """Bytes of all texts of a sheet, each shared string counted as often as it is used."""
        total = 0

        def used(text: str) -> None:
            nonlocal total
            at = _whole(text.strip())
            total += self._lengths[at] if at < len(self._lengths) else 0

        def element(name: str, attributes: dict[str, str]) -> None:
            if name == "c" and attributes.get("t") == "s":
                walk.listen(used)

        walk = Walk(self.path, part, element)
        walk.run(self._container.chunks(part))
        return total

    def _look(self, part: str) -> SheetFacts:
        return _Look(self.path, part).run(self._container.chunks(part))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else 0


def _glance(chunks: Iterable[bytes]) -> SheetFacts | None:
    """The facts of a sheet of plain values, None for one that needs a closer look."""
    columns: set[bytes] = set()
    rows: set[bytes] = set()
    texts = 0
    for chunk in _whole_tags(chunks):
        found = _COLUMN.findall(chunk)
        others = chunk.count(b"<c") - len(found)
        if (others and len(found) != sum(map(chunk.count, _CELLS))) or any(mark in chunk for mark in _SPECIAL):
            return None
        columns.update(found)
        rows.update(_ROW.findall(chunk))
        texts += chunk.count(b't="s"') + chunk.count(b"t='s'")
    last = max((column_number(c.decode()) for c in columns), default=0)
    return SheetFacts(rows=max(map(int, rows), default=0), columns=last, texts=texts)


def _whole_tags(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks that do not end inside a tag."""
    rest = b""
    for chunk in chunks:
        joined = rest + chunk
        at = joined.rfind(b"<")
        rest = joined[at:] if at >= 0 else b""
        yield joined[:at] if at >= 0 else joined
    yield rest


class _Look:
    """Walks through a sheet and collects its facts."""

    def __init__(self, path: Path, part: str) -> None:
        self.facts = SheetFacts()
        self._walk = Walk(path, part, self._element)
        self._row = self._column = self._last_hidden = 0
        self._kind = ""
        self._formula = False  # the present cell holds one, its value is still to come

    def run(self, chunks: Iterable[bytes]) -> SheetFacts:
        self._walk.run(chunks)
        self._leave_cell()
        return self.facts

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._leave_cell()
            self._cell(attributes)
        elif name == "f":
            self._formula = True
        elif name == "v" and (self._formula or self._kind == "e"):
            self._walk.listen(self._value)
        elif name == "row":
            self._leave_cell()
            self._enter_row(attributes)
        elif name == "col" and attributes.get("hidden") in _TRUE:
            first = max(_whole(attributes.get("min")), self._last_hidden + 1)
            self._last_hidden = max(min(_whole(attributes.get("max")), _MOST_COLUMNS), self._last_hidden)
            self.facts.hidden_columns.extend(range(first, self._last_hidden + 1))

    def _enter_row(self, attributes: dict[str, str]) -> None:
        self._row = _whole(attributes.get("r")) or self._row + 1
        self._column = 0
        if attributes.get("hidden") in _TRUE:
            self.facts.hidden_rows.append(self._row)

    def _cell(self, attributes: dict[str, str]) -> None:
        match = _PLACE.fullmatch(attributes.get("r", ""))
        if match:
            self._column, self._row = column_number(match[1]), int(match[2])
        else:
            self._column += 1
        self._kind = attributes.get("t", "")
        self.facts.reach(self._row, self._column)
        self.facts.texts += self._kind == "s"

    def _value(self, text: str) -> None:
        place = (self._row, self._column)
        if self._kind == "e":
            self.facts.errors[place] = text.strip()
        if self._formula and (text.strip() or self._kind == "str"):
            self.facts.formulas += 1
            self._formula = False

    def _leave_cell(self) -> None:
        if self._formula:
            self.facts.uncached.append((self._row, self._column))
            self._formula = False
