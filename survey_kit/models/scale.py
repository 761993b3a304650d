"""Scales: several items as one index, with its reliability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_kit.block import number
from survey_kit.codebook import Variable
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, NoValidData, check_level, one_of, unknown
from survey_kit.estimation.request import as_names, check_survey
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.reliability import alpha_if_dropped, cronbach_alpha, item_rest_correlations, weighted_covariance
from survey_kit.results.scale import Scale
from survey_kit.schema import Notice


def scale(
    survey: SurveyLike,
    items: Sequence[str],
    name: str,
    reverse: Sequence[str] = (),
    label: str = "",
    kind: str = "mean",
    min_answered: int | None = None,
    level: float = 0.95,
) -> Scale:
    """An index of several items and its reliability.

    Args:
        survey: a Survey; its weights enter alpha and the item statistics.
        items: numeric columns with the same codes (1 to 5, say); user-missing codes are missing.
        name, label: of the index.
        reverse: items whose codes are turned round: lowest + highest - x.
        kind: "mean" of the answered items, or their "sum" (a mean times the number of items where some are missing).
        min_answered: items that a row must have answered; half of them, rounded up, when None.
        level: confidence level of the interval of alpha.

    Returns:
        Scale. `.survey` is the survey with the index as a column, `.values` the index.

    Raises:
        ArgumentError: fewer than two items, different codes, an item named twice.
        UnknownNameError, UndeclaredMissingError, NoValidData.

    Source: Cronbach (1951), Psychometrika 16, 297. Equivalent: R survey::svycralpha (alpha); Stata alpha; SPSS RELIABILITY.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 2, 3, 5], "c": [1, 3, 3, 4]}))
        >>> made = sk.scale(poll, ["a", "b", "c"], "index")
        >>> made.values.round(3).tolist(), round(made.alpha, 3)
        ([1.333, 2.333, 3.0, 4.333], 0.947)
    """
    check_survey(survey)
    check_level(level)
    one_of("kind", kind, ("mean", "sum"))
    names = _items(survey, items, reverse)
    _check_name(survey, name, names)
    least = _least(min_answered, len(names))
    answers, ends = _answers(survey, names, reverse)
    count = np.isfinite(answers).sum(axis=1)
    enough = count >= least
    if not enough.any():
        raise NoValidData(f"No row has {least} valid answers among {', '.join(names)}.")
    index = np.full(len(answers), np.nan)
    index[enough] = np.nanmean(answers[enough], axis=1) * (len(names) if kind == "sum" else 1)
    values = pd.Series(index, index=survey.codes.index, name=name)
    full = (count == len(names)) & (True if survey.domain is None else survey.domain)
    covariance = _covariance(answers[full], survey.bound.weight[full], names)
    counted = answers if survey.domain is None else np.where(survey.domain[:, None], answers, np.nan)
    table = _item_table(survey, names, reverse, counted, covariance)
    return Scale(
        name=name,
        label=label,
        values=values,
        items=table,
        alpha=cronbach_alpha(covariance),
        n=int(enough.sum()),
        n_complete=int(full.sum()),
        kind=kind,
        least=least,
        ends=ends,
        survey=survey.with_column(values, _variable(name, label, kind, names, reverse, least)),
        notices=_notices(table, len(answers), int(enough.sum()), least),
        complete=pd.DataFrame(answers[full], columns=list(names)),
        level=level,
    )


def _variable(name: str, label: str, kind: str, items: tuple[str, ...], reverse: Sequence[str], least: int) -> Variable:
    turned = f" ({', '.join(reverse)} reversed)" if reverse else ""
    origin = f"{kind.capitalize()} of {', '.join(items)}{turned}, where {least} or more are answered."
    return Variable(name, label=label or name, measure="scale", origin=origin)


def _items(survey: SurveyLike, items: Sequence[str], reverse: Sequence[str]) -> tuple[str, ...]:
    if isinstance(items, str) or isinstance(reverse, str):
        raise ArgumentError("items and reverse are lists of columns, as in items=['q1', 'q2'].")
    names = as_names(items, "items")
    if len(names) < 2:
        raise ArgumentError(f"A scale needs at least two items, got {len(names)}.")
    for name in names:
        if name not in survey.codebook:
            raise unknown("column", name, survey.codebook)
    for name in reverse:
        if name not in names:
            raise unknown("item to reverse", name, names)
    return names


def _check_name(survey: SurveyLike, name: str, items: tuple[str, ...]) -> None:
    """The index needs a name of its own: not that of an item or of a column of the design."""
    if not isinstance(name, str) or not name.strip():
        raise ArgumentError("The index needs a name, as in name='cost_index'.")
    if name in items or name in survey.design.columns:
        raise ArgumentError(f"{name!r} is an item of the scale or a column of the design. Give the index another name.")


def _least(min_answered: int | None, items: int) -> int:
    if min_answered is None:
        return (items + 1) // 2
    if not isinstance(min_answered, int) or not 1 <= min_answered <= items:
        raise ArgumentError(
            f"min_answered={min_answered!r} must be a whole number from 1 to the number of items, {items}."
        )
    return min_answered


def _answers(
    survey: SurveyLike, names: tuple[str, ...], reverse: Sequence[str]
) -> tuple[FloatArray, tuple[float, float]]:
    """Answers as numbers, NaN where missing, reversed where asked; and the ends of their codes. Shape (n, k)."""
    columns = [_item_values(survey, name) for name in names]
    lows, highs = [float(np.nanmin(c)) for c in columns], [float(np.nanmax(c)) for c in columns]
    ends = [
        _ends(name, survey.codebook[name], values) or (min(lows), max(highs))
        for name, values in zip(names, columns, strict=True)
    ]
    if len(set(ends)) > 1:
        shown = ", ".join(f"{n} {low:g} to {high:g}" for n, (low, high) in zip(names, ends, strict=True))
        raise ArgumentError(f"Items of a scale have the same codes; these differ: {shown}. Recode them first.")
    low, high = ends[0]
    turned = [low + high - c if n in reverse else c for n, c in zip(names, columns, strict=True)]
    return np.column_stack(turned), ends[0]


def _item_values(survey: SurveyLike, name: str) -> FloatArray:
    """Answers of an item as numbers, NaN where missing. Shape (n,)."""
    block = number(survey.codes, survey.codebook[name])
    if not block.base.any():
        raise NoValidData(f"{name!r} has no valid answer.")
    return np.where(block.base, survey.codes[name].to_numpy(dtype=float, na_value=np.nan), np.nan)


def _ends(name: str, variable: Variable, values: FloatArray) -> tuple[float, float] | None:
    """Lowest and highest labelled code of an item; None where its labels do not say."""
    labelled = [float(c) for c in variable.valid_labels() if not isinstance(c, str)]
    if len(labelled) < 2:
        return None
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low < min(labelled) or high > max(labelled):
        strange = low if low < min(labelled) else high
        raise ArgumentError(
            f"{name!r} has the code {strange:g}, outside its labels ({min(labelled):g} to {max(labelled):g}). Declare it "
            "missing, or correct it."
        )
    return min(labelled), max(labelled)


def _covariance(complete: FloatArray, weight: FloatArray, names: tuple[str, ...]) -> FloatArray:
    if len(complete) < 2:
        raise NoValidData(f"Fewer than two rows answered every item of {', '.join(names)}; alpha does not exist.")
    return weighted_covariance(complete, weight)


def _item_table(
    survey: SurveyLike, names: tuple[str, ...], reverse: Sequence[str], answers: FloatArray, covariance: FloatArray
) -> pd.DataFrame:
    weight = survey.bound.weight
    means = [np.average(a[ok], weights=weight[ok]) for a in answers.T for ok in [np.isfinite(a)]]
    return pd.DataFrame(
        {
            "item": list(names),
            "label": [survey.codebook[n].title for n in names],
            "reversed": [n in reverse for n in names],
            "n": np.isfinite(answers).sum(axis=0),
            "mean": means,
            "sd": np.sqrt(np.diag(covariance)),
            "item_rest": item_rest_correlations(covariance),
            "alpha_dropped": alpha_if_dropped(covariance),
        }
    )


def _notices(table: pd.DataFrame, rows: int, indexed: int, least: int) -> tuple[Notice, ...]:
    out = []
    negative = table.loc[table["item_rest"] < 0, "item"].tolist()
    if negative:
        text = f"{', '.join(negative)}: negative item-rest correlation; should it be reversed?"
        out.append(Notice("reverse", text, len(negative)))
    if indexed < rows:
        text = f"{rows - indexed} of {rows} rows answered fewer than {least} items and have no index."
        out.append(Notice("missing", text, rows - indexed))
    return tuple(out)
