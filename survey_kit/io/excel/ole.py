"""The container of .xls files, a small file system in a file: a header, chains of sectors, a directory, streams.

Layout: Microsoft, [MS-CFB] "Compound File Binary File Format". Chains are followed with their lengths in view, so that
none can go round in a circle.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from survey_kit.errors import DamagedFileError, ResourceLimitError

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_BYTES = 2**29
_ENDS = 0xFFFFFFFA  # numbers from here on mark ends and free sectors
_IN_HEADER = 109  # sectors of the table of chains that the header lists
_SHIFTS = (9, 12)
_MINI = 64  # bytes of a sector of the stream of small streams
_ENTRY = 128
_ROOT, _STREAM = 5, 2


class Compound:
    """A compound file. `streams` has the names of its streams in small letters. Raises DamagedFileError."""

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > _MOST_BYTES:
            raise ResourceLimitError(f"{path.name} is larger than {_MOST_BYTES / 2**20:.0f} MB. Save it as .csv.")
        self._name = path.name
        self._data = path.read_bytes()
        try:
            self._open()
        except (struct.error, IndexError, ValueError) as error:
            raise self._damaged(error) from error

    def read(self, name: str) -> bytes:
        """The bytes of a stream. Raises DamagedFileError where there is none."""
        try:
            start, size = self.streams[name]
            if size >= self._cutoff:
                return self._join(_chain(start, self._chains), size)
            small = self._join(_chain(self._root, self._chains))
            pieces = [small[i * _MINI : (i + 1) * _MINI] for i in _chain(start, self._small_chains)]
            return b"".join(pieces)[:size]
        except (KeyError, IndexError, ValueError) as error:
            raise self._damaged(error) from error

    def _open(self) -> None:
        if not self._data.startswith(MAGIC):
            raise ValueError("it has no header")
        shift, directory, self._cutoff, small, more = struct.unpack_from("<30xH16xI4xII4xI", self._data)
        if shift not in _SHIFTS:
            raise ValueError(f"sectors of 2^{shift} bytes")
        self._size = 1 << shift
        self._chains = self._read_chains(more)[: len(self._data) // self._size]
        self._small_chains = np.frombuffer(self._join(_chain(small, self._chains)), "<u4")
        self.streams: dict[str, tuple[int, int]] = {}
        self._root = _ENDS
        content = self._join(_chain(directory, self._chains))
        for at in range(0, len(content) - _ENTRY + 1, _ENTRY):
            self._entry(content[at : at + _ENTRY])

    def _entry(self, entry: bytes) -> None:
        length, kind, start, size = struct.unpack_from("<64xHB49xII", entry)
        if kind == _ROOT:
            self._root = start
        elif kind == _STREAM:
            name = entry[: max(length - 2, 0)].decode("utf-16-le", errors="replace").lower()
            self.streams.setdefault(name, (start, size))

    def _read_chains(self, more: int) -> np.ndarray:
        """The table of chains: which sector follows which."""
        sectors = list(struct.unpack_from(f"<{_IN_HEADER}I", self._data, 76))
        most = len(self._data) // self._size
        while more < _ENDS and len(sectors) <= most + _IN_HEADER:
            *listed, more = struct.unpack(f"<{self._size // 4}I", self._sector(more))
            sectors += listed
        used = [s for s in sectors if s < _ENDS][: most + 1]
        return np.frombuffer(b"".join(map(self._sector, used)), "<u4")

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self._size
        sector = self._data[at : at + self._size]
        if not sector:
            raise ValueError("a sector lies behind its end")
        return sector.ljust(self._size, b"\0")

    def _join(self, chain: list[int], size: int | None = None) -> bytes:
        return b"".join(map(self._sector, chain))[:size]

    def _damaged(self, error: Exception) -> DamagedFileError:
        return DamagedFileError(f"{self._name} is truncated or damaged ({error}). Fetch it again.")


def _chain(start: int, table: np.ndarray) -> list[int]:
    """The sectors of a chain. ValueError for one that never ends."""
    chain: list[int] = []
    while start < _ENDS:
        chain.append(start)
        if len(chain) > len(table):
            raise ValueError("a chain of sectors has no end")
        start = int(table[start])
    return chain
