"""From column names to integer codes: a Design and a frame become a BoundDesign."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.design.bind_replicates import bind_replicates
from survey_kit.design.bound import BoundDesign, BoundStage
from survey_kit.design.design import Design
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import DesignError, LonelyPsuError, listed, unknown
from survey_kit.kernels.groups import FloatArray, IntArray, combine
from survey_kit.kernels.variance import StageScheme


def bind(design: Design, codes: pd.DataFrame) -> BoundDesign:
    """Check the design against the data and turn it into arrays.

    Raises:
        UnknownNameError: a design column does not exist.
        InvalidWeightError: negative, infinite, missing or all-zero weights.
        DesignError: missing strata or units, fpc that is smaller than the sample.
        LonelyPsuError: a stratum with one unit under lonely_psu="fail".
    """
    for name in design.columns:
        if name not in codes:
            raise unknown("column", name, codes.columns)
    n = len(codes)
    strata, units = _stage_keys(design, codes)
    fractions, implied = _fractions(design, codes, strata, units)
    weight = _weights(design, codes, implied)
    stage_list, above, parent = [], np.ones(n), np.zeros(n, dtype=np.int64)
    for level, (stratum, unit) in enumerate(zip(strata, units, strict=True)):
        fraction = fractions[level] if level < len(fractions) else np.zeros(n)
        stage_list.append(_stage(level, stratum, unit, fraction, above, parent, design))
        above, parent = above * fraction, unit
        if not above.any():
            break
    return BoundDesign(
        weight=weight,
        stages=tuple(stage_list),
        adjustments=design.adjustments,
        replicates=None if design.replicates is None else bind_replicates(design.replicates, codes, weight),
    )


def _codes_of(codes: pd.DataFrame, name: str, role: str) -> IntArray:
    """Integer codes of a design column; missing values are an error."""
    code, _ = pd.factorize(codes[name], sort=True)
    missing = np.flatnonzero(code < 0)
    if len(missing):
        rows = listed(int(r) + 1 for r in missing)
        raise DesignError(
            f"Column {name!r} ({role}) is missing in {len(missing)} of {len(codes)} rows (row {rows}). "
            "Every row of the sample needs its place in the design; fill it in or drop the rows before the design is set."
        )
    return code.astype(np.int64)


def _stage_keys(design: Design, codes: pd.DataFrame) -> tuple[list[IntArray], list[IntArray]]:
    """Stratum and unit of each row at each stage; a unit is nested in its stratum, a stage in the unit above."""
    n = len(codes)
    strata: list[IntArray] = []
    units: list[IntArray] = []
    for level in range(max(len(design.psu), 1)):
        within = [units[-1]] if units else []
        if level < len(design.strata):
            within.append(_codes_of(codes, design.strata[level], "strata"))
        stratum = combine(within)[0] if within else np.zeros(n, dtype=np.int64)
        if level < len(design.psu):
            unit = combine([stratum, _codes_of(codes, design.psu[level], "psu")])[0]
        else:
            unit = np.arange(n)
        strata.append(stratum)
        units.append(unit)
    return strata, units


def _units_in_stratum(stratum: IntArray, unit: IntArray) -> IntArray:
    """Number of sampled units in the stratum of each row. Shape (n,)."""
    _, first = np.unique(unit, return_index=True)
    return np.bincount(stratum[first])[stratum]


def _fractions(
    design: Design, codes: pd.DataFrame, strata: list[IntArray], units: list[IntArray]
) -> tuple[list[FloatArray], FloatArray | None]:
    """Sampling fraction of each row's stratum for each stage with fpc, and the weights they imply."""
    fractions: list[FloatArray] = []
    implied = np.ones(len(codes))
    for level, name in enumerate(design.fpc):
        sampled = _units_in_stratum(strata[level], units[level])
        fraction = _fraction(name, codes[name], sampled)
        _check_constant(name, fraction, strata[level])
        fractions.append(fraction)
        implied = implied / fraction
    return fractions, implied if design.fpc else None


