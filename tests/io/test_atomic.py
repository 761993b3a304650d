"""Whole or not at all: files and folders."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from survey_kit.errors import OutputError
from survey_kit.io import atomic
from survey_kit.io.atomic import atomic_folder, atomic_path


def fill(door, target, name, error):
    """Write half of something, then fail."""
    with door(target) as temporary:
        (temporary / name if name else temporary).write_text("half")
        raise error


def left(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
    assert target.read_text() == "new"
    assert left(tmp_path) == ["a.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyError):
        fill(atomic_path, target, "", KeyError("x"))
    assert target.read_text() == "old"
    assert left(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_output_error_that_names_the_target(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: No space left.*What was there is unchanged"):
        fill(atomic_path, target, "", OSError(28, "No space left on device"))
    assert target.read_text() == "old"


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="was not written"), atomic_path(tmp_path / "a.txt"):
        pass


def test_the_mode_of_the_old_file_is_kept(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o600)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("door", [atomic_path, atomic_folder])
def test_a_symbolic_link_is_not_followed(tmp_path, door):
    (tmp_path / "secret").write_text("keys")
    (tmp_path / "report").symlink_to(tmp_path / "secret")
    with pytest.raises(OutputError, match="is a symbolic link and is not followed"), door(tmp_path / "report"):
        pass
    assert (tmp_path / "secret").read_text() == "keys"


@pytest.mark.parametrize("door", [atomic_path, atomic_folder])
def test_a_missing_folder_is_named(tmp_path, door):
    with pytest.raises(OutputError, match=r"the folder '.*nowhere' does not exist"), door(tmp_path / "nowhere" / "x"):
        pass


@pytest.mark.parametrize("door", [atomic_path, atomic_folder])
def test_a_read_only_folder_is_named(tmp_path, door, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as a user who may write anywhere
    with pytest.raises(OutputError, match=r"the folder '.*' is read-only"), door(tmp_path / "x"):
        pass


def test_a_folder_and_a_file_are_not_exchanged(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(OutputError, match="is a folder; a file cannot be written there"),
        atomic_path(tmp_path / "folder"),
    ):
        pass
    with (
        pytest.raises(OutputError, match="is a file; a folder cannot take its place"),
        atomic_folder(tmp_path / "file"),
    ):
        pass


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_is_swapped_whole(tmp_path, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    target = tmp_path / "out"
    for content in ("first", "second"):
        with atomic_folder(target) as temporary:
            (temporary / f"{content}.html").write_text(content)
    assert left(target) == ["second.html"]
    assert left(tmp_path) == ["out"]


def test_a_failed_build_leaves_the_old_folder(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.html").write_text("old")
    with pytest.raises(ValueError, match="bad"):
        fill(atomic_folder, target, "half.html", ValueError("bad"))
    assert left(target) == ["old.html"]
    assert left(tmp_path) == ["out"]


def test_a_rename_that_fails_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.html").write_text("old")
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    rename, calls = os.rename, []

    def failing(source, destination):
        calls.append(source)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OutputError, match="Input/output error"), atomic_folder(target) as temporary:
        (temporary / "new.html").write_text("new")
    assert left(target) == ["old.html"]
    assert left(tmp_path) == ["out"]


KILLED = """
import os, sys
from pathlib import Path
from survey_kit.io import atomic
target = Path(sys.argv[1])
if sys.argv[2] == "file":
    with atomic.atomic_path(target) as temporary:
        temporary.write_text("half")
        os._exit(9)
atomic._exchange = lambda *_: False
rename = os.rename
def dying(source, destination):
    rename(source, destination)
    os._exit(9)
os.rename = dying
with atomic.atomic_folder(target) as temporary:
    (temporary / "new.html").write_text("new")
"""


def killed(target, what):
    run = subprocess.run([sys.executable, "-c", KILLED, str(target), what], check=False)
    assert run.returncode == 9


def test_leftovers_of_a_killed_process_are_removed_by_the_next_run(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    killed(target, "file")
    assert target.read_text() == "old"
    assert len(left(tmp_path)) == 2
    with atomic_path(target) as temporary:
        temporary.write_text("new")
    assert left(tmp_path) == ["a.txt"]


def test_a_folder_set_aside_by_a_killed_process_comes_back(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.html").write_text("old")
    killed(target, "folder")
    assert not target.exists()
    with pytest.raises(ValueError, match="bad"), atomic_folder(target):
        raise ValueError("bad")
    assert left(target) == ["old.html"]
    assert left(tmp_path) == ["out"]
