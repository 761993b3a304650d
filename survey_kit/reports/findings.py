"""Titles that state what the numbers say, and nothing that they do not.

A difference is called one only when its interval, with the covariance of the two shares, excludes zero; where the best
two of several are compared, or a best pair is picked from several groups, the level is Bonferroni-adjusted for the
number of pairs that it was picked from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.results.display import number, percent, points
from survey_kit.results.estimates import Estimates


def most_frequent(estimates: Estimates) -> str:
    """The most frequent answer of a question, said with its share: "38% say 'Rather oppose'".

    Where the first two cannot be told apart, both are named.
    """
    frame = estimates.frame().reset_index(drop=True)
    order = frame.sort_values(schema.ESTIMATE, ascending=False, kind="stable").index.to_numpy()
    first = frame.loc[order[0]]
    if len(order) > 1 and not _apart(estimates, int(order[0]), int(order[1]), len(order)):
        second = frame.loc[order[1]]
        return (
            f"{percent(first[schema.ESTIMATE])} answer {_quoted(first[schema.ANSWER])}, "
            f"{percent(second[schema.ESTIMATE])} {_quoted(second[schema.ANSWER])}; no clear difference"
        )
    return f"{percent(first[schema.ESTIMATE])} answer {_quoted(first[schema.ANSWER])}, more than any other answer"


def most_mentioned(estimates: Estimates) -> str:
    """As `most_frequent` for a multiple-response set."""
    return most_frequent(estimates).replace(" answer ", " mention ").replace("any other answer", "anything else")


def largest_gap(compared: Sequence[Estimates], answer: str) -> str:
    """The largest significant difference between two groups in the share of one answer, over several groupings.

    "Rural are 9 points more likely than Urban to answer 'Yes'"; "No clear difference between the groups ..." when no
    interval of a difference, adjusted for the number of pairs looked at, excludes zero.
    """
    pairs = [pair for estimates in compared for pair in _pairs(estimates)]
    level = 1 - 0.05 / max(len(pairs), 1)
    best: tuple[float, str] | None = None
    for estimates, high, low in pairs:
        difference = abs(float(estimates.theta[high] - estimates.theta[low]))
        if (best is None or difference > best[0]) and _significant(estimates, high, low, level):
            best = (difference, _gap_text(estimates, high, low, difference, answer))
    return best[1] if best else f"No clear difference between the groups in answering {_quoted(answer)}"


def strongest_terms(coefficients: pd.DataFrame, labels: Sequence[str]) -> str:
    """The two largest coefficients whose intervals exclude zero, in words.

    `coefficients`: a row for each term with estimate, ci_low and ci_high, not exponentiated; `labels` says what to call
    them.
    """
    order = _clear(coefficients)
    if not len(order):
        return "None of the characteristics makes a clear difference, others held equal"
    signs = ["higher" if coefficients[schema.ESTIMATE].iloc[i] > 0 else "lower" for i in order]
    said = [f"{_quoted(labels[i])} goes with {sign} odds" for i, sign in zip(order, signs, strict=True)]
    return f"{'; '.join(said)}, others held equal"


def strongest_effects(effects: pd.DataFrame, labels: Sequence[str]) -> str:
    """The two largest average marginal effects whose intervals exclude zero: "“Costs” +14 points"."""
    order = _clear(effects)
    if not len(order):
        return "No average effect is clearly different from zero"
    said = [f"{_quoted(labels[i])} {points(effects[schema.ESTIMATE].iloc[i])} points" for i in order]
    return f"Average effects on the share: {', '.join(said)}"


def _clear(frame: pd.DataFrame) -> list[int]:
    """Positions of the two largest estimates whose intervals exclude zero."""
    low, high = frame[schema.CI_LOW].to_numpy(), frame[schema.CI_HIGH].to_numpy()
    clear = np.flatnonzero((low > 0) | (high < 0))
    size = np.abs(frame[schema.ESTIMATE].to_numpy()[clear])
    return [int(i) for i in clear[np.argsort(-size, kind="stable")][:2]]


def between_items(shares: Estimates, answer: str) -> str:
    """The items with the most and the fewest of an answer, when these two can be told apart.

    `shares`: one share for each item, with their covariance.
    """
    order = np.argsort(-shares.theta, kind="stable")
    first, last, items = int(order[0]), int(order[-1]), len(order)
    names = [shares.titles.get(v, v) for v in shares.keys[schema.VARIABLE]]
    if not _significant(shares, first, last, 1 - 0.05 / max(items * (items - 1) / 2, 1)):
        low, high = percent(shares.theta[last]), percent(shares.theta[first])
        return f"No clear difference between the items: {low} to {high} answer {_quoted(answer)}"
    return (
        f"{_quoted(answer)}, most often: {names[first]} ({percent(shares.theta[first])}); least often: {names[last]} "
        f"({percent(shares.theta[last])})"
    )


def before_weighting(category: str, gap: float, over: bool) -> str:
    """The category that weighting moved furthest: "Before weighting, “Rural” was 12 points below its target"."""
    return f"Before weighting, {_quoted(category)} was {gap_in_words(gap)} {'above' if over else 'below'} its target"


def gap_in_words(difference: float) -> str:
    """A difference of shares as "9 points"; below one point, "less than 1 point"."""
    text = number(abs(difference) * 100)
    return "less than 1 point" if text == "0" else f"{text} point{'' if text == '1' else 's'}"


def _apart(estimates: Estimates, one: int, other: int, answers: int) -> bool:
    """Whether the first of several answers differs from the second; as many pairs as there are rivals."""
    return _significant(estimates, one, other, 1 - 0.05 / max(answers - 1, 1))


def _significant(estimates: Estimates, high: int, low: int, level: float) -> bool:
    matrix = np.zeros((1, len(estimates)))
    matrix[0, high], matrix[0, low] = 1.0, -1.0
    keys = pd.DataFrame({schema.VARIABLE: ["gap"], schema.ANSWER: [""]})
    lower, upper = estimates.map(matrix, keys, "difference").confidence_interval(level)
    return bool(lower[0] > 0 or upper[0] < 0)


def _pairs(estimates: Estimates) -> list[tuple[Estimates, int, int]]:
    """Every pair of groups with a base that is not low, the higher share first."""
    usable = np.flatnonzero(estimates.n >= schema.LOW_BASE)
    theta = estimates.theta
    return [
        (estimates, int(a), int(b)) if theta[a] >= theta[b] else (estimates, int(b), int(a))
        for position, a in enumerate(usable)
        for b in usable[position + 1 :]
    ]


def _gap_text(estimates: Estimates, high: int, low: int, difference: float, answer: str) -> str:
    column = estimates.by[0]
    first, second = (str(estimates.keys[column].iloc[i]) for i in (high, low))
    title = estimates.titles.get(column, "")
    where = f"{title}: " if title and title != column else ""
    return f"{where}{first} are {gap_in_words(difference)} more likely than {second} to answer {_quoted(answer)}"


def _quoted(text: object) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"
