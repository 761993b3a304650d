"""The sampling design by column names, and the weighting steps that changed it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from survey_kit.errors import ArgumentError, one_of
from survey_kit.kernels.residualize import Adjustment

LONELY_RULES = ("fail", "remove", "certainty", "adjust", "average")


@dataclass(frozen=True, eq=False)
class ReplicateWeights:
    """Replicate weights by column name, or as an array built from a design, with the constants of their variance.

    Attributes:
        method: "JK1", "JKn", "BRR", "Fay", "bootstrap" or "SDR".
        columns: names of the replicate weight columns; empty when `matrix` is given.
        matrix: replicate weights as an array, shape (n, R); None when columns are given.
        combined: True when these are weights, False when they are factors on the full-sample weight.
        scale, rscales: V = scale * sum_r rscales_r (theta_r - c)^2.
        mse: c is the full-sample estimate instead of the mean of the replicates.
        degf: degrees of freedom when stated; None to take rank - 1 of the replicate weights.
    """

    method: str
    columns: tuple[str, ...] = ()
    matrix: Any = None
    combined: bool = True
    scale: float = 1.0
    rscales: tuple[float, ...] = ()
    mse: bool = False
    degf: int | None = None


@dataclass(frozen=True, eq=False)
class Design:
    """Which columns hold the weight, strata, sampling units and population sizes.

    Attributes:
        weight: column of the (probability) weight; None for equal weights, or weights implied by `fpc`.
        strata: strata of each stage, outermost first.
        psu: sampling units of each stage, outermost first. Unit codes are taken as nested in strata.
        fpc: of each stage, the population size of the stratum (> 1) or the sampling fraction (<= 1).
        lonely_psu: "fail", "remove", "certainty", "adjust" or "average", as R's survey.lonely.psu.
        adjustments: weighting steps in force, applied to influence values in this order.
        replicates: replicate weights; None for linearisation.

    Equivalent: R survey::svydesign, Stata svyset, SPSS CSPLAN.
    """

    weight: str | None = None
    strata: tuple[str, ...] = ()
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    lonely_psu: str = "fail"
    adjustments: tuple[Adjustment, ...] = field(default=(), repr=False)
    replicates: ReplicateWeights | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        one_of("lonely_psu", self.lonely_psu, LONELY_RULES)
        if len(self.fpc) > max(len(self.psu), 1):
            raise ArgumentError(
                f"fpc names {len(self.fpc)} stages but psu names {len(self.psu)}. Give one fpc column for each stage."
            )
        if len(self.strata) > max(len(self.psu), 1):
            raise ArgumentError(
                f"strata names {len(self.strata)} stages but psu names {len(self.psu)}. A tuple means one column for each "
                "stage; cross several columns into one first (sk.cross)."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design uses."""
        return (*([self.weight] if self.weight else []), *self.strata, *self.psu, *self.fpc)

    def reweighted(self, weight: str, adjustment: Adjustment | None) -> Design:
        """The design under new weights: same sample, one more adjustment."""
        added = () if adjustment is None else (adjustment,)
        return replace(self, weight=weight, adjustments=(*self.adjustments, *added))

    def describe(self) -> str:
        """The design in words: "weighted by 'w', strata 'region', sampling units 'area'"."""
        parts = [f"weighted by {self.weight!r}" if self.weight else "equal weights"]
        parts += [f"strata {_quoted(self.strata)}"] if self.strata else []
        parts += [f"sampling units {_quoted(self.psu)}"] if self.psu else ["each respondent a sampling unit"]
        parts += [f"population sizes {_quoted(self.fpc)}"] if self.fpc else []
        parts += [f"lonely units: {self.lonely_psu}"] if self.lonely_psu != "fail" else []
        parts += ["calibration in the variance"] if self.adjustments else []
        if self.replicates is not None:
            parts.append(f"{self.replicates.method} replicate weights")
        return ", ".join(parts)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names)


def stages(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """A column name, or one for each stage, as a tuple."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)
