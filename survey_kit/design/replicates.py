"""The verbs that give a survey replicate weights: those of the file, or built from its design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from survey_kit.design.build_replicates import with_built_replicates
from survey_kit.design.given_replicates import with_given_replicates

if TYPE_CHECKING:
    import pandas as pd

    from survey_kit.design.bound import BoundDesign
    from survey_kit.design.design import Design
    from survey_kit.schema import Notice


class Redesigned(Protocol):
    """A survey that can be had under another design."""

    @property
    def design(self) -> Design: ...

    @property
    def bound(self) -> BoundDesign: ...

    @property
    def codes(self) -> pd.DataFrame: ...

    def redesigned(self, design: Design, notices: tuple[Notice, ...] = ()) -> Self: ...


S = TypeVar("S", bound=Redesigned)


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
    asked = (weights, method, weight, rho, scale, rscales, mse, combined, degf)
    return survey.redesigned(*with_given_replicates(survey.design, survey.codes, *asked))


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

    What the replicates do not know of the design (fpc of BRR, Fay, SDR and Rao-Wu; later stages) is a notice. Strata
    that have one unit under lonely_psu="remove" or "certainty", or were taken as a whole, do not vary. Weight
    afterwards, poll.replicate(...).rake(...): the weighting is then repeated in every replicate.

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
    asked = (method, replicates, seed, rho, mse, bootstrap, order)
    return survey.redesigned(*with_built_replicates(survey.design, survey.bound, survey.codes, *asked))
