"""The codebook as people see it: counts and weighted shares, in a notebook, as a page, as a workbook."""

from survey_kit.codebook_view.view import SurveyCodebook

__all__ = ["SurveyCodebook"]
