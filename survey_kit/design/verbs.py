"""The verbs that state a design: how people were sampled, whether a part was sampled again, replicate weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey_kit.design.build_replicates import with_built_replicates
from survey_kit.design.design import Design, as_stages, check_column
from survey_kit.design.given_replicates import with_given_replicates
from survey_kit.design.pps import PPS, as_pps
from survey_kit.design.protocol import S, SurveyLike
from survey_kit.design.second_phase import SecondPhase, phase_rows
from survey_kit.errors import DesignError
from survey_kit.recode import evaluate

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
            probability of each unit. Without a weight, weights are what it implies, for which every stage needs one. A
            stage without fpc counts as drawn with replacement, and ends what is seen of those below it.
        lonely_psu: what a stratum with one unit contributes: "fail", "remove", "certainty", "adjust", "average".
        lonely_domain: whether "adjust" and "average" also hold for a stratum of which a domain (`where`, `by`, valid
            answers) leaves one unit. The other rules do not take it: with them such a stratum keeps its zeros, as in R.
            R: options(survey.adjust.domain.lonely=TRUE), which does nothing after calibration; here it does.
        pps: how units of unequal probabilities were drawn without replacement: "brewer", "overton", "hartley-rao",
            "poisson", or a `PPS(...)`, which also takes joint probabilities. R: svydesign(pps=).

    Raises:
        UnknownNameError, ArgumentError, InvalidWeightError, DesignError, LonelyPsuError, UnsupportedOption: at once, not at
            the first estimate.
    """
    if survey.design.second is not None:
        raise DesignError("This survey is of a second phase. State the design on the survey of the first phase.")
    check_column("weight", weight)
    design = Design(
        weight,
        strata=as_stages("strata", strata),
        psu=as_stages("psu", psu),
        fpc=as_stages("fpc", fpc),
        lonely_psu=lonely_psu,
        lonely_domain=lonely_domain,
        pps=as_pps(pps),
    )
    return survey.redesigned(design)


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
    check_column("weight", weight)
    stages = (as_stages("strata", strata), as_stages("psu", psu), as_stages("fpc", fpc))
    second = SecondPhase(rows, condition, *stages, weight, method)
    return survey.redesigned(survey.design.with_second(second), within=(rows, condition))


def _phase_rows(survey: SurveyLike, subset: str) -> tuple[np.ndarray, str]:
    """The rows of the second phase, and how they are named."""
    check_column("subset", subset)
    if subset in survey.codes:
        return phase_rows(survey.codes[subset], subset), f"{subset} == 1"
    return evaluate(subset, survey.codes, survey.codebook), subset


def with_replicates(
    survey: S,
    weights: Sequence[str] | str,
    method: str,
    weight: str | None = None,
    rho: float | None = None,
    scale: float | None = None,
    rscales: Sequence[float] | float | None = None,
    mse: bool | None = None,
    combined: bool = True,
    degf: float | None = None,
) -> S:
    """State replicate weights that came with the file: V = scale * sum_r rscales_r (theta_r - c)^2.

    Args:
        weights: names of the columns, or a regular expression for whole names ("PWGTP[0-9]+"; PWGTP2 before PWGTP10).
        method: "JK1", "JKn", "JK2", "BRR", "Fay", "bootstrap", "SDR" (successive differences), "ACS" or "other". It
            sets `scale`: 1/R for BRR, 1/(R (1 - rho)^2) for Fay, 4/R for SDR and ACS, 1 for JK2 and JKn, and where
            none is given 1/(R - 1) for bootstrap and (R - 1)/R for JK1.
        weight: the full-sample weight; that of the present design when None.
        rho: Fay's coefficient, for "Fay" alone, which needs it.
        scale, rscales: constants of the variance. JKn needs rscales, (n_h - 1)/n_h for each replicate, unless its
            factors show them; "other" needs both. A finite population correction is a factor of rscales.
        mse: c is the full-sample estimate, not the mean of the replicates with rscales > 0. None: True for "ACS" alone.
        combined: False when the columns are factors on the full-sample weight.
        degf: degrees of freedom when they are known; the rank of the replicate weights less 1 otherwise, in a domain
            that of its rows.

    Raises:
        UnknownNameError, ArgumentError, InvalidWeightError, DesignError. Factors that are declared as weights, or the
        other way round, are refused.

    Equivalent: R svrepdesign; Stata svyset, jkrweight() brrweight() bsrweight() sdrweight(); SAS REPWEIGHTS.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"x": [1.0, 2, 4], "w": 2.0, "r1": [0, 3, 3], "r2": [3, 0, 3], "r3": [3, 3, 0]})
        >>> poll = sk.from_frame(df).with_replicates("r[0-9]", "JK1", weight="w", scale=2 / 3)
        >>> sk.mean(poll, "x").se.round(4).tolist()
        [0.8819]
    """
    design = with_given_replicates(
        survey.design,
        survey.codes,
        weights,
        method=method,
        weight=weight,
        rho=rho,
        scale=scale,
        rscales=rscales,
        mse=mse,
        combined=combined,
        degf=degf,
    )
    return survey.redesigned(design)


def replicate(
    survey: S,
    method: str = "JKn",
    replicates: int | None = None,
    seed: int | None = None,
    rho: float | None = None,
    mse: bool = False,
    bootstrap: str | None = None,
    order: str | None = None,
) -> S:
    """Build replicate weights from the design: factors of its sampling units, with the design's degrees of freedom.

    Args:
        method: "JK1" (no strata), "JKn", "BRR" or "Fay" (two units in every stratum; the smallest Hadamard matrix with
            a row for each), "bootstrap", or "SDR" (successive differences of units in their order of sampling).
        replicates: how many, for "bootstrap" and, where units are many, "SDR"; an order of a Hadamard matrix for SDR,
            BRR and Fay. SDR is exact for a total when they outnumber the units.
        seed: for "bootstrap": the same seed gives the same factors, whatever the order of rows within units.
        rho: Fay's coefficient.
        mse: deviations from the full-sample estimate instead of the replicate mean.
        bootstrap: "Rao-Wu" (rescaled, n_h - 1 drawn with replacement; R "subbootstrap"; the default), "Canty-Davison"
            (R "bootstrap", with the first stage's fpc) or "Preston" (R "mrbbootstrap", every stage with its fpc).
        order: for "SDR": column with each unit's place in the order of sampling; the order of the file when None.

    What the replicates do not know of the design (fpc of BRR, Fay, SDR and Rao-Wu; later stages) is a notice on
    every result. Strata that have one unit under lonely_psu="remove" or "certainty", or were taken as a whole, do not vary.
    Weight afterwards, poll.replicate(...).rake(...): the weighting is then repeated in every replicate.

    Raises:
        ArgumentError, DesignError, UnsupportedOption.

    Equivalent: R as.svrepdesign; Stata svy bootstrap, svy jackknife, svy brr (gsample, bsweights); SAS VARMETHOD=.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> df = pd.DataFrame({"s": [1, 1, 2, 2], "x": [1.0, 3, 5, 6]})
        >>> poll = sk.from_frame(df).with_design(strata="s").replicate("BRR")
        >>> sk.total(poll, "x").se.round(4).tolist()  # sqrt((1 - 3)^2 + (5 - 6)^2)
        [2.2361]
    """
    design = with_built_replicates(
        survey.design,
        survey.bound,
        survey.codes,
        method=method,
        replicates=replicates,
        seed=seed,
        rho=rho,
        mse=mse,
        bootstrap=bootstrap,
        order=order,
    )
    return survey.redesigned(design)
