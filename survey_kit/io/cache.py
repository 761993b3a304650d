"""A private copy of a file that was read, in Parquet, so that the same file opens at once the next time. Opt-in.

A copy belongs to the content of a file (SHA-256), the options of reading and the release; a changed file is read again,
and its old copies are deleted. A file whose size, times and inode are those of the last time is not hashed again. Copies
hold the microdata: they can be read by their owner only, and what others could have written is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from survey_kit.errors import FileFormatError, OutputError, UnsupportedOption
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.schema import Notice

VERSION = 1  # of the copies; raised when readers change what they return
_REFUSED = {
    ".parquet": "they open at once.",
    ".feather": "they open at once.",
    ".sss": "their data stand in a second file. Save the survey as .parquet, which opens at once.",
}
_KEYS = (b"survey_kit.codebook", b"survey_kit.notices", b"survey_kit.format", b"survey_kit.rows")
_COPY = re.compile(r"[0-9a-f]{64}\.parquet")
_FAILURES = (OSError, ValueError, pa.ArrowException)  # of storing; ValueError: text that is no Unicode


def read_through_cache(
    path: Path, options: ReadOptions, folder: Path | None, read: Callable[[], FileContents]
) -> FileContents:
    """The contents of a file: from its copy where there is one, else read and copied.

    `folder` is where the copies are; the user's cache folder when None. A copy that cannot be kept is a notice. Raises as
    `read`; OutputError for a folder that cannot be made or that others can write; UnsupportedOption.
    """
    reason = _REFUSED.get(path.suffix.lower())
    if reason:
        raise UnsupportedOption(f"cache= does not apply to {path.suffix.lower()} files ({path.name}): {reason}")
    folder = _private(folder or _default_folder())
    try:
        files = [_identify(file, folder) for file in _files(path, options)]
    except OutputError:
        raise
    except OSError as error:  # where it is of the file, the reader says so in its own words
        return _noticed(read(), error.strerror or str(error))
    copy = folder / f"{_key(path, options, files)}.parquet"
    kept = _load(copy)
    if kept is not None:
        with contextlib.suppress(OutputError):
            _remember(files, copy)
        return kept
    contents = read()
    if _changed(path, options, files):
        return _noticed(contents, f"{path.name} changed while it was read")
    try:
        _store(copy, contents)
        _remember(files, copy)
    except _FAILURES as error:
        return _noticed(contents, str(error).rstrip("."))
    return contents


def _noticed(contents: FileContents, reason: str) -> FileContents:
    notice = Notice("cache", f"No copy was kept in the cache, the file will be read again the next time: {reason}.")
    return replace(contents, notices=(*contents.notices, notice))


# --- the folder -------------------------------------------------------------------------------------------------------


def _default_folder() -> Path:
    """The folder for caches of the system's user, and survey_kit in it."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "survey_kit"


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The cache folder {str(folder)!r} cannot be made: {error.strerror}. Name another, as in cache='folder'."
        ) from error
    fault = _fault(folder.stat())
    if fault:
        raise OutputError(
            f"The cache folder {str(folder)!r} {fault}: what is in it may be false. Take the right to write from all "
            "others (chmod 700), or name another folder, as in cache='folder'."
        )
    return folder


def _refuse_foreign(file: Path) -> None:
    """Raises OutputError for a file of the cache that somebody else may have written."""
    with contextlib.suppress(FileNotFoundError):
        state = file.lstat()
        fault = "is a link" if stat.S_ISLNK(state.st_mode) else _fault(state)
        if fault:
            raise OutputError(f"{str(file)!r} in the cache {fault}: what is in it may be false. Delete it.")


def _fault(state: os.stat_result) -> str:
    """Why a file or folder is not to be trusted, or "". Windows keeps such rights elsewhere."""
    if os.name != "posix":
        return ""
    if state.st_uid != os.geteuid():
        return "belongs to another user"
    return "can be written by other users" if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


