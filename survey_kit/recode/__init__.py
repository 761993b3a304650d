"""Conditions, new variables, missing rules, labels: functions on codes and Codebook. Nothing changes in place."""

from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import answer_code, display_texts, label_code, present_codes
from survey_kit.recode.dictionary import declare_missing, relabel, rename
from survey_kit.recode.expression import evaluate
from survey_kit.recode.frames import from_frame_codebook
from survey_kit.recode.labelled import category_order, labelled_view, stays_numeric
from survey_kit.recode.recoded import Recoded
from survey_kit.recode.recodes import band, collapse, cross, indicator

__all__ = [
    "Recoded",
    "answer_code",
    "band",
    "category_order",
    "collapse",
    "cross",
    "declare_missing",
    "display_texts",
    "evaluate",
    "from_frame_codebook",
    "indicator",
    "label_code",
    "labelled_view",
    "looks_like_nonresponse",
    "present_codes",
    "relabel",
    "rename",
    "stays_numeric",
]
