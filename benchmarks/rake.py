"""How long raking takes: `python -m benchmarks rake`. Data come from a seeded generator; nothing is read or written."""

from __future__ import annotations

from collections.abc import Hashable
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.timing import line, r_seconds
from survey_kit.results.weights import Weights
from survey_kit.weighting import rake

SIZES = {"sex": 2, "age6": 6, "education": 5, "ethnicity": 4, "region": 16}


def sample(
    rows: int, kind: str = "text", seed: int = 20221201
) -> tuple[pd.DataFrame, dict[Hashable, dict[Hashable, float]]]:
    """A sample with skewed margins, its columns as "text", "category" or "int", and targets that differ from it."""
    random = np.random.default_rng(seed)
    columns, targets = {}, {}
    for name, size in SIZES.items():
        codes = random.choice(size, rows, p=random.dirichlet(np.full(size, 8.0)))
        labels = [f"{name} {k}" for k in range(size)]
        columns[name] = pd.Series(codes) if kind == "int" else pd.Series(pd.Categorical.from_codes(codes, labels))
        keys = range(size) if kind == "int" else labels
        targets[name] = dict(zip(keys, random.dirichlet(np.full(size, 8.0)), strict=True))
    frame = pd.DataFrame(columns)
    return frame.astype("str") if kind == "text" else frame, targets


def best_of(times: int, rows: int, kind: str, upper: float | None = None) -> tuple[float, Weights]:
    """Seconds of the fastest of several runs, and its weights."""
    frame, targets = sample(rows, kind)
    taken = []
    for _ in range(times):
        start = perf_counter()
        weights = rake(frame, targets, upper=upper)
        taken.append(perf_counter() - start)
    return min(taken), weights


def r_rake(rows: int) -> float | None:
    """Seconds of R's rake on the same sample, with a tolerance that meets the margins."""
    frame, targets = sample(rows, "text")
    margins = [
        f"data.frame({name}=c({', '.join(repr(str(k)) for k in shares)}), "
        f"Freq=c({', '.join(str(v * rows) for v in shares.values())}))"
        for name, shares in targets.items()
    ]
    setup = (
        "d <- svydesign(id=~1, weights=~one, data=cbind(data, one=1)); "
        f"m <- list({', '.join(f'~{name}' for name in targets)}); p <- list({', '.join(margins)})"
    )
    return r_seconds(frame, setup, "rake(d, m, p, control=list(maxit=500, epsilon=1e-10))")


def main() -> None:
    """Print a line for each size and kind of column."""
    for rows in (1_000, 100_000, 1_000_000):
        for kind in ("text", "category", "int"):
            seconds, _ = best_of(3, rows, kind)
            peer = r_rake(rows) if kind == "category" and rows <= 100_000 else None
            print(line(f"{rows:>9,} rows x {len(SIZES)} margins, {kind}", seconds, peer))
    seconds, _ = best_of(3, 1_000_000, "category", upper=8.0)
    print(line(f"1,000,000 rows x {len(SIZES)} margins, upper=8", seconds, None))


if __name__ == "__main__":
    main()
