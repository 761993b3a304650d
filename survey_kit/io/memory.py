"""How much memory the cells of a file may take: refused before any of it is taken.

Reading takes about twice what the cells take in the end, so that a quarter of the machine's memory is the most for them.
"""

from __future__ import annotations

import os

from survey_kit.errors import ResourceLimitError

_UNKNOWN = 8 << 30  # where the system does not say how much it has


def memory_ceiling() -> int:
    """Bytes that the cells of one file may take: a quarter of the machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN


def refuse_beyond_memory(name: str, size: float, most: int | None = None) -> None:
    """ResourceLimitError for a file whose cells would take more than `most` bytes (the ceiling when None)."""
    most = memory_ceiling() if most is None else most
    if size > most:
        raise ResourceLimitError(
            f"{name} would take {size / 2**30:,.1f} GB of memory; files that take up to {most / 2**30:,.1f} GB are read here "
            "(a quarter of what the machine has). Name columns=, or read the first rows with row_limit=."
        )
