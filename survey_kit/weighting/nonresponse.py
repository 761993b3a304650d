"""Nonresponse: respondents take over the weight of nonrespondents like them, by classes or by a model of who responds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, NoValidData, UnsupportedOption
from survey_kit.kernels.groups import BoolArray, FloatArray, weighted_counts
from survey_kit.kernels.redistribute import class_factors, redistribution_step, roles
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.response.classes import Classes, classes_of, merged
from survey_kit.weighting.response.model import ResponseModel, fit_response, propensity_classes
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.arguments import check_flag, is_whole
from survey_kit.weighting.rows.columns import By
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, Subject, subject_of
from survey_kit.weighting.rows.who import Who, rows_where
from survey_kit.weighting.targets.collapse import SmallCells, small_cells

S = TypeVar("S", bound=SurveyLike)


@overload
def adjust_nonresponse(
    data: pd.DataFrame,
    responded: Who,
    by: By = None,
    model: Model | None = None,
    base: Base = None,
    *,
    classes: int | None = None,
    weighted: bool = True,
    eligible: Who | None = None,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> Weights: ...
@overload
def adjust_nonresponse(  # type: ignore[overload-cannot-match]
    data: S,
    responded: Who,
    by: By = None,
    model: Model | None = None,
    base: Base = None,
    *,
    classes: int | None = None,
    weighted: bool = True,
    eligible: Who | None = None,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> S: ...
def adjust_nonresponse(
    data: pd.DataFrame | SurveyLike,
    responded: Who,
    by: By = None,
    model: Model | None = None,
    base: Base = None,
    *,
    classes: int | None = None,
    weighted: bool = True,
    eligible: Who | None = None,
    min_n: int | None = None,
    max_factor: float | None = None,
) -> Weights | SurveyLike:
    """Weights of respondents raised for those who did not respond, whose weight becomes 0; rows stay.

    Args:
        data: a DataFrame with a row for everybody sampled, or such a survey.
        responded: who responded: a column of True and False (1 and 0), an array or Series of these; for a survey also a
            condition in words, "status == 1".
        by: weighting classes: variables known for everybody, crossed. Factor = weight of the class / weight of its
            respondents.
        model: instead, a logistic model of responding: a list of columns, or "age + region*sex". Factor = 1 / propensity.
        base: base weights: a column, a Series, an array, or the Weights of an earlier step. None: ones; for a survey its
            weight in force.
        classes: with `model`: that many classes of about equal numbers of rows, ordered by propensity, and factors as with
            `by`. Spares the extreme factors of 1 / propensity.
        weighted: with `model`: whether the model is fitted with the base weights. The default does, as weighting classes do:
            it then describes the population whatever the sampling, and a model with all interactions gives the factors
            of weighting classes. False may have less variance where the model holds all that the sampling depended on.
        eligible: who is eligible, as `responded`; the others keep their weight and take no part. None: everybody.
        min_n, max_factor: merge classes of fewer respondents, or with a larger factor, with the adjacent class (see
            `collapse_targets`). What was merged is stated: `.collapsed`.

    Returns:
        Weights for a DataFrame, with `.factors` (class, n, responded, response rates, factor; for 1 / propensity the fifths
        of propensity with their mean factors) and the response rates and the model in `.details`. For a survey the same
        survey under the new weights; standard errors account for the adjustment having been estimated, and replicate weights
        repeat it. Classes of propensity count as fixed in linearised standard errors, which are mostly a little too large
        for that; replicates make the classes anew.

    Raises:
        ArgumentError: a class without respondents (with the way out), missing values, arguments that do not go together.
        ConvergenceError: a model that tells without error who responds.
        NoValidData: nobody responded. UnknownNameError, InvalidWeightError, UnsupportedOption: other arguments.

    R: by hand from tapply(w, class, sum), or svrep::redistribute_weights; survey::svyglm(responded ~ ...) for the model.
    Stata, SPSS: by hand. Source: Brick & Kalton (1996), SMMR 5, 215; Little (1986), ISR 54, 139; Kim & Kim (2007), CJS 35, 501.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"town": ["a", "a", "a", "b", "b"], "answered": [True, True, False, True, True]})
        >>> adjust_nonresponse(df, "answered", by="town").values.tolist()
        [1.5, 1.5, 0.0, 1.0, 1.0]
    """
    check_flag("weighted", weighted)
    how = _How(by, model, classes, bool(weighted), small_cells(min_n, max_factor))
    how.check()
    subject = subject_of(data, base)
    case = _case(subject, responded, eligible)
    if how.direct:
        made, fit = _by_propensity(subject, case, how)
        return hand_back(subject, weights_of(subject, made), lambda again: _propensity_replicates(again, case, fit))
    made, groups, model_fit = _by_classes(subject, case, how)
    return hand_back(
        subject, weights_of(subject, made), lambda again: _class_replicates(again, case, groups, model_fit, how)
    )


@dataclass(frozen=True, slots=True)
class _How:
    by: By
    model: Model | None
    classes: int | None
    weighted: bool
    rule: SmallCells | None

    @property
    def direct(self) -> bool:
        """1 / propensity, without classes."""
        return self.model is not None and self.classes is None

    def check(self) -> None:
        """Refuse arguments that do not go together."""
        if self.by is not None and self.model is not None:
            raise ArgumentError("Give weighting classes (by) or a model of who responds, not both.")
        if self.classes is not None and self.model is None:
            raise ArgumentError(f"classes={self.classes!r} are classes of propensity: they need a model.")
        if self.classes is not None and not is_whole(self.classes, 2):
            raise ArgumentError(f"classes={self.classes!r} is not a number of classes of at least 2.")
        if not self.weighted and self.model is None:
            raise ArgumentError("weighted=False is about the fit of a model. Weighting classes use the base weights.")
        if self.direct and self.rule is not None:
            raise UnsupportedOption(f"{self.rule} is about classes. With a model, add classes=5.")


@dataclass(frozen=True, eq=False)
class _Case:
    """Who responded, who did not and who is eligible (n,), and the base weights of the sample (n,)."""

    responded: BoolArray
    eligible: BoolArray
    base: FloatArray

    @property
    def silent(self) -> BoolArray:
        """Eligible and without response. Shape (n,)."""
        return self.eligible & ~self.responded


def _case(subject: Subject, responded: Who, eligible: Who | None) -> _Case:
    yes = rows_where(subject, responded, "responded")
    asked = np.ones(subject.n, dtype=bool) if eligible is None else rows_where(subject, eligible, "eligible")
    odd = int((yes & ~asked).sum())
    if odd:
        raise ArgumentError(
            f"{odd} rows responded and are not eligible. A respondent is eligible: correct one of the two."
        )
    if not (subject.base * yes).any():
        raise NoValidData(
            f"Nobody of {int(asked.sum())} responded with a base weight above 0: nobody can take the weight over."
        )
    there = subject.base > 0  # rows of weight zero are no part of the sample: they are in no class, rate or fit
    return _Case(yes & there, asked & there, subject.base)


def _by_classes(subject: Subject, case: _Case, how: _How) -> tuple[Made, Classes, ResponseModel | None]:
    fit = None
    if how.model is None:
        found = classes_of(subject, how.by)
    else:
        fit = fit_response(subject, how.model, case.responded, case.eligible, how.weighted)
        assert how.classes is not None
        found = propensity_classes(fit.probabilities, case.eligible, how.classes)
    groups = merged(found, subject.base, case.silent, case.responded, how.rule)
    key = roles(groups.code, case.silent, case.responded)
    factors, _ = class_factors(weighted_counts(key, subject.base, 3 * groups.size)[:, None])
    values = subject.base * factors[key, 0]
    table = _factor_table(groups, case, factors[1::3, 0])
    made = Made(
        values=values,
        method="nonresponse",
        adjustment=redistribution_step(groups.code, groups.size, case.responded, subject.base, values),
        solver="closed form" if fit is None else "newton",
        iterations=0 if fit is None else fit.iterations,
        notices=groups.notices,
        collapsed=groups.collapsed,
        factors=table,
        details={**_rates(case), **({} if fit is None else fit.details(subject))},
    )
    return made, groups, fit


def _by_propensity(subject: Subject, case: _Case, how: _How) -> tuple[Made, ResponseModel]:
    assert how.model is not None
    fit = fit_response(subject, how.model, case.responded, case.eligible, how.weighted)
    p = fit.probabilities
    values = np.where(case.responded, subject.base / p, np.where(case.silent, 0.0, subject.base))
    spread = propensity_classes(p, case.eligible, 5)
    total, kept = (
        weighted_counts(spread.code, np.where(case.responded, w, 0.0), spread.size) for w in (values, subject.base)
    )
    table = _factor_table(spread, case, np.divide(total, kept, out=np.ones_like(total), where=kept > 0))
    made = Made(
        values=values,
        method="nonresponse",
        adjustment=fit.step(subject.base),
        solver="newton",
        iterations=fit.iterations,
        notices=_small_propensities(p[case.responded]),
        factors=table,
        details={**_rates(case), **fit.details(subject)},
    )
    return made, fit


def _class_replicates(
    base: ReplicateBase, case: _Case, groups: Classes, fit: ResponseModel | None, how: _How
) -> FloatArray:
    """Replicate weights adjusted each, shape (n, R): factors of the same classes; with a model, classes of its refits."""
    if fit is not None and groups.collapsed is None:
        assert how.classes is not None
        return _reclassified(base, case, fit, how.classes)
    key = roles(groups.code, case.silent, case.responded)
    factors, stranded = class_factors(base.cell_totals(key, 3 * groups.size))
    _refuse_stranded(stranded)
    weights = base.weights
    weights *= factors[key]
    return weights


def _reclassified(base: ReplicateBase, case: _Case, fit: ResponseModel, size: int) -> FloatArray:
    weights = base.weights
    probabilities = fit.refitted(weights)
    stranded = np.zeros(base.count, dtype=bool)
    for r in range(base.count):
        there = case.eligible & (weights[:, r] > 0)
        groups = propensity_classes(probabilities[:, r], there, size)
        key = roles(groups.code, case.silent, case.responded)
        factors, none = class_factors(weighted_counts(key, weights[:, r], 3 * groups.size)[:, None])
        weights[:, r] *= factors[key, 0]
        stranded[r] = none[0]
    _refuse_stranded(stranded)
    return weights


def _propensity_replicates(base: ReplicateBase, case: _Case, fit: ResponseModel) -> FloatArray:
    """Replicate weights over the propensities of their own fits. Shape (n, R)."""
    weights = base.weights
    weights[case.responded] /= fit.refitted(weights)[case.responded]
    weights[case.silent] = 0.0
    return weights


def _refuse_stranded(stranded: BoolArray) -> None:
    if stranded.any():
        raise ArgumentError(
            f"In {int(stranded.sum())} of {len(stranded)} replicates a class has nobody who responded and could take the weight "
            "over. Merge small classes with min_n=20."
        )


def _factor_table(groups: Classes, case: _Case, factors: FloatArray) -> pd.DataFrame:
    """One row per class: class, n, responded, response_rate, weighted_response_rate, factor."""

    def count(which: BoolArray, weights: FloatArray) -> FloatArray:
        return weighted_counts(groups.code, np.where(which, weights, 0.0), groups.size)

    ones = np.ones(len(case.base))
    n, yes = count(case.eligible, ones), count(case.responded, ones)
    held, answered = count(case.eligible, case.base), count(case.responded, case.base)
    table = pd.DataFrame(
        {
            "class": list(groups.names),
            "n": n.astype(np.int64),
            "responded": yes.astype(np.int64),
            "response_rate": yes / np.where(n > 0, n, np.nan),
            "weighted_response_rate": answered / np.where(held > 0, held, np.nan),
            "factor": factors,
        }
    )
    return table[table["n"] > 0].reset_index(drop=True)


def _rates(case: _Case) -> Mapping[str, object]:
    n, yes = int(case.eligible.sum()), int(case.responded.sum())
    weighted = float(case.base[case.responded].sum() / case.base[case.eligible].sum())
    return {"n": n, "responded": yes, "response_rate": yes / n, "weighted_response_rate": weighted}


def _small_propensities(p: FloatArray) -> tuple[Notice, ...]:
    small = int((p < 0.05).sum())
    if not small:
        return ()
    text = (
        f"Respondents with a propensity below 0.05: {small} (the smallest is {p.min():.3g}). Their factors are above 20: use "
        "classes=5, or trim."
    )
    return (Notice("small_propensity", text, small),)
