"""Two frames that overlap, such as landlines and cell phones: one composite weight for both samples."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, NoValidData, unknown
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.kernels.weight_stats import effective_n
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.made import Made, hand_back, weights_of
from survey_kit.weighting.rows.columns import check_column
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Base, Subject, category_text, subject_of
from survey_kit.weighting.rows.who import Who, rows_where
from survey_kit.weighting.targets.category_order import in_order

S = TypeVar("S", bound=SurveyLike)


@overload
def dual_frame(
    data: pd.DataFrame,
    frame: Hashable,
    reach: Who,
    base: Base = None,
    *,
    theta: float | Mapping[Hashable, float] | str = 0.5,
) -> Weights: ...
@overload
def dual_frame(  # type: ignore[overload-cannot-match]
    data: S,
    frame: Hashable,
    reach: Who,
    base: Base = None,
    *,
    theta: float | Mapping[Hashable, float] | str = 0.5,
) -> S: ...
def dual_frame(
    data: pd.DataFrame | SurveyLike,
    frame: Hashable,
    reach: Who,
    base: Base = None,
    *,
    theta: float | Mapping[Hashable, float] | str = 0.5,
) -> Weights | SurveyLike:
    """Composite weights of two samples from overlapping frames: people whom both frames reach count theta and 1 - theta.

    Args:
        data: both samples in one DataFrame or survey, one below the other.
        frame: column that says which sample a row is from; two categories.
        reach: whether the person can be reached through both frames (a dual user): a column of True and False (1 and 0), an
            array or Series of these; for a survey also a condition in words, "phones == 3".
        base: base weights of each sample within its own frame: a column, a Series, an array, or the Weights of an earlier
            step. None: ones; for a survey its weight in force.
        theta: what dual users of one frame count: {"landline": 0.4} (those of the other count 0.6); a number, for the
            frame whose category comes first; or "n_eff": in proportion to the effective sizes (Kish) of the two samples of
            dual users, which is near to the best for many questions at once.

    Returns:
        Weights for a DataFrame; `.factors` has dual users, their effective size and factor of each frame. For a survey the
        same survey under them. The frames were sampled independently of each other: they should be strata of the design (a
        notice says if they are not). theta counts as fixed.

    Raises:
        ArgumentError: another number of frames than two, theta outside [0, 1], missing values.
        NoValidData: no dual users in one of the samples. UnknownNameError, InvalidWeightError, UnsupportedOption: others.

    R: survey::multiframe(theta =). Stata, SPSS: by hand.
    Source: Hartley (1962), Proc. ASA Social Statistics Section, 203; Lohr & Rao (2006), JASA 101, 1019.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"phone": ["cell", "cell", "line", "line"], "both": [True, False, True, False]})
        >>> dual_frame(df, "phone", "both", theta={"cell": 0.6}).values.tolist()
        [0.6, 1.0, 0.4, 1.0]
    """
    subject = subject_of(data, base)
    codes, names = _frames(subject, frame)
    both = rows_where(subject, reach, "reach")
    size = [effective_n(subject.base[both & (codes == f)]) if (both & (codes == f)).any() else 0.0 for f in (0, 1)]
    parts = _parts(theta, names, size)
    factor = np.where(both, np.array(parts)[codes], 1.0)
    made = Made(
        values=subject.base * factor,
        method="dual_frame",
        solver="closed form",
        notices=_told(subject, frame, codes),
        factors=_factor_table(names, codes, both, size, parts),
    )
    return hand_back(subject, weights_of(subject, made), lambda again: _replicates(again, factor))


def _frames(subject: Subject, frame: Hashable) -> tuple[IntArray, tuple[str, ...]]:
    """The frame of each row, 0 or 1, and the names of the two."""
    check_column(frame, subject.frame.columns)
    found = in_order(subject, frame)
    if found.missing:
        raise ArgumentError(
            f"frame {str(frame)!r} has no value in {found.missing} of {subject.n} rows. Every row is from one."
        )
    present = np.flatnonzero(np.bincount(found.codes, minlength=len(found.names)))
    if len(present) != 2:
        raise ArgumentError(
            f"frame {str(frame)!r} has {len(present)} categories in the data; two frames are combined here."
        )
    return (found.codes == present[1]).astype(np.int64), (found.names[present[0]], found.names[present[1]])


def _parts(
    theta: float | Mapping[Hashable, float] | str, names: tuple[str, ...], size: list[float]
) -> tuple[float, float]:
    """What dual users of each frame count."""
    alone = [name for name, n in zip(names, size, strict=True) if n == 0]
    if alone:
        raise NoValidData(
            f"No dual users in the sample of {alone[0]!r}: the overlap is held by the other sample alone. Check reach, or keep "
            "the base weights."
        )
    if isinstance(theta, str):
        if theta != "n_eff":
            raise ArgumentError(f"theta={theta!r} is not available. Give a number, {{frame: number}}, or 'n_eff'.")
        return size[0] / sum(size), size[1] / sum(size)
    if not isinstance(theta, Mapping):
        return _share(theta), 1 - _share(theta)
    given = {category_text(k): _share(v) for k, v in theta.items()}
    strange = [k for k in given if k not in names]
    if strange or not given:
        raise unknown("frame", strange[0] if strange else "", names)
    first = given.get(names[0], 1 - given.get(names[1], 0.0))
    if abs(first + given.get(names[1], 1 - first) - 1) > 1e-9:
        raise ArgumentError(f"theta={dict(theta)!r} must sum to 1: dual users would count more or less than once.")
    return first, 1 - first


def _share(theta: object) -> float:
    if not is_number(theta) or not 0 <= theta <= 1:
        raise ArgumentError(
            f"theta={theta!r} must lie between 0 and 1: it is the part of the overlap that one frame stands for."
        )
    return float(theta)


def _replicates(base: ReplicateBase, factor: FloatArray) -> FloatArray:
    weights = base.weights
    weights *= factor[:, None]
    return weights


def _factor_table(
    names: tuple[str, ...], codes: IntArray, both: BoolArray, size: list[float], parts: tuple[float, float]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "class": list(names),
            "n": np.bincount(codes, minlength=2),
            "dual": np.bincount(codes[both], minlength=2),
            "n_eff_dual": size,
            "factor": parts,
        }
    )


def _told(subject: Subject, frame: Hashable, codes: IntArray) -> tuple[Notice, ...]:
    """A notice where the design of a survey does not have the frames as strata."""
    if subject.survey is None or subject.survey.bound.replicates is not None:
        return ()
    from survey_kit.kernels.variance import StageScheme  # scipy is loaded for surveys only

    first = subject.survey.bound.stages[0]
    if not isinstance(first.scheme, StageScheme):
        return ()
    stratum = first.scheme.stratum[first.unit]
    mixed = np.intersect1d(stratum[codes == 0], stratum[codes == 1])
    if not len(mixed):
        return ()
    text = f"Rows of both frames share a stratum of the design. The frames were sampled apart: add {str(frame)!r} to the strata."
    return (Notice("frames_not_strata", text, len(mixed)),)
