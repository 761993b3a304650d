"""Hadamard matrices: square, entries +1 and -1, rows orthogonal. H H' = m I for order m.

Orders are reached by Paley's two constructions over the field of q elements, q an odd prime power, and by Kronecker
products (order 2 times any other is Sylvester's doubling). Paley (1933); Hedayat & Wallis (1978), sections 3 and 4.

    Paley I, q = 3 mod 4:   H = I + S,  S = [[0, 1'], [-1, Q]],  order q + 1
    Paley II, q = 1 mod 4:  H = C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]],  C = [[0, 1'], [1, Q]],  order 2 (q + 1)
    Q[a, b] = chi(a - b), where chi is 0 for zero, +1 for a square of the field and -1 otherwise
"""

from __future__ import annotations

import numpy as np

from survey_kit.kernels.groups import FloatArray, IntArray

_TWO = np.array([[1.0, 1.0], [1.0, -1.0]])


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


def hadamard(order: int) -> FloatArray:
    """A Hadamard matrix whose first row and first column are +1. Shape (order, order).

    Raises:
        ValueError: an order that is not reached.
    """
    matrix = _made(order)
    matrix = matrix * matrix[:1]
    normal: FloatArray = matrix * matrix[:, :1]
    return normal


def _made(order: int) -> FloatArray:
    if order in (1, 2):
        return _TWO[:order, :order]
    q = _paley(order)
    if q is not None:
        return _paley_one(q) if order == q + 1 else _paley_two(q)
    split = _split(order)
    if split is None:
        raise ValueError(f"no Hadamard matrix of order {order} is made here")
    product: FloatArray = np.kron(_made(split), _made(order // split)).astype(np.float64, copy=False)
    return product


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


def _paley_one(q: int) -> FloatArray:
    return np.eye(q + 1) + _bordered(_characters(q), -1.0)


def _paley_two(q: int) -> FloatArray:
    conference = _bordered(_characters(q), 1.0)
    return np.kron(conference, _TWO) + np.kron(np.eye(q + 1), np.array([[1.0, -1.0], [-1.0, -1.0]]))


def _bordered(inner: FloatArray, side: float) -> FloatArray:
    q = len(inner)
    out = np.zeros((q + 1, q + 1))
    out[0, 1:], out[1:, 0], out[1:, 1:] = 1.0, side, inner
    return out


def _characters(q: int) -> FloatArray:
    """Q[a, b] = chi(a - b) over the field of q elements. Shape (q, q)."""
    p, k = _prime_power(q) or (q, 1)
    digits = np.arange(q)[:, None] // p ** np.arange(k) % p
    chi = np.full(q, -1.0)
    chi[0] = 0.0
    chi[_squares(p, k)] = 1.0
    difference = (digits[:, None, :] - digits[None, :, :]) % p
    return chi[difference @ p ** np.arange(k)]


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
