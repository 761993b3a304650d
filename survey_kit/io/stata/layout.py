"""How a .dta file is laid out: is it whole, and what do its characteristics say? Readers of data skip both.

Formats 104 to 115 are records of fixed length, value labels up to the end of the file; from 117 on sections stand
between tags, and a map says where. Layout: Stata manual, "help dta"; widths by format as in ReadStat.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from survey_kit.errors import DamagedFileError, TruncatedFileError, WrongFormatError

OPENING, CLOSING = b"<stata_dta>", b"</stata_dta>"
UNICODE = 118  # from this format on every text is UTF-8
OLDEST, LAST_OLD, FIRST_NEW, NEWEST = 104, 115, 117, 119
_HEAD, _LONGEST = 4096, 1 << 20
_NUMBERS = {251: 1, 252: 2, 253: 4, 254: 4, 255: 8}  # type codes from format 111 on; less is a text of so many bytes
_NEW_NUMBERS = {32_768: 8, 65_526: 8, 65_527: 4, 65_528: 4, 65_529: 2, 65_530: 1}  # and from format 117 on
_LETTERS = {ord("b"): 1, ord("i"): 2, ord("l"): 4, ord("f"): 4, ord("d"): 8}  # and before; 127 + n is a text


@dataclass(frozen=True, slots=True)
class DtaLayout:
    """Format number, rows and variables of a file, and its characteristics: (variable or "_dta", name) -> bytes."""

    version: int
    rows: int
    variables: int
    characteristics: Mapping[tuple[bytes, bytes], bytes]


def read_layout(path: Path) -> DtaLayout:
    """Check that a file is whole. Raises WrongFormatError, TruncatedFileError or DamagedFileError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        try:
            return _new(path, file, head) if head.startswith(OPENING) else _old(path, file, head)
        except (struct.error, IndexError) as error:
            raise truncated(path) from error


def truncated(path: Path) -> TruncatedFileError:
    """The error for a file that ends too early."""
    return TruncatedFileError(f"{path.name} is truncated or damaged: it ends too early. Fetch it again.")


def _refuse_version(path: Path, version: int) -> None:
    if not (OLDEST <= version <= LAST_OLD or FIRST_NEW <= version <= NEWEST):
        raise WrongFormatError(
            f"{path.name} has .dta format {version}; {OLDEST} to {NEWEST} (Stata 4 to 18) can be read. "
            "Save it with saveold in Stata."
        )


def _new(path: Path, file: BinaryIO, head: bytes) -> DtaLayout:
    file.seek(-min(64, path.stat().st_size), 2)
    if not file.read().rstrip().endswith(CLOSING):
        raise TruncatedFileError(f"{path.name} is truncated or damaged: its closing tag is missing. Fetch it again.")
    release = _between(path, head, b"<release>", b"</release>")
    version = int(release) if release.isdigit() else 0
    _refuse_version(path, version)
    order = "<" if _between(path, head, b"<byteorder>", b"</byteorder>") == b"LSF" else ">"
    wide, rows_form = ("I" if version == NEWEST else "H"), ("Q" if version >= UNICODE else "I")
    variables = struct.unpack_from(order + wide, head, _after(path, head, b"<K>"))[0]
    rows = struct.unpack_from(order + rows_form, head, _after(path, head, b"<N>"))[0]
    places = struct.unpack_from(order + "14Q", head, _after(path, head, b"<map>"))
    size = path.stat().st_size
    if max(places) > size or not places[8] <= places[9]:
        raise DamagedFileError(f"{path.name} is truncated or damaged: its map points outside the file. Fetch it again.")
    file.seek(places[2] + len("<variable_types>"))
    codes = struct.unpack(f"{order}{variables}H", file.read(2 * variables))
    width = sum(_NEW_NUMBERS.get(code, code) for code in codes)
    if rows * width + len("<data></data>") != places[10] - places[9] or (rows and not width):
        raise DamagedFileError(f"{path.name} is truncated or damaged: it does not hold {rows:,} rows. Fetch it again.")
    file.seek(places[8])
    section = file.read(places[9] - places[8])
    names = 129 if version >= UNICODE else 33
    return DtaLayout(version, rows, variables, _characteristics(section, order, names))


