"""Does an SPSS file hold as many cases as it declares? Counted from the bytes, before any reader trusts the header.

Readers stop at the declared count, so that a file that says 5 and holds 12 gives 5 rows without a word.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from survey_kit.errors import DamagedFileError, ResourceLimitError, TruncatedFileError
from survey_kit.io.spss.sav_records import Buffer, SavDictionary

MAX_INFLATED = 1 << 32  # bytes of a zsav file after inflation
MAX_RATIO, _INNOCENT = 200, 1 << 25  # bytes after inflation to bytes on disk, beyond 32 MB
_BLOCK = 1 << 20
_END, _LITERAL, _PAD = 252, 253, 0


def check_cases(found: SavDictionary, buffer: Buffer) -> int:
    """Number of whole cases in the file. TruncatedFileError when the header declares another number."""
    if not found.elements:
        return 0
    cases, cut = count_cases(found, buffer)
    if not cut and (found.declared < 0 or found.declared == cases):
        return cases
    if cases > found.declared >= 0:
        raise TruncatedFileError(
            f"{found.name} declares {found.declared:,} cases but holds {cases:,}. Its writer was interrupted or the "
            "header was edited; ask for a sound copy, or read all of them with allow_truncated=True."
        )
    declared = f"declares {found.declared:,} cases" if found.declared >= 0 else "ends inside a case"
    raise TruncatedFileError(
        f"{found.name} is truncated: it {declared}, {cases:,} can be read. Fetch the file again, or read those with "
        "allow_truncated=True."
    )


def check_size(found: SavDictionary, buffer: Buffer, allow_truncated: bool = False) -> None:
    """The checks that need no pass over the cases. TruncatedFileError, ResourceLimitError."""
    if not found.elements:
        return
    if found.compression:
        size = _inflated_size(found, buffer)
        if not allow_truncated:
            _refuse_impossible(found, size)
    elif not allow_truncated:
        check_cases(found, buffer)


def count_cases(found: SavDictionary, buffer: Buffer) -> tuple[int, bool]:
    """(whole cases, whether the file ends inside one), whatever the header declares."""
    body = memoryview(buffer)[found.data :]
    if not found.elements:
        return 0, False
    if found.compression == 0:
        cases, rest = divmod(len(body), 8 * found.elements)
        cut = rest != 0 and cases != found.declared
    else:
        cells, cut = _count_cells([body] if found.compression == 1 else _zsav_blocks(found, buffer))
        cases, rest = divmod(cells, found.elements)
        cut = cut or rest != 0
    return cases, cut


def _inflated_size(found: SavDictionary, buffer: Buffer) -> int:
    if found.compression == 1:
        return len(buffer) - found.data
    total = sum(size for _, size, _, _ in _zsav_trailer(found, buffer))
    if total > _INNOCENT and total > MAX_RATIO * len(buffer):
        raise ResourceLimitError(
            f"{found.name} inflates from {len(buffer):,} bytes to {total:,}, as a bomb does. If it is sound, save it as .sav."
        )
    if total > MAX_INFLATED:
        raise ResourceLimitError(
            f"{found.name} inflates to {total / 2**30:.1f} GB, more than is read. Save it as .sav."
        )
    return total


def _refuse_impossible(found: SavDictionary, size: int) -> None:
    """Each value of a compressed case takes at least one byte."""
    if found.declared * found.elements > size:
        most = size // found.elements
        kind = ResourceLimitError if found.compression == 2 else TruncatedFileError
        raise kind(
            f"{found.name} declares {found.declared:,} cases; its size has room for {most:,} at most. "
            "The file is truncated or damaged; fetch it again, or read its whole cases with allow_truncated=True."
        )


def _count_cells(stream: Iterator[Buffer] | list[memoryview]) -> tuple[int, bool]:
    """Values in a byte-code stream, and whether it ends inside a value. 8 codes, then 8 bytes for each code 253."""
    cells, skip = 0, 0
    for words in _words(stream):
        literal, skip = _literal_words(_holding(words, _LITERAL), skip)
        codes = words[~literal]
        ended = np.flatnonzero(_holding(codes, _END))
        if len(ended):
            last = codes[ended[0] : ended[0] + 1].view(np.uint8).tolist()
            before = codes[: ended[0]]
            return cells + _cells(before) + sum(c != _PAD for c in last[: last.index(_END)]), False
        cells += _cells(codes)
    return cells, skip > 0


def _literal_words(literals: np.ndarray, skip: int) -> tuple[np.ndarray, int]:
    """True for words that hold a value, not codes; and how many words of the next piece do.

    `literals` counts the codes 253 of each word, which is followed by as many words of values; a word of values may
    look as if it held such codes. The first `skip` words are values.
    """
    places = np.flatnonzero(literals)
    firsts, ends, at = [0], [skip], skip
    for place, count in zip(places.tolist(), literals[places].tolist(), strict=True):
        if place >= at:
            at = place + 1 + count
            firsts.append(place + 1)
            ends.append(at)
    size = len(literals)
    steps = np.bincount(firsts, minlength=size + 10) - np.bincount(np.minimum(ends, size + 9), minlength=size + 10)
    return np.cumsum(steps)[:size] > 0, max(at - size, 0)


def _cells(codes: np.ndarray) -> int:
    return 8 * len(codes) - int(_holding(codes, _PAD).sum(dtype=np.int64))


def _holding(words: np.ndarray, byte: int) -> np.ndarray:
    """How many of the 8 bytes of each word equal `byte`. Shape (words,)."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    other = words ^ np.uint64(byte * 0x0101010101010101)
    return np.bitwise_count(~(((other & low) + low) | other | low))


