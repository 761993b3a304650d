"""`survey-kit weight FILE --targets CSV`: rake a survey file to known margins and write it with its weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from survey_kit.cli.messages import MISSED, errors_in_a_sentence, printable, refuse_inputs, say

if TYPE_CHECKING:
    from survey_kit.results.weights import Weights
    from survey_kit.survey import Survey

File = Annotated[Path, typer.Argument(metavar="FILE", help="A survey file: .sav, .dta, .csv, .xlsx, .parquet ...")]
TargetFile = Annotated[
    Path,
    typer.Option("--targets", metavar="CSV", help="Targets: columns variable, category, target (shares, % or counts)."),
]
Base = Annotated[str | None, typer.Option("--base", metavar="COLUMN", help="Base weight. Default: all equal.")]
Cap = Annotated[
    float | None, typer.Option("--cap", metavar="X", help="Largest weight, in multiples of the mean weight.")
]
Floor = Annotated[float | None, typer.Option("--floor", metavar="X", help="Smallest weight, in multiples of the mean.")]
Missing = Annotated[
    str, typer.Option("--missing", metavar="RULE", help='Missing answers: "error", "own", "impute" or "ignore".')
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="COLUMN", help='Name of the new column. Default: "weight".')
]
Tolerance = Annotated[
    float, typer.Option("--tol", metavar="X", help="How near a margin must come, as part of the total.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="PATH", help="Where to write. Default: FILE's name-weighted, here."),
]
Encoding = Annotated[str | None, typer.Option("--encoding", help='Encoding of the texts, such as "cp1251".')]
Overlay = Annotated[
    Path | None, typer.Option("--codebook", metavar="PATH", help="Labels and wording to lay over the file's own.")
]


def weight(
    file: File,
    targets: TargetFile,
    base: Base = None,
    cap: Cap = None,
    floor: Floor = None,
    missing: Missing = "error",
    name: Name = None,
    tol: Tolerance = 1e-10,
    out: Out = None,
    encoding: Encoding = None,
    overlay: Overlay = None,
) -> None:
    """Rake a survey file to known margins; write it with the new weight and print what was reached.

    Exit codes: 0 all margins met; 2 something to put right in the input; 3 the targets cannot be met, and nothing is written.
    """
    from survey_kit.errors import ConvergenceError
    from survey_kit.survey import open_file
    from survey_kit.weighting import rake

    with errors_in_a_sentence():
        target = Path(f"{file.stem}-weighted{file.suffix}") if out is None else out
        refuse_inputs(target, [file, targets, *([overlay] if overlay else [])])
        poll = open_file(file, encoding=encoding, codebook=overlay)
        _refuse_taken(name, poll)
        designed = poll if base is None else poll.with_design(weight=base)
        try:
            raked = cast("Survey", rake(designed, targets, lower=floor, upper=cap, tol=tol, missing=cast(Any, missing)))
        except ConvergenceError as error:
            _missed(error)
        made = raked.weights
        assert made is not None and raked.design.weight is not None
        column = raked.design.weight if name is None else name
        lost = _with_weight(poll, made, column).save(target)
        _tell(made, column, target, [n.text for n in (*poll.notices, *lost) if n.kind != "weight" or base is None])


def _refuse_taken(name: str | None, poll: Survey) -> None:
    from survey_kit.errors import ArgumentError

    if name is not None and name in poll.codes:
        raise ArgumentError(f"The file has a column {name!r} already. Give --name another name.")


def _with_weight(poll: Survey, made: Weights, column: str) -> Survey:
    """The file as it was read, the new weight in its last column and declared as its weight."""
    from survey_kit.codebook import Variable

    variable = Variable(column, label=made.label, measure="scale")
    added = poll.with_column(made.values.rename(column), variable)
    return added.with_codebook(replace(added.codebook, weight=column))


def _missed(error: Exception) -> None:
    """The error in a sentence, what was reached, and exit code 3."""
    typer.secho(f"survey-kit: {printable(str(error))}", err=True)
    unfinished: Weights | None = getattr(error, "unfinished", None)
    if unfinished is not None:
        typer.secho(printable(repr(unfinished)), err=True)
    raise typer.Exit(MISSED)


def _tell(made: Weights, column: str, target: Path, notes: list[str]) -> None:
    say(repr(made))
    told = {str(n) for n in made.notices}
    for note in notes:
        if note not in told:
            say(f"note: {note}")
    say(f"{target}: weight {column!r} added")
