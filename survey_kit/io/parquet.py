"""Parquet files: codes as columns, the codebook as JSON in the file's metadata."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import FileFormatError, OutputError, unknown
from survey_kit.io.atomic import atomic_path
from survey_kit.io.codebook_json import codebook_from_json, codebook_to_json
from survey_kit.io.contents import FileContents, ReadOptions
from survey_kit.io.doubts import doubts
from survey_kit.io.write import check_frame, complete
from survey_kit.schema import Notice

KEY = b"survey_kit.codebook"


def write_parquet(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write codes and codebook; nothing is lost but the row index. Raises OutputError."""
    check_frame(path, codes)
    try:
        table = pa.Table.from_pandas(codes, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise OutputError(f"{path.name} cannot be written: {error.args[-1]}. Give every column one type.") from error
    text = codebook_to_json(complete(codebook, codes))
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text.encode()})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
    return ()


def read_parquet(path: Path, options: ReadOptions) -> FileContents:
    """Read a parquet file; one that this package did not write has no labels. Raises as `read_file`."""
    try:
        names = pq.read_schema(path).names
        for name in options.columns or ():
            if name not in names:
                raise unknown("column", name, names)
        table = pq.read_table(path, columns=None if options.columns is None else list(options.columns))
    except (pa.ArrowInvalid, OSError) as error:
        raise FileFormatError(f"{path.name} is truncated or damaged: {error}. Fetch it again.") from error
    codes = table.to_pandas()
    stored = (table.schema.metadata or {}).get(KEY)
    book = codebook_from_json(stored.decode()) if stored else Codebook({str(n): Variable(str(n)) for n in codes})
    kept = complete(book, codes).only([str(n) for n in codes])
    return FileContents(codes, kept, tuple(doubts(codes, kept)), "parquet")
