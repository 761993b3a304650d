"""Hadamard matrices: square, entries +1 and -1, rows orthogonal. H H' = m I for order m.

Orders are reached by Paley's two constructions over the field of q elements, q an odd prime power, and by Kronecker
products (order 2 times any other is Sylvester's doubling). Paley (1933); Hedayat & Wallis (1978), sections 3 and 4.

    Paley I, q = 3 mod 4:   H = I + S,  S = [[0, 1'], [-1, Q]],  order q + 1
    Paley II, q = 1 mod 4:  H = C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]],  C = [[0, 1'], [1, Q]],  order 2 (q + 1)
    Q[a, b] = chi(a - b), where chi is 0 for zero, +1 for a square of the field and -1 otherwise

Entries are bytes, and only the rows that are asked for are made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from survey_kit.kernels.groups import IntArray

SignArray = NDArray[np.int8]

_TWO = np.array([[1, 1], [1, -1]], dtype=np.int8)
_TURNED = np.array([[1, -1], [-1, -1]], dtype=np.int8)
_BLOCK = 1_000_000  # differences of field elements held at a time


def hadamard_order(least: int) -> int:
    """The smallest order >= `least` that these constructions reach.

    >>> [hadamard_order(k) for k in (1, 3, 5, 25, 89)]
    [1, 4, 8, 28, 96]
    """
    order = max(least, 1)
    while not reachable(order):
        order += 1
    return order


def reachable(order: int) -> bool:
    """Whether a matrix of this order can be made here."""
    return order in (1, 2) or _paley(order) is not None or _split(order) is not None


def hadamard(order: int, rows: IntArray | None = None) -> SignArray:
    """Rows of a Hadamard matrix whose first row and first column are +1, all of them when None. Shape (rows, order).

    Raises:
        ValueError: an order that is not reached.
    """
    made = _rows(order, np.arange(order) if rows is None else rows)
    made *= _rows(order, np.zeros(1, dtype=np.int64))
    made *= made[:, :1].copy()
    return made


def _rows(order: int, rows: IntArray) -> SignArray:
    """Rows of the matrix as it is constructed. Shape (rows, order)."""
    if order in (1, 2):
        return _TWO[rows, :order]
    q = _paley(order)
    if q is not None:
        return _paley_one(q, rows) if order == q + 1 else _paley_two(q, rows)
    split = _split(order)
    if split is None:
        raise ValueError(f"no Hadamard matrix of order {order} is made here")
    other = order // split
    return _kron(_rows(split, rows // other), _rows(other, rows % other))


def _kron(left: SignArray, right: SignArray) -> SignArray:
    """Kronecker products of rows. Shapes (m, a), (m, b) -> (m, a b)."""
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)


def _paley(order: int) -> int | None:
    """The q of a Paley construction of this order, if there is one."""
    for q, residue in ((order - 1, 3), (order // 2 - 1, 1)):
        whole = residue == 3 or order % 2 == 0
        if whole and q > 2 and q % 4 == residue and _prime_power(q) is not None:
            return q
    return None


def _split(order: int) -> int | None:
    """A factor of the order such that both factors are orders of Hadamard matrices."""
    if order % 4:
        return None
    factors = (a for a in range(2, int(order**0.5) + 1) if order % a == 0)
    return next((a for a in factors if reachable(a) and reachable(order // a)), None)


def _prime_power(q: int) -> tuple[int, int] | None:
    """(p, k) with q = p^k and p an odd prime."""
    if q % 2 == 0 or q < 3:
        return None
    p = next((d for d in range(3, int(q**0.5) + 1, 2) if q % d == 0), q)
    k, rest = 0, q
    while rest % p == 0:
        k, rest = k + 1, rest // p
    return (p, k) if rest == 1 else None


def _paley_one(q: int, rows: IntArray) -> SignArray:
    out = _bordered(q, rows, -1)
    out[np.arange(len(rows)), rows] += np.int8(1)
    return out


def _paley_two(q: int, rows: IntArray) -> SignArray:
    cell, half = rows // 2, rows % 2
    out = _kron(_bordered(q, cell, 1), _TWO[half])
    out[np.arange(len(rows))[:, None], 2 * cell[:, None] + np.arange(2)] += _TURNED[half]
    return out


def _bordered(q: int, rows: IntArray, side: int) -> SignArray:
    """Rows of [[0, 1'], [side, Q]]. Shape (rows, q + 1)."""
    out = np.empty((len(rows), q + 1), dtype=np.int8)
    inner = rows > 0
    out[~inner, 0], out[~inner, 1:] = 0, 1
    out[inner, 0], out[inner, 1:] = side, _characters(q, rows[inner] - 1)
    return out


def _characters(q: int, rows: IntArray) -> SignArray:
    """Rows of Q[a, b] = chi(a - b) over the field of q elements. Shape (rows, q)."""
    p, k = _prime_power(q) or (q, 1)
    base = p ** np.arange(k)
    digits = np.arange(q)[:, None] // base % p
    chi = np.full(q, -1, dtype=np.int8)
    chi[0] = 0
    chi[_squares(p, k)] = 1
    out = np.empty((len(rows), q), dtype=np.int8)
    step = max(1, _BLOCK // (q * k))
    for start in range(0, len(rows), step):
        some = digits[rows[start : start + step]]
        out[start : start + step] = chi[(some[:, None, :] - digits) % p @ base]
    return out


def _squares(p: int, k: int) -> IntArray:
    """Codes of the squares that are not zero, an element being its digits in base p."""
    if k == 1:
        return np.unique(np.arange(1, p) ** 2 % p)
    powers = next(found for tail in range(1, p**k) if (found := _powers_of_x(p, k, tail)) is not None)
    return powers[::2]


def _powers_of_x(p: int, k: int, tail: int) -> IntArray | None:
    """1, x, x^2, ... modulo x^k - (digits of `tail`), as codes; None unless x generates all q - 1 elements."""
    base, q = p ** np.arange(k), p**k
    reduction = tail // base % p
    element, codes = np.zeros(k, dtype=np.int64), []
    element[0] = 1
    for _ in range(q - 1):
        codes.append(int(element @ base))
        element = (np.roll(element, 1) * (np.arange(k) > 0) + element[-1] * reduction) % p
        if codes[-1] == 0 or (len(codes) < q - 1 and element @ base == 1):
            return None
    return np.array(codes) if len(set(codes)) == q - 1 else None
