"""Means of a nonprobability sample beside a reference sample: by propensity weights, by imputation, or by both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.design.bound import BoundDesign
from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    NoValidData,
    UnsupportedOption,
    check_level,
    listed,
    one_of,
)
from survey_kit.estimation.request import Names, as_names
from survey_kit.kernels.doubly_robust import (
    MeanFit,
    OutcomeFit,
    doubly_robust_mean,
    fit_outcome,
    mean_by_imputation,
    mean_by_weights,
)
from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.kernels.propensity import Participation
from survey_kit.kernels.variance import Squares, UnitSums
from survey_kit.results.carriers import Linearized, linearized
from survey_kit.results.estimates import Estimates
from survey_kit.schema import Notice
from survey_kit.weighting.propensity import failure, fitted, overlap
from survey_kit.weighting.reference.errors import bound_of, rows_as_units
from survey_kit.weighting.reference.sample import Pair, Reference, pair_of, reference_of, refuse_aliased
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.rows.numbers import numbers_of
from survey_kit.weighting.rows.subject import Base, Subject, subject_of

ESTIMATORS = ("doubly robust", "weights", "imputation")
LAWS = {"pseudo-likelihood": "pseudo-likelihood", "odds": "odds", "cbps": "balance"}
FAMILIES = ("gaussian", "binomial")
FITS = ("plain", "weighted")


def doubly_robust(
    data: pd.DataFrame | SurveyLike,
    reference: pd.DataFrame | SurveyLike,
    outcome: Names,
    model: Model,
    base: Base = None,
    *,
    outcome_model: Model | None = None,
    family: str = "gaussian",
    estimator: str = "doubly robust",
    method: str = "pseudo-likelihood",
    fit: str = "plain",
    reference_weight: str | None = None,
    population: float | None = None,
    level: float = 0.95,
) -> Estimates:
    """Means of the population from a nonprobability sample A and a reference sample B, which need not have the outcome.

    - "doubly robust": sum_B d m / sum_B d + sum_A w (y - m) / sum_A w. Right if the propensities or the outcome regression
      are, whichever it is.
    - "weights": sum_A w y / sum_A w. Right if the propensities are.
    - "imputation": sum_B d m / sum_B d, m the prediction for each unit of the reference. Right if the regression is.

    Standard errors are linearised over both samples, each by its own design, and count the error of every coefficient of
    both models. Rows of a DataFrame count as drawn with replacement. They hold only as far as the models do: no standard
    error of a nonprobability sample is a margin of error.

    Args:
        data: the sample with the outcome: a DataFrame, or a survey. Rows without a valid outcome are left out.
        reference, reference_weight, population: as in `propensity`.
        outcome: one numeric column or several; for family="binomial" of 0 and 1. Rows that lack any are left out of all.
        model: columns of the propensities, or a formula, as in `propensity`.
        base: weights of the sample before this step, as in `rake`.
        outcome_model: columns of the outcome regression, or a formula; those of `model` when None.
        family: "gaussian" (least squares) or "binomial" (logistic).
        estimator: see above.
        method: how propensities are found: "pseudo-likelihood", "odds" (as in `propensity`) or "cbps" (as in `cbps`).
        fit: the regression on the sample as it is ("plain": under the base weights), or under the propensity weights
            ("weighted").
        level: confidence level. Degrees of freedom by Satterthwaite from those of both samples.

    Raises:
        TargetMismatchError, UnknownNameError: columns that the samples do not share; every fault in one message.
        ConvergenceError: no finite coefficients fit one of the models.
        ArgumentError, InvalidWeightError, NoValidData, UnsupportedOption.

    Equivalent: R nonprobsvy::nonprob(selection=, outcome=); NonProbEst. Stata, SPSS: none.
    Source: Chen, Li & Wu (2020), JASA 115, 2011.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> from survey_kit.models.doubly_robust import doubly_robust
        >>> panel = pd.DataFrame({"sex": ["m", "m", "m", "f"] * 5, "hours": [4.0, 5, 6, 2] * 5})
        >>> people = pd.DataFrame({"sex": ["m", "f"] * 10, "d": 50.0})
        >>> doubly_robust(panel, people, "hours", ["sex"], reference_weight="d").frame()[["estimate", "se"]].round(3)
           estimate     se
        0       3.5  0.361
    """
    wish = _wish(estimator, method, family, fit, outcome_model)
    check_level(level)
    names = as_names(outcome, "outcome")
    whole = subject_of(data, base)
    own = _sample_design(whole)
    subject, y, notices = _with_outcome(whole, names, family)
    beside = reference_of(reference, reference_weight, population)
    pair = pair_of(subject, beside, model)
    regression = pair if outcome_model is None else pair_of(subject, beside, outcome_model)
    propensity = None if estimator == "imputation" else _propensity(pair, wish)
    means = [_mean(wish, pair, regression, propensity, y[:, j], name) for j, name in enumerate(names)]
    errors = _Errors(own, subject.base > 0, beside, means)
    told = (*notices, *_models(wish, pair, regression), *(() if propensity is None else (overlap(pair, propensity),)))
    weight = subject.base if propensity is None else propensity.weight
    return Estimates(
        keys=pd.DataFrame({schema.VARIABLE: names, schema.ANSWER: "", schema.STATISTIC: "mean"}),
        theta=np.array([mean.theta for mean in means]),
        n=np.full(len(names), float((subject.base > 0).sum())),
        n_weighted=np.full(len(names), float(weight.sum())),
        carrier=errors.carrier(),
        dfs=errors.degrees(),
        level=level,
        titles={**dict(zip(names, names, strict=True)), **subject.titles(names)},
        notices=told,
        context={"design": _design(subject, beside, wish)},
        unit=np.full(len(names), "share", dtype=object) if family == "binomial" else None,
    )


@dataclass(frozen=True, slots=True)
class _Wish:
    estimator: str
    law: str
    family: str
    weighted: bool


def _wish(estimator: str, method: str, family: str, fit: str, outcome_model: Model | None) -> _Wish:
    one_of("estimator", estimator, ESTIMATORS)
    one_of("method", method, tuple(LAWS))
    one_of("family", family, FAMILIES)
    one_of("fit", fit, FITS)
    if estimator == "weights" and (outcome_model is not None or fit != "plain"):
        raise ArgumentError('estimator="weights" has no outcome regression. Leave outcome_model and fit out.')
    if estimator == "imputation" and fit == "weighted":
        raise ArgumentError('estimator="imputation" has no propensity weights. Use fit="plain", or base=.')
    return _Wish(estimator, LAWS[method], family, fit == "weighted")


def _sample_design(subject: Subject) -> BoundDesign:
    """The sample's design, with the steps of weighting that made its base weights."""
    survey, before = subject.survey, subject.before
    bound = rows_as_units(subject.base) if survey is None else survey.bound
    if bound.replicates is not None:
        raise UnsupportedOption(
            "doubly_robust() linearises, and the sample has replicate weights. Give it under its design, or as a DataFrame "
            "with base=."
        )
    if np.array_equal(bound.weight, subject.base) and survey is not None:
        return bound
    return replace(bound, adjustments=() if before is None else before.adjustments)


