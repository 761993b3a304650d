"""The dictionary records of an SPSS system file, read with plain `struct`: what readers of data leave out.

A file is a 176-byte header, records (2 variable, 3/4 value labels, 6 documents, 7 extensions) up to record 999, then
the cases. Extension subtypes used here: 3 code page, 7 and 19 multiple-response sets, 13 long names, 14 very long
strings, 17 and 18 attributes, 20 encoding. Layout: PSPP developers' guide, "System File Format".
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from survey_kit.errors import DamagedFileError, TruncatedFileError

HEADER, CASES_AT = 176, 80
MAX_LABEL = 1 << 16  # SPSS writes 256 bytes at most; anything beyond this is damage
SEGMENT = 252  # bytes of a very long string that one of its variable records holds
_CODE_PAGES = {65001: "utf-8", 20866: "koi8-r", 21866: "koi8-u", 10007: "mac-cyrillic", 932: "cp932", 936: "gbk"}

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text of the dictionary: what it is, where it stands, its bytes."""

    what: str
    offset: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class SavVariable:
    """A variable record. `position` counts 8-byte elements from 1; `width` 0 means a number."""

    short: bytes
    position: int
    width: int


@dataclass
class SavDictionary:
    """What the records say. Names and labels stay bytes: the encoding may be wrong."""

    name: str
    order: str = "<"
    compression: int = 0
    weight_index: int = 0
    declared: int = -1
    elements: int = 0
    file_label: bytes = b""
    variables: list[SavVariable] = field(default_factory=list)
    widths: dict[int, int] = field(default_factory=dict)  # position of a variable -> its width
    texts: list[Text] = field(default_factory=list)
    extensions: dict[int, bytes] = field(default_factory=dict)
    extension_at: dict[int, int] = field(default_factory=dict)  # subtype -> offset of its payload
    label_codes: list[bytes] = field(default_factory=list)  # of the value labels that wait for their variables
    terminator: int = 0  # offset of record 999
    data: int = 0  # offset of the first case

    @property
    def stated_encoding(self) -> str | None:
        """Python's name of the encoding that the file states, or None."""
        stated = self.extensions.get(20, b"").decode("ascii", "replace").strip(" \0")
        if stated:
            return _known_codec(stated)
        info = self.extensions.get(3, b"")
        if len(info) < 32:
            return None
        page = struct.unpack(self.order + "8i", info[:32])[7]
        return _code_page(page)

    @cached_property
    def long_names(self) -> dict[bytes, bytes]:
        """Short name, ASCII letters in upper case -> long name. Bytes: short names may be cut inside a character."""
        pairs = [p.partition(b"=") for p in self.extensions.get(13, b"").strip(b"\0").split(b"\t") if b"=" in p]
        long = {short.upper(): name for short, _, name in pairs}
        return {v.short.upper(): long.get(v.short.upper(), v.short) for v in self.variables}

    def real_variables(self) -> list[SavVariable]:
        """Variables without the records that only continue a very long string."""
        pairs = [p.partition(b"=") for p in self.extensions.get(14, b"").replace(b"\0", b"").split(b"\t")]
        lengths = {short.upper(): size.strip() for short, _, size in pairs}
        found, skip = [], 0
        for variable in self.variables:
            if skip:
                skip -= 1
                continue
            found.append(variable)
            length = lengths.get(variable.short.upper(), b"")
            skip = -(-int(length) // SEGMENT) - 1 if length.isdigit() else 0
        return found

    def raw_names(self) -> list[bytes]:
        """Column names in file order, as bytes."""
        long = self.long_names
        return [long[v.short.upper()] for v in self.real_variables()]

    def names(self, encoding: str) -> list[str]:
        """Column names in file order."""
        return [n.decode(encoding, "replace") for n in self.raw_names()]

    def weight(self, encoding: str) -> str | None:
        """The variable that the header names as weight, or None."""
        long = self.long_names
        for variable in self.variables:
            if self.weight_index and variable.position == self.weight_index:
                return long[variable.short.upper()].decode(encoding, "replace")
        return None


def open_bytes(path: Path) -> memoryview:
    """The bytes of a file that is not empty, mapped, not loaded."""
    return memoryview(np.memmap(path, dtype=np.uint8, mode="r"))  # type: ignore[arg-type]


class _Cursor:
    """Reads forward and says where the file ends too early."""

    def __init__(self, name: str, buffer: Buffer) -> None:
        self.name, self.buffer, self.at, self.order = name, buffer, 0, "<"

    def take(self, size: int, what: str) -> bytes:
        end = self.at + size
        if size < 0 or end > len(self.buffer):
            raise TruncatedFileError(
                f"{self.name} is truncated or damaged: {what} at byte {self.at} needs {size} bytes, "
                f"{len(self.buffer) - self.at} are left. Fetch the file again."
            )
        taken = bytes(self.buffer[self.at : end])
        self.at = end
        return taken

    def ints(self, count: int, what: str) -> tuple[int, ...]:
        return struct.unpack(f"{self.order}{count}i", self.take(4 * count, what))


def read_dictionary(name: str, buffer: Buffer) -> SavDictionary:
    """Read the records up to 999. `name` is the file's name for messages. Raises DamagedFileError, TruncatedFileError."""
    cursor = _Cursor(name, buffer)
    found = SavDictionary(name)
    _read_header(cursor, found)
    readers = {
        2: _read_variable,
        3: _read_value_labels,
        4: _read_label_variables,
        6: _skip_documents,
        7: _read_extension,
    }
    while True:
        start = cursor.at
        (kind,) = cursor.ints(1, "a record type")
        if kind == 999:
            cursor.take(4, "the end of the dictionary")
            found.terminator, found.data = start, cursor.at
            found.texts += [Text("a variable name", start, name) for name in found.raw_names()]
            return found
        if kind not in readers:
            raise DamagedFileError(f"{name} is damaged: record type {kind} at byte {start}. Fetch the file again.")
        readers[kind](cursor, found)


def _read_header(cursor: _Cursor, found: SavDictionary) -> None:
    header = cursor.take(HEADER, "the header")
    layouts = {order: struct.unpack(order + "i", header[64:68])[0] for order in "<>"}
    order = next((o for o, code in layouts.items() if code in (2, 3)), None)
    if order is None:
        raise DamagedFileError(f"{cursor.name} is not an SPSS system file, or is damaged: layout code {layouts['<']}.")
    cursor.order = found.order = order
    found.compression, found.weight_index, found.declared = struct.unpack(order + "3i", header[72:84])
    found.file_label = header[109:173].rstrip(b" \0")
    found.texts.append(Text("the file label", 109, found.file_label))


def _read_variable(cursor: _Cursor, found: SavDictionary) -> None:
    kind, has_label, missing, _, _ = cursor.ints(5, "a variable record")
    short = cursor.take(8, "a variable name").rstrip(b" \0")
    found.elements += 1
    if kind >= 0:
        found.variables.append(SavVariable(short, found.elements, kind))
        found.widths[found.elements] = kind
    if has_label:
        (size,) = cursor.ints(1, f"the label of variable {_shown(short)}")
        _check_length(cursor, size, short)
        label = cursor.take(-(-size // 4) * 4, f"the label of variable {_shown(short)}")[:size]
        found.texts.append(Text(f"the label of variable {_shown(short)}", cursor.at - -(-size // 4) * 4, label))
    if abs(missing) > 3:
        raise DamagedFileError(f"{cursor.name} is damaged: {missing} missing values for variable {_shown(short)}.")
    cursor.take(8 * abs(missing), f"the missing values of variable {_shown(short)}")


def _check_length(cursor: _Cursor, size: int, short: bytes) -> None:
    if not 0 <= size <= MAX_LABEL:
        raise DamagedFileError(
            f"{cursor.name} is damaged: the label of variable {_shown(short)} states a length of {size} bytes. "
            "Fetch the file again."
        )


def _read_value_labels(cursor: _Cursor, found: SavDictionary) -> None:
    (count,) = cursor.ints(1, "a value label record")
    if count < 0:
        raise DamagedFileError(f"{cursor.name} is damaged: a value label record states {count} labels.")
    for _ in range(count):
        value = cursor.take(8, "a value label")
        size = cursor.take(1, "a value label")[0]
        label = cursor.take(-(-(size + 1) // 8) * 8 - 1, "a value label")[:size]
        code = struct.unpack(cursor.order + "d", value)[0]
        found.label_codes.append(value)
        found.texts.append(Text(f"the label of value {code:g}", cursor.at, label.rstrip(b" \0")))


def _read_label_variables(cursor: _Cursor, found: SavDictionary) -> None:
    """The variables of the labels just read. Readers crash on a number that points nowhere, so it is checked here."""
    (count,) = cursor.ints(1, "the variables of a value label record")
    numbers = cursor.ints(count, "the variables of a value label record") if count > 0 else ()
    widths = found.widths
    if count < 1 or not widths.keys() >= set(numbers) or len({widths[n] > 0 for n in numbers}) > 1:
        raise DamagedFileError(
            f"{cursor.name} is damaged: a value label record at byte {cursor.at} names variables that do not exist or "
            "differ in type. Fetch the file again."
        )
    if widths[numbers[0]] > 0:
        found.texts += [Text("a labelled text code", cursor.at, v.rstrip(b" \0")) for v in found.label_codes]
    found.label_codes = []


def _skip_documents(cursor: _Cursor, found: SavDictionary) -> None:
    (lines,) = cursor.ints(1, "the documents")
    start = cursor.at
    text = cursor.take(80 * lines, "the documents")
    found.texts.append(Text("the documents", start, text.rstrip(b" \0")))


def _read_extension(cursor: _Cursor, found: SavDictionary) -> None:
    subtype, size, count = cursor.ints(3, "an extension record")
    payload = cursor.take(size * count if min(size, count) >= 0 else -1, f"extension record {subtype}")
    found.extension_at[subtype] = cursor.at - len(payload)
    found.extensions[subtype] = found.extensions.get(subtype, b"") + payload


def _shown(short: bytes) -> str:
    return short.decode("ascii", "replace")


def _known_codec(stated: str) -> str | None:
    try:
        return codecs.lookup(stated).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None


def _code_page(page: int) -> str | None:
    if page in _CODE_PAGES:
        return _CODE_PAGES[page]
    if 28591 <= page <= 28605:
        return f"iso8859-{page - 28590}"
    return _known_codec(f"cp{page}") if page > 4 else None
