"""The command line as a stranger meets it: one sentence for a mistake, code 2, no half-written report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import survey_kit
from survey_kit.cli.messages import printable


def _run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "survey_kit.cli", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(survey_kit.__file__).parents[1]), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_version_and_help(tmp_path: Path) -> None:
    assert _run("version", cwd=tmp_path).stdout == f"survey-kit {survey_kit.__version__}\n"
    said = _run("--help", cwd=tmp_path).stdout
    assert all(command in said for command in ("build", "check", "schema", "version"))


def test_version_loads_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['survey-kit', 'version']\n"
        "from survey_kit.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'matplotlib', 'statsmodels', 'jinja2', 'ruamel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_schema_is_json(tmp_path: Path) -> None:
    assert json.loads(_run("schema", cwd=tmp_path).stdout)["title"] == "Study"


def test_a_wrong_study_file_is_one_sentence_and_code_2(tmp_path: Path) -> None:
    (tmp_path / "study.yml").write_text("study: {id: a, title: '[b] A'}\nweigthing: {}\n", encoding="utf-8")
    done = _run("build", "study.yml", cwd=tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr
        == "survey-kit: study.yml, line 2, weigthing: There is no field 'weigthing'. Did you mean 'weighting'?\n"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["study.yml"]


def test_markup_in_a_message_is_printed_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "study.yml").write_text("study: {id: a, title: A}\n'[red]x[/red]': 1\n", encoding="utf-8")
    assert "[red]x[/red]" in _run("check", "study.yml", cwd=tmp_path).stderr
    assert printable("a\x1b[31m\u202eb") == "a\\x1b[31m\\u202eb"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "nothing.yml"), "No study file 'nothing.yml'."),
        (("build", "study.yml"), "Give one with --data PATH"),
        (("build", "study.yml", "--data", "absent.sav"), "absent.sav"),
        (("build", "study.yml", "--data", "study.yml"), "study.yml"),
        (("build", "study.yml", "--out", "study.yml"), "cannot be made"),
    ],
)
def test_what_is_not_there(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "study.yml").write_text("study: {id: a, title: A}\n", encoding="utf-8")
    done = _run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "reports" / "a").exists()


def test_check_without_data_says_so(tmp_path: Path) -> None:
    (tmp_path / "study.yml").write_text("study: {id: a, title: A}\n", encoding="utf-8")
    done = _run("check", "study.yml", cwd=tmp_path)
    assert done.returncode == 0
    assert "The data were not checked" in done.stdout


def test_a_bug_is_a_traceback_without_locals_and_code_1(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['survey-kit', 'check', 'study.yml']\n"
        "import survey_kit.reports.run as run\n"
        "def broken(*_): secret = 'canary-5512'; raise RuntimeError('broken')\n"
        "run.check = broken\n"
        "from survey_kit.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: broken" in done.stderr
    assert done.stderr.count("canary-5512") <= done.stderr.count("def broken")


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a Unix feature")
def test_a_full_disk_leaves_the_old_report_and_says_so(tmp_path: Path) -> None:
    import resource

    (tmp_path / "poll.csv").write_text("vote\n" + "yes\nno\n" * 50, encoding="utf-8")
    text = "study: {id: a, title: A}\ndata: {file: poll.csv}\nquestions: [{ask: vote}]\noutputs: {microdata: false}\n"
    (tmp_path / "study.yml").write_text(text, encoding="utf-8")
    assert _run("build", "study.yml", cwd=tmp_path).returncode == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "reports" / "a").rglob("*") if p.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "survey_kit.cli", "build", "study.yml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(survey_kit.__file__).parents[1])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in (tmp_path / "reports" / "a").rglob("*") if p.is_file()} == before
    assert [p.name for p in (tmp_path / "reports").iterdir()] == ["a"]
