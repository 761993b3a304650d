"""Covariate balancing propensity scores: weights that are propensities and meet the reference's totals exactly."""

from __future__ import annotations

from typing import TypeVar, overload

import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import one_of
from survey_kit.kernels.propensity import MAX_ITER
from survey_kit.results.weights import Weights
from survey_kit.weighting.propensity import Call, weighted_by
from survey_kit.weighting.response.terms import Model
from survey_kit.weighting.rows.subject import Base

S = TypeVar("S", bound=SurveyLike)

WEIGHTS = {"inverse": "balance", "odds": "balance odds"}


@overload
def cbps(
    data: pd.DataFrame,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    weights: str = "inverse",
    max_iter: int = MAX_ITER,
) -> Weights: ...
@overload
def cbps(  # type: ignore[overload-cannot-match]
    data: S,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    weights: str = "inverse",
    max_iter: int = MAX_ITER,
) -> S: ...
def cbps(
    data: pd.DataFrame | SurveyLike,
    reference: pd.DataFrame | SurveyLike,
    model: Model,
    base: Base = None,
    *,
    reference_weight: str | None = None,
    population: float | None = None,
    weights: str = "inverse",
    max_iter: int = MAX_ITER,
) -> Weights | SurveyLike:
    """Weights of a nonprobability sample by the propensities under which it has the reference's totals exactly.

    sum_A w x = sum_B d x for every column x of the model, with p logistic in x and

    - weights="inverse": w = 1 / p, p the chance of a person of the population to be in the sample (Kim & Riddles 2012; the
      calibrated propensities of Chen, Li & Wu 2020). The reference's weights must sum to the population.
    - weights="odds": w = (1 - p) / p (Imai & Ratkovic 2014, for the units that are not in the sample). These are the
      weights of entropy balancing, and of calibration by raking, to the reference's totals.

    As many equations as coefficients; the over-identified variant, which adds the score of the likelihood and balances
    neither exactly, is not available.

    Args, Returns, Raises: as in `propensity`; the balance is exact (1e-10 of each total), so that the result is also a
    calibration, and estimates of what is linear in x hold whether the propensities are right or not.

    Equivalent: R nonprobsvy::nonprob with control_sel(est_method = "gee", gee_h_fun = 1) (inverse); WeightIt::weightit(
    method = "cbps", over = FALSE, estimand = "ATC"), CBPS::CBPS(method = "exact"), ebal (odds). Stata: ebalance. SPSS: none.

    Example:
        >>> import pandas as pd
        >>> panel = pd.DataFrame({"age": [20.0, 30, 40, 50, 60]})
        >>> people = pd.DataFrame({"age": [25.0, 45, 65], "d": [30.0, 40, 30]})
        >>> made = cbps(panel, people, ["age"], reference_weight="d")
        >>> round(float((made.values * panel["age"]).sum() / made.values.sum()), 6)
        45.0
    """
    one_of("weights", weights, tuple(WEIGHTS))
    call = Call(WEIGHTS[weights], "cbps", reference_weight, population, max_iter)
    return weighted_by(call, data, reference, model, base)
