"""Text files: .csv, .tsv, .txt. Checked first (encoding, delimiter, row lengths), then parsed by pyarrow, then typed.

Every column is read as text; `column_types` decides which are numbers. "NA", "None", "null" are text; only an empty
cell, or a text named in `na=`, is missing.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import (
    ArgumentError,
    DamagedFileError,
    DuplicateNameError,
    EncodingError,
    FileFormatError,
    listed,
    unknown,
)
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.delimited.types import column_types
from survey_kit.io.doubts import doubts
from survey_kit.io.formula_guard import unguarded
from survey_kit.io.text import codec_name, has_high_bytes, mostly_valid, preview, rank_encodings
from survey_kit.schema import Notice

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_PROMISED = {".csv": (",", ";"), ".tsv": ("\t",), ".txt": _DELIMITERS}
_SAMPLE_ROWS = 200
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEP_LINE = re.compile(
    r'("?)sep=([\t !#-/:-@\[-^`{-~])\1(\r\n|\r|\n|$)', re.IGNORECASE
)  # Excel's first line, no header


def read_delimited(path: Path, options: ReadOptions) -> FileContents:
    """Read a text file with a header line. Numbers are int64 or float64, measure "scale"; text is `str`, "nominal".

    All rows are read to tell the types, also with `row_limit` and `metadata_only`; these save no time here. A first line
    "sep=;", which Excel understands, names the delimiter and is skipped.

    Raises as `read_file`. Row numbers in messages count respondents from 1, line numbers count lines of the file.
    """
    text, encoding, notices = _decode(path, options)
    text, stated = _after_sep_line(text)
    delimiter = _delimiter(path, text, options.delimiter or stated)
    header, rows, blank = _check_rows(path, text, delimiter, first=2 if stated else 1)
    names, more = _names(path, header)
    notices += more + _dialect(path, delimiter, options.delimiter or stated) + _blank_notice(blank)
    known = set(names)
    wanted = list(names if options.columns is None else options.columns)
    lost = next((name for name in wanted if name not in known), None)
    if lost is not None:
        raise unknown("column", lost, names)
    table = _parse(path, text, delimiter, names, wanted, options.na) if wanted else pa.table({})
    if table.num_rows != rows and wanted:
        raise DamagedFileError(f"{path.name}: {rows} rows were counted, {table.num_rows} parsed. Check its quotes.")
    codes, more = column_types(table, options.decimal, delimiter, rows)
    codebook = Codebook(variables={n: _variable(n, codes[n]) for n in codes}, encoding=encoding)
    if options.rows is not None:
        codes = codes.iloc[: options.rows]
        more += partial_notice(options.rows, len(codes), rows)
    return FileContents(codes, codebook, tuple(notices + more + doubts(codes, codebook)), path.suffix.lower()[1:])


def _variable(name: str, column: pd.Series) -> Variable:
    is_text = isinstance(column.dtype, pd.StringDtype)
    return Variable(name, measure="nominal" if is_text else "scale")


def _decode(path: Path, options: ReadOptions) -> tuple[str, str, list[Notice]]:
    """The text and its encoding: stated, by byte order mark, or strict UTF-8. Nothing is guessed."""
    data = path.read_bytes()
    marked = next((e for bom, e in _BOMS if data.startswith(bom)), None)
    encoding = codec_name(options.encoding) if options.encoding else marked or "utf-8"
    if encoding == "utf-8" and marked == "utf-8-sig":
        encoding = marked
    if "16" not in encoding and "32" not in encoding and b"\0" in data:
        raise _nul_error(path, data)
    try:
        return _sound(path, data.decode(encoding)), encoding.removesuffix("-sig"), []
    except UnicodeDecodeError as error:
        if options.errors == "strict":
            raise EncodingError(_encoding_sentence(path, data, encoding, error)) from error
    text = _sound(path, data.decode(encoding, "replace"))
    return text, encoding.removesuffix("-sig"), [_replaced(text, encoding.removesuffix("-sig"))]


def _sound(path: Path, text: str) -> str:
    """The text without a byte order mark that its encoding leaves there. DamagedFileError for NUL characters."""
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DamagedFileError(f"{path.name} holds a NUL character in line {line}. Remove it.")
    return text.removeprefix("\ufeff")


def _after_sep_line(text: str) -> tuple[str, str | None]:
    """The text after a first line "sep=;", and the delimiter that it names."""
    found = _SEP_LINE.match(text)
    return (text[found.end() :], found[2]) if found else (text, None)


def _nul_error(path: Path, data: bytes) -> DamagedFileError | EncodingError:
    """NUL bytes are damage, or every second byte of UTF-16 that nothing announces."""
    sample = data[: 1 << 16]
    halves = {"utf-16-le": sample[1::2].count(0), "utf-16-be": sample[::2].count(0)}
    likely = max(halves, key=lambda e: halves[e])
    if 4 * halves[likely] > len(sample):
        return EncodingError(
            f'{path.name} looks like UTF-16 without a byte order mark. Read it with encoding="{likely}".'
        )
    at = data.index(b"\0")
    return DamagedFileError(f"{path.name} holds a NUL byte at offset {at} (line {data[:at].count(10) + 1}). Remove it.")


def _replaced(text: str, encoding: str) -> Notice:
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "\ufffd" in line]
    shown = f"line{'s' * (len(lines) != 1)} {listed(lines, 20)}"
    said = f"Text that is not valid {encoding} holds the sign U+FFFD in its place: {shown}."
    return Notice("replaced", said, len(lines))


def _encoding_sentence(path: Path, data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    lines = [line for line in data.splitlines()[:2000] if has_high_bytes(line)]
    likely = [e for e in rank_encodings(lines) if e != encoding][:3]
    shown = listed([f'encoding="{e}" gives “{preview(lines[:1], e)}”' for e in likely])
    line = data[: error.start].count(b"\n") + 1
    advice = f"Name its encoding: {shown}." if likely else "Name its encoding with encoding=."
    if mostly_valid(lines, encoding):
        advice = 'The rest of its text is valid: read it with errors="replace", and a notice lists what was replaced.'
    return f"{path.name} is not valid {encoding}: byte {error.start} in line {line} cannot be decoded. {advice}"


def _delimiter(path: Path, text: str, stated: str | None) -> str:
    """The delimiter whose rows agree best with the header, else a comma (one column)."""
    if stated is not None:
        if len(stated) != 1 or stated in '"\r\n':
            raise ArgumentError(f"delimiter={stated!r} is not one character such as ',', ';' or '\\t'.")
        return stated
    sample = text[: 1 << 20]
    scores = {d: _agreement(sample, d) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: scores[d])
    return best if scores[best][1] > 1 else ","


def _agreement(sample: str, delimiter: str) -> tuple[float, int]:
    """(share of rows with as many fields as the header, that number)."""
    try:
        rows = [len(r) for r in islice(_reader(sample, delimiter), _SAMPLE_ROWS) if r]
    except csv.Error:
        return 0.0, 0
    if not rows or rows[0] < 2:
        return 0.0, 1
    return sum(n == rows[0] for n in rows) / len(rows), rows[0]


def _reader(text: str, delimiter: str, strict: bool = False) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)


def _check_rows(path: Path, text: str, delimiter: str, first: int) -> tuple[list[str], int, int]:
    """(header, number of rows, number of blank lines). FileFormatError for rows of another length than the header.

    `first`: which line of the file is the header.
    """
    reader = _reader(text, delimiter, strict=True)
    rows = blank = 0
    bad: list[str] = []
    try:
        header: list[str] = next(reader, [])
        width = len(header)
        for row in reader:
            if len(row) == width or (not row and width == 1):
                rows += 1
            elif row:
                bad.append(f"line {reader.line_num + first - 1} has {len(row)}")
            else:
                blank += 1
    except csv.Error as error:
        raise FileFormatError(f"{path.name}: {_csv_sentence(reader.line_num + first - 1, error)}") from error
    if not header:
        raise FileFormatError(f"{path.name} has no header: its first line is blank. Put the column names there.")
    if bad:
        raise FileFormatError(
            f"{path.name}: the header has {width} fields, but {listed(bad)}. Quote fields that hold a "
            f"{_NAMES.get(delimiter, repr(delimiter))}, or name the delimiter with delimiter=."
        )
    return header, rows, blank


def _csv_sentence(line: int, error: csv.Error) -> str:
    if "field limit" in str(error):
        return (
            f"a field that ends in line {line} or later has more than {csv.field_size_limit():,} characters. Is a quote "
            "before it not closed? Close it, or shorten the text."
        )
    return f"quotes around line {line} do not match ({error}). Double a quote inside quotes."


def _names(path: Path, header: list[str]) -> tuple[list[str], list[Notice]]:
    names = [unguarded(name.strip()) or f"unnamed_{i}" for i, name in enumerate(header, 1)]
    twice = next((n for n, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        places = " and ".join(str(i) for i, n in enumerate(names, 1) if n == twice)
        raise DuplicateNameError(
            f"{path.name} has the column name '{twice}' at positions {places}. Rename one of them."
        )
    empty = [n for n, given in zip(names, header, strict=True) if not given.strip()]
    bare = [n for n, given in zip(names, header, strict=True) if given.strip() not in ("", n)]
    notices = []
    if empty:
        text = f"Columns without a name in the header are called {listed(empty)}."
        notices.append(Notice("name", text, len(empty)))
    if bare:
        text = f"The quote that guards column names from spreadsheets was taken off: {listed(bare)}."
        notices.append(Notice("guard", text, len(bare)))
    return names, notices


def _dialect(path: Path, delimiter: str, stated: str | None) -> list[Notice]:
    if stated or delimiter in _PROMISED[path.suffix.lower()]:
        return []
    name = _NAMES[delimiter]
    return [Notice("delimiter", f"{path.name} is separated by a {name}, not as {path.suffix} files are; read so.")]


def _blank_notice(blank: int) -> list[Notice]:
    return [Notice("blank", f"{blank} blank lines were left out.", blank)] if blank else []


def _parse(path: Path, text: str, delimiter: str, names: list[str], wanted: list[str], na: tuple[str, ...]) -> pa.Table:
    """Every wanted column as text, an empty cell as null."""
    data = text.encode("utf-8") + b"\n" * (not text.endswith("\n"))  # arrow reads no header without a line end
    options = {
        "parse_options": pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values='"' in text, ignore_empty_lines=len(names) > 1
        ),
        "convert_options": pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            include_columns=wanted,
            null_values=["", *na],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    }
    for block in (1 << 23, len(data) + 1):  # a row longer than a block needs one block for the file
        reading = pacsv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=max(block, 16))
        try:
            return pacsv.read_csv(io.BytesIO(data), read_options=reading, **options)
        except pa.ArrowInvalid as error:
            failure = error
    raise DamagedFileError(f"{path.name} cannot be parsed: {failure}. Check its quotes and delimiter.") from failure
