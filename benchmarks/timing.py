"""Timing: the fastest of several runs here, and the peers in the same minute where they are installed.

R is called as `Rscript`; the Python package svy, which has requirements of its own, by the interpreter that the environment
variable SVY_PYTHON names (`python -m venv peers && peers/bin/pip install svy`; SVY_PYTHON=peers/bin/python).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import tracemalloc
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


def peak_bytes(work: Callable[[], object]) -> int:
    """The most memory that `work` holds beyond what was held before it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def r_seconds(frame: pd.DataFrame, setup: str, work: str, times: int = 1) -> float | None:
    """Seconds that R takes for `work` after `setup`, the data read beforehand as `data`; None without R or survey."""
    several = r_seconds_of(frame, setup, [work], times)
    return several[0] if several else None


def r_seconds_of(frame: pd.DataFrame, setup: str, works: list[str], times: int = 1) -> list[float] | None:
    """Seconds that R takes for each of several pieces of work in one session."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.to_csv(path, index=False)
        timed = ";".join(
            f"cat(min(sapply(1:{times}, function(i) system.time({{{work}}})[['elapsed']])), '\\n')" for work in works
        )
        read = f"suppressPackageStartupMessages(library(survey)); data <- read.csv('{path}', stringsAsFactors=TRUE)"
        script = f"{read}; {setup};{timed}"
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return [float(s) for s in done.stdout.split()] if done.returncode == 0 and done.stdout else None


def svy_seconds_of(frame: pd.DataFrame, setup: str, works: list[str], times: int = 3) -> list[float] | None:
    """Seconds that svy takes for each piece of work; None without SVY_PYTHON. The data are `data`, a polars frame."""
    python = os.environ.get("SVY_PYTHON")
    if not python:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.parquet"
        frame.to_parquet(path)
        lines = [
            "import polars as pl, svy",
            "from time import perf_counter",
            f"data = pl.read_parquet({str(path)!r})",
            setup,
        ]
        for work in works:
            lines += ["taken = []", f"for _ in range({times}):", f"    start = perf_counter(); {work}"]
            lines += ["    taken.append(perf_counter() - start)", "print(min(taken))"]
        done = subprocess.run([python, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    return [float(s) for s in done.stdout.split()] if done.returncode == 0 and done.stdout else None


def line(what: str, ours: float, theirs: float | None, peer: str = "R survey") -> str:
    """One row of a report: our time, the peer's, the ratio."""
    ratio = "" if theirs is None else f"   {peer} {theirs:8.3f} s   {theirs / ours:7.1f} x"
    return f"{what:<58} {ours:8.4f} s{ratio}"
