"""Names of columns: each must be there, and be there once."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import TypeAlias

from survey_kit.errors import ArgumentError, unknown

By: TypeAlias = Hashable | Sequence[Hashable] | None


def check_column(name: Hashable, columns: Collection[object]) -> None:
    """Refuse the name of no column, or of several.

    >>> check_column("sex", ["sex", "age", "sex"])
    Traceback (most recent call last):
        ...
    survey_kit.errors.ArgumentError: 'sex': the data have 2 columns of this name. Rename them.
    """
    times = list(columns).count(name)
    if times == 0:
        raise unknown("column", name, columns)
    if times > 1:
        raise ArgumentError(f"{str(name)!r}: the data have {times} columns of this name. Rename them.")


def columns_of(by: By, columns: Collection[object]) -> tuple[Hashable, ...]:
    """The columns that `by` names; none for None.

    Raises:
        UnknownNameError: no such column. ArgumentError: a column that is named or there twice.
    """
    if by is None:
        return ()
    several = isinstance(by, (list, tuple)) and not (isinstance(by, tuple) and by in columns)
    names: tuple[Hashable, ...] = tuple(by) if several else (by,)  # type: ignore[arg-type]
    for name in names:
        check_column(name, columns)
    if len(set(names)) < len(names):
        raise ArgumentError(f"by={by!r} must name each column once.")
    return names
