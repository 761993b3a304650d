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

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray, combine

MAX_ITER = 60
TOL = 1e-9  # relative size of a step that is negligible: what is left after it is its square
_ALIASED = 1e-11  # eigenvalue of the scaled normal equations below which a direction is not there
_VANISHED = 1e-9  # part of the information left in a direction below which beta runs away
_SURE = 15.0  # |eta| up to which no information has vanished
_ROUNDING = 1e-12
_EXACT = 1e-10
_WORTH_GROUPING = 8  # columns of weights from which on looking for equal rows pays
_BLOCK = 500_000  # numbers of one array of rows by columns of weights at a time: more would leave the cache


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
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray,
    start: FloatArray | None = None,
    max_iter: int = MAX_ITER,
    code: IntArray | None = None,
) -> LogisticFit:
    """Fit y on x under each column of weights, all columns in one pass.

    Args:
        x: columns of the model, the constant among them. Shape (n, p).
        y: 0 or 1. Shape (n,).
        weights: >= 0; shape (n,) or (n, R). Their scale does not matter.
        start: coefficients to start from, such as those of the full sample for its replicates. Shape (p,).
        max_iter: Newton steps.
        code: the row of x that each row has, where x holds the distinct ones only. Shape (n,).

    Whether the fits are good enough is for the caller to judge: `converged`, `separated`. Many columns of weights are
    fitted on the distinct rows of x, where these are few.
    """
    w = weights[:, None] if weights.ndim == 1 else weights
    beta = np.repeat((np.zeros(x.shape[1]) if start is None else start)[:, None], w.shape[1], axis=1)
    yes = np.asarray(y, dtype=np.float64)
    if code is not None:
        pattern: _Patterns | None = _in_order(code, np.arange(len(x)))
    else:
        pattern = _patterns(x) if w.shape[1] >= _WORTH_GROUPING else None
    if pattern is None:
        return _fit(_Rows(x, w, yes), beta, max_iter)
    parts = [pattern.sums(w, yes, r) for r in _blocks(len(w), w.shape[1])]
    held, given = (np.hstack(arrays) for arrays in zip(*parts, strict=True))
    fit = _fit(
        _Rows(x[pattern.first], held, np.divide(given, held, out=np.zeros_like(held), where=held > 0)), beta, max_iter
    )
    return replace(fit, probabilities=fit.probabilities[pattern.code])


