"""Multiple-response sets as one question each: who mentioned what, of all who were asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from survey_kit.block import Block, multiple_response
from survey_kit.codebook import Codebook, MultipleResponse, format_code
from survey_kit.codebook_view.summary import MISSING, MULTIPLE, UNLABELLED, VALID, Answer, Rows, Summary
from survey_kit.errors import SurveyKitError


def summarise_set(codes: pd.DataFrame, codebook: Codebook, question: MultipleResponse, rows: Rows) -> Summary:
    """One multiple-response set with what was answered; shares are of those asked, and may add up to more than 1.

    A member of a set of dichotomies has its column's name as code, an answer of a set of categories its own code.
    """
    base = Summary(
        name=question.name,
        label=question.label,
        question=question.question,
        type=MULTIPLE,
        values="" if question.counted is None else f"{format_code(question.counted)} = mentioned",
        members=question.columns,
    )
    lacking = [c for c in question.columns if c not in codes.columns or c not in codebook]
    if lacking:
        return replace(base, flag=f"There is no column {lacking[0]!r} in the data.")
    try:
        block = multiple_response(codes, codebook, question)
    except SurveyKitError as error:  # members that do not belong together
        return replace(base, flag=str(error))
    return _answered(base, block, codebook, rows)


def _answered(base: Summary, block: Block, codebook: Codebook, rows: Rows) -> Summary:
    inside = np.ones(len(block.base), dtype=bool) if rows.inside is None else rows.inside
    weight = np.zeros(len(block.base))
    weight[inside] = rows.weight
    asked = block.base & inside
    n, missing_n, total = int(asked.sum()), int(inside.sum() - asked.sum()), float(weight[asked].sum())
    counts, weights = block.hits.totals(inside.astype(float)), block.hits.totals(weight)
    of_categories = base.values == ""
    known = codebook[base.members[0]].labels if of_categories else block.codes
    answers = [
        Answer(
            code,
            label if code in known else "",
            VALID if code in known else UNLABELLED,
            int(count),
            float(sum_of_weights) / total if total > 0 else np.nan,
        )
        for label, code, count, sum_of_weights in zip(block.labels, block.codes, counts, weights, strict=True)
    ]
    if missing_n:
        answers.append(Answer(None, "Nothing valid in any of its columns", MISSING, missing_n))
    return replace(base, n=n, missing_n=missing_n, answers=tuple(answers))
