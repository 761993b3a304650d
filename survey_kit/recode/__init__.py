"""Conditions, new variables, missing rules, labels: functions on codes and Codebook. Nothing changes in place."""

from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import answer_code, display_texts, label_code, present_codes
from survey_kit.recode.crossed import cross
from survey_kit.recode.dictionary import declare_missing, relabel, rename
from survey_kit.recode.expression import evaluate
from survey_kit.recode.frames import from_frame_codebook
from survey_kit.recode.grouped import collapse, net
from survey_kit.recode.labelled import category_order, labelled_view, stays_numeric
from survey_kit.recode.mapped import mapping
from survey_kit.recode.numbers import bands, reverse
from survey_kit.recode.reasons import missing_reasons
from survey_kit.recode.recipe import Recipe, RecodedSet
from survey_kit.recode.recoded import Recoded
from survey_kit.recode.run import Recodes, run
from survey_kit.recode.set_nets import member_texts
from survey_kit.recode.sets import multiple_response

__all__ = [
    "Recipe",
    "Recoded",
    "RecodedSet",
    "Recodes",
    "answer_code",
    "bands",
    "category_order",
    "collapse",
    "cross",
    "declare_missing",
    "display_texts",
    "evaluate",
    "from_frame_codebook",
    "label_code",
    "labelled_view",
    "looks_like_nonresponse",
    "mapping",
    "member_texts",
    "missing_reasons",
    "multiple_response",
    "net",
    "present_codes",
    "relabel",
    "rename",
    "reverse",
    "run",
    "stays_numeric",
]
