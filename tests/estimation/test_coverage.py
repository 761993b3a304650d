"""95% intervals hold what they say: they cover the truth in 93 to 97 of 100 simulated polls."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

POLLS = 1000
STRATA, AREAS, PEOPLE = 4, 60, 40  # in the population
AREAS_DRAWN, PEOPLE_DRAWN = 12, 8


@cache
def _population() -> pd.DataFrame:
    rng = np.random.default_rng(20221201)
    area = np.repeat(np.arange(STRATA * AREAS), PEOPLE)
    stratum = area // AREAS
    effect = rng.normal(0, 2, STRATA * AREAS)[area]
    age = rng.integers(18, 80, len(area)).astype(float)
    income = np.exp(3 + 0.1 * stratum + 0.1 * effect + rng.normal(0, 0.5, len(area)))
    lean = -0.4 + 0.3 * effect + 0.02 * (age - 45) + 0.2 * stratum
    oppose = np.where(rng.random(len(area)) < 1 / (1 + np.exp(-lean)), "oppose", "accept")
    women = np.where(rng.random(len(area)) < 0.5, "women", "men")
    return pd.DataFrame(
        {
            "stratum": stratum,
            "area": area,
            "person": np.arange(len(area)),
            "age": age,
            "income": income,
            "view": oppose,
            "sex": women,
        }
    ).assign(areas=AREAS, people=PEOPLE)


def _draw(rng: np.random.Generator) -> pd.DataFrame:
    """Areas within strata, then people within areas, without replacement."""
    rows = []
    for stratum in range(STRATA):
        for area in rng.choice(AREAS, AREAS_DRAWN, replace=False):
            first = (stratum * AREAS + area) * PEOPLE
            rows.append(first + rng.choice(PEOPLE, PEOPLE_DRAWN, replace=False))
    return _population().iloc[np.concatenate(rows)].reset_index(drop=True)


def _limits(estimates, row: int = 0) -> tuple[float, float]:
    low, high = estimates.confidence_interval()
    return low[row], high[row]


def _asked(poll: sk.Survey) -> dict[str, tuple[float, float]]:
    view = sk.proportion(poll, "view")
    return {
        "mean": _limits(sk.mean(poll, "income")),
        "share": _limits(view, list(view.keys["answer"]).index("oppose")),
        "ratio": _limits(sk.ratio(poll, "income", "age")),
        "domain": _limits(sk.mean(poll, "age", where="sex == 'women' and view == 'oppose'")),
        "difference": _limits(sk.mean(poll, "income", by="view").difference(view=("oppose", "accept"))),
        "total": _limits(sk.total(poll, "income", where="sex == 'women'")),
    }


@cache
def _truth() -> dict[str, float]:
    everybody = _population()
    women, oppose = everybody["sex"] == "women", everybody["view"] == "oppose"
    by_view = everybody.groupby("view")["income"].mean()
    return {
        "mean": everybody["income"].mean(),
        "share": oppose.mean(),
        "ratio": everybody["income"].sum() / everybody["age"].sum(),
        "domain": everybody.loc[women & oppose, "age"].mean(),
        "difference": by_view["oppose"] - by_view["accept"],
        "total": everybody.loc[women, "income"].sum(),
    }


@cache
def _coverage() -> pd.Series:
    rng = np.random.default_rng(7)
    covered = dict.fromkeys(_truth(), 0)
    for _ in range(POLLS):
        poll = sk.from_frame(_draw(rng)).with_design(strata="stratum", psu=("area", "person"), fpc=("areas", "people"))
        for name, (low, high) in _asked(poll).items():
            covered[name] += low <= _truth()[name] <= high
    return pd.Series(covered) / POLLS


@pytest.mark.parametrize("name", ["mean", "share", "ratio", "domain", "difference", "total"])
def test_coverage(name):
    assert 0.93 <= _coverage()[name] <= 0.97, _coverage()
