"""How long reading takes: `python -m benchmarks reading`. The files are made in a temporary folder by pyreadstat.

Peers: pyreadstat itself (raw, and with its own value labels) and R haven. Floor: the bytes of the file read once.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

from benchmarks.timing import best_of, line
from survey_kit.io import read_file, write_file
from survey_kit.survey import open_file

LABELS = {1.0: "Strongly agree", 2.0: "Agree", 3.0: "Neither", 4.0: "Disagree", 5.0: "Strongly disagree", 99.0: "DK"}


def poll(rows: int, answers: int, numbers: int, texts: int, seed: int = 20221201) -> pd.DataFrame:
    """A poll file's columns: labelled answers q1 ..., numbers x1 ..., texts t1 ..."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for i in range(answers):
        columns[f"q{i + 1}"] = np.where(random.random(rows) < 0.05, 99.0, random.integers(1, 6, rows))
    for i in range(numbers):
        columns[f"x{i + 1}"] = random.normal(size=rows)
    for i in range(texts):
        columns[f"t{i + 1}"] = pd.Series(random.choice(["Алматы", "Астана", "Шымкент", ""], rows), dtype="str")
    return pd.DataFrame(columns)


def write_sav(frame: pd.DataFrame, path: Path, compressed: bool = False) -> Path:
    """The frame as pyreadstat writes it, answers labelled and 99 declared missing."""
    answers = [c for c in frame if c.startswith("q")]
    pyreadstat.write_sav(
        frame,
        path,
        variable_value_labels=dict.fromkeys(answers, LABELS),
        missing_ranges={c: [99] for c in answers},
        row_compress=compressed,
    )
    return path


def r_haven(path: Path, times: int = 3) -> float | None:
    """Seconds of R haven's read_sav; None without R and haven."""
    if shutil.which("Rscript") is None:
        return None
    script = (
        f"library(haven); cat(min(sapply(1:{times}, function(i) system.time(read_sav('{path}', user_na=TRUE))"
        "[['elapsed']])))"
    )
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 and done.stdout else None


def big_file(folder: Path) -> None:
    """A file of 100 MB: 50,000 rows, 200 answers, 40 numbers, 10 texts; and the same with SPSS's own compression."""
    frame = poll(50_000, 200, 40, 10)
    for compressed in (False, True):
        path = write_sav(frame, folder / "poll.sav", compressed)
        one_file(path, f"{path.stat().st_size / 1e6:.0f} MB{', compressed' if compressed else ''}", folder / "cache")


def one_file(path: Path, size: str, cache: Path) -> None:
    """Each way of reading a file."""
    raw = best_of(3, lambda: pyreadstat.read_sav(path, user_missing=True))
    few = [f"q{i}" for i in range(1, 11)]
    ways = {
        "the bytes": path.read_bytes,
        "codes and codebook": lambda: read_file(path),
        "and the labelled view": lambda: open_file(path).data,
        "ten columns": lambda: read_file(path, columns=few),
        "1,000 rows": lambda: read_file(path, row_limit=1000),
    }
    for what, way in ways.items():
        print(line(f"{size}: {what}", best_of(3, way), raw, "pyreadstat"))
    print(line(f"{size}: codes and codebook", best_of(1, lambda: read_file(path)), r_haven(path), "R haven"))
    bare = best_of(3, lambda: pyreadstat.read_sav(path, metadataonly=True))
    print(
        line(f"{size}: the codebook alone", best_of(3, lambda: read_file(path, metadata_only=True)), bare, "pyreadstat")
    )
    first = best_of(1, lambda: read_file(path, cache=cache))
    print(line(f"{size}: from the cache", best_of(5, lambda: read_file(path, cache=cache)), raw, "pyreadstat"))
    copies = sum(f.stat().st_size for f in cache.iterdir()) / 1e6
    print(f"{'':<12}the first time, with the copy made, {first:.2f} s; the copy {copies:.0f} MB")
    shutil.rmtree(cache)


def many_columns(folder: Path) -> None:
    """Labelled columns: time must grow in proportion to their number."""
    for columns in (250, 500, 1000, 2000):
        path = write_sav(poll(100, columns, 0, 0), folder / "wide.sav")
        theirs = None
        if columns <= 500:
            theirs = best_of(1, lambda p=path: pyreadstat.read_sav(p, apply_value_formats=True))
        ours = best_of(3, lambda p=path: open_file(p).data)
        print(line(f"{columns:,} labelled columns x 100 rows, labelled view", ours, theirs, "pyreadstat"))


def writing(folder: Path) -> None:
    """The same poll written to each format."""
    contents = read_file(write_sav(poll(10_000, 200, 40, 10), folder / "small.sav"))
    for suffix in (".sav", ".zsav", ".dta", ".parquet", ".feather", ".csv", ".xlsx", ".sss", ".xpt", ".por"):
        codes, book = contents.codes, contents.codebook
        seconds = best_of(1, lambda s=suffix, c=codes, b=book: write_file(folder / f"as_{s[1:]}{s}", c, b))
        again = best_of(1, lambda s=suffix: read_file(folder / f"as_{s[1:]}{s}"))
        print(f"10,000 rows x 250 columns as {suffix:<9} written {seconds:6.2f} s   read {again:6.2f} s")


def main() -> None:
    """Print a line for each way of reading."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        big_file(folder)
        many_columns(folder)
        writing(folder)


if __name__ == "__main__":
    main()
