"""Means and proportions by domain on complex designs, against R survey and against one pass over the bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd

import survey_kit as sk
from benchmarks.timing import best_of, line, r_seconds


def sample(rows: int, seed: int = 20221201) -> pd.DataFrame:
    """A stratified cluster sample with a five-category answer."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "stratum": random.integers(0, 50, rows),
            "psu": random.integers(0, 40, rows),
            "w": random.uniform(0.5, 4, rows),
            "age": random.integers(18, 90, rows).astype(float),
            "vote": pd.Categorical.from_codes(random.integers(0, 5, rows), list("abcde")),
            "region": pd.Categorical.from_codes(random.integers(0, 20, rows), [f"r{k:02d}" for k in range(20)]),
        }
    )


def main() -> None:
    """Print a line for each size and estimator."""
    for rows, ask_r in ((10_000, True), (100_000, True), (1_000_000, False)):
        frame = sample(rows)
        start = sk.from_frame(frame)
        bound = best_of(3, lambda p=start: p.with_design(weight="w", strata="stratum", psu="psu"))
        poll = start.with_design(weight="w", strata="stratum", psu="psu")
        setup = "d <- svydesign(id=~psu, strata=~stratum, weights=~w, data=data, nest=TRUE)"
        cases = {
            "mean of age": (lambda p=poll: sk.mean(p, "age").se, "svymean(~age, d)"),
            "proportion of vote": (lambda p=poll: sk.proportion(p, "vote").se, "svymean(~vote, d)"),
            "proportion of vote by 20 regions, with covariances": (
                lambda p=poll: sk.proportion(p, "vote", by="region").vcov(),
                "svyby(~vote, ~region, d, svymean, covmat=TRUE)",
            ),
        }
        print(line(f"{rows:>9,} rows: check and bind the design", bound, None))
        for name, (ours, theirs) in cases.items():
            r = r_seconds(frame, setup, theirs) if ask_r else None
            print(line(f"{rows:>9,} rows: {name}", best_of(3, ours), r))
        values, weights = frame["age"].to_numpy(), frame["w"].to_numpy()
        print(
            line(
                f"{rows:>9,} rows: floor, one pass over age and w", best_of(5, lambda v=values, w=weights: v @ w), None
            )
        )


if __name__ == "__main__":
    main()