# --- which copy -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is read.

    Attributes:
        state: size, times and inode; `sha256` is of the content.
        memo: the file of the cache that remembers these two, with the names of the copies of the content.
        copies: what the memo says of this content; `stale`: of another content that the file had before.
        remembered: whether the memo says just this.
    """

    path: Path
    state: tuple[int, ...]
    sha256: str
    memo: Path
    copies: tuple[str, ...]
    stale: tuple[str, ...]
    remembered: bool


def _files(path: Path, options: ReadOptions) -> list[Path]:
    """What is read: the file, and the catalogues that may hold its labels."""
    if path.suffix.lower() != ".sas7bdat":
        return [path]
    return [path, *sorted(path.parent.glob("*.sas7bcat")), *([options.catalog] if options.catalog else [])]


def _key(path: Path, options: ReadOptions, files: Sequence[_File]) -> str:
    """What a copy is named: a hash of the contents, of the options and of the release."""
    from survey_kit import __version__

    parts = [file.sha256 for file in files]
    said = json.dumps([VERSION, __version__, path.suffix.lower(), asdict(options), parts], default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _identify(path: Path, folder: Path) -> _File:
    """A file with its SHA-256, which is remembered for as long as its state stays. Raises OSError."""
    state = _state(path)
    memo = folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.json"
    _refuse_foreign(memo)
    seen, sha256, copies = _recall(memo)
    remembered = seen == state
    digest = sha256 if remembered else _hash(path)
    same = digest == sha256
    return _File(path, state, digest, memo, copies if same else (), () if same else copies, remembered)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


def _changed(path: Path, options: ReadOptions, files: Sequence[_File]) -> bool:
    """Whether a file is another one than that which was hashed."""
    try:
        return [(p, _state(p)) for p in _files(path, options)] != [(file.path, file.state) for file in files]
    except OSError:
        return True


def _recall(memo: Path) -> tuple[tuple[int, ...], str, tuple[str, ...]]:
    """State, SHA-256 and copies as a memo has them; empty where there is none, or a damaged one."""
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
        copies = tuple(name for name in known["copies"] if _COPY.fullmatch(name))
        return tuple(known["seen"]), str(known["sha256"]), copies
    except (OSError, ValueError, KeyError, TypeError):
        return (), "", ()


def _remember(files: Sequence[_File], copy: Path) -> None:
    """Writes what changed into the memos, and deletes the copies of a content that the file has no more."""
    for file in files:
        copies = tuple(dict.fromkeys((*file.copies, copy.name))) if file is files[0] else file.copies
        if file.remembered and copies == file.copies:
            continue
        said = {"seen": file.state, "sha256": file.sha256, "copies": copies}
        _write(file.memo, json.dumps(said))
        for name in set(file.stale) - {copy.name}:
            with contextlib.suppress(OSError):
                (copy.parent / name).unlink(missing_ok=True)


# --- the copy ---------------------------------------------------------------------------------------------------------


def _write(path: Path, content: str | pa.Table) -> None:
    """A new file that only its owner can read."""
    with atomic_path(path) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if isinstance(content, str):
            temporary.write_text(content, encoding="utf-8")
        else:
            pq.write_table(content, temporary, compression="lz4")


def _store(copy: Path, contents: FileContents) -> None:
    table = pa.Table.from_pandas(contents.codes, preserve_index=False)
    notices = json.dumps([asdict(n) for n in contents.notices], ensure_ascii=False)
    said = (codebook_to_json(contents.codebook), notices, contents.format, str(len(contents.codes)))
    meta = {key: text.encode() for key, text in zip(_KEYS, said, strict=True)}
    _write(copy, table.replace_schema_metadata({**(table.schema.metadata or {}), **meta}))


def _load(copy: Path) -> FileContents | None:
    """The contents of a copy; None when there is none, or when it is damaged and has to be made again."""
    _refuse_foreign(copy)
    if not copy.is_file():
        return None
    try:
        table = pq.read_table(copy)
        book, notices, form, rows = ((table.schema.metadata or {})[key].decode() for key in _KEYS)
        codes = table.to_pandas() if table.num_columns else pd.DataFrame(index=pd.RangeIndex(int(rows)))
        said = tuple(Notice(**n) for n in json.loads(notices))
        return FileContents(codes, codebook_from_json(book), said, form)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, FileFormatError):
        return None
