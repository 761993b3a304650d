"""A chi-square test written out from covariances, to check that these are right."""

from __future__ import annotations

import numpy as np

import survey_kit as sk


def rao_scott(poll: sk.Survey, rows: str, columns: str) -> tuple[float, float, float]:
    """The second-order Rao-Scott F and its degrees of freedom, from the covariance of the joint shares."""
    crossed = sk.proportion(poll.recode(cell=sk.cross(rows, columns)), "cell")
    p, n = crossed.theta, len(poll)
    a, b = (len(sk.proportion(poll, name)) for name in (rows, columns))
    table = p.reshape(a, b)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    x2 = n * ((table - expected) ** 2 / expected).sum()
    first, second = np.repeat(np.eye(a), b, axis=0)[:, 1:], np.tile(np.eye(b), (a, 1))[:, 1:]
    main = np.column_stack([np.ones(a * b), first, second])
    both = np.column_stack([x * y for x in first.T for y in second.T])
    contrast = both - main @ np.linalg.lstsq(main, both, rcond=None)[0]
    scaled = contrast / p[:, None]
    delta = np.linalg.solve(contrast.T @ scaled / n, scaled.T @ crossed.vcov().to_numpy() @ scaled)
    d0 = np.trace(delta) ** 2 / np.trace(delta @ delta)
    return x2 / np.trace(delta), d0, d0 * crossed.df
