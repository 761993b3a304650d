"""Estimators. Each is a verb in a file of its name and returns Estimates."""

from survey_kit.estimation.cdf import cdf
from survey_kit.estimation.correlation import correlation, covariance
from survey_kit.estimation.count import count
from survey_kit.estimation.gini import gini
from survey_kit.estimation.mean import mean
from survey_kit.estimation.proportion import proportion
from survey_kit.estimation.quantile import median, quantile
from survey_kit.estimation.ratio import ratio
from survey_kit.estimation.share import share
from survey_kit.estimation.statistic import statistic
from survey_kit.estimation.total import total
from survey_kit.estimation.variance import sd, variance

__all__ = [
    "cdf",
    "correlation",
    "count",
    "covariance",
    "gini",
    "mean",
    "median",
    "proportion",
    "quantile",
    "ratio",
    "sd",
    "share",
    "statistic",
    "total",
    "variance",
]
