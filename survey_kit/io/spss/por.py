"""SPSS portable files (.por), read from their records: any encoding, missing values, weight and documents included."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, MissingRule, Variable
from survey_kit.errors import DuplicateNameError, EncodingError, ResourceLimitError, TruncatedFileError, unknown
from survey_kit.io.contents import FileContents, ReadOptions, partial_notice
from survey_kit.io.dates import SPSS_EPOCH, convert_dates, spss_unit
from survey_kit.io.doubts import doubts
from survey_kit.io.memory import refuse_beyond_memory
from survey_kit.io.spss.por_numbers import parse_number
from survey_kit.io.spss.por_records import PorFile, PorVariable, damaged, read_records
from survey_kit.io.text import codec_name, decodes, guessed_notice, has_high_bytes, preview, rank_encodings
from survey_kit.schema import Notice

_CHECKED = 1_000  # rows after which the memory is looked at; the file does not say how many there are
Cells = list[list[float | str]]
Decode = Callable[[str], str]


def read_por(path: Path, options: ReadOptions) -> FileContents:
    """Read a portable file. Numbers are float64, date formats datetime64[us]; trailing blanks of text are dropped.

    The format states no encoding: it is guessed, with a notice, unless `encoding=` is given. Text that is blank is
    missing, unless the file labels blank or declares it user-missing. Equivalents: SPSS `IMPORT`, R
    `foreign::read.spss`. Raises as `read_file`.
    """
    found = read_records(path.name, path.read_bytes())
    cells, whole = _cells(found, options.rows)
    encoding, notices = _encoding(found, cells, options.encoding)
    codebook = _codebook(found, encoding)
    _refuse_twins(found)
    for name in options.columns or ():
        if name not in codebook:
            raise unknown("column", name, codebook)
    names = list(codebook) if options.columns is None else list(options.columns)
    places = {name: i for i, name in enumerate(codebook)}
    rows = len(cells[0]) if cells else 0
    columns: dict[str, pd.Series] = {}
    for name in names:
        columns[name], more = _column(found, places[name], cells[places[name]], codebook[name], encoding)
        notices += more
    codes = pd.DataFrame(columns, index=pd.RangeIndex(rows))
    kept = codebook.only(names)
    notices += partial_notice(options.rows, rows, rows if whole else None) + doubts(codes, kept)
    return FileContents(codes, kept, tuple(notices), "por")


def _cells(found: PorFile, most: int | None) -> tuple[Cells, bool]:
    """The values column by column, texts undecoded, at most so many rows; and whether these are all."""
    columns: Cells = [[] for _ in found.variables]
    if not columns or most == 0:
        return columns, False
    at = [found.data]
    try:
        whole = _fill(found, columns, most, at)
    except IndexError:
        raise _truncated(found, columns) from None
    except ResourceLimitError:
        raise
    except ValueError as error:
        if "/" not in found.text[at[0] :]:
            raise _truncated(found, columns) from None
        found.at = at[0]
        raise damaged(found, f"row {len(columns[-1]) + 1}: {error}") from error
    return columns, whole


def _fill(found: PorFile, columns: Cells, most: int | None, place: list[int]) -> bool:
    """Append the cells to their columns; `place` is where it stands, for whoever must tell. True at the end of the cases."""
    known: dict[str, float] = {}
    steps = [(v.width > 0, column.append) for v, column in zip(found.variables, columns, strict=True)]
    text, at, rows = found.text, found.data, 0
    while rows != most and text[at] != "Z":
        for is_text, add in steps:
            while text[at] == " ":
                at += 1
            place[0] = at
            if text[at] == "*":
                add("" if is_text else math.nan)
                at += 2
                continue
            end = text.index("/", at)
            piece, at = text[at:end], end + 1
            value = known.get(piece)
            if value is None:
                value = known[piece] = parse_number(piece)
            if is_text:
                end = at + _length(found, value, at)
                add(text[at:end].rstrip(" "))
                at = end
            else:
                add(value)
        rows += 1
        if rows % _CHECKED == 0:
            refuse_beyond_memory(found.name, rows * len(columns) * 8)
    refuse_beyond_memory(found.name, rows * len(columns) * 8)
    return text[at : at + 1] == "Z"


def _length(found: PorFile, value: float, at: int) -> int:
    """The length of a text that begins at `at`."""
    if not (value >= 0 and value.is_integer()):
        raise ValueError(f"{value} is no length of a text")
    if at + value >= len(found.text):
        raise IndexError
    return int(value)


def _truncated(found: PorFile, columns: Cells) -> TruncatedFileError:
    return TruncatedFileError(f"{found.name} is truncated: it ends in row {len(columns[-1]) + 1:,}. Fetch it again.")


def _encoding(found: PorFile, cells: Cells, stated: str | None) -> tuple[str, list[Notice]]:
    """The encoding of the texts, stated or guessed. EncodingError when a text is not valid in it."""
    pieces = [t.encode("latin-1") for t in _texts(found, cells)]
    high = [p for p in pieces if has_high_bytes(p)]
    if not high:
        return codec_name(stated or "utf-8"), []
    likely = rank_encodings(high)
    encoding = codec_name(stated) if stated else (likely or ["utf-8"])[0]
    wrong = next((p for p in high if not decodes(p, encoding)), None)
    if wrong is not None:
        others = [e for e in likely if e != encoding]
        advice = f'Try encoding="{others[0]}", which gives “{preview(high, others[0])}”.' if others else "Name another."
        source = "the stated" if stated else "the guessed"
        raise EncodingError(f"{found.name}: a text is not valid in {source} encoding {encoding}. {advice}")
    if stated:
        return encoding, []
    return encoding, [guessed_notice(found.name, encoding, high)]


def _texts(found: PorFile, cells: Cells) -> Iterable[str]:
    """Every text of the file, undecoded; texts of the data once each."""
    yield found.title
    yield from found.notes
    for variable, column in zip(found.variables, cells, strict=True):
        yield from (variable.name, variable.label, *variable.labels.values())
        if variable.width:
            yield from (t for t in (*variable.labels, *dict.fromkeys(column)) if isinstance(t, str))


def _decoder(encoding: str) -> Decode:
    return lambda text: text.encode("latin-1").decode(encoding)


def _refuse_twins(found: PorFile) -> None:
    name, count = next(iter(Counter(v.name for v in found.variables).most_common(1)), ("", 0))
    if count > 1:
        places = [i for i, v in enumerate(found.variables, 1) if v.name == name]
        raise DuplicateNameError(
            f"{found.name} has the variable name '{name}' at positions {' and '.join(map(str, places))}. "
            "Rename one of them in SPSS."
        )


def _codebook(found: PorFile, encoding: str) -> Codebook:
    decode = _decoder(encoding)
    variables = [_variable(v, decode) for v in found.variables]
    weight = decode(found.weight)
    return Codebook(
        variables={v.name: v for v in variables},
        title=decode(found.title),
        notes=tuple(decode(n) for n in found.notes),
        weight=weight if weight in {v.name for v in variables} else None,
        encoding=encoding,
    )


def _variable(found: PorVariable, decode: Decode) -> Variable:
    def code(value: float | str) -> Code:
        return decode(value) if isinstance(value, str) else value

    rule = MissingRule(tuple(code(v) for v in found.values), tuple(found.ranges))
    labels = {code(c): decode(t) for c, t in found.labels.items()}
    return Variable(
        name=decode(found.name),
        label=decode(found.label),
        labels={c: labels[c] for c in sorted(labels, key=lambda c: (isinstance(c, str), c))},
        missing=rule if rule.values or rule.ranges else None,
        measure="nominal" if found.width else "unknown",
        format=found.form,
    )


def _column(
    found: PorFile, place: int, cells: list[float | str], variable: Variable, encoding: str
) -> tuple[pd.Series, list[Notice]]:
    if found.variables[place].width:
        decode = _decoder(encoding)
        texts = {t: decode(str(t)) for t in dict.fromkeys(cells)}
        column = pd.Series([texts[t] for t in cells], name=variable.name, dtype="str")
        is_code = "" in variable.labels or (variable.missing is not None and "" in variable.missing.values)
        return column if is_code else column.where(column != ""), []
    numbers = pd.Series(np.array(cells, dtype=float), name=variable.name)
    unit = spss_unit(variable.format)
    if unit is None:
        return numbers, []
    dates, notice = convert_dates(numbers, variable, unit, SPSS_EPOCH)
    return dates, [notice] if notice else []
