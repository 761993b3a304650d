"""Timing: the fastest of several runs here, and R in the same minute when `Rscript` and its packages are installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pandas as pd


def best_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs."""
    taken = []
    for _ in range(times):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return min(taken)


def r_seconds(frame: pd.DataFrame, setup: str, work: str, times: int = 1) -> float | None:
    """Seconds that R takes for `work` after `setup`, the data read beforehand as `data`; None without R or survey."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.to_csv(path, index=False)
        script = (
            f"suppressPackageStartupMessages(library(survey)); data <- read.csv('{path}', stringsAsFactors=TRUE); {setup};"
            f"t <- min(sapply(1:{times}, function(i) system.time({{{work}}})[['elapsed']])); cat(t)"
        )
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout else None


def line(what: str, ours: float, theirs: float | None, peer: str = "R survey") -> str:
    """One row of a report: our time, the peer's, the ratio."""
    ratio = "" if theirs is None else f"   {peer} {theirs:8.3f} s   {theirs / ours:7.1f} x"
    return f"{what:<58} {ours:8.4f} s{ratio}"
