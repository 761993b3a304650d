"""What a careful reader asks about a file: shared labels, undeclared "don't know", rounded ids, weights, persons."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from survey_kit.codebook import Code, Codebook, format_code
from survey_kit.errors import listed
from survey_kit.io.personal import personal_data
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.schema import Notice

EXACT = 2.0**53  # integers beyond this are rounded in a double
_FEW = 3  # variables whose declaration is written out


def doubts(codes: pd.DataFrame, codebook: Codebook) -> list[Notice]:
    """Notices on a file that was read: nothing is changed."""
    found = [
        _shared_labels(codebook),
        *undeclared_missing(codebook),
        _rounded_ids(codes),
        _weight(codes, codebook),
        personal_data(codes),
    ]
    return [notice for notice in found if notice is not None]


def _shared_labels(codebook: Codebook) -> Notice | None:
    shared = {}
    for variable in codebook.variables.values():
        twice = {text for text, n in Counter(variable.labels.values()).items() if n > 1}
        if twice:
            codes = [format_code(c) for c, text in variable.labels.items() if text in twice]
            shared[variable.name] = f"{variable.name} ({listed(codes)})"
    if not shared:
        return None
    text = f"Codes that share one label are kept apart and shown as 'label [code]': {listed(shared.values())}."
    return Notice("shared_label", text, len(shared))


def undeclared_missing(codebook: Codebook) -> list[Notice]:
    """Codes that look like "don't know" and are not declared missing, with the line that declares them."""
    found = {v.name: looks_like_nonresponse(v) for v in codebook.variables.values()}
    suspects = {name: [format_code(c) for c in likely] for name, likely in found.items() if likely}
    if not suspects:
        return []
    shown = listed([f"{name} ({', '.join(codes)})" for name, codes in suspects.items()])
    line = "poll.undeclared()"
    if len(suspects) <= _FEW:
        line = str({name: [_plain(c) for c in found[name]] for name in suspects})
    text = (
        f"Labelled like 'don't know' or 'refused' but not declared missing: {shown}. They count as answers, and a mean of "
        f"them is refused. Declare them: poll = poll.declare_missing({line})."
    )
    return [Notice("undeclared_missing", text, len(suspects))]


def _plain(code: Code) -> Code:
    """A code as people write it in Python: 98.0 is 98."""
    return int(code) if isinstance(code, float) and code.is_integer() else code


def _rounded_ids(codes: pd.DataFrame) -> Notice | None:
    big = [str(name) for name in codes.columns if is_float_dtype(codes[name].dtype) and _beyond(codes[name])]
    if not big:
        return None
    text = f"Numbers beyond 2^53 may have been rounded when the file was written, ids may coincide: {listed(big)}."
    return Notice("rounded", text, len(big))


def _beyond(column: pd.Series) -> bool:
    """Whether a finite value is as large as a double can count exactly."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if not len(values):
        return False
    ends = np.abs([np.fmax.reduce(values), np.fmin.reduce(values)])
    return bool(((ends >= EXACT) & np.isfinite(ends)).any())


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _weight(codes: pd.DataFrame, codebook: Codebook) -> Notice | None:
    if codebook.weight is None or codebook.weight not in codes:
        return None
    if not pd.api.types.is_numeric_dtype(codes[codebook.weight]):
        return Notice("weight", f"The file names '{codebook.weight}' as its weight, which holds no numbers.")
    values = _floats(codes[codebook.weight])
    counts = {"missing": np.isnan(values).sum(), "negative": (values < 0).sum(), "zero": (values == 0).sum()}
    odd = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    text = f"The file names '{codebook.weight}' as its weight; it is not applied until a design says so."
    return Notice("weight", text + (f" It has values that are {odd}." if odd else ""), int(sum(counts.values())))
