"""Logistic regression under many columns of weights at once: response and participation propensities, with replicates.

For weights w_r (one column for each replicate) beta_r solves the score equations

    sum_i w_ir x_i (y_i - p_ir) = 0,        p_ir = 1 / (1 + exp(-x_i' beta_r))

by Newton's method, beta <- beta + H^-1 score with H = sum_i w_ir p_ir (1 - p_ir) x_i x_i'; steps that go too far are halved.
Columns of x that say the same (or have no weight in a replicate) share one generalised inverse, so that the probabilities
are those of any full set of them.

Where the outcome is separated no finite beta exists: p of some rows runs to 0 or 1, and the information left in one
direction of beta vanishes. Such columns of weights are told in `separated`.

Arrays: x (n, p), y (n,) of 0 and 1, weights (n, R), probabilities (n, R). The numbers are those of R glm(family=binomial)
and svyglm(family=quasibinomial). Source: McCullagh & Nelder (1989), Generalized Linear Models, 2.5 and 4.4; Albert &
Anderson (1984), Biometrika 71, 1, for separation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine

MAX_ITER = 60
TOL = 1e-9  # relative size of a step that is negligible: what is left after it is its square
_ALIASED = 1e-11  # eigenvalue of the scaled normal equations below which a direction is not there
_VANISHED = 1e-9  # part of the information left in a direction below which beta runs away
_SURE = 15.0  # |eta| up to which no information has vanished
_ROUNDING = 1e-12
_WORTH_GROUPING = 8  # columns of weights from which on looking for equal rows pays
_BLOCK = 1_000_000  # numbers of one (n, R) array at a time: larger ones leave the cache


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
    rank: IntArray
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

    Whether the fits are good enough is for the caller to judge: `converged`, `separated`. Many columns of weights are
    fitted on the distinct rows of x, where these are few.
    """
    w = weights[:, None] if weights.ndim == 1 else weights
    beta = np.zeros(x.shape[1]) if start is None else start
    pattern = _patterns(x) if w.shape[1] >= _WORTH_GROUPING else None
    rows = x if pattern is None else x[pattern.first]
    products = _products(rows)
    wide = max(1, _BLOCK // max(len(x), 1))
    parts = []
    for r in range(0, w.shape[1], wide):
        block = w[:, r : r + wide]
        yes = block * np.asarray(y, dtype=np.float64)[:, None]
        if pattern is not None:
            block, yes = pattern.sums(block), pattern.sums(yes)
        fit = _fit(rows, products, block, yes, beta, max_iter)
        parts.append(fit if pattern is None else replace(fit, probabilities=fit.probabilities[pattern.code]))
    return parts[0] if len(parts) == 1 else _joined(parts)


def inverse_information(x: FloatArray, weights: FloatArray, probabilities: FloatArray) -> FloatArray:
    """(X' diag(w p (1 - p)) X)^-1, a generalised inverse where columns say the same. Shapes (n, p), (n,), (n,) -> (p, p)."""
    information = x.T @ (x * (weights * probabilities * (1 - probabilities))[:, None])
    inverse, _ = _inverse(information[None])
    return inverse[0]


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Rows of x that are alike: pattern of each row (n,), first row of each pattern (G,), rows in order of pattern (n,)."""

    code: IntArray
    first: IntArray
    order: IntArray
    starts: IntArray

    def sums(self, values: FloatArray) -> FloatArray:
        """Sums by pattern. Shapes (n, R) -> (G, R)."""
        return np.add.reduceat(values[self.order], self.starts, axis=0)


def _patterns(x: FloatArray) -> _Patterns | None:
    """The distinct rows of x; None where they are not much fewer than the rows."""
    keys = []
    for column in x.T:
        values, key = np.unique(column, return_inverse=True)
        if 2 * len(values) > len(x):
            return None
        keys.append(key.astype(np.int64, copy=False))
    code, first = combine(keys)
    if 2 * len(first) > len(x):
        return None
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(first)))
    return _Patterns(code, first, order, starts)


def _fit(
    x: FloatArray, products: FloatArray, weights: FloatArray, yes: FloatArray, start: FloatArray, max_iter: int
) -> LogisticFit:
    """Fits from the weight of each row (or pattern) and the part of it whose outcome is 1. Shapes (n, R)."""
    mean = np.maximum(weights.mean(axis=0), np.finfo(float).tiny)
    w, yes = weights / mean, yes / mean
    beta = np.repeat(start[:, None], w.shape[1], axis=1)
    eta = x @ beta
    p = _expit(eta)
    rank = np.zeros(w.shape[1], dtype=np.int64)
    done = np.zeros(w.shape[1], dtype=bool)
    steps = 0
    while steps < max_iter and not done.all():
        steps += 1
        on = np.flatnonzero(~done)
        every = slice(None) if len(on) == len(done) else on
        w_on, yes_on, p_on = w[:, every], yes[:, every], p[:, every]
        score = x.T @ (yes_on - w_on * p_on)
        inverse, rank[on] = _inverse(_information(products, w_on * p_on * (1 - p_on)))
        move = np.einsum("rij,jr->ir", inverse, score)
        beta[:, on], eta[:, every], p[:, every], done[on] = _walk(x, w_on, yes_on, beta[:, on], move, score)
    separated = np.zeros(len(done), dtype=bool)
    for r in np.flatnonzero(np.where(w > 0, np.abs(eta), 0.0).max(axis=0) > _SURE):
        plain, informed = (_information(products, v[:, None]) for v in (w[:, r], w[:, r] * p[:, r] * (1 - p[:, r])))
        left, rank[r] = _information_left(plain[0], informed[0])
        separated[r] = left < _VANISHED
    return LogisticFit(beta, p, done, separated, rank, steps)


def _walk(
    x: FloatArray, w: FloatArray, yes: FloatArray, beta: FloatArray, move: FloatArray, score: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """The step, halved in the columns where it goes too far: beta, eta, p, and where it was negligible.

    The log likelihood is concave: along the step its slope falls, and where it has turned to nearly the opposite the step
    went beyond the top.
    """
    part = np.ones(beta.shape[1])
    slope = (score * move).sum(axis=0)
    for _ in range(40):
        tried = beta + part * move
        eta = x @ tried
        p = _expit(eta)
        off = yes - w * p
        beyond = (move * (x.T @ off)).sum(axis=0) < -0.9 * slope - _ROUNDING
        if not beyond.any():
            break
        part[beyond] /= 2
    small = np.abs(part * move).max(axis=0) <= TOL * (1 + np.abs(tried).max(axis=0))
    exact = np.abs(off).sum(axis=0) <= 1e-10 * w.sum(axis=0)  # every row is fitted: more steps tell nothing
    return tried, eta, p, small | exact


def _expit(eta: FloatArray) -> FloatArray:
    """1 / (1 + exp(-eta)) without overflow."""
    small = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1.0, small) / (1.0 + small)


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


def _inverse(information: FloatArray) -> tuple[FloatArray, IntArray]:
    """Generalised inverses of symmetric matrices and their ranks. Shapes (R, p, p) -> (R, p, p), (R,)."""
    scale = np.sqrt(np.maximum(np.einsum("rii->ri", information), 0.0))
    safe = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(information / (safe[:, :, None] * safe[:, None, :]))
    there = values > _ALIASED
    inverted = np.where(there, 1.0 / np.where(there, values, 1.0), 0.0)
    scaled = (vectors * inverted[:, None, :]) @ vectors.transpose(0, 2, 1)
    return scaled / (safe[:, :, None] * safe[:, None, :]), there.sum(axis=1)


def _information_left(plain: FloatArray, informed: FloatArray) -> tuple[float, int]:
    """Smallest part of the information left in any direction that is there, and the number of these. Shapes (p, p)."""
    scale = np.sqrt(np.maximum(np.diag(plain), 0.0))
    both = np.outer(np.where(scale > 0, scale, 1.0), np.where(scale > 0, scale, 1.0))
    values, vectors = np.linalg.eigh(plain / both)
    there = values > _ALIASED
    root = vectors[:, there] / np.sqrt(values[there])
    return float(np.linalg.eigvalsh(root.T @ (informed / both) @ root)[0]), int(there.sum())


def _joined(parts: list[LogisticFit]) -> LogisticFit:
    return LogisticFit(
        np.concatenate([p.coefficients for p in parts], axis=1),
        np.concatenate([p.probabilities for p in parts], axis=1),
        np.concatenate([p.converged for p in parts]),
        np.concatenate([p.separated for p in parts]),
        np.concatenate([p.rank for p in parts]),
        max(p.iterations for p in parts),
    )
