"""`survey-kit weight`: the file with its weight, the summary, and exit code 3 when targets are not met."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

MARGINS = (
    "variable,category,target,source\nsex,man,48,Census\nsex,woman,52,Census\nage,18-39,50,Census\nage,40+,50,Census\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(5)
    poll = pd.DataFrame(
        {
            "sex": random.choice(["man", "woman"], 200, p=[0.4, 0.6]),
            "age": random.choice(["18-39", "40+"], 200, p=[0.35, 0.65]),
            "w0": random.gamma(6, 1 / 6, 200).round(3),
        }
    )
    sk.from_frame(poll).save(tmp_path / "poll.sav")
    (tmp_path / "margins.csv").write_text(MARGINS, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "survey_kit.cli", "weight", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, encoding="utf-8")


def test_the_file_is_written_with_its_weight(folder):
    done = run(folder, "poll.sav", "--targets", "margins.csv", "--base", "w0", "--cap", "5", "-o", "weighted.sav")
    assert done.returncode == 0, done.stderr
    assert "Weights by rake: 200 rows, converged" in done.stdout
    assert done.stdout.rstrip().endswith("weighted.sav: weight 'weight' added")
    poll = sk.read(folder / "weighted.sav")
    assert list(poll.codes) == ["sex", "age", "w0", "weight"]
    assert poll.codebook.weight == "weight"
    own = sk.read(folder / "poll.sav").with_design(weight="w0").rake(str(folder / "margins.csv"), upper=5)
    np.testing.assert_allclose(poll.codes["weight"], own.weight, rtol=1e-12)


def test_the_name_and_the_place_of_the_output(folder):
    done = run(folder, "poll.sav", "--targets", "margins.csv", "--name", "w1")
    assert done.returncode == 0, done.stderr
    assert "w1" in sk.read(folder / "poll-weighted.sav").codes


def test_targets_that_cannot_be_met_end_with_code_3_and_write_nothing(folder):
    (folder / "hard.csv").write_text(MARGINS.replace("48", "97").replace("52", "3"), encoding="utf-8")
    before = (folder / "poll.sav").read_bytes()
    done = run(folder, "poll.sav", "--targets", "hard.csv", "--cap", "1.5", "-o", "weighted.sav")
    assert done.returncode == 3
    assert "survey-kit: Raking did not converge" in done.stderr
    assert "With --cap 1.5 no weights can meet the targets of 'sex'" in done.stderr
    assert not (folder / "weighted.sav").exists()
    assert (folder / "poll.sav").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--targets", "none.csv"), "No targets file 'none.csv'."),
        (("--targets", "margins.csv", "--base", "w"), "No column 'w'. Did you mean 'w0'?"),
        (("--targets", "margins.csv", "--name", "w0"), "The file has a column 'w0' already."),
        (("--targets", "margins.csv", "--out", "poll.sav"), "poll.sav is what the output is made from"),
        (("--targets", "margins.csv", "--out", "margins.csv"), "margins.csv is what the output is made from"),
        (("--targets", "margins.csv", "--cap", "0.5"), "1 must lie between them."),
        (("--targets", "margins.csv", "--missing", "drop"), "--missing 'drop' is not available."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_code_2(folder, arguments, said):
    done = run(folder, "poll.sav", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_weight_that_the_file_declares_is_mentioned_when_it_is_not_used(folder):
    assert run(folder, "poll.sav", "--targets", "margins.csv", "-o", "once.sav").returncode == 0
    done = run(folder, "once.sav", "--targets", "margins.csv", "-o", "twice.dta")
    assert done.returncode == 0, done.stderr
    assert "note: The file's weight 'weight' was not used. --base weight starts from it." in done.stdout
    assert "weight 'weight_2' added" in done.stdout
    assert done.stderr == ""  # what .dta cannot hold is a note, not a warning with a line of code
    silent = run(folder, "once.sav", "--targets", "margins.csv", "--base", "weight", "-o", "twice.sav")
    assert "was not used" not in silent.stdout


def test_gaps_are_refused_in_words_of_the_shell(folder):
    (folder / "gaps.csv").write_text(
        "sex,age\n" + "man,18-39\nman,40+\nwoman,18-39\nwoman,40+\n,40+\n" * 3, encoding="utf-8"
    )
    done = run(folder, "gaps.csv", "--targets", "margins.csv")
    assert done.returncode == 2
    assert "--missing own, --missing impute or --missing ignore" in done.stderr
    assert run(folder, "gaps.csv", "--targets", "margins.csv", "--missing", "own").returncode == 0
