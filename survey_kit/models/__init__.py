"""Models that explain attitudes: glm, margins, scale."""

from survey_kit.models.glm import glm
from survey_kit.models.margins import margins
from survey_kit.models.scale import scale

__all__ = ["glm", "margins", "scale"]
