"""Estimates by domain on a complex design, side by side with R survey and svy, and against one np.bincount pass, the floor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

import survey_kit as sk
from benchmarks.timing import best_of, line, peak_bytes, r_seconds_of, svy_seconds_of

ROWS = 1_000_000
REPLICATES = 80

R_SETUP = "d <- svydesign(id=~psu, strata=~stratum, weights=~w, data=data, nest=TRUE)"
SVY_SETUP = (
    "data = data.with_columns(pl.col('vote', 'region').cast(pl.Categorical))\n"
    "s = svy.Sample(data, svy.Design(stratum='stratum', psu='psu', wgt='w'))"
)
# what: (ours, R, svy)
CASES: dict[str, tuple[Callable[[sk.Survey], object], str, str]] = {
    "means in 20 domains": (
        lambda p: sk.mean(p, "income", by="region").se,
        "svyby(~income, ~region, d, svymean)",
        "s.estimation.mean('income', by='region')",
    ),
    "shares of 6 answers in 20 domains": (
        lambda p: sk.proportion(p, "vote", by="region").se,
        "svyby(~vote, ~region, d, svymean)",
        "s.estimation.prop('vote', by='region')",
    ),
    "the same with all covariances": (
        lambda p: sk.proportion(p, "vote", by="region").vcov(),
        "svyby(~vote, ~region, d, svymean, covmat=TRUE)",
        "",
    ),
    "quartiles in 20 domains": (
        lambda p: sk.quantile(p, "income", [0.25, 0.5, 0.75], by="region").se,
        "svyby(~income, ~region, d, svyquantile, quantiles=c(.25, .5, .75), ci=TRUE)",
        "s.estimation.quantile('income', p=(.25, .5, .75), by='region')",
    ),
}


def sample(rows: int, seed: int = 20221201) -> pd.DataFrame:
    """50 strata with 1,000 sampling units, a six-category answer, 20 regions."""
    random = np.random.default_rng(seed)
    psu = random.integers(0, 1000, rows)
    return pd.DataFrame(
        {
            "stratum": psu // 20,
            "psu": psu,
            "w": random.uniform(0.5, 4, rows),
            "income": random.lognormal(10, 1, rows),
            "vote": pd.Categorical.from_codes(random.integers(0, 6, rows), list("abcdef")),
            "region": pd.Categorical.from_codes(random.integers(0, 20, rows), [f"r{k:02d}" for k in range(20)]),
        }
    )


def main() -> None:
    """Print a line for each size and estimator."""
    for rows in (10_000, 100_000, ROWS):
        _by_domain(rows)
    _replicates()


def _by_domain(rows: int) -> None:
    frame = sample(rows)
    start = sk.from_frame(frame)
    print(
        line(
            f"{rows:>9,} rows: check and bind the design",
            best_of(3, lambda: start.with_design("w", "stratum", "psu")),
            None,
        )
    )
    poll = start.with_design("w", "stratum", "psu")
    key, weight = frame["psu"].to_numpy(), frame["w"].to_numpy()
    floor = best_of(7, lambda: np.bincount(key, weights=weight, minlength=1000))
    print(line(f"{rows:>9,} rows: one np.bincount pass", floor, None))
    in_r = r_seconds_of(frame, R_SETUP, [theirs for _, theirs, _ in CASES.values()])
    asked = [(name, theirs) for name, (_, _, theirs) in CASES.items() if theirs]
    in_svy = dict(
        zip((n for n, _ in asked), svy_seconds_of(frame, SVY_SETUP, [w for _, w in asked]) or [], strict=False)
    )
    for at, (name, (ours, _, _)) in enumerate(CASES.items()):
        ours(poll)
        seconds, memory = best_of(5, lambda ask=ours: ask(poll)), peak_bytes(lambda ask=ours: ask(poll))
        print(line(f"{rows:>9,} rows: {name}", seconds, in_r[at] if in_r else None))
        if name in in_svy:
            print(line(" " * 11 + "the same", seconds, in_svy[name], "svy     "))
        print(f"{'':11}{seconds / floor:.0f} passes; at most {memory / (8 * rows):.1f} arrays of n doubles more")


def _replicates() -> None:
    """80 replicate means against the bare matrix product over the same bytes."""
    frame = sample(ROWS)
    random = np.random.default_rng(1)
    names = [f"r{k + 1}" for k in range(REPLICATES)]
    weights = frame["w"].to_numpy()[:, None] * random.choice([0.5, 1.5], (ROWS, REPLICATES))
    wide = pd.concat([frame, pd.DataFrame(weights, columns=names)], axis=1)
    poll = sk.from_frame(wide).with_replicates(names, "BRR", weight="w")
    x = np.column_stack([frame["income"].to_numpy(), np.ones(ROWS)])
    product = best_of(5, lambda: weights.T @ x)
    print(line(f"{ROWS:>9,} rows x {REPLICATES} replicates: one matrix product", product, None))
    for name, ask in {
        "a mean": lambda: sk.mean(poll, "income").se,
        "means in 20 domains": lambda: sk.mean(poll, "income", by="region").se,
        "shares of 6 answers in 20 domains": lambda: sk.proportion(poll, "vote", by="region").se,
    }.items():
        ask()
        seconds = best_of(3, ask)
        print(
            f"{line(f'{ROWS:>9,} rows x {REPLICATES} replicates: {name}', seconds, None)}   {seconds / product:.1f} products"
        )


if __name__ == "__main__":
    main()
