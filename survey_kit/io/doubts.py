"""What a careful reader asks about a file: labels shared by codes, undeclared "don't know", rounded ids, weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, format_code
from survey_kit.errors import listed
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.schema import Notice

EXACT = 2.0**53  # integers beyond this are rounded in a double


def doubts(codes: pd.DataFrame, codebook: Codebook) -> list[Notice]:
    """Notices on a file that was read: nothing is changed."""
    found = [_shared_labels(codebook), _undeclared_missing(codebook), _rounded_ids(codes), _weight(codes, codebook)]
    return [notice for notice in found if notice is not None]


def _shared_labels(codebook: Codebook) -> Notice | None:
    shared = {}
    for variable in codebook.variables.values():
        twice = {text for text, n in Counter(variable.labels.values()).items() if n > 1}
        if twice:
            codes = [format_code(c) for c, text in variable.labels.items() if text in twice]
            shared[variable.name] = f"{variable.name} ({', '.join(codes)})"
    if not shared:
        return None
    text = f"Codes that share one label are kept apart and shown as 'label [code]': {listed(shared.values())}."
    return Notice("shared_label", text, len(shared))


def _undeclared_missing(codebook: Codebook) -> Notice | None:
    found = {v.name: looks_like_nonresponse(v) for v in codebook.variables.values()}
    suspects = {name: [format_code(c) for c in likely] for name, likely in found.items() if likely}
    if not suspects:
        return None
    shown = listed([f"{name} ({', '.join(codes)})" for name, codes in suspects.items()])
    text = f"Labelled like 'don't know' or 'refused' but not declared missing: {shown}. Declare them before a mean."
    return Notice("undeclared_missing", text, len(suspects))


def _rounded_ids(codes: pd.DataFrame) -> Notice | None:
    largest = codes.select_dtypes("floating").abs().max()
    big = [str(name) for name in largest.index[largest >= EXACT]]
    if not big:
        return None
    text = f"Numbers beyond 2^53 may have been rounded when the file was written, ids may coincide: {listed(big)}."
    return Notice("rounded", text, len(big))


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _weight(codes: pd.DataFrame, codebook: Codebook) -> Notice | None:
    if codebook.weight is None or codebook.weight not in codes:
        return None
    values = _floats(codes[codebook.weight])
    counts = {"missing": np.isnan(values).sum(), "negative": (values < 0).sum(), "zero": (values == 0).sum()}
    odd = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    text = f"The file names '{codebook.weight}' as its weight; it is not applied until a design says so."
    return Notice("weight", text + (f" It has values that are {odd}." if odd else ""), int(sum(counts.values())))
