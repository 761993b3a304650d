"""Files in and out: `read_file` gives codes with their codebook, `write_file` writes them. Readers load when needed."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import ArgumentError, one_of
from survey_kit.io.atomic import atomic_folder, atomic_path
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.io.doubts import undeclared_missing
from survey_kit.io.registry import READERS, WRITERS, Format, find_format, refuse_options
from survey_kit.io.sniff import check_content, check_exists, refuse_archive
from survey_kit.io.text import codec_name
from survey_kit.schema import Notice

__all__ = ["FileContents", "atomic_folder", "atomic_path", "read_file", "undeclared_missing", "write_file"]


def read_file(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    row_limit: int | None = None,
    metadata_only: bool = False,
    codebook: Codebook | str | os.PathLike[str] | None = None,
    cache: bool | str | os.PathLike[str] = False,
    encoding: str | None = None,
    errors: str = "strict",
    allow_truncated: bool = False,
    catalog: str | os.PathLike[str] | None = None,
    sheet: str | None = None,
    header: int | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    na: Sequence[str] = (),
) -> FileContents:
    """Read a survey file into codes and a codebook. Equivalents: R `haven::read_sav(user_na = TRUE)`, SPSS `GET FILE`.

    Args:
        path: a .sav .zsav .por .dta .sas7bdat .xpt .csv .tsv .txt .xlsx .xlsm .xls .ods .parquet .feather or .sss file.
        columns: read only these columns, in this order; all when None.
        row_limit: read only so many rows, from the first; all when None.
        metadata_only: read the codebook and no row.
        codebook: labels and wording to lay over the file's own: a Codebook, or a .yml, .csv, .json codebook or an XLSForm.
        cache: True keeps a private copy from which the same file opens at once the next time, in the user's cache folder
            or in the folder that is named. The copy holds the microdata.
        encoding: overrides what the file states or what was detected, such as "cp1251".
        errors: "replace" puts U+FFFD for text that cannot be decoded and lists where; "strict" refuses it.
        allow_truncated: read the whole cases of a file that ends too early; a notice says how many are lost.
        catalog: the .sas7bcat file that holds the value labels of a .sas7bdat file.
        sheet, header: of a workbook: name of the sheet, and the row (from 1) that holds the column names.
        delimiter: of a text file; decimal: of a text file or of texts in a workbook; detected when None.
        na: cell texts of a text file or workbook that mean "no value", such as ("NA",). An empty cell always does.

    Raises:
        ReadError: MissingFileError (names the nearest file), EncodingError (names candidates), FileFormatError (an
            empty, damaged, truncated or mislabelled file, or one that would not fit in memory).
        UnknownNameError: a name in `columns` that the file does not have.
        UnsupportedOption: an option that does not apply to the format.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "poll.csv")
        ...     _ = file.write_text("id,vote\\n1,NA\\n2,yes\\n", encoding="utf-8")
        ...     contents = read_file(file)
        >>> contents.codes["vote"].tolist()
        ['NA', 'yes']
    """
    path = Path(path)
    wanted, empty = _texts("columns", columns), _texts("na", na) or ()
    one_of("errors", errors, ("strict", "replace"))
    if encoding is not None:
        codec_name(encoding)
    if not isinstance(codebook, (Codebook, str, os.PathLike, type(None))):
        raise ArgumentError(f"codebook={type(codebook).__name__} is no Codebook and no path of one.")
    options = ReadOptions(
        encoding=encoding,
        columns=wanted,
        rows=_rows(row_limit, metadata_only),
        errors=errors,
        allow_truncated=allow_truncated,
        catalog=None if catalog is None else Path(catalog),
        sheet=sheet,
        header=None if header is None else _whole("header", header),
        delimiter=delimiter,
        decimal=decimal,
        na=empty,
    )
    if path.suffix.lower() == ".zip":
        check_exists(path)
        refuse_archive(path)
    door = find_format(path, READERS, "read")
    refuse_options(path, door, options)
    check_exists(path)
    check_content(path)
    contents = _read(path, options, door, cache)
    return contents if codebook is None else _laid_over(contents, codebook, wanted is not None)


def write_file(path: str | os.PathLike[str], codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook, whole or not at all. Equivalents: R `haven::write_sav`, SPSS `SAVE OUTFILE`.

    Args:
        path: a .sav .zsav .por .dta .xpt .csv .tsv .xlsx .parquet .feather or .sss file; an old file there is replaced
            only when the new one is complete.
        codes: one row per respondent. Shape (n, columns).
        codebook: what the codes mean; columns that it does not know are written without labels.

    Returns:
        What the format could not hold as it was: labels that were cut, meaning that CSV has no place for.

    Raises:
        FileFormatError: an extension that cannot be written.
        OutputError: something that the format cannot hold (names the variable), or a folder that cannot be written.
    """
    path = Path(path)
    door = find_format(path, WRITERS, "written")
    return door.load()(path, codes, codebook)


def _read(path: Path, options: ReadOptions, door: Format, cache: bool | str | os.PathLike[str]) -> FileContents:
    def read() -> FileContents:
        return door.load()(path, options)

    if cache is False:
        return read()
    if cache is not True and not isinstance(cache, (str, os.PathLike)):
        raise ArgumentError(f"cache={cache!r} is neither True nor False nor a folder.")
    from survey_kit.io.cache import read_through_cache

    return read_through_cache(path, options, None if cache is True else Path(cache), read)


def _rows(row_limit: int | None, metadata_only: bool) -> int | None:
    if row_limit is not None and _whole("row_limit", row_limit) < 1:
        raise ArgumentError(f"row_limit={row_limit!r}: give 1 or more, or metadata_only=True for none.")
    if not isinstance(metadata_only, bool):
        raise ArgumentError(f"metadata_only={metadata_only!r} is neither True nor False.")
    if metadata_only:
        return 0
    return None if row_limit is None else int(row_limit)


def _whole(name: str, value: object) -> int:
    """A whole number, also one of numpy."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise ArgumentError(f"{name}={value!r} is no whole number.")


def _laid_over(contents: FileContents, codebook: Codebook | str | os.PathLike[str], some: bool) -> FileContents:
    from survey_kit.io.overlay import lay_over, load_codebook

    book = codebook if isinstance(codebook, Codebook) else load_codebook(codebook)
    return lay_over(contents, book, some_columns=some)


def _texts(name: str, value: Sequence[str] | None) -> tuple[str, ...] | None:
    """A list of different texts as a tuple."""
    if value is None:
        return None
    if isinstance(value, (str, bytes)):
        raise ArgumentError(f"{name}={value!r} is one text; write a list: {name}=[{value!r}].")
    texts = tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise ArgumentError(f"{name} is a list of texts; there was {text!r} in it.")
    twice = next((t for t in texts if texts.count(t) > 1), None) if len(set(texts)) < len(texts) else None
    if twice is not None:
        raise ArgumentError(f"{name} names {twice!r} twice.")
    return texts
