"""Models that explain attitudes, and means that rest on models: glm, margins, scale, doubly_robust."""

from survey_kit.models.doubly_robust import doubly_robust
from survey_kit.models.glm import glm
from survey_kit.models.margins import margins
from survey_kit.models.scale import scale

__all__ = ["doubly_robust", "glm", "margins", "scale"]
