"""Parquet and Feather files: codes as columns, the codebook as JSON in the file's metadata.

A small file can hold much. So sizes are added up before they are taken: of parquet, text is read as dictionaries and
decoded batch by batch; of Feather, the sizes that buffers declare are looked up in the file (Arrow columnar format).
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
from pandas.api.types import is_extension_array_dtype, is_numeric_dtype

from survey_kit.codebook import Code, Codebook, Measure, Variable, format_code
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    FileFormatError,
    OutputError,
    ReadError,
    TruncatedFileError,
    WrongFormatError,
    listed,
    unknown,
)
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.doubts import doubts
from survey_kit.io.feather_sizes import FeatherSizes, is_text_type
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.surrogates import refuse_surrogates
from survey_kit.io.write import check_frame, complete
from survey_kit.schema import Notice

KEY = b"survey_kit.codebook"
_BATCH = 65_536  # rows of a parquet file that are decoded at once
_SHARED = 1 << 26  # bytes that its texts may take at once where they share beginnings
_FAILURES = (struct.error, pa.ArrowException, OSError, ValueError, LookupError, TypeError)


def write_parquet(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook; nothing is lost but the row index. Raises OutputError."""
    table = _table(path, codes, codebook)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
    return ()


def write_feather(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """The same as a Feather file of version 2. Equivalent: R `arrow::write_feather`. Raises OutputError."""
    table = _table(path, codes, codebook)
    with atomic_path(path) as temporary:
        feather.write_feather(table, temporary)
    return ()


def _table(path: Path, codes: pd.DataFrame, codebook: Codebook) -> pa.Table:
    check_frame(path, codes)
    book = complete(codebook, codes)
    refuse_surrogates(path, codes, book)
    try:
        table = pa.Table.from_pandas(codes, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise OutputError(f"{path.name} cannot be written: {error.args[-1]}. Give every column one type.") from error
    nested = _nested(table.schema)
    if nested:
        raise OutputError(f"{path.name}: variable '{nested[0]}' holds lists or records. Give every column one type.")
    try:
        text = codebook_to_json(book)
    except ValueError as error:
        raise OutputError(f"{path.name}: {_not_finite(book)}. Correct the codebook.") from error
    return table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text.encode()})


def _not_finite(book: Codebook) -> str:
    """The part of a codebook that JSON cannot hold."""
    for name, variable in book.variables.items():
        codes = (*variable.labels, *(variable.missing.values if variable.missing else ()))
        if not all(isinstance(c, str) or math.isfinite(c) for c in codes):
            return f"variable '{name}' has a label or missing value for a code that is not finite"
    return "it holds a code that is not finite"


def read_parquet(path: Path, options: ReadOptions) -> FileContents:
    """Read a parquet file; of one that this package did not write, the labels are those of its categories and yes/no.

    Of such a file integers and booleans become int64 (float64 where values are missing), floats and decimals float64,
    categories of text codes from 1 with labels, and a named index columns. FileFormatError names a column of lists or
    records. With a number of rows only the row groups that hold them are read. Raises as `read_file`.
    """
    try:
        with pq.ParquetFile(path) as file:
            names, schema = _wanted(path, file.schema_arrow, options), file.schema_arrow
            rows = file.metadata.num_rows
            most = rows if options.rows is None else min(options.rows, rows)
            kinds = [schema.field(n).type for n in names]
            widths = [k.byte_width if pa.types.is_fixed_size_binary(k) else 8 for k in kinds]
            refuse_beyond_memory(path.name, most * sum(widths))
            packed = {c.path_in_schema for c in _chunks(file) if "DELTA" in str(c.encodings)}  # never as dictionaries
        texts = [n for n, kind in zip(names, kinds, strict=True) if is_text_type(kind) and n not in packed]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            pieces = _batches(path.name, file, names, most) if most and names else iter(())
            table = _first(path, pieces, _part(schema, names), options.rows)
    except _FAILURES as error:
        raise _error(path, error) from error
    return _contents(path, table, options, rows, most, "parquet")


def _chunks(file: pq.ParquetFile, group: int | None = None) -> list[pq.ColumnChunkMetaData]:
    groups = range(file.num_row_groups) if group is None else [group]
    return [file.metadata.row_group(g).column(i) for g in groups for i in range(file.metadata.num_columns)]


