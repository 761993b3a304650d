"""How much the batches of a Feather file will take: its reader crashes or fills the memory on what a damaged one says."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import pyarrow as pa

from survey_kit.io.memory import refuse_beyond_memory


def is_text_type(kind: pa.DataType) -> bool:
    """Whether a column of this type has a buffer of bytes besides that of offsets."""
    return str(kind) in ("string", "large_string", "binary", "large_binary")


class FeatherSizes:
    """What the batches of a Feather file declare, from their headers alone; nothing of it is trusted.

    Headers are flatbuffers: a table begins with the distance back to a list of where its fields are.
    """

    def __init__(self, name: str, source: pa.NativeFile, schema: pa.Schema, places: list[int]) -> None:
        self._name, self._source, self._schema, self._places = name, source, schema, places
        self._taken, self._headers, size = 0, 0, source.size()
        length = _number(self._bytes(size - 10, 4), 0, "i")
        footer = self._bytes(size - 10 - length, length)
        self._dictionaries, self._batches = (self._listed(footer, number) for number in (2, 3))

    def _bytes(self, start: int, length: int) -> bytes:
        if not (start >= 0 and 0 <= length <= self._source.size() - start):
            raise ValueError("a batch lies outside the file")
        self._source.seek(start)
        return bytes(self._source.read(length))

    def _listed(self, footer: bytes, number: int) -> list[tuple[bytes, int, int]]:
        """Of each block of the footer: its header, where in it the record batch stands, and where its body begins."""
        at = _inner(footer, _number(footer, 0, "I"), number)
        count = _number(footer, at, "I") if at else 0
        return [self._block(*struct.unpack_from("<qi", footer, at + 4 + 24 * i)) for i in range(count)]

    def _block(self, start: int, length: int) -> tuple[bytes, int, int]:
        self._headers += length
        if self._headers > self._source.size():
            raise ValueError("its batches overlap")
        header = self._bytes(start, length)
        header = header[8 if header[:4] == b"\xff\xff\xff\xff" else 4 :]
        root = _number(header, 0, "I")
        table, is_dictionary = _inner(header, root, 2), header[_field(header, root, 1)] == 2
        return header, _inner(header, table, 1) if is_dictionary else table, start + length

    def rows(self) -> int:
        """The declared number of rows."""
        places = ((header, _field(header, table, 0)) for header, table, _ in self._batches)
        return sum(_number(header, at, "q") for header, at in places if at)

    def refuse_dictionaries(self) -> None:
        self._refuse(size for block in self._dictionaries for size in self._sizes(block))

    def refuse_batch(self, number: int) -> None:
        """ResourceLimitError where the wanted columns of a batch, with all before it, take more than fits."""
        sizes = list(self._sizes(self._batches[number]))
        buffers = [0 if pa.types.is_null(f.type) else 3 if is_text_type(f.type) else 2 for f in self._schema]
        owners = [i for i, count in enumerate(buffers) for _ in range(count)]
        known = len(owners) == len(sizes)  # else all count
        self._refuse(s for i, s in enumerate(sizes) if not known or owners[i] in self._places)

    def _refuse(self, sizes: Iterable[int]) -> None:
        self._taken += sum(sizes)
        refuse_beyond_memory(self._name, self._taken)

    def _sizes(self, block: tuple[bytes, int, int]) -> Iterator[int]:
        """Bytes of every buffer: a compressed one says before its content how many it will be, or -1."""
        header, table, body = block
        at = _inner(header, table, 2)
        for i in range(_number(header, at, "I") if at else 0):
            start, length = struct.unpack_from("<qq", header, at + 4 + 16 * i)
            packed = length >= 8 and _field(header, table, 3)
            yield max(_number(self._bytes(body + start, 8), 0, "q") if packed else 0, length, 0)


def _number(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from("<" + form, data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table stands, 0 where it has its default."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    place = struct.unpack_from("<H", data, fields + 4 + 2 * number)[0]
    return table + place if place else 0


def _inner(data: bytes, table: int, number: int) -> int:
    """Where a table or list inside a table stands, 0 where there is none."""
    at = _field(data, table, number)
    return at + _number(data, at, "I") if at else 0
