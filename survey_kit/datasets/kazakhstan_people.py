"""Who answered: an assumed adult population, dialled at random, answering at unequal rates.

A pool of adults is drawn from the population margins. A number reaches a person in proportion to how many numbers
that person uses; whether the person then answers depends on sex, age, ethnicity, language, settlement and education.
The first `n` who answer are the sample. Every rate in this module is an assumption.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

POOL = 40_000
AGE_EDGES = ((18, 29), (30, 44), (45, 59), (60, 85))

# Rows are age groups or (ethnicity, settlement) cells; columns are the categories of the codebook, in its order.
ETHNICITY_BY_AGE = np.array([[0.76, 0.11, 0.13], [0.73, 0.13, 0.14], [0.66, 0.19, 0.15], [0.57, 0.27, 0.16]])
URBAN_BY_ETHNICITY = np.array([0.59, 0.77, 0.57])
REGION_URBAN = np.array(
    [
        [0.20, 0.14, 0.11, 0.20, 0.15, 0.09, 0.05, 0.06],
        [0.24, 0.07, 0.02, 0.08, 0.07, 0.25, 0.14, 0.13],
        [0.20, 0.06, 0.17, 0.23, 0.05, 0.15, 0.06, 0.08],
    ]
)
REGION_RURAL = np.array(
    [
        [0.00, 0.00, 0.00, 0.58, 0.20, 0.11, 0.06, 0.05],
        [0.00, 0.00, 0.00, 0.14, 0.08, 0.49, 0.17, 0.12],
        [0.00, 0.00, 0.00, 0.62, 0.05, 0.22, 0.05, 0.06],
    ]
)
PHONES = np.array([0.62, 0.31, 0.07])
STRATA = np.array([0.21, 0.19, 0.18, 0.16, 0.14, 0.12])
BIG_CITIES = (1, 2)


def pick(rng: np.random.RandomState, shares: np.ndarray) -> np.ndarray:
    """One category per row, drawn with the row's shares. `shares` (n, k), any positive scale; returns 1..k, (n,)."""
    upper = np.cumsum(shares, axis=1)
    u = rng.random_sample(len(shares)) * upper[:, -1]
    return 1 + (u[:, None] > upper[:, :-1]).sum(axis=1)


def logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), elementwise."""
    return 1.0 / (1.0 + np.exp(-x))


def toss(rng: np.random.RandomState, chance: np.ndarray) -> np.ndarray:
    """True with the given chance, row by row. Shape (n,)."""
    return rng.random_sample(len(chance)) < chance


def draw_people(rng: np.random.RandomState, sexage_shares: np.ndarray, n: int) -> pd.DataFrame:
    """The `n` adults who answered, one row each, in the order in which they were reached. Columns hold codes."""
    pool = _pool(rng, sexage_shares)
    reached = np.flatnonzero(toss(rng, _answer_chance(pool)))[:n]
    return pool.iloc[reached].reset_index(drop=True)


def _pool(rng: np.random.RandomState, sexage_shares: np.ndarray) -> pd.DataFrame:
    sexage = pick(rng, np.tile(sexage_shares, (POOL, 1)))
    age4 = (sexage - 1) % 4 + 1
    ethnicity = pick(rng, ETHNICITY_BY_AGE[age4 - 1])
    urban = toss(rng, URBAN_BY_ETHNICITY[ethnicity - 1])
    region = pick(rng, np.where(urban[:, None], REGION_URBAN[ethnicity - 1], REGION_RURAL[ethnicity - 1]))
    pool = pd.DataFrame(
        {
            "sex": (sexage - 1) // 4 + 1,
            "age": _age(rng, age4),
            "age4": age4,
            "sexage": sexage,
            "ethnicity3": ethnicity,
            "settlement": np.where(urban, 1, 2),
            "region": region,
            "phones": pick(rng, np.tile(PHONES, (POOL, 1))),
            "stratum": pick(rng, np.tile(STRATA, (POOL, 1))),
        }
    )
    return pool.assign(language=_language(rng, pool), **_means(rng, pool))


def _age(rng: np.random.RandomState, age4: np.ndarray) -> np.ndarray:
    """Years within the group: even below 60, thinning out towards 85 above."""
    low, high = np.array(AGE_EDGES, dtype=float)[age4 - 1].T
    u = rng.random_sample(len(age4))
    u = np.where(age4 == 4, u**1.8, u)
    return np.floor(low + u * (high - low + 1)).astype(int)


def _language(rng: np.random.RandomState, pool: pd.DataFrame) -> np.ndarray:
    """Language preferred for an interview: 1 Kazakh, 2 Russian."""
    start = np.array([-0.05, -6.0, -2.3])[pool["ethnicity3"] - 1]
    start = start + np.where(pool["settlement"] == 2, 1.35, 0.0) + 0.5 * pool["region"].isin([4, 5])
    start = start + np.array([0.30, 0.10, -0.15, -0.40])[pool["age4"] - 1]
    return np.where(toss(rng, logistic(start.to_numpy())), 1, 2)


def _means(rng: np.random.RandomState, pool: pd.DataFrame) -> dict[str, np.ndarray]:
    """Education, income and tenure."""
    urban = (pool["settlement"] == 1).to_numpy()
    young, old = (pool["age4"] == k for k in (1, 4))
    higher = np.exp(0.1 + 0.55 * urban - 0.6 * old - 0.1 * young)
    education = pick(rng, np.column_stack([0.19 * higher, np.full(POOL, 0.31), np.full(POOL, 0.38)]))
    comfort = 0.35 * urban + np.array([0.45, 0.1, -0.25])[education - 1] - 0.3 * old + rng.normal(size=POOL)
    renting = -2.3 + np.array([1.25, 0.75, 0.0, -0.9])[pool["age4"] - 1] + 0.7 * pool["region"].isin(BIG_CITIES)
    return {
        "education3": education,
        "income": 1 + np.digitize(comfort, [-1.25, -0.25, 0.85, 1.75]),
        "tenure": np.where(toss(rng, logistic((renting + 0.4 * urban).to_numpy())), 2, 1),
    }


def _answer_chance(pool: pd.DataFrame) -> np.ndarray:
    """Chance that a person is dialled (share of numbers) and then answers. Shape (POOL,)."""
    x = -1.55 + np.where(pool["sex"] == 1, 0.32, 0.0) + np.array([0.25, 0.15, -0.15, -0.65])[pool["age4"] - 1]
    x = x + np.array([0.0, 0.20, -0.05])[pool["ethnicity3"] - 1] + np.where(pool["settlement"] == 1, 0.30, 0.0)
    x = x + np.where(pool["language"] == 1, -1.20, 0.0) + np.array([0.30, 0.0, -0.20])[pool["education3"] - 1]
    return logistic(x) * pool["phones"].to_numpy() / len(PHONES)
