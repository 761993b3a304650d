"""Parquet and Feather files: codes as columns, the codebook as JSON in the file's metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    OutputError,
    ReadError,
    TruncatedFileError,
    WrongFormatError,
    unknown,
)
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.doubts import doubts
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.write import check_frame, complete
from survey_kit.schema import Notice

KEY = b"survey_kit.codebook"
_FAILURES = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)


def write_parquet(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook; nothing is lost but the row index. Raises OutputError."""
    table = _table(path, codes, codebook)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
    return ()


def write_feather(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook as a Feather file of version 2; nothing is lost but the row index. Raises OutputError.

    Equivalent: R `arrow::write_feather`.
    """
    table = _table(path, codes, codebook)
    with atomic_path(path) as temporary:
        feather.write_feather(table, temporary)
    return ()


def _table(path: Path, codes: pd.DataFrame, codebook: Codebook) -> pa.Table:
    check_frame(path, codes)
    try:
        table = pa.Table.from_pandas(codes, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise OutputError(f"{path.name} cannot be written: {error.args[-1]}. Give every column one type.") from error
    text = codebook_to_json(complete(codebook, codes))
    return table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text.encode()})


def read_parquet(path: Path, options: ReadOptions) -> FileContents:
    """Read a parquet file; one that this package did not write has no labels. Raises as `read_file`.

    Of such a file integers become int64, floats float64, categories their texts, and a named index columns. With a
    number of rows only the row groups that hold them are read.
    """
    try:
        with pq.ParquetFile(path) as file:
            names = _wanted(path, file.schema_arrow, options)
            rows = file.metadata.num_rows
            refuse_beyond_memory(
                path.name, (rows if options.rows is None else min(options.rows, rows)) * 8 * len(names)
            )
            pieces = (
                () if options.rows == 0 else (_valid(file.read_row_group(i, names)) for i in range(file.num_row_groups))
            )
            table = _first(path, pieces, _part(file.schema_arrow, names), options.rows)
    except _FAILURES as error:
        raise _error(path, error) from error
    return _contents(path, table, options, rows, "parquet")


def read_feather(path: Path, options: ReadOptions) -> FileContents:
    """Read a Feather file of version 2. Otherwise as `read_parquet`. Equivalent: R `arrow::read_feather`."""
    try:
        with pa.OSFile(str(path)) as source:
            if source.read(4) == b"FEA1":  # its reader in pyarrow is deprecated, and damaged files end the interpreter
                raise WrongFormatError(
                    f"{path.name} is a Feather file of version 1, of before 2020. Write it again with version 2, or as .parquet."
                )
            file = ipc.open_file(source)
            names = _wanted(path, file.schema, options)
            batches = range(0 if options.rows == 0 else file.num_record_batches)
            pieces = (_valid(pa.Table.from_batches([file.get_batch(i)])).select(names) for i in batches)
            table = _first(path, pieces, _part(file.schema, names), options.rows)
    except _FAILURES as error:
        raise _error(path, error) from error
    return _contents(path, table, options, None, "feather")


def _valid(piece: pa.Table) -> pa.Table:
    """The rows, after their lengths, offsets and texts were checked: damaged ones would end the interpreter."""
    piece.validate(full=True)
    return piece


def _error(path: Path, error: Exception) -> Exception:
    """The error as it is where it is ours, else one for a damaged file."""
    if isinstance(error, ReadError) or (isinstance(error, KeyError) and isinstance(error, ValueError)):
        return error
    reason = str(error).partition("\n")[0]
    return TruncatedFileError(f"{path.name} is truncated or damaged: {reason}. Fetch it again.")


def _wanted(path: Path, schema: pa.Schema, options: ReadOptions) -> list[str]:
    """The names of the columns to read."""
    twice = next((n for n, count in Counter(schema.names).items() if count > 1), None)
    if twice is not None:
        raise DuplicateNameError(f"{path.name} has more than one column '{twice}'. Rename one of them.")
    for name in options.columns or ():
        if name not in schema.names:
            raise unknown("column", name, schema.names)
    return list(schema.names if options.columns is None else options.columns)


def _part(schema: pa.Schema, names: list[str]) -> pa.Schema:
    return pa.schema([schema.field(n) for n in names], metadata=schema.metadata)


def _first(path: Path, pieces: Iterable[pa.Table], schema: pa.Schema, most: int | None) -> pa.Table:
    """The first rows of the pieces as one table; all where `most` is None."""
    found: list[pa.Table] = []
    rows = size = 0
    for piece in pieces:
        found.append(piece.select(schema.names).replace_schema_metadata(schema.metadata))
        rows, size = rows + piece.num_rows, size + piece.nbytes
        refuse_beyond_memory(path.name, size)
        if most is not None and rows >= most:
            break
    table = pa.concat_tables(found) if found else schema.empty_table()
    return table if most is None else table.slice(0, most)


def _contents(path: Path, table: pa.Table, options: ReadOptions, rows: int | None, kind: str) -> FileContents:
    stored = (table.schema.metadata or {}).get(KEY)
    try:
        codes = table.to_pandas() if stored else _plain(table)
    except _FAILURES as error:
        raise _error(path, error) from error
    book = _codebook(path, stored) if stored else Codebook({str(n): Variable(str(n)) for n in codes})
    codes.columns = pd.Index([str(n) for n in codes.columns])
    kept = complete(book, codes)
    notices = partial_notice(options.rows, len(codes), rows) + doubts(codes, kept)
    return FileContents(codes, kept, tuple(notices), kind)


def _codebook(path: Path, stored: bytes) -> Codebook:
    try:
        book = codebook_from_json(stored.decode())
    except (ReadError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path.name}: its codebook cannot be read. {error} Write the file again.") from error
    return book


def _plain(table: pa.Table) -> pd.DataFrame:
    """The table of another program: its index as columns, and the types that readers of other formats give."""
    frame = table.to_pandas(date_as_object=False)
    named = [n for n in frame.index.names if n is not None and n not in frame.columns]
    frame = frame.reset_index(drop=not named)
    names = [n for n in table.column_names if n in frame.columns]
    return pd.DataFrame(
        {n: _typed(frame[n]) for n in [*names, *frame.columns.difference(names, sort=False)]}, index=frame.index
    )


def _typed(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        values = kind.categories.to_series()
        whole = pd.api.types.is_integer_dtype(values.dtype) and column.isna().any()
        return _typed(column.astype("float64" if whole else values.dtype))
    if pd.api.types.is_object_dtype(kind) and column.notna().any() and {type(v) for v in column.dropna()} == {bool}:
        return column.astype("float64")
    if pd.api.types.is_integer_dtype(kind) and kind not in ("uint64", "UInt64") and not column.isna().any():
        return column.astype("int64")
    if pd.api.types.is_extension_array_dtype(kind) and pd.api.types.is_numeric_dtype(kind):
        return pd.Series(column.to_numpy(dtype=float, na_value=float("nan")), index=column.index, name=column.name)
    if kind in ("float16", "float32"):
        return column.astype("float64")
    if pd.api.types.is_datetime64_dtype(kind):
        return column.dt.as_unit("us")
    return column
