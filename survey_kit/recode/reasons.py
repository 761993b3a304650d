"""Why a value is missing: the reason of each row, so that the reasons can be counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Variable
from survey_kit.recode.answers import column_of, display_texts, present_codes

SYSTEM_MISSING = "system-missing"


def missing_reasons(codes: pd.DataFrame, codebook: Codebook, column: str) -> pd.Series:
    """The reason for which each row has no valid answer. Shape (n,).

    Returns:
        A Categorical: NaN where the answer is valid, the label of the user-missing code ("Refused"; the code itself
        where it has none), or "system-missing" for an empty cell. Categories: labelled reasons in codebook order, then
        codes without a label, then "system-missing".

    Equivalents: R `haven::na_tag`, `labelled::is_user_na`; SPSS keeps the codes.

    >>> from survey_kit.codebook import MissingRule
    >>> book = Codebook({"q": Variable("q", labels={1: "Yes", 9: "Refused"}, missing=MissingRule((9, 8)))})
    >>> missing_reasons(pd.DataFrame({"q": [1, 9, 8, None]}), book, "q").tolist()
    [nan, 'Refused', '8', 'system-missing']
    """
    series = column_of(codes, column)
    variable = codebook[column] if column in codebook else Variable(column)
    order = _missing_codes(series, variable)
    place = pd.Index(order, dtype=object).get_indexer(series.astype(object))
    reasons = np.where(series.isna().to_numpy(), len(order), place)
    texts = display_texts(variable, order)
    dtype = pd.CategoricalDtype([*texts, _free_text(texts)])
    return pd.Series(pd.Categorical.from_codes(reasons, dtype=dtype), index=series.index, name=column)


def _free_text(texts: list[str]) -> str:
    """ "system-missing", or with stars where a label says the same."""
    text = SYSTEM_MISSING
    while text in texts:
        text += "*"
    return text


def _missing_codes(series: pd.Series, variable: Variable) -> list[Code]:
    """User-missing codes: labelled ones in codebook order, then present ones."""
    rule = variable.missing
    if rule is None or pd.api.types.is_datetime64_any_dtype(series.dtype):
        return []
    labelled = [c for c in variable.labels if c in rule]
    return labelled + [c for c in present_codes(series) if c in rule and c not in variable.labels]
