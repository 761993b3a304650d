"""What the content of an .ods file says besides values: hidden rows, errors, formulas that nobody calculated."""

from __future__ import annotations

from pathlib import Path

from survey_kit.errors import DamagedFileError, FileFormatError
from survey_kit.io.excel.facts import SheetFacts, check_size
from survey_kit.io.excel.xml import Walk
from survey_kit.io.excel.zip import Container

_CONTENT, _MANIFEST = "content.xml", "META-INF/manifest.xml"
_CELLS = ("table-cell", "covered-table-cell")
_HIDDEN = ("collapse", "filter")
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_OFTEN = 100  # a text in so many cells is measured


def ods_facts(path: Path) -> dict[str, SheetFacts]:
    """What is known of every sheet, by name. Raises ResourceLimitError where the sheets would not fit in memory."""
    container = Container(path)
    if _MANIFEST in container and b"encryption-data" in container.read(_MANIFEST):
        raise FileFormatError(f"{path.name} is protected by a password. Save it without one.")
    content = _Content(path)
    content.walk.run(container.chunks(_CONTENT))
    check_size(path, "the workbook", sum(f.rows * f.columns for f in content.sheets.values()), content.text)
    return content.sheets


class _Content:
    """Walks through the sheets and collects their facts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sheets: dict[str, SheetFacts] = {}
        self.text = 0
        self.walk = Walk(path, _CONTENT, self._element)
        self._facts = SheetFacts()
        self._row = self._column = self._columns = 0
        self._rows = 1  # how often the present row is repeated

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        if name in _CELLS:
            self._cell(attributes)
        elif name == "table-row":
            self._enter_row(attributes)
        elif name == "table-column":
            count = _times(attributes, "columns", _MOST_COLUMNS - self._columns)
            if attributes.get("table:visibility") in _HIDDEN:
                self._facts.hidden_columns.extend(range(self._columns + 1, self._columns + count + 1))
            self._columns += count
        elif name == "table":
            self._enter_sheet(attributes.get("table:name", ""))

    def _enter_sheet(self, name: str) -> None:
        if name in self.sheets:
            raise DamagedFileError(f"{self.path.name} is damaged: it has two sheets '{name}'. Rename one of them.")
        self._facts = self.sheets[name] = SheetFacts()
        self._row = self._column = self._columns = 0
        self._rows = 1

    def _enter_row(self, attributes: dict[str, str]) -> None:
        self._row += self._rows if self._row else 1
        self._rows = _times(attributes, "rows", _MOST_ROWS - self._row + 1)
        self._column = 0
        if attributes.get("table:visibility") in _HIDDEN:
            self._facts.hidden_rows.extend(range(self._row, self._row + self._rows))

    def _cell(self, attributes: dict[str, str]) -> None:
        place = (self._row, self._column + 1)
        times = _times(attributes, "columns", _MOST_COLUMNS)
        self._column += times
        kind = attributes.get("office:value-type", "")
        if kind:
            self._facts.reach(self._row + self._rows - 1, self._column)
            self._facts.formulas += "table:formula" in attributes
        elif "table:formula" in attributes:
            self._facts.uncached.append(place)
        self._spans(place, attributes)
        if attributes.get("calcext:value-type") == "error":
            self._facts.errors[place] = "#N/A"
            self.walk.listen(lambda text: self._facts.errors.update({place: text.strip() or "an error"}))
        elif kind == "string" and times * self._rows > _OFTEN:
            self.walk.listen(lambda text: self._measure(text, times))

    def _measure(self, text: str, times: int) -> None:
        self.text += 4 * len(text) * times * self._rows

    def _spans(self, place: tuple[int, int], attributes: dict[str, str]) -> None:
        wide = _whole(attributes.get("table:number-columns-spanned"))
        high = _whole(attributes.get("table:number-rows-spanned"))
        if wide > 1 or high > 1:
            self._facts.merged.append((place, (place[0] + high - 1, place[1] + wide - 1)))


def _times(attributes: dict[str, str], what: str, most: int) -> int:
    """How often a row, column or cell is repeated, no more than a sheet can hold."""
    return max(1, min(_whole(attributes.get(f"table:number-{what}-repeated")), most))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 1
