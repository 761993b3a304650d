"""The data file of a Triple-S survey: found beside its metadata, decoded, cut into cells by column position or comma."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from survey_kit.errors import (
    DamagedFileError,
    EncodingError,
    MissingFileError,
    ReadError,
    ResourceLimitError,
    TruncatedFileError,
    UnsafePathError,
    listed,
)
from survey_kit.io.formula_guard import unguarded
from survey_kit.io.text import codec_name, has_high_bytes, preview, rank_encodings
from survey_kit.io.triples.metadata import Field, Survey
from survey_kit.io.triples.xml import marked_encoding, true_latin
from survey_kit.schema import Notice

_FIXED, _CSV = (".asc", ".dat", ".txt", ".csv"), (".csv", ".asc", ".dat", ".txt")
_MOST_CELLS = 4_000_000_000  # characters that fields may take in memory, where they overlap
_FRESH = "Fetch it again, or export the survey again."


@dataclass(frozen=True)
class Rows:
    """The cells of a data file.

    Attributes:
        count: number of rows; `encoding`: of the text.
        lines: of a fixed file, `bytewise` as one character a byte; `table`: the fields of a CSV file by number.
    """

    count: int
    encoding: str
    lines: list[str]
    table: pa.Table | None
    bytewise: bool = False

    def cells(self, field: Field) -> pa.Array:
        """The cells of a field as text; null where CSV has an empty cell without quotes. Length `count`."""
        if self.table is not None:
            return _combined(self.table[str(field.start)])
        start, finish = field.start - 1, field.finish
        found = [line[start:finish] for line in self.lines]
        if self.bytewise:
            found = [text.encode("latin-1").decode(self.encoding, "replace") for text in found]
        return pa.array(found, pa.large_string())


def find_data(path: Path, survey: Survey) -> tuple[Path, list[Notice]]:
    """The data file that belongs to a metadata file, in the same folder. Raises MissingFileError, UnsafePathError."""
    files = {entry.name: entry for entry in sorted(path.parent.iterdir()) if entry.is_file() and entry != path}
    if survey.href:
        named = _inside(path, survey.href)
        found = files.get(named) or next((f for n, f in files.items() if n.casefold() == named.casefold()), None)
        if found:
            return _kept_inside(path, found), []
    order = _CSV if survey.csv else _FIXED
    beside = [f for f in files.values() if f.stem.casefold() == path.stem.casefold() and f.suffix.lower() in order]
    if not beside:
        looked = [survey.href] if survey.href else [path.stem + suffix for suffix in order]
        raise MissingFileError(
            f"{path.name} tells what the data mean, but its data file is not beside it. Looked for {', '.join(looked)} "
            f"in {str(path.parent)!r}. Put it there; it was exported together with {path.name}."
        )
    best = min(beside, key=lambda f: (order.index(f.suffix.lower()), f.name != path.stem + f.suffix.lower(), f.name))
    notices = []
    if survey.href:
        text = f"{path.name} names its data file {survey.href}, which is not there; {best.name} was read."
        notices.append(Notice("data_file", text))
    return _kept_inside(path, best), notices


def _inside(path: Path, href: str) -> str:
    """The file name of a reference that stays in the folder."""
    name = href.removeprefix("./").removeprefix(".\\")
    if any(sign in name for sign in "/\\:\0") or name in ("", ".", ".."):
        raise UnsafePathError(
            f"{path.name} says that its data are in {href!r}. Only a file in the same folder is read. "
            "Put the data file there, and its name alone into href=."
        )
    return name


def _kept_inside(path: Path, found: Path) -> Path:
    homes = (path.parent.resolve(), path.resolve().parent)
    if found.resolve().parent not in homes:
        raise UnsafePathError(
            f"{found.name} is a link that leaves the folder of {path.name}. Put the file itself there."
        )
    return found


def read_rows(path: Path, survey: Survey, encoding: str, short: bool) -> tuple[Rows, list[Notice]]:
    """All rows of the data file `path`. `short`: rows that end early are filled with blanks, and a notice says so.

    Raises TruncatedFileError with the number of the row, EncodingError, DamagedFileError, ResourceLimitError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReadError(f"{path.name} cannot be opened: {error.strerror}. Ask for read permission.") from error
    text, encoding = _decoded(path, data, encoding)
    header, text = _after_header(text, survey.skip)
    notices = _written_together(path, survey, header, data)
    if survey.csv:
        table, count, more = _table(path, survey, text, short)
        return Rows(count, encoding, [], table), notices + more
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    lines, bytewise = _by_position(lines, survey, encoding)
    _check_memory(path, survey, len(lines) * sum(f.finish - f.start + 1 for f in survey.fields))
    notices += _check_lines(path, survey, lines, short)
    if bytewise:
        notices.append(
            Notice("position", f"The columns of {path.name} were counted in bytes, as its rows fit only so.")
        )
    return Rows(len(lines), encoding, lines, None, bytewise), notices


