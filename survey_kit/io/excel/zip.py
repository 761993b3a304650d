"""The ZIP container of .xlsx and .ods files, checked before anything in it is parsed."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from survey_kit.errors import DamagedFileError, FileFormatError, ResourceLimitError
from survey_kit.io.excel.facts import MOST_BYTES, MOST_RATIO, SMALL

_CHUNK = 1 << 22
_LOCAL = struct.Struct("<4s22xHH")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_MEMBERS = 20_000
_ENCRYPTED = 1  # bit of the flags


class Container:
    """The members of a container. Inflated sizes are counted, never taken from what the file says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError) as error:
            raise DamagedFileError(f"{path.name} is truncated or damaged: {error}. Fetch it again.") from error
        _check_members(path, members)
        self._members = {m.filename.lower(): m for m in members}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._members

    def size(self, name: str) -> int:
        """Bytes of a member when it is inflated, as declared; `chunks` checks it."""
        return self._members[name.lower()].file_size

    def read(self, name: str) -> bytes:
        """A whole member. Raises DamagedFileError where there is none."""
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member in pieces of a few megabytes. Raises DamagedFileError, ResourceLimitError."""
        member = self._members.get(name.lower())
        if member is None:
            raise DamagedFileError(f"{self.path.name} is damaged: its part {name!r} is missing. Fetch it again.")
        found = 0
        for piece in _inflate(self.path, member):
            found += len(piece)
            if found > member.file_size:
                raise ResourceLimitError(
                    f"{self.path.name}: its part {name!r} inflates beyond the {member.file_size:,} bytes it declares. "
                    "Do not open it; ask for a sound copy."
                )
            yield piece
        if found < member.file_size:
            raise DamagedFileError(f"{self.path.name} is damaged: its part {name!r} ends too early. Fetch it again.")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(m.file_size for m in members)
    bomb = next((m for m in members if m.file_size > SMALL and m.file_size > MOST_RATIO * m.compress_size), None)
    if bomb is not None:
        raise ResourceLimitError(
            f"{path.name}: its part {bomb.filename!r} inflates from {bomb.compress_size:,} bytes to "
            f"{bomb.file_size:,}, as a ZIP bomb does. Do not open it; ask for a sound copy."
        )
    if total > MOST_BYTES or len(members) > _MOST_MEMBERS:
        raise ResourceLimitError(
            f"{path.name} inflates to {total / 2**30:.1f} GB in {len(members):,} parts, more than is read. "
            "Save the sheet as .csv."
        )
    twice = next((n for n, count in Counter(m.filename.lower() for m in members).items() if count > 1), None)
    if twice is not None:
        raise DamagedFileError(f"{path.name} is damaged: it holds the part {twice!r} more than once. Fetch it again.")
    if any(m.flag_bits & _ENCRYPTED for m in members):
        raise FileFormatError(f"{path.name} is protected by a password. Save it without one.")
    odd = next((m for m in members if m.compress_type not in _METHODS), None)
    if odd is not None:
        raise FileFormatError(f"{path.name}: its part {odd.filename!r} is compressed in an unusual way. Save it again.")


def _inflate(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a member, as many as there are, whatever is declared."""
    try:
        with path.open("rb") as file:
            file.seek(member.header_offset)
            mark, name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
            if mark != b"PK\x03\x04":
                raise zlib.error("no header where the list of parts says")
            file.seek(name + extra, 1)
            yield from _pieces(file, member)
    except (zlib.error, struct.error, OSError, OverflowError) as error:
        raise DamagedFileError(
            f"{path.name} is damaged: its part {member.filename!r} cannot be inflated ({error}). Fetch it again."
        ) from error


def _pieces(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    left = member.compress_size
    stored = member.compress_type == zipfile.ZIP_STORED
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while left > 0:
        packed = file.read(min(left, 1 << 16))
        left -= len(packed)
        if not packed:
            return
        if stored:
            yield packed
            continue
        while packed and not inflater.eof:
            yield inflater.decompress(packed, _CHUNK)
            packed = inflater.unconsumed_tail
    yield inflater.flush() if not stored else b""