def _words(stream: Iterator[Buffer] | list[memoryview]) -> Iterator[np.ndarray]:
    """The stream in pieces of whole 8-byte words. Shape (words,)."""
    carry = b""
    for buffer in stream:
        for start in range(0, len(buffer), 8 * _BLOCK):
            piece = carry + bytes(buffer[start : start + 8 * _BLOCK])
            whole = len(piece) // 8
            carry = piece[8 * whole :]
            yield np.frombuffer(piece, dtype=np.uint64, count=whole)


def _zsav_blocks(found: SavDictionary, buffer: Buffer) -> Iterator[bytes]:
    """The inflated blocks. Their sizes are checked before a byte is inflated."""
    _inflated_size(found, buffer)
    return (_inflate(found, buffer, *block) for block in _zsav_trailer(found, buffer))


def _zsav_trailer(found: SavDictionary, buffer: Buffer) -> list[tuple[int, int, int, int]]:
    """(offset, inflated size, compressed size, number) of every block."""
    try:
        _, at, length = struct.unpack(found.order + "3q", bytes(buffer[found.data : found.data + 24]))
        trailer = bytes(buffer[at : at + length])
        _, _, _, count = struct.unpack(found.order + "qqii", trailer[:24])
        entries = [struct.unpack(found.order + "qqii", trailer[24 * i : 24 * i + 24]) for i in range(1, count + 1)]
    except struct.error as error:
        raise TruncatedFileError(
            f"{found.name} is truncated or damaged: no zsav block table. Fetch it again."
        ) from error
    blocks = [(offset, size, packed, i) for i, (_, offset, size, packed) in enumerate(entries, 1)]
    if any(min(o, s, p) < 0 or o + p > len(buffer) for o, s, p, _ in blocks):
        raise DamagedFileError(
            f"{found.name} is damaged: its zsav block table points outside the file. Fetch it again."
        )
    return blocks


def _inflate(found: SavDictionary, buffer: Buffer, offset: int, size: int, packed: int, number: int) -> bytes:
    try:
        data = zlib.decompressobj().decompress(bytes(buffer[offset : offset + packed]), size + 1)
    except zlib.error as error:
        raise DamagedFileError(f"{found.name} is damaged: compressed block {number} cannot be inflated.") from error
    if len(data) != size:
        raise DamagedFileError(f"{found.name} is damaged: compressed block {number} does not have its stated size.")
    return data
