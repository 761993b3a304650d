"""Which margins a sample is off by enough to be weighted to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.weighting.raking.choice import Keep, Measure, choice_of, measure_table
from survey_kit.weighting.rows.missing_answers import Missing
from survey_kit.weighting.rows.subject import Base, subject_of
from survey_kit.weighting.targets.read import Targets
from survey_kit.weighting.targets.target_set import target_set


def choose_margins(
    data: pd.DataFrame | SurveyLike,
    targets: Targets,
    base: Base = None,
    limit: float | None = 0.05,
    measure: Measure = "total",
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    keep: Keep = "largest",
    missing: Missing = "error",
    seed: int = 0,
) -> pd.DataFrame:
    """How far each variable is from its targets under the base weights, and which ones `anesrake` would rake to.

    Args:
        data: a DataFrame, or a survey.
        targets: as for `rake`.
        base: base weights, as for `rake`.
        limit: a variable is chosen when its measure is at least this: 0.05 are five points. None: no limit, all are.
        measure: of the gaps between target shares and shares, over the categories of a variable: "total" (sum of absolute
            gaps), "max", "average", or of squared gaps "totalsquared", "maxsquared", "averagesquared".
        at_least: if fewer reach the limit, the furthest so many are chosen.
        at_most: if more reach the limit, the furthest so many are chosen.
        keep: "largest" takes the variables that are furthest off, as R's manual says; "smallest" those that are least off,
            as R anesrake 0.80 does in fact.
        missing, seed: rows without a value, as for `rake`. R: "ignore".

    Returns:
        One row for each variable in the order of the targets: variable, the six measures, chosen.

    Raises:
        TargetMismatchError, TargetError, UnknownNameError, InvalidWeightError, ArgumentError, NoValidData.

    R: anesrake::anesrakefinder, selecthighestpcts (limit = pctlim), selectnhighest (at_least and at_most = nlim).
    Stata, SPSS: none. Source: DeBell & Krosnick (2009), ANES Technical Report nes012427.

    Example:
        >>> import pandas as pd
        >>> df = pd.DataFrame({"sex": ["m", "m", "f", "f"], "town": ["yes", "no", "no", "no"]})
        >>> found = choose_margins(df, {"sex": {"m": 0.49, "f": 0.51}, "town": {"yes": 0.4, "no": 0.6}})
        >>> found[["variable", "total", "max", "chosen"]].round(6).to_dict("list")
        {'variable': ['sex', 'town'], 'total': [0.02, 0.3], 'max': [0.01, 0.15], 'chosen': [False, True]}
    """
    choice = choice_of(limit, measure, at_least, at_most, keep)
    subject = subject_of(data, base)
    wanted = target_set(subject, targets, missing, seed)
    choice.check(len(wanted.margins))
    table = measure_table(wanted.margins, subject.base)
    chosen = choice.first(table[measure].to_numpy())
    return table.assign(chosen=np.isin(np.arange(len(table)), chosen))
