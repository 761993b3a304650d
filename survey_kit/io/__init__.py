"""Files in and out: `read_file` gives codes with their codebook, `write_file` writes them. Readers load when needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import ArgumentError
from survey_kit.io.atomic import atomic_folder, atomic_path
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.io.registry import READERS, WRITERS, find_format, refuse_options
from survey_kit.io.sniff import check_content, check_exists
from survey_kit.schema import Notice

__all__ = ["FileContents", "atomic_folder", "atomic_path", "read_file", "write_file"]


def read_file(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    na: Sequence[str] = (),
) -> FileContents:
    """Read a survey file into codes and a codebook. Equivalents: R `haven::read_sav(user_na = TRUE)`, SPSS `GET FILE`.

    Args:
        path: a .sav, .zsav, .dta, .csv, .tsv, .txt or .parquet file.
        encoding: overrides what the file states or what was detected, such as "cp1251".
        columns: read only these columns, in this order; all when None.
        delimiter, decimal: of a text file; detected when None.
        na: cell texts of a text file that mean "no value", such as ("NA",). An empty cell always does.

    Raises:
        MissingFileError: no such file; names the nearest one in the folder.
        FileFormatError: unknown extension, or an empty, damaged, truncated or mislabelled file.
        EncodingError: text that the encoding cannot decode; names candidates.
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
    _refuse_text("columns", columns)
    _refuse_text("na", na)
    door = find_format(path, READERS, "read")
    given = {"encoding": encoding, "delimiter": delimiter, "decimal": decimal, "na": tuple(na)}
    refuse_options(path, door, given)
    check_exists(path)
    check_content(path)
    options = ReadOptions(encoding, None if columns is None else tuple(columns), delimiter, decimal, tuple(na))
    return door.load()(path, options)


def write_file(path: str | os.PathLike[str], codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook, whole or not at all. Equivalents: R `haven::write_sav`, SPSS `SAVE OUTFILE`.

    Args:
        path: a .sav, .zsav, .csv or .parquet file; an old file there is replaced only when the new one is complete.
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


def _refuse_text(name: str, value: object) -> None:
    if isinstance(value, (str, bytes)):
        raise ArgumentError(f"{name}={value!r} is one text; write a list: {name}=[{value!r}].")
