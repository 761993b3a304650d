"""Two-phase sampling: a sample is drawn, what was seen in it decides how a part of it is drawn, the part is asked.

method "full" (unbiased for any number of stages in either phase):

    V = sum_i sum_j D_ij z_i z_j      1 - D_ij = prod over the stages s of both phases  A^s_ij
    A^s_ij = p_s  for one unit of stage s,   1 + (1 - p_s)/(n_s - 1)  for two units of one stratum,   1  otherwise

z_i: influence under the weight 1 / (p of all stages); n_s, p_s: units and sampling fraction of the stratum. As A is 1 but
within strata, D is a sum over strata, over units, and over where those of the two phases meet: sums of z by cell, and no
n x n matrix. Sarndal, Swensson & Wretman (1992), section 9.3; R survey::twophase(method = "full").

method "approx" (a sample of one stage, subsampled in strata):

    V = V2 + sum_h (1 - f_h) n_h / (n_h - 1) sum over i in phase two of (q_i z_i - c_h)^2 / q_i,   c_h = sum_i z_i / n_h

q_i: probability that unit i of phase one is in phase two; n_h: units of phase one; V2: the variance of phase two alone.
R survey::twophase(method = "approx").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray, combine
from survey_kit.kernels.quadratic import Cells, QuadraticScheme, crossed, gathered


@dataclass(frozen=True, eq=False)
class DrawnStage:
    """One stage of one phase, seen from the finest units; everything of shape (U,).

    Attributes:
        stratum, unit: where each finest unit lies.
        p: sampling fraction of that stratum.
        spread: (1 - p) / (n - 1), n the units that were drawn there; 0 for one unit, and for independent draws.
        above: the product of p of the stages above.
    """

    stratum: IntArray
    unit: IntArray
    p: FloatArray
    spread: FloatArray
    above: FloatArray

    def terms(self) -> list[Cells]:
        """What the stage adds to 1 - D: cells with their coefficients."""
        over_units = self.above * (self.p - 1 - self.spread)
        return [_cells(self.stratum, self.above * self.spread), _cells(self.unit, over_units)]


def _cells(key: IntArray, coefficient: FloatArray) -> Cells:
    cell, first = combine([key])
    return Cells(cell, coefficient[first])


def two_phase_scheme(one: list[DrawnStage], two: list[DrawnStage], units: int) -> QuadraticScheme:
    """The scheme of method "full" from the stages of both phases."""
    first = [term for stage in one for term in stage.terms()]
    second = [term for stage in two for term in stage.terms()]
    meeting = [crossed(a, b) for a in first for b in second if a.coefficient.any() and b.coefficient.any()]
    diagonal, cells = gathered([*first, *second, *meeting], units)
    return QuadraticScheme(-diagonal, tuple(Cells(part.cell, -part.coefficient) for part in cells))


def first_phase_scheme(stratum: IntArray, q: FloatArray, factor: FloatArray, drawn: IntArray) -> QuadraticScheme:
    """Phase one's part under method "approx".

    Args:
        stratum: phase-one stratum of each unit that is in phase two. Shape (U,).
        q: probability of each to be there. Shape (U,).
        factor: (1 - f) n / (n - 1) of each stratum, n its units in phase one. Shape (H,).
        drawn: n. Shape (H,).
    """
    n = np.maximum(drawn, 1)
    inverse = np.bincount(stratum, weights=1 / q, minlength=len(factor))
    return QuadraticScheme(factor[stratum] * q, (Cells(stratum, factor * (inverse / n**2 - 2 / n)),))
