"""Weighting: rows of a DataFrame or a survey in, weights with their record out.

Loads numpy and pandas only, so that another study can use it alone.
"""

from __future__ import annotations

from survey_kit.weighting.calibrate import calibrate
from survey_kit.weighting.design_effect import DesignEffect, design_effect
from survey_kit.weighting.rake import rake

__all__ = ["DesignEffect", "calibrate", "design_effect", "rake"]