def _written_together(data: Path, survey: Survey, header: tuple[str, ...], raw: bytes) -> list[Notice]:
    """For files that survey_kit wrote: are these two one pair? DamagedFileError when the data have other columns."""
    noted = survey.notes.get("crc32")
    if not isinstance(noted, int) or noted == zlib.crc32(raw):
        return []
    if survey.skip == 1 and list(header) != [f.name for f in survey.fields]:
        raise DamagedFileError(
            f"{data.name} has other columns than {survey.name} tells of: they were not written together. Was writing "
            "interrupted? Write the survey again."
        )
    text = f"{data.name} was changed after survey_kit had written it with {survey.name}; it was read as it is."
    return [Notice("changed", text)]


def no_rows(survey: Survey, encoding: str) -> Rows:
    """Rows for a survey of which only the codebook is wanted; the data file need not be there."""
    names = sorted({str(f.start) for f in survey.fields})
    table = pa.table({name: pa.array([], pa.large_string()) for name in names}) if survey.csv else None
    return Rows(0, encoding, [], table)


def _decoded(path: Path, data: bytes, encoding: str) -> tuple[str, str]:
    encoding = marked_encoding(data) or true_latin(data, codec_name(encoding))
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        lines = [line for line in data.splitlines() if has_high_bytes(line)][:2000]
        likely = [e for e in rank_encodings(lines) if e != encoding][:3]
        shown = listed([f'encoding="{e}" gives “{preview(lines[:1], e)}”' for e in likely])
        raise EncodingError(
            f"{path.name} is not valid {encoding}, the encoding of its metadata. "
            f"{f'Name its encoding: {shown}' if likely else 'Name its encoding with encoding='}."
        ) from error
    text = text.rstrip("\x1a")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DamagedFileError(f"{path.name} holds a NUL character in line {line}. {_FRESH}")
    return text, encoding.removesuffix("-sig")


def _after_header(text: str, skip: int) -> tuple[tuple[str, ...], str]:
    """The first line as fields, and the text after `skip` lines."""
    at, first = 0, ""
    for number in range(skip):
        end = text.find("\n", at)
        if not number:
            first = text[at : end if end >= 0 else None]
        at = len(text) if end < 0 else end + 1
        if end < 0:
            break
    try:
        header = [unguarded(name) for name in next(csv.reader([first.rstrip("\r")]), [])]
    except csv.Error:  # no names, whatever it is
        header = []
    return tuple(header), text[at:]


def _by_position(lines: list[str], survey: Survey, encoding: str) -> tuple[list[str], bool]:
    """The rows, as their bytes where positions count those: bytes agree in length and reach the end, characters do not."""
    if encoding in ("ascii", "cp1252", "latin-1", "iso8859-1") or all(map(str.isascii, lines)):
        return lines, False
    need = max((_needed(f) for f in survey.fields), default=0)
    raw = [line.encode(encoding) for line in lines]
    if {len(r) for r in raw} != {max(map(len, raw))} or min(map(len, lines)) >= need > 0 or len(raw[0]) < need:
        return lines, False
    return [r.decode("latin-1") for r in raw], True


def _needed(field: Field) -> int:
    """The last column that a field cannot do without: marks beyond the last answer are padding."""
    if field.kind == "multiple" and not field.subfields:
        codes = [int(c) for c in (*field.values, *(high for _, high in field.spans)) if c.isdecimal()]
        return field.start - 1 + max(codes, default=1)
    if field.subfields:
        return field.start - 1 + field.subfields * field.width
    return field.finish


