"""How a SAS transport file (.xpt, versions 5, 8 and 9) is laid out: what ReadStat leaves out or does not check.

A file is lines of 80 bytes: headers, a record of 140 bytes for each variable, then the rows. A missing number is ".",
"_" or a letter followed by zeros. Layout: SAS technical note TS-140.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from survey_kit.errors import DamagedFileError, TruncatedFileError
from survey_kit.io.extended_missing import SPECIAL

LINE = 80
_MEMBER = re.compile(rb"HEADER RECORD\*{7}MEMB(?:ER|V8)  ?HEADER RECORD")
_NAMES = re.compile(rb"HEADER RECORD\*{7}(?:NAMESTR|NAMSTV8) HEADER RECORD!{7}\d{5}(\d{5})")
_ROWS = re.compile(rb"HEADER RECORD\*{7}OBS(V8  |    ) HEADER RECORD!{7}([\d ]{15})")


@dataclass(frozen=True, slots=True)
class XptLayout:
    """Where the first data set of a file has its rows.

    Attributes:
        data: offset of the rows; width: bytes of a row; rows: how many there are.
        columns: (offset in a row, bytes, whether it is a number) of each variable.
        end: where the first data set ends; more: how many follow.
    """

    data: int
    width: int
    rows: int
    columns: tuple[tuple[int, int, bool], ...]
    end: int
    more: int


def read_xpt_layout(name: str, content: bytes) -> XptLayout:
    """Raises TruncatedFileError or DamagedFileError."""
    members = [m.start() for m in _MEMBER.finditer(content) if m.start() % LINE == 0]
    names = _NAMES.search(content)
    if not members or names is None:
        raise TruncatedFileError(f"{name} is truncated or damaged: it has no data set. Fetch it again.")
    end = members[1] if len(members) > 1 else len(content)
    count, start = int(names[1]), names.start() + LINE
    heads = [content[start + i * 140 : start + (i + 1) * 140] for i in range(count)]
    rows = _ROWS.search(content, start + count * 140)
    if rows is None or rows.start() > end or len(b"".join(heads)) < 140 * count:
        raise TruncatedFileError(f"{name} is truncated: it ends before its rows. Fetch it again.")
    columns, width = [], 0
    for head in heads:
        kind, _, size = struct.unpack_from(">hhh", head)
        if kind not in (1, 2) or size <= 0 or (kind == 1 and size > 8):
            raise DamagedFileError(f"{name} is damaged: a variable has type {kind} and {size} bytes. Fetch it again.")
        columns.append((width, size, kind == 1))
        width += size
    data = rows.start() + LINE
    declared = int(rows[2]) if rows[1].strip() and rows[2].strip().isdigit() else 0
    return XptLayout(
        data, width, _count(name, content[data:end], width, declared), tuple(columns), end, len(members) - 1
    )


def _count(name: str, rows: bytes, width: int, declared: int) -> int:
    """The number of rows: declared (version 8), else as many as there are before the blanks that fill the last line."""
    held = len(rows) // width if width else 0
    if declared > held:
        raise TruncatedFileError(
            f"{name} is truncated: it declares {declared:,} rows and holds {held:,}. Fetch it again."
        )
    if declared:
        return declared
    if len(rows) % LINE or rows[held * width :].strip(b" "):
        raise TruncatedFileError(f"{name} is truncated: it ends inside row {held + 1:,}. Fetch it again.")
    while held and len(rows) - (held - 1) * width < LINE and not rows[(held - 1) * width : held * width].strip(b" "):
        held -= 1
    return held


def special_missing(content: bytes, layout: XptLayout, rows: int) -> Mapping[int, np.ndarray]:
    """Column position -> the letter in each of the first rows, "" where there is none. Shape (rows,)."""
    table = np.frombuffer(content, np.uint8, layout.width * rows, layout.data).reshape(rows, layout.width)
    found = {}
    for position, (start, size, is_number) in enumerate(layout.columns):
        if is_number and size > 1 and rows:
            cell = table[:, start : start + size]
            marked = np.isin(cell[:, 0], list(SPECIAL.encode())) & ~cell[:, 1:].any(axis=1)
            if marked.any():
                found[position] = np.where(marked, cell[:, 0].astype(np.uint32).view("<U1"), "")
    return found
