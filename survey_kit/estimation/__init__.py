"""Estimators: mean, proportion, total, ratio. Each returns Estimates."""

from survey_kit.estimation.mean import mean
from survey_kit.estimation.proportion import proportion
from survey_kit.estimation.ratio import ratio
from survey_kit.estimation.total import total

__all__ = ["mean", "proportion", "ratio", "total"]
