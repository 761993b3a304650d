"""Writes into a finished SPSS file what its writer cannot: sets, attributes, the weight variable, a constant date."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from survey_kit.io.sav_records import SavDictionary

CREATED = b"01 Jan 7000:00:00"  # a constant: equal data give equal bytes
_CREATED_AT, _WEIGHT_AT = 92, 76


def patch_file(path: Path, found: SavDictionary, records: Mapping[int, bytes], weight_position: int) -> None:
    """Insert extension records (subtype -> payload) before record 999 and set weight and creation date, in place."""
    data = bytearray(path.read_bytes())
    data[_CREATED_AT : _CREATED_AT + len(CREATED)] = CREATED
    data[_WEIGHT_AT : _WEIGHT_AT + 4] = struct.pack(found.order + "i", weight_position)
    inserted = b"".join(_extension(found.order, subtype, payload) for subtype, payload in records.items() if payload)
    if found.compression == 2 and inserted:
        _shift_zsav(data, found, len(inserted))
    data[found.terminator : found.terminator] = inserted
    path.write_bytes(data)


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
