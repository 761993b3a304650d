"""Replicate weights built from a design: jackknife, half-samples, bootstraps, successive differences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundDesign
from survey_kit.design.design import Design, ReplicateWeights, check_column, check_flag
from survey_kit.design.given_replicates import KIND, check_rho
from survey_kit.design.stages import CERTAIN
from survey_kit.errors import ArgumentError, DesignError, LonelyPsuError, UnsupportedOption, listed, one_of, unknown
from survey_kit.kernels import replicates as kernel
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.kernels.hadamard import hadamard_order, reachable
from survey_kit.kernels.preston import Stage, preston
from survey_kit.kernels.variance import StageScheme
from survey_kit.schema import Notice

BUILT = ("JK1", "JKn", "BRR", "Fay", "bootstrap", "SDR")
BOOTSTRAPS = ("Rao-Wu", "Canty-Davison", "Preston")

_OF_METHOD = {  # which arguments belong to which methods
    "replicates": ("bootstrap", "SDR", "BRR", "Fay"),
    "seed": ("bootstrap",),
    "rho": ("Fay",),
    "bootstrap": ("bootstrap",),
    "order": ("SDR",),
}
_LARGEST = 500_000_000  # factors: 4 GB
_EXACT = 512  # replicates up to which SDR gives every unit a row of its own unasked


@dataclass(frozen=True, eq=False)
class Plan:
    """The first stage of a design, as replication needs it.

    Attributes:
        units: sampling unit of each row at each stage that contributes to the variance. Shapes (n,).
        schemes: the stages' schemes.
        stratum: stratum of each first-stage unit. Shape (U,). sizes: units of each stratum. Shape (H,).
        fraction: sampling fraction of each stratum, 0 without fpc. Shape (H,).
        alone: strata with one unit, which never vary. Shape (H,).
    """

    units: tuple[IntArray, ...]
    schemes: tuple[StageScheme, ...]
    stratum: IntArray
    sizes: IntArray
    fraction: FloatArray
    alone: BoolArray


def with_built_replicates(
    design: Design,
    bound: BoundDesign,
    codes: pd.DataFrame,
    *,
    method: str,
    replicates: int | None,
    seed: int | None,
    rho: float | None,
    mse: bool,
    bootstrap: str | None,
    order: str | None,
) -> Design:
    """The design with replicate factors of its sampling units, and what they leave out of it in its notices."""
    one_of("method", method, BUILT)
    check_column("order", order)
    check_flag("mse", mse)
    _refuse_foreign(method, replicates=replicates, seed=seed, rho=rho, bootstrap=bootstrap, order=order)
    kind = (bootstrap if bootstrap is not None else "Rao-Wu") if method == "bootstrap" else None
    plan = _plan(design, bound, kind == "Preston")
    if method in ("JK1", "JKn"):
        made = _jackknife(plan, method)
    elif method in ("BRR", "Fay"):
        made = _halves(plan, method, replicates, rho)
    elif method == "SDR":
        made = _successive(plan, replicates, _positions(plan, codes, order))
    else:
        made = _bootstrap(plan, kind or "", replicates, seed, mse)
    factors, scale, rscales = made
    built = ReplicateWeights(
        method,
        factors,
        combined=False,
        scale=scale,
        rscales=tuple(rscales.tolist()),
        mse=bool(mse),
        unit=plan.units[-1] if kind == "Preston" else plan.units[0],
        bootstrap=kind,
        seed=None if seed is None else int(seed),
        notices=_left_out(plan, method, kind),
    )
    return replace(design, replicates=built)


# what can be replicated


def _refuse_foreign(method: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None and method not in _OF_METHOD[name]:
            owners = " or ".join(f'method="{m}"' for m in _OF_METHOD[name])
            raise ArgumentError(f'{name} belongs to {owners}; method="{method}" was asked for.')


def _plan(design: Design, bound: BoundDesign, every_stage: bool) -> Plan:
    """The stages of a design whose units can be left out or drawn again."""
    design.refuse_replicates()
    if design.adjustments:
        raise DesignError(
            "The survey was weighted already. Build the replicate weights first and weight then, "
            "poll.replicate(...).rake(...), so that the weighting is repeated in every replicate."
        )
    if design.replicates is not None and (design.replicates.combined or design.replicates.unit is None):
        raise DesignError(
            "The survey has replicate weights already. State its design anew, with_design(...), to build others."
        )
    schemes = _schemes(bound)
    _refuse_lonely(design, schemes if every_stage else schemes[:1])
    first = schemes[0]
    sizes = first.sizes
    alone = sizes <= 1
    fraction = np.where(alone, 1.0, _fraction(first))
    if (fraction >= 1).all() and len(schemes) == 1:
        raise DesignError("Every stratum was taken as a whole: nothing varies from sample to sample.")
    units = tuple(stage.unit for stage in bound.stages)
    return Plan(units, schemes, first.stratum, sizes, fraction, alone)


def _fraction(scheme: StageScheme) -> FloatArray:
    """Sampling fraction of each stratum, 1 for those that were taken whole. Shape (H,)."""
    assert scheme.fraction is not None  # without unequal probabilities, which _schemes refuses
    return np.where(1 - scheme.fraction < CERTAIN, 1.0, scheme.fraction)


def _schemes(bound: BoundDesign) -> tuple[StageScheme, ...]:
    """The schemes of the stages, all of strata and units drawn with equal probability."""
    found = tuple(s.scheme for s in bound.stages if isinstance(s.scheme, StageScheme) and s.scheme.scale is None)
    if len(found) < len(bound.stages):
        raise UnsupportedOption(
            "Replicate weights are built for strata and sampling units drawn with equal probability. This design has "
            "unequal probabilities without replacement, or two phases: use its linearised standard errors."
        )
    return found


def _refuse_lonely(design: Design, schemes: tuple[StageScheme, ...]) -> None:
    if design.lonely_psu not in ("adjust", "average"):
        return
    if design.lonely_domain:
        raise UnsupportedOption(
            "The rule for strata of which a domain leaves one unit (lonely_domain) has no replicates. State the design "
            "without it."
        )
    for level, scheme in enumerate(schemes):
        lonely = int((scheme.sizes == 1).sum())
        if lonely:
            raise LonelyPsuError(
                f'{lonely} strata at stage {level + 1} have a single unit, and lonely_psu="{design.lonely_psu}" has no '
                'replicates. Merge strata, or state lonely_psu="remove" or "certainty".'
            )


def _refuse_size(units: int, replicates: int, method: str) -> None:
    if units * replicates > _LARGEST:
        raise UnsupportedOption(
            f"{method} would need {replicates:,} replicates of {units:,} units, {units * replicates * 8 / 1e9:,.0f} GB. "
            'Use fewer replicates with method="bootstrap", or the linearised variance.'
        )


def _refuse_matrix(order: int, method: str) -> None:
    """Rows of a Hadamard matrix are as long as their number may be."""
    if order * order > _LARGEST:
        raise UnsupportedOption(
            f"{method} would need a Hadamard matrix of order {order:,}, beyond what is made here. Use fewer replicates with "
            'method="bootstrap", or the linearised variance.'
        )


# methods: factors of units, scale, rscales


def _jackknife(plan: Plan, method: str) -> tuple[FloatArray, float, FloatArray]:
    """R: jk1weights, jknweights. Strata that were taken as a whole have no replicates."""
    strata = len(plan.sizes)
    if method == "JK1" and strata > 1:
        raise DesignError(f"method='JK1' is for designs without strata; this one has {strata}. Use 'JKn'.")
    varies = (plan.fraction < 1) & ~plan.alone
    _refuse_nothing(varies)
    units = len(plan.stratum)
    _refuse_size(units, int(varies[plan.stratum].sum()), method)
    factors, left_out = kernel.leave_one_out(plan.stratum, plan.sizes, varies)
    rscales = ((1 - plan.fraction) * (plan.sizes - 1) / plan.sizes)[plan.stratum[left_out]]
    if method == "JK1":
        return factors, float(rscales[0]), np.ones(len(rscales))
    return factors, 1.0, rscales


def _halves(plan: Plan, method: str, replicates: int | None, rho: float | None) -> tuple[FloatArray, float, FloatArray]:
    """R: brrweights. The smallest Hadamard matrix with a row for each stratum beside the constant one."""
    if method == "Fay" and rho is None:
        raise ArgumentError(
            'method="Fay" needs rho, such as rho=0.3: each half-sample has the factors 2 - rho and rho.'
        )
    check_rho(rho)
    other = (plan.sizes != 2) & ~plan.alone
    if other.any():
        h = int(np.argmax(other))
        row = int(np.argmax(plan.stratum[plan.units[0]] == h)) + 1
        raise DesignError(
            f'method="{method}" needs two sampling units in every stratum; {int(other.sum())} of {len(other)} strata have '
            f'another number (that of row {row} has {plan.sizes[h]}). Use method="JKn" or "bootstrap", or pair the units '
            "into strata of two."
        )
    strata = int((~plan.alone).sum())
    _refuse_nothing(~plan.alone)
    order = _hadamard_order(strata + 1, replicates, f"{strata} strata")
    _refuse_matrix(order, method)
    _refuse_size(len(plan.stratum), order, method)
    rho = rho or 0.0
    factors = kernel.balanced_halves(plan.stratum, plan.sizes, ~plan.alone, order, rho)
    return factors, 1 / (order * (1 - rho) ** 2), np.ones(order)


def _hadamard_order(least: int, asked: int | None, what: str) -> int:
    if asked is None:
        return hadamard_order(max(least, 4))
    order = _whole("replicates", asked)
    if order < max(least, 4) or not reachable(order):
        raise ArgumentError(
            f"replicates={order} is not available for {what}: a Hadamard matrix of an order of at least {max(least, 4)} is "
            f"needed, such as {hadamard_order(max(order, least, 4))}."
        )
    return order


def _successive(plan: Plan, replicates: int | None, position: FloatArray) -> tuple[FloatArray, float, FloatArray]:
    """Fay & Train (1995). Every unit has rows of its own where there are more replicates than units."""
    units = len(plan.stratum)
    exact = hadamard_order(max(units + 1, 4))
    if replicates is None and exact > _EXACT:
        raise ArgumentError(
            f'method="SDR" needs replicates for {units:,} units, such as 80 (the American Community Survey) or 160 (the '
            f"Current Population Survey); {exact:,} would give each unit rows of its own."
        )
    _refuse_nothing(~plan.alone)
    order = exact if replicates is None else _hadamard_order(4, replicates, "SDR")
    _refuse_matrix(order, "SDR")
    _refuse_size(units, order, "SDR")
    factors = kernel.successive_differences(kernel.loops(plan.stratum, position, order), order)
    return factors, 4 / order, np.ones(order)


def _positions(plan: Plan, codes: pd.DataFrame, order: str | None) -> FloatArray:
    """Place of each first-stage unit: its first row in the file, or its value of the order column. Shape (U,)."""
    unit = plan.units[0]
    _, first = np.unique(unit, return_index=True)
    if order is None:
        return first.astype(float)
    if order not in codes:
        raise unknown("column", order, codes.columns)
    rank, _ = pd.factorize(codes[order], sort=True)
    wrong = np.flatnonzero((rank < 0) | (rank != rank[first][unit]))
    if len(wrong):
        what = "is missing" if rank[wrong[0]] < 0 else "differs within a sampling unit"
        raise DesignError(f"order={order!r} {what} in row {int(wrong[0]) + 1}. Each unit has one place in the order.")
    place = rank[first].astype(float)
    both = pd.DataFrame({"stratum": plan.stratum, "place": place}).duplicated(keep=False).to_numpy()
    if both.any():
        rows = listed((first[both] + 1).tolist(), most=4)
        raise DesignError(
            f"order={order!r} puts several units of a stratum at one place (rows {rows}). Break the ties."
        )
    return place


def _bootstrap(
    plan: Plan, kind: str, replicates: int | None, seed: int | None, mse: bool
) -> tuple[FloatArray, float, FloatArray]:
    """R: subbootweights, bootweights, mrbweights."""
    one_of("bootstrap", kind, BOOTSTRAPS)
    if replicates is None or seed is None:
        raise ArgumentError("method='bootstrap' needs replicates (such as 500) and seed, so that it can be repeated.")
    r, seed = _whole("replicates", replicates), _whole("seed", seed, least=0)
    last = plan.schemes[-1] if kind == "Preston" else plan.schemes[0]
    _refuse_size(len(last.stratum), r, f"The {kind} bootstrap")
    varies = ~plan.alone
    if kind == "Preston":
        return preston(_stages(plan), r, seed), 1 / (r - 1), np.ones(r)
    _refuse_nothing(varies)
    if kind == "Rao-Wu":
        return kernel.rao_wu(plan.stratum, plan.sizes, varies, r, seed), 1 / (r - 1), np.ones(r)
    population = _population(plan)
    if mse and (np.isfinite(population) & (population % plan.sizes != 0) & varies).any():
        raise UnsupportedOption(
            "bootstrap='Canty-Davison' with mse=True needs population sizes that are multiples of the sample sizes; the "
            "replicates are not centred on the estimate otherwise. Leave mse=False, or use bootstrap='Preston'."
        )
    factors = kernel.canty_davison(plan.stratum, plan.sizes, varies, population, r, seed)
    return factors, kernel.canty_davison_scale(plan.sizes, varies, r), np.ones(r)


def _population(plan: Plan) -> FloatArray:
    """N_h, infinite without fpc; whole numbers, as R cuts them. Shape (H,)."""
    with np.errstate(divide="ignore"):
        size = plan.sizes / plan.fraction
    return np.where(np.isfinite(size), np.maximum(np.floor(size + 1e-6), plan.sizes), np.inf)


def _stages(plan: Plan) -> tuple[Stage, ...]:
    """The stages with what each leaves open, F (1 - f), F the product of the fractions above."""
    out = []
    above = np.ones(1)
    for scheme in plan.schemes:
        over, fraction = above[scheme.parent], _fraction(scheme)
        out.append(Stage(scheme.stratum, scheme.parent[scheme.stratum], over * (1 - fraction) * (scheme.sizes > 1)))
        above = (over * fraction)[scheme.stratum]
    return tuple(out)


def _refuse_nothing(varies: BoolArray) -> None:
    if not varies.any():
        raise DesignError(
            "At the first stage no stratum has two units that stand for others, so there is nothing to replicate. "
            "bootstrap='Preston' replicates every stage that has population sizes."
        )


def _whole(name: str, value: Any, least: int = 2) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name}={value!r} is not available. Give a whole number of at least {least}.")
    return int(value)


def _left_out(plan: Plan, method: str, kind: str | None) -> tuple[Notice, ...]:
    """What of the design the replicates do not know."""
    if kind == "Preston" or (not ((plan.fraction > 0) & ~plan.alone).any() and len(plan.schemes) == 1):
        return ()
    name = method if kind is None else f"{kind} bootstrap"
    if method not in ("JK1", "JKn") and kind != "Canty-Davison":
        text = (
            f"{name} replicates take sampling as with replacement, as R does: the population sizes (fpc) are left out, so "
            "standard errors are too large. JKn and bootstrap='Preston' know them."
        )
    elif len(plan.schemes) > 1:
        text = (
            f"{name} replicates know the population sizes (fpc) of the first stage only, as in R: what later stages add to "
            "the variance is left out. bootstrap='Preston' knows every stage."
        )
    else:
        return ()
    return (Notice(KIND, text),)