def _with_outcome(
    subject: Subject, names: tuple[str, ...], family: str
) -> tuple[Subject, FloatArray, tuple[Notice, ...]]:
    """The sample with weight 0 for rows without an outcome, and the outcomes, 0 there. Shape (n, K)."""
    read = [_outcome(subject, name, family) for name in names]
    valid = np.logical_and.reduce([there for _, there in read])
    counted = subject.base > 0
    left = int((counted & ~valid).sum())
    if left == counted.sum():
        raise NoValidData(f"No valid value of {', '.join(names)} in {left} rows of the sample.")
    y = np.column_stack([np.where(valid, values, 0.0) for values, _ in read])
    if not left:
        return subject, y, ()
    text = f"{left:,} of {int(counted.sum()):,} rows have no valid value of {', '.join(names)} and are left out of the sample."
    return replace(subject, base=np.where(valid, subject.base, 0.0)), y, (Notice("missing", text, left),)


def _outcome(subject: Subject, name: str, family: str) -> tuple[FloatArray, BoolArray]:
    check_column(name, subject.frame.columns)
    column = subject.frame[name]
    if not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)):
        raise ArgumentError(
            f"Outcome {name!r} holds {column.dtype} values, not numbers. Give a column of numbers, or of 0 and 1."
        )
    values, valid = numbers_of(subject, name)
    used = valid & (subject.base > 0)
    if np.isinf(values[used]).any():
        rows = np.flatnonzero(np.isinf(values) & used) + 1
        raise ArgumentError(f"Outcome {name!r} is infinite in row {listed(rows)}. Correct it first.")
    if family == "binomial" and not np.isin(values[used], (0.0, 1.0)).all():
        raise ArgumentError(
            f'family="binomial" needs an outcome of 0 and 1; {name!r} has {len(np.unique(values[used]))} values. Make a 0/1 '
            'column (sk.net), or use family="gaussian".'
        )
    return values, valid


def _propensity(pair: Pair, wish: _Wish) -> Participation:
    fit = fitted(pair, wish.law)
    if not fit.converged:
        raise ConvergenceError(failure(pair, fit), fit)
    return fit


