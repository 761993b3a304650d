"""Post-stratification: every cell of a sample is brought to its total in the population.

    w1_i = w0_i T_c / sum_{j in c} w0_j        for row i in cell c

T (C, R) are the totals wanted, held (C, R) those that R columns of base weights have. The factor of a cell is the
same for all its rows, so work is on cells only. Source: Holt & Smith (1979), JRSS A 142, 33; R survey::postStratify.
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray


def cell_factors(held: FloatArray, targets: FloatArray) -> FloatArray:
    """T_c / held_c, 1 where a cell holds no weight. Shapes (C, R), (C, R) -> (C, R)."""
    return np.divide(targets, held, out=np.ones_like(held), where=held > 0)


def unreachable(held: FloatArray, targets: FloatArray) -> BoolArray:
    """Columns of base weights in which some cell with a target holds no weight. Shapes (C, R), (C,) -> (R,)."""
    return np.asarray(((held <= 0) & (targets[:, None] > 0)).any(axis=0))
