"""What the records of an .xls file say besides values: hidden rows, errors, how far a sheet reaches (BIFF5 and BIFF8).

Layout: Microsoft, [MS-XLS] "Excel Binary File Format (.xls) Structure".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from survey_kit.errors import DamagedFileError, FileFormatError
from survey_kit.io.excel.facts import MOST_TEXT, SheetFacts, check_size
from survey_kit.io.excel.ole import Compound

_BOF, _EOF, _FILEPASS, _SHEET, _STRINGS, _CONTINUE = 0x809, 0x0A, 0x2F, 0x85, 0xFC, 0x3C
_DIMENSIONS, _ROW, _COLUMNS = 0x200, 0x208, 0x7D
_LABEL, _SHARED, _NUMBER, _RK, _BOOLERR, _FORMULA, _RICH, _MANY = 0x204, 0xFD, 0x203, 0x27E, 0x205, 0x06, 0xD6, 0xBD
_CELLS = (_LABEL, _SHARED, _NUMBER, _RK, _BOOLERR, _FORMULA, _RICH, _MANY)
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_MOST_ROWS, _MOST_COLUMNS = 65_536, 256
_HIDDEN_ROW, _HIDDEN_COLUMN = 0x20, 1
_BIFF8 = 0x600


def xls_facts(path: Path) -> list[SheetFacts]:
    """What is known of every sheet, in their order. Raises DamagedFileError, ResourceLimitError, FileFormatError."""
    compound = Compound(path)
    name = next((s for s in ("workbook", "book") if s in compound.streams), None)
    if name is None:
        raise FileFormatError(f"{path.name} holds no workbook of Excel 5.0 to 2003. Save it as .xlsx.")
    stream = compound.read(name)
    try:
        starts = _starts(path, stream)
        sheets = [_facts(path, stream, start) for start in starts]
        check_size(path, "the workbook", sum(s.rows * s.columns for s in sheets))
        _check_texts(path, stream, starts, sum(s.texts for s in sheets))
    except (struct.error, IndexError) as error:
        raise DamagedFileError(f"{path.name} is truncated or damaged ({error}). Fetch it again.") from error
    return sheets


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """(type, payload) of the records of a substream, to its end."""
    at, depth = start, 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        depth += (kind == _BOF) - (kind == _EOF)
        if depth <= 0:
            return
        at += 4 + length


def _starts(path: Path, stream: bytes) -> list[int]:
    """Where the records of every sheet begin. FileFormatError for a workbook with a password."""
    starts = []
    for kind, payload in _records(stream, 0):
        if kind == _FILEPASS:
            raise FileFormatError(f"{path.name} is protected by a password. Save it without one.")
        if kind == _SHEET:
            start = struct.unpack_from("<I", payload)[0]
            if start >= len(stream):
                raise IndexError("a sheet lies behind its end")
            starts.append(start)
    return starts


def _facts(path: Path, stream: bytes, start: int) -> SheetFacts:
    facts = SheetFacts()
    version = _BIFF8
    for kind, payload in _records(stream, start):
        if kind in _CELLS:
            _cell(kind, payload, facts)
        elif kind == _BOF:
            version = struct.unpack_from("<H", payload)[0]
        elif kind == _DIMENSIONS:
            _check_dimensions(path, payload, version)
        elif kind == _ROW:
            row, marks = struct.unpack_from("<H10xH", payload)
            facts.hidden_rows += [row + 1] if marks & _HIDDEN_ROW else []
        elif kind == _COLUMNS:
            first, last, marks = struct.unpack_from("<HH4xH", payload)
            hidden = range(first + 1, min(last, _MOST_COLUMNS - 1) + 2) if marks & _HIDDEN_COLUMN else ()
            facts.hidden_columns += [c for c in hidden if c not in facts.hidden_columns]
    return facts


def _cell(kind: int, payload: bytes, facts: SheetFacts) -> None:
    row, column = struct.unpack_from("<HH", payload)
    place = (row + 1, column + 1)
    if kind == _MANY:
        place = (row + 1, struct.unpack_from("<H", payload, len(payload) - 2)[0] + 1)
    facts.reach(*place)
    facts.texts += kind == _SHARED
    if kind == _BOOLERR and payload[7]:
        facts.errors[place] = _ERRORS.get(payload[6], "an error")
    elif kind == _FORMULA:
        facts.formulas += 1
        if payload[12:14] == b"\xff\xff" and payload[6] == 2:
            facts.errors[place] = _ERRORS.get(payload[8], "an error")


def _check_dimensions(path: Path, payload: bytes, version: int) -> None:
    """DamagedFileError for a size that a sheet of this kind cannot have: memory would be taken for it."""
    first_row, rows, first_column, columns = struct.unpack_from("<IIHH" if version >= _BIFF8 else "<HHHH", payload)
    if not (first_row <= rows <= _MOST_ROWS and first_column <= columns <= _MOST_COLUMNS):
        raise DamagedFileError(
            f"{path.name} is damaged: a sheet declares rows {first_row:,} to {rows:,} and columns {first_column:,} to "
            f"{columns:,}. Fetch it again."
        )


def _check_texts(path: Path, stream: bytes, starts: list[int], uses: int) -> None:
    """ResourceLimitError where texts that are stored once and used often would not fit in memory."""
    parts: list[bytes] = []
    open_list = False
    for kind, payload in _records(stream, 0):
        open_list = kind == _STRINGS or (open_list and kind == _CONTINUE)
        parts += [payload] if open_list else []
    if uses * sum(map(len, parts)) <= MOST_TEXT:
        return
    lengths = _shared_lengths(parts)
    total = 0
    for start in starts:
        for kind, payload in _records(stream, start):
            if kind == _SHARED:
                at = struct.unpack_from("<I", payload, 6)[0]
                total += lengths[at] if at < len(lengths) else 0
    check_size(path, "the workbook", 0, total)


def _shared_lengths(parts: list[bytes]) -> list[int]:
    """Bytes of the shared strings, an upper bound. [MS-XLS] 2.4.265 SST and 2.5.293 XLUnicodeRichExtendedString."""
    lengths: list[int] = []
    part, at = 0, 8
    while part < len(parts):
        if at >= len(parts[part]):
            part, at = part + 1, 0
            continue
        characters, marks = struct.unpack_from("<HB", parts[part], at)
        at += 3
        extra = 0
        if marks & 8:
            extra += 4 * struct.unpack_from("<H", parts[part], at)[0]
            at += 2
        if marks & 4:
            extra += struct.unpack_from("<I", parts[part], at)[0]
            at += 4
        lengths.append(4 * characters)
        part, at = _skip_characters(parts, part, at, characters, marks & 1)
        while part < len(parts) and at + extra > len(parts[part]):
            extra -= len(parts[part]) - at
            part, at = part + 1, 0
        at += extra
    return lengths


def _skip_characters(parts: list[bytes], part: int, at: int, characters: int, wide: int) -> tuple[int, int]:
    """Where the characters of a string end. A string that goes on in the next record begins there with a mark byte."""
    while part < len(parts):
        room = (len(parts[part]) - at) // (1 + wide)
        if characters <= room:
            return part, at + characters * (1 + wide)
        characters -= room
        part, at = part + 1, 1
        wide = parts[part][0] & 1 if part < len(parts) else wide
    return part, 0
