"""A private copy of a file that was read, in Parquet, so that the same file opens at once the next time. Opt-in.

A copy belongs to the content of a file (SHA-256), the options of reading and the release; a changed file is read again.
A file whose size, times and inode are those of the last time is not hashed again. Copies hold the microdata: the folder
and its files can be read by their owner only.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from survey_kit.errors import FileFormatError, OutputError, UnsupportedOption
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.schema import Notice

VERSION = 1  # of the copies; raised when readers change what they return
_FAST = (".parquet", ".feather")
_KEYS = (b"survey_kit.codebook", b"survey_kit.notices", b"survey_kit.format")


def read_through_cache(
    path: Path, options: ReadOptions, folder: Path | None, read: Callable[[], FileContents]
) -> FileContents:
    """The contents of a file: from its copy where there is one, else read and copied.

    `folder` is where the copies are; the user's cache folder when None. Raises as `read`, and OutputError when a copy
    cannot be written.
    """
    if path.suffix.lower() in _FAST:
        raise UnsupportedOption(
            f"cache= does not apply to {path.suffix.lower()} files ({path.name}): they open at once."
        )
    folder = _private(folder or _default_folder())
    copy = folder / f"{_key(path, options, folder)}.parquet"
    kept = _load(copy)
    if kept is not None:
        return kept
    contents = read()
    _store(copy, contents)
    return contents


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
    return folder


def _key(path: Path, options: ReadOptions, folder: Path) -> str:
    """What a copy is named: a hash of the file, of the catalogues beside it, of the options and of the release."""
    from survey_kit import __version__

    files = [path]
    if path.suffix.lower() == ".sas7bdat":
        files += sorted(path.parent.glob("*.sas7bcat")) + ([options.catalog] if options.catalog else [])
    if path.suffix.lower() == ".sss":
        files += sorted(p for p in path.parent.iterdir() if p.stem == path.stem and p.is_file())
    parts = [_digest(file, folder) for file in files]
    said = json.dumps([VERSION, __version__, path.suffix.lower(), asdict(options), parts], default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _digest(path: Path, folder: Path) -> str:
    """The SHA-256 of a file, remembered for as long as its size, times and inode stay."""
    state = path.stat()
    seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev]
    memo = folder / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}.json"
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
        if known["seen"] == seen:
            return str(known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _write(memo, lambda target: _fill(target, json.dumps({"seen": seen, "sha256": digest})))
    return digest


def _fill(target: Path, text: str) -> None:
    target.write_text(text, encoding="utf-8")


def _write(path: Path, fill: Callable[[Path], None]) -> None:
    """A new file that only its owner can read."""
    with atomic_path(path) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        fill(temporary)


def _store(copy: Path, contents: FileContents) -> None:
    table = pa.Table.from_pandas(contents.codes, preserve_index=False)
    notices = json.dumps([asdict(n) for n in contents.notices], ensure_ascii=False)
    said = (codebook_to_json(contents.codebook), notices, contents.format)
    meta = {key: text.encode() for key, text in zip(_KEYS, said, strict=True)}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **meta})
    _write(copy, lambda target: pq.write_table(table, target, compression="lz4"))


def _load(copy: Path) -> FileContents | None:
    """The contents of a copy; None when there is none, or when it is damaged and has to be made again."""
    if not copy.is_file():
        return None
    try:
        table = pq.read_table(copy)
        book, notices, form = ((table.schema.metadata or {})[key].decode() for key in _KEYS)
        said = tuple(Notice(**n) for n in json.loads(notices))
        return FileContents(table.to_pandas(), codebook_from_json(book), said, form)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, FileFormatError):
        return None
