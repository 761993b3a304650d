"""`survey-kit codebook FILE`: what is in a survey file, as a page or a workbook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from survey_kit.cli.messages import errors_in_a_sentence, refuse_inputs, say

if TYPE_CHECKING:
    from survey_kit.codebook_view import SurveyCodebook
    from survey_kit.io import FileContents

File = Annotated[Path, typer.Argument(metavar="FILE", help="A survey file: .sav, .dta, .csv, .xlsx, .parquet ...")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="PATH", help="Where to write: .html or .xlsx. Default: FILE's name-codebook.html, here."
    ),
]
Weight = Annotated[
    str | None, typer.Option("--weight", metavar="COLUMN", help="Weight the percentages by this column.")
]
Find = Annotated[
    str | None, typer.Option("--find", metavar="WORDS", help="Only variables that mention all these words.")
]
Encoding = Annotated[str | None, typer.Option("--encoding", help='Encoding of the texts, such as "cp1251".')]
Overlay = Annotated[
    Path | None, typer.Option("--codebook", metavar="PATH", help="Labels and wording to lay over the file's own.")
]


def codebook(
    file: File,
    out: Out = None,
    weight: Weight = None,
    find: Find = None,
    encoding: Encoding = None,
    overlay: Overlay = None,
) -> None:
    """Write the codebook of a survey file: labels, questions, answers with counts, missing values."""
    from survey_kit.io import read_file

    with errors_in_a_sentence():
        target = Path(f"{file.stem}-codebook.html") if out is None else out
        refuse_inputs(target, [file, *([overlay] if overlay else [])])
        contents = read_file(file, encoding=encoding, codebook=overlay)
        told = _told(contents, file, weight, find)
        told.save(target)
        say(f"{target}: {told.size_text()}")
        for notice in contents.notices:
            if notice.kind != "weight" or weight is None:
                say(f"note: {notice.text}")


def _told(contents: FileContents, file: Path, weight: str | None, find: str | None) -> SurveyCodebook:
    """The codebook with the weight asked for, or a part of it."""
    from survey_kit.codebook_view import SurveyCodebook
    from survey_kit.design.design import Design
    from survey_kit.errors import UnknownNameError, unknown

    book = contents.codebook if contents.codebook.title else replace(contents.codebook, title=file.stem)
    if weight is not None and weight not in contents.codes.columns:
        raise unknown("column", weight, contents.codes.columns)
    told = SurveyCodebook.of(book, contents.codes, Design(weight=weight))
    if find is None:
        return told
    found = told.find(find)
    if not len(found):
        raise UnknownNameError(
            f"{file.name}: none of its {len(told):,} variables mentions {find!r}. Try a shorter word, or part of one."
        )
    return found