def _mean(
    wish: _Wish, pair: Pair, regression: Pair, propensity: Participation | None, y: FloatArray, name: str
) -> MeanFit:
    d = pair.reference.weight
    if propensity is not None and wish.estimator == "weights":
        return mean_by_weights(propensity, pair.x, pair.reference_x, d, y)
    weight = propensity.weight if propensity is not None and wish.weighted else pair.subject.base
    outcome = _regression(wish.family, regression, y, weight, name)
    if propensity is None:
        return mean_by_imputation(outcome, d)
    return doubly_robust_mean(propensity, pair.x, pair.reference_x, d, outcome, wish.weighted)


def _regression(family: str, pair: Pair, y: FloatArray, weight: FloatArray, name: str) -> OutcomeFit:
    counted = weight > 0
    refuse_aliased(pair.x[counted], pair.names)
    if family == "binomial" and len(np.unique(y[counted])) < 2:
        raise ArgumentError(f"{name!r} has the same value in every row of the sample. Use family='gaussian'.")
    found = fit_outcome(family, y, pair.x, weight, pair.reference_x)
    if not found.converged:
        raise ConvergenceError(
            f"The regression of {name!r} has no finite coefficients: a combination of its columns has one outcome only. "
            "Merge categories, or leave a column out.",
            found,
        )
    return found


def _models(wish: _Wish, pair: Pair, regression: Pair) -> tuple[Notice, ...]:
    """What the estimates rest on."""
    chance = f"that who takes part depends on nothing but {listed(c.name for c in pair.columns)}, and as the model says"
    outcome = (
        f"that people alike in {listed(c.name for c in regression.columns)} have the same expected outcome in the sample and "
        "outside it, and as the regression says"
    )
    texts = {"weights": chance, "imputation": outcome, "doubly robust": f"either {chance}; or {outcome}"}
    text = f"The estimates rest on a model: {texts[wish.estimator]}. Standard errors hold only as far as it does."
    return (Notice("model", text),)


def _design(subject: Subject, reference: Reference, wish: _Wish) -> str:
    own = "each respondent a sampling unit" if subject.survey is None else subject.survey.design.describe()
    other = "each respondent a sampling unit" if reference.survey is None else reference.survey.design.describe()
    return f"nonprobability sample ({own}) beside a reference ({other}); {wish.estimator}"


@dataclass(frozen=True, eq=False)
class _Errors:
    """The error of means over two independent samples."""

    design: BoundDesign
    counted: BoolArray
    reference: Reference
    means: list[MeanFit]

    def carrier(self) -> Linearized:
        """Sums of both samples by their units; degrees of freedom are the fewest of `degrees`."""
        own, other = self._own(), self._other()
        bound = BoundDesign(
            np.concatenate([own.bound.weight, other.bound.weight]), (*own.bound.stages, *other.bound.stages)
        )
        schemes, sums = (*own.schemes, *other.schemes), (*own.sums, *other.sums)
        return Linearized(sums, schemes, float(self.degrees().min()), bound)

    def degrees(self) -> FloatArray:
        """Satterthwaite's degrees of freedom, V^2 / (V_A^2 / df_A + V_B^2 / df_B). Shape (K,)."""
        own, other = self._own(), self._other()
        a, b = own.variance(), other.variance()
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (a + b) ** 2 / (a**2 / own.df + b**2 / other.df)
        return np.where(np.isfinite(found), found, own.df + other.df)

    def _own(self) -> Linearized:
        """The sample's part, its weights taken into the values."""
        df = self.design.degrees_of_freedom(self.counted)
        plain = replace(self.design, weight=np.ones(len(self.counted)))
        return linearized(plain, np.column_stack([mean.sample for mean in self.means]), df)

    def _other(self) -> Linearized:
        """The reference's part, under its own design."""
        bound = bound_of(self.reference)
        inside = self.reference.weight > 0
        z = np.column_stack([mean.reference for mean in self.means])
        values = z / np.where(inside, bound.weight, 1.0)[:, None]
        df = bound.degrees_of_freedom(None if inside.all() else inside)
        if bound.replicates is None:
            return linearized(bound, values, df)
        held = bound.replicates
        totals = np.array([weight @ values for weight in held.each_of(np.arange(len(values)))])
        centre = bound.weight @ values if held.mse else totals[held.rscales > 0].mean(axis=0)
        direct = (totals - centre) * np.sqrt(held.scale * held.rscales)[:, None]
        return Linearized((UnitSums(direct),), (Squares(len(direct)),), df, bound)
