"""What they said: two latent concerns, and answers that follow from them. Every coefficient is an assumption.

The concern about the cost of living drives opposition most, the concern about security less; language, ethnicity, age,
the big cities and contact with arrivals shift both. Published are only the two shares passed in by the caller.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.datasets.kazakhstan_calibration import choose, split_by_rank
from survey_kit.datasets.kazakhstan_people import BIG_CITIES, logistic, pick, toss

DONT_KNOW, REFUSED = 98, 99
OPPOSED, INFILTRATION = 0.38, 0.30  # published, of all respondents

COST_ITEMS = {"q3a": (0.80, 0.55), "q3b": (0.78, 0.45), "q3c": (0.72, 0.0), "q3d": (0.70, 0.50), "q3e": (0.72, 0.15)}
SECURITY_ITEMS = {
    "q4a": (0.82, 0.15),
    "q4b": (0.76, -0.10),
    "q4c": (0.70, 0.05),
    "q4d": (0.72, -0.25),
    "q4e": (0.78, 0.10),
}
ITEM_DONT_KNOW = {"q3a": 0.05, "q3b": 0.02, "q3c": 0.06, "q3d": 0.02, "q3e": 0.02} | {
    "q4a": 0.05,
    "q4b": 0.10,
    "q4c": 0.06,
    "q4d": 0.11,
    "q4e": 0.05,
}
CUTS = [-1.2, -0.4, 0.25, 1.05]


def draw_answers(
    rng: np.random.RandomState, people: pd.DataFrame, weights: np.ndarray, hasty: np.ndarray
) -> dict[str, np.ndarray]:
    """Codes of q1 to q9 for every person. `hasty` marks interviews in which the batteries were rushed through."""
    contact = _contact(rng, people)
    cost, security = concerns(rng, people)
    stance = _stance(rng, people, cost, security, contact)
    q1 = _attitude(rng, people, stance, weights)
    return {
        "q1": q1,
        **_reasons(rng, people, cost, security, opposed=np.isin(q1, (4, 5))),
        **_battery(rng, cost, COST_ITEMS, hasty),
        **_battery(rng, security, SECURITY_ITEMS, hasty),
        "q5": _infiltration(rng, people, cost, security, weights),
        "q6": unanswered(rng, contact, 0.015, 0.005),
        "q7": _permits(rng, stance, security),
        "q8": _side(rng, people),
        **_media(rng, people),
    }


def unanswered(rng: np.random.RandomState, codes: np.ndarray, dont_know: float, refused: float) -> np.ndarray:
    """The same answers, some of them replaced by don't know and refused."""
    u = rng.random_sample(len(codes))
    return np.where(u < refused, REFUSED, np.where(u < refused + dont_know, DONT_KNOW, codes))


