"""A population in place of targets: which of its columns holds the numbers, and which are margins. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from difflib import get_close_matches

import pandas as pd

from survey_kit.errors import TargetError, UnsupportedOption, listed
from survey_kit.schema import Notice
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.targets.sources import (
    COUNTS,
    NUMBERS,
    PARTS,
    MarginNames,
    TargetTable,
    numeric,
    targets_from,
)
from survey_kit.weighting.targets.units import ROUNDING

_NO_SHARES = 1.5  # what sums to more is counted


def from_population(population: pd.DataFrame, columns: Collection[Hashable]) -> TargetTable:
    """A population given in place of targets: the columns that the data have, too, are the margins.

    Numbers in a column target, count, n, freq, frequency, pop, population, total, people, share, proportion or percent (in
    any case) are targets as they stand; those in a column weight, and rows that count 1 each, give shares.

    Raises:
        UnsupportedOption: no column of the data is among those of the population.
        TargetError: no column, or several, may hold the numbers; a column that seems to be one of the data's, misspelt.
    """
    words = [c for c in population.columns if c in columns and not numeric(population, c)]
    number = number_column(population, words)
    margins = [c for c in population.columns if c in columns and c != number]
    if not margins:
        raise UnsupportedOption(
            "The table of targets has none of the columns variable, category, target, nor (as a population) any column "
            "of the data. Give the long form (one row per category; columns variable, category, target) or "
            "{variable: {category: share}}."
        )
    _refuse_misspelt(population, [*margins, number], columns)
    return population_targets(population, margins, margins, number)


def population_targets(
    population: pd.DataFrame,
    names: Sequence[Hashable],
    margins: MarginNames,
    number: Hashable | None,
    unused_for: str = "Not in the data",
) -> TargetTable:
    """Targets of some margins from a population, with a notice of what was read and what was not.

    Args:
        population: cells or people.
        names: the columns that the margins are of.
        number: the column of numbers; None: each row counts 1.
        unused_for: why other columns are not used.
    """
    for name in names:
        check_column(name, population.columns)
    if number is None:
        _refuse_cells(population, names)
        made = targets_from(population, margins)
        numbers = ", each counting 1"
    else:
        kind = str(number).strip().lower()
        made = targets_from(population, margins, population[number], counts=kind != "weight")
        numbers = f" with numbers in {str(number)!r}"
        _refuse_parts(population[number], number, kind)
    counted = number is not None and kind in COUNTS and float(population[number].sum()) > _NO_SHARES
    unused = [str(c) for c in population.columns if c not in names and c != number]
    text = f"Targets of {listed(repr(str(m)) for m in names)} are from a population of {len(population)} rows{numbers}."
    if unused:
        text = f"{text} {unused_for}, unused: {listed(map(repr, unused))}."
    return TargetTable(made.table, None, (Notice("population", text), *made.notices), counts=counted)


def number_column(population: pd.DataFrame, taken: Collection[Hashable]) -> Hashable | None:
    """The column of a population that holds the numbers; None where there is none. `taken`: columns of categories.

    Raises:
        TargetError: several columns may be it.
    """
    found = [c for c in population.columns if str(c).strip().lower() in NUMBERS and c not in taken]
    if len(found) > 1:
        raise TargetError(
            f"{len(found)} columns of the population may hold the numbers: {listed(map(repr, map(str, found)))}. Keep one of "
            'them, or name it: targets_from(population, [...], weight="...").'
        )
    return found[0] if found else None


def _refuse_cells(population: pd.DataFrame, names: Sequence[Hashable]) -> None:
    """Refuse to count rows as people where they look like cells with numbers."""
    likely = [str(c) for c in population.columns if c not in names and numeric(population, c)]
    if likely:
        raise TargetError(
            f"Which column of the population holds the numbers? None is called {listed(NUMBERS, 20)}. Rename it to 'target' "
            f"({listed(map(repr, likely))} may be it), or name it: targets_from(population, [...], weight={likely[0]!r}). "
            "Where each row is one person, drop the columns that are not categories."
        )
    if not population[list(names)].duplicated().any():
        raise TargetError(
            f"The population has {len(population)} rows, no two of them alike in {listed(map(repr, map(str, names)))}, and no "
            "column of numbers: counted as one person each, they would say nothing. Add the numbers as a column 'target'."
        )


def _refuse_parts(numbers: pd.Series, name: Hashable, kind: str) -> None:
    """Refuse shares that are not those of one whole."""
    total = float(numbers.sum())
    wrong = min(abs(total - 1), abs(total / 100 - 1)) > ROUNDING + 1e-9
    if kind in PARTS and wrong:
        raise TargetError(
            f"The numbers in {str(name)!r} sum to {total:.6g}: shares of one population sum to 1 (percentages to 100) over all "
            "of its rows. Give one row per cell, or the long form (columns variable, category, target)."
        )


def _refuse_misspelt(population: pd.DataFrame, used: Sequence[Hashable | None], columns: Collection[Hashable]) -> None:
    """Refuse to sum over a column of a table of cells that may be one of the data's under another name."""
    unused = [c for c in population.columns if c not in used]
    free = {str(c).strip().lower(): c for c in columns if c not in population.columns}
    keys = [c for c in population.columns if c not in used[-1:]]
    if not unused or not free or population[keys].duplicated().any():
        return
    for column in unused:
        close = get_close_matches(str(column).strip().lower(), list(free), n=1, cutoff=0.6)
        if close:
            raise TargetError(
                f"The population has a column {str(column)!r}, which the data do not have; they have {str(free[close[0]])!r}. "
                f"Rename it if it is the same, or drop it: population.drop(columns={str(column)!r})."
            )
