"""Whole or not at all: files and folders are built beside their target and swapped in when they are complete.

A failure, a full disk or a killed process leaves the old file or folder as it was. The next run removes what a killed
one left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import socket
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

from survey_kit.errors import OutputError, SurveyKitError

_COUNTER = itertools.count(1)
_EXCHANGE, _HERE = 2, -100  # renameat2: RENAME_EXCHANGE, AT_FDCWD
_LEFTOVER = re.compile(r"\.survey_kit-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-\d+\.(?P<role>new|old)-(?P<name>.+)")


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, with its extension; moved to `path` when the block ends without an error.

    Raises OutputError when `path` is a link or a folder, its folder is missing or read-only, or writing fails.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     with atomic_path(Path(folder, "report.txt")) as temporary:
        ...         _ = temporary.write_text("done", encoding="utf-8")
        ...     Path(folder, "report.txt").read_text(encoding="utf-8")
        'done'
    """
    path = Path(path)
    _check_target(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; a file cannot be written there. Name a file in it.")
    _remove_leftovers(path)
    temporary = beside(path, "new")
    try:
        with _named_failures(path):
            yield temporary
            _finish_file(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new, empty folder beside `path`; it takes the place of `path` when the block ends without an error.

    Everything of the old folder is gone then. Where the system can, both folders are exchanged in one step; else the
    old one is set aside first and put back by the next run if the process is killed in between. Raises OutputError.
    """
    path = Path(path)
    _check_target(path)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; a folder cannot take its place. Choose another name.")
    _restore(path)
    _remove_leftovers(path)
    temporary = beside(path, "new")
    try:
        with _named_failures(path):
            temporary.mkdir()
            yield temporary
            for file in sorted(temporary.rglob("*")):
                if file.is_file():
                    _sync(file)
            _swap(temporary, path)
            _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_target(path: Path) -> None:
    folder = path.parent
    if "\0" in str(path):
        raise OutputError("The path holds a NUL character; no file can have such a name.")
    if not folder.is_dir():
        raise OutputError(f"{path.name} cannot be written: the folder {str(folder)!r} does not exist. Create it first.")
    if path.is_symlink():
        raise OutputError(f"{path} is a symbolic link and is not followed. Remove it, or write to its target by name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path.name} cannot be written: the folder {str(folder)!r} is read-only.")


@contextlib.contextmanager
def _named_failures(path: Path) -> Iterator[None]:
    """An OSError from writing becomes an OutputError that names the target."""
    try:
        yield
    except SurveyKitError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}. What was there is unchanged."
        ) from error


def _finish_file(temporary: Path, path: Path) -> None:
    if not temporary.is_file():
        raise OutputError(f"{path} was not written: nothing was put at the temporary path.")
    if path.exists():
        temporary.chmod(stat.S_IMODE(path.stat().st_mode))
    _sync(temporary)
    _check_target(path)  # a link may have been put there meanwhile
    os.replace(temporary, path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Make sure that a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def beside(path: Path, role: str) -> Path:
    """A free name in the folder of `path` for what becomes it ("new") or was it ("old"); it is known as a leftover."""
    number = next(_COUNTER)
    name = path.name.encode()[-180:].decode(errors="ignore")  # file names are limited to 255 bytes
    return path.with_name(f".survey_kit-{_host()}-{os.getpid()}-{number}.{role}-{name}")


def _host() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _swap(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`; what was there is removed."""
    if not path.exists():
        os.rename(new, path)
        return
    if _exchange(new, path):
        return  # `new` now holds the old folder and is removed by the caller
    old = beside(path, "old")
    os.rename(path, old)
    try:
        os.rename(new, path)
    except OSError:
        os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step (Linux renameat2); False where the system cannot."""
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    return function(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def _leftovers(path: Path) -> Iterator[tuple[Path, str]]:
    """(file or folder, role) that dead processes of this machine left for this target."""
    ours = path.name.encode()[-180:].decode(errors="ignore")
    for entry in path.parent.iterdir():
        match = _LEFTOVER.fullmatch(entry.name)
        if match and match["name"] == ours and match["host"] == _host() and not _alive(int(match["pid"])):
            yield entry, match["role"]


def _remove_leftovers(path: Path) -> None:
    for entry, _ in list(_leftovers(path)):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _restore(path: Path) -> None:
    """Put back a folder that a killed process had set aside."""
    if path.exists():
        return
    for entry, role in list(_leftovers(path)):
        if role == "old" and entry.is_dir():
            os.rename(entry, path)
            return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