def _fraction(name: str, column: pd.Series, sampled: IntArray) -> FloatArray:
    if not pd.api.types.is_numeric_dtype(column):
        raise DesignError(
            f"Column {name!r} (fpc) holds text. Give population sizes (> 1) or sampling fractions (<= 1)."
        )
    values = column.to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~(values > 0) | ~np.isfinite(values))
    if len(bad):
        rows = listed(int(r) + 1 for r in bad)
        raise DesignError(f"Column {name!r} (fpc) is missing, zero, negative or infinite in row {rows}.")
    if (values <= 1).all():
        return values
    if (values <= 1).any() and ((values < 1) & (values > 0)).any():
        raise DesignError(f"Column {name!r} (fpc) mixes sampling fractions and population sizes. Use one or the other.")
    small = np.flatnonzero(values < sampled)
    if len(small):
        row = int(small[0])
        raise DesignError(
            f"Column {name!r} (fpc) says {values[row]:g} units in the population at row {row + 1}, but {sampled[row]} were "
            "sampled there. Give the number of units in the population of the stratum, at the stage it belongs to."
        )
    return sampled / values


def _check_constant(name: str, fraction: FloatArray, stratum: IntArray) -> None:
    low = np.full(stratum.max(initial=0) + 1, np.inf)
    high = np.zeros_like(low)
    np.minimum.at(low, stratum, fraction)
    np.maximum.at(high, stratum, fraction)
    varies = np.flatnonzero((high - low)[stratum] > 1e-12)
    if len(varies):
        raise DesignError(
            f"Column {name!r} (fpc) varies within a stratum (row {int(varies[0]) + 1}). One stratum has one population size."
        )


def _weights(design: Design, codes: pd.DataFrame, implied: FloatArray | None) -> FloatArray:
    if design.weight is not None:
        return check_weights(codes[design.weight], design.weight)
    return np.ones(len(codes)) if implied is None else implied


def _stage(
    level: int,
    stratum: IntArray,
    unit: IntArray,
    fraction: FloatArray,
    above: FloatArray,
    parent: IntArray,
    design: Design,
) -> BoundStage:
    """The numbers of one stage: what each unit's squared deviation counts."""
    _, first = np.unique(unit, return_index=True)
    of_unit = stratum[first]
    strata = int(stratum.max(initial=-1)) + 1
    _, lead = np.unique(stratum, return_index=True)
    size = np.bincount(of_unit, minlength=strata)
    open_part = 1 - fraction[lead]
    certain = open_part < 1e-7
    lonely = (size == 1) & ~certain & (above[lead] > 0)
    factor = above[lead] * np.where(certain, 0.0, open_part) * size / np.maximum(size - 1, 1)
    if lonely.any():
        factor = _lonely_factor(level, lonely, factor, parent[lead], lead, design)
    centre = ~(lonely & (design.lonely_psu == "adjust"))
    return BoundStage(unit=unit, scheme=StageScheme(stratum=of_unit, factor=factor, centre=centre, parent=parent[lead]))


def _lonely_factor(
    level: int, lonely: np.ndarray, factor: FloatArray, parent: IntArray, lead: IntArray, design: Design
) -> FloatArray:
    rule = design.lonely_psu
    if rule == "fail":
        rows = listed(int(r) + 1 for r in lead[lonely])
        where = design.strata[level] if level < len(design.strata) else "the whole sample"
        raise LonelyPsuError(
            f"{int(lonely.sum())} of {len(lonely)} strata at stage {level + 1} ({where}) have a single sampling unit "
            f"(see row {rows}), so their variance cannot be estimated. Merge strata, or state a rule: "
            'lonely_psu="remove", "certainty", "adjust" or "average".'
        )
    if rule in ("remove", "certainty"):
        return np.where(lonely, 0.0, factor)
    if rule == "adjust":
        return factor
    parents = int(parent.max(initial=0)) + 1
    strata = np.bincount(parent, minlength=parents)
    usable = strata - np.bincount(parent[lonely], minlength=parents)
    inflation = strata / np.maximum(usable, 1)
    return np.where(lonely, 0.0, factor * inflation[parent])
