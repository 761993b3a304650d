"""Strata with one sampling unit: what the five rules say, for a whole sample and for the strata that a domain thins out.

    fail       refused when the design is stated
    remove     counts nothing
    certainty  counts nothing
    adjust     (1 - f_h) (z_h - c)^2, c the mean of all units of the stage under the same parent
    average    counts what the other strata count on average: V H / (H - lonely strata)

R survey: options(survey.lonely.psu=). In a domain, H and the units of c are those of strata that hold a row of it. With
`domains` (R: survey.adjust.domain.lonely) "adjust" and "average" also hold for a stratum of n_h units of which the domain
leaves one; the others are zeros. As each estimate has its own domain, each has its own factors and centres: its
deviations d_i = root_h (z_i - c_h) are worked out once, V = sum d d', and linear maps of them stay exact.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine
from survey_kit.kernels.sums import selector
from survey_kit.kernels.variance import LonelyRule, StageScheme, UnitSums, by_parent, stratum_centres, sums_by_stratum


def factor_under(rule: str, factor: FloatArray, alone: BoolArray, parent: IntArray) -> FloatArray:
    """The factor of each stratum in the whole sample; NaN where there is nothing to average over. Shapes (H,)."""
    if rule in ("remove", "certainty"):
        return np.where(alone, 0.0, factor)
    if rule != "average":
        return factor
    strata = np.bincount(parent).astype(float)
    usable = strata - np.bincount(parent[alone], minlength=len(strata))
    inflation = (strata / np.where(usable > 0, usable, np.nan))[parent]
    return np.where(alone & (usable[parent] > 0), 0.0, factor * inflation)


def domain_deviations(sums: UnitSums, scheme: StageScheme, present: sp.csr_array, domain: IntArray) -> UnitSums:
    """Centred and scaled sums, whose squares are the variance.

    Args:
        sums: sums of influence values by unit, K estimates.
        scheme: a stage with a `lonely` rule.
        present: which units hold a row of each domain. Shape (U, D), sparse.
        domain: the domain of each estimate. Shape (K,).
    """
    assert scheme.lonely is not None
    rule, strata = scheme.lonely, len(scheme.factor)
    here = np.asarray((selector(scheme.stratum, strata) @ (present != 0).astype(float)).todense())
    alone = _alone(rule, scheme.sizes, here)
    if rule.rule == "adjust":
        common = _common_means(sums, scheme, here, domain)
        own = stratum_centres(sums, scheme_without_rule(scheme))
        centre = np.where(alone[:, domain], common[scheme.parent], own)
        root = np.broadcast_to(np.sqrt(rule.factor)[:, None], centre.shape)
    else:
        centre = stratum_centres(sums, scheme)
        root = np.sqrt(rule.factor[:, None] * _shares(scheme.parent, here > 0, alone))[:, domain]
    return _scaled(sums, scheme, centre, root)


def scheme_without_rule(scheme: StageScheme) -> StageScheme:
    """The stage with every stratum centred on its own mean."""
    return StageScheme(scheme.stratum, scheme.factor, np.ones(len(scheme.factor), dtype=bool), scheme.parent)


def _alone(rule: LonelyRule, sizes: IntArray, here: FloatArray) -> BoolArray:
    """Strata that the rule is for, domain by domain. Shape (H, D)."""
    alone = rule.alone[:, None] & (here > 0)
    if rule.domains:
        alone |= ((sizes > 1) & (rule.factor > 0))[:, None] & (here == 1)
    return np.asarray(alone)


def _common_means(sums: UnitSums, scheme: StageScheme, here: FloatArray, domain: IntArray) -> FloatArray:
    """Mean of z over the units of all strata that the domain reaches, by parent. Shape (parents, K)."""
    total = by_parent(scheme.parent, sums_by_stratum(sums, scheme.stratum, len(scheme.factor)))
    units = by_parent(scheme.parent, (here > 0) * scheme.sizes[:, None].astype(float))
    return total / np.where(units > 0, units, 1.0)[:, domain]


def _shares(parent: IntArray, here: BoolArray, alone: BoolArray) -> FloatArray:
    """H / (H - lonely) for strata that count and 0 for lonely ones; NaN where all are lonely. Shape (H, D)."""
    strata = by_parent(parent, here.astype(float))
    usable = strata - by_parent(parent, alone.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        inflation = np.where(strata > 0, strata / usable, 1.0)
    inflation = np.where(np.isinf(inflation), np.nan, inflation)[parent]
    return np.where(alone & np.isfinite(inflation), 0.0, inflation)


def _scaled(sums: UnitSums, scheme: StageScheme, centre: FloatArray, root: FloatArray) -> UnitSums:
    """root_hk (z_ik - centre_hk), without a dense matrix where z is sparse."""
    by_unit = np.ones(scheme.units) if scheme.scale is None else np.sqrt(scheme.scale)
    held = sums.product
    if isinstance(held, sp.sparray):
        z = sp.coo_array(held)
        row, column = z.coords
        data = z.data * root[scheme.stratum[row], column] * by_unit[row]
        direct: sp.csr_array | FloatArray = sp.csr_array(sp.coo_array((data, (row, column)), shape=z.shape))
    else:
        direct = held * root[scheme.stratum] * by_unit[:, None]
    own = (selector(scheme.stratum, len(root), by_unit).T.tocsr(), root * centre)
    taken = tuple(_by_stratum(weights, cells, scheme.stratum, root, by_unit) for weights, cells in sums.corrections)
    return UnitSums(direct, (*taken, own))


def _by_stratum(
    weights: sp.csr_array, taken: FloatArray, stratum: IntArray, root: FloatArray, by_unit: FloatArray
) -> tuple[sp.csr_array, FloatArray]:
    """A correction through cells as one through the cells of each stratum, so that its factor can be taken in."""
    entries = sp.coo_array(weights)
    unit, cell = (np.asarray(c, dtype=np.int64) for c in entries.coords)
    key, first = combine([stratum[unit], cell])
    shape = (len(stratum), len(first))
    spread = sp.csr_array(sp.coo_array((entries.data * by_unit[unit], (unit, key)), shape=shape))
    return spread, taken[cell[first]] * root[stratum[unit[first]]]