def inverse_information(x: FloatArray, weights: FloatArray, probabilities: FloatArray) -> FloatArray:
    """(X' diag(w p (1 - p)) X)^-1, a generalised inverse where columns say the same. Shapes (n, p), (n,), (n,) -> (p, p)."""
    information = x.T @ (x * (weights * probabilities * (1 - probabilities))[:, None])
    inverse, _ = _inverse(information[None])
    return inverse[0]


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Rows that are alike: pattern of each row (n,), the row of x of each pattern (G,), rows in order of pattern (n,)."""

    code: IntArray
    first: IntArray
    order: IntArray
    starts: IntArray

    def sums(self, weights: FloatArray, y: FloatArray, columns: slice) -> tuple[FloatArray, FloatArray]:
        """Weight by pattern, and the part of it with outcome 1, of some columns of weights. Shapes (G, r)."""
        values = weights[self.order, columns]
        held = np.add.reduceat(values, self.starts, axis=0)
        values *= y[self.order, None]
        return held, np.add.reduceat(values, self.starts, axis=0)


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
    return _in_order(code, first)


def _in_order(code: IntArray, first: IntArray) -> _Patterns:
    """Patterns of rows (n,) that are `first` (G,) among the rows of x."""
    order = np.argsort(code, kind="stable")
    return _Patterns(code, first, order, np.searchsorted(code[order], np.arange(len(first))))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows (or patterns): x (n, p), weights (n, R), and the outcome, (n,) or, as a mean of the pattern, (n, R)."""

    x: FloatArray
    weights: FloatArray
    y: FloatArray

    def at(self, beta: FloatArray, columns: IntArray) -> _Sums:
        """Score and information of some columns at beta, over the rows block by block. Shape of beta (p, r)."""
        p, r = beta.shape
        score, flat = np.zeros((p, r)), np.zeros((r, p * (p + 1) // 2))
        off, far = np.zeros(r), np.zeros(r)
        every = r == self.weights.shape[1]
        for rows in _blocks(max(r, flat.shape[1]), len(self.x)):
            x = self.x[rows]
            w = self.weights[rows] if every else self.weights[rows][:, columns]
            y = self.y[rows, None] if self.y.ndim == 1 else self.y[rows][:, columns]
            eta = x @ beta
            fitted = expit(eta)
            residual = w * (y - fitted)
            score += x.T @ residual
            off += np.abs(residual).sum(axis=0)
            np.maximum(far, np.where(w > 0, np.abs(eta), 0.0).max(axis=0, initial=0.0), out=far)
            fitted *= w * (1 - fitted)
            flat += fitted.T @ _products(x)
        return _Sums(score, _square(flat, p), off, far)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Of r columns of weights: score (p, r), information (r, p, p), sum |w (y - p)| (r,), and the largest |eta| (r,)."""

    score: FloatArray
    information: FloatArray
    off: FloatArray
    far: FloatArray

    def of(self, columns: BoolArray) -> _Sums:
        return _Sums(self.score[:, columns], self.information[columns], self.off[columns], self.far[columns])


def _fit(rows: _Rows, beta: FloatArray, max_iter: int) -> LogisticFit:
    size = beta.shape[1]
    total = np.maximum(rows.weights.sum(axis=0), np.finfo(float).tiny)
    done, rank, far = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64), np.zeros(size)
    on = np.arange(size)
    now, steps = rows.at(beta, on), 0
    while len(on) and steps < max_iter:
        steps += 1
        inverse, rank[on] = _inverse(now.information)
        move = np.einsum("rij,jr->ir", inverse, now.score)
        part, after = _walk(rows, on, beta[:, on], move, now.score, total[on])
        beta[:, on] += part * move
        small = np.abs(part * move).max(axis=0) <= TOL * (1 + np.abs(beta[:, on]).max(axis=0))
        done[on] = small | (after.off <= _EXACT * total[on])  # where every row is fitted, more steps tell nothing
        far[on] = after.far
        now, on = after.of(~done[on]), on[~done[on]]
    separated = np.zeros(size, dtype=bool)
    for r in np.flatnonzero(far > _SURE):
        separated[r], rank[r] = _is_separated(rows, beta[:, r], r)
    return LogisticFit(beta, _fitted(rows.x, beta), done, separated, rank, steps)


def _walk(
    rows: _Rows, on: IntArray, beta: FloatArray, move: FloatArray, score: FloatArray, total: FloatArray
) -> tuple[FloatArray, _Sums]:
    """What part of the step to take in each column, and the sums after it.

    The log likelihood is concave: along the step its slope falls, and where it has turned to nearly the opposite the step
    went beyond the top and is halved.
    """
    part = np.ones(beta.shape[1])
    slope = (score * move).sum(axis=0)
    for _ in range(40):
        after = rows.at(beta + part * move, on)
        beyond = (move * after.score).sum(axis=0) < -0.9 * slope - _ROUNDING * total
        if not beyond.any():
            break
        part[beyond] /= 2
    return part, after


def _is_separated(rows: _Rows, beta: FloatArray, r: np.intp) -> tuple[bool, int]:
    """Whether the information of column r has vanished in some direction, and the number of directions."""
    column = np.array([r])
    plain = 4 * rows.at(np.zeros((len(beta), 1)), column).information[0]
    left, rank = _information_left(plain, rows.at(beta[:, None], column).information[0])
    return left < _VANISHED, rank


def _fitted(x: FloatArray, beta: FloatArray) -> FloatArray:
    out = np.empty((len(x), beta.shape[1]))
    for rows in _blocks(beta.shape[1], len(x)):
        out[rows] = expit(x[rows] @ beta)
    return out


def _blocks(width: int, length: int) -> Iterator[slice]:
    """Slices of `length` things of which each has `width` numbers."""
    step = max(1, _BLOCK // max(width, 1))
    return (slice(start, start + step) for start in range(0, length, step))


def expit(eta: FloatArray) -> FloatArray:
    """1 / (1 + exp(-eta)) without overflow. Shape of eta."""
    small = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1.0, small) / (1.0 + small)


def _products(x: FloatArray) -> FloatArray:
    """x_ij x_ik for j <= k, from which X' diag(d) X is one product with d. Shape (n, p (p + 1) / 2)."""
    return np.concatenate([x[:, j:] * x[:, j : j + 1] for j in range(x.shape[1])], axis=1)


def _square(flat: FloatArray, size: int) -> FloatArray:
    """Symmetric matrices from their upper triangles, row by row. Shapes (R, p (p + 1) / 2) -> (R, p, p)."""
    upper = np.triu_indices(size)
    full = np.zeros((len(flat), size, size))
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
