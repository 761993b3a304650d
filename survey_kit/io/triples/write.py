"""Writing Triple-S 2.0: STEM.sss with the metadata, STEM.csv with the data."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import OutputError, ReadError, listed
from survey_kit.io.atomic import atomic_path, beside
from survey_kit.io.formula_guard import guarded
from survey_kit.io.triples.columns import Column, build_codebook, plan_columns, standard_variable
from survey_kit.io.triples.data import find_data
from survey_kit.io.triples.metadata import Survey, read_survey
from survey_kit.io.triples.notes import Note, book_note, dump_notes, variable_note
from survey_kit.io.triples.plan import Plan, plan_fields
from survey_kit.io.triples.xml import parse, read_text
from survey_kit.io.write import check_frame, check_mixed, complete, is_text
from survey_kit.schema import Notice

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_TEXT = 131_070  # characters; the reader of CSV takes two more in one cell
_HALF = re.compile("[\ud800-\udfff]")
_INT64 = 2**63


def write_triples(path: Path, codes: pd.DataFrame, codebook: Codebook) -> tuple[Notice, ...]:
    """Write STEM.sss (Triple-S 2.0, UTF-8) and STEM.csv (a header line, UTF-8). Equal data, equal bytes.

    Version 2.0 is the newest that other programs read throughout, and 3.0 has no more places for what a codebook holds.
    CSV keeps text of any length and alphabet. Labelled whole codes become `single`, other labelled codes `single` in
    literal format where every value has a label, numbers `quantity`, text `character`, dates `date`, sets of 0/1 columns or
    of coded columns `multiple`; question wording becomes a text of mode "interview". What the standard has no place for
    (missing rules, formats, measures, sets that no `multiple` can hold ...) is noted in <?survey_kit ...?> instructions,
    which other readers pass over. So reading back is the identity; `encoding` is that of the new file.

    Both files are written beside their targets first. The data are swapped in before the metadata; when that fails, the
    old data are put back. A process killed between the two leaves new data with old metadata, which `read_triples` refuses
    when the columns differ, and tells of when they do not. Raises OutputError for what cannot be written: a
    STEM.csv that does not belong to STEM.sss, categories, time zones, infinite numbers, NUL characters.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from survey_kit.codebook import Variable
        >>> from survey_kit.io import read_file
        >>> book = Codebook({"vote": Variable("vote", "Intention", {1: "Yes", 2: "No"})})
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_triples(Path(folder, "poll.sss"), pd.DataFrame({"vote": [1, 2]}), book)
        ...     contents = read_file(Path(folder, "poll.sss"))
        >>> contents.codebook["vote"].labels[2], contents.codes["vote"].tolist()
        ('No', [1, 2])
    """
    check_frame(path, codes)
    _check_columns(path, codes)
    data = path.with_suffix(".csv")
    _check_data_file(path, data)
    book = complete(codebook, codes)
    if book.weight and not pd.api.types.is_numeric_dtype(codes[book.weight].dtype):
        raise OutputError(f"{path.name}: the weight variable '{book.weight}' holds no numbers. Name a numeric one.")
    try:
        plans = list(plan_fields(codes, book))
        table = _table(codes, plans)
        text = _metadata(path, codes, book, plans, table).encode()
    except ValueError as error:
        raise OutputError(
            f"{path.name} cannot be written: its codebook holds a number that is none ({error})."
        ) from error
    with _restoring(data), atomic_path(path) as metadata_file:
        metadata_file.write_bytes(text)
        with atomic_path(data) as data_file:
            data_file.write_bytes(table)
    return _notices(codebook, book, plans)


def _check_columns(path: Path, codes: pd.DataFrame) -> None:
    if not len(codes.columns):
        raise OutputError(f"{path.name}: there are no columns to write.")
    for name in codes.columns:
        column = codes[name]
        check_mixed(path, column)
        problem = _text_problem(column) if is_text(column) else _type_problem(column) or _number_problem(column)
        if problem:
            raise OutputError(f"{path.name}: variable '{name}' {problem}")


def _type_problem(column: pd.Series) -> str:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return "holds categories; write the codes and put the labels into the codebook."
    if isinstance(kind, pd.DatetimeTZDtype):
        return "holds dates with a time zone, which Triple-S does not hold. Use .dt.tz_localize(None) first."
    known = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind)
    if known or pd.api.types.is_datetime64_dtype(kind):
        return ""
    return f"has type {kind}, which Triple-S does not hold. Convert it to numbers, text or dates first."


def _number_problem(column: pd.Series) -> str:
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return ""
    if pd.api.types.is_float_dtype(column.dtype):
        rows = np.flatnonzero(np.isinf(column.to_numpy(dtype=float, na_value=np.nan))) + 1
        return f"holds an infinite value in row {rows[0]}. Make it missing or correct it." if len(rows) else ""
    beyond = (column >= _INT64).to_numpy(dtype=bool, na_value=False) if len(column) else np.array([], dtype=bool)
    rows = np.flatnonzero(beyond) + 1
    return f"holds an integer beyond 2^63 in row {rows[0]}. Make it text." if len(rows) else ""


def _text_problem(column: pd.Series) -> str:
    for row, text in enumerate(column.tolist(), 1):
        if not isinstance(text, str):
            continue
        if "\0" in text:
            return f"holds a NUL character in row {row}. Remove it."
        if len(text) > _LONGEST_TEXT:
            return f"holds a text of more than {_LONGEST_TEXT:,} characters in row {row}. Shorten it."
        if not text.isascii() and _HALF.search(text):
            return f"holds half a character (a lone surrogate) in row {row}. Correct the text."
    return ""


def _check_data_file(path: Path, data: Path) -> None:
    """OutputError when the CSV file that would be replaced is not that of the survey that is replaced."""
    if not data.exists():
        return
    advice = f"Move {data.name} away, or write under another name."
    if not path.exists():
        raise OutputError(
            f"{path.name} keeps its data in {data.name}, and there is a file of that name already. {advice}"
        )
    try:
        text, _ = read_text(path, None)
        owned = find_data(path, read_survey(path.name, parse(path.name, text)))[0]
    except ReadError:
        owned = path
    if owned != data:
        raise OutputError(f"{data.name} is not the data file of the {path.name} that is there. {advice}")


@contextlib.contextmanager
def _restoring(data: Path) -> Iterator[None]:
    """Puts the old data file back, or takes the new one away, when the block fails.

    What a killed process leaves of it, `atomic_path` removes when the data are written next.
    """
    old = beside(data, "old")
    try:
        free, there = not os.path.lexists(data), data.is_file() and not data.is_symlink()
        before = data.stat().st_ino if there else None
        if there:
            _copy(data, old)
        try:
            yield
        except BaseException:
            if there and data.is_file() and data.stat().st_ino != before:
                os.replace(old, data)
            elif free:
                data.unlink(missing_ok=True)
            raise
    finally:
        with contextlib.suppress(OSError):
            old.unlink(missing_ok=True)


def _copy(data: Path, old: Path) -> None:
    old.unlink(missing_ok=True)
    try:
        os.link(data, old)
    except OSError:
        with contextlib.suppress(OSError):
            shutil.copy2(data, old)


def _table(codes: pd.DataFrame, plans: list[Plan]) -> bytes:
    header = ",".join('"' + guarded(p.name).replace('"', '""') + '"' for p in plans)
    rows = [",".join(row) for row in zip(*(p.cells for p in plans), strict=True)]
    return "".join(f"{line}\r\n" for line in [header, *rows]).encode()


@dataclass(frozen=True)
class _Notes:
    """What is noted of the survey and of each field."""

    survey: Note
    fields: tuple[Note, ...]


def _metadata(path: Path, codes: pd.DataFrame, book: Codebook, plans: list[Plan], table: bytes) -> str:
    """The metadata file: made without notes, read as others read it, and made again with notes of what is missing then."""
    bare = read_survey(path.name, parse(path.name, _document(book, plans, _Notes({}, ({},) * len(plans)))))
    columns = plan_columns(bare)
    names = [name for plan in plans for name in plan.columns]
    hints = [note for plan in plans for note in plan.notes or ({},) * len(plan.columns)]
    noted = [
        _column_note(c, hint, book, name, is_text(codes[name]))
        for c, hint, name in zip(columns, hints, names, strict=True)
    ]
    fields, at = [], 0
    for plan in plans:
        mine = noted[at : at + len(plan.columns)]
        at += len(plan.columns)
        fields.append({"columns": mine} if any(mine) else {})
    survey: Note = {"crc32": zlib.crc32(table)}
    if names != list(codes.columns):
        survey["order"] = list(codes.columns)
    whole = book_note(_as_read(bare, columns, fields, book), book)
    return _document(book, plans, _Notes(survey | ({"book": whole} if whole else {}), tuple(fields)))


def _column_note(column: Column, hint: Note, book: Codebook, name: str, text: bool) -> Note:
    differs = variable_note(standard_variable(column, text), book[name])
    return {**hint, "variable": differs} if differs else dict(hint)


def _as_read(bare: Survey, columns: tuple[Column, ...], fields: list[Note], book: Codebook) -> Codebook:
    """The codebook that the file gives without its notes on the survey."""
    noted = tuple(replace(f, notes=n) for f, n in zip(bare.fields, fields, strict=True))
    survey = replace(bare, fields=noted)
    return build_codebook(survey, plan_columns(survey), {}, book.encoding)[0]


def _document(book: Codebook, plans: list[Plan], notes: _Notes) -> str:
    modes = ' modes="interview"' if any(p.question for p in plans) else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<sss version="2.0"{modes}>',
        "  <origin>survey_kit</origin>",
        "  <survey>",
        f"    <title>{_text(book.title)}</title>",
        f"    {dump_notes(notes.survey)}",
        '    <record ident="A" format="csv" skip="1">',
    ]
    for number, (plan, note) in enumerate(zip(plans, notes.fields, strict=True), 1):
        lines += _variable(number, plan, note)
    lines += ["    </record>", "  </survey>", "</sss>", ""]
    return "\n".join(line for line in lines if line.strip() or not line)


def _variable(number: int, plan: Plan, note: Note) -> Iterator[str]:
    literal = ' format="literal"' if plan.literal else ""
    use = ' use="weight"' if plan.weight else ""
    yield f'      <variable ident="{number}" type="{plan.kind}"{literal}{use}>'
    yield f"        <name>{_text(plan.name)}</name>"
    question = f'<text mode="interview">{_text(plan.question)}</text>' if plan.question else ""
    yield f"        <label>{_text(plan.label)}{question}</label>"
    yield f'        <position start="{number}"/>'
    if plan.subfields:
        yield f'        <spread subfields="{plan.subfields}" width="{plan.width}"/>'
    if plan.size:
        yield f"        <size>{plan.size}</size>"
    elif plan.kind != "logical":
        yield "        <values>"
        if plan.span:
            yield f'          <range from="{plan.span[0]}" to="{plan.span[1]}"/>'
        for code, label in plan.labels.items():
            yield f"          <value code={quoteattr(code)}>{_text(label)}</value>"
        yield "        </values>"
    yield f"        {dump_notes(note)}"
    yield "      </variable>"


def _text(text: str) -> str:
    """A text with <br/> for line breaks; what XML cannot hold is a blank here, and noted."""
    return escape(_ILLEGAL.sub(" ", text)).replace("\n", "<br/>").replace("\r", " ")


def _notices(codebook: Codebook, book: Codebook, plans: list[Plan]) -> tuple[Notice, ...]:
    notices = []
    sets = [s for s in codebook.sets if s not in book.sets]
    if sets:
        text = (
            f"Triple-S files do not hold multiple-response sets whose columns are not in the data: {listed(sets)}. "
            "Add the columns, or drop the sets."
        )
        notices.append(Notice("lost", text, len(sets)))
    texts = [name for p in plans for name, note in zip(p.columns, p.notes, strict=False) if note.get("guarded")]
    if texts:
        text = f"Texts that a spreadsheet would run as a formula were given a leading quote: {listed(texts)}."
        notices.append(Notice("guard", text, len(texts)))
    names = [p.name for p in plans if guarded(p.name) != p.name]
    if names:
        text = f"Column names that a spreadsheet would run as a formula were given a leading quote: {listed(names)}."
        notices.append(Notice("guard", text, len(names)))
    return tuple(notices)
