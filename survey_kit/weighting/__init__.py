"""Weighting: rows of a DataFrame or a survey in, weights with their record out.

Loads numpy and pandas only, so that another study can use it alone.
"""

from __future__ import annotations

from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.cbps import cbps
from survey_kit.weighting.design_effect import DesignEffect, design_effect
from survey_kit.weighting.matching import match
from survey_kit.weighting.propensity import propensity
from survey_kit.weighting.rake import rake
from survey_kit.weighting.target_sources import TargetTable, targets_from

__all__ = [
    "DesignEffect",
    "TargetTable",
    "calibrate",
    "cbps",
    "design_effect",
    "match",
    "propensity",
    "rake",
    "targets_from",
]
