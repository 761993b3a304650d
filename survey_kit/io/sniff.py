"""Looks at a file before any reader does: is it there, is it empty, is it what its name says?"""

from __future__ import annotations

import zipfile
from difflib import get_close_matches
from pathlib import Path

from survey_kit.errors import (
    DamagedFileError,
    EmptyFileError,
    MissingFileError,
    ReadError,
    UnsafePathError,
    WrongFormatError,
    listed,
)

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_SAS = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_MAGIC = (
    (_ZIP, "a ZIP archive (or an .xlsx workbook)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (_OLE, "an old Excel workbook, or one with a password"),
    (b"PAR1", "a parquet file"),
    (b"ARROW1", "a Feather file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"$FL2", "an SPSS file (.sav)"),
    (b"$FL3", "an SPSS file (.zsav)"),
    (b"<stata_dta>", "a Stata file (.dta)"),
    (b"HEADER RECORD*******LIB", "a SAS transport file (.xpt)"),
    (_SAS, "a SAS file (.sas7bdat or .sas7bcat)"),
)
_BIFF = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")  # a worksheet stream without a container
_EXPECTED = {
    ".sav": (b"$FL2", b"$FL3"),
    ".zsav": (b"$FL3", b"$FL2"),
    ".parquet": (b"PAR1",),
    ".feather": (b"ARROW1", b"FEA1"),
    ".sas7bdat": (_SAS,),
    ".xpt": (b"HEADER RECORD*******LIB",),
    ".xlsx": (_ZIP, _OLE),  # a container of the old kind holds a workbook with a password; its reader says so
    ".xlsm": (_ZIP, _OLE),
    ".ods": (_ZIP,),
    ".xls": (_OLE, *_BIFF),
}
_STATA_OLD = frozenset(range(102, 116))  # first byte of a .dta file before format 117
_MOST_MEMBERS = 8


def check_exists(path: Path) -> None:
    """MissingFileError with the nearest name in the folder, or WrongFormatError for something that is not a file."""
    if "\0" in str(path):
        raise ReadError("The path holds a NUL character; no file has such a name.")
    if path.is_file():
        return
    if path.exists():
        raise WrongFormatError(f"{path} is a folder or device, not a file. Name a file in it.")
    if not path.parent.is_dir():
        raise MissingFileError(f"No file {str(path)!r}: the folder {str(path.parent)!r} does not exist.")
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    hint = f" Did you mean {close[0]!r}?" if close else " Check the name and the folder."
    raise MissingFileError(f"No file {str(path)!r}.{hint}")


def check_content(path: Path) -> None:
    """WrongFormatError when the first bytes belong to another kind of file than the name promises."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except PermissionError as error:
        raise ReadError(f"{path} cannot be opened: {error.strerror}. Ask for read permission.") from error
    if not head:
        raise EmptyFileError(f"{path.name} is empty (0 bytes). Was the download interrupted? Fetch it again.")
    suffix = path.suffix.lower()
    found = looks_like(head)
    if fits(suffix, head, found):
        return
    seen = f"looks like {found}" if found else f"does not begin as {suffix} files do"
    raise WrongFormatError(f"{path.name} {seen}; it cannot be read as {suffix}. Rename or download it again.")


def refuse_archive(path: Path) -> None:
    """WrongFormatError for a .zip file, with what it holds; UnsafePathError when a member would leave its folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DamagedFileError(f"{path.name} is no sound ZIP archive ({error}). Fetch it again.") from error
    unsafe = [name for name in names if _leaves_folder(name)]
    if unsafe:
        raise UnsafePathError(
            f"{path.name} holds paths outside its own folder ({listed(map(repr, unsafe), 3)}). "
            "Do not unpack it; ask for a sound copy."
        )
    raise WrongFormatError(
        f"{path.name} is an archive that holds {listed(names, _MOST_MEMBERS) or 'nothing'}. "
        "Unpack it, and read the data file in it."
    )


def _leaves_folder(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":")


def looks_like(head: bytes) -> str:
    """What the first bytes look like, or "" when they say nothing."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    html = start.startswith((b"<!doctype html", b"<html", b"<head", b"<script"))
    return "an HTML page (a login or error page?)" if html else ""


def fits(suffix: str, head: bytes, found: str) -> bool:
    """True when the first bytes may belong to the extension."""
    if suffix in _EXPECTED:
        return head.startswith(_EXPECTED[suffix]) or (not found and _short_sav(suffix, head))
    if suffix == ".dta":
        return head.startswith(b"<stata_dta>") or (not found and head[0] in _STATA_OLD)
    return not found


def _short_sav(suffix: str, head: bytes) -> bool:
    return suffix in (".sav", ".zsav") and head[:4].decode("cp500").startswith("$FL")  # EBCDIC mainframe file
