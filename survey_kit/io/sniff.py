"""Looks at a file before any reader does: is it there, is it empty, is it what its name says?"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from survey_kit.errors import FileFormatError, InputError, MissingFileError

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive (or an .xlsx workbook)"),
    (b"PK\x05\x06", "a ZIP archive (or an .xlsx workbook)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a parquet file"),
    (b"$FL2", "an SPSS file (.sav)"),
    (b"$FL3", "an SPSS file (.zsav)"),
    (b"<stata_dta>", "a Stata file (.dta)"),
    (b"HEADER RECORD*******LIBRARY", "a SAS transport file (.xpt)"),
)
_EXPECTED = {
    ".sav": (b"$FL2", b"$FL3"),
    ".zsav": (b"$FL3", b"$FL2"),
    ".parquet": (b"PAR1",),
}
_STATA_OLD = frozenset(range(102, 116))  # first byte of a .dta file before format 117


def check_exists(path: Path) -> None:
    """MissingFileError with the nearest name in the folder, or InputError for something that is not a file."""
    if "\0" in str(path):
        raise InputError("The path holds a NUL character; no file has such a name.")
    if path.is_file():
        return
    if path.exists():
        raise InputError(f"{path} is a folder or device, not a file. Name a file in it.")
    if not path.parent.is_dir():
        raise MissingFileError(f"No file {str(path)!r}: the folder {str(path.parent)!r} does not exist.")
    names = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    hint = f" Did you mean {close[0]!r}?" if close else " Check the name and the folder."
    raise MissingFileError(f"No file {str(path)!r}.{hint}")


def check_content(path: Path) -> None:
    """FileFormatError when the first bytes belong to another kind of file than the name promises."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except PermissionError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}. Ask for read permission.") from error
    if not head:
        raise FileFormatError(f"{path.name} is empty (0 bytes). Was the download interrupted? Fetch it again.")
    suffix = path.suffix.lower()
    found = looks_like(head)
    if fits(suffix, head, found):
        return
    seen = f"looks like {found}" if found else f"does not begin as {suffix} files do"
    raise FileFormatError(f"{path.name} {seen}; it cannot be read as {suffix}. Rename or download it again.")


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
