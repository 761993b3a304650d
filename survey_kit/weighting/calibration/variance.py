"""What calibration leaves for the variance: its step, targets that the sample gave itself, and targets with an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.calibrate import Calibrated, Features
from survey_kit.kernels.calibration_law import MovingTargets, calibration_step, dummy_step
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.residualize import Adjustment, Told, over
from survey_kit.weighting.calibration.layout import Layout
from survey_kit.weighting.targets.shares import Margin
from survey_kit.weighting.targets.totals import Totals


@dataclass(frozen=True, eq=False)
class _Own:
    """A margin with a category of rows without a value, and its columns: from `start` on, its own one at `at`."""

    margin: Margin
    start: int
    at: int

    @property
    def others(self) -> FloatArray:
        """Positions of its other columns."""
        places = np.arange(self.start, self.start + len(self.margin.shares))
        return places[places != self.at]

    @property
    def p(self) -> FloatArray:
        """Shares of the other categories among themselves."""
        rest = np.delete(self.margin.shares, self.at - self.start)
        return rest / rest.sum()


def _owns(totals: Totals) -> Iterator[_Own]:
    start = 0
    for margin in totals.margins.margins if totals.margins else ():
        if margin.own is not None:
            yield _Own(margin, start, start + margin.own)
        start += len(margin.shares)


def adjustment_of(
    totals: Totals, layout: Layout, solved: Calibrated, base: FloatArray, factor: FloatArray, values: FloatArray
) -> Adjustment:
    """The step of the calibration.

    Args:
        base, factor, values: of rows: the weight before, the factor on it, the weight after. Shape (n,).
    """
    basis = solved.basis
    dummies = basis.features.dummies is not None and basis.features.rows is None
    z = _of_rows(basis.features if dummies else basis.whitened(), layout)
    q = None if layout.q is None else layout.of_rows(layout.q)
    owns, to_columns = list(_owns(totals)), basis.coefficients()
    moving = None
    if owns:
        pulls = [_pull(own, totals, base, factor) for own in owns]
        contrasts = [to_columns[own.at] - own.p @ to_columns[own.others] for own in owns]
        moving = MovingTargets(np.stack(pulls, axis=1), np.stack(contrasts))
        z = _without_cells(z) if layout.clustered else z
    root = total_root(totals, layout, values)
    error = None if root is None else to_columns.T @ root
    reads = over(base if q is None else base * q, values)
    if dummies:
        step = dummy_step(z, basis.whiten, reads, values, moving, error)
    else:
        step = calibration_step(z, reads, values, moving, error)
    return replace(step, told=_told(totals))


def _told(totals: Totals) -> Told:
    margins = totals.margins.margins if totals.margins else ()
    narrow = {m.name: m.codes.astype(np.min_scalar_type(-len(m.categories) - 1)) for m in margins}
    return Told(narrow, {str(t.name): t.values for t in totals.numbers})


def _of_rows(z: Features, layout: Layout) -> Features:
    """Columns of units as cells of rows."""
    return z if layout.unit is None else replace(z, code=layout.unit)


def _without_cells(z: Features) -> Features:
    assert z.code is not None
    return Features(z.cells[z.code])


def _pull(own: _Own, totals: Totals, base: FloatArray, factor: FloatArray) -> FloatArray:
    assert totals.margins is not None
    inside = own.margin.codes == own.margin.own
    held = float(base.sum())
    share = float(base[inside].sum()) / held
    return totals.margins.total / held * (inside - share) * over(np.ones(len(base)), factor)


def total_root(totals: Totals, layout: Layout, weights: FloatArray) -> FloatArray | None:
    """L with L L' the covariance of the totals, in weights; None for totals without error. Shape (p, q)."""
    blocks = []
    wanted = totals.margins
    if wanted is not None and wanted.root is not None:
        scaled = wanted.root * wanted.wholes(weights)[:, None]
        blocks.append(np.vstack([scaled, np.zeros((len(layout.columns) - len(scaled), scaled.shape[1]))]))
    place = {(c.variable, c.category): j for j, c in enumerate(layout.columns)}
    for number in totals.numbers:
        if number.error > 0:
            column = np.zeros((len(layout.columns), 1))
            column[place[number.name, number.kind]] = number.error * number.unit(totals.population)
            blocks.append(column)
    return np.hstack(blocks) if blocks else None


def totals_by_replicate(totals: Totals, layout: Layout, held: FloatArray, moves: FloatArray | None) -> FloatArray:
    """The totals of each replicate: own targets from what it holds, then moved by the error of the targets.

    Args:
        held: weights of units in each replicate. Shape (units, R).
        moves: what is added to the totals in each replicate, for their errors; None: nothing. Shape (p, R).

    Returns:
        shape (p, R), or (p,) where all are the same.
    """
    owns = list(_owns(totals))
    if not owns and moves is None:
        return layout.totals
    out = np.repeat(layout.totals[:, None], held.shape[1], axis=1)
    for own in owns:
        assert totals.margins is not None
        share = layout.features.sums(held)[own.at] / held.sum(axis=0)
        out[own.at] = totals.margins.total * share
        out[own.others] = totals.margins.total * own.p[:, None] * (1 - share)
    return out if moves is None else out + moves