def _check_memory(path: Path, survey: Survey, wanted: int) -> None:
    if wanted > _MOST_CELLS:
        raise ResourceLimitError(
            f"{path.name} is read as {wanted:,} characters by the variables of {survey.name}; {_MOST_CELLS:,} are the "
            "most. Do its variables overlap?"
        )


def _check_lines(path: Path, survey: Survey, lines: list[str], short: bool) -> list[Notice]:
    need = max((_needed(f) for f in survey.fields), default=0)
    early = [i for i, line in enumerate(lines, 1) if len(line) < need]
    if not early:
        return []
    row = early[0]
    if not short:
        more = f", and {len(early) - 1} other rows are short too" if len(early) > 1 else ""
        raise TruncatedFileError(
            f"{path.name}: row {row} has {len(lines[row - 1])} characters, the metadata need {need}{more}. {_FRESH} "
            "If blanks at the ends of rows were left out, read it with allow_truncated=True."
        )
    return [_short_notice(path, early)]


def _short_notice(path: Path, early: list[int]) -> Notice:
    rows = f"row{'s' * (len(early) > 1)} {listed(early)}"
    return Notice("truncated", f"{path.name}: rows that end early were filled with blanks: {rows}.", len(early))


def _table(path: Path, survey: Survey, text: str, short: bool) -> tuple[pa.Table, int, list[Notice]]:
    """The wanted fields by number, as text."""
    need = max((f.start for f in survey.fields), default=1)
    lengths, blank = _lengths(path, text)
    width = max(need, lengths[0] if lengths else 1)
    if width == 1:
        blank = 0
    else:
        lengths = [n for n in lengths if n]
    notices = [Notice("blank", f"{blank} blank lines of {path.name} were left out.", blank)] if blank else []
    odd = {row: n for row, n in enumerate(lengths, 1) if n not in ((0, 1) if width == 1 else (width,))}
    for row, found in odd.items():
        if not short or found > width:
            need_or_have = "the metadata need" if found < need else "other rows have"
            raise TruncatedFileError(
                f"{path.name}: row {row} has {found} fields, {need_or_have} {width}. Quote fields that hold a comma. {_FRESH}"
            )
    if odd:
        text = _filled(text, width)
        notices.append(_short_notice(path, list(odd)))
    table = _parsed(path, text, width, sorted({f.start for f in survey.fields}))
    if survey.fields and table.num_rows != len(lengths):
        raise DamagedFileError(
            f"{path.name}: {len(lengths)} rows were counted, {table.num_rows} parsed. Check its quotes."
        )
    _check_memory(path, survey, sum(table[str(f.start)].nbytes for f in survey.fields))
    return table, len(lengths), notices


def _lengths(path: Path, text: str) -> tuple[list[int], int]:
    """The number of fields in each line, 0 for a blank one, and how many are blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lengths: list[int] = []
    try:
        lengths.extend(map(len, reader))
    except csv.Error as error:
        raise DamagedFileError(
            f"{path.name}: quotes around row {len(lengths) + 1} do not match ({error}). Double a quote inside quotes."
        ) from error
    return lengths, lengths.count(0)


def _filled(text: str, width: int) -> str:
    out = io.StringIO(newline="")
    rows = (row for row in csv.reader(io.StringIO(text, newline="")) if row)
    csv.writer(out).writerows(row + [""] * (width - len(row)) for row in rows)
    return out.getvalue()


def _parsed(path: Path, text: str, width: int, wanted: list[int]) -> pa.Table:
    data = text.encode("utf-8")
    names = [str(i) for i in range(1, width + 1)]
    options: dict[str, Any] = {
        "parse_options": pacsv.ParseOptions(newlines_in_values='"' in text, ignore_empty_lines=width > 1),
        "convert_options": pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            include_columns=[str(i) for i in wanted],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    }
    if (not data.strip(b"\r\n") and width > 1) or not data:
        return pa.table({str(i): pa.array([], pa.large_string()) for i in wanted})
    for block in (1 << 23, len(data) + 1):  # a row longer than a block needs one block for the file
        try:
            reading = pacsv.ReadOptions(column_names=names, block_size=max(block, 16))
            return pacsv.read_csv(io.BytesIO(data), read_options=reading, **options)
        except pa.ArrowInvalid as error:
            failure = error
    raise DamagedFileError(f"{path.name} cannot be parsed: {failure}. Check its quotes.") from failure


def _combined(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
