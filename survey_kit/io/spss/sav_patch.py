"""Writes into a finished SPSS file what its writer cannot: sets, attributes, the weight variable, a constant date."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from survey_kit.io.spss.sav_records import SavDictionary

CREATED = b"01 Jan 7000:00:00"  # a constant: equal data give equal bytes
_CREATED_AT, _WEIGHT_AT, _DISPLAY = 92, 76, 11


@dataclass(frozen=True, slots=True)
class Patch:
    """What pyreadstat cannot write.

    Attributes:
        records: extension subtype -> payload.
        weight: position of the weight variable, 0 for none.
        alignments: of every variable record, in file order; None keeps what was written.
    """

    records: Mapping[int, bytes]
    weight: int = 0
    alignments: Sequence[int | None] = ()


def patch_file(path: Path, found: SavDictionary, patch: Patch) -> None:
    """Insert the records before record 999 and set alignments, weight and creation date, in place."""
    data = bytearray(path.read_bytes())
    data[_CREATED_AT : _CREATED_AT + len(CREATED)] = CREATED
    data[_WEIGHT_AT : _WEIGHT_AT + 4] = struct.pack(found.order + "i", patch.weight)
    _align(data, found, patch.alignments)
    inserted = b"".join(
        _extension(found.order, subtype, payload) for subtype, payload in patch.records.items() if payload
    )
    if found.compression == 2 and inserted:
        _shift_zsav(data, found, len(inserted))
    data[found.terminator : found.terminator] = inserted
    path.write_bytes(data)


def _align(data: bytearray, found: SavDictionary, alignments: Sequence[int | None]) -> None:
    """The third of the three integers that record 11 holds for each variable record."""
    if len(found.extensions.get(_DISPLAY, b"")) != 12 * len(alignments):
        return
    for number, alignment in enumerate(alignments):
        if alignment is not None:
            struct.pack_into(found.order + "i", data, found.extension_at[_DISPLAY] + 12 * number + 8, alignment)


def _extension(order: str, subtype: int, payload: bytes) -> bytes:
    return struct.pack(order + "4i", 7, subtype, 1, len(payload)) + payload


def _shift_zsav(data: bytearray, found: SavDictionary, by: int) -> None:
    """The zsav tables hold offsets from the start of the file; they move with the cases."""
    at = found.data
    header, trailer, length = struct.unpack_from(found.order + "3q", data, at)
    (count,) = struct.unpack_from(found.order + "i", data, trailer + 20)
    struct.pack_into(found.order + "3q", data, at, header + by, trailer + by, length)
    for entry in range(trailer + 24, trailer + 24 + 24 * count, 24):
        plain, packed = struct.unpack_from(found.order + "2q", data, entry)
        struct.pack_into(found.order + "2q", data, entry, plain + by, packed + by)
