"""From replicate weight columns, or built factors, to arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.design.bound import BoundReplicates
from survey_kit.design.design import ReplicateWeights
from survey_kit.errors import ArgumentError, InputError, unknown
from survey_kit.kernels.groups import FloatArray


def bind_replicates(replicates: ReplicateWeights, codes: pd.DataFrame, weight: FloatArray) -> BoundReplicates:
    """Check replicate weights against the data and turn them into arrays. Raises UnknownNameError, InputError."""
    matrix = _replicate_columns(replicates, codes) if replicates.matrix is None else np.asarray(replicates.matrix)
    matrix = matrix if replicates.combined else matrix * weight[:, None]
    rscales = np.asarray(replicates.rscales or np.ones(matrix.shape[1]), dtype=float)
    if len(rscales) != matrix.shape[1]:
        raise ArgumentError(f"rscales has {len(rscales)} values for {matrix.shape[1]} replicate weights.")
    df = replicates.degf if replicates.degf is not None else int(np.linalg.matrix_rank(matrix)) - 1
    return BoundReplicates(
        weights=matrix,
        scale=replicates.scale,
        rscales=rscales,
        mse=replicates.mse,
        df=float(df),
        stated=replicates.degf,
    )


def _replicate_columns(replicates: ReplicateWeights, codes: pd.DataFrame) -> FloatArray:
    for name in replicates.columns:
        if name not in codes:
            raise unknown("column", name, codes.columns)
    matrix = codes[list(replicates.columns)].to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(matrix).all():
        column = replicates.columns[int(np.argmax(~np.isfinite(matrix).all(axis=0)))]
        raise InputError(f"Replicate weight {column!r} has missing or infinite values.")
    return matrix
