"""How they were interviewed: who called, when, how long. All assumed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_kit.datasets.kazakhstan_people import logistic, pick, toss

INTERVIEWERS = 24
RUSSIAN_ONLY = (18, 24)  # interviewers with these numbers speak no Kazakh
DAYS = 20
MIDNIGHT = pd.Timestamp("2022-12-01")
PAUSE = 90  # seconds between two interviews of one interviewer


def draw_calls(rng: np.random.RandomState, people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Interviewer and day of December for every person."""
    load = 0.7 + 0.6 * rng.random_sample(INTERVIEWERS)
    speaks = np.ones((2, INTERVIEWERS))
    speaks[0, RUSSIAN_ONLY[0] - 1 :] = 0.0
    interviewer = pick(rng, speaks[people["language"] - 1] * load)
    weekend = (MIDNIGHT + pd.to_timedelta(np.arange(DAYS), unit="D")).day_of_week >= 5
    day = pick(rng, np.tile(np.where(weekend, 0.7, 1.0), (len(people), 1)))
    return {"interviewer": interviewer, "day": day}


def draw_pace(rng: np.random.RandomState, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Who was rushed through (speeders), and who of them gave one answer down the batteries. Bool, (n,) each."""
    rushed = toss(rng, logistic(np.where(people["interviewer"] == 11, -1.6, -3.8)))
    return rushed, rushed & toss(rng, np.full(len(people), 0.6))


def draw_duration(
    rng: np.random.RandomState, people: pd.DataFrame, rushed: np.ndarray, opposed: np.ndarray
) -> np.ndarray:
    """Seconds, whole: about 13 minutes, longer for older people and opponents, 3 to 5 minutes for speeders."""
    n = len(people)
    longer = 1.0 + 0.12 * (people["age4"] == 4) + 0.05 * (people["language"] == 1)
    usual = 760.0 * longer.to_numpy() * np.exp(0.24 * rng.normal(size=n)) + 40.0 * opposed
    short = 170.0 + 130.0 * rng.random_sample(n)
    return np.round(np.where(rushed, short, np.maximum(usual, 330.0))).astype(int)


def schedule(rng: np.random.RandomState, calls: pd.DataFrame) -> np.ndarray:
    """Start of every interview between 10:00 and about 21:00; no interviewer holds two at once. datetime64[us], (n,).

    `calls` has the columns interviewer, day and duration.
    """
    second = np.round(36_000 + 36_000 * rng.random_sample(len(calls))).astype(int)
    for _, rows in calls.assign(second=second).groupby(["interviewer", "day"], sort=True):
        free = 0
        for row in rows.sort_values("second", kind="stable").index:
            second[row] = max(second[row], free)
            free = second[row] + int(calls["duration"].loc[row]) + PAUSE
    start = MIDNIGHT + pd.to_timedelta(calls["day"] - 1, unit="D") + pd.to_timedelta(second, unit="s")
    return start.to_numpy().astype("datetime64[us]")