def _after(path: Path, head: bytes, tag: bytes) -> int:
    at = head.find(tag)
    if at < 0:
        raise DamagedFileError(f"{path.name} is truncated or damaged: {tag.decode()} is missing. Fetch it again.")
    return at + len(tag)


def _between(path: Path, head: bytes, opening: bytes, closing: bytes) -> bytes:
    at = _after(path, head, opening)
    return head[at : max(head.find(closing, at), at)]


def _characteristics(section: bytes, order: str, width: int) -> dict[tuple[bytes, bytes], bytes]:
    """What stands between <ch> and </ch>; an entry that does not fit ends the list."""
    found: dict[tuple[bytes, bytes], bytes] = {}
    at = section.find(b"<ch>")
    while at >= 0 and len(section) >= at + 8:
        size = struct.unpack_from(order + "I", section, at + 4)[0]
        body = section[at + 8 : at + 8 + size]
        if len(body) < size or size < 2 * width:
            break
        found.update([_characteristic(body, width)])
        at = at + 8 + size + 5
        at = at if section[at : at + 4] == b"<ch>" else -1
    return found


def _old(path: Path, file: BinaryIO, head: bytes) -> DtaLayout:
    version, order = head[0], ">" if head[1] == 1 else "<"
    _refuse_version(path, version)
    variables, rows = struct.unpack_from(order + "HI", head, 4)
    at = 10 + (32 if version < 108 else 81) + (0 if version < 105 else 18)
    file.seek(at)
    width = sum(_width(version, code) for code in file.read(variables))
    names = 9 if version < 110 else 33
    forms = 7 if version < 105 else 12 if version < 114 else 49
    at += variables * (1 + names + 2 + forms + names + (32 if version < 108 else 81)) + 2
    at, said = _expansions(path, file, at, version, order)
    at, size = at + width * rows, path.stat().st_size
    while at < size:
        file.seek(at)
        at += _label_table(file, version, order, names)
    if at != size or (rows and not width):
        raise truncated(path)
    return DtaLayout(version, rows, variables, said)


def _width(version: int, code: int) -> int:
    """Bytes of a value in the data."""
    if version >= 111:
        return _NUMBERS.get(code, code)
    return _LETTERS.get(code, code - 127)


def _expansions(
    path: Path, file: BinaryIO, at: int, version: int, order: str
) -> tuple[int, dict[tuple[bytes, bytes], bytes]]:
    """Where the data begin, after the records of characteristics (the last one is empty), and what those say."""
    found: dict[tuple[bytes, bytes], bytes] = {}
    if version < 105:
        return at, found
    form = order + ("bH" if version < 110 else "bI")
    size, width = struct.calcsize(form), 9 if version < 110 else 33
    while at <= path.stat().st_size:
        file.seek(at)
        kind, length = struct.unpack(form, file.read(size))
        at += size + length
        if kind == 0 and length == 0:
            return at, found
        if kind == 1 and 2 * width <= length <= _LONGEST:
            found.update([_characteristic(file.read(length), width)])
    raise truncated(path)


def _characteristic(body: bytes, width: int) -> tuple[tuple[bytes, bytes], bytes]:
    """((variable or "_dta", name), content)."""
    owner, name = (body[i * width : (i + 1) * width].split(b"\0")[0] for i in (0, 1))
    return (owner, name), body[2 * width :].split(b"\0")[0]


def _label_table(file: BinaryIO, version: int, order: str, names: int) -> int:
    """Bytes of the value-label table that begins here."""
    if version < 108:
        return int(struct.unpack(order + "H", file.read(2))[0]) * 10 + 2 + 9 + 1
    return int(struct.unpack(order + "I", file.read(4))[0]) + 4 + names + 3
