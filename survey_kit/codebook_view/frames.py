"""Summaries as DataFrames: a row a variable, a row an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from survey_kit.codebook_view.summary import MISSING, Summary

VARIABLE_COLUMNS = {
    **{"name": "str", "label": "str", "question": "str", "type": "str", "measure": "str", "values": "str"},
    **{"missing": "str", "filter": "str", "n": "int64", "missing_n": "int64"},
    **{"min": "float64", "mean": "float64", "max": "float64"},
    **{"earliest": "datetime64[us]", "latest": "datetime64[us]", "flag": "str"},
}
ANSWER_COLUMNS = {
    **{"variable": "str", "code": "object", "label": "str", "kind": "str", "n": "int64", "percent": "float64"},
}
_FIELD = {"min": "low", "max": "high"}


def variable_frame(summaries: Iterable[Summary]) -> pd.DataFrame:
    """One row a variable: `VARIABLE_COLUMNS`."""
    rows = list(summaries)
    data = {name: [getattr(s, _FIELD.get(name, name)) for s in rows] for name in VARIABLE_COLUMNS}
    return _typed(data, VARIABLE_COLUMNS)


def answer_frame(summaries: Iterable[Summary]) -> pd.DataFrame:
    """One row an answer: `ANSWER_COLUMNS`. `percent` is the weighted percentage of valid answers, from 0 to 100."""
    pairs = [(s.name, a) for s in summaries for a in s.answers]
    data = {
        "variable": [name for name, _ in pairs],
        "code": [int(a.code) if isinstance(a.code, float) and a.code.is_integer() else a.code for _, a in pairs],
        "label": [a.label for _, a in pairs],
        "kind": [a.kind for _, a in pairs],
        "n": [a.n for _, a in pairs],
        "percent": [float("nan") if a.kind == MISSING else 100 * a.share for _, a in pairs],
    }
    return _typed(data, ANSWER_COLUMNS)


def _typed(data: Mapping[str, object], types: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(data[name], dtype=dtype) for name, dtype in types.items()})
