"""Names of the columns that every result frame has, and the notice that results carry.

A result frame has key columns first (`variable`, then the `by` variables), then the columns below, in this order.
Tables, charts and reports read these names and no others.
"""

from __future__ import annotations

from dataclasses import dataclass

VARIABLE = "variable"
ANSWER = "answer"
STATISTIC = "statistic"
ESTIMATE = "estimate"
SE = "se"
CI_LOW = "ci_low"
CI_HIGH = "ci_high"
DF = "df"
DEFF = "deff"
N = "n"
N_WEIGHTED = "n_weighted"
FLAG = "flag"

RESULT_COLUMNS = (ANSWER, STATISTIC, ESTIMATE, SE, CI_LOW, CI_HIGH, DF, DEFF, N, N_WEIGHTED, FLAG)

LOW_BASE = 30  # unweighted base below which a figure is flagged (NCHS and common agency practice)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a reader must know about a number: what was dropped, collapsed, trimmed or assumed.

    Attributes:
        kind: a short machine word, such as "missing", "low_base", "encoding", "lonely_psu".
        text: one sentence for people.
        count: how many rows, cells or variables it concerns, when that makes sense.
    """

    kind: str
    text: str
    count: int | None = None

    def __str__(self) -> str:
        return self.text
