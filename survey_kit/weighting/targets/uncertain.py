"""Targets measured with error: from standard errors, or a covariance, of what was written to a root of V of the shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey_kit.errors import TargetError
from survey_kit.kernels.groups import FloatArray
from survey_kit.schema import Notice
from survey_kit.weighting.targets.read import Wish, WrittenMargin, WrittenTargets
from survey_kit.weighting.targets.shares import Draft

SE = "se"  # the column of standard errors
_NOTHING = 1e-12  # eigenvalues below this part of the largest are rounding


def error_faults(margin: WrittenMargin) -> list[str]:
    """What is wrong with the standard errors of a margin."""
    errors = [(w, _error(w)) for w in margin.wishes if not w.free]
    if all(e is None for _, e in errors):
        return []
    return [
        f"{margin.name!r}: the standard error of {w.shown!r} is {w.extra.get(SE)!r}. Give a number of at least 0 for every "
        "category of a margin, or for none."
        for w, e in errors
        if e is None or not np.isfinite(e) or e < 0
    ]


def has_errors(written: WrittenTargets) -> bool:
    """Whether targets are known with error."""
    return written.covariance is not None or any(_error(w) is not None for m in written.margins for w in m.wishes)


def _error(wish: Wish) -> float | None:
    """The standard error beside a target; None where the cell is empty."""
    value = wish.extra.get(SE)
    if isinstance(value, str):
        try:
            value = float(value) if value.strip() else None
        except ValueError:
            return float("nan")
    if value is None or value != value or isinstance(value, bool):
        return None
    return float(value)  # type: ignore[arg-type]


def share_root(
    drafts: Sequence[Draft], sensitivities: Sequence[FloatArray | None], covariance: FloatArray | None
) -> tuple[FloatArray | None, tuple[Notice, ...]]:
    """L with V = L L' the covariance of the shares of all margins, K categories together; None without error.

    Args:
        drafts: margins with what was written of them.
        sensitivities: derivative of the shares of each margin by its written targets, shapes (k, f); None where no target
            has an error.
        covariance: of the written targets by row of their table; None where standard errors stand beside them.

    Returns:
        (L, notices). Shape of L (K, q), q the rank of V.
    """
    known = [j for j in sensitivities if j is not None]
    if len(known) < len(drafts):
        return None, ()
    wishes = [w for d in drafts for w in d.fixed]
    given = covariance is not None
    written = covariance[np.ix_(*[[w.row for w in wishes]] * 2)] if covariance is not None else _blocks(drafts)
    if written is None or not written.any():
        return None, ()
    jacobian = _block_diagonal(known)
    values, vectors = np.linalg.eigh(jacobian @ written @ jacobian.T)
    kept = values > _NOTHING * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    text = (
        "Targets are known with error: their covariance joins every standard error."
        if given
        else "Targets are known with error, taken as that of shares of one sample in a margin and as independent between "
        "margins: it joins every standard error."
    )
    return root, (Notice("uncertain_targets", text, root.shape[1]),)


def _blocks(drafts: Sequence[Draft]) -> FloatArray | None:
    """Covariance of the written targets from their standard errors. Shape (F, F)."""
    errors = [[_error(w) for w in d.fixed] for d in drafts]
    if all(e is None for margin in errors for e in margin):
        return None
    return _block_diagonal(
        [
            multinomial(np.array([e or 0.0 for e in margin]), _proportions(d))
            for margin, d in zip(errors, drafts, strict=True)
        ]
    )


def _proportions(draft: Draft) -> FloatArray:
    """Shares of the written categories in the whole, 0 < p < 1. Shape (f,)."""
    p = draft.shares[: len(draft.fixed)]
    if draft.open:
        raise TargetError(
            f"{draft.name!r}: standard errors of counts with categories left free need the total. Give all counts, or a "
            "covariance (TargetTable)."
        )
    return p


def multinomial(se: FloatArray, p: FloatArray) -> FloatArray:
    """Covariance with the correlations of multinomial shares: cov_ij = -se_i se_j sqrt(p_i p_j / ((1-p_i)(1-p_j))).

    Shapes (k,), (k,) -> (k, k). A share of 1 has no error. Fuller (1998), Statistica Sinica 8, 1153, for its use.
    """
    odds = np.divide(p, 1 - p, out=np.zeros_like(p), where=p < 1)
    se = np.where(p < 1, se, 0.0)
    covariance = -np.outer(se, se) * np.sqrt(np.outer(odds, odds))
    np.fill_diagonal(covariance, se**2)
    return covariance


def _block_diagonal(blocks: Sequence[FloatArray]) -> FloatArray:
    out = np.zeros((sum(len(b) for b in blocks), sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        out[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return out
