"""`survey-kit weight FILE --targets CSV`: rake a survey file to known margins and write it with its weight."""

from __future__ import annotations

import re
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
    str | None,
    typer.Option(
        "--name", metavar="COLUMN", help='Name of the new column. Default: "weight", or "weight_2" if it exists.'
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help='Seed of the draws of "--missing impute".')]
Steps = Annotated[int, typer.Option("--max-iter", metavar="N", help="Most sweeps and steps.")]
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
    seed: Seed = 0,
    tol: Tolerance = 1e-10,
    max_iter: Steps = 1000,
    out: Out = None,
    encoding: Encoding = None,
    overlay: Overlay = None,
) -> None:
    """Rake a survey file to known margins; write it with the new weight and print what was reached.

    Exit codes: 0 all margins met; 2 something to put right in the input, such as targets that contradict each other; 3 targets
    that raking could not meet. With 2 and 3 nothing is written. An output that exists is replaced.
    """
    from survey_kit.errors import ConvergenceError
    from survey_kit.io import write_file
    from survey_kit.survey import open_file
    from survey_kit.weighting import rake

    with errors_in_a_sentence(in_shell_words):
        target = Path(f"{file.stem}-weighted{file.suffix}") if out is None else out
        refuse_inputs(target, [file, targets, *([overlay] if overlay else [])])
        poll = open_file(file, encoding=encoding, codebook=overlay)
        _refuse_taken(name, poll)
        designed = poll if base is None else poll.with_design(weight=base)
        rule: Any = {"lower": floor, "upper": cap, "tol": tol, "max_iter": max_iter, "missing": missing, "seed": seed}
        try:
            raked = cast("Survey", rake(designed, targets, **rule))
        except ConvergenceError as error:
            _missed(error)
        made = raked.weights
        assert made is not None and raked.design.weight is not None
        column = raked.design.weight if name is None else name
        done = _with_weight(poll, made, column)
        lost = write_file(target, done.codes, done.codebook)
        _tell(made, column, target, [n.text for n in (*poll.notices, *lost) if n.kind != "weight"], _unused(poll, base))


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
    typer.secho(f"survey-kit: {printable(in_shell_words(str(error)))}", err=True)
    unfinished: Weights | None = getattr(error, "unfinished", None)
    if unfinished is not None:
        typer.secho(printable(repr(unfinished)), err=True)
    raise typer.Exit(MISSED)


def _unused(poll: Survey, base: str | None) -> list[str]:
    """That the file has a weight which this weighting did not start from."""
    declared = poll.codebook.weight
    if base is not None or declared is None:
        return []
    return [f"The file's weight {declared!r} was not used. --base {declared} starts from it."]


def in_shell_words(text: str) -> str:
    """A message with the options of the command in the place of arguments of Python.

    >>> in_shell_words("With upper=1.5 no weights can meet it. Raise max_iter (now 10).")
    'With --cap 1.5 no weights can meet it. Raise --max-iter (now 10).'
    """
    for found, said in _SHELL:
        text = re.sub(found, said, text)
    return text


_SHELL = (
    (r"\bupper=", "--cap "),
    (r"\blower=", "--floor "),
    (r'\bmissing="own", "impute" or "ignore"', "--missing own, --missing impute or --missing ignore"),
    (r"\bmissing=", "--missing "),
    (r"\bmax_iter( \(now|=)", r"--max-iter\1"),
    (r"\btol( \(now|=)", r"--tol\1"),
    (r'\bencoding="([^"]*)"', r"--encoding \1"),
    (r", or give a dict or a DataFrame", ""),
)


def _tell(made: Weights, column: str, target: Path, notes: list[str], more: list[str]) -> None:
    say(repr(made))
    told = {str(n) for n in made.notices}
    for note in [*(n for n in notes if n not in told), *more]:
        say(f"note: {note}")
    say(f"{target}: weight {column!r} added")
