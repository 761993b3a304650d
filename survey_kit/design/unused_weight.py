"""A weight that the file declares and nobody uses: SPSS would weight by it, so every unweighted result says so."""

from __future__ import annotations

from survey_kit.design.protocol import SurveyLike
from survey_kit.schema import Notice


def unused_weight(survey: SurveyLike) -> str | None:
    """The weight that the file declares, where no design was stated, so that estimates are unweighted."""
    declared = survey.codebook.weight
    return declared if declared is not None and not survey.design.stated and declared in survey.codes else None


def unused_weight_notices(survey: SurveyLike) -> tuple[Notice, ...]:
    """What a reader of unweighted results must know."""
    name = unused_weight(survey)
    if name is None:
        return ()
    text = f'Unweighted: the weight of the file, {name!r}, is not in use. with_design(weight="{name}") puts it to use.'
    return (Notice("unused_weight", text),)
