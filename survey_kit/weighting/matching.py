"""Sample matching: a nonprobability sample weighted by whom its rows stand for in a reference sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, ConvergenceError, NoValidData, UnsupportedOption, one_of
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine
from survey_kit.kernels.matching import Matches, mahalanobis_root, match_within
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.propensity import failure, fitted, model_notice
from survey_kit.weighting.record.assemble import largest_gap
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.reference.balance import balance_of, compared, targets_of
from survey_kit.weighting.reference.sample import Pair, pair_of, reference_of, shared_columns
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.arguments import check_flag, check_whole
from survey_kit.weighting.rows.subject import Subject, subject_of

S = TypeVar("S", bound=SurveyLike)

DISTANCES = ("mahalanobis", "propensity")


@overload
def match(
    data: pd.DataFrame,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    *,
    exact: str | Sequence[str] = (),
    distance: str = "mahalanobis",
    k: int = 1,
    caliper: float | None = None,
    replace: bool = True,
    reference_weight: str | None = None,
    population: float | None = None,
) -> Weights: ...
@overload
def match(  # type: ignore[overload-cannot-match]
    data: S,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    *,
    exact: str | Sequence[str] = (),
    distance: str = "mahalanobis",
    k: int = 1,
    caliper: float | None = None,
    replace: bool = True,
    reference_weight: str | None = None,
    population: float | None = None,
) -> S: ...
def match(
    data: pd.DataFrame | SurveyLike,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    *,
    exact: str | Sequence[str] = (),
    distance: str = "mahalanobis",
    k: int = 1,
    caliper: float | None = None,
    replace: bool = True,
    reference_weight: str | None = None,
    population: float | None = None,
) -> Weights | SurveyLike:
    """Weights by sample matching (Rivers 2007): every unit of the reference is stood for by the rows most like it.

    A row's weight is the sum of d_j / k over the reference units that it stands for; rows that stand for nobody have
    weight 0. Rows that are equally far share, so that the order of rows plays no part (R Matching: ties=TRUE).

    Args:
        data: the sample: a DataFrame, or a survey, whose weights play no part but for zeros.
        reference, reference_weight, population: as in `propensity`.
        model: the columns that distances are made of, or a formula, as in `propensity`.
        exact: columns on which both must agree.
        distance: "mahalanobis", with the reference's covariances; "propensity": of the linear predictors of a stacked
            logistic regression (as method="odds" of `propensity`), in their standard deviations in the reference.
        k: how many rows stand for each unit.
        caliper: the largest distance that counts as like; None for any.
        replace: whether a row may stand for several units. If not, pairs are made in the order of their distance.

    Returns:
        Weights for a DataFrame; for a survey the survey under them. Reference units without a match are left out, with a
        notice. `details`: "balance", and "distance" of each reference row to its nearest match. Weights are taken as fixed
        in standard errors: no replicate method is valid for nearest neighbours (Abadie & Imbens 2008, Econometrica 76).

    Raises:
        TargetMismatchError, UnknownNameError, ArgumentError, InvalidWeightError, NoValidData.
        UnsupportedOption: a survey with replicate weights, or one that was weighted before.

    Equivalent: R MatchIt::matchit(method = "nearest", m.order = "closest") with the reference as treated, Matching::Match;
    Stata teffects nnmatch. SPSS: FUZZY (extension). Source: Rivers (2007), Sampling for web surveys, JSM.

    Example:
        >>> import pandas as pd
        >>> panel = pd.DataFrame({"age": [20.0, 30, 50]})
        >>> people = pd.DataFrame({"age": [22.0, 48, 60], "d": [1.0, 2, 3]})
        >>> match(panel, people, ["age"], reference_weight="d").values.tolist()
        [1.0, 0.0, 5.0]
    """
    wish = _wish(exact, distance, k, caliper, replace)
    subject = subject_of(data)
    _refuse_chain(subject)
    pair = pair_of(subject, reference_of(reference, reference_weight, population), model)
    found = _matched(pair, wish)
    return hand_back(subject, weights_of(subject, _made(pair, found, wish)))


@dataclass(frozen=True, slots=True)
class _Wish:
    exact: tuple[str, ...]
    distance: str
    k: int
    caliper: float
    replace: bool


def _wish(exact: str | Sequence[str], distance: str, k: int, caliper: float | None, replace: bool) -> _Wish:
    one_of("distance", distance, DISTANCES)
    check_whole("k", k, meaning="how many rows stand for each unit")
    if caliper is not None and (not is_number(caliper) or not 0 < caliper < np.inf):
        raise ArgumentError(f"caliper={caliper!r} must be a distance above 0, or None for any.")
    check_flag("replace", replace)
    names = (exact,) if isinstance(exact, str) else tuple(exact)
    return _Wish(names, distance, int(k), np.inf if caliper is None else float(caliper), replace)


def _refuse_chain(subject: Subject) -> None:
    if subject.survey is not None and subject.survey.design.adjustments:
        raise UnsupportedOption(
            "The survey was weighted before, and matching makes its weights anew. Match it first, and weight it after."
        )


def _matched(pair: Pair, wish: _Wish) -> Matches:
    """Matches of the rows with a weight; all others get 0."""
    own, other = pair.subject.base > 0, pair.reference.weight > 0
    cells = _cells(pair, wish.exact, own, other)
    _refuse_too_few(wish, int(own.sum()), int(other.sum()))
    x, wanted = _places(pair, wish.distance)
    held = pair.reference.weight[other]
    found = match_within(cells, x[own], wanted[other], held, wish.k, wish.caliper, wish.replace)
    if not found.weight.any():
        raise NoValidData(
            f"None of {len(held)} rows of the reference has a match. Allow a larger caliper, or fewer exact columns."
        )
    weight, distance, part = np.zeros(len(own)), np.full(len(other), np.nan), np.zeros(len(other))
    weight[own], distance[other], part[other] = found.weight, found.distance, found.part
    return Matches(weight, distance, part)


def _refuse_too_few(wish: _Wish, rows: int, units: int) -> None:
    if not wish.replace and rows < wish.k * units:
        raise ArgumentError(
            f"replace=False needs {wish.k * units} rows for {units} units of the reference (k={wish.k}); the sample has "
            f"{rows}. Use replace=True."
        )


def _cells(pair: Pair, exact: tuple[str, ...], own: BoolArray, other: BoolArray) -> tuple[IntArray, IntArray]:
    """The crossing of the exact columns: of the rows and of the reference's."""
    cell = np.zeros(int(own.sum() + other.sum()), dtype=np.int64)
    for column in shared_columns(pair.subject, pair.reference, dict.fromkeys(exact, True)):
        both = np.concatenate([column.sample[own], column.reference[other]])
        cell = combine([cell, both])[0]
    return cell[: int(own.sum())], cell[int(own.sum()) :]


