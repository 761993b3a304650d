"""A logistic model of who responds: fitted once, refitted in every replicate, and what it does to a variance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from survey_kit.errors import ConvergenceError, listed
from survey_kit.kernels.calibration_law import CellCoefficients
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, weighted_counts
from survey_kit.kernels.logistic import LogisticFit, fit_logistic, inverse_information
from survey_kit.kernels.residualize import Adjustment, Cells, Columns, Regression
from survey_kit.weighting.response.classes import Classes
from survey_kit.weighting.response.predictors import Predictors, distinct_predictors
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.subject import Subject

_EQUAL = 12  # decimals to which propensities are told apart: equal rows differ by rounding


@dataclass(frozen=True, eq=False)
class ResponseModel:
    """A fitted model of responding.

    Attributes:
        x: its columns, shape (n, p), or (G, p) for distinct rows; names: of the columns.
        code: the row of x that each row has; None: row i is row i. Shape (n,).
        responded, eligible: outcome, and the rows of the fit. Shape (n,).
        weights: of the fit, 0 for rows outside it. Shape (n,).
        base: base weights of the sample, 0 for rows outside the fit. Shape (n,).
        coefficients: shape (p,). probabilities: of all rows, shape (n,).
        iterations: Newton steps.
    """

    x: FloatArray
    code: IntArray | None
    names: tuple[str, ...]
    responded: BoolArray
    eligible: BoolArray
    weights: FloatArray
    base: FloatArray
    coefficients: FloatArray
    probabilities: FloatArray
    iterations: int

    def step(self, base: FloatArray) -> Adjustment:
        """The step of weighting by 1 / p: x_i <- x_i - q_i (r_i - p_i) X_i (X' q p (1 - p) X)^-1 sum (1 - p) r x X."""
        p = self.probabilities
        reads, takes = np.where(self.responded & (base > 0), 1 - p, 0.0), self.weights * (self.responded - p)
        if self.code is None:
            inverse = inverse_information(self.x, self.weights, p)
            return Adjustment(Columns(self.x), reads, takes, Regression(inverse), estimated=True)
        size, one = len(self.x), np.zeros(len(self.x))
        one[self.code] = p
        inverse = inverse_information(self.x, weighted_counts(self.code, self.weights, size), one)
        law = CellCoefficients(self.x @ inverse, self.x)
        return Adjustment(Cells(self.code, size), reads, takes, law, estimated=True)

    def refitted(self, replicates: FloatArray) -> FloatArray:
        """Propensities of the model fitted under each column of replicate weights. Shapes (n, R) -> (n, R).

        A fit without weights counts each row as often as its replicate weight goes into its base weight.

        Raises:
            ConvergenceError: replicates in which the model cannot be fitted.
        """
        counted = np.divide(self.weights, self.base, out=np.zeros_like(self.base), where=self.base > 0)
        fit = fit_logistic(
            self.x,
            self.responded.astype(np.float64),
            replicates * counted[:, None],
            start=self.coefficients,
            code=self.code,
        )
        bad = np.flatnonzero(fit.separated | ~fit.converged)
        if len(bad):
            raise ConvergenceError(
                f"The model of who responds cannot be fitted in {len(bad)} of {replicates.shape[1]} replicates (replicate "
                f"{listed(bad + 1)}): with their units left out it tells without error who responds. Merge small categories."
            )
        return fit.probabilities

    def details(self, subject: Subject) -> Mapping[str, object]:
        """What the record states of the model."""
        return {
            "coefficients": pd.Series(self.coefficients, index=list(self.names), name="coefficient"),
            "propensity": pd.Series(self.probabilities, index=subject.frame.index, name="propensity"),
        }


def fit_response(
    subject: Subject, model: Model, responded: BoolArray, eligible: BoolArray, weighted: bool
) -> ResponseModel:
    """Fit the model to the eligible rows.

    Raises:
        ConvergenceError: some combination of the predictors tells without error who responds.
    """
    made = distinct_predictors(subject, model)
    base = np.where(eligible, subject.base, 0.0)
    weights = base if weighted else (base > 0).astype(np.float64)
    fit = fit_logistic(made.x, responded.astype(np.float64), weights, code=made.code)
    if fit.separated[0] or not fit.converged[0]:
        raise ConvergenceError(_failure(fit, made, weights), fit)
    return ResponseModel(
        x=made.x,
        code=made.code,
        names=made.names,
        responded=responded,
        eligible=eligible,
        weights=weights,
        base=base,
        coefficients=fit.coefficients[:, 0],
        probabilities=fit.probabilities[:, 0],
        iterations=fit.iterations,
    )


def propensity_classes(p: FloatArray, among: BoolArray, size: int) -> Classes:
    """Classes between the quantiles of p, as R's cut(p, quantile(p, 0:size / size), include.lowest = TRUE).

    Quantiles (type 7) are of the rows `among`; the others are put into the class that their p belongs to. Where many rows
    share a propensity there are fewer classes.
    """
    shown = np.round(p, _EQUAL)
    breaks = np.unique(np.quantile(shown[among], np.arange(size + 1) / size))
    code = np.searchsorted(breaks[1:-1], shown, side="left").astype(np.int64)
    names = tuple(f"propensity {a:.4g} to {b:.4g}" for a, b in pairwise(breaks)) or ("all",)
    return Classes(code, names, np.arange(len(names), dtype=np.int64)[:, None], "propensity")


def _failure(fit: LogisticFit, made: Predictors, weights: FloatArray) -> str:
    if not fit.separated[0]:
        return (
            f"The model of who responds did not converge in {fit.iterations} steps. Check the scale of its variables, or leave "
            "some out."
        )
    fitted = (weights > 0).astype(np.float64)
    counts = fitted if made.code is None else weighted_counts(made.code, fitted, len(made.x))
    spread = np.sqrt(counts @ (made.x - counts @ made.x / counts.sum()) ** 2 / counts.sum())
    size = np.abs(fit.coefficients[:, 0]) * spread
    worst = made.names[int(np.argmax(size))]
    return (
        f"The model tells without error whether some rows responded (separation): {worst} has no finite "
        "coefficient. Merge categories, or leave the variable out."
    )
