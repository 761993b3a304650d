"""From replicate weights and the full-sample weight to what estimation works on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundReplicates
from survey_kit.design.design import ReplicateWeights
from survey_kit.errors import DesignError
from survey_kit.kernels.groups import FloatArray


def bind_replicates(replicates: ReplicateWeights, codes: pd.DataFrame, weight: FloatArray) -> BoundReplicates:
    """Put replicate weights on their rows. The matrix is used as it is, never copied.

    Raises:
        DesignError: the replicate weights were made for another number of rows.
    """
    units = None if replicates.combined else replicates.unit
    rows = len(replicates.matrix) if units is None else len(units)
    if rows != len(codes):
        raise DesignError(
            f"The replicate weights are for {rows} rows; the data have {len(codes)}. State or build them again."
        )
    return BoundReplicates(
        factors=np.ascontiguousarray(replicates.matrix, dtype=float),
        scale=replicates.scale,
        rscales=np.asarray(replicates.rscales, dtype=float),
        mse=replicates.mse,
        stated=None if replicates.degf is None else float(replicates.degf),
        unit=units,
        base=None if replicates.combined else weight,
        from_design=replicates.unit is not None,
    )
