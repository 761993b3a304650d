"""Triple-S survey interchange: metadata in XML (.sss), data beside it in fixed columns (.asc) or CSV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import ResourceLimitError, unknown
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.doubts import doubts
from survey_kit.io.text import preview, suspicion
from survey_kit.io.triples.columns import Column, build_codebook, plan_columns
from survey_kit.io.triples.data import Rows, find_data, no_rows, read_rows
from survey_kit.io.triples.metadata import Survey, read_survey
from survey_kit.io.triples.values import Findings, checked, typed
from survey_kit.io.triples.xml import parse, read_text
from survey_kit.io.write import is_text
from survey_kit.schema import Notice

_MOST_CELLS = 500_000_000


def read_triples(path: Path, options: ReadOptions) -> FileContents:
    """Read a Triple-S survey of version 1.1, 1.2, 2.0 or 3.0. Equivalents: SPSS `STATS GET TRIPLES`, R `sss::read.sss`.

    The data file has the name of the metadata file with .asc, .dat, .txt or .csv, or the name in `href=` of <record>, in
    the same folder. Codes of a `single` are numbers when all are, else text. A `multiple` becomes 0/1 columns NAME_CODE
    with a dichotomy set, or columns NAME_1, NAME_2 ... with a category set where it is spread; a subfield of 0 is missing.
    `logical` is 0 "No", 1 "Yes"; `date` datetime64[us]; `time` seconds since midnight. A blank field is missing.
    Values outside the stated ranges are kept, with a notice. The first language of a text is the label; others are in
    `attributes["label:fr"]`. `encoding=` is for the data, and for metadata that are not the UTF-8 they say they are.
    `allow_truncated=True` fills rows that end early with blanks. Raises as `read_file`.
    """
    text, metadata_encoding = read_text(path, options.encoding)
    survey = read_survey(path.name, parse(path.name, text))
    columns = plan_columns(survey)
    wanted = _wanted(columns, options)
    rows, notices = _rows(path, survey, options, options.encoding or metadata_encoding)
    _check_cells(survey, rows.count, len(wanted))
    found = Findings(path.name)
    codes = _codes(wanted, rows, found)
    texts = {str(name): is_text(codes[name]) for name in codes}
    book, more = build_codebook(survey, columns, texts, rows.encoding)
    book, odd = _numeric_weight(book, codes)
    book = book.only(_in_order(survey, [c.name for c in columns]) if options.columns is None else options.columns)
    codes = codes[list(book)]
    notices += _encoding_notice(path, text, metadata_encoding, options) + more + odd + found.notices()
    if options.rows is not None:
        whole, codes = len(codes), codes.iloc[: options.rows]
        notices += partial_notice(options.rows, len(codes), whole)
    return FileContents(codes, book, tuple(notices + doubts(codes, book)), "sss")


def _wanted(columns: tuple[Column, ...], options: ReadOptions) -> list[Column]:
    if options.columns is None:
        return list(columns)
    known = {c.name: c for c in columns}
    for name in options.columns:
        if name not in known:
            raise unknown("column", name, known)
    return [known[name] for name in options.columns]


def _rows(path: Path, survey: Survey, options: ReadOptions, encoding: str) -> tuple[Rows, list[Notice]]:
    if options.rows == 0:
        return no_rows(survey, encoding), []
    data, notices = find_data(path, survey)
    rows, more = read_rows(data, survey, encoding, options.allow_truncated)
    return rows, notices + more


def _check_cells(survey: Survey, rows: int, columns: int) -> None:
    if rows * columns > _MOST_CELLS:
        raise ResourceLimitError(
            f"{survey.name}: {rows:,} rows of {columns:,} columns are more than {_MOST_CELLS:,} cells. Read some columns "
            "with columns=."
        )


def _codes(wanted: list[Column], rows: Rows, found: Findings) -> pd.DataFrame:
    """The columns, field by field, so that the cells of each are cut and checked once."""
    fields: dict[int, list[Column]] = {}
    for column in wanted:
        fields.setdefault(id(column.field), []).append(column)
    series: dict[str, pd.Series] = {}
    for columns in fields.values():
        field = columns[0].field
        cells = checked(field, rows.cells(field), found.file)
        series |= {c.name: typed(c, cells, found) for c in columns}
    return pd.DataFrame(series, index=pd.RangeIndex(rows.count))


def _numeric_weight(book: Codebook, codes: pd.DataFrame) -> tuple[Codebook, list[Notice]]:
    """The codebook without a weight that is no number."""
    name = book.weight
    if name is None or name not in codes or pd.api.types.is_numeric_dtype(codes[name].dtype):
        return book, []
    text = f"The file names '{name}' as its weight, but it holds no numbers; it is not taken as the weight."
    return replace(book, weight=None), [Notice("weight", text)]


def _in_order(survey: Survey, names: list[str]) -> list[str]:
    """The columns in the order they were written from, where survey_kit noted it."""
    noted = survey.notes.get("order")
    if isinstance(noted, list) and all(isinstance(n, str) for n in noted) and sorted(noted) == sorted(names):
        return noted
    return names


def _encoding_notice(path: Path, text: str, encoding: str, options: ReadOptions) -> list[Notice]:
    """A declared encoding that gives no words."""
    if options.encoding or text.isascii() or encoding.startswith("utf"):
        return []
    pieces = [line.encode(encoding, "ignore") for line in text.splitlines() if not line.isascii()][:2000]
    better = suspicion(pieces, encoding)
    if better is None:
        return []
    said = (
        f"{path.name} states encoding {encoding}, which gives “{preview(pieces, encoding)}”; in {better} it is "
        f'“{preview(pieces, better)}”. If that is right, read it with encoding="{better}".'
    )
    return [Notice("encoding", said)]
