"""Does an SPSS file hold as many cases as it declares? Counted from the bytes, before any reader trusts the header.

Readers stop at the declared count, so that a file that says 5 and holds 12 gives 5 rows without a word.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from survey_kit.errors import FileFormatError
from survey_kit.io.sav_records import Buffer, SavDictionary

MAX_INFLATED = 1 << 32  # bytes of a zsav file after inflation
MAX_CELLS_BYTES = 1 << 35  # bytes of the cases in memory
_BLOCK = 1 << 20
_END, _LITERAL, _PAD = 252, 253, 0


def check_cases(found: SavDictionary, buffer: Buffer) -> int:
    """Number of complete cases in the file. FileFormatError when the header declares another number."""
    body = memoryview(buffer)[found.data :]
    if not found.elements:
        return 0
    if found.compression == 0:
        cases, rest = divmod(len(body), 8 * found.elements)
        return _agree(found, cases, rest, rest != 0 and cases != found.declared)
    stream = [body] if found.compression == 1 else _zsav_blocks(found, buffer)
    if found.compression == 1:
        _refuse_impossible(found, len(body))
    cells, cut = _count_cells(stream)
    cases, rest = divmod(cells, found.elements)
    return _agree(found, cases, rest, cut or rest != 0)


def _agree(found: SavDictionary, cases: int, rest: int, cut: bool) -> int:
    if cases * found.elements * 8 > MAX_CELLS_BYTES:
        raise FileFormatError(f"{found.name} holds {cases:,} cases, more than fit in memory. Split the file.")
    if found.declared < 0 and not cut:
        return cases
    if cases == found.declared and not cut:
        return cases
    if found.declared >= 0 and cases > found.declared:
        raise FileFormatError(
            f"{found.name} declares {found.declared:,} cases but holds {cases:,}. Its writer was interrupted or the "
            "header was edited; ask for a sound copy."
        )
    declared = f"declares {found.declared:,} cases" if found.declared >= 0 else "ends inside a case"
    raise FileFormatError(f"{found.name} is truncated: it {declared}, {cases:,} can be read. Fetch the file again.")


def _refuse_impossible(found: SavDictionary, size: int) -> None:
    """Each value of a compressed case takes at least one byte."""
    if found.declared * found.elements > size:
        most = size // found.elements
        raise FileFormatError(
            f"{found.name} declares {found.declared:,} cases; its size has room for {most:,} at most. "
            "The file is truncated or damaged; fetch it again."
        )


def _count_cells(stream: Iterator[Buffer] | list[memoryview]) -> tuple[int, bool]:
    """Values in a byte-code stream, and whether it ends inside a value. 8 codes, then 8 bytes for each code 253."""
    cells, skip = 0, 0
    for words in _words(stream):
        literals = (words == _LITERAL).sum(axis=1, dtype=np.uint8).tolist()
        starts, at, size = [], skip, len(literals)
        while at < size:
            starts.append(at)
            at += 1 + literals[at]
        skip = at - size
        codes = words[starts].ravel()
        ended = np.flatnonzero(codes == _END)
        codes = codes[: ended[0]] if len(ended) else codes
        cells += int(np.count_nonzero(codes != _PAD))
        if len(ended):
            return cells, False
    return cells, skip > 0


def _words(stream: Iterator[Buffer] | list[memoryview]) -> Iterator[np.ndarray]:
    """The stream in pieces of whole 8-byte words. Shape (words, 8)."""
    carry = b""
    for buffer in stream:
        for start in range(0, len(buffer), 8 * _BLOCK):
            piece = carry + bytes(buffer[start : start + 8 * _BLOCK])
            whole = len(piece) // 8 * 8
            carry = piece[whole:]
            yield np.frombuffer(piece, dtype=np.uint8, count=whole).reshape(-1, 8)


def _zsav_blocks(found: SavDictionary, buffer: Buffer) -> Iterator[bytes]:
    """The inflated blocks. The trailer is checked before a byte is inflated."""
    blocks = _zsav_trailer(found, buffer)
    total = sum(size for _, size, _, _ in blocks)
    _refuse_impossible(found, total)
    if total > MAX_INFLATED:
        raise FileFormatError(f"{found.name} inflates to {total / 2**30:.1f} GB, more than is read. Save it as .sav.")
    return (_inflate(found, buffer, *block) for block in blocks)


def _zsav_trailer(found: SavDictionary, buffer: Buffer) -> list[tuple[int, int, int, int]]:
    """(offset, inflated size, compressed size, number) of every block."""
    try:
        _, at, length = struct.unpack(found.order + "3q", bytes(buffer[found.data : found.data + 24]))
        trailer = bytes(buffer[at : at + length])
        _, _, _, count = struct.unpack(found.order + "qqii", trailer[:24])
        entries = [struct.unpack(found.order + "qqii", trailer[24 * i : 24 * i + 24]) for i in range(1, count + 1)]
    except struct.error as error:
        raise FileFormatError(f"{found.name} is truncated or damaged: no zsav block table. Fetch it again.") from error
    blocks = [(offset, size, packed, i) for i, (_, offset, size, packed) in enumerate(entries, 1)]
    if any(min(o, s, p) < 0 or o + p > len(buffer) for o, s, p, _ in blocks):
        raise FileFormatError(f"{found.name} is damaged: its zsav block table points outside the file. Fetch it again.")
    return blocks


def _inflate(found: SavDictionary, buffer: Buffer, offset: int, size: int, packed: int, number: int) -> bytes:
    try:
        data = zlib.decompressobj().decompress(bytes(buffer[offset : offset + packed]), size + 1)
    except zlib.error as error:
        raise FileFormatError(f"{found.name} is damaged: compressed block {number} cannot be inflated.") from error
    if len(data) != size:
        raise FileFormatError(f"{found.name} is damaged: compressed block {number} does not have its stated size.")
    return data
