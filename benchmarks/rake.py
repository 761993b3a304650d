"""How long raking takes: `python -m benchmarks rake`. Data come from a seeded generator; nothing is read or written.

Whole calls are measured side by side with R survey::rake and svy, which bring the same margins to the same tolerance; the
kernel against the floor, one np.bincount pass over the rows; many columns of weights against one.
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

import survey_kit as sk
from benchmarks.timing import best_of, line, r_seconds, svy_seconds_of
from survey_kit.kernels.groups import FloatArray, IntArray, cross, weighted_counts
from survey_kit.kernels.rake import RakedCells, Solver, rake_cells, rake_cells_within
from survey_kit.weighting import rake

SIZES = {"sex": 2, "age6": 6, "education": 5, "ethnicity": 4, "region": 16}
REPLICATES = 200


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
        targets[name] = dict(zip(keys, random.dirichlet(np.full(size, 8.0)).tolist(), strict=True))
    frame = pd.DataFrame(columns)
    return frame.astype("str") if kind == "text" else frame, targets


def r_rake(rows: int) -> float | None:
    """Seconds of R's rake on the same sample, its columns factors, with a tolerance that meets the margins."""
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


def svy_rake(rows: int, kind: str) -> float | None:
    """Seconds of svy's rake on the same sample."""
    frame, targets = sample(rows, kind)
    setup = f"s = svy.Sample(data.with_columns(pl.lit(1.0).alias('w')), svy.Design(wgt='w'))\nshares = {targets!r}"
    several = svy_seconds_of(frame, setup, ["s.weighting.rake(shares=shares, tol=1e-10, max_iter=1000)"])
    return several[0] if several else None


class Rows:
    """Rows as the kernel gets them: integer codes, base weights, targets."""

    def __init__(self, rows: int):
        frame, targets = sample(rows, "int")
        self.codes: list[IntArray] = [np.ascontiguousarray(frame[name].to_numpy()) for name in SIZES]
        self.base = np.random.default_rng(1).uniform(0.5, 2.0, rows)
        total = self.base.sum()
        self.targets = [total * np.array(list(shares.values())) for shares in targets.values()]

    def rake(self, solver: Solver = "auto") -> RakedCells:
        """From the rows to the factors of their cells."""
        cells = cross(self.codes, list(SIZES.values()))
        held = weighted_counts(cells.code, self.base, len(cells.rows))
        return rake_cells(held, cells.keys, self.targets, solver=solver)

    def weigh(self) -> FloatArray:
        """From the rows to their weights."""
        cells = cross(self.codes, list(SIZES.values()))
        held = weighted_counts(cells.code, self.base, len(cells.rows))
        return self.base * rake_cells(held, cells.keys, self.targets).g[cells.code, 0]


def main() -> None:
    """Print a line for each size and kind of column, then the kernel and the replicates."""
    for rows in (1_000, 10_000, 100_000, 1_000_000):
        peer = r_rake(rows)
        for kind in ("text", "category", "int"):
            frame, targets = sample(rows, kind)
            seconds = best_of(5, lambda data=frame, wanted=targets: rake(data, wanted))
            print(line(f"{rows:>9,} rows x {len(SIZES)} margins, {kind}", seconds, peer))
            other = svy_rake(rows, kind)
            if other is not None:
                print(line(" " * 11 + "the same", seconds, other, "svy     "))
    frame, targets = sample(1_000_000, "category")
    print(line("1,000,000 rows, category, upper=8", best_of(3, lambda: rake(frame, targets, upper=8.0)), None))
    for rows in (10_000, 100_000, 1_000_000):
        _kernel(rows)
    _columns(100_000)
    _replicates(100_000)


def _kernel(rows: int) -> None:
    data = Rows(rows)
    cells = cross(data.codes, list(SIZES.values()))
    size = len(cells.rows)
    floor = best_of(15, lambda: np.bincount(cells.code, weights=data.base, minlength=size))
    print(f"{f'{rows:>9,} rows: one np.bincount pass into {size:,} cells':<58} {1000 * floor:8.3f} ms")
    held = weighted_counts(cells.code, data.base, size)
    low, high = 0.2 * held, 8.0 * held
    steps = {
        "collapse codes to cells": lambda: cross(data.codes, list(SIZES.values())),
        "rake the cells": lambda: rake_cells(held, cells.keys, data.targets),
        "rake the cells, Newton only": lambda: rake_cells(held, cells.keys, data.targets, solver="newton"),
        "rake the cells within bounds": lambda: rake_cells_within(held, cells.keys, data.targets, low, high),
        "rows to factors (collapse, add up, rake)": data.rake,
        "rows to weights": data.weigh,
    }
    for name, work in steps.items():
        seconds = best_of(15, work)
        print(f"{f'{rows:>9,} rows: {name}':<58} {1000 * seconds:8.3f} ms   {seconds / floor:.1f} passes")


def _columns(rows: int) -> None:
    """Many columns of cell weights against the rows of one, and against its cells."""
    data = Rows(rows)
    cells = cross(data.codes, list(SIZES.values()))
    held = weighted_counts(cells.code, data.base, len(cells.rows))
    columns = held[:, None] * np.random.default_rng(2).gamma(20, 0.05, (len(held), REPLICATES))
    one, alone = best_of(15, data.rake), best_of(15, lambda: rake_cells(held, cells.keys, data.targets))
    solvers: tuple[Solver, ...] = ("auto", "newton")
    for solver in solvers:
        many = best_of(5, lambda way=solver: rake_cells(columns, cells.keys, data.targets, solver=way))
        what = f"{rows:>9,} rows: {REPLICATES} columns of cells, {solver}"
        print(
            f"{line(what, many, None)}   {many / one:.1f} x one raking of the rows, {many / alone:.1f} x of its cells"
        )


def _replicates(rows: int) -> None:
    """A survey with bootstrap replicates against the same survey without."""
    frame, targets = sample(rows, "category")
    frame["w"], frame["psu"] = 1.0, np.random.default_rng(3).integers(0, 500, rows)
    poll = sk.from_frame(frame).with_design("w", psu="psu")
    many = poll.replicate("bootstrap", REPLICATES, seed=1)
    poll.bound, many.bound  # noqa: B018 - checked and bound beforehand
    one, all_of_them = best_of(3, lambda: rake(poll, targets)), best_of(3, lambda: rake(many, targets))
    print(line(f"{rows:>9,} rows: rake a survey", one, None))
    what = f"{rows:>9,} rows: rake a survey with {REPLICATES} replicates"
    print(f"{line(what, all_of_them, None)}   {all_of_them / one:.1f} x one")


if __name__ == "__main__":
    main()