def _places(pair: Pair, distance: str) -> tuple[FloatArray, FloatArray]:
    """Where rows lie: Euclidean distances of these are the distances wanted. Shapes (n, q), (m, q)."""
    d = pair.reference.weight
    if distance == "mahalanobis":
        root = mahalanobis_root(pair.reference_x[:, 1:], d)
        return pair.x[:, 1:] @ root, pair.reference_x[:, 1:] @ root
    fit = fitted(pair, "odds")
    if not fit.converged:
        raise ConvergenceError(failure(pair, fit), fit)
    spread = np.sqrt(np.cov(fit.eta_reference, aweights=d, ddof=0)) or 1.0
    return fit.eta[:, None] / spread, fit.eta_reference[:, None] / spread


def _made(pair: Pair, found: Matches, wish: _Wish) -> Made:
    table = compared(pair, found.weight)
    targets = targets_of(table, float(found.weight.sum()))
    index = pair.reference.rows.frame.index
    return Made(
        values=found.weight,
        method="match",
        targets=targets,
        solver=f"{wish.distance}, k={wish.k}",
        max_gap=largest_gap(targets),
        notices=(model_notice(pair), *_notices(pair, found)),
        titles=pair.subject.titles(c.name for c in pair.columns),
        details={"balance": balance_of(table), "distance": pd.Series(found.distance, index=index, name="distance")},
    )


def _notices(pair: Pair, found: Matches) -> tuple[Notice, ...]:
    d = pair.reference.weight
    counted, rows = d > 0, pair.subject.base > 0
    notices = [Notice("fixed_weights", "Standard errors take the weights as fixed: they do not count the matching.")]
    left = counted & (found.part < 1 - 1e-9)
    if left.any():
        lost = float((d * (1 - found.part))[counted].sum() / d.sum())
        text = (
            f"{int(left.sum())} of {int(counted.sum())} rows of the reference ({lost:.1%} of its weight) have no match and "
            "are left out."
        )
        notices.append(Notice("unmatched", text, int(left.sum())))
    unused = int((rows & (found.weight == 0)).sum())
    if unused:
        text = f"{unused} of {int(rows.sum())} rows stand for nobody and have weight 0."
        notices.append(Notice("unused", text, unused))
    if pair.subject.weighted and len(np.unique(pair.subject.base[rows])) > 1:
        notices.append(Notice("base", "The weights that the sample had play no part in matching."))
    return tuple(notices)
