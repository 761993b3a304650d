"""The verbs that state a design: how people were sampled, and whether a part of them was sampled again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from survey_kit.design.design import Design, stages
from survey_kit.design.pps import PPS, as_pps
from survey_kit.design.replicates import Redesigned, S
from survey_kit.design.second_phase import SecondPhase, phase_rows
from survey_kit.errors import DesignError
from survey_kit.recode import evaluate
from survey_kit.schema import Notice

Names = str | Sequence[str] | None


def with_design(
    survey: S,
    weight: str | None = None,
    strata: Names = None,
    psu: Names = None,
    fpc: Names = None,
    lonely_psu: str = "fail",
    lonely_domain: bool = False,
    pps: str | PPS | None = None,
) -> S:
    """State the sampling design. R: svydesign(nest=TRUE); Stata: svyset; SPSS: CSPLAN.

    Args:
        weight: column of the sampling weight.
        strata: column of the strata; a tuple for the strata of each stage.
        psu: column of the primary sampling units, taken as nested in strata; a tuple for several stages.
        fpc: population sizes (> 1) or sampling fractions (<= 1) of the strata of each stage; with `pps` the inclusion
            probability of each unit. Without a weight, weights are what it implies. A stage without fpc counts as drawn
            with replacement, and ends what is seen of those below it.
        lonely_psu: what a stratum with one unit contributes: "fail", "remove", "certainty", "adjust", "average".
        lonely_domain: whether "adjust" and "average" also hold for a stratum of which a domain (`where`, `by`, valid
            answers) leaves one unit. With the other rules such a stratum keeps its zeros, as in R, and a notice says so.
            R: options(survey.adjust.domain.lonely=TRUE), which does nothing after calibration; here it does.
        pps: how units of unequal probabilities were drawn without replacement: "brewer", "overton", "hartley-rao",
            "poisson", or a `PPS(...)`, which also takes joint probabilities. R: svydesign(pps=).

    Raises:
        UnknownNameError, InvalidWeightError, DesignError, LonelyPsuError: at once, not at the first estimate.
    """
    if survey.design.second is not None:
        raise DesignError("This survey is of a second phase. State the design on the survey of the first phase.")
    design = Design(
        weight,
        strata=stages(strata),
        psu=stages(psu),
        fpc=stages(fpc),
        lonely_psu=lonely_psu,
        lonely_domain=lonely_domain,
        pps=as_pps(pps),
    )
    return survey.redesigned(design, _idle_option(design))


def _idle_option(design: Design) -> tuple[Notice, ...]:
    if not design.lonely_domain or design.lonely_psu in ("adjust", "average"):
        return ()
    text = (
        f'lonely_domain=True acts with lonely_psu="adjust" or "average"; with "{design.lonely_psu}" a stratum of which a '
        "domain leaves one unit keeps the zeros of its other units, as in R."
    )
    return (Notice("lonely_domain", text),)


def with_second_phase(
    survey: S,
    subset: str,
    strata: Names = None,
    psu: Names = None,
    fpc: Names = None,
    weight: str | None = None,
    method: str = "full",
) -> S:
    """State that a part of the sample was drawn again, by what was seen in the first phase.

    The design so far is that of the first phase, of which all rows are needed. Estimates are for the rows of the second
    phase, under the product of both weights; degrees of freedom are those of the second phase.

    Args:
        subset: the rows of the second phase: a column of true and false (or 1 and 0), or a condition.
        strata, psu: columns of its strata and sampling units (rows when None); a tuple for several stages.
        fpc: units of its strata in the first phase, or sampling fractions; counted in the data when None.
        weight: column of its own weight; one over the sampling fractions when None.
        method: "full" is unbiased for any number of stages. Without fpc it takes the units of the first phase as drawn
            independently with probability 1 / weight, as R does, so that strata of the first phase save nothing; a notice
            says so. "approx" and "simple" are one: for a first phase of one stage that is subsampled in strata.

    Raises:
        UnknownNameError, NoValidData, ArgumentError, DesignError, LonelyPsuError, UnsupportedOption: at once.

    Differences from R, each where R's number depends on the order of rows or drops a part of the design: "full" takes the
    size of the stratum that a unit is in (R: that of another row, unless sizes are equal) and keeps clusters of a first
    phase without weights; under "approx" units outside a domain keep their probability of phase two (R: 1).

    Equivalent: R twophase(id=list(), strata=list(), subset=, method=).

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"area": [1, 1, 1, 2, 2, 2], "asked": [1, 1, 0, 1, 1, 0], "y": [3.0, 5, None, 6, 9, None]})
        >>> poll = sk.from_frame(df).with_second_phase("asked", strata="area")
        >>> poll.mean("y").frame()[["estimate", "se", "df"]].round(3)
           estimate     se   df
        0      5.75  1.026  2.0
    """
    rows, condition = _phase_rows(survey, subset)
    second = SecondPhase(rows, condition, stages(strata), stages(psu), stages(fpc), weight, method)
    told = _independent_strata(survey.design, second)
    made = cast(Any, survey.redesigned(survey.design.with_second(second), told))
    inside = rows if made.domain is None else rows & made.domain
    text = condition if not made.condition else f"({made.condition}) and ({condition})"
    return cast(S, replace(made, domain=inside, condition=text))


def _phase_rows(survey: Redesigned, subset: str) -> tuple[np.ndarray, str]:
    """The rows of the second phase, and how they are named."""
    if subset in survey.codes:
        return phase_rows(survey.codes[subset], subset), f"{subset} == 1"
    return evaluate(subset, survey.codes, cast(Any, survey).codebook), subset


def _independent_strata(design: Design, second: SecondPhase) -> tuple[Notice, ...]:
    if second.method != "full" or design.fpc or not design.strata:
        return ()
    text = (
        'The first phase has strata but no fpc: method="full" takes its units as drawn independently, so that these strata '
        'save no variance. State fpc, or use method="approx".'
    )
    return (Notice("two_phase", text),)