def _batches(name: str, file: pq.ParquetFile, names: list[str], most: int) -> Iterator[pa.Table]:
    """Rows in batches. Texts that share beginnings are no longer than their column: few at once where that is long."""
    wanted = set(names)
    for group in range(file.num_row_groups):
        chunks = [c for c in _chunks(file, group) if c.path_in_schema in wanted]
        refuse_beyond_memory(name, sum(c.total_uncompressed_size for c in chunks))
        shared = sum(c.total_uncompressed_size for c in chunks if "DELTA_BYTE_ARRAY" in c.encodings)
        rows = max(1, min(_BATCH, most, _SHARED // max(shared, 1)))
        for batch in file.iter_batches(rows, row_groups=[group], columns=names):
            yield _valid(pa.Table.from_batches([batch]))


def read_feather(path: Path, options: ReadOptions) -> FileContents:
    """Read a Feather file of version 2. Otherwise as `read_parquet`. Equivalent: R `arrow::read_feather`."""
    try:
        with pa.OSFile(str(path)) as source:
            if source.read(4) == b"FEA1":  # its reader in pyarrow is deprecated, and damaged files end the interpreter
                raise WrongFormatError(
                    f"{path.name} is a Feather file of version 1, of before 2020. Write it again with version 2, or as .parquet."
                )
            schema = ipc.open_file(source).schema
            names = _wanted(path, schema, options)
            places = sorted(schema.get_field_index(n) for n in names) or [0][: len(schema)]
            file = ipc.open_file(source, options=ipc.IpcReadOptions(included_fields=places))
            blocks = FeatherSizes(path.name, source, schema, places)
            rows = blocks.rows()
            most = rows if options.rows is None else min(options.rows, rows)
            pieces = _records(file, blocks) if most and names else iter(())
            table = _first(path, pieces, _part(schema, names), options.rows)
    except _FAILURES as error:
        raise _error(path, error) from error
    return _contents(path, table, options, rows, most, "feather")


def _records(file: ipc.RecordBatchFileReader, blocks: FeatherSizes) -> Iterator[pa.Table]:
    """The batches one by one, each after a look at what it declares to take."""
    blocks.refuse_dictionaries()
    for i in range(file.num_record_batches):
        blocks.refuse_batch(i)
        yield _valid(pa.Table.from_batches([file.get_batch(i)]))


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
    known = Counter(schema.names)
    twice = next((n for n, count in known.items() if count > 1), None)
    if twice is not None:
        raise DuplicateNameError(f"{path.name} has more than one column '{twice}'. Rename one of them.")
    missing = next((n for n in options.columns or () if n not in known), None)
    if missing is not None:
        raise unknown("column", missing, schema.names)
    names = list(schema.names if options.columns is None else options.columns)
    nested = _nested(_part(schema, names))
    if nested:
        text = f"{path.name} has columns of lists or records, which a survey has no place for: {listed(nested)}."
        raise FileFormatError(f"{text} Leave them out: name the others with columns=.")
    return names


def _part(schema: pa.Schema, names: list[str]) -> pa.Schema:
    return pa.schema([schema.field(n) for n in names], metadata=schema.metadata)


def _first(path: Path, pieces: Iterable[pa.Table], schema: pa.Schema, most: int | None) -> pa.Table:
    """The first rows of the pieces as one table; all where `most` is None."""
    found: list[pa.Table] = []
    rows = size = 0
    for piece in pieces:
        part = piece.select(schema.names)
        size += max(sum(map(_decoded_size, part.columns)), part.num_rows * len(schema) * 8)
        refuse_beyond_memory(path.name, size)
        rows += part.num_rows
        found.append(part.cast(schema))  # which decodes the text
        if most is not None and rows >= most:
            break
    table = pa.concat_tables(found) if found else schema.empty_table()
    return table if most is None else table.slice(0, most)


def _decoded_size(column: pa.ChunkedArray) -> int:
    """Bytes of a column when every cell holds its own text."""
    if not (pa.types.is_dictionary(column.type) and is_text_type(column.type.value_type)):
        return int(column.nbytes)
    sizes = (pc.sum(pc.binary_length(c.dictionary).take(c.indices)).as_py() or 0 for c in column.chunks)
    return int(column.nbytes) + sum(sizes)


def _nested(schema: pa.Schema) -> list[str]:  # lists, records, maps
    return [f.name for f in schema if pa.types.is_nested(f.type)]


def _contents(path: Path, table: pa.Table, options: ReadOptions, rows: int, most: int, kind: str) -> FileContents:
    stored = (table.schema.metadata or {}).get(KEY)
    try:
        codes, book = (_frame(table), Codebook()) if stored else _foreign(table)
    except _FAILURES as error:
        raise _error(path, error) from error
    book = _codebook(path, stored) if stored else book
    codes = codes if table.column_names else pd.DataFrame(index=pd.RangeIndex(most))
    codes.columns = pd.Index([str(n) for n in codes.columns])
    kept = complete(book, codes)
    notices = partial_notice(options.rows, len(codes), rows) + doubts(codes, kept)
    return FileContents(codes, kept, tuple(notices), kind)


def _codebook(path: Path, stored: bytes) -> Codebook:
    try:
        return codebook_from_json(stored.decode())
    except (ReadError, ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path.name}: its codebook cannot be read. {error} Write the file again.") from error


def _frame(table: pa.Table, **options: bool) -> pd.DataFrame:
    frame = table.to_pandas(**options)
    if not frame.columns.is_unique:
        raise ValueError("its metadata give two columns one name")
    return frame


def _foreign(table: pa.Table) -> tuple[pd.DataFrame, Codebook]:
    """The table of another program: its index as columns, and the types that readers of other formats give."""
    table = _without_decimals(table)
    frame = _frame(table, date_as_object=False)
    named = [n for n in frame.index.names if n is not None and n not in frame.columns]
    frame = frame.reset_index(drop=not named)
    names = [n for n in table.column_names if n in frame.columns]
    flags = {f.name for f in table.schema if pa.types.is_boolean(f.type)}
    columns, variables = {}, {}
    for name in [*names, *frame.columns.difference(names, sort=False)]:
        columns[name], variables[str(name)] = _meant(frame[name], str(name), name in flags)
    return pd.DataFrame(columns, index=frame.index), Codebook(variables)


def _without_decimals(table: pa.Table) -> pa.Table:
    """Decimal numbers as int64, where they have no decimals and fit, else as the nearest doubles."""
    for i, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(i, field.name, _undecimal(table.column(i), field.type.scale))
    return table


def _undecimal(column: pa.ChunkedArray, scale: int) -> pa.ChunkedArray:
    if scale == 0 and (pc.max(pc.abs(column)).as_py() or 0) < 2**63:
        return column.cast(pa.int64())
    return column.cast(pa.string()).cast(pa.float64())  # by way of text, which rounds to the nearest


def _meant(column: pd.Series, name: str, flag: bool) -> tuple[pd.Series, Variable]:
    """A column as codes, with what they mean: categories of text are 1, 2, ... in their order; no is 0, yes is 1."""
    if flag:
        numbers = column.astype("boolean").astype("Int64")
        return _typed(numbers), Variable(name, labels={0: "No", 1: "Yes"}, measure="nominal")
    if not isinstance(column.dtype, pd.CategoricalDtype) or is_numeric_dtype(column.cat.categories.dtype):
        return _typed(column), Variable(name)
    places = column.cat.codes.to_numpy().astype(np.int64)
    values = np.where(places < 0, np.nan, places + 1.0) if (places < 0).any() else places + 1
    labels: dict[Code, str] = {i: format_code(category) for i, category in enumerate(column.cat.categories.tolist(), 1)}
    measure: Measure = "ordinal" if column.cat.ordered else "nominal"
    return pd.Series(values, index=column.index, name=column.name), Variable(name, labels=labels, measure=measure)


def _typed(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        whole = pd.api.types.is_integer_dtype(kind.categories.dtype) and column.isna().any()
        return _typed(column.astype("float64" if whole else kind.categories.dtype))
    if pd.api.types.is_object_dtype(kind) and not column.notna().any():
        return column.astype("float64")
    if pd.api.types.is_integer_dtype(kind) and kind not in ("uint64", "UInt64") and not column.isna().any():
        return column.astype("int64")
    if kind in ("float16", "float32") or (is_extension_array_dtype(kind) and is_numeric_dtype(kind)):
        return pd.Series(column.to_numpy(dtype=float, na_value=float("nan")), index=column.index, name=column.name)
    if pd.api.types.is_datetime64_dtype(kind):
        return column.dt.as_unit("us")
    return column
