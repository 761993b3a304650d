"""Logistic regression under many columns of weights at once: response and participation propensities, with replicates.

For weights w_r (one column for each replicate) beta_r solves the score equations

    sum_i w_ir x_i (y_i - p_ir) = 0,        p_ir = 1 / (1 + exp(-x_i' beta_r))

by Newton's method, beta <- beta + H^-1 score with H = sum_i w_ir p_ir (1 - p_ir) x_i x_i'; steps are halved while the deviance
grows. Columns of x that say the same (or have no weight in a replicate) share one generalised inverse, so that the
probabilities are those of any full set of them.

Where the outcome is separated no finite beta exists: p of some rows runs to 0 or 1, and the information left in one
direction of beta vanishes. Such columns of weights are told in `separated`.

Arrays: x (n, p), y (n,) of 0 and 1, weights (n, R), probabilities (n, R). The numbers are those of R glm(family=binomial)
and svyglm(family=quasibinomial). Source: McCullagh & Nelder (1989), Generalized Linear Models, 2.5 and 4.4; Albert &
Anderson (1984), Biometrika 71, 1, for separation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray

MAX_ITER = 60
TOL = 1e-12
_ALIASED = 1e-11  # eigenvalue of the scaled normal equations below which a direction is not there
_VANISHED = 1e-9  # part of the information left in a direction below which beta runs away
_BLOCK = 4_000_000  # numbers of one (n, R) array at a time


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """Fits under R columns of weights.

    Attributes:
        coefficients: beta of each column of weights. Shape (p, R).
        probabilities: fitted p of every row, also of rows without weight. Shape (n, R).
        converged: whether the last step was negligible. Shape (R,).
        separated: whether some combination of the columns of x tells the outcome of rows without error. Shape (R,).
        rank: number of columns of x that say something of their own. Shape (R,).
        iterations: Newton steps (of the slowest column).
    """

    coefficients: FloatArray
    probabilities: FloatArray
    converged: BoolArray
    separated: BoolArray
    rank: np.ndarray
    iterations: int


def fit_logistic(
    x: FloatArray, y: FloatArray, weights: FloatArray, start: FloatArray | None = None, max_iter: int = MAX_ITER
) -> LogisticFit:
    """Fit y on x under each column of weights, all columns in one pass.

    Args:
        x: columns of the model, the constant among them. Shape (n, p).
        y: 0 or 1. Shape (n,).
        weights: >= 0; shape (n,) or (n, R). Their scale does not matter.
        start: coefficients to start from, such as those of the full sample for its replicates. Shape (p,).
        max_iter: Newton steps.

    Whether the fits are good enough is for the caller to judge: `converged`, `separated`.
    """
    w = weights[:, None] if weights.ndim == 1 else weights
    outcome = np.asarray(y, dtype=np.float64)
    products = _products(x)
    wide = max(1, _BLOCK // max(len(x), 1))
    parts = [_fit(x, products, outcome, w[:, r : r + wide], start, max_iter) for r in range(0, w.shape[1], wide)]
    return parts[0] if len(parts) == 1 else _joined(parts)


def inverse_information(x: FloatArray, weights: FloatArray, probabilities: FloatArray) -> FloatArray:
    """(X' diag(w p (1 - p)) X)^-1, a generalised inverse where columns say the same. Shapes (n, p), (n,), (n,) -> (p, p)."""
    information = x.T @ (x * (weights * probabilities * (1 - probabilities))[:, None])
    inverse, _, _ = _inverse(information[None])
    return inverse[0]


def _fit(
    x: FloatArray, products: FloatArray, y: FloatArray, weights: FloatArray, start: FloatArray | None, max_iter: int
) -> LogisticFit:
    w = weights / np.maximum(weights.mean(axis=0), np.finfo(float).tiny)
    beta = np.zeros((x.shape[1], w.shape[1])) if start is None else np.repeat(start[:, None], w.shape[1], axis=1)
    eta = x @ beta
    deviance = _deviance(y, eta, w)
    done = np.zeros(w.shape[1], dtype=bool)
    steps = 0
    while steps < max_iter and not done.all():
        steps += 1
        on = np.flatnonzero(~done)
        move = _step(x, products, y, w[:, on], eta[:, on])
        beta[:, on], eta[:, on], deviance[on], done[on] = _walk(x, y, w[:, on], beta[:, on], move, deviance[on])
    p = _expit(eta)
    plain, informed = _information(products, w), _information(products, w * p * (1 - p))
    least, rank = _information_left(plain, informed)
    return LogisticFit(beta, p, done, least < _VANISHED, rank, steps)


def _step(x: FloatArray, products: FloatArray, y: FloatArray, w: FloatArray, eta: FloatArray) -> FloatArray:
    """Newton's step of each column. Shape (p, R)."""
    p = _expit(eta)
    score = x.T @ (w * (y[:, None] - p))
    inverse, _, _ = _inverse(_information(products, w * p * (1 - p)))
    return np.einsum("rij,jr->ir", inverse, score)


def _walk(
    x: FloatArray, y: FloatArray, w: FloatArray, beta: FloatArray, move: FloatArray, before: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """The step, halved in the columns where the deviance would grow: beta, eta, deviance, and where it was negligible."""
    part = np.ones(beta.shape[1])
    for _ in range(30):
        tried = beta + part * move
        eta = x @ tried
        deviance = _deviance(y, eta, w)
        worse = ~(deviance <= before + 1e-9 * (np.abs(before) + 0.1))
        if not worse.any():
            break
        part[worse] /= 2
    small = np.abs(part * move).max(axis=0) <= TOL * (1 + np.abs(tried).max(axis=0))
    # where nothing but rounding is left, or rows are fitted without error, more steps tell nothing
    return tried, eta, deviance, small | (deviance <= 1e-10 * len(x))


def _expit(eta: FloatArray) -> FloatArray:
    """1 / (1 + exp(-eta)) without overflow."""
    small = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1.0, small) / (1.0 + small)


def _deviance(y: FloatArray, eta: FloatArray, w: FloatArray) -> FloatArray:
    """-2 log likelihood of each column. Shape (R,)."""
    signed = np.where(y[:, None] > 0.5, eta, -eta)
    return 2 * np.einsum("nr,nr->r", w, np.logaddexp(0.0, -signed))


def _products(x: FloatArray) -> FloatArray:
    """x_ij x_ik for j <= k, from which X' diag(d) X is one product with d. Shape (n, p (p + 1) / 2)."""
    upper = np.triu_indices(x.shape[1])
    return x[:, upper[0]] * x[:, upper[1]]


def _information(products: FloatArray, working: FloatArray) -> FloatArray:
    """X' diag(d_r) X for each column d_r. Shapes (n, p (p + 1) / 2), (n, R) -> (R, p, p)."""
    size = int(np.sqrt(2 * products.shape[1]))
    upper = np.triu_indices(size)
    flat = working.T @ products
    full = np.zeros((working.shape[1], size, size))
    full[:, upper[0], upper[1]] = flat
    full[:, upper[1], upper[0]] = flat
    return full


def _inverse(information: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Generalised inverses of symmetric matrices (R, p, p) with their scaled eigenvalues (R, p) and scales (R, p)."""
    scale = np.sqrt(np.maximum(np.einsum("rii->ri", information), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(information / (safe[:, :, None] * safe[:, None, :]))
    there = values > _ALIASED
    inverted = np.where(there, 1.0 / np.where(there, values, 1.0), 0.0)
    scaled = (vectors * inverted[:, None, :]) @ vectors.transpose(0, 2, 1)
    return scaled / (safe[:, :, None] * safe[:, None, :]), values, scale


def _information_left(plain: FloatArray, informed: FloatArray) -> tuple[FloatArray, np.ndarray]:
    """Smallest part of the information in any direction that is there, and the number of such directions. Shapes (R,)."""
    scale = np.sqrt(np.maximum(np.einsum("rii->ri", plain), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    both = safe[:, :, None] * safe[:, None, :]
    values, vectors = np.linalg.eigh(plain / both)
    there = values > _ALIASED
    root = vectors * np.where(there, 1.0 / np.sqrt(np.where(there, values, 1.0)), 0.0)[:, None, :]
    left = root.transpose(0, 2, 1) @ (informed / both) @ root
    # directions that are not there would be zeros of `left`
    left += np.eye(left.shape[1]) * np.where(there, 0.0, 1.0)[:, None, :]
    return np.linalg.eigvalsh(left)[:, 0], there.sum(axis=1)


def _joined(parts: list[LogisticFit]) -> LogisticFit:
    return LogisticFit(
        np.concatenate([p.coefficients for p in parts], axis=1),
        np.concatenate([p.probabilities for p in parts], axis=1),
        np.concatenate([p.converged for p in parts]),
        np.concatenate([p.separated for p in parts]),
        np.concatenate([p.rank for p in parts]),
        max(p.iterations for p in parts),
    )
