"""Weighting: rows of a DataFrame or a survey in, weights with their record out.

Loads numpy and pandas only, so that another study can use it alone.
"""

from __future__ import annotations

from survey_kit.weighting.anesrake import anesrake
from survey_kit.weighting.base_weights import base_weights
from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.cbps import cbps
from survey_kit.weighting.choose_margins import choose_margins
from survey_kit.weighting.design_effect import DesignEffect, design_effect
from survey_kit.weighting.dual_frame import dual_frame
from survey_kit.weighting.eligibility import redistribute_unknown
from survey_kit.weighting.matching import match
from survey_kit.weighting.nonresponse import adjust_nonresponse
from survey_kit.weighting.normalize import normalize
from survey_kit.weighting.poststratify import poststratify
from survey_kit.weighting.propensity import propensity
from survey_kit.weighting.rake import rake
from survey_kit.weighting.targets.collapse import CollapsedTargets, collapse_targets
from survey_kit.weighting.targets.sources import TargetTable, targets_from
from survey_kit.weighting.trim import trim
from survey_kit.weighting.trim_mse import trim_mse

__all__ = [
    "CollapsedTargets",
    "DesignEffect",
    "TargetTable",
    "adjust_nonresponse",
    "anesrake",
    "base_weights",
    "calibrate",
    "cbps",
    "choose_margins",
    "collapse_targets",
    "design_effect",
    "dual_frame",
    "match",
    "normalize",
    "poststratify",
    "propensity",
    "rake",
    "redistribute_unknown",
    "targets_from",
    "trim",
    "trim_mse",
]
