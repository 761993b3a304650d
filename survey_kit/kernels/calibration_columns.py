"""The columns that calibration works on: sums over rows without an n x p matrix, and a well-conditioned basis of them.

Row i has the columns x_i = (cells[code_i], rows_i): p1 columns that are constant within C cells (dummies of margins), and k
columns of its own. With D the cells, B(a) the sums of a by cell and Z the columns of rows,

    X'w           = [D' B(w);  Z'w]                                       shape (p,)
    X' diag(s) X  = [D' diag(B(s)) D,  D' B(s Z);  .,  Z' diag(s) Z]      shape (p, p)

so that work on rows is a handful of sums by cell, and the products of columns are made on C cells only. p = p1 + k.
Dummies of margins on very many cells are not written out: their sums and products are cross-tables (`cross_tables.py`).

A basis makes them fit for Newton's method: columns are centred (where weights have a known total), scaled, and whitened,
so that columns in the millions stand beside dummies, and columns that others imply are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from survey_kit.kernels.cross_tables import Indicators
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray

_BLOCK = 2_000_000  # numbers of one block of work
_MANY = 4  # columns of weights from which products of columns are worth forming once
_IMPLIED = 1e-12  # part of the largest eigenvalue below which a combination of columns is empty


@dataclass(frozen=True, eq=False)
class Dummies:
    """K indicators of categories over C cells, each divided by a number.

    Attributes:
        of: the indicators.
        scale: shape (K,).
    """

    of: Indicators
    scale: FloatArray

    def sums(self, w: FloatArray) -> FloatArray:
        """Shapes (C, R) -> (K, R)."""
        return np.stack([self.of.sums(column) for column in w.T], axis=1) / self.scale[:, None]

    def times(self, b: FloatArray) -> FloatArray:
        """Shapes (K, R) -> (C, R)."""
        return np.stack([self.of.spread(column) for column in (b / self.scale[:, None]).T]).T

    def gram(self, s: FloatArray) -> FloatArray:
        """Shapes (C, R) -> (R, K, K)."""
        return np.stack([self.of.cross(column) for column in s.T]) / np.outer(self.scale, self.scale)

    def dense(self) -> FloatArray:
        """The columns written out. Shape (C, K)."""
        parts = [c[:, None] == np.arange(k) for c, k in zip(self.of.codes, self.of.sizes, strict=True)]
        return np.hstack(parts) / self.scale


@dataclass(frozen=True, eq=False)
class Features:
    """Columns of n rows: dummies and others that are constant within cells, and those of rows, in this order.

    Attributes:
        cells: shape (C, p1 - K).
        code: cell of each row, shape (n,); None when row i is cell i (then C = n).
        rows: shape (n, k); None without.
        dummies: K of them over the cells; None without.
    """

    cells: FloatArray
    code: IntArray | None = None
    rows: FloatArray | None = None
    dummies: Dummies | None = None

    @property
    def first(self) -> int:
        """K, the columns that are dummies."""
        return 0 if self.dummies is None else self.dummies.of.width

    @property
    def wide(self) -> int:
        """p1, the columns that are constant within cells."""
        return self.first + self.cells.shape[1]

    @property
    def width(self) -> int:
        """p."""
        return self.wide + (0 if self.rows is None else self.rows.shape[1])

    def by_cell(self, w: FloatArray) -> FloatArray:
        """Sums of w (n, R) by cell. Shape (C, R)."""
        if self.code is None:
            return w
        size = len(self.cells)
        return np.stack([np.bincount(self.code, weights=column, minlength=size) for column in w.T], axis=1)

    def sums(self, w: FloatArray) -> FloatArray:
        """X'w for w (n, R). Shape (p, R)."""
        top = self._of_cells(self.by_cell(w))
        return top if self.rows is None else np.concatenate([top, self.rows.T @ w])

    def _of_cells(self, w: FloatArray) -> FloatArray:
        """D'w of weights by cell. Shapes (C, R) -> (p1, R)."""
        rest = self.cells.T @ w
        return rest if self.dummies is None else np.concatenate([self.dummies.sums(w), rest])

    def times(self, b: FloatArray) -> FloatArray:
        """X b for b (p, R). Shape (n, R)."""
        wide = self.wide
        out = self.cells @ b[self.first : wide]
        out = out if self.dummies is None else out + self.dummies.times(b[: self.first])
        out = out if self.code is None else out.T.take(self.code, axis=1).T
        return out if self.rows is None else out + (b[wide:].T @ self.rows.T).T

    def column(self, j: int) -> FloatArray:
        """Column j. Shape (n,)."""
        if j >= self.wide:
            assert self.rows is not None
            return self.rows[:, j - self.wide]
        if self.dummies is not None and j < self.first:
            cell = self.dummies.times(np.eye(1, self.first, j).T)[:, 0]
        else:
            cell = self.cells[:, j - self.first]
        return cell if self.code is None else cell[self.code]

    def gram(self, s: FloatArray) -> FloatArray:
        """X' diag(s_r) X for each column r of s (n, R). Shape (R, p, p)."""
        by_cell = self.by_cell(s)
        top = _products(self.cells, by_cell)
        if self.dummies is not None:
            beside = [self.dummies.sums(z[:, None] * by_cell) for z in self.cells.T]
            top = _bordered(self.dummies.gram(by_cell), beside, top)
        if self.rows is None:
            return top
        beside = [self._of_cells(self.by_cell(z[:, None] * s)) for z in self.rows.T]
        return _bordered(top, beside, _products(self.rows, s))

    def absolute(self, w: FloatArray) -> FloatArray:
        """sum_i w_i |x_i| for w (n,). Shape (p,)."""
        rows = None if self.rows is None else np.abs(self.rows)
        return replace(self, cells=np.abs(self.cells), rows=rows).sums(w[:, None])[:, 0]

    def standardised(self, shift: FloatArray, scale: FloatArray) -> Features:
        """The same rows with the columns (x - shift) / scale."""
        first, wide = self.first, self.wide
        rows = None if self.rows is None else (self.rows - shift[wide:]) / scale[wide:]
        dummies = None if self.dummies is None else replace(self.dummies, scale=self.dummies.scale * scale[:first])
        return Features((self.cells - shift[first:wide]) / scale[first:wide], self.code, rows, dummies)

    def written_out(self) -> Features:
        """The same with dummies as dense columns."""
        if self.dummies is None:
            return self
        return Features(np.hstack([self.dummies.dense(), self.cells]), self.code, self.rows)


