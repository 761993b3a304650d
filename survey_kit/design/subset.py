"""A subset of rows is not a domain: frames taken from a designed survey remember it, and a part of one is refused.

Strata and sampling units that hold no row of the subset vanish with it, and with them their share of the variance. The
mark is a small entry in `DataFrame.attrs`, which pandas carries through filters and selections.
"""

from __future__ import annotations

import pandas as pd

from survey_kit.design.design import Design
from survey_kit.errors import DesignError

_MARK = "survey_kit"


def marked(frame: pd.DataFrame, rows: int, design: Design) -> pd.DataFrame:
    """The same frame, remembering how many rows its survey has and what its design is; without a mark for no design."""
    if not design.stated:
        return unmarked(frame)
    out = frame.copy(deep=False)
    out.attrs = {**frame.attrs, _MARK: {"rows": rows, "design": design.describe(), "columns": list(design.columns)}}
    return out


def unmarked(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame without the mark."""
    if _MARK not in frame.attrs:
        return frame
    out = frame.copy(deep=False)
    out.attrs = {key: value for key, value in frame.attrs.items() if key != _MARK}
    return out


def refuse_subset(frame: pd.DataFrame) -> None:
    """Raise DesignError when the frame is a part of a survey that had a design, its design columns included."""
    origin = frame.attrs.get(_MARK)
    if origin is None or len(frame) >= origin["rows"] or not set(origin["columns"]) <= set(frame.columns):
        return
    raise DesignError(
        f"This frame holds {len(frame):,} of the {origin['rows']:,} rows of a survey with a design ({origin['design']}). A "
        "subset of rows is not a domain: the strata and sampling units that vanish with the other rows are lost to the "
        'variance. Keep the survey and say poll.where("..."), or where="..." in the call. If these rows are a sample of '
        "their own, say from_frame(frame, own_sample=True)."
    )