def standardised(x: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1."""
    return (x - x.mean()) / x.std()


def flag(people: pd.DataFrame, name: str, *codes: int) -> np.ndarray:
    """1.0 where the column has one of the codes, else 0.0. Shape (n,)."""
    return people[name].isin(codes).to_numpy(dtype=float)


def concerns(rng: np.random.RandomState, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The latent concern about the cost of living and about security, both standardised. Shapes (n,)."""
    n = len(people)
    poor = 3 - people["income"].to_numpy()
    cost = 0.55 * flag(people, "tenure", 2) + 0.35 * flag(people, "region", *BIG_CITIES) + 0.22 * poor
    cost = standardised(cost + 0.15 * flag(people, "sex", 2) + 0.9 * rng.normal(size=n))
    kazakh, russian = flag(people, "ethnicity3", 1), flag(people, "ethnicity3", 2)
    security = 0.35 * flag(people, "language", 1) + 0.25 * kazakh - 0.50 * russian + 0.15 * flag(people, "region", 6, 7)
    security = security - 0.10 * flag(people, "age4", 4) + 0.35 * cost + 0.85 * rng.normal(size=n)
    return cost, standardised(security)


def _contact(rng: np.random.RandomState, people: pd.DataFrame) -> np.ndarray:
    known = 0.8 * flag(people, "region", *BIG_CITIES) + 0.6 * flag(people, "language", 2)
    known = known + 0.4 * flag(people, "region", 6) + 0.3 * flag(people, "age4", 1, 2)
    none = np.full(len(people), 1.75)
    return pick(rng, np.column_stack([0.12 * np.exp(known), 0.30 * np.exp(0.8 * known), none]))


def _stance(
    rng: np.random.RandomState, people: pd.DataFrame, cost: np.ndarray, security: np.ndarray, contact: np.ndarray
) -> np.ndarray:
    """Latent opposition to the influx: cost most, then security, then who one is and who asks. Shape (n,)."""
    habit = rng.normal(scale=0.12, size=int(people["interviewer"].max()) + 1)[people["interviewer"]]
    x = 0.80 * cost + 0.50 * security + 0.25 * flag(people, "language", 1) - 0.35 * flag(people, "ethnicity3", 2)
    x = x + 0.25 * flag(people, "region", *BIG_CITIES) - 0.35 * (contact == 1) - 0.15 * (contact == 2)
    x = x + np.array([0.15, 0.10, 0.0, -0.20])[people["age4"] - 1]
    return x + habit + 0.9 * rng.normal(size=len(people))


def _attitude(rng: np.random.RandomState, people: pd.DataFrame, stance: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """q1, with exactly the published share of all respondents in the two codes of opposition."""
    q1 = unanswered(rng, np.zeros(len(people), dtype=int), 0.065, 0.02)
    opposed = choose(stance, weights, q1 == 0, OPPOSED)
    rest = (q1 == 0) & ~opposed
    q1[opposed] = 4 + split_by_rank(stance[opposed], (0.56, 0.44))
    q1[rest] = 1 + split_by_rank(stance[rest], (0.17, 0.33, 0.50))
    return q1


def _reasons(
    rng: np.random.RandomState, people: pd.DataFrame, cost: np.ndarray, security: np.ndarray, opposed: np.ndarray
) -> dict[str, np.ndarray]:
    """q2: reasons of those who oppose, at least one or "don't know"; NaN for everyone else."""
    city, kazakh = flag(people, "region", *BIG_CITIES), flag(people, "language", 1)
    logits = [
        -0.20 + 0.7 * cost,
        -0.95 + 0.6 * cost + 0.9 * city + 0.5 * flag(people, "tenure", 2),
        -0.85 + 0.4 * cost + 0.3 * flag(people, "age4", 1, 2),
        -0.45 + 0.8 * security,
        -1.45 + 0.3 * cost,
        -1.75 + 0.4 * security + 0.9 * kazakh,
        -1.55 + 0.3 * security,
        np.full(len(people), -3.0),
    ]
    hits = np.column_stack([toss(rng, logistic(x)) for x in logits]).astype(float)
    silent = toss(rng, np.full(len(people), 0.035))
    hits[silent] = 0.0
    main = np.where(security > cost, 3, 0)  # whoever has a reason but named none gives the stronger concern
    none = ~silent & (hits.sum(axis=1) == 0)
    hits[none, main[none]] = 1.0
    hits = np.column_stack([hits, silent])
    hits[~opposed] = np.nan
    return {f"q2_{k + 1}": hits[:, k] for k in range(hits.shape[1])}


def _battery(
    rng: np.random.RandomState, concern: np.ndarray, items: dict[str, tuple[float, float]], hasty: np.ndarray
) -> dict[str, np.ndarray]:
    """Five-point items that load on one concern; hasty interviews repeat the first answer down the battery."""
    answers: dict[str, np.ndarray] = {}
    for name, (loading, shift) in items.items():
        x = loading * concern + np.sqrt(1 - loading**2) * rng.normal(size=len(concern)) + shift
        codes = unanswered(rng, 1 + np.digitize(x, CUTS), ITEM_DONT_KNOW[name], 0.008)
        answers[name] = np.where(hasty, next(iter(answers.values()), codes), codes)
    return answers


def _infiltration(
    rng: np.random.RandomState, people: pd.DataFrame, cost: np.ndarray, security: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """q5, with exactly the published share of all respondents in the two codes of agreement."""
    x = 0.95 * security + 0.10 * cost + 0.10 * flag(people, "language", 1) - 0.20 * flag(people, "ethnicity3", 2)
    x = x - 0.2 * flag(people, "age4", 4) + 0.8 * rng.normal(size=len(people))
    q5 = unanswered(rng, np.zeros(len(people), dtype=int), 0.10, 0.025)
    agrees = choose(x, weights, q5 == 0, INFILTRATION)
    rest = (q5 == 0) & ~agrees
    q5[agrees] = 1 + split_by_rank(-x[agrees], (0.37, 0.63))
    q5[rest] = 3 + split_by_rank(-x[rest], (0.58, 0.42))
    return q5


def _permits(rng: np.random.RandomState, stance: np.ndarray, security: np.ndarray) -> np.ndarray:
    x = 0.75 * standardised(stance) + 0.15 * security + 0.6 * rng.normal(size=len(stance))
    return unanswered(rng, 1 + np.digitize(x, [-1.25, -0.35, 0.30, 1.05]), 0.06, 0.012)


def _side(rng: np.random.RandomState, people: pd.DataFrame) -> np.ndarray:
    """q8, shaped after the sister polls: siding with Russia grows with age and with the Russian language."""
    age, russian = people["age4"].to_numpy() - 1, flag(people, "ethnicity3", 2)
    ukraine = np.array([-1.15, -1.1, -1.2, -1.35])[age] + 0.65 * flag(people, "language", 1) - 0.9 * russian
    russia = np.array([-2.9, -2.35, -1.6, -0.95])[age] + 0.5 * flag(people, "language", 2) + 0.9 * russian
    side = pick(rng, np.exp(np.column_stack([ukraine, russia, np.zeros(len(people))])))
    return unanswered(rng, side, 0.045, 0.03)


def _media(rng: np.random.RandomState, people: pd.DataFrame) -> dict[str, np.ndarray]:
    """q9: news sources; "none of these" is exclusive."""
    age, kazakh = people["age4"].to_numpy() - 1, flag(people, "language", 1)
    logits = [
        np.array([-1.5, -0.9, -0.2, 0.5])[age] + 0.6 * kazakh,
        np.array([-2.4, -1.8, -1.0, -0.3])[age] - 0.9 * kazakh + 0.7 * flag(people, "ethnicity3", 2),
        np.array([0.2, -0.1, -0.8, -1.9])[age],
        np.array([1.0, 0.2, -0.8, -2.0])[age] + 0.2 * kazakh,
        np.array([0.1, 0.0, -0.4, -1.2])[age],
        np.array([-0.4, 0.1, 0.0, -0.9])[age] + 0.3 * flag(people, "education3", 1),
    ]
    hits = np.column_stack([toss(rng, logistic(x)) for x in logits])
    hits = np.column_stack([hits, ~hits.any(axis=1)]).astype(float)
    return {f"q9_{k + 1}": hits[:, k] for k in range(hits.shape[1])}