def _bordered(top: FloatArray, beside: list[FloatArray], below: FloatArray) -> FloatArray:
    """[[A, B], [B', D]] for each column of weights; B as its columns. Shapes (R, a, a), b times (a, R), (R, b, b)."""
    if not beside:
        return top
    cross = np.stack(beside, axis=2).transpose(1, 0, 2)
    return np.block([[top, cross], [cross.transpose(0, 2, 1), below]])


def _products(x: FloatArray, s: FloatArray) -> FloatArray:
    """x' diag(s_r) x for each column of s, in blocks of rows. Shapes (m, p), (m, R) -> (R, p, p)."""
    (m, p), count = x.shape, s.shape[1]
    out = np.zeros((count, p, p))
    few = count < _MANY
    upper = np.triu_indices(p)
    for start in _blocks(m, p if few else len(upper[0])):
        part, weight = x[start], s[start]
        if few:
            for r in range(count):
                out[r] += (part * weight[:, r, None]).T @ part
        else:
            out[:, upper[0], upper[1]] += weight.T @ (part[:, upper[0]] * part[:, upper[1]])
    if not few:
        out[:, upper[1], upper[0]] = out[:, upper[0], upper[1]]
    return out


def _blocks(m: int, wide: int) -> list[slice]:
    size = max(_BLOCK // max(wide, 1), 1)
    return [slice(start, min(start + size, m)) for start in range(0, m, size)]


@dataclass(frozen=True, eq=False)
class Basis:
    """Columns made fit for Newton's method.

    Attributes:
        features: standardised columns X~ = (X - shift) / scale.
        people: N where columns are centred, else 0.
        shift, scale: shape (p,).
        totals: their totals, (T - shift N) / scale. Shape (p,).
        slack: rho of each column in its new scale, 0 where the total is exact. Shape (p,).
        whiten: T with T'(X~' diag(w0 q) X~ + diag(slack)) T = 1. Shape (p, r).
        empty: combinations v of columns with X~ v = 0. Shape (p, p - r).
        share: factor from a deviation of a standardised total to the dimensionless gap. Shape (p,).
    """

    features: Features
    people: float
    shift: FloatArray
    scale: FloatArray
    totals: FloatArray
    slack: FloatArray
    whiten: FloatArray
    empty: FloatArray
    share: FloatArray

    def standard(self, totals: FloatArray) -> FloatArray:
        """Totals of the columns as those of the standardised columns. Shape (p, R)."""
        return (totals - self.shift[:, None] * self.people) / self.scale[:, None]

    def coefficients(self) -> FloatArray:
        """B with b = B b~: coefficients of the columns from those of the whitened columns, shifts aside. Shape (p, r)."""
        return self.whiten / self.scale[:, None]

    def conflict(self) -> FloatArray:
        """The part of each total that contradicts the others, dimensionless: columns that the rest imply. Shape (p,)."""
        inner = self.empty.T @ self.empty
        return np.abs(self.empty @ np.linalg.solve(inner, self.empty.T @ self.totals)) * self.share

    def whitened(self) -> Features:
        """The r columns X~ T, orthonormal under the weights of the basis."""
        features = self.features.written_out()
        wide = features.wide
        cells = features.cells @ self.whiten[:wide]
        if features.rows is None:
            return replace(features, cells=cells)
        across = cells if features.code is None else cells[features.code]
        return Features(across + features.rows @ self.whiten[wide:])


def basis_of(
    features: Features,
    totals: FloatArray,
    slack: FloatArray,
    base: FloatArray,
    worth: FloatArray,
    population: float | None,
) -> Basis:
    """The basis under base weights (n,) and worth w0 q (n,). `population`: the total of weights that `totals` imply."""
    held = float(base.sum()) or 1.0
    size = np.abs(features.absolute(base)) * (1.0 if population is None else population / held)
    shift = np.zeros(features.width)
    if population is not None:
        wide = features.wide
        shift[wide:] = features.sums(base[:, None])[wide:, 0] / held
        shift[wide:][_constant(features)] = 0.0  # what holds the total would be gone
    centred = features.standardised(shift, np.ones(features.width))
    spread = np.sqrt(_squares(centred, worth) / (float(worth.sum()) or 1.0))
    scale = np.where(spread > 0, spread, 1.0)
    standard = centred.standardised(np.zeros(features.width), scale)
    people = population or 0.0
    loose = slack / scale**2
    whiten, empty = _whitened(standard.gram(worth[:, None])[0] + np.diag(loose))
    largest = np.maximum(np.abs(totals), size)
    share = scale / np.where(largest > 0, largest, 1.0)
    return Basis(standard, people, shift, scale, (totals - shift * people) / scale, loose, whiten, empty, share)


def _constant(features: Features) -> BoolArray:
    """Which columns of rows are the same in all rows. Shape (k,)."""
    rows = np.zeros((1, 0)) if features.rows is None else features.rows
    return np.asarray(rows.min(axis=0) == rows.max(axis=0))


def _squares(features: Features, worth: FloatArray) -> FloatArray:
    """sum_i worth_i x_i^2 by column. Shape (p,)."""
    rows = None if features.rows is None else features.rows**2
    d = features.dummies
    dummies = None if d is None else replace(d, scale=d.scale**2)  # 0 and 1 are their own squares
    return replace(features, cells=features.cells**2, rows=rows, dummies=dummies).sums(worth[:, None])[:, 0]


def _whitened(gram: FloatArray) -> tuple[FloatArray, FloatArray]:
    """T with T' gram T = 1, and the combinations of columns that are empty."""
    size = np.sqrt(np.diag(gram))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(size, size))
    kept = values > _IMPLIED * values.max(initial=0.0)
    along = vectors / size[:, None]
    return along[:, kept] / np.sqrt(values[kept]), along[:, ~kept]
