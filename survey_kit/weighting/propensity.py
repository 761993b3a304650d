"""Propensity weights of a nonprobability sample, from a reference sample of the population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import ArgumentError, ConvergenceError, listed, one_of
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.propensity import MAX_ITER, Participation, fit_participation, outside_range
from survey_kit.kernels.residualize import Adjustment, Columns, Regression
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.assemble import largest_gap
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.reference.balance import balance_of, compared, targets_of
from survey_kit.weighting.reference.errors import reference_errors
from survey_kit.weighting.reference.sample import Pair, pair_of, reference_of
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.arguments import check_whole
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, subject_of

S = TypeVar("S", bound=SurveyLike)

METHODS = ("pseudo-likelihood", "odds")
_INVERSE = ("pseudo-likelihood", "balance")  # laws whose propensities are those of the population


@overload
def propensity(
    data: pd.DataFrame,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    method: str = "pseudo-likelihood",
    max_iter: int = MAX_ITER,
) -> Weights: ...
@overload
def propensity(  # type: ignore[overload-cannot-match]
    data: S,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    method: str = "pseudo-likelihood",
    max_iter: int = MAX_ITER,
) -> S: ...
def propensity(
    data: pd.DataFrame | SurveyLike,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    method: str = "pseudo-likelihood",
    max_iter: int = MAX_ITER,
) -> Weights | SurveyLike:
    """Weights of a nonprobability sample by a logistic model of who takes part, fitted against a reference sample.

    - "pseudo-likelihood" (Chen, Li & Wu 2020): p is the chance of a person of the population to be in the sample,
      sum_A x = sum_B d p x; weights 1 / p. The reference's weights must sum to the population.
    - "odds" (Elliott & Valliant 2017; Wang, Valliant & Li 2021): logistic regression of the two samples put together, the
      reference under its weights; weights (1 - p) / p. Another scale of the reference's weights only scales the weights.

    Args:
        data: the sample: a DataFrame, or a survey.
        reference: a sample of the population with the same columns and categories: a DataFrame, or a survey, whose own
            design then gives the error of its totals (a DataFrame's rows count as drawn with replacement).
        model: column names, or a formula such as "age + C(region) * sex". Numbers are numbers; C(x) makes them categories.
        base: weights of the sample before this step; as in `rake`.
        reference_weight: the column of weights of a reference DataFrame; None for ones.
        population: the size that the reference's weights are scaled to; None leaves them.
        method: see above. max_iter: Newton steps.

    Returns:
        Weights for a DataFrame; for a survey the survey under them. They are not scaled. `targets` compares the sample with
        the reference (numbers as parts of their size); `details` holds the "balance" in plain figures and in standard
        deviations, "coefficients", and the "propensity" of each row. Standard errors count the error of the estimated model
        and that of the reference; the sample's rows (or units) count as drawn with replacement. No standard error measures
        whether the model is right.

    Raises:
        TargetMismatchError, UnknownNameError: columns that the samples do not share; every fault in one message.
        ConvergenceError: no finite coefficients fit; `.unfinished` holds the Weights so far.
        ArgumentError, InvalidWeightError, NoValidData, UnsupportedOption.

    Equivalent: R nonprobsvy::nonprob(selection = ~ x) with method "mle" (pseudo-likelihood); glm(family = quasibinomial) on
    the stacked samples, WeightIt::weightit(method = "glm", estimand = "ATC") (odds). Stata, SPSS: logit / LOGISTIC REGRESSION
    on the stacked file, weighted.

    Example:
        >>> import pandas as pd
        >>> panel = pd.DataFrame({"sex": ["m"] * 6 + ["f"] * 2})
        >>> people = pd.DataFrame({"sex": ["m", "f"], "d": [60.0, 40.0]})
        >>> propensity(panel, people, ["sex"], reference_weight="d").values.round(6).unique().tolist()
        [10.0, 20.0]
    """
    one_of("method", method, METHODS)
    call = Call(method, "propensity", reference_weight, population, max_iter)
    return weighted_by(call, data, reference, model, base)


@dataclass(frozen=True, slots=True)
class Call:
    """What a verb asks: the law, the verb's name, and what all of them take."""

    law: str
    verb: str
    reference_weight: str | None
    population: float | None
    max_iter: int


def weighted_by(
    call: Call, data: pd.DataFrame | SurveyLike, reference: pd.DataFrame | SurveyLike, model: Model, base: Base
) -> Weights | SurveyLike:
    """The sample weighted by one of the laws of kernels/propensity.py."""
    check_whole("max_iter", call.max_iter)
    subject = subject_of(data, base)
    pair = pair_of(subject, reference_of(reference, call.reference_weight, call.population), model)
    fit = fitted(pair, call.law, call.max_iter)
    errors = _roots(reference_errors(pair.reference, fit.reference_score[:, None] * pair.reference_x))
    weights = weights_of(subject, _made(call, pair, fit, errors))
    if not fit.converged:
        raise ConvergenceError(failure(pair, fit, call.max_iter), weights)
    return hand_back(subject, weights, _again(call, pair, fit, errors))


def fitted(pair: Pair, law: str, max_iter: int = MAX_ITER) -> Participation:
    """The law fitted on both samples; refused where the sample is no part of the population."""
    own, whole = float(pair.subject.base.sum()), pair.reference.total
    if law in _INVERSE and own >= whole:
        other = 'method="odds"' if law == "pseudo-likelihood" else 'weights="odds"'
        raise ArgumentError(
            f"The weights of the reference sum to {whole:,.6g} and those of the sample to {own:,.6g}, so that there is no "
            f"chance of taking part below 1. Give the size of the population, population=..., or use {other}."
        )
    return fit_participation(law, pair.x, pair.subject.base, pair.reference_x, pair.reference.weight, max_iter=max_iter)


def _made(call: Call, pair: Pair, fit: Participation, errors: FloatArray) -> Made:
    table = compared(pair, fit.weight)
    targets = targets_of(table, pair.reference.total)
    index = pair.subject.frame.index
    return Made(
        values=fit.weight,
        method=call.verb,
        adjustment=Adjustment(Columns(pair.x), fit.reads, fit.takes, Regression(fit.inverse), errors, estimated=True),
        targets=targets,
        solver="newton",
        iterations=fit.iterations,
        history=fit.history,
        max_gap=largest_gap(targets),
        converged=fit.converged,
        notices=(model_notice(pair), overlap(pair, fit)),
        titles=pair.subject.titles(c.name for c in pair.columns),
        details={
            "balance": balance_of(table),
            "coefficients": pd.Series(fit.beta, index=list(pair.names), name="coefficient"),
            "propensity": pd.Series(fit.p, index=index, name="propensity"),
            "law": call.law,
            "outside": outside_range(fit.eta, fit.eta_reference, pair.reference.weight),
        },
    )


def model_notice(pair: Pair) -> Notice:
    """What every result from a nonprobability sample rests on."""
    names = listed(c.name for c in pair.columns)
    text = (
        f"The weights rest on a model: that who takes part depends on nothing but {names}, and as the model says. Standard "
        "errors hold only as far as it does."
    )
    return Notice("model", text)


def overlap(pair: Pair, fit: Participation) -> Notice:
    """The range of the propensities, and how much of the reference lies outside it."""
    counted = pair.subject.base > 0
    low, high = fit.p[counted].min(), fit.p[counted].max()
    out = outside_range(fit.eta[counted], fit.eta_reference, pair.reference.weight)
    text = (
        f"Propensities in the sample run from {low:.3g} to {high:.3g}; {out:.1%} of the reference lies outside that range, "
        "with nobody in the sample like it."
    )
    return Notice("overlap", text)


def failure(pair: Pair, fit: Participation, max_iter: int = MAX_ITER) -> str:
    """Which column is off, why, and what to do."""
    far = np.abs(fit.beta) * np.vstack([pair.x, pair.reference_x]).std(axis=0)
    worst = pair.names[int(np.argmax(fit.gap if fit.gap.max() > 1e-6 else far))]
    text = (
        f"The propensities did not converge after {fit.iterations} step{'s' if fit.iterations != 1 else ''}: {worst!r} is off "
        f"by {fit.gap.max():.2g} of its total."
    )
    if fit.iterations >= max_iter and max_iter < MAX_ITER:
        return f"{text} max_iter={max_iter} stopped the steps; raise it (without it there are up to {MAX_ITER})."
    return (
        f"{text} No finite coefficients exist where a combination of categories is in one sample only, or where the sample "
        f"holds more of it than the population does. Merge categories, or leave {worst!r} out."
    )


def _roots(covariance: FloatArray) -> FloatArray:
    """L with L L' the covariance, the largest directions first. Shape (p, q)."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-14 * max(float(values[-1]), 1e-300)
    return np.asarray((vectors[:, kept] * np.sqrt(values[kept]))[:, ::-1])


def _again(call: Call, pair: Pair, fit: Participation, errors: FloatArray) -> Callable[[ReplicateBase], FloatArray]:
    """The fit repeated in every replicate, the totals of the reference shifted by their error."""

    def weights(base: ReplicateBase) -> FloatArray:
        base = base.with_errors(errors)
        held, shifts = base.weights, base.moves(errors).T
        fits = [
            fit_participation(
                call.law,
                pair.x,
                held[:, r],
                pair.reference_x,
                pair.reference.weight,
                fit.beta,
                call.max_iter,
                shifts[r],
            )
            for r in range(base.count)
        ]
        short = [r + 1 for r, each in enumerate(fits) if not each.converged]
        if short:
            raise ConvergenceError(
                f"The propensities did not converge in {len(short)} of {len(fits)} replicates (replicate {listed(short)}): "
                "with their units left out, no finite coefficients exist. Merge small categories."
            )
        return np.column_stack([each.weight for each in fits])

    return weights
