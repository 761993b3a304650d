"""The sampling design by column names, and the weighting steps that changed it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from survey_kit.design.pps import PPS
from survey_kit.design.second_phase import SecondPhase
from survey_kit.errors import ArgumentError, DesignError, UnsupportedOption, one_of
from survey_kit.kernels.residualize import Adjustment
from survey_kit.schema import Notice

if TYPE_CHECKING:
    from survey_kit.design.bound import BoundDesign

LONELY_RULES = ("fail", "remove", "certainty", "adjust", "average")


@dataclass(frozen=True, eq=False)
class ReplicateWeights:
    """Replicate weights that came with a file or were built from a design, with the constants of their variance.

    Attributes:
        method: "JK1", "JKn", "JK2", "BRR", "Fay", "bootstrap", "SDR", "ACS" or "other".
        matrix: replicate weights, shape (n, R); or factors on the full-sample weight, shape (n, R), or for each sampling
            unit, shape (U, R). In C order.
        columns: names of the replicate weight columns; empty when built or calibrated.
        combined: True when these are weights, False when they are factors on the full-sample weight.
        scale, rscales: V = scale * sum_r rscales_r (theta_r - c)^2.
        mse: c is the full-sample estimate instead of the mean of the replicates.
        degf: degrees of freedom when stated; None to take them from the design, or the rank of given weights less 1.
        unit: for weights built from a design, the sampling unit of each row that factors belong to, shape (n,). It
            stays when calibration turns factors into weights, as the sign of where they came from.
        bootstrap, seed: the kind of a bootstrap that was built, "Rao-Wu", "Canty-Davison" or "Preston", and its seed.
        notices: what they leave out of the design, and constants that were guessed.
    """

    method: str
    matrix: Any
    columns: tuple[str, ...] = ()
    combined: bool = True
    scale: float = 1.0
    rscales: tuple[float, ...] = ()
    mse: bool = False
    degf: float | None = None
    unit: Any = None
    bootstrap: str | None = None
    seed: int | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def given(self) -> bool:
        """Whether they came with the file; else they were built from the design."""
        return self.unit is None

    def repeated(self, matrix: Any, bound: BoundDesign) -> ReplicateWeights:
        """The same under the weights that a step of weighting made of them, shape (n, R).

        Columns beyond those that were there carry the errors of targets: two of each direction, each counting for half. They
        bring no degrees of freedom.
        """
        added = matrix.shape[1] - self.matrix.shape[1]
        again = replace(self, columns=(), matrix=matrix, combined=True)
        if not added:
            return again
        stated = bound.replicates.degrees() if self.given and bound.replicates is not None else self.degf
        return replace(again, rscales=(*self.rscales, *[0.5 / self.scale] * added), degf=stated)

    def describe(self) -> str:
        """In words: "500 Rao-Wu bootstrap replicate weights (seed 3)", "80 SDR replicate weights"."""
        kind = "" if self.bootstrap is None else f"{self.bootstrap} "
        seed = "" if self.seed is None else f" (seed {self.seed})"
        return f"{self.matrix.shape[1]:,} {kind}{self.method} replicate weights{seed}"


@dataclass(frozen=True, eq=False)
class Design:
    """Which columns hold the weight, strata, sampling units and population sizes.

    Attributes:
        weight: column of the (probability) weight; None for equal weights, or weights implied by `fpc`.
        strata: strata of each stage, outermost first.
        psu: sampling units of each stage, outermost first. Unit codes are taken as nested in strata.
        fpc: of each stage, the population size of the stratum (> 1) or the sampling fraction (<= 1); with `pps` the
            inclusion probability of each unit.
        lonely_psu: "fail", "remove", "certainty", "adjust" or "average", as R's survey.lonely.psu.
        lonely_domain: whether "adjust" and "average" also hold for strata of which a domain leaves one unit.
        pps: sampling with unequal probabilities and without replacement.
        second: the second phase of a two-phase design.
        adjustments: weighting steps in force, applied to influence values in this order.
        replicates: replicate weights; None for linearisation.
        standing: what a reader of every result must know of how the weights were made.

    Equivalent: R survey::svydesign, Stata svyset, SPSS CSPLAN.
    """

    weight: str | None = None
    strata: tuple[str, ...] = ()
    psu: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    lonely_psu: str = "fail"
    lonely_domain: bool = False
    pps: PPS | None = None
    second: SecondPhase | None = None
    adjustments: tuple[Adjustment, ...] = field(default=(), repr=False)
    replicates: ReplicateWeights | None = field(default=None, repr=False)
    standing: tuple[Notice, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        one_of("lonely_psu", self.lonely_psu, LONELY_RULES)
        check_flag("lonely_domain", self.lonely_domain)
        if self.lonely_domain and self.lonely_psu not in ("adjust", "average"):
            raise ArgumentError(
                f'lonely_domain=True needs lonely_psu="adjust" or "average". With "{self.lonely_psu}" it does nothing: a '
                "stratum of which a domain leaves one unit keeps the zeros of its other units. Leave it out, or state one of "
                "these rules."
            )
        if len(self.fpc) > max(len(self.psu), 1):
            raise ArgumentError(
                f"fpc names {len(self.fpc)} stages but psu names {len(self.psu)}. Give one fpc column for each stage."
            )
        if self.weight is None and 0 < len(self.fpc) < len(self.psu):
            raise DesignError(
                f"fpc is stated for {len(self.fpc)} of {len(self.psu)} stages, so it does not imply weights. Give weight=, or "
                "fpc of every stage."
            )
        if len(self.strata) > max(len(self.psu), 1):
            raise ArgumentError(
                f"strata names {len(self.strata)} stages but psu names {len(self.psu)}. A tuple means one column for each "
                "stage; cross several columns into one first (sk.cross)."
            )
        if self.pps is not None:
            self._check_pps(self.pps)

    def _check_pps(self, pps: PPS) -> None:
        if not self.fpc:
            raise ArgumentError(
                'pps needs fpc: the column of the inclusion probabilities, as in fpc="p", pps="brewer".'
            )
        if len(self.psu) > 1 and pps.method != "brewer":
            raise UnsupportedOption(
                f'pps method {pps.method!r} is for one stage, but psu names {len(self.psu)}. Use "brewer", or name the '
                "first stage alone."
            )
        if self.lonely_domain and pps.method != "brewer":
            raise UnsupportedOption(
                f'lonely_domain=True is not available with pps method {pps.method!r}. Use "brewer".'
            )
        if self.second is not None:
            raise UnsupportedOption(
                "A second phase of a sample with pps is not available. State the first phase by its weight, one over these "
                "probabilities, without pps and fpc."
            )

    @property
    def stated(self) -> bool:
        """Whether anything of a design was stated: a weight, strata, units, population sizes or replicate weights."""
        return bool(self.columns) or self.replicates is not None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a reader of every result must know: what its errors leave out, and constants that were guessed."""
        told = (*self.standing, *(() if self.replicates is None else self.replicates.notices))
        if self.second is None or self.second.method != "full" or self.fpc or not self.strata:
            return told
        text = (
            'The first phase has strata but no fpc: method="full" takes its units as drawn independently, so that these '
            'strata save no variance. State fpc, or use method="approx".'
        )
        return (*told, Notice("two_phase", text))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design uses."""
        second = () if self.second is None else self.second.columns
        return (*([self.weight] if self.weight else []), *self.strata, *self.psu, *self.fpc, *second)

    def with_second(self, second: SecondPhase) -> Design:
        """The design with a second phase. Raises UnsupportedOption where its variance would not be right."""
        if self.replicates is not None or self.adjustments:
            what = "replicate weights" if self.replicates is not None else "calibrated weights"
            raise UnsupportedOption(
                f"A second phase of a sample with {what} is not available. State the design of the first phase with the weight "
                "that sampling gave."
            )
        if self.second is not None:
            raise UnsupportedOption(
                "A third phase is not available. State the first two as one design, under the product of their weights, and "
                "the third as its second phase."
            )
        if self.lonely_domain:
            raise UnsupportedOption("lonely_domain=True is not available with a second phase. Leave it out.")
        return replace(self, second=second)

    def refuse_replicates(self) -> None:
        """Raise UnsupportedOption where replicate weights cannot stand for the design: with pps, or two phases."""
        if self.pps is not None:
            raise UnsupportedOption(
                f"Replicate weights for a design with unequal probabilities ({self.pps.describe()}) are not available. State "
                "the design without pps (the first stage is then taken as drawn with replacement)."
            )
        if self.second is not None:
            raise UnsupportedOption(
                "Replicate weights for a two-phase design are not available. Use its linearised standard errors."
            )

    def refuse_weighting(self) -> None:
        """Raise UnsupportedOption where calibration is not accounted for: with two phases."""
        if self.second is not None:
            raise UnsupportedOption(
                "Weighting a two-phase design is not available: its variance does not know of calibration. Weight the second "
                "phase as a sample of its own."
            )

    def reweighted(
        self, weight: str, adjustments: Sequence[Adjustment] = (), standing: Sequence[Notice] = ()
    ) -> Design:
        """The design under new weights: same sample, more steps of weighting, and what must be said of them."""
        self.refuse_weighting()
        told = tuple(dict.fromkeys((*self.standing, *standing)))
        return replace(self, weight=weight, adjustments=(*self.adjustments, *adjustments), standing=told)

    def describe(self) -> str:
        """The design in words: "weighted by 'w', strata 'region', sampling units 'area'"."""
        implied = f"weights implied by {_quoted(self.fpc)}" if self.fpc else "equal weights"
        parts = [f"weighted by {self.weight!r}" if self.weight else implied]
        parts += [f"strata {_quoted(self.strata)}"] if self.strata else []
        given = self.replicates is not None and self.replicates.given
        alone = [] if given else ["each respondent a sampling unit"]
        parts += [f"sampling units {_quoted(self.psu)}"] if self.psu else alone
        sizes = "population sizes" if self.pps is None else f"unequal probabilities ({self.pps.describe()})"
        parts += [f"{sizes} {_quoted(self.fpc)}"] if self.fpc else []
        lonely = f"lonely units: {self.lonely_psu}{', in domains, too' if self.lonely_domain else ''}"
        parts += [lonely] if self.lonely_psu != "fail" or self.lonely_domain else []
        what = "weighting" if any(step.estimated for step in self.adjustments) else "calibration"
        parts += [f"{what} in the variance"] if self.adjustments else []
        parts += [self.second.describe()] if self.second is not None else []
        if self.replicates is not None:
            parts.append(self.replicates.describe())
        return ", ".join(parts)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(n) for n in names)


def as_stages(argument: str, names: str | Sequence[str] | None) -> tuple[str, ...]:
    """A column name, or one for each stage, as a tuple. Raises ArgumentError for what is no name."""
    if names is None:
        return ()
    several = (names,) if isinstance(names, str) else as_names(names)
    if several is None:
        raise ArgumentError(
            f"{argument}={names!r} is not available. Give the name of a column, or a tuple with one for each stage."
        )
    return several


def as_names(names: object) -> tuple[str, ...] | None:
    """Names in an order as a tuple; None for what is anything else. A mapping or a set has no order."""
    if not isinstance(names, Iterable) or isinstance(names, (str, bytes, Mapping, Set, pd.DataFrame)):
        return None
    found = tuple(names)
    return found if all(isinstance(name, str) for name in found) else None


def check_column(argument: str, name: object) -> None:
    """Refuse what is neither the name of a column nor None."""
    if name is None or isinstance(name, str):
        return
    if hasattr(name, "to_numpy") or hasattr(name, "__array__"):  # weights, say, whose numbers are nobody's business
        raise ArgumentError(
            f"{argument} is a {type(name).__name__}. Give the name of one column; weights that a verb made join a survey with "
            "poll.reweighted(weights)."
        )
    raise ArgumentError(f"{argument}={name!r} is not available. Give the name of one column.")


def check_flag(argument: str, value: object) -> None:
    """Refuse what is neither True nor False; "no" would count as true."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentError(f"{argument}={value!r} is not available. Say True or False.")
